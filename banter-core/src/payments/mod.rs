//! Coins, and what is paid for them.
//!
//! Promises: a balance is the sum of its entries, always; no entry is ever changed; the same cause changes a balance
//! once; no balance is negative.
//!
//! [`catalogue`] what is for sale · [`ledger`] the one way in which a balance changes · [`orders`] a purchase begins ·
//! [`state`] how a payment stands, the whole table · [`verify`] a phone proves it · [`webhooks`] Razorpay tells of it ·
//! [`settle`] money came: it is credited, once · [`refunds`] it goes back · [`reconcile`] Razorpay is asked ·
//! [`history`] what somebody paid, and their entries · [`receipts`] a page of paper for each · [`audit`] the proof ·
//! [`revenue`] what came in · [`subscriptions`] premium · [`administration`] operators look, and act

pub mod administration;
pub mod audit;
pub mod catalogue;
pub mod history;
pub mod ledger;
mod metrics;
pub mod orders;
pub mod receipts;
pub mod reconcile;
pub mod refunds;
pub mod revenue;
mod settle;
pub mod state;
pub mod subscriptions;
#[cfg(test)]
mod tests;
pub mod verify;
pub mod webhooks;

use crate::Banter;
use crate::error::{self, Coded, Kind, Problems};
use crate::limits;
use crate::providers::razorpay;

/// The acts of this feature.
#[derive(Clone, Copy)]
pub struct Payments<'a>(&'a Banter);

impl Banter {
    pub fn payments(&self) -> Payments<'_> {
        Payments(self)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("your coins are frozen; the notice in your inbox says why")]
    WalletFrozen,
    #[error("there are not enough coins")]
    NotEnoughCoins,
    #[error("a balance cannot be that large")]
    TooManyCoins,
    #[error("this reference was used for another change")]
    ReferenceReused,
    #[error("this changes nothing")]
    NothingToChange,
    #[error("no such person")]
    UserNotFound,
    #[error("{0}")]
    Invalid(Problems),
    #[error("no such order")]
    OrderNotFound,
    #[error("no such payment")]
    TransactionNotFound,
    #[error("only what was paid has a receipt")]
    NoReceipt,
    #[error("no such subscription")]
    SubscriptionNotFound,
    #[error("there is a subscription already")]
    AlreadySubscribed,
    #[error("the payment's signature is not right")]
    SignatureInvalid,
    /// Of another order, amount or currency.
    #[error("the payment is not the one of this order")]
    Mismatch,
    #[error("this payment paid for something else")]
    PaymentReused,
    #[error("the order was paid before; this payment goes back")]
    AlreadyPaid,
    #[error("the payment is under way; it is credited as soon as it is through")]
    NotPaidYet,
    #[error("the payment failed; nothing was charged, or it goes back")]
    PaymentFailed,
    #[error("no more than was paid and has not gone back can be refunded")]
    NotRefundable,
    #[error(
        "Razorpay has not named the payment of this charge yet: look for it in the dashboard, or wait for its webhook"
    )]
    NotNamed,
    #[error("no such event")]
    EventNotFound,
    #[error("an event is not understood: {0}")]
    EventNotUnderstood(String),
    #[error(transparent)]
    TooMany(#[from] limits::Exceeded),
    #[error(transparent)]
    Razorpay(razorpay::Error),
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl From<Problems> for Error {
    fn from(problems: Problems) -> Self {
        Self::Invalid(problems)
    }
}

impl Coded for Error {
    fn coded(&self) -> (Kind, &'static str) {
        match self {
            Self::WalletFrozen => (Kind::Forbidden, "WALLET_FROZEN"),
            Self::NotEnoughCoins => (Kind::Conflict, "NOT_ENOUGH_COINS"),
            Self::TooManyCoins => (Kind::Conflict, "TOO_MANY_COINS"),
            Self::ReferenceReused => (Kind::Mismatch, "REFERENCE_REUSED"),
            Self::NothingToChange => (Kind::Invalid, "NOTHING_TO_CHANGE"),
            Self::UserNotFound => (Kind::NotFound, "USER_NOT_FOUND"),
            Self::Invalid(_) => (Kind::Invalid, "VALIDATION_FAILED"),
            Self::OrderNotFound => (Kind::NotFound, "ORDER_NOT_FOUND"),
            Self::TransactionNotFound => (Kind::NotFound, "TRANSACTION_NOT_FOUND"),
            Self::NoReceipt => (Kind::Conflict, "NOT_PAID"),
            Self::SubscriptionNotFound => (Kind::NotFound, "SUBSCRIPTION_NOT_FOUND"),
            Self::AlreadySubscribed => (Kind::Conflict, "ALREADY_SUBSCRIBED"),
            Self::SignatureInvalid => (Kind::Invalid, "PAYMENT_SIGNATURE_INVALID"),
            Self::Mismatch => (Kind::Invalid, "PAYMENT_MISMATCH"),
            Self::PaymentReused => (Kind::Conflict, "PAYMENT_REUSED"),
            Self::AlreadyPaid => (Kind::Conflict, "ORDER_ALREADY_PAID"),
            Self::NotPaidYet => (Kind::Conflict, "PAYMENT_PENDING"),
            Self::PaymentFailed => (Kind::Conflict, "PAYMENT_FAILED"),
            Self::NotRefundable => (Kind::Conflict, "NOT_REFUNDABLE"),
            Self::NotNamed => (Kind::Conflict, "PAYMENT_NOT_NAMED"),
            Self::EventNotFound => (Kind::NotFound, "WEBHOOK_EVENT_NOT_FOUND"),
            Self::EventNotUnderstood(_) => (Kind::Invalid, "WEBHOOK_INVALID"),
            Self::TooMany(error) => error.coded(),
            Self::Razorpay(error) => error.coded(),
            Self::Database(error) => error::database(error),
        }
    }

    fn problems(&self) -> Option<&Problems> {
        if let Self::Invalid(problems) = self { Some(problems) } else { None }
    }

    fn retry_after(&self) -> Option<u64> {
        if let Self::TooMany(error) = self { error.retry_after() } else { None }
    }
}
