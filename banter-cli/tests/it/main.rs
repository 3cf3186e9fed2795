//! The command line as its users meet it: the built binary, in a home and a directory of its own.

mod calls;
mod commands;
mod config;
mod dev;
mod harness;
mod help;
mod jobs;
mod ledger;
mod livekit;
mod media_servers;
mod migrate;
mod moderation;
mod output;
mod payments;
mod rooms;
mod seed;
mod user;
