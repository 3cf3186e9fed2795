use super::*;
use crate::accounts::devices::Platform;
use crate::messaging::history::{Direction, Of};
use crate::messaging::send::{Draft, Target};

async fn say(world: &World, room: RoomId, who: &Person, what: &str) -> Result<i64, crate::messaging::Error> {
    let draft = Draft::text(Target::Conversation(conversation_of(room)), what);
    world.banter.messaging().send(&who.caller, draft, None).await.map(|sent| sent.message.seq)
}

async fn read(world: &World, room: RoomId, who: &Person) -> Vec<String> {
    let of = Of::Conversation(conversation_of(room));
    let history = world.banter.messaging().history(&who.caller, of, Direction::After(0), 100).await.unwrap();
    history.messages.into_iter().map(|message| message.content).collect()
}

#[tokio::test]
async fn what_is_written_reaches_who_is_in_and_calls_nobody_back() {
    let world = World::with_memory().await;
    let (asha, ravi, meera) = (world.user("asha").await, world.user("ravi").await, world.user("meera").await);
    for person in [&asha, &ravi] {
        let phone = format!("{}:{}", person.name, "x".repeat(140));
        world.banter.accounts().put_device(&person.caller, &phone, Platform::Android).await.unwrap();
    }
    let room = text_room(&world, &asha).await;
    say(&world, room, &asha, "anybody there?").await.unwrap();
    join(&world, room, &ravi).await;
    world.notices().clear();
    assert_eq!(say(&world, room, &asha, "welcome").await.unwrap(), 2);
    world
        .expect_event(&ravi, |event| matches!(event, Event::MessageNew(new) if new.content == "welcome"))
        .await;
    assert_eq!(read(&world, room, &ravi).await, ["welcome"], "from where they came in");
    let listed = world.banter.messaging().conversations(&ravi.caller, &ALL).await.unwrap().items;
    assert_eq!((listed[0].unread_count, listed[0].member_count), (1, 2));
    let pushes: i64 = sqlx::query_scalar("select count(*) from jobs where kind = 'push'")
        .fetch_one(world.banter.pool())
        .await
        .unwrap();
    assert_eq!(pushes, 0, "a room is read while one is in");
    assert_eq!(code(say(&world, room, &meera, "let me in").await), "CONVERSATION_NOT_FOUND");
    world.banter.rooms().leave(&ravi.caller, room).await.unwrap();
    assert_eq!(code(say(&world, room, &ravi, "one more thing").await), "CONVERSATION_NOT_FOUND");
    assert_eq!(world.banter.messaging().unread(&ravi.caller).await.unwrap(), 0);
}

#[tokio::test]
async fn two_who_cannot_meet_do_not_read_each_other() {
    let world = World::with_memory().await;
    let (asha, ravi, meera) = (world.user("asha").await, world.user("ravi").await, world.user("meera").await);
    let room = text_room(&world, &asha).await;
    for person in [&ravi, &meera] {
        join(&world, room, person).await;
    }
    say(&world, room, &ravi, "before").await.unwrap();
    world.block(&meera, &ravi).await;
    say(&world, room, &ravi, "after").await.unwrap();
    assert_eq!(read(&world, room, &asha).await, ["before", "after"]);
    assert_eq!(read(&world, room, &meera).await, ["", ""]);
    assert_eq!(world.banter.messaging().unread(&meera.caller).await.unwrap(), 0);
}

#[tokio::test]
async fn a_room_is_no_group() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    world.befriend(&asha, &ravi).await;
    let id = conversation_of(text_room(&world, &asha).await);
    let messaging = world.banter.messaging();
    assert_eq!(code(messaging.rename_group(&asha.caller, id, "Mine").await), "NOT_A_GROUP");
    assert_eq!(code(messaging.add_members(&asha.caller, id, &[ravi.id]).await), "NOT_A_GROUP");
    assert_eq!(code(messaging.leave_group(&asha.caller, id).await), "NOT_A_GROUP");
}
