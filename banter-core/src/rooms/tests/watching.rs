use super::watch::WATCHED;
use super::*;

#[tokio::test]
async fn who_only_looks_hears_for_a_while_what_they_may_see() {
    let world = World::with_memory().await;
    let (asha, ravi, meera) = (world.user("asha").await, world.user("ravi").await, world.user("meera").await);
    let (zoya, kabir) = (world.user("zoya").await, world.user("kabir").await);
    let rooms = world.banter.rooms();
    let room = text_room(&world, &asha).await;
    for watcher in [&ravi, &meera] {
        assert_eq!(rooms.watch(&watcher.caller, room).await.unwrap().role, None);
    }
    world.block(&meera, &zoya).await;
    world.notices().clear();
    join(&world, room, &zoya).await;
    assert!(matches!(&world.events_for(&ravi)[..], [Event::RoomMemberJoined(_)]));
    assert!(world.events_for(&meera).is_empty(), "of somebody they cannot meet");
    rooms.raise_hand(&zoya.caller, room, true).await.unwrap();
    assert_eq!(world.events_for(&ravi).len(), 1, "hands are for who keeps order");
    rooms.unwatch(&meera.caller, room).await.unwrap();
    world.advance(WATCHED);
    world.notices().clear();
    join(&world, room, &kabir).await;
    assert!(world.events_for(&ravi).is_empty(), "they asked too long ago");
    rooms.watch(&ravi.caller, room).await.unwrap();
    rooms.ban(&asha.caller, room, ravi.id).await.unwrap();
    assert_eq!(code(rooms.watch(&ravi.caller, room).await), "ROOM_NOT_FOUND");
    rooms.watch(&meera.caller, room).await.unwrap();
    world.notices().clear();
    rooms.close(&asha.caller, room).await.unwrap();
    assert!(world.events_for(&ravi).is_empty(), "sent out");
    assert!(matches!(&world.events_for(&meera)[..], [Event::RoomClosed(_)]));
    assert_eq!(code(rooms.watch(&meera.caller, room).await), "ROOM_NOT_FOUND");
}
