//! The end of a room: everybody is out, nobody finds it, and what was written stays stored for those who look into
//! reports.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::locked::Locked;
use super::policy::{Act as Does, may};
use super::{EMPTY, Error, Rooms, allowed};
use crate::accounts::Caller;
use crate::error::Problems;
use crate::events::{Event, RoomClosed};
use crate::ids::RoomId;
use crate::limits::Act;
use crate::text;
use crate::voice::aftermath::Aftermath;

/// Why a room is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[schema(as = RoomEnd)]
pub enum Because {
    Host,
    /// Nobody was in for a while.
    Empty,
    Staff,
    /// The media server did not take it.
    Failed,
}

impl Rooms<'_> {
    /// Ends a room; only its host may.
    pub async fn close(&self, caller: &Caller, id: RoomId) -> Result<(), Error> {
        self.0.limits().take(Act::RoomAct, &caller.user_id.to_string()).await?;
        let mut tx = self.0.pool().begin().await?;
        let (room, role) = self.lock_own(&mut tx, caller, id).await?;
        allowed(may(role, Does::Close))?;
        let aftermath = self.shut(&mut tx, &room, Because::Host, None).await?;
        aftermath.queue(self.0, &mut tx).await?;
        tx.commit().await?;
        Ok(aftermath.carry_out_now(self.0).await?)
    }

    /// Ends a room, for staff, who say why. The media server follows by the jobs where this process knows none.
    pub async fn close_for_staff(&self, id: RoomId, reason: &str) -> Result<(), Error> {
        let reason = text::clean(reason, 1..=500).map_err(|problem| Problems::one("reason", problem))?;
        self.close_for(id, Because::Staff, Some(&reason)).await
    }

    /// The same in a transaction of the caller's; carry out what it answers after the commit. `None`: it was over.
    pub(crate) async fn close_in(
        &self,
        db: &mut PgConnection,
        id: RoomId,
        reason: &str,
    ) -> Result<Option<Aftermath>, sqlx::Error> {
        let Some(room) = self.lock(db, id).await? else { return Ok(None) };
        let reason: String = reason.chars().take(500).collect();
        let aftermath = self.shut(db, &room, Because::Staff, Some(&reason)).await?;
        aftermath.queue(self.0, db).await?;
        Ok(Some(aftermath))
    }

    /// Ends a room that has been empty for long enough.
    pub(crate) async fn close_empty(&self, id: RoomId) -> Result<(), sqlx::Error> {
        let mut tx = self.0.pool().begin().await?;
        let Some(room) = self.lock(&mut tx, id).await? else { return Ok(()) };
        let since = sqlx::query_scalar!("select empty_since from chat_rooms where id = $1", id.0)
            .fetch_one(&mut *tx)
            .await?;
        // Somebody came. Where they left again, another job waits for its time.
        if since.is_none_or(|since| since + EMPTY > self.0.clock().now()) {
            return Ok(());
        }
        let aftermath = self.shut(&mut tx, &room, Because::Empty, None).await?;
        aftermath.queue(self.0, &mut tx).await?;
        tx.commit().await?;
        aftermath.carry_out(self.0).await;
        Ok(())
    }

    pub(super) async fn close_for(
        &self,
        id: RoomId,
        because: Because,
        note: Option<&str>,
    ) -> Result<(), Error> {
        let mut tx = self.0.pool().begin().await?;
        let room = self.lock(&mut tx, id).await?.ok_or(Error::RoomNotFound)?;
        let aftermath = self.shut(&mut tx, &room, because, note).await?;
        aftermath.queue(self.0, &mut tx).await?;
        tx.commit().await?;
        aftermath.carry_out(self.0).await;
        Ok(())
    }

    async fn shut(
        &self,
        db: &mut PgConnection,
        room: &Locked,
        because: Because,
        note: Option<&str>,
    ) -> Result<Aftermath, sqlx::Error> {
        let (to, _) = self.audience(db, room.id, None).await?;
        sqlx::query!("delete from chat_room_members where room_id = $1", room.id.0).execute(&mut *db).await?;
        // Who may come, and who may not, is of no matter any more.
        sqlx::query!(
            r#"
            with bans as (delete from chat_room_bans where room_id = $1),
            watchers as (delete from chat_room_watchers where room_id = $1)
            delete from chat_room_invitations where room_id = $1
            "#,
            room.id.0,
        )
        .execute(&mut *db)
        .await?;
        sqlx::query!(
            "update chat_rooms set closed_at = $2, closed_because = $3, closed_note = $4 where id = $1",
            room.id.0,
            self.0.clock().now(),
            because as Because,
            note,
        )
        .execute(&mut *db)
        .await?;
        self.members_changed(db, room.id).await?;
        sqlx::query!("delete from conversation_members where conversation_id = $1", room.id.0)
            .execute(db)
            .await?;
        let mut aftermath = Aftermath::default();
        aftermath.tell(to, Event::RoomClosed(RoomClosed { room_id: room.id, because }));
        if let Some(livekit_room) = &room.livekit_room {
            aftermath.room(livekit_room);
        }
        metrics::counter!("banter_rooms_closed_total").increment(1);
        Ok(aftermath)
    }
}
