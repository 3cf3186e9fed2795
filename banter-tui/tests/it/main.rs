//! The console as its users see it, without a terminal.

mod health;
mod looping;
mod scenes;
