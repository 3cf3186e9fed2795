//! The list, and what was read of it. Read entries stay until they are pruned after 90 days.

use super::{About, Entry, Error, Kind, Language, NewNotification, Notification, Notifications};
use crate::accounts::Caller;
use crate::calls::CallType;
use crate::error::Problems;
use crate::ids::{NotificationId, UserId};
use crate::money::Paise;
use crate::page::{Page, PageRequest};

/// A page of the inbox.
#[derive(Debug)]
pub struct Inbox {
    pub page: Page<Notification>,
    /// Of the whole inbox; [`MOST_COUNTED`] stands for that many or more.
    pub unread: i64,
}

/// Where counting what is unread ends.
pub const MOST_COUNTED: i64 = 1000;

const LIST: &str = "notifications";

/// What was asked for beside the entries; there is a row of it even where there are none.
struct Row {
    language: String,
    unread: i64,
    entry: Option<Entry>,
}

impl Notifications<'_> {
    /// Newest first.
    pub async fn list(&self, caller: &Caller, page: &PageRequest) -> Result<Inbox, Error> {
        let after: Option<NotificationId> =
            page.after(LIST).map_err(|problem| Error::Invalid(Problems::one("cursor", problem)))?;
        let rows = self.rows(caller.user_id, after, None, page.fetch()).await?;
        let unread = rows.first().map_or(0, |row| row.unread);
        let entries = rows.into_iter().filter_map(|row| {
            let language = Language::of(&row.language);
            row.entry.map(|entry| entry.into_notification(language))
        });
        let page = Page::cut(entries.collect(), page, LIST, |notification| notification.id);
        Ok(Inbox { page, unread })
    }

    /// One entry as its reader's sockets are told of it.
    pub(super) async fn one(
        &self,
        reader: UserId,
        id: NotificationId,
    ) -> Result<Option<NewNotification>, sqlx::Error> {
        let row = self.rows(reader, None, Some(id), 1).await?.pop();
        Ok(row.and_then(|row| {
            let language = Language::of(&row.language);
            let notification = row.entry?.into_notification(language);
            Some(NewNotification { notification, unread_count: row.unread })
        }))
    }

    async fn rows(
        &self,
        reader: UserId,
        after: Option<NotificationId>,
        only: Option<NotificationId>,
        limit: i64,
    ) -> Result<Vec<Row>, sqlx::Error> {
        let rows = sqlx::query!(
            r#"
            select
                reader.language as "language!",
                (
                    select count(*)
                    from (
                        select from inbox
                        where user_id = $1 and read_at is null and kind = any($2)
                        limit $3
                    ) as unread
                ) as "unread!",
                entry.id as "id?: NotificationId",
                entry.kind as "kind?: Kind",
                entry.subject_id as "subject_id?",
                entry.read_at is not null as "is_read!",
                entry.created_at as "created_at?",
                entry.actor_id as "actor_id?: UserId",
                entry.actor_username as "actor_username?",
                entry.actor_full_name as "actor_full_name?",
                entry.actor_avatar as "actor_avatar?",
                entry.group_name as "group_name?",
                entry.coins as "coins?",
                entry.call_type as "call_type?: CallType",
                entry.item as "item?",
                entry.paise as "paise?: Paise",
                entry.notice as "notice?"
            from users reader
            left join lateral (
                select *
                from inbox
                where user_id = reader.id
                  and kind = any($2)
                  and ($4::uuid is null or id < $4)
                  and ($5::uuid is null or id = $5)
                order by id desc
                limit $6
            ) as entry on true
            where reader.id = $1
            order by entry.id desc
            "#,
            reader.0,
            &Kind::KNOWN.map(str::to_owned),
            MOST_COUNTED,
            after.map(|id| id.0),
            only.map(|id| id.0),
            limit,
        )
        .fetch_all(self.0.pool())
        .await?;
        let rows = rows.into_iter().map(|row| Row {
            language: row.language,
            unread: row.unread,
            entry: row.id.zip(row.kind).zip(row.created_at).map(|((id, kind), created_at)| Entry {
                id,
                kind,
                subject_id: row.subject_id,
                is_read: row.is_read,
                created_at,
                actor_id: row.actor_id,
                actor_username: row.actor_username,
                actor_full_name: row.actor_full_name,
                actor_avatar: row.actor_avatar,
                about: About {
                    group_name: row.group_name,
                    coins: row.coins,
                    call_type: row.call_type,
                    item: row.item,
                    paise: row.paise,
                    notice: row.notice,
                },
            }),
        });
        Ok(rows.collect())
    }

    /// Marks one as read; a repeat changes nothing. How many are unread then.
    pub async fn read(&self, caller: &Caller, id: NotificationId) -> Result<i64, Error> {
        let read = sqlx::query!(
            r#"
            update notifications
            set read_at = coalesce(read_at, $3)
            where id = $1 and user_id = $2 and exists (select from inbox where inbox.id = $1)
            "#,
            id.0,
            caller.user_id.0,
            self.0.clock().now(),
        )
        .execute(self.0.pool())
        .await?;
        if read.rows_affected() == 0 {
            return Err(Error::NotFound);
        }
        Ok(self.unread(caller.user_id).await?)
    }

    /// Marks all as read, or those up to and including `up_to`: what came since the app looked stays unread. How many
    /// are unread then.
    pub async fn read_all(&self, caller: &Caller, up_to: Option<NotificationId>) -> Result<i64, Error> {
        sqlx::query!(
            r#"
            update notifications
            set read_at = $3
            where user_id = $1 and read_at is null and ($2::uuid is null or id <= $2)
            "#,
            caller.user_id.0,
            up_to.map(|id| id.0),
            self.0.clock().now(),
        )
        .execute(self.0.pool())
        .await?;
        Ok(self.unread(caller.user_id).await?)
    }

    async fn unread(&self, reader: UserId) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar!(
            r#"
            select count(*) as "count!"
            from (
                select from inbox
                where user_id = $1 and read_at is null and kind = any($2)
                limit $3
            ) as unread
            "#,
            reader.0,
            &Kind::KNOWN.map(str::to_owned),
            MOST_COUNTED,
        )
        .fetch_one(self.0.pool())
        .await
    }
}
