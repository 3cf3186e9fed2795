//! Every domain rule of Banter, with its SQL. No HTTP server and no terminal: those are the front ends
//! (`banter-server`, `banter-cli`, `banter-tui`), which all call [`Banter`] and never see the pool.
//!
//! The law: a rule and its SQL live here and nowhere else; one feature is one folder.
//!
//! | folder | what it answers |
//! |---|---|
//! | [`accounts`] | who is this: sign-in, sessions, profile, devices, settings, search |
//! | [`friends`] | friends, and asking to be |
//! | [`messaging`] | conversations, sending, history, read marks |
//! | [`calls`] | ringing, talking, hanging up; the log of calls |
//! | [`rooms`] | places where strangers talk: who hosts, who speaks, who may come |
//! | [`voice`] | what both have in common: seats at the media server, kept true |
//! | [`media`] | what people upload, and who may see it |
//! | [`notifications`] | the inbox, and pushes to phones |
//! | [`payments`] | coins and the ledger that explains every balance; orders, subscriptions, refunds |
//! | [`gifts`] | what coins are for: giving somebody something, before others' eyes |
//! | [`presence`] | who is here now |
//! | [`safety`] | blocks, and the one predicate `can_interact` |
//! | [`moderation`] | who keeps order, by which rules, and the record of what they did |
//! | [`jobs`] | work that must happen after a commit |
//! | `sandbox` | stand-ins for paid services (a cargo feature, in no server) |
//! | [`seed`] | made-up people and messages, for development |
//! | [`providers`] | one file for each outside service |
//!
//! Beside them: [`app`] (the application handle), [`config`], [`error`] (kinds and codes), [`ids`], [`clock`], [`money`],
//! [`events`] (what is pushed to sockets, and the bus between replicas), [`limits`] (rate limits), [`page`]
//! (cursors), [`idempotency`], [`redis`] (what may be lost).

pub mod accounts;
pub mod app;
pub mod calls;
pub mod clock;
pub mod config;
pub mod error;
pub mod events;
pub mod friends;
pub mod gifts;
pub mod idempotency;
pub mod ids;
pub mod jobs;
pub mod limits;
pub mod media;
pub mod messaging;
pub mod migrations;
pub mod moderation;
pub mod money;
pub mod notifications;
pub mod overview;
pub mod page;
pub mod payments;
pub mod presence;
pub mod providers;
pub mod redis;
pub mod rooms;
pub mod safety;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod seed;
#[cfg(feature = "testing")]
pub mod testing;
pub mod text;
pub mod voice;

pub use app::Banter;
pub use migrations::MIGRATOR;
