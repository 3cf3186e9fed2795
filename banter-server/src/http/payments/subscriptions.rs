//! Premium.

use axum::extract::State;
use banter_core::Banter;
use banter_core::ids::SubscriptionId;
use banter_core::payments::catalogue::Plan;
use banter_core::payments::subscriptions::premium::PremiumUpdate;
use banter_core::payments::subscriptions::verify::Proof;
use banter_core::payments::subscriptions::{PlanOffer, Subscription};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::extract::{Body, Caller};
use crate::http::openapi::Refusal;
use crate::http::{Answer, Outcome, answer};

#[derive(Serialize, ToSchema)]
pub struct Plans {
    plans: Vec<PlanOffer>,
}

#[derive(Deserialize, ToSchema)]
pub struct NewSubscription {
    #[schema(inline)]
    plan: Plan,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionBegun {
    /// Its `razorpaySubscriptionId` is the checkout's `subscription_id`.
    subscription: Subscription,
    /// The checkout's `key`.
    key_id: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionProof {
    /// Ours, as it was answered; or else `razorpaySubscriptionId`.
    subscription_id: Option<SubscriptionId>,
    /// The checkout's `razorpay_subscription_id`.
    #[schema(max_length = 100)]
    razorpay_subscription_id: Option<String>,
    /// `razorpay_payment_id`.
    #[schema(max_length = 100)]
    payment_id: String,
    /// `razorpay_signature`.
    #[schema(max_length = 200)]
    signature: String,
}

#[derive(Serialize, ToSchema)]
pub struct SubscriptionProved {
    subscription: Subscription,
    premium: PremiumUpdate,
}

#[derive(Serialize, ToSchema)]
pub struct CurrentSubscription {
    /// Null: there never was one.
    subscription: Option<Subscription>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionEnding {
    /// False: now. What is paid stays paid either way.
    #[schema(default = true)]
    at_period_end: Option<bool>,
}

#[derive(Serialize, ToSchema)]
pub struct SubscriptionEnded {
    subscription: Subscription,
}

/// Plans of premium
#[utoipa::path(get, path = "/payments/plans", operation_id = "plans", tag = "Payments", security(("bearer" = [])),
    responses((status = OK, body = Answer<Plans>), Refusal))]
pub async fn plans(State(banter): State<Banter>, Caller(_): Caller) -> Outcome<Plans> {
    answer(Plans { plans: banter.payments().subscriptions().plans() })
}

/// Begin to subscribe
///
/// Answers what Razorpay's checkout needs. One that nobody agreed to yet is answered again; one of the other plan is ended
/// first. `ALREADY_SUBSCRIBED` (409): one goes on, perhaps until its period ends. `PAYMENTS_UNAVAILABLE` (503): nothing was
/// begun, try again.
#[utoipa::path(post, path = "/payments/subscriptions", operation_id = "subscribe", tag = "Payments",
    request_body = NewSubscription, security(("bearer" = [])), responses((status = OK, body = Answer<SubscriptionBegun>), Refusal))]
pub async fn begin(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Body(body): Body<NewSubscription>,
) -> Outcome<SubscriptionBegun> {
    let begun = banter.payments().subscriptions().begin(&caller, body.plan).await?;
    answer(SubscriptionBegun { subscription: begun.subscription, key_id: begun.key_id })
}

/// Prove a subscription
///
/// With what the checkout answered. The same proof again changes nothing. While Razorpay cannot be asked, what is known is
/// answered and `premium` has not begun: they are asked within seconds, and `premium:updated` tells of it. Refused with
/// nothing moved: `PAYMENT_SIGNATURE_INVALID` (400), `PAYMENT_MISMATCH` (400) of another amount, `SUBSCRIPTION_NOT_FOUND`
/// (404) also for somebody else's, `PAYMENT_REUSED` (409).
#[utoipa::path(post, path = "/payments/subscriptions/verify", operation_id = "verifySubscription", tag = "Payments",
    request_body = SubscriptionProof, security(("bearer" = [])),
    responses((status = OK, body = Answer<SubscriptionProved>), Refusal))]
pub async fn verify(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Body(body): Body<SubscriptionProof>,
) -> Outcome<SubscriptionProved> {
    let proof = Proof {
        subscription: body.subscription_id,
        razorpay_id: body.razorpay_subscription_id,
        payment_id: body.payment_id,
        signature: body.signature,
    };
    let proved = banter.payments().subscriptions().verify(&caller, &proof).await?;
    answer(SubscriptionProved { subscription: proved.subscription, premium: proved.premium })
}

/// The subscription there is
///
/// The one that goes on, or else the last that was.
#[utoipa::path(get, path = "/payments/subscriptions/current", operation_id = "currentSubscription", tag = "Payments",
    security(("bearer" = [])), responses((status = OK, body = Answer<CurrentSubscription>), Refusal))]
pub async fn current(State(banter): State<Banter>, Caller(caller): Caller) -> Outcome<CurrentSubscription> {
    answer(CurrentSubscription { subscription: banter.payments().subscriptions().current(&caller).await? })
}

/// End the subscription
///
/// When the period that is paid ends, or now; where no paid period is under way, now. Premium lasts until the end of what
/// is paid. Again it answers the same. `SUBSCRIPTION_NOT_FOUND` (404): there never was one.
#[utoipa::path(post, path = "/payments/subscriptions/cancel", operation_id = "cancelSubscription", tag = "Payments",
    request_body = SubscriptionEnding, security(("bearer" = [])), responses((status = OK, body = Answer<SubscriptionEnded>), Refusal))]
pub async fn cancel(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Body(body): Body<SubscriptionEnding>,
) -> Outcome<SubscriptionEnded> {
    let subscription =
        banter.payments().subscriptions().cancel(&caller, body.at_period_end.unwrap_or(true)).await?;
    answer(SubscriptionEnded { subscription })
}
