//! What the media server tells us. Its webhooks come twice, late, out of order or not at all, so nothing is done by what
//! they say: each says where to look ([`super::seats`]). Stored once by their id, with the job to look, in one statement.

use serde::Deserialize;

use super::Voice;
use crate::error::{self, Coded, Kind};
use crate::jobs::Job;
use crate::providers::livekit::{self, Forged};

/// As LiveKit names them; whatever else it tells is answered and forgotten.
const SEAT: [&str; 3] = ["participant_joined", "participant_left", "participant_connection_aborted"];
const ROOM: [&str; 1] = ["room_finished"];

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Forged(#[from] Forged),
    #[error("the body is no event")]
    NotUnderstood,
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl Coded for Error {
    fn coded(&self) -> (Kind, &'static str) {
        match self {
            Self::Forged(_) => (Kind::Unauthenticated, "WEBHOOK_SIGNATURE_INVALID"),
            Self::NotUnderstood => (Kind::Invalid, "WEBHOOK_INVALID"),
            Self::Database(error) => error::database(error),
        }
    }
}

/// What was done with one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    New,
    /// It had come before.
    Repeated,
    /// Nothing follows from such events, or it concerns nobody of ours.
    Ignored,
}

/// The parts of an event that are read. Names that a newer LiveKit adds are no error.
#[derive(Deserialize)]
struct Event {
    id: String,
    event: String,
    room: Option<Named>,
    participant: Option<Identified>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct Identified {
    identity: String,
}

impl Voice<'_> {
    /// Takes a webhook: `authorization` is the header of that name, `body` what was signed, byte for byte.
    pub async fn hear(&self, authorization: &str, body: &[u8]) -> Result<Heard, Error> {
        self.0.livekit().check_webhook(authorization, body)?;
        let event: Event = serde_json::from_slice(body).map_err(|_| Error::NotUnderstood)?;
        let named = event.room.as_ref().map_or("", |room| &room.name);
        // What the database would not take.
        if !(1..=200).contains(&event.id.chars().count()) || event.id.contains('\0') || named.contains('\0') {
            return Err(Error::NotUnderstood);
        }
        let Some(job) = what_to_look_at(&event) else { return Ok(Heard::Ignored) };
        let now = self.0.clock().now();
        let mut transaction = self.0.pool().begin().await?;
        let identity = event.participant.as_ref().map(|participant| participant.identity.as_str());
        let stored = sqlx::query!(
            r#"
            insert into webhook_events (provider, event_id, kind, payload, received_at)
            values ('livekit', $1, $2, jsonb_strip_nulls(jsonb_build_object('room', $3::text, 'identity', $4::text)), $5)
            on conflict do nothing
            "#,
            event.id,
            event.event,
            event.room.as_ref().map(|room| room.name.as_str()),
            identity,
            now,
        )
        .execute(&mut *transaction)
        .await?;
        if stored.rows_affected() == 0 {
            return Ok(Heard::Repeated);
        }
        self.0.jobs().queue(&mut *transaction, &job, now).await?;
        transaction.commit().await?;
        self.0.jobs().wake();
        Ok(Heard::New)
    }
}

fn what_to_look_at(event: &Event) -> Option<Job> {
    let room = event.room.as_ref()?.name.clone();
    if ROOM.contains(&event.event.as_str()) {
        return Some(Job::SettleMediaRoom { room });
    }
    if !SEAT.contains(&event.event.as_str()) {
        return None;
    }
    let user_id = livekit::user_of(&event.participant.as_ref()?.identity)?;
    Some(Job::SettleSeat { room, user_id })
}
