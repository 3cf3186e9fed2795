//! Credentials for the relay (coturn), which it checks with the secret it shares with us and keeps no list of: the name
//! is when they run out and whose they are, the password its HMAC-SHA1 (draft-uberti-behave-turn-rest-00, section 2.2).

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use utoipa::ToSchema;

use crate::config;

/// An entry of WebRTC's `RTCConfiguration.iceServers`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct IceServer {
    pub urls: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

/// What a phone asks for its own address, and what carries its media where nothing else gets through.
pub fn ice_servers(config: &config::Turn, whose: &str, now: DateTime<Utc>) -> Vec<IceServer> {
    let (stun, turn): (Vec<String>, Vec<String>) =
        config.urls.iter().cloned().partition(|url| url.starts_with("stun"));
    let mut servers = Vec::new();
    if !stun.is_empty() {
        servers.push(IceServer { urls: stun, username: None, credential: None });
    }
    if !turn.is_empty() {
        // The relay counts what one name takes: within an hour a person has one name, however often they ask.
        let runs_out = now.timestamp().saturating_add_unsigned(config.ttl.as_secs());
        let runs_out = runs_out.saturating_add(HOUR - 1) / HOUR * HOUR;
        let username = format!("{runs_out}:{whose}");
        let credential = credential(config.secret.expose_secret(), &username);
        servers.push(IceServer { urls: turn, username: Some(username), credential: Some(credential) });
    }
    servers
}

/// Seconds.
const HOUR: i64 = 3600;

fn credential(secret: &str, username: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
    STANDARD.encode(hmac::sign(&key, username.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_credential_is_what_coturn_computes() {
        // Accepted by a coturn 4.6.1 with that secret.
        assert_eq!(credential("testsecret", "1795332100:user42"), "Lzgacg3jzCNX1E3LHWfgGg/o5RQ=");
    }

    #[test]
    fn only_the_relay_asks_for_a_credential() {
        let config = config::Turn {
            urls: ["turn:t:1?transport=udp", "stun:t:1", "turns:t:2"].map(str::to_owned).into(),
            secret: "testsecret".into(),
            ttl: Duration::from_secs(100),
        };
        let servers = ice_servers(&config, "user42", DateTime::from_timestamp(1_795_332_000, 0).unwrap());
        assert_eq!(servers.len(), 2);
        assert_eq!((servers[0].urls.as_slice(), &servers[0].username), (&["stun:t:1".to_owned()][..], &None));
        assert_eq!(servers[1].urls, ["turn:t:1?transport=udp", "turns:t:2"]);
        // At the full hour after 100 seconds.
        assert_eq!(servers[1].username.as_deref(), Some("1795334400:user42"));
        assert_eq!(servers[1].credential, Some(credential("testsecret", "1795334400:user42")));
    }
}
