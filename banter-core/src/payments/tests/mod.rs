mod audit;
mod history;
mod ledger;
mod reconcile;
mod refunds;
mod revenue;
mod verify;
mod webhooks;

use serde_json::{Value, json};

use super::Error;
use super::catalogue::Package;
use super::verify::{Proof, Verified};
use crate::config;
use crate::error::Coded as _;
use crate::ids::TransactionId;
use crate::jobs::worker;
use crate::providers::razorpay::signature::sign;
use crate::testing::{Person, World};

const KEY_SECRET: &str = "the-key-secret-of-tests";
const WEBHOOK_SECRET: &str = "the-webhook-secret-of-tests";

/// A world that sells, while Razorpay does not answer: what phones prove and webhooks tell is all there is.
struct Shop {
    world: World,
    asha: Person,
}

/// An order that was made before Razorpay went away.
#[derive(Clone)]
struct Order {
    transaction: TransactionId,
    id: String,
    package: Package,
}

impl Shop {
    async fn open() -> Self {
        let razorpay = config::Razorpay {
            key_id: "rzp_test_1234567890abcd".into(),
            key_secret: KEY_SECRET.into(),
            webhook_secret: WEBHOOK_SECRET.into(),
            // Nobody listens there.
            api_url: "http://127.0.0.1:1".into(),
            plan_monthly: None,
            plan_yearly: None,
            patience: crate::testing::DEADLINE,
        };
        let world = World::builder().memory().config(|config| config.razorpay = Some(razorpay)).build().await;
        let asha = world.user("asha").await;
        Self { world, asha }
    }

    async fn order(&self, package: Package) -> Order {
        self.order_of(&self.asha, package).await
    }

    async fn order_of(&self, whose: &Person, package: Package) -> Order {
        let transaction = TransactionId(self.world.banter.ids().uuid(self.world.now()));
        let id = format!("order_{}", &transaction.0.simple().to_string()[12..]);
        sqlx::query(
            "insert into transactions (id, user_id, kind, amount, coins, item, receipt, razorpay_order_id, created_at, updated_at)
             values ($1, $2, 'coin_purchase', $3, $4, $5, $6, $7, $8, $8)",
        )
        .bind(transaction)
        .bind(whose.id)
        .bind(package.price())
        .bind(package.coins())
        .bind(package.name())
        .bind(transaction.0.simple().to_string())
        .bind(&id)
        .bind(self.world.now())
        .execute(self.world.banter.pool())
        .await
        .unwrap();
        Order { transaction, id, package }
    }

    /// What the checkout would answer for this payment of this order.
    fn proof(order: &Order, payment: &str) -> Proof {
        Proof {
            order_id: order.id.clone(),
            payment_id: payment.into(),
            signature: sign(KEY_SECRET, format!("{}|{payment}", order.id).as_bytes()),
            transaction: Some(order.transaction),
        }
    }

    async fn verify(&self, proof: &Proof) -> Result<Verified, Error> {
        self.world.banter.payments().verify(&self.asha.caller, proof).await
    }

    /// Delivers an event as Razorpay does, and does what follows.
    async fn deliver(&self, id: &str, event: &Value) -> bool {
        let body = event.to_string();
        let signature = sign(WEBHOOK_SECRET, body.as_bytes());
        let new = self.world.banter.payments().hear(&signature, Some(id), body.as_bytes()).await.unwrap();
        self.work().await;
        new
    }

    async fn work(&self) {
        while worker::round(&self.world.banter).await.unwrap() > 0 {}
    }

    /// Coins there are, after a look whether everything adds up.
    async fn coins(&self) -> i32 {
        let wrong: i64 = sqlx::query_scalar(
            "select count(*)
             from users u
             left join (
                 select user_id,
                     sum(amount) filter (where account = 'coins') as coins,
                     sum(amount) filter (where account = 'earned') as earned,
                     sum(amount) filter (where account = 'owed') as owed,
                     sum(purchased) as purchased
                 from coin_ledger group by user_id
             ) l on l.user_id = u.id
             where u.coins <> coalesce(l.coins, 0) or u.earned_coins <> coalesce(l.earned, 0)
                or u.owed_coins <> coalesce(l.owed, 0) or u.purchased_coins <> coalesce(l.purchased, 0)",
        )
        .fetch_one(self.world.banter.pool())
        .await
        .unwrap();
        assert_eq!(wrong, 0, "every balance is the sum of its entries");
        self.number("select coins from users where username = 'asha'").await
    }

    async fn number(&self, sql: &str) -> i32 {
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned()))
            .fetch_one(self.world.banter.pool())
            .await
            .unwrap()
    }

    async fn status(&self, order: &Order) -> String {
        sqlx::query_scalar("select status from transactions where id = $1")
            .bind(order.transaction)
            .fetch_one(self.world.banter.pool())
            .await
            .unwrap()
    }

    /// What became of an event.
    async fn event(&self, id: &str) -> (String, Option<String>) {
        sqlx::query_as("select state, note from webhook_events where event_id = $1")
            .bind(id)
            .fetch_one(self.world.banter.pool())
            .await
            .unwrap()
    }
}

/// A payment as Razorpay tells of it.
fn payment(order: &Order, id: &str, status: &str) -> Value {
    let captured = status == "captured";
    json!({
        "id": id, "entity": "payment", "amount": order.package.price(), "currency": "INR", "status": status,
        "order_id": order.id, "invoice_id": null, "international": false, "method": "upi", "amount_refunded": 0,
        "refund_status": null, "captured": captured, "description": null, "card_id": null, "bank": null, "wallet": null,
        "vpa": "asha@upi", "email": "asha@example.in", "contact": "+919876543210", "notes": [],
        "fee": if captured { json!(116) } else { Value::Null }, "tax": if captured { json!(18) } else { Value::Null },
        "error_code": null, "error_description": null, "error_reason": null,
        "acquirer_data": { "rrn": "0125836177" }, "created_at": 1_567_674_599,
    })
}

fn event(kind: &str, payload: &Value) -> Value {
    json!({ "entity": "event", "account_id": "acc_BFQ7uQEaa7j2z7", "event": kind, "contains": ["payment"],
        "payload": payload, "created_at": 1_567_674_606 })
}

fn captured(order: &Order, id: &str) -> Value {
    event("payment.captured", &json!({ "payment": { "entity": payment(order, id, "captured") } }))
}

fn failed(order: &Order, id: &str) -> Value {
    let mut failed = payment(order, id, "failed");
    failed["error_code"] = json!("BAD_REQUEST_ERROR");
    failed["error_reason"] = json!("insufficient_funds");
    event("payment.failed", &json!({ "payment": { "entity": failed } }))
}

fn refund(kind: &str, payment: &str, id: &str, amount: i64, status: &str, notes: &Value) -> Value {
    let entity = json!({ "id": id, "entity": "refund", "amount": amount, "currency": "INR", "payment_id": payment,
        "notes": notes, "receipt": null, "acquirer_data": { "arn": null }, "created_at": 1_597_734_071,
        "batch_id": null, "status": status, "speed_processed": "normal", "speed_requested": "normal" });
    event(kind, &json!({ "refund": { "entity": entity }, "payment": { "entity": { "id": payment } } }))
}

fn code<T: std::fmt::Debug>(outcome: Result<T, Error>) -> &'static str {
    outcome.expect_err("a refusal").coded().1
}
