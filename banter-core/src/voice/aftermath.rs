//! What is to be done once a change of calls or rooms is committed: people are told, and the media server is made to
//! agree. The second is queued as jobs in the transaction, so that it happens whatever becomes of this process.

use futures_util::future::join_all;
use sqlx::PgConnection;

use super::Error;
use crate::Banter;
use crate::events::{Delivery, Event};
use crate::ids::UserId;
use crate::jobs::Job;
use crate::notifications;

#[must_use = "queue it in the transaction, and carry it out after the commit"]
#[derive(Debug, Default)]
pub(crate) struct Aftermath {
    deliveries: Vec<Delivery>,
    news: Vec<notifications::Added>,
    seats: Vec<(String, UserId)>,
    rooms: Vec<String>,
    wakes: bool,
    /// How calls ended.
    calls: Vec<&'static str>,
}

impl Aftermath {
    pub(crate) fn tell(&mut self, to: Vec<UserId>, event: Event) {
        if !to.is_empty() {
            self.deliveries.push(Delivery { to, except_socket: None, event });
        }
    }

    pub(crate) fn notify(&mut self, added: impl IntoIterator<Item = notifications::Added>) {
        self.news.extend(added);
    }

    /// Somebody's seat there came, went or changed.
    pub(crate) fn seat(&mut self, livekit_room: &str, user: UserId) {
        self.seats.push((livekit_room.to_owned(), user));
    }

    /// The same, where there may be none: nothing is spoken in some rooms.
    pub(crate) fn seat_in(&mut self, livekit_room: Option<&str>, user: UserId) {
        if let Some(livekit_room) = livekit_room {
            self.seat(livekit_room, user);
        }
    }

    /// The media server's room is to be there no more, or again.
    pub(crate) fn room(&mut self, livekit_room: &str) {
        self.rooms.push(livekit_room.to_owned());
    }

    /// Jobs of other kinds were queued in the same transaction.
    pub(crate) fn wakes(&mut self) {
        self.wakes = true;
    }

    /// A call ended so: for the metrics, once it is committed.
    pub(crate) fn count_call(&mut self, outcome: &'static str) {
        self.calls.push(outcome);
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.deliveries.extend(other.deliveries);
        self.news.extend(other.news);
        self.seats.extend(other.seats);
        self.rooms.extend(other.rooms);
        self.wakes |= other.wakes;
        self.calls.extend(other.calls);
    }

    /// In the transaction, as its last statements.
    pub(crate) async fn queue(&self, banter: &Banter, db: &mut PgConnection) -> Result<(), sqlx::Error> {
        let now = banter.clock().now();
        let rooms = self.rooms.iter().map(|room| Job::SettleMediaRoom { room: room.clone() });
        let seats = self
            .seats
            .iter()
            .filter(|(room, _)| !self.rooms.contains(room))
            .map(|(room, user)| Job::SettleSeat { room: room.clone(), user_id: *user });
        for job in rooms.chain(seats) {
            banter.jobs().queue(&mut *db, &job, now).await?;
        }
        Ok(())
    }

    /// After the commit. The media server is left to the jobs.
    pub(crate) async fn carry_out(self, banter: &Banter) {
        if self.wakes || !self.seats.is_empty() || !self.rooms.is_empty() {
            banter.jobs().wake();
        }
        for outcome in self.calls {
            metrics::counter!("banter_calls_total", "outcome" => outcome).increment(1);
        }
        for delivery in self.deliveries {
            banter.bus().deliver(delivery);
        }
        for added in self.news {
            banter.notifications().tell(added).await;
        }
    }

    /// After the commit, and not back before the media server agrees: for acts whose answer says that it does. When it
    /// does not answer, the change stands all the same, and the jobs go on trying.
    pub(crate) async fn carry_out_now(mut self, banter: &Banter) -> Result<(), Error> {
        let (seats, rooms) = (std::mem::take(&mut self.seats), std::mem::take(&mut self.rooms));
        self.carry_out(banter).await;
        let voice = banter.voice();
        let closed = join_all(rooms.iter().map(|room| voice.settle_room(room)));
        let changed = seats.iter().filter(|(room, _)| !rooms.contains(room));
        let settled = join_all(changed.map(|(room, user)| voice.settle_seat(room, *user)));
        // Side by side: when the media server is away, its silence is waited for once.
        let (closed, settled) = tokio::join!(closed, settled);
        closed.into_iter().chain(settled).collect()
    }

    /// The same, for acts that do not wait for the media server to answer well: a process that has none, as the command
    /// line, leaves it to the server's jobs, which are at it already.
    pub(crate) async fn carry_out_soon(self, banter: &Banter) -> Result<(), Error> {
        if banter.livekit().is_configured() {
            return self.carry_out_now(banter).await;
        }
        self.carry_out(banter).await;
        Ok(())
    }
}
