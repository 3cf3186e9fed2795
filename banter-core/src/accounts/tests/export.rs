use futures_util::TryStreamExt as _;
use serde_json::Value;

use super::*;

async fn export(world: &World, person: &Person) -> Value {
    let pieces: Vec<String> =
        world.banter.accounts().export_of(person.id).try_collect().await.expect("an export");
    serde_json::from_str(&format!("{{{}}}", pieces.concat())).expect("whole JSON")
}

fn texts<'a>(export: &'a Value, list: &str, field: &str) -> Vec<&'a str> {
    export[list].as_array().unwrap().iter().map(|row| row[field].as_str().unwrap_or("null")).collect()
}

#[tokio::test]
async fn it_holds_all_that_is_theirs_and_nothing_that_is_another_s() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    world.acquaint(&asha, &ravi).await;
    world.send(&ravi, &asha, "a secret of Ravi's").await;
    let (a, r) = (asha.id, ravi.id);
    let (lo, hi) = (a.min(r), a.max(r));
    world
        .sql(&format!(
            "insert into friendships values ('{lo}', '{hi}', '2026-11-01');
             insert into friend_requests (id, sender_id, receiver_id, message, status, created_at, decided_at)
             values (gen_random_uuid(), '{r}', '{a}', 'hi there', 'accepted', '2026-10-01', '2026-10-02');
             insert into user_locations values ('{a}', 1899, 7282, '2026-11-01');
             insert into gifts (id, sender_id, receiver_id, gift, coins, conversation_id, message_id, created_at)
             select gen_random_uuid(), sender_id, case sender_id when '{a}'::uuid then '{r}'::uuid else '{a}' end, 'rose', 10,
                 conversation_id, id, '2026-11-01'
             from messages;
             insert into reports (id, reporter_id, report_type, reported_user_id, reason, description, created_at, updated_at)
             values (gen_random_uuid(), '{r}', 'user', '{a}', 'other', 'about Asha', '2026-11-01', '2026-11-01'),
                    (gen_random_uuid(), '{a}', 'user', '{r}', 'spam', 'by Asha', '2026-11-01', '2026-11-01');"
        ))
        .await;
    let export = export(&world, &asha).await;
    assert_eq!(export["account"]["phoneNumber"], asha.phone.as_str());
    assert_eq!(export["settings"], Value::Null);
    assert_eq!(export["location"]["latitude"].to_string(), "18.99");
    assert_eq!(texts(&export, "friends", "fullName"), ["ravi Kumar"]);
    assert_eq!(texts(&export, "friendRequests", "direction"), ["incoming"]);
    assert_eq!(texts(&export, "conversations", "withFullName"), ["ravi Kumar"]);
    assert_eq!(texts(&export, "messages", "content"), ["hello"]);
    assert_eq!(texts(&export, "reports", "description"), ["by Asha"]);
    assert_eq!(texts(&export, "coinLedger", "kind"), ["signup_bonus"]);
    let mut gifts = texts(&export, "gifts", "direction");
    gifts.sort_unstable();
    assert_eq!(
        (gifts, texts(&export, "gifts", "otherUsername")),
        (vec!["received", "received", "sent"], vec!["ravi"; 3])
    );
    assert_eq!(texts(&export, "logins", "userAgent"), ["asha's phone"]);
    let text = export.to_string();
    for secret in ["a secret of Ravi's", "about Asha", &ravi.phone, "ravi's phone"] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn whoever_blocked_them_is_not_named_and_whom_they_blocked_only_there() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    let (zoya, imran) = (world.user("zoya").await, world.user("imran").await);
    for other in [&zoya, &imran] {
        world.acquaint(&asha, other).await;
        world.friend_news(&asha, other).await;
        world
            .sql(&format!(
                "update friend_requests set message = 'from {0}' where sender_id = '{1}'",
                other.name, other.id
            ))
            .await;
    }
    world.banter.safety().block(&zoya.caller, asha.id, Some("she snores")).await.unwrap();
    world.banter.safety().block(&asha.caller, imran.id, Some("he sings")).await.unwrap();
    let export = export(&world, &asha).await;
    assert_eq!(texts(&export, "conversations", "withFullName"), ["null", "null"]);
    assert_eq!(texts(&export, "friendRequests", "fullName"), ["null", "null"]);
    assert_eq!(texts(&export, "notifications", "actorId"), [""; 0]);
    assert_eq!(texts(&export, "messages", "content"), ["hello", "hello"], "what she wrote is hers");
    assert_eq!(texts(&export, "blocks", "fullName"), ["imran Kumar"]);
    let text = export.to_string();
    for secret in ["she snores", "zoya", &zoya.id.to_string(), "from imran"] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn every_message_is_in_it_once_over_pages_and_conversations() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    let mut others = Vec::new();
    for i in 0..3 {
        others.push(world.user(&format!("other_{i}")).await);
        world.acquaint(&asha, &others[i]).await;
    }
    // 1,200 more in each, every third of them asha's; and some in a group that she has left.
    world
        .sql(&format!(
            "insert into messages (id, conversation_id, seq, sender_id, message_type, content, created_at)
             select gen_random_uuid(), c.id, c.last_seq + i,
                    case when i % 3 = 0 then '{0}' when c.user_lo = '{0}' then c.user_hi else c.user_lo end,
                    'text', 'm' || i, '2026-11-22'
             from conversations c, generate_series(1, 1200) i;
             insert into conversations (id, kind, name, last_message_at, created_at)
             values ('01980a52-7d1c-7e3b-a1a5-d54a4bb9c0a1', 'group', 'Trek', '2026-11-22', '2026-11-22');
             insert into conversation_members (conversation_id, user_id, last_message_at, joined_at)
             values ('01980a52-7d1c-7e3b-a1a5-d54a4bb9c0a1', '{0}', '2026-11-22', '2026-11-22');
             insert into messages (id, conversation_id, seq, sender_id, message_type, content, created_at)
             select gen_random_uuid(), '01980a52-7d1c-7e3b-a1a5-d54a4bb9c0a1', i, '{0}', 'text', 'left' || i, '2026-11-22'
             from generate_series(1, 700) i;
             delete from conversation_members where conversation_id = '01980a52-7d1c-7e3b-a1a5-d54a4bb9c0a1';",
            asha.id
        ))
        .await;
    let export = export(&world, &asha).await;
    let messages = export["messages"].as_array().unwrap();
    let ids: std::collections::HashSet<_> = messages.iter().map(|m| m["id"].as_str().unwrap()).collect();
    assert_eq!((messages.len(), ids.len()), (3 * 401 + 700, 3 * 401 + 700));
}

#[tokio::test]
async fn three_a_day() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    for _ in 0..3 {
        assert!(world.banter.accounts().export(&asha.caller).await.is_ok());
    }
    assert_eq!(code(world.banter.accounts().export(&asha.caller).await.map(|_| ())), "RATE_LIMITED");
    world.advance(TimeDelta::hours(8));
    assert!(world.banter.accounts().export(&asha.caller).await.is_ok());
}

#[tokio::test]
async fn nobody_s_is_an_error() {
    let world = World::with_memory().await;
    let pieces: Result<Vec<String>, Error> =
        world.banter.accounts().export_of(UserId(uuid::Uuid::nil())).try_collect().await;
    assert_eq!(code(pieces), "USER_NOT_FOUND");
}
