use chrono::TimeDelta;

use super::*;
use crate::accounts::PersonSummary;
use crate::events::{Event, FriendAccepted, FriendAsked, FriendRemoved};
use crate::friends::relationship::REST;
use crate::ids::UserId;

fn summary(person: &Person) -> PersonSummary {
    PersonSummary {
        id: person.id,
        username: Some(person.name.clone()),
        full_name: format!("{} Kumar", person.name),
        avatar: None,
    }
}

#[tokio::test]
async fn a_request_waits_is_accepted_and_both_are_told() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let rules = world.banter.friends();
    let asked = rules.ask(&asha.caller, ravi.id, Some("  we met in Pune ")).await.unwrap();
    let Asked::Sent(request) = asked else { panic!("{asked:?}") };
    assert_eq!((&request.sender, &request.receiver), (&summary(&asha), &summary(&ravi)));
    assert_eq!((request.message.as_deref(), request.created_at), (Some("we met in Pune"), world.now()));
    for person in [&asha, &ravi] {
        let told = Event::FriendRequest(FriendAsked { request: Box::new(request.clone()) });
        assert!(world.events_for(person).contains(&told), "{}", person.name);
    }
    assert_eq!(waiting(&world, &asha, Direction::Outgoing).await, [request.id]);
    assert_eq!(waiting(&world, &ravi, Direction::Incoming).await, [request.id]);
    assert!(waiting(&world, &asha, Direction::Incoming).await.is_empty());
    assert!(waiting(&world, &ravi, Direction::Outgoing).await.is_empty());

    world.notices().clear();
    world.advance(TimeDelta::hours(1));
    for _ in 0..2 {
        rules.accept(&ravi.caller, request.id).await.unwrap(); // a repeat changes nothing
    }
    for (person, other) in [(&asha, &ravi), (&ravi, &asha)] {
        let accepted = FriendAccepted { request_id: request.id, user: summary(other), since: world.now() };
        let told = world.events_for(person).into_iter().filter(|e| e.name() == "friend:accepted");
        assert_eq!(told.collect::<Vec<_>>(), [Event::FriendAccepted(accepted)], "{}", person.name);
        assert_eq!(friends(&world, person).await, [other.name.as_str()]);
    }
    assert!(waiting(&world, &ravi, Direction::Incoming).await.is_empty());
    assert_eq!(code(rules.ask(&asha.caller, ravi.id, None).await), "ALREADY_FRIENDS");
    assert_eq!(code(rules.reject(&ravi.caller, request.id).await), "REQUEST_NOT_PENDING");
    assert_eq!(code(rules.cancel(&asha.caller, request.id).await), "REQUEST_NOT_PENDING");
}

#[tokio::test]
async fn the_inbox_tells_the_receiver_of_a_request_and_the_sender_of_its_acceptance() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let request = ask(&world, &asha, &ravi).await;
    world.banter.friends().accept(&ravi.caller, request.id).await.unwrap();
    let inbox: Vec<(UserId, String, UserId, FriendRequestId)> =
        sqlx::query_as("select user_id, kind, actor_id, subject_id from notifications order by kind desc")
            .fetch_all(world.banter.pool())
            .await
            .unwrap();
    let expected = [
        (ravi.id, "friend_request".to_owned(), asha.id, request.id),
        (asha.id, "friend_accepted".to_owned(), ravi.id, request.id),
    ];
    assert_eq!(inbox, expected);
}

#[tokio::test]
async fn a_request_that_vanishes_while_it_is_answered_makes_no_friends() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let request = ask(&world, &asha, &ravi).await;
    world.open_connections().await;
    let mut deletion = world.banter.pool().begin().await.unwrap();
    sqlx::raw_sql("delete from friend_requests").execute(&mut *deletion).await.unwrap();
    let rules = world.banter.friends();
    let accepted = rules.accept(&ravi.caller, request.id);
    let ends = async {
        world.until_waiting(1).await;
        deletion.commit().await.unwrap();
    };
    assert_eq!(code(tokio::join!(accepted, ends).0), "REQUEST_NOT_FOUND");
    assert!(friends(&world, &ravi).await.is_empty());
}

#[tokio::test]
async fn asking_again_answers_the_request_that_waits() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let request = ask(&world, &asha, &ravi).await;
    world.notices().clear();
    let again = world.banter.friends().ask(&asha.caller, ravi.id, Some("please")).await.unwrap();
    let Asked::Waiting(again) = again else { panic!("{again:?}") };
    assert_eq!(again, request, "the message is the first one's");
    assert!(world.events_for(&ravi).is_empty());
}

#[tokio::test]
async fn asking_back_is_accepting() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let request = ask(&world, &asha, &ravi).await;
    let back = world.banter.friends().ask(&ravi.caller, asha.id, Some("hello")).await.unwrap();
    let Asked::Befriended(by) = back else { panic!("{back:?}") };
    assert_eq!(by, request);
    assert_eq!(friends(&world, &asha).await, ["ravi"]);
    let told = |person: &Person| {
        world.events_for(person).iter().filter(|event| event.name() == "friend:accepted").count()
    };
    assert_eq!((told(&asha), told(&ravi)), (1, 1));
}

#[tokio::test]
async fn who_was_refused_waits_a_week_and_is_not_told() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let rules = world.banter.friends();
    let request = ask(&world, &asha, &ravi).await;
    world.notices().clear();
    rules.reject(&ravi.caller, request.id).await.unwrap();
    assert!(world.events_for(&asha).is_empty());
    assert_eq!(code(rules.reject(&ravi.caller, request.id).await), "REQUEST_NOT_PENDING");
    assert_eq!(code(rules.accept(&ravi.caller, request.id).await), "REQUEST_NOT_PENDING");
    assert_eq!(code(rules.cancel(&asha.caller, request.id).await), "REQUEST_NOT_PENDING");
    let notifications: i64 = sqlx::query_scalar("select count(*) from notifications where user_id = $1")
        .bind(asha.id)
        .fetch_one(world.banter.pool())
        .await
        .unwrap();
    assert_eq!(notifications, 0);

    world.advance(REST - TimeDelta::seconds(1));
    assert_eq!(code(rules.ask(&asha.caller, ravi.id, None).await), "REQUEST_TOO_SOON");
    world.advance(TimeDelta::seconds(1));
    ask(&world, &asha, &ravi).await;
}

#[tokio::test]
async fn who_refused_may_ask_at_any_time_and_a_request_taken_back_may_be_made_again() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let rules = world.banter.friends();
    let request = ask(&world, &asha, &ravi).await;
    rules.reject(&ravi.caller, request.id).await.unwrap();
    let own = ask(&world, &ravi, &asha).await;
    rules.cancel(&ravi.caller, own.id).await.unwrap();
    assert_eq!(code(rules.accept(&asha.caller, own.id).await), "REQUEST_NOT_PENDING");
    let own = ask(&world, &ravi, &asha).await;
    // An answer to an earlier request is none to this one.
    assert_eq!(code(rules.accept(&ravi.caller, request.id).await), "REQUEST_NOT_PENDING");
    rules.accept(&asha.caller, own.id).await.unwrap();
    assert_eq!(friends(&world, &asha).await, ["ravi"]);
}

#[tokio::test]
async fn a_friendship_ends_for_both_and_may_begin_anew() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let rules = world.banter.friends();
    assert_eq!(code(rules.remove(&asha.caller, ravi.id).await), "NOT_FRIENDS");
    world.befriend(&asha, &ravi).await;
    rules.remove(&asha.caller, ravi.id).await.unwrap();
    for (person, other) in [(&asha, &ravi), (&ravi, &asha)] {
        assert_eq!(world.events_for(person), [Event::FriendRemoved(FriendRemoved { user_id: other.id })]);
        assert!(friends(&world, person).await.is_empty());
    }
    assert_eq!(code(rules.remove(&ravi.caller, asha.id).await), "NOT_FRIENDS");
    world.befriend(&ravi, &asha).await;
}

#[tokio::test]
async fn only_the_two_of_a_request_can_do_anything_about_it_each_their_part() {
    let world = World::with_memory().await;
    let (asha, ravi, mallory) =
        (world.user("asha").await, world.user("ravi").await, world.user("mallory").await);
    let rules = world.banter.friends();
    let request = ask(&world, &asha, &ravi).await.id;
    let unknown = FriendRequestId(uuid::Uuid::nil());
    for (who, id) in [(&mallory, request), (&ravi, unknown)] {
        assert_eq!(code(rules.accept(&who.caller, id).await), "REQUEST_NOT_FOUND");
        assert_eq!(code(rules.reject(&who.caller, id).await), "REQUEST_NOT_FOUND");
        assert_eq!(code(rules.cancel(&who.caller, id).await), "REQUEST_NOT_FOUND");
    }
    assert_eq!(code(rules.accept(&asha.caller, request).await), "REQUEST_NOT_FOUND");
    assert_eq!(code(rules.reject(&asha.caller, request).await), "REQUEST_NOT_FOUND");
    assert_eq!(code(rules.cancel(&ravi.caller, request).await), "REQUEST_NOT_FOUND");
    assert_eq!(waiting(&world, &ravi, Direction::Incoming).await, [request]);
}

#[tokio::test]
async fn who_is_not_there_or_cannot_be_met_cannot_be_asked() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    let rules = world.banter.friends();
    assert_eq!(code(rules.ask(&asha.caller, asha.id, None).await), "CANNOT_BEFRIEND_YOURSELF");
    let nobody = UserId(uuid::Uuid::nil());
    assert_eq!(code(rules.ask(&asha.caller, nobody, None).await), "USER_NOT_FOUND");
    let long = "x".repeat(301);
    assert_eq!(code(rules.ask(&asha.caller, nobody, Some(&long)).await), "VALIDATION_FAILED");
    for status in ["deleted", "banned"] {
        let gone = world.user(status).await;
        let request = ask(&world, &gone, &asha).await;
        world.sql(&format!("update users set status = '{status}' where id = '{}'", gone.id)).await;
        assert_eq!(code(rules.ask(&asha.caller, gone.id, None).await), "USER_NOT_FOUND", "{status}");
        assert_eq!(code(rules.accept(&asha.caller, request.id).await), "REQUEST_NOT_FOUND", "{status}");
        assert!(waiting(&world, &asha, Direction::Incoming).await.is_empty(), "{status}");
    }
    let (blocked, blocker) = (world.user("blocked").await, world.user("blocker").await);
    world.block(&asha, &blocked).await;
    world.block(&blocker, &asha).await;
    for other in [&blocked, &blocker] {
        for (from, to) in [(&asha, other), (other, &asha)] {
            assert_eq!(code(rules.ask(&from.caller, to.id, None).await), "USER_NOT_FOUND", "{}", other.name);
            assert_eq!(code(rules.remove(&from.caller, to.id).await), "USER_NOT_FOUND", "{}", other.name);
        }
    }
}

#[tokio::test]
async fn people_who_ask_each_other_at_once_become_friends_once() {
    let world = World::with_memory().await;
    world.open_connections().await;
    for round in 0..10 {
        let (asha, ravi) =
            (world.user(&format!("asha{round}")).await, world.user(&format!("ravi{round}")).await);
        world.notices().clear();
        let rules = world.banter.friends();
        let (one, other) =
            tokio::join!(rules.ask(&asha.caller, ravi.id, None), rules.ask(&ravi.caller, asha.id, None));
        let (one, other) = (one.unwrap(), other.unwrap());
        let first = matches!(&one, Asked::Sent(_)) && matches!(&other, Asked::Befriended(_));
        let second = matches!(&other, Asked::Sent(_)) && matches!(&one, Asked::Befriended(_));
        assert!(first || second, "{one:?} {other:?}");
        assert_eq!(friends(&world, &asha).await, [ravi.name.as_str()]);
        let told = world.events_for(&asha);
        assert_eq!(told.iter().filter(|event| event.name() == "friend:accepted").count(), 1);
    }
}

#[tokio::test]
async fn of_an_answer_and_a_withdrawal_at_once_one_counts() {
    let world = World::with_memory().await;
    world.open_connections().await;
    for round in 0..10 {
        let (asha, ravi) =
            (world.user(&format!("asha{round}")).await, world.user(&format!("ravi{round}")).await);
        let request = ask(&world, &asha, &ravi).await.id;
        let rules = world.banter.friends();
        let (accepted, rejected, cancelled) = tokio::join!(
            rules.accept(&ravi.caller, request),
            rules.reject(&ravi.caller, request),
            rules.cancel(&asha.caller, request),
        );
        let done = [accepted.is_ok(), rejected.is_ok(), cancelled.is_ok()];
        assert_eq!(done.iter().filter(|done| **done).count(), 1, "{done:?}");
        assert_eq!(friends(&world, &asha).await.len(), usize::from(accepted.is_ok()));
    }
}

#[tokio::test]
async fn of_a_block_and_anything_else_at_once_the_block_stays() {
    let world = World::with_memory().await;
    world.open_connections().await;
    for round in 0..10 {
        let (asha, ravi) =
            (world.user(&format!("asha{round}")).await, world.user(&format!("ravi{round}")).await);
        let request = ask(&world, &asha, &ravi).await.id;
        let (rules, safety) = (world.banter.friends(), world.banter.safety());
        let (accepted, blocked) =
            tokio::join!(rules.accept(&ravi.caller, request), safety.block(&asha.caller, ravi.id, None));
        blocked.unwrap();
        if let Err(error) = accepted {
            assert_eq!(error.coded().1, "REQUEST_NOT_FOUND");
        }
        let left = "select (select count(*) from friend_pairs where one = $1)
                         + (select count(*) from friend_requests where sender_id = $1 and status = 'pending')";
        let left: i64 = sqlx::query_scalar(left).bind(asha.id).fetch_one(world.banter.pool()).await.unwrap();
        assert_eq!(left, 0);
    }
}

/// As many strangers as this, in the database alone.
async fn crowd(world: &World, count: i64) {
    world
        .sql(&format!(
            "insert into users (id, full_name, created_at, updated_at)
             select gen_random_uuid(), 'of the crowd', now(), now() from generate_series(1, {count})"
        ))
        .await;
}

#[tokio::test]
async fn friends_are_five_thousand_at_most_also_for_who_asks_two_at_once() {
    let world = World::with_memory().await;
    let (asha, ravi, meera) = (world.user("asha").await, world.user("ravi").await, world.user("meera").await);
    crowd(&world, MOST_FRIENDS - 1).await;
    world
        .sql(&format!(
            "insert into friendships select least(id, '{0}'), greatest(id, '{0}'), now()
             from users where full_name = 'of the crowd'",
            asha.id
        ))
        .await;
    let (from_ravi, from_meera) = (ask(&world, &ravi, &asha).await, ask(&world, &meera, &asha).await);
    world.open_connections().await;
    let rules = world.banter.friends();
    let (one, other) =
        tokio::join!(rules.accept(&asha.caller, from_ravi.id), rules.accept(&asha.caller, from_meera.id));
    let refused: Vec<_> = [one, other].into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.iter().map(|error| error.coded().1).collect::<Vec<_>>(), ["TOO_MANY_FRIENDS"]);
    // The one who is left asks in vain.
    let left = waiting(&world, &asha, Direction::Incoming).await;
    assert_eq!(left.len(), 1);
    let last = if left[0] == from_ravi.id { &ravi } else { &meera };
    rules.cancel(&last.caller, left[0]).await.unwrap();
    let own = ask(&world, &asha, last).await;
    assert_eq!(code(rules.accept(&last.caller, own.id).await), "THEY_HAVE_TOO_MANY_FRIENDS");
}

#[tokio::test]
async fn five_hundred_requests_of_one_person_may_wait() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    crowd(&world, MOST_WAITING).await;
    world
        .sql(&format!(
            "insert into friend_requests (id, sender_id, receiver_id, created_at)
             select gen_random_uuid(), '{}', id, now() from users where full_name = 'of the crowd'",
            asha.id
        ))
        .await;
    let rules = world.banter.friends();
    assert_eq!(code(rules.ask(&asha.caller, ravi.id, None).await), "TOO_MANY_REQUESTS_PENDING");
    let one = waiting(&world, &asha, Direction::Outgoing).await[0];
    rules.cancel(&asha.caller, one).await.unwrap();
    ask(&world, &asha, &ravi).await;
}

#[tokio::test]
async fn asking_is_limited() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let rules = world.banter.friends();
    let limit = world.banter.limits().limit(limits::Act::FriendRequest);
    for _ in 0..limit.max {
        rules.ask(&asha.caller, ravi.id, None).await.unwrap();
    }
    let refused = rules.ask(&asha.caller, ravi.id, None).await.unwrap_err();
    assert_eq!((refused.coded().1, refused.retry_after().is_some()), ("RATE_LIMITED", true));
}

#[tokio::test]
async fn requests_are_paged_newest_first() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    let mut expected = Vec::new();
    for i in 0..5 {
        let other = world.user(&format!("other{i}")).await;
        expected.insert(0, ask(&world, &other, &asha).await.id);
        world.advance(TimeDelta::seconds(1));
    }
    let (mut listed, mut cursor) = (Vec::new(), None);
    loop {
        let page = PageRequest { limit: 2, cursor };
        let page = world.banter.friends().requests(&asha.caller, Direction::Incoming, &page).await.unwrap();
        listed.extend(page.items.iter().map(|request| request.id));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
        let outgoing = PageRequest { limit: 2, cursor: cursor.clone() };
        let refused = world.banter.friends().requests(&asha.caller, Direction::Outgoing, &outgoing).await;
        assert_eq!(code(refused), "VALIDATION_FAILED", "a cursor of the other list");
    }
    assert_eq!(listed, expected);
}
