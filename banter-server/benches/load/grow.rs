//! Conversations and messages by the ten thousand, written straight into the database: what the server answers afterwards
//! must cost what it cost before.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::http::Person;
use crate::pgbench::find;

/// Gives the first of each pair `conversations` in all with made-up others, `messages` in each, the newest unread in five.
/// A further call adds what is missing.
pub(crate) fn grow(database: &str, pairs: &[(Person, Person)], conversations: usize, messages: usize) {
    let mut sql = String::from("begin;\n");
    for (n, (person, _)) in pairs.iter().enumerate() {
        sql.push_str(&format!(
            "
            create temporary table peer on commit drop as
            select
                i,
                ('00000000-0000-7000-8{n:03x}-' || lpad(to_hex(i), 12, '0'))::uuid as id,
                ('00000000-0000-7000-9{n:03x}-' || lpad(to_hex(i), 12, '0'))::uuid as conversation
            from generate_series(1, {conversations}) i;
            insert into users (id, full_name, created_at, updated_at)
            select id, 'Peer ' || i, now(), now() from peer on conflict do nothing;
            insert into conversations (id, kind, user_lo, user_hi, last_seq, last_sender_id, last_message_at, created_at)
            select conversation, 'direct', id, '{person}', {messages}, id, now() - i * interval '1 minute', now()
            from peer
            on conflict (id) do update set last_seq = {messages};
            insert into conversation_members
                (conversation_id, user_id, last_read_seq, unread, last_seq, last_message_at, joined_at)
            select
                conversation, who, {messages} - case when mine and i <= 5 then 1 else 0 end,
                case when mine and i <= 5 then 1 else 0 end, {messages}, now() - i * interval '1 minute', now()
            from peer, lateral (values (id, false), ('{person}'::uuid, true)) as member (who, mine)
            on conflict (conversation_id, user_id) do update
            set last_seq = excluded.last_seq, last_read_seq = excluded.last_read_seq, unread = excluded.unread;
            insert into messages (id, conversation_id, seq, sender_id, message_type, content, created_at)
            select gen_random_uuid(), conversation, seq, case when seq % 2 = 0 then id else '{person}' end, 'text',
                'a message of usual length, written in passing', now()
            from peer, generate_series(1, {messages}) seq
            on conflict do nothing;
            drop table peer;
            ",
            person = person.id
        ));
    }
    sql.push_str("commit;\nvacuum analyze;\n");
    let mut psql = Command::new(find("psql"))
        .args(["--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1", database])
        .stdin(Stdio::piped())
        .spawn()
        .expect("psql comes with PostgreSQL");
    psql.stdin.take().expect("a pipe").write_all(sql.as_bytes()).expect("psql reads");
    assert!(psql.wait().expect("psql ends").success());
}
