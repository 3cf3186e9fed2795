mod groups;
mod loss;
mod policy;
mod pushes;
mod races;
mod two;

use super::history::{Call, Direction};
use super::initiate::Whom;
use super::*;
use crate::accounts::devices::Platform;
use crate::events::Event;
use crate::ids::{CallId, ConversationId, UserId};
use crate::jobs::worker;
use crate::page::PageRequest;
use crate::testing::livekit::LiveKit;
use crate::testing::{Person, World};

#[track_caller]
fn code<T: std::fmt::Debug>(outcome: Result<T, Error>) -> &'static str {
    outcome.expect_err("a refusal").coded().1
}

/// Friends with phones, and a media server.
struct Scene {
    media: &'static LiveKit,
    world: World,
    people: Vec<Person>,
}

impl Scene {
    /// Everybody is the first one's friend.
    async fn of(names: &[&str]) -> Self {
        let media = LiveKit::shared().await;
        Self::in_world(media, World::builder().speaks_at(media).build().await, names).await
    }

    async fn in_world(media: &'static LiveKit, world: World, names: &[&str]) -> Self {
        // What ends the ringing waits for its time.
        world.may_leave_jobs();
        let mut people = Vec::new();
        for name in names {
            let person = world.user(name).await;
            let accounts = world.banter.accounts();
            accounts.put_device(&person.caller, &phone(name), Platform::Android).await.unwrap();
            people.push(person);
        }
        for friend in &people[1..] {
            world.befriend(&people[0], friend).await;
        }
        Self { media, world, people }
    }

    fn calls(&self) -> Calls<'_> {
        self.world.banter.calls()
    }

    async fn call(&self, from: &Person, to: &Person) -> Placed {
        self.calls().initiate(&from.caller, Whom::User(to.id), CallType::Audio).await.unwrap()
    }

    /// A call of the first two that was answered.
    async fn talk(&self) -> CallId {
        let id = self.call(&self.people[0], &self.people[1]).await.call.id;
        self.calls().answer(&self.people[1].caller, id).await.unwrap();
        id
    }

    async fn group(&self) -> ConversationId {
        let members: Vec<UserId> = self.people[1..].iter().map(|person| person.id).collect();
        self.world.banter.messaging().create_group(&self.people[0].caller, "Goa", &members).await.unwrap()
    }

    async fn status(&self, who: &Person, id: CallId) -> Status {
        self.calls().one(&who.caller, id).await.unwrap().status
    }

    async fn history(&self, who: &Person) -> Vec<Call> {
        let page = PageRequest { limit: 100, cursor: None };
        self.calls().history(&who.caller, &page).await.unwrap().items
    }

    /// The kinds of notifications, newest first.
    async fn inbox(&self, who: &Person) -> Vec<crate::notifications::Kind> {
        let page = PageRequest { limit: 100, cursor: None };
        let inbox = self.world.banter.notifications().list(&who.caller, &page).await.unwrap();
        let calls = inbox.page.items.into_iter().map(|entry| entry.kind);
        calls.filter(|kind| *kind == crate::notifications::Kind::CallMissed).collect()
    }

    /// The names of events about calls that came for this one since the last look.
    fn heard(&self, who: &Person) -> Vec<&'static str> {
        let events = self.world.events_for(who);
        events.iter().map(Event::name).filter(|name| name.starts_with("call:")).collect()
    }

    /// All that is due is done.
    async fn work(&self) {
        while worker::round(&self.world.banter).await.unwrap() > 0 {}
    }
}

fn phone(name: &str) -> String {
    format!("phone-of-{name}")
}
