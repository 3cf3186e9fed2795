//! Other people: their profiles, and finding them.

use banter_core::testing::redact;
use serde_json::{Value, json};

use crate::harness::Api;

/// What nobody learns of anybody else.
fn assert_nothing_private(answer: &Value, what: &str) {
    let text = answer.to_string();
    for private in [
        "+91",
        "asha@example.in",
        "1998",
        "dateOfBirth",
        "phone",
        "email",
        "19.0",
        "72.8",
        "latitude",
        "coins",
    ] {
        assert!(!text.contains(private), "{what} gives away {private}: {text}");
    }
}

#[tokio::test]
async fn a_profile_shows_what_others_may_see_and_nothing_else() {
    let api = Api::new().await;
    let (asha, ravi, friend) =
        (api.world.user("asha").await, api.world.user("ravi").await, api.world.user("friend").await);
    api.world.befriend(&friend, &asha).await;
    let change = json!({
        "email": "asha@example.in", "bio": "chai and code", "gender": "female", "language": "hi",
        "interests": ["music"], "lookingFor": ["friends"],
    });
    api.patch("/users/me", &asha, change).await.is(200);
    api.put("/users/me/location", &asha, json!({ "latitude": 19.076, "longitude": 72.8777 })).await.is(200);
    let path = format!("/users/{}", asha.id);
    let seen = api.get(&path, &ravi).await.is(200);
    insta::assert_json_snapshot!("person", seen, { ".user.id" => redact::id("asha", asha.id) });
    assert_nothing_private(&seen, "a stranger's view");
    let seen_by_friend = api.get(&path, &friend).await.is(200);
    assert_nothing_private(&seen_by_friend, "a friend's view");
    assert_eq!(seen_by_friend["user"]["presence"]["status"], "offline");
    let own = api.get(&path, &asha).await.is(200);
    assert_nothing_private(&own, "one's own view");
    assert_nothing_private(&api.get("/users/search?q=asha", &ravi).await.is(200), "search");
    assert_nothing_private(&api.get("/friends", &friend).await.is(200), "the list of friends");
}

#[tokio::test]
async fn nobody_is_told_from_who_is_missing() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let path = format!("/users/{}", asha.id);
    let bare = |mut refusal: Value| {
        refusal["requestId"].take();
        refusal
    };
    let missing = "/users/0190b2c4-0000-7000-8000-000000000000";
    let missing = bare(api.get(missing, &ravi).await.refused(404, "USER_NOT_FOUND"));
    for status in ["deleted", "banned"] {
        api.world.sql(&format!("update users set status = '{status}' where id = '{}'", asha.id)).await;
        assert_eq!(bare(api.get(&path, &ravi).await.refused(404, "USER_NOT_FOUND")), missing, "{status}");
    }
    api.world.sql(&format!("update users set status = 'active' where id = '{}'", asha.id)).await;
    api.world.block(&asha, &ravi).await;
    assert_eq!(bare(api.get(&path, &ravi).await.refused(404, "USER_NOT_FOUND")), missing, "blocked");
    api.get("/users/somebody", &ravi).await.refused(400, "VALIDATION_FAILED");
}

#[tokio::test]
async fn of_somebody_blocked_there_is_no_more_than_the_list_of_blocks_shows() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    api.patch("/users/me", &ravi, json!({ "bio": "a secret", "interests": ["a secret"] })).await.is(200);
    api.world.block(&asha, &ravi).await;
    let path = format!("/users/{}", ravi.id);
    let seen = api.get(&path, &asha).await.is(200);
    insta::assert_json_snapshot!("blocked", seen, { ".user.id" => redact::id("ravi", ravi.id) });
    api.world.block(&ravi, &asha).await;
    assert_eq!(api.get(&path, &asha).await.is(200), seen, "whether they blocked back is not told");
}

#[tokio::test]
async fn people_are_found_with_how_they_stand_page_by_page() {
    let api = Api::new().await;
    let asha = api.world.user("asha").await;
    for name in ["ravi_1", "ravi_2", "ravi_3"] {
        api.world.befriend(&asha, &api.world.user(name).await).await;
    }
    let first = api.get("/users/search?q=ravi&limit=2", &asha).await.is(200);
    insta::assert_json_snapshot!("found", first, {
        ".people[].user.id" => redact::uuid(), ".nextCursor" => "[cursor]",
    });
    let cursor = first["nextCursor"].as_str().unwrap();
    let rest = api.get(&format!("/users/search?q=ravi&limit=2&cursor={cursor}"), &asha).await.is(200);
    assert_eq!(
        (&rest["people"][0]["user"]["username"], &rest["nextCursor"]),
        (&json!("ravi_3"), &json!(null))
    );
    assert_eq!(rest["people"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_search_has_bounds() {
    let api = Api::new().await;
    let asha = api.world.user("asha").await;
    for q in ["", "a", "%20%20a", "a%00b", &"x".repeat(51)] {
        let refused = api.get(&format!("/users/search?q={q}"), &asha).await.refused(400, "VALIDATION_FAILED");
        assert!(refused["details"]["fields"]["q"].is_string(), "{q}: {refused}");
    }
    api.get("/users/search", &asha).await.refused(400, "VALIDATION_FAILED");
    for q in ["%25%25", "__", "%5C%5C"] {
        assert_eq!(api.get(&format!("/users/search?q={q}"), &asha).await.is(200)["people"], json!([]), "{q}");
    }
    let mut last = 200;
    for _ in 0..60 {
        last = api.get("/users/search?q=asha", &asha).await.status;
    }
    assert_eq!(last, 429);
}
