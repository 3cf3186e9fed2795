//! The services that run for us: starting what is needed, stopping all of it in order.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use sqlx::PgConnection;

use super::account::Account;
use super::environment::Environment;
use super::home::Home;
use super::log::Log;
use super::port;
use super::postgres::{self, Cluster};
use super::process::{Part, Process, Stray};
use super::programs::{self, Postgres, Programs};
use super::redis;
use super::signals::Signals;
use super::state::State;
use super::voice::Voice;
use crate::exit::Failure;
use crate::printer::Printer;

/// What is up; whoever holds this calls [`Services::stop`] whatever happens.
pub(super) struct Services<'a> {
    home: &'a Home,
    out: &'a Printer,
    throwaway: bool,
    server: Option<Process>,
    voice: Voice<'a>,
    redis: Option<Process>,
    postgres: Option<Process>,
}

pub(super) struct Started {
    pub state: State,
    pub has_livekit: bool,
    pub has_relay: bool,
    /// Where the programs are of what was started.
    pub programs: Vec<PathBuf>,
}

/// Another program may take a port between our look and the service's start.
const TRIES: usize = 3;

impl<'a> Services<'a> {
    pub(super) fn new(home: &'a Home, out: &'a Printer, throwaway: bool) -> Self {
        let voice = Voice::new(home, out);
        Self { home, out, throwaway, server: None, voice, redis: None, postgres: None }
    }

    /// Starts what `environment` does not have, and adds it there.
    pub(super) async fn start(&mut self, environment: &mut Environment) -> Result<Started, Failure> {
        let needs = (environment.needs_postgres(), environment.needs_redis());
        let programs = Programs::find(needs.0, needs.1, self.home.data_version())?;
        let account = if needs.0 || needs.1 { Account::choose(&self.home.data())? } else { None };
        let known = match State::load(&self.home.state())? {
            Some(state) => state,
            None => self.first_state()?,
        };
        let mut state = known.clone();
        let talk = programs::Voice::find(environment.needs_livekit(), environment.needs_relay(), self.out);
        // They need nothing of the others, and are up when those are.
        self.voice.start(&talk, environment, &mut state)?;
        if let Some(programs) = &programs.postgres {
            self.start_postgres(programs, account.as_ref(), &mut state).await?;
        }
        if let Some(program) = &programs.redis {
            self.start_redis(program, account.as_ref(), &mut state).await?;
        }
        self.voice.ready(&talk, environment, &mut state).await?;
        if state != known {
            state.save(&self.home.state())?;
        }
        let (has_livekit, has_relay) = (self.voice.has_livekit(), self.voice.has_relay());
        environment.add_state(&state);
        environment.add_voice(&state, has_livekit, has_relay);
        environment.add_razorpay(&state, self.voice.has_razorpay());
        environment.add_media(&self.home.media());
        let bins = programs.postgres.iter().map(|postgres| postgres.bin.as_path());
        let programs = bins.chain(talk.dirs()).map(Path::to_owned).collect();
        Ok(Started { state, has_livekit, has_relay, programs })
    }

    fn first_state(&self) -> Result<State, Failure> {
        if self.home.data_version().is_some() {
            return Err(Failure::user(
                "the password of the data in this directory is lost: `state.json` is gone",
            )
            .hint("`--fresh` starts over: the data in this directory is dropped"));
        }
        let state = State::generate(&banter_core::ids::Ids::System);
        state.save(&self.home.state())?;
        Ok(state)
    }

    async fn start_postgres(
        &mut self,
        programs: &Postgres,
        account: Option<&Account>,
        state: &mut State,
    ) -> Result<(), Failure> {
        let elsewhere = self.home.place_data(account).map_err(|error| {
            Failure::user(format!("no place could be made for PostgreSQL's data: {error}"))
        })?;
        let cluster = Cluster { home: self.home, programs, account, throwaway: self.throwaway };
        if self.home.data_version().is_none() {
            let place = self.home.data();
            self.out.say(format_args!("Making a PostgreSQL {} in `{}`", programs.version, place.display()));
            if let (Some(place), Some(account)) = (elsewhere, account) {
                self.out.say(format_args!(
                    "  PostgreSQL does not run as root, and {} cannot enter `{}`: hence in `{}`, with a link",
                    account.name,
                    self.home.dir().display(),
                    place.display()
                ));
            }
            cluster.init(&state.postgres.password).await?;
        }
        let log = self.log(Part::Postgres)?;
        for _ in 0..TRIES {
            state.postgres.port = Some(self.port(Part::Postgres, state.postgres.port)?);
            let process = cluster.start(state, &log).map_err(|error| not_started(Part::Postgres, &error))?;
            let process = self.postgres.insert(process);
            if postgres::ready(process, state).await.is_some() {
                let port = state.postgres.port.unwrap_or(0);
                self.out.say(format_args!("PostgreSQL {} is up on 127.0.0.1:{port}", programs.version));
                return Ok(());
            }
            if process.has_ended().is_none() || state.postgres.port.is_some_and(port::is_free) {
                break; // the port is not what kept it
            }
        }
        Err(not_up(Part::Postgres, &log))
    }

    async fn start_redis(
        &mut self,
        program: &Path,
        account: Option<&Account>,
        state: &mut State,
    ) -> Result<(), Failure> {
        let log = self.log(Part::Redis)?;
        for _ in 0..TRIES {
            state.redis.port = Some(self.port(Part::Redis, state.redis.port)?);
            let process = redis::start(program, account, &state.redis, &log, &self.home.run())
                .await
                .map_err(|error| not_started(Part::Redis, &error))?;
            let process = self.redis.insert(process);
            if redis::ready(process, &state.redis).await {
                let port = state.redis.port.unwrap_or(0);
                self.out.say(format_args!("Redis is up on 127.0.0.1:{port}"));
                return Ok(());
            }
            if process.has_ended().is_none() || state.redis.port.is_some_and(port::is_free) {
                break;
            }
        }
        Err(not_up(Part::Redis, &log))
    }

    fn port(&self, part: Part, remembered: Option<u16>) -> Result<u16, Failure> {
        let seed = format!("{} {}", self.home.dir().display(), part.slug());
        let port = port::choose(remembered, &seed, port::is_free)
            .ok_or_else(|| Failure::user("no port from 20000 to 29999 is free on 127.0.0.1"))?;
        if let Some(old) = remembered.filter(|old| *old != port) {
            self.out.say(format_args!("Port {old}, where {} was, is taken: it moves to {port}", part.name()));
        }
        Ok(port)
    }

    fn log(&self, part: Part) -> Result<Log, Failure> {
        let path = self.home.log(part.slug());
        Log::open(&path)
            .map_err(|error| Failure::user(format!("`{}` cannot be written: {error}", path.display())))
    }

    /// Takes the server into our care.
    pub(super) fn adopt(&mut self, server: Process) -> &mut Process {
        self.server.insert(server)
    }

    /// Waits until one of them ends by itself that nothing goes on without.
    pub(super) async fn first_to_end(&mut self) -> (Part, io::Result<ExitStatus>) {
        async fn end(process: &mut Option<Process>) -> (Part, io::Result<ExitStatus>) {
            match process {
                Some(process) => (process.part(), process.ended().await),
                None => std::future::pending().await,
            }
        }
        tokio::select! {
            ended = end(&mut self.server) => ended,
            never = self.voice.keep_up() => match never {},
            ended = end(&mut self.redis) => ended,
            ended = end(&mut self.postgres) => ended,
        }
    }

    pub(super) fn is_any_up(&self) -> bool {
        self.server.is_some()
            || self.voice.has_livekit()
            || self.voice.has_relay()
            || self.voice.has_razorpay()
            || self.redis.is_some()
            || self.postgres.is_some()
    }

    /// Stops everything: first who asks, then who is asked. Whoever is told to stop a second time while this waits
    /// is in a hurry: then the one we wait for is killed.
    pub(super) async fn stop(&mut self, signals: &mut Signals) {
        while let Some(process) = self
            .server
            .take()
            .or_else(|| self.voice.take())
            .or_else(|| self.redis.take())
            .or_else(|| self.postgres.take())
        {
            tokio::select! {
                () = process.stop() => {}
                _ = signals.next() => {}
            }
        }
        self.voice.clear();
    }
}

/// Stops what a run that was killed left behind.
pub(super) async fn stop_strays(home: &Home, out: &Printer) -> Result<(), Failure> {
    for stray in Stray::find(&home.run()) {
        let name = stray.part.name();
        out.say(format_args!("{name} of a run that was killed is still there: stopping it"));
        if !stray.stop().await {
            return Err(Failure::user(format!("{name} of a run that was killed could not be stopped")));
        }
    }
    Ok(())
}

/// Applies what is pending. `ours`: the database is in this directory, and may be dropped with it.
pub(super) async fn migrate(connection: &mut PgConnection, ours: bool, out: &Printer) -> Result<(), Failure> {
    let applied = banter_core::migrations::run(connection).await.map_err(|error| {
        let failure = Failure::user(format!("the migrations could not be applied: {error}"));
        failure.hint(match ours {
            true => "`--fresh` starts over: the data in this directory is dropped",
            false => "`banter migrate status` tells where that database stands",
        })
    })?;
    match applied.len() {
        0 => {}
        1 => out.say("1 migration applied"),
        count => out.say(format_args!("{count} migrations applied")),
    }
    Ok(())
}

pub(super) fn not_started(part: Part, error: &io::Error) -> Failure {
    Failure::user(format!("{} could not be started: {error}", part.name()))
}

pub(super) fn not_up(part: Part, log: &Log) -> Failure {
    Failure::user(format!("{} did not come up{}", part.name(), log.end(5)))
        .hint(format!("its whole log is `{}`", log.path().display()))
}

/// `exit code 1`, `signal 9`.
pub(super) fn describe(ended: &io::Result<ExitStatus>) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match ended {
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => format!("exit code {code}"),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => status.to_string(),
        },
        Err(error) => error.to_string(),
    }
}
