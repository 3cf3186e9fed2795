//! All that somebody is shown, as text: each surface's name and its whole answer.

use futures_util::TryStreamExt as _;

use super::scene::{Scene, phone};
use crate::friends::requests::Direction as Requests;
use crate::messaging::history::{Direction, Of};
use crate::page::PageRequest;
use crate::rooms::browse::Filter;
use crate::testing::Person;

pub(super) const ALL: PageRequest = PageRequest { limit: 100, cursor: None };

/// What this one is shown without naming anybody, and what reached them by itself.
pub(super) async fn of(scene: &Scene, place: usize) -> Vec<(String, String)> {
    let (world, reader) = (&scene.world, &scene.people[place]);
    let (banter, caller) = (&world.banter, &reader.caller);
    let (messaging, friends) = (banter.messaging(), banter.friends());
    let mut seen = Vec::new();
    macro_rules! see {
        ($name:expr, $answer:expr) => {
            seen.push(($name.to_string(), format!("{:?}", $answer)))
        };
    }
    see!("conversations", messaging.conversations(caller, &ALL).await.expect("a list"));
    let long_ago = world.now() - chrono::TimeDelta::days(1);
    see!("changes", messaging.changes(caller, long_ago, &ALL).await.expect("a feed"));
    for id in &scene.conversations {
        let of = Of::Conversation(*id);
        see!("a conversation", messaging.conversation(caller, *id).await);
        see!("history backwards", messaging.history(caller, of, Direction::Before(i64::MAX), 100).await);
        see!("history forwards", messaging.history(caller, of, Direction::After(0), 100).await);
        see!("who hears of typing", messaging.typing_audience(caller, *id).await);
    }
    see!("rooms", banter.rooms().browse(caller, &Filter::default(), &ALL).await.expect("a list"));
    for id in &scene.rooms {
        see!("a room", banter.rooms().one(caller, *id).await);
        see!("who is in a room", banter.rooms().members(caller, *id, &ALL).await);
    }
    for (_, upload) in &scene.uploads {
        see!("media", banter.media().one(caller, *upload).await);
    }
    for online in [false, true] {
        see!("friends", friends.friends(caller, online, &ALL).await.expect("a list"));
    }
    for direction in [Requests::Incoming, Requests::Outgoing] {
        see!("friend requests", friends.requests(caller, direction, &ALL).await.expect("a list"));
    }
    for (other, person) in scene.people.iter().enumerate() {
        if !scene.apart(place, other) {
            see!("mutual friends", friends.mutual(caller, person.id, &ALL).await);
            see!("a profile", banter.accounts().public_profile(caller, person.id).await);
        }
    }
    let everybody: Vec<_> = scene.people.iter().map(|person| person.id).collect();
    see!("presence", banter.presence().of(caller, &everybody).await.expect("an answer"));
    for typed in scene.people.iter().flat_map(searches).chain(["kumar".to_owned()]) {
        see!("search", banter.accounts().search(caller, &typed, &ALL).await.expect("a list"));
    }
    see!("calls", banter.calls().history(caller, &ALL).await.expect("a list"));
    for (.., call) in &scene.calls {
        see!("a call", banter.calls().one(caller, *call).await);
    }
    see!("the inbox", banter.notifications().list(caller, &ALL).await.expect("a list"));
    for event in world.events_for(reader) {
        see!("an event", event);
    }
    for message in scene.fcm.sent().iter().filter(|message| message["token"] == phone(place).as_str()) {
        see!("a push", message.to_string());
    }
    seen
}

/// Ways to look for somebody.
fn searches(person: &Person) -> Vec<String> {
    let name = &person.name;
    let mistyped = format!("{}o{}", &name[..4], &name[5..]);
    vec![name.clone(), name[..3].to_owned(), format!("{name} Kumar"), mistyped]
}

/// The export but for the list of one's own blocks, which names whom one blocked.
pub(super) async fn export(scene: &Scene, reader: &Person) -> String {
    let pieces: Vec<String> =
        scene.world.banter.accounts().export_of(reader.id).try_collect().await.expect("an export");
    let mut document: serde_json::Value =
        serde_json::from_str(&format!("{{{}}}", pieces.concat())).expect("JSON");
    document.as_object_mut().expect("an object").remove("blocks").expect("a list of blocks");
    document.to_string()
}
