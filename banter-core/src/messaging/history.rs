//! Pages of a conversation by sequence number, in both directions.

use super::row::{self, row, select_messages};
use super::{Error, Message, MessageType, Messaging};
use crate::accounts::Caller;
use crate::ids::{ConversationId, GiftId, MessageId, UploadId, UserId};
use crate::media::{self, Purpose};

/// Which way to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The newest messages with a smaller number, newest first. `i64::MAX` begins at the end.
    Before(i64),
    /// The oldest messages with a greater number, oldest first: what a client missed.
    After(i64),
}

/// Which conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    Conversation(ConversationId),
    /// The direct one with this person.
    User(UserId),
}

/// Part of a history.
#[derive(Debug)]
pub struct History {
    /// `None`: the two have not written yet.
    pub conversation_id: Option<ConversationId>,
    /// The newest number in the conversation; 0: none yet.
    pub last_seq: i64,
    pub messages: Vec<Message>,
    /// More in the same direction.
    pub has_more: bool,
}

impl Messaging<'_> {
    /// One page. One round trip.
    pub async fn history(
        &self,
        caller: &Caller,
        of: Of,
        direction: Direction,
        limit: u16,
    ) -> Result<History, Error> {
        let (before, after) = match direction {
            Direction::Before(seq) => (Some(seq), None),
            Direction::After(seq) => (None, Some(seq)),
        };
        let (conversation, user) = match of {
            Of::Conversation(id) => (Some(id.0), None),
            Of::User(id) => (None, Some(id.0)),
        };
        // The conversation comes in any case, so that an empty page and a missing conversation differ.
        let records = select_messages!(
            r#"
            with seen as (
                select *
                from seen_conversations
                where viewer = $1
                  and id = coalesce(
                      $2,
                      (select id from conversations where user_lo = least($1, $3::uuid) and user_hi = greatest($1, $3::uuid))
                  )
            ),
            -- Values and not a join: so the index gives the page in order, and nothing beyond it is read.
            page as (
                (
                    select *
                    from whole_messages
                    where conversation_id = (select id from seen)
                      and seq >= (select from_seq from seen)
                      and seq < $4
                    order by seq desc
                    limit $6
                )
                union all
                (
                    select *
                    from whole_messages
                    where conversation_id = (select id from seen)
                      and seq >= (select from_seq from seen)
                      and seq > $5
                    order by seq
                    limit $6
                )
            )
            "#,
            r#"c.id as "seen!: ConversationId","#,
            r#"
            from seen c
            left join page p on true
            order by case when $4::bigint is null then p.seq else -p.seq end
            "#,
            caller.user_id.0,
            conversation,
            user,
            before,
            after,
            i64::from(limit) + 1,
        )
        .fetch_all(self.0.pool())
        .await?;
        let Some(first) = records.first() else { return self.nothing_yet(caller, of).await };
        let (conversation_id, last_seq) = (first.seen, first.last_seq);
        let mut rows: Vec<_> = records.into_iter().filter_map(|record| row!(record)).collect();
        let has_more = rows.len() > usize::from(limit);
        rows.truncate(usize::from(limit));
        let messages = row::seen_by(self.0, caller.user_id, rows).await;
        Ok(History { conversation_id: Some(conversation_id), last_seq, messages, has_more })
    }

    /// With somebody who can be written to there is a conversation without messages; anything else is not there.
    async fn nothing_yet(&self, caller: &Caller, of: Of) -> Result<History, Error> {
        let Of::User(user) = of else { return Err(Error::ConversationNotFound) };
        if user == caller.user_id {
            return Err(Error::Yourself);
        }
        let there = sqlx::query_scalar!(
            r#"select can_interact($1, id) as "can_interact!" from users where id = $2 and status <> 'deleted'"#,
            caller.user_id.0,
            user.0,
        )
        .fetch_optional(self.0.pool())
        .await?;
        if there == Some(true) {
            Ok(History { conversation_id: None, last_seq: 0, messages: Vec::new(), has_more: false })
        } else {
            Err(Error::UserNotFound)
        }
    }
}
