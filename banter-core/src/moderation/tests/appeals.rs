//! The sanctioned person's own word.

use super::*;
use crate::moderation::appeals::State as Appealed;
use crate::moderation::sanctions::State;

#[tokio::test]
async fn an_appeal_is_answered_by_somebody_else() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let (_, actor) = staffer(&world, "actor", Role::Senior).await;
    let (_, second) = staffer(&world, "second", Role::Senior).await;
    let (_, third) = staffer(&world, "third", Role::Senior).await;
    let moderation = world.banter.moderation();
    let ban = moderation.sanction(actor, asha.id, &order(Action::Ban, None)).await.unwrap();
    moderation.confirm(second, ban.id).await.unwrap();
    // She cannot sign in, and is heard all the same.
    let token = world.firebase_token(&asha.firebase_uid, &asha.phone);
    let standing = moderation.standing(&token, &asha.client).await.unwrap();
    assert_eq!((standing.len(), standing[0].id, standing[0].can_appeal), (1, ban.id, true));
    let appeal =
        moderation.appeal_signed_out(&token, &asha.client, ban.id, "It was my brother").await.unwrap();
    assert_eq!((appeal.can_appeal, appeal.appeal), (false, Some(Appealed::Open)));
    let again = moderation.appeal_signed_out(&token, &asha.client, ban.id, "Please").await;
    assert_eq!(code(again), "ALREADY_APPEALED");
    assert_eq!(code(moderation.appeal(&ravi.caller, ban.id, "me too").await), "SANCTION_NOT_FOUND");
    assert_eq!(code(moderation.appeal(&ravi.caller, ban.id, " ").await), "VALIDATION_FAILED");
    let waiting = moderation.appeals(third, Appealed::Open, &ALL).await.unwrap().items;
    assert_eq!(waiting[0].words, "It was my brother");
    let id = waiting[0].id;
    for party in [actor, second] {
        assert_eq!(code(moderation.decide_appeal(party, id, false, "no").await), "SECOND_PERSON_NEEDED");
    }
    world.open_connections().await;
    let (one, two) = tokio::join!(
        moderation.decide_appeal(third, id, true, "We looked again, and you are right"),
        moderation.decide_appeal(third, id, true, "We looked again, and you are right"),
    );
    let codes: Vec<_> =
        [one, two].into_iter().filter_map(|answer| answer.err().map(|e| e.coded().1)).collect();
    assert_eq!(codes, ["APPEAL_DECIDED"], "decided once");
    let sanction = moderation.sanctions(third, Some(asha.id), None, &ALL).await.unwrap().items.remove(0);
    assert_eq!(sanction.state, State::Reversed);
    world.sign_in(&asha).await;
    world.may_leave_jobs();
}

#[tokio::test]
async fn one_that_is_upheld_changes_nothing() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    let (_, actor) = staffer(&world, "actor", Role::Moderator).await;
    let (_, senior) = staffer(&world, "second", Role::Senior).await;
    let moderation = world.banter.moderation();
    let warned = moderation.sanction(actor, asha.id, &order(Action::Warn, None)).await.unwrap();
    moderation.appeal(&asha.caller, warned.id, "I did not").await.unwrap();
    let id = moderation.appeals(senior, Appealed::Open, &ALL).await.unwrap().items[0].id;
    assert_eq!(code(moderation.decide_appeal(actor, id, true, "x").await), "ROLE_FORBIDS");
    moderation.decide_appeal(senior, id, false, "You did").await.unwrap();
    let mine = moderation.my_sanctions(&asha.caller, &ALL).await.unwrap().items.remove(0);
    assert_eq!(
        (mine.state, mine.appeal, mine.answer.as_deref()),
        (State::InForce, Some(Appealed::Upheld), Some("You did"))
    );
    assert!(moderation.appeals(senior, Appealed::Open, &ALL).await.unwrap().items.is_empty());
    let (from, to) = (world.now() - chrono::TimeDelta::days(1), world.now() + chrono::TimeDelta::days(1));
    let stats = moderation.stats(senior, from, to).await.unwrap();
    assert_eq!((stats.appeals.decided, stats.appeals.overturn_rate), (1, Some(0.0)));
    world.may_leave_jobs();
}

/// Found by the property test of roles: one person answered the appeal first, and then was the second person too.
#[tokio::test]
async fn whoever_answers_an_appeal_is_not_the_second_person() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    let (_, actor) = staffer(&world, "actor", Role::Moderator).await;
    let (_, senior) = staffer(&world, "second", Role::Senior).await;
    let (_, third) = staffer(&world, "third", Role::Senior).await;
    let moderation = world.banter.moderation();
    let ban = moderation.sanction(actor, asha.id, &order(Action::Ban, None)).await.unwrap();
    let token = world.firebase_token(&asha.firebase_uid, &asha.phone);
    moderation.appeal_signed_out(&token, &asha.client, ban.id, "It was my brother").await.unwrap();
    let id = moderation.appeals(senior, Appealed::Open, &ALL).await.unwrap().items[0].id;
    moderation.decide_appeal(senior, id, false, "It was you").await.unwrap();
    assert_eq!(code(moderation.confirm(senior, ban.id).await), "SECOND_PERSON_NEEDED");
    assert_eq!(code(moderation.refuse(senior, ban.id, "no").await), "SECOND_PERSON_NEEDED");
    moderation.confirm(third, ban.id).await.unwrap();
    world.may_leave_jobs();
}
