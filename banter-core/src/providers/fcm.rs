//! Firebase Cloud Messaging, HTTP v1: one message to one phone.
//!
//! What FCM says is told apart by what is to be done about it: the token is dead, the message is ours to repair, the
//! credentials are, or later is better. After several failures in a row that are FCM's own it is left alone for a while
//! ([`Error::Away`] at once), so that a stalled FCM does not hold whoever pushes.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::google_auth::{self, GoogleAuth};
use crate::clock::Clock;
use crate::config;

/// How long an answer may take.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// The largest message FCM takes.
pub const LARGEST: usize = 4096;
const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
/// What FCM asks to wait when it throttles and does not say how long.
const THROTTLED: TimeDelta = TimeDelta::seconds(60);
/// After so many failures in a row FCM is left alone …
const PATIENT_WITH: u32 = 5;
/// … for so long, and then one looks whether it is back.
const REST: TimeDelta = TimeDelta::seconds(10);

/// How soon a phone must know, and until when it is worth knowing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// A phone rings: at once, and not at all once it would ring no more.
    Ring(Duration),
    /// Somebody writes: at once, for a day.
    Prompt,
    /// News that can wait for the phone to wake, for a day.
    Calm,
}

impl Urgency {
    /// How long FCM may keep the message for a phone that is off.
    pub fn ttl(self) -> Duration {
        match self {
            Self::Ring(rings) => rings,
            Self::Prompt | Self::Calm => Duration::from_secs(86_400),
        }
    }

    /// Android's priority, APNs' priority.
    fn priorities(self) -> (&'static str, &'static str) {
        match self {
            Self::Ring(_) | Self::Prompt => ("HIGH", "10"),
            Self::Calm => ("NORMAL", "5"),
        }
    }
}

/// What a phone is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub title: String,
    pub body: String,
    /// For the app.
    pub data: BTreeMap<&'static str, String>,
    pub urgency: Urgency,
    /// A later message of the same name takes the place of this one, on its way and on the screen. 64 bytes at most.
    pub collapse: String,
    /// The Android channel, which people silence or not.
    pub channel: &'static str,
    /// The number on the app's icon, where the system shows one.
    pub badge: Option<i64>,
    /// Nothing is shown: the app alone reads the data. Title, body, channel and badge are left out.
    pub silent: bool,
}

impl Message {
    /// The request's `message`, to this phone.
    pub fn to(&self, token: &str, now: DateTime<Utc>) -> Value {
        let (android, apns) = self.urgency.priorities();
        let ttl = self.urgency.ttl();
        let expiration = now.timestamp().saturating_add_unsigned(ttl.as_secs());
        if self.silent {
            // Apple takes what shows nothing with no other priority.
            return json!({
                "token": token,
                "data": self.data,
                "android": {
                    "priority": android,
                    "ttl": format!("{}s", ttl.as_secs()),
                    "collapse_key": self.collapse,
                },
                "apns": {
                    "headers": {
                        "apns-priority": "5",
                        "apns-push-type": "background",
                        "apns-expiration": expiration.to_string(),
                        "apns-collapse-id": self.collapse,
                    },
                    "payload": { "aps": { "content-available": 1 } },
                },
            });
        }
        let mut aps = json!({ "sound": "default", "thread-id": self.collapse });
        if let Some(badge) = self.badge {
            aps["badge"] = json!(badge);
        }
        json!({
            "token": token,
            "notification": { "title": self.title, "body": self.body },
            "data": self.data,
            "android": {
                "priority": android,
                "ttl": format!("{}s", ttl.as_secs()),
                "collapse_key": self.collapse,
                "notification": { "channel_id": self.channel, "tag": self.collapse, "sound": "default" },
            },
            "apns": {
                "headers": {
                    "apns-priority": apns,
                    "apns-push-type": "alert",
                    "apns-expiration": expiration.to_string(),
                    "apns-collapse-id": self.collapse,
                },
                "payload": { "aps": aps },
            },
        })
    }
}

/// Why FCM did not take a message; nothing secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("there is no service account to push with")]
    NotConfigured,
    /// The token reaches no installation of this app, and never will: it is to be forgotten.
    #[error("the phone's token is dead: {0}")]
    DeadToken(&'static str),
    /// The message breaks FCM's rules: our bug.
    #[error("FCM refuses the message: {0}")]
    BadMessage(String),
    /// Firebase lacks the key or certificate for APNs: somebody must add it, and pushing again cannot help.
    #[error("Firebase cannot speak to APNs for this app: {0}")]
    ThirdPartyAuth(String),
    #[error(transparent)]
    Auth(#[from] google_auth::Error),
    /// The service account may not push for this project.
    #[error("FCM refuses the service account: {0}")]
    Refused(String),
    #[error("FCM asks to go slower")]
    Throttled { after: TimeDelta },
    /// `after`: how long to leave it alone at least, where that is known.
    #[error("FCM is away: {why}")]
    Away { why: String, after: Option<TimeDelta> },
}

impl Error {
    /// For metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotConfigured => "not_configured",
            Self::DeadToken(why) => why,
            Self::BadMessage(_) => "bad_message",
            Self::ThirdPartyAuth(_) => "third_party_auth",
            Self::Auth(_) | Self::Refused(_) => "credentials",
            Self::Throttled { .. } => "throttled",
            Self::Away { .. } => "away",
        }
    }
}

pub struct Fcm {
    url: String,
    auth: Option<GoogleAuth>,
    http: reqwest::Client,
    clock: Clock,
    patience: Duration,
    breaker: Mutex<Breaker>,
}

#[derive(Default)]
struct Breaker {
    failures: u32,
    open_until: Option<DateTime<Utc>>,
}

impl Fcm {
    pub fn new(config: &config::Fcm, project_id: &str, http: reqwest::Client, clock: Clock) -> Self {
        let auth = config.account.as_ref().and_then(|account| {
            let auth = GoogleAuth::new(account, SCOPE, &config.token_url, http.clone(), clock.clone());
            auth.inspect_err(|error| tracing::error!(%error, "the service account's key cannot be used")).ok()
        });
        Self {
            url: format!("{}/v1/projects/{project_id}/messages:send", config.api_url),
            auth,
            http,
            clock,
            patience: config.patience,
            breaker: Mutex::default(),
        }
    }

    /// Is there anything to push with?
    pub fn is_configured(&self) -> bool {
        self.auth.is_some()
    }

    /// Sends; the message's name at FCM.
    pub async fn send(&self, token: &str, message: &Message) -> Result<String, Error> {
        self.request(json!({ "message": message.to(token, self.clock.now()) })).await
    }

    /// Has FCM check a message, and tells nobody.
    pub async fn validate(&self, token: &str, message: &Message) -> Result<String, Error> {
        self.request(json!({ "validate_only": true, "message": message.to(token, self.clock.now()) })).await
    }

    async fn request(&self, request: Value) -> Result<String, Error> {
        let auth = self.auth.as_ref().ok_or(Error::NotConfigured)?;
        self.ask_breaker()?;
        let asked = async {
            let mut token = auth.token().await?;
            let mut answer = self.post(&request, &token).await;
            // Revoked, or our clock is wrong: once more with another.
            if matches!(answer, Err(Said::TokenRefused(_))) {
                token = auth.instead_of(&token).await?;
                answer = self.post(&request, &token).await;
            }
            answer.map_err(|said| match said {
                Said::TokenRefused(why) => Error::Refused(why),
                Said::Other(error) => error,
            })
        };
        let outcome = tokio::time::timeout(self.patience, asked)
            .await
            .unwrap_or_else(|_| Err(Error::Away { why: "no answer in time".into(), after: None }));
        self.tell_breaker(&outcome);
        outcome
    }

    fn ask_breaker(&self) -> Result<(), Error> {
        let now = self.clock.now();
        let mut breaker = self.breaker.lock().expect("no panic while locked");
        match breaker.open_until {
            Some(until) if now < until => {
                let why = "it is being left alone for a while".into();
                Err(Error::Away { why, after: Some(until - now) })
            }
            Some(_) => {
                // This one looks whether it is back; the others wait for what it finds.
                breaker.open_until = Some(now + REST);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn tell_breaker(&self, outcome: &Result<String, Error>) {
        let mut breaker = self.breaker.lock().expect("no panic while locked");
        match outcome {
            Err(Error::Away { .. } | Error::Auth(google_auth::Error::Away(_))) => {
                breaker.failures = breaker.failures.saturating_add(1);
                if breaker.failures >= PATIENT_WITH {
                    if breaker.failures == PATIENT_WITH {
                        tracing::warn!("FCM is left alone for a while");
                    }
                    breaker.open_until = Some(self.clock.now() + REST);
                }
            }
            // It answered, whatever it said.
            Ok(_) | Err(_) => *breaker = Breaker::default(),
        }
    }

    async fn post(&self, request: &Value, token: &google_auth::Token) -> Result<String, Said> {
        let away = |error: reqwest::Error| {
            Said::Other(Error::Away { why: error.without_url().to_string(), after: None })
        };
        let sent = self.http.post(&self.url).bearer_auth(token.expose()).json(request).timeout(self.patience);
        let answer = sent.send().await.map_err(away)?;
        let (status, after) = (answer.status(), retry_after(&answer));
        let body = answer.bytes().await.map_err(away)?;
        if status.is_success() {
            #[derive(Deserialize)]
            struct Sent {
                name: String,
            }
            return serde_json::from_slice(&body).map(|sent: Sent| sent.name).map_err(|_| {
                Said::Other(Error::Away { why: "its answer names no message".into(), after: None })
            });
        }
        Err(read(status, after, &body))
    }
}

/// A failure as FCM tells it.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    /// 401 about our access token.
    TokenRefused(String),
    Other(Error),
}

/// Seconds only: FCM sends no dates.
fn retry_after(answer: &reqwest::Response) -> Option<TimeDelta> {
    let seconds: i64 =
        answer.headers().get(reqwest::header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(TimeDelta::seconds(seconds.clamp(0, 3600)))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    error: Told,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Told {
    message: String,
    status: String,
    details: Vec<Value>,
}

/// What a refusal means (FCM's reference, `ErrorCode`). The code stands in the details; some failures have none there,
/// and come from what stands before FCM.
pub(super) fn read(status: StatusCode, after: Option<TimeDelta>, body: &[u8]) -> Said {
    let Body { error: Told { message, status: general, details } } =
        serde_json::from_slice(body).unwrap_or_default();
    let own = details.iter().find_map(|detail| {
        detail["@type"].as_str().filter(|name| name.ends_with("fcm.v1.FcmError"))?;
        detail["errorCode"].as_str()
    });
    let away = |after| Error::Away { why: format!("{} {message}", status.as_u16()), after };
    let error = match (own, status.as_u16()) {
        (Some("UNREGISTERED"), _) => Error::DeadToken("unregistered"),
        (Some("SENDER_ID_MISMATCH"), _) => Error::DeadToken("sender_id_mismatch"),
        // A field named in the details is one of ours that is wrong.
        (Some("INVALID_ARGUMENT"), _)
            if message.to_ascii_lowercase().contains("registration token")
                && !details.iter().any(blames_another_field) =>
        {
            Error::DeadToken("invalid_token")
        }
        (Some("THIRD_PARTY_AUTH_ERROR" | "APNS_AUTH_ERROR"), _) => Error::ThirdPartyAuth(message),
        (Some("QUOTA_EXCEEDED"), _) | (None, 429) => Error::Throttled { after: after.unwrap_or(THROTTLED) },
        (Some("INVALID_ARGUMENT"), _) | (None, 400 | 413) => Error::BadMessage(message),
        (None, 401) => return Said::TokenRefused(format!("{general}: {message}")),
        (None, 403) => Error::Refused(format!("{general}: {message}")),
        // Without FCM's own code: there is no such project, or no such URL.
        (None, 404) => Error::Refused(format!("{general}: {message}; is FIREBASE_PROJECT_ID right?")),
        (Some("UNAVAILABLE" | "INTERNAL" | "UNSPECIFIED_ERROR") | None, _) => away(after),
        (Some(other), status) => match status {
            429 => Error::Throttled { after: after.unwrap_or(THROTTLED) },
            500.. => away(after),
            _ => Error::BadMessage(format!("{other}: {message}")),
        },
    };
    Said::Other(error)
}

/// Does this `google.rpc.BadRequest` name something else than the token?
fn blames_another_field(detail: &Value) -> bool {
    let violations = detail["fieldViolations"].as_array();
    violations.is_some_and(|all| all.iter().any(|violation| violation["field"] != "message.token"))
}

#[cfg(test)]
mod tests;
