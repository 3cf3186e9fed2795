//! Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): the first answer to a request, kept for a day and
//! given again to its repeats. The key is claimed before the work and the answer stored after it; whoever comes
//! between is told to wait.

use chrono::{TimeDelta, Utc};
use sqlx::PgConnection;

use crate::Banter;
use crate::accounts::Caller;
use crate::error::{self, Coded, Kind};
use crate::ids::UserId;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the Idempotency-Key must be 1 to 128 printable ASCII characters")]
    Malformed,
    #[error("this Idempotency-Key was used for another request")]
    OtherRequest,
    #[error("the first request with this Idempotency-Key is still at work")]
    InProgress,
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl Coded for Error {
    fn coded(&self) -> (Kind, &'static str) {
        match self {
            Self::Malformed => (Kind::Invalid, "IDEMPOTENCY_KEY_INVALID"),
            Self::OtherRequest => (Kind::Mismatch, "IDEMPOTENCY_KEY_REUSED"),
            Self::InProgress => (Kind::Conflict, "REQUEST_IN_PROGRESS"),
            Self::Database(error) => error::database(error),
        }
    }

    fn retry_after(&self) -> Option<u64> {
        matches!(self, Self::InProgress).then_some(1)
    }
}

/// An answer as it was given.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

/// How long an answer is kept.
pub const KEPT: TimeDelta = TimeDelta::hours(24);
/// A claim whose server died is free again after this; no request runs that long.
const CLAIM: TimeDelta = TimeDelta::seconds(60);

#[derive(Clone, Copy)]
pub struct Idempotency<'a>(&'a Banter);

impl Banter {
    pub fn idempotency(&self) -> Idempotency<'_> {
        Idempotency(self)
    }
}

impl Idempotency<'_> {
    /// Claims the key for this request (`None`: go on, then [`Self::keep`] or [`Self::release`]), or gives the earlier answer.
    pub async fn begin(
        &self,
        caller: &Caller,
        key: &str,
        fingerprint: &[u8],
    ) -> Result<Option<Answer>, Error> {
        if !(1..=128).contains(&key.len()) || !key.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
            return Err(Error::Malformed);
        }
        let now = self.0.clock().now();
        let found = sqlx::query!(
            r#"
            with claimed as (
                insert into idempotency_keys as k (user_id, key, fingerprint, created_at)
                values ($1, $2, $3, $4)
                on conflict (user_id, key) do update
                set fingerprint = excluded.fingerprint, status = null, body = null, created_at = excluded.created_at
                where k.created_at < $5 or (k.status is null and k.fingerprint = $3 and k.created_at < $6)
                returning 1
            )
            select
                exists (select from claimed) as "claimed!",
                k.fingerprint = $3 as same,
                k.status,
                k.body
            from (select) as always
            left join idempotency_keys k on k.user_id = $1 and k.key = $2
            "#,
            caller.user_id.0,
            key,
            fingerprint,
            now,
            now - KEPT,
            now - CLAIM,
        )
        .fetch_one(self.0.pool())
        .await?;
        if found.claimed {
            return Ok(None);
        }
        match (found.same, found.status, found.body) {
            (Some(false), _, _) => Err(Error::OtherRequest),
            (Some(true), Some(status), Some(body)) => {
                Ok(Some(Answer { status: u16::try_from(status).unwrap_or(500), body }))
            }
            // At work, or claimed by somebody in this very moment.
            _ => Err(Error::InProgress),
        }
    }

    /// Keeps the answer for repeats.
    pub async fn keep(&self, caller: &Caller, key: &str, answer: &Answer) -> Result<(), Error> {
        sqlx::query!(
            "update idempotency_keys set status = $3, body = $4 where user_id = $1 and key = $2",
            caller.user_id.0,
            key,
            i16::try_from(answer.status).unwrap_or(500),
            answer.body,
        )
        .execute(self.0.pool())
        .await?;
        Ok(())
    }

    /// Gives the key back: nothing was done under it, and trying again may succeed.
    pub async fn release(&self, caller: &Caller, key: &str) -> Result<(), Error> {
        sqlx::query!("delete from idempotency_keys where user_id = $1 and key = $2", caller.user_id.0, key)
            .execute(self.0.pool())
            .await?;
        Ok(())
    }
}

/// Drops so many of those that are older than they are kept for; how many there were.
pub(crate) async fn prune(
    banter: &Banter,
    now: chrono::DateTime<Utc>,
    most: i64,
) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        r#"
        delete from idempotency_keys
        where (user_id, key) in (
            select user_id, key
            from idempotency_keys
            where created_at < $1
            order by created_at
            limit $2
            for update skip locked
        )
        "#,
        now - KEPT,
        most,
    )
    .execute(banter.pool())
    .await?;
    Ok(gone.rows_affected())
}

/// Drops a person's answers, and those to others that name the person. Waits for nobody, or two people's ends could wait
/// for each other: what is held at this very moment stays, so whoever forgets somebody comes twice.
pub(crate) async fn forget(db: &mut PgConnection, user: UserId) -> Result<(), sqlx::Error> {
    let id = user.to_string();
    sqlx::query!(
        r#"
        with own as (
            select user_id, key from idempotency_keys where user_id = $1 for update skip locked
        ),
        others as (
            select user_id, key
            from idempotency_keys
            where names_people and position($2 in body) > 0
            for update skip locked
        )
        delete from idempotency_keys
        where (user_id, key) in (select user_id, key from own union all select user_id, key from others)
        "#,
        user.0,
        id.as_bytes(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Drops the answers to either of two that name the other: a repeat must not show what a block hides by now.
pub(crate) async fn forget_between(
    db: &mut PgConnection,
    one: UserId,
    other: UserId,
) -> Result<(), sqlx::Error> {
    let (one_named, other_named) = (one.to_string(), other.to_string());
    sqlx::query!(
        r#"
        delete from idempotency_keys
        where (user_id = $1 and position($4 in body) > 0) or (user_id = $2 and position($3 in body) > 0)
        "#,
        one.0,
        other.0,
        one_named.as_bytes(),
        other_named.as_bytes(),
    )
    .execute(db)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests;
