//! `banter livekit`: keys, and settings that the real servers take.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::harness::{Cli, scene};

const CONFIG: [&str; 8] = [
    "livekit",
    "config",
    "--domain",
    "live.banter.example",
    "--turn-domain",
    "turn.banter.example",
    "--redis",
    "rediss://:hunter2@cache.banter.example:6380",
];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    CONFIG.iter().chain(more).copied().collect()
}

#[test]
fn keys_are_fresh_and_long() {
    let cli = Cli::new();
    let keys: Value = serde_json::from_str(&cli.ask(&["livekit", "keys", "--json"])).expect("JSON");
    assert!(keys["secret"].as_str().expect("a secret").len() >= 32, "{keys}");
    let (one, other) = (cli.ask(&["livekit", "keys"]), cli.ask(&["livekit", "keys"]));
    let names: Vec<_> = one.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    assert_eq!(names, ["LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"]);
    assert!(one.lines().zip(other.lines()).all(|(one, other)| one != other), "{one}{other}");
}

#[test]
fn the_files_are_written_once_and_for_nobody_else() {
    let cli = Cli::new();
    let mut settings = cli.settings();
    settings.add_filter(r"\bAPI[0-9a-f]{16}\b", "[key]");
    settings.add_filter(r"\b[0-9a-f]{64}\b", "[secret]");
    settings.bind(|| insta::assert_snapshot!("livekit_config", cli.show(&CONFIG)));
    let read = |name: &str| fs::read_to_string(cli.directory().join(name)).expect("written");
    for name in ["livekit.yaml", "turnserver.conf"] {
        let mode = fs::metadata(cli.directory().join(name)).expect("written").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let first = read("livekit.yaml");
    assert!(first.contains("https://live.banter.example/api/webhooks/livekit"), "{first}");
    scene!(cli, "livekit_config_again", with(&[]));
    assert_eq!(read("livekit.yaml"), first);

    let forced = cli.ask(&with(&["--force", "--api-domain", "api.banter.example"]));
    let second = read("livekit.yaml");
    assert!(second.contains("https://api.banter.example/api/webhooks/livekit"), "{second}");
    let of = |name: &str| {
        let prefix = format!("{name}=");
        forced.lines().find_map(|line| line.strip_prefix(&prefix)).expect("printed").to_owned()
    };
    let pair = format!("{}: {}", of("LIVEKIT_API_KEY"), of("LIVEKIT_API_SECRET"));
    assert!(second.contains(&pair) && !first.contains(&pair), "{second}");
    let secret = of("TURN_SECRET");
    assert!(read("turnserver.conf").contains(&format!("static-auth-secret={secret}\n")));
    assert_eq!(second.matches(&secret).count(), 2, "{second}");
}

#[test]
fn a_password_may_come_where_nobody_else_on_the_machine_reads_it() {
    let cli = Cli::new().set("LIVEKIT_REDIS_URL", "rediss://:hunter2@cache.banter.example:6380");
    cli.ask(&CONFIG[..6]);
    let written = fs::read_to_string(cli.directory().join("livekit.yaml")).expect("written");
    assert!(written.contains("hunter2"), "{written}");
    assert!(!cli.ask(&["livekit", "config", "--help"]).contains("hunter2"));
}

#[test]
fn one_file_that_is_there_keeps_both_from_being_written() {
    let cli = Cli::new().file("out/turnserver.conf", "mine\n");
    let refused = cli.run(&with(&["--out", "out"]));
    assert_eq!(refused.status.code(), Some(1));
    assert!(!cli.directory().join("out/livekit.yaml").exists());
    let written: Value =
        serde_json::from_str(&cli.ask(&with(&["--out", "new/deep", "--json"]))).expect("JSON");
    assert_eq!(written["files"], serde_json::json!(["new/deep/livekit.yaml", "new/deep/turnserver.conf"]));
    assert_eq!(written["environment"]["LIVEKIT_SERVER_URL"], "wss://live.banter.example");
}

#[test]
fn what_is_no_host_is_refused() {
    let cli = Cli::new();
    for (option, value) in [
        ("--domain", "https://live.banter.example"),
        ("--turn-domain", "turn.banter.example:3478"),
        ("--api-domain", "api banter"),
        ("--node-ip", "live.banter.example"),
        ("--redis", "cache.banter.example"),
    ] {
        let mut words: Vec<&str> = CONFIG.to_vec();
        match words.iter().position(|word| *word == option) {
            Some(at) => words[at + 1] = value,
            None => words.extend([option, value]),
        }
        let output = cli.run(&words);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{option} {value}: {said}");
        assert!(said.contains(option), "{said}");
    }
    assert!(!cli.directory().join("livekit.yaml").exists());
}
