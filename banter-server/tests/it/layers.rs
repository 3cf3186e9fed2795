//! What every request passes: ids, limits, CORS, compression, repeats.

mod idempotency;

use axum::http::Method;
use banter_core::testing::{Person, World};
use chrono::TimeDelta;
use serde_json::json;

use crate::harness::{Answer, Api, Who};

#[tokio::test]
async fn a_request_id_is_taken_over_if_it_is_plain() {
    let api = Api::new().await;
    let asked = async |id: &[u8]| {
        let request = api.ask(Method::GET, "/auth/me", Who::Nobody).header("x-request-id", id);
        api.send(request).await.refused(401, "TOKEN_REQUIRED")["requestId"].as_str().unwrap().to_owned()
    };
    let longest = "x".repeat(64);
    for good in ["a", "018f-AB.c_d", longest.as_str()] {
        assert_eq!(asked(good.as_bytes()).await, good);
    }
    let too_long = "x".repeat(65);
    for bad in
        [&b""[..], b"with space", b"semi;colon", b"\"quoted\"", b"\xff", b"<script>", too_long.as_bytes()]
    {
        let id = asked(bad).await;
        assert!(id.parse::<uuid::Uuid>().is_ok(), "{id}");
    }
    assert_ne!(asked(b"").await, asked(b"").await);
}

fn few(max: u32, proxies: usize) -> banter_core::testing::Builder {
    World::builder().config(move |config| {
        config.limits.max_requests = max;
        config.http.trusted_proxies = proxies;
    })
}

fn numbers(answer: &Answer) -> [u64; 3] {
    ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"]
        .map(|name| answer.header(name).unwrap_or_else(|| panic!("no {name}")).parse().expect("a number"))
}

#[tokio::test]
async fn limits_count_down_refuse_and_come_back() {
    let api = Api::over(few(3, 0)).await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    for remaining in [2, 1, 0] {
        let answer = api.get("/auth/me", &asha).await;
        assert_eq!((answer.status, numbers(&answer)), (200, [3, remaining, 900 - 300 * remaining]));
    }
    let refused = api.get("/auth/me", &asha).await;
    assert_eq!(numbers(&refused), [3, 0, 900]);
    assert_eq!(refused.header("retry-after"), Some("300"));
    refused.refused(429, "RATE_LIMITED");
    // Another login of hers is her; another person is not, and nobody is an address.
    let again = api.world.sign_in(&asha).await;
    api.get("/auth/me", &again).await.refused(429, "RATE_LIMITED");
    api.get("/auth/me", &ravi).await.is(200);
    for _ in 0..3 {
        api.get("/auth/me", Who::Nobody).await.refused(401, "TOKEN_REQUIRED");
    }
    api.get("/auth/me", Who::Token("nonsense")).await.refused(429, "RATE_LIMITED");
    api.get("/healthz", Who::Nobody).await.is(200);
    api.world.advance(TimeDelta::seconds(300));
    api.get("/auth/me", &asha).await.is(200);
    api.get("/auth/me", &asha).await.refused(429, "RATE_LIMITED");
}

#[tokio::test]
async fn whose_token_ran_out_does_not_use_up_the_address() {
    let api = Api::over(few(2, 0)).await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    api.world.advance(TimeDelta::hours(1));
    for _ in 0..2 {
        api.get("/auth/me", &asha).await.refused(403, "TOKEN_EXPIRED");
    }
    api.get("/auth/me", &asha).await.refused(429, "RATE_LIMITED");
    // Behind the same address: another person, somebody without a token, and anybody's refresh.
    api.get("/auth/me", &ravi).await.refused(403, "TOKEN_EXPIRED");
    for _ in 0..2 {
        api.get("/auth/me", Who::Nobody).await.refused(401, "TOKEN_REQUIRED");
    }
    api.get("/auth/me", Who::Nobody).await.refused(429, "RATE_LIMITED");
    let body = json!({ "refreshToken": ravi.refresh_token });
    api.post("/auth/refresh", Who::Nobody, body).await.is(200);
}

#[tokio::test]
async fn a_stricter_limit_names_itself() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    for i in 0..120 {
        api.world.send(&asha, &ravi, &format!("{i}")).await;
    }
    let refused = api.post("/messages", &asha, json!({ "receiverId": ravi.id, "content": "x" })).await;
    let wait: u64 = refused.header("retry-after").expect("a wait").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    refused.refused(429, "RATE_LIMITED");
    api.get("/auth/me", &asha).await.is(200);
}

async fn from(api: &Api, forwarded: &[&str]) -> u16 {
    let mut request = api.ask(Method::GET, "/auth/me", Who::Nobody);
    for value in forwarded {
        request = request.header("x-forwarded-for", *value);
    }
    api.send(request).await.status
}

#[tokio::test]
async fn no_proxy_is_believed_about_addresses_unless_it_is_ours() {
    let api = Api::over(few(1, 0)).await;
    assert_eq!(from(&api, &["198.51.100.1"]).await, 401);
    assert_eq!(from(&api, &["198.51.100.2"]).await, 429, "the header is the client's own word");

    let api = Api::over(few(1, 1)).await;
    assert_eq!(from(&api, &["198.51.100.1"]).await, 401);
    assert_eq!(from(&api, &["198.51.100.2"]).await, 401);
    assert_eq!(
        from(&api, &["10.0.0.1, 198.51.100.2"]).await,
        429,
        "what the client claims stands further left"
    );
    assert_eq!(from(&api, &["10.0.0.1", "198.51.100.2"]).await, 429, "in a header of its own, too");
    assert_eq!(from(&api, &["198.51.100.2:50123"]).await, 429, "with a port");
    assert_eq!(from(&api, &["[2001:db8::1]:50123"]).await, 401);
    assert_eq!(from(&api, &["2001:db8::1"]).await, 429);
    assert_eq!(from(&api, &["nonsense"]).await, 401, "then it is the peer's");
    assert_eq!(from(&api, &[]).await, 429);

    let api = Api::over(few(1, 2)).await;
    assert_eq!(from(&api, &["198.51.100.1, 10.9.9.9"]).await, 401);
    assert_eq!(from(&api, &["198.51.100.1, 10.8.8.8"]).await, 429);
    assert_eq!(from(&api, &["1.1.1.1, 198.51.100.2, 10.9.9.9"]).await, 401);
}

async fn preflight(api: &Api, origin: &str) -> Option<String> {
    let request = api
        .ask(Method::OPTIONS, "/messages", Who::Nobody)
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type,idempotency-key,x-request-id");
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let header = |name| answer.headers().get(name).map(|value| value.to_str().expect("text").to_owned());
    let allowed = header("access-control-allow-origin");
    assert_eq!(header("access-control-allow-credentials"), None, "tokens travel in a header, cookies do not");
    if allowed.is_some() {
        let headers = header("access-control-allow-headers");
        assert_eq!(headers.as_deref(), Some("authorization,content-type,idempotency-key,x-request-id"));
        assert_eq!(header("access-control-allow-methods").as_deref(), Some("GET,POST,PUT,PATCH,DELETE"));
    }
    allowed
}

#[tokio::test]
async fn browsers_of_known_origins_are_let_in() {
    let api = Api::over(World::builder().config(|config| {
        config.http.allowed_origins = vec!["http://localhost:8081".into(), "https://*.banter.app".into()];
    }))
    .await;
    for origin in ["http://localhost:8081", "https://staging.banter.app"] {
        assert_eq!(preflight(&api, origin).await.as_deref(), Some(origin));
        let request = api.ask(Method::GET, "/auth/me", Who::Nobody).header("origin", origin);
        let answer = api.send(request).await;
        assert_eq!(
            answer.header("access-control-allow-origin"),
            Some(origin),
            "refusals too must be readable"
        );
        assert_eq!(
            answer.header("access-control-expose-headers"),
            Some(
                "x-request-id,retry-after,ratelimit-limit,ratelimit-remaining,ratelimit-reset,idempotency-replayed"
            )
        );
        assert!(
            answer.header("vary").is_some_and(|vary| vary.contains("origin")),
            "caches must not mix them up"
        );
    }
    for origin in [
        "http://localhost:8082",
        "https://banter.app.evil.example",
        "null",
        "https://evil.example/.banter.app",
    ] {
        assert_eq!(preflight(&api, origin).await, None, "{origin}");
    }
}

#[tokio::test]
async fn large_answers_are_compressed_for_who_can_read_that() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    for _ in 0..5 {
        api.world.send(&asha, &ravi, &"words ".repeat(200)).await;
    }
    let ask = async |path: &str, encoding: &str, who: &Person| {
        let request = api.ask(Method::GET, path, who).header("accept-encoding", encoding);
        request.send().await.expect("an answer")
    };
    let path = format!("/messages/{}", ravi.id);
    let large = ask(&path, "gzip", &asha).await;
    assert_eq!(large.headers()["content-encoding"], "gzip");
    let packed = large.bytes().await.unwrap();
    assert_eq!(packed[..2], [0x1f, 0x8b]);
    let plain = ask(&path, "identity", &asha).await;
    assert_eq!(plain.headers().get("content-encoding"), None);
    assert!(plain.bytes().await.unwrap().len() > 5 * packed.len());
    assert_eq!(ask("/auth/me", "gzip", &asha).await.headers().get("content-encoding"), None);
    // A refusal is written further out and never compressed.
    assert_eq!(ask("/nothing", "gzip", &asha).await.headers().get("content-encoding"), None);
}

#[tokio::test]
async fn nothing_is_here_and_no_such_method_are_said_in_our_shape() {
    let api = Api::new().await;
    for path in [
        "/",
        "/api",
        "/api/nothing",
        "/api/v1/nothing",
        "/api/v2/auth/me",
        "/docs/nothing.js",
        "/favicon.ico",
    ] {
        api.get(path, Who::Nobody).await.refused(404, "NOT_FOUND");
    }
    let answer = api.delete("/auth/me", Who::Nobody).await;
    assert_eq!(answer.header("allow"), Some("GET,HEAD"));
    answer.refused(405, "METHOD_NOT_ALLOWED");
    assert_eq!(api.send(api.ask(Method::HEAD, "/auth/me", Who::Nobody)).await.status, 401);
}
