//! A stand-in for Google's certificate endpoint, strict about what it is asked, and a signer of Firebase ID tokens.

use std::sync::{Arc, Mutex, OnceLock};

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::{DEADLINE, PROJECT};

const PATH: &str = "/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com";

/// A running stub. Its keys are made once a process: 2048 bits take a while.
pub struct Google {
    url: String,
    state: Arc<State>,
    server: tokio::task::JoinHandle<()>,
}

struct State {
    behaviour: watch::Sender<Behaviour>,
    /// How many requests came, good or bad.
    asked: watch::Sender<usize>,
    /// What came that Google would not answer.
    refused: Mutex<Vec<String>>,
}

#[derive(Clone)]
struct Behaviour {
    answer: Answer,
    cache_control: Option<String>,
    /// Which of the process's keys is Google's now.
    generation: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Answer {
    Certificates,
    Status(u16),
    /// Nothing, until it is told to go on.
    Stall,
    /// Something that is no certificate.
    Garbage,
}

struct SigningKey {
    private: EncodingKey,
    certificate: String,
}

/// The last is nobody's: forgers sign with it.
fn keys() -> &'static [SigningKey; 3] {
    static KEYS: OnceLock<[SigningKey; 3]> = OnceLock::new();
    KEYS.get_or_init(|| {
        std::array::from_fn(|_| {
            let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect("an RSA key");
            let names = vec!["securetoken.system.gserviceaccount.com".to_owned()];
            let params = rcgen::CertificateParams::new(names).expect("a name");
            SigningKey {
                private: EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes()).expect("a PEM key"),
                certificate: params.self_signed(&pair).expect("a certificate").pem(),
            }
        })
    })
}

impl Google {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let behaviour = Behaviour {
            answer: Answer::Certificates,
            cache_control: Some("public, max-age=21600, must-revalidate, no-transform".into()),
            generation: 0,
        };
        let state = Arc::new(State {
            behaviour: watch::Sender::new(behaviour),
            asked: watch::Sender::new(0),
            refused: Mutex::default(),
        });
        let server = tokio::spawn(serve(listener, Arc::clone(&state)));
        Self { url, state, server }
    }

    /// For `GOOGLE_CERTS_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        *self.state.asked.borrow()
    }

    /// Waits until it was asked this often.
    pub async fn was_asked(&self, times: usize) {
        let mut asked = self.state.asked.subscribe();
        let enough = asked.wait_for(|asked| *asked >= times);
        tokio::time::timeout(DEADLINE, enough).await.expect("it was asked").expect("it still runs");
    }

    pub fn set_cache_control(&self, value: Option<&str>) {
        self.state.behaviour.send_modify(|b| b.cache_control = value.map(str::to_owned));
    }

    /// Answers with this status from now on.
    pub fn fail(&self, status: u16) {
        self.answer(Answer::Status(status));
    }

    /// Takes requests and says nothing, until [`Self::recover`].
    pub fn stall(&self) {
        self.answer(Answer::Stall);
    }

    /// Answers 200 with something that is no certificate.
    pub fn babble(&self) {
        self.answer(Answer::Garbage);
    }

    pub fn recover(&self) {
        self.answer(Answer::Certificates);
    }

    /// Takes the key out of use that signed until now, and signs with another.
    pub fn rotate(&self) {
        self.state.behaviour.send_modify(|b| b.generation = 1);
    }

    fn answer(&self, answer: Answer) {
        self.state.behaviour.send_modify(|b| b.answer = answer);
    }

    fn generation(&self) -> usize {
        self.state.behaviour.borrow().generation
    }

    pub fn kid(&self) -> String {
        kid(self.generation())
    }

    /// The certificate in PEM, which everybody knows.
    pub fn certificate(&self) -> &'static str {
        &keys()[self.generation()].certificate
    }

    /// Signs as Google does.
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_as(&self.kid(), claims)
    }

    /// Signs with Google's key but names it so.
    pub fn sign_as(&self, kid: &str, claims: &Value) -> String {
        sign(kid, &keys()[self.generation()], claims)
    }

    /// Signs with a key of the forger's own and names it as Google's.
    pub fn forge(&self, claims: &Value) -> String {
        sign(&self.kid(), &keys()[2], claims)
    }
}

impl Drop for Google {
    fn drop(&mut self) {
        self.server.abort();
        let refused = std::mem::take(&mut *self.state.refused.lock().expect("no panic while locked"));
        assert!(std::thread::panicking() || refused.is_empty(), "Google would not answer: {refused:?}");
    }
}

/// What Firebase says of somebody who signed in by phone at this time.
pub fn claims(uid: &str, phone: &str, now: DateTime<Utc>) -> Value {
    json!({
        "iss": format!("https://securetoken.google.com/{PROJECT}"),
        "aud": PROJECT,
        "auth_time": now.timestamp(),
        "user_id": uid,
        "sub": uid,
        "iat": now.timestamp(),
        "exp": now.timestamp() + 3600,
        "phone_number": phone,
        "firebase": { "identities": { "phone": [phone] }, "sign_in_provider": "phone" },
    })
}

fn kid(generation: usize) -> String {
    format!("key-{generation}-of-google")
}

fn sign(kid: &str, key: &SigningKey, claims: &Value) -> String {
    let header = Header { kid: Some(kid.into()), ..Header::new(Algorithm::RS256) };
    jsonwebtoken::encode(&header, claims, &key.private).expect("RSA over plain data")
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(answer(stream, Arc::clone(&state)));
    }
}

/// One request a connection.
async fn answer(stream: TcpStream, state: Arc<State>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut behaviour = state.behaviour.subscribe();
    state.asked.send_modify(|asked| *asked += 1);
    let good = lines.first().is_some_and(|line| *line == format!("GET {PATH} HTTP/1.1"))
        && lines.iter().any(|line| line.to_ascii_lowercase().starts_with("host: 127.0.0.1"));
    let behaviour =
        behaviour.wait_for(|b| b.answer != Answer::Stall).await.map_err(std::io::Error::other)?.clone();
    let (status, body) = match behaviour.answer {
        _ if !good => {
            state.refused.lock().expect("no panic while locked").push(lines.join("; "));
            (404, "{}".to_owned())
        }
        Answer::Status(status) => (status, "{}".to_owned()),
        Answer::Garbage => (200, json!({ "key": "no certificate" }).to_string()),
        Answer::Certificates | Answer::Stall => {
            let generation = behaviour.generation;
            (200, json!({ (kid(generation)): keys()[generation].certificate }).to_string())
        }
    };
    let cache = behaviour.cache_control.map(|value| format!("cache-control: {value}\r\n"));
    let head = format!(
        "HTTP/1.1 {status} Status\r\ncontent-type: application/json; charset=UTF-8\r\ncontent-length: {}\r\n{}connection: close\r\n\r\n",
        body.len(),
        cache.unwrap_or_default(),
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}
