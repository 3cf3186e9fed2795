use futures_util::future::join_all;

use super::*;
use crate::accounts::sessions::Because;
use crate::ids::SessionId;

async fn refresh(world: &World, token: &str, rotate: bool) -> Result<(String, Option<String>), Error> {
    world.banter.accounts().refresh(token, rotate).await
}

async fn revoked_because(world: &World, session: SessionId) -> Option<Because> {
    sqlx::query_scalar("select revoked_because from sessions where id = $1")
        .bind(session)
        .fetch_one(world.banter.pool())
        .await
        .unwrap()
}

#[tokio::test]
async fn without_rotation_the_same_refresh_token_serves_on() {
    let world = World::new().await;
    let asha = world.user("asha").await;
    for _ in 0..3 {
        world.advance(TimeDelta::minutes(16));
        assert_eq!(
            code(world.banter.accounts().authenticate(&asha.access_token).map(|_| ())),
            "TOKEN_EXPIRED"
        );
        let (access, next) = refresh(&world, &asha.refresh_token, false).await.unwrap();
        assert_eq!(next, None);
        let caller = world.banter.accounts().authenticate(&access).unwrap();
        assert_eq!((caller.user_id, caller.session_id), (asha.id, asha.caller.session_id));
    }
    world.advance(TimeDelta::days(30));
    assert_eq!(code(refresh(&world, &asha.refresh_token, false).await), "REFRESH_TOKEN_INVALID");
}

#[tokio::test]
async fn rotation_replaces_the_refresh_token_and_prolongs_the_login() {
    let world = World::new().await;
    let asha = world.user("asha").await;
    world.advance(TimeDelta::days(29));
    let (_, next) = refresh(&world, &asha.refresh_token, true).await.unwrap();
    let next = next.expect("a new one");
    assert_ne!(next, asha.refresh_token);
    world.advance(TimeDelta::days(29));
    let (access, _) = refresh(&world, &next, false).await.unwrap();
    assert_eq!(world.banter.accounts().authenticate(&access).unwrap().session_id, asha.caller.session_id);
}

#[tokio::test]
async fn a_refresh_token_that_comes_a_second_time_ends_the_login() {
    let world = World::new().await;
    let asha = world.user("asha").await;
    let elsewhere = world.sign_in(&asha).await;
    let (access, next) = refresh(&world, &asha.refresh_token, true).await.unwrap();
    assert_eq!(code(refresh(&world, &asha.refresh_token, false).await), "REFRESH_TOKEN_REUSED");
    assert_eq!(revoked_because(&world, asha.caller.session_id).await, Some(Because::RefreshReused));
    assert_eq!(code(world.banter.accounts().authenticate(&access).map(|_| ())), "SESSION_REVOKED");
    assert_eq!(code(refresh(&world, &next.unwrap(), true).await), "REFRESH_TOKEN_INVALID");
    let revocation = world.notices().expect_revoked(asha.caller.session_id).await;
    assert_eq!((revocation.user_id, revocation.because), (asha.id, Because::RefreshReused));
    assert!(refresh(&world, &elsewhere.refresh_token, true).await.is_ok(), "other logins live on");
}

#[tokio::test]
async fn of_rotations_at_once_one_wins() {
    let world = World::new().await;
    let asha = world.user("asha").await;
    world.open_connections().await;
    let all = join_all((0..8).map(|_| refresh(&world, &asha.refresh_token, true))).await;
    let (won, lost): (Vec<_>, Vec<_>) = all.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    // The first loser ends the login; those after it find it ended.
    let lost: Vec<_> = lost.into_iter().map(code).collect();
    assert!(lost.contains(&"REFRESH_TOKEN_REUSED"));
    assert!(
        lost.iter().all(|code| ["REFRESH_TOKEN_REUSED", "REFRESH_TOKEN_INVALID"].contains(code)),
        "{lost:?}"
    );
    assert_eq!(revoked_because(&world, asha.caller.session_id).await, Some(Because::RefreshReused));
}

#[tokio::test]
async fn who_may_not_sign_in_may_not_refresh() {
    let world = World::new().await;
    let asha = world.user("asha").await;
    set(&world, &asha, "status = 'suspended', status_until = '2026-11-22T07:00:00Z'").await;
    assert_eq!(code(refresh(&world, &asha.refresh_token, true).await), "ACCOUNT_SUSPENDED");
    world.advance(TimeDelta::minutes(30));
    let (access, _) = refresh(&world, &asha.refresh_token, false).await.unwrap();
    set(&world, &asha, "status = 'banned', role = 'admin'").await;
    assert_eq!(code(refresh(&world, &asha.refresh_token, false).await), "ACCOUNT_SUSPENDED");
    set(&world, &asha, "status = 'active'").await;
    assert_eq!(world.banter.accounts().authenticate(&access).unwrap().role, Role::User);
    let (access, _) = refresh(&world, &asha.refresh_token, false).await.unwrap();
    assert_eq!(
        world.banter.accounts().authenticate(&access).unwrap().role,
        Role::Admin,
        "a refresh brings news"
    );
}

#[tokio::test]
async fn refreshing_has_a_limit_for_each_login() {
    let world = World::new().await;
    let asha = world.user("asha").await;
    for _ in 0..60 {
        refresh(&world, &asha.refresh_token, false).await.unwrap();
    }
    assert_eq!(code(refresh(&world, &asha.refresh_token, false).await), "RATE_LIMITED");
}

#[tokio::test]
async fn logging_out_ends_this_login_only() {
    let world = World::new().await;
    let asha = world.user("asha").await;
    let elsewhere = world.sign_in(&asha).await;
    let accounts = world.banter.accounts();
    for _ in 0..2 {
        accounts.log_out(&asha.caller).await.unwrap(); // a repeat does no harm
    }
    assert_eq!(revoked_because(&world, asha.caller.session_id).await, Some(Because::Logout));
    assert_eq!(code(accounts.authenticate(&asha.access_token).map(|_| ())), "SESSION_REVOKED");
    assert_eq!(code(refresh(&world, &asha.refresh_token, false).await), "REFRESH_TOKEN_INVALID");
    assert!(accounts.authenticate(&elsewhere.access_token).is_ok());
    let until = world.notices().expect_revoked(asha.caller.session_id).await.until;
    assert_eq!(until, asha.caller.expires_at);

    world.advance(TimeDelta::minutes(10));
    let (access, _) = refresh(&world, &elsewhere.refresh_token, false).await.unwrap();
    accounts.log_out(&elsewhere.caller).await.unwrap();
    let until = world.notices().expect_revoked(elsewhere.caller.session_id).await.until;
    assert_eq!(
        until,
        world.now() + TimeDelta::minutes(15),
        "remembered for as long as the last access token"
    );
    assert_eq!(code(accounts.authenticate(&access).map(|_| ())), "SESSION_REVOKED");
}

#[tokio::test]
async fn one_login_or_all_others_are_ended_from_another_device() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let [two, three, four] =
        [world.sign_in(&asha).await, world.sign_in(&asha).await, world.sign_in(&asha).await];
    let accounts = world.banter.accounts();
    accounts.end_session(&asha.caller, two.caller.session_id).await.unwrap();
    for gone in [two.caller.session_id, ravi.caller.session_id, SessionId(uuid::Uuid::nil())] {
        assert_eq!(code(accounts.end_session(&asha.caller, gone).await), "SESSION_NOT_FOUND");
    }
    assert!(accounts.authenticate(&ravi.access_token).is_ok());
    assert_eq!(accounts.end_other_sessions(&asha.caller).await.unwrap(), 2);
    assert_eq!(accounts.end_other_sessions(&asha.caller).await.unwrap(), 0);
    for ended in [&two, &three, &four] {
        assert_eq!(code(accounts.authenticate(&ended.access_token).map(|_| ())), "SESSION_REVOKED");
        assert_eq!(revoked_because(&world, ended.caller.session_id).await, Some(Because::LogoutOthers));
    }
    assert!(accounts.authenticate(&asha.access_token).is_ok());
    accounts.end_session(&asha.caller, asha.caller.session_id).await.unwrap();
    assert_eq!(code(accounts.authenticate(&asha.access_token).map(|_| ())), "SESSION_REVOKED");
}

#[tokio::test]
async fn logins_are_listed_newest_first_page_by_page() {
    let world = World::new().await;
    let asha = world.user("asha").await;
    world.user("ravi").await;
    let mut all = vec![asha.clone()];
    for _ in 0..4 {
        world.advance(TimeDelta::seconds(1));
        all.push(world.sign_in(&asha).await);
    }
    let accounts = world.banter.accounts();
    accounts.end_session(&asha.caller, all[3].caller.session_id).await.unwrap();
    all.remove(3);
    all.reverse();
    let (mut listed, mut cursor, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = PageRequest { limit: 2, cursor };
        let page = accounts.sessions(&asha.caller, &page).await.unwrap();
        listed.extend(page.items);
        pages += 1;
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(pages, 2);
    let ids = |people: &[Person]| people.iter().map(|p| p.caller.session_id).collect::<Vec<_>>();
    assert_eq!(listed.iter().map(|session| session.id).collect::<Vec<_>>(), ids(&all));
    assert!(listed.iter().all(|session| session.current == (session.id == asha.caller.session_id)));
    world.advance(TimeDelta::days(30));
    assert!(accounts.sessions(&asha.caller, &first(10)).await.unwrap().items.is_empty(), "past their time");
}

#[tokio::test]
async fn using_a_login_moves_its_time_and_a_long_agent_is_cut() {
    let world = World::new().await;
    let asha = world.user("asha").await;
    let token = world.firebase_token(&asha.firebase_uid, &asha.phone);
    let long = client(&"ह".repeat(300));
    world.banter.accounts().sign_in(&token, None, &long).await.unwrap();
    world.advance(TimeDelta::minutes(1));
    refresh(&world, &asha.refresh_token, false).await.unwrap();
    let sessions = world.banter.accounts().sessions(&asha.caller, &first(10)).await.unwrap().items;
    let old = sessions.iter().find(|session| session.current).unwrap();
    assert_eq!(old.last_used_at - old.created_at, TimeDelta::minutes(1));
    let new = sessions.iter().find(|session| !session.current).unwrap();
    assert_eq!(new.user_agent.as_ref().unwrap().chars().count(), 200);
}
