use chrono::TimeDelta;
use futures_util::future::join_all;

use super::give::{DAILY_NEW, DAY, Draft, Gave};
use super::list::Direction;
use super::*;
use crate::accounts::devices::Platform;
use crate::error::Coded;
use crate::events::Event;
use crate::ids::RoomId;
use crate::messaging::MessageType;
use crate::messaging::history::{self, Of};
use crate::messaging::send::{self, Target};
use crate::page::PageRequest;
use crate::payments::ledger::{self, Entry};
use crate::rooms::open::NewRoom;
use crate::rooms::{RoomType, conversation_of};
use crate::testing::{Person, World};

const ALL: PageRequest = PageRequest { limit: 100, cursor: None };

fn to(receiver: &Person, gift: Gift) -> Draft {
    Draft { receiver: receiver.id, conversation: None, gift, client_gift_id: None }
}

fn within(conversation: ConversationId, receiver: &Person, gift: Gift) -> Draft {
    Draft { conversation: Some(conversation), ..to(receiver, gift) }
}

async fn give(world: &World, from: &Person, draft: &Draft) -> Result<Gave, Error> {
    world.banter.gifts().give(&from.caller, draft).await
}

/// Coins and earnings.
async fn has(world: &World, person: &Person) -> (i32, i32) {
    sqlx::query_as("select coins, earned_coins from users where id = $1")
        .bind(person.id)
        .fetch_one(world.banter.pool())
        .await
        .unwrap()
}

async fn count(world: &World, what: &str) -> i64 {
    sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from {what}")))
        .fetch_one(world.banter.pool())
        .await
        .unwrap()
}

#[track_caller]
fn code<T: std::fmt::Debug>(outcome: Result<T, Error>) -> &'static str {
    outcome.expect_err("a refusal").coded().1
}

async fn room(world: &World, host: &Person, guests: &[&Person]) -> RoomId {
    let new = NewRoom {
        name: "Chai".into(),
        description: None,
        category: None,
        language: None,
        room_type: RoomType::Text,
        max_members: None,
        is_public: true,
        cover_image: None,
    };
    let room = world.banter.rooms().create(&host.caller, new).await.unwrap().room.id;
    for guest in guests {
        world.banter.rooms().join(&guest.caller, room).await.unwrap();
    }
    room
}

#[tokio::test]
async fn a_gift_moves_coins_and_shows() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let gave = give(&world, &asha, &to(&ravi, Gift::Chai)).await.unwrap();
    assert_eq!((gave.balance, gave.repeated), (80, false));
    assert_eq!((has(&world, &asha).await, has(&world, &ravi).await), ((80, 0), (100, 20)));
    let message = gave.message.unwrap();
    let shown = message.gift.unwrap();
    assert_eq!((message.message_type, message.content.as_str()), (MessageType::Gift, "chai"));
    assert_eq!((shown.id, shown.coins, shown.receiver_id), (gave.given.id, 20, Some(ravi.id)));
    let is_it =
        |event: &Event| matches!(event, Event::MessageNew(new) if new.gift.as_deref() == Some(&*shown));
    world.expect_event(&ravi, is_it).await;
    let coins = |event: &Event| matches!(event, Event::CoinsUpdated(update) if update.change.abs() == 20);
    for person in [&asha, &ravi] {
        world.expect_event(person, coins).await;
    }
    let told = world.banter.notifications().list(&ravi.caller, &ALL).await.unwrap().page.items;
    assert_eq!(
        (told[0].body.as_str(), told[0].subject_id),
        ("asha Kumar gave you a chai: 20 coins", Some(shown.id.0))
    );
    let of = Of::User(asha.id);
    let read =
        world.banter.messaging().history(&ravi.caller, of, history::Direction::After(0), 10).await.unwrap();
    assert_eq!(read.messages[0].gift, Some(shown));
}

#[tokio::test]
async fn given_coins_go_before_bought_ones() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let entry = Entry {
        user: asha.id,
        kind: ledger::Kind::Purchase,
        amount: 250,
        reference: "purchase:x".into(),
        note: None,
    };
    let mut tx = world.banter.pool().begin().await.unwrap();
    ledger::write(&world.banter, &mut tx, &entry).await.unwrap();
    tx.commit().await.unwrap();
    for (gift, purchased) in [(Gift::Diya, 250), (Gift::Ladoo, 200)] {
        give(&world, &asha, &to(&ravi, gift)).await.unwrap();
        let left = format!("users where username = 'asha' and purchased_coins = {purchased}");
        assert_eq!(count(&world, &left).await, 1, "{gift:?}");
    }
}

#[tokio::test]
async fn the_same_gift_again_gives_once() {
    let world = World::with_memory().await;
    let (asha, ravi, meera) = (world.user("asha").await, world.user("ravi").await, world.user("meera").await);
    let draft = Draft { client_gift_id: Some("g-1".into()), ..to(&ravi, Gift::Rose) };
    world.open_connections().await;
    let gave = join_all((0..6).map(|_| give(&world, &asha, &draft))).await;
    let gave: Vec<_> = gave.into_iter().map(Result::unwrap).collect();
    assert_eq!(gave.iter().filter(|gave| !gave.repeated).count(), 1);
    assert!(gave.iter().all(|one| one.given == gave[0].given && one.message == gave[0].message));
    assert_eq!((has(&world, &asha).await, has(&world, &ravi).await), ((90, 0), (100, 10)));
    for other in [
        Draft { gift: Gift::Chai, ..draft.clone() },
        Draft { receiver: meera.id, ..draft.clone() },
        Draft { conversation: Some(ConversationId(uuid::Uuid::nil())), ..draft.clone() },
    ] {
        assert_eq!(code(give(&world, &asha, &other).await), "CLIENT_GIFT_ID_REUSED");
    }
    let taken = send::Draft {
        client_message_id: Some("m-1".into()),
        ..send::Draft::text(Target::User(ravi.id), "hi")
    };
    world.banter.messaging().send(&asha.caller, taken, None).await.unwrap();
    let draft = Draft { client_gift_id: Some("m-1".into()), ..draft };
    assert_eq!(code(give(&world, &asha, &draft).await), "CLIENT_GIFT_ID_REUSED");
    assert_eq!(count(&world, "gifts").await, 1);
}

#[tokio::test]
async fn who_left_since_is_told_that_it_was_given() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let room = room(&world, &asha, &[&ravi]).await;
    let draft =
        Draft { client_gift_id: Some("g".into()), ..within(conversation_of(room), &asha, Gift::Rose) };
    give(&world, &ravi, &draft).await.unwrap();
    world.banter.rooms().leave(&ravi.caller, room).await.unwrap();
    let again = give(&world, &ravi, &draft).await.unwrap();
    assert_eq!((again.repeated, again.message, again.balance), (true, None, 90));
}

#[tokio::test]
async fn what_cannot_be_given() {
    let world = World::with_memory().await;
    let (asha, ravi, meera) = (world.user("asha").await, world.user("ravi").await, world.user("meera").await);
    let blocked = world.user("blocked").await;
    world.block(&blocked, &asha).await;
    let theirs = world.acquaint(&ravi, &meera).await;
    let here = conversation_of(room(&world, &asha, &[&ravi]).await);
    let nobody = Draft { receiver: UserId(uuid::Uuid::nil()), ..to(&ravi, Gift::Rose) };
    let odd = Draft { client_gift_id: Some("ü".into()), ..to(&ravi, Gift::Rose) };
    for (draft, refusal) in [
        (to(&asha, Gift::Rose), "CANNOT_GIFT_YOURSELF"),
        (to(&blocked, Gift::Rose), "USER_NOT_FOUND"),
        (nobody, "USER_NOT_FOUND"),
        (within(theirs, &ravi, Gift::Rose), "CONVERSATION_NOT_FOUND"),
        (within(here, &meera, Gift::Rose), "USER_NOT_FOUND"),
        (odd, "VALIDATION_FAILED"),
        (to(&ravi, Gift::Kite), "NOT_ENOUGH_COINS"),
    ] {
        assert_eq!(code(give(&world, &asha, &draft).await), refusal, "{draft:?}");
    }
    let short = give(&world, &asha, &to(&ravi, Gift::Kite)).await.unwrap_err();
    assert_eq!(short.numbers(), [("price", 200), ("missing", 100)]);
    world.block(&ravi, &asha).await;
    assert_eq!(code(give(&world, &asha, &within(here, &ravi, Gift::Rose)).await), "USER_NOT_FOUND");
    assert_eq!((has(&world, &asha).await, count(&world, "gifts").await), ((100, 0), 0));
    assert_eq!(count(&world, "messages where message_type = 'gift'").await, 0);
}

#[tokio::test]
async fn who_is_muted_in_a_room_gives_nothing_there() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let room = room(&world, &asha, &[&ravi]).await;
    world.banter.rooms().mute(&asha.caller, room, ravi.id, true).await.unwrap();
    let draft = within(conversation_of(room), &asha, Gift::Rose);
    assert_eq!(code(give(&world, &ravi, &draft).await), "MUTED");
    give(&world, &asha, &within(conversation_of(room), &ravi, Gift::Rose)).await.expect("a host may");
}

#[tokio::test]
async fn a_day_has_an_end_and_a_new_account_s_comes_sooner() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    world.grant_coins(&asha, 30_000).await;
    let refused = give(&world, &asha, &to(&ravi, Gift::Peacock)).await.unwrap_err();
    assert_eq!(
        (refused.coded().1, refused.numbers()),
        ("GIFT_LIMIT_REACHED", vec![("limit", i64::from(DAILY_NEW)), ("left", 500)])
    );
    world.open_connections().await;
    let kite = to(&ravi, Gift::Kite);
    let kites = join_all((0..5).map(|_| give(&world, &asha, &kite))).await;
    assert_eq!(kites.iter().filter(|gave| gave.is_ok()).count(), 2, "at once, too");
    world.advance(DAY + TimeDelta::seconds(1));
    for _ in 0..10 {
        give(&world, &asha, &to(&ravi, Gift::Palace)).await.unwrap();
    }
    assert_eq!(code(give(&world, &asha, &to(&ravi, Gift::Rose)).await), "GIFT_LIMIT_REACHED");
    assert_eq!(has(&world, &ravi).await, (100, 20_400));
}

#[tokio::test]
async fn two_who_give_to_each_other_at_once_take_turns() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let places = [room(&world, &asha, &[&ravi]).await, room(&world, &ravi, &[&asha]).await];
    world.open_connections().await;
    let gifts = (0..20).map(|i| {
        let (from, receiver) = if i % 2 == 0 { (&asha, &ravi) } else { (&ravi, &asha) };
        let draft = within(conversation_of(places[(i / 2) % 2]), receiver, Gift::Rose);
        let world = &world;
        async move { give(world, from, &draft).await }
    });
    for gave in join_all(gifts).await {
        gave.expect("nobody waits for ever");
    }
    assert_eq!((has(&world, &asha).await, has(&world, &ravi).await), ((0, 100), (0, 100)));
}

#[tokio::test]
async fn a_phone_is_told_once() {
    let world = World::with_memory().await;
    world.may_leave_jobs();
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let phone = format!("ravi:{}", "x".repeat(140));
    world.banter.accounts().put_device(&ravi.caller, &phone, Platform::Android).await.unwrap();
    give(&world, &asha, &to(&ravi, Gift::Rose)).await.unwrap();
    assert_eq!(count(&world, "jobs where kind = 'push'").await, 1, "by the message");
    let here = conversation_of(room(&world, &asha, &[&ravi]).await);
    give(&world, &asha, &within(here, &ravi, Gift::Rose)).await.unwrap();
    assert_eq!(count(&world, "jobs where kind = 'push'").await, 2, "by the notification");
}

#[tokio::test]
async fn who_cannot_meet_the_receiver_is_not_told_who_it_was() {
    let world = World::with_memory().await;
    let (asha, ravi, meera) = (world.user("asha").await, world.user("ravi").await, world.user("meera").await);
    let here = conversation_of(room(&world, &asha, &[&ravi, &meera]).await);
    world.block(&meera, &ravi).await;
    world.notices().clear();
    give(&world, &asha, &within(here, &ravi, Gift::Rose)).await.unwrap();
    let is_gift =
        |event: &Event| matches!(event, Event::MessageNew(new) if new.message_type == MessageType::Gift);
    for (reader, receiver) in [(&meera, None), (&ravi, Some(ravi.id))] {
        let Event::MessageNew(live) = world.expect_event(reader, is_gift).await else { unreachable!() };
        let of = Of::Conversation(here);
        let read = world
            .banter
            .messaging()
            .history(&reader.caller, of, history::Direction::After(0), 9)
            .await
            .unwrap();
        for message in [&live, &read.messages[0]] {
            assert_eq!(message.gift.as_ref().unwrap().receiver_id, receiver, "{}", reader.name);
        }
    }
}

#[tokio::test]
async fn a_message_taken_back_takes_no_gift_back() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let gave = give(&world, &asha, &to(&ravi, Gift::Rose)).await.unwrap();
    let messaging = world.banter.messaging();
    let edited = messaging.edit(&asha.caller, gave.given.message_id, "palace").await;
    assert_eq!(edited.unwrap_err().coded().1, "NOT_EDITABLE");
    messaging.delete(&asha.caller, gave.given.message_id).await.unwrap();
    let of = Of::User(asha.id);
    let read = messaging.history(&ravi.caller, of, history::Direction::After(0), 9).await.unwrap().messages;
    assert_eq!((read[0].is_deleted, read[0].gift.is_none()), (true, true));
    assert_eq!((has(&world, &asha).await, has(&world, &ravi).await), ((90, 0), (100, 10)));
    let listed = world.banter.gifts().list(&ravi.caller, Direction::Received, &ALL).await.unwrap();
    assert_eq!(listed.items[0].id, gave.given.id);
    let forged =
        send::Draft { message_type: MessageType::Gift, ..send::Draft::text(Target::User(ravi.id), "palace") };
    let forged = messaging.send(&asha.caller, forged, None).await;
    assert_eq!(forged.unwrap_err().coded().1, "VALIDATION_FAILED");
}

#[tokio::test]
async fn what_was_given_is_listed_to_both() {
    let world = World::with_memory().await;
    let (asha, ravi, meera) = (world.user("asha").await, world.user("ravi").await, world.user("meera").await);
    for (receiver, gift) in [(&ravi, Gift::Rose), (&meera, Gift::Chai), (&ravi, Gift::Ladoo)] {
        world.advance(TimeDelta::milliseconds(1));
        give(&world, &asha, &to(receiver, gift)).await.unwrap();
    }
    let gifts = world.banter.gifts();
    let page = PageRequest { limit: 2, cursor: None };
    let sent = gifts.list(&asha.caller, Direction::Sent, &page).await.unwrap();
    let next = PageRequest { cursor: sent.next_cursor, ..page };
    let rest = gifts.list(&asha.caller, Direction::Sent, &next).await.unwrap();
    let all: Vec<_> = sent.items.iter().chain(&rest.items).map(|gift| (gift.user.id, gift.coins)).collect();
    assert_eq!(all, [(ravi.id, 50), (meera.id, 20), (ravi.id, 10)]);
    world.block(&ravi, &asha).await;
    for (who, direction, most) in
        [(&ravi, Direction::Received, 0), (&meera, Direction::Received, 1), (&asha, Direction::Sent, 1)]
    {
        assert_eq!(gifts.list(&who.caller, direction, &ALL).await.unwrap().items.len(), most, "{}", who.name);
    }
}

#[test]
fn the_catalogue_is_one() {
    for gift in Gift::ALL {
        assert_eq!(Gift::named(gift.name()), Some(gift));
        assert_eq!(serde_json::to_value(gift).unwrap(), gift.name());
    }
    assert!(Gift::ALL.is_sorted_by_key(|gift| gift.coins()));
    assert_eq!(Gift::named("moon"), None);
}
