use futures_util::future::join_all;

use super::*;
use crate::testing::{Person, World};

const BODY: &[u8] = b"fingerprint of a body";

async fn begin(
    world: &World,
    person: &Person,
    key: &str,
    fingerprint: &[u8],
) -> Result<Option<Answer>, Error> {
    world.banter.idempotency().begin(&person.caller, key, fingerprint).await
}

fn answer() -> Answer {
    Answer { status: 201, body: b"{\"success\":true}".to_vec() }
}

async fn keep(world: &World, person: &Person, key: &str) {
    world.banter.idempotency().keep(&person.caller, key, &answer()).await.unwrap();
}

#[tokio::test]
async fn a_repeat_gets_the_first_answer() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    assert_eq!(begin(&world, &asha, "k1", BODY).await.unwrap(), None);
    keep(&world, &asha, "k1").await;
    for _ in 0..2 {
        assert_eq!(begin(&world, &asha, "k1", BODY).await.unwrap(), Some(answer()));
    }
    assert_eq!(begin(&world, &ravi, "k1", BODY).await.unwrap(), None, "another's key");
    assert_eq!(begin(&world, &asha, "k2", BODY).await.unwrap(), None, "another key");
}

#[tokio::test]
async fn another_request_under_the_same_key_is_refused() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    begin(&world, &asha, "k1", BODY).await.unwrap();
    let while_at_work = begin(&world, &asha, "k1", b"another").await.unwrap_err();
    assert_eq!(while_at_work.coded(), (Kind::Mismatch, "IDEMPOTENCY_KEY_REUSED"));
    keep(&world, &asha, "k1").await;
    let after = begin(&world, &asha, "k1", b"another").await.unwrap_err();
    assert_eq!(after.coded().1, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(begin(&world, &asha, "k1", BODY).await.unwrap(), Some(answer()));
}

#[tokio::test]
async fn of_many_at_once_one_goes_on() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    world.open_connections().await;
    let begun = join_all((0..20).map(|_| begin(&world, &asha, "k1", BODY))).await;
    let (claimed, refused): (Vec<_>, Vec<_>) = begun.into_iter().partition(Result::is_ok);
    assert_eq!(claimed.len(), 1);
    for refused in refused {
        let error = refused.unwrap_err();
        assert_eq!((error.coded().1, error.retry_after()), ("REQUEST_IN_PROGRESS", Some(1)));
    }
}

#[tokio::test]
async fn a_claim_left_by_a_crash_is_free_after_a_minute() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    begin(&world, &asha, "k1", BODY).await.unwrap();
    world.advance(CLAIM);
    assert_eq!(begin(&world, &asha, "k1", BODY).await.unwrap_err().coded().1, "REQUEST_IN_PROGRESS");
    world.advance(TimeDelta::milliseconds(1));
    let another = begin(&world, &asha, "k1", b"another").await.unwrap_err();
    assert_eq!(another.coded().1, "IDEMPOTENCY_KEY_REUSED", "the first may have been done");
    world.open_connections().await;
    let begun = join_all((0..5).map(|_| begin(&world, &asha, "k1", BODY))).await;
    assert_eq!(begun.iter().filter(|begun| matches!(begun, Ok(None))).count(), 1);
    keep(&world, &asha, "k1").await;
    world.advance(CLAIM * 2);
    assert_eq!(begin(&world, &asha, "k1", BODY).await.unwrap(), Some(answer()), "an answer is no claim");
}

#[tokio::test]
async fn a_key_that_was_given_back_is_free() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    begin(&world, &asha, "k1", BODY).await.unwrap();
    world.banter.idempotency().release(&asha.caller, "k1").await.unwrap();
    assert_eq!(begin(&world, &asha, "k1", b"another").await.unwrap(), None);
}

#[tokio::test]
async fn an_answer_is_kept_for_a_day() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    for key in ["k1", "k2"] {
        begin(&world, &asha, key, BODY).await.unwrap();
        keep(&world, &asha, key).await;
    }
    world.advance(KEPT);
    assert_eq!(begin(&world, &asha, "k1", BODY).await.unwrap(), Some(answer()));
    assert_eq!(prune(&world.banter, world.now(), 100).await.unwrap(), 0);
    world.advance(TimeDelta::milliseconds(1));
    assert_eq!(begin(&world, &asha, "k1", b"another").await.unwrap(), None, "begun anew, with any body");
    assert_eq!(prune(&world.banter, world.now(), 100).await.unwrap(), 1, "k2 only");
}

#[tokio::test]
async fn keys_are_short_and_plain() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    for bad in ["", "नमस्ते", "a\nb", "x".repeat(129).as_str()] {
        let error = begin(&world, &asha, bad, BODY).await.unwrap_err();
        assert_eq!(error.coded().1, "IDEMPOTENCY_KEY_INVALID", "{bad:?}");
    }
    for good in ["x", "a b", "x".repeat(128).as_str()] {
        assert!(begin(&world, &asha, good, BODY).await.is_ok(), "{good:?}");
    }
}
