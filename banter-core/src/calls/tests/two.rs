//! Calls of two, from the first ring to the log.

use chrono::TimeDelta;

use super::*;
use crate::accounts::settings::{Audience, SettingsChange};
use crate::jobs::Job;
use crate::notifications::Kind as News;

#[tokio::test]
async fn a_call_ends_with_the_login_that_took_it() {
    let scene = Scene::of(&["asha", "ravi"]).await;
    let [asha, ravi] = &scene.people[..] else { unreachable!() };
    let other = scene.world.sign_in(ravi).await;
    let call = scene.talk().await;
    let accounts = scene.world.banter.accounts();
    accounts.end_session(&ravi.caller, other.caller.session_id).await.unwrap();
    scene.work().await;
    assert_eq!(scene.status(asha, call).await, Status::Answered);
    accounts.end_session(&ravi.caller, ravi.caller.session_id).await.unwrap();
    scene.work().await;
    assert_eq!(scene.status(asha, call).await, Status::Completed);
}

#[tokio::test]
async fn a_call_from_the_first_ring_to_the_log() {
    let scene = Scene::of(&["asha", "ravi"]).await;
    let [asha, ravi] = &scene.people[..] else { unreachable!() };
    let placed = scene.calls().initiate(&asha.caller, Whom::User(ravi.id), CallType::Video).await.unwrap();
    let id = placed.call.id;
    assert_eq!((placed.call.status, placed.call.direction), (Status::Ringing, Direction::Outgoing));
    let Event::CallIncoming(rings) = scene.world.expect_event(ravi, |e| e.name() == "call:incoming").await
    else {
        unreachable!()
    };
    assert_eq!((rings.call_id, rings.caller.id, rings.call_type), (id, asha.id, CallType::Video));
    assert_eq!(rings.rings_until, rings.started_at + RINGS);
    let _asha = scene.media.join(&placed.entrance.token).await.unwrap();
    scene.world.advance(TimeDelta::seconds(10));
    let taken = scene.calls().answer(&ravi.caller, id).await.unwrap();
    assert_eq!((taken.call.status, taken.call.direction), (Status::Answered, Direction::Incoming));
    assert_ne!(taken.entrance.token, placed.entrance.token);
    assert_eq!(taken.entrance.livekit_room, placed.entrance.livekit_room);
    let _ravi = scene.media.join(&taken.entrance.token).await.unwrap();
    let answered = |who: &Person| {
        let event = scene.world.events_for(who).into_iter().find(|e| e.name() == "call:answered");
        let Some(Event::CallAnswered(update)) = event else { panic!("{} heard nothing", who.name) };
        update
    };
    assert_eq!((answered(asha).user_id, answered(asha).session_id), (Some(ravi.id), None));
    assert_eq!(answered(ravi).session_id, Some(ravi.caller.session_id));
    scene.world.advance(TimeDelta::seconds(61));
    scene.world.notices().clear();
    let ended = scene.calls().end(&ravi.caller, id).await.unwrap();
    assert_eq!((ended.status, ended.duration), (Status::Completed, Some(61)));
    for who in [asha, ravi] {
        let Event::CallEnded(update) = scene.world.expect_event(who, |e| e.name() == "call:ended").await
        else {
            unreachable!()
        };
        assert_eq!((update.duration, update.user_id), (Some(61), Some(ravi.id)));
    }
    scene.work().await;
    crate::testing::livekit::until_closed(&scene.world.banter, &placed.entrance.livekit_room).await;
    assert!(scene.media.join(&taken.entrance.token).await.is_err(), "the token opens nothing any more");
    // Whoever hangs up as well finds it over, and nothing changes.
    scene.world.advance(TimeDelta::seconds(5));
    assert_eq!(scene.calls().end(&asha.caller, id).await.unwrap().duration, Some(61));
    let [hers] = &scene.history(asha).await[..] else { panic!("one call") };
    assert_eq!(
        (hers.direction, hers.is_missed, hers.receiver_id),
        (Direction::Outgoing, false, Some(ravi.id))
    );
    assert_eq!(hers.receiver.as_ref().map(|person| person.full_name.as_str()), Some("ravi Kumar"));
    let [his] = &scene.history(ravi).await[..] else { panic!("one call") };
    assert_eq!((his.direction, his.is_missed), (Direction::Incoming, false));
    assert!(scene.inbox(ravi).await.is_empty());
}

#[tokio::test]
async fn whom_one_cannot_call() {
    let scene = Scene::of(&["asha", "ravi"]).await;
    let [asha, ravi] = &scene.people[..] else { unreachable!() };
    let call = async |from: &Person, to: UserId| {
        code(scene.calls().initiate(&from.caller, Whom::User(to), CallType::Audio).await)
    };
    assert_eq!(call(asha, asha.id).await, "CANNOT_CALL_YOURSELF");
    assert_eq!(call(asha, UserId(uuid::Uuid::nil())).await, "USER_NOT_FOUND");
    let stranger = scene.world.user("stranger").await;
    assert_eq!(call(&stranger, asha.id).await, "CALLS_NOT_ACCEPTED");
    let everybody = SettingsChange { calls: Some(Audience::Everyone), ..Default::default() };
    scene.world.banter.accounts().change_settings(&stranger.caller, everybody).await.unwrap();
    assert_eq!(call(asha, stranger.id).await, "USER_NOT_ONLINE");
    scene.world.banter.presence().arrived(stranger.id, "socket").await;
    let placed = scene.call(asha, &stranger).await;
    scene.calls().cancel(&asha.caller, placed.call.id).await.unwrap();
    for (blocker, blocked) in [(asha, ravi), (ravi, asha)] {
        scene.world.block(blocker, blocked).await;
        assert_eq!(call(asha, ravi.id).await, "USER_NOT_FOUND");
        assert_eq!(call(ravi, asha.id).await, "USER_NOT_FOUND");
    }
    assert_eq!(code(Whom::of(None, None)), "VALIDATION_FAILED");
    assert_eq!(code(Whom::of(Some(ravi.id), Some(ConversationId(ravi.id.0)))), "VALIDATION_FAILED");
}

#[tokio::test]
async fn without_a_media_server_nobody_rings() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    world.befriend(&asha, &ravi).await;
    world.banter.presence().arrived(ravi.id, "socket").await;
    let refused = world.banter.calls().initiate(&asha.caller, Whom::User(ravi.id), CallType::Audio).await;
    assert_eq!(code(refused), "LIVEKIT_UNAVAILABLE");
    assert_eq!(world.sql("delete from call_logs").await, 0);
}

#[tokio::test]
async fn refused_taken_back_and_out_of_turn() {
    let scene = Scene::of(&["asha", "ravi", "meera"]).await;
    let [asha, ravi, meera] = &scene.people[..] else { unreachable!() };
    let calls = scene.calls();
    let id = scene.call(asha, ravi).await.call.id;
    for outcome in [
        calls.reject(&meera.caller, id).await,
        calls.cancel(&meera.caller, id).await,
        calls.end(&meera.caller, id).await,
        calls.one(&meera.caller, id).await,
        // Not by the other side.
        calls.reject(&asha.caller, id).await,
        calls.cancel(&ravi.caller, id).await,
        calls.answer(&meera.caller, id).await.map(|placed| placed.call),
        calls.answer(&asha.caller, id).await.map(|placed| placed.call),
    ] {
        assert_eq!(code(outcome), "CALL_NOT_FOUND");
    }
    for _ in 0..2 {
        assert_eq!(calls.reject(&ravi.caller, id).await.unwrap().status, Status::Rejected);
    }
    assert_eq!(scene.heard(asha), ["call:rejected"]);
    assert_eq!(scene.heard(ravi), ["call:incoming", "call:rejected"]);
    assert_eq!(code(calls.answer(&ravi.caller, id).await), "CALL_OVER");
    assert_eq!(code(calls.cancel(&asha.caller, id).await), "CALL_OVER");
    assert!(scene.inbox(ravi).await.is_empty(), "whoever refuses has missed nothing");

    let id = scene.call(asha, ravi).await.call.id;
    for _ in 0..2 {
        assert_eq!(calls.cancel(&asha.caller, id).await.unwrap().status, Status::Cancelled);
    }
    assert_eq!(scene.inbox(ravi).await, [News::CallMissed]);
    assert!(scene.history(ravi).await[0].is_missed);
    assert_eq!(code(calls.reject(&ravi.caller, id).await), "CALL_OVER");

    let id = scene.talk().await;
    assert_eq!(code(calls.reject(&ravi.caller, id).await), "CALL_NOT_RINGING");
    assert_eq!(code(calls.cancel(&asha.caller, id).await), "CALL_NOT_RINGING");

    calls.end(&asha.caller, id).await.unwrap();
    // Hanging up before the answer is taking back, or refusing.
    let id = scene.call(asha, ravi).await.call.id;
    assert_eq!(calls.end(&asha.caller, id).await.unwrap().status, Status::Cancelled);
    let id = scene.call(asha, ravi).await.call.id;
    assert_eq!(calls.end(&ravi.caller, id).await.unwrap().status, Status::Rejected);
}

#[tokio::test]
async fn it_rings_for_so_long() {
    let scene = Scene::of(&["asha", "ravi"]).await;
    let [asha, ravi] = &scene.people[..] else { unreachable!() };
    let id = scene.call(asha, ravi).await.call.id;
    scene.work().await;
    scene.world.advance(RINGS - TimeDelta::seconds(1));
    scene.work().await;
    assert_eq!(scene.status(asha, id).await, Status::Ringing);
    scene.world.notices().clear();
    scene.world.advance(TimeDelta::seconds(1));
    scene.work().await;
    assert_eq!(scene.status(asha, id).await, Status::Missed);
    assert_eq!((scene.heard(asha), scene.heard(ravi)), (vec!["call:missed"], vec!["call:missed"]));
    assert_eq!(scene.inbox(ravi).await, [News::CallMissed]);
    assert!(scene.inbox(asha).await.is_empty());
    let page = PageRequest { limit: 9, cursor: None };
    let inbox = scene.world.banter.notifications().list(&ravi.caller, &page).await.unwrap();
    let entry = &inbox.page.items[0];
    assert_eq!((entry.title.as_str(), entry.body.as_str()), ("Missed call", "asha Kumar called you"));
    assert_eq!(entry.subject_id, Some(id.0));
    assert_eq!(code(scene.calls().answer(&ravi.caller, id).await), "CALL_OVER");
    let [missed] = &scene.history(ravi).await[..] else { panic!("one call") };
    assert!(missed.is_missed && missed.duration.is_none());
    // Both are free again.
    scene.talk().await;
    scene.world.advance(RINGS);
    scene.work().await;
}

#[tokio::test]
async fn whoever_talks_is_busy() {
    let scene = Scene::of(&["asha", "ravi", "meera"]).await;
    let [asha, ravi, meera] = &scene.people[..] else { unreachable!() };
    let id = scene.talk().await;
    let busy = scene.calls().initiate(&meera.caller, Whom::User(asha.id), CallType::Audio).await;
    assert_eq!(code(busy), "USER_BUSY");
    assert_eq!(scene.inbox(asha).await, [News::CallMissed]);
    let [hers, _] = &scene.history(asha).await[..] else { panic!("two calls") };
    assert_eq!((hers.status, hers.is_missed), (Status::Busy, true));
    assert_eq!(scene.history(meera).await[0].status, Status::Busy);
    let second = scene.calls().initiate(&asha.caller, Whom::User(meera.id), CallType::Audio).await;
    assert_eq!(code(second), "ALREADY_IN_CALL");
    let back = scene.calls().initiate(&ravi.caller, Whom::User(asha.id), CallType::Audio).await.unwrap();
    assert_eq!(back.call.id, id, "whoever took it there comes back in");
    scene.calls().end(&ravi.caller, id).await.unwrap();
    scene.call(meera, asha).await;
}

#[tokio::test]
async fn several_devices_and_lost_answers() {
    let scene = Scene::of(&["asha", "ravi"]).await;
    let [asha, ravi] = &scene.people[..] else { unreachable!() };
    let (asha2, ravi2) = (scene.world.sign_in(asha).await, scene.world.sign_in(ravi).await);
    let first = scene.call(asha, ravi).await;
    let again = scene.call(asha, ravi).await;
    assert_eq!(first.call.id, again.call.id);
    assert_eq!(scene.heard(ravi), ["call:incoming"], "it rings once");
    let other = scene.calls().initiate(&asha2.caller, Whom::User(ravi.id), CallType::Audio).await;
    assert_eq!(code(other), "ALREADY_IN_CALL");
    let id = first.call.id;
    scene.calls().answer(&ravi.caller, id).await.unwrap();
    assert_eq!(code(scene.calls().answer(&ravi2.caller, id).await), "CALL_ANSWERED_ELSEWHERE");
    scene.calls().answer(&ravi.caller, id).await.unwrap();
    assert_eq!(scene.call(asha, ravi).await.call.id, id, "whose app died comes back in");
    let answers = scene.world.events_for(ravi).iter().filter(|e| e.name() == "call:answered").count();
    assert_eq!(answers, 1);
}

#[tokio::test]
async fn history_is_paged_and_one_s_own() {
    let scene = Scene::of(&["asha", "ravi", "meera"]).await;
    let [asha, ravi, meera] = &scene.people[..] else { unreachable!() };
    let mut made = Vec::new();
    for to in [ravi, meera, ravi] {
        let id = scene.call(asha, to).await.call.id;
        scene.calls().cancel(&asha.caller, id).await.unwrap();
        made.insert(0, id);
        scene.world.advance(TimeDelta::seconds(1));
    }
    let (mut listed, mut cursor) = (Vec::new(), None);
    loop {
        let page = PageRequest { limit: 2, cursor };
        let page = scene.calls().history(&asha.caller, &page).await.unwrap();
        listed.extend(page.items.iter().map(|call| call.id));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(listed, made);
    assert_eq!(scene.history(meera).await.len(), 1);
    scene.world.block(ravi, asha).await;
    assert_eq!(scene.history(asha).await.len(), 1, "what was between the two is nowhere");
    assert_eq!(code(scene.calls().one(&asha.caller, made[0]).await), "CALL_NOT_FOUND");
    let foreign = PageRequest { limit: 2, cursor: Some("x".into()) };
    assert_eq!(code(scene.calls().history(&asha.caller, &foreign).await), "VALIDATION_FAILED");
}

#[tokio::test]
async fn the_log_is_one_s_own_to_take_along_and_ends_after_a_year() {
    use futures_util::TryStreamExt as _;
    let scene = Scene::of(&["asha", "ravi", "meera"]).await;
    let [asha, ravi, meera] = &scene.people[..] else { unreachable!() };
    for to in [ravi, meera] {
        let id = scene.call(asha, to).await.call.id;
        scene.calls().cancel(&asha.caller, id).await.unwrap();
    }
    scene.world.block(asha, ravi).await;
    let export = async || {
        let accounts = scene.world.banter.accounts();
        let pieces: Vec<String> = accounts.export_of(asha.id).try_collect().await.unwrap();
        let document: serde_json::Value = serde_json::from_str(&format!("{{{}}}", pieces.concat())).unwrap();
        document["calls"].as_array().unwrap().clone()
    };
    let [call] = &export().await[..] else { panic!("one call") };
    assert_eq!((&call["withFullName"], &call["status"]), (&"meera Kumar".into(), &"cancelled".into()));
    scene
        .world
        .banter
        .jobs()
        .queue(scene.world.banter.pool(), &Job::Prune {}, scene.world.now())
        .await
        .unwrap();
    scene.work().await;
    assert_eq!(export().await.len(), 1);
    // Their own deadlines first: a call that is held is left to the next hour.
    scene.world.advance(RINGS);
    scene.work().await;
    scene.world.advance(TimeDelta::days(365) + TimeDelta::seconds(1));
    scene.work().await;
    assert_eq!(scene.world.sql("update call_participants set role = role").await, 0);
}

#[tokio::test]
async fn calling_is_limited() {
    let scene = Scene::of(&["asha", "ravi"]).await;
    let [asha, ravi] = &scene.people[..] else { unreachable!() };
    let limit = scene.world.banter.limits().limit(limits::Act::Call);
    for _ in 0..limit.max {
        scene.call(asha, ravi).await;
    }
    let refused = scene.calls().initiate(&asha.caller, Whom::User(ravi.id), CallType::Audio).await;
    let refused = refused.unwrap_err();
    assert_eq!((refused.coded().1, refused.retry_after().is_some()), ("RATE_LIMITED", true));
}
