//! At the real media server.

use super::*;
use crate::providers::livekit::{self, Rights};
use crate::testing::livekit::LiveKit;
use crate::voice::Entrance;

const NOTHING: Rights = Rights { microphone: false, camera: false };
const VOICE: Rights = Rights { microphone: true, camera: false };
const FILM: Rights = Rights { microphone: true, camera: true };

/// What somebody may send there now; `None`: they are not there.
async fn rights(world: &World, way: &Entrance, who: &Person) -> Option<Rights> {
    let there = world.banter.livekit().participants(&way.livekit_room).await.unwrap();
    there.iter().find(|person| person.user == Some(who.id)).map(|person| person.rights)
}

async fn way(world: &World, room: RoomId, who: &Person) -> Entrance {
    world.banter.rooms().join(&who.caller, room).await.unwrap().entrance.expect("a way in")
}

#[tokio::test]
async fn what_a_role_takes_or_gives_is_in_force_before_the_answer() {
    let media = LiveKit::shared().await;
    let world = World::builder().speaks_at(media).build().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let rooms = world.banter.rooms();
    for (room_type, most) in [(RoomType::Voice, VOICE), (RoomType::Video, FILM)] {
        let made = rooms.create(&asha.caller, described("Chai", room_type)).await.unwrap();
        let (room, hers) = (made.room.id, made.entrance.unwrap());
        assert_eq!(hers.participant_name, livekit::identity(asha.id));
        let his = way(&world, room, &ravi).await;
        let _here = (media.join(&hers.token).await.unwrap(), media.join(&his.token).await.unwrap());
        assert_eq!(rights(&world, &hers, &asha).await, Some(most));
        assert_eq!(rights(&world, &his, &ravi).await, Some(NOTHING), "a listener");
        rooms.set_role(&asha.caller, room, ravi.id, Role::Speaker).await.unwrap();
        assert_eq!(rights(&world, &his, &ravi).await, Some(most));
        rooms.mute(&asha.caller, room, ravi.id, true).await.unwrap();
        assert_eq!(rights(&world, &his, &ravi).await, Some(NOTHING));
        rooms.mute(&asha.caller, room, ravi.id, false).await.unwrap();
        assert_eq!(rights(&world, &his, &ravi).await, Some(most));
        rooms.set_role(&asha.caller, room, ravi.id, Role::Listener).await.unwrap();
        assert_eq!(rights(&world, &his, &ravi).await, Some(NOTHING));
        rooms.set_role(&asha.caller, room, ravi.id, Role::Host).await.unwrap();
        assert_eq!(
            (rights(&world, &his, &ravi).await, rights(&world, &his, &asha).await),
            (Some(most), Some(most))
        );
        rooms.close(&ravi.caller, room).await.unwrap();
        crate::testing::livekit::until_closed(&world.banter, &hers.livekit_room).await;
        assert!(media.join(&hers.token).await.is_err(), "nothing is there to enter");
    }
    jobs(&world).await;
}

#[tokio::test]
async fn who_was_sent_out_does_not_come_back_with_the_old_token() {
    let media = LiveKit::shared().await;
    let world = World::builder().speaks_at(media).build().await;
    let asha = world.user("asha").await;
    let rooms = world.banter.rooms();
    let room = made(&world, &asha, described("Chai", RoomType::Voice)).await;
    let (kicked, banned, blocked, suspended) = (
        world.user("kicked").await,
        world.user("banned").await,
        world.user("blocked").await,
        world.user("suspended").await,
    );
    let mut old = Vec::new();
    for person in [&kicked, &banned, &blocked, &suspended] {
        let way = way(&world, room, person).await;
        old.push((person, media.join(&way.token).await.unwrap(), way));
    }
    rooms.kick(&asha.caller, room, kicked.id).await.unwrap();
    rooms.ban(&asha.caller, room, banned.id).await.unwrap();
    world.banter.accounts().suspend(suspended.id, None, "threats").await.unwrap();
    world.block(&asha, &blocked).await;
    jobs(&world).await; // a block leaves the media server to them
    for (person, joined, way) in &mut old {
        joined.until_out().await;
        assert_eq!(rights(&world, way, person).await, None, "{}", person.name);
        let refused = code(rooms.join(&person.caller, room).await);
        assert!(["ROOM_NOT_FOUND", "SESSION_REVOKED"].contains(&refused), "{}: {refused}", person.name);
    }
    // Told of by a webhook.
    let (person, joined, way) = &mut old[0];
    *joined = media.join(&way.token).await.unwrap();
    let (header, body) =
        media.webhook("EV_1", "participant_joined", &way.livekit_room, Some(&livekit::identity(person.id)));
    world.banter.voice().hear(&header, &body).await.unwrap();
    jobs(&world).await;
    joined.until_out().await;
    // And where none came, found by a look at all.
    let (person, joined, way) = &mut old[1];
    *joined = media.join(&way.token).await.unwrap();
    assert_eq!(world.banter.voice().reconcile().await.unwrap().removed, 1);
    joined.until_out().await;
    assert_eq!(rights(&world, way, person).await, None);
}

#[tokio::test]
async fn whoever_stays_away_from_the_media_server_has_left() {
    let media = LiveKit::shared().await;
    let world = World::builder().speaks_at(media).build().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let room = made(&world, &asha, described("Chai", RoomType::Voice)).await;
    world.advance(TimeDelta::seconds(60));
    way(&world, room, &ravi).await;
    world.advance(TimeDelta::seconds(60));
    // Asha never came in time; Ravi still may.
    assert_eq!(world.banter.voice().reconcile().await.unwrap().lost, 1);
    assert_eq!(inside(&world, room, &ravi).await, [(ravi.id, Role::Host)]);
    world.advance(TimeDelta::seconds(60));
    assert_eq!(world.banter.voice().reconcile().await.unwrap().lost, 1);
    assert_eq!(counted(&world, room).await, (0, 0, 0));
    world.advance(EMPTY);
    jobs(&world).await;
    assert_eq!(world.banter.rooms().show(room).await.unwrap().closed_because, Some(close::Because::Empty));
}

#[tokio::test]
async fn while_the_media_server_is_away_what_was_decided_stands() {
    let mut media = LiveKit::start().await;
    let brief = |config: &mut crate::config::Config| {
        config.livekit.as_mut().expect("a media server").patience = std::time::Duration::from_millis(500);
    };
    let world = World::builder().speaks_at(&media).config(brief).build().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let rooms = world.banter.rooms();
    let room = made(&world, &asha, described("Chai", RoomType::Voice)).await;
    way(&world, room, &ravi).await;
    media.kill();
    assert_eq!(code(rooms.kick(&asha.caller, room, ravi.id).await), "LIVEKIT_UNAVAILABLE");
    assert_eq!(inside(&world, room, &asha).await, [(asha.id, Role::Host)], "out all the same");
    let meera = world.user("meera").await;
    assert_eq!(code(rooms.join(&meera.caller, room).await), "LIVEKIT_UNAVAILABLE");
    assert_eq!(counted(&world, room).await, (1, 1, 1), "and not in");
    let refused = rooms.create(&asha.caller, described("More chai", RoomType::Voice)).await;
    assert_eq!(code(refused), "LIVEKIT_UNAVAILABLE");
    let listed = rooms.list(false, &ALL).await.unwrap().items;
    assert_eq!(listed.len(), 1, "no room without a place to talk");
    media.resume().await;
    // It forgot the room; whoever comes has it made again.
    let his = way(&world, room, &meera).await;
    media.join(&his.token).await.expect("a room");
    world.advance(TimeDelta::minutes(10));
    jobs(&world).await;
}
