//! Settings: environment variables into typed sections, every problem reported at once.
//!
//! [`variables`] declares each variable with its default and meaning; [`sources`] knows where to look; [`Config::load`]
//! reads them. In production a stand-in, an emulator or a default secret is a problem like any other.

mod azure;
mod production;
mod reader;
pub mod sources;
pub mod variables;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::postgres::PgConnectOptions;

use crate::app::StartError;
use crate::error::{Coded, Kind};
use crate::ids::Ids;
use crate::media::Purpose;
pub use reader::parse_duration;
pub use sources::Sources;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    Development,
    Production,
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Development => "development",
            Self::Production => "production",
        })
    }
}

#[derive(Clone, Debug)]
pub struct Config {
    pub environment: Environment,
    pub http: Http,
    pub database: Database,
    /// `None`: the memory of this one process.
    pub redis: Option<Redis>,
    pub tokens: Tokens,
    pub firebase: Firebase,
    pub fcm: Fcm,
    pub storage: Storage,
    /// `None`: no calls, and no rooms but for text.
    pub livekit: Option<LiveKit>,
    /// `None`: no relay.
    pub turn: Option<Turn>,
    /// `None`: nothing can be bought.
    pub razorpay: Option<Razorpay>,
    pub seller: Seller,
    pub moderation: Moderation,
    pub limits: Limits,
    pub log: Log,
}

#[derive(Clone, Debug)]
pub struct Http {
    pub host: String,
    pub port: u16,
    pub metrics_port: u16,
    pub public_url: String,
    pub allowed_origins: Vec<String>,
    pub trusted_proxies: usize,
}

#[derive(Clone, Debug)]
pub struct Database {
    pub url: SecretString,
    pub max_connections: u32,
    /// How long somebody waits for a connection.
    pub patience: Duration,
}

/// Which database, without the credentials: what a tool says before it changes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// A host, or the directory of a socket.
    pub host: String,
    pub port: u16,
    pub name: String,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}:{}", self.name, self.host, self.port)
    }
}

impl Database {
    pub fn target(&self) -> Result<Target, StartError> {
        let options: PgConnectOptions = self.url.expose_secret().parse().map_err(StartError::DatabaseUrl)?;
        let host = options.get_socket().map_or(options.get_host().to_owned(), |s| s.display().to_string());
        let name = options.get_database().unwrap_or(options.get_username()).to_owned();
        Ok(Target { host, port: options.get_port(), name })
    }
}

#[derive(Clone, Debug)]
pub struct Redis {
    pub url: SecretString,
    /// What every key and channel begins with.
    pub prefix: String,
    /// How long an answer may take before Redis counts as away.
    pub patience: Duration,
}

#[derive(Clone, Debug)]
pub struct Tokens {
    pub access_secret: SecretString,
    pub access_ttl: Duration,
    pub refresh_secret: SecretString,
    pub refresh_ttl: Duration,
}

#[derive(Clone, Debug)]
pub struct Firebase {
    pub project_id: String,
    /// Set: unsigned tokens are accepted, as Firebase's SDKs do beside their emulator.
    pub emulator_host: Option<String>,
    pub certs_url: String,
}

/// Pushes to phones.
#[derive(Clone, Debug)]
pub struct Fcm {
    pub api_url: String,
    /// Where an assertion of the service account is exchanged for an access token.
    pub token_url: String,
    /// `None`: nothing is pushed.
    pub account: Option<ServiceAccount>,
    /// How long an answer may take.
    pub patience: Duration,
}

/// A Google service account's key.
#[derive(Clone, Debug)]
pub struct ServiceAccount {
    pub client_email: String,
    /// PEM, PKCS#8.
    pub private_key: SecretString,
    /// Tells Google which of the account's keys signed.
    pub key_id: Option<String>,
}

/// Where uploads lie.
#[derive(Clone, Debug)]
pub enum Storage {
    /// A directory, made when it is needed: for development.
    Disk {
        dir: PathBuf,
    },
    Azure(Azure),
}

#[derive(Clone, Debug)]
pub struct Azure {
    pub account: String,
    /// Base64.
    pub key: SecretString,
    /// Of the blob service, without a slash at its end.
    pub endpoint: String,
    pub containers: Containers,
}

/// The containers' names, one for each purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Containers {
    pub avatars: String,
    pub media: String,
    pub voice: String,
    pub covers: String,
    pub verification: String,
}

impl Containers {
    pub fn of(&self, purpose: Purpose) -> &str {
        match purpose {
            Purpose::Chat => &self.media,
            Purpose::Voice => &self.voice,
            Purpose::Avatar => &self.avatars,
            Purpose::RoomCover => &self.covers,
            Purpose::Verification => &self.verification,
        }
    }
}

/// The media server.
#[derive(Clone, Debug)]
pub struct LiveKit {
    pub api_key: String,
    pub api_secret: SecretString,
    /// For the apps: `ws://` or `wss://`.
    pub server_url: String,
    /// For this server: `http://` or `https://`.
    pub api_url: String,
    /// How long an answer may take.
    pub patience: Duration,
}

/// The relay.
#[derive(Clone, Debug)]
pub struct Turn {
    /// RFC 7065, `stun:` among them or not.
    pub urls: Vec<String>,
    pub secret: SecretString,
    /// Life of a credential.
    pub ttl: Duration,
}

/// The payment provider.
#[derive(Clone, Debug)]
pub struct Razorpay {
    /// For the apps too: their checkout names it.
    pub key_id: String,
    /// Proves who asks, and signs what a checkout answers.
    pub key_secret: SecretString,
    /// Signs webhooks.
    pub webhook_secret: SecretString,
    /// Scheme and host, without a path.
    pub api_url: String,
    /// Plans as Razorpay knows them (`plan_…`); without one that subscription is not for sale.
    pub plan_monthly: Option<String>,
    pub plan_yearly: Option<String>,
    /// How long an answer may take.
    pub patience: Duration,
}

/// Who sells, as receipts say it.
#[derive(Clone, Debug)]
pub struct Seller {
    pub name: String,
    pub address: Option<String>,
    /// The number in the register of India's Goods and Services Tax.
    pub gstin: Option<String>,
    /// GST in hundredths of a percent of the taxable value; prices are that value and the tax on it.
    pub gst_rate: i32,
}

/// By when cases of reports are looked at and decided, as law and our own promise have it.
#[derive(Clone, Debug)]
pub struct Moderation {
    pub acknowledge: Duration,
    pub resolve: Duration,
    pub resolve_urgent: Duration,
    pub resolve_intimate: Duration,
    pub resolve_legal: Duration,
    /// From a case's end on.
    pub keep_evidence: Duration,
}

#[derive(Clone, Debug)]
pub struct Limits {
    pub window: Duration,
    pub max_requests: u32,
    pub multiplier: u32,
}

#[derive(Clone, Debug)]
pub struct Log {
    pub filter: String,
    pub json: bool,
}

/// Everything that is wrong with the environment.
#[derive(Debug, thiserror::Error)]
pub struct Problems(Vec<String>);

impl Problems {
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "the configuration has {} problem{}:",
            self.0.len(),
            if self.0.len() == 1 { "" } else { "s" }
        )?;
        for problem in &self.0 {
            writeln!(f, "  - {problem}")?;
        }
        Ok(())
    }
}

impl Coded for Problems {
    fn coded(&self) -> (Kind, &'static str) {
        (Kind::Invalid, "CONFIG_INVALID")
    }
}

impl Config {
    /// From wherever [`Sources`] looks.
    pub fn from_env() -> Result<Self, Problems> {
        Self::from_sources(&Sources::read(None))
    }

    /// Also refuses a file that could not be read.
    pub fn from_sources(sources: &Sources) -> Result<Self, Problems> {
        Self::with_faults(sources, Self::load(&sources.values()))
    }

    /// For tools that only work on the data: the database and Redis count, the rest is neither asked for nor
    /// judged. No token that such a process signs is good anywhere.
    pub fn for_data(sources: &Sources) -> Result<Self, Problems> {
        Self::in_part(sources, &[])
    }

    /// The same for tools that also ask the payment provider, who in production is no stand-in.
    pub fn for_payments(sources: &Sources) -> Result<Self, Problems> {
        let config = Self::in_part(sources, &["RAZORPAY_", "SELLER_", "GST_"])?;
        match config.razorpay.as_ref().filter(|_| config.is_production()).and_then(production::stand_in) {
            Some(problem) => Err(Problems(vec![problem.into()])),
            None => Ok(config),
        }
    }

    fn in_part(sources: &Sources, more: &[&str]) -> Result<Self, Problems> {
        let mut env = sources.values();
        let kept = [&["BANTER_ENV", "NODE_ENV", "DATABASE_", "REDIS_"], more].concat();
        env.retain(|name, _| kept.iter().any(|prefix| name.starts_with(prefix)));
        for name in ["JWT_SECRET", "JWT_REFRESH_SECRET"] {
            let bytes: [u8; 32] = Ids::System.bytes();
            env.insert(name.into(), bytes.iter().map(|b| format!("{b:02x}")).collect());
        }
        Self::with_faults(sources, Self::read(&env, false))
    }

    pub fn load(env: &BTreeMap<String, String>) -> Result<Self, Problems> {
        Self::read(env, true)
    }

    fn with_faults(sources: &Sources, loaded: Result<Self, Problems>) -> Result<Self, Problems> {
        let mut problems = sources.faults().to_vec();
        match loaded {
            Ok(config) if problems.is_empty() => return Ok(config),
            Ok(_) => {}
            Err(more) => problems.extend(more.0),
        }
        Err(Problems(problems))
    }

    pub fn is_production(&self) -> bool {
        self.environment == Environment::Production
    }
}

#[cfg(test)]
mod tests;
