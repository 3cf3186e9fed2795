use super::*;
use crate::messaging::send::{Draft, Target};

struct Scene {
    world: World,
    room: RoomId,
    asha: Person,
    moderator: Person,
    speaker: Person,
    listener: Person,
}

impl Scene {
    async fn new() -> Self {
        let world = World::with_memory().await;
        let asha = world.user("asha").await;
        let [moderator, speaker, listener] =
            [world.user("mod_er").await, world.user("speaker").await, world.user("listener").await];
        let room = text_room(&world, &asha).await;
        for (person, role) in [(&moderator, Role::Moderator), (&speaker, Role::Speaker)] {
            join(&world, room, person).await;
            world.banter.rooms().set_role(&asha.caller, room, person.id, role).await.unwrap();
        }
        join(&world, room, &listener).await;
        world.notices().clear();
        Self { world, room, asha, moderator, speaker, listener }
    }

    async fn role(&self, of: &Person) -> Option<Role> {
        let all = inside(&self.world, self.room, &self.asha).await;
        all.into_iter().find(|(user, _)| *user == of.id).map(|(_, role)| role)
    }
}

#[tokio::test]
async fn roles_are_given_by_who_may() {
    let scene = Scene::new().await;
    let (rooms, room) = (scene.world.banter.rooms(), scene.room);
    let (asha, moderator) = (&scene.asha, &scene.moderator);
    let (speaker, listener) = (&scene.speaker, &scene.listener);
    rooms.set_role(&moderator.caller, room, listener.id, Role::Speaker).await.unwrap();
    let told = scene.world.events_for(speaker);
    assert!(matches!(&told[..], [Event::RoomMemberUpdated(told)] if told.member.role == Role::Speaker));
    rooms.set_role(&moderator.caller, room, listener.id, Role::Speaker).await.unwrap();
    assert_eq!(scene.world.events_for(speaker).len(), 1, "a repeat tells nobody");
    rooms.set_role(&moderator.caller, room, listener.id, Role::Listener).await.unwrap();
    let refused = [
        (moderator, listener.id, Role::Moderator, "FORBIDDEN"),
        (moderator, asha.id, Role::Listener, "FORBIDDEN"),
        (speaker, listener.id, Role::Speaker, "FORBIDDEN"),
        (listener, listener.id, Role::Speaker, "MEMBER_NOT_FOUND"),
        (asha, UserId(uuid::Uuid::nil()), Role::Speaker, "MEMBER_NOT_FOUND"),
    ];
    for (who, whom, role, expected) in refused {
        assert_eq!(code(rooms.set_role(&who.caller, room, whom, role).await), expected, "{}", who.name);
    }
    let stranger = scene.world.user("stranger").await;
    let outside = rooms.set_role(&stranger.caller, room, listener.id, Role::Speaker).await;
    assert_eq!(code(outside), "ROOM_NOT_FOUND");
    // The host hands over, and keeps order from then on.
    rooms.set_role(&asha.caller, room, speaker.id, Role::Host).await.unwrap();
    assert_eq!(
        (scene.role(asha).await, scene.role(speaker).await),
        (Some(Role::Moderator), Some(Role::Host))
    );
    assert_eq!(code(rooms.close(&asha.caller, room).await), "FORBIDDEN");
}

/// Two host at once: one of them hands over, the other was handed nothing.
#[tokio::test]
async fn there_is_one_host_whatever_happens_at_once() {
    let scene = Scene::new().await;
    scene.world.open_connections().await;
    let (rooms, room) = (scene.world.banter.rooms(), scene.room);
    let (one, other, left) = tokio::join!(
        rooms.set_role(&scene.asha.caller, room, scene.speaker.id, Role::Host),
        rooms.set_role(&scene.asha.caller, room, scene.listener.id, Role::Host),
        rooms.leave(&scene.moderator.caller, room),
    );
    left.unwrap();
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    let hosts = inside(&scene.world, room, &scene.asha).await;
    assert_eq!(hosts.iter().filter(|(_, role)| *role == Role::Host).count(), 1);
}

#[tokio::test]
async fn who_keeps_order_mutes_and_lets_speak_again() {
    let scene = Scene::new().await;
    let (rooms, room) = (scene.world.banter.rooms(), scene.room);
    let (moderator, speaker) = (&scene.moderator, &scene.speaker);
    rooms.mute(&moderator.caller, room, speaker.id, true).await.unwrap();
    rooms.mute(&moderator.caller, room, speaker.id, true).await.unwrap();
    let told = scene.world.events_for(speaker);
    assert!(matches!(&told[..], [Event::RoomMemberUpdated(told)] if told.member.is_muted), "{told:?}");
    assert!(rooms.one(&speaker.caller, room).await.unwrap().is_muted);
    let write = async || {
        let draft = Draft::text(Target::Conversation(conversation_of(room)), "but");
        scene.world.banter.messaging().send(&speaker.caller, draft, None).await
    };
    assert_eq!(write().await.unwrap_err().coded().1, "MUTED", "a written room is silent without words");
    assert_eq!(scene.role(speaker).await, Some(Role::Speaker));
    rooms.mute(&scene.asha.caller, room, speaker.id, false).await.unwrap();
    assert!(!rooms.one(&speaker.caller, room).await.unwrap().is_muted);
    write().await.unwrap();
    assert_eq!(code(rooms.mute(&speaker.caller, room, moderator.id, true).await), "FORBIDDEN");
    assert_eq!(code(rooms.mute(&moderator.caller, room, scene.asha.id, true).await), "FORBIDDEN");
    assert_eq!(code(rooms.mute(&scene.asha.caller, room, scene.asha.id, true).await), "MEMBER_NOT_FOUND");
}

#[tokio::test]
async fn who_was_kicked_may_come_back_later_who_was_banned_may_not() {
    let scene = Scene::new().await;
    let (rooms, room) = (scene.world.banter.rooms(), scene.room);
    let (asha, moderator) = (&scene.asha, &scene.moderator);
    let (speaker, listener) = (&scene.speaker, &scene.listener);
    rooms.kick(&moderator.caller, room, listener.id).await.unwrap();
    let told = scene.world.events_for(listener);
    assert!(matches!(&told[..], [Event::RoomMemberLeft(left)] if left.reason == Why::Kicked), "{told:?}");
    rooms.kick(&moderator.caller, room, listener.id).await.expect("a repeat changes nothing");
    assert_eq!(code(rooms.kick(&speaker.caller, room, listener.id).await), "MEMBER_NOT_FOUND");
    assert_eq!(code(rooms.kick(&moderator.caller, room, asha.id).await), "FORBIDDEN");
    assert_eq!(code(rooms.kick(&speaker.caller, room, moderator.id).await), "FORBIDDEN");
    for refused in [
        rooms.join(&listener.caller, room).await.map(|_| ()),
        rooms.one(&listener.caller, room).await.map(|_| ()),
    ] {
        assert_eq!(code(refused), "ROOM_NOT_FOUND");
    }
    scene.world.advance(COOLING);
    join(&scene.world, room, listener).await;
    rooms.ban(&moderator.caller, room, listener.id).await.unwrap();
    rooms.ban(&moderator.caller, room, listener.id).await.unwrap();
    scene.world.advance(TimeDelta::hours(1));
    assert_eq!(code(rooms.join(&listener.caller, room).await), "ROOM_NOT_FOUND");
    // Also who is not in; nobody who is nobody, and not oneself.
    let stranger = scene.world.user("stranger").await;
    rooms.ban(&asha.caller, room, stranger.id).await.unwrap();
    assert_eq!(code(rooms.join(&stranger.caller, room).await), "ROOM_NOT_FOUND");
    assert_eq!(code(rooms.ban(&asha.caller, room, UserId(uuid::Uuid::nil())).await), "USER_NOT_FOUND");
    assert_eq!(code(rooms.ban(&asha.caller, room, asha.id).await), "MEMBER_NOT_FOUND");
    assert_eq!(code(rooms.ban(&speaker.caller, room, moderator.id).await), "FORBIDDEN");
}

#[tokio::test]
async fn an_invitation_does_not_survive_being_sent_out() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    world.befriend(&asha, &ravi).await;
    let rooms = world.banter.rooms();
    let room = private_room(&world, &asha).await;
    rooms.invite(&asha.caller, room, &[ravi.id]).await.unwrap();
    join(&world, room, &ravi).await;
    rooms.kick(&asha.caller, room, ravi.id).await.unwrap();
    world.advance(COOLING);
    assert_eq!(code(rooms.join(&ravi.caller, room).await), "ROOM_NOT_FOUND");
}

#[tokio::test]
async fn a_raised_hand_is_seen_by_who_can_take_it() {
    let scene = Scene::new().await;
    let (rooms, room, listener) = (scene.world.banter.rooms(), scene.room, &scene.listener);
    for _ in 0..2 {
        rooms.raise_hand(&listener.caller, room, true).await.unwrap();
    }
    for person in [&scene.asha, &scene.moderator, listener] {
        let told = scene.world.events_for(person);
        assert!(
            matches!(&told[..], [Event::RoomHandRaised(hand)] if hand.raised),
            "{}: {told:?}",
            person.name
        );
    }
    assert!(scene.world.events_for(&scene.speaker).is_empty());
    assert_eq!(code(rooms.raise_hand(&scene.speaker.caller, room, true).await), "NOT_A_LISTENER");
    let hands = async || {
        let members = rooms.members(&scene.asha.caller, room, &ALL).await.unwrap().items;
        members.iter().filter(|member| member.hand_raised).count()
    };
    assert_eq!(hands().await, 1);
    rooms.set_role(&scene.moderator.caller, room, listener.id, Role::Speaker).await.unwrap();
    assert_eq!(hands().await, 0, "taken");
    rooms.set_role(&scene.moderator.caller, room, listener.id, Role::Listener).await.unwrap();
    rooms.raise_hand(&listener.caller, room, true).await.unwrap();
    rooms.raise_hand(&listener.caller, room, false).await.unwrap();
    assert_eq!(hands().await, 0);
}

#[tokio::test]
async fn a_block_puts_nobody_out_of_reach_of_those_who_keep_order() {
    let scene = Scene::new().await;
    let (rooms, room) = (scene.world.banter.rooms(), scene.room);
    let (moderator, listener) = (&scene.moderator, &scene.listener);
    scene.world.block(listener, moderator).await;
    scene.world.notices().clear();
    rooms.raise_hand(&listener.caller, room, true).await.unwrap();
    assert!(scene.world.events_for(moderator).is_empty());
    let seen = inside(&scene.world, room, moderator).await;
    assert!(!seen.iter().any(|(user, _)| *user == listener.id));
    rooms.mute(&moderator.caller, room, listener.id, true).await.unwrap();
    rooms.kick(&moderator.caller, room, listener.id).await.unwrap();
    rooms.kick(&moderator.caller, room, listener.id).await.expect("a repeat changes nothing");
    rooms.ban(&moderator.caller, room, listener.id).await.expect_err("they are not in, and cannot be met");
}
