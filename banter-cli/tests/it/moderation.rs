//! `banter reports`, `mod`, `rules`, `audit` and `stats moderation`, by one story each.

use std::io::Write as _;
use std::process::Stdio;

use banter_core::accounts::Caller;
use banter_core::messaging::send::{Draft, Target};
use banter_core::moderation::reasons::Reason;
use banter_core::moderation::reports::About;
use banter_core::seed::DemoPerson;
use serde_json::Value;

use crate::harness::Cli;

macro_rules! scene {
    ($cli:expr, $name:expr, $arguments:expr) => {
        settings(&$cli).bind(|| insta::assert_snapshot!($name, $cli.show(&$arguments)))
    };
}

/// What differs from run to run.
fn settings(cli: &Cli) -> insta::Settings {
    let mut settings = cli.settings();
    settings.add_filter(r"\b\d{4}-\d\d-\d\dT[\d:.]+\+00:00", "[time]");
    settings.add_filter(r"\b\d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d", "[day] to [day]");
    settings.add_filter(r"\b[0-9a-f]{64}\b", "[digest]");
    settings.add_filter(r#""priority": [\d.]+"#, r#""priority": [number]"#);
    settings.add_filter(r"\b\d+ s (half|nine)", "[seconds] $1");
    settings.add_filter(r"[\d.]+ µs", "[µs]");
    settings
}

struct Scene {
    cli: Cli,
    people: Vec<DemoPerson>,
}

impl Scene {
    /// Asha and Ravi, and Meera and Sana, who are a moderator and a senior.
    async fn new() -> Self {
        let cli = Cli::with_database().await;
        cli.ask(&["seed", "--users", "2", "--seed", "7"]);
        let banter = cli.banter().await;
        let people = banter.seed().demo().await.expect("made");
        banter.close().await;
        cli.sql(
            "with strangers as (
                 select id, row_number() over (order by id) as place from users where username not in ('asha', 'ravi')
             )
             update users u
             set username = (array['meera', 'sana'])[s.place], role = (array['moderator', 'senior'])[s.place]
             from strangers s where s.id = u.id",
        )
        .await;
        Self { cli, people }
    }

    fn caller(&self, banter: &banter_core::Banter, at: usize) -> Caller {
        let token = self.cli.ask(&["user", "token", &self.people[at].id.to_string()]);
        banter.accounts().authenticate(token.trim_end()).expect("a good token")
    }

    /// Asha reports Ravi.
    async fn report(&self, reason: Reason) -> String {
        let banter = self.cli.banter().await;
        let asha = self.caller(&banter, 0);
        let about = About::User(self.people[1].id);
        banter.moderation().report(&asha, about, reason, Some("rude")).await.expect("reported");
        banter.close().await;
        let listed: Value =
            serde_json::from_str(&self.cli.ask(&["--json", "reports", "list"])).expect("JSON");
        listed["cases"][0]["id"].as_str().expect("a case").to_owned()
    }
}

#[tokio::test]
async fn a_case_is_found_taken_and_decided() {
    let scene = Scene::new().await;
    let cli = &scene.cli;
    scene!(cli, "reports_list_empty", ["reports", "list"]);
    scene!(cli, "reports_claim_nothing", ["reports", "claim", "--next", "--as", "meera"]);
    let case = scene.report(Reason::Harassment).await;
    scene!(cli, "reports_list", ["reports", "list"]);
    scene!(cli, "reports_list_json", ["--json", "reports", "list", "--reason", "harassment"]);
    scene!(cli, "reports_list_overdue", ["reports", "list", "--overdue"]);
    scene!(cli, "reports_show", ["reports", "show", &case, "--as", "meera"]);
    scene!(cli, "reports_show_nothing", ["reports", "show", "01980a52-7d1c-7e3b-a1a5-d54a4bb9c0a1"]);
    scene!(cli, "reports_claim_by_nobody", ["reports", "claim", &case]);
    scene!(cli, "reports_claim_by_no_staff", ["reports", "claim", &case, "--as", "asha"]);
    scene!(cli, "reports_claim", ["reports", "claim", "--next", "--as", "meera"]);
    scene!(cli, "reports_claim_held", ["reports", "claim", &case, "--as", "sana"]);
    let resolve = ["reports", "resolve", &case, "--as", "meera", "--note", "insults"];
    let with = |more: &[&'static str]| -> Vec<&str> { [&resolve[..], more].concat() };
    scene!(cli, "reports_resolve_too_long", with(&["--action", "suspend", "--days", "90"]));
    scene!(cli, "reports_resolve_misses", with(&["--action", "close_room"]));
    scene!(cli, "reports_resolve", with(&["--action", "suspend", "--days", "3"]));
    scene!(cli, "reports_resolve_again", with(&["--dismiss"]));
    scene!(cli, "reports_export", ["reports", "export"]);
    scene!(cli, "stats_moderation", ["stats", "moderation"]);
    assert_eq!(
        cli.count("select count(*) from users where username = 'ravi' and status = 'suspended'").await,
        1
    );
}

#[tokio::test]
async fn a_court_s_order_is_filed() {
    let scene = Scene::new().await;
    let order = ["reports", "order", "--user", "ravi", "--note", "Delhi HC, W.P.(C) 123/2026"];
    scene!(scene.cli, "reports_order_by_a_moderator", [&order[..], &["--as", "meera"]].concat());
    scene!(scene.cli, "reports_order", [&order[..], &["--as", "sana"]].concat());
    scene!(scene.cli, "reports_list_ordered", ["reports", "list"]);
    let nobody = [
        "reports",
        "order",
        "--message",
        "01980a52-7d1c-7e3b-a1a5-d54a4bb9c0a1",
        "--note",
        "x",
        "--as",
        "sana",
    ];
    scene!(scene.cli, "reports_order_nothing", nobody);
}

#[tokio::test]
async fn staff_is_named_and_listed() {
    let scene = Scene::new().await;
    let cli = &scene.cli;
    scene!(cli, "mod_list", ["mod", "list"]);
    scene!(cli, "mod_add", ["mod", "add", "asha", "--role", "viewer"]);
    scene!(cli, "mod_role", ["mod", "role", "meera", "user"]);
    scene!(cli, "mod_list_json", ["--json", "mod", "list"]);
    cli.ask(&["mod", "role", "asha", "user"]);
    cli.ask(&["mod", "role", "sana", "user"]);
    scene!(cli, "mod_list_empty", ["mod", "list"]);
}

#[tokio::test]
async fn the_record_is_checked_and_taken_out() {
    let scene = Scene::new().await;
    let cli = &scene.cli;
    scene.report(Reason::Scam).await;
    cli.ask(&["reports", "claim", "--next", "--as", "meera"]);
    let head = cli.ask(&["audit", "verify"]);
    settings(cli).bind(|| {
        insta::assert_snapshot!("audit_verify", cli.show(&["audit", "verify"]));
        insta::assert_snapshot!("audit_export", cli.show(&["audit", "export", "--act", "case"]));
    });
    cli.ask(&["audit", "verify", "--expect", head.trim_end()]);
    let file = cli.directory().join("audit.csv").display().to_string();
    cli.ask(&["audit", "export", "--out", &file]);
    assert!(!cli.run(&["audit", "export", "--out", &file]).status.success(), "what is there stays");
    cli.sql(
        "alter table audit_log disable trigger all;
         update audit_log set actor_id = null where act = 'case.claim';
         alter table audit_log enable trigger all",
    )
    .await;
    settings(cli).bind(|| {
        insta::assert_snapshot!("audit_tampered", cli.show(&["audit", "verify"]));
        insta::assert_snapshot!("audit_tampered_json", cli.show(&["--json", "audit", "verify"]));
    });
}

const RULES: &str = r#"
[[rule]]
name = "refund-bait"
action = "hold"
reason = "scam"
test = { kind = "regex", pattern = '\brefund\b.*\bpaytm\b' }

[[rule]]
name = "phones"
action = "flag"
reason = "spam"
spares_friends = false
test = { kind = "leak", kinds = ["phone"] }
"#;

#[tokio::test]
async fn rules_are_tried_then_let_loose() {
    let scene = Scene::new().await;
    let broken = RULES.replace("refund\\b.*", "refund(");
    let cli = scene.cli.file("scams.toml", RULES).file("broken.toml", &broken).file("no.toml", "rules = 1");
    let banter = cli.banter().await;
    let token = cli.ask(&["user", "token", "asha"]);
    let asha = banter.accounts().authenticate(token.trim_end()).expect("a good token");
    for content in ["hello", "call 9876543210", "refund by PayTM, now", "call\n98765 43210"] {
        let draft = Draft::text(Target::User(scene.people[1].id), content);
        banter.messaging().send(&asha, draft, None).await.expect("sent");
    }
    banter.close().await;
    scene!(cli, "rules_list_empty", ["rules", "list"]);
    scene!(cli, "rules_test_nothing", ["rules", "test"]);
    scene!(cli, "rules_add_unreadable", ["rules", "add", "missing.toml"]);
    scene!(cli, "rules_add_no_rules", ["rules", "add", "no.toml"]);
    scene!(cli, "rules_add_broken", ["rules", "add", "broken.toml", "--as", "sana"]);
    settings(&cli).bind(|| {
        let test = ["rules", "test", "scams.toml", "--show", "2", "--as", "sana"];
        insta::assert_snapshot!("rules_test", cli.show(&test));
        insta::assert_snapshot!("rules_test_json", cli.show(&["--json", "rules", "test", "scams.toml"]));
    });
    assert_eq!(cli.count("select count(*) from audit_log where act = 'rule.try'").await, 2);
    scene!(cli, "rules_add_by_a_moderator", ["rules", "add", "scams.toml", "--as", "meera"]);
    scene!(cli, "rules_add", ["rules", "add", "scams.toml", "--as", "sana"]);
    scene!(cli, "rules_add_again", ["rules", "add", "scams.toml", "--as", "sana"]);
    scene!(cli, "rules_show", ["rules", "show", "refund-bait"]);
    scene!(cli, "rules_enable", ["rules", "enable", "refund-bait", "--as", "sana"]);
    scene!(cli, "rules_shadow", ["rules", "shadow", "refund-bait", "--as", "sana"]);
    scene!(cli, "rules_disable", ["--json", "rules", "disable", "refund-bait", "--as", "sana"]);
    scene!(cli, "rules_enable_nothing", ["rules", "enable", "nothing", "--as", "sana"]);
    scene!(cli, "rules_remove", ["rules", "remove", "phones", "--as", "sana"]);
    // What is printed can be added.
    let shown = cli.ask(&["rules", "show", "refund-bait"]);
    cli.ask(&["rules", "remove", "refund-bait", "--as", "sana"]);
    let mut add = cli.command(&["rules", "add", "-", "--as", "sana"]);
    let mut adding =
        add.stdin(Stdio::piped()).stderr(Stdio::null()).stdout(Stdio::null()).spawn().expect("starts");
    adding.stdin.take().expect("piped").write_all(shown.as_bytes()).expect("written");
    assert!(adding.wait().expect("ended").success());
    assert_eq!(cli.ask(&["rules", "show", "refund-bait"]), shown);
    scene!(cli, "rules_add_defaults", ["rules", "add", "--defaults", "--as", "sana"]);
}
