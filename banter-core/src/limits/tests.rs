use proptest::prelude::*;
use proptest::test_runner::{Config as Effort, TestRunner};

use super::*;
use crate::testing;

const MINUTE: Duration = Duration::from_secs(60);

fn general(max_requests: u32, window: Duration) -> config::Limits {
    config::Limits { window, max_requests, multiplier: 1 }
}

fn clock() -> Clock {
    Clock::manual("2026-11-22T06:30:00Z".parse().unwrap())
}

proptest! {
    /// Whatever the rhythm, no window-long stretch lets more than twice the limit through (a full burst
    /// plus a window's refill), and who was refused is let in after the wait that was named.
    #[test]
    fn never_more_than_a_burst_and_a_refill(
        max in 1u32..50, window_s in 1u64..120, gaps in prop::collection::vec(0i64..5_000_000, 1..300),
    ) {
        let limit = Limit { max, window: Duration::from_secs(window_s) };
        let (mut tat, mut now, mut allowed_at) = (0, 0, Vec::new());
        for gap in gaps {
            now += gap;
            let (allowed, next) = gcra(tat, now, limit);
            tat = next;
            match verdict(allowed, tat, now, limit) {
                Ok(quota) => {
                    prop_assert!(quota.remaining < max);
                    allowed_at.push(now);
                }
                Err(refusal) => {
                    let later = now + i64::try_from(refusal.retry_after).unwrap() * 1_000_000;
                    prop_assert!(gcra(tat, later, limit).0);
                    prop_assert!(refusal.retry_after <= window_s);
                }
            }
        }
        for start in &allowed_at {
            let within = allowed_at.iter().filter(|t| (*start..start + micros(limit.window)).contains(t)).count();
            prop_assert!(within <= 2 * max as usize);
        }
    }
}

#[test]
fn a_full_burst_is_allowed_then_refused_then_back_at_the_pace() {
    let limit = Limit { max: 10, window: Duration::from_secs(10) };
    let mut tat = 0;
    for i in 0..10 {
        let (allowed, next) = gcra(tat, 0, limit);
        tat = next;
        assert_eq!(verdict(allowed, tat, 0, limit).unwrap().remaining, 9 - i);
    }
    let (allowed, next) = gcra(tat, 0, limit);
    assert_eq!(
        verdict(allowed, next, 0, limit).unwrap_err(),
        Exceeded { limit: 10, retry_after: 1, reset: 10 }
    );
    assert!(gcra(next, 1_000_000, limit).0);
}

#[test]
fn redis_and_this_process_count_the_same() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let steps = prop::collection::vec((0..3_usize, prop_oneof![Just(0), 0..30_000_000_i64]), 1..60);
    let mut runner = TestRunner::new(Effort { cases: 40, failure_persistence: None, ..Effort::default() });
    runner
        .run(&(1..12_u32, 60..1000_u64, steps), |(max, window_s, steps)| {
            runtime.block_on(async {
                let config = general(max, Duration::from_secs(window_s));
                let clock = clock();
                let ours = Limits::new(&config, clock.clone(), None);
                let theirs = Limits::new(&config, clock.clone(), Some(testing::redis()));
                for (who, wait) in steps {
                    clock.advance(chrono::TimeDelta::microseconds(wait));
                    let who = who.to_string();
                    assert_eq!(ours.take(Act::Any, &who).await, theirs.take(Act::Any, &who).await);
                }
                assert!(theirs.memory.lock().unwrap().arrivals.is_empty(), "Redis answered every time");
            });
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
async fn the_numbers_told_are_those_of_the_headers() {
    let clock = clock();
    let limits = Limits::new(&general(3, MINUTE), clock.clone(), Some(testing::redis()));
    for (remaining, reset) in [(2, 20), (1, 40), (0, 60)] {
        assert_eq!(limits.take(Act::Any, "asha").await, Ok(Quota { limit: 3, remaining, reset }));
    }
    let refused = limits.take(Act::Any, "asha").await.unwrap_err();
    assert_eq!(refused, Exceeded { limit: 3, retry_after: 20, reset: 60 });
    assert_eq!((refused.coded().1, Coded::retry_after(&refused)), ("RATE_LIMITED", Some(20)));
    assert!(limits.take(Act::Any, "ravi").await.is_ok(), "another's count");
    clock.advance(chrono::TimeDelta::milliseconds(19_999));
    assert_eq!(limits.take(Act::Any, "asha").await.unwrap_err().retry_after, 1);
    clock.advance(chrono::TimeDelta::milliseconds(1));
    assert_eq!(limits.take(Act::Any, "asha").await, Ok(Quota { limit: 3, remaining: 0, reset: 60 }));
}

#[tokio::test]
async fn acts_and_replicas_are_counted_as_they_should() {
    let (clock, redis) = (clock(), testing::redis());
    let [one, other] = [(); 2].map(|()| Limits::new(&general(1, MINUTE), clock.clone(), Some(redis.clone())));
    assert!(one.take(Act::Any, "asha").await.is_ok());
    assert!(other.take(Act::Any, "asha").await.is_err(), "replicas share a count");
    assert!(other.take(Act::SendMessage, "asha").await.is_ok(), "each act has its own");
}

#[tokio::test]
async fn while_redis_is_away_this_process_counts() {
    let (pushes, _) = tokio::sync::mpsc::unbounded_channel();
    let nowhere = testing::config("", Some("redis://127.0.0.1:1")).redis.unwrap();
    let limits = Limits::new(&general(2, MINUTE), clock(), Some(Redis::new(&nowhere, pushes).unwrap()));
    assert!(limits.take(Act::Any, "asha").await.is_ok());
    assert!(limits.take(Act::Any, "asha").await.is_ok());
    assert!(limits.take(Act::Any, "asha").await.is_err());
}

#[tokio::test]
async fn forgotten_counts_leave_memory() {
    let clock = clock();
    let limits = Limits::new(&general(10, MINUTE), clock.clone(), None);
    for i in 0..100 {
        limits.take(Act::Any, &i.to_string()).await.unwrap();
    }
    clock.advance(chrono::TimeDelta::seconds(61));
    limits.take(Act::Any, "asha").await.unwrap();
    assert_eq!(limits.memory.lock().unwrap().arrivals.len(), 1);
}

#[test]
fn an_address_counts_with_those_that_are_one_s_for_the_asking() {
    for (address, network_of) in [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
    ] {
        assert_eq!(network(address.parse().unwrap()), network_of);
    }
}

#[test]
fn load_tests_multiply_every_limit_but_the_general() {
    let config = config::Limits { multiplier: 7, ..general(5, MINUTE) };
    let (usual, multiplied) =
        (Limits::new(&general(5, MINUTE), clock(), None), Limits::new(&config, clock(), None));
    for &act in Act::ALL {
        let factor = if act == Act::Any { 1 } else { 7 };
        assert_eq!(multiplied.limit(act).max, usual.limit(act).max * factor, "{act:?}");
    }
}
