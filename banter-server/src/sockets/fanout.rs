//! From the bus to the sockets of this process: the only place that emits what happened.

use std::sync::Arc;

use banter_core::Banter;
use banter_core::accounts;
use banter_core::events::{Event, Notice, Payload, SessionEnd};
use futures_util::FutureExt as _;
use socketioxide::SocketIo;
use socketioxide::extract::SocketRef;
use socketioxide::socket::Sid;

use super::registry::Registry;
use super::{code, room};

pub(super) fn connect(banter: &Banter, io: &SocketIo, registry: &Arc<Registry>) {
    let (io, registry) = (io.clone(), Arc::clone(registry));
    banter.bus().set_sink(move |notice| match notice {
        Notice::Deliver(delivery) => {
            // Most people are elsewhere: nothing is encoded for them.
            let rooms: Vec<String> =
                delivery.to.iter().filter(|user| registry.holds(**user)).map(|user| room(*user)).collect();
            if rooms.is_empty() {
                return;
            }
            // Closed: the process ends, and requests under way still publish.
            let Some(namespace) = io.of("/") else { return };
            let mut to = namespace.to(rooms);
            if let Some(sid) = delivery.except_socket.as_deref().and_then(|sid| sid.parse::<Sid>().ok()) {
                to = to.except(sid);
            }
            // Local delivery puts packets into the sockets' buffers and never waits. A full buffer drops the event;
            // its client sees the gap in the sequence and asks.
            let sent = to.emit(delivery.event.name(), &Payload(&delivery.event)).now_or_never();
            if let Some(Err(error)) = sent {
                tracing::debug!(%error, event = delivery.event.name(), "not every socket took an event");
            }
        }
        Notice::Revoked(revocation) => {
            for socket in registry.of_session(revocation.user_id, revocation.session_id) {
                end(&socket, &revocation.because.error());
            }
        }
    });
}

/// Tells a socket why, and closes it.
pub(super) fn end(socket: &SocketRef, why: &accounts::Error) {
    let event = Event::SessionRevoked(SessionEnd { code: code(why).to_owned(), message: why.to_string() });
    // Whatever becomes of the goodbye, it hears nothing more.
    socket.leave_all();
    let _ = socket.emit(event.name(), &Payload(&event));
    let _ = socket.clone().disconnect();
}
