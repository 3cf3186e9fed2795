//! What phones are told: that it rings, that it does so no more, that it was missed.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::*;
use crate::accounts::settings::SettingsChange;
use crate::testing::fcm::Fcm;
use crate::testing::noon;

async fn scene(fcm: &Fcm, names: &[&str]) -> Scene {
    let media = LiveKit::shared().await;
    let world = World::builder().speaks_at(media).pushes_to(fcm).build().await;
    let scene = Scene::in_world(media, world, names).await;
    scene.work().await;
    scene
}

/// What this phone was told of calls.
fn told(fcm: &Fcm, phone: &str) -> Vec<Value> {
    let calls = fcm.sent().into_iter().filter(|message| message["token"] == phone);
    calls
        .filter(|message| message["data"]["type"].as_str().is_some_and(|kind| kind.contains("call")))
        .collect()
}

#[tokio::test]
async fn a_phone_rings_for_as_long_as_the_call_and_no_longer() {
    let fcm = Fcm::start(noon()).await;
    let scene = scene(&fcm, &["asha", "ravi"]).await;
    let [asha, ravi] = &scene.people[..] else { unreachable!() };
    let id = scene.call(asha, ravi).await.call.id;
    scene.world.advance(TimeDelta::seconds(15));
    scene.work().await;
    let [rings] = &told(&fcm, &phone("ravi"))[..] else { panic!("one push") };
    assert_eq!(
        rings["data"],
        json!({ "type": "call", "callId": id, "callType": "audio", "callerId": asha.id, "callerName": "asha Kumar" })
    );
    assert_eq!(rings["notification"], json!({ "title": "asha Kumar", "body": "Incoming call" }));
    let android = &rings["android"];
    assert_eq!((&android["priority"], &android["ttl"]), (&json!("HIGH"), &json!("30s")));
    assert_eq!((&android["collapse_key"], &android["notification"]["tag"]), (&json!(id), &json!(id)));
    assert_eq!(android["notification"]["channel_id"], "calls");
    // What was missed takes its place.
    scene.world.advance(TimeDelta::seconds(30));
    scene.work().await;
    let [_, missed] = &told(&fcm, &phone("ravi"))[..] else { panic!("two pushes") };
    assert_eq!((&missed["data"]["type"], &missed["data"]["subjectId"]), (&json!("call_missed"), &json!(id)));
    assert_eq!(missed["android"]["notification"]["tag"], json!(id));
    assert_eq!(missed["android"]["priority"], "HIGH");
    assert!(told(&fcm, &phone("asha")).is_empty());
}

#[tokio::test]
async fn the_other_phones_stop_when_one_took_it() {
    let fcm = Fcm::start(noon()).await;
    let scene = scene(&fcm, &["asha", "ravi"]).await;
    let [asha, ravi] = &scene.people[..] else { unreachable!() };
    let tablet = scene.world.sign_in(ravi).await;
    scene.world.banter.accounts().put_device(&tablet.caller, "tablet", Platform::Android).await.unwrap();
    let id = scene.call(asha, ravi).await.call.id;
    scene.work().await;
    scene.calls().answer(&ravi.caller, id).await.unwrap();
    scene.work().await;
    assert_eq!(told(&fcm, &phone("ravi")).len(), 1);
    let [_, over] = &told(&fcm, "tablet")[..] else { panic!("two pushes") };
    assert_eq!(over["data"], json!({ "type": "call_over", "callId": id, "status": "answered" }));
    assert!(over.get("notification").is_none(), "nothing is shown");
    assert_eq!(over["android"]["priority"], "HIGH");
    scene.calls().end(&asha.caller, id).await.unwrap();
    // Refused on one: it stops on both.
    let id = scene.call(asha, ravi).await.call.id;
    scene.work().await;
    scene.calls().reject(&tablet.caller, id).await.unwrap();
    scene.work().await;
    let over = told(&fcm, &phone("ravi")).pop().unwrap();
    assert_eq!((&over["data"]["type"], &over["data"]["status"]), (&json!("call_over"), &json!("rejected")));
}

#[tokio::test]
async fn who_is_left_in_peace() {
    let fcm = Fcm::start(noon()).await;
    let scene = scene(&fcm, &["asha", "ravi", "meera", "kabir"]).await;
    let [asha, ravi, meera, kabir] = &scene.people[..] else { unreachable!() };
    let accounts = scene.world.banter.accounts();
    let off = SettingsChange { push_calls: Some(false), ..Default::default() };
    accounts.change_settings(&ravi.caller, off).await.unwrap();
    let quiet = Some(Some(("11:00".to_owned(), "13:00".to_owned())));
    let quiet = SettingsChange { quiet_hours: quiet, ..Default::default() };
    accounts.change_settings(&meera.caller, quiet).await.unwrap();
    for who in [ravi, meera] {
        let id = scene.call(asha, who).await.call.id;
        scene.work().await;
        assert_eq!(scene.heard(who), ["call:incoming"], "an open app rings all the same");
        scene.calls().cancel(&asha.caller, id).await.unwrap();
        scene.work().await;
        assert_eq!(told(&fcm, &phone(&who.name)), Vec::<Value>::new());
    }
    // Over before the push went out.
    let id = scene.call(asha, kabir).await.call.id;
    scene.calls().cancel(&asha.caller, id).await.unwrap();
    scene.work().await;
    let [missed] = &told(&fcm, &phone("kabir"))[..] else { panic!("one push") };
    assert_eq!(missed["data"]["type"], "call_missed");
}
