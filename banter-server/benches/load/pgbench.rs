//! The ceiling: pgbench runs the very statements that core's rules run (read from the committed query cache), with
//! as many connections as the server's pool has, on the same database.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::http::Person;

pub(crate) struct Ceiling {
    pub(crate) per_second: f64,
    pub(crate) latency_ms: f64,
}

/// As many as `DATABASE_MAX_CONNECTIONS` by default.
const CONNECTIONS: &str = "20";

/// What marks a row's statement among all of them, and what stands for its parameters for one pair.
fn statement(row: &str, (from, to): &(Person, Person)) -> (&'static str, Vec<String>) {
    let uuid = |id: &str| format!("'{id}'::uuid");
    match row {
        "me" => (
            "premium_until,\n                created_at\n            from users\n            where id = $1\n",
            vec![uuid(&from.id), "now()".into()],
        ),
        "send" => (
            "'direct', least($2",
            vec![
                "gen_random_uuid()".into(),
                uuid(&from.id),
                "now()".into(),
                "null::text".into(),
                "gen_random_uuid()".into(),
                "'text'::text".into(),
                "'message 1: क्या हाल है? Nothing much, you?'::text".into(),
                "null::uuid".into(),
                "null::uuid".into(),
                "12".into(),
                uuid(&to.id),
            ],
        ),
        "history" => (
            "with seen as (",
            vec![
                uuid(&from.id),
                uuid(from.conversation.as_deref().expect("they have written")),
                "null::uuid".into(),
                "250::bigint".into(),
                "null::bigint".into(),
                "51::bigint".into(),
            ],
        ),
        "list" => (
            "and (c.last_message_at, c.id) < ($2, $3)",
            vec![
                uuid(&from.id),
                "'9999-12-31'::timestamptz".into(),
                "'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid".into(),
                "21".into(),
            ],
        ),
        "unread" => ("coalesce(sum(unread), 0)::bigint", vec![uuid(&from.id)]),
        other => unreachable!("no such row: {other}"),
    }
}

/// Runs the row's statement as fast as PostgreSQL takes it, one script a pair.
pub(crate) fn run(database: &str, pairs: &[(Person, Person)], seconds: u64, row: &str) -> Ceiling {
    let scripts = pairs.iter().map(|pair| {
        let (mark, values) = statement(row, pair);
        let mut sql = query(mark);
        for (n, value) in values.iter().enumerate().rev() {
            sql = sql.replace(&format!("${}", n + 1), value);
        }
        // A script's statement is one line; a comment would swallow what follows it.
        let lines = sql.lines().map(|line| line.split("--").next().unwrap_or_default());
        lines.collect::<Vec<_>>().join(" ") + ";"
    });
    run_scripts(database, seconds, scripts)
}

/// Runs these scripts, in turn and as fast as PostgreSQL takes them.
pub(crate) fn run_scripts(
    database: &str,
    seconds: u64,
    scripts: impl IntoIterator<Item = String>,
) -> Ceiling {
    let dir = tempfile::tempdir().expect("a directory");
    let mut pgbench = Command::new(find("pgbench"));
    pgbench.args(["-n", "-M", "prepared", "-c", CONNECTIONS, "-j", "2", "-T", &seconds.to_string()]);
    for (i, text) in scripts.into_iter().enumerate() {
        let script = dir.path().join(format!("{i}.sql"));
        std::fs::write(&script, text + "\n").expect("a script");
        pgbench.arg("-f").arg(script);
    }
    let output = pgbench.arg(database).output().expect("pgbench comes with PostgreSQL");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "pgbench: {text}{}", String::from_utf8_lossy(&output.stderr));
    let number = |prefix: &str| -> f64 {
        let line = text.lines().find_map(|line| line.strip_prefix(prefix));
        line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).expect("pgbench names it")
    };
    Ceiling { per_second: number("tps = "), latency_ms: number("latency average = ") }
}

/// The statement with that mark in it, as the cache has it; a mark of a read may stand in an update as well.
pub(crate) fn query(mark: &str) -> String {
    let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.sqlx");
    let files = std::fs::read_dir(cache).expect("the query cache is committed");
    let queries = files.map(|file| std::fs::read(file.expect("a file").path()).expect("a readable file"));
    let queries = queries.map(|json| serde_json::from_slice::<Value>(&json).expect("JSON")["query"].clone());
    let mut found = queries
        .filter_map(|query| query.as_str().map(str::to_owned))
        .filter(|query| query.contains(mark))
        .filter(|query| mark.starts_with("set ") || !query.trim_start().starts_with("update"));
    let query = found.next().expect("the statement is in the cache");
    assert!(found.next().is_none(), "`{mark}` marks more than one statement");
    query
}

/// On the path, or where Debian puts what belongs to one version of PostgreSQL.
pub(crate) fn find(program: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut beside: Vec<PathBuf> =
        versions.map(|v| v.path().join("bin").join(program)).filter(|p| p.exists()).collect();
    beside.sort();
    beside.pop().unwrap_or_else(|| program.into())
}
