//! Drops what is past its time: answers kept for idempotency, logins that can no longer be used, finished jobs,
//! old notifications, suspensions.

use chrono::TimeDelta;

use super::{Failure, Job};
use crate::{Banter, idempotency};

const EVERY: TimeDelta = TimeDelta::hours(1);
/// Ended logins stay for a while, to answer "where was I signed in?".
pub(crate) const ENDED_SESSIONS: TimeDelta = TimeDelta::days(30);
pub(crate) const FINISHED_JOBS: TimeDelta = TimeDelta::days(7);
pub(crate) const NOTIFICATIONS: TimeDelta = TimeDelta::days(90);

pub(super) async fn run(banter: &Banter) -> Result<(), Failure> {
    let now = banter.clock().now();
    let keys = idempotency::prune(banter, now).await?;
    let sessions = sqlx::query!(
        r#"
        delete from sessions
        where (refresh_expires_at < $1 or revoked_at < $1) and access_expires_at < $2
        "#,
        now - ENDED_SESSIONS,
        now,
    )
    .execute(banter.pool())
    .await?
    .rows_affected();
    // Dead jobs are somebody's to look at; they stay.
    let jobs =
        sqlx::query!("delete from jobs where state = 'done' and finished_at < $1", now - FINISHED_JOBS)
            .execute(banter.pool())
            .await?
            .rows_affected();
    let notifications = sqlx::query!("delete from notifications where created_at < $1", now - NOTIFICATIONS)
        .execute(banter.pool())
        .await?
        .rows_affected();
    // They may sign in from that moment on; this is for those who only look at the status.
    let suspensions = sqlx::query!(
        "update users set status = 'active', status_until = null where status = 'suspended' and status_until <= $1",
        now,
    )
    .execute(banter.pool())
    .await?
    .rows_affected();
    tracing::info!(keys, sessions, jobs, notifications, suspensions, "pruned");
    banter.jobs().queue(banter.pool(), &Job::Prune {}, now + EVERY).await?;
    Ok(())
}
