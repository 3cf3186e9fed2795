//! A graph brought to life by the real rules. What they refuse has not happened.

use std::collections::HashSet;
use std::convert::Infallible;

use bytes::Bytes;
use chrono::TimeDelta;
use futures_util::stream;

use super::graph::{Act, Graph, NAMES, Taste, With};
use crate::accounts::devices::Platform;
use crate::accounts::settings::{Audience, SettingsChange, Watchers};
use crate::calls::CallType;
use crate::calls::initiate::Whom;
use crate::friends::requests::Asked;
use crate::ids::{CallId, ConversationId, FriendRequestId, MessageId, RoomId, UploadId};
use crate::jobs::worker;
use crate::media::Purpose;
use crate::messaging::MessageType;
use crate::messaging::send::{Draft, Target};
use crate::rooms::open::NewRoom;
use crate::rooms::{RoomType, conversation_of};
use crate::testing::fcm::Fcm;
use crate::testing::livekit::LiveKit;
use crate::testing::{DEADLINE, Person, World, files, noon};

pub(super) struct Scene {
    pub(super) fcm: Fcm,
    pub(super) world: World,
    pub(super) people: Vec<Person>,
    pub(super) conversations: Vec<ConversationId>,
    pub(super) groups: Vec<ConversationId>,
    /// Of the first two, everybody else in both.
    pub(super) rooms: Vec<RoomId>,
    pub(super) posted: Vec<Posted>,
    pub(super) uploads: Vec<(usize, UploadId)>,
    /// Who asked whom.
    pub(super) requests: Vec<(usize, usize, FriendRequestId)>,
    /// Who called whom; nobody: a group.
    pub(super) calls: Vec<(usize, Option<usize>, CallId)>,
    /// Who blocked whom.
    pub(super) blocks: HashSet<(usize, usize)>,
}

/// A message.
pub(super) struct Posted {
    pub(super) by: usize,
    pub(super) id: MessageId,
    pub(super) conversation: ConversationId,
}

impl Scene {
    /// Everything up to the last act. The events heard are those since the blocks; all pushes have gone out after them.
    pub(super) async fn of(graph: &Graph) -> Self {
        let fcm = Fcm::start(noon()).await;
        let crowd = |config: &mut crate::config::Config| {
            config.limits.multiplier = 1000;
            config.database.patience = DEADLINE;
        };
        let media = LiveKit::shared().await;
        let world = World::builder().memory().pushes_to(&fcm).speaks_at(media).config(crowd).build().await;
        // What ends the ringing waits for its time.
        world.may_leave_jobs();
        let mut people = Vec::new();
        for name in &NAMES[..graph.people] {
            people.push(world.user(name).await);
        }
        let mut scene = Self {
            fcm,
            world,
            people,
            conversations: Vec::new(),
            groups: Vec::new(),
            rooms: Vec::new(),
            posted: Vec::new(),
            uploads: Vec::new(),
            requests: Vec::new(),
            calls: Vec::new(),
            blocks: HashSet::new(),
        };
        scene.settle(graph).await;
        scene.open_rooms().await;
        for act in &graph.before {
            scene.act(act).await;
        }
        scene.block(graph).await;
        scene.world.notices().clear();
        for act in &graph.after {
            scene.act(act).await;
        }
        while worker::round(&scene.world.banter).await.expect("jobs run") > 0 {}
        scene
    }

    /// May the two not meet?
    pub(super) fn apart(&self, one: usize, other: usize) -> bool {
        self.blocks.contains(&(one, other)) || self.blocks.contains(&(other, one))
    }

    async fn settle(&mut self, graph: &Graph) {
        for (i, person) in self.people.iter().enumerate() {
            let accounts = self.world.banter.accounts();
            accounts.put_device(&person.caller, &phone(i), Platform::Android).await.expect("a phone");
            let face = format!(
                "update users set avatar = 'https://faces.example/{0}.jpg', bio = 'I am {0}' where id = '{1}'",
                person.name, person.id
            );
            self.world.sql(&face).await;
        }
        for (who, taste) in &graph.tastes {
            let change = match taste {
                Taste::FriendsMayWrite => {
                    SettingsChange { messages: Some(Audience::Friends), ..Default::default() }
                }
                Taste::NobodySeesMe => {
                    SettingsChange { presence: Some(Watchers::Nobody), ..Default::default() }
                }
                Taste::NoPushes => SettingsChange { push_messages: Some(false), ..Default::default() },
            };
            let who = &self.people[self.who(*who)].caller;
            self.world.banter.accounts().change_settings(who, change).await.expect("a setting");
        }
        for (one, other) in &graph.friends {
            self.befriend(self.who(*one), self.who(*other)).await;
        }
        for (n, (maker, members)) in graph.groups.iter().enumerate() {
            let maker = self.who(*maker);
            let members: HashSet<usize> =
                members.iter().map(|who| self.who(*who)).filter(|who| *who != maker).collect();
            for member in &members {
                self.befriend(maker, *member).await;
            }
            let ids: Vec<_> = members.iter().map(|member| self.people[*member].id).collect();
            let messaging = self.world.banter.messaging();
            let made = messaging.create_group(&self.people[maker].caller, &format!("Group {n}"), &ids).await;
            if let Ok(id) = made {
                self.groups.push(id);
                self.conversations.push(id);
            }
        }
    }

    async fn open_rooms(&mut self) {
        for host in 0..self.people.len().min(2) {
            let new = NewRoom {
                name: format!("Room {host}"),
                description: None,
                category: None,
                language: None,
                room_type: RoomType::Text,
                max_members: None,
                is_public: true,
                cover_image: None,
            };
            let rooms = self.world.banter.rooms();
            let room = rooms.create(&self.people[host].caller, new).await.expect("a room").room.id;
            for person in &self.people {
                rooms.join(&person.caller, room).await.expect("in");
            }
            self.rooms.push(room);
            self.conversations.push(conversation_of(room));
        }
    }

    async fn befriend(&self, one: usize, other: usize) {
        let friends = self.world.banter.friends();
        let _ = friends.ask(&self.people[one].caller, self.people[other].id, None).await;
        let _ = friends.ask(&self.people[other].caller, self.people[one].id, None).await;
    }

    async fn block(&mut self, graph: &Graph) {
        let mut friends = Vec::new();
        for (one, other, mutual) in &graph.blocks {
            let (one, other) = (self.who(*one), self.who(*other));
            if one == other {
                continue;
            }
            friends.push((one, other, self.are_friends(one, other).await));
            self.world.block(&self.people[one], &self.people[other]).await;
            self.blocks.insert((one, other));
            if *mutual {
                self.world.block(&self.people[other], &self.people[one]).await;
                self.blocks.insert((other, one));
            }
        }
        for (one, other, _) in friends.into_iter().filter(|(.., friends)| graph.haunted && *friends) {
            let (one, other) = (self.people[one].id, self.people[other].id);
            self.world
                .sql(&format!(
                    "insert into friendships values (least('{one}'::uuid, '{other}'), greatest('{one}'::uuid, '{other}'), '{}')",
                    self.world.now()
                ))
                .await;
        }
    }

    async fn are_friends(&self, one: usize, other: usize) -> bool {
        let ask = sqlx::query_scalar("select are_friends($1, $2)");
        let ask = ask.bind(self.people[one].id).bind(self.people[other].id);
        ask.fetch_one(self.world.banter.pool()).await.expect("an answer")
    }

    fn who(&self, index: proptest::sample::Index) -> usize {
        index.index(self.people.len())
    }

    async fn act(&mut self, act: &Act) {
        let banter = self.world.banter.clone();
        match act {
            Act::Ask(who, whom) => {
                let (who, whom) = (self.who(*who), self.who(*whom));
                let words = format!("{} asks", self.people[who].name);
                let (caller, whose) = (&self.people[who].caller, self.people[whom].id);
                let asked = banter.friends().ask(caller, whose, Some(&words)).await;
                if let Ok(Asked::Sent(request)) = asked {
                    self.requests.push((who, whom, request.id));
                }
            }
            Act::Decide(who, which) => {
                let Some((_, _, request)) = which.get_or_none(&self.requests) else { return };
                let caller = &self.people[self.who(*who)].caller;
                let _ = banter.friends().accept(caller, *request).await;
                let _ = banter.friends().cancel(caller, *request).await;
            }
            Act::Part(who, whom) => {
                let (who, whom) = (&self.people[self.who(*who)], &self.people[self.who(*whom)]);
                let _ = banter.friends().remove(&who.caller, whom.id).await;
            }
            Act::Write { from, to, with } => {
                let to = Target::User(self.people[self.who(*to)].id);
                self.write(self.who(*from), to, with).await;
            }
            Act::WriteInGroup { from, group, with } => {
                let Some(group) = group.get_or_none(&self.groups) else { return };
                self.write(self.who(*from), Target::Conversation(*group), with).await;
            }
            Act::Edit(who, which) => {
                let Some(message) = which.get_or_none(&self.posted) else { return };
                let who = &self.people[self.who(*who)];
                let words = format!("{} says it differently", who.name);
                let _ = banter.messaging().edit(&who.caller, message.id, &words).await;
            }
            Act::Delete(who, which) => {
                let Some(message) = which.get_or_none(&self.posted) else { return };
                let _ = banter.messaging().delete(&self.people[self.who(*who)].caller, message.id).await;
            }
            Act::Read(who, place, seq) => {
                let Some(place) = place.get_or_none(&self.conversations) else { return };
                let _ = banter.messaging().mark_read(&self.people[self.who(*who)].caller, *place, *seq).await;
            }
            Act::Type(who, place) => {
                let Some(place) = place.get_or_none(&self.conversations) else { return };
                let caller = &self.people[self.who(*who)].caller;
                if let Ok(audience) = banter.messaging().typing_audience(caller, *place).await {
                    banter.messaging().typing(caller, *place, audience, true);
                }
            }
            Act::Come(who) => {
                let who = &self.people[self.who(*who)];
                banter.presence().arrived(who.id, &who.name).await;
            }
            Act::Go(who) => {
                let who = &self.people[self.who(*who)];
                banter.presence().left(who.id, &who.name).await;
                self.world.advance(TimeDelta::seconds(6));
                banter.presence().sweep().await.expect("swept");
            }
            Act::Rename(who, group) => {
                let Some(group) = group.get_or_none(&self.groups) else { return };
                let caller = &self.people[self.who(*who)].caller;
                let _ = banter.messaging().rename_group(caller, *group, "Another name").await;
            }
            Act::Call(who, whom) => {
                let (who, whom) = (self.who(*who), self.who(*whom));
                self.call(who, Some(whom), Whom::User(self.people[whom].id)).await;
            }
            Act::CallGroup(who, group) => {
                let Some(group) = group.get_or_none(&self.groups) else { return };
                self.call(self.who(*who), None, Whom::Group(*group)).await;
            }
            Act::PickUp(who, which) => {
                let Some((.., call)) = which.get_or_none(&self.calls) else { return };
                let _ = banter.calls().answer(&self.people[self.who(*who)].caller, *call).await;
            }
            Act::HangUp(who, which) => {
                let Some((.., call)) = which.get_or_none(&self.calls) else { return };
                let _ = banter.calls().end(&self.people[self.who(*who)].caller, *call).await;
            }
        }
    }

    async fn call(&mut self, who: usize, receiver: Option<usize>, whom: Whom) {
        let calls = self.world.banter.calls();
        if let Ok(placed) = calls.initiate(&self.people[who].caller, whom, CallType::Audio).await {
            self.calls.push((who, receiver, placed.call.id));
        }
    }

    async fn write(&mut self, from: usize, target: Target, with: &With) {
        let sender = self.people[from].clone();
        let words = format!("{} says {}", sender.name, self.posted.len());
        let mut draft = Draft::text(target, words);
        match with {
            With::Nothing => {}
            With::Picture => {
                let bytes = stream::iter([Ok::<_, Infallible>(Bytes::from(files::jpeg(8, 8)))]);
                let admitted = self.world.banter.media().admit(&sender.caller, Purpose::Chat).await;
                let media = admitted.expect("a place").take(bytes).await.expect("a picture");
                self.uploads.push((from, media.id));
                (draft.message_type, draft.media) = (MessageType::Image, Some(media.url));
            }
            With::Answered(which) => {
                draft.reply_to = which.get_or_none(&self.posted).map(|message| message.id);
            }
        }
        // A group has more to answer than a pair: whoever may not answer that says it without.
        let messaging = self.world.banter.messaging();
        let mut sent = messaging.send(&sender.caller, draft.clone(), None).await;
        if sent.is_err() && draft.reply_to.take().is_some() {
            sent = messaging.send(&sender.caller, draft, None).await;
        }
        if let Ok(sent) = sent {
            let conversation = sent.message.conversation_id;
            self.posted.push(Posted { by: from, id: sent.message.id, conversation });
            if !self.conversations.contains(&conversation) {
                self.conversations.push(conversation);
            }
        }
    }
}

/// The push token of this one's phone.
pub(super) fn phone(person: usize) -> String {
    format!("phone-{person}")
}

trait GetOrNone {
    fn get_or_none<'a, T>(&self, list: &'a [T]) -> Option<&'a T>;
}

impl GetOrNone for proptest::sample::Index {
    fn get_or_none<'a, T>(&self, list: &'a [T]) -> Option<&'a T> {
        (!list.is_empty()).then(|| self.get(list))
    }
}
