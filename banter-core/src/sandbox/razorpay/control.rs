//! `/sandbox`: the customer, the dashboard and mischief, for who is no Rust test.
//!
//! Only JSON is taken, even where nothing need be said: a page in a browser cannot send that to another origin unasked.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::book::{Work, text};
use super::checks::Refusal;
use super::customer::Method;
use super::faults::Fault;
use super::handle::Shop;
use super::http::{Reply, Request};
use super::webhooks::{Mischief, Sent};

/// How long `GET /sandbox/settled` waits.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pay {
    #[serde(default)]
    method: Method,
    /// Of a failure.
    #[serde(default = "Pay::reason")]
    reason: String,
}

impl Pay {
    fn reason() -> String {
        "payment_failed".into()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GiveBack {
    /// Paise; all that is left, without.
    amount: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Webhook {
    url: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fail {
    #[serde(default)]
    at: String,
    times: Option<usize>,
    fault: Fault,
}

pub(super) async fn answer(shop: &Shop, request: &Request) -> Reply {
    if request.path == "/sandbox/settled" {
        shop.post.settled(PATIENCE).await;
        return Reply::json(200, json!({ "events": shop.post.sent() }));
    }
    if request.method != "GET" && !request.is_json() {
        let refusal = Refusal::rule("Content-Type must be application/json");
        return Reply::json(415, refusal.body());
    }
    match route(shop, request) {
        Ok(body) => Reply::json(200, body),
        Err(refusal) => Reply::json(refusal.status, refusal.body()),
    }
}

fn route(shop: &Shop, request: &Request) -> Result<Value, Refusal> {
    let parts: Vec<_> = request.path.trim_start_matches("/sandbox/").split('/').collect();
    match (request.method.as_str(), parts.as_slice()) {
        ("GET", ["orders"]) => shop.act(|work| Ok(orders(work, request.value("find")))),
        ("GET", ["health"]) => Ok(json!({})),
        ("GET", ["events"]) => Ok(events(shop, request.value("of"))),
        ("GET", ["requests"]) => Ok(json!({ "requests": shop.faults.asked() })),
        ("POST", ["refused"]) => Ok(json!({ "refused": shop.faults.take_refused() })),
        ("POST", ["webhook"]) => {
            shop.post.set_url(read::<Webhook>(request)?.url);
            Ok(json!({}))
        }
        ("POST", ["mischief"]) => {
            let mischief: Mischief = read(request)?;
            shop.post.set_mischief(mischief);
            Ok(json!(mischief))
        }
        ("POST", ["release"]) => {
            shop.post.release();
            Ok(json!({}))
        }
        ("POST", ["events", id, "resend"]) => match shop.post.resend(id) {
            true => Ok(json!({})),
            false => Err(Refusal::unknown_id()),
        },
        ("POST", ["faults"]) => {
            let Fail { at, times, fault } = read(request)?;
            shop.faults.add(&at, times, fault);
            Ok(json!({}))
        }
        ("POST", ["recover"]) => {
            shop.faults.recover();
            Ok(json!({}))
        }
        ("POST", [kind, id, action]) => act(shop, request, kind, id, action),
        _ => Err(Refusal::no_such_url()),
    }
}

/// What people do with an entity.
fn act(shop: &Shop, request: &Request, kind: &str, id: &str, action: &str) -> Result<Value, Refusal> {
    let secret = &shop.keys.key_secret;
    let pay = || read::<Pay>(request);
    match (kind, action) {
        ("orders", "pay") => shop.act(|work| Ok(json!(work.pay(secret, id, pay()?.method)?))),
        ("orders", "authorize") => shop.act(|work| Ok(json!(work.authorize(secret, id, pay()?.method)?))),
        ("orders", "fail") => {
            let Pay { method, reason } = pay()?;
            shop.act(|work| work.fail_to_pay(id, method, &reason))
        }
        ("payments", "capture") => shop.act(|work| {
            work.capture(id)?;
            work.book.payments.get(id).cloned()
        }),
        ("payments", "refund") => {
            let GiveBack { amount } = read(request)?;
            shop.act(|work| {
                let refund = work.refund(id, amount, "normal", &json!([]), None)?;
                work.book.refunds.get(&refund).cloned()
            })
        }
        ("payments", "dispute") => shop.act(|work| work.dispute(id)).map(|()| json!({})),
        ("refunds", "process") => shop.act(|work| work.process_refund(id)),
        ("refunds", "fail") => shop.act(|work| work.fail_refund(id)),
        ("subscriptions", "subscribe") => {
            shop.act(|work| Ok(json!(work.subscribe(secret, id, pay()?.method)?)))
        }
        // The first period, or the next.
        ("subscriptions", "pay") => shop.act(|work| match text(work.book.subscriptions.get(id)?, "status") {
            "created" => Ok(json!({ "checkout": work.subscribe(secret, id, pay()?.method)? })),
            _ => Ok(json!({ "subscription": work.charge_next(id)? })),
        }),
        ("subscriptions", "charge") => shop.act(|work| work.charge_next(id)),
        ("subscriptions", "fail") => shop.act(|work| work.fail_charge(id)),
        ("subscriptions", "complete") => shop.act(|work| work.complete(id)),
        ("subscriptions", "expire") => shop.act(|work| work.expire(id)),
        _ => Err(Refusal::no_such_url()),
    }
}

/// The order of this id, or those of this receipt; without, the newest that nobody has paid.
fn orders(work: &Work<'_>, find: Option<&str>) -> Value {
    let fits = |order: &&Value| match find {
        Some(name) => order["id"] == name || order["receipt"] == name,
        None => order["status"] != "paid",
    };
    let orders: Vec<_> = work.book.orders.newest_first().filter(fits).take(10).collect();
    json!({ "orders": orders })
}

/// Those that tell of this entity; without, all.
fn events(shop: &Shop, of: Option<&str>) -> Value {
    let tells = |sent: &Sent| match (of, sent.body["payload"].as_object()) {
        (Some(id), Some(payload)) => payload.values().any(|told| told["entity"]["id"] == id),
        _ => true,
    };
    let events: Vec<_> = shop.post.sent().into_iter().filter(tells).collect();
    json!({ "events": events })
}

fn read<T: DeserializeOwned>(request: &Request) -> Result<T, Refusal> {
    let body = match &request.body {
        Some(Value::Null) => json!({}),
        Some(body) => body.clone(),
        None => return Err(Refusal::rule("The request body is not valid JSON")),
    };
    serde_json::from_value(body).map_err(|error| Refusal::rule(error.to_string()))
}
