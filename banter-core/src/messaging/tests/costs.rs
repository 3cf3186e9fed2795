//! What reading costs in pages of the database, asked of PostgreSQL itself: the very statements of the rules, planned both
//! for their parameters and for any, over little and over much.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::*;

/// A statement of the rules by what no other holds.
fn statement(mark: &str) -> String {
    let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.sqlx");
    let files = std::fs::read_dir(cache).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap());
    let queries = files
        .map(|json| serde_json::from_slice::<Value>(&json).unwrap()["query"].as_str().unwrap().to_owned());
    let found: Vec<String> = queries.filter(|query| query.contains(mark)).collect();
    assert_eq!(found.len(), 1, "statements with `{mark}`");
    found.into_iter().next().unwrap()
}

/// Pages that the statement looked at, as the plan it was run with counted them.
async fn pages(db: &mut PgConnection, mode: &str, sql: &str, arguments: &str) -> i64 {
    let run = |sql: String| sqlx::raw_sql(AssertSqlSafe(sql));
    run(format!("set plan_cache_mode = {mode}; prepare asked as {sql}")).execute(&mut *db).await.unwrap();
    let explain = format!("explain (analyze, buffers, format json) execute asked({arguments})");
    let mut least = i64::MAX;
    // The first run reads the catalogue too.
    for _ in 0..3 {
        let plan: Value =
            sqlx::query_scalar(AssertSqlSafe(explain.clone())).fetch_one(&mut *db).await.unwrap();
        let count = |key: &str| plan[0]["Plan"][key].as_i64().unwrap();
        least = least.min(count("Shared Hit Blocks") + count("Shared Read Blocks"));
    }
    run("deallocate asked".into()).execute(db).await.unwrap();
    least
}

/// Asha and `peers` others, `each` messages with each of them, in turn; the last of the first five unread.
async fn fill(db: &mut PgConnection, asha: &Person, peers: i64, each: i64) {
    let run = |sql: String| sqlx::raw_sql(AssertSqlSafe(sql));
    run(format!(
            "
            insert into users (id, full_name, created_at, updated_at)
            select ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'Peer ' || n, now(), now()
            from generate_series(1, {peers}) n
            on conflict do nothing;
            insert into conversations
                (id, kind, user_lo, user_hi, last_seq, last_sender_id, last_message_at, created_at)
            select
                ('00000000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid, 'direct',
                ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, '{asha}', {each}, '{asha}',
                '2026-01-01'::timestamptz + n * interval '1 second', now()
            from generate_series(1, {peers}) n
            on conflict do nothing;
            insert into conversation_members
                (conversation_id, user_id, last_read_seq, unread, last_seq, last_message_at, joined_at)
            select c.id, person, {each}, case when person = '{asha}' and c.id < '00000000-0000-7000-9000-000000000006' then 1 else 0 end,
                {each}, c.last_message_at, now()
            from conversations c, unnest(array[c.user_lo, c.user_hi]) person
            on conflict do nothing;
            insert into messages (id, conversation_id, seq, sender_id, message_type, content, created_at)
            select gen_random_uuid(), c.id, seq, case when seq % 2 = 0 then c.user_lo else c.user_hi end, 'text',
                'a message of usual length, written in passing', now()
            from conversations c, generate_series(1, {each}) seq
            on conflict do nothing;
            ",
            asha = asha.id
        ))
        .execute(&mut *db)
        .await
        .unwrap();
    // Nothing else than what the rules keep: visibility maps as an idle database has them.
    run("vacuum analyze".into()).execute(db).await.unwrap();
}

#[tokio::test]
async fn reading_costs_as_much_over_a_million_messages_as_over_a_thousand() {
    let mut counted: BTreeMap<(&str, &str), Vec<i64>> = BTreeMap::new();
    for (peers, each) in [(40, 25), (1_000, 100), (10_000, 100)] {
        let world = World::new().await;
        let asha = world.user("asha").await;
        let mut db = PgConnection::connect(&world.database().url()).await.unwrap();
        fill(&mut db, &asha, peers, each).await;
        if each < 100 {
            // Over a table of a few pages anything is cheap; what is compared is the way that much is read by.
            sqlx::raw_sql("set enable_seqscan = off; set enable_sort = off").execute(&mut db).await.unwrap();
        }
        let asha = asha.id;
        let (list, history) = ("and (c.last_message_at, c.id) < ($2, $3)", "with seen as (");
        let last = uuid::Uuid::max();
        let asked = [
            ("the list", list, format!("'{asha}', '9999-12-31', '{last}', 21")),
            (
                "the list's middle",
                list,
                format!(
                    "'{asha}', '2026-01-01'::timestamptz + {peers} / 2 * interval '1 second', '{last}', 21"
                ),
            ),
            (
                "a page in a conversation's middle",
                history,
                format!("'{asha}', '00000000-0000-7000-9000-000000000007', null, {each} / 2, null, 11"),
            ),
            (
                "the same by the person",
                history,
                format!("'{asha}', null, '00000000-0000-7000-8000-000000000007', {each} / 2, null, 11"),
            ),
            ("the unread count", "coalesce(sum(unread), 0)::bigint", format!("'{asha}'")),
        ];
        for (what, mark, arguments) in &asked {
            for mode in ["force_custom_plan", "force_generic_plan"] {
                let cost = pages(&mut db, mode, &statement(mark), arguments).await;
                counted.entry((what, mode)).or_default().push(cost);
            }
        }
    }
    for ((what, mode), costs) in &counted {
        let [thousand, hundred_thousand, million] = costs[..] else { panic!("three sizes") };
        // Ten times as many conversations, all of them Asha's, and messages: a page or two between indexes.
        assert!(million <= hundred_thousand + 2, "{what}, {mode}: {counted:#?}");
        // And a thousand times: each index is a level or two higher, no more.
        assert!(million <= thousand * 3 / 2 + 5, "{what}, {mode}: {counted:#?}");
    }
}
