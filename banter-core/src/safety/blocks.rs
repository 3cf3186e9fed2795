//! Blocking: from then on the two are nowhere to be found for each other.

use chrono::{DateTime, Utc};

use super::{Error, Safety};
use crate::accounts::{Caller, PersonSummary};
use crate::error::{Problems, violates};
use crate::events::{Delivery, Event, FriendRemoved};
use crate::friends::{relationship, requests};
use crate::idempotency;
use crate::ids::UserId;
use crate::page::{At, Page, PageRequest};
use crate::text;

/// Somebody the caller blocked.
#[derive(Debug)]
pub struct Block {
    pub user: PersonSummary,
    pub created_at: DateTime<Utc>,
}

const LIST: &str = "blocks";

impl Safety<'_> {
    /// Blocks; a repeat changes nothing. Somebody who blocked the caller can be blocked back. Friendship and waiting
    /// requests between the two end with it, and do not come back when it does.
    ///
    /// The blocked one is told nothing; the blocker's own devices hear that a friend is gone.
    pub async fn block(&self, caller: &Caller, user: UserId, reason: Option<&str>) -> Result<(), Error> {
        if user == caller.user_id {
            return Err(Error::Yourself);
        }
        let reason = reason.map(|reason| text::clean(reason, 0..=500)).transpose();
        let reason = reason.map_err(|problem| Problems::one("reason", problem))?;
        let now = self.0.clock().now();
        let mut tx = self.0.pool().begin().await?;
        relationship::hold(&mut tx, caller.user_id, user).await?;
        sqlx::query!(
            r#"
            insert into blocked_users (user_id, blocked_user_id, reason, created_at)
            values ($1, $2, $3, $4)
            on conflict do nothing
            "#,
            caller.user_id.0,
            user.0,
            reason,
            now,
        )
        .execute(&mut *tx)
        .await
        .map_err(|error| match () {
            () if violates(&error, "blocked_users_blocked_user_id_fkey") => Error::UserNotFound,
            () => error.into(),
        })?;
        let parted = self.0.voice().part(&mut tx, caller.user_id, user).await?;
        let were_friends = requests::sever(&mut tx, caller.user_id, user, now).await?;
        self.0.messaging().recount_shared(&mut tx, caller.user_id, user).await?;
        idempotency::forget_between(&mut tx, caller.user_id, user).await?;
        tx.commit().await?;
        if were_friends {
            let event = Event::FriendRemoved(FriendRemoved { user_id: user });
            self.0.bus().deliver(Delivery { to: vec![caller.user_id], except_socket: None, event });
        }
        parted.carry_out(self.0).await;
        Ok(())
    }

    pub async fn unblock(&self, caller: &Caller, user: UserId) -> Result<(), Error> {
        let mut tx = self.0.pool().begin().await?;
        relationship::hold(&mut tx, caller.user_id, user).await?;
        let gone = sqlx::query!(
            "delete from blocked_users where user_id = $1 and blocked_user_id = $2",
            caller.user_id.0,
            user.0,
        )
        .execute(&mut *tx)
        .await?;
        if gone.rows_affected() == 0 {
            return Err(Error::NotBlocked);
        }
        self.0.messaging().recount_shared(&mut tx, caller.user_id, user).await?;
        Ok(tx.commit().await?)
    }

    /// Whom the caller blocked, newest first.
    pub async fn blocks(&self, caller: &Caller, page: &PageRequest) -> Result<Page<Block>, Error> {
        let after: Option<(At, UserId)> =
            page.after(LIST).map_err(|problem| Problems::one("cursor", problem))?;
        let rows = sqlx::query!(
            r#"
            select u.id as "id: UserId", u.username, u.full_name, u.avatar, b.created_at
            from blocked_users b join users u on u.id = b.blocked_user_id
            where b.user_id = $1
              and ($2::timestamptz is null or (b.created_at, b.blocked_user_id) < ($2, $3))
            order by b.created_at desc, b.blocked_user_id desc
            limit $4
            "#,
            caller.user_id.0,
            after.map(|(time, _)| time.0),
            after.map(|(_, user)| user.0),
            page.fetch(),
        )
        .fetch_all(self.0.pool())
        .await?;
        let blocks = rows.into_iter().map(|row| Block {
            user: PersonSummary {
                id: row.id,
                username: row.username,
                full_name: row.full_name,
                avatar: row.avatar,
            },
            created_at: row.created_at,
        });
        Ok(Page::cut(blocks.collect(), page, LIST, |block| (At(block.created_at), block.user.id)))
    }
}
