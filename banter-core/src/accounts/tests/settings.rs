use super::*;
use crate::accounts::settings::{Audience, Settings, SettingsChange, Watchers};

fn hours(from: &str, to: &str) -> Option<Option<(String, String)>> {
    Some(Some((from.into(), to.into())))
}

#[tokio::test]
async fn who_changed_nothing_has_what_the_table_and_the_database_s_rules_default_to() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let accounts = world.banter.accounts();
    assert_eq!(accounts.settings(&asha.caller).await.unwrap(), Settings::default());
    let asks = "select may_message($1, $2), may_call($1, $2),
                not exists (select from hidden_presences where user_id = $2)";
    let rules = async || -> (bool, bool, bool) {
        sqlx::query_as(asks).bind(ravi.id).bind(asha.id).fetch_one(world.banter.pool()).await.unwrap()
    };
    let without_row = rules().await;
    world
        .sql(&format!("insert into user_settings (user_id, updated_at) values ('{}', now())", asha.id))
        .await;
    assert_eq!(accounts.settings(&asha.caller).await.unwrap(), Settings::default(), "a bare row");
    assert_eq!((without_row, rules().await), ((true, false, true), (true, false, true)));
    world.befriend(&asha, &ravi).await;
    assert_eq!(rules().await, (true, true, true));
}

#[tokio::test]
async fn what_is_not_given_stays_and_hours_can_be_cleared() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    let accounts = world.banter.accounts();
    let change = SettingsChange {
        calls: Some(Audience::Nobody),
        push_rooms: Some(false),
        quiet_hours: hours("22:30", "07:00"),
        ..SettingsChange::default()
    };
    let changed = accounts.change_settings(&asha.caller, change).await.unwrap();
    let mut expected = Settings { calls: Audience::Nobody, ..Settings::default() };
    expected.push.rooms = false;
    expected.quiet_hours = changed.quiet_hours;
    assert_eq!(changed, expected);
    let quiet = changed.quiet_hours.unwrap();
    assert_eq!((quiet.from(), quiet.to()), ("22:30".into(), "07:00".into()));

    let change = SettingsChange { presence: Some(Watchers::Nobody), ..SettingsChange::default() };
    expected.presence = Watchers::Nobody;
    assert_eq!(accounts.change_settings(&asha.caller, change).await.unwrap(), expected);
    let nothing = accounts.change_settings(&asha.caller, SettingsChange::default()).await.unwrap();
    assert_eq!(nothing, expected);
    let change = SettingsChange { quiet_hours: Some(None), ..SettingsChange::default() };
    expected.quiet_hours = None;
    assert_eq!(accounts.change_settings(&asha.caller, change).await.unwrap(), expected);
    assert_eq!(accounts.settings(&asha.caller).await.unwrap(), expected);
}

#[tokio::test]
async fn hours_that_make_no_sense_change_nothing() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    for (from, to) in [("22:30", "22:30"), ("25:00", "07:00"), ("", "")] {
        let change = SettingsChange {
            messages: Some(Audience::Nobody),
            quiet_hours: hours(from, to),
            ..SettingsChange::default()
        };
        let refused = world.banter.accounts().change_settings(&asha.caller, change).await;
        assert_eq!(code(refused), "VALIDATION_FAILED", "{from} {to}");
    }
    assert_eq!(world.banter.accounts().settings(&asha.caller).await.unwrap(), Settings::default());
}

#[tokio::test]
async fn two_changes_at_once_both_hold() {
    let world = World::with_memory().await;
    world.open_connections().await;
    for round in 0..5 {
        let asha = world.user(&format!("asha{round}")).await;
        let accounts = world.banter.accounts();
        let calls = SettingsChange { calls: Some(Audience::Everyone), ..SettingsChange::default() };
        let push = SettingsChange { push_calls: Some(false), ..SettingsChange::default() };
        let (one, other) = tokio::join!(
            accounts.change_settings(&asha.caller, calls),
            accounts.change_settings(&asha.caller, push)
        );
        one.unwrap();
        other.unwrap();
        let settings = accounts.settings(&asha.caller).await.unwrap();
        assert_eq!((settings.calls, settings.push.calls), (Audience::Everyone, false));
    }
}

#[tokio::test]
async fn a_place_is_kept_rounded_and_forgotten_when_asked() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    let accounts = world.banter.accounts();
    let stored = async || -> Vec<(i16, i16)> {
        sqlx::query_as("select latitude_centi, longitude_centi from user_locations")
            .fetch_all(world.banter.pool())
            .await
            .unwrap()
    };
    for (latitude, longitude, centi) in
        [(19.075_983_7, 72.877_655_9, (1908, 7288)), (-33.868_8, -180.0, (-3387, -18_000))]
    {
        let place = accounts.put_location(&asha.caller, latitude, longitude).await.unwrap();
        assert_eq!(stored().await, [centi]);
        let told = (place.latitude, place.longitude);
        assert_eq!(told, (f64::from(centi.0) / 100.0, f64::from(centi.1) / 100.0));
    }
    for (latitude, longitude) in [(90.1, 0.0), (0.0, 180.1), (f64::NAN, 0.0)] {
        let refused = accounts.put_location(&asha.caller, latitude, longitude).await;
        assert_eq!(code(refused), "VALIDATION_FAILED", "{latitude} {longitude}");
    }
    for _ in 0..2 {
        accounts.delete_location(&asha.caller).await.unwrap();
    }
    assert!(stored().await.is_empty());
}
