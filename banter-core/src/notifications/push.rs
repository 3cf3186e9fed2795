//! One phone, one thing to tell.

use serde::{Deserialize, Serialize};

use crate::Banter;
use crate::ids::{MessageId, NotificationId, SessionId};
use crate::jobs::Failure;

/// A push as its job holds it: ids only, so that nothing private lies in the queue. Written by the statement that sends a
/// message (`messaging::send`) as well as from here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Push {
    /// The login whose phone is told.
    pub session_id: SessionId,
    pub about: About,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    Message(MessageId),
    Notification(NotificationId),
}

impl Push {
    pub(crate) async fn run(&self, _banter: &Banter) -> Result<(), Failure> {
        Ok(())
    }
}
