use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::*;
use crate::testing;

#[tokio::test]
async fn what_does_not_answer_is_left_alone_for_a_while() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", silent.local_addr().unwrap());
    let (pushes, _) = mpsc::unbounded_channel();
    let patience = Duration::from_millis(20);
    let config = config::Redis { url: url.into(), prefix: String::new(), patience };
    let redis = Redis::new(&config, pushes).unwrap();
    let mut asked = 0;
    for _ in 0..5 {
        let answer = redis.ask(async |c| {
            asked += 1;
            redis::cmd("PING").query_async::<()>(c).await
        });
        assert!(answer.await.is_err());
    }
    assert_eq!(asked, 1, "only the first waited");
}

#[tokio::test]
async fn a_refused_command_is_no_absence() {
    let redis = testing::redis();
    for _ in 0..2 {
        let answer = redis.ask(async |c| redis::cmd("NONSENSE").query_async::<()>(c).await).await;
        let error = answer.unwrap_err().to_string();
        assert!(error.contains("unknown command"), "{error}");
    }
    redis.ping().await.unwrap();
}

#[tokio::test]
async fn keys_bear_the_prefix() {
    let (one, other) = (testing::redis(), testing::redis());
    assert_ne!(one.key("x"), other.key("x"));
    assert!(one.key("x").ends_with(":x"));
}

#[tokio::test]
async fn a_return_is_counted_once() {
    let redis = testing::redis();
    redis.ping().await.unwrap();
    assert_eq!(redis.returns(), 0);
    assert!(redis.trip::<()>("gone").is_err());
    redis.breaker.open_until.store(0, Ordering::Relaxed);
    for _ in 0..2 {
        redis.ping().await.unwrap();
        assert_eq!(redis.returns(), 1);
    }
}
