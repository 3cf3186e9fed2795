use chrono::TimeDelta;

use super::*;
use crate::accounts::public::PublicProfile;
use crate::accounts::settings::{Audience, SettingsChange, Watchers};
use crate::friends::relationship::Relationship;
use crate::friends::requests::Asked;
use crate::presence;

async fn seen(world: &World, who: &Person, whom: &Person) -> Result<PublicProfile, Error> {
    world.banter.accounts().public_profile(&who.caller, whom.id).await
}

async fn relationship(world: &World, who: &Person, whom: &Person) -> Relationship {
    seen(world, who, whom).await.unwrap().relationship
}

#[tokio::test]
async fn a_profile_says_how_the_two_stand() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    assert_eq!(relationship(&world, &asha, &ravi).await, Relationship::None);
    let asked = world.banter.friends().ask(&asha.caller, ravi.id, None).await.unwrap();
    let Asked::Sent(request) = asked else { panic!("{asked:?}") };
    for (who, whom, expected) in
        [(&asha, &ravi, Relationship::PendingOut), (&ravi, &asha, Relationship::PendingIn)]
    {
        let profile = seen(&world, who, whom).await.unwrap();
        assert_eq!((profile.relationship, profile.request_id), (expected, Some(request.id)));
    }
    world.banter.friends().accept(&ravi.caller, request.id).await.unwrap();
    let profile = seen(&world, &asha, &ravi).await.unwrap();
    assert_eq!((profile.relationship, profile.request_id), (Relationship::Friends, None));
    world.banter.friends().remove(&ravi.caller, asha.id).await.unwrap();
    assert_eq!(relationship(&world, &asha, &ravi).await, Relationship::None);
    // A refusal is not told.
    let Ok(Asked::Sent(request)) = world.banter.friends().ask(&asha.caller, ravi.id, None).await else {
        panic!("asked again")
    };
    world.banter.friends().reject(&ravi.caller, request.id).await.unwrap();
    assert_eq!(relationship(&world, &asha, &ravi).await, Relationship::None);
}

#[tokio::test]
async fn age_is_counted_and_what_nobody_said_is_not_there() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let details = seen(&world, &asha, &ravi).await.unwrap().details.unwrap();
    assert_eq!((details.age, details.gender), (Some(28), Some(Gender::Other)));
    assert_eq!(details.member_since.to_string(), "2026-11-22");
    world
        .sql(&format!(
            "update users set gender = 'prefer_not_to_say', date_of_birth = null,
             created_at = '2026-11-22T19:00:00Z' where id = '{}'",
            ravi.id
        ))
        .await;
    let details = seen(&world, &asha, &ravi).await.unwrap().details.unwrap();
    assert_eq!((details.age, details.gender), (None, None));
    assert_eq!(details.member_since.to_string(), "2026-11-23", "by India's calendar");
}

#[tokio::test]
async fn who_is_not_there_or_blocked_the_caller_has_no_profile() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let nobody = world.banter.accounts().public_profile(&asha.caller, UserId(uuid::Uuid::nil())).await;
    assert_eq!(code(nobody), "USER_NOT_FOUND");
    world.befriend(&asha, &ravi).await;
    for (status, there) in [("deleted", false), ("banned", false), ("suspended", true), ("active", true)] {
        world.sql(&format!("update users set status = '{status}' where id = '{}'", ravi.id)).await;
        assert_eq!(seen(&world, &asha, &ravi).await.is_ok(), there, "{status}");
    }
    world.block(&ravi, &asha).await;
    assert_eq!(code(seen(&world, &asha, &ravi).await), "USER_NOT_FOUND");
}

#[tokio::test]
async fn of_somebody_the_caller_blocked_there_is_the_name_whoever_else_blocked() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    world.block(&asha, &ravi).await;
    for _ in 0..2 {
        let profile = seen(&world, &asha, &ravi).await.unwrap();
        assert_eq!(profile.relationship, Relationship::BlockedByMe);
        assert_eq!(profile.user.username.as_deref(), Some("ravi"));
        assert!(profile.details.is_none() && profile.request_id.is_none());
        world.block(&ravi, &asha).await;
    }
    world.sql(&format!("update users set status = 'banned' where id = '{}'", ravi.id)).await;
    assert_eq!(code(seen(&world, &asha, &ravi).await), "USER_NOT_FOUND");
}

#[tokio::test]
async fn who_may_write_call_and_see_is_as_settings_say() {
    use Audience::{Everyone, Friends, Nobody};
    let world = World::with_memory().await;
    let (asha, ravi, friend) =
        (world.user("asha").await, world.user("ravi").await, world.user("friend").await);
    world.befriend(&asha, &friend).await;
    let may = async |who: &Person| {
        let details = seen(&world, who, &asha).await.unwrap().details.unwrap();
        (details.can_message, details.can_call)
    };
    assert_eq!((may(&ravi).await, may(&friend).await), ((true, false), (true, true)), "by default");
    for (messages, calls, stranger, of_friend) in [
        (Everyone, Everyone, (true, true), (true, true)),
        (Friends, Nobody, (false, false), (true, false)),
        (Nobody, Friends, (false, false), (false, true)),
    ] {
        let change =
            SettingsChange { messages: Some(messages), calls: Some(calls), ..SettingsChange::default() };
        world.banter.accounts().change_settings(&asha.caller, change).await.unwrap();
        assert_eq!((may(&ravi).await, may(&friend).await), (stranger, of_friend), "{messages:?} {calls:?}");
    }
    assert_eq!(may(&asha).await, (false, false), "nobody writes to themselves");
}

#[tokio::test]
async fn presence_is_shown_to_friends_unless_it_is_hidden() {
    let world = World::with_memory().await;
    let (asha, ravi, friend) =
        (world.user("asha").await, world.user("ravi").await, world.user("friend").await);
    world.befriend(&asha, &friend).await;
    world.banter.presence().arrived(asha.id, "phone").await;
    let status = async |who: &Person| {
        let details = seen(&world, who, &asha).await.unwrap().details.unwrap();
        details.presence.map(|presence| presence.status)
    };
    assert_eq!((status(&ravi).await, status(&friend).await), (None, Some(presence::Status::Online)));
    let hide = SettingsChange { presence: Some(Watchers::Nobody), ..SettingsChange::default() };
    world.banter.accounts().change_settings(&asha.caller, hide).await.unwrap();
    assert_eq!(status(&friend).await, None);
}

#[tokio::test]
async fn mutual_friends_are_counted_as_they_are_listed() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    for name in ["one", "two", "three"] {
        let friend = world.user(name).await;
        world.befriend(&friend, &asha).await;
        world.befriend(&friend, &ravi).await;
        world.advance(TimeDelta::minutes(1));
        if name == "two" {
            world.sql(&format!("update users set status = 'deleted' where id = '{}'", friend.id)).await;
        }
    }
    assert_eq!(seen(&world, &asha, &ravi).await.unwrap().details.unwrap().mutual_friends, 2);
}
