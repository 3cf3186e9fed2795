//! The production templates, in the real servers: as `banter livekit config` fills them in, but for what no test has
//! (its ports, a public address, a certificate somebody signed).

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use banter_core::clock::Clock;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};

use crate::harness::Cli;

const PATIENCE: Duration = Duration::from_secs(20);

/// Killed when the test is over.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The directory of the filled-in templates, and the environment for Banter.
fn filled(cli: &Cli) -> (PathBuf, Value) {
    let redis = std::env::var("REDIS_URL").expect("`banter dev exec` gives it");
    let written = cli.ask(&[
        "--json",
        "livekit",
        "config",
        "--domain",
        "live.banter.example",
        "--turn-domain",
        "turn.banter.example",
        "--node-ip",
        "127.0.0.1",
        "--redis",
        &redis,
    ]);
    let written: Value = serde_json::from_str(&written).expect("JSON");
    (cli.directory().to_owned(), written["environment"].clone())
}

/// Puts a test's own value in a setting's place; there is exactly one.
fn set(file: &Path, settings: &[(&str, String)]) {
    let mut text = fs::read_to_string(file).expect("written");
    for (old, new) in settings {
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with(old)).collect();
        let [line] = *lines else { panic!("{} lines begin with `{old}`", lines.len()) };
        text = text.replacen(line, new, 1);
    }
    fs::write(file, text).expect("written");
}

/// Free for TCP and for UDP.
fn free_port() -> u16 {
    let free = (0..100).find_map(|_| {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()?.local_addr().ok()?.port();
        UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).ok().map(|_| port)
    });
    free.expect("a free port")
}

fn start_livekit(file: &Path) -> (Server, String) {
    let mut child = Command::new("livekit-server")
        .arg("--config")
        .arg(file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("`make setup` installs it");
    let stderr = BufReader::new(child.stderr.take().expect("piped"));
    let server = Server(child);
    let (tell, hear) = std::sync::mpsc::channel();
    // Read to its end, or the server would wait for a reader.
    std::thread::spawn(move || {
        for line in stderr.lines().map_while(Result::ok) {
            let _ = tell.send(line);
        }
    });
    let mut said = String::new();
    let begun = Instant::now();
    while !said.contains("starting LiveKit server") {
        match hear.recv_timeout(PATIENCE.saturating_sub(begun.elapsed())) {
            Ok(line) => said += &format!("{line}\n"),
            Err(error) => panic!("{error}: {said}"),
        }
    }
    (server, said)
}

pub(crate) fn token(key: &str, secret: &str) -> String {
    let now = Clock::System.now().timestamp();
    let claims = json!({ "iss": key, "nbf": now - 60, "exp": now + 60, "video": { "roomList": true, "roomCreate": true } });
    let secret = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::default(), &claims, &secret).expect("signed")
}

#[tokio::test]
async fn livekit_takes_its_template_and_the_keys_that_go_with_it() {
    let cli = Cli::new();
    let (dir, environment) = filled(&cli);
    let file = dir.join("livekit.yaml");
    let port = free_port();
    set(
        &file,
        &[
            ("port:", format!("port: {port}")),
            ("  udp_port:", format!("  udp_port: {}", free_port())),
            ("  tcp_port:", format!("  tcp_port: {}", free_port())),
            ("  port: 6789", format!("  port: {}", free_port())),
        ],
    );
    let (_server, said) = start_livekit(&file);
    assert!(said.contains("connecting to redis"), "rooms are found through Redis: {said}");

    let http = banter_core::providers::http_client();
    let url = format!("http://127.0.0.1:{port}");
    assert_eq!(http.get(&url).send().await.expect("answered").status(), 200);
    let list = async |key: &str, secret: &str| {
        let request = http.post(format!("{url}/twirp/livekit.RoomService/ListRooms"));
        let answer = request.bearer_auth(token(key, secret)).json(&json!({})).send().await.expect("answered");
        (answer.status().as_u16(), answer.text().await.expect("text"))
    };
    let of = |name: &str| environment[name].as_str().expect("printed").to_owned();
    let (key, secret) = (of("LIVEKIT_API_KEY"), of("LIVEKIT_API_SECRET"));
    let (status, rooms) = list(&key, &secret).await;
    assert_eq!((status, rooms.contains("rooms")), (200, true), "{rooms}");
    assert_eq!(list(&key, "a-secret-of-somebody-else-altogether").await.0, 401);
    assert_eq!(list("APIsomebodyelse", &secret).await.0, 401);
}

/// STUN's binding request; whether the relay answers before the time is over.
fn answers_stun(port: u16) -> bool {
    const REQUEST: &[u8; 20] = b"\x00\x01\x00\x00\x21\x12\xa4\x42banter-tests";
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    socket.set_read_timeout(Some(Duration::from_millis(100))).expect("set");
    let begun = Instant::now();
    let mut answer = [0; 512];
    while begun.elapsed() < PATIENCE {
        let _ = socket.send_to(REQUEST, (Ipv4Addr::LOCALHOST, port));
        if socket.recv(&mut answer).is_ok_and(|n| n >= 20) {
            return answer[..2] == [1, 1] && answer[8..20] == REQUEST[8..];
        }
    }
    false
}

pub(crate) struct Credential {
    name: String,
    password: String,
}

impl Credential {
    /// TURN's REST credential, as Banter gives it to phones.
    pub(crate) fn new(secret: &str, lives: i64) -> Self {
        let now = Clock::System.now().timestamp();
        let name = format!("{}:user_asha", now + lives);
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
        let password = BASE64_STANDARD.encode(hmac::sign(&key, name.as_bytes()));
        Self { name, password }
    }

    /// What coturn's own client says when it asks the relay to send to `peer`.
    pub(crate) fn relay_to(&self, peer: &str, port: u16) -> String {
        let output = Command::new("turnutils_uclient")
            .args(["-v", "-n", "1", "-m", "1", "-p", &port.to_string(), "-e", peer, "-r", "3480"])
            .args(["-u", &self.name, "-w", &self.password, "127.0.0.1"])
            .stdin(Stdio::null())
            .output()
            .expect("the package coturn has it");
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    }
}

#[test]
fn coturn_takes_its_template_and_credentials_that_run_out() {
    let cli = Cli::new();
    let (dir, environment) = filled(&cli);
    let signed = rcgen::generate_simple_self_signed(["turn.banter.example".to_owned()]).expect("signed");
    let (certificate, key) = (dir.join("certificate.pem"), dir.join("key.pem"));
    fs::write(&certificate, signed.cert.pem()).expect("written");
    fs::write(&key, signed.signing_key.serialize_pem()).expect("written");
    let file = dir.join("turnserver.conf");
    let (port, tls_port) = (free_port(), free_port());
    set(
        &file,
        &[
            ("listening-port=", format!("listening-port={port}")),
            ("tls-listening-port=", format!("tls-listening-port={tls_port}")),
            ("listening-ip=", "listening-ip=127.0.0.1".into()),
            ("cert=", format!("cert={}", certificate.display())),
            ("pkey=", format!("pkey={}", key.display())),
        ],
    );
    let log = dir.join("coturn.log");
    let out = File::create(&log).expect("made");
    let own = |name: &str| format!("--{name}={}", dir.join(name).display());
    let child = Command::new("turnserver")
        .arg("-c")
        .arg(&file)
        .args([own("pidfile"), own("userdb")])
        .stdin(Stdio::null())
        .stdout(out.try_clone().expect("cloned"))
        .stderr(out)
        .spawn()
        .expect("`make setup` installs it");
    let server = Server(child);
    let said = || fs::read_to_string(&log).expect("read");
    assert!(answers_stun(port), "{}", said());

    let secret = environment["TURN_SECRET"].as_str().expect("printed");
    let good = Credential::new(secret, 3600);
    for private in ["10.0.0.5", "127.0.0.1", "169.254.169.254", "192.168.1.1"] {
        let heard = good.relay_to(private, port);
        assert!(heard.contains("Received relay addr"), "the credential is good: {heard}\n{}", said());
        assert!(heard.contains("403 (Forbidden IP)"), "{private}: {heard}");
    }
    TcpStream::connect((Ipv4Addr::LOCALHOST, tls_port)).expect("it listens for TLS");
    for bad in [Credential::new("of somebody else", 3600), Credential::new(secret, -10)] {
        let heard = bad.relay_to("10.0.0.5", port);
        assert!(heard.contains("Cannot complete Allocation"), "{heard}");
        assert!(!heard.contains("Received relay addr"), "{heard}");
    }
    drop(server);
    let said = said();
    for fault in ["Bad configuration format", "CONFIG ERROR", "CONFIG WARNING", "Unknown", "Cannot open"] {
        assert!(!said.contains(fault), "{said}");
    }
    assert!(said.contains("Private key file found"), "{said}");
}
