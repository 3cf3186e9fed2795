//! Takes due jobs and runs them.
//!
//! Lanes with places of their own: however many pushes wait, however long FCM or the media server takes, and whatever is
//! removed, calls ring and end in time. A place that becomes free is filled at once; an idle lane looks when it is woken,
//! and each second.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::task::JoinSet;

use super::{Bells, Failure, Job};
use crate::Banter;
use crate::ids::JobId;

const IDLE: Duration = Duration::from_secs(1);
/// How long a lane waits after it was woken: many messages at once are one look.
const BREATH: Duration = Duration::from_millis(5);

/// Which jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    Pushes,
    /// What calls and rooms need of the media server.
    Seats,
    /// Their deadlines, which wait behind nothing that waits for the media server.
    Voice,
    /// What concerns money: webhooks, refunds, what is asked of the payment provider.
    Money,
    Others,
}

impl Lane {
    pub(super) const ALL: [Self; 5] = [Self::Pushes, Self::Seats, Self::Voice, Self::Money, Self::Others];

    /// As `job_lane` says in the database.
    fn name(self) -> &'static str {
        match self {
            Self::Pushes => "push",
            Self::Seats => "seat",
            Self::Voice => "voice",
            Self::Money => "money",
            Self::Others => "other",
        }
    }

    /// How many are run side by side. A push waits for FCM nearly all of its time.
    fn places(self) -> usize {
        match self {
            Self::Pushes | Self::Seats => 24,
            Self::Voice | Self::Money | Self::Others => 8,
        }
    }

    /// How long a worker may hold a job before others take it to be dead.
    fn lease(self) -> TimeDelta {
        match self {
            Self::Seats | Self::Voice | Self::Money => TimeDelta::minutes(1),
            Self::Pushes | Self::Others => TimeDelta::minutes(5),
        }
    }

    fn bell(self, bells: &Bells) -> &tokio::sync::Notify {
        match self {
            Self::Pushes => &bells.pushes,
            Self::Seats => &bells.seats,
            Self::Voice => &bells.voice,
            Self::Money => &bells.money,
            Self::Others => &bells.others,
        }
    }
}

pub(crate) struct Taken {
    id: JobId,
    kind: String,
    payload: serde_json::Value,
    attempts: i32,
    max_attempts: i32,
}

/// Runs jobs until the process ends.
pub(crate) async fn run(banter: Banter) {
    futures_util::future::join_all(Lane::ALL.map(|lane| keep(&banter, lane))).await;
}

async fn keep(banter: &Banter, lane: Lane) {
    let places = lane.places();
    let mut running = JoinSet::new();
    loop {
        let free = places - running.len();
        let taken = match take(banter, lane, free).await {
            Ok(taken) => taken,
            Err(error) => {
                tracing::warn!(%error, ?lane, "the job queue did not answer");
                tokio::time::sleep(IDLE * 5).await;
                continue;
            }
        };
        let more = taken.len() == free;
        for job in taken {
            let banter = banter.clone();
            running.spawn(async move { finish(&banter, job).await });
        }
        // With more waiting, a few places are filled at a time: a look for each would be a query for each.
        let enough = if more { places / 4 } else { places + 1 };
        let look = async {
            while places - running.len() < enough {
                match running.join_next().await {
                    Some(_) => {}
                    None => std::future::pending().await,
                }
            }
        };
        let woken = async {
            lane.bell(banter.bells()).notified().await;
            tokio::time::sleep(BREATH).await;
        };
        tokio::select! {
            () = look => {}
            () = woken, if !more => {}
            () = tokio::time::sleep(IDLE) => {}
        }
        while running.try_join_next().is_some() {}
        if running.len() == places {
            running.join_next().await;
        }
    }
}

/// Takes what is due and runs it; how many.
pub async fn round(banter: &Banter) -> Result<usize, sqlx::Error> {
    let mut taken = Vec::new();
    for lane in Lane::ALL {
        taken.append(&mut take(banter, lane, lane.places()).await?);
    }
    let count = taken.len();
    futures_util::stream::iter(taken).for_each_concurrent(None, |job| finish(banter, job)).await;
    Ok(count)
}

pub(crate) async fn take(banter: &Banter, lane: Lane, most: usize) -> Result<Vec<Taken>, sqlx::Error> {
    let now = banter.clock().now();
    sqlx::query_as!(
        Taken,
        r#"
        with due as (
            select id
            from jobs
            where state = 'queued' and job_lane(kind) = $4 and run_at <= $1
            order by run_at
            limit $3
            for update skip locked
        ),
        abandoned as (
            select id, attempts < max_attempts as again
            from jobs
            where state = 'running' and job_lane(kind) = $4 and leased_until < $1
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
        where id in (
            select id from (
                select id from abandoned where again
                union all
                select id from due
            ) as mine
            limit $3
        )
        returning id as "id: JobId", kind, payload, attempts, max_attempts
        "#,
        now,
        now + lane.lease(),
        i64::try_from(most).unwrap_or(i64::MAX),
        lane.name(),
    )
    .fetch_all(banter.pool())
    .await
}

pub(super) async fn finish(banter: &Banter, taken: Taken) {
    let outcome = guarded(Box::pin(run_one(banter, &taken))).await;
    let now = banter.clock().now();
    let (state, run_at, error) = match &outcome {
        Ok(()) => ("done", now, None),
        Err(failure) => {
            let dead = taken.attempts >= taken.max_attempts || matches!(failure, Failure::Never(_));
            tracing::warn!(job = %taken.id, kind = taken.kind, attempts = taken.attempts, dead, error = %failure, "a job failed");
            (
                if dead { "dead" } else { "queued" },
                now + wait(banter, failure, taken.attempts),
                Some(failure.to_string()),
            )
        }
    };
    metrics::counter!("banter_jobs_total", "kind" => taken.kind.clone(), "outcome" => state).increment(1);
    // The attempt's number guards against a worker that outlived its lease: the job is another's by now. One that
    // would wait for its next attempt is over when another of its name waits already. Of those that come with every
    // message, or every coming and going, nothing stays once they are done.
    let written = sqlx::query!(
        r#"
        with over as (
            delete from jobs
            where id = $1
              and attempts = $2
              and state = 'running'
              and kind in ('push', 'settle_seat', 'settle_media_room', 'reconcile_voice', 'ring_timeout')
              and $3 = 'done'
        )
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
        where id = $1
          and attempts = $2
          and jobs.state = 'running'
          and not ($3 = 'done' and kind in ('push', 'settle_seat', 'settle_media_room', 'reconcile_voice', 'ring_timeout'))
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

/// 2, 4, 8 … seconds, an hour at most, or longer where somebody asks for that; plus up to a quarter of chance, so that
/// failures do not come back in step.
fn wait(banter: &Banter, failure: &Failure, attempts: i32) -> TimeDelta {
    let backoff = 2_i64.saturating_pow(u32::try_from(attempts).unwrap_or(1)).min(3600) * 1000;
    let base = match failure {
        Failure::NotBefore { after, .. } => backoff.max(after.num_milliseconds()),
        Failure::Database(_)
        | Failure::NotUnderstood(_)
        | Failure::Panicked
        | Failure::Later(_)
        | Failure::Never(_) => backoff,
    };
    let [chance] = banter.ids().bytes();
    TimeDelta::milliseconds(base + base * i64::from(chance) / 1024)
}
