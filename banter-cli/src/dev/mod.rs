//! The private services behind `banter dev`: PostgreSQL, Redis, LiveKit, coturn and the server, run by us alone in
//! `.banter/`.
//!
//! Razorpay is played by a stand-in, at which `banter dev pay` ([`pay`]) pays without money.
//!
//! Promises: nothing of the machine's is used or changed; whatever ends a start, nothing is left running; what a
//! killed run left running is stopped by the next; a second start finds the data of the first.
//!
//! [`up`] `banter dev` · [`exec`] `banter dev exec` · [`services`] starting and stopping in order · [`postgres`] ·
//! [`redis`] · [`voice`] what Banter runs without: [`livekit`], [`relay`] and [`razorpay`] · [`server`] · [`process`] children, and strays of a killed run · [`home`] the directory and its lock ·
//! [`state`] what is kept · [`environment`] real variables and stand-ins · [`programs`] finding binaries ·
//! [`account`] who runs things for root · [`port`] · [`log`] · [`signals`] · [`tour`] what is shown

mod account;
mod environment;
pub(crate) mod exec;
mod home;
mod livekit;
mod log;
pub(crate) mod pay;
mod port;
mod postgres;
mod process;
mod programs;
pub(crate) mod razorpay;
mod redis;
mod relay;
mod server;
mod services;
mod signals;
pub(crate) mod state;
mod tour;
pub(crate) mod up;
mod voice;

use std::path::{Path, PathBuf};

use banter_core::config::Sources;

use self::environment::Environment;
use self::home::Home;
use crate::exit::Failure;
use crate::printer::Printer;

/// Where the services keep what is theirs, and for how long.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Place {
    /// Directory for data, logs and secrets [default: .banter, or .banter/throwaway]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Drop the data of earlier runs first
    #[arg(long)]
    fresh: bool,
    /// Drop the data afterwards, too, and trade its safety for speed; no variable that is set is used
    #[arg(long)]
    throwaway: bool,
}

impl Place {
    fn dir(&self) -> &Path {
        let default = if self.throwaway { ".banter/throwaway" } else { ".banter" };
        self.dir.as_deref().unwrap_or(Path::new(default))
    }

    fn starts_over(&self) -> bool {
        self.fresh || self.throwaway
    }

    /// Makes the directory ready for a start: nobody of a killed run is at work in it, and old data goes if it is
    /// to go.
    async fn prepare(&self, home: &Home, out: &Printer) -> Result<(), Failure> {
        services::stop_strays(home, out).await?;
        if self.throwaway && !self.fresh && home.is_kept() {
            return Err(Failure::user(format!("`{}` holds data that was to be kept", home.dir().display()))
                .hint("`--throwaway` drops it all: name another directory with `--dir`, or add `--fresh`"));
        }
        if self.starts_over() || home.is_throwaway() {
            home.clear()?;
        }
        if self.throwaway { home.mark_throwaway() } else { Ok(()) }
    }

    fn environment(&self) -> Result<Environment, Failure> {
        // Not `.banter/env`: what an earlier run wrote there are our own stand-ins.
        let sources = Sources::without_dev();
        if !sources.faults().is_empty() {
            return Err(Failure::user(sources.faults().join("\n")));
        }
        let environment = Environment::new(sources.values(), self.throwaway);
        environment.refuse_production()?;
        Ok(environment)
    }
}
