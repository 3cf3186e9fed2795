//! How Razorpay fails, and what it was asked.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;

use super::checks::Refusal;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// 500, in its own words; nothing was done.
    ServerError,
    /// 502 of a proxy: no JSON.
    Garbage,
    /// 429.
    Throttled,
    /// Nothing is answered or done, until [`super::Sandbox::recover`]; then it goes on.
    Stall,
    /// The connection ends; nothing was done.
    BreakOff,
    /// The connection ends, and all was done.
    AnswerLost,
    /// 400 with this description, such as that the account's balance is too low for a refund.
    Refuse(String),
}

struct Rule {
    /// `POST /v1/orders`: the beginning of the requests that it is for.
    at: String,
    /// `None`: until told otherwise.
    left: Option<usize>,
    fault: Fault,
}

/// What it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// `POST /v1/orders`.
    pub line: String,
    pub query: Vec<(String, String)>,
    /// Null where there was none.
    pub body: Value,
    /// `X-Refund-Idempotency`.
    pub idempotency_key: Option<String>,
}

#[derive(Default)]
pub(super) struct Faults {
    rules: watch::Sender<(Vec<Rule>, usize)>,
    asked: watch::Sender<Vec<Asked>>,
    refused: std::sync::Mutex<Vec<String>>,
}

impl Faults {
    /// `times`: `None` is until [`Self::recover`].
    pub(super) fn add(&self, at: &str, times: Option<usize>, fault: Fault) {
        self.rules.send_modify(|(rules, _)| rules.push(Rule { at: at.to_owned(), left: times, fault }));
    }

    pub(super) fn recover(&self) {
        self.rules.send_modify(|(rules, recovered)| {
            rules.clear();
            *recovered += 1;
        });
    }

    /// Whether this request fails, and how. Waits while it stalls.
    pub(super) async fn meet(&self, line: &str) -> Option<Fault> {
        let mut watching = self.rules.subscribe();
        let before = watching.borrow().1;
        let mut found = None;
        self.rules.send_if_modified(|(rules, _)| {
            if let Some(at) = rules.iter().position(|rule| line.starts_with(&rule.at)) {
                let rule = &mut rules[at];
                found = Some(rule.fault.clone());
                rule.left = rule.left.map(|left| left.saturating_sub(1));
                if rule.left == Some(0) {
                    rules.remove(at);
                }
            }
            false
        });
        if found == Some(Fault::Stall) {
            let _ = watching.wait_for(|(_, recovered)| *recovered != before).await;
            return None;
        }
        found
    }

    pub(super) fn remember(&self, asked: Asked) {
        self.asked.send_modify(|all| all.push(asked));
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.borrow().clone()
    }

    /// Waits until this many requests came whose line begins so. `false`: they did not, in that time.
    pub(super) async fn was_asked(&self, line: &str, times: usize, patience: Duration) -> bool {
        let mut asked = self.asked.subscribe();
        let enough =
            asked.wait_for(|all| all.iter().filter(|asked| asked.line.starts_with(line)).count() >= times);
        tokio::time::timeout(patience, enough).await.is_ok_and(|waited| waited.is_ok())
    }

    pub(super) fn note(&self, line: &str, refusal: &Refusal) {
        if refusal.broke_a_rule {
            self.refused.lock().expect("no panic while locked").push(format!("{line}: {refusal}"));
        }
    }

    pub(super) fn take_refused(&self) -> Vec<String> {
        std::mem::take(&mut *self.refused.lock().expect("no panic while locked"))
    }
}
