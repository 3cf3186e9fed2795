//! Where leases are kept: in Redis for all replicas, or in this process when there is no Redis.
//!
//! In Redis a person is a sorted set of sockets by the end of their lease (milliseconds), and one more sorted set
//! holds all people by the end of their last lease, for the sweep. Scripts keep the two in step.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use chrono::{DateTime, Utc};

use crate::ids::UserId;
use crate::redis::Redis;

pub enum Store {
    Redis(Box<Scripts>),
    Memory(Mutex<HashMap<UserId, BTreeMap<String, i64>>>),
}

pub struct Scripts {
    redis: Redis,
    renew: redis::Script,
    shorten: redis::Script,
    take_gone: redis::Script,
}

const PEOPLE: &str = "presence:people";

/// ARGV: now, end, then pairs of person and socket. Answers how many people were away before.
const RENEW: &str = "
local now, till, back = ARGV[1], ARGV[2], 0
for i = 3, #ARGV, 2 do
  local key = 'presence:u:' .. ARGV[i]
  local last = redis.call('zscore', KEYS[1], ARGV[i])
  if not last then back = back + 1 end
  redis.call('zremrangebyscore', key, '-inf', '(' .. now)
  redis.call('zadd', key, till, ARGV[i + 1])
  redis.call('pexpireat', key, till + 60000)
  redis.call('zadd', KEYS[1], 'GT', till, ARGV[i])
end
return back";

/// ARGV: end, person, socket.
const SHORTEN: &str = "
local key = 'presence:u:' .. ARGV[2]
redis.call('zadd', key, 'XX', 'LT', ARGV[1], ARGV[3])
local last = redis.call('zrange', key, -1, -1, 'WITHSCORES')
if last[2] then redis.call('zadd', KEYS[1], 'XX', last[2], ARGV[2]) end
return 0";

/// ARGV: now, how many. Answers the people whose last lease ran out, each to one caller only.
const TAKE_GONE: &str = "
local gone = redis.call('zrangebyscore', KEYS[1], '-inf', '(' .. ARGV[1], 'LIMIT', 0, ARGV[2])
if #gone > 0 then redis.call('zrem', KEYS[1], unpack(gone)) end
for _, person in ipairs(gone) do redis.call('del', 'presence:u:' .. person) end
return gone";

impl Store {
    pub fn new(redis: Option<Redis>) -> Self {
        match redis {
            None => Self::Memory(Mutex::default()),
            Some(redis) => Self::Redis(Box::new(Scripts {
                redis,
                renew: redis::Script::new(RENEW),
                shorten: redis::Script::new(SHORTEN),
                take_gone: redis::Script::new(TAKE_GONE),
            })),
        }
    }

    /// Gives each of these sockets a lease until `till`; how many of their people were away before. `None`: Redis
    /// is away.
    pub(super) async fn renew(
        &self,
        sockets: &[(UserId, String)],
        now: DateTime<Utc>,
        till: DateTime<Utc>,
    ) -> Option<u64> {
        let (now, till) = (now.timestamp_millis(), till.timestamp_millis());
        match self {
            Self::Redis(scripts) => {
                let mut call = scripts.renew.key(PEOPLE);
                call.arg(now).arg(till);
                for (user, socket) in sockets {
                    call.arg(user.to_string()).arg(socket);
                }
                scripts.redis.ask(async |c| call.invoke_async(c).await).await.ok()
            }
            Self::Memory(people) => {
                let mut people = people.lock().expect("no panic while locked");
                let mut back = 0;
                for (user, socket) in sockets {
                    let leases = people.entry(*user).or_insert_with(|| {
                        back += 1;
                        BTreeMap::new()
                    });
                    leases.insert(socket.clone(), till);
                }
                Some(back)
            }
        }
    }

    pub(super) async fn shorten(&self, user: UserId, socket: &str, till: DateTime<Utc>) {
        let till = till.timestamp_millis();
        match self {
            Self::Redis(scripts) => {
                let mut call = scripts.shorten.key(PEOPLE);
                call.arg(till).arg(user.to_string()).arg(socket);
                // Lost: the lease runs out by itself a minute later.
                let _: Result<i64, _> = scripts.redis.ask(async |c| call.invoke_async(c).await).await;
            }
            Self::Memory(people) => {
                let mut people = people.lock().expect("no panic while locked");
                if let Some(lease) = people.get_mut(&user).and_then(|leases| leases.get_mut(socket)) {
                    *lease = (*lease).min(till);
                }
            }
        }
    }

    /// Takes out the people whose last lease has run out, a hundred at most.
    pub(super) async fn take_gone(&self, now: DateTime<Utc>) -> Vec<UserId> {
        let now = now.timestamp_millis();
        match self {
            Self::Redis(scripts) => {
                let mut call = scripts.take_gone.key(PEOPLE);
                call.arg(now).arg(100);
                let gone: Vec<String> =
                    scripts.redis.ask(async |c| call.invoke_async(c).await).await.unwrap_or_default();
                gone.iter().filter_map(|user| user.parse().ok()).collect()
            }
            Self::Memory(people) => {
                let mut people = people.lock().expect("no panic while locked");
                let gone: Vec<UserId> = people
                    .iter()
                    .filter(|(_, leases)| leases.values().all(|till| *till < now))
                    .map(|(user, _)| *user)
                    .take(100)
                    .collect();
                for user in &gone {
                    people.remove(user);
                }
                gone
            }
        }
    }

    /// Which of these are here, in their order. `None`: Redis is away.
    pub(super) async fn online(&self, users: &[UserId], now: DateTime<Utc>) -> Option<Vec<bool>> {
        if users.is_empty() {
            return Some(Vec::new());
        }
        let now = now.timestamp_millis();
        match self {
            Self::Redis(scripts) => {
                let names: Vec<String> = users.iter().map(UserId::to_string).collect();
                let ends: Vec<Option<f64>> = scripts
                    .redis
                    .ask(async |c| redis::cmd("ZMSCORE").arg(PEOPLE).arg(&names).query_async(c).await)
                    .await
                    .ok()?;
                #[expect(
                    clippy::cast_precision_loss,
                    reason = "milliseconds of this millennium are exact in f64"
                )]
                Some(ends.into_iter().map(|end| end.is_some_and(|end| end >= now as f64)).collect())
            }
            Self::Memory(people) => {
                let people = people.lock().expect("no panic while locked");
                let here = |user| {
                    people
                        .get(user)
                        .is_some_and(|leases: &BTreeMap<_, _>| leases.values().any(|till| *till >= now))
                };
                Some(users.iter().map(here).collect())
            }
        }
    }

    pub(super) async fn count(&self, now: DateTime<Utc>) -> Option<u64> {
        match self {
            Self::Redis(scripts) => {
                let now = now.timestamp_millis();
                let count = scripts.redis.ask(async |c| {
                    redis::cmd("ZCOUNT").arg(PEOPLE).arg(now).arg("+inf").query_async(c).await
                });
                count.await.ok()
            }
            Self::Memory(people) => u64::try_from(people.lock().expect("no panic while locked").len()).ok(),
        }
    }
}
