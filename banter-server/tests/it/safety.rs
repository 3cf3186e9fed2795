//! Blocking people.

use banter_core::testing::redact;
use serde_json::{Value, json};

use crate::harness::Api;

#[tokio::test]
async fn somebody_blocked_is_not_there_until_unblocked() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    api.acquaint(&asha, &ravi, "hello").await;
    let block = json!({ "userId": ravi.id, "reason": "spam" });
    for _ in 0..2 {
        assert_eq!(
            api.post("/safety/blocks", &asha, block.clone()).await.is(201),
            json!({ "success": true })
        );
    }
    let listed = api.get("/safety/blocks", &asha).await.is(200);
    insta::assert_json_snapshot!("blocks", listed, {
        ".blocks[].userId" => redact::id("ravi", ravi.id), ".blocks[].createdAt" => redact::time(),
    });
    assert_eq!(
        api.get("/safety/blocks", &ravi).await.is(200)["blocks"],
        json!([]),
        "who is blocked is not told"
    );
    for (one, other) in [(&asha, &ravi), (&ravi, &asha)] {
        let new = json!({ "receiverId": other.id, "content": "x" });
        api.post("/messages", one, new).await.refused(404, "USER_NOT_FOUND");
        assert_eq!(api.get("/conversations", one).await.is(200)["conversations"], json!([]));
    }
    // Each blocks for themselves.
    api.post("/safety/blocks", &ravi, json!({ "userId": asha.id })).await.is(201);
    let (hers, his) = (format!("/safety/blocks/{}", ravi.id), format!("/safety/blocks/{}", asha.id));
    assert_eq!(api.delete(&hers, &asha).await.is(200), json!({ "success": true }));
    api.delete(&hers, &asha).await.refused(404, "NOT_BLOCKED");
    api.post("/messages", &asha, json!({ "receiverId": ravi.id, "content": "x" }))
        .await
        .refused(404, "USER_NOT_FOUND");
    api.delete(&his, &ravi).await.is(200);
    api.post("/messages", &asha, json!({ "receiverId": ravi.id, "content": "x" })).await.is(201);
}

#[tokio::test]
async fn a_block_that_makes_no_sense_is_refused() {
    let api = Api::new().await;
    let asha = api.world.user("asha").await;
    let nobody = "0190b2c4-0000-7000-8000-000000000000";
    for (body, status, code) in [
        (json!({ "userId": asha.id }), 400, "CANNOT_BLOCK_YOURSELF"),
        (json!({ "userId": nobody }), 404, "USER_NOT_FOUND"),
        (json!({ "userId": "x" }), 400, "VALIDATION_FAILED"),
        (json!({}), 400, "VALIDATION_FAILED"),
        (json!({ "userId": nobody, "reason": "x".repeat(501) }), 400, "VALIDATION_FAILED"),
        (json!({ "userId": nobody, "reason": "a\u{0}b" }), 400, "VALIDATION_FAILED"),
    ] {
        api.post("/safety/blocks", &asha, body).await.refused(status, code);
    }
    api.delete(&format!("/safety/blocks/{nobody}"), &asha).await.refused(404, "NOT_BLOCKED");
}

#[tokio::test]
async fn blocks_are_paged_newest_first_with_and_without_ties() {
    let api = Api::new().await;
    let asha = api.world.user("asha").await;
    for i in 0..5 {
        let other = api.world.user(&format!("other_{i}")).await;
        api.world.block(&asha, &other).await;
        if i == 2 {
            api.world.advance(chrono::TimeDelta::seconds(1));
        }
    }
    let all = api.get("/safety/blocks?limit=100", &asha).await.is(200)["blocks"].take();
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let mut page = api.get(&format!("/safety/blocks?limit=2{cursor}"), &asha).await.is(200);
        paged.append(page["blocks"].as_array_mut().unwrap());
        match page["nextCursor"].take() {
            Value::String(next) => cursor = format!("&cursor={next}"),
            _ => break,
        }
    }
    assert_eq!((json!(paged), paged.len()), (all, 5));
}

#[tokio::test]
async fn a_kept_answer_shows_nothing_that_a_block_hides_by_now() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let ask = || {
        let request = api.ask(axum::http::Method::POST, "/friends/requests", &asha);
        api.send(request.header("idempotency-key", "once").json(&json!({ "receiverId": ravi.id })))
    };
    assert_eq!(ask().await.is(201), ask().await.is(201), "kept");
    api.world.block(&ravi, &asha).await;
    ask().await.refused(404, "USER_NOT_FOUND");
}
