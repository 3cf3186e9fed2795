use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use banter_core::accounts::Role;
use banter_core::seed::DemoPerson;
use serde_json::Value;

use crate::harness::{Cli, scene};

/// Asha and Ravi.
async fn with_people() -> (Cli, Vec<DemoPerson>) {
    let cli = Cli::with_database().await;
    let banter = cli.banter().await;
    let people = banter.seed().demo().await.expect("made");
    banter.close().await;
    (cli, people)
}

#[tokio::test]
async fn shown_by_any_of_their_names() {
    let (cli, people) = with_people().await;
    scene!(cli, "user_show", ["user", "show", "asha"]);
    scene!(cli, "user_show_revealed", ["user", "show", "+919800000001", "--reveal"]);
    scene!(cli, "user_show_json", ["--json", "user", "show", "RAVI"]);
    assert_eq!(cli.ask(&["user", "show", &people[0].id.to_string()]), cli.ask(&["user", "show", "asha"]));
    scene!(cli, "user_show_nobody", ["user", "show", "nobody"]);
    scene!(cli, "user_show_nobody_json", ["--json", "user", "show", "nobody"]);
}

#[tokio::test]
async fn what_an_operator_must_see_at_once() {
    let (cli, _) = with_people().await;
    cli.sql(
        "update users set status = 'suspended', status_until = now() + interval '1 day', role = 'moderator',
                premium_until = now() + interval '30 days', last_seen = now()
         where username = 'ravi'",
    )
    .await;
    scene!(cli, "user_show_suspended", ["user", "show", "ravi"]);
    scene!(cli, "user_token_suspended", ["user", "token", "ravi"]);
}

#[tokio::test]
async fn a_token_stands_alone_and_works() {
    let (cli, people) = with_people().await;
    scene!(cli, "user_token", ["user", "token", "asha"]);
    scene!(cli, "user_token_json", ["--json", "user", "token", "asha", "--ttl", "30m"]);
    let token = cli.ask(&["user", "token", "asha", "--ttl", "30m"]);
    let banter = cli.banter().await;
    let caller = banter.accounts().authenticate(token.trim_end()).expect("the token is good");
    assert_eq!((caller.user_id, caller.role), (people[0].id, Role::User));
    let left = caller.expires_at - banter.clock().now();
    assert!((29..=30).contains(&left.num_minutes()), "{left}");
    assert_eq!(banter.accounts().overview(people[0].id).await.expect("found").sessions, 3);
    scene!(cli, "user_token_nobody", ["user", "token", "nobody"]);
}

#[tokio::test]
async fn no_tokens_in_production_or_without_secrets() {
    let (cli, _) = with_people().await;
    let cli = cli.set("JWT_SECRET", "");
    scene!(cli, "user_token_without_secret", ["user", "token", "asha"]);
    assert!(cli.run(&["user", "show", "asha"]).status.success(), "looking needs no secret");
    let cli = cli
        .set("JWT_SECRET", crate::harness::ACCESS_SECRET)
        .set("BANTER_ENV", "production")
        .set("REDIS_URL", "redis://127.0.0.1:1")
        .set("FIREBASE_PROJECT_ID", "banter-live")
        .set("FIREBASE_CLIENT_EMAIL", "pusher@banter-live.iam.gserviceaccount.com")
        .set("FIREBASE_PRIVATE_KEY", banter_core::testing::fcm::private_key())
        .set("AZURE_STORAGE_CONNECTION_STRING", "AccountName=banter;AccountKey=c2VjcmV0")
        .set("LIVEKIT_API_KEY", "APIx7")
        .set("LIVEKIT_API_SECRET", "nB4vC1xZ8aS5dF2gH9jK6lQ3wE0rT7yU")
        .set("LIVEKIT_SERVER_URL", "wss://live.banter.example")
        .set("TURN_URLS", "turn:turn.banter.example:3478")
        .set("TURN_SECRET", "0123456789abcdef")
        .set("RAZORPAY_KEY_ID", "rzp_live_1234567890abcd")
        .set("RAZORPAY_KEY_SECRET", "abcdef1234567890abcdef12")
        .set("RAZORPAY_WEBHOOK_SECRET", "0123456789abcdef")
        .set("SELLER_GSTIN", "29ABCDE1234F1Z5")
        .set("TRUSTED_PROXIES", "0");
    scene!(cli, "user_token_in_production", ["user", "token", "asha"]);
}

#[tokio::test]
async fn presence_is_known_only_where_it_is_kept() {
    let (cli, people) = with_people().await;
    let cli =
        cli.set("REDIS_URL", std::env::var("REDIS_URL").expect("REDIS_URL is not set: run `make test`"));
    let banter = cli.banter().await;
    banter.presence().arrived(people[0].id, "socket-of-a-test").await;
    assert!(cli.ask(&["user", "show", "asha"]).contains("online"));
    let away = cli.set("REDIS_URL", "redis://127.0.0.1:1");
    let shown = away.ask(&["--quiet", "user", "show", "asha"]);
    assert!(shown.contains("unknown: Redis does not answer"), "{shown}");
}

#[tokio::test]
async fn listed_filtered_and_paged() {
    let (cli, _) = with_people().await;
    cli.sql("update users set role = 'moderator', created_at = '2026-11-22 06:30Z' where username = 'ravi'")
        .await;
    scene!(cli, "user_list", ["user", "list", "--search", "ravi"]);
    scene!(cli, "user_list_json", ["--json", "user", "list", "--role", "moderator"]);
    scene!(cli, "user_list_none", ["user", "list", "--status", "banned"]);
    scene!(cli, "user_list_foreign_cursor", ["user", "list", "--after", "x"]);
    let first: Value = serde_json::from_str(&cli.ask(&["--json", "user", "list", "--limit", "1"])).unwrap();
    let cursor = first["nextCursor"].as_str().expect("there is another");
    let second: Value =
        serde_json::from_str(&cli.ask(&["--json", "user", "list", "--limit", "1", "--after", cursor]))
            .unwrap();
    assert_eq!((second["users"].as_array().unwrap().len(), &second["nextCursor"]), (1, &Value::Null));
    assert_ne!(first["users"][0]["id"], second["users"][0]["id"]);
    let talk = String::from_utf8(cli.run(&["user", "list", "--limit", "1"]).stderr).unwrap();
    assert!(talk.contains(&format!("--after {cursor}")), "{talk}");
}

#[tokio::test]
async fn suspended_at_once_and_restored() {
    let (cli, people) = with_people().await;
    let token = cli.ask(&["user", "token", "ravi"]);
    scene!(cli, "user_suspend", ["user", "suspend", "ravi", "--for", "7d", "--reason", "insults"]);
    scene!(
        cli,
        "user_suspend_longer",
        ["--json", "user", "suspend", "ravi", "--until", "2099-01-01", "--reason", "worse"]
    );
    scene!(
        cli,
        "user_suspend_past",
        ["user", "suspend", "ravi", "--until", "2020-01-01T00:00:00Z", "--reason", "x"]
    );
    let ended = format!(
        "select count(*) from sessions where user_id = '{}' and revoked_because = 'suspended'",
        people[1].id
    );
    assert_eq!(cli.count(Box::leak(ended.into_boxed_str())).await, 1);
    assert!(!token.is_empty());
    scene!(cli, "user_restore", ["user", "restore", "ravi", "--reason", "a mistake"]);
    scene!(cli, "user_restore_again", ["user", "restore", "ravi"]);
    scene!(
        cli,
        "user_suspend_both",
        ["user", "suspend", "ravi", "--for", "1d", "--until", "2099-01-01", "--reason", "x"]
    );
    scene!(cli, "user_suspend_without_reason", ["user", "suspend", "ravi"]);
}

#[tokio::test]
async fn roles_are_given_and_the_last_admin_stays() {
    let (cli, _) = with_people().await;
    scene!(cli, "user_role", ["user", "role", "asha", "admin"]);
    scene!(cli, "user_role_again", ["user", "role", "asha", "admin"]);
    scene!(cli, "user_role_last_admin", ["user", "role", "asha", "user"]);
    scene!(cli, "user_role_unknown", ["user", "role", "asha", "king"]);
}

#[tokio::test]
async fn coins_are_granted_once_by_reference() {
    let (cli, _) = with_people().await;
    let diwali = ["user", "grant-coins", "asha", "50", "--reason", "Diwali", "--reference", "diwali-asha"];
    scene!(cli, "user_grant", diwali);
    scene!(cli, "user_grant_again", diwali);
    scene!(
        cli,
        "user_grant_other_amount",
        ["user", "grant-coins", "asha", "60", "--reason", "Diwali", "--reference", "diwali-asha"]
    );
    scene!(cli, "user_grant_json", ["--json", "user", "grant-coins", "asha", "1", "--reason", "luck"]);
    scene!(cli, "user_grant_nothing", ["user", "grant-coins", "asha", "0", "--reason", "x"]);
    assert_eq!(cli.count("select coins::bigint from users where username = 'asha'").await, 151);
}

#[tokio::test]
async fn deletion_wants_the_name_typed() {
    let (cli, people) = with_people().await;
    let arguments = ["user", "delete", "asha", "--reason", "asked by letter"];
    scene!(cli, "user_delete_unconfirmed", arguments);
    for (typed, code) in [("ravi\n", 1), ("\n", 1), ("asha\n", 0)] {
        let mut child = cli
            .command(&arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("started");
        child.stdin.take().expect("piped").write_all(typed.as_bytes()).expect("read");
        assert_eq!(child.wait_with_output().expect("ended").status.code(), Some(code), "{typed:?}");
    }
    let id = people[0].id.to_string();
    scene!(cli, "user_show_deleted", ["user", "show", &id]);
    scene!(cli, "user_delete_again", ["user", "delete", &id, "--yes", "--reason", "x"]);
    scene!(cli, "user_suspend_deleted", ["user", "suspend", &id, "--reason", "x"]);
    scene!(cli, "user_grant_deleted", ["user", "grant-coins", &id, "5", "--reason", "x"]);
    scene!(cli, "user_delete", ["user", "delete", "ravi", "--yes", "--reason", "x"]);
}

#[tokio::test]
async fn an_export_is_whole_private_and_never_written_over() {
    let (cli, _) = with_people().await;
    let file = cli.directory().join("asha.json");
    let said = cli.run(&["user", "export", "asha", "--out", "asha.json"]);
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let written: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let printed: Value = serde_json::from_str(&cli.ask(&["user", "export", "asha"])).unwrap();
    assert_eq!(written["account"], printed["account"]);
    assert_eq!(written["messages"].as_array().unwrap().len(), 2);
    scene!(cli, "user_export_there", ["user", "export", "asha", "--out", "asha.json"]);
    scene!(cli, "user_export_nowhere", ["user", "export", "asha", "--out", "nowhere/asha.json"]);
    scene!(cli, "user_export_nobody", ["user", "export", "nobody"]);
    assert!(!cli.directory().join("asha.json.part").exists());
}

#[test]
fn what_is_kept_is_printed_as_the_page_holds_it() {
    let page = include_str!("../../../docs/data-retention.md");
    assert_eq!(Cli::new().ask(&["user", "retention"]), page);
}
