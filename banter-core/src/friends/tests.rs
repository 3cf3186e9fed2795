mod list;
mod policy;
mod requests;

use super::requests::{Asked, Direction, FriendRequest};
use super::*;
use crate::ids::FriendRequestId;
use crate::page::PageRequest;
use crate::testing::{Person, World};

#[track_caller]
fn code<T: std::fmt::Debug>(outcome: Result<T, Error>) -> &'static str {
    outcome.expect_err("a refusal").coded().1
}

fn all() -> PageRequest {
    PageRequest { limit: 100, cursor: None }
}

/// Asks; the request that waits.
async fn ask(world: &World, from: &Person, to: &Person) -> FriendRequest {
    match world.banter.friends().ask(&from.caller, to.id, None).await {
        Ok(Asked::Sent(request)) => request,
        other => panic!("{} asked {}: {other:?}", from.name, to.name),
    }
}

async fn waiting(world: &World, person: &Person, direction: Direction) -> Vec<FriendRequestId> {
    let page = world.banter.friends().requests(&person.caller, direction, &all()).await.unwrap();
    page.items.into_iter().map(|request| request.id).collect()
}

/// Whose friends they are, by name, newest first.
async fn friends(world: &World, person: &Person) -> Vec<String> {
    let page = world.banter.friends().friends(&person.caller, false, &all()).await.unwrap();
    page.items.into_iter().map(|friend| friend.user.username.unwrap()).collect()
}
