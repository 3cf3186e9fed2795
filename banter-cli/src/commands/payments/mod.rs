//! `banter payments`: what was paid, giving it back, and asking Razorpay.
//!
//! [`list`] · [`show`] · [`refund`] · [`reconcile`] · [`webhooks`]

mod list;
mod reconcile;
mod refund;
mod show;
mod webhooks;

use banter_core::payments;
use chrono::{Datelike as _, NaiveDate};
use clap::{Args, Subcommand};

use crate::args::examples;
use crate::exit::{ExitStatus, Failure};
use crate::printer::Printer;
use crate::settings::Settings;

/// Look at payments, give them back, compare them with Razorpay
///
/// A payment is named by its id, its receipt's number, or what Razorpay calls its order (`order_…`), the payment
/// (`pay_…`), a refund (`rfnd_…`) or the subscription (`sub_…`). Days are India's.
#[derive(Debug, Args)]
#[command(after_help = examples![
    "banter payments list --user asha"
    "banter payments show pay_29QQoUBi66xm2f"
    "banter payments refund pay_29QQoUBi66xm2f --reason \"bought by mistake\""
    "banter payments reconcile --day 2026-11-22"
    "banter payments webhooks list --state refused"
])]
pub(crate) struct PaymentsArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// List payments and refunds, newest first
    ///
    /// A page ends with the cursor of the next.
    #[command(after_help = examples![
        "banter payments list --user asha --limit 5"
        "banter payments list --status pending --until 2026-11-21"
        "banter --json payments list --kind refund | jq '[.transactions[].amount] | add'"
    ])]
    List(list::ListArgs),
    /// Show one: refunds, ledger, and what Razorpay told of it
    #[command(after_help = examples![
        "banter payments show order_IluGWxBm9U8zJ8"
        "banter payments show 01980a52-7d1c-7e3b-a1a5-d54a4bb9c0a1"
    ])]
    Show {
        /// Its id, its receipt's number, or Razorpay's name for it
        payment: String,
    },
    /// Give a payment back: its coins at once, its money by Razorpay within days
    ///
    /// Coins that are spent already become owed, and later ones pay for them. Shows what it will do, and asks for `refund`
    /// to be typed. Where Razorpay is away the refund waits, and the server's workers ask again; where it refuses, the coins
    /// come back.
    #[command(after_help = examples![
        "banter payments refund pay_29QQoUBi66xm2f --reason \"bought by mistake\""
        "banter payments refund pay_29QQoUBi66xm2f --amount 49.50 --reason \"half of it\" --yes"
    ])]
    Refund(refund::RefundArgs),
    /// Ask Razorpay what was paid, and credit what its webhooks did not tell
    ///
    /// Without more: orders that wait for over ten minutes, as the server does every five. Safe to run at any time.
    #[command(after_help = examples![
        "banter payments reconcile"
        "banter payments reconcile --day 2026-11-22"
        "banter payments reconcile --order order_IluGWxBm9U8zJ8"
    ])]
    Reconcile(reconcile::ReconcileArgs),
    /// What Razorpay told, and having it applied again
    Webhooks(webhooks::WebhooksArgs),
}

pub(crate) async fn run(
    args: PaymentsArgs,
    settings: &Settings,
    out: &Printer,
) -> Result<ExitStatus, Failure> {
    match args.act {
        Act::List(args) => list::list(args, settings, out).await,
        Act::Show { payment } => show::show(&payment, settings, out).await,
        Act::Refund(args) => refund::refund(&args, settings, out).await,
        Act::Reconcile(args) => reconcile::reconcile(&args, settings, out).await,
        Act::Webhooks(args) => webhooks::run(args, settings, out).await,
    }
}

fn failure(error: payments::Error) -> Failure {
    match error {
        payments::Error::TransactionNotFound => {
            Failure::from(error).hint("`banter payments list` gives the ids")
        }
        payments::Error::EventNotFound => {
            Failure::from(error).hint("`banter payments webhooks list` gives the ids")
        }
        payments::Error::NotRefundable => {
            Failure::from(error).hint("`banter payments show` says what was paid and what has gone back")
        }
        error => error.into(),
    }
}

fn day(text: &str) -> Result<NaiveDate, &'static str> {
    let day = text.parse::<NaiveDate>().ok().filter(|day| (2000..2200).contains(&day.year()));
    day.ok_or("expected a day such as 2026-11-22")
}
