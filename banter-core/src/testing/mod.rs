//! What the tests of every crate stand on (feature `testing`, never in a release): a fresh database each, a [`World`]
//! with a clock that is moved by hand, strict stand-ins for outside services, redactions that check.
//!
//! PostgreSQL and Redis are the real ones, named by `DATABASE_URL` and `REDIS_URL` (`make test` starts private
//! ones). Databases are made from a template and dropped afterwards; Redis is shared, each world under a prefix of
//! its own. Nothing here sleeps: what happens later is waited for, with a deadline.
//!
//! [`database`] · [`World`] people, time, events · [`files`] pictures and recordings, good and bad ·
//! [`google`] the certificate endpoint · [`fcm`] pushes · [`livekit`] the real media server · [`redact`] for snapshots

mod database;
pub mod fcm;
pub mod files;
pub mod google;
pub mod livekit;
mod notices;
pub mod redact;
#[cfg(test)]
mod tests;
mod world;

use std::time::Duration;

use secrecy::SecretString;

use crate::config::{self, Config, Environment};

pub use database::{TestDatabase, database};
pub use notices::{DEADLINE, Notices};
pub use world::{Builder, Person, Replica, World, noon};

/// The Firebase project of every test.
pub const PROJECT: &str = "banter-dev";

/// Development settings over this database, and this Redis under a prefix that no other test has. The Firebase
/// emulator is on: unsigned tokens of [`PROJECT`] sign in.
pub fn config(database_url: &str, redis_url: Option<&str>) -> Config {
    Config {
        environment: Environment::Development,
        http: config::Http {
            host: "127.0.0.1".into(),
            port: 0,
            metrics_port: 0,
            public_url: "http://127.0.0.1:5000".into(),
            allowed_origins: vec!["http://localhost:8081".into()],
            trusted_proxies: 0,
        },
        database: config::Database {
            url: database_url.into(),
            max_connections: 8,
            patience: Duration::from_secs(3),
        },
        redis: redis_url.map(|url| config::Redis {
            url: url.into(),
            prefix: format!("test:{}:", database::random()),
            // A machine that compiles beside the tests makes everybody wait; that is no absence.
            patience: DEADLINE,
        }),
        tokens: config::Tokens {
            access_secret: SecretString::from("access-secret-of-tests-0123456789"),
            access_ttl: Duration::from_secs(15 * 60),
            refresh_secret: SecretString::from("refresh-secret-of-tests-0123456789"),
            refresh_ttl: Duration::from_secs(30 * 86_400),
        },
        firebase: config::Firebase {
            project_id: PROJECT.into(),
            emulator_host: Some("127.0.0.1:9099".into()),
            // Nobody listens there: a test that needs certificates starts the stub and names it.
            certs_url: "http://127.0.0.1:1".into(),
        },
        // Without an account nothing is pushed: a test that pushes starts the stub and takes its settings.
        fcm: config::Fcm {
            api_url: "http://127.0.0.1:1".into(),
            token_url: "http://127.0.0.1:1".into(),
            account: None,
            patience: DEADLINE,
        },
        // A directory of its own is given to each world that lives.
        storage: config::Storage::Disk { dir: "/nonexistent/banter-media".into() },
        // A test that speaks starts a media server of its own and takes its settings.
        livekit: None,
        turn: None,
        // A test that buys starts the stand-in and takes its settings.
        razorpay: None,
        seller: config::Seller {
            name: "Banter".into(),
            address: None,
            gstin: Some("29ABCDE1234F1Z5".into()),
            gst_rate: 1800,
        },
        moderation: config::Moderation {
            acknowledge: Duration::from_hours(24),
            resolve: Duration::from_hours(15 * 24),
            resolve_urgent: Duration::from_hours(24),
            resolve_intimate: Duration::from_hours(2),
            resolve_legal: Duration::from_hours(3),
            keep_evidence: Duration::from_hours(180 * 24),
        },
        limits: config::Limits { window: Duration::from_secs(900), max_requests: 1000, multiplier: 1 },
        log: config::Log { filter: "info".into(), json: false },
    }
}

/// The Redis of `REDIS_URL`, under a prefix that no other test has.
#[cfg(test)]
pub(crate) fn redis() -> crate::redis::Redis {
    let url = std::env::var("REDIS_URL").expect("REDIS_URL is set");
    let config = config("", Some(&url)).redis.expect("has Redis");
    crate::redis::Redis::new(&config, tokio::sync::mpsc::unbounded_channel().0).expect("a Redis URL")
}

/// Runs this to its end on a thread of its own: for `drop`, which cannot wait.
fn on_a_thread<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> std::thread::Result<T> {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime for one thread").block_on(work)
    })
    .join()
}
