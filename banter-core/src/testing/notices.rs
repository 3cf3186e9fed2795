//! A sink that remembers what the bus told it, and lets a test wait for it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;

use crate::accounts::sessions::Revocation;
use crate::events::{Bus, Delivery, Event, Notice};
use crate::ids::{SessionId, UserId};

/// How long a test waits for what must come. Real time: reached by failures only.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// What one process's sockets would have been told. Each event is given out once.
#[derive(Clone, Debug)]
pub struct Notices(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kept: Mutex<Kept>,
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Kept {
    deliveries: Vec<(UserId, Delivery)>,
    revocations: Vec<Revocation>,
}

impl Notices {
    /// Becomes the sink of this bus.
    pub fn of(bus: &Bus) -> Self {
        let notices = Self(Arc::new(Inner { kept: Mutex::default(), changed: watch::Sender::new(()) }));
        let sink = notices.clone();
        bus.set_sink(move |notice| sink.keep(notice));
        notices
    }

    fn keep(&self, notice: &Notice) {
        let mut kept = self.0.kept.lock().expect("no panic while locked");
        match notice {
            Notice::Deliver(delivery) => {
                kept.deliveries.extend(delivery.to.iter().map(|user| (*user, delivery.clone())));
            }
            Notice::Revoked(revocation) => kept.revocations.push(revocation.clone()),
        }
        drop(kept);
        self.0.changed.send_replace(());
    }

    /// The first event for this person that `is_it`, waited for. Panics at the deadline, saying what came instead.
    pub async fn expect_event(&self, user: impl Into<UserId>, is_it: impl Fn(&Event) -> bool) -> Event {
        let user = user.into();
        let found = self.wait(|kept| {
            let at = kept.deliveries.iter().position(|(to, d)| *to == user && is_it(&d.event))?;
            Some(kept.deliveries.remove(at).1.event)
        });
        match found.await {
            Some(event) => event,
            None => panic!("the event did not come; instead: {:#?}", self.events_for(user)),
        }
    }

    /// That this login was ended, waited for.
    pub async fn expect_revoked(&self, session: SessionId) -> Revocation {
        let found = self.wait(|kept| {
            let at = kept.revocations.iter().position(|revocation| revocation.session_id == session)?;
            Some(kept.revocations.remove(at))
        });
        found.await.expect("the login's end was told")
    }

    /// What came for this person and was not expected yet, in order.
    pub fn events_for(&self, user: impl Into<UserId>) -> Vec<Event> {
        self.deliveries_for(user).into_iter().map(|delivery| delivery.event).collect()
    }

    /// The same with the sockets that were left out.
    pub fn deliveries_for(&self, user: impl Into<UserId>) -> Vec<Delivery> {
        let user = user.into();
        let kept = self.0.kept.lock().expect("no panic while locked");
        kept.deliveries.iter().filter(|(to, _)| *to == user).map(|(_, delivery)| delivery.clone()).collect()
    }

    /// Ends of logins that were told and not expected yet.
    pub fn revocations(&self) -> Vec<Revocation> {
        self.0.kept.lock().expect("no panic while locked").revocations.clone()
    }

    /// Forgets all events so far.
    pub fn clear(&self) {
        *self.0.kept.lock().expect("no panic while locked") = Kept::default();
    }

    async fn wait<T>(&self, mut take: impl FnMut(&mut Kept) -> Option<T>) -> Option<T> {
        let mut changed = self.0.changed.subscribe();
        let found = async {
            loop {
                if let Some(found) = take(&mut self.0.kept.lock().expect("no panic while locked")) {
                    return found;
                }
                changed.changed().await.expect("the sender is ours");
            }
        };
        tokio::time::timeout(DEADLINE, found).await.ok()
    }
}
