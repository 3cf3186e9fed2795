//! What apps are written against: a change here is a change of the contract, and shows in review.

use std::collections::{BTreeMap, BTreeSet};

use banter_core::accounts::devices::Platform;
use banter_core::accounts::settings::{Audience, SettingsChange};
use banter_core::sandbox::razorpay::{Method, Options, Sandbox};
use banter_core::testing::livekit::LiveKit;
use banter_core::testing::{Person, World, files, noon};
use serde_json::{Value, json};

use crate::harness::{Api, Who};

const MODERATION: [&str; 6] = [
    "/api/moderation/",
    "/api/safety/reports",
    "/api/safety/sanctions",
    "/api/auth/device/",
    "/api/auth/standing",
    "/api/auth/appeal",
];

#[tokio::test]
async fn the_openapi_document() {
    let api = Api::new().await;
    let document = api.document().await.json;
    insta::with_settings!({ sort_maps => true }, { insta::assert_json_snapshot!("openapi", document) });
}

#[test]
fn the_socket_s_events() {
    let events: BTreeMap<&str, Value> = banter_core::events::schemas()
        .into_iter()
        .map(|(name, about, schema)| (name, json!({ "about": about, "payload": schema })))
        .collect();
    insta::with_settings!({ sort_maps => true }, { insta::assert_json_snapshot!("events", events) });
}

#[tokio::test]
async fn the_document_is_a_good_read() {
    let api = Api::new().await;
    let document = api.document().await.json;
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let what = format!("{method} {path}");
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id), "{what}: {id} is taken");
            assert!(!id.contains('_'), "{what}: {id}");
            assert!(operation["summary"].as_str().is_some_and(|s| !s.ends_with('.')), "{what}: summary");
            assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{what}: tag");
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let described = parameter["description"].as_str().is_some_and(|text| !text.is_empty());
                assert!(described, "{what}: {} is not described", parameter["name"]);
            }
            for (status, response) in operation["responses"].as_object().unwrap() {
                assert!(response["description"].is_string(), "{what}: {status}");
                assert!(response["content"]["application/json"]["schema"].is_object(), "{what}: {status}");
            }
            let refusals = path.starts_with("/api/").then_some("#/components/schemas/ErrorBody");
            let default = &operation["responses"]["default"]["content"]["application/json"]["schema"]["$ref"];
            assert_eq!(default.as_str(), refusals, "{what}: refusals");
        }
    }
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric()), "{name} is no name for a class");
        let uses = document.to_string().matches(&format!("\"#/components/schemas/{name}\"")).count();
        assert!(uses > 0, "{name} is not used");
    }
}

/// A call that is in the state which the operation is about.
async fn call_for(api: &Api, path: &str, asha: &Person, ravi: &Person) -> Value {
    let (from, to) =
        if path.ends_with("/answer") || path.ends_with("/reject") { (ravi, asha) } else { (asha, ravi) };
    let body = json!({ "receiverId": to.id, "callType": "video" });
    let call = api.post("/calls/initiate", from, body).await.is(201)["call"]["id"].take();
    if path.ends_with("/end") {
        api.post(&format!("/calls/{}/answer", call.as_str().expect("an id")), to, json!({})).await.is(200);
    }
    call
}

/// Asks for everything once, and holds each answer against its schema.
#[tokio::test]
async fn answers_and_events_are_as_documented() {
    let media = LiveKit::shared().await;
    let shop = Sandbox::start(Options::new(noon())).await.expect("a stand-in");
    let api = Api::over(World::builder().speaks_at(media).buys_at(&shop)).await;
    let document = api.document().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    for who in [&asha, &ravi] {
        let accounts = api.world.banter.accounts();
        let everybody = SettingsChange { calls: Some(Audience::Everyone), ..Default::default() };
        accounts.change_settings(&who.caller, everybody).await.expect("a setting");
        accounts
            .put_device(&who.caller, &format!("phone-of-{}", who.name), Platform::Android)
            .await
            .expect("a phone");
    }
    let blocked = api.world.user("somebody").await;
    let conversation = api.acquaint(&asha, &ravi, "hello").await;
    api.world.block(&asha, &blocked).await;
    let other = api.world.sign_in(&asha).await;
    let notification = api.world.coin_news(&asha, 50).await;
    let friends =
        [api.world.user("meera").await, api.world.user("kabir").await, api.world.user("zoya").await];
    for friend in &friends {
        api.world.befriend(&asha, friend).await;
    }
    let members = json!([friends[0].id, friends[1].id]);
    let mut groups = Vec::new();
    for name in ["a group", "one to leave"] {
        let group =
            api.post("/conversations", &asha, json!({ "name": name, "memberIds": members })).await.is(201);
        groups.push(group["conversation"]["id"].clone());
    }
    let room = async |host: &Person, guest: &Person| {
        let room = json!({ "name": "Chai", "roomType": "text" });
        let room = api.post("/rooms/create", host, room).await.is(201)["room"]["id"].take();
        api.post(&format!("/rooms/{}/join", room.as_str().expect("an id")), guest, json!({})).await.is(200);
        room
    };
    let own_room = room(&asha, &ravi).await;
    let (to_ban, to_kick) = (room(&asha, &ravi).await, room(&asha, &ravi).await);
    let (to_leave, to_close) = (room(&asha, &ravi).await, room(&asha, &ravi).await);
    let listening = room(&friends[0], &asha).await;
    let message = api.world.send(&asha, &ravi, "to be changed").await.id;
    api.world.may_leave_jobs();
    let leaver = api.world.user("leaver").await;
    let mut socket = api.socket(&ravi).await;
    api.world.coin_news(&ravi, 50).await;
    let upload = api.upload(&asha, "avatar", files::jpeg(8, 8)).await.is(200)["mediaId"].take();
    let document_url = api.upload(&asha, "verification", files::jpeg(9, 8)).await.is(200)["mediaUrl"].take();
    let selfie_url = api.upload(&asha, "verification", files::jpeg(8, 9)).await.is(200)["mediaUrl"].take();
    let order = api.post("/payments/create-order", &asha, json!({ "packageType": "basic" })).await.is(200);
    let paid = shop.pay(order["order"]["id"].as_str().expect("an id"), Method::Upi).expect("they pay");
    // Its receipt is asked for before the proof is shown once more.
    let proof = json!({ "orderId": order["order"]["id"], "paymentId": paid.razorpay_payment_id,
        "signature": paid.razorpay_signature });
    api.post("/payments/verify", &asha, proof).await.is(200);
    let member = api.world.user("member").await;
    let begun = api.post("/payments/subscriptions", &member, json!({ "plan": "monthly" })).await.is(200);
    let begun = &begun["subscription"];
    let agreed = begun["razorpaySubscriptionId"].as_str().expect("an id");
    let agreed = shop.subscribe(agreed, Method::Card).expect("they agree");
    let fill = |name: &str| match name {
        "orderId" => Some(order["order"]["id"].clone()),
        "paymentId" => Some(json!(paid.razorpay_payment_id)),
        "signature" => Some(json!(paid.razorpay_signature)),
        "TransactionId" => Some(order["transaction"]["id"].clone()),
        "firebaseToken" => Some(json!(api.world.firebase_token("uid-new", "+919999999999"))),
        "refreshToken" => Some(json!(asha.refresh_token)),
        "rotate" => Some(json!(true)),
        "username" => Some(json!("newcomer")),
        "userIds" => Some(json!(ravi.id)),
        "SessionId" => Some(json!(other.caller.session_id)),
        "ConversationId" => Some(json!(conversation)),
        "UploadId" => Some(upload.clone()),
        "documentMediaUrl" => Some(document_url.clone()),
        "selfieMediaUrl" => Some(selfie_url.clone()),
        "UserId" => Some(json!(ravi.id)),
        "NotificationId" => Some(json!(notification)),
        "beforeSeq" => Some(json!(100)),
        "q" => Some(json!("ravi")),
        _ => None,
    };
    // A request is good for one answer.
    let mut requests = Vec::new();
    for name in ["to_accept", "to_reject", "to_cancel"] {
        let other = api.world.user(name).await;
        let (from, to) = if name == "to_cancel" { (&asha, &other) } else { (&other, &asha) };
        let asked = api.post("/friends/requests", from, json!({ "receiverId": to.id })).await.is(201);
        requests.push(asked["request"]["id"].clone());
    }
    // What takes something away comes last; whom somebody blocks they no longer write to; signing out ends
    // it all.
    let rank = |o: &&crate::harness::document::Operation| {
        let blocks = o.path.contains("/blocks") && o.method != "GET";
        (o.path.ends_with("/logout"), blocks, o.method == "DELETE", o.path.ends_with("/sessions"))
    };
    let mut operations: Vec<_> = document.operations.iter().collect();
    operations.sort_by_key(rank);
    for operation in operations {
        // Its body is signed, and has tests of its own.
        if operation.path.contains("/webhooks/") {
            continue;
        }
        // Need staff, and somebody who is judged: those tests hold each answer against the document.
        if MODERATION.iter().any(|start| operation.path.starts_with(start)) {
            continue;
        }
        let call = match operation.path.contains("/calls/{id}") {
            true => call_for(&api, &operation.path, &asha, &ravi).await,
            false => Value::Null,
        };
        let fill = |name: &str| match (name, operation.path.as_str()) {
            ("CallId", _) => Some(call.clone()),
            ("SubscriptionId", _) => Some(begun["id"].clone()),
            ("razorpaySubscriptionId", _) => Some(begun["razorpaySubscriptionId"].clone()),
            ("paymentId", "/api/payments/subscriptions/verify") => Some(json!(agreed.razorpay_payment_id)),
            ("signature", "/api/payments/subscriptions/verify") => Some(json!(agreed.razorpay_signature)),
            ("ConversationId", "/api/calls/initiate") => Some(groups[0].clone()),
            ("firebaseToken", "/api/users/me") => {
                Some(json!(api.world.firebase_token(&leaver.firebase_uid, &leaver.phone)))
            }
            ("FriendRequestId", path) if path.ends_with("/accept") => Some(requests[0].clone()),
            ("FriendRequestId", path) if path.ends_with("/reject") => Some(requests[1].clone()),
            ("FriendRequestId", _) => Some(requests[2].clone()),
            ("ConversationId", path) if path.ends_with("/leave") => Some(groups[1].clone()),
            ("ConversationId", path) if path.contains("/members") => Some(groups[0].clone()),
            ("ConversationId", "/api/conversations/{id}") => Some(groups[0].clone()),
            ("RoomId", path) if path.ends_with("/ban") => Some(to_ban.clone()),
            ("RoomId", path) if path.ends_with("/kick") => Some(to_kick.clone()),
            ("RoomId", path) if path.ends_with("/leave") => Some(to_leave.clone()),
            ("RoomId", path) if path.ends_with("/close") => Some(to_close.clone()),
            ("RoomId", path) if path.ends_with("/raise-hand") => Some(listening.clone()),
            ("RoomId", _) => Some(own_room.clone()),
            ("roomType", _) => Some(json!("text")),
            ("userIds", path) if path.ends_with("/invite") => Some(json!([friends[2].id])),
            ("UserId", path) if path.contains("/rooms/") => Some(json!(ravi.id)),
            ("role", path) if path.contains("/rooms/") => Some(json!("speaker")),
            ("UserId", path) if path.contains("/members") => Some(json!(friends[0].id)),
            ("memberIds", path) if path.ends_with("/members") => Some(json!([friends[2].id])),
            ("memberIds", _) => Some(members.clone()),
            ("role", _) => Some(json!("admin")),
            ("MessageId", _) => Some(json!(message)),
            ("since", _) => Some(json!("2026-01-01T00:00:00Z")),
            _ => fill(name),
        };
        if operation.name() == "DELETE /api/friends/{userId}" {
            api.post("/friends/requests", &ravi, json!({ "receiverId": asha.id })).await.is(201);
        }
        let who = match operation.name().as_str() {
            "DELETE /api/users/me" => &leaver,
            "POST /api/payments/subscriptions/verify" | "POST /api/payments/subscriptions/cancel" => &member,
            _ => &asha,
        };
        let request = api.ask(operation.method.clone(), &document.url(operation, &fill), who);
        let bodies = document.bodies(operation, &fill);
        let answer = api.send(operation.with_body(request, bodies.first())).await;
        document
            .check_answer(operation.method.as_str(), &operation.path, answer.status, &answer.json)
            .unwrap();
        assert!(answer.status < 300, "{}: {}", operation.name(), answer.json);
        let begun = if call.is_null() { &answer.json["call"]["id"] } else { &call };
        if let Some(begun) = begun.as_str() {
            api.post(&format!("/calls/{begun}/end"), &asha, json!({ "duration": 7 })).await.is(200);
        }
    }
    let schemas = banter_core::events::schemas();
    let events = socket.all_events_so_far().await;
    for expected in [
        "message:new",
        "message:edited",
        "message:deleted",
        "friend:request",
        "friend:accepted",
        "notification:new",
        "call:incoming",
        "call:answered",
        "call:rejected",
        "call:cancelled",
        "call:ended",
        "room:member-left",
        "room:member-updated",
        "room:updated",
        "room:closed",
    ] {
        assert!(events.iter().any(|(name, _)| name == expected), "{expected}: {events:?}");
    }
    for (name, payload) in events {
        let (.., schema) = schemas.iter().find(|(known, ..)| *known == name).expect("a known event");
        document.conforms(&json!(schema), &payload, &name).unwrap();
    }
}

#[tokio::test]
async fn a_new_and_a_known_person_are_as_documented() {
    let api = Api::new().await;
    let document = api.document().await;
    let asha = api.world.user("asha").await;
    let path = "/api/auth/verify-firebase";
    for (uid, phone) in [("uid-new", "+919999999999"), (asha.firebase_uid.as_str(), asha.phone.as_str())] {
        let body = json!({ "firebaseToken": api.world.firebase_token(uid, phone) });
        let answer = api.post(path, Who::Nobody, body).await.is(200);
        document.check_answer("POST", path, 200, &answer).unwrap();
    }
    let refused = api.post(path, Who::Nobody, json!({})).await;
    document.check_answer("POST", path, refused.status, &refused.json).unwrap();
}

#[tokio::test]
async fn the_documentation_needs_no_network() {
    let api = Api::new().await;
    let page = api.get("/docs/", Who::Nobody).await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html")));
    let html = String::from_utf8(page.body).unwrap();
    let mut files = 0;
    for link in html.split(['"', '\'']).filter(|text| text.ends_with(".js") || text.ends_with(".css")) {
        assert!(!link.contains("//"), "{link} is elsewhere");
        let file = api.get(&format!("/docs/{}", link.trim_start_matches("./")), Who::Nobody).await;
        assert_eq!(file.status, 200, "{link}");
        files += 1;
    }
    assert!(files >= 3, "{html}");
    let start = api.get("/docs/swagger-initializer.js", Who::Nobody).await;
    assert!(String::from_utf8_lossy(&start.body).contains("/api/openapi.json"));
}

#[tokio::test]
async fn v1_is_the_same_api() {
    let api = Api::new().await;
    let asha = api.world.user("asha").await;
    let document = api.document().await;
    assert_eq!(api.get("/api/v1/auth/me", &asha).await.is(200), api.get("/api/auth/me", &asha).await.is(200));
    for operation in document.operations.iter().filter(|operation| operation.path.starts_with("/api/")) {
        let path = operation.path.replace("/api/", "/api/v1/").replace(['{', '}'], "x");
        let there = api.send(api.ask(operation.method.clone(), &path, Who::Nobody)).await;
        assert!(![404, 405].contains(&there.status), "{}: {}", operation.name(), there.status);
    }
}
