//! Blocking: from then on the two are nowhere to be found for each other.

use chrono::{DateTime, Utc};

use super::{Error, Safety};
use crate::accounts::Caller;
use crate::error::{Problems, violates};
use crate::ids::UserId;
use crate::page::{At, Page, PageRequest};
use crate::text;

/// Somebody the caller blocked.
#[derive(Debug)]
pub struct Block {
    pub user_id: UserId,
    pub username: Option<String>,
    pub full_name: String,
    pub avatar: Option<String>,
    pub created_at: DateTime<Utc>,
}

const LIST: &str = "blocks";

impl Safety<'_> {
    /// Blocks; a repeat changes nothing. Somebody who blocked the caller can be blocked back.
    pub async fn block(&self, caller: &Caller, user: UserId, reason: Option<&str>) -> Result<(), Error> {
        if user == caller.user_id {
            return Err(Error::Yourself);
        }
        let reason = reason.map(|reason| text::clean(reason, 0..=500)).transpose();
        let reason = reason.map_err(|problem| Problems::one("reason", problem))?;
        sqlx::query!(
            r#"
            insert into blocked_users (user_id, blocked_user_id, reason, created_at)
            values ($1, $2, $3, $4)
            on conflict do nothing
            "#,
            caller.user_id.0,
            user.0,
            reason,
            self.0.clock().now(),
        )
        .execute(self.0.pool())
        .await
        .map_err(|error| match () {
            () if violates(&error, "blocked_users_blocked_user_id_fkey") => Error::UserNotFound,
            () => error.into(),
        })?;
        Ok(())
    }

    pub async fn unblock(&self, caller: &Caller, user: UserId) -> Result<(), Error> {
        let gone = sqlx::query!(
            "delete from blocked_users where user_id = $1 and blocked_user_id = $2",
            caller.user_id.0,
            user.0,
        )
        .execute(self.0.pool())
        .await?;
        if gone.rows_affected() == 0 { Err(Error::NotBlocked) } else { Ok(()) }
    }

    /// Whom the caller blocked, newest first.
    pub async fn blocks(&self, caller: &Caller, page: &PageRequest) -> Result<Page<Block>, Error> {
        let after: Option<(At, UserId)> =
            page.after(LIST).map_err(|problem| Problems::one("cursor", problem))?;
        let blocks = sqlx::query_as!(
            Block,
            r#"
            select u.id as "user_id: UserId", u.username, u.full_name, u.avatar, b.created_at
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
        Ok(Page::cut(blocks, page, LIST, |block| (At(block.created_at), block.user_id)))
    }
}
