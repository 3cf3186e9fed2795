//! Rate limits: what may be done how often, by whom. The algorithm is GCRA (the "leaky bucket as a meter"): one
//! number for each key, the theoretical arrival time; bursts up to the limit, then a steady pace, no edges between
//! windows. Redis holds the numbers for all replicas; while it is away, or not there, this process holds its own.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::clock::Clock;
use crate::config;
use crate::error::{Coded, Kind};
use crate::redis::Redis;

/// Acts that are counted, each with its own limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// Any request, by user, or by address when signed out.
    Any,
    /// Sign-in and registration, by address. Many Indian carriers put thousands behind one address.
    SignIn,
    /// Sign-in and registration of one person.
    SignInAs,
    /// Exchanging a refresh token, by session.
    Refresh,
    /// Sending a message, over REST or a socket.
    SendMessage,
    /// Making a group, or changing its name or members.
    ChangeGroup,
    /// Uploading a file.
    Upload,
    /// Asking whether a username is free.
    CheckUsername,
    /// Looking for people.
    Search,
    /// Asking people to be friends.
    FriendRequest,
    /// Calling somebody, or a group.
    Call,
    /// Making a room.
    CreateRoom,
    /// Coming into a room.
    JoinRoom,
    /// Leaving a room, or doing something about it or somebody in it.
    RoomAct,
    /// Inviting people to a room.
    InviteToRoom,
    /// Giving something.
    Gift,
    /// Any event on a socket but a message.
    SocketEvent,
    /// Beginning to buy something.
    Order,
    /// Bringing the proof of a payment.
    VerifyPayment,
    /// Downloading all that is held about oneself.
    Export,
    /// Reporting something, or appealing.
    Report,
    /// Beginning to sign in on a tool, by address.
    ToolSignIn,
    /// Looking at a tool's code, or answering it.
    ApproveTool,
}

/// How often, over how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    pub max: u32,
    pub window: Duration,
}

impl Act {
    /// All, for documents and checks.
    pub const ALL: &[Self] = &[
        Self::Any,
        Self::SignIn,
        Self::SignInAs,
        Self::Refresh,
        Self::SendMessage,
        Self::ChangeGroup,
        Self::Upload,
        Self::CheckUsername,
        Self::Search,
        Self::FriendRequest,
        Self::Call,
        Self::CreateRoom,
        Self::JoinRoom,
        Self::RoomAct,
        Self::InviteToRoom,
        Self::Gift,
        Self::SocketEvent,
        Self::Order,
        Self::VerifyPayment,
        Self::Export,
        Self::Report,
        Self::ToolSignIn,
        Self::ApproveTool,
    ];

    fn key(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::SignIn => "sign-in",
            Self::SignInAs => "sign-in-as",
            Self::Refresh => "refresh",
            Self::SendMessage => "send-message",
            Self::ChangeGroup => "change-group",
            Self::Upload => "upload",
            Self::CheckUsername => "check-username",
            Self::Search => "search",
            Self::FriendRequest => "friend-request",
            Self::Call => "call",
            Self::CreateRoom => "create-room",
            Self::JoinRoom => "join-room",
            Self::RoomAct => "room-act",
            Self::InviteToRoom => "invite-to-room",
            Self::Gift => "gift",
            Self::SocketEvent => "socket-event",
            Self::Order => "order",
            Self::VerifyPayment => "verify-payment",
            Self::Export => "export",
            Self::Report => "report",
            Self::ToolSignIn => "tool-sign-in",
            Self::ApproveTool => "approve-tool",
        }
    }

    fn built_in(self, general: Limit) -> Limit {
        let (max, seconds) = match self {
            Self::Any => return general,
            Self::SignIn => (300, 900),
            Self::SignInAs => (20, 900),
            Self::Refresh => (60, 900),
            Self::SendMessage => (120, 60),
            Self::ChangeGroup => (120, 3600),
            Self::Upload => (60, 600),
            Self::CheckUsername => (60, 60),
            Self::Search => (60, 60),
            // A day's worth of strangers within an hour is no way to make friends.
            Self::FriendRequest => (60, 3600),
            // Each rings somebody's phone.
            Self::Call => (30, 600),
            Self::CreateRoom => (10, 3600),
            Self::JoinRoom => (60, 600),
            Self::RoomAct => (240, 600),
            Self::InviteToRoom => (30, 3600),
            // A combo of roses is part of the game; a loop is not.
            Self::Gift => (60, 60),
            Self::SocketEvent => (600, 60),
            Self::Order => (30, 600),
            Self::VerifyPayment => (60, 600),
            Self::Export => (3, 86_400),
            Self::Report => (30, 3600),
            Self::ToolSignIn => (30, 3600),
            Self::ApproveTool => (20, 600),
        };
        Limit { max, window: Duration::from_secs(seconds) }
    }
}

/// What is left after an act that was allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    pub limit: u32,
    pub remaining: u32,
    /// Seconds until all of it is back.
    pub reset: u64,
}

/// Too often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests; try again in {retry_after} s")]
pub struct Exceeded {
    pub limit: u32,
    /// Seconds until one more is allowed.
    pub retry_after: u64,
    /// Seconds until all of it is back.
    pub reset: u64,
}

impl Coded for Exceeded {
    fn coded(&self) -> (Kind, &'static str) {
        (Kind::TooMany, "RATE_LIMITED")
    }

    fn retry_after(&self) -> Option<u64> {
        Some(self.retry_after)
    }
}

pub struct Limits {
    general: Limit,
    multiplier: u32,
    clock: Clock,
    redis: Option<Redis>,
    script: redis::Script,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    arrivals: HashMap<String, i64>,
    swept_at: i64,
}

/// The same arithmetic as [`gcra`], beside the data. Microseconds; answers (allowed, arrival time).
/// Lua writes numbers with 14 digits, so the time is formatted whole. No number looks further ahead than a window,
/// so that long it is kept, by Redis's own clock, which need not agree with ours.
const SCRIPT: &str = "
local now, interval, window = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local tat = tonumber(redis.call('get', KEYS[1]) or now)
if tat < now then tat = now end
local next = tat + interval
if next - now > window then return {0, tat} end
redis.call('set', KEYS[1], string.format('%.0f', next), 'PX', math.ceil(window / 1000))
return {1, next}";

impl Limits {
    pub(crate) fn new(config: &config::Limits, clock: Clock, redis: Option<Redis>) -> Self {
        Self {
            general: Limit { max: config.max_requests, window: config.window },
            multiplier: config.multiplier,
            clock,
            redis,
            script: redis::Script::new(SCRIPT),
            memory: Mutex::default(),
        }
    }

    pub fn limit(&self, act: Act) -> Limit {
        let limit = act.built_in(self.general);
        let multiplier = if act == Act::Any { 1 } else { self.multiplier };
        Limit { max: limit.max.saturating_mul(multiplier), ..limit }
    }

    /// Counts one act by `who`.
    pub async fn take(&self, act: Act, who: &str) -> Result<Quota, Exceeded> {
        self.take_of(act.key(), who, self.limit(act))
            .await
            .inspect_err(|_| metrics::counter!("banter_rate_limited_total", "act" => act.key()).increment(1))
    }

    /// The same of what is no act of its own, with a limit of the caller's.
    pub(crate) async fn take_of(&self, what: &str, who: &str, limit: Limit) -> Result<Quota, Exceeded> {
        let key = format!("limit:{what}:{who}");
        let now = self.clock.now();
        match self.take_from_redis(&key, now, limit).await {
            Some(verdict) => verdict,
            None => self.take_from_memory(key, now, limit),
        }
    }

    async fn take_from_redis(
        &self,
        key: &str,
        now: DateTime<Utc>,
        limit: Limit,
    ) -> Option<Result<Quota, Exceeded>> {
        let redis = self.redis.as_ref()?;
        let (now, window) = (now.timestamp_micros(), micros(limit.window));
        let mut call = self.script.key(redis.key(key));
        call.arg(now).arg(interval(limit)).arg(window);
        let (allowed, tat): (i64, i64) = redis.ask(async |c| call.invoke_async(c).await).await.ok()?;
        Some(verdict(allowed == 1, tat, now, limit))
    }

    fn take_from_memory(&self, key: String, now: DateTime<Utc>, limit: Limit) -> Result<Quota, Exceeded> {
        let now = now.timestamp_micros();
        let mut memory = self.memory.lock().expect("no panic while locked");
        if now - memory.swept_at > 60_000_000 {
            memory.arrivals.retain(|_, tat| *tat > now);
            memory.swept_at = now;
        }
        let tat = memory.arrivals.entry(key).or_insert(now);
        let (allowed, next) = gcra(*tat, now, limit);
        *tat = next;
        drop(memory);
        verdict(allowed, next, now, limit)
    }
}

/// Who an address counts as: itself, or its /64 in IPv6, where whoever has one address has them all.
pub fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("{}/64", Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

/// May one more arrive now? And the theoretical arrival time after that.
fn gcra(tat: i64, now: i64, limit: Limit) -> (bool, i64) {
    let tat = tat.max(now);
    let next = tat + interval(limit);
    if next - now > micros(limit.window) { (false, tat) } else { (true, next) }
}

fn verdict(allowed: bool, tat: i64, now: i64, limit: Limit) -> Result<Quota, Exceeded> {
    let ahead = (tat - now).max(0);
    let reset = seconds_up(ahead);
    if allowed {
        let remaining = (micros(limit.window) - ahead).max(0) / interval(limit);
        Ok(Quota {
            limit: limit.max,
            remaining: u32::try_from(remaining).unwrap_or(u32::MAX).min(limit.max - 1),
            reset,
        })
    } else {
        let wait = ahead + interval(limit) - micros(limit.window);
        Err(Exceeded { limit: limit.max, retry_after: seconds_up(wait).max(1), reset })
    }
}

/// Microseconds between arrivals at the steady pace.
fn interval(limit: Limit) -> i64 {
    (micros(limit.window) / i64::from(limit.max)).max(1)
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

fn seconds_up(micros: i64) -> u64 {
    u64::try_from(micros.max(0)).unwrap_or(0).div_ceil(1_000_000)
}

#[cfg(test)]
mod tests;
