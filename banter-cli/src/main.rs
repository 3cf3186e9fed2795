//! The binary `banter`: runs everything on one machine, and operates what runs elsewhere.
//!
//! [`args`] what can be typed · [`commands`] one file each · [`settings`] the environment, and coming to the
//! application · [`printer`] the only writer · [`exit`] how a command ends · [`dev`] private services · [`livekit`] keys and
//! templates · [`seed`] the
//! demo people. Every rule and all SQL is `banter-core`'s.

mod args;
mod commands;
mod dev;
mod exit;
mod livekit;
mod printer;
mod seed;
mod settings;
mod table;

use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use args::{Args, Command};
use exit::{ExitStatus, Failure};
use printer::Printer;
use settings::Settings;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            let status = if error.use_stderr() { ExitStatus::UserError } else { ExitStatus::Done };
            // Whoever closed the stream does not want to read it.
            let _ = error.print();
            return status.into();
        }
    };
    let out = Printer::new(args.quiet, args.json);
    // The console draws the whole terminal: a line of the log would stand across it.
    if !matches!(args.command, Command::Console(_)) {
        log(args.quiet);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let ended = match runtime {
        Ok(runtime) => runtime.block_on(Box::pin(run(args, &out))),
        Err(error) => Err(Failure::ours(format!("no runtime could be started: {error}"))),
    };
    let status = ended.unwrap_or_else(|failure| failure.report(&out));
    match out.finish() {
        Ok(()) => status.into(),
        Err(error) => Failure::ours(format!("stdout could not be written: {error}")).report(&out).into(),
    }
}

async fn run(args: Args, out: &Printer) -> Result<ExitStatus, Failure> {
    let settings = Settings::read(args.env_file);
    match args.command {
        Command::Dev(args) => {
            settings.refuse_chosen_file("dev")?;
            Box::pin(commands::dev::run(args, out)).await
        }
        Command::Migrate(args) => commands::migrate::run(args, &settings, out).await,
        Command::Seed(args) => commands::seed::run(args, &settings, out).await,
        Command::User(args) => commands::user::run(args, &settings, out).await,
        Command::Calls(args) => commands::calls::run(args, &settings, out).await,
        Command::Rooms(args) => commands::rooms::run(args, &settings, out).await,
        Command::Reports(args) => Box::pin(commands::reports::run(args, &settings, out)).await,
        Command::Rules(args) => Box::pin(commands::rules::run(args, &settings, out)).await,
        Command::Mod(args) => commands::moderators::run(args, &settings, out).await,
        Command::Audit(args) => commands::audit::run(args, &settings, out).await,
        Command::Ledger(args) => commands::ledger::run(args, &settings, out).await,
        Command::Stats(args) => commands::stats::run(args, &settings, out).await,
        Command::Payments(args) => commands::payments::run(args, &settings, out).await,
        Command::Jobs(args) => commands::jobs::run(args, &settings, out).await,
        Command::LiveKit(args) => commands::livekit::run(args, out),
        Command::Config(args) => commands::config::run(&args, &settings, out),
        Command::Console(args) => Box::pin(commands::console::run(args, &settings)).await,
        Command::Completions(args) => commands::completions::run(&args, out),
    }
}

/// What core notices on the way goes to stderr. `BANTER_LOG` of the environment says how much; `.env` does not, as
/// what stands there is meant for the server.
fn log(quiet: bool) {
    let default = if quiet { "error" } else { "warn,sqlx=error" };
    let filter = std::env::var("BANTER_LOG").ok().and_then(|text| EnvFilter::try_new(text).ok());
    let filter = filter.unwrap_or_else(|| EnvFilter::new(default));
    let colours = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(filter)
        .with_ansi(colours)
        .with_target(false)
        .without_time()
        .init();
}
