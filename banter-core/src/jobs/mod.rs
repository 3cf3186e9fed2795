//! Work that must happen after a commit. A job is a row written in the transaction that causes it; any replica's
//! worker takes it under a lease, and does it at least once, so every job is safe to run twice. A failure waits
//! longer each time (with jitter); after the last attempt the job is `dead`: kept, counted, visible, and put back by
//! hand with [`Jobs::retry`].
//!
//! One job a file: [`prune`], [`collect`]; pushes are [`crate::notifications::push`], what keeps calls and rooms true is
//! [`crate::voice`]. [`worker`] runs them.

pub mod collect;
pub mod prune;
#[cfg(test)]
mod tests;
pub mod worker;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgExecutor;
use tokio::sync::Notify;

use crate::Banter;
use crate::ids::{CallId, JobId, RoomId, SessionId, SubscriptionId, TransactionId, UserId};
use crate::notifications::push::Push;
use crate::payments::subscriptions::premium;
use crate::payments::{self, reconcile};
use crate::voice;

/// What is to be done. The variant's name and fields are what the row holds: change them only by adding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "payload", rename_all = "snake_case")]
pub enum Job {
    /// Drops what is past its time; queues itself again.
    Prune {},
    /// Clears away what reached an account while it was being deleted.
    AfterDeletion { user_id: UserId },
    /// Removes uploads that nothing uses; queues itself again.
    Collect {},
    /// A call has rung long enough.
    RingTimeout { call_id: CallId },
    /// Makes the media server and one person's seat agree.
    SettleSeat { room: String, user_id: UserId },
    /// Takes somebody out of what they were in on a login that ended.
    LeaveWithLogin { user_id: UserId, session_id: SessionId },
    /// Makes the media server have a room that is to be there, and no other.
    SettleMediaRoom { room: String },
    /// The same for all; queues itself again.
    ReconcileVoice {},
    /// Ends a room, unless somebody came meanwhile.
    CloseEmptyRoom { room_id: RoomId },
    /// Does what the payment provider told.
    ApplyWebhook { event_id: String },
    /// Has the payment provider give money back.
    SettleRefund { refund_id: TransactionId },
    /// Asks the payment provider about an order.
    CheckOrder { transaction_id: TransactionId },
    /// Asks the payment provider about a subscription, and about a payment that was proved for it.
    CheckSubscription { subscription_id: SubscriptionId, payment_id: Option<String> },
    /// Tells that somebody's premium is over.
    ExpirePremium { user_id: UserId },
    /// The same for all that wait; queues itself again.
    ReconcilePayments {},
    /// Has the payments of the last days compared with the provider's; queues itself again.
    ReconcileYesterday {},
    /// Compares one page of a day's, and queues the next.
    ReconcilePage { day: NaiveDate, page: u32 },
    /// Tells one phone of something. One job a phone, so that a retry reaches only those it did not reach before.
    Push(Push),
}

impl Job {
    /// At most one waiting job bears this name.
    fn unique_name(&self) -> Option<&'static str> {
        match self {
            Self::Prune {} => Some("prune"),
            Self::Collect {} => Some("collect"),
            Self::ReconcileVoice {} => Some("reconcile_voice"),
            Self::ReconcilePayments {} => Some("reconcile_payments"),
            Self::ReconcileYesterday {} => Some("reconcile_yesterday"),
            Self::AfterDeletion { .. }
            | Self::Push(_)
            | Self::RingTimeout { .. }
            | Self::CloseEmptyRoom { .. }
            | Self::LeaveWithLogin { .. }
            | Self::SettleSeat { .. }
            | Self::ApplyWebhook { .. }
            | Self::SettleRefund { .. }
            | Self::CheckOrder { .. }
            | Self::ReconcilePage { .. }
            | Self::CheckSubscription { .. }
            | Self::ExpirePremium { .. }
            | Self::SettleMediaRoom { .. } => None,
        }
    }

    async fn run(&self, banter: &Banter) -> Result<(), Failure> {
        match self {
            Self::Prune {} => prune::run(banter).await,
            Self::AfterDeletion { user_id } => Ok(banter.accounts().clear_away(*user_id).await?),
            Self::Collect {} => collect::run(banter).await,
            Self::RingTimeout { call_id } => banter.calls().ring_timeout(*call_id).await,
            Self::SettleSeat { room, user_id } => Ok(banter.voice().settle_seat(room, *user_id).await?),
            Self::SettleMediaRoom { room } => Ok(banter.voice().settle_room(room).await?),
            Self::LeaveWithLogin { user_id, session_id } => {
                Ok(Box::pin(banter.voice().leave_with_login(*user_id, *session_id)).await?)
            }
            Self::ReconcileVoice {} => voice::reconcile::run(banter).await,
            Self::CloseEmptyRoom { room_id } => Ok(banter.rooms().close_empty(*room_id).await?),
            Self::ApplyWebhook { event_id } => Ok(Box::pin(banter.payments().apply_webhook(event_id)).await?),
            Self::SettleRefund { refund_id } => banter.payments().settle_refund(*refund_id).await,
            Self::CheckOrder { transaction_id } => {
                Ok(Box::pin(banter.payments().check_order(*transaction_id)).await.map(drop)?)
            }
            Self::CheckSubscription { subscription_id, payment_id } => {
                let subscriptions = banter.payments().subscriptions();
                let checked = Box::pin(subscriptions.check(*subscription_id, payment_id.as_deref())).await;
                Ok(checked.map(drop)?)
            }
            Self::ExpirePremium { user_id } => premium::expire(banter, *user_id).await,
            Self::ReconcilePayments {} => Box::pin(reconcile::run(banter)).await,
            Self::ReconcileYesterday {} => Box::pin(reconcile::run_yesterday(banter)).await,
            Self::ReconcilePage { day, page } => Box::pin(reconcile::run_page(banter, *day, *page)).await,
            Self::Push(push) => push.run(banter).await,
        }
    }
}

impl From<payments::Error> for Failure {
    fn from(error: payments::Error) -> Self {
        match error {
            payments::Error::Database(error) => Self::Database(error),
            error => Self::Later(error.to_string()),
        }
    }
}

/// Why a job did not succeed this time. Logged and kept with the job; holds nothing private.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    #[error("not understood: {0}")]
    NotUnderstood(#[from] serde_json::Error),
    #[error("it panicked; the log of that time says where")]
    Panicked,
    /// Somebody outside asks to be left alone for so long at least.
    #[error("{why}")]
    NotBefore { why: String, after: TimeDelta },
    /// What failed may succeed later.
    #[error("{0}")]
    Later(String),
    /// Trying again cannot help.
    #[error("{0}")]
    Never(String),
}

/// Rings for the workers of this process: what was queued is taken at once, not at the next look.
#[derive(Debug, Default)]
pub(crate) struct Bells {
    pushes: Notify,
    seats: Notify,
    voice: Notify,
    money: Notify,
    others: Notify,
}

/// How many jobs are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub queued: i64,
    pub running: i64,
    pub dead: i64,
}

/// A job that was given up.
#[derive(Debug)]
pub struct Dead {
    pub id: JobId,
    pub kind: String,
    pub attempts: i32,
    pub last_error: Option<String>,
    pub finished_at: DateTime<Utc>,
}

#[derive(Clone, Copy)]
pub struct Jobs<'a>(&'a Banter);

impl Banter {
    pub fn jobs(&self) -> Jobs<'_> {
        Jobs(self)
    }
}

impl Jobs<'_> {
    /// Queues a job, inside the transaction that causes it.
    pub async fn queue(
        &self,
        db: impl PgExecutor<'_>,
        job: &Job,
        run_at: DateTime<Utc>,
    ) -> Result<(), sqlx::Error> {
        let now = self.0.clock().now();
        let serde_json::Value::Object(mut row) = serde_json::to_value(job).expect("jobs are plain data")
        else {
            unreachable!("an adjacently tagged enum is an object")
        };
        let payload = row.remove("payload").unwrap_or_default();
        let kind = row.remove("kind");
        sqlx::query!(
            r#"
            insert into jobs (id, kind, payload, unique_name, run_at, created_at)
            values ($1, $2, $3, $4, $5, $6)
            on conflict (unique_name) where state = 'queued' and unique_name is not null do nothing
            "#,
            self.0.ids().uuid(now),
            kind.as_ref().and_then(|kind| kind.as_str()),
            payload,
            job.unique_name(),
            run_at,
            now,
        )
        .execute(db)
        .await?;
        Ok(())
    }

    /// After a commit that queued a job: the worker of this process, if it has one, looks now. Costs nearly nothing.
    pub fn wake(&self) {
        let bells = self.0.bells();
        bells.pushes.notify_one();
        bells.seats.notify_one();
        bells.voice.notify_one();
        bells.money.notify_one();
        bells.others.notify_one();
    }

    pub async fn counts(&self) -> Result<Counts, sqlx::Error> {
        sqlx::query_as!(
            Counts,
            r#"
            select
                (select count(*) from jobs where state = 'queued') as "queued!",
                (select count(*) from jobs where state = 'running') as "running!",
                (select count(*) from jobs where state = 'dead') as "dead!"
            "#
        )
        .fetch_one(self.0.pool())
        .await
    }

    /// The newest jobs that were given up.
    pub async fn dead(&self, limit: u16) -> Result<Vec<Dead>, sqlx::Error> {
        sqlx::query_as!(
            Dead,
            r#"
            select id as "id: JobId", kind, attempts, last_error, finished_at as "finished_at!"
            from jobs
            where state = 'dead'
            order by finished_at desc
            limit $1
            "#,
            i64::from(limit),
        )
        .fetch_all(self.0.pool())
        .await
    }

    /// Puts a dead job back, with all its attempts; whether there was such a one, and no other of its name waiting.
    pub async fn retry(&self, id: JobId) -> Result<bool, sqlx::Error> {
        let put_back = sqlx::query!(
            r#"
            update jobs
            set state = 'queued', attempts = 0, run_at = $2, finished_at = null
            where id = $1
              and state = 'dead'
              and not exists (
                  select from jobs other where other.unique_name = jobs.unique_name and other.state = 'queued'
              )
            "#,
            id.0,
            self.0.clock().now(),
        )
        .execute(self.0.pool())
        .await?;
        Ok(put_back.rows_affected() == 1)
    }
}
