//! Coins and premium: what is sold, and what was paid.

pub mod history;
pub mod orders;
pub mod subscriptions;
