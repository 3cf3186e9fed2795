//! `banter rules`: the automatic rules over what people write.

use std::path::{Path, PathBuf};

use banter_core::config::Config;
use banter_core::moderation::Staff;
use banter_core::moderation::reasons::Reason;
use banter_core::moderation::rules::keep::{Change, Kept, defaults};
use banter_core::moderation::rules::matching::Compiled;
use banter_core::moderation::rules::trial::Trial;
use banter_core::moderation::rules::{Action, Rule, State, Test};
use chrono::TimeDelta;
use clap::{Args, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};

use super::reports::As;
use super::{acting, count, when};
use crate::args::examples;
use crate::exit::{ExitStatus, Failure};
use crate::printer::Printer;
use crate::settings::{Settings, name_target, with_banter};
use crate::table::{Cell, faint, good, notable, table};

/// Find by rules what people write, and flag, hold or block it
#[derive(Debug, Args)]
#[command(after_help = examples![
    "banter rules add --defaults            rules to begin with, which only count"
    "banter rules test scams.toml --days 7  what they would have found"
    "banter rules add scams.toml --as meera"
    "banter rules enable upi-scam --as meera"
])]
pub(crate) struct RulesArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// List the rules, and what they found in the last seven days
    #[command(after_help = examples!["banter rules list" "banter --json rules list | jq '.rules[] | select(.state == \"on\")'"])]
    List,
    /// Print a rule as `banter rules add` takes it
    #[command(after_help = examples!["banter rules show upi-scam > upi-scam.toml"])]
    Show {
        /// As `banter rules list` shows it
        rule: String,
    },
    /// Add the rules of a file, all of them or none; they only count until they are enabled
    #[command(after_help = FILE)]
    Add {
        /// TOML; `-` reads stdin
        #[arg(required_unless_present = "defaults")]
        file: Option<PathBuf>,
        /// Those to begin with that are not there yet: payments, phone numbers, links, lottery and OTP scams, floods, new
        /// accounts
        #[arg(long, conflicts_with = "file")]
        defaults: bool,
        #[arg(long, value_enum, default_value_t = StateName::Shadow)]
        state: StateName,
        #[command(flatten)]
        by: As,
    },
    /// Show what rules would have found in the messages that are stored; changes nothing
    ///
    /// Whether two are friends is not asked, so that a rule that spares friends finds less in use. Rules that count what
    /// comes one after the other cannot be tried so. With `--show` you read what people wrote: that is written down.
    #[command(after_help = examples![
        "banter rules test scams.toml"
        "banter rules test --days 1 --show 5 --as meera    the rules that are kept"
    ])]
    Test {
        /// TOML; `-` reads stdin; the rules that are kept unless told
        file: Option<PathBuf>,
        /// In messages of so many days
        #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3650))]
        days: u16,
        /// In so many messages at most, the oldest first
        #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
        /// Print so many messages a rule
        #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(..=100))]
        show: u16,
        #[command(flatten)]
        by: As,
    },
    /// Let a rule act
    #[command(after_help = examples!["banter rules enable upi-scam --as meera"])]
    Enable {
        /// As `banter rules list` shows it
        rule: String,
        #[command(flatten)]
        by: As,
    },
    /// Let a rule count, and do nothing
    #[command(after_help = examples!["banter rules shadow upi-scam --as meera"])]
    Shadow {
        /// As `banter rules list` shows it
        rule: String,
        #[command(flatten)]
        by: As,
    },
    /// Switch a rule off
    #[command(after_help = examples!["banter rules disable upi-scam --as meera"])]
    Disable {
        /// As `banter rules list` shows it
        rule: String,
        #[command(flatten)]
        by: As,
    },
    /// Remove a rule; what it found stays
    #[command(after_help = examples!["banter rules show upi-scam > kept.toml && banter rules remove upi-scam --as meera"])]
    Remove {
        /// As `banter rules list` shows it
        rule: String,
        #[command(flatten)]
        by: As,
    },
}

const FILE: &str = concat!(
    "\x1b[1;4mThe file:\x1b[0m",
    r#"
  [[rule]]
  name = "upi-scam"
  action = "hold"           # flag, hold or block
  reason = "scam"           # what it offends
  spares_friends = true     # finds nothing between friends; so unless told
  test = { kind = "regex", pattern = '\bpay ?tm\b.*\b(refund|reward)\b' }
  # or { kind = "keywords", words = ["kbc lottery", "otp batao"] }
  # or { kind = "leak", kinds = ["phone", "upi", "link", "handle"] }
  # or { kind = "flood", times = 10, seconds = 600 }
  # or { kind = "new_account", days = 1, hourly = 120 }

"#,
    examples!["banter rules add scams.toml --as meera" "banter rules add --defaults"]
);

#[derive(Clone, Copy, Debug, ValueEnum)]
enum StateName {
    Off,
    /// Only counts
    Shadow,
    On,
}

impl From<StateName> for State {
    fn from(name: StateName) -> Self {
        match name {
            StateName::Off => Self::Off,
            StateName::Shadow => Self::Shadow,
            StateName::On => Self::On,
        }
    }
}

/// A file of rules.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct File {
    rule: Vec<Entry>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    action: Action,
    reason: Reason,
    #[serde(default = "spares")]
    spares_friends: bool,
    test: Test,
}

fn spares() -> bool {
    true
}

impl From<Entry> for Rule {
    fn from(entry: Entry) -> Self {
        Self {
            name: entry.name,
            test: entry.test,
            action: entry.action,
            reason: entry.reason,
            spares_friends: entry.spares_friends,
        }
    }
}

#[derive(Serialize)]
struct Listed {
    rules: Vec<Kept>,
}

#[derive(Serialize)]
struct Removed {
    removed: String,
}

impl From<Kept> for Entry {
    fn from(kept: Kept) -> Self {
        Self {
            name: kept.name,
            action: kept.action,
            reason: kept.reason,
            spares_friends: kept.spares_friends,
            test: kept.test,
        }
    }
}

pub(crate) async fn run(args: RulesArgs, settings: &Settings, out: &Printer) -> Result<ExitStatus, Failure> {
    let config = settings.for_data()?;
    match args.act {
        Act::List => {
            let rules =
                with_banter(config, async |banter| Ok(banter.moderation().rules(Staff::OPERATOR).await?));
            list(Listed { rules: rules.await? }, out);
        }
        Act::Show { rule } => {
            let kept = with_banter(config, async |banter| {
                Ok(banter.moderation().rule(Staff::OPERATOR, &rule).await?)
            });
            show(kept.await?, out)?;
        }
        Act::Add { file, defaults: _, state, by } => {
            let rules = file.as_deref().map(read).transpose()?;
            name_target(&config, out)?;
            let kept = with_banter(config, async |banter| {
                let staff = acting(banter, by.name.as_deref()).await?;
                let rules = match rules {
                    Some(rules) => rules,
                    None => missing(&banter.moderation().rules(staff).await?),
                };
                Ok(banter.moderation().add_rules(staff, &rules, state.into()).await?)
            });
            list(Listed { rules: kept.await? }, out);
        }
        Act::Test { file, days, limit, show: examples, by } => {
            let rules = file.as_deref().map(read).transpose()?;
            let bar = out.bar(limit.into(), "messages");
            let trial = with_banter(config, async |banter| {
                let staff = acting(banter, by.name.as_deref()).await?;
                let rules = match rules {
                    Some(rules) => rules,
                    None => kept_rules(banter.moderation().rules(staff).await?),
                };
                let since = banter.clock().now() - TimeDelta::days(days.into());
                let tell = |number| bar.set_position(number);
                let (limit, examples) = (limit.into(), examples.into());
                Ok(banter.moderation().try_rules(staff, &rules, since, limit, examples, tell).await?)
            });
            let trial = trial.await;
            bar.finish_and_clear();
            tried(&trial?, out);
        }
        Act::Enable { rule, by } => switch(&rule, State::On, by, config, out).await?,
        Act::Shadow { rule, by } => switch(&rule, State::Shadow, by, config, out).await?,
        Act::Disable { rule, by } => switch(&rule, State::Off, by, config, out).await?,
        Act::Remove { rule, by } => {
            name_target(&config, out)?;
            let removed = with_banter(config, async |banter| {
                let staff = acting(banter, by.name.as_deref()).await?;
                Ok(banter.moderation().remove_rule(staff, &rule).await?)
            });
            removed.await?;
            if out.is_json() {
                out.json(&Removed { removed: rule });
            } else {
                out.say(format_args!("rule {rule} is removed"));
            }
        }
    }
    Ok(ExitStatus::Done)
}

/// Each is checked before any is sent, so that a fault is told with the name of its rule.
fn read(path: &Path) -> Result<Vec<Rule>, Failure> {
    let text = if path == Path::new("-") {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(path)
    };
    let shown = path.display();
    let text = text.map_err(|error| Failure::user(format!("`{shown}` cannot be read: {error}")))?;
    let file: File = toml::from_str(&text).map_err(|error| {
        Failure::user(format!("`{shown}` is no file of rules: {error}"))
            .hint("`banter rules add --help` shows one")
    })?;
    let rules: Vec<Rule> = file.rule.into_iter().map(Into::into).collect();
    for rule in &rules {
        Compiled::new(rule.clone(), State::Shadow)
            .map_err(|problems| Failure::user(format!("rule `{}` of `{shown}`: {problems}", rule.name)))?;
    }
    Ok(rules)
}

fn missing(kept: &[Kept]) -> Vec<Rule> {
    let is_kept = |rule: &Rule| kept.iter().any(|kept| kept.name == rule.name);
    defaults().into_iter().filter(|rule| !is_kept(rule)).collect()
}

fn kept_rules(kept: Vec<Kept>) -> Vec<Rule> {
    kept.into_iter().map(|kept| Entry::from(kept).into()).collect()
}

async fn switch(rule: &str, state: State, by: As, config: Config, out: &Printer) -> Result<(), Failure> {
    name_target(&config, out)?;
    let change = Change { state: Some(state), ..Change::default() };
    let kept = with_banter(config, async |banter| {
        let staff = acting(banter, by.name.as_deref()).await?;
        Ok(banter.moderation().change_rule(staff, rule, &change).await?)
    });
    let kept = kept.await?;
    if out.is_json() {
        out.json(&kept);
    } else {
        let what = match kept.state {
            State::Off => "is off",
            State::Shadow => "only counts",
            State::On => "acts",
        };
        out.say(format_args!("rule {rule} {what}, everywhere within two seconds"));
    }
    Ok(())
}

fn list(listed: Listed, out: &Printer) {
    if out.is_json() {
        out.json(&listed);
        return;
    }
    if listed.rules.is_empty() {
        out.say("no rules: `banter rules add --defaults` adds some to begin with, which only count");
        return;
    }
    let number = count(listed.rules.len() as u64, "rule");
    let rows = listed.rules.into_iter().map(|rule| {
        vec![
            rule.name.into(),
            looks_for(&rule.test).into(),
            rule.action.name().into(),
            rule.reason.name().into(),
            match rule.state {
                State::Off => faint("off"),
                State::Shadow => notable("shadow"),
                State::On => good("on"),
            },
            hits(rule.hits),
            hits(rule.shadow_hits),
            when(rule.updated_at).into(),
        ]
    });
    let heading = ["NAME", "LOOKS FOR", "ACTION", "REASON", "STATE", "HITS 7D", "AS SHADOW", "CHANGED"];
    out.data(table(&heading, rows.collect()));
    out.say(format_args!("\n{number}"));
}

fn hits(number: i64) -> Cell {
    if number == 0 { faint("0") } else { indicatif::HumanCount(number.unsigned_abs()).to_string().into() }
}

fn looks_for(test: &Test) -> String {
    match test {
        Test::Keywords { words } => count(words.len() as u64, "word"),
        Test::Regex { .. } => "a pattern".to_owned(),
        Test::Leak { kinds } => kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", "),
        Test::Flood { times, seconds } => format!("more than {times} alike in {seconds} s"),
        Test::NewAccount { days, hourly } => {
            format!("more than {hourly} an hour, younger than {}", count((*days).into(), "day"))
        }
    }
}

fn show(kept: Kept, out: &Printer) -> Result<(), Failure> {
    if out.is_json() {
        out.json(&kept);
        return Ok(());
    }
    let text = toml::to_string_pretty(&File { rule: vec![kept.into()] });
    let text = text.map_err(|error| Failure::ours(format!("the rule cannot be written down: {error}")))?;
    out.data(text.trim_end());
    Ok(())
}

fn tried(trial: &Trial, out: &Printer) {
    if out.is_json() {
        out.json(trial);
        return;
    }
    if trial.rules.is_empty() {
        out.say("no rules to try: name a file, or add some by `banter rules add`");
        return;
    }
    let rows = trial.rules.iter().map(|tried| {
        let share = |hits: u64| match trial.messages {
            0 => faint("-"),
            #[expect(clippy::cast_precision_loss, reason = "a share for eyes")]
            messages => format!("{:.3} %", 100.0 * hits as f64 / messages as f64).into(),
        };
        match tried.hits {
            None => vec![tried.rule.as_str().into(), faint("cannot be tried"), faint("-")],
            Some(hits) => {
                vec![tried.rule.as_str().into(), indicatif::HumanCount(hits).to_string().into(), share(hits)]
            }
        }
    });
    out.data(table(&["RULE", "HITS", "OF ALL"], rows.collect()));
    for tried in trial.rules.iter().filter(|tried| !tried.examples.is_empty()) {
        let rows = tried.examples.iter().map(|example| {
            vec![when(example.at).into(), example.message_id.into(), example.content.as_str().into()]
        });
        out.data("");
        out.data(table(&[&tried.rule.to_uppercase(), "MESSAGE", "TEXT"], rows.collect()));
    }
    let number = count(trial.messages, "message");
    #[expect(clippy::cast_precision_loss, reason = "a mean for eyes")]
    let mean = trial.took.as_secs_f64() * 1e6 / trial.messages.max(1) as f64;
    out.say(format_args!("\n{number} looked at, {mean:.1} µs each in the rules"));
}
