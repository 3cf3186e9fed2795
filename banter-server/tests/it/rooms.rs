//! Rooms over HTTP and sockets.

use banter_core::testing::livekit::LiveKit;
use banter_core::testing::{Person, World, files, redact};
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
        Self { api, asha, ravi, meera }
    }

    /// Its path.
    async fn room(&self, more: Value) -> String {
        let mut room = json!({ "name": "Chai", "roomType": "text" });
        room.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        let made = self.api.post("/rooms/create", &self.asha, room).await.is(201);
        format!("/rooms/{}", made["room"]["id"].as_str().expect("an id"))
    }

    async fn join(&self, path: &str, who: &Person) -> Value {
        self.api.post(&format!("{path}/join"), who, json!({})).await.is(200)
    }
}

/// The names that the app of the first hour was written against.
#[tokio::test]
async fn a_voice_room_answers_the_way_into_it() {
    let media = LiveKit::shared().await;
    let api = Api::over(World::builder().speaks_at(media)).await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let new = json!({ "name": "Chai", "roomType": "voice", "category": "casual", "maxMembers": 17 });
    let made = api.post("/rooms/create", &asha, new).await.is(201);
    let room = &made["room"];
    assert_eq!((&made["success"], &room["name"]), (&json!(true), &json!("Chai")));
    assert_eq!(room["participantName"], format!("user_{}", asha.id));
    assert_eq!(room["livekitServerUrl"], media.config().server_url);
    let path = format!("/rooms/{}", room["id"].as_str().expect("an id"));
    let _asha = media.join(room["token"].as_str().expect("a token")).await.expect("she enters");
    let joined = api.post(&format!("{path}/join"), &ravi, json!({})).await.is(200);
    assert_eq!(joined["room"]["livekitRoom"], room["livekitRoom"]);
    assert_eq!((&joined["room"]["role"], &joined["room"]["isMuted"]), (&json!("listener"), &json!(false)));
    let mut there = media.join(joined["room"]["token"].as_str().expect("a token")).await.expect("he enters");
    let seen = api.get(&path, &ravi).await.is(200);
    assert!(seen["room"].get("token").is_none(), "only coming in answers one");
    api.post(&format!("{path}/members/{}/kick", ravi.id), &asha, json!({})).await.is(200);
    there.until_out().await;
    api.post(&format!("{path}/join"), &ravi, json!({})).await.refused(404, "ROOM_NOT_FOUND");
    api.post(&format!("{path}/close"), &asha, json!({})).await.is(200);
    api.work().await;
}

#[tokio::test]
async fn a_room_is_made_and_found() {
    let scene = Scene::new().await;
    let (api, asha) = (&scene.api, &scene.asha);
    let cover = api.upload(asha, "room-cover", files::jpeg(8, 8)).await.is(200);
    let new = json!({
        "name": " Chai ", "description": "tea", "category": "casual", "language": "hi", "roomType": "text",
        "maxMembers": 3, "coverImage": cover["mediaUrl"],
    });
    let made = api.post("/rooms/create", asha, new).await.is(201);
    insta::assert_json_snapshot!("text_room", made, {
        ".room.id" => redact::uuid(), ".room.host.id" => redact::uuid(), ".room.createdAt" => redact::time(),
        ".room.coverImage" => "[cover]",
    });
    assert_eq!(made["room"]["coverImage"], cover["mediaUrl"]);
    let found = api.get("/rooms?category=casual&language=hi&q=CHA", &scene.meera).await.is(200);
    assert_eq!(found["rooms"][0]["id"], made["room"]["id"]);
    assert_eq!((&found["rooms"][0]["host"]["id"], &found["nextCursor"]), (&json!(asha.id), &Value::Null));
    let none = api.get("/rooms?category=music", &scene.meera).await.is(200);
    assert_eq!(none["rooms"], json!([]));
    for query in ["?category=cooking", "?limit=0", "?cursor=x"] {
        api.get(&format!("/rooms{query}"), asha).await.refused(400, "VALIDATION_FAILED");
    }
    for bad in [
        json!({ "name": "Chai" }),
        json!({ "name": "Chai", "roomType": "party" }),
        json!({ "name": "", "roomType": "text" }),
        json!({ "name": "Chai", "roomType": "text", "maxMembers": 1 }),
        json!({ "name": "Chai", "roomType": "text", "maxMembers": 101 }),
        json!({ "name": "Chai", "roomType": "text", "coverImage": "https://elsewhere.example/x.jpg" }),
    ] {
        api.post("/rooms/create", asha, bad).await.refused(400, "VALIDATION_FAILED");
    }
    let spoken = json!({ "name": "Chai", "roomType": "voice" });
    api.post("/rooms/create", asha, spoken).await.refused(503, "LIVEKIT_UNAVAILABLE");
}

#[tokio::test]
async fn making_a_room_twice_with_one_key_makes_one() {
    let scene = Scene::new().await;
    let ask = || {
        let request = scene.api.ask(axum::http::Method::POST, "/rooms/create", &scene.asha);
        let room = json!({ "name": "Chai", "roomType": "text" });
        scene.api.send(request.header("idempotency-key", "chai").json(&room))
    };
    let (first, again) = (ask().await.is(201), ask().await.is(201));
    assert_eq!(first["room"]["id"], again["room"]["id"]);
    assert_eq!(scene.api.get("/rooms", &scene.asha).await.is(200)["rooms"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn people_come_talk_and_go() {
    let scene = Scene::new().await;
    let (api, asha, ravi, meera) = (&scene.api, &scene.asha, &scene.ravi, &scene.meera);
    let path = scene.room(json!({ "maxMembers": 2 })).await;
    let id = path.rsplit('/').next().expect("an id");
    let mut socket = api.socket(asha).await;
    for _ in 0..2 {
        assert_eq!(scene.join(&path, ravi).await["room"]["memberCount"], 2);
    }
    let joined = socket.expect("room:member-joined").await;
    assert_eq!((&joined["roomId"], &joined["member"]["user"]["id"]), (&json!(id), &json!(ravi.id)));
    api.post(&format!("{path}/join"), meera, json!({})).await.refused(409, "ROOM_FULL");
    let members = api.get(&format!("{path}/members?limit=1"), meera).await.is(200);
    assert_eq!((&members["members"][0]["role"], members["nextCursor"].is_string()), (&json!("host"), true));
    let sent = api.post("/messages", ravi, json!({ "roomId": id, "content": "hello" })).await.is(201);
    assert_eq!(sent["message"]["conversationId"], id);
    assert_eq!(socket.expect("message:new").await["content"], "hello");
    api.post("/messages", meera, json!({ "roomId": id, "content": "hello" }))
        .await
        .refused(404, "CONVERSATION_NOT_FOUND");
    let both = json!({ "roomId": id, "conversationId": id, "content": "hello" });
    api.post("/messages", ravi, both).await.refused(400, "VALIDATION_FAILED");
    let listed = api.get("/conversations", ravi).await.is(200);
    assert!(listed["conversations"].as_array().expect("a list").iter().any(|c| c["kind"] == "room"));
    api.post(&format!("{path}/leave"), asha, json!({})).await.is(200);
    api.post(&format!("{path}/leave"), asha, json!({})).await.refused(404, "ROOM_NOT_FOUND");
    let left = socket.expect("room:member-left").await;
    assert_eq!((&left["userId"], &left["reason"]), (&json!(asha.id), &json!("left")));
    assert_eq!(api.get(&path, ravi).await.is(200)["room"]["role"], "host");
    let change = json!({ "name": "Coffee", "description": null, "isPublic": false });
    let changed = api.patch(&path, ravi, change).await.is(200);
    assert_eq!((&changed["room"]["name"], &changed["room"]["isPublic"]), (&json!("Coffee"), &json!(false)));
    api.patch(&path, ravi, json!({ "maxMembers": 200 })).await.refused(400, "VALIDATION_FAILED");
    api.get(&path, meera).await.refused(404, "ROOM_NOT_FOUND");
    api.post(&format!("{path}/close"), ravi, json!({})).await.is(200);
    api.get(&path, ravi).await.refused(404, "ROOM_NOT_FOUND");
}

#[tokio::test]
async fn order_is_kept_by_who_may() {
    let scene = Scene::new().await;
    let (api, asha, ravi, meera) = (&scene.api, &scene.asha, &scene.ravi, &scene.meera);
    let path = scene.room(json!({})).await;
    for person in [ravi, meera] {
        scene.join(&path, person).await;
    }
    let act = |who: &Person, what: &str| format!("{path}/members/{}/{what}", who.id);
    let mut socket = api.socket(ravi).await;
    api.post(&act(meera, "role"), ravi, json!({ "role": "speaker" })).await.refused(403, "FORBIDDEN");
    api.post(&act(ravi, "role"), asha, json!({ "role": "boss" })).await.refused(400, "VALIDATION_FAILED");
    api.post(&act(ravi, "role"), asha, json!({ "role": "moderator" })).await.is(200);
    assert_eq!(socket.expect("room:member-updated").await["member"]["role"], "moderator");
    api.post(&format!("{path}/raise-hand"), meera, json!({})).await.is(200);
    let hand = socket.expect("room:hand-raised").await;
    assert_eq!((&hand["userId"], &hand["raised"]), (&json!(meera.id), &json!(true)));
    api.post(&format!("{path}/raise-hand"), ravi, json!({})).await.refused(409, "NOT_A_LISTENER");
    api.post(&act(meera, "role"), ravi, json!({ "role": "speaker" })).await.is(200);
    api.post(&act(meera, "mute"), ravi, json!({})).await.is(200);
    assert_eq!(api.get(&path, meera).await.is(200)["room"]["isMuted"], true);
    api.post(&act(meera, "mute"), ravi, json!({ "muted": false })).await.is(200);
    api.post(&act(asha, "mute"), ravi, json!({})).await.refused(403, "FORBIDDEN");
    api.post(&act(asha, "kick"), meera, json!({})).await.refused(403, "FORBIDDEN");
    api.post(&act(meera, "kick"), ravi, json!({})).await.is(200);
    api.post(&act(meera, "kick"), ravi, json!({})).await.is(200);
    api.post(&format!("{path}/join"), meera, json!({})).await.refused(404, "ROOM_NOT_FOUND");
    api.post(&act(meera, "ban"), ravi, json!({})).await.is(200);
    let nobody = format!("{path}/members/0190b2c4-0000-7000-8000-000000000000/ban");
    api.post(&nobody, ravi, json!({})).await.refused(404, "USER_NOT_FOUND");
    api.get(&format!("{path}/members"), meera).await.refused(404, "ROOM_NOT_FOUND");
    api.post(&format!("{path}/close"), ravi, json!({})).await.refused(403, "FORBIDDEN");
}

#[tokio::test]
async fn a_friend_is_invited_into_a_private_room() {
    let scene = Scene::new().await;
    let (api, asha, ravi, meera) = (&scene.api, &scene.asha, &scene.ravi, &scene.meera);
    let path = scene.room(json!({ "isPublic": false })).await;
    api.post(&format!("{path}/join"), ravi, json!({})).await.refused(404, "ROOM_NOT_FOUND");
    let mut socket = api.socket(ravi).await;
    let invite = format!("{path}/invite");
    api.post(&invite, asha, json!({ "userIds": [meera.id] })).await.refused(400, "VALIDATION_FAILED");
    api.post(&invite, asha, json!({ "userIds": [] })).await.refused(400, "VALIDATION_FAILED");
    for _ in 0..2 {
        api.post(&invite, asha, json!({ "userIds": [ravi.id] })).await.is(200);
    }
    let told = socket.expect("room:invited").await;
    assert_eq!((&told["name"], &told["invitedBy"]["id"]), (&json!("Chai"), &json!(asha.id)));
    let inbox = socket.expect("notification:new").await;
    assert_eq!(inbox["notification"]["kind"], "room_invited");
    assert_eq!(scene.join(&path, ravi).await["room"]["role"], "listener");
    api.post(&invite, ravi, json!({ "userIds": [asha.id] })).await.refused(403, "FORBIDDEN");
    api.post(&invite, meera, json!({ "userIds": [ravi.id] })).await.refused(404, "ROOM_NOT_FOUND");
}

#[tokio::test]
async fn a_socket_watches_a_room_without_being_in() {
    let scene = Scene::new().await;
    let (api, ravi, meera) = (&scene.api, &scene.ravi, &scene.meera);
    let path = scene.room(json!({})).await;
    let id = path.rsplit('/').next().expect("an id");
    let mut socket = api.socket(meera).await;
    let ack = socket.emit_with_ack("room:subscribe", json!({ "roomId": id })).await;
    assert_eq!((&ack["success"], &ack["room"]["memberCount"]), (&json!(true), &json!(1)));
    scene.join(&path, ravi).await;
    assert_eq!(socket.expect("room:member-joined").await["memberCount"], 2);
    let ack = socket.emit_with_ack("room:unsubscribe", json!({ "roomId": id })).await;
    assert_eq!(ack["success"], true);
    api.post(&format!("{path}/leave"), ravi, json!({})).await.is(200);
    let ack = socket.emit_with_ack("room:subscribe", json!({ "roomId": id })).await;
    assert_eq!(ack["room"]["memberCount"], 1);
    assert_eq!(socket.all_events_so_far().await, [], "nothing in between");
    let secret = scene.room(json!({ "isPublic": false })).await;
    let secret = json!({ "roomId": secret.rsplit('/').next() });
    assert_eq!(socket.emit_with_ack("room:subscribe", secret).await["code"], "ROOM_NOT_FOUND");
}
