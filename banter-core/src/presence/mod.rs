//! Who is here now. A person is online while one of their sockets, on any replica, has a lease that has not run out;
//! replicas renew the leases of the sockets they hold, so people of a killed server go offline by themselves.
//!
//! A closed socket is not removed: its lease is shortened to a few seconds. A phone that changes networks is back
//! within them, and nobody sees it flicker. Whichever replica's sweep finds the last lease of a person run out tells
//! those who may see it and writes `last_seen`.
//!
//! [`viewing`] which conversation is on whose screen.
//!
//! Who may see it: friends who can interact, of somebody who shows it (none of `hidden_presences`). Who stops showing it
//! tells nobody so: they are left out of answers, and nobody hears of them any more.

mod store;
#[cfg(test)]
mod tests;
pub(crate) mod viewing;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Banter;
use crate::accounts::Caller;
use crate::error::{self, Coded, Kind, Problems};
use crate::events::{Delivery, Event};
use crate::ids::UserId;

pub use store::Store;

/// How long a socket counts without its server renewing it.
pub const LEASE: TimeDelta = TimeDelta::seconds(60);
/// How often a server renews; twice may fail.
pub const RENEW: Duration = Duration::from_secs(20);
/// How long a closed socket still counts.
pub const GRACE: TimeDelta = TimeDelta::seconds(5);
/// How often leases that ran out are looked for.
pub const SWEEP: Duration = Duration::from_secs(2);
/// How many people one question may name.
pub const MOST_ASKED: usize = 100;
/// How many hear that somebody came or went; the latest friends first.
pub(crate) const MOST_TOLD: i64 = 500;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = PresenceStatus)]
pub enum Status {
    Online,
    Offline,
    /// Presence cannot be told right now.
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Presence {
    pub user_id: UserId,
    pub status: Status,
    /// When they were last here; null while online, or when they never were.
    pub last_seen: Option<DateTime<Utc>>,
}

impl Presence {
    /// Somebody whom the caller may see. `online` is `None` where nobody can tell.
    pub(crate) fn of(user_id: UserId, online: Option<bool>, last_seen: Option<DateTime<Utc>>) -> Self {
        let status = match online {
            None => Status::Unknown,
            Some(true) => Status::Online,
            Some(false) => Status::Offline,
        };
        Self { user_id, status, last_seen: last_seen.filter(|_| status != Status::Online) }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Invalid(Problems),
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl Coded for Error {
    fn coded(&self) -> (Kind, &'static str) {
        match self {
            Self::Invalid(_) => (Kind::Invalid, "VALIDATION_FAILED"),
            Self::Database(error) => error::database(error),
        }
    }

    fn problems(&self) -> Option<&Problems> {
        if let Self::Invalid(problems) = self { Some(problems) } else { None }
    }
}

/// The acts of this feature.
#[derive(Clone, Copy)]
pub struct Presences<'a>(pub(crate) &'a Banter);

impl Banter {
    pub fn presence(&self) -> Presences<'_> {
        Presences(self)
    }
}

impl Presences<'_> {
    /// A socket opened. If its person was away, those who may see it are told.
    pub async fn arrived(&self, user: UserId, socket: &str) {
        self.renew(&[(user, socket.to_owned())]).await;
    }

    /// A socket closed.
    pub async fn left(&self, user: UserId, socket: &str) {
        let till = self.0.clock().now() + GRACE;
        tokio::join!(self.0.presences().shorten(user, socket, till), self.0.viewing().forget(user, socket),);
    }

    /// The sockets of this process live on. Whoever was taken to be away, because Redis was, is back.
    pub async fn renew(&self, sockets: &[(UserId, String)]) {
        let now = self.0.clock().now();
        for some in sockets.chunks(200) {
            for user_id in self.0.presences().renew(some, now, now + LEASE).await {
                self.tell(Presence { user_id, status: Status::Online, last_seen: None }).await;
            }
        }
    }

    /// Finds whose last lease ran out, writes `last_seen`, tells those who may see it; how many.
    pub async fn sweep(&self) -> Result<usize, sqlx::Error> {
        let mut count = 0;
        loop {
            let now = self.0.clock().now();
            let gone = self.0.presences().take_gone(now).await;
            if gone.is_empty() {
                return Ok(count);
            }
            count += gone.len();
            let ids: Vec<_> = gone.iter().map(|user| user.0).collect();
            let written = sqlx::query!(
                "update users set last_seen = $2 where id = any($1) and status <> 'deleted'",
                &ids,
                now,
            )
            .execute(self.0.pool())
            .await;
            if let Err(error) = written {
                // Nobody would ever be told of them: the next sweep finds them again.
                self.0.presences().put_back(&gone, now).await;
                return Err(error);
            }
            for user_id in gone {
                // Telling takes a while. Whoever came back meanwhile has been told of as being here.
                let back = self.0.presences().online(&[user_id], self.0.clock().now()).await;
                if back.is_none_or(|back| !back[0]) {
                    self.tell(Presence { user_id, status: Status::Offline, last_seen: Some(now) }).await;
                }
            }
        }
    }

    /// Those of `users` whom the caller may see; the others are left out, whoever they are.
    pub async fn of(&self, caller: &Caller, users: &[UserId]) -> Result<Vec<Presence>, Error> {
        if users.len() > MOST_ASKED {
            return Err(Error::Invalid(Problems::one("userIds", format!("must be at most {MOST_ASKED}"))));
        }
        let ids: Vec<_> = users.iter().map(|user| user.0).collect();
        let seen = sqlx::query!(
            r#"
            select u.id as "id: UserId", u.last_seen
            from users u
            join friend_pairs f on f.one = $1 and f.other = u.id
            where u.id = any($2)
              and u.status not in ('deleted', 'banned')
              and not exists (select from hidden_presences h where h.user_id = u.id)
              and not exists (select from blocked_pairs b where b.one = $1 and b.other = u.id)
            "#,
            caller.user_id.0,
            &ids,
        )
        .fetch_all(self.0.pool())
        .await?;
        let visible: Vec<UserId> = seen.iter().map(|row| row.id).collect();
        let online = self.0.presences().online(&visible, self.0.clock().now()).await;
        let presence = seen
            .into_iter()
            .enumerate()
            .map(|(i, row)| Presence::of(row.id, online.as_ref().map(|online| online[i]), row.last_seen));
        Ok(presence.collect())
    }

    /// How many people are here; `None` while nobody can tell.
    pub async fn count(&self) -> Option<u64> {
        self.0.presences().count(self.0.clock().now()).await
    }

    async fn tell(&self, presence: Presence) {
        let audience = sqlx::query_scalar!(
            r#"
            select f.other as "user_id!: UserId"
            from friend_pairs f
            where f.one = $1
              and not exists (select from hidden_presences h where h.user_id = $1)
              and not exists (select from blocked_pairs b where b.one = $1 and b.other = f.other)
              and exists (select from users u where u.id = $1 and u.status not in ('deleted', 'banned'))
            order by f.created_at desc
            limit $2
            "#,
            presence.user_id.0,
            MOST_TOLD,
        )
        .fetch_all(self.0.pool())
        .await;
        match audience {
            Ok(to) if to.is_empty() => {}
            Ok(to) => {
                let event = Event::PresenceChanged(presence);
                self.0.bus().deliver(Delivery { to, except_socket: None, event });
            }
            Err(error) => tracing::warn!(%error, "nobody was told of a change of presence"),
        }
    }
}
