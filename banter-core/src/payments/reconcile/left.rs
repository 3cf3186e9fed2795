//! What a job gave up, because Razorpay did not answer for longer than a job is tried. Nothing that concerns money ends
//! there: each round takes it up again.

use chrono::TimeDelta;
use sqlx::postgres::types::PgInterval;

use super::super::{Error, Payments};
use super::BATCH;
use crate::ids::TransactionId;
use crate::jobs::Job;

/// What a job should have done so long ago is taken up again: longer than a job is tried.
const LEFT: TimeDelta = TimeDelta::minutes(30);
/// How often it is tried to give back what Razorpay refused to.
const AGAIN: TimeDelta = TimeDelta::hours(24);

impl Payments<'_> {
    /// Has done what a job gave up: events that nobody applied, refunds whose end nobody knows, second payments of an order
    /// that have not gone back.
    pub(crate) async fn take_up_what_was_left(&self) -> Result<(), Error> {
        let now = self.0.clock().now();
        if !self.0.razorpay().is_configured() {
            return Ok(());
        }
        let mut transaction = self.0.pool().begin().await?;
        let events = sqlx::query_scalar!(
            r#"
            select event_id
            from webhook_events
            where provider = 'razorpay' and state <> 'applied' and state = 'received'
              and received_at < $1::timestamptz - $2::interval
            order by received_at
            limit $3
            "#,
            now,
            PgInterval::try_from(LEFT).expect("whole minutes"),
            BATCH,
        )
        .fetch_all(&mut *transaction)
        .await?;
        let refunds = sqlx::query_scalar!(
            r#"
            update transactions
            set asked_at = $1
            where id in (
                select id
                from transactions
                where status = 'pending'
                  and kind = 'refund'
                  and coalesce(asked_at, created_at) < $1::timestamptz - $2::interval
                  -- Twice as long each time: banks take days.
                  and coalesce(asked_at, created_at) - created_at <= $1 - coalesce(asked_at, created_at)
                order by coalesce(asked_at, created_at)
                limit $3
            )
            returning id as "id: TransactionId"
            "#,
            now,
            PgInterval::try_from(LEFT).expect("whole minutes"),
            BATCH,
        )
        .fetch_all(&mut *transaction)
        .await?;
        let kept = sqlx::query_scalar!(
            r#"
            select id as "id: TransactionId"
            from transactions
            where kind = 'coin_purchase'
              and razorpay_order_id is null
              and status in ('success', 'partially_refunded')
              and updated_at < $1::timestamptz - $2::interval
            order by updated_at
            limit $3
            "#,
            now,
            PgInterval::try_from(AGAIN).expect("whole hours"),
            BATCH,
        )
        .fetch_all(&mut *transaction)
        .await?;
        for event_id in events {
            self.0.jobs().queue(&mut *transaction, &Job::ApplyWebhook { event_id }, now).await?;
        }
        for refund_id in refunds {
            self.0.jobs().queue(&mut *transaction, &Job::SettleRefund { refund_id }, now).await?;
        }
        for second in kept {
            tracing::error!(transaction = %second, "a second payment of an order has not gone back; it is tried again");
            self.give_back_again(&mut transaction, second).await?;
        }
        transaction.commit().await?;
        self.0.jobs().wake();
        Ok(())
    }
}
