//! What is written is what registration and sending would have written.

use chrono::TimeDelta;

use super::{Error, Outcome, Plan, people, talk};
use crate::accounts::{Caller, Role};
use crate::config::Environment;
use crate::ids::{SessionId, UserId};
use crate::messaging::history::{Direction, Of};
use crate::messaging::send::{Draft, Target};
use crate::testing::World;

const PLAN: Plan = Plan { seed: 7, users: 300, messages: 4_000, groups: 0, friends: 0 };

fn caller(world: &World, user_id: UserId) -> Caller {
    let session_id = SessionId(uuid::Uuid::nil());
    Caller { user_id, session_id, role: Role::User, expires_at: world.now() + TimeDelta::hours(1) }
}

async fn count(world: &World, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&mut world.database().connect().await).await.unwrap()
}

#[tokio::test]
async fn again_adds_nothing_and_more_adds_the_rest() {
    let world = World::with_memory().await;
    let seed = world.banter.seed();
    let mut heard = Vec::new();
    let first = seed.people(PLAN, |done| heard.push(done)).await.unwrap();
    assert_eq!((first, heard), (Outcome { added: 300, present: 0, refused: 0 }, vec![300]));
    let talked = seed.talk(PLAN, |_| {}).await.unwrap();
    assert_eq!((talked.messages, talked.conversations.present), (4_000, 0));

    assert_eq!(seed.people(PLAN, |_| {}).await.unwrap(), Outcome { added: 0, present: 300, refused: 0 });
    let again = seed.talk(PLAN, |_| {}).await.unwrap();
    assert_eq!((again.messages, again.conversations.added, again.conversations.refused), (0, 0, 0));

    let more = Plan { users: 400, ..PLAN };
    assert_eq!(seed.people(more, |_| {}).await.unwrap(), Outcome { added: 100, present: 300, refused: 0 });
    let other = Plan { seed: 8, ..PLAN };
    assert_eq!(seed.people(other, |_| {}).await.unwrap(), Outcome { added: 300, present: 0, refused: 0 });
}

#[tokio::test]
async fn numbers_have_no_gap_and_read_marks_add_up() {
    let world = World::with_memory().await;
    world.banter.seed().people(PLAN, |_| {}).await.unwrap();
    world.banter.seed().talk(PLAN, |_| {}).await.unwrap();
    let wrong = count(
        &world,
        "select count(*) from conversations c
         where (select count(*) || ' ' || min(seq) || ' ' || max(seq) from messages where conversation_id = c.id)
               is distinct from c.last_seq || ' 1 ' || c.last_seq
            or (select (sender_id, created_at) from messages where conversation_id = c.id and seq = c.last_seq)
               is distinct from (c.last_sender_id, c.last_message_at)
            or (select count(*) from conversation_members where conversation_id = c.id) <> 2",
    );
    assert_eq!(wrong.await, 0);
    let wrong = count(
        &world,
        "select count(*) from conversation_members m
         where unread <> (select count(*) from messages where conversation_id = m.conversation_id
                          and sender_id <> m.user_id and seq > m.last_read_seq)",
    );
    assert_eq!(wrong.await, 0);
    assert_eq!(count(&world, "select count(*) from messages").await, 4_000);
}

#[tokio::test]
async fn the_rules_go_on_from_there() {
    let world = World::with_memory().await;
    world.banter.seed().people(PLAN, |_| {}).await.unwrap();
    world.banter.seed().talk(PLAN, |_| {}).await.unwrap();
    let talk = talk::Talks::new(PLAN).next().unwrap();
    let [one, other] = talk.people;
    let messaging = world.banter.messaging();
    let draft = Draft::text(Target::User(other), "hello");
    let sent = messaging.send(&caller(&world, one), draft, None).await.unwrap().message;
    assert_eq!((sent.conversation_id, sent.seq), (talk.id, talk.messages.len() as i64 + 1));
    let history =
        messaging.history(&caller(&world, other), Of::User(one), Direction::Before(i64::MAX), 100).await;
    assert_eq!(history.unwrap().messages.len(), talk.messages.len() + 1);
    let read = messaging.mark_read(&caller(&world, one), talk.id, i64::MAX).await.unwrap();
    assert_eq!(read, sent.seq);
}

#[tokio::test]
async fn whose_name_or_number_is_taken_is_left_out_with_their_messages() {
    let world = World::with_memory().await;
    let plan = Plan { seed: 7, users: 2, messages: 10, groups: 0, friends: 0 };
    let (first, second) = (people::person(7, 0), people::person(7, 1));
    world.user(&first.username.to_uppercase()).await;
    let outcome = world.banter.seed().people(plan, |_| {}).await.unwrap();
    assert_eq!(outcome, Outcome { added: 1, present: 0, refused: 1 });
    let talked = world.banter.seed().talk(plan, |_| {}).await.unwrap();
    assert_eq!((talked.messages, talked.conversations.refused), (0, 1));
    assert_eq!(world.banter.accounts().find(&second.username).await.unwrap(), second.id);
}

#[tokio::test]
async fn asha_and_ravi_are_made_once() {
    let world = World::with_memory().await;
    let people = world.banter.seed().demo().await.unwrap();
    let names: Vec<_> = people.iter().map(|p| (p.username.as_str(), p.full_name.as_str())).collect();
    assert_eq!(names, [("asha", "Asha Sharma"), ("ravi", "Ravi Kumar")]);
    let again = world.banter.seed().demo().await.unwrap();
    assert_eq!(people[0].id, again[0].id);
    let (asha, ravi) = (caller(&world, people[0].id), caller(&world, people[1].id));
    let history =
        world.banter.messaging().history(&asha, Of::User(ravi.user_id), Direction::After(0), 10).await;
    assert_eq!(history.unwrap().messages.len(), 4);
    let messaging = world.banter.messaging();
    assert_eq!((messaging.unread(&asha).await.unwrap(), messaging.unread(&ravi).await.unwrap()), (1, 0));
}

#[tokio::test]
async fn a_demo_person_s_name_may_be_taken() {
    let world = World::with_memory().await;
    world.user("somebody").await; // has Asha's number
    world.sql("update users set phone_number = '+911234567890', username = 'Ravi'").await;
    let refused = world.banter.seed().demo().await.unwrap_err();
    assert!(matches!(refused, Error::DemoInTheWay("ravi")), "{refused}");
}

#[tokio::test]
async fn production_and_nonsense_are_refused() {
    let world =
        World::builder().memory().config(|config| config.environment = Environment::Production).build().await;
    let seed = world.banter.seed();
    assert!(matches!(seed.people(PLAN, |_| {}).await, Err(Error::OnlyInDevelopment)));
    assert!(matches!(seed.talk(PLAN, |_| {}).await, Err(Error::OnlyInDevelopment)));
    assert!(matches!(seed.demo().await, Err(Error::OnlyInDevelopment)));

    let world = World::with_memory().await;
    for (seed, users, messages) in [(1_000, 1, 0), (0, 0, 0), (0, 1_000_001, 0), (0, 1, 1), (0, 2, 2_001)] {
        let refused =
            world.banter.seed().people(Plan { seed, users, messages, groups: 0, friends: 0 }, |_| {}).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{seed} {users} {messages}");
    }
}

const WHOLE: Plan = Plan { seed: 7, users: 300, messages: 2_000, groups: 40, friends: 8 };

async fn sow(world: &World) -> (crate::seed::Circled, crate::seed::Talked) {
    let seed = world.banter.seed();
    seed.people(WHOLE, |_| {}).await.unwrap();
    let circled = seed.circles(WHOLE, |_| {}).await.unwrap();
    seed.talk(WHOLE, |_| {}).await.unwrap();
    (circled, seed.groups(WHOLE, |_| {}).await.unwrap())
}

#[tokio::test]
async fn circles_and_groups_are_made_once_and_as_the_rules_make_them() {
    let world = World::with_memory().await;
    let (circled, talked) = sow(&world).await;
    assert!(circled.friendships > 700 && circled.requests > 50 && circled.blocks > 5, "{circled:?}");
    assert_eq!((talked.conversations.added, talked.conversations.refused), (40, 0));
    let (again, nothing) = sow(&world).await;
    assert_eq!(again, crate::seed::Circled::default());
    assert_eq!((nothing.conversations.present, nothing.messages), (40, 0));

    for (what, wrong) in [
        ("a pair has one tie", "select count(*) from friendships f join friend_requests r
            on least(r.sender_id, r.receiver_id) = f.user_lo and greatest(r.sender_id, r.receiver_id) = f.user_hi"),
        ("nobody is a friend of whom they block", "select count(*) from friendships where not can_interact(user_lo, user_hi)"),
        ("one owner a group", "select count(*) from conversations c where kind = 'group'
            and (select count(*) from conversation_members m where m.conversation_id = c.id and role = 'owner') <> 1"),
        ("3 to 10 a group", "select count(*) from conversations c where kind = 'group'
            and (select count(*) from conversation_members m where m.conversation_id = c.id) not between 3 and 10"),
        ("numbers without a gap", "select count(*) from conversations c
            where (select count(*) || ' ' || min(seq) || ' ' || max(seq) from messages where conversation_id = c.id)
                is distinct from c.last_seq || ' 1 ' || c.last_seq"),
        ("members know the newest", "select count(*) from conversations c join conversation_members m on m.conversation_id = c.id
            where (m.last_seq, m.last_message_at) is distinct from (c.last_seq, c.last_message_at)"),
        ("unread adds up", "select count(*) from conversation_members m
            where unread <> (select count(*) from messages where conversation_id = m.conversation_id
                and sender_id <> m.user_id and seq > greatest(m.last_read_seq, m.from_seq - 1))"),
        ("the ledger adds up", "select count(*) from users u
            where coins <> (select sum(amount) from coin_ledger where user_id = u.id)"),
    ] {
        assert_eq!(count(&world, wrong).await, 0, "{what}");
    }
}

#[tokio::test]
async fn a_group_whose_people_are_missing_is_left_out_whole() {
    let world = World::with_memory().await;
    world.banter.seed().people(Plan { users: 250, ..WHOLE }, |_| {}).await.unwrap();
    let talked = world.banter.seed().groups(WHOLE, |_| {}).await.unwrap();
    let outcome = talked.conversations;
    assert!(outcome.added > 0 && outcome.refused > 0 && outcome.added + outcome.refused == 40, "{outcome:?}");
    assert_eq!(
        count(&world, "select count(*) from conversations where kind = 'group'").await,
        outcome.added as i64
    );
}
