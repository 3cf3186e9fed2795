//! What is drawn: the screen, the line of keys below it, and the help over both.

pub mod health;
pub mod words;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph};

use crate::app::App;
use crate::keys::KEYMAP;

pub fn draw(app: &App, frame: &mut Frame<'_>) {
    let [screen, bottom] = Layout::vertical([Constraint::Min(0), Constraint::Length(1)]).areas(frame.area());
    health::draw(app, frame, screen);
    frame.render_widget(key_line(app), bottom);
    if app.help {
        help(app, frame);
    }
}

fn key_line(app: &App) -> Line<'static> {
    let mut spans = vec![Span::raw(" ")];
    for binding in KEYMAP.iter().filter(|binding| !binding.short.is_empty()) {
        spans.push(Span::styled(binding.keys[0].to_string(), app.theme.key()));
        spans.push(Span::raw(format!(" {}   ", binding.short)));
    }
    Line::from(spans)
}

fn help(app: &App, frame: &mut Frame<'_>) {
    let mut lines = vec![Line::default()];
    for binding in KEYMAP {
        let keys: Vec<String> = binding.keys.iter().map(ToString::to_string).collect();
        lines.push(Line::from(vec![
            Span::styled(format!("  {:<12}", keys.join(", ")), app.theme.key()),
            Span::raw(binding.meaning),
        ]));
    }
    lines.extend([
        Line::default(),
        Line::raw("  ≈ is an estimate: large tables are not counted row by row."),
        Line::raw("  Times are UTC."),
    ]);
    let area = centred(frame.area(), 66, u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2));
    let block = Block::bordered().title(" Help ").title_style(app.theme.title());
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

fn centred(area: Rect, width: u16, height: u16) -> Rect {
    area.centered(Constraint::Length(width.min(area.width)), Constraint::Length(height.min(area.height)))
}
