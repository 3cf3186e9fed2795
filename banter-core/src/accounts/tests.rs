mod administration;
mod deletion;
mod devices;
mod erasure;
mod export;
mod profile;
mod public;
mod register;
mod retention;
mod revocations;
mod search;
mod sessions;
mod settings;
mod sign_in;
mod tokens;

use chrono::TimeDelta;

use super::sign_in::{Registration, SignIn, SignedIn};
use super::*;
use crate::page::PageRequest;
use crate::testing::{Person, World};

/// The stable code of a refusal.
#[track_caller]
fn code<T: std::fmt::Debug>(outcome: Result<T, Error>) -> &'static str {
    outcome.expect_err("a refusal").coded().1
}

/// Which fields of an input were refused.
#[track_caller]
fn fields<T: std::fmt::Debug>(outcome: Result<T, Error>) -> Vec<&'static str> {
    let error = outcome.expect_err("a refusal");
    error.problems().unwrap_or_else(|| panic!("{error:?}")).iter().map(|(field, _)| field).collect()
}

fn client(agent: &str) -> Client {
    Client { address: std::net::Ipv4Addr::new(192, 0, 2, 1).into(), user_agent: Some(agent.into()) }
}

async fn set(world: &World, person: &Person, what: &str) {
    assert_eq!(world.sql(&format!("update users set {what} where id = '{}'", person.id)).await, 1);
}

fn first(limit: u16) -> PageRequest {
    PageRequest { limit, cursor: None }
}
