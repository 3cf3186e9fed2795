//! The payment provider (Razorpay): orders, payments, refunds, plans, subscriptions.
//!
//! Amounts are paise, times unix seconds. Only refunds know an idempotency key, so everything else that is made is looked
//! for before it is made again.
//!
//! [`entities`] what it answers and tells · [`signature`] what it signs

pub mod entities;
pub mod signature;

use std::time::Duration;

use reqwest::{Method, StatusCode};
use secrecy::ExposeSecret as _;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::config;
use crate::error::{Coded, Kind};
use crate::money::Paise;
use crate::payments::catalogue::Plan;
use entities::{List, Notes, Order, Payment, PlanEntity, Refund, Subscription};

/// How long an answer may take. People wait for it in front of a checkout.
pub const PATIENCE: Duration = Duration::from_secs(8);
/// The most that a list answers at once.
pub const PAGE: u32 = 100;

#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    #[error("nothing can be bought here: no payment provider is set up")]
    NotConfigured,
    /// That plan has no id at Razorpay.
    #[error("this subscription is not for sale here")]
    NotForSale,
    /// Nothing private: a status, or why it could not be reached. It may have done what was asked.
    #[error("the payment provider does not answer; try again")]
    Away(String),
    /// Our keys are wrong, or a request breaks its rules; `code` and `description` are Razorpay's.
    #[error("the payment provider refuses: {description}")]
    Refused { status: u16, code: String, description: String, field: Option<String> },
}

impl Coded for Error {
    fn coded(&self) -> (Kind, &'static str) {
        match self {
            Self::NotConfigured | Self::NotForSale | Self::Away(_) => {
                (Kind::Unavailable, "PAYMENTS_UNAVAILABLE")
            }
            // Its words are for us: no client did anything wrong.
            Self::Refused { .. } => (Kind::Internal, "INTERNAL"),
        }
    }
}

impl Error {
    /// It has nothing of that name (or the account lacks that feature, which reads the same).
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Refused { status: 400 | 404, description, .. }
            if description.contains("does not exist") || description.contains("was not found"))
    }

    /// It says nothing of what was asked about, only of us: keys that were changed, an address that is wrong, a service
    /// that is away. Asking again may be answered otherwise.
    pub fn is_of_ours(&self) -> bool {
        match self {
            Self::NotConfigured | Self::NotForSale | Self::Away(_) => true,
            Self::Refused { status, description, .. } => {
                matches!(status, 401 | 403) || description.contains("requested URL")
            }
        }
    }
}

/// Has the form of an id of theirs: a prefix, `_`, letters and digits. What clients name goes into URLs.
pub fn is_id(prefix: &str, id: &str) -> bool {
    id.strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'))
        .is_some_and(|rest| (1..=40).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_alphanumeric()))
}

pub struct Razorpay(Option<Inner>);

struct Inner {
    config: config::Razorpay,
    http: reqwest::Client,
}

impl Razorpay {
    pub fn new(config: Option<&config::Razorpay>, http: reqwest::Client) -> Self {
        Self(config.map(|config| Inner { config: config.clone(), http }))
    }

    pub fn is_configured(&self) -> bool {
        self.0.is_some()
    }

    fn inner(&self) -> Result<&Inner, Error> {
        self.0.as_ref().ok_or(Error::NotConfigured)
    }

    /// For the apps' checkout.
    pub fn key_id(&self) -> Result<&str, Error> {
        Ok(&self.inner()?.config.key_id)
    }

    pub(crate) fn key_secret(&self) -> Result<&str, Error> {
        Ok(self.inner()?.config.key_secret.expose_secret())
    }

    pub(crate) fn webhook_secret(&self) -> Result<&str, Error> {
        Ok(self.inner()?.config.webhook_secret.expose_secret())
    }

    /// What Razorpay calls a plan of ours.
    pub fn plan_id(&self, plan: Plan) -> Result<&str, Error> {
        let config = &self.inner()?.config;
        let id = match plan {
            Plan::Monthly => &config.plan_monthly,
            Plan::Yearly => &config.plan_yearly,
        };
        id.as_deref().ok_or(Error::NotForSale)
    }

    /// Makes an order. `receipt`: ours, up to 40 characters, by which [`Self::orders_by_receipt`] finds it.
    pub async fn create_order(&self, amount: Paise, receipt: &str, notes: &Notes) -> Result<Order, Error> {
        self.post(
            "orders",
            &json!({ "amount": amount, "currency": "INR", "receipt": receipt, "notes": notes }),
        )
        .await
    }

    pub async fn order(&self, id: &str) -> Result<Order, Error> {
        self.get(&format!("orders/{id}"), &[]).await
    }

    pub async fn orders_by_receipt(&self, receipt: &str) -> Result<Vec<Order>, Error> {
        Ok(self.get::<List<Order>>("orders", &[("receipt", receipt)]).await?.items)
    }

    /// Every attempt to pay an order.
    pub async fn order_payments(&self, order: &str) -> Result<Vec<Payment>, Error> {
        let count = PAGE.to_string();
        Ok(self.get::<List<Payment>>(&format!("orders/{order}/payments"), &[("count", &count)]).await?.items)
    }

    pub async fn payment(&self, id: &str) -> Result<Payment, Error> {
        self.get(&format!("payments/{id}"), &[]).await
    }

    /// Payments made from the one time up to and with the other (unix seconds), newest first, at most [`PAGE`] after the
    /// first `skip`.
    pub async fn payments(&self, from: i64, to: i64, skip: u32) -> Result<Vec<Payment>, Error> {
        let [from, to, count, skip] = [from.to_string(), to.to_string(), PAGE.to_string(), skip.to_string()];
        let query = [("from", &*from), ("to", &*to), ("count", &*count), ("skip", &*skip)];
        Ok(self.get::<List<Payment>>("payments", &query).await?.items)
    }

    /// Takes the money of an authorised payment. One that is captured already is answered as it is.
    pub async fn capture(&self, payment: &str, amount: Paise) -> Result<Payment, Error> {
        let body = json!({ "amount": amount, "currency": "INR" });
        match self.post(&format!("payments/{payment}/capture"), &body).await {
            // Somebody was first: auto-capture, another replica. The payment itself says whether that is so.
            Err(refused @ Error::Refused { .. }) => match self.payment(payment).await {
                Ok(payment) if payment.is_captured() => Ok(payment),
                _ => Err(refused),
            },
            answer => answer,
        }
    }

    /// Gives money back. The same `key` (10 or more of `[A-Za-z0-9_-]`) and amount again is the same refund.
    pub async fn refund(
        &self,
        payment: &str,
        amount: Paise,
        key: &str,
        notes: &Notes,
    ) -> Result<Refund, Error> {
        let request = self
            .request(Method::POST, &format!("payments/{payment}/refund"))?
            .header("X-Refund-Idempotency", key)
            .json(&json!({ "amount": amount, "speed": "normal", "notes": notes }));
        self.ask(request).await
    }

    pub async fn refunds_of(&self, payment: &str) -> Result<Vec<Refund>, Error> {
        let count = PAGE.to_string();
        Ok(self
            .get::<List<Refund>>(&format!("payments/{payment}/refunds"), &[("count", &count)])
            .await?
            .items)
    }

    /// `period`: `monthly` or `yearly`, each as one.
    pub async fn create_plan(&self, period: &str, name: &str, amount: Paise) -> Result<PlanEntity, Error> {
        let item = json!({ "name": name, "amount": amount, "currency": "INR" });
        self.post("plans", &json!({ "period": period, "interval": 1, "item": item })).await
    }

    pub async fn plans(&self) -> Result<Vec<PlanEntity>, Error> {
        let count = PAGE.to_string();
        Ok(self.get::<List<PlanEntity>>("plans", &[("count", &count)]).await?.items)
    }

    pub async fn create_subscription(&self, plan: Plan, notes: &Notes) -> Result<Subscription, Error> {
        let body = json!({
            "plan_id": self.plan_id(plan)?,
            "total_count": plan.periods(),
            "quantity": 1,
            "customer_notify": true,
            "notes": notes,
        });
        self.post("subscriptions", &body).await
    }

    pub async fn subscription(&self, id: &str) -> Result<Subscription, Error> {
        self.get(&format!("subscriptions/{id}"), &[]).await
    }

    /// Ends a subscription, now or when the period that is paid ends.
    pub async fn cancel_subscription(&self, id: &str, at_period_end: bool) -> Result<Subscription, Error> {
        let body = json!({ "cancel_at_cycle_end": at_period_end });
        self.post(&format!("subscriptions/{id}/cancel"), &body).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T, Error> {
        self.ask(self.request(Method::GET, path)?.query(query)).await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<T, Error> {
        self.ask(self.request(Method::POST, path)?.json(body)).await
    }

    fn request(&self, method: Method, path: &str) -> Result<reqwest::RequestBuilder, Error> {
        let Inner { config, http } = self.inner()?;
        Ok(http
            .request(method, format!("{}/v1/{path}", config.api_url))
            .basic_auth(&config.key_id, Some(config.key_secret.expose_secret()))
            .timeout(config.patience))
    }

    async fn ask<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> Result<T, Error> {
        let away = |error: reqwest::Error| Error::Away(error.without_url().to_string());
        let answer = request.send().await.map_err(away)?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(away)?;
        if status.is_success() {
            // What it did cannot be read, so nobody knows what it did.
            return serde_json::from_slice(&body)
                .map_err(|error| Error::Away(format!("not understood: {error}")));
        }
        // 409: the same refund is being made in this very moment.
        if status.is_server_error() || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::CONFLICT)
        {
            return Err(Error::Away(status.to_string()));
        }
        let Ok(ErrorBody { error }) = serde_json::from_slice(&body) else {
            return Err(Error::Away(format!("{status} without an error of its own")));
        };
        Err(Error::Refused {
            status: status.as_u16(),
            code: error.code,
            description: error.description,
            field: error.field,
        })
    }
}

/// Of every answer that is no success. Everything else in it is optional, and not needed.
#[derive(Deserialize)]
struct ErrorBody {
    error: Said,
}

#[derive(Deserialize)]
struct Said {
    code: String,
    description: String,
    #[serde(default)]
    field: Option<String>,
}
