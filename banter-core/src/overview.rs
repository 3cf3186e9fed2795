//! How the system is at a glance: do its parts answer, and how much is there of everything. For consoles that ask
//! every few seconds, so an answer costs the same whatever the size of the tables: small numbers are counted up to
//! a limit, large ones come from the planner's statistics and say so ([`Count`]).
//!
//! [`Banter::overview`] looks once. [`Watch`] looks again and again, from before PostgreSQL first answers. Neither
//! fails: a part that is away is an answer, with the reason in plain words.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use redis::IntoConnectionInfo as _;
use secrecy::ExposeSecret as _;
use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use tokio::sync::{OnceCell, mpsc};
use tokio::time::timeout;
use uuid::{Builder, Uuid};

use crate::Banter;
use crate::app::StartError;
use crate::clock::Clock;
use crate::config::Config;
use crate::redis::{Away, Redis};

/// Up to here rows are counted one by one.
const COUNTED: i64 = 1_000;
/// A minute with more messages than this is extrapolated from the newest of them.
const SAMPLED: i64 = 5_000;
const KNOCK: Duration = Duration::from_secs(2);
const ANSWER: Duration = Duration::from_secs(3);

#[derive(Clone, Debug, PartialEq)]
pub struct Overview {
    pub at: DateTime<Utc>,
    pub database: Part,
    pub redis: Part,
    /// Or why there are none.
    pub counts: Result<Counts, String>,
    /// `None`: nobody can tell. Without Redis only the server's own process knows who is connected to it.
    pub online: Option<u64>,
}

/// One of the parts the system stands on.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    Up {
        round_trip: Duration,
    },
    Away {
        why: String,
    },
    /// The configuration names none.
    Absent,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Counts {
    /// Connections open to the whole PostgreSQL server, and how many it allows.
    pub connections: u64,
    pub max_connections: u64,
    /// Accounts, those anonymised included.
    pub people: Count,
    pub conversations: Count,
    pub messages: Count,
    pub messages_last_minute: Count,
    pub jobs_queued: Count,
    pub jobs_running: Count,
    pub jobs_dead: Count,
    /// When the first of the queued jobs was, or will be, due: in the past, workers lag behind.
    pub jobs_next: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    Exact(u64),
    About(u64),
    MoreThan(u64),
}

impl Count {
    /// `counted` goes up to [`COUNTED`] and one; beyond it the estimate speaks, when there is one.
    fn new(counted: i64, estimate: Option<f64>) -> Self {
        let limit = COUNTED.unsigned_abs();
        match estimate {
            _ if counted <= COUNTED => Self::Exact(counted.unsigned_abs()),
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "an estimate of rows"
            )]
            Some(rows) if rows.round() as u64 > limit => Self::About(rows.round() as u64),
            _ => Self::MoreThan(limit),
        }
    }

    /// Messages of a minute: all of them, or as many as the newest [`SAMPLED`] would make.
    fn in_a_minute(counted: i64, oldest: Option<Uuid>, now: DateTime<Utc>) -> Self {
        let counted = counted.unsigned_abs();
        match oldest.and_then(|id| id.get_timestamp()) {
            Some(oldest) if counted >= SAMPLED.unsigned_abs() => {
                let (seconds, nanos) = oldest.to_unix();
                let oldest = seconds * 1000 + u64::from(nanos / 1_000_000);
                let span = u64::try_from(now.timestamp_millis()).unwrap_or(0).saturating_sub(oldest).max(1);
                Self::About(counted * 60_000 / span)
            }
            _ => Self::Exact(counted),
        }
    }
}

impl Banter {
    /// Looks at everything at once; answers within some seconds, whoever is away.
    pub async fn overview(&self) -> Overview {
        let at = self.clock().now();
        let ((database, counts), (redis, online)) =
            tokio::join!(self.look_at_database(at), self.look_at_redis());
        Overview { at, database, redis, counts, online }
    }

    async fn look_at_database(&self, now: DateTime<Utc>) -> (Part, Result<Counts, String>) {
        let away = |why: String| (Part::Away { why: why.clone() }, Err(why));
        let mut db = match self.pool().acquire().await {
            Ok(db) => db,
            Err(error) => return away(self.why_no_connection(&error).await),
        };
        let started = Instant::now();
        let ping = timeout(ANSWER, db.ping()).await;
        let round_trip = started.elapsed();
        match ping {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return away(in_words(&error, &self.pool().connect_options())),
            Err(_) => return away(silent(ANSWER)),
        }
        let counts = match timeout(ANSWER, count(&mut db, now)).await {
            Ok(counts) => counts.map_err(|error| in_words(&error, &self.pool().connect_options())),
            Err(_) => Err(silent(ANSWER)),
        };
        (Part::Up { round_trip }, counts)
    }

    /// The pool goes on trying for a while and then only says that time is up; one bare attempt tells why.
    async fn why_no_connection(&self, error: &sqlx::Error) -> String {
        let options = self.pool().connect_options();
        match error {
            sqlx::Error::PoolTimedOut => match knock(&options).await {
                Err(why) => why,
                Ok(()) => "this process had no connection free".into(),
            },
            error => in_words(error, &options),
        }
    }

    async fn look_at_redis(&self) -> (Part, Option<u64>) {
        let started = Instant::now();
        let redis = redis_part(self.config(), self.check_redis().await, started.elapsed());
        // Without Redis, presence is the memory of this process: true in a server, and always empty elsewhere.
        let online = if let Part::Up { .. } = redis { self.presence().count().await } else { None };
        (redis, online)
    }
}

/// Looks again and again, from before PostgreSQL first answers.
pub struct Watch {
    config: Config,
    options: PgConnectOptions,
    /// Asked until there is a [`Banter`] with its own.
    redis: Option<Redis>,
    banter: OnceCell<Banter>,
}

impl Watch {
    /// Connects to nothing yet. Fails only on an address that cannot be understood.
    pub fn new(mut config: Config) -> Result<Self, StartError> {
        // Who watches takes nothing from those who work.
        config.database.max_connections = 2;
        let options = config.database.url.expose_secret().parse().map_err(StartError::DatabaseUrl)?;
        let (pushes, _) = mpsc::unbounded_channel();
        let redis = config.redis.as_ref().map(|url| Redis::new(url, pushes)).transpose()?;
        Ok(Self { config, options, redis, banter: OnceCell::new() })
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Which database this is, for people: `banter at db.example:5432`.
    pub fn database(&self) -> String {
        let name = self.options.get_database().unwrap_or(self.options.get_username());
        format!("{name} at {}", place(&self.options))
    }

    pub async fn look(&self) -> Overview {
        match self.banter.get_or_try_init(|| self.connect()).await {
            Ok(banter) => banter.overview().await,
            Err(why) => {
                let started = Instant::now();
                let answer = match &self.redis {
                    Some(redis) => Some(redis.ping().await),
                    None => None,
                };
                Overview {
                    at: Clock::System.now(),
                    database: Part::Away { why: why.clone() },
                    redis: redis_part(&self.config, answer, started.elapsed()),
                    counts: Err(why),
                    online: None,
                }
            }
        }
    }

    async fn connect(&self) -> Result<Banter, String> {
        // The pool would try for seconds and then not say why.
        knock(&self.options).await?;
        Banter::connect(self.config.clone()).await.map_err(|error| error.to_string())
    }
}

/// One statement, each part of it bounded: by a limit, or by an index over what is recent.
async fn count(db: &mut PgConnection, now: DateTime<Utc>) -> Result<Counts, sqlx::Error> {
    let minute_ago = u64::try_from((now - TimeDelta::minutes(1)).timestamp_millis()).unwrap_or(0);
    // Ids are ordered by time: the smallest of a minute ago is where the last minute begins in the primary key.
    let first_id = Builder::from_unix_timestamp_millis(minute_ago, &[0; 10]).into_uuid();
    let row = sqlx::query!(
        r#"
        with estimates as (
            -- As the planner does it: the density of rows last seen, times the size of now.
            select
                oid,
                reltuples / nullif(relpages, 0) * (pg_relation_size(oid) / current_setting('block_size')::bigint) as rows
            from pg_class
            where oid in ('users'::regclass, 'conversations'::regclass, 'messages'::regclass)
        ),
        recent as (
            select id from messages where id >= $1 order by id desc limit $2
        )
        select
            (select sum(numbackends) from pg_stat_database) as "connections!",
            current_setting('max_connections')::bigint as "max_connections!",
            (select rows from estimates where oid = 'users'::regclass) as people_estimate,
            (select count(*) from (select from users limit $3) t) as "people!",
            (select rows from estimates where oid = 'conversations'::regclass) as conversations_estimate,
            (select count(*) from (select from conversations limit $3) t) as "conversations!",
            (select rows from estimates where oid = 'messages'::regclass) as messages_estimate,
            (select count(*) from (select from messages limit $3) t) as "messages!",
            (select count(*) from recent) as "recent!",
            (select id from recent order by id limit 1) as oldest_recent,
            (select count(*) from (select from jobs where state = 'queued' order by job_lane(kind), run_at limit $3) t)
                as "queued!",
            (
                select count(*)
                from (select from jobs where state = 'running' order by job_lane(kind), leased_until limit $3) t
            ) as "running!",
            (select count(*) from (select from jobs where state = 'dead' order by finished_at desc limit $3) t)
                as "dead!",
            -- The index begins with the lane.
            least(
                (select run_at from jobs where state = 'queued' and job_lane(kind) = 'push' order by run_at limit 1),
                (select run_at from jobs where state = 'queued' and job_lane(kind) = 'other' order by run_at limit 1)
            ) as jobs_next
        "#,
        first_id,
        SAMPLED,
        COUNTED + 1,
    )
    .fetch_one(db)
    .await?;
    Ok(Counts {
        connections: row.connections.unsigned_abs(),
        max_connections: row.max_connections.unsigned_abs(),
        people: Count::new(row.people, row.people_estimate),
        conversations: Count::new(row.conversations, row.conversations_estimate),
        messages: Count::new(row.messages, row.messages_estimate),
        messages_last_minute: Count::in_a_minute(row.recent, row.oldest_recent, now),
        jobs_queued: Count::new(row.queued, None),
        jobs_running: Count::new(row.running, None),
        jobs_dead: Count::new(row.dead, None),
        jobs_next: row.jobs_next,
    })
}

fn redis_part(config: &Config, answer: Option<Result<(), Away>>, round_trip: Duration) -> Part {
    match answer {
        None => Part::Absent,
        Some(Ok(())) => Part::Up { round_trip },
        Some(Err(away)) => {
            let url =
                config.redis.as_ref().and_then(|redis| redis.url.expose_secret().into_connection_info().ok());
            let place = url.map(|url| url.addr().to_string()).unwrap_or_default();
            let why = away.to_string();
            let why = why.strip_prefix("Redis is away: ").unwrap_or(&why);
            Part::Away { why: format!("no answer from {place}: {why}") }
        }
    }
}

/// One connection, made and closed: would PostgreSQL let us in, and if not, why?
async fn knock(options: &PgConnectOptions) -> Result<(), String> {
    match timeout(KNOCK, PgConnection::connect_with(options)).await {
        Ok(Ok(connection)) => {
            // Whether the goodbye arrives matters to nobody.
            let _ = timeout(KNOCK, connection.close()).await;
            Ok(())
        }
        Ok(Err(error)) => Err(in_words(&error, options)),
        Err(_) => Err(format!("{} at {}", silent(KNOCK), place(options))),
    }
}

fn in_words(error: &sqlx::Error, options: &PgConnectOptions) -> String {
    match error {
        sqlx::Error::Io(error) => match error.kind() {
            std::io::ErrorKind::ConnectionRefused | std::io::ErrorKind::NotFound => {
                format!("nothing listens at {}", place(options))
            }
            _ => format!("no way to {}: {error}", place(options)),
        },
        sqlx::Error::Database(error) => match error.code().as_deref() {
            Some("42P01" | "42703") => {
                format!("the schema is not complete, {}; run `banter migrate run`", error.message())
            }
            _ => error.message().to_owned(),
        },
        error => error.to_string(),
    }
}

fn silent(patience: Duration) -> String {
    format!("no answer within {} s", patience.as_secs())
}

fn place(options: &PgConnectOptions) -> String {
    match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Ids;
    use crate::testing::{World, config, database};

    #[tokio::test]
    async fn however_many_jobs_wait_few_are_looked_at() {
        let world = World::with_memory().await;
        world.may_leave_jobs();
        world
            .sql(
                "insert into jobs (id, kind, state, run_at, leased_until, created_at)
                 select gen_random_uuid(), kind, state, '2026-11-22'::timestamptz + i * interval '1 s',
                        case state when 'running' then '2026-11-23'::timestamptz end, '2026-11-22'
                 from generate_series(1, 10000) i, (values ('push', 'queued'), ('push', 'running')) j (kind, state);
                 insert into jobs (id, kind, run_at, created_at)
                 values (gen_random_uuid(), 'prune', '2026-11-21', '2026-11-22');",
            )
            .await;
        world.sql("analyze jobs").await;
        let mut transaction = world.banter.pool().begin().await.unwrap();
        let counts = count(&mut transaction, world.now()).await.unwrap();
        assert_eq!(counts.jobs_next, Some("2026-11-21T00:00:00Z".parse().unwrap()));
        let read: i64 = sqlx::query_scalar(
            "select seq_tup_read + idx_tup_fetch from pg_stat_xact_user_tables where relname = 'jobs'",
        )
        .fetch_one(&mut *transaction)
        .await
        .unwrap();
        assert!(read < 3 * (COUNTED + 1), "{read} of 20,001");
    }

    #[tokio::test]
    async fn small_numbers_are_counted_and_large_ones_estimated() {
        let world = World::with_memory().await;
        world.may_leave_jobs();
        let banter = &world.banter;

        let empty = banter.overview().await;
        assert!(matches!(empty.database, Part::Up { .. }) && empty.redis == Part::Absent, "{empty:?}");
        assert_eq!(empty.online, None);
        let counts = empty.counts.unwrap();
        assert!(counts.connections >= 1 && counts.max_connections >= counts.connections, "{counts:?}");
        assert_eq!((counts.people, counts.messages_last_minute), (Count::Exact(0), Count::Exact(0)));
        assert_eq!(
            (counts.jobs_queued, counts.jobs_dead, counts.jobs_next),
            (Count::Exact(0), Count::Exact(0), None)
        );

        // 1,500 people, and 3,000 messages of one conversation, one every 0.1 s until now.
        let now = world.now();
        sqlx::query(
            "insert into users (id, full_name, created_at, updated_at)
             select gen_random_uuid(), 'Asha Rao', $1, $1 from generate_series(1, 1500)",
        )
        .bind(now)
        .execute(banter.pool())
        .await
        .unwrap();
        sqlx::query(
            "insert into conversations (id, kind, name, last_message_at, created_at)
             values (gen_random_uuid(), 'room', 'Evening raga', $1, $1)",
        )
        .bind(now)
        .execute(banter.pool())
        .await
        .unwrap();
        let ids: Vec<Uuid> =
            (0..3000).map(|i| banter.ids().uuid(now - TimeDelta::milliseconds(i * 100))).collect();
        sqlx::query(
            "insert into messages (id, conversation_id, seq, sender_id, message_type, content, created_at)
             select m.id, c.id, m.seq, (select id from users limit 1), 'text', 'hello', $2
             from conversations c, unnest($1::uuid[]) with ordinality m (id, seq)",
        )
        .bind(&ids)
        .bind(now)
        .execute(banter.pool())
        .await
        .unwrap();
        sqlx::query(
            "insert into jobs (id, kind, state, run_at, created_at, finished_at)
             values (gen_random_uuid(), 'prune', 'queued', $1, $1, null),
                    (gen_random_uuid(), 'prune', 'queued', $1 + interval '1 h', $1, null),
                    (gen_random_uuid(), 'prune', 'dead', $1, $1, $1)",
        )
        .bind(now)
        .execute(banter.pool())
        .await
        .unwrap();

        let counts = banter.overview().await.counts.unwrap();
        assert_eq!(counts.conversations, Count::Exact(1));
        assert!(matches!(counts.people, Count::MoreThan(1000) | Count::About(_)), "{counts:?}");
        assert_eq!(counts.messages_last_minute, Count::Exact(601));
        assert_eq!((counts.jobs_queued, counts.jobs_running), (Count::Exact(2), Count::Exact(0)));
        assert_eq!((counts.jobs_dead, counts.jobs_next), (Count::Exact(1), Some(now)));

        sqlx::query("analyze users, messages").execute(banter.pool()).await.unwrap();
        let counts = banter.overview().await.counts.unwrap();
        assert_eq!((counts.people, counts.messages), (Count::About(1500), Count::About(3000)));
    }

    #[tokio::test]
    async fn a_database_without_the_schema_is_up_and_says_what_lacks() {
        let database = database().await;
        let mut db = database.connect().await;
        sqlx::query("drop table users cascade").execute(&mut db).await.unwrap();
        let watch = Watch::new(config(&database.url(), None)).unwrap();
        let seen = watch.look().await;
        assert!(matches!(seen.database, Part::Up { .. }), "{seen:?}");
        assert_eq!(
            seen.counts.unwrap_err(),
            r#"the schema is not complete, relation "users" does not exist; run `banter migrate run`"#
        );
    }

    #[tokio::test]
    async fn what_is_away_says_why() {
        let watch =
            Watch::new(config("postgres://u:secret@127.0.0.1:9/banter", Some("redis://:secret@127.0.0.1:9")))
                .unwrap();
        let seen = watch.look().await;
        let why = "nothing listens at 127.0.0.1:9".to_owned();
        assert_eq!((seen.database, seen.counts), (Part::Away { why: why.clone() }, Err(why)));
        let Part::Away { why } = seen.redis else { panic!("{:?}", seen.redis) };
        assert!(why.starts_with("no answer from 127.0.0.1:9: ") && seen.online.is_none(), "{why}");
        assert_eq!(watch.database(), "banter at 127.0.0.1:9");
    }

    #[tokio::test]
    async fn who_is_online_is_known_with_redis() {
        let world = World::new().await;
        let asha = world.user("asha").await;
        world.banter.presence().arrived(asha.id, "socket").await;
        let seen = world.banter.overview().await;
        assert!(matches!(seen.redis, Part::Up { .. }), "{seen:?}");
        assert_eq!(seen.online, Some(1));
    }

    #[test]
    fn a_busy_minute_is_extrapolated() {
        let now: DateTime<Utc> = "2026-11-22T10:00:00Z".parse().unwrap();
        let oldest = Ids::seeded(1).uuid(now - TimeDelta::seconds(10));
        assert_eq!(Count::in_a_minute(SAMPLED, Some(oldest), now), Count::About(30_000));
        assert_eq!(Count::in_a_minute(SAMPLED - 1, Some(oldest), now), Count::Exact(4_999));
        assert_eq!(Count::in_a_minute(0, None, now), Count::Exact(0));
    }
}
