//! The stand-in for Razorpay: a child like the others, which is this very program.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use banter_core::clock::Clock;
use banter_core::config::Sources;
use banter_core::sandbox::razorpay::{Keys, Options, Sandbox};
use serde::{Deserialize, Serialize};
use tokio::process::Command;

use super::environment::Environment;
use super::livekit;
use super::log::Log;
use super::process::{Part, Process};
use super::signals::Signals;
use crate::exit::{ExitStatus, Failure};
use crate::printer::Printer;

/// The configuration, in JSON: in the environment nobody else reads the secrets.
const VARIABLE: &str = "BANTER_STAND_IN";
/// Until an event that was not taken is sent again the first time.
const BACKOFF: Duration = Duration::from_secs(1);

#[derive(Serialize, Deserialize)]
struct Configuration {
    port: u16,
    keys: Keys,
    file: PathBuf,
    webhook: String,
}

pub(super) fn configuration(keys: &Keys, port: u16, file: &Path, webhook: String) -> String {
    let configuration = Configuration { port, keys: keys.clone(), file: file.to_owned(), webhook };
    serde_json::to_string(&configuration).expect("plain data")
}

pub(super) fn program() -> Result<PathBuf, Failure> {
    std::env::current_exe()
        .map_err(|error| Failure::ours(format!("where this program is cannot be told: {error}")))
}

pub(super) fn start(program: &Path, configuration: &str, log: &Log, run: &Path) -> io::Result<Process> {
    let mut command = Command::new(program);
    command.args(["dev", "razorpay"]).env_clear().env(VARIABLE, configuration);
    command.current_dir("/").stdin(Stdio::null()).stdout(log.stdio()?).stderr(log.stdio()?);
    Process::start(Part::Razorpay, &mut command, run)
}

/// Waits until it answers. `false`: the process ended, or took too long.
pub(super) async fn ready(process: &mut Process, port: u16) -> bool {
    livekit::answers(process, &format!("http://127.0.0.1:{port}/sandbox/health")).await
}

/// Is the stand-in, until it is told to stop.
pub(crate) async fn run(out: &Printer) -> Result<ExitStatus, Failure> {
    // Whoever is paid by a stand-in gives away for nothing.
    Environment::new(Sources::without_dev().values(), false).refuse_production()?;
    let mut signals = Signals::listen()?;
    let configuration = std::env::var(VARIABLE).ok().and_then(|text| serde_json::from_str(&text).ok());
    let Some(Configuration { port, keys, file, webhook }) = configuration else {
        return Err(Failure::user("this is started by `banter dev`").hint("start that"));
    };
    let options = Options {
        port,
        keys,
        file: Some(file),
        webhook: Some(webhook),
        backoff: BACKOFF,
        ..Options::new(Clock::System)
    };
    let sandbox = Sandbox::start(options)
        .await
        .map_err(|error| Failure::user(format!("the stand-in for Razorpay cannot start: {error}")))?;
    out.say(format_args!("The stand-in for Razorpay is up: {}", sandbox.url()));
    signals.next().await;
    drop(sandbox);
    Ok(ExitStatus::Done)
}
