use super::*;
use crate::messaging::history::{Direction, Of};

async fn full(world: &World) -> (RoomId, [Person; 4]) {
    let people = [
        world.user("asha").await,
        world.user("ravi").await,
        world.user("meera").await,
        world.user("zoya").await,
    ];
    let room = text_room(world, &people[0]).await;
    for person in &people[1..] {
        join(world, room, person).await;
    }
    (room, people)
}

#[tokio::test]
async fn the_host_s_place_is_inherited_however_they_go() {
    let world = World::with_memory().await;
    let (room, [asha, ravi, meera, zoya]) = full(&world).await;
    let rooms = world.banter.rooms();
    rooms.set_role(&asha.caller, room, meera.id, Role::Moderator).await.unwrap();
    rooms.set_role(&asha.caller, room, zoya.id, Role::Speaker).await.unwrap();
    world.notices().clear();
    rooms.leave(&asha.caller, room).await.unwrap();
    let events = world.events_for(&ravi);
    let [Event::RoomMemberLeft(left), Event::RoomMemberUpdated(heir)] = &events[..] else {
        panic!("who left and who inherits: {events:?}")
    };
    assert_eq!((left.user_id, left.reason, left.member_count), (asha.id, Why::Left, 3));
    assert_eq!((heir.member.user.id, heir.member.role), (meera.id, Role::Host));
    assert_eq!(code(rooms.leave(&asha.caller, room).await), "ROOM_NOT_FOUND", "once");
    // Suspended.
    world.banter.accounts().suspend(meera.id, None, "insults").await.unwrap();
    assert_eq!(inside(&world, room, &ravi).await, [(zoya.id, Role::Host), (ravi.id, Role::Listener)]);
    assert_eq!(code(rooms.join(&meera.caller, room).await), "SESSION_REVOKED");
    // Stayed away, and before that did not.
    rooms.lost(room, zoya.id).await.unwrap();
    assert_eq!(inside(&world, room, &ravi).await.len(), 2);
    world.sql("update chat_room_members set absent_since = joined_at where role = 'host'").await;
    rooms.lost(room, zoya.id).await.unwrap();
    rooms.lost(room, zoya.id).await.unwrap();
    assert_eq!(inside(&world, room, &ravi).await, [(ravi.id, Role::Host)]);
    assert_eq!(counted(&world, room).await, (1, 1, 1));
}

#[tokio::test]
async fn a_deleted_account_leaves_its_rooms_and_takes_its_pictures_along() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let (link, upload) = picture(&world, &asha).await;
    let new = NewRoom { cover_image: Some(link), ..described("Chai", RoomType::Text) };
    let room = made(&world, &asha, new).await;
    join(&world, room, &ravi).await;
    world.banter.accounts().delete_for(asha.id, "asked").await.unwrap();
    let seen = world.banter.rooms().one(&ravi.caller, room).await.unwrap();
    assert_eq!((seen.host.unwrap().id, seen.cover_image), (ravi.id, None));
    assert!(doomed(&world, upload).await);
    world.advance(TimeDelta::minutes(3));
    jobs(&world).await; // what the end of an account leaves to do
    assert_eq!(inside(&world, room, &ravi).await, [(ravi.id, Role::Host)]);
}

#[tokio::test]
async fn an_empty_room_waits_two_minutes_for_somebody() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let rooms = world.banter.rooms();
    let room = text_room(&world, &asha).await;
    rooms.leave(&asha.caller, room).await.unwrap();
    assert!(rooms.browse(&ravi.caller, &Default::default(), &ALL).await.unwrap().items.is_empty());
    world.advance(TimeDelta::seconds(110));
    jobs(&world).await;
    // Whoever finds it empty has it.
    assert_eq!(join(&world, room, &ravi).await.role, Some(Role::Host));
    world.advance(TimeDelta::minutes(2));
    jobs(&world).await;
    assert_eq!(rooms.one(&ravi.caller, room).await.unwrap().member_count, 1);
    rooms.leave(&ravi.caller, room).await.unwrap();
    world.advance(EMPTY);
    jobs(&world).await;
    assert_eq!(code(rooms.join(&ravi.caller, room).await), "ROOM_NOT_FOUND");
    assert_eq!(rooms.show(room).await.unwrap().closed_because, Some(close::Because::Empty));
}

#[tokio::test]
async fn a_block_parts_a_guest_from_the_host() {
    let world = World::with_memory().await;
    let (room, [asha, ravi, meera, zoya]) = full(&world).await;
    let rooms = world.banter.rooms();
    world.notices().clear();
    world.block(&asha, &ravi).await;
    world.block(&meera, &asha).await;
    world.block(&zoya, &meera).await;
    assert_eq!(inside(&world, room, &asha).await, [(asha.id, Role::Host), (zoya.id, Role::Listener)]);
    for out in [&ravi, &meera] {
        assert_eq!(code(rooms.join(&out.caller, room).await), "ROOM_NOT_FOUND");
        assert_eq!(code(rooms.one(&out.caller, room).await), "ROOM_NOT_FOUND");
        assert!(rooms.browse(&out.caller, &Default::default(), &ALL).await.unwrap().items.is_empty());
    }
    let told = world.events_for(&ravi);
    assert!(
        matches!(&told[..], [Event::RoomMemberLeft(left), ..] if left.reason == Why::Left),
        "not why: {told:?}"
    );
    world.banter.safety().unblock(&asha.caller, ravi.id).await.unwrap();
    join(&world, room, &ravi).await;
    assert_eq!(counted(&world, room).await, (3, 3, 3));
}

/// Whichever comes first: who blocks the host is not in afterwards.
#[tokio::test]
async fn a_block_and_a_join_at_once_leave_nobody_in() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let room = text_room(&world, &asha).await;
    world.open_connections().await;
    for _ in 0..10 {
        let (rooms, safety) = (world.banter.rooms(), world.banter.safety());
        let (blocked, joined) =
            tokio::join!(safety.block(&asha.caller, ravi.id, None), rooms.join(&ravi.caller, room));
        blocked.unwrap();
        if let Err(error) = joined {
            assert_eq!(error.coded().1, "ROOM_NOT_FOUND");
        }
        assert_eq!(inside(&world, room, &asha).await, [(asha.id, Role::Host)]);
        safety.unblock(&asha.caller, ravi.id).await.unwrap();
    }
}

#[tokio::test]
async fn a_closed_room_is_nowhere_and_what_was_said_is_kept() {
    let world = World::with_memory().await;
    let (room, [asha, ravi, meera, _]) = full(&world).await;
    let rooms = world.banter.rooms();
    rooms.set_role(&asha.caller, room, ravi.id, Role::Moderator).await.unwrap();
    rooms.ban(&asha.caller, room, meera.id).await.unwrap();
    let target = crate::messaging::send::Target::Conversation(conversation_of(room));
    let draft = crate::messaging::send::Draft::text(target, "good night");
    world.banter.messaging().send(&asha.caller, draft, None).await.unwrap();
    assert_eq!(code(rooms.close(&ravi.caller, room).await), "FORBIDDEN");
    assert_eq!(code(rooms.close(&meera.caller, room).await), "ROOM_NOT_FOUND");
    world.notices().clear();
    rooms.close(&asha.caller, room).await.unwrap();
    assert_eq!(code(rooms.close(&asha.caller, room).await), "ROOM_NOT_FOUND");
    let closed =
        Event::RoomClosed(crate::events::RoomClosed { room_id: room, because: close::Because::Host });
    assert_eq!(world.events_for(&ravi), [closed]);
    for person in [&asha, &ravi] {
        assert_eq!(code(rooms.one(&person.caller, room).await), "ROOM_NOT_FOUND");
        let of = Of::Conversation(conversation_of(room));
        let messaging = world.banter.messaging();
        let history = messaging.history(&person.caller, of, Direction::Before(i64::MAX), 10);
        assert_eq!(code(history.await.map(|history| history.messages)), "CONVERSATION_NOT_FOUND");
        assert!(world.banter.messaging().conversations(&person.caller, &ALL).await.unwrap().items.is_empty());
    }
    assert_eq!(counted(&world, room).await, (0, 0, 0));
    let kept: (i64, i64) =
        sqlx::query_as("select (select count(*) from messages), (select count(*) from chat_room_bans)")
            .fetch_one(world.banter.pool())
            .await
            .unwrap();
    assert_eq!(kept, (1, 0));
}

#[tokio::test]
async fn staff_close_a_room_and_say_why() {
    let world = World::with_memory().await;
    let (room, [asha, ..]) = full(&world).await;
    let rooms = world.banter.rooms();
    assert_eq!(code(rooms.close_for_staff(room, " ").await), "VALIDATION_FAILED");
    rooms.close_for_staff(room, "threats").await.unwrap();
    let shown = rooms.show(room).await.unwrap();
    assert_eq!(
        (shown.closed_because, shown.closed_note.as_deref()),
        (Some(close::Because::Staff), Some("threats"))
    );
    assert!(shown.members.is_empty());
    assert_eq!(code(rooms.close_for_staff(room, "again").await), "ROOM_NOT_FOUND");
    assert_eq!(code(rooms.join(&asha.caller, room).await), "ROOM_NOT_FOUND");
}

#[tokio::test]
async fn no_ghost_stays_where_nothing_is_spoken() {
    let world = World::with_memory().await;
    let (room, [asha, ravi, meera, zoya]) = full(&world).await;
    let rooms = world.banter.rooms();
    for (n, person) in [&asha, &ravi].into_iter().enumerate() {
        world.banter.presence().arrived(person.id, &format!("socket{n}")).await;
    }
    rooms.drop_absent().await.unwrap();
    assert_eq!(inside(&world, room, &asha).await.len(), 4, "not at once");
    world.banter.presence().arrived(zoya.id, "late").await;
    rooms.drop_absent().await.unwrap();
    world.advance(TimeDelta::minutes(2));
    for (n, person) in [&asha, &ravi].into_iter().enumerate() {
        world.banter.presence().arrived(person.id, &format!("socket{n}")).await;
    }
    rooms.drop_absent().await.unwrap();
    let left = inside(&world, room, &asha).await;
    assert_eq!(left.iter().map(|(user, _)| *user).collect::<Vec<_>>(), [asha.id, ravi.id, zoya.id]);
    assert!(!left.iter().any(|(user, _)| *user == meera.id));
    // Zoya's lease ran out in between: it counts from now on.
    world.advance(TimeDelta::minutes(2));
    rooms.drop_absent().await.unwrap();
    assert_eq!(counted(&world, room).await, (2, 2, 2));
}

#[tokio::test]
async fn who_signs_out_leaves_what_they_were_in_on_that_login() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let (tablet, laptop) = (world.sign_in(&ravi).await, world.sign_in(&ravi).await);
    let room = text_room(&world, &asha).await;
    join(&world, room, &laptop).await;
    // Where they came last they are.
    join(&world, room, &tablet).await;
    world.banter.accounts().end_session(&ravi.caller, laptop.caller.session_id).await.unwrap();
    worker::round(&world.banter).await.unwrap();
    assert_eq!(inside(&world, room, &asha).await.len(), 2);
    world.banter.accounts().end_session(&ravi.caller, tablet.caller.session_id).await.unwrap();
    worker::round(&world.banter).await.unwrap();
    assert_eq!(inside(&world, room, &asha).await, [(asha.id, Role::Host)]);
}

#[tokio::test]
async fn whoever_cannot_meet_the_heir_is_out_with_the_host() {
    let world = World::with_memory().await;
    let (room, [asha, ravi, meera, zoya]) = full(&world).await;
    world.banter.rooms().set_role(&asha.caller, room, meera.id, Role::Moderator).await.unwrap();
    world.block(&ravi, &meera).await;
    assert_eq!(counted(&world, room).await.0, 4, "in a third one's room both may be");
    world.banter.rooms().leave(&asha.caller, room).await.unwrap();
    assert_eq!(inside(&world, room, &zoya).await, [(meera.id, Role::Host), (zoya.id, Role::Listener)]);
    assert_eq!(code(world.banter.rooms().join(&ravi.caller, room).await), "ROOM_NOT_FOUND");
}
