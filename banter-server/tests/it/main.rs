//! The server as its clients meet it: a real listener, real PostgreSQL and Redis, one database a test.

mod harness;

mod auth;
mod calls;
mod contract;
mod conversations;
mod friends;
mod gifts;
mod groups;
mod hostile;
mod layers;
mod media;
mod messages;
mod moderation;
mod notifications;
mod payments;
mod payments_history;
mod people;
mod presence;
mod rooms;
mod safety;
mod serving;
mod settings;
mod sockets;
mod subscriptions;
mod table;
mod users;
