use super::*;
use crate::accounts::profile::{Profile, ProfileChange};
use crate::ids::UserId;

async fn change(world: &World, person: &Person, change: ProfileChange) -> Result<Profile, Error> {
    world.banter.accounts().change_profile(&person.caller, change).await
}

#[tokio::test]
async fn what_is_not_named_stays_and_what_is_cleared_goes() {
    let world = World::new().await;
    let asha = world.user("asha").await;
    let before = world.banter.accounts().profile(asha.id).await.unwrap();
    let untouched = change(&world, &asha, ProfileChange::default()).await.unwrap();
    assert_eq!(format!("{untouched:?}"), format!("{before:?}"));

    let full = change(
        &world,
        &asha,
        ProfileChange {
            full_name: Some(" Asha K ".into()),
            username: Some("Asha_K".into()),
            email: Some(Some("asha@example.in".into())),
            bio: Some(Some("Chai & cricket".into())),
            gender: Some(Gender::Female),
            language: Some("hi".into()),
            interests: Some(vec!["music".into(), " music ".into(), "chai".into()]),
            looking_for: Some(vec!["friends".into()]),
        },
    )
    .await
    .unwrap();
    assert_eq!((full.full_name.as_str(), full.username.as_deref()), ("Asha K", Some("Asha_K")));
    assert_eq!(
        (full.email.as_deref(), full.bio.as_deref()),
        (Some("asha@example.in"), Some("Chai & cricket"))
    );
    assert_eq!((full.gender, full.language.as_str()), (Some(Gender::Female), "hi"));
    assert_eq!((full.interests.len(), full.looking_for.len()), (2, 1));

    let cleared =
        ProfileChange { email: Some(None), bio: Some(None), interests: Some(vec![]), ..Default::default() };
    let cleared = change(&world, &asha, cleared).await.unwrap();
    assert_eq!((cleared.email, cleared.bio, cleared.interests.len()), (None, None, 0));
    assert_eq!((cleared.full_name.as_str(), cleared.looking_for.len()), ("Asha K", 1));
}

#[tokio::test]
async fn all_that_is_wrong_is_told_and_nothing_is_changed() {
    let world = World::new().await;
    let asha = world.user("asha").await;
    let bad = ProfileChange {
        full_name: Some("A".into()),
        username: Some("admin".into()),
        email: Some(Some("not an address".into())),
        bio: Some(Some("x".repeat(501))),
        gender: Some(Gender::Male),
        language: Some("Hindi".into()),
        interests: Some(vec!["x".into(); 21]),
        looking_for: Some(vec!["x".repeat(31)]),
    };
    let wrong = fields(change(&world, &asha, bad).await);
    assert_eq!(wrong, ["bio", "email", "fullName", "interests", "language", "lookingFor", "username"]);
    assert_eq!(world.banter.accounts().profile(asha.id).await.unwrap().gender, Some(Gender::Other));
}

#[tokio::test]
async fn names_and_addresses_are_one_person_s() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let email = |text: &str| ProfileChange { email: Some(Some(text.into())), ..Default::default() };
    let name = |text: &str| ProfileChange { username: Some(text.into()), ..Default::default() };
    change(&world, &asha, email("Asha@example.in")).await.unwrap();
    assert_eq!(code(change(&world, &ravi, email("asha@EXAMPLE.in")).await), "EMAIL_TAKEN");
    assert_eq!(code(change(&world, &ravi, name("ASHA")).await), "USERNAME_TAKEN");
    assert_eq!(change(&world, &asha, name("ASHA")).await.unwrap().username.as_deref(), Some("ASHA"));
}

#[tokio::test]
async fn availability_is_as_registration_would_find_it() {
    let world = World::new().await;
    let (asha, _ravi) = (world.user("asha").await, world.user("ravi").await);
    let accounts = world.banter.accounts();
    for (name, free) in [("meera", true), ("RAVI", false), ("Asha", true)] {
        assert_eq!(accounts.username_available(&asha.caller, name).await.unwrap(), free, "{name}");
    }
    for bad in ["ab", "no spaces", "support"] {
        assert_eq!(fields(accounts.username_available(&asha.caller, bad).await), ["username"]);
    }
    for _ in 0..54 {
        accounts.username_available(&asha.caller, "meera").await.unwrap();
    }
    assert_eq!(code(accounts.username_available(&asha.caller, "meera").await), "RATE_LIMITED");
}

#[tokio::test]
async fn a_deleted_account_cannot_be_changed() {
    let world = World::new().await;
    let asha = world.user("asha").await;
    set(&world, &asha, "status = 'deleted'").await;
    assert_eq!(code(change(&world, &asha, ProfileChange::default()).await), "USER_NOT_FOUND");
    let nobody = UserId(uuid::Uuid::nil());
    assert_eq!(code(world.banter.accounts().profile(nobody).await), "USER_NOT_FOUND");
}

#[tokio::test]
async fn an_operator_finds_an_account_by_id_number_or_name() {
    let world = World::new().await;
    let (asha, _) = (world.user("asha").await, world.user("ravi").await);
    let accounts = world.banter.accounts();
    let id = asha.id.to_string();
    for name in [id.as_str(), &id.to_uppercase(), &asha.phone, "asha", "ASHA"] {
        assert_eq!(accounts.find(name).await.unwrap(), asha.id, "{name}");
    }
    for name in ["", "nobody", "+910000000000", "a%", &id[1..]] {
        assert_eq!(code(accounts.find(name).await), "USER_NOT_FOUND", "{name}");
    }
}
