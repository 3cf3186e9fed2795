//! Sending and reading messages.

use banter_core::testing::redact;
use serde_json::{Value, json};

use crate::harness::Api;

fn seqs(page: &Value) -> Vec<i64> {
    page["messages"]
        .as_array()
        .expect("of its type")
        .iter()
        .map(|message| message["seq"].as_i64().expect("of its type"))
        .collect()
}

#[tokio::test]
async fn a_message_is_stored_once() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let new = json!({ "receiverId": ravi.id, "content": " namaste 🙏 ", "clientMessageId": "c-1" });
    let sent = api.post("/messages", &asha, new.clone()).await.is(201);
    insta::assert_json_snapshot!("sent", sent, {
        ".message.id" => redact::uuid(), ".message.conversationId" => redact::uuid(), ".message.createdAt" => redact::time(),
        ".message.senderId" => redact::id("asha", asha.id), ".message.receiverId" => redact::id("ravi", ravi.id),
    });
    assert_eq!(api.post("/messages", &asha, new.clone()).await.is(200), sent);
    let other = json!({ "receiverId": ravi.id, "content": "another", "clientMessageId": "c-1" });
    api.post("/messages", &asha, other).await.refused(422, "CLIENT_MESSAGE_ID_REUSED");
    // The other's ids are the other's.
    let answer = json!({ "receiverId": asha.id, "content": "namaste", "clientMessageId": "c-1" });
    assert_eq!(api.post("/messages", &ravi, answer).await.is(201)["message"]["seq"], 2);
    let here =
        json!({ "conversationId": sent["message"]["conversationId"], "content": "x", "messageType": "text" });
    let third = api.post("/messages", &ravi, here).await.is(201);
    assert_eq!((&third["message"]["seq"], &third["message"]["receiverId"]), (&json!(3), &json!(asha.id)));
    let at_once = (0..6).map(|_| {
        api.post(
            "/messages",
            &asha,
            json!({ "receiverId": ravi.id, "content": "y", "clientMessageId": "c-2" }),
        )
    });
    let answers = futures_util::future::join_all(at_once).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    assert!(answers.iter().all(|answer| answer.status < 300 && answer.json["message"]["seq"] == 4));
}

#[tokio::test]
async fn a_message_that_cannot_be_sent_is_refused() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let (mallory, other) = (api.world.user("mallory").await, api.world.user("other").await);
    let theirs = api.acquaint(&ravi, &other, "hello").await;
    api.world.block(&asha, &mallory).await;
    let nobody = "0190b2c4-0000-7000-8000-000000000000";
    for (who, body, status, code) in [
        (&asha, json!({ "receiverId": asha.id, "content": "x" }), 400, "CANNOT_MESSAGE_YOURSELF"),
        (&asha, json!({ "receiverId": nobody, "content": "x" }), 404, "USER_NOT_FOUND"),
        (&asha, json!({ "receiverId": mallory.id, "content": "x" }), 404, "USER_NOT_FOUND"),
        (&mallory, json!({ "receiverId": asha.id, "content": "x" }), 404, "USER_NOT_FOUND"),
        (&asha, json!({ "conversationId": nobody, "content": "x" }), 404, "CONVERSATION_NOT_FOUND"),
        (&asha, json!({ "conversationId": theirs, "content": "x" }), 404, "CONVERSATION_NOT_FOUND"),
        (&asha, json!({ "content": "x" }), 400, "VALIDATION_FAILED"),
        (
            &asha,
            json!({ "receiverId": ravi.id, "conversationId": theirs, "content": "x" }),
            400,
            "VALIDATION_FAILED",
        ),
        (&asha, json!({ "receiverId": ravi.id }), 400, "VALIDATION_FAILED"),
        (&asha, json!({ "receiverId": ravi.id, "content": " \n " }), 400, "VALIDATION_FAILED"),
        (&asha, json!({ "receiverId": ravi.id, "content": "é".repeat(4001) }), 400, "VALIDATION_FAILED"),
        (
            &asha,
            json!({ "receiverId": ravi.id, "content": "x", "messageType": "call" }),
            400,
            "VALIDATION_FAILED",
        ),
        (
            &asha,
            json!({ "receiverId": ravi.id, "content": "x", "clientMessageId": "" }),
            400,
            "VALIDATION_FAILED",
        ),
        (
            &asha,
            json!({ "receiverId": ravi.id, "content": "x", "clientMessageId": "x".repeat(65) }),
            400,
            "VALIDATION_FAILED",
        ),
    ] {
        let answer = api.post("/messages", who, body.clone()).await;
        assert_eq!((answer.status, answer.json["code"].as_str()), (status, Some(code)), "{body}");
    }
    api.post("/messages", &asha, json!({ "receiverId": ravi.id, "content": "é".repeat(4000) })).await.is(201);
}

#[tokio::test]
async fn a_history_is_paged_both_ways() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    for i in 1..=5 {
        let (from, to) = if i % 2 == 1 { (&asha, &ravi) } else { (&ravi, &asha) };
        api.world.send(from, to, &format!("message {i}")).await;
    }
    let path = format!("/messages/{}", ravi.id);
    let newest = api.get(&format!("{path}?limit=2"), &asha).await.is(200);
    insta::assert_json_snapshot!("history", newest, {
        ".conversationId" => redact::uuid(), ".messages[].id" => redact::uuid(), ".messages[].conversationId" => redact::uuid(),
        ".messages[].createdAt" => redact::time(),
        ".messages[0].senderId" => redact::id("asha", asha.id), ".messages[0].receiverId" => redact::id("ravi", ravi.id),
        ".messages[1].senderId" => redact::id("ravi", ravi.id), ".messages[1].receiverId" => redact::id("asha", asha.id),
    });
    let by_id = format!("/conversations/{}/messages", newest["conversationId"].as_str().unwrap());
    for (query, expected, more) in [
        ("", vec![5, 4, 3, 2, 1], false),
        ("?beforeSeq=3", vec![2, 1], false),
        ("?beforeSeq=4&limit=2", vec![3, 2], true),
        ("?afterSeq=0&limit=2", vec![1, 2], true),
        ("?afterSeq=3", vec![4, 5], false),
        ("?afterSeq=5", vec![], false),
        ("?beforeSeq=1", vec![], false),
        ("?beforeSeq=-7", vec![], false),
    ] {
        for path in [&path, &by_id] {
            let page = api.get(&format!("{path}{query}"), &asha).await.is(200);
            assert_eq!(
                (seqs(&page), &page["hasMore"], &page["lastSeq"]),
                (expected.clone(), &json!(more), &json!(5)),
                "{query}"
            );
        }
    }
    for query in ["?limit=0", "?limit=101", "?limit=x", "?beforeSeq=1&afterSeq=1", "?beforeSeq=x"] {
        api.get(&format!("{path}{query}"), &asha).await.refused(400, "VALIDATION_FAILED");
    }
    let stranger = api.world.user("stranger").await;
    api.get(&by_id, &stranger).await.refused(404, "CONVERSATION_NOT_FOUND");
    api.world.block(&ravi, &asha).await;
    api.get(&by_id, &asha).await.refused(404, "CONVERSATION_NOT_FOUND");
    api.get(&path, &asha).await.refused(404, "USER_NOT_FOUND");
}

#[tokio::test]
async fn before_the_first_word_there_is_an_empty_page() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let page = api.get(&format!("/messages/{}", ravi.id), &asha).await.is(200);
    let empty =
        json!({ "success": true, "conversationId": null, "lastSeq": 0, "messages": [], "hasMore": false });
    assert_eq!(page, empty);
    api.get(&format!("/messages/{}", asha.id), &asha).await.refused(400, "CANNOT_MESSAGE_YOURSELF");
    api.get("/messages/0190b2c4-0000-7000-8000-000000000000", &asha).await.refused(404, "USER_NOT_FOUND");
    let refused = api.get("/messages/somebody", &asha).await.refused(400, "VALIDATION_FAILED");
    assert_eq!(refused["details"]["fields"], json!({ "id": "in the path must be a UUID" }));
}

#[tokio::test]
async fn many_at_once_leave_no_gap() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let send = |i: usize| {
        let (from, to) = if i.is_multiple_of(2) { (&asha, &ravi) } else { (&ravi, &asha) };
        api.post("/messages", from, json!({ "receiverId": to.id, "content": i.to_string() }))
    };
    let answers = futures_util::future::join_all((0..40).map(send)).await;
    let mut got: Vec<i64> =
        answers.into_iter().map(|a| a.is(201)["message"]["seq"].as_i64().unwrap()).collect();
    got.sort_unstable();
    assert_eq!(got, (1..=40).collect::<Vec<_>>());
    let page = api.get(&format!("/messages/{}?limit=100", ravi.id), &asha).await.is(200);
    assert_eq!(seqs(&page), (1..=40).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn unread_messages_are_counted() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let count = async |who| api.get("/messages/unread-count", who).await.is(200);
    assert_eq!(count(&asha).await, json!({ "success": true, "unreadCount": 0 }));
    for _ in 0..3 {
        api.world.send(&ravi, &asha, "hello").await;
    }
    assert_eq!(count(&asha).await["unreadCount"], 3);
    assert_eq!(count(&ravi).await["unreadCount"], 0);
    api.world.block(&asha, &ravi).await;
    assert_eq!(count(&asha).await["unreadCount"], 0);
}
