//! Socket delivery: from the sender's `message:send` to the receiver's `message:new`, both on real sockets.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::Measured;
use crate::http::Person;

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;
pub(crate) type Sending = Arc<tokio::sync::Mutex<SplitSink<Socket, Message>>>;

/// Each pair's first sends to the second with `window` messages unacknowledged at most; a paced sender (window 1)
/// shows latency, a wide window throughput.
pub(crate) async fn run(
    address: &str,
    pairs: &[(Person, Person)],
    duration: Duration,
    window: usize,
) -> Measured {
    let started = Instant::now();
    let mut tasks = Vec::new();
    for pair in pairs.iter().cloned() {
        let address = address.to_owned();
        tasks.push(tokio::spawn(async move { one(&address, pair, started, duration, window).await }));
    }
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await.expect("no panic"));
    }
    Measured { took: started.elapsed(), latencies }
}

async fn one(
    address: &str,
    (from, to): (Person, Person),
    started: Instant,
    duration: Duration,
    window: usize,
) -> Vec<Duration> {
    let (sender, mut acks) = connect(address, &from.token).await;
    let (receiver, mut events) = connect(address, &to.token).await;
    let sent: Arc<Mutex<HashMap<usize, Instant>>> = Arc::default();
    let unacknowledged = Arc::new(Semaphore::new(window));

    let (permits, pong) = (Arc::clone(&unacknowledged), Arc::clone(&sender));
    let acknowledging = tokio::spawn(async move {
        while let Some(text) = next(&mut acks, &pong).await {
            if text.starts_with("43") {
                assert!(text.contains("\"success\":true"), "{text}");
                permits.add_permits(1);
            }
        }
    });
    let (times, latencies) = (Arc::clone(&sent), Arc::<Mutex<Vec<Duration>>>::default());
    let measured = Arc::clone(&latencies);
    let receiving = tokio::spawn(async move {
        while let Some(text) = next(&mut events, &receiver).await {
            let Some(json) = text.strip_prefix("42") else { continue };
            let event: Value = serde_json::from_str(json).expect("JSON");
            let n = event[1]["clientMessageId"]
                .as_str()
                .and_then(|id| id.rsplit('-').next()?.parse::<usize>().ok());
            if let Some(asked) = n.and_then(|n| times.lock().expect("no panic").remove(&n)) {
                measured.lock().expect("no panic").push(asked.elapsed());
            }
        }
    });
    let mut n = 0;
    while started.elapsed() < duration {
        unacknowledged.acquire().await.expect("open").forget();
        n += 1;
        sent.lock().expect("no panic").insert(n, Instant::now());
        let id = format!("{window}-{}-{n}", from.id.split('-').next_back().unwrap_or_default());
        let body =
            json!(["message:send", { "receiverId": to.id, "content": "क्या हाल है?", "clientMessageId": id }]);
        sender.lock().await.send(Message::text(format!("42{n}{body}"))).await.expect("the socket is open");
        if window == 1 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let deadline = Instant::now() + Duration::from_secs(10);
    while !sent.lock().expect("no panic").is_empty() {
        assert!(Instant::now() < deadline, "not every message arrived");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    acknowledging.abort();
    receiving.abort();
    std::mem::take(&mut *latencies.lock().expect("no panic"))
}

pub(crate) async fn connect(address: &str, token: &str) -> (Sending, SplitStream<Socket>) {
    let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
    let (socket, _) = tokio_tungstenite::connect_async(url).await.expect("the server listens");
    let (sink, mut stream) = socket.split();
    let sink = Arc::new(tokio::sync::Mutex::new(sink));
    let hello = format!("40{}", json!({ "token": token }));
    sink.lock().await.send(Message::text(hello)).await.expect("the socket is open");
    while let Some(text) = next(&mut stream, &sink).await {
        if text.starts_with("40") {
            return (sink, stream);
        }
        assert!(!text.starts_with("44"), "{text}");
    }
    panic!("the server let nobody in");
}

/// The next packet that is not a ping.
pub(crate) async fn next(stream: &mut SplitStream<Socket>, sink: &Sending) -> Option<String> {
    loop {
        let text = stream.next().await?.ok()?.into_text().ok()?;
        if text.as_str() != "2" {
            return Some(text.as_str().to_owned());
        }
        sink.lock().await.send(Message::text("3")).await.ok()?;
    }
}
