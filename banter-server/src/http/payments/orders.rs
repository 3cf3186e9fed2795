//! Buying coins.

use axum::extract::State;
use banter_core::Banter;
use banter_core::ids::TransactionId;
use banter_core::money::Paise;
use banter_core::payments::catalogue::Package;
use banter_core::payments::orders::Offer;
use banter_core::payments::verify::Proof;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::extract::{Body, Caller};
use crate::http::openapi::Refusal;
use crate::http::{Answer, Outcome, answer};

#[derive(Serialize, ToSchema)]
pub struct Packages {
    packages: Vec<Offer>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewOrder {
    #[schema(inline)]
    package_type: Package,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderView {
    /// Razorpay's: the checkout's `order_id`.
    #[schema(example = "order_DESlLckIVRkHWj")]
    id: String,
    /// Paise.
    amount: Paise,
    currency: &'static str,
    /// The checkout's `key`.
    key_id: String,
}

#[derive(Serialize, ToSchema)]
pub struct TransactionRef {
    id: TransactionId,
    /// Coins that it buys.
    coins: i32,
}

#[derive(Serialize, ToSchema)]
pub struct OrderBegun {
    order: OrderView,
    transaction: TransactionRef,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentProof {
    /// The checkout's `razorpay_order_id`.
    #[schema(max_length = 100)]
    order_id: String,
    /// `razorpay_payment_id`.
    #[schema(max_length = 100)]
    payment_id: String,
    /// `razorpay_signature`.
    #[schema(max_length = 200)]
    signature: String,
    /// As the order was answered.
    transaction_id: Option<TransactionId>,
}

#[derive(Serialize, ToSchema)]
pub struct PaymentVerified {
    /// For people.
    #[schema(example = "250 coins credited successfully")]
    message: String,
    /// Coins there are now.
    coins: i32,
    transaction: TransactionRef,
}

/// Packages of coins
#[utoipa::path(get, path = "/payments/packages", operation_id = "packages", tag = "Payments", security(("bearer" = [])),
    responses((status = OK, body = Answer<Packages>), Refusal))]
pub async fn packages(State(banter): State<Banter>, Caller(_): Caller) -> Outcome<Packages> {
    answer(Packages { packages: banter.payments().packages() })
}

/// Begin to buy coins
///
/// Answers what Razorpay's checkout needs. Several attempts may be made to pay one order; nobody is charged twice for it.
/// `PAYMENTS_UNAVAILABLE` (503): nothing was begun, try again.
#[utoipa::path(post, path = "/payments/create-order", operation_id = "createOrder", tag = "Payments", request_body = NewOrder,
    security(("bearer" = [])), responses((status = OK, body = Answer<OrderBegun>), Refusal))]
pub async fn create(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Body(body): Body<NewOrder>,
) -> Outcome<OrderBegun> {
    let ordered = banter.payments().order(&caller, body.package_type).await?;
    let amount = ordered.package.price();
    answer(OrderBegun {
        order: OrderView { id: ordered.order_id, amount, currency: "INR", key_id: ordered.key_id },
        transaction: TransactionRef { id: ordered.transaction, coins: ordered.package.coins() },
    })
}

/// Prove a payment
///
/// With what the checkout answered. The coins are credited once, here or by Razorpay's own word, whichever comes first; the
/// same proof again answers the same. `PAYMENT_PENDING` (409): it is under way, and credited as soon as it is through.
/// Refused with nothing moved: `PAYMENT_SIGNATURE_INVALID` (400), `PAYMENT_MISMATCH` (400) of another order or amount,
/// `ORDER_NOT_FOUND` (404) also for somebody else's, `PAYMENT_REUSED` (409), `PAYMENT_FAILED` (409), `ORDER_ALREADY_PAID`
/// (409): the order had been paid by another payment, and this one goes back.
#[utoipa::path(post, path = "/payments/verify", operation_id = "verifyPayment", tag = "Payments", request_body = PaymentProof,
    security(("bearer" = [])), responses((status = OK, body = Answer<PaymentVerified>), Refusal))]
pub async fn verify(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Body(body): Body<PaymentProof>,
) -> Outcome<PaymentVerified> {
    let proof = Proof {
        order_id: body.order_id,
        payment_id: body.payment_id,
        signature: body.signature,
        transaction: body.transaction_id,
    };
    let verified = banter.payments().verify(&caller, &proof).await?;
    answer(PaymentVerified {
        message: format!("{} coins credited successfully", verified.coins),
        coins: verified.balance,
        transaction: TransactionRef { id: verified.transaction, coins: verified.coins },
    })
}
