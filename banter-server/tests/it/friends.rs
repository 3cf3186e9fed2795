//! Friends, and asking to be.

use banter_core::testing::{Person, redact};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::harness::Api;

async fn ask(api: &Api, from: &Person, to: &Person) -> String {
    let asked = api.post("/friends/requests", from, json!({ "receiverId": to.id })).await.is(201);
    asked["request"]["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn from_a_request_to_a_friendship_and_back() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let (mut ashas, mut ravis) = (api.socket(&asha).await, api.socket(&ravi).await);
    let new = json!({ "receiverId": ravi.id, "message": " we met in Pune " });
    let asked = api.post("/friends/requests", &asha, new.clone()).await.is(201);
    insta::assert_json_snapshot!("asked", asked, {
        ".request.id" => redact::uuid(), ".request.createdAt" => redact::time(),
        ".request.sender.id" => redact::id("asha", asha.id), ".request.receiver.id" => redact::id("ravi", ravi.id),
    });
    for socket in [&mut ashas, &mut ravis] {
        assert_eq!(socket.expect("friend:request").await, json!({ "request": asked["request"] }));
    }
    assert_eq!(api.post("/friends/requests", &asha, new).await.is(200), asked, "a repeat");
    for (who, direction) in [(&asha, "outgoing"), (&ravi, "incoming")] {
        let listed = api.get(&format!("/friends/requests?direction={direction}"), who).await.is(200);
        let expected = json!({ "success": true, "requests": [asked["request"]], "nextCursor": null });
        assert_eq!(listed, expected, "{direction}");
    }
    let id = asked["request"]["id"].as_str().unwrap();
    for _ in 0..2 {
        let accepted = api.post(&format!("/friends/requests/{id}/accept"), &ravi, json!({})).await.is(200);
        assert_eq!(accepted, json!({ "success": true }));
    }
    for (socket, other) in [(&mut ashas, &ravi), (&mut ravis, &asha)] {
        let told = socket.expect("friend:accepted").await;
        assert_eq!((&told["requestId"], &told["user"]["id"]), (&json!(id), &json!(other.id)));
    }
    api.post("/friends/requests", &ravi, json!({ "receiverId": asha.id }))
        .await
        .refused(409, "ALREADY_FRIENDS");
    let friends = api.get("/friends?online=false", &asha).await.is(200);
    insta::assert_json_snapshot!("friends", friends, {
        ".friends[].user.id" => redact::id("ravi", ravi.id), ".friends[].since" => redact::time(),
        ".friends[].presence.userId" => redact::id("ravi", ravi.id),
        ".friends[].presence.status" => "[online or not yet]",
    });
    let path = format!("/friends/{}", ravi.id);
    assert_eq!(api.delete(&path, &asha).await.is(200), json!({ "success": true }));
    for (socket, other) in [(&mut ashas, &ravi), (&mut ravis, &asha)] {
        assert_eq!(socket.expect("friend:removed").await, json!({ "userId": other.id }));
    }
    api.delete(&path, &asha).await.refused(404, "NOT_FRIENDS");
    assert_eq!(api.get("/friends", &ravi).await.is(200)["friends"], json!([]));
}

#[tokio::test]
async fn asking_back_says_that_the_two_are_friends() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let id = ask(&api, &asha, &ravi).await;
    let back = api.post("/friends/requests", &ravi, json!({ "receiverId": asha.id })).await.is(201);
    assert_eq!((&back["relationship"], &back["request"]["id"]), (&json!("friends"), &json!(id)));
}

#[tokio::test]
async fn a_refusal_is_not_told_and_keeps_for_a_week() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let mut socket = api.socket(&asha).await;
    let id = ask(&api, &asha, &ravi).await;
    socket.expect("friend:request").await;
    api.post(&format!("/friends/requests/{id}/reject"), &ravi, json!({})).await.is(200);
    assert_eq!(socket.events_so_far().await, []);
    let again = json!({ "receiverId": ravi.id });
    let refused = api.post("/friends/requests", &asha, again.clone()).await.refused(409, "REQUEST_TOO_SOON");
    assert_eq!(refused["message"], "you can ask this person again from 2026-11-29T06:30:00Z");
    assert_eq!(api.get(&format!("/users/{}", ravi.id), &asha).await.is(200)["user"]["relationship"], "none");
    api.world.advance(TimeDelta::days(7));
    let asha = api.world.sign_in(&asha).await;
    api.post("/friends/requests", &asha, again).await.is(201);
}

#[tokio::test]
async fn a_request_is_taken_back_by_its_sender_alone() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let mallory = api.world.user("mallory").await;
    let id = ask(&api, &asha, &ravi).await;
    let path = format!("/friends/requests/{id}");
    for who in [&ravi, &mallory] {
        api.delete(&path, who).await.refused(404, "REQUEST_NOT_FOUND");
    }
    for who in [&asha, &mallory] {
        api.post(&format!("{path}/accept"), who, json!({})).await.refused(404, "REQUEST_NOT_FOUND");
        api.post(&format!("{path}/reject"), who, json!({})).await.refused(404, "REQUEST_NOT_FOUND");
    }
    api.delete(&path, &asha).await.is(200);
    api.delete(&path, &asha).await.refused(409, "REQUEST_NOT_PENDING");
    api.post(&format!("{path}/accept"), &ravi, json!({})).await.refused(409, "REQUEST_NOT_PENDING");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let nobody = "0190b2c4-0000-7000-8000-000000000000";
    for (body, status, code) in [
        (json!({ "receiverId": asha.id }), 400, "CANNOT_BEFRIEND_YOURSELF"),
        (json!({ "receiverId": nobody }), 404, "USER_NOT_FOUND"),
        (json!({ "receiverId": "x" }), 400, "VALIDATION_FAILED"),
        (json!({}), 400, "VALIDATION_FAILED"),
        (json!({ "receiverId": ravi.id, "message": "x".repeat(301) }), 400, "VALIDATION_FAILED"),
        (json!({ "receiverId": ravi.id, "message": "a\u{0}b" }), 400, "VALIDATION_FAILED"),
    ] {
        api.post("/friends/requests", &asha, body).await.refused(status, code);
    }
    for path in ["/friends/requests", "/friends/requests?direction=sideways", "/friends?online=maybe"] {
        api.get(path, &asha).await.refused(400, "VALIDATION_FAILED");
    }
    api.delete(&format!("/friends/{nobody}"), &asha).await.refused(404, "USER_NOT_FOUND");
    api.delete(&format!("/friends/{}", ravi.id), &asha).await.refused(404, "NOT_FRIENDS");
    api.get(&format!("/users/{nobody}/friends/mutual"), &asha).await.refused(404, "USER_NOT_FOUND");
}

#[tokio::test]
async fn only_friends_who_are_here_and_show_it_are_online() {
    let api = Api::new().await;
    let asha = api.world.user("asha").await;
    let (here, away, hidden) =
        (api.world.user("here").await, api.world.user("away").await, api.world.user("hidden").await);
    for friend in [&here, &away, &hidden] {
        api.world.befriend(&asha, friend).await;
    }
    api.put("/users/me/settings", &hidden, json!({ "presence": "nobody" })).await.is(200);
    let _sockets = (api.socket(&here).await, api.socket(&hidden).await);
    let online = async || api.get("/friends?online=true", &asha).await.is(200)["friends"].take();
    crate::harness::until("somebody is here", async || online().await != json!([])).await;
    let names = |friends: &Value| -> Vec<Value> {
        friends.as_array().unwrap().iter().map(|friend| friend["user"]["username"].clone()).collect()
    };
    assert_eq!(names(&online().await), ["here"]);
    let all = api.get("/friends", &asha).await.is(200)["friends"].take();
    assert_eq!(all.as_array().unwrap().len(), 3);
    for friend in all.as_array().unwrap() {
        let shown = !friend["presence"].is_null();
        assert_eq!(shown, friend["user"]["username"] != "hidden", "{friend}");
    }
}

#[tokio::test]
async fn mutual_friends_are_listed_for_those_who_may_meet() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let meera = api.world.user("meera").await;
    api.world.befriend(&asha, &meera).await;
    api.world.befriend(&ravi, &meera).await;
    let path = format!("/users/{}/friends/mutual", ravi.id);
    let listed = api.get(&path, &asha).await.is(200);
    let summary = json!({ "id": meera.id, "username": "meera", "fullName": "meera Kumar", "avatar": null });
    assert_eq!(listed, json!({ "success": true, "people": [summary], "nextCursor": null }));
    api.world.block(&ravi, &asha).await;
    api.get(&path, &asha).await.refused(404, "USER_NOT_FOUND");
}

#[tokio::test]
async fn a_block_takes_everything_away_and_tells_nobody_but_the_blocker() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    api.world.befriend(&asha, &ravi).await;
    let (mut ashas, mut ravis) = (api.socket(&asha).await, api.socket(&ravi).await);
    api.post("/safety/blocks", &asha, json!({ "userId": ravi.id })).await.is(201);
    assert_eq!(ashas.expect("friend:removed").await, json!({ "userId": ravi.id }));
    let told = ravis.all_events_so_far().await;
    assert!(told.iter().all(|(name, _)| name == "presence:changed"), "{told:?}");
    for (one, other) in [(&asha, &ravi), (&ravi, &asha)] {
        assert_eq!(api.get("/friends", one).await.is(200)["friends"], json!([]));
        assert_eq!(api.get("/users/search?q=kumar", one).await.is(200)["people"], json!([]));
        let presence = api.get(&format!("/presence?userIds={}", other.id), one).await.is(200);
        assert_eq!(presence["presence"], json!([]));
        api.post("/friends/requests", one, json!({ "receiverId": other.id }))
            .await
            .refused(404, "USER_NOT_FOUND");
        api.delete(&format!("/friends/{}", other.id), one).await.refused(404, "USER_NOT_FOUND");
    }
    api.get(&format!("/users/{}", asha.id), &ravi).await.refused(404, "USER_NOT_FOUND");
    api.delete(&format!("/safety/blocks/{}", ravi.id), &asha).await.is(200);
    assert_eq!(api.get("/friends", &asha).await.is(200)["friends"], json!([]), "it does not come back");
}
