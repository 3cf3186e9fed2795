//! `/v1`: what a merchant's program asks.

use std::collections::HashSet;
use std::sync::Mutex;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::book::Work;
use super::checks::Refusal;
use super::faults::{Asked, Fault};
use super::handle::Shop;
use super::http::{Reply, Request};

/// `None`: the connection breaks off.
pub(super) async fn answer(shop: &Shop, request: Request) -> Option<Reply> {
    let line = request.line();
    let key = request.header("x-refund-idempotency").map(str::to_owned);
    shop.faults.remember(Asked {
        line: line.clone(),
        query: request.query.clone(),
        body: request.body.clone().unwrap_or_default(),
        idempotency_key: key.clone(),
    });
    let refuse = |refusal: &Refusal| {
        shop.faults.note(&line, refusal);
        Some(Reply::json(refusal.status, refusal.body()))
    };
    if !is_known(shop, &request) {
        return refuse(&Refusal::not_authenticated());
    }
    let _place = match key.filter(|_| line.ends_with("/refund")).map(|key| Place::take(&shop.refunding, key))
    {
        Some(None) => {
            let why = "Another request with the same idempotency key is in progress";
            return refuse(&Refusal { status: 409, ..Refusal::now(why) });
        }
        Some(place) => place,
        None => None,
    };
    let lost = match shop.faults.meet(&line).await {
        None | Some(Fault::Stall) => false,
        Some(Fault::AnswerLost) => true,
        Some(Fault::BreakOff) => return None,
        Some(Fault::Garbage) => {
            return Some(Reply { status: 502, body: Err("<html><h1>502 Bad Gateway</h1></html>".into()) });
        }
        Some(Fault::ServerError) => {
            let why =
                "We are facing some trouble completing your request at the moment. Please try again shortly.";
            return Some(Reply::json(
                500,
                json!({ "error": { "code": "SERVER_ERROR", "description": why } }),
            ));
        }
        Some(Fault::Throttled) => {
            return refuse(&Refusal { status: 429, ..Refusal::now("Too many requests") });
        }
        Some(Fault::Refuse(why)) => return refuse(&Refusal::now(why)),
    };
    let done = match check(&request) {
        Ok(body) => shop.act(|work| route(work, &request, body)),
        Err(refusal) => Err(refusal),
    };
    if lost {
        return None;
    }
    match done {
        Ok(body) => Some(Reply::json(200, body)),
        Err(refusal) => refuse(&refusal),
    }
}

/// Exactly `Basic `, as it is documented.
fn is_known(shop: &Shop, request: &Request) -> bool {
    let given = request.header("authorization").and_then(|value| value.strip_prefix("Basic "));
    let wanted = format!("{}:{}", shop.keys.key_id, shop.keys.key_secret);
    given.is_some_and(|given| given == BASE64_STANDARD.encode(wanted))
}

fn check(request: &Request) -> Result<&Value, Refusal> {
    match &request.body {
        Some(Value::Null) => Ok(&Value::Null),
        Some(body) if request.is_json() => Ok(body),
        Some(_) => Err(Refusal::rule("The Content-Type must be application/json")),
        None => Err(Refusal::rule("The request body is not valid JSON")),
    }
}

fn route(work: &mut Work<'_>, request: &Request, body: &Value) -> Result<Value, Refusal> {
    let query = request.query.as_slice();
    let Some(path) = request.path.strip_prefix("/v1/") else { return Err(Refusal::no_such_url()) };
    let parts: Vec<_> = path.split('/').collect();
    match (request.method.as_str(), parts.as_slice()) {
        ("POST", ["orders"]) => work.create_order(body),
        ("GET", ["orders"]) => work.list_orders(query),
        ("GET", ["orders", id]) => work.book.orders.get(id).cloned(),
        ("PATCH", ["orders", id]) => work.note_order(id, body),
        ("GET", ["orders", id, "payments"]) => work.order_payments(id, query),
        ("GET", ["payments"]) => work.list_payments(query),
        ("GET", ["payments", id]) => work.book.payments.get(id).cloned(),
        ("POST", ["payments", id, "capture"]) => work.capture_as_asked(id, body),
        ("POST", ["payments", id, "refund"]) => {
            let body = if body.is_null() { &json!({}) } else { body };
            work.refund_as_asked(id, request.header("x-refund-idempotency"), body)
        }
        ("GET", ["payments", id, "refunds"]) => work.refunds_of(id, query),
        ("GET", ["payments", id, "refunds", refund]) => work.refund_of(id, refund),
        ("GET", ["refunds", id]) => work.book.refunds.get(id).cloned(),
        ("POST", ["plans"]) => work.create_plan(body),
        ("GET", ["plans"]) => work.list_plans(query),
        ("GET", ["plans", id]) => work.book.plans.get(id).cloned(),
        ("POST", ["subscriptions"]) => work.create_subscription(body),
        ("GET", ["subscriptions"]) => work.list_subscriptions(query),
        ("GET", ["subscriptions", id]) => work.book.subscriptions.get(id).cloned(),
        ("POST", ["subscriptions", id, "cancel"]) => work.cancel_as_asked(id, body),
        ("POST", ["subscriptions", id, "pause"]) => work.pause(id, body),
        ("POST", ["subscriptions", id, "resume"]) => work.resume(id, body),
        _ => Err(Refusal::no_such_url()),
    }
}

/// A refund's key that is at work; free again when this is dropped.
struct Place<'a> {
    all: &'a Mutex<HashSet<String>>,
    key: String,
}

impl<'a> Place<'a> {
    fn take(all: &'a Mutex<HashSet<String>>, key: String) -> Option<Self> {
        let is_new = all.lock().expect("no panic while locked").insert(key.clone());
        is_new.then(|| Self { all, key })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Ok(mut all) = self.all.lock() {
            all.remove(&self.key);
        }
    }
}
