//! Groups over HTTP and sockets, and what became of messages in them.

use banter_core::testing::{Person, redact};
use serde_json::{Value, json};

use crate::harness::Api;

struct Scene {
    api: Api,
    asha: Person,
    ravi: Person,
    meera: Person,
}

impl Scene {
    async fn new() -> Self {
        let api = Api::new().await;
        let (asha, ravi, meera) =
            (api.world.user("asha").await, api.world.user("ravi").await, api.world.user("meera").await);
        api.world.befriend(&asha, &ravi).await;
        api.world.befriend(&asha, &meera).await;
        Self { api, asha, ravi, meera }
    }

    fn new_group(&self) -> Value {
        json!({ "name": " Trip to Goa ", "memberIds": [self.ravi.id, self.meera.id] })
    }

    async fn group(&self) -> String {
        let group = self.api.post("/conversations", &self.asha, self.new_group()).await.is(201);
        group["conversation"]["id"].as_str().expect("an id").to_owned()
    }
}

#[tokio::test]
async fn a_group_is_made_and_its_members_hear_of_it() {
    let scene = Scene::new().await;
    let mut socket = scene.api.socket(&scene.ravi).await;
    let group = scene.api.post("/conversations", &scene.asha, scene.new_group()).await.is(201);
    insta::assert_json_snapshot!("group", group, {
        ".conversation.id" => redact::uuid(), ".conversation.lastMessageAt" => redact::time(),
        ".members[].user.id" => redact::uuid(), ".members[].joinedAt" => redact::time(),
    });
    let id = &group["conversation"]["id"];
    assert_eq!(socket.expect("conversation:updated").await, json!({ "conversationId": id }));
    let told = socket.expect("notification:new").await;
    assert_eq!(
        (&told["notification"]["kind"], told["unreadCount"].as_i64()),
        (&json!("group_added"), Some(2))
    );
    let text = json!({ "conversationId": id, "content": "where to?" });
    let sent = scene.api.post("/messages", &scene.asha, text).await.is(201);
    assert_eq!(socket.expect("message:new").await, sent["message"]);
    let listed = scene.api.get("/conversations", &scene.ravi).await.is(200);
    assert_eq!(
        (&listed["conversations"][0]["name"], &listed["conversations"][0]["unreadCount"]),
        (&json!("Trip to Goa"), &json!(1))
    );
}

#[tokio::test]
async fn making_a_group_twice_with_one_key_makes_one() {
    let scene = Scene::new().await;
    let ask = || {
        let request = scene.api.ask(axum::http::Method::POST, "/conversations", &scene.asha);
        scene.api.send(request.header("idempotency-key", "trip").json(&scene.new_group()))
    };
    let (first, again) = (ask().await.is(201), ask().await.is(201));
    assert_eq!(first, again);
    let listed = scene.api.get("/conversations", &scene.asha).await.is(200);
    assert_eq!(listed["conversations"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn members_come_and_go_and_only_who_may_decides() {
    let scene = Scene::new().await;
    let (api, asha, ravi, meera) = (&scene.api, &scene.asha, &scene.ravi, &scene.meera);
    let id = scene.group().await;
    let (path, zoya) = (format!("/conversations/{id}"), api.world.user("zoya").await);
    api.get(&path, &zoya).await.refused(404, "CONVERSATION_NOT_FOUND");
    let one = json!({ "memberIds": [zoya.id] });
    api.post(&format!("{path}/members"), ravi, one.clone()).await.refused(403, "FORBIDDEN");
    api.post(&format!("{path}/members"), &zoya, json!({ "memberIds": [meera.id] }))
        .await
        .refused(404, "CONVERSATION_NOT_FOUND");
    api.post(&format!("{path}/members"), asha, one.clone()).await.refused(400, "VALIDATION_FAILED");
    api.world.befriend(asha, &zoya).await;
    for _ in 0..2 {
        let group = api.post(&format!("{path}/members"), asha, one.clone()).await.is(200);
        assert_eq!(group["conversation"]["memberCount"], 4);
    }
    api.patch(&path, ravi, json!({ "name": "Mine" })).await.refused(403, "FORBIDDEN");
    let renamed = api.patch(&path, asha, json!({ "name": "Goa" })).await.is(200);
    assert_eq!(renamed["conversation"]["name"], "Goa");
    let member = |who: &Person| format!("{path}/members/{}", who.id);
    api.patch(&member(ravi), meera, json!({ "role": "admin" })).await.refused(403, "FORBIDDEN");
    api.patch(&member(ravi), asha, json!({ "role": "boss" })).await.refused(400, "VALIDATION_FAILED");
    api.patch(&member(ravi), asha, json!({ "role": "admin" })).await.is(200);
    let mut socket = api.socket(meera).await;
    api.delete(&member(meera), ravi).await.is(200);
    assert_eq!(socket.expect("conversation:removed").await, json!({ "conversationId": id }));
    api.delete(&member(meera), ravi).await.refused(404, "MEMBER_NOT_FOUND");
    api.delete(&member(asha), ravi).await.refused(403, "FORBIDDEN");
    api.post(&format!("{path}/leave"), asha, json!({})).await.is(200);
    api.post(&format!("{path}/leave"), asha, json!({})).await.refused(404, "CONVERSATION_NOT_FOUND");
    let left = api.get(&path, ravi).await.is(200);
    assert_eq!(
        (&left["conversation"]["role"], &left["conversation"]["memberCount"]),
        (&json!("owner"), &json!(2))
    );
}

#[tokio::test]
async fn a_message_is_edited_and_taken_back() {
    let scene = Scene::new().await;
    let (api, asha, ravi, meera) = (&scene.api, &scene.asha, &scene.ravi, &scene.meera);
    let id = scene.group().await;
    let sent = api.post("/messages", ravi, json!({ "conversationId": id, "content": "helo" })).await.is(201);
    let path = format!("/messages/{}", sent["message"]["id"].as_str().expect("an id"));
    let mut socket = api.socket(meera).await;
    let edited = api.patch(&path, ravi, json!({ "content": "hello" })).await.is(200);
    assert_eq!(socket.expect("message:edited").await, edited["message"]);
    api.patch(&path, meera, json!({ "content": "bye" })).await.refused(403, "FORBIDDEN");
    api.delete(&path, meera).await.refused(403, "FORBIDDEN");
    let answer = json!({ "conversationId": id, "content": "hi", "replyToId": sent["message"]["id"] });
    let answer = api.post("/messages", meera, answer).await.is(201);
    assert_eq!(
        (&answer["message"]["replyTo"]["content"], &answer["message"]["replyTo"]["seq"]),
        (&json!("hello"), &json!(1))
    );
    // The owner keeps order.
    for _ in 0..2 {
        let deleted = api.delete(&path, asha).await.is(200);
        assert_eq!(deleted["message"]["seq"], 1);
    }
    socket.expect("message:deleted").await;
    let history = api.get(&format!("/conversations/{id}/messages?afterSeq=0"), meera).await.is(200);
    let first = &history["messages"][0];
    assert_eq!(
        (&first["isDeleted"], &first["content"], &first["seq"]),
        (&json!(true), &json!(""), &json!(1))
    );
    assert_eq!(history["messages"][1]["replyTo"]["isDeleted"], true);
    api.patch(&path, ravi, json!({ "content": "back" })).await.refused(409, "NOT_EDITABLE");
    let stranger = api.world.user("stranger").await;
    api.patch(&path, &stranger, json!({ "content": "x" })).await.refused(404, "MESSAGE_NOT_FOUND");
    api.delete(&path, &stranger).await.refused(404, "MESSAGE_NOT_FOUND");
}

#[tokio::test]
async fn a_client_that_was_away_asks_once_for_everything() {
    let scene = Scene::new().await;
    let (api, asha, ravi) = (&scene.api, &scene.asha, &scene.ravi);
    let id = scene.group().await;
    let start = api.get("/conversations/changes?since=2026-01-01T00:00:00Z", asha).await.is(200);
    assert_eq!((&start["changes"][0]["messages"], &start["nextCursor"]), (&json!([]), &Value::Null));
    let since = start["syncedAt"].as_str().expect("a time").to_owned();
    api.world.advance(chrono::TimeDelta::minutes(2));
    api.world.send(ravi, asha, "directly").await;
    api.post("/messages", ravi, json!({ "conversationId": id, "content": "to all" })).await.is(201);
    let path = format!("/conversations/changes?since={since}");
    let changes = api.get(&path, asha).await.is(200);
    let mut told: Vec<_> = changes["changes"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|change| (change["conversation"]["kind"].as_str(), change["messages"][0]["content"].as_str()))
        .collect();
    told.sort_unstable();
    assert_eq!(told, [(Some("direct"), Some("directly")), (Some("group"), Some("to all"))]);
    let page = api.get(&format!("{path}&limit=1"), asha).await.is(200);
    let rest = format!("{path}&limit=1&cursor={}", page["nextCursor"].as_str().expect("another page"));
    assert_eq!(api.get(&rest, asha).await.is(200)["syncedAt"], page["syncedAt"]);
    for query in
        ["", "?since=yesterday", "?since=10000000-01-01T00:00:00Z", "?since=2026-01-01T00:00:00Z&limit=0"]
    {
        api.get(&format!("/conversations/changes{query}"), asha).await.refused(400, "VALIDATION_FAILED");
    }
}
