//! `banter dev exec`: a command beside the services, which go when it ends.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use sqlx::{Connection as _, PgConnection};
use tokio::process::{Child, Command};

use super::Place;
use super::environment::Environment;
use super::home::{self, Holder, Home, Opened, state_file};
use super::process::{self, Part, to_pid};
use super::programs::{self, Programs};
use super::services::{self, Services, Started};
use super::signals::{Signals, exit_code};
use super::state::{NAME, State};
use crate::exit::{ExitStatus, Failure};
use crate::printer::Printer;

/// How long a command may take to end after it was told to.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) async fn run(place: &Place, command: &[OsString], out: &Printer) -> Result<ExitStatus, Failure> {
    let mut signals = Signals::listen()?;
    let environment = place.environment()?;
    let home = match Home::open(place.dir(), Holder::Exec)? {
        Opened::Ours(home) => home,
        Opened::Held { dir, by: Holder::Dev, .. } if !place.starts_over() => {
            let environment = join(&dir, environment, out).await?;
            return run_command(command, &environment, &mut signals).await;
        }
        Opened::Held { dir, pid, .. } => {
            return Err(Failure::user(format!("`{}` is in use by process {pid}", dir.display()))
                .hint("wait for it, or name another directory with `--dir`"));
        }
    };
    place.prepare(&home, out).await?;
    let mut services = Services::new(&home, out, place.throwaway);
    let started = tokio::select! {
        signal = signals.next() => Ok(Err(signal)),
        started = start(environment, &mut services, out) => started.map(Ok),
    };
    let ended = match started {
        Ok(Ok(environment)) => run_command(command, &environment, &mut signals).await,
        Ok(Err(signal)) => Ok(ExitStatus::Code(exit_code(signal.as_raw()))),
        Err(failure) => Err(failure),
    };
    services.stop(&mut signals).await;
    if place.throwaway {
        home.clear()?;
    }
    ended
}

async fn start(
    mut environment: Environment,
    services: &mut Services<'_>,
    out: &Printer,
) -> Result<Environment, Failure> {
    let Started { state, programs, .. } = services.start(&mut environment).await?;
    environment.add_programs(programs.iter().map(PathBuf::as_path));
    environment.add_libpq(&state);
    if environment.needs_postgres() {
        migrate(&state, out).await?;
    }
    Ok(environment)
}

/// Uses the services of the `banter dev` that runs here.
async fn join(dir: &Path, mut environment: Environment, out: &Printer) -> Result<Environment, Failure> {
    let starting = || {
        Failure::user("the `banter dev` that runs here is only just starting, or stopping")
            .hint("try again in a moment, or name another directory with `--dir`")
    };
    let state = State::load(&state_file(dir))?.ok_or_else(starting)?;
    environment.add_state(&state);
    environment.add_media(&home::media(dir));
    let run = home::run(dir);
    let has = |needed, part| needed && process::runs(&run, part);
    let has_livekit = has(environment.needs_livekit(), Part::LiveKit);
    let has_relay = has(environment.needs_relay(), Part::Relay);
    environment.add_voice(&state, has_livekit, has_relay);
    let has_razorpay = has(environment.needs_razorpay(), Part::Razorpay);
    environment.add_razorpay(&state, has_razorpay);
    let programs = Programs::find(environment.needs_postgres(), false, None)?;
    let voice = programs::Voice::find(has_livekit, has_relay, out);
    let bins = programs.postgres.iter().map(|postgres| postgres.bin.as_path());
    environment.add_programs(bins.chain(voice.dirs()));
    environment.add_libpq(&state);
    if environment.needs_postgres() {
        migrate(&state, out).await.map_err(|_| starting())?;
    }
    out.say("Beside the `banter dev` that runs here");
    Ok(environment)
}

async fn migrate(state: &State, out: &Printer) -> Result<(), Failure> {
    let mut connection = PgConnection::connect(&state.database_url(NAME))
        .await
        .map_err(|error| Failure::user(format!("the private PostgreSQL does not answer: {error}")))?;
    services::migrate(&mut connection, true, out).await?;
    let _ = connection.close().await;
    Ok(())
}

/// Runs the command to its end, passing on what we are told; its exit code.
async fn run_command(
    words: &[OsString],
    environment: &Environment,
    signals: &mut Signals,
) -> Result<ExitStatus, Failure> {
    let [program, arguments @ ..] = words else { return Err(Failure::user("no command was given")) };
    let mut command = Command::new(program);
    command.args(arguments).envs(environment.stand_ins()).kill_on_drop(true);
    // In a terminal the command stays in its foreground group: it may read keys, and gets Ctrl-C itself.
    // Elsewhere it leads a group, so that what it started is told with it.
    let group = !io::stdin().is_terminal();
    if group {
        command.process_group(0);
    }
    let mut child = command.spawn().map_err(|error| {
        let program = program.to_string_lossy();
        Failure::user(format!("`{program}` could not be started: {error}"))
    })?;
    let mut patience = None;
    loop {
        tokio::select! {
            ended = child.wait() => {
                let ended = ended.map_err(|error| Failure::ours(format!("the command is lost: {error}")))?;
                return Ok(match (ended.code(), ended.signal()) {
                    (Some(0), _) => ExitStatus::Done,
                    (Some(code), _) => ExitStatus::Code(u8::try_from(code).unwrap_or(u8::MAX)),
                    (None, signal) => ExitStatus::Code(exit_code(signal.unwrap_or(0))),
                });
            }
            signal = signals.next() => {
                if group || signal != Signal::INT {
                    pass_on(&child, group, signal);
                    patience.get_or_insert_with(|| Box::pin(tokio::time::sleep(PATIENCE)));
                }
            }
            () = async { match &mut patience { Some(sleep) => sleep.await, None => std::future::pending().await } } => {
                pass_on(&child, group, Signal::KILL);
                patience = None;
            }
        }
    }
}

fn pass_on(child: &Child, group: bool, signal: Signal) {
    let Some(pid) = child.id().and_then(to_pid) else { return };
    let tell: fn(Pid, Signal) -> rustix::io::Result<()> =
        if group { kill_process_group } else { kill_process };
    let _ = tell(pid, signal);
}
