//! Editing and deleting.

use chrono::TimeDelta;

use sqlx::Connection as _;

use super::*;

async fn unread(world: &World, person: &Person) -> i64 {
    world.banter.messaging().unread(&person.caller).await.unwrap()
}

#[tokio::test]
async fn an_edit_replaces_the_text_for_everybody() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let message = world.send(&asha, &ravi, "helo").await;
    world.advance(TimeDelta::minutes(14));
    let edited = world.banter.messaging().edit(&asha.caller, message.id, " hello ").await.unwrap();
    assert_eq!((edited.seq, edited.content.as_str(), edited.edited_at), (1, "hello", world.now()));
    for person in [&asha, &ravi] {
        let event = world.expect_event(person, |event| event.name() == "message:edited").await;
        assert_eq!(event, Event::MessageEdited(edited.clone()));
        let seen = history(&world, person, message.conversation_id).await.remove(0);
        assert_eq!((seen.content.as_str(), seen.edited_at), ("hello", Some(world.now())));
    }
    assert_eq!(unread(&world, &ravi).await, 1, "it is the same message");
}

#[tokio::test]
async fn what_may_not_be_edited_is_not() {
    let world = World::new().await;
    let (asha, ravi, meera) = (world.user("asha").await, world.user("ravi").await, world.user("meera").await);
    let message = world.send(&asha, &ravi, "hello").await;
    let messaging = world.banter.messaging();
    let link = upload(&world, &asha, "image", "chat").await;
    let picture = Draft {
        message_type: MessageType::Image,
        media: Some(link),
        ..Draft::text(Target::User(ravi.id), "a cat")
    };
    let picture = send(&world, &asha, picture).await.unwrap().message;
    let deleted = world.send(&asha, &ravi, "oh no").await;
    messaging.delete(&asha.caller, deleted.id).await.unwrap();
    world.notices().clear();
    for (who, id, refusal) in [
        (&ravi, message.id, "FORBIDDEN"),
        (&meera, message.id, "MESSAGE_NOT_FOUND"),
        (&asha, MessageId(uuid::Uuid::nil()), "MESSAGE_NOT_FOUND"),
        (&asha, picture.id, "NOT_EDITABLE"),
        (&asha, deleted.id, "NOT_EDITABLE"),
    ] {
        assert_eq!(code(messaging.edit(&who.caller, id, "changed").await), refusal);
    }
    for content in ["", " ", "a\0b", &"x".repeat(4001)] {
        assert_eq!(code(messaging.edit(&asha.caller, message.id, content).await), "VALIDATION_FAILED");
    }
    world.advance(TimeDelta::minutes(15));
    assert_eq!(code(messaging.edit(&asha.caller, message.id, "changed").await), "EDIT_TOO_LATE");
    world.block(&ravi, &asha).await;
    assert_eq!(code(messaging.edit(&asha.caller, message.id, "changed").await), "MESSAGE_NOT_FOUND");
    assert!(world.events_for(&ravi).is_empty());
}

#[tokio::test]
async fn a_deletion_leaves_a_place_and_nothing_in_it() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let link = upload(&world, &asha, "image", "chat").await;
    let shared = upload(&world, &asha, "image", "chat").await;
    let picture = |link: &str| Draft {
        message_type: MessageType::Image,
        media: Some(link.into()),
        ..Draft::text(Target::User(ravi.id), "secret words")
    };
    let message = send(&world, &asha, picture(&link)).await.unwrap().message;
    let (twice, _again) = (
        send(&world, &asha, picture(&shared)).await.unwrap().message,
        send(&world, &asha, picture(&shared)).await.unwrap().message,
    );
    world.advance(TimeDelta::days(400));
    let messaging = world.banter.messaging();
    assert_eq!(unread(&world, &ravi).await, 3);
    let deleted = messaging.delete(&asha.caller, message.id).await.unwrap();
    messaging.delete(&asha.caller, twice.id).await.unwrap();
    assert_eq!(unread(&world, &ravi).await, 1, "what is gone cannot be read");
    let event = world.expect_event(&ravi, |event| event.name() == "message:deleted").await;
    assert_eq!(event, Event::MessageDeleted(deleted.clone()));
    let seen = history(&world, &ravi, message.conversation_id).await.remove(0);
    assert_eq!((seen.seq, seen.content.as_str(), &seen.media, seen.is_deleted), (1, "", &None, true));
    let doomed = "select count(*) from uploads where doomed_at is not null";
    let doomed: i64 = sqlx::query_scalar(doomed).fetch_one(world.banter.pool()).await.unwrap();
    assert_eq!(doomed, 1, "what another message carries stays");

    world.notices().clear();
    assert_eq!(
        messaging.delete(&asha.caller, message.id).await.unwrap(),
        deleted,
        "a repeat changes nothing"
    );
    assert_eq!(unread(&world, &ravi).await, 1);
    assert!(world.events_for(&ravi).is_empty());
}

#[tokio::test]
async fn only_the_sender_takes_a_message_back() {
    let world = World::new().await;
    let (asha, ravi, meera) = (world.user("asha").await, world.user("ravi").await, world.user("meera").await);
    let message = world.send(&asha, &ravi, "hello").await;
    let messaging = world.banter.messaging();
    assert_eq!(code(messaging.delete(&ravi.caller, message.id).await), "FORBIDDEN");
    assert_eq!(code(messaging.delete(&meera.caller, message.id).await), "MESSAGE_NOT_FOUND");
    world.block(&asha, &ravi).await;
    assert_eq!(code(messaging.delete(&ravi.caller, message.id).await), "MESSAGE_NOT_FOUND");
    assert_eq!(history_len(&world, &message).await, 1);
}

async fn history_len(world: &World, message: &Message) -> i64 {
    let kept = "select count(*) from messages where id = $1 and content = 'hello'";
    sqlx::query_scalar(kept).bind(message.id).fetch_one(world.banter.pool()).await.unwrap()
}

#[tokio::test]
async fn deleting_reading_and_sending_at_once_do_not_lose_count() {
    let world = without_limits().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let conversation = world.acquaint(&asha, &ravi).await;
    let messaging = world.banter.messaging();
    world.open_connections().await;
    for round in 0..15 {
        let (one, other) = (world.send(&asha, &ravi, "one").await, world.send(&asha, &ravi, "other").await);
        let (a, b, c, d) = tokio::join!(
            messaging.delete(&asha.caller, one.id),
            messaging.delete(&asha.caller, other.id),
            messaging.mark_read(&ravi.caller, conversation, one.seq),
            send(&world, &asha, draft(Target::User(ravi.id), "three", None)),
        );
        a.unwrap();
        b.unwrap();
        c.unwrap();
        d.unwrap();
        let counted = "select count(*) from messages m
                       join conversation_members r on r.conversation_id = m.conversation_id and r.user_id = $1
                       where m.sender_id <> $1 and m.deleted_at is null and m.seq > r.last_read_seq";
        let counted: i64 =
            sqlx::query_scalar(counted).bind(ravi.id).fetch_one(world.banter.pool()).await.unwrap();
        assert_eq!(unread(&world, &ravi).await, counted, "round {round}");
    }
}

#[tokio::test]
async fn a_mark_that_waited_for_a_deletion_does_not_count_it_twice() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let conversation = world.acquaint(&asha, &ravi).await;
    for text in ["three", "four", "five"] {
        world.send(&asha, &ravi, text).await;
    }
    world.banter.messaging().mark_read(&ravi.caller, conversation, 2).await.unwrap();
    // The deletion of the third, about to be committed.
    let mut beside = world.database().connect().await;
    let mut deletion = beside.begin().await.unwrap();
    let sql = format!(
        "update messages set content = '', deleted_at = now() where conversation_id = '{conversation}' and seq = 3;
         update conversation_members set unread = unread - 1 where conversation_id = '{conversation}' and user_id = '{}'",
        ravi.id
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut *deletion).await.unwrap();
    let commit = async {
        world.until_waiting(1).await;
        deletion.commit().await.unwrap();
    };
    let messaging = world.banter.messaging();
    let (marked, ()) = tokio::join!(messaging.mark_read(&ravi.caller, conversation, 4), commit);
    assert_eq!(marked.unwrap(), 4);
    assert_eq!(unread(&world, &ravi).await, 1, "the fifth");
}
