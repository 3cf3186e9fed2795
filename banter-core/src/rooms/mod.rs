//! Rooms.

use crate::Banter;
use crate::ids::{RoomId, UserId};

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
}
