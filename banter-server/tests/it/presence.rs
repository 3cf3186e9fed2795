//! Who is here now.

use serde_json::json;

use crate::harness::Api;

#[tokio::test]
async fn only_friends_see_each_other() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let stranger = api.world.user("stranger").await;
    api.world.befriend(&asha, &ravi).await;
    api.acquaint(&asha, &stranger, "hello").await;
    let unknown = "0190b2c4-0000-7000-8000-000000000000";
    let path = format!("/presence?userIds={},{}, {} ,{unknown},{}", ravi.id, stranger.id, asha.id, ravi.id);
    let seen = json!([{ "userId": ravi.id, "status": "offline", "lastSeen": null }]);
    assert_eq!(api.get(&path, &asha).await.is(200), json!({ "success": true, "presence": seen }));
    let _socket = api.socket(&ravi).await;
    crate::harness::until("ravi is here", async || {
        api.get(&path, &asha).await.is(200)["presence"][0]["status"] == "online"
    })
    .await;
    let show = async |to: &str| {
        api.put("/users/me/settings", &ravi, json!({ "presence": to })).await.is(200);
        api.get(&path, &asha).await.is(200)["presence"].take()
    };
    assert_eq!(show("nobody").await, json!([]));
    assert_eq!(show("friends").await[0]["status"], "online");
    api.world.block(&ravi, &asha).await;
    assert_eq!(api.get(&path, &asha).await.is(200)["presence"], json!([]));
}

#[tokio::test]
async fn a_question_has_bounds() {
    let api = Api::new().await;
    let asha = api.world.user("asha").await;
    let ask = async |ids: String| api.get(&format!("/presence?userIds={ids}"), &asha).await;
    assert_eq!(ask(String::new()).await.is(200)["presence"], json!([]));
    ask(vec![asha.id.to_string(); 100].join(",")).await.is(200);
    ask(vec![asha.id.to_string(); 101].join(",")).await.refused(400, "VALIDATION_FAILED");
    let refused = ask(format!("{},somebody", asha.id)).await.refused(400, "VALIDATION_FAILED");
    assert_eq!(refused["details"]["fields"]["userIds"], "must be comma-separated UUIDs");
    api.get("/presence", &asha).await.refused(400, "VALIDATION_FAILED");
}
