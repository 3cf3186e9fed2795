//! Calls to a group.

use super::*;

async fn ring(scene: &Scene, group: ConversationId) -> Placed {
    let caller = &scene.people[0].caller;
    scene.calls().initiate(caller, Whom::Group(group), CallType::Audio).await.unwrap()
}

#[tokio::test]
async fn a_group_talks_until_one_is_left() {
    let scene = Scene::of(&["asha", "ravi", "meera", "kabir"]).await;
    let [asha, ravi, meera, kabir] = &scene.people[..] else { unreachable!() };
    let group = scene.group().await;
    let id = ring(&scene, group).await.call.id;
    for who in [ravi, meera, kabir] {
        let Event::CallIncoming(rings) = scene.world.expect_event(who, |e| e.name() == "call:incoming").await
        else {
            unreachable!()
        };
        assert_eq!((rings.conversation_id, rings.conversation_name.as_deref()), (Some(group), Some("Goa")));
    }
    let taken = scene.calls().answer(&ravi.caller, id).await.unwrap();
    scene.media.join(&taken.entrance.token).await.unwrap();
    assert_eq!(taken.call.participants.len(), 4);
    assert_eq!((scene.heard(asha), scene.heard(kabir)), (vec!["call:answered"], vec![]));
    assert_eq!(scene.calls().reject(&kabir.caller, id).await.unwrap().status, Status::Answered);
    scene.calls().answer(&meera.caller, id).await.unwrap();
    scene.world.advance(chrono::TimeDelta::seconds(30));
    // Whoever began it may leave it as any other.
    assert_eq!(scene.calls().end(&asha.caller, id).await.unwrap().status, Status::Answered);
    // Late, after all.
    scene.calls().answer(&kabir.caller, id).await.unwrap();
    scene.calls().end(&ravi.caller, id).await.unwrap();
    assert_eq!(scene.status(meera, id).await, Status::Answered);
    let ended = scene.calls().end(&kabir.caller, id).await.unwrap();
    assert_eq!((ended.status, ended.duration), (Status::Completed, Some(30)));
    scene.work().await;
    crate::testing::livekit::until_closed(&scene.world.banter, &ended.livekit_room).await;
    assert_eq!(code(scene.calls().answer(&ravi.caller, id).await), "CALL_OVER");
}

#[tokio::test]
async fn nobody_comes() {
    let scene = Scene::of(&["asha", "ravi", "meera"]).await;
    let [asha, ravi, meera] = &scene.people[..] else { unreachable!() };
    let group = scene.group().await;
    let id = ring(&scene, group).await.call.id;
    scene.world.advance(RINGS);
    scene.work().await;
    assert_eq!(scene.status(asha, id).await, Status::Missed);
    assert_eq!((scene.inbox(ravi).await.len(), scene.inbox(meera).await.len()), (1, 1));
    let id = ring(&scene, group).await.call.id;
    scene.calls().reject(&ravi.caller, id).await.unwrap();
    assert_eq!(scene.status(asha, id).await, Status::Ringing);
    scene.calls().reject(&meera.caller, id).await.unwrap();
    assert_eq!(scene.status(asha, id).await, Status::Rejected);
    let id = ring(&scene, group).await.call.id;
    scene.calls().cancel(&asha.caller, id).await.unwrap();
    assert_eq!(scene.status(meera, id).await, Status::Cancelled);
    assert_eq!(scene.inbox(meera).await.len(), 2);
    // Some were there, and some were not.
    let id = ring(&scene, group).await.call.id;
    scene.calls().answer(&ravi.caller, id).await.unwrap();
    scene.world.advance(RINGS);
    scene.work().await;
    assert_eq!(scene.status(asha, id).await, Status::Answered);
    assert_eq!((scene.inbox(ravi).await.len(), scene.inbox(meera).await.len()), (2, 3));
    assert!(scene.history(meera).await[0].is_missed);
}

#[tokio::test]
async fn two_of_a_group_who_call_it_are_in_one_call() {
    let scene = Scene::of(&["asha", "ravi", "meera"]).await;
    let [asha, ravi, meera] = &scene.people[..] else { unreachable!() };
    let group = scene.group().await;
    scene.world.open_connections().await;
    let calls = scene.calls();
    let (hers, his) = tokio::join!(
        calls.initiate(&asha.caller, Whom::Group(group), CallType::Audio),
        calls.initiate(&ravi.caller, Whom::Group(group), CallType::Audio),
    );
    assert_eq!(hers.unwrap().call.id, his.unwrap().call.id);
    assert!(scene.heard(meera).contains(&"call:incoming"), "the third rings all the same");
    let stranger = scene.world.user("stranger").await;
    let refused = calls.initiate(&stranger.caller, Whom::Group(group), CallType::Audio).await;
    assert_eq!(code(refused), "CONVERSATION_NOT_FOUND");
    let direct = scene.world.acquaint(asha, meera).await;
    let refused = calls.initiate(&meera.caller, Whom::Group(direct), CallType::Audio).await;
    assert_eq!(code(refused), "NOT_A_GROUP");
    // Meera rings still; in the same group she comes in, elsewhere she is taken.
    assert_eq!(
        code(calls.initiate(&meera.caller, Whom::User(asha.id), CallType::Audio).await),
        "ALREADY_IN_CALL"
    );
    calls.initiate(&meera.caller, Whom::Group(group), CallType::Audio).await.unwrap();
}

#[tokio::test]
async fn those_who_cannot_meet_are_not_in_one_call() {
    let scene = Scene::of(&["asha", "ravi", "meera", "kabir"]).await;
    let [asha, ravi, meera, kabir] = &scene.people[..] else { unreachable!() };
    let group = scene.group().await;
    scene.world.block(ravi, meera).await;
    scene.world.block(kabir, asha).await;
    let placed = ring(&scene, group).await;
    let id = placed.call.id;
    assert_eq!(placed.call.participants.len(), 3, "kabir does not ring");
    assert!(scene.heard(kabir).is_empty());
    assert_eq!(code(scene.calls().one(&kabir.caller, id).await), "CALL_NOT_FOUND");
    scene.calls().answer(&ravi.caller, id).await.unwrap();
    assert_eq!(code(scene.calls().answer(&meera.caller, id).await), "CALL_NOT_FOUND");
    let seen = scene.calls().one(&meera.caller, id).await.unwrap().participants;
    assert!(seen.iter().all(|one| one.user.id != ravi.id), "{seen:?}");
    scene.calls().end(&ravi.caller, id).await.unwrap();
    // Asha waits for those whose phones ring still.
    scene.calls().answer(&meera.caller, id).await.unwrap();
    assert_eq!(code(scene.calls().answer(&ravi.caller, id).await), "CALL_NOT_FOUND");
}

#[tokio::test]
async fn a_block_takes_one_of_them_out() {
    let scene = Scene::of(&["asha", "ravi", "meera"]).await;
    let [asha, ravi, meera] = &scene.people[..] else { unreachable!() };
    let group = scene.group().await;
    let id = ring(&scene, group).await.call.id;
    for who in [ravi, meera] {
        scene.calls().answer(&who.caller, id).await.unwrap();
    }
    scene.world.block(ravi, meera).await;
    let live = async |who: &Person| {
        let people = scene.calls().show(id).await.unwrap().1;
        people.iter().any(|one| one.id == who.id && one.part == Part::Joined)
    };
    assert_eq!((live(ravi).await, live(meera).await), (false, true), "who blocks goes");
    scene.world.banter.safety().unblock(&ravi.caller, meera.id).await.unwrap();
    scene.calls().answer(&ravi.caller, id).await.unwrap();
    scene.world.block(asha, ravi).await;
    assert_eq!((live(asha).await, live(ravi).await), (true, false), "but whose call it is stays");
    assert_eq!(scene.status(asha, id).await, Status::Answered);
}

#[tokio::test]
async fn whoever_leaves_the_group_leaves_its_call() {
    let scene = Scene::of(&["asha", "ravi", "meera", "kabir"]).await;
    let [asha, ravi, meera, kabir] = &scene.people[..] else { unreachable!() };
    let group = scene.group().await;
    let id = ring(&scene, group).await.call.id;
    for who in [ravi, meera] {
        scene.calls().answer(&who.caller, id).await.unwrap();
    }
    let messaging = scene.world.banter.messaging();
    messaging.remove_member(&asha.caller, group, ravi.id).await.unwrap();
    messaging.leave_group(&kabir.caller, group).await.unwrap();
    let live: Vec<_> =
        scene.calls().show(id).await.unwrap().1.into_iter().filter(|one| one.part.is_live()).collect();
    assert_eq!(live.iter().map(|one| one.id).collect::<Vec<_>>(), [asha.id, meera.id]);
    for who in [ravi, kabir] {
        assert_eq!(code(scene.calls().answer(&who.caller, id).await), "CALL_NOT_FOUND");
    }
    assert!(scene.inbox(kabir).await.is_empty(), "whoever leaves has missed nothing");
    messaging.leave_group(&meera.caller, group).await.unwrap();
    assert_eq!(scene.status(asha, id).await, Status::Completed);
}
