use super::*;
use crate::ids::UserId;

async fn sign_in(world: &World, uid: &str, phone: &str) -> Result<SignIn, Error> {
    let token = world.firebase_token(uid, phone);
    world.banter.accounts().sign_in(&token, None, &client("a phone")).await
}

#[track_caller]
fn known(outcome: Result<SignIn, Error>) -> SignedIn {
    match outcome.unwrap() {
        SignIn::Known(signed_in) => *signed_in,
        SignIn::Stranger(identity) => panic!("a stranger: {identity:?}"),
    }
}

async fn identity(world: &World, user: UserId) -> (Option<String>, Option<String>) {
    sqlx::query_as("select firebase_uid, phone_number from users where id = $1")
        .bind(user)
        .fetch_one(world.banter.pool())
        .await
        .unwrap()
}

fn pair(uid: &str, phone: &str) -> (Option<String>, Option<String>) {
    (Some(uid.into()), Some(phone.into()))
}

#[tokio::test]
async fn a_stranger_is_told_to_register_and_leaves_no_trace() {
    let world = World::new().await;
    let SignIn::Stranger(identity) = sign_in(&world, "uid-new", "+919876543210").await.unwrap() else {
        panic!("nobody is registered")
    };
    assert_eq!((identity.uid.as_str(), identity.phone_number.as_str()), ("uid-new", "+919876543210"));
    let rows: i64 =
        sqlx::query_scalar("select count(*) from users").fetch_one(world.banter.pool()).await.unwrap();
    assert_eq!(rows, 0);
}

#[tokio::test]
async fn a_known_person_gets_tokens_and_their_own_view() {
    let world = World::new().await;
    let asha = world.user("asha").await;
    set(
        &world,
        &asha,
        "coins = 7, premium_until = '2026-11-22T06:30:01Z', avatar = 'a.webp', role = 'moderator'",
    )
    .await;
    let signed_in = known(sign_in(&world, &asha.firebase_uid, &asha.phone).await);
    assert_eq!((signed_in.id, signed_in.phone_number.as_str()), (asha.id, asha.phone.as_str()));
    assert_eq!((signed_in.username.as_deref(), signed_in.full_name.as_str()), (Some("asha"), "asha Kumar"));
    assert_eq!((signed_in.coins, signed_in.is_premium), (7, true));
    assert_eq!(signed_in.avatar.as_deref(), Some("a.webp"));
    let caller = world.banter.accounts().authenticate(&signed_in.tokens.access).unwrap();
    assert_eq!((caller.user_id, caller.role), (asha.id, Role::Moderator));
    assert_eq!(caller.expires_at, world.now() + TimeDelta::minutes(15));
    world.advance(TimeDelta::seconds(1));
    assert!(!known(sign_in(&world, &asha.firebase_uid, &asha.phone).await).is_premium);
}

#[tokio::test]
async fn who_may_not_sign_in_is_told_so_until_it_is_over() {
    let world = World::new().await;
    let asha = world.user("asha").await;
    for (status, until, refusal) in [
        ("suspended", "null", Some("ACCOUNT_SUSPENDED")),
        ("suspended", "'2026-11-22T06:30:01Z'", Some("ACCOUNT_SUSPENDED")),
        ("suspended", "'2026-11-22T06:30:00Z'", None),
        ("banned", "null", Some("ACCOUNT_SUSPENDED")),
        ("banned", "'2026-11-22T06:30:00Z'", Some("ACCOUNT_SUSPENDED")),
        ("active", "null", None),
    ] {
        set(&world, &asha, &format!("status = '{status}', status_until = {until}")).await;
        let outcome = sign_in(&world, &asha.firebase_uid, &asha.phone).await;
        match refusal {
            Some(refusal) => assert_eq!(code(outcome), refusal, "{status} until {until}"),
            None => assert_eq!(known(outcome).id, asha.id),
        }
    }
}

#[tokio::test]
async fn the_account_follows_uid_and_number_when_one_of_them_changes() {
    let world = World::new().await;
    let asha = world.user("asha").await;
    assert_eq!(known(sign_in(&world, "uid-asha-anew", &asha.phone).await).id, asha.id);
    assert_eq!(identity(&world, asha.id).await, pair("uid-asha-anew", &asha.phone));
    let moved = known(sign_in(&world, "uid-asha-anew", "+919999999999").await);
    assert_eq!((moved.id, moved.phone_number.as_str()), (asha.id, "+919999999999"));
    assert_eq!(identity(&world, asha.id).await, pair("uid-asha-anew", "+919999999999"));
}

#[tokio::test]
async fn a_number_on_somebody_else_s_account_stays_there() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let signed_in = known(sign_in(&world, &asha.firebase_uid, &ravi.phone).await);
    assert_eq!((signed_in.id, signed_in.phone_number.as_str()), (asha.id, asha.phone.as_str()));
    assert_eq!(identity(&world, asha.id).await, pair(&asha.firebase_uid, &asha.phone));
    assert_eq!(identity(&world, ravi.id).await, pair(&ravi.firebase_uid, &ravi.phone));
}

#[tokio::test]
async fn what_firebase_does_not_vouch_for_signs_nobody_in() {
    let world = World::new().await;
    let asha = world.user("asha").await;
    let accounts = world.banter.accounts();
    for token in ["", "nonsense", asha.access_token.as_str()] {
        assert_eq!(code(accounts.sign_in(token, None, &client("x")).await), "FIREBASE_TOKEN_INVALID");
    }
    let good = world.firebase_token(&asha.firebase_uid, &asha.phone);
    world.advance(TimeDelta::minutes(61));
    assert_eq!(code(accounts.sign_in(&good, None, &client("x")).await), "FIREBASE_TOKEN_INVALID");
    let bad_device = accounts.sign_in(&good, Some("with space"), &client("x")).await;
    assert_eq!(fields(bad_device), ["fcmToken"]);
}

#[tokio::test]
async fn one_person_signs_in_only_so_often_from_wherever() {
    let world = World::new().await;
    let asha = world.user("asha").await; // once
    for _ in 1..20 {
        known(sign_in(&world, &asha.firebase_uid, &asha.phone).await);
    }
    let error = sign_in(&world, &asha.firebase_uid, &asha.phone).await.unwrap_err();
    assert_eq!((error.coded().1, error.retry_after()), ("RATE_LIMITED", Some(45)));
    world.advance(TimeDelta::seconds(45));
    known(sign_in(&world, &asha.firebase_uid, &asha.phone).await);
}

#[tokio::test]
async fn one_address_asks_only_so_often_even_with_forgeries() {
    let world = World::new().await;
    for _ in 0..300 {
        let outcome = world.banter.accounts().sign_in("forged", None, &client("x")).await;
        assert_eq!(code(outcome), "FIREBASE_TOKEN_INVALID");
    }
    assert_eq!(code(world.banter.accounts().sign_in("forged", None, &client("x")).await), "RATE_LIMITED");
    for (address, outcome) in [("::ffff:192.0.2.1", "RATE_LIMITED"), ("192.0.2.2", "FIREBASE_TOKEN_INVALID")]
    {
        let client = Client { address: address.parse().unwrap(), user_agent: None };
        assert_eq!(
            code(world.banter.accounts().sign_in("forged", None, &client).await),
            outcome,
            "{address}"
        );
    }
}

#[tokio::test]
async fn an_operator_signs_in_as_somebody_in_development_only() {
    let world = World::new().await;
    let asha = world.user("asha").await;
    let ttl = std::time::Duration::from_secs(60);
    let tokens = world.banter.accounts().sign_in_as(asha.id, ttl).await.unwrap();
    let caller = world.banter.accounts().authenticate(&tokens.access).unwrap();
    assert_eq!((caller.user_id, caller.expires_at), (asha.id, world.now() + TimeDelta::seconds(60)));
    let nobody = UserId(uuid::Uuid::nil());
    assert_eq!(code(world.banter.accounts().sign_in_as(nobody, ttl).await), "USER_NOT_FOUND");
    set(&world, &asha, "status = 'suspended'").await;
    assert_eq!(code(world.banter.accounts().sign_in_as(asha.id, ttl).await), "ACCOUNT_SUSPENDED");
    let live =
        World::builder().config(|c| c.environment = crate::config::Environment::Production).build().await;
    assert_eq!(code(live.banter.accounts().sign_in_as(asha.id, ttl).await), "ONLY_IN_DEVELOPMENT");
}
