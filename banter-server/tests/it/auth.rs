//! Signing in, and the logins of a person.

use banter_core::testing::google::{self, Google};
use banter_core::testing::{World, redact};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::harness::{Answer, Api, Who};

async fn verify(api: &Api, token: &str) -> Answer {
    api.post("/auth/verify-firebase", Who::Nobody, json!({ "firebaseToken": token })).await
}

fn registration(api: &Api, username: &str) -> Value {
    json!({
        "firebaseToken": api.world.firebase_token(&format!("uid-{username}"), "+919000000001"),
        "fullName": " Meera Nair ",
        "username": username,
        "dateOfBirth": "2001-02-03",
        "gender": "female",
        "fcmToken": "fcm-1",
    })
}

async fn refresh(api: &Api, token: &str, rotate: bool) -> Answer {
    api.post("/auth/refresh", Who::Nobody, json!({ "refreshToken": token, "rotate": rotate })).await
}

#[tokio::test]
async fn a_stranger_is_asked_to_register() {
    let api = Api::new().await;
    let token = api.world.firebase_token("uid-1", "+919000000001");
    for _ in 0..2 {
        insta::assert_json_snapshot!("stranger", verify(&api, &token).await.is(200));
    }
}

#[tokio::test]
async fn a_known_person_is_signed_in_each_time_anew() {
    let api = Api::new().await;
    let asha = api.world.user("asha").await;
    let token = api.world.firebase_token(&asha.firebase_uid, &asha.phone);
    let body = verify(&api, &token).await.is(200);
    let fresh = body["accessToken"].as_str().unwrap().to_owned();
    insta::assert_json_snapshot!("signed_in", body, {
        ".user.id" => redact::id("asha", asha.id), ".accessToken" => redact::token(), ".refreshToken" => redact::token(),
    });
    api.get("/auth/me", Who::Token(&fresh)).await.is(200);
    let sessions = api.get("/auth/sessions", &asha).await.is(200);
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn firebase_tokens_are_checked() {
    let google = Google::start().await;
    let url = google.url().to_owned();
    let api = Api::over(World::builder().config(|config| {
        config.firebase.emulator_host = None;
        config.firebase.certs_url = url;
    }))
    .await;
    let claims = google::claims("uid-1", "+919000000001", api.world.now());
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        google.sign(&claims)
    };
    google.fail(500);
    let away = verify(&api, &google.sign(&claims)).await;
    assert_eq!(away.header("retry-after"), Some("5"));
    away.refused(503, "SIGN_IN_UNAVAILABLE");
    google.recover();
    api.world.advance(TimeDelta::seconds(6));
    verify(&api, &google.sign(&claims)).await.is(200);
    let unsigned = api.world.firebase_token("uid-1", "+919000000001");
    let bad = [
        "",
        "nonsense",
        "a.b.c",
        &unsigned,
        &google.forge(&claims),
        &with("aud", json!("another-project")),
        &with("exp", json!(1)),
        &with("sub", json!("")),
        &with("sub", json!("a\u{0}b")),
        &with("iss", json!("https://evil.example")),
    ];
    for token in bad {
        verify(&api, token).await.refused(401, "FIREBASE_TOKEN_INVALID");
    }
    verify(&api, &with("phone_number", Value::Null)).await.refused(400, "PHONE_NUMBER_REQUIRED");
}

#[tokio::test]
async fn registering_makes_an_account_once() {
    let api = Api::new().await;
    let body = registration(&api, "meera");
    let registered = api.post("/auth/register", Who::Nobody, body.clone()).await.is(201);
    insta::assert_json_snapshot!("registered", registered, {
        ".user.id" => redact::uuid(), ".accessToken" => redact::token(), ".refreshToken" => redact::token(),
    });
    let me = api.get("/auth/me", Who::Token(registered["accessToken"].as_str().unwrap())).await.is(200);
    insta::assert_json_snapshot!("me", me, {
        ".user.id" => redact::id("meera", registered["user"]["id"].as_str().unwrap()), ".user.createdAt" => redact::time(),
    });
    let mut again = body;
    again["username"] = json!("meera2");
    api.post("/auth/register", Who::Nobody, again).await.refused(409, "ALREADY_REGISTERED");
}

#[tokio::test]
async fn a_registration_that_is_wrong_names_every_fault() {
    let api = Api::new().await;
    api.world.user("asha").await;
    let with = |fields: Value| {
        let mut body = registration(&api, "meera");
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        body
    };
    let wrong =
        json!({ "fullName": "x", "username": "no spaces", "dateOfBirth": "yesterday", "fcmToken": "" });
    let refused =
        api.post("/auth/register", Who::Nobody, with(wrong)).await.refused(400, "VALIDATION_FAILED");
    insta::assert_json_snapshot!("registration_faults", refused, { ".requestId" => redact::uuid() });
    for (fields, code) in [
        (json!({ "username": "ASHA" }), "USERNAME_TAKEN"),
        (json!({ "username": "support" }), "VALIDATION_FAILED"),
        (json!({ "dateOfBirth": "2008-11-23" }), "AGE_RESTRICTED"),
        (json!({ "gender": "unknown" }), "VALIDATION_FAILED"),
        (json!({ "gender": null }), "VALIDATION_FAILED"),
    ] {
        api.post("/auth/register", Who::Nobody, with(fields)).await.refused(400, code);
    }
    let forged = with(json!({ "firebaseToken": "nonsense" }));
    api.post("/auth/register", Who::Nobody, forged).await.refused(401, "FIREBASE_TOKEN_INVALID");
    api.post("/auth/register", Who::Nobody, with(json!({ "dateOfBirth": "2008-11-22T00:00:00.000Z" })))
        .await
        .is(201);
}

#[tokio::test]
async fn of_two_who_register_at_once_one_does() {
    let api = Api::new().await;
    let twice = || api.post("/auth/register", Who::Nobody, registration(&api, "meera"));
    let (one, other) = tokio::join!(twice(), twice());
    let mut statuses = [(one.status, one.json["code"].clone()), (other.status, other.json["code"].clone())];
    statuses.sort_by_key(|(status, _)| *status);
    assert_eq!(statuses[0], (201, Value::Null));
    // Which of the unique names the second ran into is the database's choice.
    assert!([json!("ALREADY_REGISTERED"), json!("USERNAME_TAKEN")].contains(&statuses[1].1), "{statuses:?}");
}

#[tokio::test]
async fn an_access_token_is_refreshed() {
    let api = Api::new().await;
    let asha = api.world.user("asha").await;
    api.world.advance(TimeDelta::minutes(20));
    api.get("/auth/me", &asha).await.refused(403, "TOKEN_EXPIRED");
    for _ in 0..2 {
        let body = refresh(&api, &asha.refresh_token, false).await.is(200);
        api.get("/auth/me", Who::Token(body["accessToken"].as_str().unwrap())).await.is(200);
        insta::assert_json_snapshot!("refreshed", body, { ".accessToken" => redact::token() });
    }
    for bad in ["", "nonsense", &asha.access_token] {
        refresh(&api, bad, false).await.refused(401, "REFRESH_TOKEN_INVALID");
    }
    api.world.advance(TimeDelta::days(30));
    refresh(&api, &asha.refresh_token, false).await.refused(401, "REFRESH_TOKEN_INVALID");
}

#[tokio::test]
async fn a_rotated_refresh_token_that_comes_again_ends_the_login() {
    let api = Api::new().await;
    let asha = api.world.user("asha").await;
    let laptop = api.world.sign_in(&asha).await;
    let body = refresh(&api, &asha.refresh_token, true).await.is(200);
    insta::assert_json_snapshot!("rotated", body, { ".accessToken" => redact::token(), ".refreshToken" => redact::token() });
    let newer = body["refreshToken"].as_str().unwrap();
    let newest = refresh(&api, newer, true).await.is(200);
    refresh(&api, newer, false).await.refused(401, "REFRESH_TOKEN_REUSED");
    let newest = newest["refreshToken"].as_str().unwrap();
    refresh(&api, newest, false).await.refused(401, "REFRESH_TOKEN_INVALID");
    api.get("/auth/me", &asha).await.refused(403, "SESSION_REVOKED");
    api.get("/auth/me", &laptop).await.is(200);
}

#[tokio::test]
async fn logging_out_ends_this_login_only() {
    let api = Api::new().await;
    let asha = api.world.user("asha").await;
    let laptop = api.world.sign_in(&asha).await;
    insta::assert_json_snapshot!("logged_out", api.post("/auth/logout", &asha, json!({})).await.is(200));
    api.get("/auth/me", &asha).await.refused(403, "SESSION_REVOKED");
    api.post("/auth/logout", &asha, json!({})).await.refused(403, "SESSION_REVOKED");
    refresh(&api, &asha.refresh_token, false).await.refused(401, "REFRESH_TOKEN_INVALID");
    api.get("/auth/me", &laptop).await.is(200);
}

#[tokio::test]
async fn logins_are_listed_and_ended() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    api.world.advance(TimeDelta::minutes(1));
    let laptop = api.world.sign_in(&asha).await;
    api.put("/users/me/device", &laptop, json!({ "fcmToken": "fcm-2", "platform": "web" })).await.is(200);
    let page = api.get("/auth/sessions?limit=1", &asha).await.is(200);
    insta::assert_json_snapshot!("sessions", page, {
        ".sessions[].id" => redact::id("laptop", laptop.caller.session_id), ".sessions[].createdAt" => redact::time(),
        ".sessions[].lastUsedAt" => redact::time(), ".nextCursor" => "[cursor]",
    });
    let cursor = page["nextCursor"].as_str().unwrap();
    let rest = api.get(&format!("/auth/sessions?limit=1&cursor={cursor}"), &asha).await.is(200);
    assert_eq!((&rest["sessions"][0]["current"], &rest["nextCursor"]), (&json!(true), &Value::Null));
    let path = format!("/auth/sessions/{}", laptop.caller.session_id);
    api.delete(&path, &ravi).await.refused(404, "SESSION_NOT_FOUND");
    assert_eq!(api.delete(&path, &asha).await.is(200), json!({ "success": true }));
    api.delete(&path, &asha).await.refused(404, "SESSION_NOT_FOUND");
    api.get("/auth/me", &laptop).await.refused(403, "SESSION_REVOKED");
    let (one, two) = (api.world.sign_in(&asha).await, api.world.sign_in(&asha).await);
    assert_eq!(api.delete("/auth/sessions", &two).await.is(200), json!({ "success": true, "ended": 2 }));
    api.get("/auth/me", &one).await.refused(403, "SESSION_REVOKED");
    assert_eq!(api.delete("/auth/sessions", &two).await.is(200)["ended"], 0);
}

#[tokio::test]
async fn a_suspended_person_does_not_get_in() {
    let api = Api::new().await;
    let asha = api.world.user("asha").await;
    api.world.sql("update users set status = 'suspended', status_until = '2026-11-23T00:00:00Z'").await;
    let token = api.world.firebase_token(&asha.firebase_uid, &asha.phone);
    verify(&api, &token).await.refused(403, "ACCOUNT_SUSPENDED");
    refresh(&api, &asha.refresh_token, false).await.refused(403, "ACCOUNT_SUSPENDED");
    api.world.advance(TimeDelta::days(1));
    refresh(&api, &asha.refresh_token, false).await.is(200);
    let token = api.world.firebase_token(&asha.firebase_uid, &asha.phone);
    verify(&api, &token).await.is(200);
}
