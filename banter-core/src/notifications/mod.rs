//! The inbox, and pushes to phones.
//!
//! Promises: a notification and its pushes are written in the transaction of what they tell of, so neither exists without
//! the other; what a notification says is made when it is read, of what it is about; nothing tells of somebody whom its
//! reader cannot meet. The one predicate for that is the view `inbox`.
//!
//! [`inbox`] the list and its read marks · [`push`] one phone, one thing to tell · [`texts`] every word of it

mod facts;
pub mod inbox;
pub mod push;
#[cfg(test)]
mod tests;
mod texts;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Banter;
use crate::accounts::PersonSummary;
use crate::calls::CallType;
use crate::error::{self, Coded, Problems};
use crate::events::{Delivery, Event};
use crate::ids::{CallId, NotificationId, SessionId, UserId};
use crate::money::Paise;
pub(crate) use texts::Language;
use texts::Subject;

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
    /// A friend asks the reader into a room; the subject is the room.
    RoomInvited,
    /// The house gave the reader coins; the subject is the ledger's entry.
    CoinsCredited,
    /// Somebody called the reader in vain; the subject is the call.
    CallMissed,
    /// The reader's money came: coins were credited, or premium is paid; the subject is the transaction.
    PaymentSucceeded,
    /// Money went back to the reader; the subject is the refund's transaction.
    PaymentRefunded,
    /// Premium could not be renewed; the subject is the subscription.
    RenewalFailed,
    /// Somebody gave the reader a gift; the subject is the gift.
    GiftReceived,
    /// What the reader reported was decided; the subject is the report.
    ReportDecided,
    /// The staff did something about the reader; the subject is the sanction.
    ModerationNotice,
    /// Whether the reader is who they say was decided; the subject is the request.
    VerificationDecided,
}

impl Kind {
    /// All that this version knows; a newer replica may write others, which are left out here.
    const KNOWN: [&'static str; 13] = [
        "friend_request",
        "friend_accepted",
        "group_added",
        "room_invited",
        "coins_credited",
        "call_missed",
        "payment_succeeded",
        "payment_refunded",
        "renewal_failed",
        "gift_received",
        "report_decided",
        "moderation_notice",
        "verification_decided",
    ];
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

/// An entry of the inbox, in its reader's language.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    pub id: NotificationId,
    pub kind: Kind,
    /// Whose act it was, if somebody's.
    pub actor: Option<PersonSummary>,
    /// What it is about: a friend request, a conversation, a room, an entry of the ledger, a call, a
    /// transaction, a subscription, a gift, a report, a sanction.
    pub subject_id: Option<Uuid>,
    pub title: String,
    pub body: String,
    pub is_read: bool,
    pub created_at: DateTime<Utc>,
}

/// A new entry, and how many are unread with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewNotification {
    pub notification: Notification,
    pub unread_count: i64,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Invalid(Problems),
    #[error("no such notification")]
    NotFound,
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl Coded for Error {
    fn coded(&self) -> (error::Kind, &'static str) {
        match self {
            Self::Invalid(_) => (error::Kind::Invalid, "VALIDATION_FAILED"),
            Self::NotFound => (error::Kind::NotFound, "NOTIFICATION_NOT_FOUND"),
            Self::Database(error) => error::database(error),
        }
    }

    fn problems(&self) -> Option<&Problems> {
        if let Self::Invalid(problems) = self { Some(problems) } else { None }
    }
}

/// The acts of this feature.
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
        Ok(self.add_all(db, [news]).await?.pop().expect("one for each"))
    }

    /// The same for several at once.
    pub(crate) async fn add_all(
        &self,
        db: &mut PgConnection,
        news: impl IntoIterator<Item = News>,
    ) -> Result<Vec<Added>, sqlx::Error> {
        self.write(db, news, true).await
    }

    /// The same as [`add`](Self::add) without pushes: the phones are told of it in another way.
    pub(crate) async fn add_silently(&self, db: &mut PgConnection, news: News) -> Result<Added, sqlx::Error> {
        Ok(self.write(db, [news], false).await?.pop().expect("one for each"))
    }

    async fn write(
        &self,
        db: &mut PgConnection,
        news: impl IntoIterator<Item = News>,
        pushes: bool,
    ) -> Result<Vec<Added>, sqlx::Error> {
        let created_at = self.0.clock().now();
        let id = || NotificationId(self.0.ids().uuid(created_at));
        let added: Vec<Added> = news.into_iter().map(|news| Added { id: id(), news, created_at }).collect();
        sqlx::query!(
            r#"
            with notification as (
                insert into notifications (id, user_id, kind, actor_id, subject_id, created_at)
                select id, user_id, kind, actor_id, subject_id, $6
                from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::uuid[])
                    as news (id, user_id, kind, actor_id, subject_id)
                returning id, user_id
            )
            insert into jobs (id, kind, payload, run_at, max_attempts, created_at)
            select
                gen_random_uuid(),
                'push',
                jsonb_build_object('session_id', d.session_id, 'about', jsonb_build_object('notification', n.id)),
                $6,
                $7,
                $6
            from notification n
            join devices d on d.user_id = n.user_id
            where $8
            "#,
            &added.iter().map(|added| added.id.0).collect::<Vec<_>>(),
            &added.iter().map(|added| added.news.to.0).collect::<Vec<_>>(),
            &added.iter().map(|added| added.news.kind).collect::<Vec<_>>() as &[Kind],
            &added.iter().map(|added| added.news.actor.map(|actor| actor.0)).collect::<Vec<_>>() as &[Option<Uuid>],
            &added.iter().map(|added| added.news.subject).collect::<Vec<_>>() as &[Option<Uuid>],
            created_at,
            push::MAX_ATTEMPTS,
            pushes,
        )
        .execute(db)
        .await?;
        Ok(added)
    }

    /// Has these people's phones ring, in the caller's transaction.
    pub(crate) async fn ring(
        &self,
        db: &mut PgConnection,
        call: CallId,
        users: &[UserId],
    ) -> Result<(), sqlx::Error> {
        // A ring that came late would be none.
        self.signal(db, &push::About::Call(call), users, None, 3).await
    }

    /// Has these people's phones ring no more, but that of the login that took the call.
    pub(crate) async fn call_over(
        &self,
        db: &mut PgConnection,
        call: CallId,
        users: &[UserId],
        except: Option<SessionId>,
    ) -> Result<(), sqlx::Error> {
        self.signal(db, &push::About::CallOver(call), users, except, 3).await
    }

    async fn signal(
        &self,
        db: &mut PgConnection,
        about: &push::About,
        users: &[UserId],
        except: Option<SessionId>,
        attempts: i32,
    ) -> Result<(), sqlx::Error> {
        sqlx::query!(
            r#"
            insert into jobs (id, kind, payload, run_at, max_attempts, created_at)
            select
                gen_random_uuid(),
                'push',
                jsonb_build_object('session_id', d.session_id, 'about', $1::jsonb),
                $2,
                $3,
                $2
            from devices d
            where d.user_id = any($4) and d.session_id is distinct from $5
            "#,
            serde_json::to_value(about).expect("what a push is about is plain data"),
            self.0.clock().now(),
            attempts,
            &users.iter().map(|user| user.0).collect::<Vec<_>>(),
            except.map(|session| session.0),
        )
        .execute(db)
        .await?;
        Ok(())
    }

    /// After the commit: tells the reader's open sockets, and has the phones told.
    pub(crate) async fn tell(&self, added: Added) {
        self.0.jobs().wake();
        match self.one(added.news.to, added.id).await {
            Ok(Some(new)) => self.0.bus().deliver(Delivery {
                to: vec![added.news.to],
                except_socket: None,
                event: Event::NotificationNew(new),
            }),
            // Its reader may not see it, or not any more.
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "a notification was not told; it is in the inbox"),
        }
    }
}

/// A row of the view `inbox`.
struct Entry {
    id: NotificationId,
    kind: Kind,
    subject_id: Option<Uuid>,
    is_read: bool,
    created_at: DateTime<Utc>,
    actor_id: Option<UserId>,
    actor_username: Option<String>,
    actor_full_name: Option<String>,
    actor_avatar: Option<String>,
    about: About,
}

/// What a notification is about, as far as its text names it.
struct About {
    group_name: Option<String>,
    coins: Option<i32>,
    call_type: Option<CallType>,
    /// A package, a plan, a gift, or what a report came to.
    item: Option<String>,
    paise: Option<Paise>,
    /// What the sanctioned read.
    notice: Option<String>,
}

impl Entry {
    fn texts(&self, language: Language) -> (&'static str, String) {
        texts::news(language, &self.about.subject(language, self.kind, self.actor_full_name.as_deref()))
    }

    fn into_notification(self, language: Language) -> Notification {
        let (title, body) = self.texts(language);
        let actor = self.actor_id.zip(self.actor_full_name).map(|(id, full_name)| PersonSummary {
            id,
            username: self.actor_username,
            full_name,
            avatar: self.actor_avatar,
        });
        Notification {
            id: self.id,
            kind: self.kind,
            actor,
            subject_id: self.subject_id,
            title: title.to_owned(),
            body,
            is_read: self.is_read,
            created_at: self.created_at,
        }
    }
}

impl About {
    fn subject<'a>(&'a self, language: Language, kind: Kind, actor: Option<&'a str>) -> Subject<'a> {
        let actor = actor.unwrap_or(texts::somebody(language));
        let group = self.group_name.as_deref().unwrap_or_default();
        let coins = self.coins.unwrap_or_default();
        match kind {
            Kind::FriendRequest => Subject::FriendRequest { from: actor },
            Kind::FriendAccepted => Subject::FriendAccepted { by: actor },
            Kind::GroupAdded => Subject::GroupAdded { by: actor, group },
            Kind::RoomInvited => Subject::RoomInvited { by: actor, room: group },
            Kind::CoinsCredited => Subject::CoinsCredited { coins },
            Kind::CallMissed => {
                Subject::CallMissed { from: actor, call_type: self.call_type.unwrap_or(CallType::Audio) }
            }
            Kind::PaymentSucceeded => {
                let paid = self.paise.unwrap_or_default();
                match self.coins {
                    Some(coins) => Subject::CoinsBought { coins, paid },
                    None => Subject::PremiumPaid { paid },
                }
            }
            Kind::PaymentRefunded => Subject::Refunded { paid: self.paise.unwrap_or_default() },
            Kind::RenewalFailed => Subject::RenewalFailed,
            Kind::GiftReceived => {
                Subject::GiftReceived { from: actor, gift: self.item.as_deref().unwrap_or_default(), coins }
            }
            Kind::ReportDecided => {
                Subject::ReportDecided { acted: self.item.as_deref() == Some("action_taken") }
            }
            Kind::VerificationDecided if self.item.as_deref() == Some("approved") => Subject::Verified,
            Kind::VerificationDecided => {
                Subject::NotVerified { reason: self.notice.as_deref().unwrap_or_default() }
            }
            Kind::ModerationNotice => {
                Subject::ModerationNotice { notice: self.notice.as_deref().unwrap_or_default() }
            }
        }
    }
}
