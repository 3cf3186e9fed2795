//! What this replica knows to be over. A request's access token is checked against this list in memory; the list is
//! told by the bus at once, and asks the database every two seconds for what the bus may have lost.

use std::collections::HashMap;
use std::sync::RwLock;

use chrono::{DateTime, TimeDelta, Utc};

use super::sessions::{Because, Revocation};
use crate::Banter;
use crate::ids::SessionId;

/// How often the database is asked. With the bus away a revocation still arrives well within five seconds.
pub const POLL: std::time::Duration = std::time::Duration::from_secs(2);

/// How far behind the newest revocation seen the next poll starts: a transaction may commit, or a replica's
/// clock run, this much later than the time it wrote.
const OVERLAP: TimeDelta = TimeDelta::seconds(60);

#[derive(Default)]
pub struct Revocations {
    ended: RwLock<HashMap<SessionId, Ended>>,
}

#[derive(Clone, Copy)]
struct Ended {
    because: Because,
    /// When the last access token dies: after that nothing needs to be remembered.
    until: DateTime<Utc>,
}

impl Revocations {
    pub(super) fn because(&self, session: SessionId) -> Option<Because> {
        self.ended.read().expect("no panic while locked").get(&session).map(|ended| ended.because)
    }

    /// Whether this is news.
    pub(crate) fn add(&self, revocation: &Revocation) -> bool {
        let ended = Ended { because: revocation.because, until: revocation.until };
        self.ended.write().expect("no panic while locked").insert(revocation.session_id, ended).is_none()
    }

    fn forget(&self, now: DateTime<Utc>) {
        self.ended.write().expect("no panic while locked").retain(|_, ended| ended.until > now);
    }
}

/// Learns all that still matters, then keeps learning. The first round is awaited before a server listens.
pub(crate) async fn learn(banter: &Banter, since: &mut Option<DateTime<Utc>>) -> Result<(), sqlx::Error> {
    let now = banter.clock().now();
    let from = since.map(|since| since - OVERLAP);
    let rows = sqlx::query!(
        r#"
        select
            id as "session_id: SessionId",
            user_id as "user_id: crate::ids::UserId",
            revoked_at as "revoked_at!",
            revoked_because as "because!: Because",
            access_expires_at
        from sessions
        where revoked_at is not null
          and access_expires_at > $1
          and ($2::timestamptz is null or revoked_at >= $2)
        "#,
        now,
        from,
    )
    .fetch_all(banter.pool())
    .await?;
    for row in rows {
        *since = (*since).max(Some(row.revoked_at));
        banter.bus().heard_revoked(&Revocation {
            session_id: row.session_id,
            user_id: row.user_id,
            because: row.because,
            until: row.access_expires_at,
        });
    }
    // Without any revocation yet, the next poll need not start at the beginning of time either.
    *since = (*since).max(Some(now - OVERLAP));
    banter.revocations().forget(now);
    Ok(())
}
