//! What the screen says, at the two sizes that must be legible, and how actions change it.

use banter_core::overview::{Count, Part};
use banter_tui::action::Action;
use banter_tui::app::App;
use banter_tui::desk::Look;
use chrono::TimeDelta;
use insta::assert_snapshot;

use crate::scenes::{after_a_while, app, at, database_away, looks, screen, well};

fn take(app: &mut App, look: Look) {
    app.update(Action::Looked(Box::new(look)));
}

fn both(name: &str, app: &App) {
    assert_snapshot!(format!("{name}_100x30"), screen(app, 100, 30));
    assert_snapshot!(format!("{name}_80x24"), screen(app, 80, 24));
}

#[test]
fn before_the_first_answer_nothing_is_claimed() {
    both("loading", &app());
}

#[test]
fn all_is_well() {
    both("healthy", &after_a_while());
    assert_snapshot!("healthy_200x60", screen(&after_a_while(), 200, 60));
}

#[test]
fn the_database_away_leaves_the_last_counts_with_their_time() {
    let mut app = after_a_while();
    for seconds in [720, 722, 840] {
        take(&mut app, database_away(seconds, Some(1_100)));
    }
    both("database_away", &app);
}

#[test]
fn everything_away_from_the_beginning_still_fits() {
    let mut app = app();
    for seconds in [0, 95] {
        let mut look = database_away(seconds, None);
        look.overview.redis =
            Part::Away { why: "no answer from 127.0.0.1:6379: Connection refused (os error 111)".into() };
        take(&mut app, look);
    }
    both("everything_away", &app);
}

#[test]
fn without_redis_nobody_online_is_counted() {
    let mut app = app();
    for seconds in [0, 2] {
        let mut look = well(seconds, 0);
        look.overview.redis = Part::Absent;
        look.overview.online = None;
        take(&mut app, look);
    }
    both("redis_absent", &app);
}

#[test]
fn jobs_that_need_somebody_are_named() {
    let mut app = after_a_while();
    let mut look = well(720, 1_100);
    let counts = look.overview.counts.as_mut().unwrap();
    counts.jobs_queued = Count::MoreThan(1_000);
    counts.jobs_dead = Count::Exact(3);
    counts.jobs_next = Some(at(720) - TimeDelta::minutes(9));
    take(&mut app, look);
    both("jobs_late_and_dead", &app);
}

#[test]
fn a_schema_that_lacks_something_is_not_an_absence() {
    let mut app = app();
    let mut look = well(0, 12);
    look.overview.counts = Err(
        r#"the schema is not complete, relation "users" does not exist; run `banter migrate run`"#.into(),
    );
    take(&mut app, look);
    both("no_schema", &app);
}

#[test]
fn help_is_made_from_the_keymap() {
    let mut app = after_a_while();
    app.update(Action::ToggleHelp);
    both("help", &app);
    app.update(Action::CloseHelp);
    assert_eq!(screen(&app, 80, 24), screen(&after_a_while(), 80, 24));
}

#[test]
fn a_small_window_says_that_it_shows_only_a_part() {
    assert_snapshot!("small_60x12", screen(&after_a_while(), 60, 12));
    for (width, height) in [(1, 1), (10, 3), (30, 8), (79, 23), (500, 5)] {
        let mut app = after_a_while();
        screen(&app, width, height);
        app.update(Action::ToggleHelp);
        screen(&app, width, height);
    }
}

#[test]
fn refreshes_do_not_overlap() {
    let mut app = app();
    assert_eq!(looks(&app.update(Action::Tick)), 1);
    assert_eq!(looks(&app.update(Action::Tick)), 0, "one is under way");
    assert_eq!(looks(&app.update(Action::Refresh)), 0, "one is under way");
    take(&mut app, well(0, 1));
    assert_eq!(looks(&app.update(Action::Refresh)), 1);
}

#[test]
fn a_pause_stops_ticks_and_not_the_key() {
    let mut app = app();
    take(&mut app, well(0, 1));
    assert_eq!(looks(&app.update(Action::TogglePause)), 0);
    assert!(screen(&app, 80, 24).contains("paused"));
    assert_eq!(looks(&app.update(Action::Tick)), 0);
    assert_eq!(looks(&app.update(Action::Refresh)), 1);
    take(&mut app, well(2, 1));
    assert_eq!(looks(&app.update(Action::TogglePause)), 1, "going on looks at once");
}

#[test]
fn only_what_can_be_seen_asks_for_drawing() {
    let mut app = app();
    assert!(app.take_changed(), "the first screen");
    app.update(Action::Tick);
    app.update(Action::Refresh);
    assert!(!app.take_changed());
    take(&mut app, well(0, 1));
    assert!(app.take_changed() && !app.take_changed());
    app.update(Action::Resized);
    assert!(app.take_changed());
}

#[test]
fn since_when_starts_with_the_first_failure_and_ends_with_an_answer() {
    let mut app = app();
    take(&mut app, database_away(0, None));
    take(&mut app, database_away(60, None));
    assert!(screen(&app, 100, 30).contains("since 10:00:00 UTC (1 min)"));
    take(&mut app, well(62, 1));
    assert!(!screen(&app, 100, 30).contains("since"));
    take(&mut app, database_away(64, None));
    assert!(screen(&app, 100, 30).contains("since 10:01:04 UTC (0 s)"));
}

#[test]
fn quitting_ends() {
    let mut app = app();
    app.update(Action::Quit);
    assert!(app.over);
}
