//! Settings: environment variables into typed sections, every problem reported at once.
//!
//! [`variables`] declares each variable with its default and meaning; [`sources`] knows where to look; [`Config::load`]
//! reads them. In production
//! a stand-in, an emulator or a default secret is a problem like any other.

pub mod sources;
pub mod variables;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::postgres::PgConnectOptions;

use crate::app::StartError;
use crate::error::{Coded, Kind};
use crate::ids::Ids;
pub use sources::Sources;
use variables::Variable;

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
        let options: PgConnectOptions =
            self.url.expose_secret().parse().map_err(StartError::DatabaseUrl)?;
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
        let mut env = sources.values();
        env.retain(|name, _| ["BANTER_ENV", "NODE_ENV", "DATABASE_", "REDIS_"].iter().any(|p| name.starts_with(p)));
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

    fn read(env: &BTreeMap<String, String>, whole: bool) -> Result<Self, Problems> {
        let mut read = Reader { env, problems: Vec::new() };
        let environment = match read.text("BANTER_ENV").as_str() {
            "development" | "test" => Environment::Development,
            "production" => Environment::Production,
            other => {
                read.problem(format!("BANTER_ENV is `{other}`: expected `development` or `production`"));
                Environment::Production
            }
        };
        let host = read.text("HOST");
        let port = read.parse("PORT", 5000);
        let config = Self {
            environment,
            http: Http {
                public_url: read.optional("PUBLIC_URL").map_or_else(
                    || format!("http://{host}:{port}"),
                    |url| url.trim_end_matches('/').to_owned(),
                ),
                host,
                port,
                metrics_port: read.parse("METRICS_PORT", 9464),
                allowed_origins: read
                    .text("ALLOWED_ORIGINS")
                    .split(',')
                    .map(|origin| origin.trim().to_owned())
                    .filter(|origin| !origin.is_empty())
                    .collect(),
                trusted_proxies: read.parse("TRUSTED_PROXIES", 0),
            },
            database: Database {
                url: read.url("DATABASE_URL", &["postgres://", "postgresql://"]),
                max_connections: read.parse("DATABASE_MAX_CONNECTIONS", 20).max(1),
            },
            redis: read.redis(),
            tokens: read.tokens(),
            firebase: Firebase {
                project_id: read.text("FIREBASE_PROJECT_ID"),
                emulator_host: read.optional("FIREBASE_AUTH_EMULATOR_HOST"),
                certs_url: read.text("GOOGLE_CERTS_URL").trim_end_matches('/').to_owned(),
            },
            limits: Limits {
                window: Duration::from_millis(
                    read.parse("RATE_LIMIT_WINDOW_MS", 900_000).clamp(1_000, 86_400_000),
                ),
                max_requests: read.parse("RATE_LIMIT_MAX_REQUESTS", 1000).max(1),
                multiplier: read.parse("RATE_LIMIT_MULTIPLIER", 1).max(1),
            },
            log: Log {
                filter: read.text("BANTER_LOG"),
                json: match read.optional("BANTER_LOG_FORMAT").as_deref() {
                    None => environment == Environment::Production,
                    Some("json") => true,
                    Some("text") => false,
                    Some(other) => {
                        read.problem(format!("BANTER_LOG_FORMAT is `{other}`: expected `text` or `json`"));
                        false
                    }
                },
            },
        };
        if whole && environment == Environment::Production {
            config.refuse_stand_ins(&mut read);
        }
        if read.problems.is_empty() { Ok(config) } else { Err(Problems(read.problems)) }
    }

    fn refuse_stand_ins(&self, read: &mut Reader<'_>) {
        if self.firebase.emulator_host.is_some() {
            read.problem("FIREBASE_AUTH_EMULATOR_HOST is set: production never accepts unsigned tokens");
        }
        if self.firebase.project_id == "banter-dev" {
            read.problem("FIREBASE_PROJECT_ID is the stand-in `banter-dev`: set your project's");
        }
        if !self.firebase.certs_url.starts_with("https://") {
            read.problem("GOOGLE_CERTS_URL is not https: whoever answers it decides who signs in");
        }
        if self.redis.is_none() {
            read.problem("REDIS_URL is not set: the memory of one process is for development only");
        }
        if self.limits.multiplier != 1 {
            read.problem("RATE_LIMIT_MULTIPLIER is for load tests only: leave it unset");
        }
        for (name, secret) in
            [("JWT_SECRET", &self.tokens.access_secret), ("JWT_REFRESH_SECRET", &self.tokens.refresh_secret)]
        {
            let text = secret.expose_secret();
            let distinct = text.bytes().collect::<std::collections::BTreeSet<_>>().len();
            if ["change", "default", "example", "generate-random", "banter", "secret"]
                .iter()
                .any(|w| text.contains(w))
                || distinct < 10
            {
                read.problem(format!("{name} looks like a placeholder: generate one, for instance with `openssl rand -base64 48`"));
            }
        }
    }

    pub fn is_production(&self) -> bool {
        self.environment == Environment::Production
    }
}

struct Reader<'a> {
    env: &'a BTreeMap<String, String>,
    problems: Vec<String>,
}

impl Reader<'_> {
    fn problem(&mut self, problem: impl Into<String>) {
        self.problems.push(problem.into());
    }

    fn optional(&self, name: &str) -> Option<String> {
        let variable = declared(name);
        std::iter::once(variable.name)
            .chain(variable.alias)
            .find_map(|name| self.env.get(name))
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }

    fn text(&self, name: &str) -> String {
        self.optional(name).unwrap_or_else(|| declared(name).default.to_owned())
    }

    /// `fallback` only stands in after a problem was noted, so that reading can go on.
    fn parse<T: FromStr>(&mut self, name: &str, fallback: T) -> T {
        let text = self.text(name);
        text.parse().unwrap_or_else(|_| {
            self.problem(format!(
                "{name} is `{text}`: expected a number, such as {}",
                declared(name).default
            ));
            fallback
        })
    }

    fn required(&mut self, name: &str) -> String {
        self.optional(name).unwrap_or_else(|| {
            self.problem(format!("{name} is not set: {}", declared(name).meaning));
            String::new()
        })
    }

    fn url(&mut self, name: &str, schemes: &[&str]) -> SecretString {
        let url = self.required(name);
        if !url.is_empty() && !schemes.iter().any(|scheme| url.starts_with(scheme)) {
            self.problem(format!("{name} does not start with {}", schemes.join(" or ")));
        }
        url.into()
    }

    fn redis(&mut self) -> Option<Redis> {
        Some(Redis { url: self.redis_url()?, prefix: self.text("REDIS_PREFIX") })
    }

    fn redis_url(&mut self) -> Option<SecretString> {
        if self.optional("REDIS_URL").is_some() {
            return Some(self.url("REDIS_URL", &["redis://", "rediss://"]));
        }
        let host = self.optional("REDIS_HOST")?;
        let port: u16 = self.parse("REDIS_PORT", 6379);
        let scheme = if self.text("REDIS_TLS") == "true" { "rediss" } else { "redis" };
        let password =
            self.optional("REDIS_PASSWORD").map(|p| format!(":{}@", percent_encode(&p))).unwrap_or_default();
        Some(format!("{scheme}://{password}{host}:{port}").into())
    }

    fn tokens(&mut self) -> Tokens {
        let secrets = ["JWT_SECRET", "JWT_REFRESH_SECRET"].map(|name| {
            let secret = self.required(name);
            if !secret.is_empty() && secret.len() < 32 {
                self.problem(format!("{name} has {} bytes: 32 or more are needed", secret.len()));
            }
            secret
        });
        if !secrets[0].is_empty() && secrets[0] == secrets[1] {
            self.problem("JWT_SECRET and JWT_REFRESH_SECRET are the same: a refresh token could pass for an access token");
        }
        let [access_ttl, refresh_ttl] = ["JWT_EXPIRES_IN", "JWT_REFRESH_EXPIRES_IN"].map(|name| {
            let text = self.text(name);
            parse_duration(&text).unwrap_or_else(|| {
                self.problem(format!(
                    "{name} is `{text}`: expected a duration such as {}",
                    declared(name).default
                ));
                Duration::from_secs(900)
            })
        });
        let [access_secret, refresh_secret] = secrets.map(SecretString::from);
        Tokens { access_secret, access_ttl, refresh_secret, refresh_ttl }
    }
}

fn declared(name: &str) -> &'static Variable {
    variables::variables().find(|v| v.name == name).expect("every variable that is read is declared")
}

/// `900s`, `15m`, `12h`, `7d`, or seconds as a bare number: the forms of the npm package `ms` in use for tokens.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let count: u64 = text[..split].parse().ok()?;
    let unit = match &text[split..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    let seconds = count.checked_mul(unit)?;
    (1..=366 * 86_400).contains(&seconds).then(|| Duration::from_secs(seconds))
}

/// For a password inside a URL (RFC 3986, section 2.1).
fn percent_encode(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(b).to_string(),
            _ => format!("%{b:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let mut all = BTreeMap::from([
            ("DATABASE_URL".into(), "postgres://u@localhost/banter".into()),
            ("JWT_SECRET".into(), "k3J9x0qPZr7vT1mW5yB8nL2dF6hG4sAa".into()),
            ("JWT_REFRESH_SECRET".into(), "Q8wE2rT6yU1iO5pA9sD3fG7hJ4kL0zXc".into()),
        ]);
        all.extend(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
        all
    }

    #[test]
    fn defaults_are_the_documented_ones() {
        let config = Config::load(&env(&[])).unwrap();
        assert_eq!(config.http.public_url, "http://127.0.0.1:5000");
        assert_eq!(config.tokens.access_ttl, Duration::from_secs(900));
        assert_eq!(config.tokens.refresh_ttl, Duration::from_secs(30 * 86_400));
        assert_eq!(config.limits.max_requests, 1000);
        assert!(config.redis.is_none() && !config.log.json);
    }

    #[test]
    fn all_problems_come_at_once() {
        let problems = Config::load(&BTreeMap::from([
            ("PORT".into(), "99999".into()),
            ("DATABASE_URL".into(), "mysql://x".into()),
            ("JWT_SECRET".into(), "short".into()),
            ("JWT_EXPIRES_IN".into(), "soon".into()),
            ("BANTER_LOG_FORMAT".into(), "xml".into()),
        ]))
        .unwrap_err();
        insta::assert_snapshot!(problems, @r"
        the configuration has 6 problems:
          - PORT is `99999`: expected a number, such as 5000
          - DATABASE_URL does not start with postgres:// or postgresql://
          - JWT_SECRET has 5 bytes: 32 or more are needed
          - JWT_REFRESH_SECRET is not set: Signs refresh tokens; 32 bytes or more, another than JWT_SECRET; required
          - JWT_EXPIRES_IN is `soon`: expected a duration such as 15m
          - BANTER_LOG_FORMAT is `xml`: expected `text` or `json`
        ");
    }

    #[test]
    fn production_refuses_every_stand_in() {
        let problems = Config::load(&env(&[
            ("NODE_ENV", "production"),
            ("FIREBASE_AUTH_EMULATOR_HOST", "127.0.0.1:9099"),
            ("GOOGLE_CERTS_URL", "http://127.0.0.1:1"),
            ("RATE_LIMIT_MULTIPLIER", "100"),
            ("JWT_SECRET", "change-me-change-me-change-me-change-me"),
        ]))
        .unwrap_err();
        assert_eq!(problems.iter().count(), 6, "{problems}");
        let good = [
            ("BANTER_ENV", "production"),
            ("REDIS_URL", "rediss://x:6380"),
            ("FIREBASE_PROJECT_ID", "banter-live"),
        ];
        assert!(Config::load(&env(&good)).unwrap().log.json);
    }

    #[test]
    fn redis_parts_make_a_url() {
        let config = Config::load(&env(&[
            ("REDIS_HOST", "r.example"),
            ("REDIS_PORT", "6380"),
            ("REDIS_PASSWORD", "a/b=c"),
            ("REDIS_TLS", "true"),
        ]))
        .unwrap();
        assert_eq!(config.redis.unwrap().url.expose_secret(), "rediss://:a%2Fb%3Dc@r.example:6380");
    }

    #[test]
    fn the_committed_example_is_the_generated_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../.env.example");
        assert_eq!(
            std::fs::read_to_string(path).unwrap_or_default(),
            variables::example(),
            "run `banter config example > .env.example`"
        );
    }
}
