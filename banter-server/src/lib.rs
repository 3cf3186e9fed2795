//! The app's API over banter-core: REST on axum, live events on Socket.IO. No rule lives here: a handler parses,
//! calls core, shapes the answer.
//!
//! [`router`] every URL on one page · [`http`] routes, extractors, layers, the one map from errors to statuses ·
//! [`sockets`] Socket.IO · [`serve`] listeners and shutdown · [`patience`] deadlines · [`telemetry`] logs and metrics

pub mod http;
pub mod patience;
pub mod router;
pub mod serve;
pub mod sockets;
pub mod telemetry;
