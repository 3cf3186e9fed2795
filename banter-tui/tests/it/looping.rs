//! The loop itself: keys are answered while a look hangs, and a lost terminal or a panic ends it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use banter_tui::action::{Action, Task};
use banter_tui::run::drive;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::scenes::{app, well};

const DEADLINE: Duration = Duration::from_secs(10);

fn terminal() -> Terminal<TestBackend> {
    Terminal::new(TestBackend::new(80, 24)).unwrap()
}

#[tokio::test]
async fn keys_are_answered_while_a_look_hangs() {
    let mut terminal = terminal();
    let (keys, actions) = mpsc::channel(8);
    let begun = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&begun);
    let never = move |_: Task| {
        count.fetch_add(1, Ordering::Relaxed);
        std::future::pending::<Action>()
    };
    for action in [Action::Refresh, Action::Refresh, Action::ToggleHelp, Action::Quit] {
        keys.send(Ok(action)).await.unwrap();
    }
    timeout(DEADLINE, drive(&mut terminal, app(), actions, never)).await.unwrap().unwrap();
    assert_eq!(begun.load(Ordering::Relaxed), 1, "looks overlapped");
    assert!(terminal.backend().to_string().contains("open or close this help"));
}

#[tokio::test]
async fn what_a_look_found_is_drawn() {
    let mut terminal = terminal();
    let (keys, actions) = mpsc::channel(8);
    let quit_after = move |_: Task| {
        let keys = keys.clone();
        async move {
            // Comes after the look's own result: the loop takes one thing at a time and draws after each.
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(200)).await;
                keys.send(Ok(Action::Quit)).await
            });
            Action::Looked(Box::new(well(0, 17)))
        }
    };
    timeout(DEADLINE, drive(&mut terminal, app(), actions, quit_after)).await.unwrap().unwrap();
    assert!(terminal.backend().to_string().contains("All well"));
}

#[tokio::test]
async fn a_lost_terminal_ends_the_loop_with_the_reason() {
    let (keys, actions) = mpsc::channel(8);
    keys.send(Err(io::Error::other("the cable is cut"))).await.unwrap();
    let never = |_: Task| std::future::pending::<Action>();
    let ended = timeout(DEADLINE, drive(&mut terminal(), app(), actions, never)).await.unwrap();
    assert_eq!(ended.unwrap_err().to_string(), "the cable is cut");
}

#[tokio::test]
async fn a_panic_beside_the_loop_ends_it() {
    let (_keys, actions) = mpsc::channel(8);
    let bad = |_: Task| async { panic!("out of luck") };
    let ended = timeout(DEADLINE, drive(&mut terminal(), app(), actions, bad)).await.unwrap();
    assert!(ended.unwrap_err().to_string().contains("out of luck"));
}
