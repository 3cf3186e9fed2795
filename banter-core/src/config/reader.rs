//! Reads the sections one by one and notes every problem on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use std::time::Duration;

use secrecy::SecretString;

use super::variables::{self, Variable};
use super::{
    Azure, Config, Containers, Database, Environment, Fcm, Firebase, Http, Limits, LiveKit, Log, Moderation,
    Problems, Razorpay, Redis, Seller, ServiceAccount, Storage, Tokens, Turn, azure,
};

impl Config {
    /// `whole`: as the server needs it, stand-ins in production refused.
    pub(super) fn read(env: &BTreeMap<String, String>, whole: bool) -> Result<Self, Problems> {
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
                patience: Duration::from_secs(3),
            },
            redis: read.redis(),
            tokens: read.tokens(),
            firebase: Firebase {
                project_id: read.text("FIREBASE_PROJECT_ID"),
                emulator_host: read.optional("FIREBASE_AUTH_EMULATOR_HOST"),
                certs_url: read.text("GOOGLE_CERTS_URL").trim_end_matches('/').to_owned(),
            },
            fcm: Fcm {
                api_url: read.text("FCM_API_URL").trim_end_matches('/').to_owned(),
                token_url: read.text("GOOGLE_TOKEN_URL"),
                account: read.service_account(),
                patience: crate::providers::fcm::PATIENCE,
            },
            storage: read.storage(),
            livekit: read.livekit(),
            turn: read.turn(),
            razorpay: read.razorpay(),
            seller: read.seller(),
            moderation: Moderation {
                acknowledge: read.duration("MODERATION_ACKNOWLEDGE_WITHIN"),
                resolve: read.duration("MODERATION_RESOLVE_WITHIN"),
                resolve_urgent: read.duration("MODERATION_RESOLVE_URGENT_WITHIN"),
                resolve_intimate: read.duration("MODERATION_RESOLVE_INTIMATE_WITHIN"),
                resolve_legal: read.duration("MODERATION_RESOLVE_LEGAL_WITHIN"),
                keep_evidence: read.duration("MODERATION_KEEP_EVIDENCE"),
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
}

pub(super) struct Reader<'a> {
    env: &'a BTreeMap<String, String>,
    problems: Vec<String>,
}

impl Reader<'_> {
    pub(super) fn problem(&mut self, problem: impl Into<String>) {
        self.problems.push(problem.into());
    }

    pub(super) fn optional(&self, name: &str) -> Option<String> {
        let variable = declared(name);
        std::iter::once(variable.name)
            .chain(variable.alias)
            .filter_map(|name| self.env.get(name))
            .map(|value| value.trim().to_owned())
            .find(|value| !value.is_empty())
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

    fn storage(&mut self) -> Storage {
        let disk = Storage::Disk { dir: self.text("MEDIA_DIR").into() };
        let account = self.optional("AZURE_STORAGE_ACCOUNT_NAME");
        let Some(text) = self.optional("AZURE_STORAGE_CONNECTION_STRING") else {
            if account.is_some() {
                self.problem("AZURE_STORAGE_ACCOUNT_NAME is set without AZURE_STORAGE_CONNECTION_STRING, which holds its key");
            }
            return disk;
        };
        let connection = match azure::Connection::parse(&text) {
            Ok(connection) => connection,
            Err(problem) => {
                self.problem(format!("AZURE_STORAGE_CONNECTION_STRING {problem}"));
                return disk;
            }
        };
        if account.is_some_and(|account| account != connection.account) {
            self.problem(
                "AZURE_STORAGE_ACCOUNT_NAME is another account than AZURE_STORAGE_CONNECTION_STRING's",
            );
        }
        let [avatars, media, voice, covers, verification] =
            ["AVATARS", "MEDIA", "VOICE", "COVERS", "VERIFICATION"].map(|purpose| {
                let variable = format!("AZURE_STORAGE_CONTAINER_{purpose}");
                let name = self.text(&variable);
                if !azure::is_container(&name) {
                    self.problem(format!(
                        "{variable} is `{name}`: a container has 3 to 63 lower-case letters, digits and single hyphens"
                    ));
                }
                name
            });
        let containers = Containers { avatars, media, voice, covers, verification };
        let distinct: BTreeSet<&str> =
            crate::media::Purpose::ALL.map(|purpose| containers.of(purpose)).into();
        if distinct.len() < 5 {
            self.problem("AZURE_STORAGE_CONTAINER_… name one container twice: what is public and what is private must lie apart");
        }
        Storage::Azure(Azure {
            account: connection.account,
            key: connection.key.into(),
            endpoint: connection.endpoint,
            containers,
        })
    }

    /// Whole and usable, or not at all.
    fn livekit(&mut self) -> Option<LiveKit> {
        let api_secret = self.optional("LIVEKIT_API_SECRET")?;
        let (api_key, server_url) = (self.text("LIVEKIT_API_KEY"), self.text("LIVEKIT_SERVER_URL"));
        let server_url = server_url.trim_end_matches('/').to_owned();
        let before = self.problems.len();
        if api_secret.len() < 32 {
            self.problem(format!("LIVEKIT_API_SECRET has {} bytes: 32 or more are needed", api_secret.len()));
        }
        let Some(rest) = server_url.strip_prefix("ws") else {
            self.problem("LIVEKIT_SERVER_URL does not start with ws:// or wss://");
            return None;
        };
        let derived = format!("http{rest}");
        let api_url = self.optional("LIVEKIT_API_URL").unwrap_or(derived).trim_end_matches('/').to_owned();
        for (name, url, schemes) in [
            ("LIVEKIT_SERVER_URL", &server_url, ["ws://", "wss://"]),
            ("LIVEKIT_API_URL", &api_url, ["http://", "https://"]),
        ] {
            if !schemes.iter().any(|scheme| url.starts_with(scheme)) {
                self.problem(format!("{name} does not start with {}", schemes.join(" or ")));
            }
        }
        let patience = crate::providers::livekit::PATIENCE;
        let livekit = LiveKit { api_key, api_secret: api_secret.into(), server_url, api_url, patience };
        (self.problems.len() == before).then_some(livekit)
    }

    /// Whole and usable, or not at all.
    fn turn(&mut self) -> Option<Turn> {
        let (urls, secret) = (self.optional("TURN_URLS"), self.optional("TURN_SECRET"));
        let ttl = Duration::from_secs(self.parse("TURN_TTL_SECONDS", 3600).clamp(60, 86_400));
        let (urls, secret) = match (urls, secret) {
            (None, None) => return None,
            (Some(urls), Some(secret)) => (urls, secret),
            (Some(_), None) => {
                self.problem("TURN_SECRET is not set, and TURN_URLS is");
                return None;
            }
            (None, Some(_)) => {
                self.problem("TURN_URLS is not set, and TURN_SECRET is");
                return None;
            }
        };
        let urls: Vec<String> = urls.split(',').map(|url| url.trim().to_owned()).collect();
        if !urls.iter().all(|url| ["stun:", "stuns:", "turn:", "turns:"].iter().any(|s| url.starts_with(s))) {
            self.problem("TURN_URLS holds something that does not start with turn:, turns: or stun:");
            return None;
        }
        Some(Turn { urls, secret: secret.into(), ttl })
    }

    /// Whole and usable, or not at all.
    fn razorpay(&mut self) -> Option<Razorpay> {
        let names = ["RAZORPAY_KEY_ID", "RAZORPAY_KEY_SECRET", "RAZORPAY_WEBHOOK_SECRET"];
        let values = names.map(|name| self.optional(name));
        if values.iter().all(Option::is_none) {
            return None;
        }
        let before = self.problems.len();
        for (name, value) in names.iter().zip(&values) {
            if value.is_none() {
                self.problem(format!("{name} is not set, and others of Razorpay are"));
            }
        }
        let [key_id, key_secret, webhook_secret] = values.map(Option::unwrap_or_default);
        if !key_id.is_empty() && !["rzp_live_", "rzp_test_"].iter().any(|kind| key_id.starts_with(kind)) {
            self.problem("RAZORPAY_KEY_ID does not start with rzp_live_ or rzp_test_");
        }
        if !webhook_secret.is_empty() && webhook_secret.len() < 16 {
            // Whoever guesses it makes coins.
            self.problem(format!(
                "RAZORPAY_WEBHOOK_SECRET has {} bytes: 16 or more are needed",
                webhook_secret.len()
            ));
        }
        let api_url = self.text("RAZORPAY_API_URL").trim_end_matches('/').to_owned();
        if !["http://", "https://"].iter().any(|scheme| api_url.starts_with(scheme)) {
            self.problem("RAZORPAY_API_URL does not start with http:// or https://");
        }
        let [plan_monthly, plan_yearly] = ["RAZORPAY_PLAN_MONTHLY", "RAZORPAY_PLAN_YEARLY"].map(|name| {
            let plan = self.optional(name);
            if plan.as_ref().is_some_and(|plan| !plan.starts_with("plan_")) {
                self.problem(format!("{name} does not start with plan_"));
            }
            plan
        });
        let razorpay = Razorpay {
            key_id,
            key_secret: key_secret.into(),
            webhook_secret: webhook_secret.into(),
            api_url,
            plan_monthly,
            plan_yearly,
            patience: crate::providers::razorpay::PATIENCE,
        };
        (self.problems.len() == before).then_some(razorpay)
    }

    fn seller(&mut self) -> Seller {
        let rate = self.text("GST_RATE_PERCENT");
        let gst_rate = hundredths(&rate).filter(|rate| *rate <= 10_000).unwrap_or_else(|| {
            self.problem(format!("GST_RATE_PERCENT is `{rate}`: expected a percentage such as 18 or 12.5"));
            1800
        });
        let gstin = self.optional("SELLER_GSTIN");
        if gstin.as_ref().is_some_and(|number| {
            number.len() != 15 || !number.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
        }) {
            self.problem("SELLER_GSTIN is no GSTIN: it has 15 digits and capital letters");
        }
        Seller { name: self.text("SELLER_NAME"), address: self.optional("SELLER_ADDRESS"), gstin, gst_rate }
    }

    fn redis(&mut self) -> Option<Redis> {
        let url = self.redis_url()?;
        Some(Redis { url, prefix: self.text("REDIS_PREFIX"), patience: crate::redis::PATIENCE })
    }

    fn redis_url(&mut self) -> Option<SecretString> {
        if self.optional("REDIS_URL").is_some() {
            return Some(self.url("REDIS_URL", &["redis://", "rediss://"]));
        }
        let host = self.optional("REDIS_HOST")?;
        let port: u16 = self.parse("REDIS_PORT", 6379);
        let scheme = match self.text("REDIS_TLS").as_str() {
            "true" => "rediss",
            "false" => "redis",
            other => {
                // Taken for `false` it would send the password in the clear.
                let problem = format!("REDIS_TLS is `{other}`: expected `true` or `false`");
                self.problem(problem);
                "rediss"
            }
        };
        let password =
            self.optional("REDIS_PASSWORD").map(|p| format!(":{}@", percent_encode(&p))).unwrap_or_default();
        Some(format!("{scheme}://{password}{host}:{port}").into())
    }

    /// Whole and usable, or not at all.
    fn service_account(&mut self) -> Option<ServiceAccount> {
        let email = self.optional("FIREBASE_CLIENT_EMAIL");
        // One line in a file of variables; the key file itself has it so.
        let key = self.optional("FIREBASE_PRIVATE_KEY").map(|key| key.replace("\\n", "\n"));
        let usable =
            key.as_ref().is_some_and(|key| jsonwebtoken::EncodingKey::from_rsa_pem(key.as_bytes()).is_ok());
        match (email, key) {
            (None, None) => None,
            (Some(_), None) => {
                self.problem("FIREBASE_PRIVATE_KEY is not set, and FIREBASE_CLIENT_EMAIL is");
                None
            }
            (email, Some(_)) if !usable => {
                self.problem(
                    "FIREBASE_PRIVATE_KEY is no RSA key in PEM: copy `private_key` of the key file as it is",
                );
                if email.is_none() {
                    self.problem("FIREBASE_CLIENT_EMAIL is not set, and FIREBASE_PRIVATE_KEY is");
                }
                None
            }
            (None, Some(_)) => {
                self.problem("FIREBASE_CLIENT_EMAIL is not set, and FIREBASE_PRIVATE_KEY is");
                None
            }
            (Some(client_email), Some(key)) => Some(ServiceAccount {
                client_email,
                private_key: key.into(),
                key_id: self.optional("FIREBASE_PRIVATE_KEY_ID"),
            }),
        }
    }

    fn duration(&mut self, name: &str) -> Duration {
        let text = self.text(name);
        parse_duration(&text).unwrap_or_else(|| {
            self.problem(format!(
                "{name} is `{text}`: expected a duration such as {}",
                declared(name).default
            ));
            Duration::from_secs(900)
        })
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
        let [access_ttl, refresh_ttl] =
            ["JWT_EXPIRES_IN", "JWT_REFRESH_EXPIRES_IN"].map(|name| self.duration(name));
        let [access_secret, refresh_secret] = secrets.map(SecretString::from);
        Tokens { access_secret, access_ttl, refresh_secret, refresh_ttl }
    }
}

pub(super) fn declared(name: &str) -> &'static Variable {
    variables::variables().find(|v| v.name == name).expect("every variable that is read is declared")
}

/// `18` is 1800, `12.5` is 1250.
fn hundredths(text: &str) -> Option<i32> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(part) || whole.len() > 3 || part.len() > 2 {
        return None;
    }
    Some(whole.parse::<i32>().ok()? * 100 + format!("{part:0<2}").parse::<i32>().ok()?)
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
