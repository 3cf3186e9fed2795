use chrono::TimeDelta;

use super::*;
use crate::page::PageRequest;

fn page(limit: u16, cursor: Option<&str>) -> PageRequest {
    PageRequest { limit, cursor: cursor.map(str::to_owned) }
}

#[tokio::test]
async fn a_conversation_says_who_what_and_how_much_is_unread() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    world.send(&asha, &ravi, "one").await;
    world.advance(TimeDelta::seconds(5));
    let last = send(&world, &asha, draft(Target::User(ravi.id), "two", Some("c2"))).await.unwrap().message;
    let messaging = world.banter.messaging();
    messaging.mark_read(&ravi.caller, last.conversation_id, 1).await.unwrap();

    let ravis = messaging.conversation(&ravi.caller, last.conversation_id).await.unwrap().conversation;
    let peer = ravis.peer.unwrap();
    assert_eq!((peer.id, peer.username.as_deref()), (asha.id, Some("asha")));
    assert_eq!((ravis.last_seq, ravis.last_read_seq, ravis.peer_read_seq, ravis.unread_count), (2, 1, 0, 1));
    assert_eq!(ravis.last_message.as_ref(), Some(&last));
    assert_eq!(ravis.last_message_at, world.now());

    let ashas = messaging.conversation(&asha.caller, last.conversation_id).await.unwrap().conversation;
    assert_eq!((ashas.peer.unwrap().id, ashas.unread_count, ashas.peer_read_seq), (ravi.id, 0, 1));
    assert_eq!(ashas.last_message, Some(last.clone()));
    messaging.mark_read(&ravi.caller, last.conversation_id, 2).await.unwrap();
    let ashas = messaging.conversation(&asha.caller, last.conversation_id).await.unwrap().conversation;
    assert!(ashas.last_message.unwrap().is_read);
}

#[tokio::test]
async fn the_list_goes_by_latest_activity_page_by_page() {
    let world = World::new().await;
    let asha = world.user("asha").await;
    let mut others = Vec::new();
    for i in 0..5 {
        let other = world.user(&format!("friend{i}")).await;
        world.send(&asha, &other, "hello").await;
        world.advance(TimeDelta::seconds(i64::from(i % 2))); // some have the same time
        others.push(other);
    }
    world.advance(TimeDelta::seconds(1));
    world.send(&others[1], &asha, "I am the latest").await;

    let messaging = world.banter.messaging();
    let whole = messaging.conversations(&asha.caller, &page(100, None)).await.unwrap();
    assert_eq!(whole.next_cursor, None);
    let order: Vec<_> = whole.items.iter().map(|c| (c.last_message_at, c.id)).collect();
    assert!(order.is_sorted_by(|a, b| a > b) && order.len() == 5, "{order:?}");
    assert_eq!((whole.items[0].peer.as_ref().unwrap().id, whole.items[0].unread_count), (others[1].id, 1));

    for (limit, expected_pages) in [(1, 5), (2, 3), (3, 2), (5, 1)] {
        let (mut places, mut cursor, mut pages) = (Vec::new(), None, 0);
        loop {
            let some = messaging.conversations(&asha.caller, &page(limit, cursor.as_deref())).await.unwrap();
            places.extend(some.items.iter().map(|c| (c.last_message_at, c.id)));
            pages += 1;
            cursor = some.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!((&places, pages), (&order, expected_pages), "{limit} a page");
    }
}

#[tokio::test]
async fn what_is_not_the_caller_s_or_is_blocked_is_not_listed() {
    let world = World::new().await;
    let (asha, ravi, meera) = (world.user("asha").await, world.user("ravi").await, world.user("meera").await);
    let (with_ravi, others) = (world.acquaint(&asha, &ravi).await, world.acquaint(&ravi, &meera).await);
    let messaging = world.banter.messaging();
    assert_eq!(code(messaging.conversation(&asha.caller, others).await), "CONVERSATION_NOT_FOUND");
    world.block(&asha, &ravi).await;
    for person in [&asha, &ravi] {
        let list = messaging.conversations(&person.caller, &page(100, None)).await.unwrap();
        assert!(list.items.iter().all(|c| c.id != with_ravi), "{}", person.name);
        assert_eq!(code(messaging.conversation(&person.caller, with_ravi).await), "CONVERSATION_NOT_FOUND");
    }
    assert_eq!(messaging.conversations(&ravi.caller, &page(100, None)).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn a_cursor_of_another_list_is_refused() {
    let world = World::new().await;
    let (asha, ravi, meera) = (world.user("asha").await, world.user("ravi").await, world.user("meera").await);
    for other in [&ravi, &meera] {
        world.acquaint(&asha, other).await;
        world.block(&asha, other).await;
        world.sign_in(&asha).await;
    }
    let (banter, one) = (&world.banter, page(1, None));
    let blocks = banter.safety().blocks(&asha.caller, &one).await.unwrap().next_cursor.unwrap();
    let sessions = banter.accounts().sessions(&asha.caller, &one).await.unwrap().next_cursor.unwrap();
    for other in [&ravi, &meera] {
        banter.safety().unblock(&asha.caller, other.id).await.unwrap();
    }
    let conversations = banter.messaging().conversations(&asha.caller, &one).await.unwrap();
    let conversations = conversations.next_cursor.unwrap();

    for foreign in [&blocks, &sessions, "bm9uc2Vuc2U", ""] {
        let foreign = page(1, Some(foreign));
        assert_eq!(code(banter.messaging().conversations(&asha.caller, &foreign).await), "VALIDATION_FAILED");
    }
    for foreign in [&conversations, &sessions, "bm9uc2Vuc2U"] {
        let foreign = page(1, Some(foreign));
        assert_eq!(code(banter.safety().blocks(&asha.caller, &foreign).await), "VALIDATION_FAILED");
    }
    for foreign in [&conversations, &blocks, "bm9uc2Vuc2U"] {
        let foreign = page(1, Some(foreign));
        assert_eq!(code(banter.accounts().sessions(&asha.caller, &foreign).await), "VALIDATION_FAILED");
    }
}
