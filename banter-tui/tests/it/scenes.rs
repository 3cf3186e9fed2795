//! States made by hand, and what the console draws of them.

use std::time::Duration;

use banter_core::overview::{Count, Counts, Overview, Part};
use banter_tui::action::{Action, Task};
use banter_tui::app::{About, App};
use banter_tui::desk::Look;
use banter_tui::screens;
use banter_tui::theme::Theme;
use chrono::{DateTime, TimeDelta, Utc};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

pub(crate) fn app() -> App {
    let about = About {
        environment: "development",
        database: "banter at 127.0.0.1:5432".into(),
        server: "http://127.0.0.1:5000".into(),
        every: Duration::from_secs(2),
    };
    App::new(about, Theme::new(true))
}

/// Ten in the morning, and so many seconds.
pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    "2026-11-22T10:00:00Z".parse::<DateTime<Utc>>().expect("a time") + TimeDelta::seconds(seconds)
}

pub(crate) fn well(seconds: i64, online: u64) -> Look {
    Look {
        overview: Overview {
            at: at(seconds),
            database: Part::Up { round_trip: Duration::from_micros(420) },
            redis: Part::Up { round_trip: Duration::from_micros(180) },
            counts: Ok(Counts {
                connections: 7,
                max_connections: 100,
                people: Count::About(48_210),
                conversations: Count::About(131_072),
                messages: Count::About(12_345_678),
                messages_last_minute: Count::Exact(1_240),
                jobs_queued: Count::Exact(3),
                jobs_running: Count::Exact(1),
                jobs_dead: Count::Exact(0),
                jobs_next: Some(at(seconds + 1_500)),
            }),
            online: Some(online),
        },
        server: Part::Up { round_trip: Duration::from_micros(1_900) },
    }
}

pub(crate) fn database_away(seconds: i64, online: Option<u64>) -> Look {
    let why = "nothing listens at 127.0.0.1:5432".to_owned();
    let mut look = well(seconds, 0);
    look.overview.database = Part::Away { why: why.clone() };
    look.overview.counts = Err(why);
    look.overview.online = online;
    look.server = Part::Away { why: "it answers that it is not ready to serve (503)".into() };
    look
}

/// Twelve minutes of an ordinary morning.
pub(crate) fn after_a_while() -> App {
    let mut app = app();
    for i in 0..360_u32 {
        let online = 900 + u64::from(i * 37 % 101 + if i > 200 { i } else { 0 });
        app.update(Action::Looked(Box::new(well(i64::from(i) * 2, online))));
    }
    app
}

pub(crate) fn screen(app: &App, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("infallible");
    terminal.draw(|frame| screens::draw(app, frame)).expect("infallible");
    terminal.backend().to_string()
}

pub(crate) fn looks(tasks: &[Task]) -> usize {
    tasks.iter().filter(|task| **task == Task::Look).count()
}
