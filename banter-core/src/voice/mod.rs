//! What calls and rooms have in common: the media server's rooms, and who has a seat in which.
//!
//! Promises: who may be where, and send what, stands in the database (the view `voice_seats`) and nowhere else; the media
//! server is made to agree with it, never asked who may. Everything that makes it agree is a look at both sides and a
//! repair ([`seats`]), so it may be done twice, late, or in any order: after a change of ours (as a job in its
//! transaction, [`aftermath`]), after a webhook ([`webhooks`], which are hints and no more), and every half minute for
//! all ([`reconcile`]), which finds what hints never told.
//!
//! A seat is given by an answer to a call or by joining a room, and lost by leaving it, or by staying away from the media
//! server. Tokens are made for seats only, and live a minute (those that LiveKit renews, ten); whoever comes back with an
//! old one is sent out as soon as LiveKit tells of them, and by the next round at the latest.

pub mod aftermath;
pub mod reconcile;
pub mod seats;
#[cfg(test)]
mod tests;
pub mod webhooks;

use chrono::TimeDelta;
use sqlx::PgConnection;

use self::aftermath::Aftermath;
use crate::Banter;
use crate::accounts::Caller;
use crate::error::{self, Coded, Kind};
use crate::ids::{CallId, RoomId, SessionId, UserId};
use crate::providers::livekit::{self, Pass, Rights};
use crate::providers::turn::{self, IceServer};

/// How long somebody who was at the media server may be away from it before their seat is given up: a tunnel, a change of
/// networks, an app that starts again.
pub const AWAY: TimeDelta = TimeDelta::seconds(20);
/// How long somebody may take to come for the first time; longer than a token lives.
pub const COMING: TimeDelta = TimeDelta::seconds(90);
/// How long the media server itself may be away before everybody counts as gone.
pub const OUTAGE: TimeDelta = TimeDelta::seconds(60);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    LiveKit(#[from] livekit::Error),
    /// Seats change faster than they can be brought into force; whoever changed them last tries again.
    #[error("too many changes at once; try again")]
    Busy,
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl Coded for Error {
    fn coded(&self) -> (Kind, &'static str) {
        match self {
            Self::LiveKit(error) => error.coded(),
            Self::Busy => (Kind::Unavailable, "LIVEKIT_UNAVAILABLE"),
            Self::Database(error) => error::database(error),
        }
    }
}

/// What somebody has a seat in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Call(CallId),
    Room(RoomId),
}

/// What an app needs to enter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entrance {
    /// The media server's name of the room.
    pub livekit_room: String,
    pub server_url: String,
    pub token: String,
    /// The identity in the token.
    pub participant_name: String,
}

/// What a phone needs to find a way through its network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IceServers {
    pub servers: Vec<IceServer>,
    /// Seconds until the credentials run out.
    pub ttl: u64,
}

/// The acts of this feature.
#[derive(Clone, Copy)]
pub struct Voice<'a>(pub(crate) &'a Banter);

impl Banter {
    pub fn voice(&self) -> Voice<'_> {
        Voice(self)
    }
}

impl Voice<'_> {
    /// A new name for a room of the media server: nothing in it can be guessed.
    pub(crate) fn new_room_name(&self, kind: &str) -> String {
        let chance: [u8; 16] = self.0.ids().bytes();
        format!("{kind}_{:032x}", u128::from_be_bytes(chance))
    }

    /// The way in, with what they may send as it stands now; `None`: they have no seat, or not any more.
    pub(crate) async fn entrance(&self, caller: &Caller, place: Place) -> Result<Option<Entrance>, Error> {
        let server_url = self.0.livekit().server_url()?.to_owned();
        let (call, room) = match place {
            Place::Call(call) => (Some(call.0), None),
            Place::Room(room) => (None, Some(room.0)),
        };
        let seat = sqlx::query!(
            r#"
            select
                s.livekit_room as "livekit_room!",
                s.may_speak as "may_speak!",
                s.may_film as "may_film!",
                u.full_name,
                u.avatar
            from voice_seats s
            join users u on u.id = s.user_id
            where s.user_id = $1 and (s.call_id = $2 or s.room_id = $3)
            "#,
            caller.user_id.0,
            call,
            room,
        )
        .fetch_optional(self.0.pool())
        .await?;
        let Some(seat) = seat else { return Ok(None) };
        let token = self.0.livekit().token(&Pass {
            room: &seat.livekit_room,
            user: caller.user_id,
            name: &seat.full_name,
            avatar: seat.avatar.as_deref(),
            rights: Rights { microphone: seat.may_speak, camera: seat.may_film },
        })?;
        let participant_name = livekit::identity(caller.user_id);
        Ok(Some(Entrance { livekit_room: seat.livekit_room, server_url, token, participant_name }))
    }

    /// Credentials for the relay, of the caller's own. None where there is no relay.
    pub fn ice_servers(&self, user: UserId) -> IceServers {
        match &self.0.config().turn {
            None => IceServers { servers: Vec::new(), ttl: 0 },
            Some(config) => {
                let servers = turn::ice_servers(config, &user.to_string(), self.0.clock().now());
                IceServers { servers, ttl: config.ttl.as_secs() }
            }
        }
    }

    /// Takes somebody out of every call and room: their account ends, or is suspended. In that transaction; carry out what
    /// it answers after the commit.
    pub(crate) async fn silence(
        &self,
        db: &mut PgConnection,
        user: UserId,
    ) -> Result<Aftermath, sqlx::Error> {
        let mut aftermath = self.0.rooms().take_out(db, user).await?;
        aftermath.add(self.0.calls().take_out(db, user).await?);
        aftermath.queue(self.0, db).await?;
        Ok(aftermath)
    }

    /// A login ended: what somebody was in on it they are in no more. Once more changes nothing.
    pub(crate) async fn leave_with_login(&self, user: UserId, login: SessionId) -> Result<(), sqlx::Error> {
        let mut transaction = self.0.pool().begin().await?;
        let mut aftermath = self.0.rooms().leave_all(&mut transaction, user, Some(login)).await?;
        aftermath.add(self.0.calls().hang_up_with_login(&mut transaction, user, login).await?);
        aftermath.queue(self.0, &mut transaction).await?;
        transaction.commit().await?;
        aftermath.carry_out(self.0).await;
        Ok(())
    }

    /// Two cannot meet any more. In the transaction of the block; carry out what it answers after the commit.
    pub(crate) async fn part(
        &self,
        db: &mut PgConnection,
        blocker: UserId,
        blocked: UserId,
    ) -> Result<Aftermath, sqlx::Error> {
        let mut aftermath = self.0.rooms().part(db, blocker, blocked).await?;
        aftermath.add(self.0.calls().part(db, blocker, blocked).await?);
        aftermath.queue(self.0, db).await?;
        Ok(aftermath)
    }
}
