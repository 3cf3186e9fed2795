use futures_util::future::join_all;
use sqlx::Connection as _;

use super::*;
use crate::events::Event;
use crate::ids::ConversationId;

#[tokio::test]
async fn the_first_message_makes_the_conversation() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let sent = send(&world, &asha, draft(Target::User(ravi.id), "  नमस्ते  ", Some("c1"))).await.unwrap();
    assert!(!sent.repeated);
    let message = sent.message;
    assert_eq!((message.seq, message.content.as_str()), (1, "नमस्ते"));
    assert_eq!((message.sender_id, message.receiver_id), (Some(asha.id), Some(ravi.id)));
    assert_eq!((message.created_at, message.is_read), (world.now(), false));
    let answer = send(&world, &ravi, draft(Target::Conversation(message.conversation_id), "hi", None)).await;
    let answer = answer.unwrap().message;
    assert_eq!((answer.seq, answer.receiver_id), (2, Some(asha.id)));
    assert_eq!(answer.conversation_id, message.conversation_id);
    assert_gapless(sequence(&world, message.conversation_id).await, 2);
}

#[tokio::test]
async fn both_are_told_except_the_socket_it_came_by() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let by_socket = draft(Target::User(ravi.id), "hello", None);
    let sent = world.banter.messaging().send(&asha.caller, by_socket, Some("socket-7")).await.unwrap();
    for person in [&asha, &ravi] {
        let deliveries = world.notices().deliveries_for(person);
        assert_eq!(deliveries.len(), 1, "{}", person.name);
        assert_eq!(deliveries[0].except_socket.as_deref(), Some("socket-7"));
        assert_eq!(deliveries[0].event, Event::MessageNew(sent.message.clone()));
    }
}

#[tokio::test]
async fn numbers_have_no_gap_whoever_sends_however_fast() {
    let world = without_limits().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    world.open_connections().await;
    let sends = (0..200).map(|i| {
        let (from, to) = if i % 2 == 0 { (&asha, &ravi) } else { (&ravi, &asha) };
        send(&world, from, draft(Target::User(to.id), &format!("message {i}"), None))
    });
    let sent: Vec<Message> = join_all(sends).await.into_iter().map(|sent| sent.unwrap().message).collect();
    let conversation = sent[0].conversation_id;
    assert!(sent.iter().all(|message| message.conversation_id == conversation));
    assert_gapless(sequence(&world, conversation).await, 200);
    let mut told: Vec<i64> = sent.iter().map(|message| message.seq).collect();
    told.sort_unstable();
    assert_eq!(told, (1..=200).collect::<Vec<_>>());
    for person in [&asha, &ravi] {
        assert_eq!(world.banter.messaging().unread(&person.caller).await.unwrap(), 100, "{}", person.name);
    }
}

#[tokio::test]
async fn two_first_messages_at_once_make_one_conversation() {
    let world = World::new().await;
    world.open_connections().await;
    for i in 0..20 {
        let (one, other) = (world.user(&format!("one{i}")).await, world.user(&format!("two{i}")).await);
        let (first, second) = tokio::join!(
            send(&world, &one, draft(Target::User(other.id), "hello", None)),
            send(&world, &other, draft(Target::User(one.id), "hello", None)),
        );
        let (first, second) = (first.unwrap().message, second.unwrap().message);
        assert_eq!(first.conversation_id, second.conversation_id);
        assert_gapless(sequence(&world, first.conversation_id).await, 2);
        for person in [&one, &other] {
            assert_eq!(world.banter.messaging().unread(&person.caller).await.unwrap(), 1);
        }
    }
}

#[tokio::test]
async fn a_repeat_is_the_same_message_and_tells_nobody() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let first = send(&world, &asha, draft(Target::User(ravi.id), "hello", Some("c1"))).await.unwrap();
    world.notices().clear();
    world.advance(chrono::TimeDelta::minutes(5));
    for target in [Target::User(ravi.id), Target::Conversation(first.message.conversation_id)] {
        let again = send(&world, &asha, draft(target, " hello ", Some("c1"))).await.unwrap();
        assert_eq!(again, Sent { message: first.message.clone(), repeated: true });
    }
    assert!(world.events_for(&ravi).is_empty());
    world.banter.messaging().mark_read(&ravi.caller, first.message.conversation_id, 1).await.unwrap();
    let after = send(&world, &asha, draft(Target::User(ravi.id), "hello", Some("c1"))).await.unwrap();
    assert!(after.message.is_read);
    // Ids belong to whoever chose them.
    let ravis = send(&world, &ravi, draft(Target::User(asha.id), "hello", Some("c1"))).await.unwrap();
    assert!(!ravis.repeated);
    assert_gapless(sequence(&world, first.message.conversation_id).await, 2);
}

#[tokio::test]
async fn repeats_at_once_give_one_message_and_no_gap() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let conversation = world.acquaint(&asha, &ravi).await;
    let sends = (0..20).map(|i| {
        let target = if i % 2 == 0 { Target::User(ravi.id) } else { Target::Conversation(conversation) };
        send(&world, &asha, draft(target, "hello", Some("c1")))
    });
    // All that the pool can run are under way before the first goes through.
    world.open_connections().await;
    let mut beside = world.database().connect().await;
    let mut lock = beside.begin().await.unwrap();
    let locks = sqlx::query("select from conversations where id = $1 for update").bind(conversation);
    locks.execute(&mut *lock).await.unwrap();
    let go_on = async {
        world.until_waiting(i64::from(world.banter.config().database.max_connections)).await;
        lock.rollback().await.unwrap();
    };
    let (sent, ()) = tokio::join!(join_all(sends), go_on);
    let sent: Vec<Sent> = sent.into_iter().map(Result::unwrap).collect();
    assert_eq!(sent.iter().filter(|sent| !sent.repeated).count(), 1);
    assert!(sent.iter().all(|one| one.message == sent[0].message));
    assert_gapless(sequence(&world, conversation).await, 3);
    assert_eq!(world.events_for(&ravi).len(), 1);
    assert_eq!(world.banter.messaging().unread(&ravi.caller).await.unwrap(), 2);
}

#[tokio::test]
async fn a_client_id_names_one_message_for_ever() {
    let world = World::new().await;
    let (asha, ravi, meera) = (world.user("asha").await, world.user("ravi").await, world.user("meera").await);
    let elsewhere = world.acquaint(&asha, &meera).await;
    send(&world, &asha, draft(Target::User(ravi.id), "hello", Some("c1"))).await.unwrap();
    for other in [
        draft(Target::User(ravi.id), "something else", Some("c1")),
        draft(Target::User(meera.id), "hello", Some("c1")),
        draft(Target::Conversation(elsewhere), "hello", Some("c1")),
    ] {
        assert_eq!(code(send(&world, &asha, other).await), "CLIENT_MESSAGE_ID_REUSED");
    }
    assert_gapless(sequence(&world, elsewhere).await, 2);
}

#[tokio::test]
async fn nothing_passes_between_people_one_of_whom_blocked_the_other() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let conversation = world.acquaint(&asha, &ravi).await;
    world.block(&ravi, &asha).await;
    for (from, to) in [(&asha, &ravi), (&ravi, &asha)] {
        assert_eq!(
            code(send(&world, from, draft(Target::User(to.id), "hello", None)).await),
            "USER_NOT_FOUND"
        );
        let here = draft(Target::Conversation(conversation), "hello", Some("c1"));
        assert_eq!(code(send(&world, from, here).await), "CONVERSATION_NOT_FOUND");
    }
    assert_gapless(sequence(&world, conversation).await, 2);
    assert!(world.events_for(&ravi).is_empty() && world.events_for(&asha).is_empty());
    world.banter.safety().unblock(&ravi.caller, asha.id).await.unwrap();
    assert_eq!(world.send(&asha, &ravi, "hello again").await.seq, 3);
}

#[tokio::test]
async fn only_people_who_are_there_can_be_written_to() {
    let world = World::new().await;
    let (asha, ravi, meera) = (world.user("asha").await, world.user("ravi").await, world.user("meera").await);
    let conversation = world.acquaint(&ravi, &meera).await;
    let nobody = UserId(uuid::Uuid::from_u128(1));
    let nowhere = ConversationId(uuid::Uuid::from_u128(1));
    for (target, refusal) in [
        (Target::User(asha.id), "CANNOT_MESSAGE_YOURSELF"),
        (Target::User(nobody), "USER_NOT_FOUND"),
        (Target::Conversation(nowhere), "CONVERSATION_NOT_FOUND"),
        (Target::Conversation(conversation), "CONVERSATION_NOT_FOUND"),
    ] {
        assert_eq!(code(send(&world, &asha, draft(target, "hello", None)).await), refusal, "{target:?}");
    }
    world.sql(&format!("update users set status = 'deleted' where id = '{}'", meera.id)).await;
    let refusal = code(send(&world, &asha, draft(Target::User(meera.id), "hello", None)).await);
    assert_eq!(refusal, "USER_NOT_FOUND");
    let refusal = code(send(&world, &ravi, draft(Target::Conversation(conversation), "hello", None)).await);
    assert_eq!(refusal, "CONVERSATION_NOT_FOUND");
    assert_gapless(sequence(&world, conversation).await, 2);
}

#[tokio::test]
async fn what_is_sent_is_checked() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let long_id = "x".repeat(65);
    for (content, client_id, field) in [
        ("", None, "content"),
        (" \n ", None, "content"),
        ("a\0b", None, "content"),
        ("x".repeat(4001).as_str(), None, "content"),
        ("hello", Some(""), "clientMessageId"),
        ("hello", Some("नमस्ते"), "clientMessageId"),
        ("hello", Some("a b"), "clientMessageId"),
        ("hello", Some(long_id.as_str()), "clientMessageId"),
    ] {
        let error = send(&world, &asha, draft(Target::User(ravi.id), content, client_id)).await.unwrap_err();
        let fields: Vec<_> = error.problems().expect("problems").iter().map(|(field, _)| field).collect();
        assert_eq!(fields, [field], "{content:?} {client_id:?}");
    }
    let longest = "ह".repeat(4000);
    let sent = send(&world, &asha, draft(Target::User(ravi.id), &longest, Some(&long_id[1..]))).await;
    assert_eq!(sent.unwrap().message.content, longest);
}

#[tokio::test]
async fn sending_has_a_limit_that_nothing_slips_past() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let mut refused = 0;
    for i in 0..130 {
        match send(&world, &asha, draft(Target::User(ravi.id), &i.to_string(), None)).await {
            Ok(_) => assert!(i < 120),
            Err(error) => {
                assert_eq!((error.coded().1, error.retry_after()), ("RATE_LIMITED", Some(1)));
                refused += 1;
            }
        }
    }
    assert_eq!(refused, 10);
    world.advance(chrono::TimeDelta::seconds(1));
    world.send(&asha, &ravi, "two more a second").await;
}
