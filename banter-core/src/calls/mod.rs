//! Calls.

use crate::Banter;
use crate::ids::{CallId, UserId};

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
}
