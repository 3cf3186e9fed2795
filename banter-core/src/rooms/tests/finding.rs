use super::browse::Filter;
use super::*;

async fn names(world: &World, reader: &Person, filter: Filter) -> Vec<String> {
    let found = world.banter.rooms().browse(&reader.caller, &filter, &ALL).await.unwrap();
    found.items.into_iter().map(|room| room.name).collect()
}

#[tokio::test]
async fn live_public_rooms_are_found_most_people_first() {
    let world = World::with_memory().await;
    let (asha, ravi, meera) = (world.user("asha").await, world.user("ravi").await, world.user("meera").await);
    let of = |name: &str, category, language: &str| NewRoom {
        category,
        language: Some(language.into()),
        ..described(name, RoomType::Text)
    };
    made(&world, &asha, of("Chai and talk", Some(Category::Casual), "hi")).await;
    let games = made(&world, &ravi, of("Night games", Some(Category::Gaming), "en")).await;
    made(&world, &ravi, of("Old songs", Some(Category::Music), "hi")).await;
    made(&world, &ravi, NewRoom { is_public: false, ..described("Secret talk", RoomType::Text) }).await;
    let over = made(&world, &ravi, of("Over", None, "hi")).await;
    world.banter.rooms().close(&ravi.caller, over).await.unwrap();
    join(&world, games, &asha).await;
    let all = Filter::default;
    assert_eq!(names(&world, &meera, all()).await, ["Night games", "Old songs", "Chai and talk"]);
    assert_eq!(
        names(&world, &meera, Filter { language: Some("hi".into()), ..all() }).await,
        ["Old songs", "Chai and talk"]
    );
    assert_eq!(
        names(&world, &meera, Filter { category: Some(Category::Gaming), ..all() }).await,
        ["Night games"]
    );
    let talk = Filter { q: Some(" TALK".into()), ..all() };
    assert_eq!(names(&world, &meera, talk).await, ["Chai and talk"]);
    assert!(names(&world, &meera, Filter { q: Some("%".into()), ..all() }).await.is_empty());
    // Page by page, each once.
    let (mut paged, mut cursor) = (Vec::new(), None);
    loop {
        let page = PageRequest { limit: 1, cursor };
        let page = world.banter.rooms().browse(&meera.caller, &all(), &page).await.unwrap();
        paged.extend(page.items.into_iter().map(|room| room.name));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(paged, ["Night games", "Old songs", "Chai and talk"]);
    let foreign = PageRequest { limit: 1, cursor: Some("bm90IGpzb24".into()) };
    assert_eq!(code(world.banter.rooms().browse(&meera.caller, &all(), &foreign).await), "VALIDATION_FAILED");
    // Not across a block, nor where one was sent out.
    world.block(&ravi, &meera).await;
    assert_eq!(names(&world, &meera, all()).await, ["Chai and talk"]);
    let chai = world.banter.rooms().browse(&meera.caller, &all(), &ALL).await.unwrap().items[0].id;
    world.banter.rooms().ban(&asha.caller, chai, meera.id).await.unwrap();
    assert!(names(&world, &meera, all()).await.is_empty());
}

#[tokio::test]
async fn who_keeps_order_is_listed_first_and_nobody_one_cannot_meet() {
    let world = World::with_memory().await;
    let (asha, ravi, meera, zoya) = (
        world.user("asha").await,
        world.user("ravi").await,
        world.user("meera").await,
        world.user("zoya").await,
    );
    let room = text_room(&world, &asha).await;
    for person in [&ravi, &meera, &zoya] {
        join(&world, room, person).await;
    }
    world.banter.rooms().set_role(&asha.caller, room, zoya.id, Role::Moderator).await.unwrap();
    let order = [asha.id, zoya.id, ravi.id, meera.id];
    let stranger = world.user("stranger").await;
    let seen = inside(&world, room, &stranger).await;
    assert_eq!(seen.into_iter().map(|(user, _)| user).collect::<Vec<_>>(), order);
    let (mut paged, mut cursor) = (Vec::new(), None);
    loop {
        let page = PageRequest { limit: 2, cursor };
        let page = world.banter.rooms().members(&asha.caller, room, &page).await.unwrap();
        paged.extend(page.items.into_iter().map(|member| member.user.id));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(paged, order);
    world.block(&meera, &ravi).await;
    for (reader, hidden) in [(&ravi, meera.id), (&meera, ravi.id)] {
        let seen = inside(&world, room, reader).await;
        assert!(seen.len() == 3 && !seen.iter().any(|(user, _)| *user == hidden), "{}", reader.name);
    }
    // Whoever cannot meet the new host does not find the room any more.
    world.banter.rooms().set_role(&asha.caller, room, ravi.id, Role::Host).await.unwrap();
    assert_eq!(code(world.banter.rooms().one(&meera.caller, room).await), "ROOM_NOT_FOUND");
    assert_eq!(world.banter.rooms().one(&zoya.caller, room).await.unwrap().host.unwrap().id, ravi.id);
}

#[tokio::test]
async fn what_a_room_says_of_itself_changes_by_its_host_s_hand() {
    let world = World::with_memory().await;
    let (asha, ravi, meera) = (world.user("asha").await, world.user("ravi").await, world.user("meera").await);
    let rooms = world.banter.rooms();
    let (first, old) = picture(&world, &asha).await;
    let (second, new) = picture(&world, &asha).await;
    let room = made(
        &world,
        &asha,
        NewRoom {
            description: Some("tea".into()),
            category: Some(Category::Casual),
            cover_image: Some(first),
            ..described("Chai", RoomType::Text)
        },
    )
    .await;
    for person in [&ravi, &meera] {
        join(&world, room, person).await;
    }
    world.notices().clear();
    let change = RoomChange {
        name: Some(" Coffee ".into()),
        description: Some(None),
        language: Some("ta".into()),
        max_members: Some(3),
        cover_image: Some(Some(second.clone())),
        ..RoomChange::default()
    };
    for _ in 0..2 {
        let changed = rooms.change(&asha.caller, room, change.clone()).await.unwrap();
        assert_eq!((changed.name.as_str(), changed.description), ("Coffee", None));
        assert_eq!((changed.language.as_str(), changed.max_members), ("ta", 3));
        assert_eq!(changed.category, Some(Category::Casual), "left as it was");
        assert!(changed.cover_image.unwrap().contains(&new.to_string()));
    }
    assert!(doomed(&world, old).await && !doomed(&world, new).await);
    let told = Event::RoomUpdated(crate::events::RoomRef { room_id: room });
    assert_eq!(world.events_for(&ravi), [told.clone(), told]);
    let small = RoomChange { max_members: Some(2), ..RoomChange::default() };
    assert_eq!(code(rooms.change(&asha.caller, room, small).await), "ROOM_TOO_SMALL");
    let wrong = RoomChange { max_members: Some(1), name: Some(String::new()), ..RoomChange::default() };
    let refused = rooms.change(&asha.caller, room, wrong).await.unwrap_err();
    assert_eq!(refused.problems().unwrap().iter().count(), 2);
    assert_eq!(code(rooms.change(&ravi.caller, room, change.clone()).await), "FORBIDDEN");
    let bare = RoomChange { cover_image: Some(None), ..RoomChange::default() };
    assert_eq!(rooms.change(&asha.caller, room, bare).await.unwrap().cover_image, None);
    assert!(doomed(&world, new).await);
    let outsider = world.user("outsider").await;
    assert_eq!(code(rooms.change(&outsider.caller, room, change).await), "ROOM_NOT_FOUND");
}
