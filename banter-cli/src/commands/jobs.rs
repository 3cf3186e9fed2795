//! `banter jobs`: work that waits, and work that was given up.

use banter_core::ids::JobId;
use banter_core::jobs::Dead;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use serde::Serialize;

use super::{count, when};
use crate::args::examples;
use crate::exit::{ExitStatus, Failure};
use crate::printer::Printer;
use crate::settings::{Settings, name_target, with_banter};
use crate::table::{Cell, bad, faint, fields, table};

/// Look at background jobs, and put back what was given up
#[derive(Debug, Args)]
#[command(after_help = examples![
    "banter jobs counts"
    "banter jobs dead"
    "banter jobs retry 01980a52-7d1c-7e3b-a1a5-d54a4bb9c0a1"
])]
pub(crate) struct JobsArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// How many are queued, running, dead
    #[command(after_help = examples!["banter --json jobs counts | jq -e '.dead == 0'"])]
    Counts,
    /// List the newest that were given up, and why
    #[command(after_help = examples!["banter jobs dead --limit 5"])]
    Dead {
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: u16,
    },
    /// Put one that was given up back into the queue, with all its attempts
    ///
    /// Every job is safe to run twice. Any server's worker takes it within seconds.
    #[command(after_help = examples!["banter jobs retry 01980a52-7d1c-7e3b-a1a5-d54a4bb9c0a1"])]
    Retry {
        /// As `banter jobs dead` shows it
        #[arg(value_parser = id)]
        id: JobId,
    },
}

fn id(text: &str) -> Result<JobId, &'static str> {
    text.parse().map_err(|_| "expected a job's id, as `banter jobs dead` shows it")
}

pub(crate) async fn run(args: JobsArgs, settings: &Settings, out: &Printer) -> Result<ExitStatus, Failure> {
    let config = settings.for_data()?;
    match args.act {
        Act::Counts => {
            let counts = with_banter(config, async |banter| Ok(banter.jobs().counts().await?)).await?;
            if out.is_json() {
                out.json(&counts);
            } else {
                let dead: Cell = if counts.dead > 0 { bad(counts.dead) } else { counts.dead.into() };
                out.data(fields(vec![
                    ("queued", counts.queued.into()),
                    ("running", counts.running.into()),
                    ("dead", dead),
                ]));
            }
        }
        Act::Dead { limit } => {
            let dead = with_banter(config, async |banter| Ok(banter.jobs().dead(limit).await?)).await?;
            show_dead(dead, out);
        }
        Act::Retry { id } => {
            name_target(&config, out)?;
            if !with_banter(config, async |banter| Ok(banter.jobs().retry(id).await?)).await? {
                return Err(Failure::user(format!("no job `{id}` was given up"))
                    .hint("`banter jobs dead` lists those that were"));
            }
            if out.is_json() {
                out.json(&Retried { retried: id });
            } else {
                out.say(format_args!("job {id} is queued again"));
            }
        }
    }
    Ok(ExitStatus::Done)
}

#[derive(Serialize)]
struct Retried {
    retried: JobId,
}

#[derive(Serialize)]
struct Report {
    jobs: Vec<ReportedJob>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReportedJob {
    id: JobId,
    kind: String,
    attempts: i32,
    last_error: Option<String>,
    finished_at: DateTime<Utc>,
}

fn show_dead(dead: Vec<Dead>, out: &Printer) {
    if out.is_json() {
        let jobs = dead.into_iter().map(|job| ReportedJob {
            id: job.id,
            kind: job.kind,
            attempts: job.attempts,
            last_error: job.last_error,
            finished_at: job.finished_at,
        });
        out.json(&Report { jobs: jobs.collect() });
        return;
    }
    if dead.is_empty() {
        out.say("no job was given up");
        return;
    }
    let number = dead.len() as u64;
    let rows = dead.into_iter().map(|job| {
        vec![
            job.id.into(),
            job.kind.into(),
            job.attempts.into(),
            when(job.finished_at).into(),
            job.last_error.map_or_else(|| faint("not known"), |error| one_line(&error).into()),
        ]
    });
    out.data(table(&["ID", "KIND", "ATTEMPTS", "GIVEN UP", "WHY"], rows.collect()));
    out.say(format_args!("\n{}; `banter jobs retry ID` puts one back", count(number, "job")));
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
