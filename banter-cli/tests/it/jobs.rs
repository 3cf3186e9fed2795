use crate::harness::{Cli, scene};

#[tokio::test]
async fn nothing_waits() {
    let cli = Cli::with_database().await;
    scene!(cli, "jobs_counts", ["jobs", "counts"]);
    scene!(cli, "jobs_dead_none", ["jobs", "dead"]);
    scene!(cli, "jobs_dead_none_json", ["--json", "jobs", "dead"]);
}

#[tokio::test]
async fn what_was_given_up_is_put_back_once() {
    let cli = Cli::with_database().await;
    cli.sql(
        "insert into jobs (id, kind, state, run_at, attempts, last_error, created_at, finished_at)
         values ('01980a52-7d1c-7e3b-a1a5-d54a4bb9c0a1', 'prune', 'dead', now(), 10,
                 'the database failed: deadlock\n detected', now(), now()),
                ('01980a52-7d1c-7e3b-a1a5-d54a4bb9c0a2', 'prune', 'dead', now(), 10, null, now(), now() - interval '1 h')",
    )
    .await;
    scene!(cli, "jobs_counts_json", ["--json", "jobs", "counts"]);
    scene!(cli, "jobs_dead", ["jobs", "dead"]);
    scene!(cli, "jobs_dead_json", ["--json", "jobs", "dead", "--limit", "1"]);
    scene!(cli, "jobs_retry", ["jobs", "retry", "01980a52-7d1c-7e3b-a1a5-d54a4bb9c0a1"]);
    scene!(cli, "jobs_retry_again", ["jobs", "retry", "01980a52-7d1c-7e3b-a1a5-d54a4bb9c0a1"]);
    scene!(cli, "jobs_retry_not_an_id", ["jobs", "retry", "prune"]);
    assert_eq!(cli.count("select count(*) from jobs where state = 'queued' and attempts = 0").await, 1);
}
