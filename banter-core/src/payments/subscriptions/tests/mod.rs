//! With the stand-in: its subscriptions, its events in any order, its silence.

mod any_order;
mod begin;
mod life;
mod refusals;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::Subscription;
use super::begin::Begun;
use super::state::Status;
use super::verify::{Proof, Proved};
use crate::error::Coded as _;
use crate::events::Event;
use crate::jobs::worker;
use crate::payments::Error;
use crate::payments::catalogue::Plan;
use crate::providers::razorpay::signature::sign;
use crate::sandbox::razorpay::{Checkout, Method, Options, Sandbox, Sent};
use crate::testing::{Person, World, noon};

/// Somebody who may subscribe. Events of the stand-in are delivered by hand.
struct Club {
    sandbox: Sandbox,
    world: World,
    asha: Person,
}

impl Club {
    async fn open() -> Self {
        let sandbox = Sandbox::start(Options::new(noon())).await.unwrap();
        let world = World::builder().memory().buys_at(&sandbox).build().await;
        let asha = world.user("asha").await;
        // The end of premium waits for its time.
        world.may_leave_jobs();
        Self { sandbox, world, asha }
    }

    fn subscriptions(&self) -> super::Subscriptions<'_> {
        self.world.banter.payments().subscriptions()
    }

    async fn begin(&self, plan: Plan) -> Begun {
        self.subscriptions().begin(&self.asha.caller, plan).await.unwrap()
    }

    /// Subscribes and pays the first period; nothing is told yet.
    async fn agreed(&self, plan: Plan) -> (Subscription, Checkout) {
        let begun = self.begin(plan).await.subscription;
        let paid = self.sandbox.subscribe(&begun.razorpay_subscription_id, Method::Card).unwrap();
        (begun, paid)
    }

    /// The same, and all of it is told.
    async fn member(&self, plan: Plan) -> Subscription {
        let (begun, _) = self.agreed(plan).await;
        self.deliver_new().await;
        begun
    }

    fn proof(begun: &Subscription, paid: &Checkout) -> Proof {
        Proof {
            subscription: Some(begun.id),
            razorpay_id: None,
            payment_id: paid.razorpay_payment_id.clone(),
            signature: paid.razorpay_signature.clone(),
        }
    }

    async fn verify(&self, proof: &Proof) -> Result<Proved, Error> {
        self.subscriptions().verify(&self.asha.caller, proof).await
    }

    /// Delivers an event under a name of its own; what became of it.
    async fn deliver(&self, name: &str, body: &Value) -> String {
        let body = body.to_string();
        let signature = sign(&self.sandbox.keys().webhook_secret, body.as_bytes());
        self.world.banter.payments().hear(&signature, Some(name), body.as_bytes()).await.unwrap();
        self.work().await;
        sqlx::query_scalar("select state from webhook_events where event_id = $1")
            .bind(name)
            .fetch_one(self.world.banter.pool())
            .await
            .unwrap()
    }

    /// Everything that was not delivered yet, in order.
    async fn deliver_new(&self) {
        for Sent { id, body, .. } in self.sandbox.events() {
            self.deliver(&id, &body).await;
        }
    }

    async fn work(&self) {
        while worker::round(&self.world.banter).await.unwrap() > 0 {}
    }

    async fn current(&self) -> Subscription {
        self.subscriptions().current(&self.asha.caller).await.unwrap().unwrap()
    }

    async fn status(&self) -> Status {
        self.current().await.status
    }

    async fn premium_until(&self) -> Option<DateTime<Utc>> {
        sqlx::query_scalar("select premium_until from users where id = $1")
            .bind(self.asha.id)
            .fetch_one(self.world.banter.pool())
            .await
            .unwrap()
    }

    async fn is_premium(&self) -> bool {
        self.premium_until().await.is_some_and(|until| until > self.world.now())
    }

    async fn books_are_right(&self) {
        let audited = self.world.banter.payments().audit(None, |_| {}).await.unwrap();
        assert!(audited.is_clean(), "{:?}", audited.findings);
    }

    async fn number(&self, sql: &str) -> i64 {
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned()))
            .fetch_one(self.world.banter.pool())
            .await
            .unwrap()
    }

    async fn charges(&self) -> i64 {
        self.number("select count(*) from transactions where kind = 'subscription' and status = 'success'")
            .await
    }

    async fn news(&self, kind: &str) -> i64 {
        self.number(&format!("select count(*) from notifications where kind = '{kind}'")).await
    }

    /// When the period ends that Razorpay has.
    fn period_end(&self, begun: &Subscription) -> DateTime<Utc> {
        let entity = self.sandbox.entity(&begun.razorpay_subscription_id).unwrap();
        DateTime::from_timestamp(entity["current_end"].as_i64().unwrap(), 0).unwrap()
    }

    fn pass_to(&self, time: DateTime<Utc>) {
        self.world.advance(time - self.world.now());
    }

    /// The period passes, and the next is paid.
    async fn renew(&self, begun: &Subscription) {
        self.pass_to(self.period_end(begun));
        self.sandbox.charge_next(&begun.razorpay_subscription_id).unwrap();
        self.deliver_new().await;
    }

    /// `isPremium` of every `premium:updated` so far.
    fn told(&self) -> Vec<bool> {
        let told = self.world.events_for(&self.asha);
        told.iter()
            .filter_map(|event| match event {
                Event::PremiumUpdated(update) => Some(update.is_premium),
                _ => None,
            })
            .collect()
    }
}

const GRACE: TimeDelta = TimeDelta::days(3);

fn code<T: std::fmt::Debug>(outcome: Result<T, Error>) -> &'static str {
    outcome.expect_err("a refusal").coded().1
}
