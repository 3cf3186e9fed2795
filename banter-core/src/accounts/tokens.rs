//! The two tokens of a session: JWTs signed with HS256. The access token is believed for its short life without a
//! look at the database; the refresh token names the session's current refresh id.

use std::time::Duration;

use chrono::{DateTime, Utc};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Caller, Error, Role};
use crate::config;
use crate::ids::{SessionId, UserId};

#[derive(Serialize, Deserialize)]
struct Access {
    sub: UserId,
    sid: SessionId,
    role: Role,
    iat: i64,
    exp: i64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Refresh {
    pub sub: UserId,
    pub sid: SessionId,
    pub jti: Uuid,
    iat: i64,
    exp: i64,
}

/// Signs and reads tokens.
pub struct Tokens {
    access: Keys,
    refresh: Keys,
    pub(super) access_ttl: Duration,
    pub(super) refresh_ttl: Duration,
}

struct Keys {
    signs: EncodingKey,
    reads: DecodingKey,
}

impl Keys {
    fn new(secret: &SecretString) -> Self {
        let bytes = secret.expose_secret().as_bytes();
        Self { signs: EncodingKey::from_secret(bytes), reads: DecodingKey::from_secret(bytes) }
    }

    fn sign(&self, claims: &impl Serialize) -> String {
        jsonwebtoken::encode(&Header::default(), claims, &self.signs).expect("HMAC over plain data")
    }

    /// Expiry is for the caller to check, against our own clock.
    fn read<T: DeserializeOwned>(&self, token: &str) -> Result<T, Error> {
        let mut validation = Validation::new(jsonwebtoken::Algorithm::HS256);
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        jsonwebtoken::decode(token, &self.reads, &validation).map(|data| data.claims).map_err(|error| {
            if !matches!(error.kind(), ErrorKind::InvalidToken | ErrorKind::InvalidSignature) {
                tracing::debug!(%error, "a token was refused");
            }
            Error::TokenInvalid
        })
    }
}

impl Tokens {
    pub fn new(config: &config::Tokens) -> Self {
        Self {
            access: Keys::new(&config.access_secret),
            refresh: Keys::new(&config.refresh_secret),
            access_ttl: config.access_ttl,
            refresh_ttl: config.refresh_ttl,
        }
    }

    pub(super) fn access(
        &self,
        user: UserId,
        session: SessionId,
        role: Role,
        now: DateTime<Utc>,
        ttl: Duration,
    ) -> String {
        let iat = now.timestamp();
        self.access.sign(&Access { sub: user, sid: session, role, iat, exp: (now + ttl).timestamp() })
    }

    pub(super) fn refresh(&self, user: UserId, session: SessionId, jti: Uuid, now: DateTime<Utc>) -> String {
        let iat = now.timestamp();
        self.refresh.sign(&Refresh {
            sub: user,
            sid: session,
            jti,
            iat,
            exp: (now + self.refresh_ttl).timestamp(),
        })
    }

    /// Whom an access token speaks for. Says nothing of whether the session was ended since.
    pub(super) fn read_access(&self, token: &str, now: DateTime<Utc>) -> Result<Caller, Error> {
        let claims: Access = self.access.read(token)?;
        if claims.exp <= now.timestamp() {
            return Err(Error::TokenExpired);
        }
        let expires_at = DateTime::from_timestamp(claims.exp, 0).ok_or(Error::TokenInvalid)?;
        Ok(Caller { user_id: claims.sub, session_id: claims.sid, role: claims.role, expires_at })
    }

    /// Whose an access token is or was: we signed it, whatever has become of it since.
    pub(super) fn owner(&self, token: &str) -> Option<UserId> {
        self.access.read::<Access>(token).ok().map(|claims| claims.sub)
    }

    pub(super) fn read_refresh(&self, token: &str, now: DateTime<Utc>) -> Result<Refresh, Error> {
        let claims: Refresh = self.refresh.read(token).map_err(|_| Error::RefreshInvalid)?;
        if claims.exp > now.timestamp() { Ok(claims) } else { Err(Error::RefreshInvalid) }
    }
}
