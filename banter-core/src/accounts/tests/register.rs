use futures_util::future::join_all;

use super::*;

fn registration(world: &World, number: u32, username: &str) -> Registration {
    Registration {
        firebase_token: world.firebase_token(&format!("uid-{number}"), &format!("+9197{number:08}")),
        full_name: "  Asha Kumari ".into(),
        username: username.into(),
        date_of_birth: "1998-04-23".into(),
        gender: Gender::Female,
        fcm_token: None,
    }
}

async fn register(world: &World, registration: Registration) -> Result<SignedIn, Error> {
    world.banter.accounts().register(registration, &client("a phone")).await
}

#[tokio::test]
async fn registering_makes_the_account_and_its_first_login() {
    let world = World::new().await;
    let signed_in = register(&world, registration(&world, 1, "Asha_1")).await.unwrap();
    assert_eq!(
        (signed_in.full_name.as_str(), signed_in.username.as_deref()),
        ("Asha Kumari", Some("Asha_1"))
    );
    assert_eq!((signed_in.coins, signed_in.is_premium, signed_in.avatar), (100, false, None));
    assert_eq!(signed_in.phone_number.as_str(), "+919700000001");
    let caller = world.banter.accounts().authenticate(&signed_in.tokens.access).unwrap();
    assert_eq!((caller.user_id, caller.role), (signed_in.id, Role::User));
    let profile = world.banter.accounts().profile(caller.user_id).await.unwrap();
    assert_eq!(
        (profile.gender, profile.is_verified, profile.language.as_str()),
        (Some(Gender::Female), true, "en")
    );
    assert_eq!(profile.date_of_birth.unwrap().to_string(), "1998-04-23");
    assert_eq!(profile.created_at, world.now());
    let sessions = world.banter.accounts().sessions(&caller, &first(10)).await.unwrap().items;
    assert_eq!((sessions.len(), sessions[0].user_agent.as_deref()), (1, Some("a phone")));
}

#[tokio::test]
async fn all_that_is_wrong_is_told_at_once() {
    let world = World::new().await;
    let bad = Registration {
        full_name: "A".into(),
        username: "no spaces".into(),
        date_of_birth: "yesterday".into(),
        fcm_token: Some("".into()),
        ..registration(&world, 1, "x")
    };
    assert_eq!(fields(register(&world, bad).await), ["dateOfBirth", "fcmToken", "fullName", "username"]);
    for (name, ok) in
        [("Al", true), ("x".repeat(50).as_str(), true), ("x".repeat(51).as_str(), false), ("A\0l", false)]
    {
        let one = Registration {
            full_name: name.into(),
            ..registration(&world, 10 + u32::try_from(name.len()).unwrap(), &format!("name_{}", name.len()))
        };
        assert_eq!(register(&world, one).await.is_ok(), ok, "{name:?}");
    }
}

#[tokio::test]
async fn the_young_are_turned_away_to_the_day() {
    let world = World::new().await; // it is 22 November 2026, noon in India
    for (birth, outcome) in [
        ("2008-11-23", "AGE_RESTRICTED"),
        ("2026-11-22", "AGE_RESTRICTED"),
        ("2026-11-23", "VALIDATION_FAILED"),
        ("1905-01-01", "VALIDATION_FAILED"),
    ] {
        let young = Registration { date_of_birth: birth.into(), ..registration(&world, 1, "asha") };
        assert_eq!(code(register(&world, young).await), outcome, "{birth}");
    }
    let just = Registration { date_of_birth: "2008-11-22".into(), ..registration(&world, 1, "asha") };
    assert!(register(&world, just).await.is_ok());
}

#[tokio::test]
async fn a_name_is_one_person_s_whatever_the_case() {
    let world = World::new().await;
    world.user("ravi").await;
    for name in ["ravi", "RAVI", "rAvI"] {
        assert_eq!(code(register(&world, registration(&world, 1, name)).await), "USERNAME_TAKEN", "{name}");
    }
    assert_eq!(fields(register(&world, registration(&world, 1, "SUPPORT")).await), ["username"]);
}

#[tokio::test]
async fn one_identity_registers_once() {
    let world = World::new().await;
    register(&world, registration(&world, 1, "asha")).await.unwrap();
    let same_phone = Registration {
        firebase_token: world.firebase_token("uid-another", "+919700000001"),
        ..registration(&world, 2, "asha2")
    };
    let same_uid = Registration {
        firebase_token: world.firebase_token("uid-1", "+919700000099"),
        ..registration(&world, 2, "asha3")
    };
    for again in [registration(&world, 1, "asha"), registration(&world, 1, "asha4"), same_phone, same_uid] {
        assert_eq!(code(register(&world, again).await), "ALREADY_REGISTERED");
    }
    let rows: i64 =
        sqlx::query_scalar("select count(*) from users").fetch_one(world.banter.pool()).await.unwrap();
    assert_eq!(rows, 1);
}

#[tokio::test]
async fn of_two_at_once_one_gets_the_name() {
    let world = World::new().await;
    world.open_connections().await;
    let all = join_all((1..=8).map(|number| {
        let name = if number % 2 == 0 { "asha" } else { "ASHA" };
        register(&world, registration(&world, number, name))
    }));
    let (won, lost): (Vec<_>, Vec<_>) = all.await.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    for outcome in lost {
        assert_eq!(code(outcome), "USERNAME_TAKEN");
    }
}

#[tokio::test]
async fn of_two_taps_at_once_one_registers() {
    let world = World::new().await;
    world.open_connections().await;
    let all = join_all((0..4).map(|_| register(&world, registration(&world, 1, "asha"))));
    let (won, lost): (Vec<_>, Vec<_>) = all.await.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    for outcome in lost {
        assert_eq!(code(outcome), "ALREADY_REGISTERED");
    }
}

#[tokio::test]
async fn what_firebase_does_not_vouch_for_registers_nobody() {
    let world = World::new().await;
    let forged = Registration { firebase_token: "forged".into(), ..registration(&world, 1, "asha") };
    assert_eq!(code(register(&world, forged).await), "FIREBASE_TOKEN_INVALID");
}
