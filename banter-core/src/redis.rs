//! Redis: what may be lost. One multiplexed connection a process carries commands and subscriptions, comes back
//! by itself and subscribes again. While Redis is away every caller has an answer of its own (limits fall back to
//! this process, presence reads as unknown); after a failure it is left alone for a second, so that its absence
//! costs a request nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, FromRedisValue, IntoConnectionInfo as _, ProtocolVersion, PushInfo, RedisResult};
use secrecy::ExposeSecret as _;
use tokio::sync::mpsc::UnboundedSender;

use crate::config;

/// Redis did not answer, or is being left alone after it did not.
#[derive(Debug, thiserror::Error)]
#[error("Redis is away: {0}")]
pub struct Away(String);

#[derive(Clone)]
pub struct Redis {
    connection: ConnectionManager,
    breaker: Arc<Breaker>,
    prefix: Arc<str>,
    patience: Duration,
}

struct Breaker {
    started: Instant,
    away: AtomicBool,
    /// Milliseconds after `started` until which Redis is left alone.
    open_until: AtomicU64,
    returns: AtomicU64,
}

impl Breaker {
    /// Milliseconds since it was made.
    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// How long an answer may take, unless the settings say otherwise.
pub const PATIENCE: Duration = Duration::from_millis(500);
const REST: Duration = Duration::from_secs(1);

impl Redis {
    /// Does not connect yet: a server must be able to start while Redis is away. Published messages go to `pushes`.
    pub fn new(config: &config::Redis, pushes: UnboundedSender<PushInfo>) -> Result<Self, Away> {
        let (prefix, patience) = (config.prefix.as_str().into(), config.patience);
        let info = config.url.expose_secret().into_connection_info().map_err(away)?;
        // Subscriptions beside commands on one connection need RESP3.
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.set_redis_settings(settings)).map_err(away)?;
        let manager = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(config.patience))
            .set_response_timeout(Some(config.patience))
            .set_number_of_retries(1)
            .set_min_delay(Duration::from_millis(50))
            .set_max_delay(Duration::from_millis(500))
            .set_push_sender(pushes)
            .set_automatic_resubscription();
        let connection = ConnectionManager::new_lazy_with_config(client, manager).map_err(away)?;
        let breaker = Arc::new(Breaker {
            started: Instant::now(),
            away: AtomicBool::new(false),
            open_until: AtomicU64::new(0),
            returns: AtomicU64::new(0),
        });
        Ok(Self { connection, breaker, prefix, patience })
    }

    /// The whole name of a key or channel of ours.
    pub fn key(&self, name: impl std::fmt::Display) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Asks Redis, unless it is being left alone.
    pub async fn ask<T: FromRedisValue>(
        &self,
        ask: impl AsyncFnOnce(&mut ConnectionManager) -> RedisResult<T>,
    ) -> Result<T, Away> {
        let (now, until) = (self.breaker.now(), self.breaker.open_until.load(Ordering::Relaxed));
        // When the second is over one caller looks whether it is back; the others need not wait for that.
        let mine = || {
            let next = now + u64::try_from((REST + PATIENCE * 2).as_millis()).unwrap_or(u64::MAX);
            self.breaker
                .open_until
                .compare_exchange(until, next, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
        };
        if now < until || (self.breaker.away.load(Ordering::Relaxed) && !mine()) {
            return Err(Away("left alone for a second".into()));
        }
        let mut connection = self.connection.clone();
        let answer = tokio::time::timeout(self.patience * 2, ask(&mut connection)).await;
        match answer {
            Ok(Ok(answer)) => {
                if self.breaker.away.load(Ordering::Relaxed)
                    && self.breaker.away.swap(false, Ordering::Relaxed)
                {
                    self.breaker.open_until.store(0, Ordering::Relaxed);
                    self.breaker.returns.fetch_add(1, Ordering::Relaxed);
                    tracing::info!("Redis is back");
                }
                Ok(answer)
            }
            Ok(Err(error)) if error.is_io_error() || error.is_timeout() || error.is_connection_dropped() => {
                self.trip(&error.to_string())
            }
            Ok(Err(error)) => Err(away(error)),
            Err(_) => self.trip("no answer in time"),
        }
    }

    fn trip<T>(&self, why: &str) -> Result<T, Away> {
        // From now, not from when it was asked: its silence may have lasted as long as the rest.
        let rest = u64::try_from(REST.as_millis()).unwrap_or(u64::MAX);
        self.breaker.open_until.store(self.breaker.now() + rest, Ordering::Relaxed);
        if !self.breaker.away.swap(true, Ordering::Relaxed) {
            tracing::warn!(why, "Redis is away");
        }
        Err(Away(why.into()))
    }

    /// How often it was away and came back, perhaps with nothing of what it held.
    pub(crate) fn returns(&self) -> u64 {
        self.breaker.returns.load(Ordering::Relaxed)
    }

    pub async fn ping(&self) -> Result<(), Away> {
        self.ask(async |c| redis::cmd("PING").query_async(c).await).await
    }
}

#[expect(clippy::needless_pass_by_value, reason = "what `map_err` takes")]
fn away(error: redis::RedisError) -> Away {
    Away(error.to_string())
}

#[cfg(test)]
mod tests;
