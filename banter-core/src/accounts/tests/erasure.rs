//! The proof: a person with everything is deleted, and a dump of the whole database is searched for them.

use std::process::Command;

use super::*;
use crate::jobs::worker;

/// What must be nowhere once the account is deleted and the jobs have run.
struct Traces(Vec<String>);

impl Traces {
    fn in_text(&self, text: &str) -> Vec<&str> {
        let text = text.to_lowercase();
        self.0.iter().map(String::as_str).filter(|trace| text.contains(&trace.to_lowercase())).collect()
    }
}

/// Everything that the database holds, as text.
fn dump(world: &World) -> String {
    let url = world.database().url();
    // What follows are settings of our own driver.
    let url = url.split('?').next().expect("a URL");
    let output = Command::new("pg_dump")
        .args(["--inserts", "--data-only", "--dbname", url])
        .output()
        .expect("pg_dump is on PATH, as PostgreSQL's other programs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Asha, with something of hers in every table, and what to look for afterwards.
async fn with_everything(world: &World) -> (Person, Traces) {
    let (asha, ravi) = (world.user("asha_the_traveller").await, world.user("ravi").await);
    world.acquaint(&asha, &ravi).await;
    let (a, r) = (asha.id, ravi.id);
    let (lo, hi) = (a.min(r), a.max(r));
    world
        .sql(&format!(
            "update users
             set email = 'asha.private@example.in', full_name = 'Asha Unmistakable', bio = 'bio-of-hers',
                 avatar = 'https://cdn.example/avatar-of-hers.webp', gender = 'female', date_of_birth = '1991-07-13',
                 language = 'mai', last_seen = '2026-11-21 03:14:15Z', premium_until = '2027-07-07', role = 'moderator',
                 interests = '{{interest-of-hers}}', looking_for = '{{looking-of-hers}}'
             where id = '{a}';
             insert into devices (session_id, user_id, fcm_token, platform, updated_at)
             select id, user_id, 'fcm-token-of-hers', 'android', '2026-11-22' from sessions where user_id = '{a}';
             insert into user_settings (user_id, quiet_from, quiet_to, updated_at) values ('{a}', 1237, 421, '2026-11-22');
             insert into user_locations values ('{a}', 1899, 7283, '2026-11-22');
             insert into friendships values ('{lo}', '{hi}', '2026-11-01');
             insert into friend_requests (id, sender_id, receiver_id, message, status, created_at, decided_at)
             values (gen_random_uuid(), '{a}', '{r}', 'request-text-of-hers', 'accepted', '2026-11-01', '2026-11-02'),
                    (gen_random_uuid(), '{r}', '{a}', 'request-text-to-her', 'rejected', '2026-10-01', '2026-10-02');
             insert into blocked_users values ('{a}', '{r}', 'reason-of-hers', '2026-11-02'), ('{r}', '{a}', 'reason-about-her', '2026-11-02');
             insert into idempotency_keys values ('{a}', 'idempotency-key-of-hers', '\\x00', 200, '\\x00', '2026-11-22');
             insert into notifications (id, user_id, kind, actor_id, data, created_at)
             values (gen_random_uuid(), '{a}', 'friend_accepted', '{r}', '{{\"x\":\"inbox-of-hers\"}}', '2026-11-02'),
                    (gen_random_uuid(), '{r}', 'friend_request', '{a}', '{{\"x\":\"inbox-about-her\"}}', '2026-11-01');
             insert into uploads (id, user_id, purpose, kind, content_type, bytes, object_key, thumbnail_key, created_at, used_at)
             values ('01980a52-0000-7000-8000-000000000001', '{a}', 'chat', 'image', 'image/webp', 1, 'chat/photo-of-hers.webp', 'chat/thumb-of-hers.webp', '2026-11-02', '2026-11-02'),
                    ('01980a52-0000-7000-8000-000000000002', '{a}', 'avatar', 'image', 'image/webp', 1, 'avatar/face-of-hers.webp', null, '2026-11-02', '2026-11-02'),
                    ('01980a52-0000-7000-8000-000000000003', '{a}', 'verification', 'image', 'image/webp', 1, 'verification/passport-of-hers.webp', null, '2026-11-02', '2026-11-02');
             update users set avatar_upload_id = '01980a52-0000-7000-8000-000000000002' where id = '{a}';
             insert into verifications (id, user_id, document_upload_id, status, reason, created_at, decided_at, decided_by)
             values (gen_random_uuid(), '{a}', '01980a52-0000-7000-8000-000000000003', 'rejected', 'verification-note-on-her', '2026-11-02', '2026-11-03', '{r}'),
                    (gen_random_uuid(), '{a}', '01980a52-0000-7000-8000-000000000003', 'pending', null, '2026-11-04', null, null);
             insert into conversations (id, kind, name, created_by, last_seq, last_message_at, created_at)
             values ('01980a52-0000-7000-8000-00000000000a', 'group', 'Trek to Triund', '{a}', 2, '2026-11-22', '2026-11-22');
             insert into conversation_members (conversation_id, user_id, role, last_seq, last_message_at, joined_at)
             values ('01980a52-0000-7000-8000-00000000000a', '{a}', 'owner', 2, '2026-11-22', '2026-11-22'),
                    ('01980a52-0000-7000-8000-00000000000a', '{r}', 'member', 2, '2026-11-22', '2026-11-22');
             insert into messages (id, conversation_id, seq, sender_id, message_type, content, upload_id, created_at)
             values (gen_random_uuid(), '01980a52-0000-7000-8000-00000000000a', 1, '{a}', 'text', 'a text that stays', null, '2026-11-22'),
                    (gen_random_uuid(), '01980a52-0000-7000-8000-00000000000a', 2, '{a}', 'image', 'caption-of-hers', '01980a52-0000-7000-8000-000000000001', '2026-11-22');
             insert into transactions (id, user_id, kind, amount, coins, status, razorpay_order_id, created_at, updated_at)
             values (gen_random_uuid(), '{a}', 'coin_purchase', 4900, 100, 'success', 'order_that_stays', '2026-11-02', '2026-11-02');
             insert into reports (id, reporter_id, report_type, reported_user_id, reason, description, created_at, updated_at)
             values (gen_random_uuid(), '{r}', 'user', '{a}', 'spam', 'a report that stays', '2026-11-02', '2026-11-02'),
                    (gen_random_uuid(), '{a}', 'user', '{r}', 'spam', 'another report that stays', '2026-11-02', '2026-11-02');"
        ))
        .await;
    world.banter.accounts().suspend(ravi.id, None, "a moderation record that stays").await.unwrap();
    world.banter.accounts().grant_coins(a, 50, "stays", "a grant that stays").await.unwrap();
    let traces = [
        asha.phone.as_str(),
        &asha.phone[3..],
        &asha.firebase_uid,
        "asha",
        "unmistakable",
        "traveller",
        "@example.in",
        "-of-hers",
        "-to-her",
        "-about-her",
        "-on-her",
        "1991-07-13",
        "2026-11-21 03:14:15",
        "2027-07-07",
        "1899, 7283",
        "1237, 421",
        "mai'",
    ];
    let traces = Traces(traces.map(str::to_owned).into());
    (asha, traces)
}

#[tokio::test]
async fn nothing_in_the_database_tells_who_a_deleted_account_was() {
    let world = World::with_memory().await;
    let (asha, traces) = with_everything(&world).await;
    let before = dump(&world);
    assert_eq!(traces.in_text(&before).len(), traces.0.len(), "everything is there to be found");

    let token = world.firebase_token(&asha.firebase_uid, &asha.phone);
    world.banter.accounts().delete(&asha.caller, &token, &asha.client).await.unwrap();
    world.advance(TimeDelta::minutes(2));
    while worker::round(&world.banter).await.unwrap() > 0 {}
    // As the collector leaves it once it has removed the objects.
    let doomed = world.sql("delete from uploads where doomed_at is not null").await;
    assert_eq!(doomed, 3);

    let after = dump(&world);
    assert_eq!(traces.in_text(&after), [""; 0]);
    for kept in [
        "a text that stays",
        "order_that_stays",
        "a report that stays",
        "another report that stays",
        "a moderation record that stays",
        "a grant that stays",
        "signup_bonus",
        "Deleted account",
    ] {
        assert!(after.contains(kept), "{kept}");
    }
}
