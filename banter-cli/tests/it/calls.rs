use std::io::Write as _;
use std::process::Stdio;

use serde_json::Value;

use crate::harness::{Cli, scene};

/// Asha and Ravi, a call of theirs that is over, and one that goes on.
async fn with_calls() -> Cli {
    let cli = Cli::with_database().await;
    let banter = cli.banter().await;
    banter.seed().demo().await.expect("made");
    banter.close().await;
    cli.sql(
        "with people as (
             select (select id from users where username = 'asha') as asha,
                    (select id from users where username = 'ravi') as ravi
         ),
         call as (
             insert into call_logs
                 (id, caller_id, receiver_id, call_type, status, livekit_room, started_at, answered_at, ended_at, duration)
             select '0190b2c4-0000-7000-8000-000000000001'::uuid, asha, ravi, 'video', 'completed', 'call_1',
                    '2026-11-22 06:30Z'::timestamptz, '2026-11-22 06:30Z'::timestamptz, '2026-11-22 06:31:05Z'::timestamptz, 65
             from people
             union all
             select '0190b2c4-0000-7000-8000-000000000002', ravi, asha, 'audio', 'answered', 'call_2',
                    '2026-11-22 06:40Z', '2026-11-22 06:40Z', null, null
             from people
             returning id, caller_id, receiver_id, status, started_at
         )
         insert into call_participants (call_id, user_id, role, state, joined_at, left_at, connected_at, absent_since)
         select id, person, case person when caller_id then 'caller' else 'receiver' end,
                case status when 'answered' then 'joined' else 'left' end,
                started_at,
                case status when 'completed' then started_at end,
                started_at,
                case when status = 'answered' and person = receiver_id then started_at end
         from call, unnest(array[caller_id, receiver_id]) as person",
    )
    .await;
    cli
}

const PAST: &str = "0190b2c4-0000-7000-8000-000000000001";
const LIVE: &str = "0190b2c4-0000-7000-8000-000000000002";

#[tokio::test]
async fn listed_filtered_and_paged() {
    let cli = with_calls().await;
    scene!(cli, "calls_list", ["calls", "list"]);
    scene!(cli, "calls_list_json", ["--json", "calls", "list", "--live"]);
    scene!(cli, "calls_list_nobody", ["calls", "list", "--user", "nobody"]);
    let ids = |arguments: &[&str]| {
        let list: Value = serde_json::from_str(&cli.ask(arguments)).unwrap();
        let calls = list["calls"].as_array().unwrap().clone();
        let ids: Vec<String> = calls.iter().map(|call| call["id"].as_str().unwrap().to_owned()).collect();
        (ids, list["nextCursor"].as_str().map(str::to_owned))
    };
    assert_eq!(ids(&["--json", "calls", "list", "--user", "asha"]).0, [LIVE, PAST]);
    let (first, cursor) = ids(&["--json", "calls", "list", "--limit", "1"]);
    let cursor = cursor.expect("there is another");
    let (second, end) = ids(&["--json", "calls", "list", "--limit", "1", "--after", &cursor]);
    assert_eq!((first, second, end), (vec![LIVE.into()], vec![PAST.into()], None));
    let talk = String::from_utf8(cli.run(&["calls", "list", "--limit", "1"]).stderr).unwrap();
    assert!(talk.contains(&format!("--after {cursor}")), "{talk}");
    let empty = Cli::with_database().await;
    scene!(empty, "calls_list_none", ["calls", "list"]);
    scene!(empty, "calls_list_none_live", ["calls", "list", "--live"]);
}

#[tokio::test]
async fn shown_with_who_is_in_it() {
    let cli = with_calls().await;
    scene!(cli, "calls_show", ["calls", "show", LIVE]);
    scene!(cli, "calls_show_past", ["calls", "show", PAST]);
    scene!(cli, "calls_show_json", ["--json", "calls", "show", PAST]);
    scene!(cli, "calls_show_unknown", ["calls", "show", "0190b2c4-0000-7000-8000-00000000000f"]);
    scene!(cli, "calls_show_no_id", ["calls", "show", "asha"]);
}

#[tokio::test]
async fn ended_once_it_is_confirmed() {
    let cli = with_calls().await;
    let arguments = ["calls", "end", LIVE, "--reason", "somebody is in danger"];
    scene!(cli, "calls_end_unconfirmed", arguments);
    let live = "select count(*) from call_logs where ended_at is null";
    for (typed, code, left) in [("\n", 1, 1), ("yes\n", 1, 1), ("end\n", 0, 0)] {
        let mut child = cli
            .command(&arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("started");
        child.stdin.take().expect("piped").write_all(typed.as_bytes()).expect("read");
        assert_eq!(child.wait_with_output().expect("ended").status.code(), Some(code), "{typed:?}");
        assert_eq!(cli.count(live).await, left, "{typed:?}");
    }
    let shown: Value = serde_json::from_str(&cli.ask(&["--json", "calls", "show", LIVE])).unwrap();
    assert_eq!(
        (&shown["status"], &shown["endReason"]),
        (&"completed".into(), &"somebody is in danger".into())
    );
    scene!(cli, "calls_end_over", ["calls", "end", LIVE, "--yes", "--reason", "again"]);
    scene!(cli, "calls_end_without_reason", ["calls", "end", LIVE]);
}
