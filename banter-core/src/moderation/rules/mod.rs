//! Automatic rules over what people write. Each replica holds them compiled in memory, and asks every two seconds whether
//! they changed: a message that no rule finds costs no question to the database.
//!
//! [`matching`] what a rule looks for · [`verdict`] what is done about a message · [`held`] messages that wait ·
//! [`keep`] adding and changing rules · [`trial`] what a rule would have found

pub mod held;
pub mod keep;
pub mod matching;
pub mod trial;
mod verdict;

use std::sync::{Arc, RwLock};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::leaks::Leak;
use super::reasons::Reason;
use crate::Banter;
use matching::Compiled;

pub(crate) use verdict::{Place, Verdict};

/// What a rule looks for. Words and patterns meet the text in lower case, look-alikes made plain, marks that cannot be seen
/// taken out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[schema(as = RuleTest)]
pub enum Test {
    /// Any of these words or phrases, whole.
    Keywords {
        #[schema(example = json!(["kbc lottery", "otp batao"]))]
        words: Vec<String>,
    },
    /// A regular expression (RE2's syntax: no look-around, no back-references), which takes time linear in the text.
    Regex {
        #[schema(example = r"\brefund\b.*\bpaytm\b")]
        pattern: String,
    },
    /// Ways to reach somebody outside.
    Leak {
        #[schema(example = json!(["phone", "upi"]))]
        kinds: Vec<Leak>,
    },
    /// The same text more than so many times in so many seconds.
    Flood { times: u32, seconds: u32 },
    /// An account younger than so many days that writes more than so many messages an hour.
    NewAccount { days: u16, hourly: u32 },
}

/// What is done about what a rule finds.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema, sqlx::Type,
)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[schema(as = RuleAction)]
pub enum Action {
    /// It is delivered, and becomes a case.
    Flag,
    /// It waits until staff lets it go.
    Hold,
    /// It is refused.
    Block,
}

impl Action {
    pub fn name(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Hold => "hold",
            Self::Block => "block",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[schema(as = RuleState)]
pub enum State {
    Off,
    /// Only counts.
    Shadow,
    On,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Shadow => "shadow",
            Self::On => "on",
        }
    }
}

/// A rule as it is written down.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// `a-z`, `0-9`, `_`, `-`; 40 characters at most.
    pub name: String,
    pub test: Test,
    pub action: Action,
    /// What it offends.
    pub reason: Reason,
    /// Between friends it finds nothing.
    pub spares_friends: bool,
}

/// The rules that this replica knows.
#[derive(Default)]
pub(crate) struct Rules {
    known: RwLock<Known>,
}

#[derive(Clone, Default)]
struct Known {
    version: i64,
    rules: Arc<[Compiled]>,
}

impl Rules {
    fn all(&self) -> Arc<[Compiled]> {
        Arc::clone(&self.known.read().expect("no panic while locked").rules)
    }
}

/// Asks whether the rules changed, and learns them then.
pub(crate) async fn learn(banter: &Banter) -> Result<(), sqlx::Error> {
    let version = sqlx::query_scalar!("select version from rules_head").fetch_one(banter.pool()).await?;
    if banter.rules().known.read().expect("no panic while locked").version == version {
        return Ok(());
    }
    // One statement, one picture: the rules are not older than this number.
    let rows = sqlx::query!(
        r#"
        select
            h.version,
            r.name as "name?",
            r.test as "test?",
            r.action as "action?: Action",
            r.reason as "reason?: Reason",
            r.spares_friends as "spares_friends?",
            r.state as "state?: State"
        from rules_head h
        left join rules r on r.state <> 'off'
        order by r.name
        "#
    )
    .fetch_all(banter.pool())
    .await?;
    let mut known = Known { version: rows.first().map_or(version, |row| row.version), rules: Arc::default() };
    let mut rules = Vec::new();
    for row in rows {
        let (Some(name), Some(test), Some(action), Some(reason), Some(spares_friends), Some(state)) =
            (row.name, row.test, row.action, row.reason, row.spares_friends, row.state)
        else {
            continue;
        };
        let compiled = serde_json::from_value(test)
            .map_err(|error| error.to_string())
            .map(|test| Rule { name: name.clone(), test, action, reason, spares_friends })
            .and_then(|rule| Compiled::new(rule, state).map_err(|problems| problems.to_string()));
        match compiled {
            Ok(compiled) => rules.push(compiled),
            // Written by a newer server, perhaps; the others hold.
            Err(error) => tracing::error!(rule = name, error, "a rule is not understood"),
        }
    }
    known.rules = rules.into();
    tracing::info!(version = known.version, rules = known.rules.len(), "learned the rules");
    let mut place = banter.rules().known.write().expect("no panic while locked");
    if known.version > place.version {
        *place = known;
    }
    Ok(())
}
