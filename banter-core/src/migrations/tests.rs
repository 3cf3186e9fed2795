use sqlx::AssertSqlSafe;

use super::*;
use crate::testing::{TestDatabase, database};

/// A database at the state before the newest migration.
async fn one_behind() -> (TestDatabase, PgConnection, i64) {
    let database = database().await;
    let mut db = database.connect().await;
    let newest = MIGRATOR.iter().last().unwrap().version;
    sqlx::raw_sql("drop schema public cascade; create schema public").execute(&mut db).await.unwrap();
    db.ensure_migrations_table(&MIGRATOR.table_name).await.unwrap();
    for migration in MIGRATOR.iter().take_while(|migration| migration.version < newest) {
        db.apply(&MIGRATOR.table_name, migration).await.unwrap();
    }
    (database, db, newest)
}

async fn states(db: &mut PgConnection) -> Vec<State> {
    status(db).await.unwrap().into_iter().map(|status| status.state).collect()
}

/// Everything the catalogue knows that a migration could add.
async fn catalogue(db: &mut PgConnection) -> Vec<String> {
    let objects = sqlx::query_scalar(
        "select relname::text from pg_class where relnamespace = 'public'::regnamespace
         union all select proname::text from pg_proc where pronamespace = 'public'::regnamespace order by 1",
    );
    objects.fetch_all(db).await.unwrap()
}

#[tokio::test]
async fn a_fresh_database_has_everything_pending_and_then_applied() {
    let database = database().await;
    let mut db = database.connect().await;
    assert!(states(&mut db).await.iter().all(|state| *state == State::Applied));
    assert_eq!(run(&mut db).await.unwrap(), [0; 0]);
    sqlx::raw_sql("drop schema public cascade; create schema public").execute(&mut db).await.unwrap();
    let all: Vec<i64> = MIGRATOR.iter().map(|migration| migration.version).collect();
    assert!(states(&mut db).await.iter().all(|state| *state == State::Pending));
    assert!(catalogue(&mut db).await.is_empty(), "asking changes nothing");
    assert_eq!(verify(&mut db).await.unwrap(), all);
    assert!(catalogue(&mut db).await.is_empty(), "trying changes nothing");
    assert_eq!(run(&mut db).await.unwrap(), all);
    assert!(states(&mut db).await.iter().all(|state| *state == State::Applied));
}

#[tokio::test]
async fn what_is_pending_is_tried_and_rolled_back() {
    let (_database, mut db, newest) = one_behind().await;
    let before = catalogue(&mut db).await;
    let last = status(&mut db).await.unwrap().pop().unwrap();
    assert_eq!((last.version, last.state), (newest, State::Pending));
    assert_eq!(verify(&mut db).await.unwrap(), [newest]);
    assert_eq!((catalogue(&mut db).await, states(&mut db).await.pop()), (before, Some(State::Pending)));
    assert_eq!(run(&mut db).await.unwrap(), [newest]);
}

#[tokio::test]
async fn a_migration_that_cannot_apply_says_which() {
    let (_database, mut db, newest) = one_behind().await;
    let in_its_way = "create table room_listens (x int)";
    sqlx::raw_sql(in_its_way).execute(&mut db).await.unwrap();
    for failed in [verify(&mut db).await, run(&mut db).await] {
        match Error::from(failed.unwrap_err()) {
            Error::Failed { version, error, .. } => {
                assert_eq!((version, error.as_str()), (newest, r#"relation "room_listens" already exists"#));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(states(&mut db).await.pop(), Some(State::Pending));
}

#[tokio::test]
async fn edited_and_foreign_migrations_are_noticed() {
    let database = database().await;
    let mut db = database.connect().await;
    let oldest = MIGRATOR.iter().next().unwrap().version;
    let table = &MIGRATOR.table_name;
    for sql in [
        format!("update {table} set checksum = 'edited' where version = {oldest}"),
        format!(
            "insert into {table} (version, description, success, checksum, execution_time)
             values (99991231000000, 'of the future', true, 'x', 1)"
        ),
    ] {
        sqlx::query(AssertSqlSafe(sql)).execute(&mut db).await.unwrap();
    }
    let all = status(&mut db).await.unwrap();
    assert_eq!((all[0].version, all[0].state), (oldest, State::Changed));
    let last = all.last().unwrap();
    assert_eq!((last.version, last.state), (99_991_231_000_000, State::Unknown));
    assert!(all[1..all.len() - 1].iter().all(|status| status.state == State::Applied));
    assert!(matches!(Error::from(run(&mut db).await.unwrap_err()), Error::Unknown(99_991_231_000_000)));
    sqlx::query(AssertSqlSafe(format!("delete from {table} where version = 99991231000000")))
        .execute(&mut db)
        .await
        .unwrap();
    assert!(
        matches!(Error::from(run(&mut db).await.unwrap_err()), Error::Changed(version) if version == oldest)
    );
}
