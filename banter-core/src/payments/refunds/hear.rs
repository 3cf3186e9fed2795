//! What Razorpay tells of refunds: of those that were asked for here, and of those made in its dashboard. Any order, any
//! number of times.

use sqlx::PgConnection;

use super::super::ledger;
use super::super::state::{self, Act, Next, Status};
use super::super::{Error, Payments};
use super::{Decision, Moved, Opened, Parent, lock, reused};
use crate::ids::TransactionId;
use crate::money::Paise;
use crate::providers::razorpay::entities::{Refund, RefundStatus};

/// What Razorpay told of a refund.
#[derive(Debug)]
pub(crate) enum Heard {
    Opened(Opened),
    Reversed(Moved),
    Noted,
}

impl Heard {
    /// It had not been known.
    pub(crate) fn is_new(&self) -> bool {
        matches!(self, Self::Opened(_) | Self::Reversed(_))
    }

    pub(crate) async fn tell(self, payments: &Payments<'_>) {
        match self {
            Self::Opened(opened) => opened.tell(payments).await,
            Self::Reversed(moved) => moved.tell(payments),
            Self::Noted => {}
        }
    }
}

impl Payments<'_> {
    /// Notes what Razorpay says of a refund, in a transaction of its own.
    pub(in crate::payments) async fn refund_is(&self, made: &Refund) -> Result<Heard, Error> {
        let mut transaction = self.0.pool().begin().await?;
        let heard = self.hear_refund(&mut transaction, made).await?;
        transaction.commit().await?;
        Ok(heard)
    }

    /// What a refund of theirs means for ours: one we asked for is known by its notes, one made in the dashboard is
    /// opened here. Any order, any number of times.
    pub(crate) async fn hear_refund(&self, db: &mut PgConnection, made: &Refund) -> Result<Heard, Error> {
        let parent = sqlx::query_scalar!(
            r#"select id as "id: TransactionId" from transactions where razorpay_payment_id = $1"#,
            made.payment_id,
        )
        .fetch_optional(&mut *db)
        .await?
        .ok_or(Error::TransactionNotFound)?;
        // Whoever hears of the same refund at once waits here.
        let parent = lock(db, parent).await?;
        if made.currency != parent.currency {
            return Err(Error::Mismatch);
        }
        let ours: Option<TransactionId> = made.notes.0.get("refundId").and_then(|id| id.parse().ok());
        let known = sqlx::query!(
            r#"
            select
                id as "id: TransactionId",
                status as "status: Status",
                amount as "amount: Paise",
                razorpay_refund_id
            from transactions
            where parent_id = $1
              and (razorpay_refund_id = $2 or razorpay_refund_id is null and id = $3)
            "#,
            parent.id.0,
            made.id,
            ours.map(|id| id.0),
        )
        .fetch_optional(&mut *db)
        .await?;
        let Some(known) = known else {
            let decision = Decision { reason: "made at the payment provider", actor: None };
            if made.status == RefundStatus::Failed {
                self.note_failed(db, &parent, made, &decision).await?;
                return Ok(Heard::Noted);
            }
            return Ok(Heard::Opened(
                self.open_refund(db, &parent, made.amount, &decision, Some(made)).await?,
            ));
        };
        if known.amount != made.amount {
            return Err(Error::Mismatch);
        }
        if made.status == RefundStatus::Failed {
            return self.reverse(db, known.id, "the bank did not take it").await;
        }
        sqlx::query!(
            r#"
            update transactions
            set razorpay_refund_id = $2,
                -- What was processed is not pending again, and what failed has ended.
                status = case when status = 'pending' then $3 else status end,
                paid_at = case when status = 'pending' and $3 = 'success' then $4 else paid_at end,
                updated_at = $4
            where id = $1 and (razorpay_refund_id is null or status <> $3)
            "#,
            known.id.0,
            made.id,
            as_status(made.status).name(),
            self.0.clock().now(),
        )
        .execute(db)
        .await?;
        Ok(Heard::Noted)
    }

    /// A refund that is first heard of by its end: what it was before is told late, and must find it.
    async fn note_failed(
        &self,
        db: &mut PgConnection,
        parent: &Parent,
        made: &Refund,
        decision: &Decision<'_>,
    ) -> Result<(), Error> {
        let now = self.0.clock().now();
        sqlx::query!(
            r#"
            insert into transactions
                (id, parent_id, user_id, kind, amount, currency, provider, item, subscription_id, status,
                 razorpay_refund_id, reason, failure_code, created_at, updated_at)
            select $1, id, user_id, 'refund', $3, currency, provider, item, subscription_id, 'failed', $4, $5,
                'REFUND_FAILED', $6, $6
            from transactions
            where id = $2
            "#,
            self.0.ids().uuid(now),
            parent.id.0,
            made.amount.0,
            made.id,
            decision.reason,
            now,
        )
        .execute(db)
        .await
        .map_err(reused)?;
        Ok(())
    }

    /// The money did not go back after all: the coins do. Once.
    pub(super) async fn reverse(
        &self,
        db: &mut PgConnection,
        refund: TransactionId,
        why: &str,
    ) -> Result<Heard, Error> {
        let why: String = why.chars().take(300).collect();
        let parent = sqlx::query_scalar!(
            r#"select parent_id as "id!: TransactionId" from transactions where id = $1 and kind = 'refund'"#,
            refund.0,
        )
        .fetch_optional(&mut *db)
        .await?
        .ok_or(Error::TransactionNotFound)?;
        let parent = lock(db, parent).await?;
        let failed = sqlx::query!(
            r#"
            update transactions
            set status = 'failed', failure_code = 'REFUND_FAILED', failure_reason = $2, updated_at = $3
            where id = $1 and status in ('pending', 'success')
            returning amount as "amount: Paise", coins
            "#,
            refund.0,
            why,
            self.0.clock().now(),
        )
        .fetch_optional(&mut *db)
        .await?;
        let Some(failed) = failed else { return Ok(Heard::Noted) };
        let so_far = parent.refunded - failed.amount;
        let status = match state::next(parent.status, Act::Refund { so_far, of: parent.amount }) {
            Next::Become(status) => status,
            Next::Stay => parent.status,
            Next::Refuse => return Err(Error::NotRefundable),
        };
        sqlx::query!(
            "update transactions set status = $2, refunded_amount = $3, updated_at = $4 where id = $1",
            parent.id.0,
            status as Status,
            so_far.0,
            self.0.clock().now(),
        )
        .execute(&mut *db)
        .await?;
        let reference = format!("refund-reversed:{refund}");
        let moved = self.moved(db, &parent, ledger::Kind::RefundReversed, failed.coins, reference).await?;
        Ok(Heard::Reversed(moved))
    }
}

pub(super) fn as_status(status: RefundStatus) -> Status {
    match status {
        RefundStatus::Pending => Status::Pending,
        RefundStatus::Processed => Status::Success,
        RefundStatus::Failed => Status::Failed,
    }
}
