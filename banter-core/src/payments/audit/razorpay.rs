//! Our books beside Razorpay's: every payment that they list for a time, and every one of ours that was paid in it.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::super::state::Status;
use super::super::{Error, Payments};
use crate::ids::TransactionId;
use crate::money::Paise;
use crate::providers::razorpay::entities::Payment;
use crate::providers::razorpay::{self, PAGE};

/// A difference between the two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Difference {
    #[error("payment {payment} of {amount} was captured, and no transaction of ours knows it")]
    NotOurs { payment: String, order: Option<String>, amount: Paise },
    #[error("payment {payment} was captured, and transaction {transaction} is {}", status.name())]
    NotCredited { payment: String, transaction: TransactionId, status: Status },
    #[error("payment {payment} is of {theirs}, and transaction {transaction} of {ours}")]
    AmountDiffers { payment: String, transaction: TransactionId, theirs: Paise, ours: Paise },
    #[error("payment {payment} has {theirs} refunded, and transaction {transaction} {ours}")]
    RefundsDiffer { payment: String, transaction: TransactionId, theirs: Paise, ours: Paise },
    #[error("transaction {transaction} is paid by {payment}, which Razorpay has not captured")]
    NotCaptured { payment: String, transaction: TransactionId },
}

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Compared {
    pub payments: u64,
    pub differences: Vec<Difference>,
}

#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    #[error(transparent)]
    Razorpay(#[from] razorpay::Error),
    #[error(transparent)]
    Payments(#[from] Error),
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl crate::error::Coded for CompareError {
    fn coded(&self) -> (crate::error::Kind, &'static str) {
        match self {
            Self::Razorpay(error) => error.coded(),
            Self::Payments(error) => error.coded(),
            Self::Database(error) => crate::error::database(error),
        }
    }
}

struct Ours {
    id: TransactionId,
    status: Status,
    amount: Paise,
    refunded: Paise,
    payment: Option<String>,
    order: Option<String>,
}

impl Payments<'_> {
    /// Compares what was paid from the one time to the other. `progress` is told how many payments are done.
    pub async fn compare_with_razorpay(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        mut progress: impl FnMut(u64),
    ) -> Result<Compared, CompareError> {
        let mut compared = Compared::default();
        let mut seen = HashSet::new();
        let mut skip = 0;
        loop {
            let page = self.0.razorpay().payments(from.timestamp(), to.timestamp(), skip).await?;
            let Ok(count) = u32::try_from(page.len()) else { break };
            let ours = self.ours_of(&page).await?;
            for payment in page {
                // A payment that came in meanwhile moves the others on.
                if seen.insert(payment.id.clone()) {
                    compared.payments += 1;
                    compared.differences.extend(beside(&ours, &payment));
                }
            }
            progress(compared.payments);
            if count < PAGE {
                break;
            }
            skip += count;
        }
        for ours in self.paid_between(from, to).await? {
            let Some(payment) = ours.payment.clone().filter(|payment| !seen.contains(payment)) else {
                continue;
            };
            // Made before the time, and captured in it.
            let theirs = match self.0.razorpay().payment(&payment).await {
                Ok(theirs) => Some(theirs),
                Err(error) if error.is_unknown() => None,
                Err(error) => return Err(error.into()),
            };
            match theirs {
                Some(theirs) => compared.differences.extend(beside(&[ours], &theirs)),
                None => compared.differences.push(Difference::NotCaptured { payment, transaction: ours.id }),
            }
        }
        Ok(compared)
    }

    /// What we hold of these payments, and of the orders that they pay.
    async fn ours_of(&self, payments: &[Payment]) -> Result<Vec<Ours>, sqlx::Error> {
        let ids: Vec<String> = payments.iter().map(|payment| payment.id.clone()).collect();
        let orders: Vec<String> = payments.iter().filter_map(|payment| payment.order_id.clone()).collect();
        sqlx::query_as!(
            Ours,
            r#"
            select
                id as "id: TransactionId",
                status as "status: Status",
                amount as "amount: Paise",
                refunded_amount as "refunded: Paise",
                razorpay_payment_id as payment,
                razorpay_order_id as "order"
            from transactions
            where kind <> 'refund' and (razorpay_payment_id = any($1) or razorpay_order_id = any($2))
            "#,
            &ids,
            &orders,
        )
        .fetch_all(self.0.pool())
        .await
    }

    async fn paid_between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<Ours>, sqlx::Error> {
        sqlx::query_as!(
            Ours,
            r#"
            select
                id as "id: TransactionId",
                status as "status: Status",
                amount as "amount: Paise",
                refunded_amount as "refunded: Paise",
                razorpay_payment_id as payment,
                razorpay_order_id as "order"
            from transactions
            where paid_at between $1 and $2
              and kind <> 'refund'
              and status in ('success', 'partially_refunded', 'refunded')
            order by id
            "#,
            from,
            to,
        )
        .fetch_all(self.0.pool())
        .await
    }
}

fn beside(ours: &[Ours], theirs: &Payment) -> Option<Difference> {
    // Its own row before that of the order, which another payment may have paid.
    let its = ours.iter().find(|ours| ours.payment.as_ref() == Some(&theirs.id));
    let ours =
        its.or_else(|| ours.iter().find(|ours| theirs.order_id.is_some() && ours.order == theirs.order_id));
    let payment = theirs.id.clone();
    let not_ours = || {
        let (payment, order) = (theirs.id.clone(), theirs.order_id.clone());
        Difference::NotOurs { payment, order, amount: theirs.amount }
    };
    let Some(ours) = ours else { return theirs.is_captured().then(not_ours) };
    let transaction = ours.id;
    let refunded = theirs.amount_refunded.unwrap_or_default();
    if !theirs.is_captured() {
        (its.is_some() && ours.status.is_paid()).then_some(Difference::NotCaptured { payment, transaction })
    } else if !ours.status.is_paid() {
        Some(Difference::NotCredited { payment, transaction, status: ours.status })
    } else if its.is_none() {
        Some(not_ours())
    } else if ours.amount != theirs.amount {
        let (theirs, ours) = (theirs.amount, ours.amount);
        Some(Difference::AmountDiffers { payment, transaction, theirs, ours })
    } else if ours.refunded != refunded {
        Some(Difference::RefundsDiffer { payment, transaction, theirs: refunded, ours: ours.refunded })
    } else {
        None
    }
}
