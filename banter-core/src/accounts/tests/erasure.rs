//! The proof: a person with everything is deleted, and a dump of the whole database and the storage are searched for
//! them.

use std::convert::Infallible;
use std::process::Command;

use bytes::Bytes;
use futures_util::stream;

use super::*;
use crate::jobs::{Job, worker};
use crate::media::Purpose;
use crate::testing::files;

/// What must be nowhere once the account is deleted and the jobs have run.
struct Traces(Vec<String>);

impl Traces {
    fn in_text(&self, text: &str) -> Vec<&str> {
        let text = text.to_lowercase();
        self.0.iter().map(String::as_str).filter(|trace| text.contains(&trace.to_lowercase())).collect()
    }
}

/// Everything that the database holds, as text, and so what lies in it as bytes.
fn dump(world: &World) -> String {
    let url = world.database().url();
    // What follows are settings of our own driver.
    let url = url.split('?').next().expect("a URL");
    let output = Command::new("pg_dump")
        .args(["--inserts", "--data-only", "--dbname", url])
        .env("PGOPTIONS", "-c bytea_output=escape")
        .output()
        .expect("pg_dump is on PATH, as PostgreSQL's other programs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The names of everything in storage.
fn stored(world: &World) -> String {
    let folders = std::fs::read_dir(world.media_dir()).unwrap().map(|folder| folder.unwrap().path());
    let files = folders.flat_map(|folder| std::fs::read_dir(folder).unwrap());
    files.map(|file| file.unwrap().path().display().to_string() + "\n").collect()
}

/// Asha, with something of hers in every table, and what to look for afterwards.
async fn with_everything(world: &World) -> (Person, Traces) {
    let (asha, ravi) = (world.user("asha_the_traveller").await, world.user("ravi").await);
    world.acquaint(&asha, &ravi).await;
    let (a, r) = (asha.id, ravi.id);
    let (lo, hi) = (a.min(r), a.max(r));
    let mut uploads = Vec::new();
    for purpose in [Purpose::Chat, Purpose::Avatar, Purpose::Verification] {
        let bytes = stream::iter([Ok::<_, Infallible>(Bytes::from(files::jpeg(8, 8)))]);
        let admitted = world.banter.media().admit(&asha.caller, purpose).await.unwrap();
        uploads.push(admitted.take(bytes).await.unwrap().id);
    }
    let [photo, face, document] = uploads[..] else { unreachable!() };
    world.banter.media().set_avatar(&asha.caller, face).await.unwrap();
    world
        .sql(&format!(
            "update users
             set email = 'asha.private@example.in', full_name = 'Asha Unmistakable', bio = 'bio-of-hers',
                 gender = 'female', date_of_birth = '1991-07-13',
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
             insert into idempotency_keys values
                 ('{r}', 'request', '\\x00', 201, convert_to('{{\"request\":{{\"receiver\":{{\"id\":\"{a}\",\"fullName\":\"answer-with-name-of-hers\"}}}}}}', 'UTF8'), '2026-11-22'),
                 ('{r}', 'other', '\\x00', 201, convert_to('{{\"receiver\":{{\"id\":\"{r}\",\"fullName\":\"an answer that stays\"}}}}', 'UTF8'), '2026-11-22');
             insert into notifications (id, user_id, kind, actor_id, data, created_at)
             values (gen_random_uuid(), '{a}', 'friend_accepted', '{r}', '{{\"x\":\"inbox-of-hers\"}}', '2026-11-02'),
                    (gen_random_uuid(), '{r}', 'friend_request', '{a}', '{{\"x\":\"inbox-about-her\"}}', '2026-11-01');
             insert into verifications (id, user_id, document_upload_id, status, reason, created_at, decided_at, decided_by)
             values (gen_random_uuid(), '{a}', '{document}', 'rejected', 'verification-note-on-her', '2026-11-02', '2026-11-03', '{r}'),
                    (gen_random_uuid(), '{a}', '{document}', 'pending', null, '2026-11-04', null, null);
             insert into conversations (id, kind, name, created_by, last_seq, last_message_at, created_at)
             values ('01980a52-0000-7000-8000-00000000000a', 'group', 'Trek to Triund', '{a}', 2, '2026-11-22', '2026-11-22');
             insert into conversation_members (conversation_id, user_id, role, last_seq, last_message_at, joined_at)
             values ('01980a52-0000-7000-8000-00000000000a', '{a}', 'owner', 2, '2026-11-22', '2026-11-22'),
                    ('01980a52-0000-7000-8000-00000000000a', '{r}', 'member', 2, '2026-11-22', '2026-11-22');
             insert into messages (id, conversation_id, seq, sender_id, message_type, content, upload_id, created_at)
             values (gen_random_uuid(), '01980a52-0000-7000-8000-00000000000a', 1, '{a}', 'text', 'a text that stays', null, '2026-11-22'),
                    (gen_random_uuid(), '01980a52-0000-7000-8000-00000000000a', 2, '{a}', 'image', 'caption-of-hers', '{photo}', '2026-11-22');
             update uploads set used_at = '2026-11-22' where used_at is null;
             insert into transactions (id, user_id, kind, amount, coins, status, razorpay_order_id, paid_at, created_at, updated_at)
             values (gen_random_uuid(), '{a}', 'coin_purchase', 4900, 100, 'success', 'order_that_stays', '2026-11-02', '2026-11-02', '2026-11-02');
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
        "answer-with-name",
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
    let mut traces = Traces(traces.map(str::to_owned).into());
    traces.0.extend(uploads.iter().map(ToString::to_string));
    (asha, traces)
}

#[tokio::test]
async fn nothing_in_the_database_tells_who_a_deleted_account_was() {
    let world = World::with_memory().await;
    let (asha, traces) = with_everything(&world).await;
    let before = dump(&world);
    assert_eq!(traces.in_text(&before).len(), traces.0.len(), "everything is there to be found");
    assert_eq!(traces.in_text(&stored(&world)).len(), 3, "and so are the files");

    let token = world.firebase_token(&asha.firebase_uid, &asha.phone);
    world.banter.accounts().delete(&asha.caller, &token, &asha.client).await.unwrap();
    world.advance(TimeDelta::minutes(2));
    while worker::round(&world.banter).await.unwrap() > 0 {}
    world.banter.jobs().queue(world.banter.pool(), &Job::Collect {}, world.now()).await.unwrap();
    while worker::round(&world.banter).await.unwrap() > 0 {}
    assert_eq!(traces.in_text(&stored(&world)), [""; 0]);

    let after = dump(&world);
    assert_eq!(traces.in_text(&after), [""; 0]);
    for kept in [
        "a text that stays",
        "order_that_stays",
        "a report that stays",
        "another report that stays",
        "a moderation record that stays",
        "a grant that stays",
        "an answer that stays",
        "signup_bonus",
        "Deleted account",
    ] {
        assert!(after.contains(kept), "{kept}");
    }
}
