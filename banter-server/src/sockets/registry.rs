//! The sockets of this process, by person.

use std::collections::HashMap;
use std::sync::RwLock;

use banter_core::accounts::Caller;
use banter_core::ids::{SessionId, UserId};
use chrono::{DateTime, TimeDelta, Utc};
use socketioxide::extract::SocketRef;
use socketioxide::socket::Sid;

/// How long a socket outlives its access token, for the client to send another.
const GRACE: TimeDelta = TimeDelta::seconds(60);
/// How long after its handshake a socket must be connected.
const CONNECT: TimeDelta = TimeDelta::seconds(30);

#[derive(Default)]
pub(super) struct Registry {
    inner: RwLock<Inner>,
}

#[derive(Default)]
struct Inner {
    sockets: HashMap<Sid, Entry>,
    people: HashMap<UserId, Vec<Sid>>,
}

struct Entry {
    socket: SocketRef,
    caller: Caller,
    since: DateTime<Utc>,
}

/// Sockets one person may have in one process: a few devices, and what reconnecting leaves behind for a while.
const MOST: usize = 20;

impl Registry {
    /// Whether there was room for another of theirs.
    pub(super) fn add(&self, socket: &SocketRef, caller: Caller, since: DateTime<Utc>) -> bool {
        let mut inner = self.inner.write().expect("no panic while locked");
        if inner.people.get(&caller.user_id).is_some_and(|sockets| sockets.len() >= MOST) {
            return false;
        }
        inner.sockets.insert(socket.id, Entry { socket: socket.clone(), caller, since });
        inner.people.entry(caller.user_id).or_default().push(socket.id);
        metrics::gauge!("banter_sockets_open").increment(1);
        true
    }

    /// Whose it was, and whether it was their last here.
    pub(super) fn remove(&self, socket: Sid) -> Option<(Caller, bool)> {
        let mut inner = self.inner.write().expect("no panic while locked");
        let entry = inner.sockets.remove(&socket)?;
        metrics::gauge!("banter_sockets_open").decrement(1);
        let user = entry.caller.user_id;
        let rest = inner.people.get_mut(&user).map_or(0, |sockets| {
            sockets.retain(|sid| *sid != socket);
            sockets.len()
        });
        if rest == 0 {
            inner.people.remove(&user);
        }
        Some((entry.caller, rest == 0))
    }

    pub(super) fn caller(&self, socket: Sid) -> Option<Caller> {
        self.inner.read().expect("no panic while locked").sockets.get(&socket).map(|entry| entry.caller)
    }

    pub(super) fn holds(&self, user: UserId) -> bool {
        self.inner.read().expect("no panic while locked").people.contains_key(&user)
    }

    /// The socket goes on with a newer token of the same person.
    pub(super) fn renew(&self, socket: Sid, caller: Caller) -> bool {
        let mut inner = self.inner.write().expect("no panic while locked");
        match inner.sockets.get_mut(&socket) {
            Some(entry) if entry.caller.user_id == caller.user_id => {
                entry.caller = caller;
                true
            }
            _ => false,
        }
    }

    pub(super) fn of_session(&self, user: UserId, session: SessionId) -> Vec<SocketRef> {
        let inner = self.inner.read().expect("no panic while locked");
        let sockets = inner.people.get(&user).into_iter().flatten();
        sockets
            .filter_map(|sid| inner.sockets.get(sid))
            .filter(|entry| entry.caller.session_id == session)
            .map(|entry| entry.socket.clone())
            .collect()
    }

    /// Sockets to look at: whose access token ran out, whose login is `over`, who were let in and broke before they
    /// were told.
    pub(super) fn overdue(
        &self,
        now: DateTime<Utc>,
        over: impl Fn(&Caller) -> bool,
    ) -> Vec<(SocketRef, Caller)> {
        let inner = self.inner.read().expect("no panic while locked");
        let overdue = inner.sockets.values().filter(|entry| {
            entry.caller.expires_at + GRACE < now
                || (entry.since + CONNECT < now && !entry.socket.connected())
                || over(&entry.caller)
        });
        overdue.map(|entry| (entry.socket.clone(), entry.caller)).collect()
    }

    pub(super) fn all(&self) -> Vec<(UserId, String)> {
        let inner = self.inner.read().expect("no panic while locked");
        inner.sockets.values().map(|entry| (entry.caller.user_id, entry.socket.id.to_string())).collect()
    }
}
