//! What a broken or hostile client sends.

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::Api;

const EVENTS: [&str; 8] = [
    "message:send",
    "message:read",
    "typing:start",
    "typing:stop",
    "room:subscribe",
    "room:unsubscribe",
    "presence:heartbeat",
    "auth:refresh",
];

#[tokio::test]
async fn a_payload_that_is_wrong_is_refused_in_the_acknowledgement() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let conversation = api.acquaint(&asha, &ravi, "hello").await;
    let mut socket = api.socket(&asha).await;
    let payloads = [
        json!(null),
        json!(true),
        json!(1),
        json!("x"),
        json!([]),
        json!({}),
        json!([[]]),
        json!({ "conversationId": 1 }),
        json!({ "conversationId": "x" }),
        json!({ "conversationId": null, "seq": 1 }),
        json!({ "conversationId": conversation, "seq": "1" }),
        json!({ "conversationId": conversation, "seq": 1.5 }),
        json!({ "conversationId": conversation, "seq": -1 }),
        json!({ "token": 1 }),
        json!({ "token": "nonsense" }),
        json!({ "receiverId": ravi.id }),
        json!({ "content": "to nobody" }),
        json!({ "receiverId": ravi.id, "conversationId": conversation, "content": "to both" }),
        json!({ "receiverId": ravi.id, "content": "a\u{0}b" }),
        json!({ "receiverId": ravi.id, "content": " " }),
        json!({ "receiverId": ravi.id, "content": "x".repeat(4001) }),
        json!({ "receiverId": asha.id, "content": "to myself" }),
        json!({ "receiverId": "0190b2c4-0000-7000-8000-000000000000", "content": "to nobody" }),
        json!({ "receiverId": ravi.id, "content": "x", "messageType": "smoke-signal" }),
        json!({ "_placeholder": true, "num": 0 }),
    ];
    for event in EVENTS.iter().filter(|event| **event != "presence:heartbeat") {
        for payload in &payloads {
            // Asking to type where one may is no mistake.
            if event.starts_with("typing") && payload["conversationId"] == json!(conversation) {
                continue;
            }
            let ack = socket.emit_with_ack(event, payload.clone()).await;
            assert_eq!(ack["success"], false, "{event} {payload}: {ack}");
            assert!(ack["code"].is_string() && ack["message"].is_string(), "{event} {payload}: {ack}");
        }
        // No payload at all, and one too many.
        socket.say(&format!("42900[\"{event}\"]")).await;
        assert_eq!(socket.expect_ack(900).await["success"], false, "{event}");
        socket.say(&format!("42901[\"{event}\",{{}},{{}}]")).await;
        assert_eq!(socket.expect_ack(901).await["success"], false, "{event}");
    }
    assert_eq!(socket.events_so_far().await, [], "nothing happened");
}

#[tokio::test]
async fn an_unknown_event_is_refused_in_the_acknowledgement() {
    let api = Api::new().await;
    let mut socket = api.socket(&api.world.user("asha").await).await;
    for event in [
        "message:delete-everything",
        "",
        "connect",
        "disconnect",
        "connect_error",
        "__proto__",
        "message:new",
    ] {
        let ack = socket.emit_with_ack(event, json!({})).await;
        assert_eq!((&ack["success"], &ack["code"]), (&json!(false), &json!("NOT_FOUND")), "{event}");
    }
}

#[tokio::test]
async fn who_asks_for_no_acknowledgement_gets_none() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let (mut phone, mut other) = (api.socket(&asha).await, api.socket(&ravi).await);
    let new = json!(["message:send", { "receiverId": ravi.id, "content": "hello" }]);
    phone.say(&format!("42{new}")).await;
    phone.say("42[\"message:send\",{\"receiverId\":1}]").await;
    phone.say("42[\"no such event\"]").await;
    assert_eq!(other.expect("message:new").await["content"], "hello");
    assert_eq!(phone.events_so_far().await, []);
}

#[tokio::test]
async fn a_packet_that_is_too_large_closes_the_socket() {
    let api = Api::new().await;
    let mut socket = api.socket(&api.world.user("asha").await).await;
    let large = format!("421[\"message:send\",{{\"content\":\"{}\"}}]", "x".repeat(200 * 1024));
    socket.throw(Message::text(large)).await;
    socket.expect_closed().await;
}

#[tokio::test]
async fn the_longest_message_fits_whatever_its_characters() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let mut socket = api.socket(&asha).await;
    let content = "💣".repeat(4000);
    let ack =
        socket.emit_with_ack("message:send", json!({ "receiverId": ravi.id, "content": content })).await;
    assert_eq!(ack["message"]["content"], content);
    // As clients write that escape everything beyond ASCII: twelve bytes a character.
    let escaped = "\\ud83d\\udca3".repeat(4000);
    socket
        .say(&format!("4290[\"message:send\",{{\"receiverId\":\"{}\",\"content\":\"{escaped}\"}}]", ravi.id))
        .await;
    assert_eq!(socket.expect_ack(90).await["message"]["content"], content);
}

#[tokio::test]
async fn garbage_breaks_at_most_the_socket_it_came_by() {
    let api = Api::new().await;
    let asha = api.world.user("asha").await;
    let mut bystander = api.socket(&asha).await;
    let deep = format!("421[\"message:send\",{}{}]", "[".repeat(10_000), "]".repeat(10_000));
    let frames = [
        "",
        "x",
        "4",
        "42",
        "42[",
        "42[]",
        "42{}",
        "42null",
        "42[1]",
        "42[null]",
        "42[[\"message:send\"]]",
        "42\"x\"",
        "421",
        "42x[\"message:send\"]",
        "42-1[\"message:send\",{}]",
        "4299999999999999999999[\"message:send\",{}]",
        "42/elsewhere,[\"message:send\",{}]",
        "42/,[\"message:send\",{}]",
        "43",
        "43[]",
        "431[]",
        "43999[\"x\"]",
        "44",
        "44{}",
        "40",
        "40{}",
        "40/elsewhere,",
        "41",
        "41/elsewhere,",
        "45",
        "451-[\"message:send\"]",
        "4599-[\"message:send\",{}]",
        "451-1[\"message:send\",{\"_placeholder\":true,\"num\":0}]",
        "451-1[\"message:send\",{\"_placeholder\":true,\"num\":5}]",
        "45999999999999-[\"x\"]",
        "46",
        "461-1[]",
        "47",
        "48",
        "49",
        "0",
        "0{}",
        "1",
        "2",
        "2probe",
        "3",
        "3probe",
        "5",
        "6",
        "7",
        "9",
        "\u{0}",
        "42\u{0}",
        "42[\"a\u{0}b\"]",
        "42[\"\\ud800\"]",
        "b",
        "bAQID",
        "bnot base64!",
        "42[\"message:send\",\"\\ud800\"]",
        &deep,
    ];
    for frame in frames {
        let mut socket = api.socket(&asha).await;
        socket.throw(Message::text(frame)).await;
        socket.throw(Message::binary(vec![1, 2, 3])).await;
        socket.throw(Message::binary(vec![])).await;
        socket.throw(Message::Ping(vec![0; 125].into())).await;
        socket.throw(Message::text("42[\"presence:heartbeat\",{}]")).await;
        socket.close().await;
    }
    // Before any handshake.
    for frame in frames {
        let mut transport = api.transport().await;
        transport.throw(Message::text(frame)).await;
        transport.throw(Message::binary(vec![1, 2, 3])).await;
        transport.close().await;
    }
    assert_eq!(bystander.emit_with_ack("presence:heartbeat", json!({})).await["success"], true);
    api.get("/auth/me", &asha).await.is(200);
}

#[tokio::test]
async fn binary_attachments_are_refused_like_any_wrong_payload() {
    let api = Api::new().await;
    let mut socket = api.socket(&api.world.user("asha").await).await;
    socket.say("451-70[\"message:send\",{\"content\":{\"_placeholder\":true,\"num\":0}}]").await;
    socket.throw(Message::binary(b"hello".to_vec())).await;
    assert_eq!(socket.expect_ack(70).await["success"], false);
}
