//! Calls over HTTP and sockets, and the media server's webhooks.

use axum::http::Method;
use banter_core::accounts::devices::Platform;
use banter_core::testing::livekit::LiveKit;
use banter_core::testing::{Person, World, redact};
use serde_json::{Value, json};

use crate::harness::{Answer, Api, Who};

struct Scene {
    media: &'static LiveKit,
    api: Api,
    asha: Person,
    ravi: Person,
}

impl Scene {
    /// Two friends with phones.
    async fn new() -> Self {
        let media = LiveKit::shared().await;
        let api = Api::over(World::builder().speaks_at(media)).await;
        api.world.may_leave_jobs();
        let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
        api.world.befriend(&asha, &ravi).await;
        for who in [&asha, &ravi] {
            let phone = format!("phone-of-{}", who.name);
            api.world
                .banter
                .accounts()
                .put_device(&who.caller, &phone, Platform::Android)
                .await
                .expect("a phone");
        }
        Self { media, api, asha, ravi }
    }

    fn to_ravi(&self) -> Value {
        json!({ "receiverId": self.ravi.id, "callType": "audio" })
    }

    async fn call(&self) -> Value {
        self.api.post("/calls/initiate", &self.asha, self.to_ravi()).await.is(201)
    }

    async fn act(&self, call: &Value, act: &str, who: &Person) -> Answer {
        let id = call["call"]["id"].as_str().expect("an id");
        self.api.post(&format!("/calls/{id}/{act}"), who, json!({})).await
    }
}

#[tokio::test]
async fn a_call_is_made_answered_and_ended() {
    let scene = Scene::new().await;
    let (mut hers, mut his) = (scene.api.socket(&scene.asha).await, scene.api.socket(&scene.ravi).await);
    let placed = scene.call().await;
    insta::assert_json_snapshot!("call_placed", placed, {
        ".call.id" => redact::uuid(), ".call.callerToken" => "[token]", ".call.livekitServerUrl" => "[url]",
        ".call.roomName" => "[room]", ".call.participantName" => "[identity]",
        ".callLog.id" => redact::uuid(), ".callLog.callerId" => redact::uuid(), ".callLog.caller.id" => redact::uuid(),
        ".callLog.receiverId" => redact::uuid(), ".callLog.receiver.id" => redact::uuid(),
        ".callLog.livekitRoom" => "[room]", ".callLog.startedAt" => redact::time(),
    });
    assert!(!placed.to_string().contains("receiverToken"));
    assert_eq!(placed["call"]["participantName"], format!("user_{}", scene.asha.id));
    let rings = his.expect("call:incoming").await;
    assert_eq!(rings["callId"], placed["call"]["id"]);
    let taken = scene.act(&placed, "answer", &scene.ravi).await.is(200);
    assert_eq!(taken["call"]["roomName"], placed["call"]["roomName"]);
    assert_ne!(taken["call"]["receiverToken"], placed["call"]["callerToken"]);
    assert_eq!(taken["callLog"]["status"], "answered");
    assert_eq!(hers.expect("call:answered").await["sessionId"], Value::Null);
    assert_eq!(his.expect("call:answered").await["sessionId"], json!(scene.ravi.caller.session_id));
    for token in [&placed["call"]["callerToken"], &taken["call"]["receiverToken"]] {
        scene.media.join(token.as_str().expect("a token")).await.expect("it opens the room");
    }
    scene.api.world.advance(chrono::TimeDelta::seconds(65));
    // What the app says of the duration is not believed, and no body at all is as good.
    let path = format!("/calls/{}/end", placed["call"]["id"].as_str().expect("an id"));
    let ended = scene.api.post(&path, &scene.asha, json!({ "duration": 99_999 })).await.is(200);
    assert_eq!(
        (&ended["callLog"]["status"], &ended["callLog"]["duration"]),
        (&json!("completed"), &json!(65))
    );
    assert_eq!(his.expect("call:ended").await["duration"], 65);
    let again = scene.api.send(scene.api.ask(Method::POST, &path, &scene.ravi)).await.is(200);
    assert_eq!(again["callLog"]["duration"], 65);
    let history = scene.api.get("/calls/history", &scene.ravi).await.is(200);
    assert_eq!(history["calls"], json!([again["callLog"]]));
    let one = scene.api.get(path.trim_end_matches("/end"), &scene.ravi).await.is(200);
    assert_eq!(one["callLog"], again["callLog"]);
}

#[tokio::test]
async fn refusals_have_their_codes() {
    let scene = Scene::new().await;
    let (api, asha, ravi) = (&scene.api, &scene.asha, &scene.ravi);
    let eve = api.world.user("eve").await;
    for (body, status, code) in [
        (json!({ "callType": "audio" }), 400, "VALIDATION_FAILED"),
        (
            json!({ "receiverId": ravi.id, "conversationId": ravi.id, "callType": "audio" }),
            400,
            "VALIDATION_FAILED",
        ),
        (json!({ "receiverId": ravi.id, "callType": "smell" }), 400, "VALIDATION_FAILED"),
        (json!({ "receiverId": asha.id, "callType": "audio" }), 400, "CANNOT_CALL_YOURSELF"),
        (json!({ "receiverId": asha.caller.session_id, "callType": "audio" }), 404, "USER_NOT_FOUND"),
        (json!({ "conversationId": asha.id, "callType": "audio" }), 404, "CONVERSATION_NOT_FOUND"),
        (json!({ "receiverId": eve.id, "callType": "audio" }), 409, "CALLS_NOT_ACCEPTED"),
    ] {
        api.post("/calls/initiate", asha, body).await.refused(status, code);
    }
    api.world.befriend(asha, &eve).await;
    let away = api.post("/calls/initiate", asha, json!({ "receiverId": eve.id, "callType": "audio" })).await;
    assert_eq!(away.refused(400, "USER_NOT_ONLINE")["message"], "User is not online");
    let placed = scene.call().await;
    for act in ["answer", "reject", "cancel", "end"] {
        scene.act(&placed, act, &eve).await.refused(404, "CALL_NOT_FOUND");
    }
    let busy = json!({ "receiverId": asha.id, "callType": "audio" });
    api.post("/calls/initiate", &eve, busy).await.refused(409, "USER_BUSY");
    scene.act(&placed, "cancel", asha).await.is(200);
    scene.act(&placed, "answer", ravi).await.refused(409, "CALL_OVER");
    scene.act(&placed, "reject", ravi).await.refused(409, "CALL_OVER");
    api.get("/calls/history?limit=0", asha).await.refused(400, "VALIDATION_FAILED");
    api.get("/calls/nonsense", asha).await.refused(400, "VALIDATION_FAILED");
}

#[tokio::test]
async fn a_way_in_is_not_kept_for_repeats() {
    let scene = Scene::new().await;
    let ask = || {
        let request = scene.api.ask(Method::POST, "/calls/initiate", &scene.asha);
        scene.api.send(request.header("idempotency-key", "ring").json(&scene.to_ravi()))
    };
    let (first, again) = (ask().await, ask().await);
    assert_eq!(again.header("idempotency-replayed"), None);
    assert_eq!(first.is(201)["call"]["id"], again.is(201)["call"]["id"], "it is the same call all the same");
    assert_eq!(scene.api.world.sql("delete from idempotency_keys").await, 0);
}

#[tokio::test]
async fn credentials_for_the_relay_are_one_s_own_and_not_stored() {
    let builder = World::builder().config(|config| {
        config.turn = Some(banter_core::config::Turn {
            urls: ["stun:turn.test:3478", "turn:turn.test:3478?transport=udp"].map(str::to_owned).into(),
            secret: "a-secret-of-tests".into(),
            ttl: std::time::Duration::from_secs(3600),
        });
    });
    let api = Api::over(builder).await;
    let asha = api.world.user("asha").await;
    let answer = api.get("/calls/ice-servers", &asha).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let answer = answer.is(200);
    let [stun, turn] = &answer["iceServers"].as_array().expect("a list")[..] else { panic!("{answer}") };
    assert_eq!(stun, &json!({ "urls": ["stun:turn.test:3478"] }));
    // It is 6:30: an hour, and then to the full one.
    let until = api.world.now().timestamp() + 3600 + 1800;
    assert_eq!(turn["username"], format!("{until}:{}", asha.id));
    assert!(turn["credential"].as_str().is_some_and(|credential| !credential.is_empty()));
    assert_eq!(answer["ttl"], 3600);
    let without = Api::new().await;
    let asha = without.world.user("asha").await;
    let answer = without.get("/calls/ice-servers", &asha).await.is(200);
    assert_eq!((&answer["iceServers"], &answer["ttl"]), (&json!([]), &json!(0)));
}

#[tokio::test]
async fn the_media_server_is_heard_and_nobody_else() {
    // So few requests that a user would be refused long before.
    let media = LiveKit::shared().await;
    let builder = World::builder().speaks_at(media).config(|config| config.limits.max_requests = 5);
    let api = Api::over(builder).await;
    let hear = async |header: Option<&str>, content_type: &str, body: Vec<u8>| {
        let request = api.ask(Method::POST, "/webhooks/livekit", Who::Nobody).body(body);
        let request = request.header("content-type", content_type);
        api.send(match header {
            Some(header) => request.header("authorization", header),
            None => request,
        })
        .await
    };
    let (header, body) = media.webhook("EV_1", "room_finished", "call_of_nobody", None);
    for content_type in ["application/webhook+json", "text/plain", "application/json"] {
        let heard = hear(Some(&header), content_type, body.clone()).await;
        assert_eq!(heard.header("ratelimit-limit"), None);
        heard.is(200);
    }
    hear(None, "application/webhook+json", body.clone()).await.refused(401, "WEBHOOK_SIGNATURE_INVALID");
    let bearer = api.world.user("asha").await.access_token;
    let forged = hear(Some(&format!("Bearer {bearer}")), "application/webhook+json", body.clone()).await;
    forged.refused(401, "WEBHOOK_SIGNATURE_INVALID");
    let changed = [&body[..], b" "].concat();
    hear(Some(&header), "application/webhook+json", changed).await.refused(401, "WEBHOOK_SIGNATURE_INVALID");
    let large = vec![b' '; 64 * 1024 + 1];
    hear(Some(&header), "application/webhook+json", large).await.refused(413, "BODY_TOO_LARGE");
    let nonsense = b"[]".to_vec();
    hear(Some(&media.sign(&nonsense)), "application/json", nonsense).await.refused(400, "WEBHOOK_INVALID");
    // Told three times, looked at once.
    assert_eq!(api.world.sql("delete from webhook_events").await, 1);
    api.world.may_leave_jobs();
}
