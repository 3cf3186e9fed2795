//! `banter migrate`: the schema's history.

use banter_core::migrations::{Error, State, Status};
use clap::{Args, Subcommand};
use serde::Serialize;

use super::count;
use crate::args::examples;
use crate::exit::{ExitStatus, Failure};
use crate::printer::Printer;
use crate::settings::{Settings, name_target, with_banter};
use crate::table::{bad, good, notable, table};

/// Bring the database's schema up to date, or see where it stands
///
/// Migrations only go forward, and every one of them works with the servers of the release before it: run them
/// first, then roll out the new servers.
#[derive(Debug, Args)]
#[command(after_help = examples![
    "banter migrate status     what is applied, what is pending"
    "banter migrate verify     would it go well? Tries, and takes everything back"
    "banter migrate run        apply what is pending"
])]
pub(crate) struct MigrateArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Apply what is pending
    ///
    /// Each migration is a transaction of its own; after a failure those before it stay applied, and running again
    /// goes on from there. Several may run this at once: one works, the others wait.
    #[command(after_help = examples![
        "banter migrate run"
        "banter --json migrate run | jq .applied"
    ])]
    Run,
    /// Show every migration and whether it is applied
    ///
    /// `applied`; `pending`; `changed`: the file was edited after it was applied; `unknown`: applied by another
    /// version of Banter. Exits with 1 when one is changed or unknown, with 0 otherwise, pending ones included.
    #[command(after_help = examples![
        "banter migrate status"
        "banter --json migrate status | jq -e 'all(.migrations[]; .state == \"applied\")'"
    ])]
    Status,
    /// Try what is pending inside a transaction that is taken back
    ///
    /// Nothing is changed. Exits with 1 and the reason when a migration would fail. It needs the same locks as the
    /// real run, but waits 3 seconds for them at most.
    #[command(after_help = examples!["banter migrate verify && banter migrate run"])]
    Verify,
}

pub(crate) async fn run(
    args: MigrateArgs,
    settings: &Settings,
    out: &Printer,
) -> Result<ExitStatus, Failure> {
    match args.act {
        Act::Run => apply(settings, out).await,
        Act::Status => status(settings, out).await,
        Act::Verify => verify(settings, out).await,
    }
}

#[derive(Serialize)]
struct Applied {
    applied: Vec<i64>,
}

async fn apply(settings: &Settings, out: &Printer) -> Result<ExitStatus, Failure> {
    let config = settings.for_data()?;
    name_target(&config, out)?;
    let (applied, all) = with_banter(config, async |banter| {
        let applied = banter.migrations().run().await.map_err(explain)?;
        Ok((applied, banter.migrations().status().await?))
    })
    .await?;
    if out.is_json() {
        out.json(&Applied { applied });
        return Ok(ExitStatus::Done);
    }
    for migration in all.iter().filter(|migration| applied.contains(&migration.version)) {
        out.say(format_args!("  applied {} {}", migration.version, migration.description));
    }
    match applied.len() {
        0 => out.say(format_args!("nothing to do: all {} are applied", count(all.len() as u64, "migration"))),
        some => out.say(format_args!("{} applied", count(some as u64, "migration"))),
    }
    Ok(ExitStatus::Done)
}

fn explain(error: Error) -> Failure {
    let hint = match &error {
        Error::Changed(_) => "put the file back as it was, and write a new migration for what is new",
        Error::Unknown(_) => "use the `banter` that this database was migrated with, or a newer one",
        Error::Failed { .. } => {
            "what came before it is applied; `banter migrate run` goes on from there once that is repaired"
        }
        Error::Database(_) | Error::Other(_) => return error.into(),
    };
    Failure::from(error).hint(hint)
}

#[derive(Serialize)]
struct Report {
    migrations: Vec<Status>,
}

async fn status(settings: &Settings, out: &Printer) -> Result<ExitStatus, Failure> {
    let config = settings.for_data()?;
    let all = with_banter(config, async |banter| Ok(banter.migrations().status().await?)).await?;
    let of = |state| all.iter().filter(|migration| migration.state == state).count() as u64;
    let (pending, changed, unknown) = (of(State::Pending), of(State::Changed), of(State::Unknown));
    let ended = if changed + unknown > 0 { ExitStatus::UserError } else { ExitStatus::Done };
    if out.is_json() {
        out.json(&Report { migrations: all });
        return Ok(ended);
    }
    let rows = all.iter().map(|migration| {
        let state = match migration.state {
            State::Applied => good("applied"),
            State::Pending => notable("pending"),
            State::Changed => bad("changed"),
            State::Unknown => bad("unknown"),
        };
        vec![migration.version.into(), state, migration.description.as_str().into()]
    });
    out.data(table(&["VERSION", "STATE", "DESCRIPTION"], rows.collect()));
    if changed > 0 {
        out.say(format_args!(
            "\n{changed} changed: a file was edited after it was applied; put it back, and write a new migration"
        ));
    }
    if unknown > 0 {
        out.say(format_args!(
            "\n{unknown} unknown: the database is newer than this `banter`, or another program's"
        ));
    }
    match pending {
        0 if ended == ExitStatus::Done => out.say("\nnothing is pending"),
        0 => {}
        some => out.say(format_args!("\n{some} pending: `banter migrate run` applies them")),
    }
    Ok(ended)
}

#[derive(Serialize)]
struct Verified {
    /// Those that were tried, and would apply.
    verified: Vec<i64>,
}

async fn verify(settings: &Settings, out: &Printer) -> Result<ExitStatus, Failure> {
    let config = settings.for_data()?;
    name_target(&config, out)?;
    let (tried, all) = with_banter(config, async |banter| {
        let tried = banter.migrations().verify().await.map_err(|error| match error {
            Error::Failed { .. } => Failure::from(error).hint("this was a trial: nothing was changed"),
            error => explain(error),
        })?;
        Ok((tried, banter.migrations().status().await?))
    })
    .await?;
    if out.is_json() {
        out.json(&Verified { verified: tried });
        return Ok(ExitStatus::Done);
    }
    let pending: Vec<_> = all.iter().filter(|migration| migration.state == State::Pending).collect();
    for migration in &pending {
        let verdict = if tried.contains(&migration.version) {
            "would apply"
        } else {
            "cannot be tried: it does not run inside a transaction"
        };
        out.say(format_args!("  {} {}: {verdict}", migration.version, migration.description));
    }
    match pending.len() {
        0 => out.say("nothing is pending"),
        some => out.say(format_args!(
            "{} tried and taken back; nothing was changed",
            count(some as u64, "migration")
        )),
    }
    Ok(ExitStatus::Done)
}
