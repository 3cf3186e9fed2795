//! Every half minute, all of it: the media server's rooms and people beside our calls, rooms and seats. Finds what no
//! webhook told of, and repairs whichever side is wrong:
//!
//! | found | done |
//! |---|---|
//! | a live call or room that the media server lost | made again there; its people get the time of a first coming |
//! | a room there that is over here | closed there |
//! | somebody there without a seat, or who may send what they should not | sent out, or cut off |
//! | somebody with a seat who is, or is not, there against what we noted | noted |
//! | somebody who stayed away too long | their seat is given up; what is left of a call or a room ends by its own rule |
//! | a room there that nobody answers for | its people count as away, and it is opened again: its node may have died |
//!
//! A room of the media server that we never made is somebody else's, and left alone. While the media server does not
//! answer, everybody counts as away since the first time it did not; after [`OUTAGE`] seats are given up all the same, so
//! that no call is answered for ever.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt as _;

use super::{AWAY, COMING, Error, OUTAGE, Voice};
use crate::Banter;
use crate::ids::{CallId, RoomId, UserId};
use crate::jobs::{Failure, Job};
use crate::providers::livekit::{self, Rights};

const EVERY: TimeDelta = TimeDelta::seconds(30);
/// While the media server is away: to see soon that it is back.
const WHILE_AWAY: TimeDelta = TimeDelta::seconds(5);
/// Questions to the media server at a time.
const AT_ONCE: usize = 8;

/// What one round repaired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repaired {
    /// Rooms that the media server had lost.
    pub reopened: usize,
    /// Rooms there that were over.
    pub closed: usize,
    /// People there without a seat.
    pub removed: usize,
    /// People whose rights were others.
    pub permitted: usize,
    /// Seats given up.
    pub lost: usize,
}

struct Held {
    user: UserId,
    call: Option<CallId>,
    room: Option<RoomId>,
    rights: Rights,
    connected: bool,
    absent_since: Option<DateTime<Utc>>,
}

impl Held {
    /// Whether they stayed away too long.
    fn is_lost(&self, now: DateTime<Utc>, outage: bool) -> bool {
        let patience = match (self.connected, outage) {
            (false, _) => COMING,
            (true, true) => OUTAGE,
            (true, false) => AWAY,
        };
        self.absent_since.is_some_and(|since| since + patience <= now)
    }
}

pub(crate) async fn run(banter: &Banter) -> Result<(), Failure> {
    banter.rooms().drop_absent().await?;
    let next = match banter.voice().reconcile().await {
        Ok(repaired) => {
            if repaired != Repaired::default() {
                tracing::info!(?repaired, "calls and rooms were repaired");
            }
            EVERY
        }
        Err(Error::LiveKit(livekit::Error::NotConfigured)) => EVERY,
        Err(Error::LiveKit(error @ livekit::Error::Away(_))) => {
            tracing::warn!(%error, "the media server does not answer");
            WHILE_AWAY
        }
        // Whatever it is: somebody repairs it, and then a round must come.
        Err(error) => {
            tracing::error!(%error, "calls and rooms could not be repaired");
            EVERY
        }
    };
    let at = banter.clock().now() + next;
    banter.jobs().queue(banter.pool(), &Job::ReconcileVoice {}, at).await?;
    Ok(())
}

impl Voice<'_> {
    /// One round.
    pub async fn reconcile(&self) -> Result<Repaired, Error> {
        let held = self.held().await?;
        metrics::gauge!("banter_voice_rooms").set(count(held.len()));
        metrics::gauge!("banter_voice_seats").set(count(held.values().map(Vec::len).sum()));
        let there = match self.0.livekit().rooms().await {
            Ok(there) => there,
            Err(error) => {
                let mut present = Vec::new();
                for (room, seats) in &held {
                    let here = seats.iter().filter(|seat| seat.absent_since.is_none());
                    present.extend(here.map(|seat| (room.as_str(), seat.user)));
                }
                self.absent(&present).await?;
                self.give_up(&held, None).await?;
                return Err(error.into());
            }
        };
        let mut repaired = Repaired::default();
        let names: HashSet<&str> = there.iter().map(String::as_str).collect();
        let rooms = sqlx::query!(
            r#"
            select livekit_room as "name!", is_live as "is_live!" from media_rooms where livekit_room = any($1)
            union
            select livekit_room, is_live from media_rooms where is_live
            "#,
            &there,
        )
        .fetch_all(self.0.pool())
        .await?;
        let over: Vec<&str> =
            rooms.iter().filter(|room| !room.is_live).map(|room| room.name.as_str()).collect();
        let missing: Vec<&str> = rooms
            .iter()
            .filter(|room| room.is_live && !names.contains(room.name.as_str()))
            .map(|room| room.name.as_str())
            .collect();
        repaired.closed = over.len();
        repaired.reopened = missing.len();
        self.expect(&missing).await?;
        let settled: Vec<_> = over.iter().chain(&missing).map(|room| self.settle_room(room)).collect();
        let settled: Vec<_> = futures_util::stream::iter(settled).buffer_unordered(AT_ONCE).collect().await;
        for error in settled.into_iter().filter_map(Result::err) {
            tracing::warn!(%error, "a room was neither opened nor closed at the media server");
        }
        let mut compared = Vec::new();
        for room in rooms.iter().filter(|room| room.is_live) {
            let seats = held.get(&room.name).map_or(&[][..], Vec::as_slice);
            let name = room.name.as_str();
            compared.push(async move { (name, seats, self.compare(name, seats).await) });
        }
        let compared: Vec<_> = futures_util::stream::iter(compared).buffer_unordered(AT_ONCE).collect().await;
        let mut unanswered = HashSet::new();
        for (room, seats, outcome) in compared {
            match outcome {
                Ok((removed, permitted)) => {
                    repaired.removed += removed;
                    repaired.permitted += permitted;
                }
                // The others are looked after all the same.
                Err(error) => {
                    tracing::warn!(%error, room, "nobody answers for a room at the media server");
                    unanswered.insert(room);
                    self.revive(room, seats).await?;
                }
            }
        }
        // As it stands now: whoever just came is away no more.
        let held = self.held().await?;
        repaired.lost = self.give_up(&held, Some(&unanswered)).await?;
        Ok(repaired)
    }

    /// Every seat, by its room.
    async fn held(&self) -> Result<HashMap<String, Vec<Held>>, sqlx::Error> {
        let rows = sqlx::query!(
            r#"
            select
                livekit_room as "livekit_room!",
                user_id as "user!: UserId",
                call_id as "call: CallId",
                room_id as "room: RoomId",
                may_speak as "may_speak!",
                may_film as "may_film!",
                connected_at is not null as "connected!",
                absent_since
            from voice_seats
            "#
        )
        .fetch_all(self.0.pool())
        .await?;
        let mut held: HashMap<String, Vec<Held>> = HashMap::new();
        for row in rows {
            held.entry(row.livekit_room).or_default().push(Held {
                user: row.user,
                call: row.call,
                room: row.room,
                rights: Rights { microphone: row.may_speak, camera: row.may_film },
                connected: row.connected,
                absent_since: row.absent_since,
            });
        }
        Ok(held)
    }

    /// A room whose node died, perhaps: everybody in it is away since now, and LiveKit is asked for another node.
    async fn revive(&self, room: &str, seats: &[Held]) -> Result<(), sqlx::Error> {
        let present: Vec<_> =
            seats.iter().filter(|seat| seat.absent_since.is_none()).map(|seat| (room, seat.user)).collect();
        self.absent(&present).await?;
        if let Err(error) = self.settle_room(room).await {
            tracing::warn!(%error, room, "a room found no other node");
        }
        Ok(())
    }

    /// What these rooms were is gone from the media server, whatever we noted: whoever has a seat there comes anew.
    async fn expect(&self, rooms: &[&str]) -> Result<(), sqlx::Error> {
        if rooms.is_empty() {
            return Ok(());
        }
        let rooms: Vec<String> = rooms.iter().map(|room| (*room).to_owned()).collect();
        sqlx::query!(
            r#"
            with call_seat as (
                update call_participants p
                set absent_since = $2, connected_at = null
                from call_logs c
                where c.livekit_room = any($1) and p.call_id = c.id and p.state = 'joined' and p.connected_at is not null
            )
            update chat_room_members m
            set absent_since = $2, connected_at = null
            from chat_rooms r
            where r.livekit_room = any($1) and m.room_id = r.id and m.connected_at is not null
            "#,
            &rooms,
            self.0.clock().now(),
        )
        .execute(self.0.pool())
        .await?;
        Ok(())
    }

    /// Who of the staff may hear a room unseen.
    async fn listeners(&self, livekit_room: &str) -> Result<Vec<UserId>, sqlx::Error> {
        sqlx::query_scalar!(
            r#"
            select l.user_id as "user: UserId"
            from room_listens l
            join users u on u.id = l.user_id and u.role <> 'user' and u.status = 'active'
            where l.livekit_room = $1 and l.until > $2
            "#,
            livekit_room,
            self.0.clock().now(),
        )
        .fetch_all(self.0.pool())
        .await
    }

    /// Who is there beside who has a seat; how many were sent out, and given other rights.
    async fn compare(&self, livekit_room: &str, seats: &[Held]) -> Result<(usize, usize), Error> {
        // The number of people in LiveKit's list of rooms lags behind, so each room is asked.
        let mut there = self.0.livekit().participants(livekit_room).await?;
        let (mut removed, mut permitted) = (0, 0);
        if there.iter().any(|person| person.hidden) {
            let listeners = self.listeners(livekit_room).await?;
            for person in there.iter().filter(|person| person.hidden) {
                if !livekit::listener_of(&person.identity).is_some_and(|user| listeners.contains(&user)) {
                    self.0.livekit().remove(livekit_room, &person.identity).await?;
                    removed += 1;
                }
            }
        }
        there.retain(|person| !person.hidden);
        for person in &there {
            let seat = seats.iter().find(|seat| person.user == Some(seat.user));
            match (seat, person.user) {
                // Nobody of ours enters under another identity.
                (None, None) => {
                    self.0.livekit().remove(livekit_room, &person.identity).await?;
                    removed += 1;
                }
                // The seat may have come since it was looked for.
                (None, Some(user)) => {
                    self.settle_seat(livekit_room, user).await?;
                    removed += 1;
                }
                (Some(seat), Some(user)) if seat.rights != person.rights => {
                    self.settle_seat(livekit_room, user).await?;
                    permitted += 1;
                }
                (Some(_), Some(_) | None) => {}
            }
        }
        let here: HashSet<UserId> =
            there.iter().filter(|person| person.is_active).filter_map(|person| person.user).collect();
        let coming: HashSet<UserId> = there.iter().filter_map(|person| person.user).collect();
        let came: Vec<_> = seats
            .iter()
            .filter(|seat| seat.absent_since.is_some() && here.contains(&seat.user))
            .map(|seat| (livekit_room, seat.user))
            .collect();
        let went: Vec<_> = seats
            .iter()
            .filter(|seat| seat.absent_since.is_none() && !coming.contains(&seat.user))
            .map(|seat| (livekit_room, seat.user))
            .collect();
        self.present(&came).await?;
        self.absent(&went).await?;
        Ok((removed, permitted))
    }

    /// Gives up the seats of those who stayed away too long; how many. `unanswered`: the rooms that the media server does
    /// not answer for; `None`: all.
    async fn give_up(
        &self,
        held: &HashMap<String, Vec<Held>>,
        unanswered: Option<&HashSet<&str>>,
    ) -> Result<usize, sqlx::Error> {
        let now = self.0.clock().now();
        let mut lost = Vec::new();
        for (room, seats) in held {
            let outage = unanswered.is_none_or(|rooms| rooms.contains(room.as_str()));
            lost.extend(seats.iter().filter(|seat| seat.is_lost(now, outage)));
        }
        for seat in &lost {
            if let Some(call) = seat.call {
                self.0.calls().lost(call, seat.user).await?;
            }
            if let Some(room) = seat.room {
                self.0.rooms().lost(room, seat.user).await?;
            }
        }
        Ok(lost.len())
    }
}

fn count(number: usize) -> f64 {
    u32::try_from(number).unwrap_or(u32::MAX).into()
}
