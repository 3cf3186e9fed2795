//! Live rooms before staff: who is in, closing one, taking a voice, sending somebody out, and hearing it unseen.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::audit::Subject;
use super::cases::note_of;
use super::reasons::Reason;
use super::roles::Duty;
use super::sanctions::{Action, Order, Target};
use super::{Error, Moderation, Staff};
use crate::ids::{RoomId, UserId};
use crate::page::{Page, PageRequest};
use crate::providers::livekit;
use crate::rooms;
use crate::rooms::desk::{Listed, Shown};

/// How long one asking lets somebody hear a room; asking again prolongs it.
pub const LISTEN: TimeDelta = TimeDelta::minutes(15);

/// A room before staff.
#[derive(Debug)]
pub struct Watched {
    pub shown: Shown,
    /// Who is at the media server at this moment; `None`: it does not answer, or nothing is spoken in the room.
    pub there: Option<Vec<UserId>>,
}

/// A way to hear a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Listening {
    #[serde(rename = "livekitRoomName")]
    pub livekit_room: String,
    #[serde(rename = "livekitServerUrl")]
    pub server_url: String,
    /// Hears all, sends nothing, and others do not see who carries it.
    #[serde(rename = "livekitToken")]
    pub token: String,
    #[serde(rename = "participantName")]
    pub participant_name: String,
    /// Sent out then, unless asked again before.
    pub until: DateTime<Utc>,
}

impl Moderation<'_> {
    /// Rooms, newest first; with `closed` those that are over, too.
    pub async fn rooms(&self, staff: Staff, closed: bool, page: &PageRequest) -> Result<Page<Listed>, Error> {
        staff.require(Duty::Look)?;
        Ok(self.0.rooms().list(closed, page).await?)
    }

    /// A room and who is in it.
    pub async fn room(&self, staff: Staff, id: RoomId) -> Result<Watched, Error> {
        staff.require(Duty::SeePrivate)?;
        let shown = self.0.rooms().show(id).await?;
        let mut tx = self.0.pool().begin().await?;
        self.log(&mut tx, staff, "room.look", Subject::Room(id.0), json!({})).await?;
        tx.commit().await?;
        let live = shown.livekit_room.as_deref().filter(|_| shown.room.closed_at.is_none());
        let there = match live {
            None => None,
            Some(room) => match self.0.livekit().participants(room).await {
                Ok(there) => {
                    Some(there.into_iter().filter(|who| !who.hidden).filter_map(|who| who.user).collect())
                }
                Err(error) => {
                    tracing::warn!(%error, %id, "the media server does not tell who is in a room");
                    None
                }
            },
        };
        Ok(Watched { shown, there })
    }

    /// Closes a room, which its host has to answer for.
    pub async fn close_room(
        &self,
        staff: Staff,
        id: RoomId,
        policy: Reason,
        note: &str,
    ) -> Result<(), Error> {
        staff.require_named(Duty::Decide)?;
        let mut tx = self.0.pool().begin().await?;
        let host = sqlx::query_scalar!(
            r#"
            select coalesce(m.user_id, c.created_by) as "host: UserId"
            from chat_rooms r
            join conversations c on c.id = r.id
            left join chat_room_members m on m.room_id = r.id and m.role = 'host'
            where r.id = $1 and r.closed_at is null
            "#,
            id.0,
        )
        .fetch_optional(&mut *tx)
        .await?
        .flatten()
        .ok_or(rooms::Error::RoomNotFound)?;
        let order = Order {
            action: Action::CloseRoom,
            policy: None,
            days: None,
            note: note.to_owned(),
            notice: None,
        };
        let target = Target { user: host, case: None, subject: Some(id.0), policy };
        let (_, after) = self.impose(&mut tx, staff, target, &order).await?;
        tx.commit().await?;
        after.carry_out(self.0).await;
        Ok(())
    }

    /// Takes somebody's voice in a room, or gives it back. A repeat changes nothing.
    pub async fn mute_in_room(
        &self,
        staff: Staff,
        id: RoomId,
        user: UserId,
        muted: bool,
        note: &str,
    ) -> Result<(), Error> {
        let (_, note) = order_in_room(staff, user, note)?;
        let mut tx = self.0.pool().begin().await?;
        let aftermath = self.0.rooms().mute_in(&mut tx, id, user, muted).await?;
        let act = if muted { "room.mute" } else { "room.unmute" };
        self.log(&mut tx, staff, act, Subject::Room(id.0), json!({ "user": user, "note": note })).await?;
        tx.commit().await?;
        Ok(aftermath.carry_out_now(self.0).await.map_err(rooms::Error::from)?)
    }

    /// Sends somebody out of a room, for ten minutes at least.
    pub async fn kick_from_room(
        &self,
        staff: Staff,
        id: RoomId,
        user: UserId,
        note: &str,
    ) -> Result<(), Error> {
        let (me, note) = order_in_room(staff, user, note)?;
        let mut tx = self.0.pool().begin().await?;
        let aftermath = self.0.rooms().kick_in(&mut tx, me, id, user).await?;
        self.log(&mut tx, staff, "room.kick", Subject::Room(id.0), json!({ "user": user, "note": note }))
            .await?;
        tx.commit().await?;
        Ok(aftermath.carry_out_now(self.0).await.map_err(rooms::Error::from)?)
    }

    /// Has somebody of the staff hear a room without being seen. Every asking is in the record.
    pub async fn listen(&self, staff: Staff, id: RoomId, note: &str) -> Result<Listening, Error> {
        let me = staff.require_named(Duty::Listen)?;
        let note = note_of(note)?;
        let mut tx = self.0.pool().begin().await?;
        let found = sqlx::query_scalar!(
            r#"
            select livekit_room from chat_rooms where id = $1 and closed_at is null
            "#,
            id.0,
        )
        .fetch_optional(&mut *tx)
        .await?;
        let livekit_room = found.ok_or(rooms::Error::RoomNotFound)?.ok_or(Error::NothingToHear)?;
        let server_url = self.0.livekit().server_url().map_err(voice)?.to_owned();
        let until = self.0.clock().now() + LISTEN;
        sqlx::query!(
            r#"
            insert into room_listens (livekit_room, user_id, until)
            values ($1, $2, $3)
            on conflict (livekit_room, user_id) do update set until = excluded.until
            "#,
            livekit_room,
            me.0,
            until,
        )
        .execute(&mut *tx)
        .await?;
        self.log(&mut tx, staff, "room.listen", Subject::Room(id.0), json!({ "note": note })).await?;
        tx.commit().await?;
        let token = self.0.livekit().listener_token(&livekit_room, me).map_err(voice)?;
        let participant_name = livekit::listener_identity(me);
        Ok(Listening { livekit_room, server_url, token, participant_name, until })
    }
}

/// Who orders it, and why.
fn order_in_room(staff: Staff, user: UserId, note: &str) -> Result<(UserId, String), Error> {
    let me = staff.require_named(Duty::Decide)?;
    if me == user {
        return Err(Error::OwnCase);
    }
    Ok((me, note_of(note)?))
}

fn voice(error: livekit::Error) -> Error {
    rooms::Error::from(crate::voice::Error::from(error)).into()
}

impl From<rooms::Error> for Error {
    fn from(error: rooms::Error) -> Self {
        match error {
            rooms::Error::Database(error) => Self::Database(error),
            error => Self::Room(Box::new(error)),
        }
    }
}
