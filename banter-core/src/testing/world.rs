//! A whole application on a fresh database, and the people in it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::AssertSqlSafe;
use tempfile::TempDir;

use super::{Notices, TestDatabase, config, database, on_a_thread};
use crate::Banter;
use crate::accounts::sign_in::{Registration, SignIn, SignedIn};
use crate::accounts::{Caller, Client, Gender};
use crate::clock::Clock;
use crate::config::{Config, Storage};
use crate::events::Event;
use crate::friends::requests::Asked;
use crate::ids::{ConversationId, Ids, NotificationId, UserId};
use crate::messaging::Message;
use crate::messaging::send::{Draft, Target};
use crate::notifications::{Kind, News};
use crate::payments::ledger;

/// An application of this test's own. When it goes out of scope, jobs that nobody expected to remain fail the test.
pub struct World {
    pub banter: Banter,
    config: Config,
    notices: Option<Notices>,
    seed: AtomicU64,
    people: AtomicU64,
    may_leave_jobs: AtomicBool,
    media: TempDir,
    database: TestDatabase,
}

/// Somebody with an account, signed in.
#[derive(Clone, Debug)]
pub struct Person {
    pub name: String,
    pub id: UserId,
    pub caller: Caller,
    pub client: Client,
    pub phone: String,
    pub firebase_uid: String,
    pub access_token: String,
    pub refresh_token: String,
}

impl From<&Person> for UserId {
    fn from(person: &Person) -> Self {
        person.id
    }
}

/// Another process of the same application: same database, Redis, clock and secrets.
pub struct Replica {
    pub banter: Banter,
    pub notices: Notices,
}

/// How a world differs from the usual one.
#[must_use]
pub struct Builder {
    redis: bool,
    records: bool,
    clock: Option<Clock>,
    change: Box<dyn FnOnce(&mut Config) + Send>,
}

impl Builder {
    /// Without Redis: this process's memory stands in.
    pub fn memory(mut self) -> Self {
        self.redis = false;
        self
    }

    /// Leaves the bus's sink to the code under test; [`World::expect_event`] cannot be used then.
    pub fn without_notices(mut self) -> Self {
        self.records = false;
        self
    }

    /// Pushes to this stub, and lives by its clock.
    pub fn pushes_to(mut self, stub: &super::fcm::Fcm) -> Self {
        self.clock = Some(stub.clock().clone());
        let fcm = stub.config();
        self.config(|config| config.fcm = fcm)
    }

    /// Calls and rooms happen at this media server. Its own clock is the system's, and so are its tokens.
    pub fn speaks_at(self, livekit: &super::livekit::LiveKit) -> Self {
        let livekit = livekit.config();
        self.config(|config| config.livekit = Some(livekit))
    }

    /// Buys at this stand-in, and lives by its clock.
    pub fn buys_at(mut self, sandbox: &crate::sandbox::razorpay::Sandbox) -> Self {
        self.clock = Some(sandbox.clock().clone());
        let razorpay = sandbox.config();
        self.config(|config| config.razorpay = Some(razorpay))
    }

    /// Changes the settings before the application is built.
    pub fn config(mut self, change: impl FnOnce(&mut Config) + Send + 'static) -> Self {
        let earlier = self.change;
        self.change = Box::new(|config| {
            earlier(config);
            change(config);
        });
        self
    }

    pub async fn build(self) -> World {
        let database = database().await;
        let redis = self.redis.then(|| {
            std::env::var("REDIS_URL")
                .expect("REDIS_URL is not set: run `make test`, or `banter dev exec -- cargo test`")
        });
        let mut config = config(&database.url(), redis.as_deref());
        let media = TempDir::new().expect("a directory for media");
        config.storage = Storage::Disk { dir: media.path().to_owned() };
        (self.change)(&mut config);
        let clock = self.clock.unwrap_or_else(noon);
        let banter = Banter::connect_with(config.clone(), clock, Ids::seeded(1))
            .await
            .expect("the application connects");
        let notices = self.records.then(|| Notices::of(banter.bus()));
        World {
            banter,
            config,
            notices,
            seed: AtomicU64::new(2),
            people: AtomicU64::new(0),
            may_leave_jobs: AtomicBool::new(false),
            media,
            database,
        }
    }
}

/// The hour at which every world begins: noon in India.
pub fn noon() -> Clock {
    Clock::manual("2026-11-22T06:30:00Z".parse().expect("a time"))
}

impl World {
    pub fn builder() -> Builder {
        Builder { redis: true, records: true, clock: None, change: Box::new(|_| {}) }
    }

    /// With Redis.
    pub async fn new() -> Self {
        Self::builder().build().await
    }

    /// Without: this process's memory stands in.
    pub async fn with_memory() -> Self {
        Self::builder().memory().build().await
    }

    /// Registers somebody by the real rule; their user name is `name`.
    pub async fn user(&self, name: &str) -> Person {
        let number = self.people.fetch_add(1, Ordering::Relaxed) + 1;
        let (firebase_uid, phone) = (format!("uid-{name}"), format!("+9198{number:08}"));
        let client = Client {
            // Of the range for documentation, another network for each person: limits by address do not meet.
            address: std::net::Ipv6Addr::from(0x2001_0db8_u128 << 96 | u128::from(number) << 64 | 1).into(),
            user_agent: Some(format!("{name}'s phone")),
        };
        let registration = Registration {
            firebase_token: self.firebase_token(&firebase_uid, &phone),
            full_name: format!("{name} Kumar"),
            username: name.into(),
            date_of_birth: "1998-04-23".into(),
            gender: Gender::Other,
            fcm_token: None,
        };
        let signed_in = self.banter.accounts().register(registration, &client).await;
        self.person(name, firebase_uid, client, signed_in.expect("the person is registered"))
    }

    /// A further login of the same person's.
    pub async fn sign_in(&self, person: &Person) -> Person {
        let token = self.firebase_token(&person.firebase_uid, &person.phone);
        match self.banter.accounts().sign_in(&token, None, &person.client).await {
            Ok(SignIn::Known(signed_in)) => {
                self.person(&person.name, person.firebase_uid.clone(), person.client.clone(), *signed_in)
            }
            other => panic!("{} did not sign in: {other:?}", person.name),
        }
    }

    fn person(&self, name: &str, firebase_uid: String, client: Client, signed_in: SignedIn) -> Person {
        let caller = self.banter.accounts().authenticate(&signed_in.tokens.access);
        Person {
            name: name.into(),
            id: signed_in.id,
            caller: caller.expect("a fresh token"),
            client,
            phone: signed_in.phone_number.as_str().into(),
            firebase_uid,
            access_token: signed_in.tokens.access,
            refresh_token: signed_in.tokens.refresh,
        }
    }

    /// A Firebase ID token as the Auth emulator makes them: unsigned.
    pub fn firebase_token(&self, uid: &str, phone: &str) -> String {
        let claims = super::google::claims(uid, phone, self.now());
        format!("{}.{}.", encode(&serde_json::json!({ "alg": "none", "typ": "JWT" })), encode(&claims))
    }

    pub async fn block(&self, who: &Person, whom: &Person) {
        self.banter.safety().block(&who.caller, whom.id, None).await.expect("blocked");
    }

    /// Sends a message by the real rule.
    pub async fn send(&self, from: &Person, to: &Person, content: &str) -> Message {
        let draft = Draft::text(Target::User(to.id), content);
        self.banter.messaging().send(&from.caller, draft, None).await.expect("sent").message
    }

    /// Makes friends by the real rules: one asks, the other accepts. What they were told of it is forgotten.
    pub async fn befriend(&self, one: &Person, other: &Person) {
        let asked = self.banter.friends().ask(&one.caller, other.id, None).await.expect("asked");
        let Asked::Sent(request) = asked else { panic!("{} had asked already: {asked:?}", one.name) };
        self.banter.friends().accept(&other.caller, request.id).await.expect("accepted");
        if let Some(notices) = &self.notices {
            notices.clear();
        }
    }

    /// `from` asks `to` to be a friend; the entry in `to`'s inbox.
    pub async fn friend_news(&self, to: &Person, from: &Person) -> NotificationId {
        // Entries are in the order of their ids, which within a millisecond is chance.
        self.advance(TimeDelta::milliseconds(1));
        let asked = self.banter.friends().ask(&from.caller, to.id, None).await.expect("asked");
        let Asked::Sent(request) = asked else { panic!("{} had asked already: {asked:?}", to.name) };
        sqlx::query_scalar("select id from notifications where user_id = $1 and subject_id = $2")
            .bind(to.id)
            .bind(request.id)
            .fetch_one(self.banter.pool())
            .await
            .expect("an entry")
    }

    /// Coins by the ledger's own way.
    pub async fn grant_coins(&self, person: &Person, amount: i32) {
        let reference = self.banter.ids().uuid(self.now()).to_string();
        let entry =
            ledger::Entry { user: person.id, kind: ledger::Kind::Grant, amount, reference, note: None };
        let mut tx = self.banter.pool().begin().await.expect("a transaction");
        ledger::write(&self.banter, &mut tx, &entry).await.expect("booked");
        tx.commit().await.expect("booked");
    }

    /// Gives coins by the ledger alone, and says so.
    pub async fn coin_news(&self, to: &Person, coins: i32) -> NotificationId {
        let id = self.banter.ids().uuid(self.now());
        sqlx::query(
            "insert into coin_ledger (id, user_id, kind, amount, balance_after, reference, created_at)
             values ($1, $2, 'grant', $3, $3, $1::text, $4)",
        )
        .bind(id)
        .bind(to.id)
        .bind(coins)
        .bind(self.now())
        .execute(self.banter.pool())
        .await
        .expect("an entry");
        self.news(News { to: to.id, kind: Kind::CoinsCredited, actor: None, subject: Some(id) }).await
    }

    /// Writes a notification in a transaction of its own, and tells it.
    pub async fn news(&self, news: News) -> NotificationId {
        self.advance(TimeDelta::milliseconds(1));
        let mut transaction = self.banter.pool().begin().await.expect("a transaction");
        let added = self.banter.notifications().add(&mut transaction, news).await.expect("added");
        transaction.commit().await.expect("committed");
        let id = added.id;
        self.banter.notifications().tell(added).await;
        id
    }

    /// Lets both write once: they know each other from then on. What they were told of it is forgotten.
    pub async fn acquaint(&self, one: &Person, other: &Person) -> ConversationId {
        self.send(one, other, "hello").await;
        let answer = self.send(other, one, "hello to you").await;
        self.notices().clear();
        answer.conversation_id
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.banter.clock().now()
    }

    pub fn advance(&self, by: TimeDelta) {
        self.banter.clock().advance(by);
    }

    pub fn notices(&self) -> &Notices {
        self.notices.as_ref().expect("this world was built without notices")
    }

    /// [`Notices::expect_event`] of this world's own process.
    pub async fn expect_event(&self, user: impl Into<UserId>, is_it: impl Fn(&Event) -> bool) -> Event {
        self.notices().expect_event(user, is_it).await
    }

    /// [`Notices::events_for`] of this world's own process.
    pub fn events_for(&self, user: impl Into<UserId>) -> Vec<Event> {
        self.notices().events_for(user)
    }

    /// Starts a second process of the application. It hears the bus as a server does, but runs no background work.
    pub async fn replica(&self) -> Replica {
        let ids = Ids::seeded(self.seed.fetch_add(1, Ordering::Relaxed));
        let banter = Banter::connect_with(self.config.clone(), self.banter.clock().clone(), ids).await;
        let banter = banter.expect("the replica connects");
        banter.bus().listen_to_everyone().await;
        let notices = Notices::of(banter.bus());
        Replica { banter, notices }
    }

    /// Where this world's uploads lie, one directory for each purpose.
    pub fn media_dir(&self) -> &std::path::Path {
        self.media.path()
    }

    pub fn database(&self) -> &TestDatabase {
        &self.database
    }

    /// Puts the database into a state that no rule leads to yet.
    pub async fn sql(&self, sql: &str) -> u64 {
        let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(self.banter.pool()).await;
        done.unwrap_or_else(|error| panic!("{sql}: {error}")).rows_affected()
    }

    /// Opens every connection the pool may have: what is then done at once meets in the database, instead of going
    /// through the one connection that is open.
    pub async fn open_connections(&self) {
        let all = (0..self.config.database.max_connections).map(|_| self.banter.pool().acquire());
        for connection in futures_util::future::join_all(all).await {
            connection.expect("the server has room for it");
        }
    }

    /// Waits until this many statements wait for a lock that the test holds.
    pub async fn until_waiting(&self, statements: i64) {
        let waiting = "select count(*) from pg_stat_activity
                       where datname = current_database() and wait_event_type = 'Lock'";
        let mut beside = self.database.connect().await;
        let all = async {
            while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut beside).await.expect("a count")
                < statements
            {}
        };
        tokio::time::timeout(super::DEADLINE, all).await.expect("they come to wait");
    }

    /// This test leaves jobs that are dead or not done.
    pub fn may_leave_jobs(&self) {
        self.may_leave_jobs.store(true, Ordering::Relaxed);
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return; // one failure is told already
        }
        let (url, redis) = (self.database.url(), self.config.redis.clone());
        let left = on_a_thread(async move {
            let forgets = async {
                if let Some(redis) = redis {
                    forget(&redis).await;
                }
            };
            tokio::join!(left_jobs(&url), forgets).0
        });
        let left = left.unwrap_or_default();
        if !left.is_empty() && !self.may_leave_jobs.load(Ordering::Relaxed) {
            panic!("jobs remain that this test did not expect: {}", left.join(", "));
        }
    }
}

/// Dead jobs, and waiting or running ones but for the periodic, which always wait for their next run.
async fn left_jobs(url: &str) -> Vec<String> {
    let Ok(mut db) = <sqlx::PgConnection as sqlx::Connection>::connect(url).await else { return Vec::new() };
    let left = sqlx::query_scalar(
        r"
        select kind || ' (' || state || coalesce(': ' || last_error, '') || ')'
        from jobs
        where state = 'dead'
           or (
               state in ('queued', 'running')
               and unique_name is null
               -- A second look at a seat is always still to come.
               and not (kind = 'settle_seat' and run_at > created_at)
           )
        ",
    );
    left.fetch_all(&mut db).await.unwrap_or_default()
}

/// Removes what this world kept in the Redis it shares with others. Litter harms nobody, so a failure is no matter.
async fn forget(redis: &crate::config::Redis) {
    use secrecy::ExposeSecret as _;
    let Ok(client) = redis::Client::open(redis.url.expose_secret()) else { return };
    let Ok(mut connection) = client.get_multiplexed_async_connection().await else { return };
    let keys: Vec<String> = redis::cmd("KEYS")
        .arg(format!("{}*", redis.prefix))
        .query_async(&mut connection)
        .await
        .unwrap_or_default();
    if !keys.is_empty() {
        let _: Result<(), _> = redis::cmd("UNLINK").arg(keys).query_async(&mut connection).await;
    }
}

fn encode(json: &serde_json::Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}
