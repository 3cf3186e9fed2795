//! Who is let in, and for how long.

use std::time::{Duration, Instant};

use banter_core::testing::World;
use banter_server::patience::Patience;
use chrono::TimeDelta;
use jsonwebtoken::Algorithm;
use serde_json::json;

use crate::harness::socket::Packet;
use crate::harness::{Api, Who, tokens};

#[tokio::test]
async fn a_handshake_without_a_good_token_is_refused_with_its_code() {
    let api = Api::new().await;
    let asha = api.world.user("asha").await;
    let gone = api.world.sign_in(&asha).await;
    api.post("/auth/logout", &gone, json!({})).await.is(200);
    let claims = tokens::claims(&api.world, &asha, 10);
    let token = |token: &str| json!({ "token": token }).to_string();
    let cases = [
        (String::new(), "TOKEN_REQUIRED"),
        ("{}".into(), "TOKEN_REQUIRED"),
        ("{\"token\":null}".into(), "TOKEN_REQUIRED"),
        ("{\"token\":7}".into(), "TOKEN_REQUIRED"),
        ("[]".into(), "TOKEN_REQUIRED"),
        ("\"x\"".into(), "TOKEN_REQUIRED"),
        (token(""), "TOKEN_INVALID"),
        (token("nonsense"), "TOKEN_INVALID"),
        (token(&asha.refresh_token), "TOKEN_INVALID"),
        (token(&tokens::signed_with("another", Algorithm::HS256, &claims)), "TOKEN_INVALID"),
        (token(&tokens::unsigned("none", &claims)), "TOKEN_INVALID"),
        (token(&tokens::signed(&api.world, &tokens::claims(&api.world, &asha, -1))), "TOKEN_EXPIRED"),
        (token(&gone.access_token), "SESSION_REVOKED"),
    ];
    for (auth, code) in cases {
        let (_, answer) = api.handshake(&auth).await;
        assert_eq!(answer, Packet::Refused(json!({ "message": code })), "{auth}");
    }
    // The same transport may try again with a better one.
    let (mut socket, _) = api.handshake("{}").await;
    assert_eq!(socket.greet(&token(&asha.access_token)).await, Packet::Connected);
    assert_eq!(socket.emit_with_ack("presence:heartbeat", json!({})).await["success"], true);
}

#[tokio::test]
async fn before_the_handshake_nothing_is_done() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let mut bystander = api.socket(&ravi).await;
    let mut transport = api.transport().await;
    let new = json!(["message:send", { "receiverId": ravi.id, "content": "from nobody" }]);
    transport.say(&format!("421{new}")).await;
    assert_eq!(bystander.events_so_far().await, []);
    let (mut refused, _) = api.handshake("{}").await;
    refused.throw(format!("421{new}").into()).await;
    assert_eq!(bystander.events_so_far().await, []);
    assert_eq!(api.get(&format!("/messages/{}", asha.id), &ravi).await.is(200)["lastSeq"], 0);
}

fn quick() -> Patience {
    Patience { sweep: Duration::from_millis(50), ..Patience::default() }
}

#[tokio::test]
async fn a_socket_ends_a_while_after_its_token_unless_it_is_given_another() {
    let api = Api::patiently(World::builder(), quick()).await;
    let asha = api.world.user("asha").await;
    let (mut kept, mut left) = (api.socket(&asha).await, api.socket(&asha).await);
    api.world.advance(TimeDelta::minutes(15) + TimeDelta::seconds(59));
    let refreshed =
        api.post("/auth/refresh", Who::Nobody, json!({ "refreshToken": asha.refresh_token })).await.is(200);
    let newer = json!({ "token": refreshed["accessToken"] });
    assert_eq!(kept.emit_with_ack("auth:refresh", newer).await, json!({ "success": true }));
    assert_eq!(
        left.emit_with_ack("presence:heartbeat", json!({})).await["success"],
        true,
        "within the grace"
    );
    api.world.advance(TimeDelta::seconds(2));
    let ended = left.expect("session:revoked").await;
    assert_eq!(ended["code"], "TOKEN_EXPIRED");
    assert!(ended["message"].is_string());
    left.expect_end().await;
    assert_eq!(kept.emit_with_ack("presence:heartbeat", json!({})).await["success"], true);
}

#[tokio::test]
async fn a_socket_takes_no_token_of_somebody_else_s_or_past_its_time() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let mut socket = api.socket(&asha).await;
    for (token, code) in [
        (ravi.access_token.clone(), "TOKEN_INVALID"),
        (asha.refresh_token.clone(), "TOKEN_INVALID"),
        (tokens::signed(&api.world, &tokens::claims(&api.world, &asha, -1)), "TOKEN_EXPIRED"),
    ] {
        assert_eq!(socket.emit_with_ack("auth:refresh", json!({ "token": token })).await["code"], code);
    }
    // Still asha's.
    let ack = socket.emit_with_ack("message:send", json!({ "receiverId": ravi.id, "content": "x" })).await;
    assert_eq!(ack["message"]["senderId"], json!(asha.id));
}

#[tokio::test]
async fn logging_out_closes_this_login_s_sockets_and_no_others() {
    let api = Api::new().await;
    let asha = api.world.user("asha").await;
    let laptop = api.world.sign_in(&asha).await;
    let (mut one, mut two) = (api.socket(&asha).await, api.socket(&asha).await);
    let mut other = api.socket(&laptop).await;
    api.post("/auth/logout", &asha, json!({})).await.is(200);
    for socket in [&mut one, &mut two] {
        let ended = socket.expect("session:revoked").await;
        assert_eq!(ended["code"], "SESSION_REVOKED");
        socket.expect_end().await;
    }
    assert_eq!(other.events_so_far().await, []);
    let path = format!("/auth/sessions/{}", laptop.caller.session_id);
    api.delete(&path, &laptop).await.is(200);
    other.expect("session:revoked").await;
    other.expect_end().await;
}

#[tokio::test]
async fn a_revocation_reaches_another_replica_at_once_through_redis() {
    let api = Api::new().await;
    let other = api.replica().await;
    let asha = api.world.user("asha").await;
    let mut there = other.socket(&asha).await;
    other.get("/auth/me", &asha).await.is(200);
    api.post("/auth/logout", &asha, json!({})).await.is(200);
    there.expect("session:revoked").await;
    there.expect_end().await;
    other.get("/auth/me", &asha).await.refused(403, "SESSION_REVOKED");
}

#[tokio::test]
async fn without_redis_a_revocation_arrives_within_five_seconds() {
    let api = Api::over(World::builder().memory()).await;
    let other = api.replica().await;
    let asha = api.world.user("asha").await;
    let mut there = other.socket(&asha).await;
    api.post("/auth/logout", &asha, json!({})).await.is(200);
    let told = Instant::now();
    there.expect("session:revoked").await;
    assert!(told.elapsed() < Duration::from_secs(5), "{:?}", told.elapsed());
    there.expect_end().await;
    other.get("/auth/me", &asha).await.refused(403, "SESSION_REVOKED");
}
