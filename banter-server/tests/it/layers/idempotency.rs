//! `Idempotency-Key`.

use axum::http::Method;
use banter_core::testing::Person;
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::harness::{Answer, Api};

async fn send(api: &Api, who: &Person, key: &str, path: &str, body: &Value) -> Answer {
    api.send(api.ask(Method::POST, path, who).header("idempotency-key", key).json(body)).await
}

fn replayed(answer: &Answer) -> bool {
    answer.header("idempotency-replayed") == Some("true")
}

#[tokio::test]
async fn a_repeat_gets_the_first_answer_and_does_nothing() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let body = json!({ "receiverId": ravi.id, "content": "once" });
    let first = send(&api, &asha, "k 1", "/messages", &body).await;
    assert!(first.status == 201 && !replayed(&first), "{first:?}");
    let again = send(&api, &asha, "k 1", "/messages", &body).await;
    assert!(again.status == 201 && replayed(&again), "{again:?}");
    assert_eq!(again.body, first.body);
    assert_ne!(again.header("x-request-id"), first.header("x-request-id"));
    assert!(again.header("ratelimit-limit").is_some());
    // By the other name of the same route, too.
    assert!(replayed(&send(&api, &asha, "k 1", "/api/v1/messages", &body).await));
    let other = json!({ "receiverId": ravi.id, "content": "twice" });
    send(&api, &asha, "k 1", "/messages", &other).await.refused(422, "IDEMPOTENCY_KEY_REUSED");
    let block = json!({ "userId": ravi.id });
    send(&api, &asha, "k 1", "/safety/blocks", &block).await.refused(422, "IDEMPOTENCY_KEY_REUSED");
    let history = api.get(&format!("/messages/{}", ravi.id), &asha).await.is(200);
    assert_eq!(history["lastSeq"], 1);
    // A key is its person's, and a day's.
    let hers =
        send(&api, &ravi, "k 1", "/messages", &json!({ "receiverId": asha.id, "content": "once" })).await;
    assert!(hers.status == 201 && !replayed(&hers), "{hers:?}");
    api.world.advance(TimeDelta::hours(25));
    let asha = api.world.sign_in(&asha).await;
    assert!(!replayed(&send(&api, &asha, "k 1", "/messages", &body).await));
}

#[tokio::test]
async fn a_refusal_is_not_kept() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    api.world.block(&ravi, &asha).await;
    let body = json!({ "receiverId": ravi.id, "content": "hello" });
    send(&api, &asha, "key", "/messages", &body).await.refused(404, "USER_NOT_FOUND");
    api.delete(&format!("/safety/blocks/{}", asha.id), &ravi).await.is(200);
    let answer = send(&api, &asha, "key", "/messages", &body).await;
    assert!(answer.status == 201 && !replayed(&answer));
}

#[tokio::test]
async fn keys_have_a_form() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let body = json!({ "receiverId": ravi.id, "content": "hello" });
    let (longest, too_long) = ("k".repeat(128), "k".repeat(129));
    assert_eq!(send(&api, &asha, &longest, "/messages", &body).await.status, 201);
    for bad in ["", &too_long, "clé", "a\tb"] {
        send(&api, &asha, bad, "/messages", &body).await.refused(400, "IDEMPOTENCY_KEY_INVALID");
    }
}

#[tokio::test]
async fn of_many_at_once_one_does_it() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let body = json!({ "receiverId": ravi.id, "content": "once" });
    let at_once = (0..8).map(|_| send(&api, &asha, "key", "/messages", &body));
    let answers = futures_util::future::join_all(at_once).await;
    let done: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert_eq!(done.iter().filter(|answer| !replayed(answer)).count(), 1);
    assert!(done.iter().all(|answer| answer.body == done[0].body));
    for waiting in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!((waiting.status, &waiting.json["code"]), (409, &json!("REQUEST_IN_PROGRESS")));
        assert_eq!(waiting.header("retry-after"), Some("1"));
    }
    assert!(replayed(&send(&api, &asha, "key", "/messages", &body).await));
    assert_eq!(api.get(&format!("/messages/{}", ravi.id), &asha).await.is(200)["lastSeq"], 1);
}
