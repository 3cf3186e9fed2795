//! What Razorpay tells. An event is stored under its id, with a job to apply it, in one statement; then it is answered,
//! well within the five seconds they wait. Applying locks the event's row, so it happens once, and what it says goes
//! through the same rules as everything else: repeats and any order are harmless. What is not understood stays, visible.
//!
//! Of who paid only ids are stored: addresses, numbers and cards are cut out before.

use serde::Deserialize;
use serde_json::Value;

use super::settle::Captured;
use super::{Error, Payments, metrics, subscriptions};
use crate::error::{self, Coded, Kind};
use crate::jobs::Job;
use crate::providers::razorpay::entities::{self, Payment, Refund};
use crate::providers::razorpay::signature;

/// Why an event was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Whatever signed it, it is for nobody here.
    #[error("nothing is sold here")]
    NotConfigured,
    #[error("the signature is missing, or not of this body")]
    Forged,
    #[error("the body is no event")]
    NotUnderstood,
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl Coded for Refusal {
    fn coded(&self) -> (Kind, &'static str) {
        match self {
            Self::NotConfigured | Self::Forged => (Kind::Unauthenticated, "WEBHOOK_SIGNATURE_INVALID"),
            Self::NotUnderstood => (Kind::Invalid, "WEBHOOK_INVALID"),
            Self::Database(error) => error::database(error),
        }
    }
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum State {
    /// It waits to be applied.
    Received,
    Applied,
    /// It says nothing that concerns us.
    Ignored,
    /// It contradicts what we know: somebody should look.
    Refused,
    /// Of a kind that this version does not know.
    Unknown,
}

impl State {
    pub const ALL: [Self; 5] = [Self::Received, Self::Applied, Self::Ignored, Self::Refused, Self::Unknown];

    pub fn name(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Applied => "applied",
            Self::Ignored => "ignored",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }
}

/// What is cut out of an event before it is stored, beside whatever people wrote: who paid, and from what.
const PRIVATE: [&str; 23] = [
    "account_number",
    "acquirer_data",
    "address",
    "bank_account",
    "billing_address",
    "card",
    "contact",
    "customer",
    "customer_details",
    "email",
    "evidence",
    "gstin",
    "ifsc",
    "ip",
    "name",
    "pan",
    "phone",
    "shipping_address",
    "token",
    "upi",
    "user_agent",
    "vpa",
    "wallet_number",
];

/// How long who applies an event at a terminal may take before a worker does.
const TAKES: chrono::TimeDelta = chrono::TimeDelta::minutes(1);

#[derive(Deserialize)]
struct Named {
    event: String,
}

#[derive(Deserialize)]
struct Entity<T> {
    entity: T,
}

#[derive(Deserialize)]
struct OfPayment {
    payment: Entity<Payment>,
}

#[derive(Deserialize)]
struct OfSubscription {
    subscription: Entity<entities::Subscription>,
    payment: Option<Entity<Payment>>,
}

#[derive(Deserialize)]
struct OfRefund {
    refund: Entity<Refund>,
}

impl Payments<'_> {
    /// Takes an event: `signature` and `id` are the headers `X-Razorpay-Signature` and `x-razorpay-event-id`, `body` what
    /// was signed, byte for byte. `false`: it had come before.
    pub async fn hear(&self, signature: &str, id: Option<&str>, body: &[u8]) -> Result<bool, Refusal> {
        let secret = self.0.razorpay().webhook_secret().map_err(|_| Refusal::NotConfigured)?;
        if !signature::is_of_webhook(secret, body, signature) {
            tracing::warn!(event = id, bytes = body.len(), "a webhook whose signature is not Razorpay's");
            metrics::refused("webhook", "signature");
            return Err(Refusal::Forged);
        }
        let not_understood = || {
            tracing::warn!(event = id, bytes = body.len(), "a signed webhook that is no event");
            metrics::refused("webhook", "not_understood");
            Refusal::NotUnderstood
        };
        let mut event: Value = serde_json::from_slice(body).map_err(|_| not_understood())?;
        let Named { event: kind } = Named::deserialize(&event).map_err(|_| not_understood())?;
        let id =
            match id.filter(|id| (1..=200).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic())) {
                Some(id) => id.to_owned(),
                // The same body again is the same event.
                None => format!("sha256:{}", signature::digest(body)),
            };
        if !(1..=100).contains(&kind.len()) || kind.contains('\0') {
            return Err(not_understood());
        }
        cut(&mut event);
        let now = self.0.clock().now();
        let job = Job::ApplyWebhook { event_id: id.clone() };
        let mut transaction = self.0.pool().begin().await?;
        let stored = sqlx::query!(
            r#"
            insert into webhook_events (provider, event_id, kind, payload, received_at, state)
            values ('razorpay', $1, $2, $3, $4, 'received')
            on conflict (provider, event_id) do nothing
            "#,
            id,
            kind,
            event,
            now,
        )
        .execute(&mut *transaction)
        .await?;
        if stored.rows_affected() == 0 {
            return Ok(false);
        }
        self.0.jobs().queue(&mut *transaction, &job, now).await?;
        transaction.commit().await?;
        self.0.jobs().wake();
        Ok(true)
    }

    /// Does what a stored event says, unless that was done. Money may be told to go back before it was told to come: of such
    /// a payment Razorpay is asked, and the event waits while they do not answer.
    pub(crate) async fn apply_webhook(&self, id: &str) -> Result<(), Error> {
        if let Some(payment) = self.attempt(id, true).await? {
            self.learn(&payment).await?;
            self.attempt(id, false).await?;
        }
        Ok(())
    }

    /// One transaction; a payment that has to be asked about first, if `may_ask`, leaves everything as it was.
    async fn attempt(&self, id: &str, may_ask: bool) -> Result<Option<String>, Error> {
        let mut transaction = self.0.pool().begin().await?;
        let stored = sqlx::query!(
            r#"
            select kind, payload
            from webhook_events
            where provider = 'razorpay' and event_id = $1 and state = 'received'
            for no key update
            "#,
            id,
        )
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(stored) = stored else { return Ok(None) };
        // What it moves is undone where it contradicts what we know; that it came is not.
        let mut attempt = sqlx::Acquire::begin(&mut *transaction).await?;
        let (state, note, told) = match self.apply_event(&mut attempt, &stored.kind, &stored.payload).await {
            Ok(Applied { state, note, told }) => {
                attempt.commit().await?;
                (state, note, told)
            }
            Err(Error::Database(error)) => return Err(error.into()),
            Err(Error::TransactionNotFound)
                if may_ask
                    && let Some(payment) = stored
                        .payload
                        .pointer("/payload/refund/entity/payment_id")
                        .and_then(Value::as_str) =>
            {
                return Ok(Some(payment.to_owned()));
            }
            Err(refused) => {
                attempt.rollback().await?;
                tracing::error!(event = id, kind = stored.kind, error = %refused, "a webhook contradicts what we know");
                metrics::refused("webhook", refused.coded().1);
                (State::Refused, Some(refused.to_string()), Told::Nobody)
            }
        };
        sqlx::query!(
            r#"
            update webhook_events
            set state = $2, note = $3, applied_at = $4
            where provider = 'razorpay' and event_id = $1
            "#,
            id,
            state as State,
            note,
            self.0.clock().now(),
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        told.tell(self).await;
        Ok(None)
    }

    async fn apply_event(
        &self,
        db: &mut sqlx::PgConnection,
        kind: &str,
        event: &Value,
    ) -> Result<Applied, Error> {
        let payload = &event["payload"];
        match kind {
            "payment.captured" | "order.paid" => {
                let OfPayment { payment: Entity { entity: payment } } = read(payload)?;
                let Some(order) = order_of(&payment) else {
                    return Ok(Applied::ignored("it pays for no order"));
                };
                if !payment.is_captured() {
                    return Err(Error::NotPaidYet);
                }
                if payload.pointer("/order/entity/id").is_some_and(|id| id != order) {
                    return Err(Error::Mismatch);
                }
                match self.settle(db, order, &Captured::from(&payment)).await {
                    Ok(settled) => Ok(Applied::new(Told::Settled(settled))),
                    // Their subscriptions make orders of their own, and tell of them by events of their own.
                    Err(Error::OrderNotFound) if payment.invoice_id.is_some() => {
                        Ok(Applied::ignored("a subscription's charge"))
                    }
                    Err(error) => Err(error),
                }
            }
            // Its capture is told by itself; of an order that waits for it Razorpay is asked.
            "payment.authorized" => Ok(Applied::ignored("it is only promised")),
            "payment.failed" => {
                let OfPayment { payment: Entity { entity: payment } } = read(payload)?;
                let Some(order) = order_of(&payment) else {
                    return Ok(Applied::ignored("it pays for no order"));
                };
                Ok(match self.fail(db, order, &payment).await? {
                    Some(attempt) => Applied::new(Told::Failed(attempt)),
                    None => Applied::ignored("that attempt was known"),
                })
            }
            "refund.created" | "refund.processed" | "refund.failed" | "refund.speed_changed" => {
                let OfRefund { refund: Entity { entity: refund } } = read(payload)?;
                Ok(Applied::new(Told::Refund(self.hear_refund(db, &refund).await?)))
            }
            _ if kind.starts_with("subscription.") => {
                let OfSubscription { subscription, payment } = read(payload)?;
                let payment = payment.map(|payment| payment.entity);
                let at = event["created_at"].as_i64().or_else(|| payload["created_at"].as_i64());
                // Without a time it is as old as anything can be: only what cannot be undone is taken from it.
                let at = at.unwrap_or(i64::MIN);
                let heard =
                    subscriptions::hear::hear(self.0, db, kind, &subscription.entity, payment.as_ref(), at);
                let heard = heard.await?;
                Ok(match heard.ignored {
                    Some(why) => Applied { told: Told::Subscription(heard), ..Applied::ignored(why) },
                    None => Applied::new(Told::Subscription(heard)),
                })
            }
            _ => {
                tracing::warn!(kind, "a webhook of a kind that is not known; it is kept");
                Ok(Applied { state: State::Unknown, note: None, told: Told::Nobody })
            }
        }
    }

    /// Has events of refunds applied again that came before their payment was known here.
    pub(crate) async fn hear_refused_refunds(
        &self,
        db: &mut sqlx::PgConnection,
        payment_id: &str,
    ) -> Result<(), sqlx::Error> {
        let refused = sqlx::query_scalar!(
            r#"
            update webhook_events
            set state = 'received', note = null, applied_at = null
            where provider = 'razorpay'
              and state = 'refused'
              and payload #>> '{payload,refund,entity,payment_id}' = $1
              -- As its index has it.
              and coalesce(payload #>> '{payload,payment,entity,id}',
                           payload #>> '{payload,refund,entity,payment_id}') = $1
            returning event_id
            "#,
            payment_id,
        )
        .fetch_all(&mut *db)
        .await?;
        for event_id in refused {
            self.0.jobs().queue(&mut *db, &Job::ApplyWebhook { event_id }, self.0.clock().now()).await?;
        }
        Ok(())
    }

    /// Has an event applied again, whatever became of it before. `false`: there is none of that id.
    pub async fn replay(&self, id: &str) -> Result<bool, Error> {
        let mut transaction = self.0.pool().begin().await?;
        let found = sqlx::query!(
            r#"
            update webhook_events
            set state = 'received', note = null, applied_at = null
            where provider = 'razorpay' and event_id = $1
            "#,
            id,
        )
        .execute(&mut *transaction)
        .await?;
        if found.rows_affected() == 0 {
            return Ok(false);
        }
        // Whoever dies before it is applied leaves that to a worker.
        let job = Job::ApplyWebhook { event_id: id.to_owned() };
        self.0.jobs().queue(&mut *transaction, &job, self.0.clock().now() + TAKES).await?;
        transaction.commit().await?;
        match self.apply_webhook(id).await {
            // The worker that takes it asks them again.
            Err(Error::Razorpay(error)) => {
                tracing::warn!(%error, event = id, "an event waits for what Razorpay says of its payment");
                Ok(true)
            }
            applied => applied.map(|()| true),
        }
    }
}

struct Applied {
    state: State,
    note: Option<String>,
    told: Told,
}

impl Applied {
    fn new(told: Told) -> Self {
        Self { state: State::Applied, note: None, told }
    }

    fn ignored(why: &str) -> Self {
        Self { state: State::Ignored, note: Some(why.to_owned()), told: Told::Nobody }
    }
}

/// What is told after the commit.
enum Told {
    Nobody,
    Settled(super::settle::Settled),
    Failed(super::settle::FailedAttempt),
    Refund(super::refunds::Heard),
    Subscription(subscriptions::hear::Heard),
}

impl Told {
    async fn tell(self, payments: &Payments<'_>) {
        match self {
            Self::Nobody => {}
            Self::Settled(settled) => settled.tell(payments).await,
            Self::Failed(attempt) => attempt.tell(),
            Self::Refund(heard) => heard.tell(payments).await,
            Self::Subscription(heard) => heard.tell(payments.0).await,
        }
    }
}

fn read<T: for<'a> Deserialize<'a>>(payload: &Value) -> Result<T, Error> {
    T::deserialize(payload).map_err(|error| Error::EventNotUnderstood(error.to_string()))
}

fn order_of(payment: &Payment) -> Option<&str> {
    payment.order_id.as_deref()
}

/// Leaves numbers, and texts that machines write: ids, codes, words of the protocol.
fn cut(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, value| {
                let written = value.as_str().unwrap_or_default();
                // PostgreSQL stores no NUL.
                !PRIVATE.contains(&name.as_str())
                    && !name.contains('\0')
                    && (name == "error_description" && !written.contains('\0') || is_of_machines(written))
            });
            fields.values_mut().for_each(cut);
        }
        Value::Array(items) => {
            items.retain(|value| value.as_str().is_none_or(is_of_machines));
            items.iter_mut().for_each(cut);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// No sentence, no address of any kind, and no number of a phone or an account.
fn is_of_machines(text: &str) -> bool {
    text.len() <= 100
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.:/-".contains(&b))
        && (text.len() <= 6 || !text.bytes().all(|b| b.is_ascii_digit()))
}
