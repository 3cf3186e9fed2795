//! Firebase Authentication: who does this ID token speak for?
//!
//! Checked as Firebase documents ("Verify ID tokens using a third-party JWT library"): RS256 with a known `kid`,
//! `iss`, `aud`, `sub`, `auth_time`, `iat`, `exp`. Google's certificates are kept as long as their Cache-Control
//! says, fetched again once for an unknown `kid`, and used for a while longer when Google does not answer.
//! Beside the Auth emulator tokens are unsigned (`alg: none`), and accepted only when its variable is set.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::config;
use crate::error::{Coded, Kind};
use crate::text::PhoneNumber;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Forged, expired, another project's, or no token at all. The reason is for logs, not for who asks.
    #[error("the Firebase token is not valid")]
    Invalid(&'static str),
    /// Signed in to Firebase, but not by phone.
    #[error("the Firebase token bears no phone number; sign in by phone")]
    NoPhone,
    #[error("sign-in cannot be verified right now; try again shortly")]
    Away(String),
}

impl Coded for Error {
    fn coded(&self) -> (Kind, &'static str) {
        match self {
            Self::Invalid(_) => (Kind::Unauthenticated, "FIREBASE_TOKEN_INVALID"),
            Self::NoPhone => (Kind::Invalid, "PHONE_NUMBER_REQUIRED"),
            Self::Away(_) => (Kind::Unavailable, "SIGN_IN_UNAVAILABLE"),
        }
    }

    fn retry_after(&self) -> Option<u64> {
        matches!(self, Self::Away(_)).then_some(5)
    }
}

/// Whom a verified token speaks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub uid: String,
    pub phone_number: PhoneNumber,
    /// When they signed in to Firebase, by a code sent to the phone. Refreshing a token does not move it.
    pub signed_in_at: DateTime<Utc>,
}

pub struct Firebase {
    project_id: String,
    trusts_emulator: bool,
    certs_url: String,
    http: reqwest::Client,
    clock: Clock,
    keys: RwLock<Option<Arc<Keys>>>,
    /// Held by whoever asks Google; holds how that failed the last time.
    fetching: Mutex<Option<Failure>>,
}

struct Failure {
    at: DateTime<Utc>,
    why: String,
}

struct Keys {
    by_kid: HashMap<String, DecodingKey>,
    fetched_at: DateTime<Utc>,
    fresh_until: DateTime<Utc>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    exp: i64,
    iat: i64,
    auth_time: i64,
    phone_number: Option<String>,
}

/// Clocks of Google, this server and phones differ by seconds.
const LEEWAY: i64 = 60;
/// How long past their time certificates serve while Google does not answer. Google rotates daily and publishes
/// a key well before it signs.
const STALE: TimeDelta = TimeDelta::hours(24);
/// How often at most an unknown `kid` makes us ask Google: forged tokens must not turn into traffic.
const REFETCH: TimeDelta = TimeDelta::seconds(60);
/// How long Google is left alone after it did not answer: those who sign in then must not each wait for a timeout.
const RETRY: TimeDelta = TimeDelta::seconds(5);
/// Firebase's largest tokens are near 2 kB.
const LONGEST: usize = 8192;

impl Firebase {
    pub fn new(config: &config::Firebase, http: reqwest::Client, clock: Clock) -> Self {
        Self {
            project_id: config.project_id.clone(),
            trusts_emulator: config.emulator_host.is_some(),
            certs_url: format!(
                "{}/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com",
                config.certs_url
            ),
            http,
            clock,
            keys: RwLock::default(),
            fetching: Mutex::default(),
        }
    }

    /// Who signed in.
    pub async fn verify(&self, token: &str) -> Result<Identity, Error> {
        if token.len() > LONGEST {
            return Err(Error::Invalid("too long"));
        }
        let claims = match unsigned(token) {
            Some(claims) if self.trusts_emulator => claims?,
            Some(_) => return Err(Error::Invalid("unsigned")),
            None => self.signed(token).await?,
        };
        self.check(claims)
    }

    async fn signed(&self, token: &str) -> Result<Claims, Error> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| Error::Invalid("not a token"))?;
        if header.alg != Algorithm::RS256 {
            return Err(Error::Invalid("algorithm"));
        }
        let kid = header.kid.ok_or(Error::Invalid("no key id"))?;
        let keys = self.keys_with(&kid).await?;
        let key = keys.by_kid.get(&kid).ok_or(Error::Invalid("unknown key id"))?;
        let mut validation = Validation::new(Algorithm::RS256);
        // The claims are checked below, against the clock that tests can set, for signed and unsigned alike.
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        jsonwebtoken::decode(token, key, &validation)
            .map(|data| data.claims)
            .map_err(|_| Error::Invalid("signature"))
    }

    fn check(&self, claims: Claims) -> Result<Identity, Error> {
        let now = self.clock.now().timestamp();
        let issuer = claims.iss.strip_prefix("https://securetoken.google.com/");
        if claims.aud != self.project_id || issuer != Some(&self.project_id) {
            return Err(Error::Invalid("another project's"));
        }
        if claims.exp <= now - LEEWAY {
            return Err(Error::Invalid("expired"));
        }
        if claims.iat > now + LEEWAY || claims.auth_time > now + LEEWAY {
            return Err(Error::Invalid("from the future"));
        }
        if !(1..=128).contains(&claims.sub.len()) || claims.sub.contains(char::is_control) {
            return Err(Error::Invalid("subject"));
        }
        let phone_number = claims.phone_number.ok_or(Error::NoPhone)?;
        let phone_number = PhoneNumber::parse(&phone_number).map_err(|_| Error::NoPhone)?;
        let signed_in_at =
            DateTime::from_timestamp(claims.auth_time, 0).ok_or(Error::Invalid("sign-in time"))?;
        Ok(Identity { uid: claims.sub, phone_number, signed_in_at })
    }

    /// Certificates that are fresh and, if Google has it, hold `kid`.
    async fn keys_with(&self, kid: &str) -> Result<Arc<Keys>, Error> {
        if let Some(keys) = self.usable(kid) {
            return Ok(keys);
        }
        let mut failure = match (self.fetching.try_lock(), self.stale(kid)) {
            (Ok(turn), _) => turn,
            (Err(_), Some(old)) => return Ok(old), // somebody is asking; no need to wait for what they hear
            (Err(_), None) => self.fetching.lock().await,
        };
        if let Some(keys) = self.usable(kid) {
            return Ok(keys); // somebody fetched while we waited
        }
        let now = self.clock.now();
        let why = match &*failure {
            Some(failure) if now < failure.at + RETRY => failure.why.clone(),
            _ => match self.fetch(now).await {
                Ok(keys) => {
                    *failure = None;
                    let keys = Arc::new(keys);
                    *self.keys.write().expect("no panic while locked") = Some(Arc::clone(&keys));
                    return Ok(keys);
                }
                Err(why) => {
                    tracing::warn!(why, "Google's certificates could not be fetched");
                    *failure = Some(Failure { at: now, why: why.clone() });
                    why
                }
            },
        };
        self.stale(kid).ok_or(Error::Away(why))
    }

    /// The certificates we have, past their time but not by much, if they hold `kid`.
    fn stale(&self, kid: &str) -> Option<Arc<Keys>> {
        let keys = self.keys.read().expect("no panic while locked").clone()?;
        (keys.by_kid.contains_key(kid) && self.clock.now() < keys.fresh_until + STALE).then_some(keys)
    }

    fn usable(&self, kid: &str) -> Option<Arc<Keys>> {
        let now = self.clock.now();
        let keys = self.keys.read().expect("no panic while locked").clone()?;
        let asked_lately = now < keys.fetched_at + REFETCH;
        (now < keys.fresh_until && (keys.by_kid.contains_key(kid) || asked_lately)).then_some(keys)
    }

    async fn fetch(&self, now: DateTime<Utc>) -> Result<Keys, String> {
        let answer = self.http.get(&self.certs_url).send().await.map_err(|e| e.to_string())?;
        let answer = answer.error_for_status().map_err(|e| e.to_string())?;
        let max_age = answer
            .headers()
            .get(reqwest::header::CACHE_CONTROL)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| {
                value.split(',').find_map(|part| part.trim().strip_prefix("max-age=")?.parse().ok())
            })
            .unwrap_or(3600);
        let pems: HashMap<String, String> = answer.json().await.map_err(|e| e.to_string())?;
        let by_kid: HashMap<_, _> = pems
            .into_iter()
            .filter_map(|(kid, pem)| Some((kid, DecodingKey::from_rsa_pem(pem.as_bytes()).ok()?)))
            .collect();
        if by_kid.is_empty() {
            return Err("the answer holds no certificate".into());
        }
        let fresh_until = now + TimeDelta::seconds(max_age.clamp(60, 86_400));
        Ok(Keys { by_kid, fetched_at: now, fresh_until })
    }
}

/// The claims of an emulator's token (`{"alg":"none"}`, empty signature); `None` when the token is of another kind.
fn unsigned(token: &str) -> Option<Result<Claims, Error>> {
    #[derive(Deserialize)]
    struct Header {
        alg: String,
    }
    let (header, rest) = token.split_once('.')?;
    let (claims, signature) = rest.split_once('.')?;
    let header: Header = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
    if header.alg != "none" {
        return None;
    }
    if !signature.is_empty() {
        return Some(Err(Error::Invalid("an unsigned token with a signature")));
    }
    let claims = URL_SAFE_NO_PAD.decode(claims).ok().and_then(|json| serde_json::from_slice(&json).ok());
    Some(claims.ok_or(Error::Invalid("claims")))
}
