//! The real media server (`livekit-server` on PATH), on free ports of this machine, and people at its door.
//!
//! What is started here ends with the test's process, however that ends: its life hangs on a pipe that we hold open.

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use livekit_api::access_token::AccessToken;
use secrecy::ExposeSecret as _;
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_tungstenite::tungstenite::Error as SocketError;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::DEADLINE;
use crate::Banter;
use crate::config;
use crate::providers::http_client;

/// A media server of this test's own, or of this process's.
pub struct LiveKit {
    config: config::LiveKit,
    ports: Ports,
    program: Option<Child>,
}

#[derive(Clone, Copy)]
struct Ports {
    http: u16,
    tcp: u16,
    udp: u16,
}

/// Somebody who came through the door: signalling alone, without media.
pub struct Joined(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl LiveKit {
    /// One for all tests of this process: nobody may stop it. Rooms of other tests are not ours, and stay.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<LiveKit> = OnceCell::const_new();
        SHARED.get_or_init(Self::start).await
    }

    /// One that this test may stop.
    pub async fn start() -> Self {
        let tcp = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let (http, media, udp) =
            (tcp(), tcp(), UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port"));
        let port = |socket: &TcpListener| socket.local_addr().expect("bound").port();
        let ports =
            Ports { http: port(&http), tcp: port(&media), udp: udp.local_addr().expect("bound").port() };
        drop((http, media, udp));
        let config = config::LiveKit {
            api_key: "APIofTests".into(),
            api_secret: "secret-of-tests-0123456789-0123456789".into(),
            server_url: format!("ws://127.0.0.1:{}", ports.http),
            api_url: format!("http://127.0.0.1:{}", ports.http),
            patience: DEADLINE,
        };
        let mut server = Self { config, ports, program: None };
        server.resume().await;
        server
    }

    pub fn config(&self) -> config::LiveKit {
        self.config.clone()
    }

    /// Ends it as a power cut does: it tells nobody, and forgets all.
    pub fn kill(&mut self) {
        if let Some(mut program) = self.program.take() {
            drop(program.stdin.take());
            program.wait().expect("it ends");
        }
    }

    /// Starts it again, on the same ports.
    pub async fn resume(&mut self) {
        let Ports { http, tcp, udp } = self.ports;
        let text = format!(
            "port: {http}\nbind_addresses: [127.0.0.1]\n\
             rtc: {{ tcp_port: {tcp}, udp_port: {udp}, use_external_ip: false, node_ip: 127.0.0.1, enable_loopback_candidate: true }}\n\
             keys: {{ {}: {} }}\nroom: {{ auto_create: false }}\napi: {{ enable_psrpc_for_get_list_participants: true }}\nlogging: {{ level: error }}\n",
            self.config.api_key,
            self.config.api_secret.expose_secret(),
        );
        // It ends when the pipe does, and we cannot forget to close that.
        let mut program = Command::new("sh")
            .args(["-c", "livekit-server & read -r _; kill -9 $!; wait $! 2>/dev/null; exit 0"])
            .env("LIVEKIT_CONFIG", text)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let stdin = program.stdin.as_mut().expect("a pipe");
        stdin.flush().expect("an open pipe");
        self.program = Some(program);
        let up = async {
            loop {
                let answer = http_client().get(&self.config.api_url).send().await;
                if answer.is_ok_and(|answer| answer.status().is_success()) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(DEADLINE, up).await.expect(
            "livekit-server comes up: is it on PATH? `make test` puts it there, or `banter dev exec -- cargo test`",
        );
    }

    /// [`enter`]s here.
    pub async fn join(&self, token: &str) -> Result<Joined, SocketError> {
        enter(&self.config.server_url, token).await
    }

    /// A webhook as LiveKit sends them: the `Authorization` header, and the body it signs.
    pub fn webhook(&self, id: &str, event: &str, room: &str, identity: Option<&str>) -> (String, Vec<u8>) {
        let mut body = serde_json::json!({
            "event": event,
            "id": id,
            "createdAt": "1795329000",
            "room": { "sid": "RM_1", "name": room, "enabledCodecs": [{ "mime": "audio/opus" }] },
        });
        if let Some(identity) = identity {
            body["participant"] = serde_json::json!({
                "sid": "PA_1", "identity": identity, "state": "A_STATE_OF_TOMORROW",
            });
        }
        let body = body.to_string().into_bytes();
        (self.sign(&body), body)
    }

    /// The `Authorization` header of a webhook with this body.
    pub fn sign(&self, body: &[u8]) -> String {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body);
        AccessToken::with_api_key(&self.config.api_key, self.config.api_secret.expose_secret())
            .with_sha256(&STANDARD.encode(hash))
            .to_jwt()
            .expect("signed")
    }
}

/// Enters with this token, as an app does before any media flows.
pub async fn enter(server_url: &str, token: &str) -> Result<Joined, SocketError> {
    let url = format!("{server_url}/rtc?access_token={token}&protocol=15&auto_subscribe=1");
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await?;
    let first = futures_util::StreamExt::next(&mut socket);
    tokio::time::timeout(DEADLINE, first).await.expect("it answers").expect("an answer")?;
    Ok(Joined(socket))
}

/// Waits until the media server has no such room. One that was just closed it may write down once more, when somebody
/// leaves it in the same moment; then it is told again, as in every round.
pub async fn until_closed(banter: &Banter, room: &str) {
    let closed = async {
        while banter.livekit().rooms().await.expect("it answers").iter().any(|name| name == room) {
            banter.voice().reconcile().await.expect("a round");
        }
    };
    tokio::time::timeout(DEADLINE, closed).await.expect("the room is closed");
}

impl Drop for LiveKit {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Joined {
    /// Waits until the media server sends them out.
    pub async fn until_out(&mut self) {
        let out = async {
            while let Some(Ok(message)) = futures_util::StreamExt::next(&mut self.0).await {
                if message.is_close() {
                    break;
                }
            }
        };
        tokio::time::timeout(DEADLINE, out).await.expect("the media server sends them out");
    }
}
