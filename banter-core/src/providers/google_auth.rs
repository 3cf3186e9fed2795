//! A Google service account's access tokens: a signed assertion is exchanged for one (RFC 7523, and Google's "Using
//! OAuth 2.0 for Server to Server Applications"). A token is kept until shortly before its end; whoever needs one while
//! it is being fetched waits for that one.

use std::sync::{Arc, RwLock};

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::config::ServiceAccount;

/// No token, and why; nothing secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Google knows neither this account nor this key, or will not have the assertion: somebody must look at the
    /// credentials.
    #[error("Google refuses the service account: {0}")]
    Refused(String),
    #[error("Google's token endpoint does not answer: {0}")]
    Away(String),
}

pub struct GoogleAuth {
    client_email: String,
    key_id: Option<String>,
    key: EncodingKey,
    token_url: String,
    scope: &'static str,
    http: reqwest::Client,
    clock: Clock,
    token: RwLock<Option<Arc<Token>>>,
    /// Held by whoever asks Google; holds how that failed the last time.
    fetching: Mutex<Option<(DateTime<Utc>, Error)>>,
}

/// An access token, and until when to use it.
pub struct Token {
    secret: SecretString,
    use_until: DateTime<Utc>,
}

impl Token {
    pub fn expose(&self) -> &str {
        self.secret.expose_secret()
    }
}

#[derive(Serialize)]
struct Assertion<'a> {
    iss: &'a str,
    aud: &'a str,
    scope: &'a str,
    iat: i64,
    exp: i64,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: i64,
}

#[derive(Deserialize)]
struct Denied {
    error: String,
    error_description: Option<String>,
}

/// The longest that Google allows an assertion to live.
const ASSERTION: TimeDelta = TimeDelta::hours(1);
/// How long before its end a token is no longer used.
const EARLY: TimeDelta = TimeDelta::seconds(60);
/// How long Google is left alone after a failure: those who need a token then must not each wait for a timeout.
const REST: TimeDelta = TimeDelta::seconds(5);

impl GoogleAuth {
    /// `Err`: the key is no RSA key in PEM.
    pub fn new(
        account: &ServiceAccount,
        scope: &'static str,
        token_url: &str,
        http: reqwest::Client,
        clock: Clock,
    ) -> Result<Self, jsonwebtoken::errors::Error> {
        Ok(Self {
            client_email: account.client_email.clone(),
            key_id: account.key_id.clone(),
            key: EncodingKey::from_rsa_pem(account.private_key.expose_secret().as_bytes())?,
            token_url: token_url.to_owned(),
            scope,
            http,
            clock,
            token: RwLock::default(),
            fetching: Mutex::default(),
        })
    }

    /// A token that is good for a while yet.
    pub async fn token(&self) -> Result<Arc<Token>, Error> {
        match self.kept() {
            Some(token) => Ok(token),
            None => self.fetch_unless(|_| true).await,
        }
    }

    /// Another token than this, which was refused.
    pub async fn instead_of(&self, refused: &Token) -> Result<Arc<Token>, Error> {
        self.fetch_unless(|token| token.expose() != refused.expose()).await
    }

    fn kept(&self) -> Option<Arc<Token>> {
        let token = self.token.read().expect("no panic while locked").clone()?;
        (self.clock.now() < token.use_until).then_some(token)
    }

    /// Fetches a token, unless somebody did who was here before.
    async fn fetch_unless(&self, will_do: impl Fn(&Token) -> bool) -> Result<Arc<Token>, Error> {
        let mut failure = self.fetching.lock().await;
        if let Some(token) = self.kept().filter(|token| will_do(token)) {
            return Ok(token);
        }
        let now = self.clock.now();
        if let Some((_, error)) = failure.as_ref().filter(|(at, _)| now < *at + REST) {
            return Err(error.clone());
        }
        match self.fetch(now).await {
            Ok(token) => {
                let token = Arc::new(token);
                *failure = None;
                *self.token.write().expect("no panic while locked") = Some(Arc::clone(&token));
                Ok(token)
            }
            Err(error) => {
                tracing::warn!(%error, "no access token");
                *failure = Some((now, error.clone()));
                Err(error)
            }
        }
    }

    async fn fetch(&self, now: DateTime<Utc>) -> Result<Token, Error> {
        let header = Header { kid: self.key_id.clone(), ..Header::new(Algorithm::RS256) };
        let assertion = Assertion {
            iss: &self.client_email,
            aud: &self.token_url,
            scope: self.scope,
            iat: now.timestamp(),
            exp: (now + ASSERTION).timestamp(),
        };
        let assertion = jsonwebtoken::encode(&header, &assertion, &self.key)
            .map_err(|error| Error::Refused(format!("the key does not sign: {error}")))?;
        // A JWT and the grant's name need no escaping but the colons.
        let form =
            format!("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion={assertion}");
        let away = |error: reqwest::Error| Error::Away(error.without_url().to_string());
        let answer = self
            .http
            .post(&self.token_url)
            .header(reqwest::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form)
            .send()
            .await
            .map_err(away)?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(away)?;
        if status.is_success() {
            let granted: Granted = serde_json::from_slice(&body)
                .map_err(|_| Error::Away("the answer holds no access token".into()))?;
            let use_until = now + TimeDelta::seconds(granted.expires_in.clamp(0, 86_400)) - EARLY;
            return Ok(Token { secret: granted.access_token.into(), use_until });
        }
        let denied =
            serde_json::from_slice::<Denied>(&body).ok().map(|denied| match denied.error_description {
                Some(why) => format!("{} ({why})", denied.error),
                None => denied.error,
            });
        match denied {
            Some(why) if status.is_client_error() && status.as_u16() != 429 => Err(Error::Refused(why)),
            _ => Err(Error::Away(format!("status {}", status.as_u16()))),
        }
    }
}
