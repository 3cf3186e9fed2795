//! Identifiers and chance. Ids are UUID version 7 (RFC 9562): ordered by time, so that indexes grow at one end.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use uuid::{Builder, Uuid};

/// The one source of randomness.
#[derive(Clone, Debug, Default)]
pub enum Ids {
    #[default]
    System,
    Seeded(Arc<Mutex<StdRng>>),
}

impl Ids {
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match self {
            #[expect(clippy::disallowed_methods, reason = "the one home of chance")]
            Self::System => rand::rng().fill_bytes(&mut bytes),
            Self::Seeded(rng) => rng.lock().expect("no panic while locked").fill_bytes(&mut bytes),
        }
        bytes
    }

    /// No id made at that time or later is smaller.
    pub fn first_of(time: DateTime<Utc>) -> Uuid {
        let millis = u64::try_from(time.timestamp_millis()).unwrap_or(0);
        Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid()
    }

    pub fn uuid(&self, now: DateTime<Utc>) -> Uuid {
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or(0);
        Builder::from_unix_timestamp_millis(millis, &self.bytes()).into_uuid()
    }
}

/// Declares an id type of its own: a user's id cannot be passed where a conversation's is wanted.
macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord,
            serde::Serialize, serde::Deserialize, sqlx::Type, utoipa::ToSchema,
        )]
        #[serde(transparent)]
        #[sqlx(transparent)]
        #[schema(value_type = Uuid)]
        pub struct $name(pub Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                text.parse().map(Self)
            }
        }
    )*};
}

id! {
    UserId,
    SessionId,
    ConversationId,
    MessageId,
    FriendRequestId,
    UploadId,
    NotificationId,
    VerificationId,
    CallId,
    RoomId,
    TransactionId,
    SubscriptionId,
    GiftId,
    ReportId,
    CaseId,
    SanctionId,
    HeldMessageId,
    AppealId,
    JobId,
}
