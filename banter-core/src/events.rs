//! What happened, for open sockets, and the bus that carries it to whichever replica holds them.
//!
//! A rule publishes after its commit. The local sink (the server's fan-out) gets the notice at once; Redis carries
//! it to the other replicas, on one channel a person, so that a replica hears only of people connected to it. The
//! bus may lose a notice: chat is recovered by sequence number, revocations by polling the database.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, OnceLock};

use chrono::{DateTime, Utc};
use redis::{FromRedisValue as _, PushInfo, PushKind};
use serde::{Deserialize, Serialize, Serializer};
use tokio::sync::mpsc;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::accounts::PersonSummary;
use crate::accounts::revocations::Revocations;
use crate::accounts::sessions::Revocation;
use crate::calls::{self, CallType};
use crate::friends::requests::FriendRequest;
use crate::ids::{CallId, ConversationId, FriendRequestId, MessageId, RoomId, SanctionId, SessionId, UserId};
use crate::messaging::Message;
use crate::moderation::reasons::Reason;
use crate::moderation::sanctions::Action;
use crate::notifications::NewNotification;
use crate::payments::ledger;
use crate::payments::subscriptions::premium::PremiumUpdate;
use crate::presence::Presence;
use crate::redis::Redis;
use crate::rooms;

/// Declares every pushed event once: variant, name on the wire, payload.
macro_rules! events {
    ($($(#[doc = $doc:literal])* $variant:ident = $name:literal ($payload:ty),)*) => {
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "event", content = "data")]
        pub enum Event {
            $($(#[doc = $doc])* #[serde(rename = $name)] $variant($payload),)*
        }

        impl Event {
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)* }
            }
        }

        impl Serialize for Payload<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self.0 { $(Event::$variant(payload) => payload.serialize(serializer),)* }
            }
        }

        /// Every event's name, what it tells, and the JSON schema of its payload.
        pub fn schemas() -> Vec<(&'static str, &'static str, utoipa::openapi::RefOr<utoipa::openapi::Schema>)> {
            vec![$(($name, concat!($($doc),*).trim(), <$payload as utoipa::PartialSchema>::schema()),)*]
        }
    };
}

/// An event without its name, as it goes out on a socket.
pub struct Payload<'a>(pub &'a Event);

events! {
    /// A message was sent to a conversation of yours, perhaps by you on another device.
    MessageNew = "message:new" (Message),
    /// A message's text was replaced.
    MessageEdited = "message:edited" (MessageEdited),
    /// A message was taken back; its number stays, empty.
    MessageDeleted = "message:deleted" (MessageDeleted),
    /// A group of yours is new, or its name, members or roles changed: fetch it again.
    ConversationUpdated = "conversation:updated" (ConversationRef),
    /// You are no longer in this group.
    ConversationRemoved = "conversation:removed" (ConversationRef),
    /// A member read up to this message.
    MessageRead = "message:read" (ReadMark),
    /// A member began to type. Forget it after 6 seconds without another.
    TypingStart = "typing:start" (Typing),
    /// A member stopped typing.
    TypingStop = "typing:stop" (Typing),
    /// Somebody you may see came or went.
    PresenceChanged = "presence:changed" (Presence),
    /// Somebody asks to be your friend, or you asked on another device.
    FriendRequest = "friend:request" (FriendAsked),
    /// You and this person are friends now.
    FriendAccepted = "friend:accepted" (FriendAccepted),
    /// This person is your friend no longer.
    FriendRemoved = "friend:removed" (FriendRemoved),
    /// Somebody calls you: ring until `ringsUntil`, unless something else is told of it before.
    CallIncoming = "call:incoming" (CallIncoming),
    /// It was answered: by the other, by you on the device of that `sessionId` (the others stop ringing), or in a group by
    /// somebody who is in it now.
    CallAnswered = "call:answered" (CallUpdate),
    /// It was refused, perhaps by you on another device.
    CallRejected = "call:rejected" (CallUpdate),
    /// The caller hung up before anybody answered.
    CallCancelled = "call:cancelled" (CallUpdate),
    /// Nobody answered in time.
    CallMissed = "call:missed" (CallUpdate),
    /// It is over; in a group whose status is `answered` still, for this person.
    CallEnded = "call:ended" (CallUpdate),
    /// Somebody came into a room that you are in, or you did on another device.
    RoomMemberJoined = "room:member-joined" (RoomMemberJoined),
    /// Somebody is not in a room of yours any more; or you are not: then leave the media server.
    RoomMemberLeft = "room:member-left" (RoomMemberLeft),
    /// Somebody's role in a room of yours changed, or whether they are muted.
    RoomMemberUpdated = "room:member-updated" (RoomMemberUpdated),
    /// What a room of yours says of itself changed: fetch it again.
    RoomUpdated = "room:updated" (RoomRef),
    /// A room that you were in is over.
    RoomClosed = "room:closed" (RoomClosed),
    /// A friend asks you into a room.
    RoomInvited = "room:invited" (RoomInvited),
    /// A listener asks to speak, or does not any more; told to the room's host and moderators.
    RoomHandRaised = "room:hand-raised" (RoomHandRaised),
    /// Something new is in your inbox.
    NotificationNew = "notification:new" (NewNotification),
    /// Your balance changed.
    CoinsUpdated = "coins:updated" (CoinsUpdate),
    /// Your premium began, was prolonged or ended, or how it is paid changed.
    PremiumUpdated = "premium:updated" (PremiumUpdate),
    /// The staff did something about you, and why; appeal while it holds.
    ModerationNotice = "moderation:notice" (ModerationNotice),
    /// This login is over; the socket closes right after.
    SessionRevoked = "session:revoked" (SessionEnd),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageEdited {
    pub id: MessageId,
    pub conversation_id: ConversationId,
    pub seq: i64,
    pub content: String,
    pub edited_at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageDeleted {
    pub id: MessageId,
    pub conversation_id: ConversationId,
    pub seq: i64,
    pub deleted_at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConversationRef {
    pub conversation_id: ConversationId,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReadMark {
    pub conversation_id: ConversationId,
    /// Who read.
    pub user_id: UserId,
    /// Everything up to and including this sequence number.
    pub seq: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Typing {
    pub conversation_id: ConversationId,
    pub user_id: UserId,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FriendAsked {
    pub request: Box<FriendRequest>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FriendAccepted {
    /// The request that was accepted.
    pub request_id: FriendRequestId,
    /// The new friend.
    pub user: PersonSummary,
    pub since: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FriendRemoved {
    /// Who is no friend any more.
    pub user_id: UserId,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallIncoming {
    pub call_id: CallId,
    pub call_type: CallType,
    pub caller: PersonSummary,
    /// The group that is called.
    pub conversation_id: Option<ConversationId>,
    pub conversation_name: Option<String>,
    pub started_at: DateTime<Utc>,
    pub rings_until: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoomMemberJoined {
    pub room_id: RoomId,
    pub member: rooms::Member,
    /// How many are in now.
    pub member_count: i32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallUpdate {
    pub call_id: CallId,
    /// Of the whole call, now.
    pub status: calls::Status,
    /// Whose act it was, if somebody's.
    pub user_id: Option<UserId>,
    /// For whoever answered: on which login. Never told to others.
    pub session_id: Option<SessionId>,
    /// Seconds they talked, once it is over.
    pub duration: Option<i32>,
    pub at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoomMemberLeft {
    pub room_id: RoomId,
    pub user_id: UserId,
    #[schema(inline)]
    pub reason: rooms::Why,
    /// How many are in now.
    pub member_count: i32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoomMemberUpdated {
    pub room_id: RoomId,
    pub member: rooms::Member,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoomRef {
    pub room_id: RoomId,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoomClosed {
    pub room_id: RoomId,
    #[schema(inline)]
    pub because: rooms::close::Because,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoomInvited {
    pub room_id: RoomId,
    pub name: String,
    pub invited_by: PersonSummary,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoomHandRaised {
    pub room_id: RoomId,
    pub user_id: UserId,
    /// False: lowered.
    pub raised: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CoinsUpdate {
    /// Coins there are now, to spend.
    pub balance: i32,
    /// Coins that gifts brought.
    pub earned: i32,
    /// Coins that came, or with a minus went.
    pub change: i32,
    #[schema(inline)]
    pub kind: ledger::Kind,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModerationNotice {
    pub sanction_id: SanctionId,
    pub action: Action,
    /// Which rule was broken.
    pub policy: Reason,
    /// For people, in your language.
    pub notice: String,
    /// Null: it happened once, or is for good.
    pub until: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionEnd {
    /// `SESSION_REVOKED`, `ACCOUNT_SUSPENDED` or `TOKEN_EXPIRED`.
    pub code: String,
    /// For people.
    pub message: String,
}

/// An event on its way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    pub to: Vec<UserId>,
    /// The socket that caused it and has its own acknowledgement.
    pub except_socket: Option<String>,
    pub event: Event,
}

/// What a sink is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "nearly every notice is a delivery, and none is kept")]
pub enum Notice {
    Deliver(Delivery),
    Revoked(Revocation),
}

type Sink = Box<dyn Fn(&Notice) + Send + Sync>;

#[derive(Serialize, Deserialize)]
struct Envelope {
    from: Uuid,
    notice: Notice,
}

/// Between rules and sockets, and between replicas.
pub struct Bus {
    replica: Uuid,
    sink: OnceLock<Sink>,
    redis: Option<Redis>,
    outgoing: Option<mpsc::Sender<(Vec<String>, String)>>,
    listening: Mutex<HashSet<UserId>>,
    /// Held while somebody's subscription changes, so that a phone whose old socket closes as its new one opens does
    /// not end up deaf. Shared by chance with a few others; taken for one round trip to Redis.
    turns: [tokio::sync::Mutex<()>; 64],
    revocations: Arc<Revocations>,
}

/// The channel every replica listens to.
const EVERYONE: &str = "all";
/// Publications waiting for Redis; past that the newest are dropped, and counted.
const OUTGOING: usize = 8192;

impl Bus {
    /// `pushes` are what Redis sends to this process's subscriptions.
    pub(crate) fn new(
        replica: Uuid,
        redis: Option<Redis>,
        pushes: mpsc::UnboundedReceiver<PushInfo>,
        revocations: Arc<Revocations>,
    ) -> Arc<Self> {
        let (outgoing, queue) = mpsc::channel(OUTGOING);
        let bus = Arc::new(Self {
            replica,
            sink: OnceLock::new(),
            outgoing: redis.is_some().then_some(outgoing),
            redis: redis.clone(),
            listening: Mutex::default(),
            turns: std::array::from_fn(|_| tokio::sync::Mutex::default()),
            revocations,
        });
        if let Some(redis) = redis {
            tokio::spawn(send(redis, queue));
            tokio::spawn(receive(Arc::downgrade(&bus), pushes));
        }
        bus
    }

    /// Where notices go in this process. Set once; a process without sockets sets none.
    pub fn set_sink(&self, sink: impl Fn(&Notice) + Send + Sync + 'static) {
        if self.sink.set(Box::new(sink)).is_err() {
            tracing::error!("the bus has a sink already; the second is ignored");
        }
    }

    /// Tells everyone in `delivery.to`, wherever they are connected.
    pub fn deliver(&self, delivery: Delivery) {
        let channels = delivery.to.iter().map(|user| channel(*user)).collect();
        self.publish(channels, Notice::Deliver(delivery));
    }

    /// Tells every replica that a login is over.
    pub(crate) fn revoked(&self, revocation: Revocation) {
        self.revocations.add(&revocation);
        self.publish(vec![EVERYONE.into()], Notice::Revoked(revocation));
    }

    /// A login is over, as another replica or the database says: remembered, and if it is news, told to the sockets
    /// of this process.
    pub(crate) fn heard_revoked(&self, revocation: &Revocation) {
        if self.revocations.add(revocation) {
            self.drain(&Notice::Revoked(revocation.clone()));
        }
    }

    fn publish(&self, channels: Vec<String>, notice: Notice) {
        self.drain(&notice);
        let Some(outgoing) = &self.outgoing else { return };
        let envelope = Envelope { from: self.replica, notice };
        let json = serde_json::to_string(&envelope).expect("events are plain data");
        if outgoing.try_send((channels, json)).is_err() {
            metrics::counter!("banter_bus_dropped_total").increment(1);
        }
    }

    fn drain(&self, notice: &Notice) {
        if let Some(sink) = self.sink.get() {
            sink(notice);
        }
    }

    /// Somebody's socket in this process opened: hear what other replicas say to them.
    pub async fn listen(&self, user: UserId) {
        let _turn = self.turn(user).lock().await;
        if self.listening.lock().expect("no panic while locked").insert(user) {
            self.subscribe(channel(user)).await;
        }
    }

    /// Somebody's last socket in this process closed; unless, as `here` may know by now, another opened.
    pub async fn unlisten(&self, user: UserId, here: impl Fn() -> bool) {
        let _turn = self.turn(user).lock().await;
        if here() || !self.listening.lock().expect("no panic while locked").remove(&user) {
            return;
        }
        if let Some(redis) = &self.redis {
            let channel = redis.key(channel(user));
            // A failure leaves a subscription too many, which costs a little traffic and harms nobody.
            let _ = redis.ask(async |c| c.unsubscribe(channel).await).await;
        }
    }

    /// Ids are version 7: their end is random.
    fn turn(&self, user: UserId) -> &tokio::sync::Mutex<()> {
        &self.turns[usize::from(user.0.as_bytes()[15]) % self.turns.len()]
    }

    /// Hears what concerns every replica. Again and again until Redis takes it.
    pub(crate) async fn listen_to_everyone(&self) {
        self.subscribe(EVERYONE.into()).await;
    }

    async fn subscribe(&self, channel: String) {
        let Some(redis) = &self.redis else { return };
        let channel = redis.key(channel);
        if let Err(error) = redis.ask(async |c| c.subscribe(&channel).await).await {
            tracing::debug!(%error, "not subscribed; the next round asks again");
        }
    }

    /// Asks again for every subscription: for those that were wanted while Redis was away.
    pub(crate) async fn resubscribe(&self) {
        let Some(redis) = &self.redis else { return };
        let users: Vec<String> = {
            let listening = self.listening.lock().expect("no panic while locked");
            let channels = listening.iter().map(|user| redis.key(channel(*user)));
            std::iter::once(redis.key(EVERYONE)).chain(channels).collect()
        };
        for some in users.chunks(500) {
            if redis.ask(async |c| c.subscribe(some).await).await.is_err() {
                return;
            }
        }
    }
}

fn channel(user: UserId) -> String {
    format!("u:{user}")
}

async fn send(redis: Redis, mut queue: mpsc::Receiver<(Vec<String>, String)>) {
    let mut batch = Vec::new();
    while queue.recv_many(&mut batch, 256).await > 0 {
        let mut pipe = redis::pipe();
        let count = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        for (channels, json) in batch.drain(..) {
            for channel in channels {
                pipe.publish(redis.key(channel), &json).ignore();
            }
        }
        if redis.ask(async |c| pipe.query_async::<()>(c).await).await.is_err() {
            metrics::counter!("banter_bus_dropped_total").increment(count);
        }
    }
}

async fn receive(bus: std::sync::Weak<Bus>, mut pushes: mpsc::UnboundedReceiver<PushInfo>) {
    while let Some(push) = pushes.recv().await {
        let Some(bus) = bus.upgrade() else { return };
        if push.kind != PushKind::Message {
            continue;
        }
        let Some(json) = push.data.into_iter().nth(1).and_then(|v| String::from_redis_value(v).ok()) else {
            continue;
        };
        match serde_json::from_str::<Envelope>(&json) {
            Ok(envelope) if envelope.from == bus.replica => {} // already told
            Ok(Envelope { notice: Notice::Revoked(revocation), .. }) => bus.heard_revoked(&revocation),
            Ok(envelope) => bus.drain(&envelope.notice),
            // A newer replica during a rollout speaks of events this one does not know.
            Err(error) => tracing::debug!(%error, "an event from another replica was not understood"),
        }
    }
}

#[cfg(test)]
mod tests;
