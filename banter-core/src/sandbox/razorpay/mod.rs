//! A stand-in for Razorpay: its HTTP API as strict as it is documented, the customer in front of its checkout, and its
//! webhooks. It remembers what it was asked, and can be told to fail, to stall and to break off; webhooks can come twice,
//! late, in another order, forged or never.
//!
//! [`Sandbox`] the handle · [`book`] what it knows · [`orders`] [`payments`] [`refunds`] [`plans`] [`subscriptions`] what
//! Razorpay does · [`customer`] [`subscriber`] what people do · [`api`] `/v1` · [`control`] `/sandbox` · [`checks`] of
//! requests · [`faults`] · [`webhooks`] · [`http`] · [`keeping`] the file

mod api;
mod book;
mod checks;
mod control;
mod customer;
mod faults;
mod handle;
mod http;
mod keeping;
mod orders;
mod payments;
mod plans;
mod refunds;
mod subscriber;
mod subscriptions;
#[cfg(test)]
mod tests;
mod webhooks;

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::ids::Ids;
use crate::payments::catalogue::Plan;

pub use checks::Refusal;
pub use customer::{Checkout, Method};
pub use faults::{Asked, Fault};
pub use handle::Sandbox;
pub use webhooks::{Answer, Fate, Mischief, Sent};

/// What a merchant has from the dashboard. Made once, as a program is set up with them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    pub key_id: String,
    pub key_secret: String,
    pub webhook_secret: String,
    /// Plans, which nobody need make: by the month and by the year.
    pub plan_monthly: String,
    pub plan_yearly: String,
}

impl Keys {
    pub fn generate(ids: &Ids) -> Self {
        Self {
            key_id: format!("rzp_test_{}", book::letters::<14>(ids)),
            key_secret: book::letters::<24>(ids),
            webhook_secret: book::letters::<32>(ids),
            plan_monthly: format!("plan_{}", book::letters::<14>(ids)),
            plan_yearly: format!("plan_{}", book::letters::<14>(ids)),
        }
    }

    pub(crate) fn plan_id(&self, plan: Plan) -> &str {
        match plan {
            Plan::Monthly => &self.plan_monthly,
            Plan::Yearly => &self.plan_yearly,
        }
    }
}

/// How a stand-in is started.
pub struct Options {
    pub clock: Clock,
    pub ids: Ids,
    /// On 127.0.0.1; 0 finds a free one.
    pub port: u16,
    pub keys: Keys,
    /// Where events go; [`Sandbox::set_webhook`] names it later.
    pub webhook: Option<String>,
    /// What it knows is read from here and written here.
    pub file: Option<PathBuf>,
    /// Until an event is sent again that was not taken, doubled each time up to 32 times this.
    pub backoff: Duration,
    /// How long the receiver of an event may take; Razorpay gives it 5 seconds.
    pub patience: Duration,
    /// How often an event is sent before it is given up. Razorpay goes on for 24 hours.
    pub tries: usize,
}

impl Options {
    /// Keys of its own, any port, no file; events are sent again soon.
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            keys: Keys::generate(&Ids::System),
            ids: Ids::System,
            port: 0,
            webhook: None,
            file: None,
            backoff: Duration::from_millis(50),
            patience: Duration::from_secs(5),
            tries: 12,
        }
    }
}
