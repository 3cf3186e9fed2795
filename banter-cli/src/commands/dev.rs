//! `banter dev`.

use std::ffi::OsString;

use clap::{Args, Subcommand};

use crate::args::examples;
use crate::dev::{Place, exec, pay, razorpay, up};
use crate::exit::{ExitStatus, Failure};
use crate::printer::Printer;

/// Run all of Banter here, privately: PostgreSQL, Redis, LiveKit, the server, two people to try it as
///
/// Nothing of the machine's is used or changed: the services run on ports of their own with passwords of their
/// own, and keep their data in `.banter/`. Ctrl-C stops them; the next start finds the data again. A variable that
/// is set (in the environment or in `.env`) replaces its stand-in: with DATABASE_URL set, no PostgreSQL is started.
/// Where LiveKit or its relay coturn is not installed, only calls and rooms do not connect. Razorpay is played by a
/// stand-in, unless RAZORPAY_KEY_ID is set: `banter dev pay` pays there.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct DevArgs {
    #[command(flatten)]
    place: Place,
    /// Port of the server; 0 finds a free one [default: PORT, else 5000]
    #[arg(long)]
    port: Option<u16>,
    /// Leave out the demo people
    #[arg(long)]
    no_seed: bool,
    /// Leave out the server: start it yourself with the environment in `.banter/env`
    #[arg(long, conflicts_with = "port")]
    no_server: bool,
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Run a command beside the services, and stop them when it ends
    ///
    /// The command gets DATABASE_URL, REDIS_URL, LIVEKIT_SERVER_URL, TURN_URLS, RAZORPAY_API_URL, the secrets, and what PostgreSQL's own programs read (PGHOST, …).
    /// Beside a `banter dev` in the same directory it uses the services of that one. The exit code is the command's.
    Exec {
        #[command(flatten)]
        place: Place,
        /// The command and its arguments
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    },
    /// Pay an order at the stand-in for Razorpay, as a customer would
    ///
    /// Prints what the checkout gives the app, and what the server answered to the webhooks. It is no real money.
    #[command(after_help = examples![
        "banter dev pay order_Abc123Abc123Ab"
        "banter dev pay order_Abc123Abc123Ab --method card --fail"
        "banter dev pay order_Abc123Abc123Ab --late --twice     as unkindly as it gets"
        "banter dev pay sub_Abc123Abc123Ab                      a subscription's first period, or its next"
    ])]
    Pay(pay::PayArgs),
    /// Be the stand-in for Razorpay
    #[command(hide = true)]
    Razorpay,
}

pub(crate) async fn run(args: DevArgs, out: &Printer) -> Result<ExitStatus, Failure> {
    let DevArgs { place, port, no_seed, no_server, act } = args;
    match act {
        Some(Act::Pay(args)) => pay::run(args, out).await,
        Some(Act::Razorpay) => razorpay::run(out).await,
        Some(Act::Exec { place, command }) => exec::run(&place, &command, out).await,
        None => up::run(up::Options { place, port, seed: !no_seed, server: !no_server }, out).await,
    }
}
