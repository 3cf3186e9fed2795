use banter_core::config::variables;

use crate::harness::{ACCESS_SECRET, Cli, REFRESH_SECRET, scene};

/// A project with something in each place, and a misspelt line.
fn project() -> Cli {
    Cli::new()
        .set("PORT", "6001")
        .file(".env", "PORT=6000\nHOST=0.0.0.0\nREDIS_URL=redis://:hunter2@127.0.0.1:6379\nJWT_SECERT=oops\n")
        .file(
            ".banter/env",
            &format!(
                "HOST=127.0.0.1\nDATABASE_URL=postgres://banter:hunter2@127.0.0.1:7002/banter\n\
                 JWT_SECRET={ACCESS_SECRET}\nJWT_REFRESH_SECRET={REFRESH_SECRET}\n"
            ),
        )
}

#[test]
fn every_value_and_where_it_comes_from_and_no_secret() {
    let cli = project();
    scene!(cli, "config_show", ["config", "show"]);
    for arguments in [&["config", "show"][..], &["--json", "config", "show"]] {
        let shown = cli.ask(arguments);
        for secret in ["hunter2", ACCESS_SECRET, REFRESH_SECRET] {
            assert!(!shown.contains(secret), "{secret}");
        }
    }
    let shown: serde_json::Value =
        serde_json::from_str(&cli.ask(&["--json", "config", "show"])).expect("JSON");
    assert_eq!(shown["variables"].as_array().expect("a list").len(), variables::variables().count());
    let host = shown["variables"].as_array().and_then(|all| all.iter().find(|v| v["name"] == "HOST"));
    cli.settings().bind(|| insta::assert_json_snapshot!("config_show_one_json", host));
}

#[test]
fn what_holds_and_what_does_not() {
    scene!(project(), "config_check", ["config", "check"]);
    let broken = Cli::new().file(".env", "PORT=many\nJWT_SECRET=two words\nDATABASE_URL=mysql://x\n");
    scene!(broken, "config_check_problems", ["config", "check"]);
    scene!(broken, "config_check_problems_json", ["--json", "config", "check"]);
    scene!(project(), "config_check_json", ["--json", "config", "check"]);
}

#[test]
fn production_looks_elsewhere_and_closer() {
    let cli = project().set("BANTER_ENV", "production");
    scene!(cli, "config_check_production", ["config", "check"]);
}

#[test]
fn a_file_of_ones_own_choosing() {
    let cli = project().file("staging.env", "DATABASE_URL=postgres://db.staging/banter\nPORT=7000\n");
    let mut settings = cli.settings();
    settings.add_filter(r"(?m)^.*  (default|not set)\n", "");
    settings.bind(|| {
        let shown = cli.show(&["--env-file", "staging.env", "config", "show"]);
        insta::assert_snapshot!("config_show_chosen_file", shown);
    });
    scene!(cli, "chosen_file_absent", ["--env-file", "absent.env", "migrate", "status"]);
    scene!(cli, "chosen_file_for_dev", ["--env-file", "staging.env", "dev"]);
}

#[test]
fn the_example_is_core_s() {
    assert_eq!(Cli::new().ask(&["config", "example"]), variables::example());
}
