mod appeals;
mod audit;
mod authority;
mod queue;
mod reports;
mod rules;
mod sanctions;

use super::cases::{Case, Filter};
use super::decide::Decision;
use super::reasons::Reason;
use super::reports::{About, Filed};
use super::sanctions::{Action, Order};
use super::{Error, Staff};
use crate::accounts::Role;
use crate::error::Coded as _;
use crate::ids::CaseId;
use crate::jobs::worker;
use crate::page::PageRequest;
use crate::testing::{Person, World};

const ALL: PageRequest = PageRequest { limit: 100, cursor: None };

/// Somebody of the staff.
async fn staffer(world: &World, name: &str, role: Role) -> (Person, Staff) {
    let person = world.user(name).await;
    world.sql(&format!("update users set role = '{}' where id = '{}'", role.name(), person.id)).await;
    let staff = world.banter.moderation().staff(&person.caller).await.expect("staff");
    (person, staff)
}

async fn report(world: &World, by: &Person, about: About, reason: Reason) -> Filed {
    world.banter.moderation().report(&by.caller, about, reason, None).await.expect("reported")
}

/// The one open case.
async fn only_case(world: &World) -> Case {
    let mut cases =
        world.banter.moderation().queue(Staff::OPERATOR, &Filter::default(), &ALL).await.unwrap().items;
    assert_eq!(cases.len(), 1, "{cases:?}");
    cases.remove(0)
}

fn order(action: Action, days: Option<u16>) -> Order {
    Order { action, policy: Some(Reason::Harassment), days, note: "seen".into(), notice: None }
}

fn act(action: Action, days: Option<u16>) -> Decision {
    Decision::Act(order(action, days))
}

fn dismiss() -> Decision {
    Decision::Dismiss { note: "nothing".into() }
}

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    result.expect_err("a refusal").coded().1
}

/// A case about somebody whom a stranger reported.
async fn case_about(world: &World, person: &Person, reason: Reason) -> CaseId {
    let reporter = world.user(&format!("witness_{}", &person.name)).await;
    report(world, &reporter, About::User(person.id), reason).await;
    let filter = Filter { user: Some(person.id), ..Filter::default() };
    world.banter.moderation().queue(Staff::OPERATOR, &filter, &ALL).await.unwrap().items[0].id
}

async fn jobs(world: &World) {
    while worker::round(&world.banter).await.expect("jobs run") > 0 {}
}

async fn audited(world: &World) -> Vec<String> {
    let rows = world.banter.moderation().audit(Staff::OPERATOR, &super::audit::Filter::default(), &ALL).await;
    let mut acts: Vec<String> = rows.unwrap().items.into_iter().map(|row| row.act).collect();
    acts.reverse();
    acts
}
