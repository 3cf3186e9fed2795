//! Which conversation is on whose screen, as the app says with each heartbeat: nobody is pushed what they are looking
//! at. Kept for each socket, in Redis for all replicas or in this process when there is no Redis; forgotten when the
//! socket closes, and after [`LOOKS`] without another heartbeat.
//!
//! In Redis a person is a hash from socket to the conversation and the end of its time (milliseconds).

use std::collections::HashMap;
use std::sync::Mutex;

use chrono::{DateTime, TimeDelta, Utc};

use super::Presences;
use crate::ids::{ConversationId, UserId};
use crate::redis::{Away, Redis};

/// How long a heartbeat counts.
pub(crate) const LOOKS: TimeDelta = TimeDelta::seconds(60);
/// What the key of a person's hash begins with.
const PERSON: &str = "viewing:u:";

/// By socket: what is on it, and until when that counts (milliseconds).
type Screens = HashMap<String, (ConversationId, i64)>;

pub(crate) enum Viewing {
    Redis(Redis),
    Memory(Mutex<HashMap<UserId, Screens>>),
}

impl Viewing {
    pub(crate) fn new(redis: Option<Redis>) -> Self {
        redis.map_or_else(|| Self::Memory(Mutex::default()), Self::Redis)
    }

    async fn set(
        &self,
        user: UserId,
        socket: &str,
        conversation: Option<ConversationId>,
        now: DateTime<Utc>,
    ) {
        let Some(conversation) = conversation else { return self.forget(user, socket).await };
        let till = (now + LOOKS).timestamp_millis();
        match self {
            Self::Redis(redis) => {
                let key = redis.key(format_args!("{PERSON}{user}"));
                let mut set = redis::pipe();
                set.atomic()
                    .hset(&key, socket, format!("{till} {conversation}"))
                    .ignore()
                    .pexpire(&key, LOOKS.num_milliseconds())
                    .ignore();
                // Lost: a push too many.
                let _: Result<(), Away> = redis.ask(async |c| set.query_async(c).await).await;
            }
            Self::Memory(people) => {
                let mut people = people.lock().expect("no panic while locked");
                people.entry(user).or_default().insert(socket.to_owned(), (conversation, till));
            }
        }
    }

    pub(super) async fn forget(&self, user: UserId, socket: &str) {
        match self {
            Self::Redis(redis) => {
                let mut forget = redis::cmd("HDEL");
                forget.arg(redis.key(format_args!("{PERSON}{user}"))).arg(socket);
                // Lost: its time runs out by itself.
                let _: Result<i64, Away> = redis.ask(async |c| forget.query_async(c).await).await;
            }
            Self::Memory(people) => {
                let mut people = people.lock().expect("no panic while locked");
                if let Some(sockets) = people.get_mut(&user) {
                    sockets.remove(socket);
                    if sockets.is_empty() {
                        people.remove(&user);
                    }
                }
            }
        }
    }

    async fn is_viewed(&self, user: UserId, conversation: ConversationId, now: DateTime<Utc>) -> bool {
        let now = now.timestamp_millis();
        match self {
            Self::Redis(redis) => {
                let mut all = redis::cmd("HVALS");
                all.arg(redis.key(format_args!("{PERSON}{user}")));
                let seen: Result<Vec<String>, Away> = redis.ask(async |c| all.query_async(c).await).await;
                seen.unwrap_or_default().iter().any(|entry| {
                    let Some((till, what)) = entry.split_once(' ') else { return false };
                    what.parse() == Ok(conversation) && till.parse().is_ok_and(|till: i64| till >= now)
                })
            }
            Self::Memory(people) => {
                let people = people.lock().expect("no panic while locked");
                let mut sockets = people.get(&user).into_iter().flat_map(HashMap::values);
                sockets.any(|(what, till)| *what == conversation && *till >= now)
            }
        }
    }
}

impl Presences<'_> {
    /// This conversation is on the screen of this socket's app; or none is.
    pub async fn views(&self, user: UserId, socket: &str, conversation: Option<ConversationId>) {
        self.0.viewing().set(user, socket, conversation, self.0.clock().now()).await;
    }

    /// Is this conversation on one of this person's screens? No, as far as can be told, while Redis is away.
    pub(crate) async fn is_viewed(&self, user: UserId, conversation: ConversationId) -> bool {
        self.0.viewing().is_viewed(user, conversation, self.0.clock().now()).await
    }
}
