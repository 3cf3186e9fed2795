//! What dies on the way: a phone, the media server, this process, an account.

use chrono::TimeDelta;

use super::*;
use crate::jobs::Job;
use crate::voice::{AWAY, COMING};

/// Notes that both are at the media server, as a webhook of it would have us.
async fn connect(scene: &Scene) {
    let now = scene.world.now().to_rfc3339();
    let there = "update call_participants set absent_since = null, connected_at";
    scene.world.sql(&format!("{there} = '{now}' where state = 'joined'")).await;
}

#[tokio::test]
async fn a_call_that_nobody_comes_to_fails() {
    let scene = Scene::of(&["asha", "ravi"]).await;
    let [asha, ravi] = &scene.people[..] else { unreachable!() };
    let id = scene.talk().await;
    scene.world.banter.voice().reconcile().await.unwrap();
    assert_eq!(scene.status(asha, id).await, Status::Answered, "they are coming");
    scene.world.notices().clear();
    scene.world.advance(COMING);
    scene.world.banter.voice().reconcile().await.unwrap();
    let call = scene.calls().one(&asha.caller, id).await.unwrap();
    assert_eq!((call.status, call.duration), (Status::Failed, Some(0)));
    assert_eq!((scene.heard(asha), scene.heard(ravi)), (vec!["call:ended"], vec!["call:ended"]));
}

#[tokio::test]
async fn a_call_lasts_until_one_of_two_was_lost() {
    let scene = Scene::of(&["asha", "ravi"]).await;
    let [asha, _] = &scene.people[..] else { unreachable!() };
    let id = scene.talk().await;
    connect(&scene).await;
    scene.world.advance(TimeDelta::seconds(100));
    // Nobody is there in truth: they count as away from now on.
    scene.world.banter.voice().reconcile().await.unwrap();
    assert_eq!(scene.status(asha, id).await, Status::Answered);
    scene.world.advance(AWAY);
    assert_eq!(scene.world.banter.voice().reconcile().await.unwrap().lost, 2);
    let call = scene.calls().one(&asha.caller, id).await.unwrap();
    assert_eq!((call.status, call.duration), (Status::Completed, Some(100)));
    assert_eq!(call.ended_at, call.answered_at.map(|at| at + TimeDelta::seconds(100)));
}

#[tokio::test]
async fn a_caller_who_is_lost_calls_no_more() {
    let scene = Scene::of(&["asha", "ravi"]).await;
    let [asha, ravi] = &scene.people[..] else { unreachable!() };
    let id = scene.call(asha, ravi).await.call.id;
    connect(&scene).await;
    scene.world.banter.voice().reconcile().await.unwrap();
    scene.world.advance(AWAY);
    scene.world.banter.voice().reconcile().await.unwrap();
    assert_eq!(scene.status(asha, id).await, Status::Cancelled);
    assert_eq!(scene.inbox(ravi).await.len(), 1);
}

#[tokio::test]
async fn whoever_is_back_is_not_lost() {
    let scene = Scene::of(&["asha", "ravi"]).await;
    let [asha, _] = &scene.people[..] else { unreachable!() };
    let id = scene.talk().await;
    connect(&scene).await;
    scene.calls().lost(id, asha.id).await.unwrap();
    assert_eq!(scene.status(asha, id).await, Status::Answered);
    scene.calls().lost(CallId(uuid::Uuid::nil()), asha.id).await.unwrap();
}

#[tokio::test]
async fn without_a_room_it_does_not_ring() {
    let mut media = LiveKit::start().await;
    let world = World::builder()
        .speaks_at(&media)
        .config(|config| {
            if let Some(livekit) = &mut config.livekit {
                livekit.patience = std::time::Duration::from_secs(2);
            }
        })
        .build()
        .await;
    media.kill();
    let scene = Scene::in_world(LiveKit::shared().await, world, &["asha", "ravi"]).await;
    let [asha, ravi] = &scene.people[..] else { unreachable!() };
    let refused = scene.calls().initiate(&asha.caller, Whom::User(ravi.id), CallType::Audio).await;
    assert_eq!(code(refused), "LIVEKIT_UNAVAILABLE");
    let [hers] = &scene.history(asha).await[..] else { panic!("one call") };
    assert_eq!(hers.status, Status::Failed);
    assert!(scene.history(ravi).await.is_empty() && scene.heard(ravi).is_empty());
    assert!(scene.inbox(ravi).await.is_empty(), "nobody was told of it");
    // And again, once it is back.
    media.resume().await;
    scene.call(asha, ravi).await;
}

#[tokio::test]
async fn a_process_that_died_before_it_rang_leaves_nothing() {
    let scene = Scene::of(&["asha", "ravi"]).await;
    let [asha, ravi] = &scene.people[..] else { unreachable!() };
    let id = scene.call(asha, ravi).await.call.id;
    scene.work().await;
    scene.world.sql("update call_logs set status = 'initiated'").await;
    scene.world.notices().clear();
    scene.world.advance(RINGS);
    scene.work().await;
    assert_eq!(scene.status(asha, id).await, Status::Failed);
    assert_eq!((scene.heard(asha), scene.heard(ravi)), (vec!["call:ended"], vec![]));
    assert!(scene.history(ravi).await.is_empty() && scene.inbox(ravi).await.is_empty());
    // Twice does no harm.
    let again = Job::RingTimeout { call_id: id };
    scene.world.banter.jobs().queue(scene.world.banter.pool(), &again, scene.world.now()).await.unwrap();
    scene.work().await;
    assert_eq!(scene.status(asha, id).await, Status::Failed);
    scene.call(asha, ravi).await;
}

#[tokio::test]
async fn a_block_ends_what_is_between_two() {
    let scene = Scene::of(&["asha", "ravi"]).await;
    let [asha, ravi] = &scene.people[..] else { unreachable!() };
    let id = scene.talk().await;
    scene.world.notices().clear();
    scene.world.block(ravi, asha).await;
    assert_eq!((scene.heard(asha), scene.heard(ravi)), (vec!["call:ended"], vec!["call:ended"]));
    assert_eq!(code(scene.calls().one(&asha.caller, id).await), "CALL_NOT_FOUND");
    scene.world.banter.safety().unblock(&ravi.caller, asha.id).await.unwrap();
    assert_eq!(scene.status(asha, id).await, Status::Completed);
    scene.world.befriend(asha, ravi).await;
    let id = scene.call(asha, ravi).await.call.id;
    scene.world.block(asha, ravi).await;
    scene.world.banter.safety().unblock(&asha.caller, ravi.id).await.unwrap();
    assert_eq!(scene.status(asha, id).await, Status::Cancelled);
    assert!(scene.inbox(ravi).await.is_empty(), "a block leaves no note behind");
}

#[tokio::test]
async fn an_account_s_end_is_the_end_of_its_call() {
    let scene = Scene::of(&["asha", "ravi", "meera"]).await;
    let [asha, ravi, meera] = &scene.people[..] else { unreachable!() };
    let id = scene.talk().await;
    scene.world.banter.accounts().suspend(asha.id, None, "for a test").await.unwrap();
    assert_eq!(scene.status(ravi, id).await, Status::Completed);
    scene.world.befriend(ravi, meera).await;
    let id = scene.call(meera, ravi).await.call.id;
    scene.world.banter.accounts().delete_for(meera.id, "for a test").await.unwrap();
    let call = scene.calls().one(&ravi.caller, id).await.unwrap();
    assert_eq!(call.status, Status::Cancelled);
    assert_eq!(call.caller.map(|person| person.full_name), Some("Deleted account".into()));
    let refused = scene.calls().initiate(&meera.caller, Whom::User(ravi.id), CallType::Audio).await;
    assert_eq!(code(refused), "SESSION_REVOKED");
}

#[tokio::test]
async fn operators_see_calls_and_end_them() {
    use super::super::administration::Filter;
    let scene = Scene::of(&["asha", "ravi"]).await;
    let [asha, ravi] = &scene.people[..] else { unreachable!() };
    let past = scene.call(asha, ravi).await.call.id;
    scene.calls().cancel(&asha.caller, past).await.unwrap();
    scene.world.advance(TimeDelta::seconds(1));
    let id = scene.talk().await;
    let page = PageRequest { limit: 10, cursor: None };
    let list = async |live, user: Option<&Person>| {
        let filter = Filter { live, user: user.map(|person| person.id) };
        let calls = scene.calls().list(filter, &page).await.unwrap().items;
        calls.into_iter().map(|call| call.id).collect::<Vec<_>>()
    };
    assert_eq!(list(false, None).await, [id, past]);
    assert_eq!(list(true, Some(ravi)).await, [id]);
    assert_eq!(list(false, Some(&scene.world.user("other").await)).await, []);
    assert_eq!(code(scene.calls().end_for(id, " ").await), "VALIDATION_FAILED");
    scene.calls().end_for(id, "somebody is in danger").await.unwrap();
    let (call, people) = scene.calls().show(id).await.unwrap();
    assert_eq!((call.status, call.end_reason.as_deref()), (Status::Completed, Some("somebody is in danger")));
    assert_eq!(people.len(), 2);
    assert_eq!(code(scene.calls().end_for(id, "again").await), "CALL_OVER");
    assert_eq!(code(scene.calls().end_for(CallId(uuid::Uuid::nil()), "x").await), "CALL_NOT_FOUND");
    crate::testing::livekit::until_closed(&scene.world.banter, &call.livekit_room).await;
}
