//! Where leases are kept: in Redis for all replicas, or in this process when there is no Redis.
//!
//! In Redis a person is a sorted set of sockets by the end of their lease (milliseconds), and one more sorted set
//! holds all people by the end of their last lease, for the sweep. Scripts keep the two in step.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use chrono::{DateTime, Utc};

use crate::ids::UserId;
use crate::redis::{Away, Redis};

pub enum Store {
    Redis(Box<Scripts>),
    Memory(Mutex<HashMap<UserId, BTreeMap<String, i64>>>),
}

pub struct Scripts {
    redis: Redis,
    people: String,
    person: String,
    renew: redis::Script,
    shorten: redis::Script,
    take_gone: redis::Script,
}

const PEOPLE: &str = "presence:people";
/// How many people one sweep of the store takes out.
pub(super) const MOST_TAKEN: usize = 100;

/// What the key of a person's sockets begins with; the first argument of every script.
const PERSON: &str = "presence:u:";

/// ARGV: `PERSON`, now, end, then pairs of person and socket. Answers the people who were away before. Keys live by
/// Redis's own clock, which need not agree with ours, so their time is given as a distance.
const RENEW: &str = "
local now, till, back = ARGV[2], ARGV[3], {}
for i = 4, #ARGV, 2 do
  local key = ARGV[1] .. ARGV[i]
  local last = redis.call('zscore', KEYS[1], ARGV[i])
  if not last then back[#back + 1] = ARGV[i] end
  redis.call('zremrangebyscore', key, '-inf', '(' .. now)
  redis.call('zadd', key, till, ARGV[i + 1])
  redis.call('pexpire', key, till - now + 60000)
  redis.call('zadd', KEYS[1], 'GT', till, ARGV[i])
end
return back";

/// ARGV: `PERSON`, end, person, socket.
const SHORTEN: &str = "
local key = ARGV[1] .. ARGV[3]
redis.call('zadd', key, 'XX', 'LT', ARGV[2], ARGV[4])
local last = redis.call('zrange', key, -1, -1, 'WITHSCORES')
if last[2] then redis.call('zadd', KEYS[1], 'XX', last[2], ARGV[3]) end
return 0";

/// ARGV: `PERSON`, now, how many. Answers the people whose last lease ran out, each to one caller only.
const TAKE_GONE: &str = "
local gone = redis.call('zrangebyscore', KEYS[1], '-inf', '(' .. ARGV[2], 'LIMIT', 0, ARGV[3])
if #gone > 0 then redis.call('zrem', KEYS[1], unpack(gone)) end
for _, person in ipairs(gone) do redis.call('del', ARGV[1] .. person) end
return gone";

impl Scripts {
    fn call<'a>(&self, script: &'a redis::Script) -> redis::ScriptInvocation<'a> {
        let mut call = script.key(&self.people);
        call.arg(&self.person);
        call
    }
}

/// People as a script names them.
fn users(names: Result<Vec<String>, Away>) -> Vec<UserId> {
    names.unwrap_or_default().iter().filter_map(|name| name.parse().ok()).collect()
}

impl Store {
    pub fn new(redis: Option<Redis>) -> Self {
        match redis {
            None => Self::Memory(Mutex::default()),
            Some(redis) => Self::Redis(Box::new(Scripts {
                people: redis.key(PEOPLE),
                person: redis.key(PERSON),
                redis,
                renew: redis::Script::new(RENEW),
                shorten: redis::Script::new(SHORTEN),
                take_gone: redis::Script::new(TAKE_GONE),
            })),
        }
    }

    /// Gives each of these sockets a lease until `till`; which of their people were away before. Nobody, as far as
    /// can be told, while Redis is away.
    pub(super) async fn renew(
        &self,
        sockets: &[(UserId, String)],
        now: DateTime<Utc>,
        till: DateTime<Utc>,
    ) -> Vec<UserId> {
        let (now, till) = (now.timestamp_millis(), till.timestamp_millis());
        match self {
            Self::Redis(scripts) => {
                let mut call = scripts.call(&scripts.renew);
                call.arg(now).arg(till);
                for (user, socket) in sockets {
                    call.arg(user.to_string()).arg(socket);
                }
                users(scripts.redis.ask(async |c| call.invoke_async(c).await).await)
            }
            Self::Memory(people) => {
                let mut people = people.lock().expect("no panic while locked");
                let mut back = Vec::new();
                for (user, socket) in sockets {
                    let leases = people.entry(*user).or_insert_with(|| {
                        back.push(*user);
                        BTreeMap::new()
                    });
                    leases.retain(|_, end| *end >= now);
                    leases.insert(socket.clone(), till);
                }
                back
            }
        }
    }

    pub(super) async fn shorten(&self, user: UserId, socket: &str, till: DateTime<Utc>) {
        let till = till.timestamp_millis();
        match self {
            Self::Redis(scripts) => {
                let mut call = scripts.call(&scripts.shorten);
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

    /// Takes out the people whose last lease has run out, [`MOST_TAKEN`] at a time.
    pub(super) async fn take_gone(&self, now: DateTime<Utc>) -> Vec<UserId> {
        let now = now.timestamp_millis();
        match self {
            Self::Redis(scripts) => {
                let mut call = scripts.call(&scripts.take_gone);
                call.arg(now).arg(MOST_TAKEN);
                users(scripts.redis.ask(async |c| call.invoke_async(c).await).await)
            }
            Self::Memory(people) => {
                let mut people = people.lock().expect("no panic while locked");
                let gone: Vec<UserId> = people
                    .iter()
                    .filter(|(_, leases)| leases.values().all(|till| *till < now))
                    .map(|(user, _)| *user)
                    .take(MOST_TAKEN)
                    .collect();
                for user in &gone {
                    people.remove(user);
                }
                gone
            }
        }
    }

    /// Puts back people that were taken out, as ones whose last lease has just run out.
    pub(super) async fn put_back(&self, users: &[UserId], now: DateTime<Utc>) {
        let past = now.timestamp_millis() - 1;
        match self {
            Self::Redis(scripts) => {
                let mut add = redis::cmd("ZADD");
                add.arg(&scripts.people).arg("NX");
                for user in users {
                    add.arg(past).arg(user.to_string());
                }
                // Redis away as well as the database: then they stay unwritten.
                let _: Result<i64, _> = scripts.redis.ask(async |c| add.query_async(c).await).await;
            }
            Self::Memory(people) => {
                let mut people = people.lock().expect("no panic while locked");
                for user in users {
                    people.entry(*user).or_default();
                }
            }
        }
    }

    /// Which of these are here, in their order. `None`: Redis is away.
    pub(crate) async fn online(&self, users: &[UserId], now: DateTime<Utc>) -> Option<Vec<bool>> {
        if users.is_empty() {
            return Some(Vec::new());
        }
        let now = now.timestamp_millis();
        match self {
            Self::Redis(scripts) => {
                let names: Vec<String> = users.iter().map(UserId::to_string).collect();
                let ends: Vec<Option<f64>> = scripts
                    .redis
                    .ask(async |c| {
                        redis::cmd("ZMSCORE").arg(&scripts.people).arg(&names).query_async(c).await
                    })
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
                    redis::cmd("ZCOUNT").arg(&scripts.people).arg(now).arg("+inf").query_async(c).await
                });
                count.await.ok()
            }
            Self::Memory(people) => {
                let people = people.lock().expect("no panic while locked");
                let here = people
                    .values()
                    .filter(|leases| leases.values().any(|end| *end >= now.timestamp_millis()));
                u64::try_from(here.count()).ok()
            }
        }
    }
}
