use chrono::TimeDelta;

use super::webhooks::{Error, Heard};
use super::{AWAY, COMING, OUTAGE, Place};
use crate::ids::{CallId, UserId};
use crate::jobs::worker;
use crate::providers::livekit::{self, Forged, Participant, Pass, Rights};
use crate::testing::World;
use crate::testing::livekit::LiveKit;

const SPEAKS: Rights = Rights { microphone: true, camera: false };

/// A call that was answered, put there without its rules: its room's name.
async fn call(world: &World, caller: UserId, receiver: UserId) -> String {
    let (now, room) = (world.now().to_rfc3339(), world.banter.voice().new_room_name("call"));
    let id = world.banter.ids().uuid(world.now());
    world
        .sql(&format!(
            "insert into call_logs (id, caller_id, receiver_id, call_type, status, livekit_room, started_at, answered_at)
             values ('{id}', '{caller}', '{receiver}', 'audio', 'answered', '{room}', '{now}', '{now}');
             insert into call_participants (call_id, user_id, role, state, joined_at, absent_since)
             values ('{id}', '{caller}', 'caller', 'joined', '{now}', '{now}'),
                    ('{id}', '{receiver}', 'receiver', 'joined', '{now}', '{now}')"
        ))
        .await;
    room
}

fn pass(room: &str, user: UserId) -> Pass<'_> {
    Pass { room, user, name: "Asha Kumar", avatar: None, rights: SPEAKS }
}

async fn there(world: &World, room: &str) -> Vec<Participant> {
    world.banter.livekit().participants(room).await.unwrap()
}

#[tokio::test]
async fn a_token_opens_its_room_and_no_other() {
    let media = LiveKit::shared().await;
    let world = World::builder().speaks_at(media).build().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let room = call(&world, asha.id, ravi.id).await;
    let token = world.banter.livekit().token(&pass(&room, asha.id)).unwrap();
    assert!(media.join(&token).await.is_err(), "nobody makes a room by coming");
    world.banter.voice().settle_room(&room).await.unwrap();
    let _asha = media.join(&token).await.unwrap();
    let [person] = &there(&world, &room).await[..] else { panic!("one person") };
    assert_eq!((person.user, person.rights), (Some(asha.id), SPEAKS));
    assert!(media.join(&token.replace('.', "x.")).await.is_err(), "a forged token");
}

#[tokio::test]
async fn whoever_has_no_seat_is_sent_out_however_good_their_token() {
    let media = LiveKit::shared().await;
    let world = World::builder().speaks_at(media).build().await;
    let [asha, ravi, eve] = [world.user("asha").await, world.user("ravi").await, world.user("eve").await];
    let room = call(&world, asha.id, ravi.id).await;
    world.banter.voice().settle_room(&room).await.unwrap();
    let token = world.banter.livekit().token(&pass(&room, eve.id)).unwrap();
    let mut joined = media.join(&token).await.unwrap();
    let (header, body) = media.webhook("EV_1", "participant_joined", &room, Some(&livekit::identity(eve.id)));
    assert_eq!(world.banter.voice().hear(&header, &body).await.unwrap(), Heard::New);
    assert_eq!(world.banter.voice().hear(&header, &body).await.unwrap(), Heard::Repeated);
    assert_eq!(worker::round(&world.banter).await.unwrap(), 1);
    joined.until_out().await;
    assert_eq!(there(&world, &room).await, []);
    // The token opens the door still; without media no webhook tells of it, and no round has come.
    let mut back = media.join(&token).await.unwrap();
    world.advance(TimeDelta::seconds(2));
    assert_eq!(worker::round(&world.banter).await.unwrap(), 1);
    back.until_out().await;
    assert_eq!(there(&world, &room).await, []);
}

#[tokio::test]
async fn a_round_finds_what_no_webhook_told_of() {
    let media = LiveKit::shared().await;
    let world = World::builder().speaks_at(media).build().await;
    let [asha, ravi, eve] = [world.user("asha").await, world.user("ravi").await, world.user("eve").await];
    let room = call(&world, asha.id, ravi.id).await;
    let voice = world.banter.voice();
    // LiveKit lost it.
    assert_eq!(voice.reconcile().await.unwrap().reopened, 1);
    let too_much = Pass { rights: Rights { microphone: true, camera: true }, ..pass(&room, asha.id) };
    let _asha = media.join(&world.banter.livekit().token(&too_much).unwrap()).await.unwrap();
    let mut uninvited =
        media.join(&world.banter.livekit().token(&pass(&room, eve.id)).unwrap()).await.unwrap();
    let repaired = voice.reconcile().await.unwrap();
    assert_eq!((repaired.removed, repaired.permitted, repaired.reopened), (1, 1, 0), "{repaired:?}");
    uninvited.until_out().await;
    let [person] = &there(&world, &room).await[..] else { panic!("one person") };
    assert_eq!(person.rights, SPEAKS);
    // And what is over.
    world
        .sql("update call_logs set status = 'failed', ended_at = started_at, duration = 0; update call_participants set state = 'left'")
        .await;
    assert_eq!(voice.reconcile().await.unwrap().closed, 1);
    crate::testing::livekit::until_closed(&world.banter, &room).await;
    // Another round finds nothing to do.
    assert_eq!(voice.reconcile().await.unwrap(), super::reconcile::Repaired::default());
}

#[tokio::test]
async fn only_the_media_server_is_believed() {
    let media = LiveKit::shared().await;
    let world = World::builder().speaks_at(media).build().await;
    let voice = world.banter.voice();
    let (header, body) = media.webhook("EV_1", "participant_joined", "call_x", Some("user_x"));
    let mut changed = body.clone();
    changed.extend_from_slice(b" ");
    assert!(matches!(voice.hear(&header, &changed).await, Err(Error::Forged(Forged::Body))));
    assert!(matches!(voice.hear("", &body).await, Err(Error::Forged(Forged::Signature))));
    let other = header.replacen('.', "A.", 1);
    assert!(matches!(voice.hear(&other, &body).await, Err(Error::Forged(Forged::Signature))));
    let not_json = b"{".to_vec();
    let signed = media.sign(&not_json);
    assert!(matches!(voice.hear(&signed, &not_json).await, Err(Error::NotUnderstood)));
    for odd in ["", "\0", &"x".repeat(201)] {
        let (header, body) = media.webhook(odd, "participant_joined", "call_x", Some("user_x"));
        assert!(matches!(voice.hear(&header, &body).await, Err(Error::NotUnderstood)), "{odd:?}");
    }
    // Believed, and about nobody of ours.
    assert_eq!(voice.hear(&header, &body).await.unwrap(), Heard::Ignored);
    let (header, body) = media.webhook("EV_2", "track_published", "call_x", Some("user_x"));
    assert_eq!(voice.hear(&header, &body).await.unwrap(), Heard::Ignored);
}

#[tokio::test]
async fn without_a_media_server_it_is_said() {
    let world = World::new().await;
    let asha = world.user("asha").await;
    let call = Place::Call(CallId(world.banter.ids().uuid(world.now())));
    let refused = world.banter.voice().entrance(&asha.caller, call).await.unwrap_err();
    let (kind, code) = crate::error::Coded::coded(&refused);
    assert_eq!((kind, code), (crate::error::Kind::Unavailable, "LIVEKIT_UNAVAILABLE"));
}

/// They are at the media server, as far as we know.
async fn connected(world: &World) {
    let now = world.now().to_rfc3339();
    world.sql(&format!("update call_participants set connected_at = '{now}', absent_since = null")).await;
}

/// How the one call stands, and how many seconds they talked.
async fn outcome(world: &World) -> (String, Option<i32>) {
    let mut db = world.database().connect().await;
    sqlx::query_as("select status, duration from call_logs").fetch_one(&mut db).await.unwrap()
}

async fn is_away(world: &World) -> bool {
    matches!(world.banter.voice().reconcile().await, Err(super::Error::LiveKit(livekit::Error::Away(_))))
}

#[tokio::test]
async fn no_call_is_answered_for_ever_when_the_media_server_stays_away() {
    let mut media = LiveKit::start().await;
    let world = World::builder().speaks_at(&media).build().await;
    world.may_leave_jobs(); // the end of the call cannot reach the media server
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    call(&world, asha.id, ravi.id).await;
    connected(&world).await;
    world.advance(TimeDelta::seconds(100));
    media.kill();
    assert!(is_away(&world).await);
    world.advance(OUTAGE - TimeDelta::seconds(1));
    assert!(is_away(&world).await);
    assert_eq!(outcome(&world).await.0, "answered", "it may come back");
    world.advance(TimeDelta::seconds(1));
    assert!(is_away(&world).await);
    assert_eq!(outcome(&world).await, ("completed".into(), Some(100)), "they talked until it went");
}

#[tokio::test]
async fn after_an_outage_people_have_time_to_come_back() {
    let mut media = LiveKit::start().await;
    let world = World::builder().speaks_at(&media).build().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let room = call(&world, asha.id, ravi.id).await;
    connected(&world).await;
    media.kill();
    assert!(is_away(&world).await);
    world.advance(OUTAGE - TimeDelta::seconds(1));
    media.resume().await;
    let repaired = world.banter.voice().reconcile().await.unwrap();
    assert_eq!((repaired.reopened, repaired.lost), (1, 0));
    let token = world.banter.livekit().token(&pass(&room, asha.id)).unwrap();
    let _asha = media.join(&token).await.expect("the room is there again");
    // Who does not come is not waited for.
    world.advance(COMING);
    assert_eq!(world.banter.voice().reconcile().await.unwrap().lost, 2);
    assert_ne!(outcome(&world).await.0, "answered");
    while worker::round(&world.banter).await.unwrap() > 0 {}
    crate::testing::livekit::until_closed(&world.banter, &room).await;
}

#[tokio::test]
async fn whoever_goes_away_loses_the_seat_after_a_while_and_not_before() {
    let media = LiveKit::shared().await;
    let world = World::builder().speaks_at(media).build().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    call(&world, asha.id, ravi.id).await;
    let voice = world.banter.voice();
    voice.reconcile().await.unwrap();
    connected(&world).await;
    world.advance(TimeDelta::seconds(30));
    assert_eq!(voice.reconcile().await.unwrap().lost, 0, "it is noted that they went");
    world.advance(AWAY - TimeDelta::seconds(1));
    assert_eq!(voice.reconcile().await.unwrap().lost, 0);
    world.advance(TimeDelta::seconds(1));
    assert_eq!(voice.reconcile().await.unwrap().lost, 2);
    assert_eq!(outcome(&world).await, ("completed".into(), Some(30)));
    while worker::round(&world.banter).await.unwrap() > 0 {}
}

#[tokio::test]
async fn rooms_of_others_at_the_same_media_server_are_let_alone() {
    let media = LiveKit::shared().await;
    let world = World::builder().speaks_at(media).build().await;
    let asha = world.user("asha").await;
    let theirs = world.banter.voice().new_room_name("call");
    world.banter.livekit().open(&theirs).await.unwrap();
    let token = world.banter.livekit().token(&pass(&theirs, asha.id)).unwrap();
    let _asha = media.join(&token).await.unwrap();
    world.banter.voice().settle_seat(&theirs, asha.id).await.unwrap();
    world.banter.voice().settle_room(&theirs).await.unwrap();
    assert_eq!(world.banter.voice().reconcile().await.unwrap(), super::reconcile::Repaired::default());
    assert_eq!(there(&world, &theirs).await.len(), 1);
    world.banter.livekit().close(&theirs).await.unwrap();
}
