//! The caller's own account.

use axum::http::Method;
use banter_core::testing::redact;
use serde_json::json;

use crate::harness::{Api, Who};

#[tokio::test]
async fn everything_that_may_change_changes_and_may_be_cleared() {
    let api = Api::new().await;
    let asha = api.world.user("asha").await;
    let change = json!({
        "fullName": "Asha Rao", "username": "Asha_R", "email": "asha@example.in", "bio": " chai, cricket \n and code ",
        "gender": "prefer_not_to_say", "language": "mai", "interests": ["music", " music ", "क्रिकेट"], "lookingFor": ["friends"],
        "coins": 1_000_000, "role": "admin", "isVerified": true, "id": "0190b2c4-0000-7000-8000-000000000000",
    });
    let changed = api.patch("/users/me", &asha, change).await.is(200);
    insta::assert_json_snapshot!("changed", changed, {
        ".user.id" => redact::id("asha", asha.id), ".user.createdAt" => redact::time(),
    });
    assert_eq!(api.get("/auth/me", &asha).await.is(200), changed);
    assert_eq!(
        api.patch("/users/me", &asha, json!({})).await.is(200),
        changed,
        "nothing asked, nothing changed"
    );
    let cleared =
        api.patch("/users/me", &asha, json!({ "email": null, "bio": null, "fullName": null })).await.is(200);
    assert_eq!((&cleared["user"]["email"], &cleared["user"]["bio"]), (&json!(null), &json!(null)));
    assert_eq!(cleared["user"]["fullName"], "Asha Rao", "what cannot be empty stays");
}

#[tokio::test]
async fn a_change_that_is_wrong_changes_nothing() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    api.patch("/users/me", &ravi, json!({ "email": "Ravi@example.in" })).await.is(200);
    let before = api.get("/auth/me", &asha).await.is(200);
    let many: Vec<String> = (0..21).map(|i| i.to_string()).collect();
    let wrong = json!({
        "fullName": "x", "username": "a b", "email": "nowhere", "bio": "x".repeat(501), "language": "English",
        "interests": many, "lookingFor": ["x".repeat(31)],
    });
    let refused = api.patch("/users/me", &asha, wrong).await.refused(400, "VALIDATION_FAILED");
    insta::assert_json_snapshot!("change_faults", refused, { ".requestId" => redact::uuid() });
    for (change, code) in [
        (json!({ "username": "RAVI", "bio": "new" }), "USERNAME_TAKEN"),
        (json!({ "email": "ravi@EXAMPLE.in", "bio": "new" }), "EMAIL_TAKEN"),
        (json!({ "gender": "x" }), "VALIDATION_FAILED"),
        (json!({ "interests": "music" }), "VALIDATION_FAILED"),
    ] {
        api.patch("/users/me", &asha, change).await.refused(400, code);
    }
    assert_eq!(api.get("/auth/me", &asha).await.is(200), before);
    // One's own name in other letters is no clash.
    api.patch("/users/me", &asha, json!({ "username": "ASHA" })).await.is(200);
}

#[tokio::test]
async fn of_two_who_want_a_name_at_once_one_gets_it() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let (one, other) = tokio::join!(
        api.patch("/users/me", &asha, json!({ "username": "the_one" })),
        api.patch("/users/me", &ravi, json!({ "username": "The_One" })),
    );
    let (taken, got) = if one.status == 200 { (other, one) } else { (one, other) };
    got.is(200);
    taken.refused(400, "USERNAME_TAKEN");
}

#[tokio::test]
async fn names_can_be_asked_for() {
    let api = Api::new().await;
    let (asha, _ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    for (name, available) in [("free_name", true), ("RAVI", false), ("asha", true)] {
        let answer = api.get(&format!("/users/username-available?username={name}"), &asha).await.is(200);
        assert_eq!(answer, json!({ "success": true, "available": available }), "{name}");
    }
    for query in ["", "?username=", "?username=ab", "?username=a%20b", "?username=admin"] {
        let path = format!("/users/username-available{query}");
        api.get(&path, &asha).await.refused(400, "VALIDATION_FAILED");
    }
}

#[tokio::test]
async fn a_phone_has_one_owner_at_a_time() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let device = json!({ "fcmToken": "fcm-1", "platform": "android" });
    for _ in 0..2 {
        assert_eq!(
            api.put("/users/me/device", &asha, device.clone()).await.is(200),
            json!({ "success": true })
        );
    }
    api.put("/users/me/device", &ravi, device).await.is(200);
    let platform = |answer: serde_json::Value| answer["sessions"][0]["platform"].clone();
    assert_eq!(platform(api.get("/auth/sessions", &asha).await.is(200)), json!(null));
    assert_eq!(platform(api.get("/auth/sessions", &ravi).await.is(200)), json!("android"));
    for bad in [
        json!({ "fcmToken": "", "platform": "ios" }),
        json!({ "fcmToken": "with space", "platform": "ios" }),
        json!({ "fcmToken": "x".repeat(4097), "platform": "ios" }),
        json!({ "fcmToken": "fcm-2", "platform": "toaster" }),
        json!({ "fcmToken": "fcm-2" }),
    ] {
        api.put("/users/me/device", &asha, bad).await.refused(400, "VALIDATION_FAILED");
    }
    api.put("/users/me/device", Who::Nobody, json!({})).await.refused(401, "TOKEN_REQUIRED");
}

#[tokio::test]
async fn an_account_ends_with_a_fresh_token_and_every_replica_knows() {
    let api = Api::new().await;
    api.world.may_leave_jobs();
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let other = api.world.sign_in(&asha).await;
    api.acquaint(&asha, &ravi, "hello").await;
    let mut socket = api.socket(&other).await;
    let token = |person: &banter_core::testing::Person| json!({ "firebaseToken": api.world.firebase_token(&person.firebase_uid, &person.phone) });
    let delete = |body: serde_json::Value| api.send(api.ask(Method::DELETE, "/users/me", &asha).json(&body));
    delete(json!({})).await.refused(400, "VALIDATION_FAILED");
    delete(json!({ "firebaseToken": "x" })).await.refused(401, "FIREBASE_TOKEN_INVALID");
    delete(token(&ravi)).await.refused(401, "FIREBASE_TOKEN_MISMATCH");
    let old = token(&asha);
    api.world.advance(chrono::TimeDelta::minutes(11));
    delete(old).await.refused(401, "RECENT_SIGN_IN_REQUIRED");
    assert_eq!(delete(token(&asha)).await.is(200), json!({ "success": true }));
    delete(token(&asha)).await.refused(403, "SESSION_REVOKED");
    assert_eq!(socket.expect("session:revoked").await["code"], "SESSION_REVOKED");
    let listed = api.get("/conversations", &ravi).await.is(200);
    assert_eq!(listed["conversations"][0]["peer"]["fullName"], "Deleted account");
    api.post("/messages", &ravi, json!({ "receiverId": asha.id, "content": "x" }))
        .await
        .refused(404, "USER_NOT_FOUND");
    api.post("/auth/verify-firebase", Who::Nobody, token(&asha)).await.is(200)["isNewUser"]
        .as_bool()
        .filter(|new| *new)
        .expect("a stranger now");
}

#[tokio::test]
async fn all_that_is_held_is_one_file() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    api.acquaint(&asha, &ravi, "hello").await;
    let answer = api.get("/users/me/export", &asha).await;
    assert_eq!(
        answer.header("content-disposition"),
        Some("attachment; filename=\"banter-export-2026-11-22.json\"")
    );
    let export = answer.is(200);
    assert_eq!(export["account"]["phoneNumber"], asha.phone.as_str());
    assert_eq!(export["messages"][0]["content"], "hello");
    assert!(!export.to_string().contains(&ravi.phone));
    for _ in 0..2 {
        api.get("/users/me/export", &asha).await.is(200);
    }
    api.get("/users/me/export", &asha).await.refused(429, "RATE_LIMITED");
    api.get("/users/me/export", &ravi).await.is(200);
}
