//! Gifts: what coins are for.

use serde_json::json;

use crate::harness::Api;

#[tokio::test]
async fn a_gift_is_given_once_and_seen_by_both() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let mut socket = api.socket(&ravi).await;
    let catalogue = api.get("/gifts/catalogue", &asha).await.is(200);
    assert_eq!(
        catalogue["gifts"][0],
        json!({ "gift": "rose", "name": { "en": "rose", "hi": "गुलाब" }, "coins": 10 })
    );
    let rose = json!({ "receiverId": ravi.id, "gift": "rose", "clientGiftId": "g-1" });
    let gave = api.post("/gifts", &asha, rose.clone()).await.is(201);
    assert_eq!((&gave["coins"], &gave["message"]["messageType"]), (&json!(90), &json!("gift")));
    let shown = json!({ "id": gave["gift"]["id"], "gift": "rose", "coins": 10, "receiverId": ravi.id });
    assert_eq!(gave["message"]["gift"], shown);
    assert_eq!(api.post("/gifts", &asha, rose).await.is(200), gave);
    assert_eq!(socket.expect("message:new").await["gift"], shown);
    let coins = socket.expect("coins:updated").await;
    assert_eq!(coins, json!({ "balance": 100, "earned": 10, "change": 10, "kind": "gift_received" }));
    assert_eq!(socket.expect("notification:new").await["notification"]["kind"], "gift_received");
    for (who, direction, other) in [(&asha, "sent", &ravi), (&ravi, "received", &asha)] {
        let listed = api.get(&format!("/gifts?direction={direction}"), who).await.is(200);
        assert_eq!(
            (&listed["gifts"][0]["id"], &listed["gifts"][0]["user"]["id"]),
            (&shown["id"], &json!(other.id))
        );
        assert_eq!(
            (listed["gifts"].as_array().map(Vec::len), &listed["nextCursor"]),
            (Some(1), &json!(null))
        );
    }
}

#[tokio::test]
async fn an_idempotency_key_is_a_client_gift_id() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let rose = json!({ "receiverId": ravi.id, "gift": "rose" });
    let give = async || {
        let request = api.ask(axum::http::Method::POST, "/api/gifts", &asha).header("idempotency-key", "k-1");
        api.send(request.json(&rose)).await
    };
    let first = give().await.is(201);
    api.world.sql("delete from idempotency_keys").await;
    assert_eq!(give().await.is(200), first);
}

#[tokio::test]
async fn a_gift_that_cannot_be_given_is_refused() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let nobody = "0190b2c4-0000-7000-8000-000000000000";
    for (body, status, code) in [
        (json!({ "receiverId": asha.id, "gift": "rose" }), 400, "CANNOT_GIFT_YOURSELF"),
        (json!({ "receiverId": ravi.id, "gift": "moon" }), 400, "VALIDATION_FAILED"),
        (json!({ "receiverId": ravi.id, "gift": "rose", "clientGiftId": "" }), 400, "VALIDATION_FAILED"),
        (
            json!({ "receiverId": ravi.id, "gift": "rose", "roomId": nobody, "conversationId": nobody }),
            400,
            "VALIDATION_FAILED",
        ),
        (json!({ "receiverId": nobody, "gift": "rose" }), 404, "USER_NOT_FOUND"),
        (json!({ "receiverId": ravi.id, "gift": "rose", "roomId": nobody }), 404, "CONVERSATION_NOT_FOUND"),
    ] {
        api.post("/gifts", &asha, body).await.refused(status, code);
    }
    let short = api.post("/gifts", &asha, json!({ "receiverId": ravi.id, "gift": "kite" })).await;
    assert_eq!(short.json["details"], json!({ "price": 200, "missing": 100 }));
    short.refused(409, "NOT_ENOUGH_COINS");
    let forged = json!({ "receiverId": ravi.id, "content": "palace", "messageType": "gift" });
    api.post("/messages", &asha, forged).await.refused(400, "VALIDATION_FAILED");
    api.get("/gifts", &asha).await.refused(400, "VALIDATION_FAILED");
}
