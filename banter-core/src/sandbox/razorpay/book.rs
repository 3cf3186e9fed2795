//! What the stand-in knows: entities as they go over the wire, and one piece of work on them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::checks::Refusal;
use crate::ids::Ids;

/// The merchant's account, as events name it.
pub(super) const ACCOUNT: &str = "acc_BanterStandIn0";

#[derive(Default, Serialize, Deserialize)]
pub(super) struct Book {
    pub orders: Shelf,
    pub payments: Shelf,
    pub refunds: Shelf,
    pub plans: Shelf,
    pub subscriptions: Shelf,
    /// Idempotency keys of refunds: what was asked for, and the refund.
    pub keys: BTreeMap<String, (Value, String)>,
    /// Subscriptions that end with the period that is paid.
    pub ending: BTreeSet<String>,
    /// Refunds wait for [`Work::process_refund`] or [`Work::fail_refund`].
    #[serde(skip)]
    pub slow_refunds: bool,
}

/// Entities of one kind, in the order in which they were made.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Value>", into = "Vec<Value>")]
pub(super) struct Shelf {
    ids: Vec<String>,
    of: HashMap<String, Value>,
}

impl From<Vec<Value>> for Shelf {
    fn from(all: Vec<Value>) -> Self {
        let mut shelf = Self::default();
        all.into_iter().for_each(|entity| shelf.put(entity));
        shelf
    }
}

impl From<Shelf> for Vec<Value> {
    fn from(shelf: Shelf) -> Self {
        let Shelf { ids, mut of } = shelf;
        ids.iter().filter_map(|id| of.remove(id)).collect()
    }
}

impl Shelf {
    /// Adds an entity, or replaces the one of its id.
    pub(super) fn put(&mut self, entity: Value) {
        let id = text(&entity, "id").to_owned();
        if self.of.insert(id.clone(), entity).is_none() {
            self.ids.push(id);
        }
    }

    pub(super) fn get(&self, id: &str) -> Result<&Value, Refusal> {
        self.of.get(id).ok_or_else(Refusal::unknown_id)
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Result<&mut Value, Refusal> {
        self.of.get_mut(id).ok_or_else(Refusal::unknown_id)
    }

    pub(super) fn newest_first(&self) -> impl Iterator<Item = &Value> {
        self.ids.iter().rev().filter_map(|id| self.of.get(id))
    }
}

/// What happened, as it will be told: the bytes stay the same however often they are sent.
#[derive(Clone, Debug)]
pub(super) struct News {
    pub id: String,
    pub name: String,
    pub body: Value,
}

/// One change of the book, with the events that it brings.
pub(super) struct Work<'a> {
    pub book: &'a mut Book,
    pub ids: &'a Ids,
    /// Unix seconds.
    pub now: i64,
    pub news: Vec<News>,
}

impl Work<'_> {
    /// `order_` and fourteen letters and digits.
    pub(super) fn id(&self, prefix: &str) -> String {
        format!("{prefix}_{}", letters::<14>(self.ids))
    }

    /// Will be sent once the work is done. `contains` names the entities, each with its snapshot.
    pub(super) fn tell(&mut self, name: &str, entities: &[(&str, Value)]) {
        let contains: Vec<_> = entities.iter().map(|(kind, _)| *kind).collect();
        let payload: serde_json::Map<_, _> =
            entities.iter().map(|(kind, entity)| ((*kind).to_owned(), json!({ "entity": entity }))).collect();
        let body = json!({
            "entity": "event",
            "account_id": ACCOUNT,
            "event": name,
            "contains": contains,
            "payload": payload,
            "created_at": self.now,
        });
        self.news.push(News { id: letters::<14>(self.ids), name: name.to_owned(), body });
    }
}

/// Random letters and digits, as in the ids of Razorpay.
pub(super) fn letters<const N: usize>(ids: &Ids) -> String {
    const OF: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    ids.bytes::<N>().iter().map(|byte| char::from(OF[usize::from(*byte) % OF.len()])).collect()
}

/// A field that is always there.
pub(super) fn text<'a>(entity: &'a Value, field: &str) -> &'a str {
    entity[field].as_str().unwrap_or_default()
}

/// A field that is always there, or counts as nothing.
pub(super) fn number(entity: &Value, field: &str) -> i64 {
    entity[field].as_i64().unwrap_or_default()
}

/// Sets these fields.
pub(super) fn set(entity: &mut Value, fields: Value) {
    if let (Value::Object(entity), Value::Object(fields)) = (entity, fields) {
        entity.extend(fields);
    }
}
