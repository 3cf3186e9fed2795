//! What clients send. Each event is answered by an acknowledgement of the REST shape, malformed ones too.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::StatusCode;
use banter_core::accounts::{self, Caller};
use banter_core::ids::{ConversationId, RoomId, UserId};
use banter_core::limits::Act;
use chrono::{DateTime, TimeDelta, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use socketioxide::extract::{AckSender, SocketRef, State, TryData};

use super::Hub;
use super::lane::Lane;
use crate::http::conversations::{Marked, Read};
use crate::http::error::ApiError;
use crate::http::messages::{NewMessage, SentMessage};
use crate::http::rooms::OneRoom;
use crate::http::{Answer, Done};

pub(super) fn listen(socket: &SocketRef) {
    socket.extensions.insert(Audience::default());
    socket.on("message:send", |s: SocketRef, hub: State<Hub>, data: TryData<Value>, ack: AckSender| {
        handle(s, hub, data, ack, send)
    });
    socket.on("message:read", |s: SocketRef, hub: State<Hub>, data: TryData<Value>, ack: AckSender| {
        handle(s, hub, data, ack, read)
    });
    socket.on("typing:start", |s: SocketRef, hub: State<Hub>, data: TryData<Value>, ack: AckSender| {
        handle(s, hub, data, ack, typing_start)
    });
    socket.on("typing:stop", |s: SocketRef, hub: State<Hub>, data: TryData<Value>, ack: AckSender| {
        handle(s, hub, data, ack, typing_stop)
    });
    socket.on("room:subscribe", |s: SocketRef, hub: State<Hub>, data: TryData<Value>, ack: AckSender| {
        handle(s, hub, data, ack, watch)
    });
    socket.on("room:unsubscribe", |s: SocketRef, hub: State<Hub>, data: TryData<Value>, ack: AckSender| {
        handle(s, hub, data, ack, unwatch)
    });
    socket.on("presence:heartbeat", |s: SocketRef, hub: State<Hub>, data: TryData<Value>, ack: AckSender| {
        handle(s, hub, data, ack, heartbeat)
    });
    socket.on("auth:refresh", |s: SocketRef, hub: State<Hub>, data: TryData<Value>, ack: AckSender| {
        handle(s, hub, data, ack, refresh)
    });
    socket.on_fallback(async |ack: AckSender| {
        let error = ApiError::new(StatusCode::NOT_FOUND, "NOT_FOUND", "there is no such event");
        let _ = ack.send(&error.acknowledgement());
    });
}

/// How long one event may take.
const DEADLINE: Duration = Duration::from_secs(30);

/// Who asks, on which socket.
struct Asker {
    hub: Hub,
    socket: SocketRef,
    caller: Caller,
}

/// Parses, queues behind what this socket sent before, acts, acknowledges. Not an `async fn`: the queueing happens
/// while the socket's packets are still being read in order.
fn handle<T, R, F>(
    socket: SocketRef,
    State(hub): State<Hub>,
    TryData(data): TryData<Value>,
    ack: AckSender,
    act: fn(Asker, T) -> F,
) -> impl Future<Output = ()> + Send
where
    T: DeserializeOwned + Send + 'static,
    R: Serialize + Send + 'static,
    F: Future<Output = Result<R, ApiError>> + Send + 'static,
{
    let lane = socket.extensions.get::<Lane>().unwrap_or_default();
    let ack = Arc::new(Mutex::new(Some(ack)));
    let later = Arc::clone(&ack);
    let work = async move {
        let outcome = match parse::<T>(data.ok()) {
            Err(error) => Err(error),
            Ok(input) => match hub.registry.caller(socket.id) {
                None => Err(ApiError::from(accounts::Error::SessionRevoked)),
                Some(caller) => match hub.banter.accounts().check(&caller) {
                    Err(over) => Err(over.into()),
                    Ok(()) => tokio::time::timeout(DEADLINE, act(Asker { hub, socket, caller }, input))
                        .await
                        .unwrap_or_else(|_| Err(ApiError::timeout())),
                },
            },
        };
        acknowledge(&later, &outcome);
    };
    let mine = lane.push(work);
    if mine.is_err() {
        let message = "too much is waiting on this socket; wait for acknowledgements";
        let error = ApiError::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", message);
        acknowledge(&ack, &Err::<Done, _>(error));
    }
    async move {
        if mine == Ok(true) {
            lane.run().await;
        }
    }
}

fn acknowledge<R: Serialize>(ack: &Mutex<Option<AckSender>>, outcome: &Result<R, ApiError>) {
    let Some(ack) = ack.lock().expect("no panic while locked").take() else { return };
    // A client that asked for no acknowledgement gets none.
    let _ = match outcome {
        Ok(answer) => ack.send(&Answer::new(answer)),
        Err(error) => {
            if let Some(why) = &error.internal {
                tracing::error!(code = error.code, why, "a socket's request failed");
            }
            ack.send(&error.acknowledgement())
        }
    };
}

fn parse<T: DeserializeOwned>(data: Option<Value>) -> Result<T, ApiError> {
    let data = data.unwrap_or(Value::Null);
    serde_path_to_error::deserialize(data).map_err(|error| {
        let path = error.path().to_string();
        let why = error.into_inner().to_string();
        let field = if path == "." { "payload" } else { &path };
        ApiError::field(field, why)
    })
}

async fn send(asker: Asker, message: NewMessage) -> Result<SentMessage, ApiError> {
    let draft = message.into_draft()?;
    let by = asker.socket.id.to_string();
    let sent = asker.hub.banter.messaging().send(&asker.caller, draft, Some(&by)).await?;
    Ok(SentMessage { message: sent.message })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReadIn {
    conversation_id: ConversationId,
    #[serde(flatten)]
    read: Read,
}

/// Every event but a message, which has a limit of its own.
async fn counted(asker: &Asker) -> Result<(), ApiError> {
    asker.hub.banter.limits().take(Act::SocketEvent, &asker.caller.user_id.to_string()).await?;
    Ok(())
}

async fn read(asker: Asker, ReadIn { conversation_id, read }: ReadIn) -> Result<Marked, ApiError> {
    counted(&asker).await?;
    let seq = asker.hub.banter.messaging().mark_read(&asker.caller, conversation_id, read.seq).await?;
    Ok(Marked { seq })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct In {
    conversation_id: ConversationId,
}

/// Who hears that this socket types, asked of the database at most every five seconds: a keystroke must not cost a
/// query. A block takes that long to silence typing, and no longer.
#[derive(Clone, Default)]
struct Audience(Arc<Mutex<Option<Remembered>>>);

struct Remembered {
    conversation: ConversationId,
    people: Vec<UserId>,
    until: DateTime<Utc>,
}

const REMEMBERED: TimeDelta = TimeDelta::seconds(5);

async fn typing_start(asker: Asker, input: In) -> Result<Done, ApiError> {
    typing(asker, input, true).await
}

async fn typing_stop(asker: Asker, input: In) -> Result<Done, ApiError> {
    typing(asker, input, false).await
}

async fn typing(asker: Asker, In { conversation_id }: In, starts: bool) -> Result<Done, ApiError> {
    counted(&asker).await?;
    let messaging = asker.hub.banter.messaging();
    let now = asker.hub.banter.clock().now();
    let audience = asker.socket.extensions.get::<Audience>().unwrap_or_default();
    let known = {
        let remembered = audience.0.lock().expect("no panic while locked");
        let fits = |r: &&Remembered| r.conversation == conversation_id && now < r.until;
        remembered.as_ref().filter(fits).map(|r| r.people.clone())
    };
    let people = match known {
        Some(people) => people,
        None => {
            let people = messaging.typing_audience(&asker.caller, conversation_id).await?;
            let until = now + REMEMBERED;
            *audience.0.lock().expect("no panic while locked") =
                Some(Remembered { conversation: conversation_id, people: people.clone(), until });
            people
        }
    };
    messaging.typing(&asker.caller, conversation_id, people, starts);
    Ok(Done {})
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InRoom {
    room_id: RoomId,
}

/// A room is on the screen of somebody who need not be in it.
async fn watch(asker: Asker, InRoom { room_id }: InRoom) -> Result<OneRoom, ApiError> {
    counted(&asker).await?;
    Ok(OneRoom { room: asker.hub.banter.rooms().watch(&asker.caller, room_id).await? })
}

async fn unwatch(asker: Asker, InRoom { room_id }: InRoom) -> Result<Done, ApiError> {
    counted(&asker).await?;
    asker.hub.banter.rooms().unwatch(&asker.caller, room_id).await?;
    Ok(Done {})
}

/// The app says it is alive, which the open socket says as well, and perhaps which conversation is on its screen: of
/// that one its phones are told nothing. `null`: none is; left out, or no object at all: nothing is said about it.
async fn heartbeat(asker: Asker, said: Option<Value>) -> Result<Done, ApiError> {
    counted(&asker).await?;
    let said = said.unwrap_or_default();
    let Some(conversation) = said.get("conversationId") else { return Ok(Done {}) };
    let conversation = Option::<ConversationId>::deserialize(conversation)
        .map_err(|error| ApiError::field("conversationId", error.to_string()))?;
    let socket = asker.socket.id.to_string();
    asker.hub.banter.presence().views(asker.caller.user_id, &socket, conversation).await;
    // It closed meanwhile, and what was said of it has been forgotten already.
    if asker.hub.registry.caller(asker.socket.id).is_none() {
        asker.hub.banter.presence().views(asker.caller.user_id, &socket, None).await;
    }
    Ok(Done {})
}

#[derive(Deserialize)]
struct Refresh {
    token: String,
}

/// A newer access token, so that the socket outlives the old one.
async fn refresh(asker: Asker, Refresh { token }: Refresh) -> Result<Done, ApiError> {
    counted(&asker).await?;
    let caller = asker.hub.banter.accounts().authenticate(&token)?;
    if asker.hub.registry.renew(asker.socket.id, caller) {
        Ok(Done {})
    } else {
        Err(accounts::Error::TokenInvalid.into())
    }
}
