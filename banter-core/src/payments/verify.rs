//! A phone brings the proof of a payment: what Razorpay's checkout answered it.

use chrono::TimeDelta;

use super::settle::{Captured, Settled};
use super::state::Status;
use super::{Error, Payments, metrics};
use crate::accounts::Caller;
use crate::error::Problems;
use crate::ids::TransactionId;
use crate::limits::Act;
use crate::money::Paise;
use crate::providers::razorpay::entities::{Payment, PaymentStatus};
use crate::providers::razorpay::{self, signature};

/// What a checkout answered.
#[derive(Clone, Debug)]
pub struct Proof {
    /// `order_…`.
    pub order_id: String,
    /// `pay_…`.
    pub payment_id: String,
    /// HMAC-SHA256 of `order|payment` by the key's secret, in hexadecimal.
    pub signature: String,
    /// Ours, as the order was answered; the order alone names it too.
    pub transaction: Option<TransactionId>,
}

/// A purchase that is paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    pub transaction: TransactionId,
    /// Coins that were bought.
    pub coins: i32,
    /// Coins there are now.
    pub balance: i32,
}

struct Order {
    id: TransactionId,
    status: Status,
    amount: Paise,
    currency: String,
    coins: i32,
    payment_id: Option<String>,
}

/// When Razorpay could not be asked about a payment whose proof is good, it is asked this much later.
const ASK_AGAIN: TimeDelta = TimeDelta::seconds(30);

impl Payments<'_> {
    /// Credits a purchase by the proof of its payment. Again, or after a webhook was first, it answers the same and
    /// credits nothing. While Razorpay is away the proof alone is good: only they and we can make one, and an order has one
    /// amount; they are asked as soon as they answer.
    pub async fn verify(&self, caller: &Caller, proof: &Proof) -> Result<Verified, Error> {
        self.0.limits().take(Act::VerifyPayment, &caller.user_id.to_string()).await?;
        let mut problems = Problems::default();
        problems.check("orderId", razorpay::is_id("order", &proof.order_id), "is no order's id");
        problems.check("paymentId", razorpay::is_id("pay", &proof.payment_id), "is no payment's id");
        let written = (1..=200).contains(&proof.signature.len())
            && proof.signature.bytes().all(|b| b.is_ascii_graphic());
        problems.check("signature", written, "is no signature");
        problems.none()?;
        let order = self.order_of(caller, proof).await?;
        let secret = self.0.razorpay().key_secret()?;
        if !signature::is_of_order(secret, &proof.order_id, &proof.payment_id, &proof.signature) {
            return Err(self.disbelieve(&order, proof, "signature", Error::SignatureInvalid));
        }
        if order.payment_id.as_deref() != Some(&proof.payment_id) {
            let seen = match self.look_at(&order, proof).await {
                Err(Error::NotPaidYet) => {
                    self.ask_later(self.0.pool(), order.id, ASK_AGAIN).await?;
                    return Err(Error::NotPaidYet);
                }
                seen => seen?,
            };
            self.credit_by(&order, proof, seen.as_ref()).await?;
        }
        let balance = sqlx::query_scalar!("select coins from users where id = $1", caller.user_id.0)
            .fetch_one(self.0.pool());
        Ok(Verified { transaction: order.id, coins: order.coins, balance: balance.await? })
    }

    /// By order and person: nobody else's, and not another one than the app believes it to be.
    async fn order_of(&self, caller: &Caller, proof: &Proof) -> Result<Order, Error> {
        sqlx::query_as!(
            Order,
            r#"
            select
                id as "id: TransactionId",
                status as "status: Status",
                amount as "amount: Paise",
                currency,
                coins as "coins!",
                razorpay_payment_id as payment_id
            from transactions
            where razorpay_order_id = $1 and user_id = $2 and kind = 'coin_purchase' and ($3::uuid is null or id = $3)
            "#,
            proof.order_id,
            caller.user_id.0,
            proof.transaction.map(|id| id.0),
        )
        .fetch_optional(self.0.pool())
        .await?
        .ok_or_else(|| {
            tracing::warn!(user = %caller.user_id, "a proof of payment for no order of theirs");
            metrics::refused("verify", "order");
            Error::OrderNotFound
        })
    }

    /// The payment as Razorpay has it, captured; `None`: they do not answer.
    async fn look_at(&self, order: &Order, proof: &Proof) -> Result<Option<Payment>, Error> {
        let payment = match self.0.razorpay().payment(&proof.payment_id).await {
            Ok(payment) => payment,
            Err(error) if error.is_unknown() => {
                return Err(self.disbelieve(order, proof, "unknown", Error::Mismatch));
            }
            Err(error @ razorpay::Error::Refused { .. }) => {
                tracing::error!(%error, transaction = %order.id, "Razorpay refuses to be asked about a payment");
                return Err(error.into());
            }
            Err(error) => {
                tracing::warn!(%error, transaction = %order.id, "a payment is believed by its proof alone");
                return Ok(None);
            }
        };
        let named = (payment.order_id.as_deref(), payment.amount, payment.currency.as_str());
        if named != (Some(proof.order_id.as_str()), order.amount, order.currency.as_str()) {
            return Err(self.disbelieve(order, proof, "mismatch", Error::Mismatch));
        }
        match payment.status {
            PaymentStatus::Captured | PaymentStatus::Refunded => Ok(Some(payment)),
            PaymentStatus::Authorized => self.take(&payment).await,
            PaymentStatus::Created | PaymentStatus::Other => Err(Error::NotPaidYet),
            PaymentStatus::Failed => Err(Error::PaymentFailed),
        }
    }

    /// Captures what is only promised: the dashboard's setting may leave that to us.
    pub(super) async fn take(&self, payment: &Payment) -> Result<Option<Payment>, Error> {
        match self.0.razorpay().capture(&payment.id, payment.amount).await {
            Ok(captured) => Ok(Some(captured)),
            Err(razorpay::Error::Away(why)) => {
                tracing::warn!(why, payment = payment.id, "a payment could not be captured yet");
                Err(Error::NotPaidYet)
            }
            // It may have been taken, or have gone back, in another way: the order is looked at.
            Err(error) => {
                tracing::error!(%error, payment = payment.id, "a payment that was promised is not to be had");
                Err(Error::NotPaidYet)
            }
        }
    }

    async fn credit_by(&self, order: &Order, proof: &Proof, seen: Option<&Payment>) -> Result<(), Error> {
        let captured = seen.map_or_else(
            || Captured {
                payment_id: &proof.payment_id,
                amount: order.amount,
                currency: &order.currency,
                method: None,
                fee: None,
                tax: None,
            },
            Captured::from,
        );
        let mut transaction = self.0.pool().begin().await?;
        let settled = self.settle(&mut transaction, &proof.order_id, &captured).await?;
        if seen.is_none_or(|payment| payment.status == PaymentStatus::Refunded) {
            self.ask_later(&mut *transaction, order.id, ASK_AGAIN).await?;
        }
        transaction.commit().await?;
        let twice = matches!(settled, Settled::PaidTwice(_) | Settled::GoesBack);
        settled.tell(self).await;
        if twice { Err(Error::AlreadyPaid) } else { Ok(()) }
    }

    fn disbelieve(&self, order: &Order, proof: &Proof, reason: &'static str, error: Error) -> Error {
        // Logged by what it was said to be: the signature itself is worth nothing to whoever reads logs.
        let (status, payment) = (order.status.name(), &proof.payment_id);
        tracing::warn!(transaction = %order.id, status, payment, reason, "a proof of payment is refused");
        metrics::refused("verify", reason);
        error
    }
}
