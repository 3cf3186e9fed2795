//! A raw Socket.IO v4 client over a WebSocket, so that what goes over the wire is what is tested.

use std::collections::VecDeque;

use banter_core::testing::{DEADLINE, Person};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::Server;

pub(crate) struct Socket {
    transport: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// What came and was not asked for yet.
    inbox: VecDeque<Packet>,
    asked: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Packet {
    /// `40`: let in.
    Connected,
    /// `44`
    Refused(Value),
    Event(String, Value),
    Ack(u64, Value),
    /// `41`: out of the namespace.
    Disconnected,
    /// The transport is closed.
    Closed,
    Other(String),
}

impl Server {
    /// A socket of this person's; panics when it is refused.
    pub(crate) async fn socket(&self, person: &Person) -> Socket {
        match self.handshake(&json!({ "token": person.access_token }).to_string()).await {
            (socket, Packet::Connected) => socket,
            (_, packet) => panic!("{}'s socket was not let in: {packet:?}", person.name),
        }
    }

    /// Says `40` and this text; what the server answers.
    pub(crate) async fn handshake(&self, auth: &str) -> (Socket, Packet) {
        let mut socket = self.transport().await;
        let answer = socket.greet(auth).await;
        (socket, answer)
    }

    /// An open transport, before any handshake.
    pub(crate) async fn transport(&self) -> Socket {
        let url = format!("ws://{}/socket.io/?EIO=4&transport=websocket", self.address);
        let (mut transport, _) = connect_async(url).await.expect("the transport opens");
        let open = transport.next().await.expect("an opening").expect("a frame");
        let open = open.into_text().expect("text");
        assert!(open.starts_with("0{"), "{open}");
        Socket { transport, inbox: VecDeque::new(), asked: 0 }
    }
}

impl Socket {
    /// Asks to be let in; events may come before the answer.
    pub(crate) async fn greet(&mut self, auth: &str) -> Packet {
        self.say(&format!("40{auth}")).await;
        self.expect_packet("an answer to the handshake", |packet| {
            (!matches!(packet, Packet::Event(..))).then(|| packet.clone())
        })
        .await
    }

    /// Sends a packet as it is.
    pub(crate) async fn say(&mut self, text: &str) {
        self.transport.send(Message::text(text)).await.expect("the transport is open");
    }

    /// The same for frames that need not arrive: the server may have hung up.
    pub(crate) async fn throw(&mut self, message: Message) {
        let _ = self.transport.send(message).await;
    }

    /// Sends an event that asks for an acknowledgement; its number.
    pub(crate) async fn ask(&mut self, event: &str, data: &Value) -> u64 {
        self.asked += 1;
        let number = self.asked;
        self.say(&format!("42{number}{}", json!([event, data]))).await;
        number
    }

    pub(crate) async fn emit_with_ack(&mut self, event: &str, data: Value) -> Value {
        let number = self.ask(event, &data).await;
        self.expect_ack(number).await
    }

    pub(crate) async fn expect_ack(&mut self, number: u64) -> Value {
        self.expect_packet(&format!("acknowledgement {number}"), |packet| match packet {
            Packet::Ack(of, data) if *of == number => Some(data[0].clone()),
            _ => None,
        })
        .await
    }

    /// The next event of this name; others stay for later.
    pub(crate) async fn expect(&mut self, event: &str) -> Value {
        self.expect_packet(event, |packet| match packet {
            Packet::Event(name, data) if name == event => Some(data.clone()),
            _ => None,
        })
        .await
    }

    /// That the server ends the socket: out of the namespace, or the transport closed.
    pub(crate) async fn expect_end(&mut self) {
        let ended = |packet: &Packet| matches!(packet, Packet::Disconnected | Packet::Closed).then_some(());
        self.expect_packet("the end", ended).await;
    }

    pub(crate) async fn expect_closed(&mut self) {
        self.expect_packet("a closed transport", |packet| (*packet == Packet::Closed).then_some(())).await;
    }

    /// The events that came up to now: the server answers in order, so what follows an acknowledgement was later.
    /// Who comes and goes is left out: acquaintances are told in their own time.
    pub(crate) async fn events_so_far(&mut self) -> Vec<(String, Value)> {
        let mut events = self.all_events_so_far().await;
        events.retain(|(name, _)| name != "presence:changed");
        events
    }

    pub(crate) async fn all_events_so_far(&mut self) -> Vec<(String, Value)> {
        assert_eq!(self.emit_with_ack("presence:heartbeat", json!({})).await["success"], true);
        let events = self.inbox.drain(..).filter_map(|packet| match packet {
            Packet::Event(name, data) => Some((name, data)),
            _ => None,
        });
        events.collect()
    }

    pub(crate) async fn close(mut self) {
        let _ = self.transport.close(None).await;
    }

    async fn expect_packet<T>(&mut self, what: &str, take: impl Fn(&Packet) -> Option<T>) -> T {
        for at in 0..self.inbox.len() {
            if let Some(found) = take(&self.inbox[at]) {
                self.inbox.remove(at);
                return found;
            }
        }
        let found = async {
            loop {
                let packet = self.read().await;
                match take(&packet) {
                    Some(found) => return Some(found),
                    None if packet == Packet::Closed => return None,
                    None => self.inbox.push_back(packet),
                }
            }
        };
        match tokio::time::timeout(DEADLINE, found).await {
            Ok(Some(found)) => found,
            Ok(None) => panic!("{what} did not come before the transport closed; instead {:#?}", self.inbox),
            Err(_) => panic!("{what} did not come; instead {:#?}", self.inbox),
        }
    }

    /// The next packet, pings answered.
    async fn read(&mut self) -> Packet {
        loop {
            let text = match self.transport.next().await {
                Some(Ok(Message::Text(text))) => text,
                None | Some(Err(_) | Ok(Message::Close(_))) => return Packet::Closed,
                Some(Ok(_)) => continue,
            };
            if text == "2" {
                self.throw(Message::text("3")).await;
            } else {
                return parse(&text);
            }
        }
    }
}

fn parse(text: &str) -> Packet {
    let (kind, rest) = text.split_at_checked(2).unwrap_or((text, ""));
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (number, json) = rest.split_at(digits);
    let data = || serde_json::from_str::<Value>(json).unwrap_or_default();
    match kind {
        "40" if data()["sid"].is_string() => Packet::Connected,
        "41" => Packet::Disconnected,
        "42" => {
            let mut data = data();
            Packet::Event(data[0].as_str().expect("an event's name").to_owned(), data[1].take())
        }
        "43" => Packet::Ack(number.parse().expect("a number"), data()),
        "44" => Packet::Refused(data()),
        "1" => Packet::Closed,
        _ => Packet::Other(text.to_owned()),
    }
}
