//! Takes due jobs and runs them.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::{FutureExt as _, StreamExt as _};

use super::{Failure, Job};
use crate::Banter;
use crate::ids::JobId;

/// How long a worker may hold a job before others take it to be dead.
const LEASE: TimeDelta = TimeDelta::minutes(5);
/// How many are taken, and run side by side, at a time.
const BATCH: i64 = 8;
const IDLE: Duration = Duration::from_secs(1);

pub(super) struct Taken {
    id: JobId,
    kind: String,
    payload: serde_json::Value,
    attempts: i32,
    max_attempts: i32,
}

/// Runs jobs until the process ends.
pub(crate) async fn run(banter: Banter) {
    loop {
        match round(&banter).await {
            Ok(0) => tokio::time::sleep(IDLE).await,
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "the job queue did not answer");
                tokio::time::sleep(IDLE * 5).await;
            }
        }
    }
}

/// Takes what is due and runs it; how many.
pub async fn round(banter: &Banter) -> Result<usize, sqlx::Error> {
    let taken = take(banter).await?;
    let count = taken.len();
    futures_util::stream::iter(taken).for_each_concurrent(None, |job| finish(banter, job)).await;
    Ok(count)
}

pub(super) async fn take(banter: &Banter) -> Result<Vec<Taken>, sqlx::Error> {
    let now = banter.clock().now();
    sqlx::query_as!(
        Taken,
        r#"
        with due as (
            select id from jobs where state = 'queued' and run_at <= $1 order by run_at limit $3 for update skip locked
        ),
        abandoned as (
            select id, attempts < max_attempts as again
            from jobs
            where state = 'running' and leased_until < $1
            limit $3
            for update skip locked
        ),
        -- Perhaps it kills whoever runs it.
        given_up as (
            update jobs
            set state = 'dead', leased_until = null, last_error = 'its worker died', finished_at = $1
            where id in (select id from abandoned where not again)
        )
        update jobs
        set state = 'running', attempts = attempts + 1, leased_until = $2
        where id in (select id from due union all select id from abandoned where again)
        returning id as "id: JobId", kind, payload, attempts, max_attempts
        "#,
        now,
        now + LEASE,
        BATCH,
    )
    .fetch_all(banter.pool())
    .await
}

pub(super) async fn finish(banter: &Banter, taken: Taken) {
    let outcome = guarded(run_one(banter, &taken)).await;
    let now = banter.clock().now();
    let (state, run_at, error) = match &outcome {
        Ok(()) => ("done", now, None),
        Err(failure) => {
            let dead = taken.attempts >= taken.max_attempts;
            tracing::warn!(job = %taken.id, kind = taken.kind, attempts = taken.attempts, dead, error = %failure, "a job failed");
            (
                if dead { "dead" } else { "queued" },
                now + backoff(banter, taken.attempts),
                Some(failure.to_string()),
            )
        }
    };
    metrics::counter!("banter_jobs_total", "kind" => taken.kind.clone(), "outcome" => state).increment(1);
    // The attempt's number guards against a worker that outlived its lease: the job is another's by now. One that
    // would wait for its next attempt is over when another of its name waits already.
    let written = sqlx::query!(
        r#"
        update jobs
        set state = outcome.state,
            run_at = $4,
            last_error = $5,
            leased_until = null,
            finished_at = case when outcome.state in ('done', 'dead') then $6::timestamptz end
        from (
            select case
                when $3 = 'queued' and exists (
                    select from jobs other where other.unique_name = mine.unique_name and other.state = 'queued'
                ) then 'done'
                else $3
            end as state
            from jobs mine
            where mine.id = $1
        ) as outcome
        where id = $1 and attempts = $2 and jobs.state = 'running'
        "#,
        taken.id.0,
        taken.attempts,
        state,
        run_at,
        error,
        now,
    )
    .execute(banter.pool())
    .await;
    if let Err(error) = written {
        tracing::warn!(job = %taken.id, %error, "a job's outcome was not written; it will run again");
    }
}

async fn run_one(banter: &Banter, taken: &Taken) -> Result<(), Failure> {
    let job: Job =
        serde_json::from_value(serde_json::json!({ "kind": taken.kind, "payload": taken.payload }))?;
    job.run(banter).await
}

/// A panic fails its job and no other: the worker lives on.
pub(super) async fn guarded(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or(Err(Failure::Panicked))
}

/// 2, 4, 8 … seconds, an hour at most, plus up to a quarter of chance so that failures do not come back in step.
fn backoff(banter: &Banter, attempts: i32) -> TimeDelta {
    let base = 2_i64.saturating_pow(u32::try_from(attempts).unwrap_or(1)).min(3600) * 1000;
    let [chance] = banter.ids().bytes();
    TimeDelta::milliseconds(base + base * i64::from(chance) / 1024)
}
