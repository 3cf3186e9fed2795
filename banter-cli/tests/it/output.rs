//! Streams, and where there is nothing to work on.

use std::process::Stdio;

use crate::harness::{ACCESS_SECRET, Cli, REFRESH_SECRET, scene};

#[test]
fn no_database_is_named() {
    let cli = Cli::new();
    scene!(cli, "no_database_url", ["migrate", "status"]);
    scene!(cli, "no_database_url_json", ["--json", "jobs", "counts"]);
    assert_eq!(cli.run(&["seed"]).stderr, cli.run(&["migrate", "status"]).stderr);
    assert_eq!(cli.run(&["user", "token", "asha"]).stderr, cli.run(&["migrate", "status"]).stderr);
}

#[test]
fn nothing_listens() {
    let cli = Cli::new()
        .set("DATABASE_URL", "postgres://banter:hunter2@127.0.0.1:1/banter")
        .set("JWT_SECRET", ACCESS_SECRET)
        .set("JWT_REFRESH_SECRET", REFRESH_SECRET);
    scene!(cli, "nothing_listens", ["migrate", "run"]);
}

#[tokio::test]
async fn the_database_does_not_exist() {
    let cli = Cli::with_database().await;
    let url = std::env::var("DATABASE_URL").expect("with_database needs it too");
    let (server, _) = url.rsplit_once('/').expect("a path");
    let cli = cli.set("DATABASE_URL", format!("{server}/test_absent"));
    scene!(cli, "no_such_database", ["migrate", "status"]);
}

#[test]
fn a_url_that_is_none() {
    let cli = Cli::new().set("DATABASE_URL", "mysql://root:hunter2@127.0.0.1/banter");
    scene!(cli, "not_postgres", ["migrate", "status"]);
}

#[test]
fn a_reader_that_hangs_up_is_no_failure() {
    let cli = Cli::new();
    let mut child = cli
        .command(&["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("ended");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr)), (Some(0), "".into()));
}

#[test]
fn a_full_disk_is() {
    let cli = Cli::new();
    let full = std::fs::File::options().write(true).open("/dev/full").expect("Linux has it");
    let output = cli.command(&["completions", "bash"]).stdout(full).output().expect("started");
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!(String::from_utf8_lossy(&output.stderr), @"error: stdout could not be written: No space left on device (os error 28)");
}

#[tokio::test]
async fn quiet_leaves_only_what_was_asked_for() {
    let cli = Cli::with_database().await;
    scene!(cli, "quiet_seed", ["--quiet", "seed", "--users", "3"]);
    scene!(cli, "quiet_failure", ["--quiet", "user", "show", "nobody"]);
}

#[test]
fn colour_is_for_terminals() {
    for (cli, coloured) in [
        (Cli::new(), false),
        (Cli::new().set("CLICOLOR_FORCE", "1"), true),
        (Cli::new().set("CLICOLOR_FORCE", "1").set("NO_COLOR", "1"), false),
    ] {
        let output = cli.run(&["config", "show"]);
        assert_eq!(output.stdout.contains(&0x1b), coloured);
    }
}
