//! Groups, and messages in them.

use sqlx::Connection as _;

use super::*;
use crate::ids::UserId;
use crate::messaging::groups::Role;

/// Asha's friends, and a group of hers with the first two.
async fn group(world: &World) -> (Vec<Person>, ConversationId) {
    let mut people = Vec::new();
    for name in ["asha", "ravi", "meera", "kabir", "zoya"] {
        people.push(world.user(name).await);
    }
    for friend in &people[1..] {
        world.befriend(&people[0], friend).await;
    }
    let members: Vec<UserId> = people[1..3].iter().map(|person| person.id).collect();
    let id = world.banter.messaging().create_group(&people[0].caller, "Trip", &members).await.unwrap();
    world.notices().clear();
    (people, id)
}

async fn say(world: &World, who: &Person, group: ConversationId, text: &str) -> Message {
    send(world, who, Draft::text(Target::Conversation(group), text)).await.unwrap().message
}

async fn roles(world: &World, reader: &Person, group: ConversationId) -> Vec<(String, Role)> {
    let opened = world.banter.messaging().conversation(&reader.caller, group).await.unwrap();
    opened.members.into_iter().map(|member| (member.user.username.unwrap(), member.role)).collect()
}

fn named(list: &[(&str, Role)]) -> Vec<(String, Role)> {
    list.iter().map(|(name, role)| ((*name).to_owned(), *role)).collect()
}

#[tokio::test]
async fn a_group_has_one_sequence_and_everybody_hears() {
    let world = World::new().await;
    let (people, id) = group(&world).await;
    let [asha, ravi, meera, kabir, _] = &people[..] else { unreachable!() };
    let first = say(&world, asha, id, "where to?").await;
    let second = say(&world, ravi, id, "Goa").await;
    assert_eq!((first.seq, second.seq, second.receiver_id), (1, 2, None));
    for person in [asha, ravi, meera] {
        let told = world.events_for(person);
        assert_eq!(
            told,
            [Event::MessageNew(first.clone()), Event::MessageNew(second.clone())],
            "{}",
            person.name
        );
    }
    let messaging = world.banter.messaging();
    assert_eq!(messaging.unread(&meera.caller).await.unwrap(), 2);
    assert_eq!(messaging.unread(&ravi.caller).await.unwrap(), 1);
    messaging.mark_read(&meera.caller, id, 2).await.unwrap();
    world.expect_event(ravi, |event| event.name() == "message:read").await;
    let seen = |message: &Message| message.is_read;
    assert!(!seen(&history(&world, ravi, id).await[1]), "Asha has not read it");
    messaging.mark_read(&asha.caller, id, 2).await.unwrap();
    assert!(seen(&history(&world, ravi, id).await[1]), "now everybody has");

    let page = crate::page::PageRequest { limit: 5, cursor: None };
    let listed = messaging.conversations(&meera.caller, &page).await.unwrap().items.remove(0);
    assert_eq!(
        (listed.name.as_deref(), listed.member_count, listed.peer, listed.role),
        (Some("Trip"), 3, None, Some(Role::Member))
    );
    assert_eq!(listed.last_message.unwrap().id, second.id);
    let stranger = Draft::text(Target::Conversation(id), "let me in");
    assert_eq!(code(send(&world, kabir, stranger).await), "CONVERSATION_NOT_FOUND");
    assert_eq!(code(messaging.typing_audience(&kabir.caller, id).await), "CONVERSATION_NOT_FOUND");
    assert_eq!(messaging.typing_audience(&asha.caller, id).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_group_is_made_of_friends_of_its_creator_three_to_ten() {
    let world = World::new().await;
    let (people, _) = group(&world).await;
    let [asha, ravi, meera, ..] = &people[..] else { unreachable!() };
    let stranger = world.user("stranger").await;
    let messaging = world.banter.messaging();
    let ids = |people: &[&Person]| people.iter().map(|person| person.id).collect::<Vec<_>>();
    let many: Vec<UserId> = (1..=10).map(|n| UserId(uuid::Uuid::from_u128(n))).collect();
    for (name, members, field) in [
        ("", ids(&[ravi, meera]), "name"),
        (&"x".repeat(61), ids(&[ravi, meera]), "name"),
        ("Two", ids(&[ravi]), "memberIds"),
        ("Twice", ids(&[ravi, ravi, asha]), "memberIds"),
        ("Many", many, "memberIds"),
        ("Stranger", ids(&[ravi, &stranger]), "memberIds"),
        ("Nobody", vec![ravi.id, UserId(uuid::Uuid::nil())], "memberIds"),
    ] {
        let refused = messaging.create_group(&asha.caller, name, &members).await.unwrap_err();
        assert!(refused.to_string().starts_with(field), "{name}: {refused}");
    }
    // A friend who blocks is none to be put anywhere.
    world.block(meera, asha).await;
    let refused = messaging.create_group(&asha.caller, "Blocked", &ids(&[ravi, meera])).await;
    assert_eq!(code(refused), "VALIDATION_FAILED");
}

#[tokio::test]
async fn who_joins_later_reads_from_there_and_who_leaves_reads_no_more() {
    let world = World::new().await;
    let (people, id) = group(&world).await;
    let [asha, ravi, _, kabir, zoya] = &people[..] else { unreachable!() };
    let before = say(&world, asha, id, "before").await;
    let messaging = world.banter.messaging();
    messaging.add_members(&asha.caller, id, &[kabir.id, ravi.id]).await.unwrap();
    world.expect_event(kabir, |event| event.name() == "conversation:updated").await;
    let opened = messaging.conversation(&kabir.caller, id).await.unwrap().conversation;
    assert_eq!((opened.last_message, opened.unread_count, opened.member_count), (None, 0, 4));
    assert!(history(&world, kabir, id).await.is_empty());
    let answer = Draft { reply_to: Some(before.id), ..Draft::text(Target::Conversation(id), "what?") };
    assert_eq!(code(send(&world, kabir, answer).await), "VALIDATION_FAILED");
    let after = say(&world, ravi, id, "after").await;
    assert_eq!(history(&world, kabir, id).await, [after]);
    assert_eq!(messaging.unread(&kabir.caller).await.unwrap(), 1);

    assert_eq!(code(messaging.add_members(&ravi.caller, id, &[zoya.id]).await), "FORBIDDEN");
    messaging.leave_group(&kabir.caller, id).await.unwrap();
    world.expect_event(kabir, |event| event.name() == "conversation:removed").await;
    world.notices().clear();
    say(&world, asha, id, "without him").await;
    assert!(world.events_for(kabir).is_empty());
    assert_eq!(code(messaging.conversation(&kabir.caller, id).await), "CONVERSATION_NOT_FOUND");
    assert_eq!(messaging.unread(&kabir.caller).await.unwrap(), 0);
    assert_eq!(code(messaging.leave_group(&kabir.caller, id).await), "CONVERSATION_NOT_FOUND");
}

#[tokio::test]
async fn roles_are_kept_and_an_owner_hands_over() {
    let world = World::new().await;
    let (people, id) = group(&world).await;
    let [asha, ravi, meera, kabir, zoya] = &people[..] else { unreachable!() };
    let messaging = world.banter.messaging();
    assert_eq!(code(messaging.rename_group(&ravi.caller, id, "Mine").await), "FORBIDDEN");
    assert_eq!(code(messaging.set_role(&ravi.caller, id, meera.id, Role::Admin).await), "FORBIDDEN");
    messaging.set_role(&asha.caller, id, ravi.id, Role::Admin).await.unwrap();
    messaging.rename_group(&ravi.caller, id, "Goa").await.unwrap();
    assert_eq!(code(messaging.remove_member(&ravi.caller, id, asha.id).await), "FORBIDDEN");
    assert_eq!(code(messaging.remove_member(&asha.caller, id, kabir.id).await), "MEMBER_NOT_FOUND");
    assert_eq!(code(messaging.remove_member(&asha.caller, id, asha.id).await), "MEMBER_NOT_FOUND");
    assert_eq!(code(messaging.remove_member(&zoya.caller, id, asha.id).await), "CONVERSATION_NOT_FOUND");

    messaging.set_role(&asha.caller, id, meera.id, Role::Owner).await.unwrap();
    let expected = named(&[("asha", Role::Admin), ("ravi", Role::Admin), ("meera", Role::Owner)]);
    let mut found = roles(&world, asha, id).await;
    found.sort_by_key(|(name, _)| expected.iter().position(|(other, _)| other == name));
    assert_eq!(found, expected);
    messaging.leave_group(&meera.caller, id).await.unwrap();
    let left = roles(&world, asha, id).await;
    assert_eq!(left.iter().filter(|(_, role)| *role == Role::Owner).count(), 1, "{left:?}");
    messaging.leave_group(&asha.caller, id).await.unwrap();
    assert_eq!(roles(&world, ravi, id).await, named(&[("ravi", Role::Owner)]));
    messaging.leave_group(&ravi.caller, id).await.unwrap();
}

#[tokio::test]
async fn direct_conversations_are_no_groups() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let direct = world.acquaint(&asha, &ravi).await;
    let messaging = world.banter.messaging();
    assert_eq!(code(messaging.rename_group(&asha.caller, direct, "Us").await), "NOT_A_GROUP");
    assert_eq!(code(messaging.leave_group(&asha.caller, direct).await), "NOT_A_GROUP");
    assert_eq!(
        code(messaging.add_members(&asha.caller, direct, &[UserId(uuid::Uuid::nil())]).await),
        "NOT_A_GROUP"
    );
    world.block(&ravi, &asha).await;
    assert_eq!(code(messaging.leave_group(&asha.caller, direct).await), "CONVERSATION_NOT_FOUND");
}

#[tokio::test]
async fn two_who_blocked_each_other_see_nothing_of_each_other_in_a_group() {
    let world = World::new().await;
    let (people, id) = group(&world).await;
    let [asha, ravi, meera, ..] = &people[..] else { unreachable!() };
    let early = say(&world, ravi, id, "early secret").await;
    let messaging = world.banter.messaging();
    messaging.mark_read(&meera.caller, id, 1).await.unwrap();
    world.block(ravi, meera).await;
    world.notices().clear();
    let secret = say(&world, ravi, id, "secret").await;
    let answer = Draft { reply_to: Some(secret.id), ..Draft::text(Target::Conversation(id), "I see") };
    let answer = send(&world, asha, answer).await.unwrap().message;
    messaging.edit(&ravi.caller, secret.id, "secret indeed").await.unwrap();

    let told = world.events_for(meera);
    assert!(
        !format!("{told:?}").contains("secret") && !format!("{told:?}").contains(&ravi.id.to_string()),
        "{told:#?}"
    );
    let [Event::MessageNew(place), Event::MessageNew(heard)] = &told[..] else { panic!("{told:#?}") };
    assert!(place.is_hidden && place.seq == 2 && place.sender_id.is_none());
    assert_eq!((heard.id, heard.content.as_str()), (answer.id, "I see"));
    assert_eq!(messaging.unread(&meera.caller).await.unwrap(), 1, "Asha's answer");

    let read = history(&world, meera, id).await;
    assert!(
        !format!("{read:?}").contains("secret") && !format!("{read:?}").contains(&ravi.id.to_string()),
        "{read:#?}"
    );
    assert_eq!(
        read.iter().map(|m| (m.seq, m.is_hidden)).collect::<Vec<_>>(),
        [(1, true), (2, true), (3, false)]
    );
    assert!(roles(&world, meera, id).await.iter().all(|(name, _)| name != "ravi"));
    let reply = Draft { reply_to: Some(early.id), ..Draft::text(Target::Conversation(id), "?") };
    assert_eq!(code(send(&world, meera, reply).await), "VALIDATION_FAILED");
    // Nor does Ravi hear of her: typing, marks, messages.
    world.notices().clear();
    say(&world, meera, id, "my words").await;
    messaging.mark_read(&meera.caller, id, 4).await.unwrap();
    assert!(!messaging.typing_audience(&meera.caller, id).await.unwrap().contains(&ravi.id));
    let told = format!("{:?}", world.events_for(ravi));
    assert!(!told.contains("my words") && !told.contains(&meera.id.to_string()), "{told}");
}

#[tokio::test]
async fn changes_at_once_leave_a_whole_group() {
    let world = without_limits().await;
    let (people, id) = group(&world).await;
    let mut friends = Vec::new();
    for n in 0..12 {
        let friend = world.user(&format!("friend{n}")).await;
        world.befriend(&people[0], &friend).await;
        friends.push(friend.id);
    }
    let messaging = world.banter.messaging();
    world.open_connections().await;
    let adds = friends.chunks(3).map(|some| messaging.add_members(&people[0].caller, id, some));
    let added = futures_util::future::join_all(adds).await;
    let full = added.iter().filter(|outcome| outcome.is_err()).count();
    assert_eq!(full, 2, "two threes fit beside three: {added:?}");
    let (handed, left, sent) = tokio::join!(
        messaging.set_role(&people[0].caller, id, people[1].id, Role::Owner),
        messaging.leave_group(&people[1].caller, id),
        send(&world, &people[2], Draft::text(Target::Conversation(id), "what goes on?")),
    );
    left.unwrap();
    sent.unwrap();
    assert!(matches!(handed, Ok(()) | Err(Error::MemberNotFound)), "{handed:?}");
    let owners = roles(&world, &people[2], id).await;
    assert_eq!(owners.iter().filter(|(_, role)| *role == Role::Owner).count(), 1, "{owners:?}");
}

#[tokio::test]
async fn who_joined_later_hears_nothing_of_what_was_before() {
    let world = World::new().await;
    let (people, id) = group(&world).await;
    let [asha, ravi, _, kabir, _] = &people[..] else { unreachable!() };
    let secret = say(&world, asha, id, "secret of three").await;
    let messaging = world.banter.messaging();
    messaging.add_members(&asha.caller, id, &[kabir.id]).await.unwrap();
    world.notices().clear();
    messaging.edit(&asha.caller, secret.id, "secret of three, edited").await.unwrap();
    let answer = Draft { reply_to: Some(secret.id), ..Draft::text(Target::Conversation(id), "I see") };
    send(&world, ravi, answer).await.unwrap();
    let told = format!("{:?}", world.events_for(kabir));
    assert!(told.contains("I see") && !told.contains("secret"), "{told}");
    let read = format!("{:?}", history(&world, kabir, id).await);
    assert!(read.contains("I see") && !read.contains("secret"), "{read}");
    let page = crate::page::PageRequest { limit: 5, cursor: None };
    let listed = format!("{:?}", messaging.conversations(&kabir.caller, &page).await.unwrap());
    assert!(listed.contains("I see") && !listed.contains("secret"), "{listed}");
    let since = world.now() - chrono::TimeDelta::hours(1);
    let changes = format!("{:?}", messaging.changes(&kabir.caller, since, &page).await.unwrap());
    assert!(changes.contains("I see") && !changes.contains("secret"), "{changes}");
    // Ravi was there, and sees it all.
    assert!(format!("{:?}", world.events_for(ravi)).contains("edited"));
}

/// The unread count, and what it must be: the visible messages after the mark, one by one.
async fn counts(world: &World, who: &Person, id: ConversationId) -> (i64, i64) {
    let opened = world.banter.messaging().conversation(&who.caller, id).await.unwrap().conversation;
    let visible = history(world, who, id).await.into_iter().filter(|m| {
        m.seq > opened.last_read_seq && !m.is_hidden && !m.is_deleted && m.sender_id != Some(who.id)
    });
    (opened.unread_count, visible.count() as i64)
}

#[tokio::test]
async fn in_a_group_with_a_block_unread_is_what_can_be_seen() {
    let world = World::new().await;
    let (people, id) = group(&world).await;
    let [asha, ravi, meera, ..] = &people[..] else { unreachable!() };
    let messaging = world.banter.messaging();
    say(&world, ravi, id, "before the block").await;
    world.block(asha, ravi).await;
    assert_eq!(counts(&world, asha, id).await, (0, 0), "hidden with the block");
    let hidden = say(&world, ravi, id, "hidden").await;
    say(&world, meera, id, "seen").await;
    messaging.mark_read(&asha.caller, id, hidden.seq).await.unwrap();
    assert_eq!(counts(&world, asha, id).await, (1, 1));
    let more = say(&world, ravi, id, "hidden, too").await;
    say(&world, meera, id, "seen, too").await;
    world.banter.safety().unblock(&asha.caller, ravi.id).await.unwrap();
    assert_eq!(counts(&world, asha, id).await, (3, 3), "visible again");
    messaging.delete(&ravi.caller, more.id).await.unwrap();
    assert_eq!(counts(&world, asha, id).await, (2, 2));
    for seq in 1..=5 {
        messaging.mark_read(&asha.caller, id, seq).await.unwrap();
        let (count, seen) = counts(&world, asha, id).await;
        assert_eq!(count, seen, "after {seq}");
    }
    assert_eq!(counts(&world, ravi, id).await, (2, 2));
}

#[tokio::test]
async fn how_far_somebody_blocked_has_read_is_not_to_be_seen() {
    let world = World::new().await;
    let (people, id) = group(&world).await;
    let [asha, ravi, meera, ..] = &people[..] else { unreachable!() };
    let messaging = world.banter.messaging();
    say(&world, asha, id, "who reads this?").await;
    messaging.mark_read(&meera.caller, id, 1).await.unwrap();
    assert!(!history(&world, asha, id).await[0].is_read, "Ravi has not");
    world.block(ravi, asha).await;
    for read in [false, true] {
        if read {
            messaging.mark_read(&ravi.caller, id, 1).await.unwrap();
        }
        assert!(history(&world, asha, id).await[0].is_read, "everybody whom she can meet has");
        let opened = messaging.conversation(&asha.caller, id).await.unwrap().conversation;
        assert_eq!(opened.peer_read_seq, 1);
    }
}

#[tokio::test]
async fn a_send_that_waited_for_a_new_member_reaches_them() {
    let world = World::new().await;
    let (people, id) = group(&world).await;
    let [asha, ravi, meera, kabir, _] = &people[..] else { unreachable!() };
    // Somebody else's change of the group, about to be committed.
    let mut beside = world.database().connect().await;
    let mut change = beside.begin().await.unwrap();
    let sql = format!(
        "update conversations set members_version = members_version + 1 where id = '{id}';
         insert into conversation_members (conversation_id, user_id, from_seq, last_message_at, joined_at)
         values ('{id}', '{}', 1, now(), now());
         delete from conversation_members where conversation_id = '{id}' and user_id = '{}'",
        kabir.id, meera.id
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut *change).await.unwrap();
    let text = |text: &str| Draft::text(Target::Conversation(id), text);
    let commit = async {
        world.until_waiting(2).await;
        change.commit().await.unwrap();
    };
    let (sent, refused, ()) =
        tokio::join!(send(&world, asha, text("welcome")), send(&world, meera, text("still here")), commit);
    let sent = sent.unwrap().message;
    assert_eq!(code(refused), "CONVERSATION_NOT_FOUND", "she was out before it was stored");
    assert_eq!(world.events_for(kabir), [Event::MessageNew(sent)]);
    assert_eq!(world.banter.messaging().unread(&kabir.caller).await.unwrap(), 1);
    assert_eq!(world.banter.messaging().unread(&ravi.caller).await.unwrap(), 1);
    assert!(world.events_for(meera).is_empty());
}

#[tokio::test]
async fn a_member_who_blocked_the_caller_is_as_a_stranger_to_them() {
    let world = World::new().await;
    let (people, id) = group(&world).await;
    let [asha, ravi, meera, kabir, _] = &people[..] else { unreachable!() };
    world.block(ravi, asha).await;
    let messaging = world.banter.messaging();
    for user in [ravi.id, UserId(uuid::Uuid::nil())] {
        assert_eq!(code(messaging.remove_member(&asha.caller, id, user).await), "MEMBER_NOT_FOUND");
        assert_eq!(code(messaging.set_role(&asha.caller, id, user, Role::Admin).await), "MEMBER_NOT_FOUND");
        assert_eq!(code(messaging.add_members(&asha.caller, id, &[user]).await), "VALIDATION_FAILED");
    }
    assert_eq!(roles(&world, meera, id).await.len(), 3);
    // Whom one blocked oneself one can still put out.
    messaging.set_role(&asha.caller, id, meera.id, Role::Admin).await.unwrap();
    world.block(meera, kabir).await;
    messaging.add_members(&asha.caller, id, &[kabir.id]).await.unwrap();
    messaging.remove_member(&meera.caller, id, kabir.id).await.unwrap();
}
