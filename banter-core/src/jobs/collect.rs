//! Removes uploads that nothing uses: their objects, then their rows. Whatever it left half done it finds again. Objects
//! without a row do not come about, since the row is there first; so storage is never listed.

use chrono::TimeDelta;
use futures_util::StreamExt as _;

use super::{Failure, Job};
use crate::Banter;
use crate::ids::UploadId;
use crate::media::Purpose;

const EVERY: TimeDelta = TimeDelta::hours(1);
/// How long an upload waits for its message.
const UNUSED: TimeDelta = TimeDelta::days(1);
const BATCH: i64 = 100;
/// Of one run, well within a job's lease; when there are more the next run follows at once.
const BATCHES: usize = 10;
const AT_ONCE: usize = 8;

pub(super) async fn run(banter: &Banter) -> Result<(), Failure> {
    let now = banter.clock().now();
    let (mut gone, mut failed, mut more) = (0, 0, true);
    let mut after = (chrono::DateTime::UNIX_EPOCH, UploadId(uuid::Uuid::nil()));
    for _ in 0..BATCHES {
        let unused = sqlx::query!(
            r#"
            update uploads
            set doomed_at = $1
            where id in (
                select id
                from uploads
                where used_at is null and doomed_at is null and created_at < $2
                order by created_at
                limit $3
                for update skip locked
            )
              -- Again, of the row that is locked: a message may have come to use it since it was looked for.
              and used_at is null
              and doomed_at is null
            "#,
            now,
            now - UNUSED,
            BATCH,
        )
        .execute(banter.pool())
        .await?
        .rows_affected();
        let doomed = sqlx::query!(
            r#"
            select
                id as "id: UploadId",
                purpose as "purpose: Purpose",
                object_key,
                thumbnail_key,
                doomed_at as "doomed_at!"
            from uploads u
            where doomed_at <= $1
              and (doomed_at, id) > ($2, $3)
              and not exists (select from evidence_uploads e where e.upload_id = u.id)
            order by doomed_at, id
            limit $4
            "#,
            now,
            after.0,
            after.1.0,
            BATCH,
        )
        .fetch_all(banter.pool())
        .await?;
        let Some(last) = doomed.last() else {
            more = false;
            break;
        };
        after = (last.doomed_at, last.id);
        more = doomed.len() == usize::try_from(BATCH).unwrap_or(usize::MAX) || unused == BATCH.unsigned_abs();
        let removals = futures_util::stream::iter(doomed).map(async |upload| {
            let keys = std::iter::once(&upload.object_key).chain(&upload.thumbnail_key);
            for key in keys {
                if let Err(error) = banter.storage().delete(upload.purpose, key).await {
                    tracing::warn!(%error, upload = %upload.id, "an upload could not be removed");
                    return None;
                }
            }
            Some(upload.id.0)
        });
        let removed: Vec<_> = removals.buffer_unordered(AT_ONCE).collect().await;
        failed += removed.iter().filter(|id| id.is_none()).count();
        let removed: Vec<_> = removed.into_iter().flatten().collect();
        gone += sqlx::query!("delete from uploads where id = any($1) and doomed_at <= $2", &removed, now)
            .execute(banter.pool())
            .await?
            .rows_affected();
        if !more {
            break;
        }
    }
    tracing::info!(gone, failed, "collected uploads");
    if failed > 0 {
        return Err(Failure::Later(format!("storage refused {failed} deletion(s); the log says why")));
    }
    let next = if more { now } else { now + EVERY };
    banter.jobs().queue(banter.pool(), &Job::Collect {}, next).await?;
    Ok(())
}
