use proptest::prelude::*;
use proptest::test_runner::{Config as Effort, TestRunner};
use sqlx::Connection as _;

use super::*;
use crate::events::{Event, ReadMark, Typing};

async fn unread(world: &World, person: &Person) -> i64 {
    world.banter.messaging().unread(&person.caller).await.unwrap()
}

#[tokio::test]
async fn a_mark_moves_forward_only_and_not_past_the_end() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let mut conversation = None;
    for i in 0..5 {
        conversation = Some(world.send(&asha, &ravi, &i.to_string()).await.conversation_id);
    }
    let conversation = conversation.unwrap();
    world.notices().clear();
    for (wanted, stands, told) in [(3, 3, true), (3, 3, false), (1, 3, false), (0, 3, false), (99, 5, true)] {
        let marked = world.banter.messaging().mark_read(&ravi.caller, conversation, wanted).await.unwrap();
        assert_eq!(marked, stands, "to {wanted}");
        let mark =
            Event::MessageRead(ReadMark { conversation_id: conversation, user_id: ravi.id, seq: stands });
        for person in [&asha, &ravi] {
            let expected = if told { vec![mark.clone()] } else { vec![] };
            assert_eq!(world.events_for(person), expected, "{} at {wanted}", person.name);
        }
        world.notices().clear();
    }
    let negative = world.banter.messaging().mark_read(&ravi.caller, conversation, -1).await;
    assert_eq!(code(negative), "VALIDATION_FAILED");
}

#[tokio::test]
async fn marks_and_typing_are_for_members_who_can_meet() {
    let world = World::new().await;
    let (asha, ravi, meera) = (world.user("asha").await, world.user("ravi").await, world.user("meera").await);
    let conversation = world.acquaint(&asha, &ravi).await;
    let messaging = world.banter.messaging();
    assert_eq!(messaging.typing_audience(&asha.caller, conversation).await.unwrap(), [ravi.id]);
    assert_eq!(code(messaging.mark_read(&meera.caller, conversation, 1).await), "CONVERSATION_NOT_FOUND");
    assert_eq!(code(messaging.typing_audience(&meera.caller, conversation).await), "CONVERSATION_NOT_FOUND");
    world.block(&asha, &ravi).await;
    for person in [&asha, &ravi] {
        assert_eq!(
            code(messaging.mark_read(&person.caller, conversation, 2).await),
            "CONVERSATION_NOT_FOUND"
        );
        let audience = messaging.typing_audience(&person.caller, conversation).await;
        assert_eq!(code(audience), "CONVERSATION_NOT_FOUND");
    }
    let nowhere = ConversationId(uuid::Uuid::nil());
    assert_eq!(code(messaging.mark_read(&asha.caller, nowhere, 1).await), "CONVERSATION_NOT_FOUND");
}

#[tokio::test]
async fn typing_is_told_to_the_audience_only() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let conversation = world.acquaint(&asha, &ravi).await;
    for starts in [true, false] {
        world.banter.messaging().typing(&asha.caller, conversation, vec![ravi.id], starts);
    }
    let typing = Typing { conversation_id: conversation, user_id: asha.id };
    assert_eq!(world.events_for(&ravi), [Event::TypingStart(typing.clone()), Event::TypingStop(typing)]);
    assert!(world.events_for(&asha).is_empty());
}

#[tokio::test]
async fn unread_leaves_out_people_one_cannot_meet() {
    let world = World::new().await;
    let (asha, ravi, meera) = (world.user("asha").await, world.user("ravi").await, world.user("meera").await);
    world.send(&ravi, &asha, "one").await;
    world.send(&meera, &asha, "two").await;
    world.send(&meera, &asha, "three").await;
    assert_eq!((unread(&world, &asha).await, unread(&world, &meera).await), (3, 0));
    world.block(&meera, &asha).await;
    assert_eq!(unread(&world, &asha).await, 1);
    world.banter.safety().unblock(&meera.caller, asha.id).await.unwrap();
    assert_eq!(unread(&world, &asha).await, 3);
}

/// One of two people does something.
#[derive(Clone, Copy, Debug)]
enum Act {
    Sends(usize),
    /// Reads to this part of what there is, in percent; more than 100 is past the end.
    Reads(usize, i64),
}

/// What the two should see: who sent each message, and how far each has read.
#[derive(Default)]
struct Model {
    senders: Vec<usize>,
    read: [i64; 2],
}

impl Model {
    fn unread(&self, person: usize) -> i64 {
        let after = usize::try_from(self.read[person]).unwrap();
        i64::try_from(self.senders[after..].iter().filter(|sender| **sender != person).count()).unwrap()
    }
}

async fn play(world: &World, names: [String; 2], acts: &[Act]) {
    let people = [world.user(&names[0]).await, world.user(&names[1]).await];
    let messaging = world.banter.messaging();
    let conversation = world.send(&people[0], &people[1], "0").await.conversation_id;
    let mut model = Model { senders: vec![0], read: [0, 0] };
    for act in acts {
        match *act {
            Act::Sends(person) => {
                world.send(&people[person], &people[1 - person], "…").await;
                model.senders.push(person);
            }
            Act::Reads(person, percent) => {
                let end = i64::try_from(model.senders.len()).unwrap();
                let to = end * percent / 100;
                let marked = messaging.mark_read(&people[person].caller, conversation, to).await.unwrap();
                model.read[person] = model.read[person].max(to.min(end));
                assert_eq!(marked, model.read[person]);
            }
        }
        for (i, person) in people.iter().enumerate() {
            assert_eq!(unread(world, person).await, model.unread(i), "after {act:?} of {acts:?}");
            let listed = messaging.conversation(&person.caller, conversation).await.unwrap().conversation;
            assert_eq!(listed.unread_count, model.unread(i));
            assert_eq!((listed.last_read_seq, listed.peer_read_seq), (model.read[i], model.read[1 - i]));
        }
    }
}

#[test]
fn unread_counts_are_those_of_counting_one_by_one() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let world = runtime.block_on(without_limits());
    let act = prop_oneof![
        (0..2_usize).prop_map(Act::Sends),
        (0..2_usize, 0..120_i64).prop_map(|(person, percent)| Act::Reads(person, percent)),
    ];
    let mut runner = TestRunner::new(Effort { cases: 20, failure_persistence: None, ..Effort::default() });
    let pair = std::cell::Cell::new(0);
    runner
        .run(&prop::collection::vec(act, 1..25), |acts| {
            pair.set(pair.get() + 1);
            let names = [format!("one{}", pair.get()), format!("two{}", pair.get())];
            runtime.block_on(play(&world, names, &acts));
            Ok(())
        })
        .unwrap();
    let _entered = runtime.enter();
    drop(world);
}

#[tokio::test]
async fn a_mark_that_another_overtook_answers_where_it_stands() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let conversation = world.acquaint(&asha, &ravi).await;
    for _ in 0..8 {
        world.send(&asha, &ravi, "…").await;
    }
    world.notices().clear();
    // Ravi's other phone is about to commit its own mark.
    let mut beside = world.database().connect().await;
    let mut other_phone = beside.begin().await.unwrap();
    let mark = "update conversation_members set last_read_seq = 9, unread = 1 where user_id = $1";
    sqlx::query(mark).bind(ravi.id).execute(&mut *other_phone).await.unwrap();
    let commit = async {
        world.until_waiting(1).await;
        other_phone.commit().await.unwrap();
    };
    let messaging = world.banter.messaging();
    let (stands, ()) = tokio::join!(messaging.mark_read(&ravi.caller, conversation, 5), commit);
    assert_eq!(stands.unwrap(), 9);
    assert!(world.events_for(&asha).is_empty(), "it moved nothing");
    assert_eq!(unread(&world, &ravi).await, 1);
}

#[tokio::test]
async fn reading_and_sending_at_once_do_not_lose_count() {
    let world = without_limits().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let conversation = world.acquaint(&asha, &ravi).await;
    let messaging = world.banter.messaging();
    world.open_connections().await;
    for round in 1..=20_i64 {
        let send_some = async {
            for _ in 0..3 {
                world.send(&asha, &ravi, "…").await;
            }
        };
        let end = 2 + round * 6;
        let answer_some = async {
            for _ in 0..3 {
                world.send(&ravi, &asha, "…").await;
            }
        };
        let (one, other, (), ()) = tokio::join!(
            messaging.mark_read(&asha.caller, conversation, end - 4),
            messaging.mark_read(&ravi.caller, conversation, end - 4),
            send_some,
            answer_some,
        );
        assert!(one.is_ok() && other.is_ok());
        for person in [&asha, &ravi] {
            let listed = messaging.conversation(&person.caller, conversation).await.unwrap().conversation;
            let counted: i64 = sqlx::query_scalar(
                "select count(*) from messages where conversation_id = $1 and seq > $2 and sender_id <> $3",
            )
            .bind(conversation)
            .bind(listed.last_read_seq)
            .bind(person.id)
            .fetch_one(world.banter.pool())
            .await
            .unwrap();
            assert_eq!(
                (listed.last_seq, listed.unread_count),
                (end, counted),
                "{} in round {round}",
                person.name
            );
        }
    }
}
