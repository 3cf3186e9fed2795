//! `banter reports`: the moderators' queue from the command line.

use std::path::PathBuf;

use banter_core::ids::{CaseId, MessageId};
use banter_core::moderation::cases::{Case, Filter, Outcome, Status};
use banter_core::moderation::decide::Decision;
use banter_core::moderation::dossier::{CaseReport, Dossier};
use banter_core::moderation::orders::Ordered;
use banter_core::moderation::reasons::Reason;
use banter_core::moderation::sanctions::{Action, Order};
use banter_core::moderation::stats::Exported;
use banter_core::page::PageRequest;
use chrono::{DateTime, NaiveDate, Utc};
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;

use super::export::{Form, Row, export};
use super::{acting, count, ledger, user, when};
use crate::args::examples;
use crate::exit::{ExitStatus, Failure};
use crate::printer::Printer;
use crate::settings::{Settings, name_target, with_banter};
use crate::table::{Cell, bad, faint, fields, good, notable, table};

/// Look at what people reported, and decide it
#[derive(Debug, Args)]
#[command(after_help = examples![
    "banter reports list"
    "banter reports claim --next --as meera"
    "banter reports resolve 01980a52-7d1c-7e3b-a1a5-d54a4bb9c0a1 --as meera --action suspend --days 3 --note \"insults\""
    "banter reports resolve 01980a52-7d1c-7e3b-a1a5-d54a4bb9c0a1 --as meera --dismiss --note \"a joke among friends\""
])]
pub(crate) struct ReportsArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// List open cases, most urgent first
    ///
    /// What is past its due time stands on top, then severity × age × distinct reporters counts.
    #[command(after_help = examples![
        "banter reports list --overdue"
        "banter reports list --reason scam --limit 100"
        "banter --json reports list --status resolved | jq '.cases[].outcome'"
    ])]
    List {
        /// Only this state; open unless told
        #[arg(long, value_enum)]
        status: Option<StatusName>,
        /// Only what is reported for this
        #[arg(long)]
        reason: Option<Reason>,
        /// Only what is past its due time
        #[arg(long)]
        overdue: bool,
        /// Only what was handed up
        #[arg(long)]
        escalated: bool,
        /// Only what nobody holds
        #[arg(long)]
        free: bool,
        /// How many at most, 1 to 500
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=500))]
        limit: u16,
        /// Go on after the page that ended with this cursor
        #[arg(long, value_name = "CURSOR")]
        after: Option<String>,
    },
    /// Show a case with what was reported; the look is written down
    #[command(after_help = examples!["banter reports show 01980a52-7d1c-7e3b-a1a5-d54a4bb9c0a1 --as meera"])]
    Show {
        /// As `banter reports list` shows it
        #[arg(value_name = "CASE", value_parser = id)]
        case: CaseId,
        #[command(flatten)]
        name: As,
    },
    /// Take a case, or the most urgent one; it is held for a while
    #[command(after_help = examples![
        "banter reports claim 01980a52-7d1c-7e3b-a1a5-d54a4bb9c0a1 --as meera"
        "banter reports claim --next --as meera"
    ])]
    Claim {
        /// As `banter reports list` shows it
        #[arg(value_name = "CASE", value_parser = id, required_unless_present = "next")]
        case: Option<CaseId>,
        /// The most urgent one that nobody holds
        #[arg(long, conflicts_with = "case")]
        next: bool,
        #[command(flatten)]
        name: As,
    },
    /// Decide a case: nothing is wrong, or something is done
    ///
    /// A ban and a frozen wallet wait for a second, senior person.
    #[command(after_help = examples![
        "banter reports resolve 01980a52-7d1c-7e3b-a1a5-d54a4bb9c0a1 --as meera --dismiss --note \"nothing\""
        "banter reports resolve 01980a52-7d1c-7e3b-a1a5-d54a4bb9c0a1 --as meera --action remove_message --note \"threat\""
        "banter reports resolve 01980a52-7d1c-7e3b-a1a5-d54a4bb9c0a1 --as meera --action ban --policy scam --note \"third time\""
    ])]
    Resolve {
        /// As `banter reports list` shows it
        #[arg(value_name = "CASE", value_parser = id)]
        case: CaseId,
        #[command(flatten)]
        name: As,
        /// Nothing is wrong
        #[arg(long, conflicts_with_all = ["action", "days", "policy"], required_unless_present = "action")]
        dismiss: bool,
        /// What is done: warn, remove_message, mute, suspend, ban, remove_avatar, remove_cover, close_room, freeze_wallet
        #[arg(long)]
        action: Option<Action>,
        /// For how many days, of `suspend` and `mute`
        #[arg(long, value_name = "N")]
        days: Option<u16>,
        /// What it offends; what it was reported for unless told
        #[arg(long, value_name = "REASON")]
        policy: Option<Reason>,
        /// For staff; kept for good
        #[arg(long, value_name = "TEXT")]
        note: String,
        /// What the sanctioned person reads, in place of the usual words in their language
        #[arg(long, value_name = "TEXT")]
        notice: Option<String>,
    },
    /// File what a court or an authority orders: a case that is due within hours
    ///
    /// An open case about the same takes it up.
    #[command(after_help = examples![
        "banter reports order --user ravi --note \"Delhi HC, W.P.(C) 123/2026: take down the profile\" --as meera"
        "banter reports order --message 01980a52-7d1c-7e3b-a1a5-d54a4bb9c0a1 --note \"s. 79(3)(b), MeitY no. 7\" --as meera"
    ])]
    Order {
        /// Who it is about: username, id or phone number
        #[arg(long, value_name = "NAME", required_unless_present = "message")]
        user: Option<String>,
        /// Which message it is about
        #[arg(long, value_name = "ID", conflicts_with = "user", value_parser = message)]
        message: Option<MessageId>,
        /// Who orders what, under which number
        #[arg(long, value_name = "TEXT")]
        note: String,
        #[command(flatten)]
        name: As,
    },
    /// Write the cases of a time to a file, for reports to the public: nobody is named in it
    ///
    /// Days are India's. That it was taken out is written down.
    #[command(after_help = examples![
        "banter reports export --from 2026-10-01 --to 2026-10-31 --out october.csv"
        "banter reports export --form json > cases.json"
    ])]
    Export {
        /// From this day on; 30 days ago unless told
        #[arg(long, value_name = "YYYY-MM-DD")]
        from: Option<NaiveDate>,
        /// Up to and with this day; today unless told
        #[arg(long, value_name = "YYYY-MM-DD")]
        to: Option<NaiveDate>,
        #[arg(long, value_enum, default_value_t = Form::Csv)]
        form: Form,
        /// Into this file, which must not be there; stdout unless told
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

impl Row for Exported {
    fn heading() -> &'static [&'static str] {
        &[
            "id",
            "subject",
            "source",
            "reason",
            "severity",
            "reporters",
            "status",
            "outcome",
            "actions",
            "opened_at",
            "acknowledged_at",
            "resolve_by",
            "resolved_at",
        ]
    }

    fn cells(&self) -> Vec<String> {
        let time = |time: Option<DateTime<Utc>>| time.map(|time| time.to_rfc3339()).unwrap_or_default();
        vec![
            self.id.to_string(),
            self.subject_kind.name().to_owned(),
            self.source.name().to_owned(),
            self.reason.name().to_owned(),
            self.severity.to_string(),
            self.reporters.to_string(),
            self.status.name().to_owned(),
            self.outcome.map(Outcome::name).unwrap_or_default().to_owned(),
            self.actions.join(" "),
            time(Some(self.opened_at)),
            time(self.acknowledged_at),
            time(Some(self.resolve_by)),
            time(self.resolved_at),
        ]
    }
}

/// Who acts.
#[derive(Debug, Args)]
pub(super) struct As {
    /// Who of the staff does it: username, id or phone number
    #[arg(long = "as", value_name = "NAME", env = "BANTER_AS")]
    pub(super) name: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum StatusName {
    Open,
    /// Waits for a second person
    Awaiting,
    Resolved,
}

impl From<StatusName> for Status {
    fn from(name: StatusName) -> Self {
        match name {
            StatusName::Open => Self::Open,
            StatusName::Awaiting => Self::Awaiting,
            StatusName::Resolved => Self::Resolved,
        }
    }
}

fn id(text: &str) -> Result<CaseId, &'static str> {
    text.parse().map_err(|_| "expected a case's id, as `banter reports list` shows it")
}

fn message(text: &str) -> Result<MessageId, &'static str> {
    text.parse().map_err(|_| "expected a message's id")
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    cases: Vec<Case>,
    next_cursor: Option<String>,
}

#[derive(Serialize)]
struct One {
    case: Option<Case>,
}

pub(crate) async fn run(
    args: ReportsArgs,
    settings: &Settings,
    out: &Printer,
) -> Result<ExitStatus, Failure> {
    let config = settings.for_data()?;
    match args.act {
        Act::List { status, reason, overdue, escalated, free, limit, after } => {
            let filter = Filter {
                status: status.map(Into::into),
                reason,
                escalated: escalated.then_some(true),
                overdue,
                free,
                ..Filter::default()
            };
            let page = PageRequest { limit, cursor: after };
            let found = with_banter(config, async |banter| {
                let staff = acting(banter, None).await?;
                Ok(banter.moderation().queue(staff, &filter, &page).await?)
            });
            let found = found.await?;
            list(Listed { cases: found.items, next_cursor: found.next_cursor }, out);
        }
        Act::Show { case, name } => {
            let shown = with_banter(config, async |banter| {
                let staff = acting(banter, name.name.as_deref()).await?;
                Ok(banter.moderation().dossier(staff, case).await?)
            });
            show(&shown.await?, out);
        }
        Act::Claim { case, next: _, name } => {
            name_target(&config, out)?;
            let claimed = with_banter(config, async |banter| {
                let staff = acting(banter, name.name.as_deref()).await?;
                Ok(match case {
                    Some(case) => Some(banter.moderation().claim(staff, case).await?),
                    None => banter.moderation().claim_next(staff).await?,
                })
            });
            told(claimed.await?, out);
        }
        Act::Resolve { case, name, dismiss: _, action, days, policy, note, notice } => {
            name_target(&config, out)?;
            let decision = match action {
                None => Decision::Dismiss { note },
                Some(action) => Decision::Act(Order { action, policy, days, note, notice }),
            };
            let resolved = with_banter(config, async |banter| {
                let staff = acting(banter, name.name.as_deref()).await?;
                Ok(banter.moderation().resolve(staff, case, &decision).await?)
            });
            told(Some(resolved.await?), out);
        }
        Act::Order { user, message, note, name } => {
            name_target(&config, out)?;
            let filed = with_banter(config, async |banter| {
                let staff = acting(banter, name.name.as_deref()).await?;
                let ordered = match (message, user) {
                    (Some(message), _) => Ordered::Message(message),
                    (None, name) => Ordered::User(user::find(banter, &name.unwrap_or_default()).await?),
                };
                Ok(banter.moderation().file_order(staff, ordered, &note).await?)
            });
            told(Some(filed.await?), out);
        }
        Act::Export { from, to, form, out: file } => {
            let (from, to) = ledger::days(from, to)?.span();
            let number = with_banter(config, async |banter| {
                let staff = acting(banter, None).await?;
                export::<Exported>(form, file.as_deref(), async |sink| {
                    Ok(banter.moderation().export_cases(staff, from, to, |case| sink.row(case)).await?)
                })
                .await
            });
            out.say(format_args!("{} written", count(number.await?, "case")));
        }
    }
    Ok(ExitStatus::Done)
}

fn state(case: &Case) -> Cell {
    match case.status {
        Status::Open if case.is_escalated => notable("escalated"),
        Status::Open => "open".into(),
        Status::Awaiting => notable("awaits a second person"),
        Status::Resolved => match case.outcome {
            Some(Outcome::ActionTaken) => good("action taken"),
            Some(Outcome::Dismissed) | None => faint("dismissed"),
        },
    }
}

fn due(case: &Case) -> Cell {
    if case.is_overdue { bad(when(case.resolve_by)) } else { when(case.resolve_by).into() }
}

fn holder(case: &Case) -> Cell {
    match &case.claimed_by {
        None => faint("nobody"),
        Some(holder) => holder.username.clone().unwrap_or_else(|| holder.full_name.clone()).into(),
    }
}

fn list(listed: Listed, out: &Printer) {
    if out.is_json() {
        out.json(&listed);
        return;
    }
    if listed.cases.is_empty() {
        out.say("no case fits");
        return;
    }
    let rows = listed.cases.iter().map(|case| {
        vec![
            case.id.into(),
            case.reason.name().into(),
            case.subject_kind.name().into(),
            case.user.username.clone().unwrap_or_else(|| case.user.full_name.clone()).into(),
            case.reporters.to_string().into(),
            format!("{:.0}", case.priority).into(),
            due(case),
            holder(case),
            state(case),
        ]
    });
    let heading = ["ID", "REASON", "WHAT", "ABOUT", "REPORTERS", "PRIORITY", "DUE", "HELD BY", "STATE"];
    out.data(table(&heading, rows.collect()));
    let number = count(listed.cases.len() as u64, "case");
    match listed.next_cursor {
        Some(cursor) => out.say(format_args!("\n{number}, and there are more: --after {cursor}")),
        None => out.say(format_args!("\n{number}")),
    }
}

fn told(case: Option<Case>, out: &Printer) {
    if out.is_json() {
        out.json(&One { case });
        return;
    }
    let Some(case) = case else {
        out.say("nothing waits");
        return;
    };
    let about = case.user.username.clone().unwrap_or_else(|| case.user.full_name.clone());
    let how = match (case.status, case.claimed_until) {
        (Status::Open, Some(until)) => format!("is held until {}", when(until)),
        (Status::Open, None) => "is open".to_owned(),
        (Status::Awaiting, _) => "waits for a second person".to_owned(),
        (Status::Resolved, _) => "is decided".to_owned(),
    };
    out.say(format_args!("case {} about {about} ({}) {how}", case.id, case.reason));
}

fn show(shown: &Dossier, out: &Printer) {
    if out.is_json() {
        out.json(shown);
        return;
    }
    let (case, person) = (&shown.case, &shown.person);
    let record = &person.reports;
    let recommended = match shown.recommendation.days {
        None => shown.recommendation.action.name().to_owned(),
        Some(days) => format!("{} for {}", shown.recommendation.action.name(), count(days.into(), "day")),
    };
    out.data(fields(vec![
        ("id", case.id.into()),
        ("reason", case.reason.name().into()),
        ("what", format!("{} {}", case.subject_kind.name(), case.subject_id).into()),
        ("about", person.user.username.clone().unwrap_or_else(|| person.user.full_name.clone()).into()),
        ("their account", person.account_status.clone().into()),
        ("strikes", person.strikes.to_string().into()),
        ("their reports", format!("{} filed, {} dismissed", record.filed, record.dismissed).into()),
        ("reporters", case.reporters.to_string().into()),
        ("state", state(case)),
        ("held by", holder(case)),
        ("opened", when(case.opened_at).into()),
        ("due", due(case)),
        ("recommended", recommended.into()),
    ]));
    for report in &shown.reports {
        out.data("");
        out.data(words(report));
    }
    if !shown.notes.is_empty() {
        let notes = shown.notes.iter().map(|note| {
            let author = note.author.username.clone().unwrap_or_else(|| note.author.full_name.clone());
            vec![when(note.created_at).into(), author.into(), note.words.clone().into()]
        });
        out.data("");
        out.data(table(&["NOTED", "BY", "NOTE"], notes.collect()));
    }
}

fn words(report: &CaseReport) -> String {
    let by = report.reporter.username.clone().unwrap_or_else(|| report.reporter.full_name.clone());
    let false_rate = report.reporter_record.false_rate.map_or_else(
        || "no decided report before".to_owned(),
        |rate| format!("{:.0} % of their reports were dismissed", rate * 100.0),
    );
    let mut text =
        format!("{} reported {} for {} ({false_rate})", by, when(report.created_at), report.reason);
    if let Some(description) = &report.description {
        text += &format!("\n  “{description}”");
    }
    if let Some(evidence) = &report.evidence {
        let pretty = serde_json::to_string_pretty(evidence).unwrap_or_default();
        for line in pretty.lines() {
            text += &format!("\n  {line}");
        }
    }
    text
}
