use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::{Cli, scene};

#[tokio::test]
async fn people_and_messages_and_again_nothing() {
    let cli = Cli::with_database().await;
    scene!(cli, "seed", ["seed", "--users", "50", "--messages", "1200"]);
    scene!(cli, "seed_again", ["seed", "--users", "50", "--messages", "1200"]);
    scene!(cli, "seed_more", ["seed", "--users", "60"]);
    scene!(cli, "seed_json", ["--json", "seed", "--users", "1", "--seed", "2"]);
    assert_eq!(cli.count("select count(*) from users").await, 61);
    assert_eq!(cli.count("select count(*) from messages").await, 1200);
}

#[tokio::test]
async fn circles_and_groups_and_again_nothing() {
    let cli = Cli::with_database().await;
    scene!(cli, "seed_size", ["seed", "--size", "s"]);
    scene!(cli, "seed_size_again", ["seed", "--size", "s"]);
    scene!(cli, "seed_size_json", ["--json", "seed", "--size", "s", "--groups", "25"]);
    scene!(cli, "seed_too_few_for_groups", ["seed", "--users", "5", "--groups", "1", "--friends", "9"]);
}

#[tokio::test]
async fn the_same_seed_makes_the_same_people_anywhere() {
    let people = "select sum(hashtext(u::text)) from users u";
    let (one, other) = (Cli::with_database().await, Cli::with_database().await);
    for cli in [&one, &other] {
        cli.ask(&["seed", "--users", "30"]);
    }
    assert_eq!(one.count(people).await, other.count(people).await);
}

#[tokio::test]
async fn a_taken_name_is_told() {
    let cli = Cli::with_database().await;
    cli.ask(&["seed", "--users", "2"]);
    // Somebody else by the same name, which no rule leads to.
    cli.sql("alter table coin_ledger drop constraint coin_ledger_user_id_fkey").await;
    cli.sql("update users set id = gen_random_uuid() where id = (select min(id::text)::uuid from users)")
        .await;
    scene!(cli, "seed_left_out", ["seed", "--users", "3"]);
}

#[tokio::test]
async fn production_and_nonsense_are_refused() {
    let cli = Cli::with_database().await;
    scene!(cli, "seed_too_talkative", ["seed", "--users", "2", "--messages", "1000000"]);
    let cli = cli.set("BANTER_ENV", "production");
    scene!(cli, "seed_in_production", ["seed"]);
    assert_eq!(cli.count("select count(*) from users").await, 0);
}

#[tokio::test]
async fn stopping_leaves_whole_batches_and_the_next_goes_on() {
    let cli = Cli::with_database().await;
    let arguments = ["seed", "--users", "150000"];
    let child =
        cli.command(&arguments).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("started");
    let started = Instant::now();
    while cli.count("select count(*) from users").await == 0 {
        assert!(started.elapsed() < Duration::from_secs(60), "nothing was written");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let stopped = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(stopped.expect("kill is there").success());
    let output = child.wait_with_output().expect("ended");
    cli.settings().bind(|| insta::assert_snapshot!("seed_stopped", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(output.status.code(), Some(130));
    let written = cli.count("select count(*) from users").await;
    assert!(written > 0 && written < 150_000 && written % 2_000 == 0, "{written}");
    let went_on = cli.ask(&["--json", "seed", "--users", "2000"]);
    assert!(went_on.contains(r#""usersPresent": 2000"#), "{went_on}");
}
