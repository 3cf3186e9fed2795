//! What is made up once and kept for the next start: ports, passwords, the secrets that sign tokens.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use banter_core::ids::Ids;
use banter_core::sandbox::razorpay;
use serde::{Deserialize, Serialize};

use crate::exit::Failure;
use crate::livekit::{self, Keys, hex};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    pub postgres: Endpoint,
    pub redis: Endpoint,
    pub jwt_secret: String,
    pub jwt_refresh_secret: String,
    #[serde(default = "LiveKit::of_older_state")]
    pub livekit: LiveKit,
    #[serde(default = "Relay::of_older_state")]
    pub relay: Relay,
    #[serde(default = "Razorpay::of_older_state")]
    pub razorpay: Razorpay,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LiveKit {
    pub keys: Keys,
    pub ports: Option<LiveKitPorts>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LiveKitPorts {
    /// HTTP and WebSocket.
    pub http: u16,
    /// Media over TCP, and over UDP.
    pub tcp: u16,
    pub udp: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Relay {
    pub secret: String,
    pub port: Option<u16>,
}

/// Of its stand-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Razorpay {
    pub keys: razorpay::Keys,
    pub port: Option<u16>,
}

impl Razorpay {
    fn generate(ids: &Ids) -> Self {
        Self { keys: razorpay::Keys::generate(ids), port: None }
    }

    fn of_older_state() -> Self {
        Self::generate(&Ids::System)
    }
}

impl LiveKit {
    fn generate(ids: &Ids) -> Self {
        Self { keys: Keys::generate(ids), ports: None }
    }

    fn of_older_state() -> Self {
        Self::generate(&Ids::System)
    }
}

impl Relay {
    fn generate(ids: &Ids) -> Self {
        Self { secret: livekit::secret(ids), port: None }
    }

    fn of_older_state() -> Self {
        Self::generate(&Ids::System)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Endpoint {
    /// `None`: it never ran yet.
    pub port: Option<u16>,
    pub password: String,
}

/// The role and the database of Banter on the private PostgreSQL.
pub(super) const NAME: &str = "banter";

impl State {
    pub(super) fn generate(ids: &Ids) -> Self {
        let endpoint = || Endpoint { port: None, password: hex(&ids.bytes::<24>()) };
        Self {
            postgres: endpoint(),
            redis: endpoint(),
            jwt_secret: hex(&ids.bytes::<32>()),
            jwt_refresh_secret: hex(&ids.bytes::<32>()),
            livekit: LiveKit::generate(ids),
            relay: Relay::generate(ids),
            razorpay: Razorpay::generate(ids),
        }
    }

    /// `None`: there is none yet.
    pub(super) fn load(file: &Path) -> Result<Option<Self>, Failure> {
        let text = match fs::read(file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(Failure::user(format!("`{}` could not be read: {error}", file.display())));
            }
        };
        serde_json::from_slice(&text).map(Some).map_err(|error| {
            Failure::user(format!("`{}` is damaged: {error}", file.display()))
                .hint("`--fresh` starts over: the data in this directory is dropped")
        })
    }

    pub(super) fn save(&self, file: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self).expect("plain data");
        write_private(file, &text)
    }

    /// The address of a database on the private PostgreSQL.
    pub(super) fn database_url(&self, database: &str) -> String {
        let Endpoint { port, password } = &self.postgres;
        format!("postgres://{NAME}:{password}@127.0.0.1:{}/{database}", port.unwrap_or(5432))
    }

    pub(super) fn redis_url(&self) -> String {
        format!("redis://:{}@127.0.0.1:{}", self.redis.password, self.redis.port.unwrap_or(6379))
    }
}

/// Writes a file that nobody else may read, whole or not at all.
pub(crate) fn write_private(file: &Path, text: &str) -> Result<(), Failure> {
    try_write_private(file, text)
        .map_err(|error| Failure::user(format!("`{}` could not be written: {error}", file.display())))
}

pub(super) fn try_write_private(file: &Path, text: &str) -> io::Result<()> {
    let unfinished = file.with_extension("new");
    let mut options = fs::OpenOptions::new();
    let mut open = options.write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    // The mode counts only for a file that was not there.
    open.set_permissions(fs::Permissions::from_mode(0o600))?;
    open.write_all(text.as_bytes())?;
    fs::rename(&unfinished, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_back_and_nobody_else_reads_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("state.json");
        assert_eq!(State::load(&file).unwrap(), None);
        let mut state = State::generate(&Ids::seeded(7));
        state.postgres.port = Some(23_456);
        state.save(&file).unwrap();
        assert_eq!(State::load(&file).unwrap(), Some(state));
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&file, "{").unwrap();
        assert!(State::load(&file).is_err());
    }

    #[test]
    fn a_state_from_before_calls_gets_keys_and_keeps_the_rest() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("state.json");
        let old = serde_json::json!({
            "postgres": { "port": 20_001, "password": "p" },
            "redis": { "port": 20_002, "password": "r" },
            "jwt_secret": "a",
            "jwt_refresh_secret": "b",
        });
        fs::write(&file, old.to_string()).unwrap();
        let state = State::load(&file).unwrap().unwrap();
        assert_eq!((state.postgres.port, state.redis.password.as_str()), (Some(20_001), "r"));
        assert!(state.livekit.keys.secret.len() >= 32 && state.relay.secret.len() >= 32);
        assert!(state.razorpay.keys.webhook_secret.len() >= 32);
        state.save(&file).unwrap();
        assert_eq!(State::load(&file).unwrap(), Some(state));
    }

    #[test]
    fn every_secret_is_its_own() {
        let state = State::generate(&Ids::seeded(7));
        let secrets = [
            &state.postgres.password,
            &state.redis.password,
            &state.jwt_secret,
            &state.jwt_refresh_secret,
            &state.livekit.keys.secret,
            &state.relay.secret,
            &state.razorpay.keys.key_secret,
            &state.razorpay.keys.webhook_secret,
        ];
        assert_eq!(std::collections::BTreeSet::from(secrets).len(), 8);
        assert_eq!(state.jwt_secret.len(), 64);
        assert_ne!(state, State::generate(&Ids::seeded(8)));
    }
}
