//! The moderators' console, in a terminal: works over SSH and slow links, needs no colours.
//!
//! A key becomes an [`action::Action`] by the table in [`keys`]; [`app::App::update`] changes the state and names the
//! [`action::Task`]s to be done; [`screens`] draw the state. The [`desk`] does the tasks beside the loop in [`mod@run`],
//! and their results come back as actions. So nothing that draws ever waits, and a test needs no terminal.

pub mod action;
pub mod app;
pub mod desk;
pub mod health;
pub mod keys;
pub mod run;
pub mod screens;
pub mod theme;

pub use run::{Args, run};
