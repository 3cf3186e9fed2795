use std::io::Write as _;
use std::process::Stdio;

use banter_core::rooms::RoomType;
use banter_core::rooms::open::NewRoom;

use crate::harness::{Cli, scene};

/// Asha's room, with Ravi in it, and one of hers that is private.
async fn with_rooms() -> (Cli, String) {
    let cli = Cli::with_database().await;
    let banter = cli.banter().await;
    let people = banter.seed().demo().await.expect("made");
    let mut callers = Vec::new();
    for person in &people[..2] {
        let token = cli.ask(&["user", "token", &person.id.to_string()]);
        callers.push(banter.accounts().authenticate(token.trim_end()).expect("a good token"));
    }
    let new = |name: &str, is_public| NewRoom {
        name: name.into(),
        description: Some("tea, and talk".into()),
        category: None,
        language: None,
        room_type: RoomType::Text,
        max_members: None,
        is_public,
        cover_image: None,
    };
    let room = banter.rooms().create(&callers[0], new("Chai", true)).await.expect("a room").room.id;
    banter.rooms().join(&callers[1], room).await.expect("in");
    banter.rooms().mute(&callers[0], room, people[1].id, true).await.expect("muted");
    banter.rooms().create(&callers[0], new("Family", false)).await.expect("a room");
    banter.close().await;
    (cli, room.to_string())
}

#[tokio::test]
async fn rooms_are_listed_and_shown() {
    let empty = Cli::with_database().await;
    scene!(empty, "rooms_list_empty", ["rooms", "list"]);
    scene!(empty, "rooms_list_empty_json", ["--json", "rooms", "list"]);
    let (cli, room) = with_rooms().await;
    scene!(cli, "rooms_list", ["rooms", "list"]);
    scene!(cli, "rooms_list_json", ["--json", "rooms", "list", "--all"]);
    scene!(cli, "rooms_show", ["rooms", "show", &room]);
    scene!(cli, "rooms_show_json", ["--json", "rooms", "show", &room]);
    scene!(cli, "rooms_show_nothing", ["rooms", "show", "01980a52-7d1c-7e3b-a1a5-d54a4bb9c0a1"]);
    scene!(cli, "rooms_show_not_an_id", ["rooms", "show", "chai"]);
    let first: serde_json::Value =
        serde_json::from_str(&cli.ask(&["--json", "rooms", "list", "--limit", "1"])).expect("JSON");
    let cursor = first["nextCursor"].as_str().expect("another page");
    let rest = cli.ask(&["--json", "rooms", "list", "--limit", "1", "--after", cursor]);
    assert!(rest.contains(&room) && !first.to_string().contains(&room));
}

#[tokio::test]
async fn a_room_is_closed_when_somebody_means_it() {
    let (cli, room) = with_rooms().await;
    let arguments = ["rooms", "close", &room, "--reason", "threats"];
    scene!(cli, "rooms_close_unconfirmed", arguments);
    for (typed, code) in [("yes\n", 1), ("\n", 1), ("close\n", 0)] {
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
    scene!(cli, "rooms_show_closed", ["rooms", "show", &room]);
    scene!(cli, "rooms_close_again", ["rooms", "close", &room, "--reason", "x", "--yes"]);
    scene!(cli, "rooms_close_without_reason", ["rooms", "close", &room]);
    assert_eq!(cli.count("select count(*) from chat_room_members").await, 1, "asha, in the other one");
}
