use chrono::TimeDelta;

use crate::events::Event;
use crate::presence::Status;
use crate::testing::{DEADLINE, World};

#[tokio::test]
async fn in_the_background_revocations_are_learnt_presence_is_swept_and_jobs_run() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    world.befriend(&asha, &ravi).await;
    let server = world.replica().await;
    server.banter.start_background().await.unwrap();

    server.banter.presence().arrived(ravi.id, "phone").await;
    server.banter.presence().left(ravi.id, "phone").await;
    world.advance(TimeDelta::seconds(10));
    let gone = |event: &Event| matches!(event, Event::PresenceChanged(p) if p.status == Status::Offline);
    server.notices.expect_event(&asha, gone).await;

    world.banter.accounts().log_out(&asha.caller).await.unwrap();
    server.notices.expect_revoked(asha.caller.session_id).await;
    assert!(server.banter.accounts().authenticate(&asha.access_token).is_err());

    let done = "select count(*) from jobs where kind = 'prune' and state = 'done'";
    let pruned = async {
        while sqlx::query_scalar::<_, i64>(done).fetch_one(world.banter.pool()).await.unwrap() == 0 {}
    };
    tokio::time::timeout(DEADLINE, pruned).await.expect("the job runs");
}

#[tokio::test]
async fn what_is_there_answers_and_what_is_away_does_not() {
    let world = World::new().await;
    world.banter.check_database().await.unwrap();
    assert!(matches!(world.banter.check_redis().await, Some(Ok(()))));
    let away = World::builder()
        .config(|config| config.redis.as_mut().expect("has Redis").url = "redis://127.0.0.1:1".into())
        .build()
        .await;
    assert!(matches!(away.banter.check_redis().await, Some(Err(_))));
    assert!(World::with_memory().await.banter.check_redis().await.is_none());
    world.banter.close().await;
    assert!(world.banter.check_database().await.is_err());
}
