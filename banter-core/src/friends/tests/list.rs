use chrono::TimeDelta;

use super::*;
use crate::accounts::settings::{SettingsChange, Watchers};
use crate::presence::Status;

#[tokio::test]
async fn friends_are_paged_newest_first_with_and_without_ties() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    let mut expected = Vec::new();
    for i in 0..5 {
        let other = world.user(&format!("other{i}")).await;
        world.befriend(&asha, &other).await;
        expected.push((world.now(), other.id));
        world.advance(TimeDelta::seconds(i % 2));
    }
    expected.sort();
    expected.reverse();
    let (mut listed, mut cursor, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = PageRequest { limit: 2, cursor };
        let page = world.banter.friends().friends(&asha.caller, false, &page).await.unwrap();
        listed.extend(page.items.iter().map(|friend| (friend.since, friend.user.id)));
        pages += 1;
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!((listed, pages), (expected, 3));
}

#[tokio::test]
async fn friends_come_with_their_presence_unless_they_keep_it_to_themselves() {
    for world in [World::new().await, World::with_memory().await] {
        let asha = world.user("asha").await;
        let mut all_friends = Vec::new();
        for name in ["here", "away", "hidden", "here_too"] {
            let friend = world.user(name).await;
            world.befriend(&asha, &friend).await;
            world.advance(TimeDelta::seconds(1));
            if name != "away" {
                world.banter.presence().arrived(friend.id, "phone").await;
            }
            all_friends.push(friend);
        }
        let hide = SettingsChange { presence: Some(Watchers::Nobody), ..SettingsChange::default() };
        world.banter.accounts().change_settings(&all_friends[2].caller, hide).await.unwrap();
        let seen = async |online: bool, limit: u16, cursor: Option<String>| {
            let page = PageRequest { limit, cursor };
            let page = world.banter.friends().friends(&asha.caller, online, &page).await.unwrap();
            let seen = page.items.into_iter().map(|friend| {
                (friend.user.username.unwrap(), friend.presence.map(|presence| presence.status))
            });
            (seen.collect::<Vec<_>>(), page.next_cursor)
        };
        let expected = [
            ("here_too".to_owned(), Some(Status::Online)),
            ("hidden".to_owned(), None),
            ("away".to_owned(), Some(Status::Offline)),
            ("here".to_owned(), Some(Status::Online)),
        ];
        assert_eq!(seen(false, 100, None).await.0, expected);
        let (first, cursor) = seen(true, 1, None).await;
        assert_eq!(first, expected[..1]);
        assert!(cursor.is_some());
        assert_eq!(seen(true, 1, cursor).await, (expected[3..].to_vec(), None));
    }
}

#[tokio::test]
async fn without_an_answer_from_redis_nobody_says_who_is_online() {
    let world = World::builder()
        .config(|config| config.redis.as_mut().expect("has Redis").url = "redis://127.0.0.1:1".into())
        .build()
        .await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    world.befriend(&asha, &ravi).await;
    let online = world.banter.friends().friends(&asha.caller, true, &all()).await;
    assert_eq!(code(online), "PRESENCE_UNAVAILABLE");
    let page = world.banter.friends().friends(&asha.caller, false, &all()).await.unwrap();
    assert_eq!(page.items[0].presence.as_ref().map(|presence| presence.status), Some(Status::Unknown));
}

#[tokio::test]
async fn who_is_gone_is_nobody_s_friend() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    world.befriend(&asha, &ravi).await;
    world.banter.presence().arrived(ravi.id, "phone").await;
    for status in ["deleted", "banned"] {
        world.sql(&format!("update users set status = '{status}' where id = '{}'", ravi.id)).await;
        for online in [false, true] {
            let page = world.banter.friends().friends(&asha.caller, online, &all()).await.unwrap();
            assert!(page.items.is_empty(), "{status}");
        }
    }
}

async fn mutual(world: &World, one: &Person, other: &Person) -> Vec<String> {
    let page = world.banter.friends().mutual(&one.caller, other.id, &all()).await.unwrap();
    page.items.into_iter().map(|person| person.username.unwrap()).collect()
}

#[tokio::test]
async fn mutual_friends_are_those_of_both_whom_the_caller_can_meet() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let mut shared = Vec::new();
    for name in ["one", "two", "three", "four"] {
        let friend = world.user(name).await;
        world.befriend(&friend, &asha).await;
        world.befriend(&ravi, &friend).await;
        shared.push(friend);
        world.advance(TimeDelta::seconds(1));
    }
    world.befriend(&asha, &world.user("only_hers").await).await;
    world.befriend(&ravi, &world.user("only_his").await).await;
    world.befriend(&asha, &ravi).await;
    assert_eq!(mutual(&world, &asha, &ravi).await, ["one", "two", "three", "four"]);
    assert_eq!(mutual(&world, &ravi, &asha).await, ["one", "two", "three", "four"]);
    let page = PageRequest { limit: 3, cursor: None };
    let first = world.banter.friends().mutual(&asha.caller, ravi.id, &page).await.unwrap();
    let rest = PageRequest { limit: 3, cursor: first.next_cursor };
    let rest = world.banter.friends().mutual(&asha.caller, ravi.id, &rest).await.unwrap();
    assert_eq!((first.items.len(), rest.items.len(), rest.next_cursor), (3, 1, None));

    world.block(&shared[0], &asha).await;
    world.sql(&format!("update users set status = 'banned' where id = '{}'", shared[1].id)).await;
    assert_eq!(mutual(&world, &asha, &ravi).await, ["three", "four"]);
    assert_eq!(mutual(&world, &ravi, &asha).await, ["three", "four"], "one is none of asha's");
}

#[tokio::test]
async fn friends_in_common_with_somebody_who_cannot_be_met_are_not_told() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    world.block(&ravi, &asha).await;
    let rules = world.banter.friends();
    let nobody = crate::ids::UserId(uuid::Uuid::nil());
    for (who, whom) in [(&asha, ravi.id), (&ravi, asha.id), (&asha, nobody)] {
        assert_eq!(code(rules.mutual(&who.caller, whom, &all()).await), "USER_NOT_FOUND");
    }
}
