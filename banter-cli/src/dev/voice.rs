//! LiveKit, its relay and the stand-in for Razorpay. Banter runs without them, only that calls and rooms do not connect
//! and nothing can be bought: one that is not installed is told of, and one that ends by itself is started again.

use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use tokio::time::Instant;

use super::environment::Environment;
use super::home::Home;
use super::log::Log;
use super::port;
use super::process::{Part, Process};
use super::programs::Voice as Programs;
use super::services::{describe, not_started, not_up};
use super::state::{LiveKitPorts, State};
use super::{livekit, razorpay, relay};
use crate::exit::Failure;
use crate::printer::Printer;

pub(super) struct Voice<'a> {
    home: &'a Home,
    out: &'a Printer,
    livekit: Option<Kept>,
    relay: Option<Kept>,
    razorpay: Option<Kept>,
}

/// A process that is started again when it ends.
struct Kept {
    part: Part,
    program: PathBuf,
    configuration: String,
    log: Log,
    /// The port whose answer says that it is up.
    port: u16,
    process: Option<Process>,
    since: Instant,
    /// How often in a row it ended soon.
    failures: u32,
}

/// Who ran for this long did not fail to start.
const SOUND: Duration = Duration::from_secs(30);
const TRIES: usize = 3;

enum Turn {
    Ended(io::Result<ExitStatus>),
    Due,
}

impl<'a> Voice<'a> {
    pub(super) fn new(home: &'a Home, out: &'a Printer) -> Self {
        Self { home, out, livekit: None, relay: None, razorpay: None }
    }

    /// Starts what is there and needed, without waiting for it.
    pub(super) fn start(
        &mut self,
        programs: &Programs,
        environment: &Environment,
        state: &mut State,
    ) -> Result<(), Failure> {
        let dir = self.home.dir().display().to_string();
        let choose = |remembered: Option<u16>, name: &str, is_free: &dyn Fn(u16) -> bool| {
            port::choose(remembered, &format!("{dir} {name}"), is_free)
                .ok_or_else(|| Failure::user("no port from 20000 to 29999 is free on 127.0.0.1"))
        };
        if environment.needs_razorpay() {
            let port = choose(state.razorpay.port, "razorpay", &port::is_free)?;
            state.razorpay.port = Some(port);
            let (file, webhook) = (self.home.razorpay(), environment.webhook_url("razorpay"));
            let configuration = razorpay::configuration(&state.razorpay.keys, port, &file, webhook);
            self.razorpay = Some(self.begin(Part::Razorpay, &razorpay::program()?, configuration, port)?);
        }
        if let Some(program) = &programs.relay {
            let both = |port| port::is_free(port) && port::is_free_for_udp(port);
            let port = choose(state.relay.port, "coturn", &both)?;
            state.relay.port = Some(port);
            let configuration = relay::configuration(&state.relay, &port::relayed(&dir), &self.home.run());
            self.relay = Some(self.begin(Part::Relay, program, configuration, port)?);
        }
        if let Some(program) = &programs.livekit {
            let old = state.livekit.ports;
            let relay = state.relay.port;
            let http =
                choose(old.map(|p| p.http), "livekit", &|port| Some(port) != relay && port::is_free(port))?;
            let tcp = choose(old.map(|p| p.tcp), "livekit tcp", &|port| {
                Some(port) != relay && port != http && port::is_free(port)
            })?;
            let udp = choose(old.map(|p| p.udp), "livekit udp", &|port| {
                Some(port) != relay && port::is_free_for_udp(port)
            })?;
            let ports = LiveKitPorts { http, tcp, udp };
            state.livekit.ports = Some(ports);
            let url = environment.webhook_url("livekit");
            let configuration = livekit::configuration(&state.livekit, ports, &state.relay, &url).to_string();
            self.livekit = Some(self.begin(Part::LiveKit, program, configuration, http)?);
        }
        Ok(())
    }

    fn begin(&self, part: Part, program: &Path, configuration: String, port: u16) -> Result<Kept, Failure> {
        let path = self.home.log(part.slug());
        let log = Log::open(&path)
            .map_err(|error| Failure::user(format!("`{}` cannot be written: {error}", path.display())))?;
        let (program, process, since) = (program.to_owned(), None, Instant::now());
        let mut kept = Kept { part, program, configuration, log, port, process, since, failures: 0 };
        kept.start(&self.home.run()).map_err(|error| not_started(part, &error))?;
        Ok(kept)
    }

    /// Waits until what was started answers; starts it anew where another program was first at a port.
    pub(super) async fn ready(
        &mut self,
        programs: &Programs,
        environment: &Environment,
        state: &mut State,
    ) -> Result<(), Failure> {
        for left in (0..TRIES).rev() {
            let Some(failed) = self.first_to_fail().await else { break };
            let ended = failed.process.as_mut().is_some_and(|process| process.has_ended().is_some());
            if left == 0 || !ended {
                return Err(not_up(failed.part, &failed.log));
            }
            while let Some(process) = self.take() {
                process.stop().await;
            }
            self.start(programs, environment, state)?;
        }
        for kept in [&self.livekit, &self.relay, &self.razorpay].into_iter().flatten() {
            self.out.say(format_args!("{} is up on 127.0.0.1:{}", kept.part.name(), kept.port));
        }
        Ok(())
    }

    async fn first_to_fail(&mut self) -> Option<&mut Kept> {
        for kept in [&mut self.relay, &mut self.razorpay, &mut self.livekit].into_iter().flatten() {
            let ready = match (&mut kept.process, kept.part) {
                (None, _) => false,
                (Some(process), Part::Relay) => relay::ready(process, kept.port).await,
                (Some(process), Part::Razorpay) => razorpay::ready(process, kept.port).await,
                (Some(process), _) => livekit::ready(process, kept.port).await,
            };
            if !ready {
                return Some(kept);
            }
        }
        None
    }

    /// Starts again what ends, for as long as this is waited for.
    pub(super) async fn keep_up(&mut self) -> Infallible {
        loop {
            let (kept, turn) = tokio::select! {
                turn = Kept::turn(&mut self.livekit) => (&mut self.livekit, turn),
                turn = Kept::turn(&mut self.relay) => (&mut self.relay, turn),
                turn = Kept::turn(&mut self.razorpay) => (&mut self.razorpay, turn),
            };
            let Some(kept) = kept else { continue };
            let name = kept.part.name();
            match turn {
                Turn::Ended(how) => {
                    kept.ended();
                    let (how, wait) = (describe(&how), kept.wait().as_secs());
                    self.out
                        .say(format_args!("{name} ended by itself ({how}): it is started again in {wait} s"));
                }
                Turn::Due => match kept.start(&self.home.run()) {
                    Ok(()) => self.out.say(format_args!("{name} is started again")),
                    Err(error) => {
                        kept.ended();
                        self.out.say(format_args!("{name} could not be started: {error}"));
                    }
                },
            }
        }
    }

    pub(super) fn has_livekit(&self) -> bool {
        self.livekit.is_some()
    }

    pub(super) fn has_relay(&self) -> bool {
        self.relay.is_some()
    }

    pub(super) fn has_razorpay(&self) -> bool {
        self.razorpay.is_some()
    }

    /// Whoever is to be stopped next.
    pub(super) fn take(&mut self) -> Option<Process> {
        [&mut self.razorpay, &mut self.livekit, &mut self.relay]
            .into_iter()
            .find_map(|kept| kept.take().and_then(|kept| kept.process))
    }

    /// Once nothing of it runs any more.
    pub(super) fn clear(&self) {
        relay::clear(&self.home.run());
    }
}

impl Kept {
    fn start(&mut self, run: &Path) -> io::Result<()> {
        let start = match self.part {
            Part::Relay => relay::start,
            Part::Razorpay => razorpay::start,
            _ => livekit::start,
        };
        self.process = Some(start(&self.program, &self.configuration, &self.log, run)?);
        self.since = Instant::now();
        Ok(())
    }

    fn ended(&mut self) {
        self.failures = if self.since.elapsed() < SOUND { self.failures + 1 } else { 0 };
        if let Some(process) = self.process.take() {
            process.forget();
        }
        self.since = Instant::now();
    }

    /// One second, and twice as long after each failure, to half a minute.
    fn wait(&self) -> Duration {
        Duration::from_secs(1 << self.failures.saturating_sub(1).min(5)).min(SOUND)
    }

    async fn turn(kept: &mut Option<Self>) -> Turn {
        match kept {
            Some(Self { process: Some(process), .. }) => Turn::Ended(process.ended().await),
            Some(kept) => {
                tokio::time::sleep_until(kept.since + kept.wait()).await;
                Turn::Due
            }
            None => std::future::pending().await,
        }
    }
}
