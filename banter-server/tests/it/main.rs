//! The server as its clients meet it: a real listener, real PostgreSQL and Redis, one database a test.

mod harness;

mod auth;
mod contract;
mod conversations;
mod hostile;
mod layers;
mod media;
mod messages;
mod presence;
mod safety;
mod serving;
mod sockets;
mod table;
mod users;
