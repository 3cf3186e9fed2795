//! What no app of ours sends. Whatever comes, the answer is prompt, has the house's shape, and is never a 500.

mod bodies;

use std::time::Duration;

use axum::http::Method;
use banter_core::testing::{Person, World};
use banter_server::patience::Patience;
use serde_json::{Value, json};

use crate::harness::document::{Document, Operation};
use crate::harness::{Answer, Api, Who};

/// Hostility is not what the limits are tested by here.
fn unlimited() -> banter_core::testing::Builder {
    World::builder().config(|config| {
        config.limits.max_requests = 1_000_000;
        config.limits.multiplier = 10_000;
    })
}

struct Scene {
    api: Api,
    document: Document,
    asha: Person,
    ravi: Person,
    conversation: Value,
    message: Value,
    friends: Value,
    request: Value,
    notification: Value,
    room: Value,
}

impl Scene {
    async fn new() -> Self {
        let api = Api::over(unlimited()).await;
        let document = api.document().await;
        let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
        let conversation = json!(api.acquaint(&asha, &ravi, "hello").await);
        let asked = api.post("/friends/requests", &ravi, json!({ "receiverId": asha.id })).await.is(201);
        // So that what is staff's is reached, too.
        api.world.sql(&format!("update users set role = 'admin' where id = '{}'", asha.id)).await;
        let request = asked["request"]["id"].clone();
        let notification = json!(api.world.coin_news(&asha, 50).await);
        let room = json!({ "name": "Chai", "roomType": "text" });
        let room = api.post("/rooms/create", &asha, room).await.is(201)["room"]["id"].take();
        api.world.may_leave_jobs();
        let message = json!(api.world.send(&asha, &ravi, "hello again").await.id);
        let mut friends = Vec::new();
        for name in ["meera", "kabir"] {
            let friend = api.world.user(name).await;
            api.world.befriend(&asha, &friend).await;
            friends.push(json!(friend.id));
        }
        let friends = Value::Array(friends);
        Self { api, document, asha, ravi, conversation, message, friends, request, notification, room }
    }

    fn fill(&self, name: &str) -> Option<Value> {
        match name {
            "firebaseToken" => Some(json!(self.api.world.firebase_token("uid-new", "+919999999999"))),
            // Not asha's: a token that is rotated and comes again ends the login.
            "refreshToken" => Some(json!(self.ravi.refresh_token)),
            "UserId" => Some(json!(self.asha.id)),
            "SessionId" => Some(json!(self.asha.caller.session_id)),
            "ConversationId" => Some(self.conversation.clone()),
            "RoomId" => Some(self.room.clone()),
            "roomType" => Some(json!("text")),
            // Goes with the first of the ids that a report may name.
            "reportType" => Some(json!("call")),
            "FriendRequestId" => Some(self.request.clone()),
            "NotificationId" => Some(self.notification.clone()),
            "MessageId" => Some(self.message.clone()),
            "memberIds" => Some(self.friends.clone()),
            "CaseId" | "SanctionId" | "AppealId" | "HeldMessageId" | "VerificationId" | "sanctionId"
            | "CallId" | "UploadId" | "TransactionId" | "SubscriptionId" | "documentMediaUrl" => {
                Some(json!("0190b2c4-0000-7000-8000-000000000000"))
            }
            "orderId" => Some(json!("order_x")),
            "paymentId" => Some(json!("pay_x")),
            "razorpaySubscriptionId" => Some(json!("sub_x")),
            "selfieMediaUrl" => Some(json!("0190b2c4-0000-7000-8000-000000000001")),
            _ => None,
        }
    }

    fn url(&self, operation: &Operation) -> String {
        self.document.url(operation, &|name| self.fill(name))
    }

    /// Everything that takes a body, and logging out last: it would make the rest pointless.
    fn writing(&self) -> impl Iterator<Item = &Operation> {
        let writes = |o: &&Operation| [Method::POST, Method::PUT, Method::PATCH].contains(&o.method);
        self.document.operations.iter().filter(writes).filter(|o| !o.path.ends_with("/logout"))
    }

    async fn survives(&self) {
        self.api.get("/auth/me", &self.asha).await.is(200);
    }
}

#[track_caller]
fn refused_or_done(what: &str, answer: &Answer) {
    assert!(answer.status < 500, "{what}: {} {}", answer.status, answer.json);
}

#[tokio::test]
async fn broken_bodies() {
    let scene = Scene::new().await;
    let kinds = bodies::whole();
    assert!(kinds.len() >= 50, "{}", kinds.len());
    for operation in scene.writing() {
        let url = scene.url(operation);
        for kind in &kinds {
            let mut request =
                scene.api.ask(operation.method.clone(), &url, &scene.asha).body(kind.body.clone());
            for (name, value) in &kind.headers {
                request = request.header(*name, value.as_slice());
            }
            let answer = scene.api.send(request).await;
            let what = format!("{} with {}", operation.name(), kind.name);
            refused_or_done(&what, &answer);
            if let (Some(expected), Some(_)) = (kind.status, &operation.body) {
                assert_eq!(answer.status, expected, "{what}: {}", answer.json);
            }
        }
    }
    scene.survives().await;
}

#[tokio::test]
async fn broken_fields() {
    let scene = Scene::new().await;
    for operation in scene.writing() {
        let url = scene.url(operation);
        let Some(good) = scene.document.bodies(operation, &|name| scene.fill(name)).into_iter().next() else {
            continue;
        };
        for (field, _) in scene.document.fields(operation) {
            for (kind, value) in bodies::values() {
                let what = format!("{} with {kind} for {field}", operation.name());
                let mut body = good.clone();
                body[&field] = json!("<here>");
                // As text, because some of these values have no place in a `Value`.
                let body = body.to_string().replace("\"<here>\"", &value);
                let request = scene.api.ask(operation.method.clone(), &url, &scene.asha);
                let answer =
                    scene.api.send(request.header("content-type", "application/json").body(body)).await;
                refused_or_done(&what, &answer);
                if answer.json["code"] == "VALIDATION_FAILED" {
                    let fields = answer.json["details"]["fields"].as_object();
                    let named =
                        fields.is_none_or(|fields| fields.keys().any(|name| name.starts_with(&field)));
                    // One of several ids is needed, and it is another.
                    let of_pair = field.ends_with("Id")
                        && fields.is_some_and(|fields| {
                            ["receiverId", "reportedUserId", "userId"]
                                .iter()
                                .any(|id| fields.contains_key(*id))
                        });
                    assert!(named || of_pair, "{what} blames another: {}", answer.json);
                }
            }
            let mut body = good.clone();
            body.as_object_mut().expect("an object").remove(&field);
            let request = scene.api.ask(operation.method.clone(), &url, &scene.asha).json(&body);
            refused_or_done(&format!("{} without {field}", operation.name()), &scene.api.send(request).await);
        }
    }
    scene.survives().await;
}

#[tokio::test]
async fn broken_paths_and_queries() {
    let scene = Scene::new().await;
    let garbage = [
        "",
        "x",
        "0",
        "-1",
        "1e9",
        "%00",
        "%ff",
        "%C0%AF",
        "%2F",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e",
        "null",
        "undefined",
        "9223372036854775808",
        "99999999999999999999999999",
        "-9223372036854775808",
        "1;drop%20table%20users",
        "%27%20or%201%3D1--",
        "%7B%7B7*7%7D%7D",
        "%25s%25n",
        "%F0%9F%92%A3",
        "%E2%80%AE",
        "a%0d%0aSet-Cookie:x=1",
        "00000000-0000-0000-0000-000000000000",
        "%5B%5D",
        "true",
        "0x10",
        "+1",
        "1,2,3",
        ",,,,",
    ];
    // Cursors of the right shape with places that no row has.
    let id = scene.asha.id;
    let places = [
        json!(["-200000-01-01T00:00:00Z", id]),
        json!(["+200000-01-01T00:00:00Z", id]),
        json!(["-004800-01-01T00:00:00Z", id]),
        json!(["2026-01-01T00:00:00Z", null]),
        json!([]),
        json!({}),
        json!(null),
        json!([[[[]]]]),
        json!(1e300),
        json!(["0000-00-00T00:00:00Z", id]),
        json!(id),
        json!("\u{0}"),
        json!([1, "\u{0}", id]),
        json!([i64::MAX, "x", id]),
        json!([-1, "x".repeat(5_000), id]),
    ];
    let lists = [
        "conversations",
        "blocks",
        "sessions",
        "friends",
        "mutual-friends",
        "requests-incoming",
        "people",
        "notifications",
    ];
    let cursors =
        places.iter().flat_map(|place| lists.map(|list| json!([list, place]))).chain(places.clone());
    let cursors: Vec<String> = cursors.map(|cursor| bodies::base64url(&cursor)).collect();
    for operation in &scene.document.operations {
        let url = scene.url(operation);
        let url = url.split('?').next().expect("a path");
        for parameter in operation.query().chain(["nonsense"]) {
            let cursors = cursors.iter().filter(|_| parameter == "cursor").map(String::as_str);
            for value in garbage.iter().copied().chain(cursors) {
                let what = format!("{url}?{parameter}={value}");
                refused_or_done(&what, &scene.api.get(&what, &scene.asha).await);
            }
            let twice = format!("{url}?{parameter}=1&{parameter}=2");
            refused_or_done(&twice, &scene.api.get(&twice, &scene.asha).await);
        }
        for value in garbage {
            if !operation.path.contains('{') {
                continue;
            }
            let (before, after) = operation.path.split_once('{').expect("a parameter");
            let path = format!("{before}{value}{}", after.split_once('}').expect("its end").1);
            let request = format!(
                "{} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
                 content-length: 2\r\nconnection: close\r\n\r\n{{}}",
                operation.method, scene.asha.access_token,
            );
            let answer = Answer::read(&path, &scene.api.raw(request.as_bytes()).await);
            refused_or_done(&path, &answer);
            let unknown = value.starts_with("00000000-");
            let lists = operation.path.ends_with("blocks/{userId}") || unknown;
            assert!(lists || [400, 404, 405].contains(&answer.status), "{path}: {}", answer.status);
        }
    }
    scene.survives().await;
}

#[tokio::test]
async fn requests_that_are_hardly_any() {
    let scene = Scene::new().await;
    let long = "x".repeat(60_000);
    let longer = "x".repeat(200_000);
    let many = "x-header: y\r\n".repeat(2_000);
    let paths = [
        "/",
        "//",
        "/api",
        "/api/",
        "/api//auth/me",
        "/api/../api/auth/me",
        "/api/./auth/me",
        "/api/auth/me/",
        "/api/AUTH/ME",
        "/api/auth%2Fme",
        "/api/auth/me%00",
        "/api/auth/me;x=1",
        "/api/%2e%2e/healthz",
        "/.env",
        "/api/v2/auth/me",
        "/docs/../../etc/passwd",
        "/docs/%2e%2e/%2e%2e/etc/passwd",
        "/docs/nothing-here.js",
        "*",
        "http://elsewhere/api/auth/me",
        "/api/auth/me#fragment",
        "/api/auth/me?a=b?c=d&&&===",
        "/api/é",
    ];
    let mut requests: Vec<Vec<u8>> = paths
        .iter()
        .map(|path| format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").into_bytes())
        .collect();
    let heads = [
        format!("GET /api/{long} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"),
        format!("GET /api/{longer} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"),
        format!("GET /api/auth/me?{long} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"),
        format!("GET /api/auth/me HTTP/1.1\r\nhost: x\r\nx-long: {longer}\r\nconnection: close\r\n\r\n"),
        format!("GET /api/auth/me HTTP/1.1\r\nhost: x\r\n{many}connection: close\r\n\r\n"),
        format!("GET /api/auth/me HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {long}\r\nconnection: close\r\n\r\n"),
        "GET /api/auth/me HTTP/1.1\r\nconnection: close\r\n\r\n".into(),
        "GET /api/auth/me HTTP/1.0\r\n\r\n".into(),
        "GET /api/auth/me HTTP/9.9\r\nhost: x\r\n\r\n".into(),
        "GET /api/auth/me\r\n\r\n".into(),
        "\r\n\r\n\r\n\r\nGARBAGE GARBAGE GARBAGE\r\n\r\n".into(),
        "POST /api/auth/refresh HTTP/1.1\r\nhost: x\r\ncontent-length: -5\r\n\r\n".into(),
        "POST /api/auth/refresh HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!".into(),
        "POST /api/auth/refresh HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999999999999999\r\n\r\n".into(),
        "POST /api/auth/refresh HTTP/1.1\r\nhost: x\r\ntransfer-encoding: nonsense\r\n\r\n".into(),
        "POST /api/auth/refresh HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-type: application/json\r\n\
         connection: close\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"
            .into(),
        "POST /api/auth/refresh HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ncontent-type: application/json\r\n\
         connection: close\r\n\r\n{} and more that nobody announced"
            .into(),
        "GET /api/auth/me HTTP/1.1\r\nhost: x\r\nname with spaces: y\r\n\r\n".into(),
        "GET /api/auth/me HTTP/1.1\r\nhost: x\r\nx-nul: a\0b\r\n\r\n".into(),
    ];
    requests.extend(heads.map(String::into_bytes));
    for request in requests {
        let what = String::from_utf8_lossy(&request[..request.len().min(80)]).replace("\r\n", "⏎");
        let answer = scene.api.raw(&request).await;
        // Where the server refuses while the peer still writes, the answer may be lost with the connection.
        if answer.is_empty() && request.len() > 100_000 {
            continue;
        }
        refused_or_done(&what, &Answer::read(&format!("GET {what}"), &answer));
    }
    scene.survives().await;
}

#[tokio::test]
async fn a_chunked_body_is_a_body() {
    let scene = Scene::new().await;
    let body = json!({ "refreshToken": scene.asha.refresh_token }).to_string();
    let (one, other) = body.split_at(20);
    let request = format!(
        "POST /api/auth/refresh HTTP/1.1\r\nhost: x\r\ncontent-type: application/json; charset=utf-8\r\n\
         transfer-encoding: chunked\r\nconnection: close\r\n\r\n{:x}\r\n{one}\r\n{:x}\r\n{other}\r\n0\r\n\r\n",
        one.len(),
        other.len(),
    );
    Answer::read("chunked", &scene.api.raw(request.as_bytes()).await).is(200);
}

#[tokio::test]
async fn odd_credentials() {
    let scene = Scene::new().await;
    let token = scene.asha.access_token.as_str();
    let (two, tab) = (format!("Bearer {token} {token}"), format!("Bearer\t{token}"));
    let (long, bare) = (format!("Bearer {}", "x".repeat(30_000)), format!("Basic {token}"));
    for value in [
        "",
        " ",
        "Bearer",
        "Bearer ",
        "Bearer  ",
        "Bearer x",
        "Bearer a.b.c",
        "Bearer ..",
        "Bearer \u{e9}",
        "Basic Og==",
        "Digest x",
        token,
        &two,
        &tab,
        &long,
        &bare,
        "Bearer null",
        "Bearer undefined",
        "Bearer Bearer",
        "{}",
    ] {
        let request =
            scene.api.ask(Method::GET, "/auth/me", Who::Nobody).header("authorization", value.as_bytes());
        let answer = scene.api.send(request).await;
        assert!([401, 403].contains(&answer.status), "{value}: {}", answer.status);
    }
    for good in [format!("bearer {token}"), format!("BEARER   {token}  ")] {
        let request = scene.api.ask(Method::GET, "/auth/me", Who::Nobody).header("authorization", good);
        assert_eq!(scene.api.send(request).await.status, 200);
    }
}

#[tokio::test]
async fn methods_that_no_route_takes() {
    let scene = Scene::new().await;
    for operation in &scene.document.operations {
        let url = scene.url(operation);
        let url = url.split('?').next().expect("a path");
        for method in ["BREW", "TRACE", "PROPFIND", "get", "QUERY"] {
            let method = Method::from_bytes(method.as_bytes()).expect("a token");
            let answer = scene.api.send(scene.api.ask(method, url, &scene.asha)).await;
            answer.refused(405, "METHOD_NOT_ALLOWED");
        }
    }
}

#[tokio::test]
async fn an_endless_body_is_refused_when_it_is_too_large() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let scene = Scene::new().await;
    let stream = tokio::net::TcpStream::connect(scene.api.address).await.unwrap();
    let (mut read, mut write) = stream.into_split();
    let writing = tokio::spawn(async move {
        let head = "POST /api/auth/refresh HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                    transfer-encoding: chunked\r\n\r\n10001\r\n\"";
        let mut sent = write.write_all(head.as_bytes()).await;
        while sent.is_ok() {
            sent = write.write_all(&[b'x'; 0x10000]).await;
            if sent.is_ok() {
                sent = write.write_all(b"\r\n10000\r\n").await;
            }
        }
    });
    let mut answer = Vec::new();
    // The connection breaks while we write; the answer came before.
    let _ =
        tokio::time::timeout(Duration::from_secs(10), read.read_to_end(&mut answer)).await.expect("it ends");
    if !answer.is_empty() {
        Answer::read("an endless body", &answer).refused(413, "BODY_TOO_LARGE");
    }
    writing.await.unwrap();
    scene.survives().await;
}

#[tokio::test]
async fn who_is_slow_is_not_waited_for() {
    let patience = Patience {
        headers: Duration::from_millis(200),
        idle: Duration::from_millis(200),
        request: Duration::from_millis(400),
        ..Patience::default()
    };
    let api = Api::patiently(unlimited(), patience).await;
    for silence in ["", "P", "GET /api/auth/me HTTP/1.1\r\nhost: x\r\nx-slow: ", "PRI * HTTP/2.0\r\n"] {
        assert_eq!(String::from_utf8_lossy(&api.raw(silence.as_bytes()).await), "", "{silence:?}");
    }
    let head = "POST /api/auth/refresh HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    for body in
        ["content-length: 500\r\n\r\n{\"refreshToken\"", "transfer-encoding: chunked\r\n\r\n5\r\n{\"ref\r\n"]
    {
        let answer = Answer::read(body, &api.raw(format!("{head}{body}").as_bytes()).await);
        answer.refused(503, "TIMEOUT");
    }
    // The first request was in time; the next head is not.
    let second = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\nGET /healthz HTTP/1.1\r\nhost";
    assert_eq!(String::from_utf8_lossy(&api.raw(second.as_bytes()).await).matches("200 OK").count(), 1);
}
