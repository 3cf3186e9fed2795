//! What Razorpay answers and tells, as far as it is used. Read generously: notes are `[]` when there are none and an object
//! otherwise, `captured` is `"1"` in events of subscriptions, counts may come as text, and nearly everything may be null.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use crate::money::Paise;

/// What we hang onto things of theirs, to find ours by: at most 15 pairs, 256 characters each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Notes(pub BTreeMap<String, String>);

impl<const N: usize> From<[(&str, String); N]> for Notes {
    fn from(pairs: [(&str, String); N]) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }
}

impl<'de> Deserialize<'de> for Notes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = |value: serde_json::Value| match value {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        Ok(match serde_json::Value::deserialize(from)? {
            serde_json::Value::Object(pairs) => Self(pairs.into_iter().map(|(k, v)| (k, text(v))).collect()),
            _ => Self::default(),
        })
    }
}

#[derive(Deserialize)]
pub(super) struct List<T> {
    pub items: Vec<T>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Order {
    pub id: String,
    pub amount: Paise,
    pub currency: String,
    /// `created`, `attempted`, `paid`; it stays `paid` whatever is refunded.
    pub status: String,
    pub receipt: Option<String>,
    #[serde(default)]
    pub notes: Notes,
    pub created_at: i64,
}

impl Order {
    pub fn is_paid(&self) -> bool {
        self.status == "paid"
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    Created,
    /// The money is promised; without a capture it goes back within three days.
    Authorized,
    Captured,
    /// Wholly.
    Refunded,
    Failed,
    /// One that this version does not know: it says nothing.
    #[serde(other)]
    Other,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Payment {
    pub id: String,
    pub amount: Paise,
    pub currency: String,
    pub status: PaymentStatus,
    #[serde(default)]
    pub order_id: Option<String>,
    #[serde(default)]
    pub invoice_id: Option<String>,
    /// `card`, `netbanking`, `wallet`, `emi`, `upi`.
    #[serde(default)]
    pub method: Option<String>,
    #[serde(default)]
    pub amount_refunded: Option<Paise>,
    /// Known once it is captured.
    #[serde(default)]
    pub fee: Option<Paise>,
    /// The GST in the fee.
    #[serde(default)]
    pub tax: Option<Paise>,
    #[serde(default)]
    pub error_code: Option<String>,
    #[serde(default)]
    pub error_description: Option<String>,
    #[serde(default)]
    pub error_reason: Option<String>,
    #[serde(default)]
    pub notes: Notes,
    pub created_at: i64,
}

impl Payment {
    /// The money came. It stays so when it is refunded, which is told beside.
    pub fn is_captured(&self) -> bool {
        matches!(self.status, PaymentStatus::Captured | PaymentStatus::Refunded)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    Pending,
    Processed,
    Failed,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Refund {
    pub id: String,
    pub payment_id: String,
    pub amount: Paise,
    pub currency: String,
    pub status: RefundStatus,
    #[serde(default)]
    pub notes: Notes,
    pub created_at: i64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct PlanEntity {
    pub id: String,
    pub period: String,
    pub interval: u32,
    pub item: Item,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Item {
    pub name: String,
    pub amount: Paise,
    pub currency: String,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Subscription {
    pub id: String,
    pub plan_id: String,
    /// One of the states of [`crate::payments::subscriptions`], as text: a new one must not make the rest unreadable.
    pub status: String,
    pub current_start: Option<i64>,
    pub current_end: Option<i64>,
    pub ended_at: Option<i64>,
    #[serde(default, deserialize_with = "count")]
    pub paid_count: i32,
    #[serde(default)]
    pub notes: Notes,
    pub created_at: i64,
}

/// A number, or a text that holds one.
fn count<'de, D: Deserializer<'de>>(from: D) -> Result<i32, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Count {
        Number(i32),
        Text(String),
    }
    match Option::<Count>::deserialize(from)? {
        None => Ok(0),
        Some(Count::Number(number)) => Ok(number),
        Some(Count::Text(text)) => text.parse().map_err(serde::de::Error::custom),
    }
}
