//! REST under load, over a bare keep-alive connection: a client library's own cost would be measured with the server.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::Measured;

#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) token: String,
    pub(crate) conversation: Option<String>,
    /// Of nine digits, in their telephone number.
    number: u64,
}

/// Makes the next request of somebody writing to somebody.
pub(crate) type Make = fn(&(Person, Person), usize) -> (&'static str, String, String);

pub(crate) fn me(_: &(Person, Person), _: usize) -> (&'static str, String, String) {
    ("GET", "/api/auth/me".into(), String::new())
}

pub(crate) fn send((_, to): &(Person, Person), n: usize) -> (&'static str, String, String) {
    let body =
        json!({ "receiverId": to.id, "content": format!("message {n}: क्या हाल है? Nothing much, you?") });
    ("POST", "/api/messages".into(), body.to_string())
}

pub(crate) fn history((from, _): &(Person, Person), n: usize) -> (&'static str, String, String) {
    let conversation = from.conversation.as_deref().expect("they have written");
    let before = 50 + n % 400;
    ("GET", format!("/api/conversations/{conversation}/messages?limit=50&beforeSeq={before}"), String::new())
}

pub(crate) fn conversations(_: &(Person, Person), _: usize) -> (&'static str, String, String) {
    ("GET", "/api/conversations".into(), String::new())
}

pub(crate) fn unread(_: &(Person, Person), _: usize) -> (&'static str, String, String) {
    ("GET", "/api/messages/unread-count".into(), String::new())
}

pub(crate) struct Connection(BufReader<TcpStream>);

impl Connection {
    pub(crate) async fn open(address: &str) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::with_capacity(64 * 1024, stream)))
    }

    /// Status and body.
    pub(crate) async fn ask(
        &mut self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: &str,
    ) -> (u16, Vec<u8>) {
        let token = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: bench\r\n{token}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.0.write_all(request.as_bytes()).await.expect("the server reads");
        let (mut status, mut length, mut line) = (0, 0, String::new());
        loop {
            line.clear();
            self.0.read_line(&mut line).await.expect("the server answers");
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
                status = rest[..3].parse().expect("a status");
            } else if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().expect("a length");
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.expect("a whole body");
        (status, body)
    }

    /// The body of an answer that must be a yes.
    pub(crate) async fn json(
        &mut self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: &Value,
    ) -> Value {
        let (status, answer) = self.ask(method, path, token, &body.to_string()).await;
        assert!((200..300).contains(&status), "{path}: {status} {}", String::from_utf8_lossy(&answer));
        serde_json::from_slice(&answer).expect("JSON")
    }
}

/// How many were registered so far, so that no number comes twice.
static REGISTERED: AtomicU64 = AtomicU64::new(0);

/// Registers people by the Auth emulator's unsigned tokens.
pub(crate) async fn register(address: &str, count: usize) -> Vec<Person> {
    let mut connection = Connection::open(address).await.expect("the server listens");
    let mut people = Vec::with_capacity(count);
    for _ in 0..count {
        let number = (seconds() * 1000 + REGISTERED.fetch_add(1, Ordering::Relaxed)) % 1_000_000_000;
        let body = json!({
            "firebaseToken": firebase(number), "fullName": "Bench Person", "username": format!("bench_{number}"),
            "dateOfBirth": "1990-01-01", "gender": "other",
        });
        let answer = connection.json("POST", "/api/auth/register", None, &body).await;
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        people.push(Person {
            id: text(&answer["user"]["id"]),
            token: text(&answer["accessToken"]),
            conversation: None,
            number,
        });
    }
    people
}

/// Signs somebody in once more, whose logins were ended.
pub(crate) async fn sign_in(address: &str, person: &mut Person) {
    let mut connection = Connection::open(address).await.expect("the server listens");
    let body = json!({ "firebaseToken": firebase(person.number) });
    let answer = connection.json("POST", "/api/auth/verify-firebase", None, &body).await;
    answer["accessToken"].as_str().expect("text").clone_into(&mut person.token);
}

#[expect(clippy::disallowed_methods, reason = "the server under load has the system's clock")]
fn seconds() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs()
}

fn firebase(number: u64) -> String {
    let now = seconds();
    let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({
        "iss": "https://securetoken.google.com/banter-dev", "aud": "banter-dev", "sub": format!("bench-{number}"),
        "iat": now, "auth_time": now, "exp": now + 3600, "phone_number": format!("+919{number:09}"),
    });
    format!("{}.{}.", encode(json!({ "alg": "none", "typ": "JWT" })), encode(claims))
}

/// Gives each pair a conversation of that many messages.
pub(crate) async fn fill(address: &str, pairs: &mut [(Person, Person)], messages: usize) {
    let mut connection = Connection::open(address).await.expect("the server listens");
    for pair in pairs {
        for n in 0..messages {
            let (method, path, body) = send(pair, n);
            let (status, answer) = connection.ask(method, &path, Some(&pair.0.token), &body).await;
            assert_eq!(status, 201, "{}", String::from_utf8_lossy(&answer));
            if n == 0 {
                let answer: Value = serde_json::from_slice(&answer).expect("JSON");
                pair.0.conversation = answer["message"]["conversationId"].as_str().map(str::to_owned);
            }
        }
    }
}

/// One connection a pair, each asking as fast as it is answered.
pub(crate) async fn run(
    address: &str,
    pairs: &[(Person, Person)],
    duration: Duration,
    make: Make,
) -> Measured {
    let started = Instant::now();
    let tasks: Vec<_> = pairs
        .iter()
        .cloned()
        .map(|pair| {
            let address = address.to_owned();
            tokio::spawn(async move {
                let mut connection = Connection::open(&address).await.expect("the server listens");
                let mut latencies = Vec::new();
                while started.elapsed() < duration {
                    let (method, path, body) = make(&pair, latencies.len());
                    let asked = Instant::now();
                    let (status, answer) = connection.ask(method, &path, Some(&pair.0.token), &body).await;
                    assert!(status < 300, "{status} {}", String::from_utf8_lossy(&answer));
                    latencies.push(asked.elapsed());
                }
                latencies
            })
        })
        .collect();
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await.expect("no panic"));
    }
    Measured { took: started.elapsed(), latencies }
}
