//! `banter config`: what is set, whether it holds, what can be set.

use banter_core::config::sources::{Shown, Source};
use banter_core::config::{Config, variables};
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::args::examples;
use crate::exit::{ExitStatus, Failure};
use crate::printer::Printer;
use crate::settings::Settings;
use crate::table::{Cell, faint, notable, table};

/// See which settings hold and where they come from
#[derive(Debug, Args)]
#[command(after_help = examples![
    "banter config show"
    "banter --env-file production.env config check"
    "banter config example > .env.example"
])]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Show every variable: its value, and where that comes from
    ///
    /// Secrets are hidden; of URLs only the password is.
    #[command(after_help = examples![
        "banter config show"
        "banter --json config show | jq -r '.variables[] | select(.source == \".env\") | .name'"
    ])]
    Show,
    /// Would the server start with these settings? Every problem at once
    ///
    /// Looks at the settings alone, and asks no service. Exits with 1 when there is a problem.
    #[command(after_help = examples![
        "banter config check"
        "BANTER_ENV=production banter --env-file production.env config check"
    ])]
    Check,
    /// Print a commented `.env` with every variable and its default
    #[command(after_help = examples!["banter config example > .env"])]
    Example,
}

pub(crate) fn run(args: &ConfigArgs, settings: &Settings, out: &Printer) -> Result<ExitStatus, Failure> {
    match args.act {
        Act::Show => show(settings, out),
        Act::Check => return check(settings, out),
        Act::Example => out.data(variables::example().trim_end()),
    }
    Ok(ExitStatus::Done)
}

#[derive(Serialize)]
struct Report {
    variables: Vec<ReportedVariable>,
}

#[derive(Serialize)]
struct ReportedVariable {
    name: &'static str,
    section: &'static str,
    value: Option<String>,
    source: String,
    secret: bool,
    meaning: &'static str,
}

fn show(settings: &Settings, out: &Printer) {
    let shown: Vec<Shown> = settings.sources().show().collect();
    if out.is_json() {
        let variables = shown.into_iter().map(|shown| ReportedVariable {
            name: shown.variable.name,
            section: shown.section,
            value: shown.value,
            source: shown.source.to_string(),
            secret: shown.variable.secret,
            meaning: shown.variable.meaning,
        });
        out.json(&Report { variables: variables.collect() });
        return;
    }
    let rows = shown.into_iter().map(|shown| {
        let value = shown.value.unwrap_or_default();
        match &shown.source {
            Source::Default | Source::Unset => {
                vec![shown.variable.name.into(), faint(value), faint(shown.source)]
            }
            Source::Environment | Source::File(_) => {
                vec![shown.variable.name.into(), Cell::from(value), notable(shown.source)]
            }
        }
    });
    out.data(table(&["VARIABLE", "VALUE", "FROM"], rows.collect()));
    for fault in settings.sources().faults() {
        out.say(format_args!("warning: {fault}"));
    }
    warn_of_unknown(settings, out);
}

/// Misspelt, most often.
fn warn_of_unknown(settings: &Settings, out: &Printer) {
    for (name, path) in settings.sources().unknown() {
        out.say(format_args!("warning: {} sets {name}, which Banter does not read", path.display()));
    }
}

#[derive(Serialize)]
struct Checked {
    problems: Vec<String>,
}

fn check(settings: &Settings, out: &Printer) -> Result<ExitStatus, Failure> {
    let checked = Config::from_sources(settings.sources());
    if out.is_json() {
        let problems = checked.err().map(|problems| problems.iter().map(str::to_owned).collect());
        let problems: Vec<String> = problems.unwrap_or_default();
        let ended = if problems.is_empty() { ExitStatus::Done } else { ExitStatus::UserError };
        out.json(&Checked { problems });
        return Ok(ended);
    }
    warn_of_unknown(settings, out);
    let config = checked.map_err(|problems| Failure::from(problems).hint(crate::settings::CONFIG_HINT))?;
    out.say(format_args!(
        "the settings hold: {}, database {}, {}",
        config.environment,
        config.database.target()?,
        if config.redis.is_some() { "with Redis" } else { "without Redis: one process, in memory" }
    ));
    Ok(ExitStatus::Done)
}
