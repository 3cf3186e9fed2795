//! What a client missed while it was away, over all its conversations at once.
//!
//! A client keeps the time of its last answer and asks for what changed since. Times are taken before a commit and seen
//! after it, so a statement under way could slip between two questions: each looks back [`OVERLAP`] further, and the
//! client knows by ids and sequence numbers what it has already.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::conversations::Conversation;
use super::row::{self, row, select_messages};
use super::{Error, Message, MessageType, Messaging};
use crate::accounts::Caller;
use crate::error::Problems;
use crate::ids::{ConversationId, GiftId, MessageId, UploadId, UserId};
use crate::media::{self, Purpose};
use crate::page::{At, Page, PageRequest};

/// Longer than any statement of ours may take.
pub const OVERLAP: TimeDelta = TimeDelta::seconds(60);
/// New messages of one conversation in an answer; the rest is in its history.
const MOST_NEW: i64 = 50;
/// Edited and deleted messages of one conversation in an answer.
const MOST_CHANGED: i64 = 50;
/// Conversations in an answer: with their messages they are much.
const MOST_CONVERSATIONS: u16 = 20;

/// What became of a conversation.
#[derive(Debug)]
pub struct Change {
    pub conversation: Conversation,
    /// New messages, oldest first: the newest of them where they are many.
    pub messages: Vec<Message>,
    /// There are older new ones: its history, after the last number the client has, tells them.
    pub has_more: bool,
    /// Older messages that were edited or deleted.
    pub changed: Vec<Message>,
    /// More of them changed than are told here: what the client has of this conversation is to be read again.
    pub reload: bool,
}

#[derive(Debug)]
pub struct Changes {
    pub page: Page<Change>,
    /// What to ask from next time, once all pages are read.
    pub synced_at: DateTime<Utc>,
}

const LIST: &str = "changes";

impl Messaging<'_> {
    /// The caller's conversations in which something happened after `since`, with what. Costs what changed.
    pub async fn changes(
        &self,
        caller: &Caller,
        since: DateTime<Utc>,
        page: &PageRequest,
    ) -> Result<Changes, Error> {
        let synced_at = self.0.clock().now();
        let page = &PageRequest { limit: page.limit.min(MOST_CONVERSATIONS), cursor: page.cursor.clone() };
        let after: Option<(At, ConversationId)> =
            page.after(LIST).map_err(|problem| Problems::one("cursor", problem))?;
        // Pages of one question share the time of its first, or what happened between them would be skipped.
        let synced_at = after.as_ref().map_or(synced_at, |(time, _)| time.0);
        let since = since - OVERLAP;
        let ids = sqlx::query_scalar!(
            r#"
            select conversation_id
            from conversation_members
            where user_id = $1 and (last_message_at > $2 or changed_at > $2) and conversation_id > $3
            order by conversation_id
            limit $4
            "#,
            caller.user_id.0,
            since,
            after.map_or(Uuid::nil(), |(_, id)| id.0),
            page.fetch(),
        )
        .fetch_all(self.0.pool())
        .await?;
        let ids = Page::cut(ids, page, LIST, |id| (At(synced_at), *id));
        let mut found = self.conversations_of(caller, &ids.items).await?;
        found.sort_unstable_by_key(|conversation| conversation.id);
        let mut new = self.new_since(caller, since, &ids.items).await?;
        let mut changed = self.changed_since(caller, since, &ids.items).await?;
        let most = |number: i64| usize::try_from(number).expect("a small number");
        let items = found.into_iter().map(|conversation| {
            let of = |messages: &mut Vec<Message>| -> Vec<Message> {
                messages.extract_if(.., |message| message.conversation_id == conversation.id).collect()
            };
            let mut messages = of(&mut new);
            let has_more = messages.len() > most(MOST_NEW);
            messages.truncate(most(MOST_NEW));
            messages.reverse();
            let oldest = messages.first().map_or(i64::MAX, |message| message.seq);
            let mut changed = of(&mut changed);
            let reload = changed.len() > most(MOST_CHANGED);
            changed.truncate(most(MOST_CHANGED));
            changed.retain(|message| message.seq < oldest);
            Change { conversation, messages, has_more, changed, reload }
        });
        let page = Page { items: items.collect(), next_cursor: ids.next_cursor };
        Ok(Changes { page, synced_at })
    }

    /// Newest first in each conversation.
    async fn new_since(
        &self,
        caller: &Caller,
        since: DateTime<Utc>,
        ids: &[Uuid],
    ) -> Result<Vec<Message>, Error> {
        let records = select_messages!(
            "",
            "",
            r#"
            from seen_conversations c
            cross join lateral (
                select * from whole_messages
                where conversation_id = c.id and seq >= c.from_seq
                order by seq desc
                limit $4
            ) as p
            where c.viewer = $1 and c.id = any($2) and p.created_at > $3
            order by c.id, p.seq desc
            "#,
            caller.user_id.0,
            ids,
            since,
            MOST_NEW + 1,
        )
        .fetch_all(self.0.pool())
        .await?;
        let rows = records.into_iter().filter_map(|record| row!(record)).collect();
        Ok(row::seen_by(self.0, caller.user_id, rows).await)
    }

    async fn changed_since(
        &self,
        caller: &Caller,
        since: DateTime<Utc>,
        ids: &[Uuid],
    ) -> Result<Vec<Message>, Error> {
        let records = select_messages!(
            "",
            "",
            r#"
            from seen_conversations c
            cross join lateral (
                select * from whole_messages
                where conversation_id = c.id and changed_at > $3 and seq >= c.from_seq
                order by changed_at desc
                limit $4
            ) as p
            where c.viewer = $1 and c.id = any($2) and c.changed_at > $3
            "#,
            caller.user_id.0,
            ids,
            since,
            MOST_CHANGED + 1,
        )
        .fetch_all(self.0.pool())
        .await?;
        let rows = records.into_iter().filter_map(|record| row!(record)).collect();
        Ok(row::seen_by(self.0, caller.user_id, rows).await)
    }
}
