use super::webhooks::{Error, Heard};
use crate::ids::UserId;
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
    assert!(!world.banter.livekit().rooms().await.unwrap().contains(&room));
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
    // Believed, and about nobody of ours.
    assert_eq!(voice.hear(&header, &body).await.unwrap(), Heard::Ignored);
    let (header, body) = media.webhook("EV_2", "track_published", "call_x", Some("user_x"));
    assert_eq!(voice.hear(&header, &body).await.unwrap(), Heard::Ignored);
}

#[tokio::test]
async fn without_a_media_server_it_is_said() {
    let world = World::new().await;
    let asha = world.user("asha").await;
    let refused = world.banter.voice().entrance(&asha.caller, "call_x", SPEAKS).await.unwrap_err();
    let (kind, code) = crate::error::Coded::coded(&refused);
    assert_eq!((kind, code), (crate::error::Kind::Unavailable, "LIVEKIT_UNAVAILABLE"));
}
