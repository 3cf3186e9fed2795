//! Socket.IO v4 on the default namespace.
//!
//! A handshake is authenticated before it is answered, and by then the socket already hears its person's events: a
//! client that asks for what it missed after `connect` misses nothing. [`registry`] knows the sockets of this
//! process, by person; [`fanout`] alone emits; [`lane`] keeps one socket's messages in the order they came;
//! [`inbound`] what clients send.

mod fanout;
mod inbound;
mod lane;
mod registry;

use std::sync::Arc;
use std::time::Duration;

use banter_core::{Banter, accounts};
use serde::Deserialize;
use socketioxide::SocketIo;
use socketioxide::extract::{SocketRef, State, TryData};
use socketioxide::handler::ConnectHandler as _;
use socketioxide::layer::SocketIoLayer;
use socketioxide::socket::DisconnectReason;

use lane::Lane;
use registry::Registry;

/// The largest packet: a message of 4000 characters, four bytes each, escaped, with room.
const MAX_PACKET: usize = 64 * 1024;
/// Packets that may wait for a client to read them. Twice what a socket may have waiting for an answer.
const BUFFER: usize = 512;
/// How long a connection may stay without a handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Everything a socket's handler needs.
#[derive(Clone)]
struct Hub {
    banter: Banter,
    registry: Arc<Registry>,
}

/// The sockets of this process, for its end.
pub struct Sockets {
    io: SocketIo,
}

impl Sockets {
    /// Closes them all, saying why. Clients take the closed transport as a reason to connect again.
    pub async fn close(&self, reason: &str) {
        let _ = self.io.emit("server:closing", &serde_json::json!({ "message": reason })).await;
        self.io.close().await;
    }
}

/// The layer that answers `/socket.io/`.
pub(crate) fn attach(banter: &Banter, sweep: Duration) -> (SocketIoLayer, Sockets) {
    let hub = Hub { banter: banter.clone(), registry: Arc::default() };
    let (layer, io) = SocketIo::builder()
        .with_state(hub.clone())
        .connect_timeout(HANDSHAKE)
        .max_buffer_size(BUFFER)
        .max_payload(MAX_PACKET as u64)
        .ws_max_message_size(MAX_PACKET)
        .ws_max_frame_size(MAX_PACKET)
        .ws_read_buffer_size(4096)
        .build_layer();
    io.ns("/", connected.with(authenticate));
    fanout::connect(banter, &io, &hub.registry);
    tokio::spawn(keep(hub, sweep));
    (layer, Sockets { io })
}

#[derive(Deserialize)]
struct Handshake {
    token: String,
}

/// Lets a socket in, or refuses with the code as `connect_error`'s message.
async fn authenticate(
    socket: SocketRef,
    State(hub): State<Hub>,
    TryData(handshake): TryData<Handshake>,
) -> Result<(), &'static str> {
    let handshake = handshake.map_err(|_| code(&accounts::Error::NoToken))?;
    let caller = hub.banter.accounts().authenticate(&handshake.token).map_err(|error| code(&error))?;
    socket.extensions.insert(Lane::default());
    // A room of its own as well: what it caused itself is told to everyone but that one.
    socket.join([room(caller.user_id), socket.id.to_string()]);
    if !hub.registry.add(&socket, caller, hub.banter.clock().now()) {
        return Err("TOO_MANY_SOCKETS");
    }
    hub.banter.bus().listen(caller.user_id).await;
    // Ended while we were at it: the notice may have come before the socket was registered.
    hub.banter.accounts().authenticate(&handshake.token).map(|_| ()).map_err(|error| code(&error))
}

/// Not an `async fn`: what comes before the future runs before the client can send.
fn connected(socket: SocketRef, State(hub): State<Hub>) -> impl Future<Output = ()> + Send {
    inbound::listen(&socket);
    socket.on_disconnect(disconnected);
    async move {
        if let Some(caller) = hub.registry.caller(socket.id) {
            hub.banter.presence().arrived(caller.user_id, &socket.id.to_string()).await;
        }
    }
}

async fn disconnected(socket: SocketRef, State(hub): State<Hub>, reason: DisconnectReason) {
    tracing::debug!(socket = %socket.id, ?reason, "a socket closed");
    gone(&hub, socket.id).await;
}

async fn gone(hub: &Hub, socket: socketioxide::socket::Sid) {
    let Some((caller, last)) = hub.registry.remove(socket) else { return };
    hub.banter.presence().left(caller.user_id, &socket.to_string()).await;
    if last {
        hub.banter.bus().unlisten(caller.user_id, || hub.registry.holds(caller.user_id)).await;
    }
}

/// Renews presence, and closes sockets whose access token ran out without another.
async fn keep(hub: Hub, sweep: Duration) {
    let mut renewed = tokio::time::Instant::now();
    let mut returns = hub.banter.redis_returns();
    loop {
        tokio::time::sleep(sweep).await;
        let now = hub.banter.clock().now();
        for (socket, caller) in
            hub.registry.overdue(now, |caller| hub.banter.accounts().check(caller).is_err())
        {
            match hub.banter.accounts().check(&caller) {
                _ if !socket.connected() => gone(&hub, socket.id).await,
                // Told once already, but its buffer was full then: it does not read.
                Err(over) => fanout::end(&socket, &over),
                Ok(()) => fanout::end(&socket, &accounts::Error::TokenExpired),
            }
        }
        // One that came back empty would have everybody offline until the next renewal.
        let returned = hub.banter.redis_returns();
        if renewed.elapsed() >= banter_core::presence::RENEW || returned != returns {
            (renewed, returns) = (tokio::time::Instant::now(), returned);
            // Beside the sweep: after Redis lost its data this tells very many, one after the other.
            tokio::spawn(renew(hub.clone()));
        }
    }
}

async fn renew(hub: Hub) {
    let all = hub.registry.all();
    hub.banter.presence().renew(&all).await;
    // Those that closed meanwhile have been given a lease again.
    for (user, socket) in all {
        if socket.parse().is_ok_and(|sid| hub.registry.caller(sid).is_none()) {
            hub.banter.presence().left(user, &socket).await;
        }
    }
}

fn code(error: &accounts::Error) -> &'static str {
    banter_core::error::Coded::coded(error).1
}

fn room(user: banter_core::ids::UserId) -> String {
    format!("user:{user}")
}
