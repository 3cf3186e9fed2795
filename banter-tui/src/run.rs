//! The loop: takes what happens, changes the state, starts tasks, draws. And the terminal: taken over here, and given
//! back whatever happens.

use std::io::{self, IsTerminal as _};
use std::sync::Arc;
use std::time::Duration;

use banter_core::config::{Config, Environment};
use ratatui::Terminal;
use ratatui::backend::Backend;
use ratatui::crossterm::event;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::action::{Action, Task};
use crate::app::{About, App};
use crate::desk::Desk;
use crate::keys;
use crate::screens;
use crate::theme::Theme;

#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Args {
    /// Look again after this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub every: u64,
}

/// Shows the console until the user leaves it. The configuration comes from the environment; an error says in words
/// for the user why the console could not be shown, or had to end.
pub async fn run(args: Args) -> io::Result<()> {
    if !io::stdout().is_terminal() {
        return Err(io::Error::other("the console needs a terminal, and standard output is not one"));
    }
    let config = Config::from_env().map_err(io::Error::other)?;
    let desk = Arc::new(Desk::new(config).map_err(io::Error::other)?);
    let config = desk.watch().config();
    let about = About {
        environment: match config.environment {
            Environment::Development => "development",
            Environment::Production => "production",
        },
        database: desk.watch().database(),
        server: config.http.public_url.clone(),
        every: Duration::from_secs(args.every),
    };
    let app = App::new(about, Theme::from_env());

    let (sender, actions) = mpsc::channel(64);
    // Dropped, and with it the tasks in it, when this function ends.
    let mut signals = JoinSet::new();
    hear_signals(&mut signals, &sender)?;
    let _given_back = GivenBack;
    let mut terminal = ratatui::try_init()?;
    hear_keys(sender)?;
    let perform = |task| {
        let desk = Arc::clone(&desk);
        async move { desk.perform(task).await }
    };
    drive(&mut terminal, app, actions, perform).await
}

/// Gives the terminal back on every way out of [`run`]; after a panic ratatui's hook has already.
struct GivenBack;

impl Drop for GivenBack {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

/// The loop itself, on any terminal. `actions` is what the user does; it ends when they cannot be heard any more.
pub async fn drive<B, F>(
    terminal: &mut Terminal<B>,
    mut app: App,
    mut actions: mpsc::Receiver<io::Result<Action>>,
    perform: impl Fn(Task) -> F,
) -> io::Result<()>
where
    B: Backend<Error: Send + Sync + 'static>,
    F: Future<Output = Action> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    let mut ticks = interval(app.about.every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !app.over {
        if app.take_changed() {
            terminal.draw(|frame| screens::draw(&app, frame)).map_err(io::Error::other)?;
        }
        let action = tokio::select! {
            action = actions.recv() => {
                action.unwrap_or_else(|| Err(io::Error::other("the terminal is gone")))?
            }
            // A task that panicked has already shown its message on the terminal given back: end.
            Some(done) = tasks.join_next() => done.map_err(io::Error::other)?,
            _ = ticks.tick() => Action::Tick,
        };
        for task in app.update(action) {
            tasks.spawn(perform(task));
        }
    }
    Ok(())
}

/// Reads keys on a thread of its own, since reading them blocks; it ends soon after the loop does.
fn hear_keys(actions: mpsc::Sender<io::Result<Action>>) -> io::Result<()> {
    let next = || if event::poll(Duration::from_millis(250))? { event::read().map(Some) } else { Ok(None) };
    let hear = move || {
        while !actions.is_closed() {
            let action = match next() {
                Ok(event) => event.as_ref().and_then(keys::action).map(Ok),
                Err(error) => Some(Err(error)),
            };
            let failed = matches!(action, Some(Err(_)));
            if action.is_some_and(|action| actions.blocking_send(action).is_err()) || failed {
                break;
            }
        }
    };
    std::thread::Builder::new().name("keys".into()).spawn(hear).map(|_| ())
}

/// Told to end from outside, or the connection to the terminal lost: the same as the key.
#[cfg(unix)]
fn hear_signals(tasks: &mut JoinSet<()>, actions: &mpsc::Sender<io::Result<Action>>) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    for kind in [SignalKind::terminate(), SignalKind::hangup(), SignalKind::interrupt()] {
        let mut signal = signal(kind)?;
        let actions = actions.clone();
        tasks.spawn(async move {
            while signal.recv().await.is_some() && actions.send(Ok(Action::Quit)).await.is_ok() {}
        });
    }
    Ok(())
}

#[cfg(not(unix))]
fn hear_signals(_: &mut JoinSet<()>, _: &mpsc::Sender<io::Result<Action>>) -> io::Result<()> {
    Ok(())
}
