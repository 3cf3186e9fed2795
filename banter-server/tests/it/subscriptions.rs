//! Premium over HTTP, told by Razorpay's stand-in.

use banter_core::sandbox::razorpay::{Checkout, Fault, Method, Mischief, Options, Sandbox};
use banter_core::testing::{Person, World, noon, redact};
use serde_json::{Value, json};

use crate::harness::{Answer, Api, Who};

const SUBSCRIPTIONS: &str = "/api/payments/subscriptions";

struct Scene {
    shop: Sandbox,
    api: Api,
    asha: Person,
}

impl Scene {
    async fn new() -> Self {
        let shop = Sandbox::start(Options::new(noon())).await.expect("a stand-in");
        let api = Api::over(World::builder().buys_at(&shop)).await;
        // The end of premium waits for its time.
        api.world.may_leave_jobs();
        shop.set_webhook(api.url("/webhooks/razorpay"));
        let asha = api.world.user("asha").await;
        Self { shop, api, asha }
    }

    /// Waits until every event was told, and applies it.
    async fn settled(&self) {
        self.shop.settled().await;
        self.api.work().await;
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.api.post(&format!("{SUBSCRIPTIONS}{path}"), &self.asha, body).await
    }

    async fn begin(&self, plan: &str) -> Value {
        self.post("", json!({ "plan": plan })).await.is(200)
    }

    fn agree(&self, begun: &Value) -> Checkout {
        self.shop.subscribe(id(begun), Method::Upi).expect("they agree")
    }

    async fn current(&self) -> Value {
        self.api.get(&format!("{SUBSCRIPTIONS}/current"), &self.asha).await.is(200)["subscription"].take()
    }

    async fn is_premium(&self) -> Value {
        self.api.get("/auth/me", &self.asha).await.is(200)["user"]["isPremium"].take()
    }
}

fn id(begun: &Value) -> &str {
    begun["subscription"]["razorpaySubscriptionId"].as_str().expect("an id")
}

fn proof(begun: &Value, paid: &Checkout) -> Value {
    json!({ "subscriptionId": begun["subscription"]["id"], "razorpaySubscriptionId": id(begun),
        "paymentId": paid.razorpay_payment_id, "signature": paid.razorpay_signature })
}

#[tokio::test]
async fn premium_is_bought_proved_and_ended() {
    let scene = Scene::new().await;
    let mut socket = scene.api.socket(&scene.asha).await;
    let plans = scene.api.get("/api/payments/plans", &scene.asha).await.is(200);
    insta::assert_json_snapshot!("plans", plans);
    assert_eq!(scene.current().await, Value::Null);
    let begun = scene.begin("monthly").await;
    insta::assert_json_snapshot!("begun", begun, {
        ".keyId" => "[key]", ".subscription.id" => redact::uuid(),
        ".subscription.razorpaySubscriptionId" => "[subscription]", ".subscription.createdAt" => redact::time(),
    });
    let paid = scene.agree(&begun);
    let proved = scene.post("/verify", proof(&begun, &paid)).await.is(200);
    insta::assert_json_snapshot!("proved", proved, {
        ".subscription.id" => redact::uuid(), ".subscription.razorpaySubscriptionId" => "[subscription]",
    });
    assert_eq!(
        scene.post("/verify", proof(&begun, &paid)).await.is(200),
        proved,
        "a repeat answers the same"
    );
    let told = socket.expect("premium:updated").await;
    assert_eq!((&told["isPremium"], &told["plan"]), (&json!(true), &json!("monthly")));
    assert_eq!(scene.is_premium().await, true);
    scene.settled().await;
    let ended = scene.post("/cancel", json!({})).await.is(200);
    let ended = &ended["subscription"];
    assert_eq!((&ended["status"], &ended["cancelAtPeriodEnd"]), (&json!("active"), &json!(true)));
    let ended = scene.post("/cancel", json!({ "atPeriodEnd": false })).await.is(200);
    assert_eq!(ended["subscription"]["status"], "cancelled");
    assert_eq!(scene.post("/cancel", json!({ "atPeriodEnd": false })).await.is(200), ended);
    assert_eq!(
        (scene.current().await, scene.is_premium().await),
        (ended["subscription"].clone(), json!(true))
    );
    scene.settled().await;
}

#[tokio::test]
async fn webhooks_alone_are_enough_whatever_happens_to_them() {
    let scene = Scene::new().await;
    let mut socket = scene.api.socket(&scene.asha).await;
    scene.shop.set_mischief(Mischief { copies: 3, shuffle: true, ..Mischief::default() });
    let begun = scene.begin("yearly").await;
    scene.agree(&begun);
    scene.settled().await;
    while socket.expect("premium:updated").await["isPremium"] != true {}
    let refused = scene.post("", json!({ "plan": "monthly" })).await;
    refused.refused(409, "ALREADY_SUBSCRIBED");
    assert_eq!(scene.current().await["status"], "active");
}

#[tokio::test]
async fn two_at_once_are_one() {
    let scene = Scene::new().await;
    let [one, two] = futures_util::future::join_all([scene.begin("monthly"), scene.begin("monthly")])
        .await
        .try_into()
        .expect("two");
    assert_eq!(one, two);
    scene.settled().await;
}

#[tokio::test]
async fn what_is_refused_says_why() {
    let scene = Scene::new().await;
    for body in [json!({}), json!({ "plan": "weekly" }), json!({ "plan": null }), json!([])] {
        scene.post("", body).await.refused(400, "VALIDATION_FAILED");
    }
    scene.post("/cancel", json!({})).await.refused(404, "SUBSCRIPTION_NOT_FOUND");
    let begun = scene.begin("monthly").await;
    let whole = proof(&begun, &scene.agree(&begun));
    scene.settled().await;
    for (field, value, status, code) in [
        ("signature", json!("0".repeat(64)), 400, "PAYMENT_SIGNATURE_INVALID"),
        ("signature", json!(""), 400, "PAYMENT_SIGNATURE_INVALID"),
        ("paymentId", json!("pay_x"), 400, "PAYMENT_SIGNATURE_INVALID"),
        ("paymentId", json!("../orders"), 400, "VALIDATION_FAILED"),
        ("razorpaySubscriptionId", json!("order_x"), 400, "VALIDATION_FAILED"),
        ("razorpaySubscriptionId", json!("sub_x"), 404, "SUBSCRIPTION_NOT_FOUND"),
        ("subscriptionId", json!("0190b2c4-0000-7000-8000-000000000000"), 404, "SUBSCRIPTION_NOT_FOUND"),
    ] {
        let mut proof = whole.clone();
        proof[field] = value;
        scene.post("/verify", proof).await.refused(status, code);
    }
    let ravi = scene.api.world.user("ravi").await;
    let verify = format!("{SUBSCRIPTIONS}/verify");
    scene.api.post(&verify, &ravi, whole.clone()).await.refused(404, "SUBSCRIPTION_NOT_FOUND");
    scene.api.post(&verify, Who::Nobody, whole).await.refused(401, "TOKEN_REQUIRED");
}

#[tokio::test]
async fn without_razorpay_nothing_is_begun_or_ended() {
    let scene = Scene::new().await;
    scene.shop.fail_next(1, Fault::BreakOff);
    let away = scene.post("", json!({ "plan": "monthly" })).await;
    assert!(away.header("retry-after").is_some());
    away.refused(503, "PAYMENTS_UNAVAILABLE");
    assert_eq!(scene.current().await, Value::Null);
    scene.begin("monthly").await;
    scene.shop.fail_next(1, Fault::ServerError);
    scene.post("/cancel", json!({})).await.refused(503, "PAYMENTS_UNAVAILABLE");
    assert_eq!(scene.current().await["status"], "created");
}
