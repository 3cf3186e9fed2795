//! The customer in front of the checkout of an order.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::book::{Work, set, text};
use super::checks::Refusal;
use super::payments;
use crate::providers::razorpay::signature;

/// How somebody pays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    #[default]
    Upi,
    Card,
    Netbanking,
    Wallet,
}

impl FromStr for Method {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "upi" => Ok(Self::Upi),
            "card" => Ok(Self::Card),
            "netbanking" => Ok(Self::Netbanking),
            "wallet" => Ok(Self::Wallet),
            _ => Err("one of upi, card, netbanking, wallet".into()),
        }
    }
}

/// What the checkout gives the app: an order's id, or a subscription's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkout {
    pub razorpay_payment_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub razorpay_order_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub razorpay_subscription_id: Option<String>,
    pub razorpay_signature: String,
}

impl Checkout {
    fn of_order(secret: &str, order: &str, payment: &str) -> Self {
        Self {
            razorpay_payment_id: payment.to_owned(),
            razorpay_order_id: Some(order.to_owned()),
            razorpay_subscription_id: None,
            razorpay_signature: signature::sign(secret, format!("{order}|{payment}").as_bytes()),
        }
    }

    pub(super) fn of_subscription(secret: &str, subscription: &str, payment: &str) -> Self {
        Self {
            razorpay_payment_id: payment.to_owned(),
            razorpay_order_id: None,
            razorpay_subscription_id: Some(subscription.to_owned()),
            razorpay_signature: signature::sign(secret, format!("{payment}|{subscription}").as_bytes()),
        }
    }
}

impl Work<'_> {
    /// The money is promised, not taken.
    pub(super) fn authorize(
        &mut self,
        secret: &str,
        order: &str,
        method: Method,
    ) -> Result<Checkout, Refusal> {
        let payment = self.attempt(order, method, "authorized")?;
        let mut told = payments::told(&payment);
        if method == Method::Card {
            // As Razorpay's own sample of a card's event has it: the status alone is to be trusted.
            set(&mut told, json!({ "captured": true }));
        }
        self.tell("payment.authorized", &[("payment", told)]);
        Ok(Checkout::of_order(secret, order, text(&payment, "id")))
    }

    /// The money is promised, and taken at once.
    pub(super) fn pay(&mut self, secret: &str, order: &str, method: Method) -> Result<Checkout, Refusal> {
        let checkout = self.authorize(secret, order, method)?;
        self.capture(&checkout.razorpay_payment_id)?;
        Ok(checkout)
    }

    /// The customer's bank says no. The payment that failed.
    pub(super) fn fail_to_pay(
        &mut self,
        order: &str,
        method: Method,
        reason: &str,
    ) -> Result<Value, Refusal> {
        let payment = self.attempt(order, method, "failed")?;
        let payment = self.book.payments.get_mut(text(&payment, "id"))?;
        set(payment, failed(reason));
        let payment = payment.clone();
        self.tell("payment.failed", &[("payment", payments::told(&payment))]);
        Ok(payment)
    }

    /// An event of a kind that nobody listens for.
    pub(super) fn dispute(&mut self, payment: &str) -> Result<(), Refusal> {
        let payment = payments::told(self.book.payments.get(payment)?);
        let dispute = json!({
            "id": self.id("disp"),
            "entity": "dispute",
            "payment_id": payment["id"],
            "amount": payment["amount"],
            "currency": "INR",
            "amount_deducted": 0,
            "reason_code": "goods_or_services_not_received_or_partially_received",
            "respond_by": self.now + 7 * 86_400,
            "status": "open",
            "phase": "chargeback",
            "created_at": self.now,
        });
        self.tell("payment.dispute.created", &[("payment", payment), ("dispute", dispute)]);
        Ok(())
    }
}

pub(super) fn failed(reason: &str) -> Value {
    json!({
        "error_code": "BAD_REQUEST_ERROR",
        "error_description": "Payment failed",
        "error_source": "bank",
        "error_step": "payment_authorization",
        "error_reason": reason,
    })
}
