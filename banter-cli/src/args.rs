//! What can be typed. Each command's own arguments stand in its file.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::commands::{
    audit, calls, completions, config, dev, jobs, ledger, livekit, migrate, moderators, payments, reports,
    rooms, rules, seed, stats, user,
};

/// Examples at the foot of a command's help.
macro_rules! examples {
    ($($line:literal)*) => {
        concat!("\x1b[1;4mExamples:\x1b[0m", $("\n  ", $line),*)
    };
}
pub(crate) use examples;

/// Runs and operates Banter
#[derive(Debug, Parser)]
#[command(
    name = "banter",
    version,
    disable_help_subcommand = true,
    subcommand_help_heading = "Commands",
    after_help = AFTER_HELP
)]
pub(crate) struct Args {
    /// Print JSON on stdout, failures too
    #[arg(long, global = true, help_heading = "Global options")]
    pub json: bool,
    /// No talk and no progress on stderr
    #[arg(long, short, global = true, help_heading = "Global options")]
    pub quiet: bool,
    /// Read this file instead of `.env` and `.banter/env`
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub env_file: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Dev(dev::DevArgs),
    Migrate(migrate::MigrateArgs),
    Seed(seed::SeedArgs),
    User(user::UserArgs),
    Calls(calls::CallsArgs),
    Rooms(rooms::RoomsArgs),
    Reports(reports::ReportsArgs),
    Rules(rules::RulesArgs),
    Mod(moderators::ModArgs),
    Audit(audit::AuditArgs),
    Payments(payments::PaymentsArgs),
    Ledger(ledger::LedgerArgs),
    Stats(stats::StatsArgs),
    Jobs(jobs::JobsArgs),
    #[command(name = "livekit")]
    LiveKit(livekit::LiveKitArgs),
    Config(config::ConfigArgs),
    /// The moderators' console, in this terminal
    ///
    /// Works over SSH. The same as the program `banter-tui`.
    #[command(after_help = examples![
        "banter console"
        "banter console --every 10     over a slow link"
    ])]
    Console(banter_tui::Args),
    Completions(completions::CompletionsArgs),
}

const AFTER_HELP: &str = "\
\x1b[1;4mSettings:\x1b[0m
  Environment variables; then `.env` of this directory; then `.banter/env`, which `banter dev`
  writes while it runs: beside it every command just works. `banter config show` says what
  comes from where.

\x1b[1;4mExit codes:\x1b[0m
  0  done
  1  you can fix it: the input, a setting, a service that is not running
  2  you cannot: a fault of ours, or a database that failed
  What was asked for goes to stdout; talk, progress and failures go to stderr.";
