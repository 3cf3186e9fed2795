use super::*;
use crate::testing::DEADLINE;
use crate::testing::livekit::LiveKit;

#[tokio::test]
async fn a_room_has_its_maker_as_host_and_is_a_conversation() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    let (link, _) = picture(&world, &asha).await;
    let new = NewRoom {
        description: Some(" tea, and talk ".into()),
        category: Some(Category::Casual),
        cover_image: Some(link),
        ..described(" Chai ", RoomType::Text)
    };
    let Seated { room, entrance } = world.banter.rooms().create(&asha.caller, new).await.unwrap();
    assert_eq!(entrance, None, "nothing is spoken");
    assert_eq!((room.name.as_str(), room.description.as_deref()), ("Chai", Some("tea, and talk")));
    assert_eq!((room.max_members, room.member_count, room.is_public), (10, 1, true));
    assert_eq!((room.language.as_str(), room.category), ("en", Some(Category::Casual)));
    assert_eq!((room.host.unwrap().id, room.role), (asha.id, Some(Role::Host)));
    assert!(room.cover_image.unwrap().contains("/media/room-cover/"));
    let listed = world.banter.messaging().conversations(&asha.caller, &ALL).await.unwrap().items;
    assert_eq!((listed[0].id, listed[0].name.as_deref()), (conversation_of(room.id), Some("Chai")));
}

#[tokio::test]
async fn what_makes_no_room_is_told_all_at_once() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let bad = NewRoom {
        description: Some("x".repeat(501)),
        language: Some("Hindi".into()),
        max_members: Some(101),
        cover_image: Some("https://elsewhere.example/cat.jpg".into()),
        ..described(" ", RoomType::Text)
    };
    let refused = world.banter.rooms().create(&asha.caller, bad).await.unwrap_err();
    let fields: Vec<_> = refused.problems().unwrap().iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["coverImage", "description", "language", "maxMembers", "name"]);
    let (his, _) = picture(&world, &ravi).await;
    let (hers, _) = picture(&world, &asha).await;
    let with = |link: &str| NewRoom { cover_image: Some(link.into()), ..described("Chai", RoomType::Text) };
    let create = async |link: &str| world.banter.rooms().create(&asha.caller, with(link)).await;
    assert_eq!(code(create(&his).await), "VALIDATION_FAILED");
    create(&hers).await.unwrap();
    assert_eq!(code(create(&hers).await), "VALIDATION_FAILED", "one picture, one room");
    let rooms: i64 =
        sqlx::query_scalar("select count(*) from chat_rooms").fetch_one(world.banter.pool()).await.unwrap();
    assert_eq!(rooms, 1, "what was refused left nothing");
}

#[tokio::test]
async fn without_a_media_server_nothing_is_spoken() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    for room_type in [RoomType::Voice, RoomType::Video] {
        let refused = world.banter.rooms().create(&asha.caller, described("Chai", room_type)).await;
        assert_eq!(code(refused), "LIVEKIT_UNAVAILABLE");
    }
    assert!(world.banter.rooms().list(true, &ALL).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn who_comes_listens_and_who_comes_again_stays_as_they_are() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let room = text_room(&world, &asha).await;
    world.notices().clear();
    let joined = join(&world, room, &ravi).await;
    assert_eq!((joined.role, joined.member_count), (Some(Role::Listener), 2));
    let [Event::RoomMemberJoined(told)] = &world.events_for(&asha)[..] else { panic!("one event") };
    assert_eq!((told.room_id, told.member.user.id, told.member_count), (room, ravi.id, 2));
    assert_eq!(world.events_for(&ravi).len(), 1, "their other phones hear of it");
    world.banter.rooms().set_role(&asha.caller, room, ravi.id, Role::Speaker).await.unwrap();
    world.notices().clear();
    let again = join(&world, room, &ravi).await;
    assert_eq!((again.role, again.member_count), (Some(Role::Speaker), 2));
    assert!(world.events_for(&asha).is_empty(), "nobody came");
    assert_eq!(counted(&world, room).await, (2, 2, 2));
    let nowhere = RoomId(uuid::Uuid::nil());
    assert_eq!(code(world.banter.rooms().join(&ravi.caller, nowhere).await), "ROOM_NOT_FOUND");
}

/// A hundred at once, at the real media server.
#[tokio::test]
async fn exactly_as_many_come_in_as_fit() {
    let media = LiveKit::shared().await;
    let crowd = |config: &mut crate::config::Config| {
        config.limits.multiplier = 1000;
        config.database.patience = DEADLINE;
    };
    let world = World::builder().speaks_at(media).config(crowd).build().await;
    let asha = world.user("asha").await;
    let room = made(&world, &asha, described("Chai", RoomType::Voice)).await;
    let mut people = Vec::new();
    for i in 0..100 {
        people.push(world.user(&format!("guest{i}")).await);
    }
    world.open_connections().await;
    let rooms = world.banter.rooms();
    let joins = people.iter().map(|person| rooms.join(&person.caller, room));
    let (mut tokens, mut refused) = (Vec::new(), 0);
    for outcome in futures_util::future::join_all(joins).await {
        match outcome {
            Ok(seated) => tokens.push(seated.entrance.expect("a way in")),
            Err(error) => {
                assert_eq!(error.coded().1, "ROOM_FULL");
                refused += 1;
            }
        }
    }
    assert_eq!((tokens.len(), refused), (9, 91), "asha has a place already");
    assert_eq!(counted(&world, room).await, (10, 10, 10));
    let hers = world.banter.rooms().join(&asha.caller, room).await.unwrap().entrance.unwrap();
    let mut there = Vec::new();
    for way in tokens.iter().chain([&hers]) {
        there.push(media.join(&way.token).await.expect("a good token"));
    }
    world.banter.voice().reconcile().await.unwrap();
    let found = world.banter.livekit().participants(&hers.livekit_room).await.unwrap();
    assert_eq!(found.len(), 10, "at the media server too");
}

#[tokio::test]
async fn a_private_room_is_there_for_who_is_invited() {
    let world = World::with_memory().await;
    let (asha, ravi, meera) = (world.user("asha").await, world.user("ravi").await, world.user("meera").await);
    world.befriend(&asha, &ravi).await;
    let rooms = world.banter.rooms();
    let room = private_room(&world, &asha).await;
    for stranger in [&ravi, &meera] {
        assert_eq!(code(rooms.one(&stranger.caller, room).await), "ROOM_NOT_FOUND");
        assert_eq!(code(rooms.members(&stranger.caller, room, &ALL).await), "ROOM_NOT_FOUND");
        assert_eq!(code(rooms.join(&stranger.caller, room).await), "ROOM_NOT_FOUND");
    }
    rooms.invite(&asha.caller, room, &[ravi.id]).await.unwrap();
    assert_eq!(rooms.one(&ravi.caller, room).await.unwrap().role, None);
    join(&world, room, &ravi).await;
    assert_eq!(code(rooms.join(&meera.caller, room).await), "ROOM_NOT_FOUND");
    // Whoever made it may come back.
    rooms.leave(&asha.caller, room).await.unwrap();
    assert_eq!(join(&world, room, &asha).await.role, Some(Role::Listener));
}

#[tokio::test]
async fn a_room_that_becomes_private_keeps_who_is_in() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let rooms = world.banter.rooms();
    let room = text_room(&world, &asha).await;
    join(&world, room, &ravi).await;
    let change = RoomChange { is_public: Some(false), ..RoomChange::default() };
    rooms.change(&asha.caller, room, change).await.unwrap();
    rooms.leave(&ravi.caller, room).await.unwrap();
    join(&world, room, &ravi).await;
}

#[tokio::test]
async fn nobody_is_everywhere() {
    let many = |config: &mut crate::config::Config| config.limits.multiplier = 1000;
    let world = World::builder().memory().config(many).build().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let mut rooms = Vec::new();
    for _ in 0..MOST_JOINED {
        rooms.push(text_room(&world, &asha).await);
    }
    let refused = world.banter.rooms().create(&asha.caller, described("Chai", RoomType::Text)).await;
    assert_eq!(code(refused), "TOO_MANY_ROOMS");
    let his = text_room(&world, &ravi).await;
    assert_eq!(code(world.banter.rooms().join(&asha.caller, his).await), "TOO_MANY_ROOMS");
    world.banter.rooms().close(&asha.caller, rooms[0]).await.unwrap();
    join(&world, his, &asha).await;
}
