//! Buying coins over HTTP, and Razorpay's webhooks, told by its stand-in.

use axum::http::Method as Verb;
use banter_core::sandbox::razorpay::{Checkout, Fault, Method, Mischief, Options, Sandbox, Sent};
use banter_core::testing::{Person, World, noon, redact};
use serde_json::{Value, json};

use crate::harness::{Answer, Api, Who};

struct Scene {
    shop: Sandbox,
    api: Api,
    asha: Person,
}

impl Scene {
    async fn new() -> Self {
        let shop = Sandbox::start(Options::new(noon())).await.expect("a stand-in");
        let api = Api::over(World::builder().buys_at(&shop)).await;
        shop.set_webhook(api.url("/webhooks/razorpay"));
        let asha = api.world.user("asha").await;
        Self { shop, api, asha }
    }

    async fn order(&self, package: &str) -> Value {
        self.api.post("/payments/create-order", &self.asha, json!({ "packageType": package })).await.is(200)
    }

    async fn verify(&self, order: &Value, paid: &Checkout) -> Answer {
        let proof = json!({ "orderId": order["order"]["id"], "paymentId": paid.razorpay_payment_id,
            "signature": paid.razorpay_signature, "transactionId": order["transaction"]["id"] });
        self.api.post("/payments/verify", &self.asha, proof).await
    }

    /// Waits until every event was told, and applies it.
    async fn settled(&self) -> Vec<Sent> {
        let events = self.shop.settled().await;
        self.api.work().await;
        events
    }

    async fn coins(&self) -> Value {
        self.api.get("/auth/me", &self.asha).await.is(200)["user"]["coins"].take()
    }
}

fn id(order: &Value) -> &str {
    order["order"]["id"].as_str().expect("an id")
}

#[tokio::test]
async fn coins_are_bought_and_told() {
    let scene = Scene::new().await;
    let mut socket = scene.api.socket(&scene.asha).await;
    let offered = scene.api.get("/payments/packages", &scene.asha).await.is(200);
    insta::assert_json_snapshot!("packages", offered);
    let order = scene.order("standard").await;
    insta::assert_json_snapshot!("order", order, {
        ".order.id" => "[order]", ".order.keyId" => "[key]", ".transaction.id" => redact::uuid(),
    });
    let paid = scene.shop.pay(id(&order), Method::Upi).expect("they pay");
    let verified = scene.verify(&order, &paid).await.is(200);
    insta::assert_json_snapshot!("verified", verified, { ".transaction.id" => redact::uuid() });
    assert_eq!(scene.verify(&order, &paid).await.is(200), verified, "a repeat answers the same");
    let told = socket.expect("coins:updated").await;
    assert_eq!(
        (&told["balance"], &told["change"], &told["kind"]),
        (&json!(350), &json!(250), &json!("purchase"))
    );
    let news = socket.expect("notification:new").await;
    assert_eq!(news["notification"]["body"], "250 coins are yours for ₹99.00");
    let events = scene.settled().await;
    assert_eq!(events.len(), 3, "{events:?}");
    assert_eq!(scene.coins().await, 350);
}

#[tokio::test]
async fn a_webhook_alone_is_enough() {
    let scene = Scene::new().await;
    let mut socket = scene.api.socket(&scene.asha).await;
    let order = scene.order("basic").await;
    scene.shop.pay(id(&order), Method::Card).expect("they pay");
    scene.settled().await;
    assert_eq!(socket.expect("coins:updated").await["balance"], 200);
    assert_eq!(scene.coins().await, 200);
}

#[tokio::test]
async fn the_same_key_is_the_same_order() {
    let scene = Scene::new().await;
    let ask = || {
        let request = scene.api.ask(Verb::POST, "/api/payments/create-order", &scene.asha);
        scene.api.send(request.header("Idempotency-Key", "one").json(&json!({ "packageType": "basic" })))
    };
    let first = ask().await.is(200);
    assert_eq!(ask().await.is(200), first);
    assert_eq!(scene.shop.requests().len(), 1);
}

#[tokio::test]
async fn what_is_refused_says_why() {
    let scene = Scene::new().await;
    let post = async |path: &str, body: Value| scene.api.post(path, &scene.asha, body).await;
    for body in [json!({}), json!({ "packageType": "gold" }), json!({ "packageType": 1 }), json!([])] {
        post("/payments/create-order", body).await.refused(400, "VALIDATION_FAILED");
    }
    let order = scene.order("basic").await;
    let paid = scene.shop.pay(id(&order), Method::Upi).expect("they pay");
    let proof = |field: &str, value: Value| {
        let mut proof = json!({ "orderId": id(&order), "paymentId": paid.razorpay_payment_id,
            "signature": paid.razorpay_signature });
        proof[field] = value;
        proof
    };
    for (field, value, status, code) in [
        ("signature", json!("0".repeat(64)), 400, "PAYMENT_SIGNATURE_INVALID"),
        ("signature", json!(""), 400, "VALIDATION_FAILED"),
        ("paymentId", json!("pay_x"), 400, "PAYMENT_SIGNATURE_INVALID"),
        ("paymentId", json!("../orders"), 400, "VALIDATION_FAILED"),
        ("orderId", json!("order_x"), 404, "ORDER_NOT_FOUND"),
        ("orderId", json!("order_\u{0}"), 400, "VALIDATION_FAILED"),
        ("transactionId", json!("0190b2c4-0000-7000-8000-000000000000"), 404, "ORDER_NOT_FOUND"),
    ] {
        post("/payments/verify", proof(field, value)).await.refused(status, code);
    }
    let ravi = scene.api.world.user("ravi").await;
    let whole = proof("orderId", json!(id(&order)));
    scene.api.post("/payments/verify", &ravi, whole.clone()).await.refused(404, "ORDER_NOT_FOUND");
    scene.api.post("/payments/verify", Who::Nobody, whole).await.refused(401, "TOKEN_REQUIRED");
    scene.settled().await;
}

#[tokio::test]
async fn without_razorpay_nothing_is_begun() {
    let scene = Scene::new().await;
    scene.shop.fail_next(1, Fault::BreakOff);
    let away = scene.api.post("/payments/create-order", &scene.asha, json!({ "packageType": "basic" })).await;
    assert!(away.header("retry-after").is_some());
    away.refused(503, "PAYMENTS_UNAVAILABLE");
    let bare = Api::new().await;
    let meera = bare.world.user("meera").await;
    let refused = bare.post("/payments/create-order", &meera, json!({ "packageType": "basic" })).await;
    refused.refused(503, "PAYMENTS_UNAVAILABLE");
    let hook = bare.post("/webhooks/razorpay", Who::Nobody, json!({ "event": "payment.captured" })).await;
    hook.refused(401, "WEBHOOK_SIGNATURE_INVALID");
}

#[tokio::test]
async fn only_razorpay_is_heard() {
    let scene = Scene::new().await;
    let order = scene.order("basic").await;
    scene.shop.set_mischief(Mischief { forge: true, ..Default::default() });
    scene.shop.pay(id(&order), Method::Upi).expect("they pay");
    let events =
        scene.shop.expect_events(|events| events.iter().all(|event| !event.answers.is_empty())).await;
    assert!(
        !events.is_empty() && events.iter().all(|event| event.answers.iter().all(|a| a.status == Some(401))),
        "{events:?}"
    );
    let url = "/api/webhooks/razorpay";
    let send =
        async |body: Vec<u8>| scene.api.send(scene.api.ask(Verb::POST, url, Who::Nobody).body(body)).await;
    send(b"{}".to_vec()).await.refused(401, "WEBHOOK_SIGNATURE_INVALID");
    send(vec![b'x'; 65 * 1024]).await.refused(413, "BODY_TOO_LARGE");
    assert_eq!(scene.coins().await, 100);
}
