//! A stand-in for Firebase Cloud Messaging and for Google's token endpoint, as strict as the services document: the
//! assertion's signature and every claim, the bearer token and its end, the project, the shape of the message. It
//! remembers what it took, and can be told to fail with each of FCM's codes, to stall, to throttle and to break off.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::{DEADLINE, PROJECT};
use crate::clock::Clock;
use crate::config;

mod shape;

const EMAIL: &str = "pusher@banter-dev.iam.gserviceaccount.com";
const KEY_ID: &str = "key-1-of-the-account";
const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// How long its access tokens live.
pub const TOKEN_TTL: TimeDelta = TimeDelta::seconds(3599);

/// How FCM fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Unregistered,
    SenderIdMismatch,
    /// The token is none: `INVALID_ARGUMENT` with a message that says so.
    InvalidToken,
    /// The message is wrong: `INVALID_ARGUMENT` that names a field.
    InvalidArgument,
    ThirdPartyAuth,
    /// With `Retry-After`, in seconds, if given.
    QuotaExceeded(Option<u32>),
    Unavailable(Option<u32>),
    Internal,
    /// A 502 of a proxy: no JSON.
    Garbage,
    /// Nothing is answered, until [`Fcm::recover`].
    Stall,
    /// The connection ends without an answer.
    BreakOff,
    /// Our service account may not push.
    PermissionDenied,
}

/// How the token endpoint fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthFault {
    InvalidGrant,
    Unavailable,
    Stall,
}

/// A running stub.
pub struct Fcm {
    url: String,
    state: Arc<State>,
    server: tokio::task::JoinHandle<()>,
}

struct State {
    clock: Clock,
    token_url: String,
    faults: watch::Sender<Faults>,
    /// Access tokens given out, with their ends.
    tokens: Mutex<HashMap<String, DateTime<Utc>>>,
    /// Asked for a token; asked to send; taken.
    seen: watch::Sender<Seen>,
    refused: Mutex<Vec<String>>,
}

#[derive(Clone, Default)]
struct Faults {
    all: Option<Fault>,
    of: HashMap<String, Fault>,
    auth: Option<AuthFault>,
}

impl Faults {
    fn of(&self, token: &str) -> Option<Fault> {
        self.of.get(token).copied().or(self.all)
    }
}

#[derive(Clone, Default)]
struct Seen {
    grants: usize,
    asked: usize,
    connections: usize,
    sent: Vec<Value>,
    validated: Vec<Value>,
}

struct Key {
    private: String,
    public: DecodingKey,
}

/// Made once a process: 2048 bits take a while.
fn key() -> &'static Key {
    static KEY: OnceLock<Key> = OnceLock::new();
    KEY.get_or_init(|| {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect("an RSA key");
        let public = DecodingKey::from_rsa_pem(pair.public_key_pem().as_bytes()).expect("a public key");
        Key { private: pair.serialize_pem(), public }
    })
}

/// The service account that the stub knows.
pub fn account() -> config::ServiceAccount {
    config::ServiceAccount {
        client_email: EMAIL.into(),
        private_key: key().private.clone().into(),
        key_id: Some(KEY_ID.into()),
    }
}

/// Its key, in PEM.
pub fn private_key() -> &'static str {
    &key().private
}

impl Fcm {
    pub async fn start(clock: Clock) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let state = Arc::new(State {
            clock,
            token_url: format!("{url}/token"),
            faults: watch::Sender::default(),
            tokens: Mutex::default(),
            seen: watch::Sender::default(),
            refused: Mutex::default(),
        });
        let server = tokio::spawn(serve(listener, Arc::clone(&state)));
        Self { url, state, server }
    }

    pub fn clock(&self) -> &Clock {
        &self.state.clock
    }

    /// Settings that push here.
    pub fn config(&self) -> config::Fcm {
        config::Fcm {
            api_url: self.url.clone(),
            token_url: self.state.token_url.clone(),
            account: Some(account()),
            patience: Duration::from_secs(5),
        }
    }

    /// Fails so from now on, whoever is pushed to.
    pub fn fail(&self, fault: Fault) {
        self.state.faults.send_modify(|faults| faults.all = Some(fault));
    }

    /// Fails so for this phone.
    pub fn fail_for(&self, token: &str, fault: Fault) {
        self.state.faults.send_modify(|faults| faults.of.extend([(token.to_owned(), fault)]));
    }

    pub fn fail_auth(&self, fault: AuthFault) {
        self.state.faults.send_modify(|faults| faults.auth = Some(fault));
    }

    /// All is well again; who was kept waiting is answered.
    pub fn recover(&self) {
        self.state.faults.send_replace(Faults::default());
    }

    /// Takes back every access token given out.
    pub fn revoke_tokens(&self) {
        self.state.tokens.lock().expect("no panic while locked").clear();
    }

    /// How often an access token was asked for.
    pub fn grants(&self) -> usize {
        self.state.seen.borrow().grants
    }

    /// How often it was asked to send, with success or without.
    pub fn asked(&self) -> usize {
        self.state.seen.borrow().asked
    }

    pub fn connections(&self) -> usize {
        self.state.seen.borrow().connections
    }

    /// The messages it took, in order.
    pub fn sent(&self) -> Vec<Value> {
        self.state.seen.borrow().sent.clone()
    }

    /// Those it was only asked to check.
    pub fn validated(&self) -> Vec<Value> {
        self.state.seen.borrow().validated.clone()
    }

    /// Waits until it took this many messages; all of them.
    pub async fn expect_sent(&self, count: usize) -> Vec<Value> {
        self.wait(|seen| seen.sent.len() >= count).await;
        self.sent()
    }

    /// Waits until it was asked to send this often.
    pub async fn was_asked(&self, times: usize) {
        self.wait(|seen| seen.asked >= times).await;
    }

    async fn wait(&self, mut holds: impl FnMut(&Seen) -> bool) {
        let mut seen = self.state.seen.subscribe();
        let waited = tokio::time::timeout(DEADLINE, seen.wait_for(|seen| holds(seen))).await;
        drop(waited.expect("it was asked").expect("it still runs"));
    }

    /// What came that the services would refuse; forgotten then. Anything left fails the test.
    pub fn take_refused(&self) -> Vec<String> {
        std::mem::take(&mut *self.state.refused.lock().expect("no panic while locked"))
    }
}

impl Drop for Fcm {
    fn drop(&mut self) {
        self.server.abort();
        let refused = self.take_refused();
        assert!(std::thread::panicking() || refused.is_empty(), "Google would refuse this: {refused:?}");
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        state.seen.send_modify(|seen| seen.connections += 1);
        tokio::spawn(connection(stream, Arc::clone(&state)));
    }
}

struct Request {
    line: String,
    headers: HashMap<String, String>,
    body: String,
}

/// An answer: status, extra header, body. `None`: the connection breaks off.
type Reply = Option<(u16, Option<String>, String)>;

async fn connection(stream: TcpStream, state: Arc<State>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream).await? {
        let reply = if request.line == "POST /token HTTP/1.1" {
            token(&state, &request).await
        } else {
            send(&state, &request).await
        };
        let Some((status, header, body)) = reply else { return Ok(()) };
        let header = header.map(|header| format!("{header}\r\n")).unwrap_or_default();
        let answer = format!(
            "HTTP/1.1 {status} Status\r\ncontent-type: application/json; charset=UTF-8\r\ncontent-length: {}\r\n{header}\r\n{body}",
            body.len(),
        );
        stream.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

async fn read(stream: &mut BufReader<TcpStream>) -> std::io::Result<Option<Request>> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let mut headers = HashMap::new();
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).await?;
        match header.trim_end().split_once(": ") {
            Some((name, value)) => headers.insert(name.to_ascii_lowercase(), value.to_owned()),
            None => break,
        };
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let body = String::from_utf8_lossy(&body).into_owned();
    Ok(Some(Request { line: line.trim_end().to_owned(), headers, body }))
}

fn json_reply(status: u16, body: &Value) -> Reply {
    Some((status, None, body.to_string()))
}

async fn token(state: &State, request: &Request) -> Reply {
    state.seen.send_modify(|seen| seen.grants += 1);
    let mut faults = state.faults.subscribe();
    let fault = faults.wait_for(|faults| faults.auth != Some(AuthFault::Stall)).await.ok()?.auth;
    match fault {
        Some(AuthFault::Unavailable) => return json_reply(503, &json!({ "error": "backend_error" })),
        Some(AuthFault::InvalidGrant) => {
            let why = "Invalid JWT Signature.";
            return json_reply(400, &json!({ "error": "invalid_grant", "error_description": why }));
        }
        Some(AuthFault::Stall) | None => {}
    }
    if let Err(why) = check_assertion(state, request) {
        state.refused.lock().expect("no panic while locked").push(format!("token: {why}"));
        return json_reply(400, &json!({ "error": "invalid_grant", "error_description": why }));
    }
    let mut tokens = state.tokens.lock().expect("no panic while locked");
    let token = format!("ya29.{}", state.seen.borrow().grants);
    tokens.insert(token.clone(), state.clock.now() + TOKEN_TTL);
    let granted =
        json!({ "access_token": token, "expires_in": TOKEN_TTL.num_seconds(), "token_type": "Bearer" });
    json_reply(200, &granted)
}

fn check_assertion(state: &State, request: &Request) -> Result<(), String> {
    if request.headers.get("content-type").map(String::as_str) != Some("application/x-www-form-urlencoded") {
        return Err("the body must be a form".into());
    }
    let fields: HashMap<_, _> = request.body.split('&').filter_map(|pair| pair.split_once('=')).collect();
    if fields.get("grant_type").map(|grant| grant.replace("%3A", ":")).as_deref() != Some(GRANT) {
        return Err("unsupported grant_type".into());
    }
    let assertion = fields.get("assertion").ok_or("no assertion")?;
    let header = jsonwebtoken::decode_header(assertion).map_err(|error| error.to_string())?;
    if header.kid.as_deref() != Some(KEY_ID) || header.typ.as_deref() != Some("JWT") {
        return Err(format!("header {header:?}"));
    }
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let claims: Value = jsonwebtoken::decode(*assertion, &key().public, &validation)
        .map_err(|_| "Invalid JWT Signature.")?
        .claims;
    let expected = [("iss", EMAIL), ("aud", state.token_url.as_str()), ("scope", SCOPE)];
    if let Some((claim, _)) = expected.iter().find(|(claim, value)| claims[*claim] != **value) {
        return Err(format!("{claim} is {}", claims[*claim]));
    }
    let now = state.clock.now().timestamp();
    match (claims["iat"].as_i64(), claims["exp"].as_i64()) {
        (Some(iat), Some(exp)) if iat <= now + 60 && exp > now && exp - iat <= 3600 => Ok(()),
        times => Err(format!("iat and exp are {times:?} at {now}")),
    }
}

async fn send(state: &State, request: &Request) -> Reply {
    state.seen.send_modify(|seen| seen.asked += 1);
    let refuse = |status: u16, name: &str, why: String| {
        state.refused.lock().expect("no panic while locked").push(why.clone());
        json_reply(status, &error(status, name, &why, None))
    };
    if request.line != format!("POST /v1/projects/{PROJECT}/messages:send HTTP/1.1") {
        return refuse(404, "NOT_FOUND", format!("there is nothing at {}", request.line));
    }
    let bearer = request.headers.get("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let good = bearer.is_some_and(|token| {
        let tokens = state.tokens.lock().expect("no panic while locked");
        tokens.get(token).is_some_and(|end| state.clock.now() < *end)
    });
    if !good {
        // No fault of the test's: tokens end.
        return json_reply(
            401,
            &error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.", None),
        );
    }
    if !request.headers.get("content-type").is_some_and(|value| value.starts_with("application/json")) {
        return refuse(400, "INVALID_ARGUMENT", "the body must be JSON".into());
    }
    let Ok(body) = serde_json::from_str::<Value>(&request.body) else {
        return refuse(400, "INVALID_ARGUMENT", "Invalid JSON payload received.".into());
    };
    if let Err(why) = shape::check(&body) {
        return refuse(400, "INVALID_ARGUMENT", why);
    }
    let phone = body["message"]["token"].as_str().unwrap_or_default();
    let mut faults = state.faults.subscribe();
    let fault = faults.wait_for(|faults| faults.of(phone) != Some(Fault::Stall)).await.ok()?.of(phone);
    if let Some(fault) = fault {
        return fail(fault);
    }
    let validate_only = body["validate_only"] == true;
    state.seen.send_modify(|seen| {
        let list = if validate_only { &mut seen.validated } else { &mut seen.sent };
        list.push(body["message"].clone());
    });
    let id =
        if validate_only { "fake_message_id".to_owned() } else { format!("0:{}", state.seen.borrow().asked) };
    json_reply(200, &json!({ "name": format!("projects/{PROJECT}/messages/{id}") }))
}

fn error(status: u16, name: &str, message: &str, detail: Option<Value>) -> Value {
    let mut error = json!({ "code": status, "message": message, "status": name });
    if let Some(detail) = detail {
        error["details"] = json!([detail]);
    }
    json!({ "error": error })
}

/// As FCM's reference and its answers in the wild have it.
fn fail(fault: Fault) -> Reply {
    let own = |status, name, message, code: &str| {
        let detail =
            json!({ "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code });
        (status, error(status, name, message, Some(detail)))
    };
    let (status, body) = match fault {
        Fault::Unregistered => own(404, "NOT_FOUND", "Requested entity was not found.", "UNREGISTERED"),
        Fault::SenderIdMismatch => own(403, "PERMISSION_DENIED", "SenderId mismatch", "SENDER_ID_MISMATCH"),
        Fault::InvalidToken => own(
            400,
            "INVALID_ARGUMENT",
            "The registration token is not a valid FCM registration token",
            "INVALID_ARGUMENT",
        ),
        Fault::InvalidArgument => {
            let violation =
                json!({ "field": "message.android.ttl", "description": "Illegal duration format" });
            let bad = json!({ "@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation] });
            (400, error(400, "INVALID_ARGUMENT", "Invalid value at 'message.android.ttl'", Some(bad)))
        }
        Fault::ThirdPartyAuth => own(
            401,
            "UNAUTHENTICATED",
            "Request is missing required authentication credential.",
            "THIRD_PARTY_AUTH_ERROR",
        ),
        Fault::QuotaExceeded(_) => own(429, "RESOURCE_EXHAUSTED", "Quota exceeded.", "QUOTA_EXCEEDED"),
        Fault::Unavailable(_) => {
            own(503, "UNAVAILABLE", "The service is currently unavailable.", "UNAVAILABLE")
        }
        Fault::Internal => own(500, "INTERNAL", "Internal error encountered.", "INTERNAL"),
        Fault::PermissionDenied => {
            (403, error(403, "PERMISSION_DENIED", "Permission 'cloudmessaging.messages.create' denied", None))
        }
        Fault::Garbage => return Some((502, None, "<html>Bad Gateway</html>".into())),
        Fault::BreakOff => return None,
        Fault::Stall => unreachable!("waited for"),
    };
    let after = match fault {
        Fault::QuotaExceeded(after) | Fault::Unavailable(after) => after,
        _ => None,
    };
    Some((status, after.map(|seconds| format!("retry-after: {seconds}")), body.to_string()))
}
