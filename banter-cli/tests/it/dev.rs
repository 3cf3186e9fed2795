//! `banter dev`, with the real services, in a directory of the test's own.

#![expect(clippy::unwrap_used, reason = "the helpers are tests, too, but not marked as such")]

mod exec;
mod pay;
mod place;
mod up;
mod voice;
