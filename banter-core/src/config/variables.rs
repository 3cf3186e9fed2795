//! Every environment variable, once: name, default, meaning. `.env.example`, `banter config show` and the
//! reader all work from this table.

use std::fmt::Write as _;

/// An environment variable that Banter reads.
#[derive(Debug)]
pub struct Variable {
    pub name: &'static str,
    /// Another name accepted for it.
    pub alias: Option<&'static str>,
    /// What holds when it is not set; empty: nothing.
    pub default: &'static str,
    pub meaning: &'static str,
    /// Never printed.
    pub secret: bool,
}

pub const SECTIONS: &[(&str, &[Variable])] = &[
    (
        "Server",
        &[
            Variable {
                alias: Some("NODE_ENV"),
                ..var(
                    "BANTER_ENV",
                    "development",
                    "`development` or `production`, which refuses stand-ins, default secrets and emulators",
                )
            },
            var("HOST", "127.0.0.1", "Address to listen on"),
            var("PORT", "5000", "Port of the API and Socket.IO"),
            var("METRICS_PORT", "9464", "Port of `/metrics`; 0 turns it off"),
            var("PUBLIC_URL", "", "What links in answers start with; by default http://HOST:PORT"),
            var(
                "ALLOWED_ORIGINS",
                "http://localhost:8081",
                "CORS: comma-separated origins, `*` as a wildcard inside one",
            ),
            var(
                "TRUSTED_PROXIES",
                "0",
                "How many proxies in front append to X-Forwarded-For; 0 ignores that header; production wants it said",
            ),
        ],
    ),
    (
        "PostgreSQL and Redis",
        &[
            secret("DATABASE_URL", "PostgreSQL 15 or newer; required"),
            var("DATABASE_MAX_CONNECTIONS", "20", "Connections each process may hold"),
            secret(
                "REDIS_URL",
                "Cache, presence, rate limits, events between replicas; unset: memory of this one process (development only)",
            ),
            var("REDIS_HOST", "", "Instead of REDIS_URL"),
            var("REDIS_PORT", "6379", ""),
            secret("REDIS_PASSWORD", ""),
            var("REDIS_TLS", "false", "`true` for rediss://"),
            var("REDIS_PREFIX", "banter:", "What every key and channel begins with, where a Redis is shared"),
        ],
    ),
    (
        "Sessions",
        &[
            secret("JWT_SECRET", "Signs access tokens (HS256); 32 bytes or more; required"),
            var("JWT_EXPIRES_IN", "15m", "Life of an access token: 900s, 15m, 12h, 7d"),
            secret(
                "JWT_REFRESH_SECRET",
                "Signs refresh tokens; 32 bytes or more, another than JWT_SECRET; required",
            ),
            var("JWT_REFRESH_EXPIRES_IN", "30d", "Life of a refresh token"),
        ],
    ),
    (
        "Firebase sign-in",
        &[
            var("FIREBASE_PROJECT_ID", "banter-dev", "The project whose ID tokens sign people in"),
            var(
                "FIREBASE_AUTH_EMULATOR_HOST",
                "",
                "host:port, as in Firebase's own SDKs: unsigned ID tokens of that project are accepted (development only)",
            ),
            var(
                "GOOGLE_CERTS_URL",
                "https://www.googleapis.com",
                "Where Google publishes its signing certificates; another base URL is a stub",
            ),
        ],
    ),
    (
        "Pushes (FCM HTTP v1)",
        &[
            var(
                "FIREBASE_CLIENT_EMAIL",
                "",
                "The service account that pushes, `client_email` of its key file; without it nothing is pushed (development only)",
            ),
            secret("FIREBASE_PRIVATE_KEY", "Its `private_key`: PEM, line ends also as \\n"),
            var("FIREBASE_PRIVATE_KEY_ID", "", "Its `private_key_id`, if you like"),
            var("FCM_API_URL", "https://fcm.googleapis.com", "Where pushes go; another base URL is a stub"),
            var(
                "GOOGLE_TOKEN_URL",
                "https://oauth2.googleapis.com/token",
                "Where the service account gets its access tokens; another URL is a stub",
            ),
        ],
    ),
    (
        "Media",
        &[
            secret(
                "AZURE_STORAGE_CONNECTION_STRING",
                "Blob storage for uploads, as the portal shows it (Azurite's works); unset: MEDIA_DIR (development only)",
            ),
            var("AZURE_STORAGE_ACCOUNT_NAME", "", "Must be the connection string's account where it is set"),
            var("AZURE_STORAGE_CONTAINER_AVATARS", "avatars", "Profile pictures: public"),
            var(
                "AZURE_STORAGE_CONTAINER_MEDIA",
                "chat-media",
                "Pictures, recordings and films in chats: private",
            ),
            var("AZURE_STORAGE_CONTAINER_VOICE", "voice-messages", "Voice messages: private"),
            var("AZURE_STORAGE_CONTAINER_COVERS", "room-covers", "Covers of rooms: public"),
            var("AZURE_STORAGE_CONTAINER_VERIFICATION", "verification", "Documents and selfies: private"),
            var("MEDIA_DIR", ".banter/media", "Where uploads lie without Azure: a directory of this machine"),
        ],
    ),
    (
        "Voice (LiveKit and TURN)",
        &[
            var("LIVEKIT_API_KEY", "devkey", "Names the secret, as in livekit.yaml's `keys`"),
            secret(
                "LIVEKIT_API_SECRET",
                "Signs the tokens that calls and rooms are entered with; 32 bytes or more; unset: no calls and no voice rooms (development only)",
            ),
            var("LIVEKIT_SERVER_URL", "ws://localhost:7880", "The media server as the apps reach it"),
            var(
                "LIVEKIT_API_URL",
                "",
                "The same as this server reaches it; by default LIVEKIT_SERVER_URL over http",
            ),
            var(
                "TURN_URLS",
                "",
                "The relay, comma-separated: turn:turn.example.com:3478?transport=udp,turns:turn.example.com:5349",
            ),
            secret("TURN_SECRET", "The relay's `static-auth-secret`, which signs credentials that run out"),
            var("TURN_TTL_SECONDS", "3600", "Life of such a credential"),
        ],
    ),
    (
        "Payments",
        &[
            var(
                "RAZORPAY_KEY_ID",
                "",
                "`rzp_live_…` or `rzp_test_…`; unset: nothing can be bought (`banter dev` brings a stand-in)",
            ),
            secret("RAZORPAY_KEY_SECRET", "The key's secret, which also signs what a checkout answers"),
            secret(
                "RAZORPAY_WEBHOOK_SECRET",
                "What webhooks are signed with, as the dashboard has it; 16 bytes or more",
            ),
            var("RAZORPAY_API_URL", "https://api.razorpay.com", "Production takes no other"),
            var("RAZORPAY_PLAN_MONTHLY", "", "Razorpay's plan (`plan_…`) of premium by the month"),
            var("RAZORPAY_PLAN_YEARLY", "", "The same by the year"),
            var(
                "GST_RATE_PERCENT",
                "18",
                "GST on what is sold, in percent; prices hold it, and receipts show it apart",
            ),
            var("SELLER_NAME", "Banter", "Who sells, on receipts"),
            var("SELLER_ADDRESS", "", "Where they sit, on receipts"),
            var("SELLER_GSTIN", "", "Their GST registration, 15 characters; production wants it said"),
        ],
    ),
    (
        "Moderation",
        &[
            var("MODERATION_ACKNOWLEDGE_WITHIN", "24h", "By when somebody of the staff has taken a case"),
            var("MODERATION_RESOLVE_WITHIN", "15d", "By when it is decided"),
            var(
                "MODERATION_RESOLVE_URGENT_WITHIN",
                "24h",
                "The same of threats, self-harm and children's safety",
            ),
            var("MODERATION_RESOLVE_INTIMATE_WITHIN", "2h", "The same of intimate pictures"),
            var("MODERATION_RESOLVE_LEGAL_WITHIN", "3h", "The same of orders of courts and authorities"),
            var("MODERATION_KEEP_EVIDENCE", "180d", "How long evidence is kept once its case is closed"),
        ],
    ),
    (
        "Rate limits",
        &[
            var("RATE_LIMIT_WINDOW_MS", "900000", "Window of the general limit"),
            var(
                "RATE_LIMIT_MAX_REQUESTS",
                "1000",
                "Requests in a window for each user, or address when signed out",
            ),
            var(
                "RATE_LIMIT_MULTIPLIER",
                "1",
                "Multiplies the built-in limits of single acts, for load tests (development only)",
            ),
        ],
    ),
    (
        "Logs",
        &[
            var("BANTER_LOG", "info", "Filter in tracing's syntax, such as info,banter_core=debug"),
            var("BANTER_LOG_FORMAT", "", "`text` or `json`; by default json in production"),
        ],
    ),
];

const fn var(name: &'static str, default: &'static str, meaning: &'static str) -> Variable {
    Variable { name, alias: None, default, meaning, secret: false }
}

const fn secret(name: &'static str, meaning: &'static str) -> Variable {
    Variable { name, alias: None, default: "", meaning, secret: true }
}

pub fn variables() -> impl Iterator<Item = &'static Variable> {
    SECTIONS.iter().flat_map(|(_, variables)| variables.iter())
}

/// The text of `.env.example`.
pub fn example() -> String {
    let mut text = String::from("# Banter's environment. Copy to .env and uncomment what you change.\n");
    for (section, variables) in SECTIONS {
        let _ = write!(text, "\n# --- {section}\n");
        for variable in *variables {
            if !variable.meaning.is_empty() {
                let _ = writeln!(text, "# {}", variable.meaning);
            }
            let _ = writeln!(text, "#{}={}", variable.name, variable.default);
        }
    }
    text
}
