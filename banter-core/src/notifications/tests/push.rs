use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use serde_json::Value;

use crate::accounts::devices::Platform;
use crate::accounts::settings::QuietHours;
use crate::ids::{ConversationId, MessageId, NotificationId, SessionId, UserId};
use crate::jobs::{Job, worker};
use crate::messaging::Message;
use crate::notifications::Kind;
use crate::notifications::push::{
    About, Decision, Facts, MAX_ATTEMPTS, Phone, Push, Reason, Thing, What, cut, decide,
};
use crate::notifications::texts::Language;
use crate::providers::fcm::{LARGEST, Urgency};
use crate::testing::fcm::{Fault, Fcm as Stub};
use crate::testing::{Person, World};

/// Noon in India.
fn noon() -> DateTime<Utc> {
    crate::testing::noon().now()
}

fn text(content: &str) -> What {
    What::Message {
        id: MessageId(uuid::Uuid::from_u128(1)),
        conversation: ConversationId(uuid::Uuid::from_u128(2)),
        sender: UserId(uuid::Uuid::from_u128(3)),
        sender_name: "Asha Kulkarni".into(),
        group: None,
        message_type: "text".into(),
        content: content.into(),
    }
}

fn facts() -> Facts {
    let phone = Phone { language: Language::English, wanted: true, quiet: None, badge: 2 };
    let thing = Thing { created_at: noon(), blocked: false, read: false, viewed: false, what: text("hello") };
    Facts { now: noon(), phone: Some(phone), thing: Some(thing) }
}

/// The usual facts with one thing about them changed.
fn with(change: impl FnOnce(&mut Phone, &mut Thing)) -> Facts {
    let mut facts = facts();
    change(facts.phone.as_mut().unwrap(), facts.thing.as_mut().unwrap());
    facts
}

/// Minutes after midnight.
fn quiet(from: i16, to: i16) -> Option<QuietHours> {
    QuietHours::of_row(Some(from), Some(to))
}

fn reason(facts: &Facts) -> Option<Reason> {
    match decide(facts) {
        Decision::Skip(reason) => Some(reason),
        Decision::Send(_) => None,
    }
}

#[test]
fn who_is_told_and_who_is_not() {
    let day = TimeDelta::days(1);
    for (what, facts, expected) in [
        ("nothing is against it", facts(), None),
        ("no phone", Facts { phone: None, ..facts() }, Some(Reason::NoDevice)),
        ("gone", Facts { thing: None, ..facts() }, Some(Reason::Gone)),
        ("blocked", with(|_, t| t.blocked = true), Some(Reason::Blocked)),
        ("read", with(|_, t| t.read = true), Some(Reason::Read)),
        ("on the screen", with(|_, t| t.viewed = true), Some(Reason::Viewing)),
        ("turned off", with(|p, _| p.wanted = false), Some(Reason::TurnedOff)),
        ("a day old", with(|_, t| t.created_at = noon() - day), None),
        ("older", with(|_, t| t.created_at = noon() - day - TimeDelta::seconds(1)), Some(Reason::TooOld)),
        ("quiet now", with(|p, _| p.quiet = quiet(720, 721)), Some(Reason::QuietHours)),
        ("quiet until now", with(|p, _| p.quiet = quiet(719, 720)), None),
        ("quiet later", with(|p, _| p.quiet = quiet(721, 719)), None),
        ("quiet over midnight, and now", with(|p, _| p.quiet = quiet(720, 60)), Some(Reason::QuietHours)),
        ("quiet since yesterday", with(|p, _| p.quiet = quiet(1320, 721)), Some(Reason::QuietHours)),
        (
            "blocked is said before quiet",
            with(|p, t| (t.blocked, p.quiet) = (true, quiet(0, 1439))),
            Some(Reason::Blocked),
        ),
    ] {
        assert_eq!(reason(&facts), expected, "{what}");
    }
}

fn sent(facts: &Facts) -> crate::providers::fcm::Message {
    match decide(facts) {
        Decision::Send(message) => *message,
        Decision::Skip(reason) => panic!("skipped: {reason:?}"),
    }
}

#[test]
fn what_a_phone_is_told() {
    let message = sent(&facts());
    assert_eq!((message.title.as_str(), message.body.as_str()), ("Asha Kulkarni", "hello"));
    assert_eq!((message.urgency, message.badge), (Urgency::Prompt, Some(2)));
    assert_eq!(message.collapse, uuid::Uuid::from_u128(2).to_string());
    let names: Vec<_> = message.data.keys().copied().collect();
    assert_eq!(names, ["conversationId", "messageId", "senderId", "type"]);

    let group = with(|phone, thing| {
        phone.language = Language::Hindi;
        let What::Message { group, message_type, content, .. } = &mut thing.what else { unreachable!() };
        (*group, *message_type, *content) = (Some("Goa 2027".into()), "image".into(), String::new());
    });
    let message = sent(&group);
    assert_eq!((message.title.as_str(), message.body.as_str()), ("Goa 2027", "Asha Kulkarni: फ़ोटो"));

    let news = with(|_, thing| {
        thing.what = What::News {
            id: NotificationId(uuid::Uuid::from_u128(4)),
            kind: Kind::FriendRequest,
            actor: Some(UserId(uuid::Uuid::from_u128(3))),
            subject_id: Some(uuid::Uuid::from_u128(5)),
            texts: ("Friend request", "Asha wants to be your friend".into()),
        };
    });
    let message = sent(&news);
    assert_eq!((message.urgency, message.badge), (Urgency::Calm, None));
    assert_eq!(message.data["type"], "friend_request");
    assert_eq!(message.data["notificationId"], uuid::Uuid::from_u128(4).to_string());
}

#[test]
fn a_long_text_is_cut_between_characters() {
    for (text, most, expected) in [
        ("hello", 5, "hello"),
        ("hello!", 5, "hell…"),
        ("one  two\n three", 20, "one two three"),
        ("नमस्ते दोस्त", 5, "नम…"),
        ("ab👨‍👩‍👧c", 4, "ab…"),
        ("ab👍🏽cd", 4, "ab…"),
        ("e\u{301}e\u{301}e\u{301}", 4, "e\u{301}…"),
    ] {
        assert_eq!(cut(text, most), expected, "{text} {most}");
    }
}

proptest! {
    #[test]
    fn a_push_always_fits(
        name in "[\\u{900}-\\u{97f}👨‍👩‍👧🏽\"\\\\a-z ]{0,60}",
        group in proptest::option::of("[🎉\\u{900}-\\u{97f}\"]{1,60}"),
        content in "\\PC{0,400}|[\\u{1f300}-\\u{1f6ff}\"\\\\\n]{0,4000}|(क्ष्){0,1300}",
        badge in 0..i64::MAX,
    ) {
        let facts = with(|phone, thing| {
            phone.badge = badge;
            let What::Message { sender_name, group: g, content: c, .. } = &mut thing.what else { unreachable!() };
            (*sender_name, *g, *c) = (name, group, content);
        });
        let message = sent(&facts);
        prop_assert!(message.body.chars().count() <= 180 && message.title.chars().count() <= 60);
        let wire = message.to(&"t".repeat(300), noon());
        prop_assert!(wire.to_string().len() < LARGEST, "{} bytes", wire.to_string().len());
    }
}

async fn stub_and_world() -> (Stub, World) {
    let stub = Stub::start(crate::testing::noon()).await;
    let world = World::builder().memory().pushes_to(&stub).build().await;
    (stub, world)
}

async fn device(world: &World, person: &Person, token: &str) {
    world.banter.accounts().put_device(&person.caller, token, Platform::Android).await.unwrap();
}

/// A message whose push is out of the way: the test queues its own.
async fn unpushed(world: &World, from: &Person, to: &Person) -> Message {
    let message = world.send(from, to, "hello").await;
    world.sql("delete from jobs where kind = 'push'").await;
    message
}

/// As the statement that sends a message queues it.
async fn queue(world: &World, person: &Person, message: MessageId) {
    let push = Push { session_id: person.caller.session_id, about: About::Message(message) };
    world.banter.jobs().queue(world.banter.pool(), &Job::Push(push), world.now()).await.unwrap();
}

async fn round(world: &World) -> usize {
    worker::round(&world.banter).await.unwrap()
}

async fn tokens(world: &World) -> Vec<String> {
    sqlx::query_scalar("select fcm_token from devices order by 1")
        .fetch_all(world.banter.pool())
        .await
        .unwrap()
}

fn told(stub: &Stub) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    stub.sent().iter().map(|m| (text(&m["token"]), text(&m["notification"]["body"]))).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(one, other)| ((*one).to_owned(), (*other).to_owned())).collect()
}

#[test]
fn a_job_holds_ids_only_in_this_form() {
    let push =
        |about| serde_json::to_value(Push { session_id: SessionId(uuid::Uuid::nil()), about }).unwrap();
    let nil = "00000000-0000-0000-0000-000000000000";
    assert_eq!(
        push(About::Message(MessageId(uuid::Uuid::nil()))),
        serde_json::json!({ "session_id": nil, "about": { "message": nil } })
    );
    assert_eq!(
        push(About::Notification(NotificationId(uuid::Uuid::nil()))),
        serde_json::json!({ "session_id": nil, "about": { "notification": nil } })
    );
}

#[tokio::test]
async fn a_message_reaches_each_phone_that_is_signed_in() {
    let (stub, world) = stub_and_world().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let tablet = world.sign_in(&ravi).await;
    device(&world, &ravi, "phone").await;
    device(&world, &tablet, "tablet").await;
    let message = world.send(&asha, &ravi, "Kya haal hai?").await;
    round(&world).await;
    let mut sent = told(&stub);
    sent.sort();
    assert_eq!(sent, pairs(&[("phone", "Kya haal hai?"), ("tablet", "Kya haal hai?")]));
    let first = &stub.sent()[0];
    assert_eq!(first["notification"]["title"], "asha Kumar");
    assert_eq!(first["data"]["messageId"], message.id.to_string());
    assert_eq!(first["data"]["conversationId"], message.conversation_id.to_string());
    assert_eq!(first["apns"]["payload"]["aps"]["badge"], 1);
}

#[tokio::test]
async fn news_goes_to_every_phone_by_itself() {
    let (stub, world) = stub_and_world().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    device(&world, &asha, "phone").await;
    world.friend_news(&asha, &ravi).await;
    let attempts: i32 =
        sqlx::query_scalar("select max_attempts from jobs").fetch_one(world.banter.pool()).await.unwrap();
    assert_eq!(attempts, MAX_ATTEMPTS);
    round(&world).await;
    assert_eq!(told(&stub), pairs(&[("phone", "ravi Kumar wants to be your friend")]));

    let read = world.coin_news(&asha, 5).await;
    world.banter.notifications().read(&asha.caller, read).await.unwrap();
    world.sql("insert into user_settings (user_id, push_payments, updated_at) select id, false, now() from users where username = 'asha'").await;
    world.coin_news(&asha, 6).await;
    world.sql("update friend_requests set status = 'cancelled', decided_at = now()").await;
    world.friend_news(&asha, &ravi).await;
    world.block(&ravi, &asha).await;
    round(&world).await;
    assert_eq!(stub.asked(), 1, "read; turned off; blocked");
}

#[tokio::test]
async fn nothing_is_pushed_of_what_is_no_matter_any_more() {
    let (stub, world) = stub_and_world().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    device(&world, &ravi, "phone").await;
    let message = unpushed(&world, &asha, &ravi).await;
    let conversation = message.conversation_id;
    let ravi_is = format!("user_id = '{}'", ravi.id);
    for (what, before, after) in [
        (
            "read",
            format!("update conversation_members set last_read_seq = 1 where {ravi_is}"),
            format!("update conversation_members set last_read_seq = 0 where {ravi_is}"),
        ),
        (
            "deleted",
            "update messages set deleted_at = now(), content = ''".into(),
            "update messages set deleted_at = null, content = 'hello'".into(),
        ),
        (
            "before they joined",
            format!("update conversation_members set from_seq = 2 where {ravi_is}"),
            format!("update conversation_members set from_seq = 1 where {ravi_is}"),
        ),
        (
            "of somebody who is gone",
            "update users set status = 'deleted' where username = 'asha'".into(),
            "update users set status = 'active' where username = 'asha'".into(),
        ),
        (
            "turned off",
            format!(
                "insert into user_settings (user_id, push_messages, updated_at) values ('{}', false, now())",
                ravi.id
            ),
            "delete from user_settings".into(),
        ),
        (
            "quiet hours",
            format!(
                "insert into user_settings (user_id, quiet_from, quiet_to, updated_at) values ('{}', 700, 730, now())",
                ravi.id
            ),
            "delete from user_settings".into(),
        ),
        (
            "blocked",
            format!(
                "insert into blocked_users (user_id, blocked_user_id, created_at) values ('{}', '{}', now())",
                ravi.id, asha.id
            ),
            "delete from blocked_users".into(),
        ),
        (
            "signed out",
            format!("update sessions set revoked_at = now(), revoked_because = 'logout' where {ravi_is}"),
            format!("update sessions set revoked_at = null, revoked_because = null where {ravi_is}"),
        ),
    ] {
        world.sql(&before).await;
        queue(&world, &ravi, message.id).await;
        assert_eq!(round(&world).await, 1, "{what}");
        assert_eq!(stub.asked(), 0, "{what}");
        world.sql(&after).await;
    }
    world.banter.presence().views(ravi.id, "socket", Some(conversation)).await;
    queue(&world, &ravi, message.id).await;
    round(&world).await;
    assert_eq!(stub.asked(), 0, "on the screen");
    world.banter.presence().left(ravi.id, "socket").await;
    queue(&world, &asha, message.id).await;
    round(&world).await;
    assert_eq!(stub.asked(), 0, "asha has no phone, and it is her own");
    queue(&world, &ravi, message.id).await;
    round(&world).await;
    assert_eq!(told(&stub), pairs(&[("phone", "hello")]), "a control");
    world.advance(TimeDelta::days(1) + TimeDelta::seconds(1));
    queue(&world, &ravi, message.id).await;
    round(&world).await;
    assert_eq!(stub.asked(), 1, "too old");
}

#[tokio::test]
async fn a_dead_token_is_forgotten_unless_another_took_its_place() {
    let (stub, world) = stub_and_world().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let message = unpushed(&world, &asha, &ravi).await;
    for fault in [Fault::Unregistered, Fault::SenderIdMismatch, Fault::InvalidToken] {
        device(&world, &ravi, "phone").await;
        stub.fail(fault);
        queue(&world, &ravi, message.id).await;
        round(&world).await;
        assert_eq!(tokens(&world).await, [""; 0], "{fault:?}");
    }
    // The app names its new token while FCM is being asked about the old one.
    device(&world, &ravi, "old").await;
    stub.fail(Fault::Stall);
    queue(&world, &ravi, message.id).await;
    let asked = stub.asked() + 1;
    let meanwhile = async {
        stub.was_asked(asked).await;
        device(&world, &ravi, "new").await;
        stub.fail(Fault::Unregistered);
    };
    tokio::join!(round(&world), meanwhile);
    assert_eq!(tokens(&world).await, ["new"]);
}

#[tokio::test]
async fn what_can_succeed_later_is_tried_later_and_what_cannot_is_given_up() {
    let (stub, world) = stub_and_world().await;
    world.may_leave_jobs();
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    device(&world, &ravi, "phone").await;
    let message = unpushed(&world, &asha, &ravi).await;
    for (fault, least, most) in [
        (Fault::Unavailable(None), 2, 3),
        (Fault::Internal, 2, 3),
        (Fault::BreakOff, 2, 3),
        (Fault::PermissionDenied, 2, 3),
        (Fault::Unavailable(Some(30)), 30, 38),
        (Fault::QuotaExceeded(Some(120)), 120, 150),
        (Fault::QuotaExceeded(None), 60, 75),
    ] {
        stub.fail(fault);
        queue(&world, &ravi, message.id).await;
        round(&world).await;
        let run_at: DateTime<Utc> = sqlx::query_scalar("select run_at from jobs where state = 'queued'")
            .fetch_one(world.banter.pool())
            .await
            .unwrap();
        let wait = run_at - world.now();
        assert!((TimeDelta::seconds(least)..TimeDelta::seconds(most)).contains(&wait), "{fault:?}: {wait}");
        world.sql("delete from jobs").await;
    }
    for (fault, why) in [
        (Fault::InvalidArgument, "FCM refuses the message: Invalid value at 'message.android.ttl'"),
        (
            Fault::ThirdPartyAuth,
            "Firebase cannot speak to APNs for this app: Request is missing required authentication credential.",
        ),
    ] {
        stub.fail(fault);
        queue(&world, &ravi, message.id).await;
        round(&world).await;
        let dead = world.banter.jobs().dead(1).await.unwrap();
        assert_eq!((dead[0].attempts, dead[0].last_error.as_deref()), (1, Some(why)));
        world.sql("delete from jobs").await;
    }
    assert_eq!(tokens(&world).await, ["phone"], "none of it is the phone's fault");
}

#[tokio::test]
async fn a_push_whose_worker_died_is_sent_by_the_next() {
    let (stub, world) = stub_and_world().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    device(&world, &ravi, "phone").await;
    world.send(&asha, &ravi, "hello").await;
    assert_eq!(worker::take(&world.banter, worker::Lane::Pushes, 24).await.unwrap().len(), 1);
    assert_eq!(round(&world).await, 0, "somebody has it");
    world.advance(TimeDelta::minutes(5) + TimeDelta::milliseconds(1));
    let other = world.replica().await;
    assert_eq!(worker::round(&other.banter).await.unwrap(), 1);
    assert_eq!(told(&stub), pairs(&[("phone", "hello")]));
}

#[tokio::test]
async fn without_an_account_nothing_is_pushed_and_nothing_fails() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    device(&world, &asha, "phone").await;
    world.friend_news(&asha, &ravi).await;
    assert_eq!(round(&world).await, 1);
    assert_eq!(world.banter.jobs().counts().await.unwrap(), crate::jobs::Counts::default());
}

#[tokio::test]
async fn a_commit_is_followed_at_once_and_a_stalled_fcm_holds_nobody_else() {
    let (stub, world) = stub_and_world().await;
    world.may_leave_jobs();
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    device(&world, &asha, "phone").await;
    stub.fail(Fault::Stall);
    for _ in 0..40 {
        world.coin_news(&asha, 1).await;
    }
    let started = tokio::time::Instant::now();
    let worker = tokio::spawn(worker::run(world.banter.clone()));
    stub.was_asked(24).await;
    let prune = Job::Prune {};
    world.banter.jobs().queue(world.banter.pool(), &prune, world.now()).await.unwrap();
    world.banter.jobs().wake();
    let done = "select from jobs where kind = 'prune' and state = 'done'";
    while world.sql(done).await == 0 {}
    assert_eq!(stub.asked(), 24, "no more places than these");
    stub.recover();
    stub.expect_sent(40).await;
    while world.sql("select from jobs where kind = 'push'").await > 0 {}
    // All is done, and the worker waits: what comes now is not left to the next look.
    world.friend_news(&asha, &ravi).await;
    stub.expect_sent(41).await;
    assert!(started.elapsed() < Duration::from_secs(20));
    worker.abort();
}
