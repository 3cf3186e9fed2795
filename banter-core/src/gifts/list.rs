//! What somebody gave, and was given.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Error, Gift, Gifts};
use crate::accounts::{Caller, PersonSummary};
use crate::error::Problems;
use crate::ids::{ConversationId, GiftId, MessageId, UserId};
use crate::page::{Page, PageRequest};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = GiftDirection)]
pub enum Direction {
    Sent,
    Received,
}

/// A gift, as one of the two sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ListedGift)]
pub struct Listed {
    pub id: GiftId,
    /// Null: one that a newer version knows.
    pub gift: Option<Gift>,
    pub coins: i32,
    /// The other one.
    pub user: PersonSummary,
    pub conversation_id: ConversationId,
    pub message_id: MessageId,
    pub created_at: DateTime<Utc>,
}

const LIST: &str = "gifts";

impl Gifts<'_> {
    /// The caller's, newest first. Gifts between two who cannot meet any more are left out; the ledger tells of their coins.
    pub async fn list(
        &self,
        caller: &Caller,
        direction: Direction,
        page: &PageRequest,
    ) -> Result<Page<Listed>, Error> {
        let after: Option<GiftId> = page.after(LIST).map_err(|problem| Problems::one("cursor", problem))?;
        let rows = sqlx::query!(
            r#"
            with mine as (
                (
                    select g.*, g.receiver_id as other
                    from gifts g
                    where $2
                      and g.sender_id = $1
                      and ($3::uuid is null or g.id < $3)
                      and not exists (select from blocked_pairs b where b.one = $1 and b.other = g.receiver_id)
                    order by g.id desc
                    limit $4
                )
                union all
                (
                    select g.*, g.sender_id as other
                    from gifts g
                    where not $2
                      and g.receiver_id = $1
                      and ($3::uuid is null or g.id < $3)
                      and not exists (select from blocked_pairs b where b.one = $1 and b.other = g.sender_id)
                    order by g.id desc
                    limit $4
                )
            )
            select
                mine.id as "id!: GiftId",
                mine.gift as "gift!",
                mine.coins as "coins!",
                mine.conversation_id as "conversation_id!: ConversationId",
                mine.message_id as "message_id!: MessageId",
                mine.created_at as "created_at!",
                u.id as "user_id: UserId",
                u.username,
                u.full_name,
                u.avatar
            from mine
            join users u on u.id = mine.other
            order by mine.id desc
            "#,
            caller.user_id.0,
            direction == Direction::Sent,
            after.map(|id| id.0),
            page.fetch(),
        )
        .fetch_all(self.0.pool())
        .await?;
        let listed = rows.into_iter().map(|row| Listed {
            id: row.id,
            gift: Gift::named(&row.gift),
            coins: row.coins,
            user: PersonSummary {
                id: row.user_id,
                username: row.username,
                full_name: row.full_name,
                avatar: row.avatar,
            },
            conversation_id: row.conversation_id,
            message_id: row.message_id,
            created_at: row.created_at,
        });
        Ok(Page::cut(listed.collect(), page, LIST, |gift| gift.id))
    }
}
