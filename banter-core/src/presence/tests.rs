use proptest::prelude::*;
use proptest::test_runner::{Config as Effort, TestRunner};

use super::*;
use crate::accounts::settings::{SettingsChange, Watchers};
use crate::clock::Clock;
use crate::ids::Ids;
use crate::testing::{Person, World};

/// The same expectations of both stores.
async fn with_both(test: impl AsyncFn(World)) {
    test(World::new().await).await;
    test(World::with_memory().await).await;
}

async fn status(world: &World, asks: &Person, of: &Person) -> Option<(Status, Option<DateTime<Utc>>)> {
    let seen = world.banter.presence().of(&asks.caller, &[of.id]).await.unwrap();
    assert!(seen.iter().all(|presence| presence.user_id == of.id) && seen.len() <= 1);
    seen.first().map(|presence| (presence.status, presence.last_seen))
}

/// What one was told of the other, since the last time.
fn told(world: &World, who: &Person) -> Vec<(UserId, Status, Option<DateTime<Utc>>)> {
    let events = world.events_for(who);
    world.notices().clear();
    let presence = events.into_iter().map(|event| match event {
        Event::PresenceChanged(presence) => (presence.user_id, presence.status, presence.last_seen),
        other => panic!("{other:?}"),
    });
    presence.collect()
}

async fn friends(world: &World) -> (Person, Person) {
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    world.befriend(&asha, &ravi).await;
    (asha, ravi)
}

#[tokio::test]
async fn a_person_is_here_while_any_socket_is() {
    with_both(async |world: World| {
        let (asha, ravi) = friends(&world).await;
        let presence = world.banter.presence();
        assert_eq!(status(&world, &asha, &ravi).await, Some((Status::Offline, None)));
        presence.arrived(ravi.id, "phone").await;
        presence.arrived(ravi.id, "tablet").await;
        assert_eq!(told(&world, &asha), [(ravi.id, Status::Online, None)]);
        assert_eq!(presence.count().await, Some(1));

        presence.left(ravi.id, "phone").await;
        world.advance(TimeDelta::seconds(30));
        assert_eq!(presence.sweep().await.unwrap(), 0);
        assert_eq!(status(&world, &asha, &ravi).await, Some((Status::Online, None)));

        presence.left(ravi.id, "tablet").await;
        world.advance(GRACE);
        assert_eq!(status(&world, &asha, &ravi).await, Some((Status::Online, None)));
        assert_eq!(presence.sweep().await.unwrap(), 0);
        world.advance(TimeDelta::milliseconds(1));
        assert_eq!(status(&world, &asha, &ravi).await, Some((Status::Offline, None)));
        assert_eq!(presence.count().await, Some(0));
        assert_eq!(told(&world, &asha), []);

        assert_eq!(presence.sweep().await.unwrap(), 1);
        assert_eq!(told(&world, &asha), [(ravi.id, Status::Offline, Some(world.now()))]);
        assert_eq!(status(&world, &asha, &ravi).await, Some((Status::Offline, Some(world.now()))));
        assert_eq!(presence.sweep().await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn nobody_sees_a_phone_change_networks() {
    with_both(async |world: World| {
        let (asha, ravi) = friends(&world).await;
        let presence = world.banter.presence();
        presence.arrived(ravi.id, "over wi-fi").await;
        told(&world, &asha);
        for network in ["over 4G", "over wi-fi again"] {
            presence.left(ravi.id, "over wi-fi").await;
            presence.left(ravi.id, "over 4G").await;
            world.advance(GRACE - TimeDelta::seconds(1));
            presence.sweep().await.unwrap();
            presence.arrived(ravi.id, network).await;
        }
        world.advance(GRACE * 2);
        assert_eq!(presence.sweep().await.unwrap(), 0);
        assert_eq!(told(&world, &asha), []);
        assert_eq!(status(&world, &asha, &ravi).await, Some((Status::Online, None)));
    })
    .await;
}

#[tokio::test]
async fn people_of_a_killed_server_go_by_themselves() {
    with_both(async |world: World| {
        let (asha, ravi) = friends(&world).await;
        let presence = world.banter.presence();
        presence.arrived(ravi.id, "of the killed").await;
        presence.arrived(asha.id, "of another").await;
        world.advance(LEASE);
        presence.renew(&[(asha.id, "of another".into())]).await;
        assert_eq!(status(&world, &asha, &ravi).await, Some((Status::Online, None)));
        world.advance(TimeDelta::milliseconds(1));
        assert_eq!(status(&world, &asha, &ravi).await, Some((Status::Offline, None)));
        world.notices().clear();
        assert_eq!(presence.sweep().await.unwrap(), 1);
        assert_eq!(told(&world, &asha), [(ravi.id, Status::Offline, Some(world.now()))]);
    })
    .await;
}

#[tokio::test]
async fn whoever_was_taken_to_be_away_is_back_with_the_next_renewal() {
    with_both(async |world: World| {
        let (asha, ravi) = friends(&world).await;
        let presence = world.banter.presence();
        presence.arrived(ravi.id, "phone").await;
        // Renewals were lost for a minute: Redis was away.
        world.advance(LEASE + TimeDelta::seconds(1));
        presence.sweep().await.unwrap();
        told(&world, &asha);
        presence.renew(&[(ravi.id, "phone".into()), (ravi.id, "tablet".into())]).await;
        assert_eq!(told(&world, &asha), [(ravi.id, Status::Online, None)]);
        presence.renew(&[(ravi.id, "phone".into())]).await;
        assert_eq!(told(&world, &asha), []);
    })
    .await;
}

#[tokio::test]
async fn only_friends_who_can_meet_see_each_other() {
    let world = World::with_memory().await;
    let (ravi, friend) = (world.user("ravi").await, world.user("friend").await);
    let (stranger, fan, pen_friend) =
        (world.user("stranger").await, world.user("fan").await, world.user("pen_friend").await);
    let (blocker, blocked) = (world.user("blocker").await, world.user("blocked").await);
    world.befriend(&ravi, &friend).await;
    world.banter.friends().ask(&fan.caller, ravi.id, None).await.unwrap();
    world.acquaint(&ravi, &pen_friend).await;
    world.befriend(&ravi, &blocker).await;
    world.befriend(&ravi, &blocked).await;
    world.block(&blocker, &ravi).await;
    world.block(&ravi, &blocked).await;
    world.notices().clear();
    let presence = world.banter.presence();
    presence.arrived(ravi.id, "phone").await;
    assert_eq!(world.events_for(&friend).len(), 1);
    for other in [&stranger, &fan, &pen_friend, &blocker, &blocked, &ravi] {
        assert!(world.events_for(other).is_empty(), "{}", other.name);
        assert_eq!(status(&world, other, &ravi).await, None, "{}", other.name);
        assert_eq!(status(&world, &ravi, other).await, None, "{}", other.name);
    }
    let all = [&friend, &stranger, &fan, &blocker, &friend].map(|person| person.id);
    let seen = presence.of(&ravi.caller, &all).await.unwrap();
    assert_eq!(seen.iter().map(|presence| presence.user_id).collect::<Vec<_>>(), [friend.id]);
    assert_eq!(status(&world, &friend, &ravi).await, Some((Status::Online, None)));
    world.banter.friends().remove(&ravi.caller, friend.id).await.unwrap();
    assert_eq!(status(&world, &friend, &ravi).await, None);
}

#[tokio::test]
async fn who_is_gone_is_not_seen() {
    let world = World::with_memory().await;
    let (asha, ravi) = friends(&world).await;
    for gone in ["deleted", "banned"] {
        world.sql(&format!("update users set status = '{gone}' where id = '{}'", ravi.id)).await;
        world.banter.presence().arrived(ravi.id, "phone").await;
        assert_eq!(status(&world, &asha, &ravi).await, None, "{gone}");
        world.advance(LEASE * 2);
        world.banter.presence().sweep().await.unwrap();
        assert_eq!(told(&world, &asha), [], "{gone}");
    }
}

#[tokio::test]
async fn who_keeps_presence_to_themselves_is_seen_and_told_of_no_more() {
    let world = World::with_memory().await;
    let (asha, ravi) = friends(&world).await;
    let presence = world.banter.presence();
    presence.arrived(ravi.id, "phone").await;
    assert_eq!(told(&world, &asha).len(), 1);
    let show = async |to: Watchers| {
        let change = SettingsChange { presence: Some(to), ..SettingsChange::default() };
        world.banter.accounts().change_settings(&ravi.caller, change).await.unwrap();
    };
    show(Watchers::Nobody).await;
    assert_eq!(status(&world, &asha, &ravi).await, None);
    presence.left(ravi.id, "phone").await;
    world.advance(GRACE * 2);
    assert_eq!(presence.sweep().await.unwrap(), 1);
    presence.arrived(ravi.id, "phone").await;
    assert_eq!(told(&world, &asha), [], "neither of the change nor after it");
    // Who hides still sees others.
    assert_eq!(status(&world, &ravi, &asha).await, Some((Status::Offline, None)));
    show(Watchers::Friends).await;
    assert_eq!(told(&world, &asha), []);
    assert_eq!(status(&world, &asha, &ravi).await, Some((Status::Online, None)));
}

#[tokio::test]
async fn a_question_names_a_hundred_people_at_most() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    let many = vec![asha.id; MOST_ASKED + 1];
    let error = world.banter.presence().of(&asha.caller, &many).await.unwrap_err();
    assert_eq!(error.coded().1, "VALIDATION_FAILED");
    assert!(world.banter.presence().of(&asha.caller, &many[1..]).await.unwrap().is_empty());
    assert!(world.banter.presence().of(&asha.caller, &[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn without_an_answer_from_redis_presence_is_unknown() {
    let world = World::builder()
        .config(|config| config.redis.as_mut().expect("has Redis").url = "redis://127.0.0.1:1".into())
        .build()
        .await;
    let (asha, ravi) = friends(&world).await;
    world.sql(&format!("update users set last_seen = '2026-11-21T00:00:00Z' where id = '{}'", ravi.id)).await;
    let presence = world.banter.presence();
    presence.arrived(ravi.id, "phone").await;
    presence.left(ravi.id, "phone").await;
    let last_seen = Some("2026-11-21T00:00:00Z".parse().unwrap());
    assert_eq!(status(&world, &asha, &ravi).await, Some((Status::Unknown, last_seen)));
    assert_eq!((presence.count().await, presence.sweep().await.unwrap()), (None, 0));
    assert_eq!(told(&world, &asha), []);
}

#[tokio::test]
async fn a_crowd_that_leaves_at_once_is_swept_at_once() {
    with_both(async |world: World| {
        let ids = Ids::seeded(7);
        let crowd: Vec<_> = (0..250).map(|_| (UserId(ids.uuid(world.now())), "phone".to_owned())).collect();
        let presence = world.banter.presence();
        presence.renew(&crowd).await;
        assert_eq!(presence.count().await, Some(250));
        world.advance(LEASE + TimeDelta::seconds(1));
        assert_eq!(presence.sweep().await.unwrap(), 250);
        assert_eq!(presence.sweep().await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn replicas_share_presence_and_one_of_them_tells() {
    let world = World::new().await;
    let (asha, ravi) = friends(&world).await;
    let other = world.replica().await;
    other.banter.presence().arrived(ravi.id, "phone").await;
    world.banter.presence().arrived(ravi.id, "tablet").await;
    assert_eq!(other.notices.events_for(&asha).len(), 1);
    assert_eq!(status(&world, &asha, &ravi).await, Some((Status::Online, None)));
    other.banter.presence().left(ravi.id, "phone").await;
    world.advance(GRACE * 2);
    assert_eq!(world.banter.presence().sweep().await.unwrap(), 0);
    world.banter.presence().left(ravi.id, "tablet").await;
    world.advance(GRACE * 2);
    let (here, there) = (world.banter.presence(), other.banter.presence());
    let (one, two) = tokio::join!(here.sweep(), there.sweep());
    assert_eq!(one.unwrap() + two.unwrap(), 1);
    let told = world.events_for(&asha).len() + other.notices.events_for(&asha).len();
    assert_eq!(told, 2, "came once, went once");
}

#[tokio::test]
async fn sockets_that_are_gone_are_forgotten_while_another_stays() {
    let (user, redis) = (UserId(uuid::Uuid::from_u128(1)), crate::testing::redis());
    let key = redis.key(format!("presence:u:{user}"));
    let in_redis = async || -> usize {
        redis.ask(async |c| redis::cmd("ZCARD").arg(&key).query_async(c).await).await.unwrap()
    };
    for store in [Store::new(Some(redis.clone())), Store::new(None)] {
        let mut now = DateTime::UNIX_EPOCH;
        for i in 0..50 {
            let sockets = [(user, "stays".to_owned()), (user, format!("socket {i}"))];
            store.renew(&sockets, now, now + LEASE).await;
            store.shorten(user, &format!("socket {i}"), now + GRACE).await;
            now += GRACE * 2;
        }
        let kept = match &store {
            Store::Memory(people) => people.lock().unwrap()[&user].len(),
            Store::Redis(_) => in_redis().await,
        };
        assert_eq!(kept, 2);
        store.take_gone(now + LEASE * 2).await;
    }
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Renew(usize, usize),
    Shorten(usize, usize),
    Wait(i64),
    TakeGone,
}

/// Does all this to a store; everything it answered.
async fn play(store: &Store, people: &[UserId], acts: &[Act]) -> Vec<String> {
    let clock = Clock::manual("2026-11-22T06:30:00Z".parse().unwrap());
    let mut answers = Vec::new();
    for act in acts {
        let now = clock.now();
        let answer = match *act {
            Act::Renew(person, socket) => {
                let sockets = [(people[person], socket.to_string()), (people[0], "0".into())];
                format!("{:?}", store.renew(&sockets, now, now + LEASE).await)
            }
            Act::Shorten(person, socket) => {
                store.shorten(people[person], &socket.to_string(), now + GRACE).await;
                String::new()
            }
            Act::Wait(milliseconds) => {
                clock.advance(TimeDelta::milliseconds(milliseconds));
                String::new()
            }
            Act::TakeGone => {
                let mut gone = store.take_gone(now).await;
                gone.sort();
                format!("{gone:?}")
            }
        };
        let now = clock.now();
        let (online, count) = (store.online(people, now).await, store.count(now).await);
        assert!(online.is_some() && count.is_some());
        answers.push(format!("{act:?}: {answer} {online:?} {count:?}"));
    }
    // Whoever is left goes in the end, so that nothing is left in a Redis that is shared.
    let mut gone = store.take_gone(clock.now() + TimeDelta::hours(1)).await;
    gone.sort();
    answers.push(format!("at last: {gone:?}"));
    assert_eq!(store.count(clock.now()).await, Some(0));
    answers
}

#[test]
fn both_stores_give_the_same_answers() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let act = prop_oneof![
        3 => (0..3_usize, 0..3_usize).prop_map(|(person, socket)| Act::Renew(person, socket)),
        3 => (0..3_usize, 0..3_usize).prop_map(|(person, socket)| Act::Shorten(person, socket)),
        3 => prop_oneof![Just(5_000), Just(5_001), Just(60_000), 0..70_000_i64].prop_map(Act::Wait),
        1 => Just(Act::TakeGone),
    ];
    let mut runner = TestRunner::new(Effort { cases: 60, failure_persistence: None, ..Effort::default() });
    runner
        .run(&prop::collection::vec(act, 1..40), |acts| {
            runtime.block_on(async {
                let people = [1, 2, 3].map(|n| UserId(uuid::Uuid::from_u128(n)));
                let redis = Store::new(Some(crate::testing::redis()));
                let (ours, theirs) =
                    (play(&Store::new(None), &people, &acts).await, play(&redis, &people, &acts).await);
                assert_eq!(ours, theirs);
            });
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
async fn what_is_on_a_screen_is_known_for_a_while_and_until_the_socket_closes() {
    with_both(async |world: World| {
        let asha = world.user("asha").await;
        let ravi = world.user("ravi").await;
        let [one, two] = [1, 2].map(|n| crate::ids::ConversationId(uuid::Uuid::from_u128(n)));
        let presence = world.banter.presence();
        let seen = async || [presence.is_viewed(asha.id, one).await, presence.is_viewed(asha.id, two).await];
        assert_eq!(seen().await, [false, false]);
        presence.views(asha.id, "phone", Some(one)).await;
        assert_eq!(seen().await, [true, false]);
        assert!(!presence.is_viewed(ravi.id, one).await, "another's screen");
        presence.views(asha.id, "tablet", Some(two)).await;
        assert_eq!(seen().await, [true, true]);
        presence.views(asha.id, "phone", Some(two)).await;
        assert_eq!(seen().await, [false, true]);
        presence.views(asha.id, "phone", None).await;
        presence.views(asha.id, "phone", None).await;
        assert_eq!(seen().await, [false, true], "the tablet's is still there");
        presence.left(asha.id, "tablet").await;
        assert_eq!(seen().await, [false, false]);
        presence.views(asha.id, "phone", Some(one)).await;
        world.advance(viewing::LOOKS);
        assert_eq!(seen().await, [true, false]);
        world.advance(TimeDelta::milliseconds(1));
        assert_eq!(seen().await, [false, false]);
    })
    .await;
}

#[tokio::test]
async fn with_redis_away_nobody_is_taken_to_be_looking() {
    let away = World::builder()
        .config(|config| config.redis.as_mut().expect("has Redis").url = "redis://127.0.0.1:1".into())
        .build()
        .await;
    let asha = away.user("asha").await;
    let conversation = crate::ids::ConversationId(uuid::Uuid::nil());
    away.banter.presence().views(asha.id, "phone", Some(conversation)).await;
    assert!(!away.banter.presence().is_viewed(asha.id, conversation).await);
}
