//! The media server and the relay beside the other services.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::place::{Place, answers};
use crate::media_servers::{Credential, token};

const SERVICES: &[&str] = &["dev", "--no-server", "--no-seed", "--json"];
const SHOW: &str = "env | grep -E '^(LIVEKIT|TURN)_' || true";
const PATIENCE: Duration = Duration::from_secs(20);

fn variables(shown: &str) -> BTreeMap<&str, &str> {
    shown.lines().filter_map(|line| line.split_once('=')).collect()
}

/// A server that takes one event, as Banter's would: the headers and the body.
fn take_one_event() -> (u16, mpsc::Receiver<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, hear) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
        let header = |line: &str| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned);
        let length = head.lines().find_map(header).unwrap().parse().unwrap();
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
        tell.send((head, serde_json::from_slice(&body).unwrap())).unwrap();
    });
    (port, hear)
}

#[tokio::test]
async fn commands_reach_livekit_and_the_relay_and_events_come_back() {
    let (port, events) = take_one_event();
    let place = Place::new().set("PORT", &port.to_string());
    let running = place.start(SERVICES);
    let shown = place.exec(SHOW).well();
    let set = variables(&shown);
    assert_eq!(set["LIVEKIT_SERVER_URL"], running.tour["livekitUrl"], "{shown}");

    let http = banter_core::providers::http_client();
    let create = async |token: String| {
        let url = format!("{}/twirp/livekit.RoomService/CreateRoom", set["LIVEKIT_API_URL"]);
        http.post(url).bearer_auth(token).json(&json!({ "name": "baithak" })).send().await.unwrap().status()
    };
    assert_eq!(create(token(set["LIVEKIT_API_KEY"], "another secret of some length or other")).await, 401);
    assert_eq!(create(token(set["LIVEKIT_API_KEY"], set["LIVEKIT_API_SECRET"])).await, 200);
    let (head, event) = events.recv_timeout(PATIENCE).expect("an event");
    assert!(head.starts_with("POST /api/webhooks/livekit HTTP/1.1\r\n"), "{head}");
    assert_eq!((&event["event"], &event["room"]["name"]), (&json!("room_started"), &json!("baithak")));

    // Relayed to this very machine, which is all that a development machine has.
    let relay = running.port_of("turnUrl");
    assert!(set["TURN_URLS"].contains(&format!("turn:127.0.0.1:{relay}?transport=udp")), "{shown}");
    let heard = Credential::new(set["TURN_SECRET"], 60).relay_to("127.0.0.1", relay);
    assert!(heard.contains("Received relay addr: 127.0.0.1:3"), "{heard}");
    assert!(!heard.contains("403 (Forbidden"), "{heard}");
    let wrong = Credential::new("another secret", 60).relay_to("127.0.0.1", relay);
    assert!(wrong.contains("Cannot complete Allocation"), "{wrong}");

    let livekit = running.port_of("livekitUrl");
    running.tell(Signal::INT);
    assert_eq!(running.end().0, Some(0));
    assert_eq!([livekit, relay].map(answers), [false; 2]);
    place.assert_nothing_runs();
}

#[test]
fn what_is_killed_is_started_again_at_its_port() {
    let place = Place::new();
    let mut running = place.start(SERVICES);
    for (part, name, url) in [("livekit", "LiveKit", "livekitUrl"), ("coturn", "coturn", "turnUrl")] {
        let record = place.dir().join("run").join(format!("{part}.json"));
        let record: Value = serde_json::from_slice(&fs::read(record).unwrap()).unwrap();
        let pid = i32::try_from(record["pid"].as_i64().unwrap()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
        running.hear(&format!("{name} is started again"));
        let begun = Instant::now();
        while !answers(running.port_of(url)) {
            assert!(begun.elapsed() < PATIENCE, "{name} does not come back");
            std::thread::yield_now();
        }
    }
    assert!(answers(running.port_of("redisUrl")), "the others go on");
    running.tell(Signal::TERM);
    assert_eq!(running.end().0, Some(0));
    place.assert_nothing_runs();
}

#[test]
fn where_they_are_not_installed_everything_else_goes_on() {
    let place = Place::new()
        .set("DATABASE_URL", "postgres://asha@db.example/banter")
        .set("REDIS_URL", "redis://cache.example")
        .set("PATH", "/nonexistent");
    let ran = place.run(&["dev", "exec", "--", "/bin/sh", "-c", "echo \"[$LIVEKIT_API_KEY$TURN_URLS]\""]);
    assert!(
        ran.stderr.contains("LiveKit is not installed: calls and rooms will not connect"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("coturn is not installed: "), "{}", ran.stderr);
    assert_eq!(ran.well(), "[]\n");
}

#[test]
fn where_somebody_has_their_own_none_is_started() {
    let place = Place::new().set("LIVEKIT_SERVER_URL", "wss://live.example").set("TURN_SECRET", "theirs");
    let place = place.set("RAZORPAY_KEY_ID", "rzp_test_ofsomebodyelse");
    let ran = place.exec(&format!("{SHOW}; ls .banter/run"));
    assert!(!ran.stderr.contains("LiveKit") && !ran.stderr.contains("coturn"), "{}", ran.stderr);
    let mut lines: Vec<_> = ran.stdout.lines().collect();
    lines.sort_unstable();
    let own = ["LIVEKIT_SERVER_URL=wss://live.example", "TURN_SECRET=theirs", "postgres.json", "redis.json"];
    assert_eq!(lines, own);

    // What is thrown away meets nobody's.
    let thrown = place.run(&["dev", "exec", "--throwaway", "--", "sh", "-c", SHOW]).well();
    assert!(variables(&thrown)["LIVEKIT_SERVER_URL"].starts_with("ws://127.0.0.1:"), "{thrown}");
    assert_ne!(variables(&thrown)["TURN_SECRET"], "theirs");
}

#[test]
fn a_directory_from_before_calls_gets_keys_and_keeps_its_data() {
    let place = Place::new();
    place.exec("psql -qc 'create table kept as select 7 as n'").well();
    let file = place.dir().join("state.json");
    let mut state: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let object = state.as_object_mut().unwrap();
    assert!(object.remove("livekit").is_some() && object.remove("relay").is_some());
    fs::write(&file, state.to_string()).unwrap();

    let shown = place.exec(&format!("psql -Atc 'select n from kept'; {SHOW}")).well();
    assert!(shown.starts_with("7\n"), "{shown}");
    let keys =
        |shown: &str| variables(shown)["LIVEKIT_API_SECRET"].to_owned() + variables(shown)["TURN_SECRET"];
    assert!(keys(&shown).len() >= 64);
    assert_eq!(keys(&place.exec(SHOW).well()), keys(&shown), "made up once");
}
