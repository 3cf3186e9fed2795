//! Looking at a room without being in it: what becomes of it is told for a short while after each asking, to all sockets
//! of who asks, wherever they are connected.

use chrono::TimeDelta;

use super::{Error, Room, Rooms};
use crate::accounts::Caller;
use crate::ids::RoomId;

/// How long one asking counts.
pub const WATCHED: TimeDelta = TimeDelta::minutes(2);
/// How many people who only look are told of one change, the latest first.
pub(super) const MOST_WATCHING: i64 = 500;

impl Rooms<'_> {
    /// The room as it is, if the caller may see it; they hear of it from now on. Who is in hears of it anyway.
    pub async fn watch(&self, caller: &Caller, id: RoomId) -> Result<Room, Error> {
        let now = self.0.clock().now();
        sqlx::query!(
            r#"
            with over as (
                delete from chat_room_watchers where room_id = $1 and user_id <> $2 and until <= $3
            )
            insert into chat_room_watchers (room_id, user_id, until)
            select id, $2, $4 from chat_rooms where id = $1 and closed_at is null
            on conflict (room_id, user_id) do update set until = excluded.until
            "#,
            id.0,
            caller.user_id.0,
            now,
            now + WATCHED,
        )
        .execute(self.0.pool())
        .await?;
        // Noted whether they may or not: that is asked again whenever something is told.
        self.one(caller, id).await
    }

    pub async fn unwatch(&self, caller: &Caller, id: RoomId) -> Result<(), Error> {
        sqlx::query!(
            "delete from chat_room_watchers where room_id = $1 and user_id = $2",
            id.0,
            caller.user_id.0,
        )
        .execute(self.0.pool())
        .await?;
        Ok(())
    }
}
