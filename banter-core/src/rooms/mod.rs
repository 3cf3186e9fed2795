//! Rooms.

use sqlx::PgConnection;

use crate::Banter;
use crate::ids::{RoomId, UserId};
use crate::voice::aftermath::Aftermath;

/// The acts of this feature.
#[derive(Clone, Copy)]
pub struct Rooms<'a>(pub(crate) &'a Banter);

impl Banter {
    pub fn rooms(&self) -> Rooms<'_> {
        Rooms(self)
    }
}

impl Rooms<'_> {
    /// Somebody stayed away from the media server too long: they have left.
    pub(crate) async fn lost(&self, _room: RoomId, _user: UserId) -> Result<(), sqlx::Error> {
        Ok(())
    }

    /// Takes somebody out of their rooms, because their account ends or is suspended. In that transaction.
    pub(crate) async fn take_out(
        &self,
        _db: &mut PgConnection,
        _user: UserId,
    ) -> Result<Aftermath, sqlx::Error> {
        Ok(Aftermath::default())
    }

    /// Parts two who cannot meet any more. In the transaction of the block.
    pub(crate) async fn part(
        &self,
        _db: &mut PgConnection,
        _blocker: UserId,
        _blocked: UserId,
    ) -> Result<Aftermath, sqlx::Error> {
        Ok(Aftermath::default())
    }
}
