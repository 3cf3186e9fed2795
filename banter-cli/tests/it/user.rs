use banter_core::accounts::Role;
use banter_core::seed::DemoPerson;

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
