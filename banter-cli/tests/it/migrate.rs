use std::process::Stdio;

use crate::harness::Cli;

/// A scene that stays the same when a migration is added: of a list only the first stands.
macro_rules! scene {
    ($cli:expr, $name:expr, $arguments:expr) => {{
        let mut settings = $cli.settings();
        settings.add_filter(r"(?m)^(.*\b20\d{12}\b.*\n)(?:.*\b202\d{11}\b.*\n)+", "$1  …\n");
        settings.add_filter(r"\b\d+ (migrations|pending)\b", "[n] $1");
        settings.bind(|| insta::assert_snapshot!($name, $cli.show(&$arguments)));
    }};
}

const EMPTY: &str = "drop schema public cascade; create schema public";

#[tokio::test]
async fn from_nothing_to_the_newest_and_no_further() {
    let cli = Cli::with_database().await;
    cli.sql(EMPTY).await;
    scene!(cli, "migrate_status_of_an_empty_database", ["migrate", "status"]);
    scene!(cli, "migrate_verify", ["migrate", "verify"]);
    assert_eq!(cli.count("select count(*) from pg_tables where schemaname = 'public'").await, 0);
    scene!(cli, "migrate_run", ["migrate", "run"]);
    scene!(cli, "migrate_run_again", ["migrate", "run"]);
    scene!(cli, "migrate_status", ["migrate", "status"]);
    scene!(cli, "migrate_verify_with_nothing_pending", ["migrate", "verify"]);
}

#[tokio::test]
async fn for_programs() {
    let cli = Cli::with_database().await;
    cli.sql(EMPTY).await;
    scene!(cli, "migrate_verify_json", ["--json", "migrate", "verify"]);
    scene!(cli, "migrate_run_json", ["--json", "migrate", "run"]);
    let status: serde_json::Value =
        serde_json::from_str(&cli.ask(&["--json", "migrate", "status"])).expect("JSON");
    assert_eq!(
        status["migrations"][0],
        serde_json::json!({ "version": 20_261_122_100_000_i64, "description": "accounts", "state": "applied" })
    );
}

#[tokio::test]
async fn a_history_that_is_not_ours() {
    let cli = Cli::with_database().await;
    cli.sql(
        "update _sqlx_migrations set checksum = '\\x00' where version = (select min(version) from _sqlx_migrations)",
    )
    .await;
    scene!(cli, "migrate_status_changed", ["migrate", "status"]);
    scene!(cli, "migrate_run_refuses_changed", ["migrate", "run"]);
    scene!(cli, "migrate_verify_refuses_changed", ["migrate", "verify"]);

    let cli = Cli::with_database().await;
    cli.sql(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values (20991231000000, 'from tomorrow', true, '\\x00', 1)",
    )
    .await;
    scene!(cli, "migrate_status_unknown", ["migrate", "status"]);
    scene!(cli, "migrate_run_refuses_unknown", ["migrate", "run"]);
}

#[tokio::test]
async fn what_would_fail_is_told_and_taken_back() {
    let cli = Cli::with_database().await;
    cli.sql(EMPTY).await;
    cli.sql("create table jobs (note text); insert into jobs values ('somebody else''s')").await;
    scene!(cli, "migrate_verify_would_fail", ["migrate", "verify"]);
    assert_eq!(cli.count("select count(*) from pg_tables where schemaname = 'public'").await, 1);
    scene!(cli, "migrate_run_fails", ["migrate", "run"]);
    scene!(cli, "migrate_run_fails_json", ["--json", "migrate", "run"]);
    assert_eq!(cli.count("select count(*) from jobs").await, 1);
    // What came before the failure stays, and the lock is given up: after the repair it goes on from there.
    cli.sql("drop table jobs").await;
    assert!(cli.ask(&["--json", "migrate", "run"]).contains("applied"));
}

#[tokio::test]
async fn several_at_once_wait_for_each_other() {
    let cli = Cli::with_database().await;
    cli.sql(EMPTY).await;
    let running: Vec<_> = (0..4)
        .map(|_| cli.command(&["migrate", "run"]).stderr(Stdio::piped()).spawn().expect("started"))
        .collect();
    let mut applied = 0;
    for child in running {
        let output = child.wait_with_output().expect("ended");
        assert!(output.status.success());
        applied += usize::from(String::from_utf8_lossy(&output.stderr).contains("migrations applied"));
    }
    assert_eq!(applied, 1, "one works, the others find nothing to do");
}
