//! Socket.IO as it goes over the wire.

mod garbage;
mod sessions;

use banter_core::testing::World;
use serde_json::{Value, json};

use crate::harness::socket::Packet;
use crate::harness::{Api, Lock, Who, until};

#[tokio::test]
async fn a_message_reaches_everyone_but_the_socket_it_came_by() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let (mut phone, mut laptop) = (api.socket(&asha).await, api.socket(&asha).await);
    let (mut ravi_s, mut tablet) =
        (api.socket(&ravi).await, api.socket(&api.world.sign_in(&ravi).await).await);
    let new = json!({ "receiverId": ravi.id, "content": "  namaste ", "clientMessageId": "c-1" });
    let ack = phone.emit_with_ack("message:send", new.clone()).await;
    assert_eq!(ack["success"], true, "{ack}");
    let message = &ack["message"];
    assert_eq!(
        (&message["content"], &message["seq"], &message["clientMessageId"]),
        (&json!("namaste"), &json!(1), &json!("c-1"))
    );
    assert_eq!((&message["senderId"], &message["receiverId"]), (&json!(asha.id), &json!(ravi.id)));
    for socket in [&mut laptop, &mut ravi_s, &mut tablet] {
        assert_eq!(&socket.expect("message:new").await, message);
    }
    assert_eq!(phone.events_so_far().await, [], "the sender's socket has its acknowledgement");
    // The same once more changes nothing and tells nobody.
    assert_eq!(&phone.emit_with_ack("message:send", new).await["message"], message);
    assert_eq!(laptop.events_so_far().await, []);
    assert_eq!(ravi_s.events_so_far().await, []);
    // What came over REST reaches every socket of the sender's.
    let sent = api.post("/messages", &asha, json!({ "receiverId": ravi.id, "content": "and" })).await.is(201);
    for socket in [&mut phone, &mut laptop, &mut ravi_s] {
        assert_eq!(socket.expect("message:new").await, sent["message"]);
    }
}

#[tokio::test]
async fn messages_of_a_socket_keep_their_order() {
    let api = Api::over(World::builder().config(|config| config.limits.multiplier = 100)).await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let (mut phone, mut ravi_s) = (api.socket(&asha).await, api.socket(&ravi).await);
    let mut asked = Vec::new();
    for i in 0..200 {
        let new = json!({ "receiverId": ravi.id, "content": format!("message {i}") });
        asked.push(phone.ask("message:send", &new).await);
    }
    for (seq, number) in (1..).zip(asked) {
        let message = phone.expect_ack(number).await["message"].take();
        assert_eq!(
            (&message["seq"], &message["content"]),
            (&json!(seq), &json!(format!("message {}", seq - 1)))
        );
        assert_eq!(ravi_s.expect("message:new").await["seq"], seq);
    }
}

#[tokio::test]
async fn more_than_can_wait_is_refused_and_said_so() {
    let api = Api::over(World::builder().config(|config| config.limits.multiplier = 100)).await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let mut phone = api.socket(&asha).await;
    // The first waits for the lock, and the others wait for the first.
    api.acquaint(&asha, &ravi, "hello").await;
    let lock = Lock::on_messages(&api).await;
    let new = json!({ "receiverId": ravi.id, "content": "x" });
    let mut asked = Vec::new();
    for _ in 0..300 {
        asked.push(phone.ask("message:send", &new).await);
    }
    let last = phone.expect_ack(asked[299]).await;
    assert_eq!((&last["success"], &last["code"]), (&json!(false), &json!("RATE_LIMITED")));
    lock.release().await;
    // Each is answered, once: the first ones done, the others refused.
    let mut done = 0;
    for number in &asked[..299] {
        done += usize::from(phone.expect_ack(*number).await["success"] == true);
    }
    assert!((200..299).contains(&done), "{done}");
}

#[tokio::test]
async fn typing_is_told_to_the_other_and_only_to_them() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let mallory = api.world.user("mallory").await;
    let conversation = api.acquaint(&asha, &ravi, "hello").await;
    let (mut phone, mut ravi_s) = (api.socket(&asha).await, api.socket(&ravi).await);
    let mut outsider = api.socket(&mallory).await;
    let here = json!({ "conversationId": conversation });
    for event in ["typing:start", "typing:stop"] {
        assert_eq!(phone.emit_with_ack(event, here.clone()).await, json!({ "success": true }));
        let told = ravi_s.expect(event).await;
        assert_eq!(told, json!({ "conversationId": conversation, "userId": asha.id }));
        let refused = outsider.emit_with_ack(event, here.clone()).await;
        assert_eq!(refused["code"], "CONVERSATION_NOT_FOUND");
    }
    assert_eq!(phone.events_so_far().await, []);
    assert_eq!(ravi_s.events_so_far().await, []);
    assert_eq!(outsider.events_so_far().await, []);
}

#[tokio::test]
async fn a_read_mark_is_told_to_both_sides() {
    let api = Api::new().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let conversation = api.acquaint(&asha, &ravi, "hello").await;
    let (mut phone, mut ravi_s) = (api.socket(&asha).await, api.socket(&ravi).await);
    let mark = json!({ "conversationId": conversation, "seq": 99 });
    assert_eq!(phone.emit_with_ack("message:read", mark.clone()).await, json!({ "success": true, "seq": 2 }));
    let told = json!({ "conversationId": conversation, "userId": asha.id, "seq": 2 });
    assert_eq!(ravi_s.expect("message:read").await, told);
    assert_eq!(phone.expect("message:read").await, told);
    // A mark that does not move is no news.
    assert_eq!(phone.emit_with_ack("message:read", mark).await["seq"], 2);
    assert_eq!(ravi_s.events_so_far().await, []);
}

#[tokio::test]
async fn presence_is_told_to_friends() {
    let api = Api::new().await;
    api.world.banter.start_background().await.unwrap();
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let mallory = api.world.user("mallory").await;
    api.world.befriend(&asha, &ravi).await;
    api.acquaint(&mallory, &asha, "do you know me?").await;
    let mut outsider = api.socket(&mallory).await;
    let mut ravi_s = api.socket(&ravi).await;
    let phone = api.socket(&asha).await;
    let came = json!({ "userId": asha.id, "status": "online", "lastSeen": null });
    assert_eq!(ravi_s.expect("presence:changed").await, came);
    let asked = format!("/presence?userIds={},{},{}", asha.id, mallory.id, ravi.id);
    assert_eq!(api.get(&asked, &ravi).await.is(200)["presence"], json!([came]));
    assert_eq!(api.get(&asked, &mallory).await.is(200)["presence"], json!([]));
    phone.close().await;
    // The socket's end is handled in the server's own time; then its lease is 5 seconds, by the world's clock.
    until("asha's lease is short", async || {
        api.world.advance(chrono::TimeDelta::seconds(6));
        let mut seen = api.get(&asked, &ravi).await.is(200);
        seen["presence"][0]["status"].take() == "offline"
    })
    .await;
    let left = ravi_s.expect("presence:changed").await;
    assert_eq!((&left["userId"], &left["status"]), (&json!(asha.id), &json!("offline")));
    assert!(left["lastSeen"].is_string(), "{left}");
    assert_eq!(outsider.all_events_so_far().await, []);
}

#[tokio::test]
async fn replicas_tell_each_other() {
    let api = Api::new().await;
    let other = api.replica().await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let (mut here, mut there) = (api.socket(&asha).await, other.socket(&ravi).await);
    let ack = here.emit_with_ack("message:send", json!({ "receiverId": ravi.id, "content": "hello" })).await;
    assert_eq!(there.expect("message:new").await, ack["message"]);
    let back =
        there.emit_with_ack("message:send", json!({ "receiverId": asha.id, "content": "hello" })).await;
    assert_eq!(here.expect("message:new").await, back["message"]);
    assert_eq!(
        here.events_so_far().await.into_iter().filter(|(name, _)| name == "message:new").count(),
        0,
        "once each"
    );
}

#[tokio::test]
async fn a_client_that_asks_for_what_it_missed_after_connecting_misses_nothing() {
    let api = Api::over(World::builder().config(|config| config.limits.multiplier = 100)).await;
    let (asha, ravi) = (api.world.user("asha").await, api.world.user("ravi").await);
    let conversation = api.acquaint(&asha, &ravi, "hello").await;
    let mut writer = api.socket(&asha).await;
    let mut asked = Vec::new();
    for i in 0..40 {
        asked.push(
            writer.ask("message:send", &json!({ "receiverId": ravi.id, "content": format!("{i}") })).await,
        );
    }
    // In the middle of it ravi connects.
    writer.expect_ack(asked[10]).await;
    let mut reader = api.socket(&ravi).await;
    let path = format!("/conversations/{conversation}/messages?afterSeq=2&limit=100");
    let history = api.get(&path, &ravi).await.is(200);
    let mut seen: Vec<Value> =
        history["messages"].as_array().unwrap().iter().map(|m| m["seq"].clone()).collect();
    writer.expect_ack(asked[39]).await;
    let live = reader.events_so_far().await.into_iter().filter(|(name, _)| name == "message:new");
    seen.extend(live.map(|(_, message)| message["seq"].clone()));
    seen.sort_by_key(Value::as_i64);
    seen.dedup();
    assert_eq!(seen, (3..=42).map(|seq| json!(seq)).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_older_transport_reaches_the_same_server() {
    let api = Api::new().await;
    let answer = reqwest_text(&api, "/socket.io/?EIO=4&transport=polling").await;
    assert!(answer.starts_with("0{\"sid\":"), "{answer}");
    let (_, packet) = api.handshake("/elsewhere,{}").await;
    assert!(!matches!(packet, Packet::Connected), "{packet:?}");
}

async fn reqwest_text(api: &Api, path: &str) -> String {
    let request = api.ask(axum::http::Method::GET, path, Who::Nobody);
    request.send().await.expect("an answer").text().await.expect("text")
}
