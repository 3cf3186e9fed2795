//! The inbox, and which conversation is on the screen.

use banter_core::testing::{fcm, noon, redact};
use serde_json::{Value, json};

use crate::harness::{Api, until};

#[tokio::test]
async fn the_inbox_is_listed_read_and_told() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let mut socket = api.socket(&asha).await;
    let request = api.world.friend_news(&asha, &ravi).await;
    let told = socket.expect("notification:new").await;
    assert_eq!((&told["notification"]["id"], &told["unreadCount"]), (&json!(request), &json!(1)));
    let coins = api.world.coin_news(&asha, 50).await;
    let listed = api.get("/notifications", &asha).await.is(200);
    assert_eq!(listed["notifications"][1], told["notification"]);
    insta::assert_json_snapshot!("notifications", listed, {
        ".notifications[0].id" => redact::id("coins", coins),
        ".notifications[1].id" => redact::id("request", request),
        ".notifications[1].actor.id" => redact::id("ravi", ravi.id),
        ".notifications[].subjectId" => "[subject]",
        ".notifications[].createdAt" => redact::time(),
    });
    for _ in 0..2 {
        let read = api.post(&format!("/notifications/{request}/read"), &asha, json!({})).await.is(200);
        assert_eq!(read, json!({ "success": true, "unreadCount": 1 }));
    }
    let all = api.post("/notifications/read-all", &asha, json!({ "upTo": coins })).await.is(200);
    assert_eq!(all["unreadCount"], 0);
    let listed = api.get("/notifications?limit=1", &asha).await.is(200);
    assert_eq!((&listed["notifications"][0]["isRead"], &listed["unreadCount"]), (&json!(true), &json!(0)));
    let next = listed["nextCursor"].as_str().expect("a second page");
    let listed = api.get(&format!("/notifications?limit=1&cursor={next}"), &asha).await.is(200);
    assert_eq!((&listed["notifications"][0]["id"], &listed["nextCursor"]), (&json!(request), &Value::Null));
}

#[tokio::test]
async fn another_s_notification_is_not_there() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let hers = api.world.coin_news(&asha, 50).await;
    let nobody = "0190b2c4-0000-7000-8000-000000000000";
    for id in [hers.to_string().as_str(), nobody] {
        let read = api.post(&format!("/notifications/{id}/read"), &ravi, json!({})).await;
        read.refused(404, "NOTIFICATION_NOT_FOUND");
    }
    api.post("/notifications/read-all", &ravi, json!({ "upTo": "x" }))
        .await
        .refused(400, "VALIDATION_FAILED");
    api.post("/notifications/read-all", &ravi, json!({})).await.is(200);
    assert_eq!(api.get("/notifications", &asha).await.is(200)["unreadCount"], 1);
}

#[tokio::test]
async fn nobody_is_pushed_what_is_on_the_screen() {
    let stub = fcm::Fcm::start(noon()).await;
    let api = Api::over(banter_core::testing::World::builder().pushes_to(&stub)).await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let conversation = api.world.send(&asha, &ravi, "hello").await.conversation_id;
    api.put("/users/me/device", &ravi, json!({ "fcmToken": "phone", "platform": "android" })).await.is(200);
    let replica = api.replica().await;
    let push = async |words: &str| {
        api.world.send(&asha, &ravi, words).await;
        until("the job is done", async || {
            api.world.sql("select from jobs where kind = 'push' and state <> 'done'").await == 0
        })
        .await;
    };
    let mut socket = replica.socket(&ravi).await;
    for payload in [json!({ "conversationId": conversation }), json!({}), json!("alive"), Value::Null] {
        assert_eq!(socket.emit_with_ack("presence:heartbeat", payload).await["success"], true);
    }
    push("seen").await;
    assert_eq!(stub.asked(), 0, "what says nothing about the screen changes nothing");
    for bad in [json!("x"), json!(1), json!({}), json!([])] {
        let refused = socket.emit_with_ack("presence:heartbeat", json!({ "conversationId": bad })).await;
        assert_eq!(refused["code"], "VALIDATION_FAILED");
        assert!(refused["details"]["fields"]["conversationId"].is_string(), "{refused}");
    }
    let left = json!({ "conversationId": null });
    assert_eq!(socket.emit_with_ack("presence:heartbeat", left).await["success"], true);
    push("not seen").await;
    assert_eq!(stub.expect_sent(1).await[0]["notification"]["body"], "not seen");
    let back = json!({ "conversationId": conversation });
    assert_eq!(socket.emit_with_ack("presence:heartbeat", back).await["success"], true);
    drop(socket);
    until("the screen is dark", async || {
        push("again").await;
        stub.sent().len() > 1
    })
    .await;
}
