//! Two at once: one transaction settles it.

use super::*;

#[tokio::test]
async fn two_who_call_each_other_are_in_one_call() {
    let scene = Scene::of(&["asha", "ravi"]).await;
    let [asha, ravi] = &scene.people[..] else { unreachable!() };
    scene.world.open_connections().await;
    for _ in 0..5 {
        let (hers, his) = tokio::join!(scene.call(asha, ravi), scene.call(ravi, asha));
        assert_eq!(hers.call.id, his.call.id);
        assert_ne!(hers.entrance.token, his.entrance.token);
        assert_eq!(scene.status(asha, hers.call.id).await, Status::Answered);
        scene.media.join(&hers.entrance.token).await.unwrap();
        scene.media.join(&his.entrance.token).await.unwrap();
        scene.calls().end(&asha.caller, hers.call.id).await.unwrap();
    }
    assert_eq!(scene.history(asha).await.len(), 5);
}

#[tokio::test]
async fn of_two_who_call_the_same_one_is_told_to_wait() {
    let scene = Scene::of(&["asha", "ravi", "meera"]).await;
    let [asha, ravi, meera] = &scene.people[..] else { unreachable!() };
    scene.world.open_connections().await;
    for _ in 0..5 {
        let calls = scene.calls();
        let (one, other) = tokio::join!(
            calls.initiate(&ravi.caller, Whom::User(asha.id), CallType::Audio),
            calls.initiate(&meera.caller, Whom::User(asha.id), CallType::Audio),
        );
        let (placed, who, refused) = match (one, other) {
            (Ok(placed), refused) => (placed, ravi, refused),
            (refused, Ok(placed)) => (placed, meera, refused),
            (Err(one), Err(other)) => panic!("{one}, {other}"),
        };
        assert_eq!(code(refused), "USER_BUSY");
        calls.cancel(&who.caller, placed.call.id).await.unwrap();
    }
}

#[tokio::test]
async fn of_two_devices_one_answers() {
    let scene = Scene::of(&["asha", "ravi"]).await;
    let [asha, ravi] = &scene.people[..] else { unreachable!() };
    let other = scene.world.sign_in(ravi).await;
    scene.world.open_connections().await;
    for _ in 0..5 {
        let id = scene.call(asha, ravi).await.call.id;
        let calls = scene.calls();
        let (one, two) = tokio::join!(calls.answer(&ravi.caller, id), calls.answer(&other.caller, id));
        let refused = [one, two].into_iter().filter_map(Result::err).map(|error| error.coded().1);
        assert_eq!(refused.collect::<Vec<_>>(), ["CALL_ANSWERED_ELSEWHERE"]);
        calls.end(&asha.caller, id).await.unwrap();
    }
}

#[tokio::test]
async fn an_answer_and_a_second_thought_at_once() {
    let scene = Scene::of(&["asha", "ravi"]).await;
    let [asha, ravi] = &scene.people[..] else { unreachable!() };
    scene.world.open_connections().await;
    for _ in 0..5 {
        let id = scene.call(asha, ravi).await.call.id;
        let calls = scene.calls();
        let (answered, cancelled) =
            tokio::join!(calls.answer(&ravi.caller, id), calls.cancel(&asha.caller, id));
        match scene.status(asha, id).await {
            Status::Answered => assert_eq!(code(cancelled), "CALL_NOT_RINGING"),
            Status::Cancelled => assert_eq!(code(answered), "CALL_OVER"),
            other => panic!("{other:?}"),
        }
        calls.end(&asha.caller, id).await.unwrap();
    }
}

#[tokio::test]
async fn a_call_and_a_block_at_once_leave_no_call() {
    let scene = Scene::of(&["asha", "ravi"]).await;
    let [asha, ravi] = &scene.people[..] else { unreachable!() };
    scene.world.open_connections().await;
    let calls = scene.calls();
    let (called, ()) = tokio::join!(
        calls.initiate(&asha.caller, Whom::User(ravi.id), CallType::Audio),
        scene.world.block(ravi, asha),
    );
    if let Err(error) = called {
        assert!(["USER_NOT_FOUND", "CALL_NOT_FOUND", "CALL_OVER"].contains(&error.coded().1), "{error}");
    }
    let live = "update call_logs set started_at = started_at where ended_at is null";
    assert_eq!(scene.world.sql(live).await, 0);
}

#[tokio::test]
async fn a_call_and_a_suspension_at_once_leave_no_call() {
    let scene = Scene::of(&["asha", "ravi"]).await;
    let [asha, ravi] = &scene.people[..] else { unreachable!() };
    scene.world.open_connections().await;
    let (calls, accounts) = (scene.calls(), scene.world.banter.accounts());
    let (called, suspended) = tokio::join!(
        calls.initiate(&asha.caller, Whom::User(ravi.id), CallType::Audio),
        accounts.suspend(asha.id, None, "for a test"),
    );
    suspended.unwrap();
    if let Err(error) = called {
        assert!(["SESSION_REVOKED", "CALL_OVER"].contains(&error.coded().1), "{error}");
    }
    let live = "update call_logs set started_at = started_at where ended_at is null";
    assert_eq!(scene.world.sql(live).await, 0);
}
