//! The caller's settings, and where they are.

use serde_json::json;

use crate::harness::Api;

#[tokio::test]
async fn settings_change_by_what_is_given() {
    let api = Api::new().await;
    let asha = api.world.user("asha").await;
    let mut expected = json!({
        "messages": "everyone", "calls": "friends", "presence": "friends",
        "push": { "messages": true, "friends": true, "calls": true, "rooms": true, "payments": true },
        "quietHours": null,
    });
    let answer = |settings: &serde_json::Value| json!({ "success": true, "settings": settings });
    let path = "/users/me/settings";
    assert_eq!(api.get(path, &asha).await.is(200), answer(&expected));
    let hours = json!({ "from": "22:30", "to": "07:00" });
    let change = json!({ "calls": "everyone", "push": { "rooms": false }, "quietHours": hours });
    expected["calls"] = json!("everyone");
    expected["push"]["rooms"] = json!(false);
    expected["quietHours"] = hours;
    assert_eq!(api.put(path, &asha, change).await.is(200), answer(&expected));
    assert_eq!(api.put(path, &asha, json!({})).await.is(200), answer(&expected), "absent stays");
    expected["quietHours"] = json!(null);
    assert_eq!(api.put(path, &asha, json!({ "quietHours": null })).await.is(200), answer(&expected));
    assert_eq!(api.get(path, &asha).await.is(200), answer(&expected));
    let ravi = api.world.user("ravi").await;
    assert_eq!(api.get(path, &ravi).await.is(200)["settings"]["calls"], "friends", "each their own");
}

#[tokio::test]
async fn settings_that_make_no_sense_change_nothing() {
    let api = Api::new().await;
    let asha = api.world.user("asha").await;
    let path = "/users/me/settings";
    let before = api.get(path, &asha).await.is(200);
    for (change, field) in [
        (json!({ "messages": "strangers" }), "messages"),
        (json!({ "presence": "everyone" }), "presence"),
        (json!({ "push": { "calls": "loud" } }), "push.calls"),
        (json!({ "calls": "nobody", "quietHours": { "from": "22:30" } }), "quietHours"),
        (json!({ "calls": "nobody", "quietHours": { "from": "22:30", "to": "22:30" } }), "quietHours"),
        (json!({ "calls": "nobody", "quietHours": { "from": "24:30", "to": "7:00" } }), "quietHours"),
    ] {
        let refused = api.put(path, &asha, change.clone()).await.refused(400, "VALIDATION_FAILED");
        assert!(refused["details"]["fields"][field].is_string(), "{change}: {refused}");
    }
    assert_eq!(api.get(path, &asha).await.is(200), before);
}

#[tokio::test]
async fn a_place_is_answered_to_its_owner_as_it_was_stored() {
    let api = Api::new().await;
    let asha = api.world.user("asha").await;
    let path = "/users/me/location";
    let stored = api.put(path, &asha, json!({ "latitude": 19.075_98, "longitude": 72.877_66 })).await.is(200);
    let expected = json!({ "latitude": 19.08, "longitude": 72.88, "updatedAt": "2026-11-22T06:30:00Z" });
    assert_eq!(stored, json!({ "success": true, "location": expected }));
    for (body, field) in [
        (json!({ "latitude": 90.5, "longitude": 0 }), "latitude"),
        (json!({ "latitude": 0, "longitude": -180.5 }), "longitude"),
        (json!({ "latitude": "north", "longitude": 0 }), "latitude"),
    ] {
        let refused = api.put(path, &asha, body.clone()).await.refused(400, "VALIDATION_FAILED");
        assert!(refused["details"]["fields"][field].is_string(), "{body}: {refused}");
    }
    api.put(path, &asha, json!({ "latitude": 1 })).await.refused(400, "VALIDATION_FAILED");
    for _ in 0..2 {
        assert_eq!(api.delete(path, &asha).await.is(200), json!({ "success": true }));
    }
}
