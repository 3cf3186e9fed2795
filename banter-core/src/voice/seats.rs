//! One seat, or one room: a look at both sides, and a repair of the one that is wrong. Of who may be there, and send what,
//! the media server is the one; of who is there, the database.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Error, Voice};
use crate::ids::UserId;
use crate::jobs::Job;
use crate::providers::livekit::{self, Participant, Rights};

/// How often a seat is looked at again that changed while it was brought into force.
const TRIES: u8 = 5;

/// How soon somebody who was sent out is looked for again.
const AGAIN: TimeDelta = TimeDelta::seconds(2);

/// What somebody has a seat for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seat {
    pub rights: Rights,
    /// When they stopped being there; `None`: they are.
    pub absent_since: Option<DateTime<Utc>>,
}

impl Voice<'_> {
    pub(super) async fn seat(&self, livekit_room: &str, user: UserId) -> Result<Option<Seat>, sqlx::Error> {
        let found = sqlx::query!(
            r#"
            select may_speak as "may_speak!", may_film as "may_film!", absent_since
            from voice_seats
            where livekit_room = $1 and user_id = $2
            "#,
            livekit_room,
            user.0,
        )
        .fetch_optional(self.0.pool())
        .await?;
        Ok(found.map(|row| Seat {
            rights: Rights { microphone: row.may_speak, camera: row.may_film },
            absent_since: row.absent_since,
        }))
    }

    /// Makes the media server and one seat agree.
    pub(crate) async fn settle_seat(&self, livekit_room: &str, user: UserId) -> Result<(), Error> {
        let media = self.0.livekit();
        let mut seat = self.seat(livekit_room, user).await?;
        for _ in 0..TRIES {
            let there = media.participant(livekit_room, user).await?.filter(|person| !person.hidden);
            match (&seat, &there) {
                (None, Some(person)) => {
                    // Somebody else may use the same media server.
                    if self.is_live(livekit_room).await?.is_some() {
                        media.remove(livekit_room, &person.identity).await?;
                        self.look_again(livekit_room, user).await?;
                    }
                }
                (Some(seat), Some(person)) if person.rights != seat.rights => {
                    media.permit(livekit_room, user, seat.rights).await?;
                }
                (None | Some(_), None) | (Some(_), Some(_)) => {}
            }
            if let Some(seat) = &seat {
                self.note_presence(livekit_room, user, seat, there.as_ref()).await?;
            }
            // It may have changed while the media server was asked, and whoever changed it may have been faster.
            let now = self.seat(livekit_room, user).await?;
            let same = match (&seat, &now) {
                (Some(was), Some(is)) => was.rights == is.rights,
                (None, None) => true,
                (Some(_), None) | (None, Some(_)) => false,
            };
            if same {
                return Ok(());
            }
            seat = now;
        }
        Err(Error::Busy)
    }

    /// Whoever was sent out and has a token that still opens the door may be back at once, and without media no webhook
    /// tells of them: as long as somebody is found, they are looked for again.
    async fn look_again(&self, livekit_room: &str, user: UserId) -> Result<(), sqlx::Error> {
        let job = Job::SettleSeat { room: livekit_room.to_owned(), user_id: user };
        self.0.jobs().queue(self.0.pool(), &job, self.0.clock().now() + AGAIN).await
    }

    /// Makes the media server have a room that is to be there, and no other.
    pub(crate) async fn settle_room(&self, livekit_room: &str) -> Result<(), Error> {
        match self.is_live(livekit_room).await? {
            Some(true) => Ok(self.0.livekit().open(livekit_room).await?),
            Some(false) => Ok(self.0.livekit().close(livekit_room).await?),
            None => Ok(()),
        }
    }

    /// Whether the media server is to have this room; `None`: we never made it.
    async fn is_live(&self, livekit_room: &str) -> Result<Option<bool>, sqlx::Error> {
        sqlx::query_scalar!(
            r#"select is_live as "is_live!" from media_rooms where livekit_room = $1"#,
            livekit_room,
        )
        .fetch_optional(self.0.pool())
        .await
    }

    async fn note_presence(
        &self,
        livekit_room: &str,
        user: UserId,
        seat: &Seat,
        there: Option<&Participant>,
    ) -> Result<(), sqlx::Error> {
        match (there, seat.absent_since) {
            (Some(person), Some(_)) if person.is_active => self.present(&[(livekit_room, user)]).await,
            (None, None) => self.absent(&[(livekit_room, user)]).await,
            (Some(_) | None, Some(_)) | (Some(_), None) => Ok(()),
        }
    }

    /// They are at the media server.
    pub(super) async fn present(&self, seats: &[(&str, UserId)]) -> Result<(), sqlx::Error> {
        self.mark(seats, true).await
    }

    /// They are not, or not any more.
    pub(super) async fn absent(&self, seats: &[(&str, UserId)]) -> Result<(), sqlx::Error> {
        self.mark(seats, false).await
    }

    async fn mark(&self, seats: &[(&str, UserId)], present: bool) -> Result<(), sqlx::Error> {
        if seats.is_empty() {
            return Ok(());
        }
        let rooms: Vec<String> = seats.iter().map(|(room, _)| (*room).to_owned()).collect();
        let users: Vec<_> = seats.iter().map(|(_, user)| user.0).collect();
        sqlx::query!(
            r#"
            with seat as (
                select s.call_id, s.room_id, s.user_id
                from unnest($1::text[], $2::uuid[]) as named (livekit_room, user_id)
                join voice_seats s on s.livekit_room = named.livekit_room and s.user_id = named.user_id
            ),
            call_seat as (
                update call_participants p
                set absent_since = case when $3 then null else coalesce(p.absent_since, $4) end,
                    connected_at = case when $3 then coalesce(p.connected_at, $4) else p.connected_at end
                from seat
                where p.call_id = seat.call_id and p.user_id = seat.user_id and p.state = 'joined'
            )
            update chat_room_members m
            set absent_since = case when $3 then null else coalesce(m.absent_since, $4) end,
                connected_at = case when $3 then coalesce(m.connected_at, $4) else m.connected_at end
            from seat
            where m.room_id = seat.room_id and m.user_id = seat.user_id
            "#,
            &rooms,
            &users,
            present,
            self.0.clock().now(),
        )
        .execute(self.0.pool())
        .await?;
        Ok(())
    }
}

impl From<Error> for crate::jobs::Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Database(error) => Self::Database(error),
            // Without a media server there is nobody in its rooms, and never will be.
            Error::LiveKit(livekit::Error::NotConfigured) => Self::Never(error.to_string()),
            Error::LiveKit(livekit::Error::Away(why)) => {
                Self::Later(format!("LiveKit does not answer: {why}"))
            }
            Error::LiveKit(livekit::Error::Refused(_) | livekit::Error::NoRoom) | Error::Busy => {
                Self::Later(error.to_string())
            }
        }
    }
}
