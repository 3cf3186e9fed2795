use super::*;
use crate::testing::{Notices, Person, World};

fn typing(user: UserId, starts: bool) -> Event {
    let typing = Typing { conversation_id: ConversationId(Uuid::nil()), user_id: user };
    if starts { Event::TypingStart(typing) } else { Event::TypingStop(typing) }
}

fn deliver(world: &World, to: &Person, event: Event) {
    world.banter.bus().deliver(Delivery { to: vec![to.id], except_socket: Some("s1".into()), event });
}

#[tokio::test]
async fn a_replica_hears_of_those_connected_to_it() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let other = world.replica().await;
    other.banter.bus().listen(ravi.id).await;
    deliver(&world, &asha, typing(ravi.id, true));
    deliver(&world, &ravi, typing(asha.id, true));
    // In order on one connection: had the first been heard, it would be here by now.
    other.notices.expect_event(&ravi, |event| *event == typing(asha.id, true)).await;
    assert!(other.notices.events_for(&asha).is_empty());
    assert_eq!(world.notices().deliveries_for(&asha).len(), 1, "the own process is told at once");

    // Another of ravi's sockets opened just then.
    other.banter.bus().unlisten(ravi.id, || true).await;
    deliver(&world, &ravi, typing(asha.id, true));
    other.notices.expect_event(&ravi, |event| *event == typing(asha.id, true)).await;

    other.banter.bus().unlisten(ravi.id, || false).await;
    other.banter.bus().listen(asha.id).await;
    deliver(&world, &ravi, typing(asha.id, false));
    deliver(&world, &asha, typing(ravi.id, false));
    other.notices.expect_event(&asha, |event| *event == typing(ravi.id, false)).await;
    assert!(other.notices.events_for(&ravi).is_empty());
}

#[tokio::test]
async fn what_one_said_oneself_is_not_heard_again() {
    let world = World::new().await;
    let asha = world.user("asha").await;
    let other = world.replica().await;
    for bus in [world.banter.bus(), other.banter.bus()] {
        bus.listen(asha.id).await;
    }
    deliver(&world, &asha, typing(asha.id, true));
    other.notices.expect_event(&asha, |_| true).await;
    // The echo of the first came before this answer.
    other.banter.bus().deliver(Delivery {
        to: vec![asha.id],
        except_socket: None,
        event: typing(asha.id, false),
    });
    world.expect_event(&asha, |event| *event == typing(asha.id, false)).await;
    assert_eq!(world.events_for(&asha), [typing(asha.id, true)]);
}

#[tokio::test]
async fn socket_and_people_survive_the_way_through_redis() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let other = world.replica().await;
    other.banter.bus().listen(ravi.id).await;
    let sent = Delivery {
        to: vec![asha.id, ravi.id],
        except_socket: Some("s1".into()),
        event: Event::SessionRevoked(SessionEnd { code: "SESSION_REVOKED".into(), message: "over".into() }),
    };
    world.banter.bus().deliver(sent.clone());
    let (notices, heard) = (&other.notices, sent.clone());
    notices.expect_event(&asha, |event| *event == heard.event).await;
    assert_eq!(notices.deliveries_for(&ravi), [sent]);
}

#[tokio::test]
async fn subscriptions_wanted_while_redis_was_away_are_asked_for_again() {
    let world = World::new().await;
    let asha = world.user("asha").await;
    let other = world.replica().await;
    // As it is after a failed subscription: wanted, but not made.
    other.banter.bus().listening.lock().unwrap().insert(asha.id);
    other.banter.bus().resubscribe().await;
    deliver(&world, &asha, typing(asha.id, true));
    other.notices.expect_event(&asha, |_| true).await;
}

#[tokio::test]
async fn a_second_sink_is_ignored() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    let second = Notices::of(world.banter.bus());
    deliver(&world, &asha, typing(asha.id, true));
    assert_eq!((world.events_for(&asha).len(), second.events_for(&asha).len()), (1, 0));
}

#[test]
fn every_event_goes_out_under_its_name_with_its_payload() {
    let event = typing(UserId(Uuid::nil()), true);
    insta::assert_json_snapshot!(event, @r#"
    {
      "event": "typing:start",
      "data": {
        "conversationId": "00000000-0000-0000-0000-000000000000",
        "userId": "00000000-0000-0000-0000-000000000000"
      }
    }
    "#);
    assert_eq!(event.name(), "typing:start");
    let payload = serde_json::to_value(Payload(&event)).unwrap();
    assert_eq!(payload, serde_json::to_value(&event).unwrap()["data"]);
    let names: Vec<_> = schemas().into_iter().map(|(name, ..)| name).collect();
    assert_eq!(
        names,
        [
            "message:new",
            "message:edited",
            "message:deleted",
            "conversation:updated",
            "conversation:removed",
            "message:read",
            "typing:start",
            "typing:stop",
            "presence:changed",
            "friend:request",
            "friend:accepted",
            "friend:removed",
            "call:incoming",
            "call:answered",
            "call:rejected",
            "call:cancelled",
            "call:missed",
            "call:ended",
            "room:member-joined",
            "room:member-left",
            "room:member-updated",
            "room:updated",
            "room:closed",
            "room:invited",
            "room:hand-raised",
            "notification:new",
            "coins:updated",
            "premium:updated",
            "moderation:notice",
            "session:revoked",
        ]
    );
}
