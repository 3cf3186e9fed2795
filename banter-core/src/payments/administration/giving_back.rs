//! A refund by an operator: what it would do, and having Razorpay asked at once instead of by the next worker.

use serde::Serialize;

use super::super::refunds::{LEAST, TOO_LITTLE, back};
use super::super::state::{self, Act, Next};
use super::super::{Error, Payments};
use super::Listed;
use crate::error::Problems;
use crate::ids::TransactionId;
use crate::money::Paise;

/// What a refund would do.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// What is given back.
    pub transaction: Listed,
    /// Paise.
    pub amount: Paise,
    /// Coins that go with it.
    pub coins: i32,
    /// Those of them that are spent already, and become owed.
    pub owed: i32,
}

/// What became of a refund when Razorpay was asked.
#[derive(Clone, Debug)]
pub struct Sent {
    pub refund: Listed,
    /// Why it waits for a worker of the server, which asks again.
    pub waits: Option<String>,
}

impl Payments<'_> {
    /// What [`Payments::refund`] would do now, without doing it.
    pub async fn preview_refund(&self, id: TransactionId, amount: Option<Paise>) -> Result<Preview, Error> {
        let transaction = self.one(id).await?;
        if amount.is_some_and(|amount| amount < LEAST) {
            return Err(Problems::one("amount", TOO_LITTLE).into());
        }
        if transaction.parent_id.is_some() {
            return Err(Error::NotRefundable);
        }
        let refunded = transaction.refunded_amount;
        let amount = amount.unwrap_or(transaction.amount - refunded);
        let so_far = refunded + amount;
        let next = state::next(transaction.status, Act::Refund { so_far, of: transaction.amount });
        if amount <= Paise(0) || next == Next::Refuse {
            return Err(Error::NotRefundable);
        }
        let coins = transaction.coins.map_or(0, |coins| {
            back(coins, transaction.amount, so_far) - back(coins, transaction.amount, refunded)
        });
        let has = sqlx::query_scalar!("select coins from users where id = $1", transaction.user_id.0)
            .fetch_one(self.0.pool())
            .await?;
        Ok(Preview { transaction, amount, coins, owed: (coins - has).max(0) })
    }

    /// Asks Razorpay for a refund's money now. A worker that does the same at the same time, or did before, does no harm.
    pub async fn send_refund(&self, refund: TransactionId) -> Result<Sent, Error> {
        let waits = self.settle_refund(refund).await.err().map(|failure| failure.to_string());
        let refund = self.one(refund).await?;
        // A worker was faster, and they refused to be asked twice at once.
        let waits = waits.filter(|_| refund.razorpay_refund_id.is_none());
        Ok(Sent { refund, waits })
    }
}
