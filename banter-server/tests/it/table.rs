//! Every operation of the document, asked by everybody who should get nothing: a new route is covered by itself.

use std::collections::BTreeSet;

use banter_core::sandbox::razorpay::{Method, Options, Sandbox};
use banter_core::testing::{Person, World, files, noon};
use chrono::TimeDelta;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use crate::harness::document::{Document, Operation};
use crate::harness::{Answer, Api, Who, tokens};

/// What anybody may ask. Everything else needs an access token.
const PUBLIC: [&str; 11] = [
    "GET /healthz",
    "GET /readyz",
    "POST /api/auth/verify-firebase",
    "POST /api/auth/register",
    "POST /api/auth/refresh",
    "POST /api/auth/device/start",
    "POST /api/auth/device/token",
    "POST /api/auth/standing",
    "POST /api/auth/appeal",
    "POST /api/webhooks/livekit",
    "POST /api/webhooks/razorpay",
];
/// Where only staff comes in.
const STAFF: &str = "/api/moderation/";
/// A text that only asha and ravi may read.
const SECRET: &str = "meet me at the old mill";

async fn ask(
    api: &Api,
    document: &Document,
    operation: &Operation,
    who: Who<'_>,
    body: Option<&Value>,
) -> Answer {
    let unknown = |name: &str| match name {
        "UserId" | "SessionId" | "ConversationId" | "RoomId" | "FriendRequestId" | "NotificationId"
        | "MessageId" | "UploadId" | "CallId" | "TransactionId" | "CaseId" | "SanctionId" | "AppealId"
        | "HeldMessageId" | "VerificationId" | "sanctionId" => {
            Some(json!("0190b2c4-0000-7000-8000-000000000000"))
        }
        _ => None,
    };
    let request = api.ask(operation.method.clone(), &document.url(operation, &unknown), who);
    let body = body.cloned().or_else(|| document.bodies(operation, &unknown).into_iter().next());
    api.send(operation.with_body(request, body.as_ref())).await
}

#[tokio::test]
async fn public_operations_are_these_and_no_others() {
    let api = Api::new().await;
    let document = api.document().await;
    let public = document.operations.iter().filter(|operation| operation.public).map(Operation::name);
    assert_eq!(public.collect::<BTreeSet<_>>(), PUBLIC.map(str::to_owned).into());
    assert!(document.operations.len() > PUBLIC.len() + 15, "the document is there");
}

#[tokio::test]
async fn without_a_good_token_nothing_is_answered() {
    // One address asks for all.
    let api = Api::over(World::builder().config(|config| config.limits.max_requests = 100_000)).await;
    let document = api.document().await;
    let asha = api.world.user("asha").await;
    let revoked = api.world.sign_in(&asha).await;
    api.post("/auth/logout", &revoked, json!({})).await.is(200);
    let good = tokens::claims(&api.world, &asha, 10);
    let secret = "access-secret-of-tests-0123456789";
    assert_eq!(
        api.get("/auth/me", Who::Token(&tokens::signed(&api.world, &good))).await.status,
        200,
        "a control"
    );
    let mut tampered = asha.access_token.clone();
    let at = tampered.rfind('.').expect("a signature") - 2;
    tampered.replace_range(at..=at, if tampered.as_bytes()[at] == b'A' { "B" } else { "A" });
    let missing = |claim: &str| {
        let mut claims = good.clone();
        claims.as_object_mut().expect("claims").remove(claim);
        tokens::signed(&api.world, &claims)
    };
    let cases = [
        ("expired", tokens::signed(&api.world, &tokens::claims(&api.world, &asha, -1)), "TOKEN_EXPIRED"),
        ("another secret's", tokens::signed_with("another secret", Algorithm::HS256, &good), "TOKEN_INVALID"),
        ("an empty secret's", tokens::signed_with("", Algorithm::HS256, &good), "TOKEN_INVALID"),
        ("another algorithm's", tokens::signed_with(secret, Algorithm::HS512, &good), "TOKEN_INVALID"),
        ("unsigned", tokens::unsigned("none", &good), "TOKEN_INVALID"),
        ("unsigned, shouted", tokens::unsigned("NONE", &good), "TOKEN_INVALID"),
        ("tampered", tampered, "TOKEN_INVALID"),
        ("a refresh token", asha.refresh_token.clone(), "TOKEN_INVALID"),
        ("without an end", missing("exp"), "TOKEN_INVALID"),
        ("without a session", missing("sid"), "TOKEN_INVALID"),
        ("revoked", revoked.access_token.clone(), "SESSION_REVOKED"),
    ];
    for operation in document.operations.iter().filter(|operation| !operation.public) {
        let answer = ask(&api, &document, operation, Who::Nobody, None).await;
        assert_eq!(
            (answer.status, &answer.json["code"]),
            (401, &json!("TOKEN_REQUIRED")),
            "{}",
            operation.name()
        );
        for (which, token, code) in &cases {
            let answer = ask(&api, &document, operation, Who::Token(token), None).await;
            let got = (answer.status, answer.json["code"].as_str());
            assert_eq!(got, (403, Some(*code)), "{}: a token that is {which}", operation.name());
        }
    }
    assert_eq!(api.get("/auth/me", &asha).await.status, 200, "asha's own login was not touched");
}

#[tokio::test]
async fn what_is_staff_s_is_nobody_else_s() {
    let api = Api::new().await;
    let document = api.document().await;
    let asha = api.world.user("asha").await;
    let staff = |operation: &&Operation| operation.path.starts_with(STAFF);
    assert!(document.operations.iter().filter(staff).count() > 20, "they are there");
    for operation in document.operations.iter().filter(staff) {
        let answer = ask(&api, &document, operation, (&asha).into(), None).await;
        let got = (answer.status, answer.json["code"].as_str());
        assert_eq!(got, (403, Some("FORBIDDEN")), "{}", operation.name());
    }
}

#[tokio::test]
async fn a_bad_token_is_no_hindrance_where_none_is_needed() {
    let api = Api::new().await;
    let document = api.document().await;
    for operation in document.operations.iter().filter(|operation| operation.public) {
        let answer = ask(&api, &document, operation, Who::Token("nonsense"), None).await;
        assert!(![403, 500].contains(&answer.status), "{}: {}", operation.name(), answer.status);
    }
}

/// A transaction that is paid.
async fn bought(api: &Api, shop: &Sandbox, who: &Person) -> Value {
    let order = api.post("/payments/create-order", who, json!({ "packageType": "standard" })).await.is(200);
    let id = order["order"]["id"].as_str().expect("an id");
    let paid = shop.pay(id, Method::Upi).expect("they pay");
    let proof =
        json!({ "orderId": id, "paymentId": paid.razorpay_payment_id, "signature": paid.razorpay_signature });
    api.post("/payments/verify", who, proof).await.is(200);
    order["transaction"]["id"].clone()
}

/// All that asha can see, without what `stranger` may rightly have put there.
async fn view(
    api: &Api,
    document: &Document,
    asha: &Person,
    ravi: &Person,
    stranger: &Person,
    (upload, call, room, bought): (&Value, &str, &Value, &Value),
) -> Vec<(String, Value)> {
    let conversation = api.get("/conversations", asha).await.is(200)["conversations"].take();
    let conversations = conversation.as_array().expect("a list");
    let ours = conversations.iter().find(|c| c["peer"]["id"] == json!(ravi.id)).expect("asha and ravi's");
    let own = |name: &str| match name {
        "UserId" | "userIds" => Some(json!(ravi.id)),
        "SessionId" => Some(json!(asha.caller.session_id)),
        "ConversationId" => Some(ours["id"].clone()),
        "UploadId" => Some(json!(upload)),
        "CallId" => Some(json!(call)),
        "RoomId" => Some(room.clone()),
        "TransactionId" => Some(bought.clone()),
        "beforeSeq" => Some(json!(100)),
        "since" => Some(json!("2026-01-01T00:00:00Z")),
        "limit" => Some(json!(50)),
        _ => None,
    };
    let mut seen = Vec::new();
    for operation in document.operations.iter().filter(|o| {
        o.method == "GET"
            && !o.path.ends_with("z")
            && !o.path.starts_with(STAFF)
            && !o.path.contains("/device/")
    }) {
        let mut answer = api.get(&document.url(operation, &own), asha).await.is(200);
        without(&mut answer, &stranger.id.to_string());
        // A message from the stranger counts here, rightly.
        answer.as_object_mut().expect("an object").remove("unreadCount");
        seen.push((operation.name(), answer));
    }
    seen
}

/// Drops the entries of lists that speak of `whom`.
fn without(json: &mut Value, whom: &str) {
    match json {
        Value::Array(entries) => {
            entries.retain(|entry| !entry.to_string().contains(whom));
            entries.iter_mut().for_each(|entry| without(entry, whom));
        }
        Value::Object(fields) => fields.values_mut().for_each(|field| without(field, whom)),
        _ => {}
    }
}

/// A call of the two, as it stands in the log.
async fn call_log(api: &Api, caller: &Person, receiver: &Person) -> String {
    let (now, id) = (api.world.now().to_rfc3339(), "0190b2c4-0000-7000-8000-00000000ca11");
    let (caller, receiver) = (caller.id, receiver.id);
    api.world
        .sql(&format!(
            "insert into call_logs
                 (id, caller_id, receiver_id, call_type, status, livekit_room, started_at, answered_at, ended_at, duration)
             values ('{id}', '{caller}', '{receiver}', 'audio', 'completed', 'call_1', '{now}', '{now}', '{now}', 0);
             insert into call_participants (call_id, user_id, role, state, joined_at, left_at)
             values ('{id}', '{caller}', 'caller', 'left', '{now}', '{now}'),
                    ('{id}', '{receiver}', 'receiver', 'left', '{now}', '{now}')"
        ))
        .await;
    id.to_owned()
}

#[tokio::test]
async fn a_stranger_reaches_nothing_of_asha_s() {
    let shop = Sandbox::start(Options::new(noon())).await.expect("a stand-in");
    let api = Api::over(World::builder().buys_at(&shop)).await;
    let document = api.document().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let mallory = api.world.user("mallory").await;
    let conversation = api.acquaint(&asha, &ravi, SECRET).await;
    let notification = api.world.coin_news(&asha, 50).await;
    api.world.block(&asha, &api.world.user("somebody").await).await;
    let friend = api.world.user("friend").await;
    api.world.befriend(&asha, &friend).await;
    api.world.befriend(&ravi, &friend).await;
    api.world.sql(&format!("update users set date_of_birth = '1991-07-19' where id = '{}'", asha.id)).await;
    let place = json!({ "latitude": 12.34, "longitude": 56.78 });
    api.put("/users/me/location", &asha, place).await.is(200);
    let secretly = json!({ "receiverId": asha.id, "message": SECRET });
    let asked = api.post("/friends/requests", &ravi, secretly).await.is(201);
    let request = asked["request"]["id"].clone();
    let message = api.world.send(&asha, &ravi, SECRET).await.id;
    let upload = api.upload(&asha, "avatar", files::jpeg(8, 8)).await.is(200)["mediaId"].take();
    let call = call_log(&api, &asha, &ravi).await;
    let secret_room = json!({ "name": SECRET, "roomType": "text", "isPublic": false });
    let room = api.post("/rooms/create", &asha, secret_room).await.is(201)["room"]["id"].take();
    let order = api.post("/payments/create-order", &asha, json!({ "packageType": "basic" })).await.is(200);
    let subscription = json!({ "plan": "monthly" });
    let subscription =
        api.post("/payments/subscriptions", &asha, subscription).await.is(200)["subscription"].take();
    let paid = shop.pay(order["order"]["id"].as_str().expect("an id"), Method::Upi).expect("they pay");
    let bought = bought(&api, &shop, &asha).await;
    let before = view(&api, &document, &asha, &ravi, &mallory, (&upload, &call, &room, &bought)).await;
    assert!(json!(before).to_string().contains(SECRET), "there is something to find");

    let hers = |name: &str| match name {
        "UserId" | "userIds" => Some(json!(asha.id)),
        "SessionId" => Some(json!(asha.caller.session_id)),
        "ConversationId" => Some(json!(conversation)),
        "FriendRequestId" => Some(request.clone()),
        "q" => Some(json!("asha")),
        "MessageId" => Some(json!(message)),
        "memberIds" => Some(json!([asha.id])),
        "since" => Some(json!("2026-01-01T00:00:00Z")),
        "NotificationId" => Some(json!(notification)),
        "RoomId" => Some(room.clone()),
        "roomType" => Some(json!("text")),
        "UploadId" => Some(upload.clone()),
        "CallId" => Some(json!(call)),
        "TransactionId" => Some(order["transaction"]["id"].clone()),
        // More than mallory has: a gift may rightly reach asha.
        "gift" => Some(json!("palace")),
        // All that asha's own phone would send.
        "orderId" => Some(order["order"]["id"].clone()),
        "SubscriptionId" => Some(subscription["id"].clone()),
        "razorpaySubscriptionId" => Some(subscription["razorpaySubscriptionId"].clone()),
        "paymentId" => Some(json!(paid.razorpay_payment_id)),
        "signature" => Some(json!(paid.razorpay_signature)),
        "documentMediaUrl" | "selfieMediaUrl" | "mediaUrl" => Some(upload.clone()),
        "firebaseToken" => Some(json!(api.world.firebase_token(&mallory.firebase_uid, &mallory.phone))),
        "refreshToken" => Some(json!(mallory.refresh_token)),
        "username" => Some(json!("asha")),
        "seq" => Some(json!(1)),
        "beforeSeq" => Some(json!(100)),
        _ => None,
    };
    let forbidden = [
        SECRET,
        &asha.phone,
        &ravi.phone,
        "1991-07",
        "12.34",
        "56.78",
        &friend.id.to_string(),
        &asha.caller.session_id.to_string(),
        &conversation.to_string(),
        &call,
        request.as_str().expect("an id"),
        room.as_str().expect("an id"),
    ];
    // And after these mallory is nobody.
    let logout_last = |operation: &&Operation| {
        operation.path.ends_with("/logout") || operation.name() == "DELETE /api/users/me"
    };
    let (last, first): (Vec<_>, Vec<_>) = document.operations.iter().partition(logout_last);
    api.world.may_leave_jobs(); // her logout is to take her out of her own room
    for operation in first.into_iter().chain(last) {
        let hers = |name: &str| match (name, operation.path.as_str()) {
            ("userIds", path) if path.ends_with("/invite") => Some(json!([asha.id])),
            _ => hers(name),
        };
        let url = document.url(operation, &hers);
        let mut bodies: Vec<Option<Value>> =
            document.bodies(operation, &hers).into_iter().map(Some).collect();
        if bodies.is_empty() {
            bodies.push(None);
        }
        for body in bodies {
            let request = api.ask(operation.method.clone(), &url, &mallory);
            let answer = api.send(operation.with_body(request, body.as_ref())).await;
            let what = format!("{} {body:?}: {} {}", operation.name(), answer.status, answer.json);
            assert!(answer.status < 500, "{what}");
            for secret in forbidden {
                assert!(!answer.json.to_string().contains(secret), "{what} gives away {secret}");
            }
            // There it is a person's id, to whom mallory may write.
            let names_hers = operation.path.contains("{id}") && operation.name() != "GET /api/messages/{id}"
                || operation.name() != "POST /api/safety/reports"
                    && body.is_some_and(|body| {
                        ["conversationId", "roomId", "mediaId", "orderId", "subscriptionId"]
                            .iter()
                            .any(|id| body.get(id).is_some())
                    });
            if names_hers {
                assert_eq!(answer.status, 404, "{what}");
            }
        }
    }
    assert_eq!(view(&api, &document, &asha, &ravi, &mallory, (&upload, &call, &room, &bought)).await, before);
    api.world.advance(TimeDelta::minutes(1));
    assert_eq!(api.get("/auth/me", &asha).await.status, 200);
}
