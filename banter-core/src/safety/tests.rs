mod graph;
mod nothing_passes;
mod scene;
mod surfaces;

use chrono::TimeDelta;

use super::*;
use crate::events::{Event, FriendRemoved};
use crate::friends::requests::Direction;
use crate::ids::UserId;
use crate::page::PageRequest;
use crate::testing::{Person, World};

#[track_caller]
fn code<T: std::fmt::Debug>(outcome: Result<T, Error>) -> &'static str {
    outcome.expect_err("a refusal").coded().1
}

async fn can_interact(world: &World, one: &Person, other: &Person) -> bool {
    let asks = "select can_interact($1, $2)";
    let one_way = sqlx::query_scalar(asks).bind(one.id).bind(other.id).fetch_one(world.banter.pool()).await;
    let other_way = sqlx::query_scalar(asks).bind(other.id).bind(one.id).fetch_one(world.banter.pool()).await;
    let (one_way, other_way): (bool, bool) = (one_way.unwrap(), other_way.unwrap());
    assert_eq!(one_way, other_way, "whoever asks");
    one_way
}

#[tokio::test]
async fn a_block_counts_both_ways_until_both_have_lifted_theirs() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let safety = world.banter.safety();
    assert!(can_interact(&world, &asha, &ravi).await);
    for _ in 0..2 {
        safety.block(&asha.caller, ravi.id, Some("rude")).await.unwrap(); // a repeat changes nothing
    }
    assert!(!can_interact(&world, &asha, &ravi).await);
    safety.block(&ravi.caller, asha.id, None).await.unwrap();
    safety.unblock(&asha.caller, ravi.id).await.unwrap();
    assert!(!can_interact(&world, &asha, &ravi).await);
    assert_eq!(code(safety.unblock(&asha.caller, ravi.id).await), "NOT_BLOCKED");
    safety.unblock(&ravi.caller, asha.id).await.unwrap();
    assert!(can_interact(&world, &asha, &ravi).await);
}

#[tokio::test]
async fn blocks_are_refused_where_they_make_no_sense() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let (safety, nobody) = (world.banter.safety(), UserId(uuid::Uuid::nil()));
    assert_eq!(code(safety.block(&asha.caller, asha.id, None).await), "CANNOT_BLOCK_YOURSELF");
    assert_eq!(code(safety.block(&asha.caller, nobody, None).await), "USER_NOT_FOUND");
    assert_eq!(code(safety.unblock(&asha.caller, nobody).await), "NOT_BLOCKED");
    let long = "x".repeat(501);
    assert_eq!(code(safety.block(&asha.caller, ravi.id, Some(&long)).await), "VALIDATION_FAILED");
    assert!(can_interact(&world, &asha, &ravi).await);
}

#[tokio::test]
async fn only_one_s_own_blocks_are_listed_newest_first_page_by_page() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    let mut blocked = Vec::new();
    for i in 0..5_i64 {
        let other = world.user(&format!("rude{i}")).await;
        world.block(&asha, &other).await;
        world.block(&other, &asha).await;
        blocked.push((world.now(), other.id));
        world.advance(TimeDelta::seconds(i % 2)); // some have the same time
    }
    blocked.sort();
    blocked.reverse();
    let (mut listed, mut cursor, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = PageRequest { limit: 2, cursor };
        let page = world.banter.safety().blocks(&asha.caller, &page).await.unwrap();
        listed.extend(page.items.iter().map(|block| (block.created_at, block.user.id)));
        pages += 1;
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!((listed, pages), (blocked, 3));
}

#[tokio::test]
async fn a_block_ends_friendship_and_requests_and_only_the_blocker_s_devices_are_told() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    let (friend, asker, asked) =
        (world.user("friend").await, world.user("asker").await, world.user("asked").await);
    let friends = world.banter.friends();
    world.befriend(&asha, &friend).await;
    friends.ask(&asker.caller, asha.id, None).await.unwrap();
    friends.ask(&asha.caller, asked.id, None).await.unwrap();
    world.notices().clear();
    for other in [&friend, &asker, &asked] {
        world.block(&asha, other).await;
        world.block(&asha, other).await;
        assert!(world.events_for(other).is_empty(), "{}", other.name);
    }
    let removed = Event::FriendRemoved(FriendRemoved { user_id: friend.id });
    assert_eq!(world.events_for(&asha), [removed], "once, of the one who was a friend");
    let page = PageRequest { limit: 100, cursor: None };
    for other in [&friend, &asker, &asked] {
        world.banter.safety().unblock(&asha.caller, other.id).await.unwrap();
        for person in [&asha, other] {
            assert!(friends.friends(&person.caller, false, &page).await.unwrap().items.is_empty());
            for direction in [Direction::Incoming, Direction::Outgoing] {
                assert!(friends.requests(&person.caller, direction, &page).await.unwrap().items.is_empty());
            }
        }
    }
    // What was cancelled is no refusal.
    friends.ask(&asker.caller, asha.id, None).await.unwrap();
    world.befriend(&asha, &friend).await;
}
