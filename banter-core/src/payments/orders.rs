//! Ordering coins. Our row is there before Razorpay is asked, so what comes of an answer that is lost is known; who gives
//! up waiting gets another order, and the one that nobody knows ends by itself.

use serde::Serialize;
use utoipa::ToSchema;

use super::catalogue::Package;
use super::{Error, Payments, ledger};
use crate::accounts::Caller;
use crate::ids::TransactionId;
use crate::limits::Act;
use crate::money::Paise;
use crate::providers::razorpay;

/// What a checkout needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ordered {
    pub transaction: TransactionId,
    /// Razorpay's (`order_…`).
    pub order_id: String,
    pub key_id: String,
    pub package: Package,
}

/// A package as it is offered.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Offer {
    #[serde(rename = "type")]
    pub package: Package,
    pub coins: i32,
    /// Paise, with the tax in it.
    pub price: Paise,
    pub currency: &'static str,
}

impl Payments<'_> {
    /// What can be bought.
    pub fn packages(&self) -> Vec<Offer> {
        let offer = |package: Package| Offer {
            package,
            coins: package.coins(),
            price: package.price(),
            currency: "INR",
        };
        Package::ALL.map(offer).into()
    }

    /// Begins a purchase.
    pub async fn order(&self, caller: &Caller, package: Package) -> Result<Ordered, Error> {
        self.0.limits().take(Act::Order, &caller.user_id.to_string()).await?;
        let key_id = self.0.razorpay().key_id()?.to_owned();
        ledger::not_frozen(self.0.pool(), caller.user_id).await?;
        let now = self.0.clock().now();
        let transaction = TransactionId(self.0.ids().uuid(now));
        let receipt = transaction.0.simple().to_string();
        sqlx::query!(
            r#"
            insert into transactions (id, user_id, kind, amount, coins, item, receipt, created_at, updated_at)
            values ($1, $2, 'coin_purchase', $3, $4, $5, $6, $7, $7)
            "#,
            transaction.0,
            caller.user_id.0,
            package.price().0,
            package.coins(),
            package.name(),
            receipt,
            now,
        )
        .execute(self.0.pool())
        .await?;
        let notes =
            [("userId", caller.user_id.to_string()), ("transactionId", transaction.to_string())].into();
        let order = match self.0.razorpay().create_order(package.price(), &receipt, &notes).await {
            Ok(order) if order.amount == package.price() && order.currency == "INR" => order,
            Ok(order) => {
                tracing::error!(
                    order = order.id,
                    amount = order.amount.0,
                    "an order of another amount than asked for"
                );
                self.not_made(transaction, "wrong_amount").await?;
                return Err(Error::Mismatch);
            }
            Err(error) => {
                tracing::warn!(%error, %transaction, "an order could not be made");
                self.not_made(transaction, "order_not_made").await?;
                return Err(error.into());
            }
        };
        sqlx::query!(
            "update transactions set razorpay_order_id = $2, updated_at = $3 where id = $1 and razorpay_order_id is null",
            transaction.0,
            order.id,
            self.0.clock().now(),
        )
        .execute(self.0.pool())
        .await?;
        Ok(Ordered { transaction, order_id: order.id, key_id, package })
    }

    /// Nobody can pay an order whose id nobody was told.
    async fn not_made(&self, transaction: TransactionId, why: &str) -> Result<(), sqlx::Error> {
        sqlx::query!(
            r#"
            update transactions
            set status = 'failed', failure_code = 'ORDER_NOT_MADE', failure_reason = $2, updated_at = $3
            where id = $1 and status = 'pending'
            "#,
            transaction.0,
            why,
            self.0.clock().now(),
        )
        .execute(self.0.pool())
        .await?;
        Ok(())
    }
}

impl From<razorpay::Error> for Error {
    fn from(error: razorpay::Error) -> Self {
        Self::Razorpay(error)
    }
}
