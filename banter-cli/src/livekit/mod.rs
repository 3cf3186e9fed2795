//! Keys of the media server, and the templates that go with them: [`templates`].

pub(crate) mod templates;

use banter_core::ids::Ids;
use serde::{Deserialize, Serialize};

/// What setup gets, `banter dev` looks for and the templates are written for.
pub(crate) const VERSION: &str = include_str!("../../../scripts/livekit-version").trim_ascii();

/// An API key with its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Keys {
    pub key: String,
    pub secret: String,
}

impl Keys {
    pub(crate) fn generate(ids: &Ids) -> Self {
        // In the form that LiveKit's own `generate-keys` has.
        Self { key: format!("API{}", hex(&ids.bytes::<8>())), secret: secret(ids) }
    }
}

/// Of 256 bits: LiveKit wants 32 characters or more.
pub(crate) fn secret(ids: &Ids) -> String {
    hex(&ids.bytes::<32>())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
