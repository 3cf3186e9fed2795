//! The handle of a stand-in that runs.

use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::book::{Book, Work};
use super::checks::Refusal;
use super::customer::{Checkout, Method};
use super::faults::{Asked, Fault, Faults};
use super::webhooks::{Mischief, Post, Sent};
use super::{Keys, Options, http, keeping};
use crate::clock::Clock;
use crate::config;
use crate::ids::Ids;
use crate::payments::catalogue::Plan;

/// How long anything may take that is waited for, on a machine that does much else.
const DEADLINE: Duration = Duration::from_secs(30);

/// A stand-in that runs until it is dropped.
pub struct Sandbox {
    url: String,
    shop: Arc<Shop>,
    server: tokio::task::JoinHandle<()>,
    keeper: Option<tokio::task::JoinHandle<()>>,
}

/// What its tasks share.
pub(super) struct Shop {
    pub keys: Keys,
    pub faults: Faults,
    pub post: Post,
    /// Idempotency keys of refunds that are being made.
    pub refunding: Mutex<HashSet<String>>,
    clock: Clock,
    ids: Ids,
    book: Mutex<Book>,
    file: Option<PathBuf>,
    changed: Notify,
}

impl Shop {
    /// Does this, and sends what it brings. What fails leaves everything as it was: rules look before they write.
    pub(super) fn act<T>(
        &self,
        action: impl FnOnce(&mut Work<'_>) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let mut book = self.book.lock().expect("no panic while locked");
        let now = self.clock.now().timestamp();
        let mut work = Work { book: &mut book, ids: &self.ids, now, news: Vec::new() };
        let done = action(&mut work)?;
        let news = work.news;
        drop(book);
        self.changed.notify_one();
        self.post.send(news);
        Ok(done)
    }

    fn save(&self) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        keeping::save(file, &self.book.lock().expect("no panic while locked"))
    }
}

impl Sandbox {
    pub async fn start(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", options.port)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let mut book = match &options.file {
            Some(file) => keeping::load(file)?,
            None => Book::default(),
        };
        let now = options.clock.now().timestamp();
        let mut work = Work { book: &mut book, ids: &options.ids, now, news: Vec::new() };
        for plan in Plan::ALL {
            work.ensure_plan(options.keys.plan_id(plan), plan.name(), plan.price().0);
        }
        let shop = Arc::new(Shop {
            faults: Faults::default(),
            post: Post::new(&options),
            refunding: Mutex::default(),
            keys: options.keys,
            clock: options.clock,
            ids: options.ids,
            book: Mutex::new(book),
            file: options.file,
            changed: Notify::new(),
        });
        shop.save()?;
        let server = tokio::spawn(http::serve(listener, Arc::clone(&shop)));
        let keeper = shop.file.is_some().then(|| tokio::spawn(keep(Arc::clone(&shop))));
        Ok(Self { url, shop, server, keeper })
    }

    /// For `RAZORPAY_API_URL`: without a path.
    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn clock(&self) -> &Clock {
        &self.shop.clock
    }

    pub fn keys(&self) -> &Keys {
        &self.shop.keys
    }

    pub fn plan_id(&self, plan: Plan) -> &str {
        self.shop.keys.plan_id(plan)
    }

    /// Settings that buy here.
    pub fn config(&self) -> config::Razorpay {
        config::Razorpay {
            key_id: self.keys().key_id.clone(),
            key_secret: self.keys().key_secret.as_str().into(),
            webhook_secret: self.keys().webhook_secret.as_str().into(),
            api_url: self.url.clone(),
            plan_monthly: Some(self.plan_id(Plan::Monthly).to_owned()),
            plan_yearly: Some(self.plan_id(Plan::Yearly).to_owned()),
            patience: DEADLINE,
        }
    }

    /// Where events go from now on.
    pub fn set_webhook(&self, url: impl Into<String>) {
        self.shop.post.set_url(Some(url.into()));
    }

    /// The customer pays: the money is promised and taken, the order is paid. Also after failed attempts.
    pub fn pay(&self, order: &str, method: Method) -> Result<Checkout, Refusal> {
        self.shop.act(|work| work.pay(&self.shop.keys.key_secret, order, method))
    }

    /// The customer pays, and the money is only promised: [`Self::capture_late`] or the merchant takes it.
    pub fn authorize(&self, order: &str, method: Method) -> Result<Checkout, Refusal> {
        self.shop.act(|work| work.authorize(&self.shop.keys.key_secret, order, method))
    }

    /// Takes the money of a payment that was only promised.
    pub fn capture_late(&self, payment: &str) -> Result<(), Refusal> {
        self.shop.act(|work| work.capture(payment))
    }

    /// An attempt that fails, such as of `payment_cancelled` or `insufficient_fund`; the payment's id.
    pub fn fail_payment(&self, order: &str, method: Method, reason: &str) -> Result<String, Refusal> {
        let payment = self.shop.act(|work| work.fail_to_pay(order, method, reason))?;
        Ok(super::book::text(&payment, "id").to_owned())
    }

    /// The merchant gives money back on the dashboard: `amount` paise, or all. The refund's id.
    pub fn refund(&self, payment: &str, amount: Option<i64>) -> Result<String, Refusal> {
        self.shop.act(|work| work.refund(payment, amount, "normal", &serde_json::json!([]), None))
    }

    /// Refunds stay `pending` from now on, until [`Self::process_refund`] or [`Self::fail_refund`].
    pub fn refund_slowly(&self) {
        self.shop.book.lock().expect("no panic while locked").slow_refunds = true;
    }

    pub fn process_refund(&self, refund: &str) -> Result<(), Refusal> {
        self.shop.act(|work| work.process_refund(refund)).map(drop)
    }

    pub fn fail_refund(&self, refund: &str) -> Result<(), Refusal> {
        self.shop.act(|work| work.fail_refund(refund)).map(drop)
    }

    /// Sends an event of a kind that is not listened for: `payment.dispute.created`.
    pub fn dispute(&self, payment: &str) -> Result<(), Refusal> {
        self.shop.act(|work| work.dispute(payment))
    }

    /// The customer agrees to a subscription, and pays its first period unless that begins later.
    pub fn subscribe(&self, subscription: &str, method: Method) -> Result<Checkout, Refusal> {
        self.shop.act(|work| work.subscribe(&self.shop.keys.key_secret, subscription, method))
    }

    /// The next period begins and is paid; or the subscription ends that was to end with its period.
    pub fn charge_next(&self, subscription: &str) -> Result<Value, Refusal> {
        self.shop.act(|work| work.charge_next(subscription))
    }

    /// The next charge fails: `pending`, and at the fourth time `halted`.
    pub fn fail_charge(&self, subscription: &str) -> Result<Value, Refusal> {
        self.shop.act(|work| work.fail_charge(subscription))
    }

    pub fn complete(&self, subscription: &str) -> Result<Value, Refusal> {
        self.shop.act(|work| work.complete(subscription))
    }

    /// Nobody agreed in time. No event tells of it.
    pub fn expire(&self, subscription: &str) -> Result<Value, Refusal> {
        self.shop.act(|work| work.expire(subscription))
    }

    /// Somebody cancels on the dashboard, now.
    pub fn cancel(&self, subscription: &str) -> Result<Value, Refusal> {
        self.shop.act(|work| work.cancel(subscription))
    }

    /// Somebody pauses on the dashboard.
    pub fn pause(&self, subscription: &str) -> Result<Value, Refusal> {
        self.shop.act(|work| work.pause(subscription, &Value::Null))
    }

    pub fn resume(&self, subscription: &str) -> Result<Value, Refusal> {
        self.shop.act(|work| work.resume(subscription, &Value::Null))
    }

    /// An entity as the API answers it; `None`: there is none of that id.
    pub fn entity(&self, id: &str) -> Option<Value> {
        let book = self.shop.book.lock().expect("no panic while locked");
        let shelf = match id.split_once('_')?.0 {
            "order" => &book.orders,
            "pay" => &book.payments,
            "rfnd" => &book.refunds,
            "plan" => &book.plans,
            "sub" => &book.subscriptions,
            _ => return None,
        };
        shelf.get(id).ok().cloned()
    }

    /// From now on events meet this; the default is that all goes well.
    pub fn set_mischief(&self, mischief: Mischief) {
        self.shop.post.set_mischief(mischief);
    }

    /// Keeps events back from now on.
    pub fn hold(&self) {
        self.set_mischief(Mischief { hold: true, ..self.shop.post.mischief() });
    }

    /// Sends what was kept back.
    pub fn release(&self) {
        self.shop.post.release();
    }

    /// Sends an event once more. Panics where there is none of that id.
    pub fn resend(&self, event: &str) {
        assert!(self.shop.post.resend(event), "no event {event}");
    }

    /// All events, in the order in which they happened.
    pub fn events(&self) -> Vec<Sent> {
        self.shop.post.sent()
    }

    /// Waits until no event is on its way; all of them. Panics if that takes too long.
    pub async fn settled(&self) -> Vec<Sent> {
        assert!(self.shop.post.settled(DEADLINE).await, "events are still on their way: {:?}", self.events());
        self.events()
    }

    /// Waits until this holds of the events. Panics if that takes too long.
    pub async fn expect_events(&self, holds: impl Fn(&[Sent]) -> bool) -> Vec<Sent> {
        assert!(self.shop.post.wait(DEADLINE, holds).await, "the events are {:?}", self.events());
        self.events()
    }

    /// Fails so from now on, whatever is asked.
    pub fn fail(&self, fault: Fault) {
        self.shop.faults.add("", None, fault);
    }

    /// Fails so for the next requests.
    pub fn fail_next(&self, times: usize, fault: Fault) {
        self.shop.faults.add("", Some(times), fault);
    }

    /// Fails so where the request's line begins with `at`, such as `POST /v1/orders`; `times`: `None` is always.
    pub fn fail_at(&self, at: &str, times: Option<usize>, fault: Fault) {
        self.shop.faults.add(at, times, fault);
    }

    /// All is well again; who was kept waiting is answered.
    pub fn recover(&self) {
        self.shop.faults.recover();
    }

    /// What it was asked, with success or without.
    pub fn requests(&self) -> Vec<Asked> {
        self.shop.faults.asked()
    }

    /// Waits until this many requests came whose line begins so. Panics if that takes too long.
    pub async fn was_asked(&self, line: &str, times: usize) {
        assert!(self.shop.faults.was_asked(line, times, DEADLINE).await, "asked was {:?}", self.requests());
    }

    /// What was asked against the rules of the API, and why; forgotten then.
    pub fn take_refused(&self) -> Vec<String> {
        self.shop.faults.take_refused()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.server.abort();
        if let Some(keeper) = self.keeper.take() {
            keeper.abort();
            // What changed since the keeper's last look.
            let _ = self.shop.save();
        }
    }
}

/// Writes the book after changes. A burst of them is written once.
async fn keep(shop: Arc<Shop>) {
    loop {
        shop.changed.notified().await;
        let saver = Arc::clone(&shop);
        let saved = tokio::task::spawn_blocking(move || saver.save()).await;
        if let Ok(Err(error)) = saved {
            tracing::error!("what the stand-in knows could not be written: {error}");
        }
    }
}
