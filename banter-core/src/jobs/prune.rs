//! Drops what is past its time: answers kept for idempotency, logins that can no longer be used, finished jobs,
//! pushes that were given up, old notifications and calls, what the media server told, suspensions, the evidence
//! of cases long ended. Batch by batch, well within a job's lease; when there is more the next run follows at once.

use chrono::TimeDelta;

use super::{Failure, Job};
use crate::moderation::rooms::LISTEN;
use crate::{Banter, idempotency};

const EVERY: TimeDelta = TimeDelta::hours(1);
/// Ended logins stay for a while, to answer "where was I signed in?".
pub(crate) const ENDED_SESSIONS: TimeDelta = TimeDelta::days(30);
pub(crate) const FINISHED_JOBS: TimeDelta = TimeDelta::days(7);
/// A push that was given up is news no more, and a seat is settled by others; the metrics have told how many, and why.
pub(crate) const GIVEN_UP: TimeDelta = TimeDelta::days(1);
pub(crate) const NOTIFICATIONS: TimeDelta = TimeDelta::days(90);
/// A log is for looking back; nobody looks back further.
pub(crate) const CALLS: TimeDelta = TimeDelta::days(365);
/// LiveKit tries for minutes; what it told is remembered for longer, to tell what was when.
pub(crate) const HEARD: TimeDelta = TimeDelta::days(7);
/// How often rules found something, day by day.
pub(crate) const COUNTS: TimeDelta = TimeDelta::days(365);
/// Rows of one statement, and statements of one run for each kind of thing.
const BATCH: i64 = 1_000;
const BATCHES: usize = 20;

pub(super) async fn run(banter: &Banter) -> Result<(), Failure> {
    let now = banter.clock().now();
    let mut keys = Pruned::default();
    while keys.goes_on() {
        keys.add(idempotency::prune(banter, now, BATCH).await?);
    }
    /// Of a statement whose last parameter is the size of the batch.
    macro_rules! batches {
        ($sql:literal, $($parameter:expr),+) => {{
            let mut pruned = Pruned::default();
            while pruned.goes_on() {
                let done = sqlx::query!($sql, $($parameter,)+ BATCH).execute(banter.pool()).await?;
                pruned.add(done.rows_affected());
            }
            pruned
        }};
    }
    let sessions = batches!(
        r#"
        delete from sessions
        where id in (
            select id
            from sessions
            where (refresh_expires_at < $1 or revoked_at < $1) and access_expires_at < $2
            limit $3
            for update skip locked
        )
        "#,
        now - ENDED_SESSIONS,
        now
    );
    let jobs = batches!(
        r#"
        delete from jobs
        where id in (
            select id from jobs where state = 'done' and finished_at < $1 order by finished_at limit $2 for update skip locked
        )
        "#,
        now - FINISHED_JOBS
    );
    // Other dead jobs are somebody's to look at; they stay. What calls and rooms needed has been repaired long since.
    let given_up = batches!(
        r#"
        delete from jobs
        where id in (
            select id
            from jobs
            where state = 'dead' and kind in ('push', 'settle_seat', 'settle_media_room') and finished_at < $1
            order by finished_at
            limit $2
            for update skip locked
        )
        "#,
        now - GIVEN_UP
    );
    let notifications = batches!(
        r#"
        delete from notifications
        where id in (
            select id from notifications where created_at < $1 order by created_at limit $2 for update skip locked
        )
        "#,
        now - NOTIFICATIONS
    );
    let calls = batches!(
        r#"
        delete from call_logs
        where id in (
            select id from call_logs where ended_at < $1 order by ended_at limit $2 for update skip locked
        )
        "#,
        now - CALLS
    );
    let webhooks = batches!(
        r#"
        delete from webhook_events
        where (provider, event_id) in (
            select provider, event_id
            from webhook_events
            where provider = 'livekit' and received_at < $1
            order by received_at
            limit $2
            for update skip locked
        )
        "#,
        now - HEARD
    );
    // They may sign in from that moment on; this is for those who only look at the status.
    let suspensions = batches!(
        r#"
        update users
        set status = 'active', status_until = null
        where id in (
            select id
            from users
            where status = 'suspended' and status_until <= $1
            limit $2
            for no key update skip locked
        )
        "#,
        now
    );
    let judged =
        now - TimeDelta::from_std(banter.config().moderation.keep_evidence).unwrap_or(TimeDelta::MAX);
    let evidence = batches!(
        r#"
        update reports
        set evidence = null
        where id in (
            select r.id
            from reports r
            join cases c on c.id = r.case_id
            where c.resolved_at < $1 and r.evidence is not null
            limit $2
            for no key update of r skip locked
        )
        "#,
        judged
    );
    let found = batches!(
        r#"
        update cases
        set evidence = null
        where id in (
            select id
            from cases
            where resolved_at < $1 and evidence is not null
            limit $2
            for no key update skip locked
        )
        "#,
        judged
    );
    let held = batches!(
        r#"
        delete from held_messages
        where id in (
            select id from held_messages where decided_at < $1 order by decided_at limit $2 for update skip locked
        )
        "#,
        judged
    );
    let counts = batches!(
        r#"
        delete from rule_counts
        where (rule, day, was_shadow) in (
            select rule, day, was_shadow from rule_counts where day < $1::timestamptz::date limit $2
        )
        "#,
        now - COUNTS
    );
    let kept_uploads = batches!(
        r#"
        delete from evidence_uploads
        where (upload_id, case_id) in (
            select e.upload_id, e.case_id
            from evidence_uploads e
            join cases c on c.id = e.case_id
            where c.resolved_at < $1
            limit $2
            for update of e skip locked
        )
        "#,
        judged
    );
    let codes = batches!(
        r#"
        delete from tool_sign_ins
        where device_digest in (
            select device_digest from tool_sign_ins where expires_at < $1 limit $2 for update skip locked
        )
        "#,
        now
    );
    let listens = batches!(
        r#"
        delete from room_listens
        where (livekit_room, user_id) in (
            select livekit_room, user_id from room_listens where until < $1 limit $2 for update skip locked
        )
        "#,
        now - LISTEN
    );
    let evidence = [evidence, found, held, counts, kept_uploads, codes, listens];
    let all = [keys, sessions, jobs, given_up, notifications, calls, webhooks, suspensions];
    let next = if all.iter().chain(&evidence).any(Pruned::has_more) { now } else { now + EVERY };
    let [keys, sessions, jobs, given_up, notifications, calls, webhooks, suspensions] =
        all.map(|some| some.rows);
    let evidence: u64 = evidence.iter().map(|some| some.rows).sum();
    tracing::info!(
        keys,
        sessions,
        jobs,
        given_up,
        notifications,
        calls,
        webhooks,
        suspensions,
        evidence,
        "pruned"
    );
    banter.jobs().queue(banter.pool(), &Job::Prune {}, next).await?;
    Ok(())
}

/// What the batches of one kind came to.
#[derive(Default)]
struct Pruned {
    rows: u64,
    batches: usize,
    /// A batch was not full.
    ended: bool,
}

impl Pruned {
    fn add(&mut self, rows: u64) {
        self.rows += rows;
        self.batches += 1;
        self.ended = rows < BATCH.unsigned_abs();
    }

    fn goes_on(&self) -> bool {
        self.has_more() && self.batches < BATCHES
    }

    fn has_more(&self) -> bool {
        !self.ended
    }
}
