//! The application: built once from [`Config`], cheap to clone, handed to every front end.

use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, PgConnection, PgPool};
use tokio::sync::mpsc;

use crate::accounts::revocations::{self, Revocations};
use crate::accounts::tokens::Tokens;
use crate::clock::Clock;
use crate::config::Config;
use crate::error::{Coded, Kind};
use crate::events::Bus;
use crate::ids::Ids;
use crate::jobs::{self, Job};
use crate::limits::Limits;
use crate::media::links::Signer;
use crate::media::uploads::Room;
use crate::moderation::rules::{self, Rules};
use crate::payments;
use crate::presence::{self, viewing::Viewing};
use crate::providers::fcm::Fcm;
use crate::providers::firebase::Firebase;
use crate::providers::http_client;
use crate::providers::livekit::LiveKit;
use crate::providers::razorpay::Razorpay;
use crate::providers::storage::Storage;
use crate::redis::{Away, Redis};

/// The application handle. Features hang on it: [`Banter::accounts`], [`Banter::messaging`], ….
#[derive(Clone)]
pub struct Banter(Arc<Inner>);

struct Inner {
    config: Config,
    pool: PgPool,
    redis: Option<Redis>,
    clock: Clock,
    ids: Ids,
    bus: Arc<Bus>,
    limits: Limits,
    presences: presence::Store,
    viewing: Viewing,
    bells: jobs::Bells,
    tokens: Tokens,
    revocations: Arc<Revocations>,
    rules: Rules,
    firebase: Firebase,
    fcm: Fcm,
    livekit: LiveKit,
    razorpay: Razorpay,
    storage: Storage,
    link_signer: Signer,
    uploads_room: Room,
}

/// Why the application could not be built.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("DATABASE_URL is not understood: {0}")]
    DatabaseUrl(#[source] sqlx::Error),
    #[error("PostgreSQL has no database `{0}`")]
    NoSuchDatabase(String),
    #[error("PostgreSQL refuses the user `{0}`: check the name and password in DATABASE_URL")]
    DatabaseRefused(String),
    #[error("PostgreSQL at {host}:{port} does not answer: {why}")]
    Database { host: String, port: u16, why: String },
    #[error("AZURE_STORAGE_CONNECTION_STRING is not understood: {0}")]
    Storage(String),
    #[error("REDIS_URL is not understood: {0}")]
    Redis(#[from] Away),
}

impl Coded for StartError {
    fn coded(&self) -> (Kind, &'static str) {
        match self {
            Self::DatabaseUrl(_) | Self::Redis(_) | Self::Storage(_) => (Kind::Invalid, "CONFIG_INVALID"),
            Self::NoSuchDatabase(_) => (Kind::NotFound, "DATABASE_NOT_FOUND"),
            Self::DatabaseRefused(_) => (Kind::Forbidden, "DATABASE_REFUSED"),
            Self::Database { .. } => (Kind::Unavailable, "DATABASE_UNAVAILABLE"),
        }
    }
}

impl StartError {
    async fn connecting(error: sqlx::Error, options: &PgConnectOptions) -> Self {
        // The pool tries until its time is up and then only says so; one more try says why.
        let error = match error {
            sqlx::Error::PoolTimedOut => {
                let again = PgConnection::connect_with(options);
                match tokio::time::timeout(Duration::from_secs(1), again).await {
                    Ok(Err(why)) => why,
                    Ok(Ok(_)) | Err(_) => error,
                }
            }
            error => error,
        };
        let code = error.as_database_error().and_then(|e| e.code());
        match code.as_deref() {
            Some("3D000") => {
                Self::NoSuchDatabase(options.get_database().unwrap_or(options.get_username()).to_owned())
            }
            Some("28000" | "28P01") => Self::DatabaseRefused(options.get_username().to_owned()),
            _ => {
                let host =
                    options.get_socket().map_or(options.get_host().to_owned(), |s| s.display().to_string());
                let why = match error {
                    sqlx::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                        "nothing listens there".into()
                    }
                    sqlx::Error::Io(error) => error.to_string(),
                    error => error.to_string(),
                };
                Self::Database { host, port: options.get_port(), why }
            }
        }
    }
}

impl Banter {
    /// Connects to PostgreSQL; Redis may come later.
    pub async fn connect(config: Config) -> Result<Self, StartError> {
        Self::connect_with(config, Clock::System, Ids::System).await
    }

    /// The same with time and chance of the caller's choosing.
    pub async fn connect_with(config: Config, clock: Clock, ids: Ids) -> Result<Self, StartError> {
        let options: PgConnectOptions =
            config.database.url.expose_secret().parse().map_err(StartError::DatabaseUrl)?;
        // No statement here takes long; one that does is stuck behind a lock, and must not hold a connection, and
        // with twenty such the whole server, until somebody looks.
        let options = options.application_name("banter").options([
            ("statement_timeout", "15s"),
            ("lock_timeout", "5s"),
            ("idle_in_transaction_session_timeout", "30s"),
        ]);
        let pool = PgPoolOptions::new()
            .max_connections(config.database.max_connections)
            .acquire_timeout(config.database.patience)
            // The pool looks at a connection when it comes back; a second look when it goes out would double every
            // statement's way to the database. One that lay idle may have died meanwhile.
            .test_before_acquire(false)
            .before_acquire(|connection, meta| {
                Box::pin(async move {
                    if meta.idle_for > Duration::from_secs(1) {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_with(options.clone())
            .await;
        let pool = match pool {
            Ok(pool) => pool,
            Err(error) => return Err(StartError::connecting(error, &options).await),
        };
        let (pushes, received) = mpsc::unbounded_channel();
        let redis = config.redis.as_ref().map(|redis| Redis::new(redis, pushes)).transpose()?;
        let revocations = Arc::new(Revocations::default());
        let bus = Bus::new(ids.uuid(clock.now()), redis.clone(), received, Arc::clone(&revocations));
        let http = http_client();
        Ok(Self(Arc::new(Inner {
            limits: Limits::new(&config.limits, clock.clone(), redis.clone()),
            presences: presence::Store::new(redis.clone()),
            viewing: Viewing::new(redis.clone()),
            bells: jobs::Bells::default(),
            tokens: Tokens::new(&config.tokens),
            revocations,
            rules: Rules::default(),
            firebase: Firebase::new(&config.firebase, http.clone(), clock.clone()),
            livekit: LiveKit::new(config.livekit.as_ref()),
            razorpay: Razorpay::new(config.razorpay.as_ref(), http.clone()),
            fcm: Fcm::new(&config.fcm, &config.firebase.project_id, http, clock.clone()),
            storage: Storage::new(&config.storage).map_err(StartError::Storage)?,
            link_signer: Signer::new(&config.tokens.access_secret),
            uploads_room: Room::default(),
            config,
            pool,
            redis,
            clock,
            ids,
            bus,
        })))
    }

    /// What a server does beside answering: learns of revocations, sweeps presence, runs jobs. The first look at
    /// revocations is awaited, so that no request meets a replica that knows of none.
    pub async fn start_background(&self) -> Result<(), sqlx::Error> {
        let mut since = None;
        revocations::learn(self, &mut since).await?;
        rules::learn(self).await?;
        self.queue_periodic().await?;
        let banter = self.clone();
        tokio::spawn(async move {
            banter.bus().listen_to_everyone().await;
            loop {
                tokio::time::sleep(revocations::POLL).await;
                // A connection that swallows everything must not make us deaf.
                match tokio::time::timeout(revocations::POLL, revocations::learn(&banter, &mut since)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => tracing::warn!(%error, "revocations could not be asked for"),
                    Err(_) => tracing::warn!("revocations were asked for and no answer came"),
                }
                match tokio::time::timeout(revocations::POLL, rules::learn(&banter)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => tracing::warn!(%error, "rules could not be asked for"),
                    Err(_) => tracing::warn!("rules were asked for and no answer came"),
                }
            }
        });
        let banter = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(presence::SWEEP).await;
                if let Err(error) = banter.presence().sweep().await {
                    tracing::warn!(%error, "last seen could not be written");
                }
            }
        });
        let banter = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(presence::RENEW).await;
                banter.bus().resubscribe().await;
            }
        });
        let banter = self.clone();
        tokio::spawn(async move {
            loop {
                // They queue themselves; should one ever be given up, this brings it back.
                tokio::time::sleep(Duration::from_secs(3600)).await;
                if let Err(error) = banter.queue_periodic().await {
                    tracing::warn!(%error, "periodic jobs could not be queued");
                }
            }
        });
        tokio::spawn(jobs::worker::run(self.clone()));
        Ok(())
    }

    async fn queue_periodic(&self) -> Result<(), sqlx::Error> {
        let now = self.clock().now();
        for job in [Job::Prune {}, Job::Collect {}, Job::ReconcileVoice {}, Job::ReconcilePayments {}] {
            self.jobs().queue(self.pool(), &job, now).await?;
        }
        let morning = payments::reconcile::next_morning(now);
        self.jobs().queue(self.pool(), &Job::ReconcileYesterday {}, morning).await
    }

    /// Does PostgreSQL answer?
    pub async fn check_database(&self) -> Result<(), sqlx::Error> {
        sqlx::query("select 1").execute(self.pool()).await.map(|_| ())
    }

    /// Does Redis? `None`: there is none.
    pub async fn check_redis(&self) -> Option<Result<(), Away>> {
        match &self.0.redis {
            Some(redis) => Some(redis.ping().await),
            None => None,
        }
    }

    /// How often Redis was away and came back, perhaps with nothing of what it held.
    pub fn redis_returns(&self) -> u64 {
        self.0.redis.as_ref().map_or(0, Redis::returns)
    }

    /// Connections open, and idle of those.
    pub fn database_connections(&self) -> (u32, usize) {
        (self.0.pool.size(), self.0.pool.num_idle())
    }

    pub fn config(&self) -> &Config {
        &self.0.config
    }

    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub fn ids(&self) -> &Ids {
        &self.0.ids
    }

    pub fn bus(&self) -> &Bus {
        &self.0.bus
    }

    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Closes the pool: what is running ends first.
    pub async fn close(&self) {
        self.0.pool.close().await;
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.0.pool
    }

    pub(crate) fn presences(&self) -> &presence::Store {
        &self.0.presences
    }

    pub(crate) fn tokens(&self) -> &Tokens {
        &self.0.tokens
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.0.rules
    }

    pub(crate) fn revocations(&self) -> &Revocations {
        &self.0.revocations
    }

    pub(crate) fn firebase(&self) -> &Firebase {
        &self.0.firebase
    }

    /// Where pushes go.
    pub fn fcm(&self) -> &Fcm {
        &self.0.fcm
    }

    /// The media server.
    pub fn razorpay(&self) -> &Razorpay {
        &self.0.razorpay
    }

    pub fn livekit(&self) -> &LiveKit {
        &self.0.livekit
    }

    pub(crate) fn viewing(&self) -> &Viewing {
        &self.0.viewing
    }

    pub(crate) fn bells(&self) -> &jobs::Bells {
        &self.0.bells
    }

    pub(crate) fn storage(&self) -> &Storage {
        &self.0.storage
    }

    pub(crate) fn link_signer(&self) -> &Signer {
        &self.0.link_signer
    }

    pub(crate) fn uploads_room(&self) -> &Room {
        &self.0.uploads_room
    }
}

#[cfg(test)]
mod tests;
