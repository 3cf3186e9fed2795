//! Calls.

use sqlx::PgConnection;

use crate::Banter;
use crate::ids::{CallId, UserId};
use crate::voice::aftermath::Aftermath;

/// The acts of this feature.
#[derive(Clone, Copy)]
pub struct Calls<'a>(pub(crate) &'a Banter);

impl Banter {
    pub fn calls(&self) -> Calls<'_> {
        Calls(self)
    }
}

impl Calls<'_> {
    /// Somebody stayed away from the media server too long: for them the call is over.
    pub(crate) async fn lost(&self, _call: CallId, _user: UserId) -> Result<(), sqlx::Error> {
        Ok(())
    }

    /// Takes somebody out of their call, because their account ends or is suspended. In that transaction.
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
