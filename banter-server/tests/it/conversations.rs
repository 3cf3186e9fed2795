//! The list of conversations, and read marks.

use banter_core::testing::redact;
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::harness::Api;

fn peers(page: &Value) -> Vec<&str> {
    let all = page["conversations"].as_array().expect("a list").iter();
    all.map(|conversation| conversation["peer"]["username"].as_str().expect("a name")).collect()
}

#[tokio::test]
async fn conversations_are_listed_by_their_latest_word() {
    let api = Api::new().await;
    let asha = api.world.user("asha").await;
    let empty = json!({ "success": true, "conversations": [], "nextCursor": null });
    assert_eq!(api.get("/conversations", &asha).await.is(200), empty);
    let mut others = Vec::new();
    for name in ["ravi", "meera", "john"] {
        others.push(api.world.user(name).await);
    }
    for other in &others {
        api.world.advance(TimeDelta::seconds(1));
        api.world.send(other, &asha, "hello").await;
    }
    api.world.send(&asha, &others[2], "yes?").await;
    let page = api.get("/conversations?limit=1", &asha).await.is(200);
    insta::assert_json_snapshot!("conversations", page, {
        ".conversations[].id" => redact::uuid(), ".conversations[].peer.id" => redact::id("john", others[2].id),
        ".conversations[].lastMessageAt" => redact::time(), ".conversations[].lastMessage.id" => redact::uuid(),
        ".conversations[].lastMessage.conversationId" => redact::uuid(),
        ".conversations[].lastMessage.createdAt" => redact::time(),
        ".conversations[].lastMessage.senderId" => redact::id("asha", asha.id),
        ".conversations[].lastMessage.receiverId" => redact::id("john", others[2].id),
        ".nextCursor" => "[cursor]",
    });
    let rest = format!("/conversations?limit=5&cursor={}", page["nextCursor"].as_str().unwrap());
    let rest = api.get(&rest, &asha).await.is(200);
    assert_eq!((peers(&rest), &rest["nextCursor"]), (vec!["meera", "ravi"], &Value::Null));
    let path = format!("/conversations/{}", page["conversations"][0]["id"].as_str().unwrap());
    assert_eq!(api.get(&path, &asha).await.is(200)["conversation"], page["conversations"][0]);
    api.get(&path, &others[0]).await.refused(404, "CONVERSATION_NOT_FOUND");
    // What a cursor of one list says means nothing to another.
    let foreign = format!("/safety/blocks?cursor={}", page["nextCursor"].as_str().unwrap());
    api.get(&foreign, &asha).await.refused(400, "VALIDATION_FAILED");
    api.world.block(&others[2], &asha).await;
    api.get(&path, &asha).await.refused(404, "CONVERSATION_NOT_FOUND");
    assert_eq!(peers(&api.get("/conversations", &asha).await.is(200)), ["meera", "ravi"]);
}

#[tokio::test]
async fn a_read_mark_moves_forward_and_not_past_the_end() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let stranger = api.world.user("stranger").await;
    let conversation = api.acquaint(&asha, &ravi, "hello").await;
    for _ in 0..3 {
        api.world.send(&ravi, &asha, "are you there?").await;
    }
    let path = format!("/conversations/{conversation}");
    let mark = format!("{path}/read");
    let read = async |seq: i64| api.post(&mark, &asha, json!({ "seq": seq })).await.is(200);
    assert_eq!(read(3).await, json!({ "success": true, "seq": 3 }));
    let seen = api.get(&path, &asha).await.is(200)["conversation"].take();
    assert_eq!(
        (&seen["unreadCount"], &seen["lastReadSeq"], &seen["lastSeq"]),
        (&json!(2), &json!(3), &json!(5))
    );
    assert_eq!(api.get(&path, &ravi).await.is(200)["conversation"]["peerReadSeq"], 3);
    assert_eq!(read(1).await["seq"], 3);
    assert_eq!(read(i64::MAX).await["seq"], 5);
    let page = api.get(&format!("/messages/{}", asha.id), &ravi).await.is(200);
    assert_eq!(page["messages"][0]["isRead"], true);
    for bad in [json!({ "seq": -1 }), json!({ "seq": "1" }), json!({ "seq": null }), json!({})] {
        api.post(&mark, &asha, bad).await.refused(400, "VALIDATION_FAILED");
    }
    api.post(&mark, &stranger, json!({ "seq": 1 })).await.refused(404, "CONVERSATION_NOT_FOUND");
    api.world.block(&ravi, &asha).await;
    api.post(&mark, &asha, json!({ "seq": 1 })).await.refused(404, "CONVERSATION_NOT_FOUND");
}

#[tokio::test]
async fn marks_and_messages_at_once_keep_the_count_right() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let conversation = api.acquaint(&asha, &ravi, "hello").await;
    let mark = format!("/conversations/{conversation}/read");
    let work = (0..30).map(async |i: i64| match i % 3 {
        0 => api.post("/messages", &asha, json!({ "conversationId": conversation, "content": "a" })).await,
        1 => api.post("/messages", &ravi, json!({ "conversationId": conversation, "content": "r" })).await,
        _ => api.post(&mark, &asha, json!({ "seq": i })).await,
    });
    for answer in futures_util::future::join_all(work).await {
        assert!(answer.status < 300, "{answer:?}");
    }
    let page = api.get(&format!("/messages/{}?limit=100", ravi.id), &asha).await.is(200);
    let unread = page["messages"].as_array().unwrap().iter();
    let unread = unread.filter(|m| m["senderId"] == json!(ravi.id) && m["isRead"] == false).count();
    assert_eq!(api.get("/messages/unread-count", &asha).await.is(200)["unreadCount"], unread);
}
