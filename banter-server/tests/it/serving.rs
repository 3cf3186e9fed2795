//! When something breaks or goes away: a handler, a client, PostgreSQL, Redis, the server itself.

use std::time::Duration;

use axum::Router;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use banter_core::testing::{Builder, DEADLINE, World};
use banter_server::http::layers::{self, observe::observe};
use banter_server::patience::Patience;
use banter_server::router::{self, App};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::harness::proxy::{self, Proxy};
use crate::harness::{Api, Lock, Server, Who, until};

#[tokio::test]
async fn a_handler_that_panics_is_a_500_with_a_request_id() {
    let world = World::builder().without_notices().build().await;
    let routes =
        Router::new().route("/api/panic", get(async || -> &'static str { panic!("a secret detail") }));
    let router = routes
        .layer(from_fn_with_state(Patience { request: DEADLINE, ..Patience::default() }, layers::finish))
        .layer(from_fn_with_state(world.banter.clone(), observe));
    let server = Server::start(App { router, ..router::app(&world.banter) }).await;
    let answer =
        server.send(server.ask(Method::GET, "/api/panic", Who::Nobody).header("x-request-id", "r-1")).await;
    let body = answer.refused(500, "INTERNAL");
    assert_eq!(body["requestId"], "r-1");
    assert!(!body.to_string().contains("secret"), "{body}");
}

#[tokio::test]
async fn a_client_that_goes_away_stops_nothing() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    api.acquaint(&asha, &ravi, "hello").await;
    let mut ravi_s = api.socket(&ravi).await;
    // Sending waits for this lock, so the client is gone before the message is stored.
    let lock = Lock::on_messages(&api).await;
    let body = json!({ "receiverId": ravi.id, "content": "and gone" }).to_string();
    let request = format!(
        "POST /api/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        asha.access_token,
        body.len(),
    );
    let mut client = TcpStream::connect(api.address).await.unwrap();
    client.write_all(request.as_bytes()).await.unwrap();
    lock.is_waited_for(&api).await;
    drop(client);
    // A request made later on another connection is answered, so the server has seen the end of the first.
    api.get("/healthz", Who::Nobody).await.is(200);
    lock.release().await;
    assert_eq!(ravi_s.expect("message:new").await["content"], "and gone");
    let history = api.get(&format!("/messages/{}", ravi.id), &asha).await.is(200);
    assert_eq!(history["messages"][0]["content"], "and gone");
}

async fn by_proxies() -> (Builder, Proxy, Proxy) {
    let redis = Proxy::to(&std::env::var("REDIS_URL").expect("REDIS_URL")).await;
    let postgres = Proxy::to(&std::env::var("DATABASE_URL").expect("DATABASE_URL")).await;
    let (to_redis, to_postgres) = (redis.address, postgres.address);
    let builder = World::builder().config(move |config| {
        use secrecy::ExposeSecret as _;
        let through = |url: &secrecy::SecretString, address| proxy::through(url.expose_secret(), address);
        config.database.url = through(&config.database.url, to_postgres).into();
        if let Some(redis) = &mut config.redis {
            redis.url = through(&redis.url, to_redis).into();
        }
    });
    (builder, postgres, redis)
}

#[tokio::test]
async fn without_postgres_the_api_says_so_and_recovers() {
    let (builder, postgres, _redis) = by_proxies().await;
    let api = Api::over(builder).await;
    let asha = api.world.user("asha").await;
    let ready =
        json!({ "ready": true, "database": "ok", "cache": "ok", "version": env!("CARGO_PKG_VERSION") });
    assert_eq!(api.get("/readyz", Who::Nobody).await.is(200), ready);
    postgres.cut();
    let answer = api.get("/auth/me", &asha).await;
    assert!(answer.header("retry-after").is_some());
    answer.refused(503, "DATABASE_UNAVAILABLE");
    let send = json!({ "receiverId": asha.id, "content": "x" });
    let key = api.ask(Method::POST, "/messages", &asha).header("idempotency-key", "k").json(&send);
    api.send(key).await.refused(503, "DATABASE_UNAVAILABLE");
    let not_ready = api.get("/readyz", Who::Nobody).await;
    assert_eq!((&not_ready.json["ready"], &not_ready.json["database"]), (&json!(false), &json!("away")));
    assert_eq!(not_ready.status, 503);
    api.get("/healthz", Who::Nobody).await.is(200);
    // What needs no database goes on.
    api.get("/auth/me", Who::Nobody).await.refused(401, "TOKEN_REQUIRED");
    postgres.mend();
    until("the database is back", async || api.get("/auth/me", &asha).await.status == 200).await;
    assert_eq!(api.get("/readyz", Who::Nobody).await.status, 200);
}

#[tokio::test]
async fn without_redis_everything_goes_on_but_presence_is_unknown() {
    let (builder, _postgres, redis) = by_proxies().await;
    let api = Api::over(builder).await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    api.world.befriend(&asha, &ravi).await;
    let mut before = api.socket(&ravi).await;
    redis.cut();
    until("Redis is away", async || api.get("/readyz", Who::Nobody).await.json["cache"] == "away").await;
    assert_eq!(api.get("/readyz", Who::Nobody).await.status, 200, "the replica still serves");
    let mut during = api.socket(&ravi).await;
    let answer =
        api.post("/messages", &asha, json!({ "receiverId": ravi.id, "content": "still here" })).await;
    assert!(answer.header("ratelimit-remaining").is_some());
    let sent = answer.is(201);
    for socket in [&mut before, &mut during] {
        assert_eq!(socket.expect("message:new").await, sent["message"]);
    }
    let path = format!("/presence?userIds={}", ravi.id);
    assert_eq!(api.get(&path, &asha).await.is(200)["presence"][0]["status"], "unknown");
    redis.mend();
    until("presence is known again", async || {
        api.get(&path, &asha).await.is(200)["presence"][0]["status"] != "unknown"
    })
    .await;
}

#[tokio::test]
async fn an_ending_server_finishes_what_it_has_begun() {
    let mut api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    api.acquaint(&asha, &ravi, "hello").await;
    let mut socket = api.socket(&ravi).await;
    let lock = Lock::on_messages(&api).await;
    let body = json!({ "receiverId": ravi.id, "content": "in time" });
    let request = api.ask(Method::POST, "/messages", &asha).json(&body);
    let under_way = tokio::spawn(request.send());
    lock.is_waited_for(&api).await;
    api.tell_to_end();
    assert!(socket.expect("server:closing").await["message"].is_string());
    socket.expect_closed().await;
    assert!(TcpStream::connect(api.address).await.is_err(), "nobody is let in any more");
    lock.release().await;
    let answer = tokio::time::timeout(DEADLINE, under_way).await.unwrap().unwrap().expect("it is answered");
    assert_eq!(answer.status(), 201);
    api.ended().await;
}

#[tokio::test]
async fn an_ending_server_waits_for_nobody_for_ever() {
    let patience = Patience { drain: Duration::from_millis(100), ..Patience::default() };
    let mut api = Api::patiently(World::builder(), patience).await;
    let mut slow = TcpStream::connect(api.address).await.unwrap();
    slow.write_all(b"POST /api/auth/refresh HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\ncontent-type: application/json\r\n\r\n{")
        .await
        .unwrap();
    api.get("/healthz", Who::Nobody).await.is(200);
    api.tell_to_end();
    api.ended().await;
}
