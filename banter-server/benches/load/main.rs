//! `make bench`: the real server in a release build, asked over loopback, beside pgbench running the same statements
//! on the same database as the ceiling. Bounded: each row runs for a few seconds (`BENCH_SECONDS`) and stops.
//! `BENCH_ONLY=silence` measures bans and suspensions alone, `BENCH_ONLY=purchases` purchases, `BENCH_ONLY=leaks` how well
//! and how fast contact leaks are found.
//!
//! The load and the server share the machine's cores, so the numbers are floors of what a server alone would do.

#![expect(clippy::print_stdout, reason = "the table is what a benchmark is for")]

mod grow;
mod http;
mod leaks;
mod pgbench;
mod purchases;
mod silence;
mod socket;

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use http::{Connection, Person};

/// Pairs of people who write to each other.
pub(crate) const PAIRS: usize = 32;
/// Messages in each conversation before the history is read.
const HISTORY: usize = 500;
/// Conversations of each of those who ask, and messages in each: first so many, so that the list has a whole page …
const FEW: (usize, usize) = (30, 2);
/// … and then so many: 10,000 conversations and a million messages.
const MANY: (usize, usize) = (313, 100);

#[tokio::main]
async fn main() {
    let only = std::env::var("BENCH_ONLY").ok();
    let wants = |part: &str| only.as_deref().is_none_or(|only| only == part);
    if wants("leaks") {
        leaks::run();
    }
    if only.as_deref() == Some("leaks") {
        return;
    }
    let seconds = std::env::var("BENCH_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(8);
    let database = std::env::var("DATABASE_URL").expect("DATABASE_URL: run `make bench`");
    let sandbox = purchases::stand_in().await;
    let server = Server::start(purchases::environment(&sandbox)).await;
    if wants("throughput") || wants("purchases") {
        println!(
            "{:<34} {:>10} {:>9} {:>9}   {:>16} {:>9}",
            "", "per second", "p50 ms", "p99 ms", "pgbench / second", "mean ms"
        );
    }
    if wants("throughput") {
        throughput(&server, &database, seconds).await;
    }
    if wants("purchases") {
        purchases::run(&server.address, &sandbox, &database, seconds).await;
    }
    if !wants("silence") {
        return;
    }
    let other = Server::start(purchases::environment(&sandbox)).await;
    match silence::run(&server.address, &other.address).await {
        Some(silence) => silence.print(),
        None => println!("from a moderator's act to silence: not measured, there is no media server"),
    }
}

async fn throughput(server: &Server, database: &str, seconds: u64) {
    let duration = Duration::from_secs(seconds);
    let people = http::register(&server.address, PAIRS * 2).await;
    let mut pairs: Vec<(Person, Person)> =
        people.chunks(2).map(|two| (two[0].clone(), two[1].clone())).collect();
    http::fill(&server.address, &mut pairs, HISTORY).await;

    grow::grow(database, &pairs, FEW.0, FEW.1);
    for (name, request, ceiling) in [
        ("GET /auth/me", http::me as http::Make, "me"),
        ("POST /messages", http::send, "send"),
        ("GET /conversations/:id/messages", http::history, "history"),
        ("GET /conversations", http::conversations, "list"),
        ("GET /messages/unread-count", http::unread, "unread"),
    ] {
        let measured = http::run(&server.address, &pairs, duration, request).await;
        let ceiling = pgbench::run(database, &pairs, seconds, ceiling);
        measured.print(name, Some(ceiling));
    }
    grow::grow(database, &pairs, MANY.0, MANY.1);
    for (name, request) in [
        ("… messages, over a million", http::history as http::Make),
        ("… conversations, over 10,000", http::conversations),
        ("… unread-count, over 10,000", http::unread),
    ] {
        http::run(&server.address, &pairs, duration, request).await.print(name, None);
    }
    socket::run(&server.address, &pairs, duration, 1).await.print("socket send → delivered, paced", None);
    socket::run(&server.address, &pairs, duration, 16).await.print("socket send → delivered, flat out", None);
}

/// The server under load, killed at the end.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    async fn start(settings: Vec<(&'static str, String)>) -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.expect("a free port").port();
        let child = Command::new(env!("CARGO_BIN_EXE_banter-server"))
            .env("HOST", "127.0.0.1")
            .env("PORT", port.to_string())
            .env("METRICS_PORT", "0")
            .env("RATE_LIMIT_MAX_REQUESTS", "1000000000")
            .env("RATE_LIMIT_MULTIPLIER", "1000000")
            .env("BANTER_LOG", "warn")
            .envs(settings)
            .stdout(Stdio::null())
            .spawn()
            .expect("the server starts");
        let address = format!("127.0.0.1:{port}");
        let server = Self { child, address };
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            if let Ok(mut connection) = Connection::open(&server.address).await
                && connection.ask("GET", "/readyz", None, "").await.0 == 200
            {
                return server;
            }
            assert!(Instant::now() < deadline, "the server does not get ready");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Latencies of one row.
pub(crate) struct Measured {
    pub(crate) took: Duration,
    pub(crate) latencies: Vec<Duration>,
}

impl Measured {
    pub(crate) fn print(mut self, name: &str, ceiling: Option<pgbench::Ceiling>) {
        self.latencies.sort_unstable();
        let per_second = self.latencies.len() as f64 / self.took.as_secs_f64();
        let quantile = |q: f64| quantile(&self.latencies, q);
        let ceiling = match ceiling {
            None => String::new(),
            Some(ceiling) => format!("{:>16.0} {:>9.2}", ceiling.per_second, ceiling.latency_ms),
        };
        println!("{name:<34} {per_second:>10.0} {:>9.2} {:>9.2}   {ceiling}", quantile(0.5), quantile(0.99));
    }
}

impl silence::Silence {
    fn print(self) {
        println!("\n{:<34} {:>10} {:>9} {:>9} {:>9}", "", "tries", "p50 ms", "p99 ms", "worst ms");
        for (name, mut times) in [
            ("act → out of the room", self.media),
            ("act → socket closed", self.socket),
            ("act → requests refused", self.api),
        ] {
            times.sort_unstable();
            let [p50, p99, worst] = [0.5, 0.99, 1.0].map(|q| quantile(&times, q));
            println!("{name:<34} {:>10} {p50:>9.1} {p99:>9.1} {worst:>9.1}", times.len());
        }
    }
}

/// Milliseconds, of times in order.
fn quantile(sorted: &[Duration], q: f64) -> f64 {
    let at = ((sorted.len() as f64 - 1.0) * q).round() as usize;
    sorted.get(at).map_or(f64::NAN, |d| d.as_secs_f64() * 1000.0)
}
