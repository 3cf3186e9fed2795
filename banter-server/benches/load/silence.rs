//! From a moderator's act to silence, through two replicas: somebody talks in a room, with a socket open and a token in
//! hand, at one replica; at the other a moderator suspends or bans them. Silent is when the media server has sent them out, the
//! socket is closed, and no request of theirs is taken.

use std::time::{Duration, Instant};

use banter_core::Banter;
use banter_core::accounts::Role;
use banter_core::config::Config;
use banter_core::moderation::Staff;
use banter_core::testing::livekit::{Joined, enter};
use serde_json::{Value, json};

use crate::http::{self, Connection, Person};
use crate::socket;

/// How many are silenced, one after the other: every second one is banned.
const TRIES: usize = 100;
/// As many as fit into a room, its host among them.
const ROOM: usize = 50;

/// What it took, of each part: sent out by the media server, socket closed, refused by the API.
pub(crate) struct Silence {
    pub(crate) media: Vec<Duration>,
    pub(crate) socket: Vec<Duration>,
    pub(crate) api: Vec<Duration>,
}

/// A moderator, at their replica.
struct Desk {
    address: String,
    moderator: Person,
}

/// `None`: there is no media server to be silent at.
pub(crate) async fn run(address: &str, other: &str) -> Option<Silence> {
    let config = Config::from_env().expect("the settings that the server has as well");
    config.livekit.as_ref()?;
    let desk = Desk::open(config, other).await;
    let mut silence = Silence { media: Vec::new(), socket: Vec::new(), api: Vec::new() };
    for _ in 0..TRIES.div_ceil(ROOM - 1) {
        let people = http::register(address, ROOM).await;
        let room = open(address, &people[0]).await;
        for person in people[1..].iter().take(TRIES - silence.media.len()) {
            let joined = talk(address, person, &room).await;
            one(&desk, address, person, joined, &mut silence).await;
        }
    }
    Some(silence)
}

impl Desk {
    async fn open(config: Config, address: &str) -> Self {
        let banter = Banter::connect(config).await.expect("the database answers");
        let mut moderator = http::register(address, 1).await.remove(0);
        let id = moderator.id.parse().expect("an id");
        let named = banter.moderation().name_staff(Staff::OPERATOR, id, Role::Moderator).await;
        named.expect("they are staff");
        banter.close().await;
        http::sign_in(address, &mut moderator).await;
        Self { address: address.to_owned(), moderator }
    }

    async fn act(&self, path: &str, body: &Value) -> Value {
        let mut connection = Connection::open(&self.address).await.expect("the server listens");
        let path = format!("/api/moderation/{path}");
        connection.json("POST", &path, Some(&self.moderator.token), body).await
    }
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

async fn one(desk: &Desk, address: &str, person: &Person, mut joined: Joined, silence: &mut Silence) {
    let (sink, mut events) = socket::connect(address, &person.token).await;
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
    // A ban keeps out from the moment it is proposed.
    let (act, days) = if silence.media.len() % 2 == 1 { ("ban", None) } else { ("suspend", Some(3)) };
    let body = json!({ "policy": "threat", "note": "measured", "days": days });
    let path = format!("users/{}/{act}", person.id);
    let acted = desk.act(&path, &body);
    let (media, hung_up, refused, _) = tokio::join!(media, hung_up, refused, acted);
    silence.media.push(media);
    silence.socket.push(hung_up);
    silence.api.push(refused);
}
