//! What is reported, frozen, gathered, and told.

use chrono::TimeDelta;
use serde_json::Value;

use super::*;
use crate::events::Event;
use crate::ids::{MessageId, RoomId, UserId};
use crate::moderation::reports::Status;

async fn evidence(world: &World) -> Value {
    sqlx::query_scalar("select evidence from reports order by id desc limit 1")
        .fetch_one(world.banter.pool())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_message_is_frozen_with_what_stands_around_it() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    world.acquaint(&asha, &ravi).await;
    for n in 0..8 {
        world.send(&asha, &ravi, &format!("before {n}")).await;
    }
    let bad = world.send(&asha, &ravi, "I know where you live").await;
    world.send(&ravi, &asha, "stop it").await;
    let filed = report(&world, &ravi, About::Message(bad.id), Reason::Threat).await;
    assert_eq!((filed.repeated, filed.report.status), (false, Status::Pending));
    assert_eq!(filed.report.reported_user_id, Some(asha.id));
    world.banter.messaging().delete(&asha.caller, bad.id).await.unwrap();
    let evidence = evidence(&world).await;
    assert_eq!(evidence["messageId"], bad.id.to_string());
    let texts: Vec<&str> =
        evidence["messages"].as_array().unwrap().iter().map(|m| m["content"].as_str().unwrap()).collect();
    assert_eq!(
        texts,
        ["before 3", "before 4", "before 5", "before 6", "before 7", "I know where you live", "stop it"]
    );
    assert_eq!(evidence["profile"]["fullName"], "asha Kumar");
    assert_eq!(
        code(
            world
                .banter
                .moderation()
                .report(&ravi.caller, About::Message(bad.id), Reason::Threat, None)
                .await
        ),
        "SUBJECT_NOT_FOUND",
        "a tombstone says nothing"
    );
}

#[tokio::test]
async fn one_case_gathers_its_reports() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    let people = [world.user("ravi").await, world.user("meera").await, world.user("kabir").await];
    let first = report(&world, &people[0], About::User(asha.id), Reason::Spam).await;
    world.advance(TimeDelta::hours(1));
    assert!(report(&world, &people[0], About::User(asha.id), Reason::Hate).await.repeated);
    report(&world, &people[1], About::User(asha.id), Reason::Hate).await;
    report(&world, &people[2], About::User(asha.id), Reason::Other).await;
    let case = only_case(&world).await;
    assert_eq!((case.reporters, case.reason, case.severity), (3, Reason::Hate, 3), "the gravest counts");
    assert!(
        (case.priority - 3.0 * 2.0 * 3.0).abs() < 1e-9,
        "severity, hours and one, reporters: {}",
        case.priority
    );
    let mine = world.banter.moderation().my_reports(&people[0].caller, &ALL).await.unwrap().items;
    assert_eq!(mine, [first.report]);
}

#[tokio::test]
async fn many_reporters_at_once_make_one_case() {
    let world = World::with_memory().await;
    world.open_connections().await;
    let asha = world.user("asha").await;
    let mut people = Vec::new();
    for n in 0..8 {
        people.push(world.user(&format!("person_{n}")).await);
    }
    let both =
        people.iter().chain(&people).map(|person| report(&world, person, About::User(asha.id), Reason::Fake));
    let filed = futures_util::future::join_all(both).await;
    assert_eq!(filed.iter().filter(|filed| filed.repeated).count(), 8);
    assert_eq!(only_case(&world).await.reporters, 8);
}

#[tokio::test]
async fn only_what_one_saw_is_reported() {
    let world = World::with_memory().await;
    let (asha, ravi, meera) = (world.user("asha").await, world.user("ravi").await, world.user("meera").await);
    let message = world.send(&asha, &ravi, "between us").await;
    let moderation = world.banter.moderation();
    let try_it =
        async |who: &Person, about| code(moderation.report(&who.caller, about, Reason::Spam, None).await);
    assert_eq!(try_it(&meera, About::Message(message.id)).await, "SUBJECT_NOT_FOUND");
    assert_eq!(try_it(&meera, About::Message(MessageId(uuid::Uuid::nil()))).await, "SUBJECT_NOT_FOUND");
    assert_eq!(try_it(&asha, About::Message(message.id)).await, "CANNOT_REPORT_YOURSELF");
    assert_eq!(try_it(&asha, About::User(asha.id)).await, "CANNOT_REPORT_YOURSELF");
    assert_eq!(try_it(&asha, About::User(UserId(uuid::Uuid::nil()))).await, "SUBJECT_NOT_FOUND");
    assert_eq!(try_it(&asha, About::Room(RoomId(uuid::Uuid::nil()), None)).await, "SUBJECT_NOT_FOUND");
    // Who blocked somebody does not escape what they wrote to them; a stranger who blocked is not there.
    world.block(&asha, &ravi).await;
    world.block(&asha, &meera).await;
    report(&world, &ravi, About::Message(message.id), Reason::Harassment).await;
    report(&world, &ravi, About::User(asha.id), Reason::Harassment).await;
    assert_eq!(try_it(&meera, About::User(asha.id)).await, "SUBJECT_NOT_FOUND");
    world.block(&meera, &ravi).await;
    report(&world, &meera, About::User(ravi.id), Reason::Harassment).await;
    let long = "x".repeat(2001);
    let refused =
        moderation.report(&ravi.caller, About::User(meera.id), Reason::LegalOrder, Some(&long)).await;
    assert_eq!(
        refused.unwrap_err().problems().unwrap().iter().map(|(field, _)| field).collect::<Vec<_>>(),
        ["description", "reason"]
    );
}

#[tokio::test]
async fn the_reporter_hears_what_it_came_to() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let (_, judge) = staffer(&world, "judge", Role::Moderator).await;
    world.sql("update users set language = 'hi' where username = 'ravi'").await;
    let filed = report(&world, &ravi, About::User(asha.id), Reason::Spam).await;
    let case = only_case(&world).await;
    world.banter.moderation().resolve(judge, case.id, &act(Action::Warn, None)).await.unwrap();
    let Event::NotificationNew(new) =
        world.expect_event(&ravi, |event| matches!(event, Event::NotificationNew(_))).await
    else {
        unreachable!()
    };
    assert_eq!(new.notification.subject_id, Some(filed.report.id.0));
    assert_eq!(new.notification.title, "आपकी रिपोर्ट");
    let mine = world.banter.moderation().my_reports(&ravi.caller, &ALL).await.unwrap().items;
    assert_eq!((mine[0].status, mine[0].decided_at), (Status::ActionTaken, Some(world.now())));
    // Again later is another case.
    world.advance(TimeDelta::days(1));
    assert!(!report(&world, &ravi, About::User(asha.id), Reason::Spam).await.repeated);
    assert_ne!(only_case(&world).await.id, case.id);
}

#[tokio::test]
async fn whose_reports_are_false_is_counted_and_may_be_muted() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let (_, judge) = staffer(&world, "judge", Role::Moderator).await;
    let moderation = world.banter.moderation();
    for decision in [dismiss(), dismiss(), dismiss(), act(Action::Warn, None)] {
        report(&world, &ravi, About::User(asha.id), Reason::Spam).await;
        let case = only_case(&world).await.id;
        moderation.resolve(judge, case, &decision).await.unwrap();
    }
    report(&world, &ravi, About::User(asha.id), Reason::Spam).await;
    let case = only_case(&world).await.id;
    let dossier = moderation.dossier(judge, case).await.unwrap();
    let record = dossier.reports[0].reporter_record;
    assert_eq!((record.filed, record.dismissed, record.false_rate), (5, 3, Some(0.75)));
    moderation.mute_reporter(judge, ravi.id, 7, "three of four").await.unwrap();
    let again = |reason| moderation.report(&ravi.caller, About::User(asha.id), reason, None);
    assert_eq!(code(again(Reason::Hate).await), "REPORTING_MUTED");
    again(Reason::ChildSafety).await.expect("that is always looked at");
    world.advance(TimeDelta::days(7));
    again(Reason::Hate).await.expect("taken again");
    assert_eq!(code(moderation.mute_reporter(Staff::OPERATOR, ravi.id, 7, "x").await), "NAME_NEEDED");
}
