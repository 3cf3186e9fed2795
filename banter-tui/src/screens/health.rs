//! The screen `Health`: do the parts answer, and the live counts. What is known is shown with its time once it cannot
//! be known any more; what was never known is said to be unknown, never zero.

use banter_core::overview::{Count, Part};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, RenderDirection, Sparkline};

use super::words;
use crate::app::App;
use crate::desk::Look;
use crate::health::{PARTS, lateness, parts, troubles};
use crate::theme::Theme;

/// Empty columns left of what stands under a heading.
const INDENT: u16 = 3;
const GRAPH_HEIGHT: u16 = 4;

pub fn draw(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let width = usize::from(area.width);
    let head = head(app, width);
    let Some(look) = &app.health.latest else {
        frame.render_widget(Paragraph::new(head), area);
        return;
    };
    let above = [head, part_lines(app, look, width), people_lines(app, look, width)];
    let below = [message_lines(app, look, width), job_lines(app, look)];
    let text: usize = above.iter().chain(&below).map(Vec::len).sum();
    let height = usize::from(area.height);
    if text > height {
        let mut lines: Vec<_> =
            above.into_iter().chain(below).flatten().take(height.saturating_sub(1)).collect();
        let more = format!(" … {} more lines: make the window larger", text - lines.len());
        lines.push(Line::styled(more, app.theme.warn()));
        frame.render_widget(Paragraph::new(lines), area);
        return;
    }
    // Empty lines between the sections, where there is room for them and for some of the graph.
    let roomy = text + above.len() + below.len() < height;
    let join = |sections: &[Vec<Line<'static>>]| {
        let between = if roomy { &[Line::default()][..] } else { &[] };
        sections.join(between)
    };
    let (above, below) = (join(&above), join(&below));
    let length = |lines: usize| Constraint::Length(u16::try_from(lines).unwrap_or(u16::MAX));
    let [above_area, graph_area, _, below_area] = Layout::vertical([
        length(above.len()),
        Constraint::Max(GRAPH_HEIGHT),
        length(usize::from(roomy)),
        length(below.len()),
    ])
    .areas(area);
    frame.render_widget(Paragraph::new(above), above_area);
    graph(app, frame, graph_area);
    frame.render_widget(Paragraph::new(below), below_area);
}

fn head(app: &App, width: usize) -> Vec<Line<'static>> {
    let theme = app.theme;
    let title = " Banter · Health";
    let about = format!("{} · {} ", app.about.database, app.about.environment);
    let between = width.saturating_sub(title.chars().count() + about.chars().count()).max(2);
    let first = Line::from(vec![
        Span::styled(title, theme.title()),
        Span::raw(" ".repeat(between)),
        Span::styled(about, if app.about.environment == "production" { theme.warn() } else { Style::new() }),
    ]);
    let Some(look) = &app.health.latest else {
        return vec![first, Line::raw(" Asking PostgreSQL, Redis and the server. Nothing is known yet.")];
    };
    let troubles = troubles(look);
    let (verdict, style) = match troubles.len() {
        0 => ("All well".to_owned(), theme.good()),
        _ => (troubles.join("; "), theme.bad()),
    };
    let rhythm =
        if app.paused { "paused".to_owned() } else { format!("every {} s", app.about.every.as_secs()) };
    let at = words::clock(look.overview.at, look.overview.at);
    let verdict = words::wrap(&verdict, width.saturating_sub(2), 2);
    let mut lines = vec![first];
    lines.extend(verdict.into_iter().map(|line| Line::styled(format!(" {line}"), style)));
    lines.push(Line::styled(
        format!(" as of {at}, {rhythm}"),
        if app.paused { theme.warn() } else { theme.quiet() },
    ));
    lines
}

fn part_lines(app: &App, look: &Look, width: usize) -> Vec<Line<'static>> {
    let theme = app.theme;
    let mut lines = vec![section(theme, "Connections", None)];
    let connections = match &look.overview.counts {
        Ok(counts) => format!(
            "{} of {} connections",
            words::grouped(counts.connections),
            words::grouped(counts.max_connections)
        ),
        Err(_) => String::new(),
    };
    let details = [connections, String::new(), app.about.server.clone()];
    for (i, part) in parts(look).into_iter().enumerate() {
        let name = Span::raw(format!("   {:<13}", PARTS[i]));
        match part {
            Part::Up { round_trip } => lines.push(Line::from(vec![
                name,
                Span::styled("up", theme.good()),
                Span::raw(format!("{:>12}   {}", words::round_trip(*round_trip), details[i])),
            ])),
            Part::Absent => lines.push(Line::from(vec![
                name,
                Span::styled("absent", theme.warn()),
                Span::raw("   the configuration names none"),
            ])),
            Part::Away { why } => {
                let at = look.overview.at;
                let since = app.health.away_since[i].unwrap_or(at);
                lines.push(Line::from(vec![
                    name,
                    Span::styled("away", theme.bad()),
                    Span::raw(format!(
                        " since {} ({})   {}",
                        words::clock(since, at),
                        words::span(at - since),
                        details[i]
                    )),
                ]));
                let why = words::wrap(why, width.saturating_sub(17), 2);
                lines.extend(why.into_iter().map(|line| Line::raw(format!("{:16}{line}", ""))));
            }
        }
    }
    lines
}

fn people_lines(app: &App, look: &Look, width: usize) -> Vec<Line<'static>> {
    let theme = app.theme;
    let online = match (look.overview.online, &look.overview.redis) {
        (Some(online), _) => row("online now", &words::grouped(online)),
        (None, Part::Absent) => unknown(theme, "online now", "without Redis only the server itself knows"),
        (None, _) => unknown(theme, "online now", "Redis would know"),
    };
    let registered = match (&app.health.known, stale(app, look)) {
        (Some((_, counts)), None) => row("registered", &words::count(counts.people)),
        (Some((_, counts)), Some(of)) => row("registered", &format!("{} {of}", words::count(counts.people))),
        (None, _) => unknown(theme, "registered", "PostgreSQL would know"),
    };
    let history = Line::styled(history(app, width), theme.quiet());
    vec![section(theme, "People", None), registered, online, history]
}

/// The graph's caption: over what time, and between which numbers.
fn history(app: &App, width: usize) -> String {
    let shown = || app.health.online.iter().take(width.saturating_sub(INDENT.into()));
    let known = || shown().filter_map(|(_, online)| *online);
    match (known().min(), known().max(), shown().next(), shown().next_back()) {
        (Some(least), Some(most), Some((newest, _)), Some((oldest, _))) if newest > oldest => format!(
            "   online for the last {}: {} to {}",
            words::span(*newest - *oldest),
            words::grouped(least),
            words::grouped(most)
        ),
        _ => String::new(),
    }
}

fn graph(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let [_, area] = Layout::horizontal([Constraint::Length(INDENT), Constraint::Min(0)]).areas(area);
    let shown = app.health.online.iter().take(area.width.into());
    let graph = Sparkline::default()
        .data(shown.map(|(_, online)| *online))
        .direction(RenderDirection::RightToLeft)
        .style(app.theme.graph());
    frame.render_widget(graph, area);
}

fn message_lines(app: &App, look: &Look, width: usize) -> Vec<Line<'static>> {
    let theme = app.theme;
    let Some((_, counts)) = &app.health.known else {
        let why = look.overview.counts.as_ref().err().map_or("", String::as_str);
        let why = words::wrap(&format!("unknown: {why}"), width.saturating_sub(4), 2);
        let mut lines = vec![section(theme, "Messages and jobs", None)];
        lines.extend(why.into_iter().map(|line| Line::raw(format!("   {line}"))));
        return lines;
    };
    let conversations = match counts.conversations {
        Count::Exact(1) => "1 conversation".to_owned(),
        count => format!("{} conversations", words::count(count)),
    };
    let stored = format!("{} in {conversations}", words::count(counts.messages));
    vec![
        section(theme, "Messages", stale(app, look)),
        row("last minute", &words::count(counts.messages_last_minute)),
        row("stored", &stored),
    ]
}

fn job_lines(app: &App, look: &Look) -> Vec<Line<'static>> {
    let theme = app.theme;
    let Some((at, counts)) = &app.health.known else { return Vec::new() };
    let dead = if counts.jobs_dead == Count::Exact(0) { Style::new() } else { theme.bad() };
    let jobs = Line::from(vec![
        Span::raw(format!("   {:<13}", "now")),
        Span::raw(format!("{} queued   ", words::count(counts.jobs_queued))),
        Span::raw(format!("{} running   ", words::count(counts.jobs_running))),
        Span::styled(format!("{} dead", words::count(counts.jobs_dead)), dead),
    ]);
    let next = match (lateness(*at, counts), counts.jobs_next) {
        (Some(late), _) => {
            let late = format!("   {:<13}due for {} already: no worker takes it", "next", words::span(late));
            Line::styled(late, theme.bad())
        }
        (None, Some(next)) if next > *at => row("next", &format!("due in {}", words::span(next - *at))),
        (None, Some(_)) => row("next", "due now"),
        (None, None) => row("next", "none"),
    };
    vec![section(theme, "Jobs", stale(app, look)), jobs, next]
}

/// Says of when the numbers are, when they are not of this look.
fn stale(app: &App, look: &Look) -> Option<String> {
    let (at, _) = app.health.known.as_ref()?;
    (*at != look.overview.at).then(|| format!("as last known at {}", words::clock(*at, look.overview.at)))
}

fn section(theme: Theme, name: &'static str, note: Option<String>) -> Line<'static> {
    let mut spans = vec![Span::styled(format!(" {name}"), theme.title())];
    spans.extend(note.map(|note| Span::styled(format!("   {note}"), theme.warn())));
    Line::from(spans)
}

fn row(name: &str, value: &str) -> Line<'static> {
    Line::raw(format!("   {name:<13}{value}"))
}

fn unknown(theme: Theme, name: &str, why: &str) -> Line<'static> {
    Line::from(vec![
        Span::raw(format!("   {name:<13}")),
        Span::styled("unknown", theme.warn()),
        Span::raw(format!(": {why}")),
    ])
}
