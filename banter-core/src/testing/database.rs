//! A database for each test, copied from a template in some tens of milliseconds.
//!
//! The template's name holds a checksum of all migrations, so a stale one is never used. Whoever finds it missing
//! makes it, under an advisory lock and another name until it is whole: test binaries may start side by side.

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use std::sync::atomic::{AtomicBool, Ordering};

use super::on_a_thread;
use crate::clock::Clock;
use crate::ids::Ids;
use crate::migrations::{self, MIGRATOR};

/// A migrated, empty database of this test's own, dropped with this value.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
    server: PgConnectOptions,
}

const TEMPLATE: &str = "banter_template_";
/// Serialises making and dropping of templates; any number, the same for all.
const LOCK: i64 = 0x0062_616e_7465_7231;
/// What a killed run leaves behind is dropped by a later one after this many seconds.
const LEFT_OVER: i64 = 3600;

/// Makes one. Panics with a hint when there is no server to make it on.
pub async fn database() -> TestDatabase {
    let url = std::env::var("DATABASE_URL").unwrap_or_default();
    assert!(
        !url.is_empty(),
        "DATABASE_URL is not set: these tests need PostgreSQL; run `make test`, or `banter dev exec -- cargo test`"
    );
    let server: PgConnectOptions = url.parse().expect("DATABASE_URL is a PostgreSQL URL");
    let mut admin = PgConnection::connect_with(&server).await.unwrap_or_else(|error| {
        panic!("PostgreSQL of DATABASE_URL does not answer ({error}); run `make test`, or `banter dev exec -- cargo test`")
    });
    let name = format!("test_{:x}_{}", Clock::System.now().timestamp(), random());
    let template = template_name();
    // The template may be missing, or be dropped by a run with other migrations in this very moment.
    for _ in 0..5 {
        match execute(&mut admin, format!("create database {name} template {template}")).await {
            Ok(()) => break,
            Err(error) if is_missing(&error) => make_template(&mut admin, &server, &template).await,
            Err(error) => panic!("the test's database could not be made: {error}"),
        }
    }
    drop_left_overs(&mut admin).await;
    admin.close().await.ok();
    TestDatabase { name, server }
}

impl TestDatabase {
    pub fn url(&self) -> String {
        self.options().to_url_lossy().to_string()
    }

    /// A connection beside those of the application under test.
    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect_with(&self.options()).await.expect("the test's database answers")
    }

    fn options(&self) -> PgConnectOptions {
        self.server.clone().database(&self.name)
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // A failure leaves a database too many, which a later run drops.
        let _ = on_a_thread(async move {
            if let Ok(mut admin) = PgConnection::connect_with(&server).await {
                let _ = execute(&mut admin, format!("drop database if exists {name} with (force)")).await;
            }
        });
    }
}

async fn make_template(admin: &mut PgConnection, server: &PgConnectOptions, template: &str) {
    // Held by a transaction, so that it goes with it whatever happens; `create database` needs another connection.
    let mut lock = PgConnection::connect_with(server).await.expect("the server answers");
    let mut locked = lock.begin().await.expect("a transaction");
    sqlx::query("select pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *locked).await.expect("the lock");
    let all = names(admin, TEMPLATE).await;
    if all.iter().any(|name| name == template) {
        return; // somebody made it while we waited
    }
    for stale in all {
        execute(admin, format!("drop database if exists {stale} with (force)")).await.expect("dropped");
    }
    let making = format!("{TEMPLATE}in_the_making");
    execute(admin, format!("create database {making} template template0")).await.expect("created");
    let mut fresh = PgConnection::connect_with(&server.clone().database(&making))
        .await
        .expect("the new database answers");
    migrations::run(&mut fresh).await.expect("the migrations apply");
    fresh.close().await.expect("closed");
    // Nobody can connect to it and be in the way of copying.
    execute(admin, format!("alter database {making} with allow_connections false"))
        .await
        .expect("closed off");
    execute(admin, format!("alter database {making} rename to {template}")).await.expect("renamed");
}

/// Once a process: databases of runs that were killed.
async fn drop_left_overs(admin: &mut PgConnection) {
    static DONE: AtomicBool = AtomicBool::new(false);
    if DONE.swap(true, Ordering::Relaxed) {
        return;
    }
    let long_ago = Clock::System.now().timestamp() - LEFT_OVER;
    for name in names(admin, "test_").await {
        let made_at = name.split('_').nth(1).and_then(|time| i64::from_str_radix(time, 16).ok());
        if made_at.is_some_and(|made_at| made_at < long_ago) {
            // Another process may be doing the same.
            let _ = execute(admin, format!("drop database if exists {name} with (force)")).await;
        }
    }
}

async fn names(admin: &mut PgConnection, prefix: &str) -> Vec<String> {
    sqlx::query_scalar("select datname::text from pg_database where starts_with(datname::text, $1)")
        .bind(prefix)
        .fetch_all(admin)
        .await
        .expect("the list of databases")
}

/// Statements on databases take no parameters; every name here is made of `[a-z0-9_]` by this module.
async fn execute(admin: &mut PgConnection, sql: String) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(admin).await.map(|_| ())
}

fn is_missing(error: &sqlx::Error) -> bool {
    // 3D000: invalid_catalog_name
    matches!(error, sqlx::Error::Database(e) if e.code().as_deref() == Some("3D000"))
}

/// FNV-1a over the checksums that sqlx keeps of every migration.
fn template_name() -> String {
    let hash = MIGRATOR
        .iter()
        .flat_map(|migration| migration.checksum.iter())
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
    format!("{TEMPLATE}{hash:016x}")
}

pub(super) fn random() -> String {
    format!("{:016x}", u64::from_le_bytes(Ids::System.bytes()))
}
