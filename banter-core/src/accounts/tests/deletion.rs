use std::convert::Infallible;

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream;

use super::*;
use crate::events::{ConversationRef, Event};
use crate::ids::ConversationId;
use crate::jobs::worker;
use crate::media::Purpose;
use crate::messaging::send::{Draft, Target};
use crate::messaging::{Message, MessageType};
use crate::presence;
use crate::testing::files;

async fn delete(world: &World, person: &Person) -> Result<(), Error> {
    let token = world.firebase_token(&person.firebase_uid, &person.phone);
    world.banter.accounts().delete(&person.caller, &token, &person.client).await
}

async fn one<T>(world: &World, sql: &str) -> T
where
    T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned())).fetch_one(world.banter.pool()).await.unwrap()
}

/// What waits to be done two minutes after a deletion.
async fn later(world: &World) {
    world.advance(TimeDelta::minutes(2));
    while worker::round(&world.banter).await.unwrap() > 0 {}
}

#[tokio::test]
async fn the_account_is_anonymous_and_its_number_free_at_once() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let other = world.sign_in(&asha).await;
    world.acquaint(&asha, &ravi).await;
    delete(&world, &asha).await.unwrap();
    for login in [&asha, &other] {
        world.notices().expect_revoked(login.caller.session_id).await;
        assert_eq!(code(world.banter.accounts().authenticate(&login.access_token)), "SESSION_REVOKED");
    }
    let profile = world.banter.accounts().profile(asha.id).await.unwrap();
    assert_eq!(profile.full_name, "Deleted account");
    assert!(profile.phone_number.is_none() && profile.username.is_none() && profile.date_of_birth.is_none());
    assert_eq!(profile.coins, 100, "what was theirs is still explained by the ledger");
    let caller = &ravi.caller;
    let conversations = world.banter.messaging().conversations(caller, &first(5)).await.unwrap().items;
    assert_eq!(conversations[0].peer.as_ref().unwrap().full_name, "Deleted account");
    assert_eq!(conversations[0].last_message.as_ref().unwrap().content, "hello to you");
    // The same number, a new person.
    let token = world.firebase_token(&asha.firebase_uid, &asha.phone);
    assert!(matches!(
        world.banter.accounts().sign_in(&token, None, &asha.client).await.unwrap(),
        SignIn::Stranger(_)
    ));
    let accounts = world.banter.accounts();
    let again = accounts.register(
        Registration {
            firebase_token: token,
            full_name: "Asha again".into(),
            username: "asha".into(),
            date_of_birth: "1998-04-23".into(),
            gender: Gender::Female,
            fcm_token: None,
        },
        &asha.client,
    );
    assert_ne!(again.await.unwrap().id, asha.id);
    later(&world).await;
}

#[tokio::test]
async fn only_a_fresh_token_of_the_same_account_ends_it() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let accounts = world.banter.accounts();
    let with = async |token: String| accounts.delete(&asha.caller, &token, &asha.client).await;
    assert_eq!(code(with("nonsense".into()).await), "FIREBASE_TOKEN_INVALID");
    let his = world.firebase_token(&ravi.firebase_uid, &ravi.phone);
    assert_eq!(code(with(his).await), "FIREBASE_TOKEN_MISMATCH");
    let nobody_s = world.firebase_token("uid-nobody", "+919711111111");
    assert_eq!(code(with(nobody_s).await), "FIREBASE_TOKEN_MISMATCH");
    let old = world.firebase_token(&asha.firebase_uid, &asha.phone);
    world.advance(TimeDelta::minutes(10) + TimeDelta::seconds(1));
    assert_eq!(code(with(old).await), "RECENT_SIGN_IN_REQUIRED");
    assert!(accounts.authenticate(&asha.access_token).is_ok(), "nothing happened");
    delete(&world, &asha).await.unwrap();
    later(&world).await;
}

#[tokio::test]
async fn two_at_once_end_it_once() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    world.open_connections().await;
    let outcomes = join_all((0..4).map(|_| delete(&world, &asha))).await;
    // Whoever came after the end finds the token to be nobody's.
    assert!(outcomes.iter().any(Result::is_ok), "{outcomes:?}");
    for refused in outcomes.into_iter().filter(Result::is_err) {
        assert_eq!(code(refused), "FIREBASE_TOKEN_MISMATCH");
    }
    assert_eq!(one::<i64>(&world, "select count(*) from jobs where kind = 'after_deletion'").await, 1);
    assert_eq!(code(world.banter.accounts().delete_for(asha.id, "again").await), "ACCOUNT_DELETED");
    later(&world).await;
}

#[tokio::test]
async fn friends_are_told_that_they_are_gone_and_blocks_hold() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let (a, r) = (asha.id, ravi.id);
    let (lo, hi) = (a.min(r), a.max(r));
    let zoya = world.user("zoya").await;
    world.sql(&format!("insert into friendships values ('{lo}', '{hi}', '2026-11-01')")).await;
    world.banter.safety().block(&zoya.caller, a, Some("asha is rude")).await.unwrap();
    world.banter.safety().block(&asha.caller, zoya.id, Some("zoya is")).await.unwrap();
    delete(&world, &asha).await.unwrap();
    let is_gone = |event: &Event| matches!(event, Event::PresenceChanged(p) if p.user_id == a && p.status == presence::Status::Offline);
    world.expect_event(&ravi, is_gone).await;
    world.expect_event(&ravi, |event| matches!(event, Event::FriendRemoved(r) if r.user_id == a)).await;
    assert_eq!(one::<i64>(&world, "select count(*) from friendships").await, 0);
    let blocks = world.banter.safety().blocks(&zoya.caller, &first(5)).await.unwrap().items;
    assert_eq!((blocks.len(), blocks[0].user.full_name.as_str()), (1, "Deleted account"));
    assert_eq!(one::<i64>(&world, "select count(*) from blocked_users where reason is null").await, 2);
    assert_eq!(one::<i64>(&world, "select count(*) from blocked_users").await, 2);
    later(&world).await;
}

#[tokio::test]
async fn a_group_goes_to_its_longest_standing_admin_or_member() {
    let world = World::with_memory().await;
    let mut people = Vec::new();
    for name in ["asha", "ravi", "zoya", "imran"] {
        people.push(world.user(name).await);
    }
    let group = |n: u8| format!("01980a52-7d1c-7e3b-a1a5-d54a4bb9c0a{n}");
    // Without an admin, with two, and alone.
    for (n, members) in [
        (1, vec![(0, "owner", 1), (1, "member", 3), (2, "member", 2)]),
        (2, vec![(0, "owner", 1), (1, "member", 1), (2, "admin", 4), (3, "admin", 3)]),
        (3, vec![(0, "owner", 1)]),
        (4, vec![(1, "owner", 2), (0, "admin", 1)]),
    ] {
        let id = group(n);
        world
            .sql(&format!(
                "insert into conversations (id, kind, name, last_message_at, created_at)
                 values ('{id}', 'group', 'Trek', '2026-11-22', '2026-11-22')"
            ))
            .await;
        for (person, role, day) in members {
            world
                .sql(&format!(
                    "insert into conversation_members (conversation_id, user_id, role, last_message_at, joined_at)
                     values ('{id}', '{}', '{role}', '2026-11-22', '2026-11-0{day}')",
                    people[person].id
                ))
                .await;
        }
    }
    delete(&world, &people[0]).await.unwrap();
    let owner = async |n: u8| {
        let sql = format!(
            "select coalesce((select username from conversation_members m join users u on u.id = m.user_id
             where conversation_id = '{}' and m.role = 'owner'), 'nobody')",
            group(n)
        );
        one::<String>(&world, &sql).await
    };
    assert_eq!(owner(1).await, "zoya");
    assert_eq!(owner(2).await, "imran");
    assert_eq!(owner(3).await, "nobody");
    assert_eq!(owner(4).await, "ravi");
    let left = format!("select count(*) from conversation_members where user_id = '{}'", people[0].id);
    assert_eq!(one::<i64>(&world, &left).await, 0);
    later(&world).await;
}

/// A group of these, the first of them its owner.
async fn group(world: &World, people: &[&Person]) -> ConversationId {
    for other in &people[1..] {
        world.befriend(people[0], other).await;
    }
    let others: Vec<_> = people[1..].iter().map(|person| person.id).collect();
    let id = world.banter.messaging().create_group(&people[0].caller, "Trek", &others).await.unwrap();
    world.notices().clear();
    id
}

/// A picture with a caption.
async fn picture(world: &World, from: &Person, target: Target) -> Message {
    let bytes = stream::iter([Ok::<_, Infallible>(Bytes::from(files::jpeg(8, 8)))]);
    let upload =
        world.banter.media().admit(&from.caller, Purpose::Chat).await.unwrap().take(bytes).await.unwrap();
    let draft = Draft {
        message_type: MessageType::Image,
        media: Some(upload.id.to_string()),
        ..Draft::text(target, "a caption")
    };
    world.banter.messaging().send(&from.caller, draft, None).await.unwrap().message
}

#[tokio::test]
async fn a_group_s_remaining_members_are_told_that_they_left() {
    let world = World::with_memory().await;
    let (asha, ravi, zoya) = (world.user("asha").await, world.user("ravi").await, world.user("zoya").await);
    let id = group(&world, &[&asha, &ravi, &zoya]).await;
    delete(&world, &asha).await.unwrap();
    let told = Event::ConversationUpdated(ConversationRef { conversation_id: id });
    for member in [&ravi, &zoya] {
        world.expect_event(member, |event| *event == told).await;
    }
    assert!(!world.events_for(&asha).contains(&told));
    later(&world).await;
}

#[tokio::test]
async fn phones_learn_that_pictures_and_captions_are_gone() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    world.acquaint(&asha, &ravi).await;
    let sent = picture(&world, &asha, Target::User(ravi.id)).await;
    let caller = &ravi.caller;
    let unread = async || world.banter.messaging().unread(caller).await.unwrap();
    let before = unread().await;
    world.advance(TimeDelta::hours(1));
    let since = world.now();
    delete(&world, &asha).await.unwrap();
    let changes = world.banter.messaging().changes(caller, since, &first(5)).await.unwrap().page.items;
    let changed: Vec<_> = changes.iter().flat_map(|change| &change.changed).collect();
    let [message] = changed[..] else { panic!("{changes:?}") };
    assert_eq!((message.id, message.content.as_str()), (sent.id, ""));
    assert!(message.is_deleted && message.media.is_none(), "{message:?}");
    assert_eq!(unread().await, before - 1, "what is gone is not unread");
    later(&world).await;
}

#[tokio::test]
async fn an_admin_who_takes_back_their_picture_meanwhile_waits_for_nobody_who_waits() {
    let world = World::with_memory().await;
    let (ravi, asha, zoya) = (world.user("ravi").await, world.user("asha").await, world.user("zoya").await);
    let id = group(&world, &[&ravi, &asha, &zoya]).await;
    let sent = picture(&world, &asha, Target::Conversation(id)).await;
    world.banter.messaging().leave_group(&asha.caller, id).await.unwrap();
    world.open_connections().await;
    // As taking a message back goes: conversation, message, upload.
    let mut admin = world.banter.pool().begin().await.unwrap();
    for held in [
        format!("select from conversations where id = '{id}' for no key update"),
        format!("select from messages where id = '{}' for update", sent.id),
    ] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(held)).execute(&mut *admin).await.unwrap();
    }
    let deletion = delete(&world, &asha);
    let admin = async {
        world.until_waiting(1).await;
        sqlx::raw_sql("update uploads set doomed_at = now()").execute(&mut *admin).await.unwrap();
        admin.commit().await.unwrap();
    };
    tokio::join!(deletion, admin).0.unwrap();
    later(&world).await;
}

#[tokio::test]
async fn what_comes_while_they_go_is_cleared_away() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    delete(&world, &asha).await.unwrap();
    // As requests that were under way would have left it.
    world
        .sql(&format!(
            "insert into friend_requests (id, sender_id, receiver_id, message, created_at)
             values (gen_random_uuid(), '{1}', '{0}', 'dear Asha', '2026-11-22');
             insert into user_locations values ('{0}', 1899, 7282, '2026-11-22');
             update users set last_seen = '2026-11-22', avatar = 'https://x/asha.jpg' where id = '{0}';
             insert into sessions (id, user_id, refresh_id, refresh_expires_at, access_expires_at, user_agent, created_at, last_used_at)
             values ('01980a52-7d1c-7e3b-a1a5-d54a4bb9c0a1', '{0}', gen_random_uuid(), '2026-12-22', '2026-11-23', 'her phone', '2026-11-22', '2026-11-22');",
            asha.id, ravi.id
        ))
        .await;
    later(&world).await;
    world.notices().expect_revoked("01980a52-7d1c-7e3b-a1a5-d54a4bb9c0a1".parse().unwrap()).await;
    assert_eq!(one::<i64>(&world, "select count(*) from friend_requests").await, 0);
    assert_eq!(one::<i64>(&world, "select count(*) from user_locations").await, 0);
    let seen = "select count(*) from users where status = 'deleted' and last_seen is null and avatar is null";
    assert_eq!(one::<i64>(&world, seen).await, 1);
    assert_eq!(
        one::<i64>(&world, "select count(user_agent) from sessions where user_agent = 'her phone'").await,
        0
    );
}

#[tokio::test]
async fn an_operator_needs_a_reason_and_no_token() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    world.banter.accounts().delete_for(asha.id, "asked by letter").await.unwrap();
    assert_eq!(
        one::<String>(&world, "select kind || ': ' || reason from moderation_actions").await,
        "deleted: asked by letter"
    );
    assert_eq!(code(world.banter.accounts().authenticate(&asha.access_token)), "SESSION_REVOKED");
    later(&world).await;
}

#[tokio::test]
async fn who_writes_or_signs_in_at_that_very_moment_breaks_nothing() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    world.acquaint(&asha, &ravi).await;
    world.open_connections().await;
    let accounts = world.banter.accounts();
    let token = world.firebase_token(&asha.firebase_uid, &asha.phone);
    let writes = join_all((0..6).map(async |i| {
        let draft = Draft::text(Target::User(asha.id), format!("{i}"));
        world.banter.messaging().send(&ravi.caller, draft, None).await
    }));
    let signs_in = join_all((0..6).map(|_| accounts.sign_in(&token, Some("her-phone"), &asha.client)));
    let (deleted, written, signed_in) = tokio::join!(delete(&world, &asha), writes, signs_in);
    deleted.unwrap();
    for outcome in written {
        assert!(outcome.is_ok() || outcome.is_err_and(|error| error.coded().1 == "USER_NOT_FOUND"));
    }
    later(&world).await;
    for outcome in signed_in {
        if let SignIn::Known(signed_in) = outcome.unwrap() {
            assert_eq!(code(accounts.authenticate(&signed_in.tokens.access)), "SESSION_REVOKED");
        }
    }
    assert_eq!(one::<i64>(&world, "select count(*) from devices").await, 0);
    let number = "select count(*) from users where phone_number is not null and id <> (select id from users where username = 'ravi')";
    assert_eq!(one::<i64>(&world, number).await, 0);
}
