//! The schema's history: applying it, telling where a database stands, and trying what is pending.

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::migrate::{Migrate, MigrateError, Migrator};
use sqlx::{Connection as _, PgConnection};

use crate::Banter;
use crate::error::{self, Coded, Kind};

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

/// Applies what is pending; the versions applied, by this call and not by another that ran beside it.
pub async fn run(db: &mut PgConnection) -> Result<Vec<i64>, MigrateError> {
    // The migrator takes the same lock again, for its own part.
    db.lock().await?;
    let ran = run_locked(db).await;
    let unlocked = db.unlock().await;
    let applied = ran?;
    unlocked?;
    Ok(applied)
}

async fn run_locked(db: &mut PgConnection) -> Result<Vec<i64>, MigrateError> {
    let before = status(db).await?;
    MIGRATOR.run_direct(None, db, false).await?;
    Ok(pending(&before))
}

/// Runs what is pending inside one transaction and rolls it back: would it apply? It waits for nobody's lock, and
/// leaves out what cannot run inside a transaction; the versions tried.
pub async fn verify(db: &mut PgConnection) -> Result<Vec<i64>, MigrateError> {
    let pending = pending(&status(db).await?);
    let mut tried = Vec::new();
    let mut transaction = db.begin().await?;
    sqlx::query("set local lock_timeout = '3s'").execute(&mut *transaction).await?;
    for migration in MIGRATOR.iter().filter(|m| pending.contains(&m.version) && !m.no_tx) {
        sqlx::raw_sql(migration.sql.clone())
            .execute(&mut *transaction)
            .await
            .map_err(|error| MigrateError::ExecuteMigration(error, migration.version))?;
        tried.push(migration.version);
    }
    transaction.rollback().await?;
    Ok(tried)
}

/// Why the schema was not brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("migration {0} was edited after it was applied")]
    Changed(i64),
    #[error("migration {0} was applied by another version of Banter")]
    Unknown(i64),
    #[error("migration {version} ({description}) fails: {error}")]
    Failed { version: i64, description: String, error: String },
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    #[error("the migrations failed")]
    Other(#[source] MigrateError),
}

impl Coded for Error {
    fn coded(&self) -> (Kind, &'static str) {
        match self {
            Self::Changed(_) => (Kind::Conflict, "MIGRATION_CHANGED"),
            Self::Unknown(_) => (Kind::Conflict, "MIGRATION_UNKNOWN"),
            Self::Failed { .. } => (Kind::Conflict, "MIGRATION_FAILED"),
            Self::Database(error) => error::database(error),
            Self::Other(_) => (Kind::Internal, "INTERNAL"),
        }
    }
}

impl From<MigrateError> for Error {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::VersionMismatch(version) => Self::Changed(version),
            MigrateError::VersionMissing(version) => Self::Unknown(version),
            MigrateError::ExecuteMigration(error, version) if error.as_database_error().is_some() => {
                let description = MIGRATOR.iter().find(|m| m.version == version);
                Self::Failed {
                    version,
                    description: description.map(|m| m.description.clone().into_owned()).unwrap_or_default(),
                    error: error.as_database_error().map_or_else(String::new, |e| e.message().to_owned()),
                }
            }
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => Self::Database(error),
            error => Self::Other(error),
        }
    }
}

/// The acts of this feature, for an operator.
#[derive(Clone, Copy)]
pub struct Migrations<'a>(&'a Banter);

impl Banter {
    pub fn migrations(&self) -> Migrations<'_> {
        Migrations(self)
    }

    /// How many migrations this program knows and its database lacks.
    pub async fn pending_migrations(&self) -> Result<usize, MigrateError> {
        let mut db = self.pool().acquire().await?;
        Ok(pending(&status(&mut db).await?).len())
    }
}

impl Migrations<'_> {
    pub async fn status(&self) -> Result<Vec<Status>, Error> {
        let mut db = self.0.pool().acquire().await?;
        Ok(status(&mut db).await?)
    }

    /// Applies what is pending, one transaction each: what came before a failure stays.
    pub async fn run(&self) -> Result<Vec<i64>, Error> {
        // Detached: closing the connection gives up the migrator's lock even when it fails.
        let mut db = self.0.pool().acquire().await?.detach();
        let ran = run(&mut db).await;
        db.close().await?;
        Ok(ran?)
    }

    /// Would [`Self::run`] succeed? Changes nothing. The versions that were tried.
    pub async fn verify(&self) -> Result<Vec<i64>, Error> {
        let mut db = self.0.pool().acquire().await?;
        for found in status(&mut db).await? {
            match found.state {
                State::Applied | State::Pending => {}
                State::Changed => return Err(Error::Changed(found.version)),
                State::Unknown => return Err(Error::Unknown(found.version)),
            }
        }
        Ok(verify(&mut db).await?)
    }
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

#[cfg(test)]
mod tests;
