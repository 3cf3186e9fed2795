//! `banter calls`: who called whom, who talks now, and ending it.
//!
//! [`list`] · [`show`] · [`end`]

mod end;
mod list;
mod show;

use banter_core::calls;
use banter_core::ids::CallId;
use clap::{Args, Subcommand};

use crate::args::examples;
use crate::exit::{ExitStatus, Failure};
use crate::printer::Printer;
use crate::settings::Settings;

/// Look at calls, and end them
#[derive(Debug, Args)]
#[command(after_help = examples![
    "banter calls list --live"
    "banter calls show 01980a52-7d1c-7e3b-a1a5-d54a4bb9c0a1"
    "banter calls end 01980a52-7d1c-7e3b-a1a5-d54a4bb9c0a1 --reason \"somebody is in danger\""
])]
pub(crate) struct CallsArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// List calls, newest first
    ///
    /// A page ends with the cursor of the next.
    #[command(after_help = examples![
        "banter calls list --live"
        "banter calls list --user asha --limit 5"
        "banter --json calls list --live | jq -r '.calls[].id'"
    ])]
    List(list::ListArgs),
    /// Show a call, and who is in it
    #[command(after_help = examples!["banter calls show 01980a52-7d1c-7e3b-a1a5-d54a4bb9c0a1"])]
    Show {
        /// As `banter calls list` gives it
        id: CallId,
    },
    /// End a call for everybody in it
    ///
    /// Asks first. Who was in it is told as if it had been hung up.
    #[command(after_help = examples![
        "banter calls end 01980a52-7d1c-7e3b-a1a5-d54a4bb9c0a1 --reason \"somebody is in danger\""
        "banter calls end 01980a52-7d1c-7e3b-a1a5-d54a4bb9c0a1 --yes --reason \"a test\""
    ])]
    End {
        /// As `banter calls list` gives it
        id: CallId,
        /// Why; kept with the call
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

pub(crate) async fn run(args: CallsArgs, settings: &Settings, out: &Printer) -> Result<ExitStatus, Failure> {
    match args.act {
        Act::List(args) => list::list(args, settings, out).await,
        Act::Show { id } => show::show(id, settings, out).await,
        Act::End { id, reason, yes } => end::end(id, &reason, yes, settings, out).await,
    }
}

fn failure(error: calls::Error) -> Failure {
    match error {
        calls::Error::NotFound => Failure::from(error).hint("`banter calls list` gives the ids"),
        error => error.into(),
    }
}
