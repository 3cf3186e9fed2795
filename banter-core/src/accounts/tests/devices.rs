use futures_util::future::join_all;

use super::*;
use crate::accounts::devices::Platform;
use crate::ids::{SessionId, UserId};

/// Whose login each push token is on.
async fn devices(world: &World) -> Vec<(String, SessionId, UserId, String)> {
    sqlx::query_as("select fcm_token, session_id, user_id, platform from devices order by fcm_token")
        .fetch_all(world.banter.pool())
        .await
        .unwrap()
}

fn device(token: &str, person: &Person, platform: &str) -> (String, SessionId, UserId, String) {
    (token.into(), person.caller.session_id, person.id, platform.into())
}

async fn put(world: &World, person: &Person, token: &str, platform: Platform) -> Result<(), Error> {
    world.banter.accounts().put_device(&person.caller, token, platform).await
}

#[tokio::test]
async fn a_login_has_one_push_token_and_a_token_one_login() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    put(&world, &asha, "t1", Platform::Android).await.unwrap();
    put(&world, &ravi, "t2", Platform::Web).await.unwrap();
    assert_eq!(devices(&world).await, [device("t1", &asha, "android"), device("t2", &ravi, "web")]);
    put(&world, &asha, "t3", Platform::Ios).await.unwrap();
    put(&world, &asha, "t3", Platform::Ios).await.unwrap();
    assert_eq!(devices(&world).await, [device("t2", &ravi, "web"), device("t3", &asha, "ios")]);
    // The phone changes hands: its old login goes silent.
    put(&world, &ravi, "t3", Platform::Ios).await.unwrap();
    assert_eq!(devices(&world).await, [device("t3", &ravi, "ios")]);
}

#[tokio::test]
async fn signing_in_on_a_phone_takes_its_token_along() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    put(&world, &asha, "t1", Platform::Android).await.unwrap();
    let token = world.firebase_token(&ravi.firebase_uid, &ravi.phone);
    let signed_in = world.banter.accounts().sign_in(&token, Some("t1"), &client("x")).await.unwrap();
    let SignIn::Known(signed_in) = signed_in else { panic!("ravi is known") };
    let session = world.banter.accounts().authenticate(&signed_in.tokens.access).unwrap().session_id;
    assert_eq!(devices(&world).await, [("t1".into(), session, ravi.id, "android".into())]);
}

#[tokio::test]
async fn a_login_s_end_silences_its_phone() {
    let world = World::new().await;
    let asha = world.user("asha").await;
    let other = world.sign_in(&asha).await;
    put(&world, &asha, "t1", Platform::Android).await.unwrap();
    put(&world, &other, "t2", Platform::Android).await.unwrap();
    world.banter.accounts().end_other_sessions(&asha.caller).await.unwrap();
    assert_eq!(devices(&world).await, [device("t1", &asha, "android")]);
    world.banter.accounts().log_out(&asha.caller).await.unwrap();
    assert!(devices(&world).await.is_empty());
}

#[tokio::test]
async fn an_ended_login_cannot_make_its_phone_ring_again() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    world.banter.accounts().log_out(&asha.caller).await.unwrap();
    assert_eq!(code(put(&world, &asha, "t1", Platform::Android).await), "SESSION_REVOKED");
    world.sql(&format!("delete from sessions where id = '{}'", ravi.caller.session_id)).await;
    assert_eq!(code(put(&world, &ravi, "t1", Platform::Android).await), "SESSION_REVOKED");
    assert!(devices(&world).await.is_empty());
}

#[tokio::test]
async fn the_same_token_from_many_logins_at_once_ends_up_on_one() {
    let world = World::new().await;
    let asha = world.user("asha").await;
    let mut logins = Vec::new();
    for _ in 0..4 {
        logins.push(world.sign_in(&asha).await);
    }
    world.open_connections().await;
    for round in 0..5 {
        let token = format!("t{round}");
        for outcome in join_all(logins.iter().map(|login| put(&world, login, &token, Platform::Ios))).await {
            outcome.unwrap();
        }
        assert_eq!(devices(&world).await.iter().filter(|(t, ..)| *t == token).count(), 1);
    }
}

#[tokio::test]
async fn push_tokens_are_plain() {
    let world = World::new().await;
    let asha = world.user("asha").await;
    for bad in ["", "with space", "नमस्ते", "x".repeat(4097).as_str()] {
        assert_eq!(fields(put(&world, &asha, bad, Platform::Web).await), ["fcmToken"]);
    }
    assert!(put(&world, &asha, &"x".repeat(4096), Platform::Web).await.is_ok());
}
