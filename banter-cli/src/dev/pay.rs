//! `banter dev pay`: the customer in front of the checkout, at the stand-in for Razorpay.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use banter_core::money::Paise;
use banter_core::sandbox::razorpay::{Checkout, Fate, Method, Mischief, Sent};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::home;
use super::process::{self, Part};
use super::state::State;
use crate::exit::{ExitStatus, Failure};
use crate::printer::Printer;

/// How late money comes that comes late.
const LATE: Duration = Duration::from_secs(3);
/// How long the answers to events are waited for.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, clap::Args)]
pub(crate) struct PayArgs {
    /// The order (`order_…`), the purchase's id, or a subscription (`sub_…`)
    order: String,
    /// How it is paid: upi, card, netbanking, wallet
    #[arg(long, default_value = "upi")]
    method: Method,
    /// The bank says no
    #[arg(long)]
    fail: bool,
    /// The money is promised now and comes 3 seconds later
    #[arg(long, conflicts_with = "fail")]
    late: bool,
    /// Every webhook comes twice
    #[arg(long)]
    twice: bool,
    /// Directory of the `banter dev` at which to pay
    #[arg(long, value_name = "DIR", default_value = ".banter")]
    dir: PathBuf,
}

/// In JSON the names are part of the contract with scripts.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Paid {
    /// The order or the subscription.
    id: String,
    /// `false`: the attempt failed, as was asked.
    paid: bool,
    /// What the checkout gives the app; `None`: nobody was there, or the payment failed.
    checkout: Option<Checkout>,
    /// Where the app takes that, and how.
    verify: Option<Verify>,
    webhooks: Vec<Webhook>,
}

#[derive(Debug, Serialize)]
struct Verify {
    path: &'static str,
    body: Value,
}

#[derive(Debug, Serialize)]
struct Webhook {
    event: String,
    fate: Fate,
    /// Status and body of each answer.
    answers: Vec<(Option<u16>, String)>,
}

struct StandIn {
    url: String,
    http: reqwest::Client,
}

pub(crate) async fn run(args: PayArgs, out: &Printer) -> Result<ExitStatus, Failure> {
    let stand_in = StandIn::of(&args)?;
    let id = stand_in.id(&args.order).await?;
    if args.twice {
        stand_in.mischief(Mischief { copies: 2, ..Mischief::default() }).await?;
    }
    let paid = pay(&stand_in, &args, &id, out).await;
    if args.twice {
        stand_in.mischief(Mischief::default()).await?;
    }
    let paid = paid?;
    if out.is_json() {
        out.json(&paid);
    } else {
        out.data(paid.text());
    }
    Ok(ExitStatus::Done)
}

async fn pay(stand_in: &StandIn, args: &PayArgs, id: &str, out: &Printer) -> Result<Paid, Failure> {
    let body = json!({ "method": args.method });
    let is_order = !id.starts_with("sub_");
    if !is_order && args.late {
        return Err(Failure::user("`--late` is for orders: a subscription's charges come when they come"));
    }
    let action = match (is_order, args.fail, args.late) {
        (true, true, _) => format!("orders/{id}/fail"),
        (true, false, true) => format!("orders/{id}/authorize"),
        (true, false, false) => format!("orders/{id}/pay"),
        (false, true, _) => format!("subscriptions/{id}/fail"),
        (false, false, _) => format!("subscriptions/{id}/pay"),
    };
    let answer: Value = stand_in.post(&action, &body).await?;
    let checkout = if is_order { &answer } else { &answer["checkout"] };
    // Neither a charge that follows nor a failure has one.
    let checkout = Checkout::deserialize(checkout).ok();
    let payment = checkout.as_ref().map(|checkout| checkout.razorpay_payment_id.clone());
    if let Some(payment) = payment.as_ref().filter(|_| is_order && args.late) {
        out.say(format_args!("{payment} is authorised; the money comes in {} seconds", LATE.as_secs()));
        tokio::time::sleep(LATE).await;
        stand_in.post::<Value>(&format!("payments/{payment}/capture"), &json!({})).await?;
    }
    // Of an order that failed the answer is the payment.
    let told = payment.as_deref().or_else(|| answer["id"].as_str()).unwrap_or(id);
    let webhooks = stand_in.answers(told).await?;
    let verify = checkout.as_ref().map(Verify::of);
    Ok(Paid { paid: !args.fail, id: id.to_owned(), checkout, verify, webhooks })
}

impl Verify {
    fn of(checkout: &Checkout) -> Self {
        let Checkout { razorpay_payment_id, razorpay_order_id, razorpay_subscription_id, razorpay_signature } =
            checkout;
        let mut body = json!({ "paymentId": razorpay_payment_id, "signature": razorpay_signature });
        if let Some(order) = razorpay_order_id {
            body["orderId"] = order.as_str().into();
            return Self { path: "/api/payments/verify", body };
        }
        body["razorpaySubscriptionId"] = json!(razorpay_subscription_id);
        Self { path: "/api/payments/subscriptions/verify", body }
    }
}

impl StandIn {
    fn of(args: &PayArgs) -> Result<Self, Failure> {
        let nothing = || {
            Failure::user(format!("no stand-in for Razorpay runs in `{}`", args.dir.display()))
                .hint("start `banter dev` without RAZORPAY_KEY_ID, or name its directory with `--dir`")
        };
        let state = State::load(&home::state_file(&args.dir))?;
        let port = state.and_then(|state| state.razorpay.port);
        let runs = process::runs(&home::run(&args.dir), Part::Razorpay);
        let port = port.filter(|_| runs).ok_or_else(nothing)?;
        Ok(Self { url: format!("http://127.0.0.1:{port}"), http: banter_core::providers::http_client() })
    }

    /// What Razorpay calls it.
    async fn id(&self, named: &str) -> Result<String, Failure> {
        if named.starts_with("sub_") {
            return Ok(named.to_owned());
        }
        // A receipt is the purchase's id without its dashes.
        let name = if named.starts_with("order_") { named.to_owned() } else { named.replace('-', "") };
        let found = self.http.get(format!("{}/sandbox/orders", self.url)).query(&[("find", name)]);
        match self.ask::<Value>(found).await?["orders"][0]["id"].as_str() {
            Some(id) => Ok(id.to_owned()),
            None => Err(self.unknown(named).await),
        }
    }

    async fn unknown(&self, named: &str) -> Failure {
        let unpaid = self.ask::<Value>(self.http.get(format!("{}/sandbox/orders", self.url))).await;
        let mut lines = String::new();
        for order in unpaid.iter().flat_map(|answer| answer["orders"].as_array()).flatten() {
            let price = Paise(order["amount"].as_i64().unwrap_or_default());
            let _ = write!(lines, "\n  {}  {price}", order["id"].as_str().unwrap_or_default());
        }
        let failure = Failure::user(format!("there is no order `{named}`"));
        match lines.is_empty() {
            true => {
                failure.hint("nothing waits to be paid: make an order with POST /api/payments/create-order")
            }
            false => failure.hint(format!("these wait to be paid, the newest first:{lines}")),
        }
    }

    async fn mischief(&self, mischief: Mischief) -> Result<(), Failure> {
        self.post::<Value>("mischief", &json!(mischief)).await.map(drop)
    }

    /// What was told of this payment or subscription, once it was answered.
    async fn answers(&self, id: &str) -> Result<Vec<Webhook>, Failure> {
        #[derive(Deserialize)]
        struct Events {
            events: Vec<Sent>,
        }
        let begun = Instant::now();
        loop {
            let url = format!("{}/sandbox/events?of={id}", self.url);
            let Events { events } = self.ask(self.http.get(url)).await?;
            let waits = |sent: &Sent| sent.fate == Fate::OnItsWay && sent.answers.is_empty();
            if !events.iter().any(waits) || begun.elapsed() > PATIENCE {
                return Ok(events.into_iter().map(Webhook::from).collect());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, Failure> {
        self.ask(self.http.post(format!("{}/sandbox/{path}", self.url)).json(body)).await
    }

    async fn ask<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> Result<T, Failure> {
        let away = |error: reqwest::Error| {
            Failure::user(format!("the stand-in for Razorpay does not answer: {error}"))
        };
        let answer = request.send().await.map_err(away)?;
        if answer.status().is_success() {
            return answer.json().await.map_err(away);
        }
        let refused: Value = answer.json().await.map_err(away)?;
        let why = refused["error"]["description"].as_str().unwrap_or("no reason is given");
        Err(Failure::user(format!("Razorpay would refuse this: {why}")))
    }
}

impl From<Sent> for Webhook {
    fn from(sent: Sent) -> Self {
        let answers = sent.answers.into_iter().map(|answer| (answer.status, answer.body)).collect();
        Self { event: sent.name, fate: sent.fate, answers }
    }
}

impl Paid {
    fn text(&self) -> String {
        let mut text = match self.paid {
            true => format!("{} is paid", self.id),
            false => format!("{}: the payment failed", self.id),
        };
        if let Some(checkout) = &self.checkout {
            let _ = write!(text, "\n\nThe checkout gives the app\n  {}", json!(checkout));
        }
        if let Some(Verify { path, body }) = &self.verify {
            let _ = write!(text, "\n\nThe app says to {path}\n  {body}");
        }
        let _ = write!(text, "\n\nWebhooks");
        for Webhook { event, answers, .. } in &self.webhooks {
            let answers: Vec<_> = answers
                .iter()
                .map(|(status, body)| status.map_or_else(|| body.clone(), |status| status.to_string()))
                .collect();
            let answers = if answers.is_empty() { "no answer yet".into() } else { answers.join(", ") };
            let _ = write!(text, "\n  {event:<26}  {answers}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paid(checkout: Option<Checkout>) -> Paid {
        let webhook = |event: &str, answers: &[(Option<u16>, &str)]| Webhook {
            event: event.into(),
            fate: Fate::OnItsWay,
            answers: answers.iter().map(|(status, body)| (*status, (*body).to_owned())).collect(),
        };
        let webhooks = vec![
            webhook("payment.authorized", &[(Some(200), "{}")]),
            webhook("payment.captured", &[(Some(503), ""), (Some(200), "{}")]),
            webhook("order.paid", &[(None, "nobody is there")]),
            webhook("subscription.charged", &[]),
        ];
        let verify = checkout.as_ref().map(Verify::of);
        Paid { id: "order_1".into(), paid: checkout.is_some(), checkout, verify, webhooks }
    }

    fn checkout(order: Option<&str>, subscription: Option<&str>) -> Checkout {
        Checkout {
            razorpay_payment_id: "pay_1".into(),
            razorpay_order_id: order.map(str::to_owned),
            razorpay_subscription_id: subscription.map(str::to_owned),
            razorpay_signature: "0f".repeat(32),
        }
    }

    #[test]
    fn it_says_what_the_app_gets_and_what_the_server_answered() {
        insta::assert_snapshot!(paid(Some(checkout(Some("order_1"), None))).text());
        insta::assert_snapshot!(paid(None).text());
    }

    #[test]
    fn a_subscription_is_proved_elsewhere() {
        let Verify { path, body } = Verify::of(&checkout(None, Some("sub_1")));
        assert_eq!(path, "/api/payments/subscriptions/verify");
        assert_eq!((&body["razorpaySubscriptionId"], &body["orderId"]), (&json!("sub_1"), &Value::Null));
    }
}
