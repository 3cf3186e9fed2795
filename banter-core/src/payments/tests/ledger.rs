use futures_util::future::join_all;

use crate::error::Coded as _;
use crate::events::Event;
use crate::payments::Error;
use crate::payments::ledger::{self, Entry, Kind, Outcome};
use crate::testing::{Person, World};

fn entry(person: &Person, amount: i32, reference: &str) -> Entry {
    Entry { user: person.id, kind: Kind::Grant, amount, reference: reference.into(), note: None }
}

async fn write(world: &World, entry: &Entry) -> Result<Outcome, Error> {
    let mut transaction = world.banter.pool().begin().await?;
    let outcome = ledger::write(&world.banter, &mut transaction, entry).await?;
    transaction.commit().await?;
    outcome.tell(&world.banter);
    Ok(outcome)
}

/// The balance, which must be what the entries come to.
async fn balance(world: &World, person: &Person) -> i64 {
    let (coins, sum): (i64, i64) = sqlx::query_as(
        "select coins::bigint, (select sum(amount) from coin_ledger where user_id = users.id and account = 'coins') from users where id = $1",
    )
    .bind(person.id)
    .fetch_one(world.banter.pool())
    .await
    .unwrap();
    assert_eq!(coins, sum, "the balance is the sum of the entries");
    coins
}

fn code<T: std::fmt::Debug>(outcome: Result<T, Error>) -> &'static str {
    outcome.expect_err("a refusal").coded().1
}

#[tokio::test]
async fn an_account_begins_with_its_bonus_in_the_ledger() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    assert_eq!(balance(&world, &asha).await, 100);
    let row: (String, i32, i32, String) =
        sqlx::query_as("select kind, amount, balance_after, reference from coin_ledger")
            .fetch_one(world.banter.pool())
            .await
            .unwrap();
    assert_eq!(row, ("signup_bonus".into(), 100, 100, format!("signup:{}", asha.id)));
}

#[tokio::test]
async fn a_change_is_written_once_and_told_once() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    let Outcome::Written(first, _) = write(&world, &entry(&asha, 50, "a")).await.unwrap() else {
        panic!("it is new");
    };
    assert_eq!((first.amount, first.balance_after), (50, 150));
    world.advance(chrono::TimeDelta::minutes(1));
    assert_eq!(write(&world, &entry(&asha, -20, "b")).await.unwrap().change().balance_after, 130);
    let again = write(&world, &entry(&asha, 50, "a")).await.unwrap();
    assert!(
        matches!(&again, Outcome::Already(change, now) if *change == first && now.coins == 130),
        "{again:?}"
    );
    assert_eq!(balance(&world, &asha).await, 130);
    let told = world.events_for(&asha);
    let told: Vec<_> = told
        .iter()
        .map(|event| match event {
            Event::CoinsUpdated(update) => (update.balance, update.change),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(told, [(150, 50), (130, -20)]);
}

#[tokio::test]
async fn no_balance_falls_below_zero_or_grows_beyond_its_column() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    assert_eq!(code(write(&world, &entry(&asha, -101, "a")).await), "NOT_ENOUGH_COINS");
    assert_eq!(code(write(&world, &entry(&asha, i32::MAX, "a")).await), "TOO_MANY_COINS");
    assert!(write(&world, &entry(&asha, -80, "a")).await.is_ok());
    let again = write(&world, &entry(&asha, -80, "a")).await.unwrap();
    assert!(matches!(again, Outcome::Already(..)), "what was paid for is not asked for again");
    assert_eq!(balance(&world, &asha).await, 20);
}

#[tokio::test]
async fn a_reference_stands_for_one_cause() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    write(&world, &entry(&asha, 50, "a")).await.unwrap();
    assert_eq!(code(write(&world, &entry(&asha, 51, "a")).await), "REFERENCE_REUSED");
    assert_eq!(code(write(&world, &entry(&ravi, 50, "a")).await), "REFERENCE_REUSED");
    let nobody = Entry { user: crate::ids::UserId(uuid::Uuid::nil()), ..entry(&asha, 1, "b") };
    assert_eq!(code(write(&world, &nobody).await), "USER_NOT_FOUND");
    assert_eq!((balance(&world, &asha).await, balance(&world, &ravi).await), (150, 100));
}

#[tokio::test]
async fn many_at_once_add_up_and_repeats_count_once() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    world.open_connections().await;
    let entries: Vec<_> = (0..24).map(|i| entry(&asha, 10, &format!("r{}", i / 3))).collect();
    let outcomes = join_all(entries.iter().map(|entry| write(&world, entry))).await;
    let written = outcomes.iter().filter(|o| matches!(o, Ok(Outcome::Written(..)))).count();
    let already = outcomes.iter().filter(|o| matches!(o, Ok(Outcome::Already(..)))).count();
    assert_eq!((written, already), (8, 16));
    assert_eq!(balance(&world, &asha).await, 180);
    // Only as many can be taken as there are.
    let takes: Vec<_> = (0..6).map(|i| entry(&asha, -50, &format!("t{i}"))).collect();
    let outcomes = join_all(takes.iter().map(|entry| write(&world, entry))).await;
    assert_eq!(outcomes.iter().filter(|o| o.is_ok()).count(), 3);
    assert_eq!(balance(&world, &asha).await, 30);
}

#[tokio::test]
async fn the_past_cannot_be_changed() {
    let world = World::with_memory().await;
    world.user("asha").await;
    for change in
        ["update coin_ledger set amount = 1", "delete from coin_ledger", "truncate coin_ledger cascade"]
    {
        let refused = sqlx::raw_sql(change).execute(world.banter.pool()).await.unwrap_err();
        assert!(refused.to_string().contains("append-only"), "{change}: {refused}");
    }
}
