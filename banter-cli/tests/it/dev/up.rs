//! `banter dev`: all of it, and every way to end.

use std::fs;
use std::net::TcpListener;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::place::{Place, answers};

const SERVICES: &[&str] = &["dev", "--no-server", "--no-seed", "--json"];
const ALL: &[&str] = &["dev", "--port", "0", "--json"];

async fn ask(request: reqwest::RequestBuilder, person: &Value) -> Value {
    let answer = request.bearer_auth(person["accessToken"].as_str().unwrap()).send().await.unwrap();
    answer.json().await.unwrap()
}

#[tokio::test]
async fn the_two_people_can_talk_at_once() {
    let place = Place::new();
    let running = place.start(ALL);
    let url =
        running.tour["url"].as_str().unwrap_or_else(|| panic!("is banter-server built? {}", running.tour));
    let [asha, ravi] = running.tour["people"].as_array().unwrap().as_slice() else {
        panic!("{}", running.tour)
    };
    let http = banter_core::providers::http_client();

    // What the tour shows in curl's words.
    let me = ask(http.get(format!("{url}/api/auth/me")), asha).await;
    assert_eq!(me["user"]["username"], "asha", "{me}");
    let message = json!({ "receiverId": ravi["id"], "content": "Namaste Ravi", "messageType": "text" });
    let sent = ask(http.post(format!("{url}/api/messages")).json(&message), asha).await;
    assert_eq!(sent["success"], true, "{sent}");
    let history = ask(http.get(format!("{url}/api/messages/{}", asha["id"].as_str().unwrap())), ravi).await;
    assert_eq!(history["messages"][0]["content"], "Namaste Ravi", "{history}");
    assert!(history["messages"].as_array().unwrap().len() > 2, "they have talked before: {history}");
    let docs = http.get(running.tour["docs"].as_str().unwrap()).send().await.unwrap().status();
    assert!(docs.is_success() || docs.is_redirection(), "{docs}");

    // Other commands meet the same services, and the tokens lie where the tour says.
    assert!(place.run(&["user", "show", "ravi"]).well().contains("Ravi Kumar"));
    let token = fs::read_to_string(place.dir().join("tokens/asha")).unwrap();
    assert_eq!(token, asha["accessToken"].as_str().unwrap());

    let ports = [running.port_of("url"), running.port_of("databaseUrl"), running.port_of("redisUrl")];
    running.tell(Signal::INT);
    let (code, said) = running.end();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(ports.map(answers), [false; 3]);
    assert!(!place.dir().join("env").exists(), "it speaks of services that are no more");
    place.assert_nothing_runs();
}

#[test]
fn what_a_killed_run_left_is_stopped_first() {
    let place = Place::new();
    let mut killed = place.start(ALL);
    let server = killed.port_of("url");
    let ports = [server, killed.port_of("databaseUrl"), killed.port_of("redisUrl")];
    killed.kill();
    assert_eq!(ports.map(answers), [true; 3]);

    // It even finds its port again.
    let running = place.start(&["dev", "--port", &server.to_string(), "--json"]);
    assert_eq!(running.port_of("url"), server);
    assert_eq!(running.port_of("databaseUrl"), ports[1]);
    running.tell(Signal::TERM);
    let (code, said) = running.end();
    assert_eq!(code, Some(0), "{said}");
    for part in ["banter-server", "LiveKit", "coturn", "Redis", "PostgreSQL"] {
        assert!(said.contains(&format!("{part} of a run that was killed is still there")), "{said}");
    }
    place.assert_nothing_runs();
}

#[test]
fn one_runs_in_a_directory_and_exec_joins_it() {
    let place = Place::new();
    let running = place.start(SERVICES);
    assert_eq!(running.tour["url"], Value::Null);
    let second = place.run(&["dev"]);
    assert_eq!(second.code, Some(1));
    assert!(second.stderr.contains("`banter dev` runs here already"), "{}", second.stderr);

    let url = place.exec("psql -qAtc 'select 1' && echo $DATABASE_URL").well();
    assert_eq!(url, format!("1\n{}\n", running.tour["databaseUrl"].as_str().unwrap()));
    assert!(answers(running.port_of("databaseUrl")), "who joins stops nothing");
    running.tell(Signal::HUP);
    assert_eq!(running.end().0, Some(0));
    place.assert_nothing_runs();
}

#[test]
fn a_taken_port_is_refused_before_anything_starts() {
    let place = Place::new().with_server("exit 3");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let ran = place.run(&["dev", "--port", &port.to_string()]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains(&format!("port `{port}` is taken by another program")), "{}", ran.stderr);
    assert!(ran.stderr.contains(&format!("hint: stop that one, or choose another: `--port {}`", port + 1)));
    assert!(!ran.stderr.contains("is up"), "{}", ran.stderr);
}

#[test]
fn a_service_that_ends_by_itself_ends_it_all() {
    let place = Place::new();
    let running = place.start(SERVICES);
    let record: Value =
        serde_json::from_slice(&fs::read(place.dir().join("run/redis.json")).unwrap()).unwrap();
    let redis = i32::try_from(record["pid"].as_i64().unwrap()).unwrap();
    kill_process(Pid::from_raw(redis).unwrap(), Signal::KILL).unwrap();
    let (code, said) = running.end();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("Redis ended by itself (signal 9): everything is stopped"), "{said}");
    place.assert_nothing_runs();
}

#[test]
fn told_to_stop_while_it_starts_it_leaves_nothing_and_the_next_start_is_whole() {
    let place = Place::new();
    let mut starting = place.spawn(SERVICES);
    starting.hear("Making a PostgreSQL");
    starting.tell(Signal::INT);
    assert_eq!(starting.end().0, Some(130));
    place.assert_nothing_runs();
    place.exec("psql -c 'select 1'").well();
}

#[test]
fn a_server_that_does_not_come_up_takes_the_services_along() {
    let place = Place::new().with_server("echo no luck >&2; exit 3");
    let ran = place.run(&["dev", "--port", "0"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("no luck"), "its own words come through: {}", ran.stderr);
    assert!(ran.stderr.contains("banter-server ended before it was ready (exit code 3)"), "{}", ran.stderr);
    place.assert_nothing_runs();
}

#[test]
fn what_cannot_work_is_said_in_a_sentence() {
    let production = Place::new().set("NODE_ENV", "production").run(&["dev"]);
    assert_eq!(production.code, Some(1));
    assert!(production.stderr.contains("BANTER_ENV is `production`, and this is for development"));

    let place = Place::new().without_server();
    let alone = place.run(&["dev"]);
    assert_eq!(alone.code, Some(1));
    assert!(alone.stderr.contains("banter-server` is not there"), "{}", alone.stderr);

    let broken = Place::new();
    fs::write(broken.cli.directory().join(".env"), "PORT=5000\nnonsense\n").unwrap();
    let ran = broken.run(&["dev"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains(".env has a line after PORT that is not KEY=VALUE"), "{}", ran.stderr);
}
