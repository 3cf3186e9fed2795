use futures_util::future::join_all;

use super::*;
use crate::accounts::administration::{Act, Filter, Listed, decide};
use crate::events::Event;
use crate::jobs::Job;
use crate::moderation::Staff;
use crate::payments::ledger::Outcome;

#[test]
fn what_may_be_done_about_which_status() {
    use Status::{Active, Banned, Deleted, Suspended};
    for (status, act, expected) in [
        (Active, Act::Suspend, Ok(Suspended)),
        (Active, Act::Ban, Ok(Banned)),
        (Suspended, Act::Ban, Ok(Banned)),
        (Banned, Act::Ban, Err("ACCOUNT_BANNED")),
        (Deleted, Act::Ban, Err("ACCOUNT_DELETED")),
        (Active, Act::Restore, Err("NOT_SUSPENDED")),
        (Active, Act::Delete, Ok(Deleted)),
        (Active, Act::Touch, Ok(Active)),
        (Suspended, Act::Suspend, Ok(Suspended)),
        (Suspended, Act::Restore, Ok(Active)),
        (Suspended, Act::Delete, Ok(Deleted)),
        (Suspended, Act::Touch, Ok(Suspended)),
        (Banned, Act::Suspend, Err("ACCOUNT_BANNED")),
        (Banned, Act::Restore, Ok(Active)),
        (Banned, Act::Delete, Ok(Deleted)),
        (Banned, Act::Touch, Ok(Banned)),
        (Deleted, Act::Suspend, Err("ACCOUNT_DELETED")),
        (Deleted, Act::Restore, Err("ACCOUNT_DELETED")),
        (Deleted, Act::Delete, Err("ACCOUNT_DELETED")),
        (Deleted, Act::Touch, Err("ACCOUNT_DELETED")),
    ] {
        let got = decide(status, act).map_err(|error| error.coded().1);
        assert_eq!(got, expected, "{status:?} {act:?}");
    }
}

fn names(page: crate::page::Page<Listed>) -> Vec<String> {
    page.items.into_iter().filter_map(|listed| listed.username).collect()
}

async fn list(world: &World, filter: Filter) -> Vec<String> {
    names(world.banter.accounts().list(&filter, &first(10)).await.unwrap())
}

#[tokio::test]
async fn a_suspension_ends_logins_at_once_and_itself_in_time() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    let other = world.sign_in(&asha).await;
    let accounts = world.banter.accounts();
    let until = world.now() + TimeDelta::days(7);
    accounts.suspend(asha.id, Some(until), "insults").await.unwrap();
    for person in [&asha, &other] {
        assert_eq!(code(accounts.authenticate(&person.access_token)), "ACCOUNT_SUSPENDED");
        world.notices().expect_revoked(person.caller.session_id).await;
    }
    let token = || world.firebase_token(&asha.firebase_uid, &asha.phone);
    assert_eq!(code(accounts.sign_in(&token(), None, &asha.client).await), "ACCOUNT_SUSPENDED");
    assert_eq!(code(accounts.refresh(&asha.refresh_token, false).await), "ACCOUNT_SUSPENDED");
    // A second one takes the place of the first.
    let sooner = world.now() + TimeDelta::days(1);
    accounts.suspend(asha.id, Some(sooner), "first offence").await.unwrap();
    assert_eq!(accounts.overview(asha.id).await.unwrap().status_until, Some(sooner));
    world.advance(TimeDelta::days(1));
    world.sign_in(&asha).await;
    assert_eq!(accounts.overview(asha.id).await.unwrap().status, Status::Suspended);
    world.banter.jobs().queue(world.banter.pool(), &Job::Prune {}, world.now()).await.unwrap();
    crate::jobs::worker::round(&world.banter).await.unwrap();
    let overview = accounts.overview(asha.id).await.unwrap();
    assert_eq!((overview.status, overview.status_until), (Status::Active, None));
}

#[tokio::test]
async fn restoring_lets_in_again_and_all_of_it_is_written_down() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    let accounts = world.banter.accounts();
    assert_eq!(code(accounts.restore(asha.id, None).await), "NOT_SUSPENDED");
    accounts.suspend(asha.id, None, "insults").await.unwrap();
    accounts.restore(asha.id, Some("a mistake")).await.unwrap();
    world.sign_in(&asha).await;
    set(&world, &asha, "status = 'banned'").await;
    assert_eq!(code(accounts.suspend(asha.id, None, "x").await), "ACCOUNT_BANNED");
    accounts.restore(asha.id, None).await.unwrap();
    let written: Vec<(String, Option<String>)> =
        sqlx::query_as("select kind, reason from moderation_actions order by created_at, id")
            .fetch_all(world.banter.pool())
            .await
            .unwrap();
    let mut written: Vec<_> =
        written.iter().map(|(kind, reason)| (kind.as_str(), reason.as_deref())).collect();
    written.sort_unstable();
    assert_eq!(
        written,
        [("restored", None), ("restored", Some("a mistake")), ("suspended", Some("insults"))]
    );
}

#[tokio::test]
async fn nonsense_is_refused() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    let accounts = world.banter.accounts();
    let past = Some(world.now());
    assert_eq!(fields(accounts.suspend(asha.id, past, "").await), ["reason", "until"]);
    assert_eq!(fields(accounts.delete_for(asha.id, " ").await), ["reason"]);
    assert_eq!(fields(accounts.grant_coins(asha.id, 0, "", "").await), ["amount", "reason", "reference"]);
    assert_eq!(fields(accounts.grant_coins(asha.id, -5, "r", "x").await), ["amount"]);
    let nobody = UserId(uuid::Uuid::nil());
    assert_eq!(code(accounts.suspend(nobody, None, "x").await), "USER_NOT_FOUND");
    assert_eq!(code(accounts.set_role(Staff::OPERATOR, nobody, Role::Admin).await), "USER_NOT_FOUND");
}

#[tokio::test]
async fn a_role_holds_from_the_next_sign_in_and_the_old_one_ends_now() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    let accounts = world.banter.accounts();
    assert!(accounts.set_role(Staff::OPERATOR, asha.id, Role::Moderator).await.unwrap());
    assert!(
        !accounts.set_role(Staff::OPERATOR, asha.id, Role::Moderator).await.unwrap(),
        "nothing to change"
    );
    let moderator = world.sign_in(&asha).await;
    assert_eq!(moderator.caller.role, Role::Moderator);
    accounts.set_role(Staff::OPERATOR, asha.id, Role::User).await.unwrap();
    assert_eq!(code(accounts.authenticate(&moderator.access_token)), "SESSION_REVOKED");
}

#[tokio::test]
async fn somebody_remains_who_can_make_admins() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let accounts = world.banter.accounts();
    accounts.set_role(Staff::OPERATOR, asha.id, Role::Admin).await.unwrap();
    assert_eq!(code(accounts.set_role(Staff::OPERATOR, asha.id, Role::User).await), "LAST_ADMIN");
    assert_eq!(code(accounts.suspend(asha.id, None, "x").await), "LAST_ADMIN");
    assert_eq!(code(accounts.delete_for(asha.id, "x").await), "LAST_ADMIN");
    accounts.set_role(Staff::OPERATOR, ravi.id, Role::Admin).await.unwrap();
    world.open_connections().await;
    let both =
        join_all([&asha, &ravi].map(|person| accounts.set_role(Staff::OPERATOR, person.id, Role::User)))
            .await;
    assert_eq!(both.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{both:?}");
    assert_eq!(list(&world, Filter { role: Some(Role::Admin), ..Filter::default() }).await.len(), 1);
}

#[tokio::test]
async fn accounts_are_found_and_paged() {
    let world = World::with_memory().await;
    for name in ["asha", "Ashok", "a_b", "ravi", "axb"] {
        world.user(name).await;
        world.advance(TimeDelta::seconds(1));
    }
    let search = |text: &str| Filter { search: Some(text.into()), ..Filter::default() };
    assert_eq!(list(&world, Filter::default()).await, ["axb", "ravi", "a_b", "Ashok", "asha"]);
    assert_eq!(list(&world, search("ASH")).await, ["Ashok", "asha"]);
    assert_eq!(list(&world, search("a_")).await, ["a_b"], "an underscore is a letter");
    assert_eq!(list(&world, search("+919800000004")).await, ["ravi"]);
    assert_eq!(list(&world, search("%")).await, [""; 0]);
    let ravi = world.banter.accounts().find("ravi").await.unwrap();
    world.banter.accounts().suspend(ravi, None, "x").await.unwrap();
    assert_eq!(list(&world, Filter { status: Some(Status::Suspended), ..Filter::default() }).await, ["ravi"]);
    let mut request = first(2);
    let mut all = Vec::new();
    loop {
        let page = world.banter.accounts().list(&Filter::default(), &request).await.unwrap();
        request.cursor = page.next_cursor.clone();
        all.extend(names(page));
        if request.cursor.is_none() {
            break;
        }
    }
    assert_eq!(all, ["axb", "ravi", "a_b", "Ashok", "asha"]);
    let bad = PageRequest { limit: 2, cursor: Some("x".into()) };
    assert_eq!(fields(world.banter.accounts().list(&Filter::default(), &bad).await), ["cursor"]);
}

#[tokio::test]
async fn a_grant_arrives_once_and_is_told() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    world.may_leave_jobs(); // a push, where somebody has a phone
    world.open_connections().await;
    let accounts = world.banter.accounts();
    let outcomes =
        join_all((0..4).map(|_| accounts.grant_coins(asha.id, 50, "diwali", "happy Diwali"))).await;
    let written = outcomes.iter().filter(|o| matches!(o, Ok(Outcome::Written(..)))).count();
    assert_eq!((written, outcomes.iter().filter(|o| o.is_ok()).count()), (1, 4), "{outcomes:?}");
    assert_eq!(accounts.overview(asha.id).await.unwrap().coins, 150);
    let told: Vec<_> =
        world.events_for(&asha).into_iter().filter(|e| matches!(e, Event::CoinsUpdated(_))).collect();
    assert_eq!(told.len(), 1);
    let inbox: i64 = sqlx::query_scalar(
        "select count(*) from notifications n join coin_ledger l on l.id = n.subject_id where n.kind = 'coins_credited'",
    )
    .fetch_one(world.banter.pool())
    .await
    .unwrap();
    assert_eq!(inbox, 1);
    assert_eq!(code(accounts.grant_coins(asha.id, 51, "diwali", "x").await), "REFERENCE_REUSED");
}
