use super::*;
use crate::sandbox::razorpay::Fault;

#[tokio::test]
async fn what_nobody_agreed_to_is_answered_again() {
    let club = Club::open().await;
    let first = club.begin(Plan::Monthly).await;
    assert_eq!((first.subscription.status, first.subscription.amount.0), (Status::Created, 9_900));
    assert_eq!(club.begin(Plan::Monthly).await, first);
    let yearly = club.begin(Plan::Yearly).await;
    assert_ne!(yearly.subscription.id, first.subscription.id);
    let replaced = club.sandbox.entity(&first.subscription.razorpay_subscription_id).unwrap();
    assert_eq!(replaced["status"], "cancelled");
    assert_eq!(club.current().await, yearly.subscription);
    assert_eq!(club.sandbox.take_refused(), [""; 0]);
}

#[tokio::test]
async fn one_at_a_time() {
    let club = Club::open().await;
    let (begun, _) = club.agreed(Plan::Monthly).await;
    // Told of by nobody, and found all the same.
    assert_eq!(
        code(club.subscriptions().begin(&club.asha.caller, Plan::Monthly).await),
        "ALREADY_SUBSCRIBED"
    );
    assert_eq!(code(club.subscriptions().begin(&club.asha.caller, Plan::Yearly).await), "ALREADY_SUBSCRIBED");
    assert!(club.is_premium().await);
    // Ended, which nobody told either.
    club.sandbox.cancel(&begun.razorpay_subscription_id).unwrap();
    assert_ne!(club.begin(Plan::Yearly).await.subscription.id, begun.id);
}

#[tokio::test]
async fn two_phones_at_once_get_the_same() {
    let club = Club::open().await;
    club.world.open_connections().await;
    let subscriptions = club.subscriptions();
    let all = (0..5).map(|_| subscriptions.begin(&club.asha.caller, Plan::Monthly));
    let all = futures_util::future::join_all(all).await;
    let first = all[0].as_ref().unwrap();
    assert!(all.iter().all(|one| one.as_ref().unwrap() == first), "{all:?}");
    let made = club.sandbox.requests().into_iter().filter(|asked| asked.line == "POST /v1/subscriptions");
    let dropped = club.sandbox.events().iter().filter(|event| event.name == "subscription.cancelled").count();
    assert_eq!(made.count(), dropped + 1, "one is left at Razorpay");
}

#[tokio::test]
async fn nothing_is_begun_while_razorpay_is_away() {
    let club = Club::open().await;
    for fault in [Fault::ServerError, Fault::Garbage, Fault::BreakOff, Fault::AnswerLost, Fault::Throttled] {
        club.sandbox.fail_next(1, fault);
        let begun = club.subscriptions().begin(&club.asha.caller, Plan::Monthly).await;
        assert_eq!(code(begun), "PAYMENTS_UNAVAILABLE");
        assert_eq!(club.subscriptions().current(&club.asha.caller).await.unwrap(), None);
        let ended = club.subscriptions().cancel(&club.asha.caller, true).await;
        assert_eq!(code(ended), "SUBSCRIPTION_NOT_FOUND");
    }
    // Another plan than before, in the same row.
    assert_eq!(club.begin(Plan::Yearly).await.subscription.amount.0, 99_900);
    assert_eq!(club.number("select count(*) from subscriptions").await, 1);
}

#[tokio::test]
async fn what_never_came_to_be_is_over_after_a_day() {
    let club = Club::open().await;
    club.sandbox.fail_next(1, Fault::ServerError);
    club.subscriptions().begin(&club.asha.caller, Plan::Monthly).await.unwrap_err();
    club.world.advance(TimeDelta::days(1));
    club.subscriptions().check_due(10).await.unwrap();
    assert_eq!(club.number("select count(*) from subscriptions where status = 'expired'").await, 1);
    club.begin(Plan::Monthly).await;
}

#[tokio::test]
async fn what_waits_for_a_week_is_ended() {
    let club = Club::open().await;
    let begun = club.begin(Plan::Monthly).await.subscription;
    club.world.advance(TimeDelta::days(7));
    let report = club.subscriptions().check_due(10).await.unwrap();
    assert_eq!((report.looked_at, report.ended), (1, 1));
    assert_eq!(club.status().await, Status::Cancelled);
    let other = club.begin(Plan::Monthly).await.subscription;
    assert_ne!(other.id, begun.id);
    // Razorpay tells of no such end: only a look finds it.
    club.sandbox.expire(&other.razorpay_subscription_id).unwrap();
    club.world.advance(TimeDelta::days(1));
    club.subscriptions().check_due(10).await.unwrap();
    assert_eq!(club.status().await, Status::Expired);
}

#[tokio::test]
async fn plans_without_an_id_are_not_for_sale() {
    let club = Club::open().await;
    assert!(club.subscriptions().plans().iter().all(|offer| offer.for_sale));
    let world = World::builder().memory().build().await;
    assert!(world.banter.payments().subscriptions().plans().iter().all(|offer| !offer.for_sale));
    let ravi = world.user("ravi").await;
    let begun = world.banter.payments().subscriptions().begin(&ravi.caller, Plan::Monthly).await;
    assert_eq!(code(begun), "PAYMENTS_UNAVAILABLE");
}

#[tokio::test]
async fn one_that_razorpay_does_not_know_stands_in_nobody_s_way() {
    let club = Club::open().await;
    let forget =
        "update subscriptions set razorpay_subscription_id = 'sub_' || right(replace(id::text, '-', ''), 14)";
    let first = club.begin(Plan::Monthly).await.subscription;
    club.world.sql(forget).await;
    let second = club.begin(Plan::Monthly).await.subscription;
    assert_ne!(second.id, first.id);
    club.sandbox.subscribe(&second.razorpay_subscription_id, Method::Card).unwrap();
    club.deliver_new().await;
    let end = club.period_end(&second);
    club.world.sql(forget).await;
    // It was paid: for as long it is believed to be there, whatever it is that was mixed up.
    assert_eq!(
        code(club.subscriptions().begin(&club.asha.caller, Plan::Monthly).await),
        "ALREADY_SUBSCRIBED"
    );
    club.pass_to(end + TimeDelta::days(8));
    club.begin(Plan::Monthly).await;
    assert!(!club.is_premium().await);
    club.books_are_right().await;
}
