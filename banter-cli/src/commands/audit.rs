//! `banter audit`: the record of what staff did and looked at.

use std::path::PathBuf;

use banter_core::moderation::Staff;
use banter_core::moderation::audit::{Fault, Filter, Head, Row as Entry};
use chrono::NaiveDate;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::export::{Form, Row, export};
use super::{acting, count, ledger, user};
use crate::args::examples;
use crate::exit::{ExitStatus, Failure};
use crate::printer::Printer;
use crate::settings::{Settings, name_target, with_banter};

/// Check the record of what staff did, and take it out
#[derive(Debug, Args)]
#[command(after_help = examples!["banter audit verify" "banter audit export --from 2026-10-01 --out october.csv"])]
pub(crate) struct AuditArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Go through the whole record: is any entry changed, missing or out of its place?
    ///
    /// Every entry holds a digest over itself and the one before. Whoever can write the database could make the whole
    /// record anew: note the head that this prints somewhere else, and have it checked the next time.
    #[command(after_help = examples![
        "banter audit verify"
        "banter audit verify --expect 1042:5f0c…"
        "banter --json audit verify | jq -r .head"
    ])]
    Verify {
        /// The head as an earlier run printed it
        #[arg(long, value_name = "SEQ:DIGEST")]
        expect: Option<Head>,
    },
    /// Write the record to a file, newest first; that it was taken out is written down
    ///
    /// Days are India's.
    #[command(after_help = examples![
        "banter audit export --from 2026-10-01 --to 2026-10-31 --out october.csv"
        "banter audit export --form json --actor meera | jq -r .act | sort | uniq -c"
    ])]
    Export {
        /// From this day on; 30 days ago unless told
        #[arg(long, value_name = "YYYY-MM-DD")]
        from: Option<NaiveDate>,
        /// Up to and with this day; today unless told
        #[arg(long, value_name = "YYYY-MM-DD")]
        to: Option<NaiveDate>,
        /// Only what this person did: username, id or phone number
        #[arg(long, value_name = "NAME")]
        actor: Option<String>,
        /// Only what was done to this: `user:ID`, `case:ID`, …
        #[arg(long)]
        subject: Option<String>,
        /// Only this: `case.claim`, or `case` for all of that kind
        #[arg(long)]
        act: Option<String>,
        #[arg(long, value_enum, default_value_t = Form::Csv)]
        form: Form,
        /// Into this file, which must not be there; stdout unless told
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

#[derive(Serialize)]
struct Verdict {
    intact: bool,
    rows: i64,
    /// Where the intact part ends.
    head: String,
    #[serde(flatten)]
    fault: Option<Fault>,
}

impl Row for Entry {
    fn heading() -> &'static [&'static str] {
        &["seq", "at", "actor_id", "act", "subject", "details", "digest"]
    }

    fn cells(&self) -> Vec<String> {
        vec![
            self.seq.to_string(),
            self.at.to_rfc3339(),
            self.actor_id.map(|actor| actor.to_string()).unwrap_or_default(),
            self.act.clone(),
            self.subject.clone(),
            self.details.clone(),
            self.digest_hex(),
        ]
    }
}

pub(crate) async fn run(args: AuditArgs, settings: &Settings, out: &Printer) -> Result<ExitStatus, Failure> {
    let config = settings.for_data()?;
    match args.act {
        Act::Verify { expect } => {
            name_target(&config, out)?;
            let found = with_banter(config, async |banter| {
                Ok(banter.moderation().verify_audit(Staff::OPERATOR, expect.as_ref()).await?)
            });
            let found = found.await?;
            if out.is_json() {
                let (head, intact) = (found.head.to_string(), found.fault.is_none());
                out.json(&Verdict { intact, rows: found.rows, head, fault: found.fault });
                return Ok(if intact { ExitStatus::Done } else { ExitStatus::OurFault });
            }
            if let Some(fault) = found.fault {
                return Err(Failure::ours(format!("the audit log was tampered with: {fault}"))
                    .hint(format!("up to entry {} it is intact; compare with a backup", found.head.seq)));
            }
            let number = count(found.rows.unsigned_abs(), "entry").replace("entrys", "entries");
            out.say(format_args!("intact: {number}"));
            out.data(found.head);
        }
        Act::Export { from, to, actor, subject, act, form, out: file } => {
            let (from, to) = ledger::days(from, to)?.span();
            let number = with_banter(config, async |banter| {
                let staff = acting(banter, None).await?;
                let actor = match actor {
                    None => None,
                    Some(name) => Some(user::find(banter, &name).await?),
                };
                let filter = Filter { actor, subject, act, from: Some(from), to: Some(to) };
                export::<Entry>(form, file.as_deref(), async |sink| {
                    Ok(banter.moderation().export_audit(staff, &filter, |entry| sink.row(entry)).await?)
                })
                .await
            });
            let number = count(number.await?, "entry").replace("entrys", "entries");
            out.say(format_args!("{number} written"));
        }
    }
    Ok(ExitStatus::Done)
}
