use chrono::TimeDelta;
use serde_json::json;
use sqlx::Connection as _;

use super::*;
use crate::events::Event;
use crate::jobs::Job;

async fn exists(url: &str) -> bool {
    sqlx::PgConnection::connect(url).await.is_ok()
}

#[tokio::test]
async fn each_test_has_a_migrated_database_that_goes_with_it() {
    let (one, other) = tokio::join!(database(), database());
    assert_ne!(one.url(), other.url());
    let people: i64 =
        sqlx::query_scalar("select count(*) from users").fetch_one(&mut one.connect().await).await.unwrap();
    assert_eq!(people, 0);
    let url = one.url();
    assert!(exists(&url).await);
    drop(one);
    assert!(!exists(&url).await);
}

#[tokio::test]
async fn people_events_and_time_are_at_hand() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let conversation = world.acquaint(&asha, &ravi).await;
    assert!(world.events_for(&ravi).is_empty());
    world.send(&asha, &ravi, "again").await;
    let event = world.expect_event(&ravi, |event| matches!(event, Event::MessageNew(_))).await;
    let Event::MessageNew(message) = event else { unreachable!() };
    assert_eq!((message.seq, message.conversation_id), (3, conversation));
    let again = world.sign_in(&asha).await;
    assert_eq!(again.id, asha.id);
    assert_ne!(again.caller.session_id, asha.caller.session_id);
    let before = world.now();
    world.advance(TimeDelta::minutes(16));
    assert_eq!(world.now() - before, TimeDelta::minutes(16));
    assert!(world.banter.accounts().authenticate(&asha.access_token).is_err());
}

#[tokio::test]
#[should_panic(expected = "jobs remain that this test did not expect: mystery (queued)")]
async fn a_forgotten_job_fails_the_test() {
    let world = World::with_memory().await;
    world.banter.jobs().queue(world.banter.pool(), &Job::Prune {}, world.now()).await.unwrap();
    world.sql("insert into jobs (id, kind, run_at, created_at) values (gen_random_uuid(), 'mystery', now(), now())").await;
}

#[test]
fn redactions_check_before_they_hide() {
    let user = uuid::Uuid::from_u128(7);
    let body = json!({ "id": user, "at": "2026-11-22T06:30:00Z", "token": "a.b.c" });
    insta::assert_compact_json_snapshot!(body, {
        ".id" => redact::id("user-id", user),
        ".at" => redact::time(),
        ".token" => redact::token(),
    }, @r#"{"at": "[time]", "id": "[user-id]", "token": "[token]"}"#);
    let refused = std::panic::catch_unwind(|| {
        insta::assert_compact_json_snapshot!(json!({ "id": user }), {
            ".id" => redact::id("user-id", uuid::Uuid::nil()),
        }, @r#"{"id": "[user-id]"}"#);
    });
    assert!(refused.is_err());
}
