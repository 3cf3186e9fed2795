//! What is made up once and kept for the next start: ports, passwords, the secrets that sign tokens.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use banter_core::ids::Ids;
use serde::{Deserialize, Serialize};

use crate::exit::Failure;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    pub postgres: Endpoint,
    pub redis: Endpoint,
    pub jwt_secret: String,
    pub jwt_refresh_secret: String,
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
pub(super) fn write_private(file: &Path, text: &str) -> Result<(), Failure> {
    let write = || {
        let unfinished = file.with_extension("new");
        let mut options = fs::OpenOptions::new();
        let mut open = options.write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        // The mode counts only for a file that was not there.
        open.set_permissions(fs::Permissions::from_mode(0o600))?;
        open.write_all(text.as_bytes())?;
        fs::rename(&unfinished, file)
    };
    write().map_err(|error| Failure::user(format!("`{}` could not be written: {error}", file.display())))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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
    fn every_secret_is_its_own() {
        let state = State::generate(&Ids::seeded(7));
        let secrets =
            [&state.postgres.password, &state.redis.password, &state.jwt_secret, &state.jwt_refresh_secret];
        assert_eq!(std::collections::BTreeSet::from(secrets).len(), 4);
        assert_eq!(state.jwt_secret.len(), 64);
        assert_ne!(state, State::generate(&Ids::seeded(8)));
    }
}
