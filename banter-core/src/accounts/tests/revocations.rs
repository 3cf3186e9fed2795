use super::*;
use crate::accounts::revocations::learn;

#[track_caller]
fn refused(world: &Banter, person: &Person) {
    assert_eq!(code(world.accounts().authenticate(&person.access_token).map(|_| ())), "SESSION_REVOKED");
}

#[tokio::test]
async fn a_revocation_reaches_other_replicas_through_redis() {
    let world = World::new().await;
    let asha = world.user("asha").await;
    let other = world.replica().await;
    assert!(other.banter.accounts().authenticate(&asha.access_token).is_ok());
    world.banter.accounts().log_out(&asha.caller).await.unwrap();
    let heard = other.notices.expect_revoked(asha.caller.session_id).await;
    assert_eq!(heard, world.notices().expect_revoked(asha.caller.session_id).await);
    refused(&other.banter, &asha);
}

#[tokio::test]
async fn with_redis_away_the_next_look_at_the_database_tells() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let other = world.replica().await;
    let mut since = None;
    learn(&other.banter, &mut since).await.unwrap();
    assert_eq!(since, Some(world.now() - TimeDelta::seconds(60)));

    world.banter.accounts().log_out(&asha.caller).await.unwrap();
    assert!(other.banter.accounts().authenticate(&asha.access_token).is_ok(), "not told yet");
    world.advance(TimeDelta::seconds(2));
    learn(&other.banter, &mut since).await.unwrap();
    refused(&other.banter, &asha);
    assert!(other.banter.accounts().authenticate(&ravi.access_token).is_ok());
    other.notices.expect_revoked(asha.caller.session_id).await;

    // What is known is no news, however often it is read.
    for _ in 0..3 {
        world.advance(TimeDelta::seconds(2));
        learn(&other.banter, &mut since).await.unwrap();
    }
    world.banter.accounts().log_out(&ravi.caller).await.unwrap();
    learn(&other.banter, &mut since).await.unwrap();
    other.notices.expect_revoked(ravi.caller.session_id).await;
    assert!(other.notices.revocations().is_empty());
}

#[tokio::test]
async fn a_replica_that_starts_learns_of_all_that_still_matters() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    world.banter.accounts().log_out(&asha.caller).await.unwrap();
    world.advance(TimeDelta::minutes(14));
    let late = world.sign_in(&ravi).await;
    world.banter.accounts().log_out(&late.caller).await.unwrap();
    let other = world.replica().await;
    learn(&other.banter, &mut None).await.unwrap();
    refused(&other.banter, &asha);
    refused(&other.banter, &late);
    world.advance(TimeDelta::minutes(1)); // asha's token is dead by itself
    let other = world.replica().await;
    learn(&other.banter, &mut None).await.unwrap();
    other.notices.expect_revoked(late.caller.session_id).await;
    assert!(other.notices.revocations().is_empty(), "no need to know");
    let remembers = |person: &Person| other.banter.revocations().because(person.caller.session_id).is_some();
    assert!(remembers(&late));
    world.advance(TimeDelta::minutes(14));
    learn(&other.banter, &mut None).await.unwrap();
    assert!(!remembers(&late), "forgotten with its last token");
}

#[tokio::test]
async fn a_commit_that_came_late_is_not_missed() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let other = world.replica().await;
    let mut since = None;
    // One writes its time and commits only after another's revocation was read.
    let mut slow = world.banter.pool().begin().await.unwrap();
    sqlx::query("update sessions set revoked_at = $2, revoked_because = 'logout' where id = $1")
        .bind(asha.caller.session_id)
        .bind(world.now())
        .execute(&mut *slow)
        .await
        .unwrap();
    world.advance(TimeDelta::seconds(55));
    world.banter.accounts().log_out(&ravi.caller).await.unwrap();
    learn(&other.banter, &mut since).await.unwrap();
    refused(&other.banter, &ravi);
    slow.commit().await.unwrap();
    world.advance(TimeDelta::seconds(2));
    learn(&other.banter, &mut since).await.unwrap();
    refused(&other.banter, &asha);
}

#[tokio::test]
async fn a_suspension_is_told_as_such() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    world
        .sql(&format!(
            "update sessions set revoked_at = '2026-11-22T06:30:00Z', revoked_because = 'banned' where id = '{}'",
            asha.caller.session_id
        ))
        .await;
    learn(&world.banter, &mut None).await.unwrap();
    assert_eq!(
        code(world.banter.accounts().authenticate(&asha.access_token).map(|_| ())),
        "ACCOUNT_SUSPENDED"
    );
}
