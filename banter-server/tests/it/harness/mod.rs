//! An [`Api`] is a [`World`] served on a free port; every answer it gives passes one check of the house's shape.
//!
//! [`socket`] a raw Socket.IO client · [`document`] what the OpenAPI document says, and bodies made from it ·
//! [`schema`] whether an answer is as documented · [`proxy`] a connection that can be cut · [`tokens`] access tokens that nobody should believe

pub(crate) mod document;
pub(crate) mod proxy;
pub(crate) mod schema;
pub(crate) mod socket;
pub(crate) mod tokens;

use std::net::SocketAddr;
use std::ops::Deref;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, Method};
use banter_core::Banter;
use banter_core::ids::{ConversationId, Ids};
use banter_core::jobs;
use banter_core::providers::http_client;
use banter_core::testing::{Builder, DEADLINE, Person, World};
use banter_server::patience::Patience;
use banter_server::router::{self, App};
use banter_server::serve;
use reqwest::RequestBuilder;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A served world. Field order is drop order: the server goes first.
pub(crate) struct Api {
    server: Server,
    pub world: World,
}

/// One replica.
pub(crate) struct Server {
    pub address: SocketAddr,
    http: reqwest::Client,
    end: Option<oneshot::Sender<()>>,
    served: JoinHandle<()>,
}

/// As whom a request is made.
#[derive(Clone, Copy)]
pub(crate) enum Who<'a> {
    Nobody,
    Token(&'a str),
}

impl<'a> From<&'a Person> for Who<'a> {
    fn from(person: &'a Person) -> Self {
        Self::Token(&person.access_token)
    }
}

/// An answer that has the house's shape.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// Null where the body is no JSON.
    pub json: Value,
}

impl Deref for Api {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl Api {
    pub(crate) async fn new() -> Self {
        Self::over(World::builder()).await
    }

    /// The sockets take the bus's sink, so the world keeps no notices.
    pub(crate) async fn over(builder: Builder) -> Self {
        Self::patiently(builder, Patience::default()).await
    }

    pub(crate) async fn patiently(builder: Builder, patience: Patience) -> Self {
        let world = builder.without_notices().build().await;
        let server = Server::start(router::patient_app(&world.banter, patience)).await;
        Self { server, world }
    }

    /// Another replica over the same database, Redis, clock and secrets, with its background work.
    pub(crate) async fn replica(&self) -> Server {
        let (config, clock) = (self.world.banter.config().clone(), self.world.banter.clock().clone());
        let banter =
            Banter::connect_with(config, clock, Ids::seeded(99)).await.expect("the replica connects");
        banter.start_background().await.expect("its background work starts");
        Server::start(router::app(&banter)).await
    }

    /// Does all that is due. (Background work would outlive the test's end by its connections.)
    pub(crate) async fn work(&self) {
        while jobs::worker::round(&self.world.banter).await.expect("jobs run") > 0 {}
    }

    /// Lets both write once: they know each other from then on.
    pub(crate) async fn acquaint(&self, one: &Person, other: &Person, words: &str) -> ConversationId {
        self.world.send(one, other, words).await;
        self.world.send(other, one, words).await.conversation_id
    }

    /// Ends the server as SIGTERM does.
    pub(crate) fn tell_to_end(&mut self) {
        let _ = self.server.end.take().expect("told once").send(());
    }

    pub(crate) async fn ended(&mut self) {
        tokio::time::timeout(DEADLINE, &mut self.server.served)
            .await
            .expect("it ends")
            .expect("without a panic");
    }
}

impl Server {
    pub(crate) async fn start(app: App) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (end, told) = oneshot::channel::<()>();
        let served = tokio::spawn(serve::serve_until(listener, app, async {
            let _ = told.await;
        }));
        Self { address, http: http_client(), end: Some(end), served }
    }

    /// A request that is not sent yet. `/auth/me` is short for `/api/auth/me`.
    pub(crate) fn ask<'a>(&self, method: Method, path: &str, who: impl Into<Who<'a>>) -> RequestBuilder {
        let request = self.http.request(method, self.url(path));
        match who.into() {
            Who::Nobody => request,
            Who::Token(token) => request.bearer_auth(token),
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        let nouns = [
            "/auth",
            "/moderation",
            "/calls",
            "/users",
            "/friends",
            "/conversations",
            "/rooms",
            "/messages",
            "/notifications",
            "/payments",
            "/gifts",
            "/presence",
            "/safety",
            "/uploads",
            "/webhooks",
        ];
        let prefix = if nouns.iter().any(|noun| path.starts_with(noun)) { "/api" } else { "" };
        format!("http://{}{prefix}{path}", self.address)
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> Answer {
        let request = request.timeout(DEADLINE).build().expect("a request");
        let what = format!("{} {}", request.method(), request.url());
        match self.http.execute(request).await {
            Ok(response) => Answer::of(&what, response).await,
            Err(error) => panic!("{what} was not answered: {error:?}"),
        }
    }

    pub(crate) async fn get<'a>(&self, path: &str, who: impl Into<Who<'a>>) -> Answer {
        self.send(self.ask(Method::GET, path, who)).await
    }

    pub(crate) async fn delete<'a>(&self, path: &str, who: impl Into<Who<'a>>) -> Answer {
        self.send(self.ask(Method::DELETE, path, who)).await
    }

    pub(crate) async fn post<'a>(&self, path: &str, who: impl Into<Who<'a>>, body: Value) -> Answer {
        self.send(self.ask(Method::POST, path, who).json(&body)).await
    }

    pub(crate) async fn put<'a>(&self, path: &str, who: impl Into<Who<'a>>, body: Value) -> Answer {
        self.send(self.ask(Method::PUT, path, who).json(&body)).await
    }

    pub(crate) async fn patch<'a>(&self, path: &str, who: impl Into<Who<'a>>, body: Value) -> Answer {
        self.send(self.ask(Method::PATCH, path, who).json(&body)).await
    }

    /// Uploads a file under the name of another kind.
    pub(crate) async fn upload<'a>(&self, who: impl Into<Who<'a>>, purpose: &str, bytes: Vec<u8>) -> Answer {
        let (content_type, body) = form(&bytes);
        let request = self.ask(Method::POST, &format!("/uploads?purpose={purpose}"), who);
        self.send(request.header("content-type", content_type).body(body)).await
    }

    /// Writes these bytes to a connection and reads until the server closes it.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.address).await.expect("the server listens");
        // A server that has refused already may close before all is written.
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let read = tokio::time::timeout(DEADLINE, stream.read_to_end(&mut answer)).await;
        assert!(read.is_ok(), "the connection hangs after {:?}", String::from_utf8_lossy(&answer));
        answer
    }
}

impl Answer {
    async fn of(what: &str, response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.unwrap_or_else(|e| panic!("{what}: the body broke: {e}")).to_vec();
        let json = serde_json::from_slice(&body).unwrap_or_default();
        let answer = Self { status, headers, body, json };
        answer.check(what);
        answer
    }

    /// From what [`Server::raw`] read. What is no request at all is refused by hyper, with a bare status.
    pub(crate) fn read(what: &str, bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("{what}: no answer but {:?}", String::from_utf8_lossy(bytes)));
        let head = String::from_utf8(bytes[..end].to_vec()).expect("a head of text");
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).expect("a status");
        let mut headers = HeaderMap::new();
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            let name: HeaderName = name.parse().expect("a header's name");
            headers.append(name, value.parse().expect("a header's value"));
        }
        let body = bytes[end + 4..].to_vec();
        let json = serde_json::from_slice(&body).unwrap_or_default();
        let answer = Self { status, headers, body, json };
        let hyper_s_own = [400, 414, 431].contains(&status) && answer.body.is_empty();
        if !hyper_s_own {
            answer.check(what);
        }
        answer
    }

    /// The shape of everything the API says: documentation and health checks have their own on success.
    fn check(&self, what: &str) {
        let text = String::from_utf8_lossy(&self.body);
        let id = self.header("x-request-id");
        assert!(id.is_some(), "{what}: {} without a request id", self.status);
        let own_shape = ["/docs", "/healthz", "/readyz", "/openapi.json", "/media/"]
            .iter()
            .any(|path| what.contains(path));
        let content_type = self.header("content-type").unwrap_or_default();
        // A receipt is a page for who asks for one.
        let own_shape = own_shape || what.contains("/receipt") && content_type.starts_with("text/html");
        if what.starts_with("HEAD ") || own_shape && (self.status < 400 || self.json.get("ready").is_some()) {
            return;
        }
        assert!(
            content_type.starts_with("application/json"),
            "{what}: {} {content_type:?}: {text}",
            self.status
        );
        if self.status < 400 {
            assert_eq!(self.json["success"], true, "{what}: {text}");
            return;
        }
        assert_eq!(self.json["success"], false, "{what}: {} {text}", self.status);
        let code = self.json["code"].as_str().unwrap_or_default();
        let screaming = code.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') && !code.is_empty();
        assert!(screaming, "{what}: code {code:?} in {text}");
        assert!(self.json["message"].as_str().is_some_and(|m| !m.is_empty()), "{what}: no message in {text}");
        assert_eq!(self.json["requestId"].as_str(), id, "{what}: {text}");
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body of an answer that must have this status.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self.json
    }

    /// The body of a refusal that must have this status and code.
    #[track_caller]
    pub(crate) fn refused(self, status: u16, code: &str) -> Value {
        let text = String::from_utf8_lossy(&self.body).into_owned();
        assert_eq!((self.status, self.json["code"].as_str()), (status, Some(code)), "{text}");
        self.json
    }
}

/// A form with one file, and its type. What the client says of the file is never true.
pub(crate) fn form(bytes: &[u8]) -> (&'static str, Vec<u8>) {
    let head = "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"../../setup.exe\"\r\n\
                content-type: text/html\r\n\r\n";
    ("multipart/form-data; boundary=x", [head.as_bytes(), bytes, b"\r\n--x--\r\n"].concat())
}

/// Holds the table of messages, so that whoever sends one waits.
pub(crate) struct Lock(sqlx::PgConnection);

impl Lock {
    pub(crate) async fn on_messages(api: &Api) -> Self {
        let mut connection = api.world.database().connect().await;
        sqlx::raw_sql("begin; lock table messages").execute(&mut connection).await.expect("the lock");
        Self(connection)
    }

    /// Until somebody waits for it.
    pub(crate) async fn is_waited_for(&self, api: &Api) {
        let waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        let mut watcher = api.world.database().connect().await;
        while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut watcher).await.expect("a count") == 0 {}
    }

    pub(crate) async fn release(mut self) {
        sqlx::raw_sql("rollback").execute(&mut self.0).await.expect("released");
    }
}

/// Asks again until this is so. For what another process does in its own time.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let asked = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(DEADLINE, asked).await.is_ok(), "{what} did not come to pass");
}
