use super::*;

async fn scene(public: bool) -> (World, RoomId, [Person; 3]) {
    let world = World::with_memory().await;
    let people = [world.user("asha").await, world.user("ravi").await, world.user("meera").await];
    world.befriend(&people[0], &people[1]).await;
    world.befriend(&people[1], &people[2]).await;
    let new = NewRoom { is_public: public, ..described("Chai", RoomType::Text) };
    let room = made(&world, &people[0], new).await;
    world.sql("delete from notifications").await;
    (world, room, people)
}

async fn invitations(world: &World, of: &Person) -> Vec<String> {
    let inbox = world.banter.notifications().list(&of.caller, &ALL).await.unwrap();
    inbox.page.items.into_iter().map(|entry| entry.body).collect()
}

#[tokio::test]
async fn a_friend_is_invited_and_told_once_an_hour() {
    let (world, room, [asha, ravi, meera]) = scene(true).await;
    let rooms = world.banter.rooms();
    world.notices().clear();
    for _ in 0..2 {
        rooms.invite(&asha.caller, room, &[ravi.id, ravi.id]).await.unwrap();
    }
    let events = world.events_for(&ravi);
    let invited: Vec<_> = events.iter().filter(|event| matches!(event, Event::RoomInvited(_))).collect();
    let [Event::RoomInvited(told)] = &invited[..] else { panic!("one: {events:?}") };
    assert_eq!((told.room_id, told.name.as_str(), told.invited_by.id), (room, "Chai", asha.id));
    assert_eq!(invitations(&world, &ravi).await, ["asha Kumar invites you to Chai"]);
    world.advance(TimeDelta::hours(1));
    rooms.invite(&asha.caller, room, &[ravi.id]).await.unwrap();
    assert_eq!(invitations(&world, &ravi).await.len(), 2);
    for bad in [vec![], vec![asha.id], vec![meera.id], vec![ravi.id, UserId(uuid::Uuid::nil())]] {
        assert_eq!(code(rooms.invite(&asha.caller, room, &bad).await), "VALIDATION_FAILED", "{bad:?}");
    }
    assert_eq!(code(rooms.invite(&meera.caller, room, &[ravi.id]).await), "ROOM_NOT_FOUND");
    // In it already: nothing to say.
    join(&world, room, &ravi).await;
    world.advance(TimeDelta::hours(2));
    rooms.invite(&asha.caller, room, &[ravi.id]).await.unwrap();
    assert_eq!(invitations(&world, &ravi).await.len(), 2);
    // Nobody is invited to what is over.
    rooms.close(&asha.caller, room).await.unwrap();
    assert!(invitations(&world, &ravi).await.is_empty());
}

#[tokio::test]
async fn anybody_points_to_a_public_room_and_who_keeps_order_opens_a_private_one() {
    let (world, room, [asha, ravi, meera]) = scene(true).await;
    join(&world, room, &ravi).await;
    world.banter.rooms().invite(&ravi.caller, room, &[meera.id]).await.unwrap();
    assert_eq!(invitations(&world, &meera).await.len(), 1);
    let private = private_room(&world, &asha).await;
    let rooms = world.banter.rooms();
    rooms.invite(&asha.caller, private, &[ravi.id]).await.unwrap();
    join(&world, private, &ravi).await;
    assert_eq!(code(rooms.invite(&ravi.caller, private, &[meera.id]).await), "FORBIDDEN");
    rooms.set_role(&asha.caller, private, ravi.id, Role::Moderator).await.unwrap();
    rooms.invite(&ravi.caller, private, &[meera.id]).await.unwrap();
    join(&world, private, &meera).await;
}

#[tokio::test]
async fn who_was_sent_out_or_cannot_meet_the_host_is_passed_over() {
    let (world, room, [asha, ravi, meera]) = scene(true).await;
    let rooms = world.banter.rooms();
    join(&world, room, &ravi).await;
    world.block(&asha, &meera).await;
    rooms.invite(&ravi.caller, room, &[meera.id]).await.unwrap();
    assert!(invitations(&world, &meera).await.is_empty());
    assert_eq!(code(rooms.one(&meera.caller, room).await), "ROOM_NOT_FOUND");
    world.banter.safety().unblock(&asha.caller, meera.id).await.unwrap();
    rooms.ban(&asha.caller, room, meera.id).await.unwrap();
    rooms.invite(&ravi.caller, room, &[meera.id]).await.unwrap();
    assert!(invitations(&world, &meera).await.is_empty());
}
