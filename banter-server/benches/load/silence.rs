//! From a suspension to silence: somebody talks in a room, with a socket open and a token in hand; an operator suspends
//! them. Silent is when the media server has sent them out, the socket is closed, and no request of theirs is taken.

use std::time::{Duration, Instant};

use banter_core::Banter;
use banter_core::config::Config;
use banter_core::testing::livekit::{Joined, enter};
use serde_json::json;

use crate::http::{self, Connection, Person};
use crate::socket;

/// How many are suspended, one after the other.
const TRIES: usize = 100;
/// As many as fit into a room, its host among them.
const ROOM: usize = 50;

/// What it took, of each part: sent out by the media server, socket closed, refused by the API.
pub(crate) struct Silence {
    pub(crate) media: Vec<Duration>,
    pub(crate) socket: Vec<Duration>,
    pub(crate) api: Vec<Duration>,
}

/// `None`: there is no media server to be silent at.
pub(crate) async fn run(address: &str) -> Option<Silence> {
    let config = Config::from_env().expect("the settings that the server has as well");
    config.livekit.as_ref()?;
    let banter = Banter::connect(config).await.expect("the database answers");
    let mut silence = Silence { media: Vec::new(), socket: Vec::new(), api: Vec::new() };
    for _ in 0..TRIES.div_ceil(ROOM - 1) {
        let people = http::register(address, ROOM).await;
        let room = open(address, &people[0]).await;
        for person in people[1..].iter().take(TRIES - silence.media.len()) {
            let joined = talk(address, person, &room).await;
            one(&banter, address, person, joined, &mut silence).await;
        }
    }
    banter.close().await;
    Some(silence)
}

async fn open(address: &str, host: &Person) -> String {
    let mut connection = Connection::open(address).await.expect("the server listens");
    let body = json!({ "name": "Loud", "roomType": "voice", "maxMembers": ROOM });
    let answer = connection.json("POST", "/api/rooms/create", Some(&host.token), &body).await;
    answer["room"]["id"].as_str().expect("an id").to_owned()
}

async fn talk(address: &str, person: &Person, room: &str) -> Joined {
    let mut connection = Connection::open(address).await.expect("the server listens");
    let path = format!("/api/rooms/{room}/join");
    let answer = connection.json("POST", &path, Some(&person.token), &json!({})).await;
    let text = |name: &str| answer["room"][name].as_str().expect("text").to_owned();
    enter(&text("livekitServerUrl"), &text("token")).await.expect("the token opens the room")
}

async fn one(banter: &Banter, address: &str, person: &Person, mut joined: Joined, silence: &mut Silence) {
    let (sink, mut events) = socket::connect(address, &person.token).await;
    let user = person.id.parse().expect("an id");
    let begun = Instant::now();
    let media = async {
        joined.until_out().await;
        begun.elapsed()
    };
    let hung_up = async {
        // Socket.IO's "disconnect": the connection below it may live on.
        while socket::next(&mut events, &sink).await.is_some_and(|text| !text.starts_with("41")) {}
        begun.elapsed()
    };
    let refused = async {
        let mut connection = Connection::open(address).await.expect("the server listens");
        while connection.ask("GET", "/api/auth/me", Some(&person.token), "").await.0 != 403 {}
        begun.elapsed()
    };
    let suspended =
        async { banter.accounts().suspend(user, None, "measured").await.expect("they are suspended") };
    let (media, hung_up, refused, ()) = tokio::join!(media, hung_up, refused, suspended);
    silence.media.push(media);
    silence.socket.push(hung_up);
    silence.api.push(refused);
}
