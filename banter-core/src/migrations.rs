//! The schema's history: applying it, telling where a database stands, and trying what is pending.

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::migrate::{Migrate, MigrateError, Migrator};
use sqlx::{Connection as _, PgConnection};

pub static MIGRATOR: Migrator = sqlx::migrate!("../migrations");

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Applied,
    Pending,
    /// Applied, but the file has been edited since.
    Changed,
    /// Applied, but this program does not know it: the database is newer, or another's.
    Unknown,
}

#[derive(Debug, Serialize)]
pub struct Status {
    pub version: i64,
    pub description: String,
    pub state: State,
}

/// Every migration, known here or applied there, oldest first. Changes nothing.
pub async fn status(db: &mut PgConnection) -> Result<Vec<Status>, MigrateError> {
    let applied: BTreeMap<i64, Vec<u8>> = if exists(db).await? {
        db.list_applied_migrations(&MIGRATOR.table_name)
            .await?
            .into_iter()
            .map(|m| (m.version, m.checksum.into_owned()))
            .collect()
    } else {
        BTreeMap::new()
    };
    let mut all: Vec<Status> = MIGRATOR
        .iter()
        .map(|m| Status {
            version: m.version,
            description: m.description.clone().into_owned(),
            state: match applied.get(&m.version) {
                None => State::Pending,
                Some(checksum) if **checksum == *m.checksum => State::Applied,
                Some(_) => State::Changed,
            },
        })
        .collect();
    all.extend(applied.keys().filter(|version| !MIGRATOR.version_exists(**version)).map(|version| Status {
        version: *version,
        description: "not known to this version of Banter".into(),
        state: State::Unknown,
    }));
    all.sort_by_key(|status| status.version);
    Ok(all)
}

/// Applies what is pending; the versions applied.
pub async fn run(db: &mut PgConnection) -> Result<Vec<i64>, MigrateError> {
    let before = status(db).await?;
    MIGRATOR.run_direct(None, db, false).await?;
    Ok(pending(&before))
}

/// Runs what is pending inside one transaction and rolls it back: would it apply?
pub async fn verify(db: &mut PgConnection) -> Result<Vec<i64>, MigrateError> {
    let before = status(db).await?;
    let mut transaction = db.begin().await?;
    for migration in MIGRATOR.iter().filter(|m| pending(&before).contains(&m.version)) {
        if migration.no_tx {
            continue; // such a one cannot be tried without being done
        }
        sqlx::raw_sql(migration.sql.clone())
            .execute(&mut *transaction)
            .await
            .map_err(|error| MigrateError::ExecuteMigration(error, migration.version))?;
    }
    transaction.rollback().await?;
    Ok(pending(&before))
}

fn pending(all: &[Status]) -> Vec<i64> {
    all.iter().filter(|status| status.state == State::Pending).map(|status| status.version).collect()
}

async fn exists(db: &mut PgConnection) -> Result<bool, MigrateError> {
    let found: Option<String> = sqlx::query_scalar("select to_regclass($1)::text")
        .bind(MIGRATOR.table_name.as_ref())
        .fetch_one(db)
        .await?;
    Ok(found.is_some())
}
