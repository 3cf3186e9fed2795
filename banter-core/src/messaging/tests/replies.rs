//! What a message answers, and what it carries.

use super::*;

fn picture(target: Target, media: &str) -> Draft {
    Draft { message_type: MessageType::Image, media: Some(media.into()), ..Draft::text(target, "") }
}

#[tokio::test]
async fn an_answer_shows_the_beginning_of_what_it_answers() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let long = world.send(&asha, &ravi, &"क".repeat(300)).await;
    let answer = Draft { reply_to: Some(long.id), ..Draft::text(Target::User(asha.id), "so much?") };
    let answer = send(&world, &ravi, answer).await.unwrap().message;
    let reply = answer.reply_to.clone().unwrap();
    assert_eq!((reply.id, reply.seq, reply.sender_id, reply.is_deleted), (long.id, 1, Some(asha.id), false));
    assert_eq!(reply.content, "क".repeat(200));
    assert_eq!(history(&world, &asha, long.conversation_id).await[1], answer);

    world.banter.messaging().delete(&asha.caller, long.id).await.unwrap();
    let reply = history(&world, &ravi, long.conversation_id).await.remove(1).reply_to.unwrap();
    assert_eq!((reply.content.as_str(), reply.is_deleted), ("", true));
}

#[tokio::test]
async fn only_a_message_of_the_same_conversation_can_be_answered() {
    let world = World::new().await;
    let (asha, ravi, meera) = (world.user("asha").await, world.user("ravi").await, world.user("meera").await);
    let own = world.send(&asha, &ravi, "hello").await;
    let elsewhere = world.send(&asha, &meera, "hello").await;
    let gone = world.send(&asha, &ravi, "never mind").await;
    world.banter.messaging().delete(&asha.caller, gone.id).await.unwrap();
    for reply_to in [elsewhere.id, gone.id, MessageId(uuid::Uuid::nil())] {
        for target in [Target::User(ravi.id), Target::Conversation(own.conversation_id)] {
            let answer = Draft { reply_to: Some(reply_to), ..Draft::text(target, "yes") };
            let refused = send(&world, &asha, answer).await.unwrap_err();
            assert_eq!(refused.to_string(), "replyToId is no message of this conversation");
        }
    }
    // To somebody never written to there is nothing to answer, and no conversation comes of it.
    let first = Draft { reply_to: Some(own.id), ..Draft::text(Target::User(meera.id), "yes") };
    assert_eq!(code(send(&world, &ravi, first).await), "VALIDATION_FAILED");
    assert_eq!(history(&world, &asha, own.conversation_id).await.len(), 2);
}

#[tokio::test]
async fn a_picture_is_sent_by_its_link_and_comes_with_its_size() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let link = upload(&world, &asha, "image", "chat").await;
    world.notices().clear();
    let sent = send(&world, &asha, picture(Target::User(ravi.id), &link)).await.unwrap().message;
    let media = sent.media.clone().unwrap();
    assert_eq!(
        (media.kind, media.bytes, media.width, media.height),
        (media::Kind::Image, 5000, Some(640), Some(480))
    );
    assert_eq!(sent.media_url.as_ref(), Some(&media.url));
    assert!(media.url.contains(&media.id.to_string()));
    let Event::MessageNew(told) = world.expect_event(&ravi, |event| event.name() == "message:new").await
    else {
        unreachable!()
    };
    assert_eq!(told, sent);
    assert_eq!(history(&world, &ravi, sent.conversation_id).await, [sent]);
    let used = "select count(*) from uploads where used_at is not null";
    assert_eq!(sqlx::query_scalar::<_, i64>(used).fetch_one(world.banter.pool()).await.unwrap(), 1);
}

#[tokio::test]
async fn a_message_names_only_media_that_its_sender_uploaded_for_it() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let conversation = world.acquaint(&asha, &ravi).await;
    let ravis = upload(&world, &ravi, "image", "chat").await;
    let video = upload(&world, &asha, "video", "chat").await;
    let face = upload(&world, &asha, "image", "avatar").await;
    let private = upload(&world, &asha, "image", "verification").await;
    let doomed = upload(&world, &asha, "image", "chat").await;
    let id = media::named_by(&doomed).unwrap();
    world.sql(&format!("update uploads set doomed_at = now() where id = '{id}'")).await;
    let nobodys = "https://media.example/00000000-0000-7000-8000-000000000000.jpg";
    for link in
        [ravis.as_str(), &video, &face, &private, &doomed, nobodys, "https://evil.example/cat.jpg", ""]
    {
        for target in [Target::User(ravi.id), Target::Conversation(conversation)] {
            let refused = send(&world, &asha, picture(target, link)).await.unwrap_err();
            assert_eq!(refused.coded().1, "VALIDATION_FAILED", "{link}");
            assert!(refused.to_string().starts_with("mediaUrl is no upload of yours"), "{link}: {refused}");
        }
    }
    let text = Draft { media: Some(face), ..Draft::text(Target::User(ravi.id), "look") };
    assert_eq!(code(send(&world, &asha, text).await), "VALIDATION_FAILED");
    let nothing = Draft { message_type: MessageType::Audio, ..Draft::text(Target::User(ravi.id), "listen") };
    assert_eq!(code(send(&world, &asha, nothing).await), "VALIDATION_FAILED");
    assert_eq!(history(&world, &asha, conversation).await.len(), 2, "nothing of that was stored");
}

#[tokio::test]
async fn a_repeat_must_carry_the_same() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let (one, other) =
        (upload(&world, &asha, "image", "chat").await, upload(&world, &asha, "image", "chat").await);
    let named =
        |link: &str| Draft { client_message_id: Some("c1".into()), ..picture(Target::User(ravi.id), link) };
    let first = send(&world, &asha, named(&one)).await.unwrap();
    let again = send(&world, &asha, named(&one)).await.unwrap();
    assert_eq!((again.repeated, &again.message), (true, &first.message));
    assert_eq!(code(send(&world, &asha, named(&other)).await), "CLIENT_MESSAGE_ID_REUSED");
    world.banter.messaging().delete(&asha.caller, first.message.id).await.unwrap();
    let late = send(&world, &asha, named(&one)).await.unwrap();
    assert!(late.repeated && late.message.is_deleted, "a retry does not bring back what was deleted");
}

#[tokio::test]
async fn who_takes_messages_from_friends_only_gets_them_from_friends_and_as_answers() {
    let world = World::new().await;
    let (asha, ravi, meera) = (world.user("asha").await, world.user("ravi").await, world.user("meera").await);
    let settings =
        "insert into user_settings (user_id, message_from, updated_at) values ('{}', 'friends', now())";
    world.sql(&settings.replace("{}", &asha.id.to_string())).await;
    world.befriend(&asha, &meera).await;
    world.send(&meera, &asha, "friends may").await;
    let to_asha = || Draft::text(Target::User(asha.id), "hello");
    assert_eq!(code(send(&world, &ravi, to_asha()).await), "MESSAGES_NOT_ACCEPTED");
    // Asha writes first: an answer is fair, one after the other.
    let conversation = world.send(&asha, &ravi, "tell me").await.conversation_id;
    send(&world, &ravi, to_asha()).await.unwrap();
    assert_eq!(code(send(&world, &ravi, to_asha()).await), "MESSAGES_NOT_ACCEPTED");
    let by_conversation = Draft::text(Target::Conversation(conversation), "hello?");
    assert_eq!(code(send(&world, &ravi, by_conversation).await), "MESSAGES_NOT_ACCEPTED");
    world.sql("update user_settings set message_from = 'nobody'").await;
    assert_eq!(code(send(&world, &meera, to_asha()).await), "MESSAGES_NOT_ACCEPTED");
    world.block(&asha, &meera).await;
    assert_eq!(
        code(send(&world, &meera, to_asha()).await),
        "USER_NOT_FOUND",
        "a block says nothing of settings"
    );
}
