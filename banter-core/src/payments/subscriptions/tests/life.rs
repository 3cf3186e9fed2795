use super::*;
use crate::payments::audit::Finding;
use crate::payments::subscriptions::premium::expire;

#[tokio::test]
async fn a_month_is_paid_and_renewed() {
    let club = Club::open().await;
    let (begun, paid) = club.agreed(Plan::Monthly).await;
    let proved = club.verify(&Club::proof(&begun, &paid)).await.unwrap();
    let end = club.period_end(&begun);
    assert_eq!((proved.subscription.status, proved.premium.is_premium), (Status::Active, true));
    assert_eq!(proved.premium.premium_until, Some(end + GRACE));
    club.deliver_new().await;
    assert_eq!(club.verify(&Club::proof(&begun, &paid)).await.unwrap(), proved, "a repeat changes nothing");
    assert_eq!((club.charges().await, club.news("payment_succeeded").await, club.told()), (1, 1, vec![true]));
    club.renew(&begun).await;
    assert_eq!((club.charges().await, club.news("payment_succeeded").await), (2, 2));
    assert_eq!(club.premium_until().await, Some(club.period_end(&begun) + GRACE));
    assert_eq!(club.sandbox.take_refused(), [""; 0]);
}

#[tokio::test]
async fn a_year_is_paid_for_ten_years_at_most() {
    let club = Club::open().await;
    let begun = club.member(Plan::Yearly).await;
    assert!(club.premium_until().await.unwrap() > club.world.now() + TimeDelta::days(365));
    club.sandbox.complete(&begun.razorpay_subscription_id).unwrap();
    club.deliver_new().await;
    assert_eq!(club.status().await, Status::Completed);
    assert_eq!(club.premium_until().await, Some(club.period_end(&begun)), "no grace: nothing is renewed");
    let paid: i64 = club.number("select amount from transactions where item = 'yearly'").await;
    assert_eq!(paid, 99_900);
}

#[tokio::test]
async fn a_charge_that_fails_leaves_three_days() {
    let club = Club::open().await;
    let begun = club.member(Plan::Monthly).await;
    let end = club.period_end(&begun);
    club.pass_to(end);
    for expected in [Status::Pending, Status::Pending, Status::Pending] {
        club.sandbox.fail_charge(&begun.razorpay_subscription_id).unwrap();
        club.deliver_new().await;
        assert_eq!((club.status().await, club.is_premium().await), (expected, true));
        club.world.advance(TimeDelta::hours(20));
    }
    club.sandbox.fail_charge(&begun.razorpay_subscription_id).unwrap();
    club.deliver_new().await;
    assert_eq!((club.status().await, club.is_premium().await), (Status::Halted, false));
    assert_eq!(club.news("renewal_failed").await, 1, "told once");
    club.sandbox.charge_next(&begun.razorpay_subscription_id).unwrap();
    club.deliver_new().await;
    assert_eq!((club.status().await, club.is_premium().await), (Status::Active, true));
    assert_eq!(club.told().last(), Some(&true));
}

#[tokio::test]
async fn a_pause_ends_with_what_is_paid() {
    let club = Club::open().await;
    let begun = club.member(Plan::Monthly).await;
    club.world.advance(TimeDelta::days(1));
    club.sandbox.pause(&begun.razorpay_subscription_id).unwrap();
    club.deliver_new().await;
    assert_eq!(club.status().await, Status::Paused);
    assert_eq!(club.premium_until().await, Some(club.period_end(&begun)));
    club.world.advance(TimeDelta::days(1));
    club.sandbox.resume(&begun.razorpay_subscription_id).unwrap();
    club.deliver_new().await;
    assert_eq!(club.status().await, Status::Active);
    assert_eq!(club.premium_until().await, Some(club.period_end(&begun) + GRACE));
}

#[tokio::test]
async fn what_happens_within_a_second_is_asked_about() {
    let club = Club::open().await;
    let begun = club.member(Plan::Monthly).await;
    club.world.advance(TimeDelta::days(1));
    club.sandbox.pause(&begun.razorpay_subscription_id).unwrap();
    club.sandbox.resume(&begun.razorpay_subscription_id).unwrap();
    let mut events = club.sandbox.events();
    events.reverse();
    // The resumption first, which says nothing new; then the pause, which is over.
    for Sent { id, body, .. } in &events[..2] {
        club.deliver(id, body).await;
    }
    assert_eq!(club.status().await, Status::Active);
}

#[tokio::test]
async fn it_ends_with_its_period_or_at_once() {
    for at_period_end in [true, false] {
        let club = Club::open().await;
        let begun = club.member(Plan::Monthly).await;
        let end = club.period_end(&begun);
        let ended = club.subscriptions().cancel(&club.asha.caller, at_period_end).await.unwrap();
        assert_eq!(ended.cancel_at_period_end, at_period_end);
        assert_eq!(ended.status == Status::Cancelled, !at_period_end);
        let again = club.subscriptions().cancel(&club.asha.caller, at_period_end).await.unwrap();
        assert_eq!(again, ended, "a repeat answers the same");
        club.deliver_new().await;
        assert_eq!(club.premium_until().await, Some(end), "what is paid stays paid, without grace");
        club.pass_to(end);
        if at_period_end {
            club.sandbox.charge_next(&begun.razorpay_subscription_id).unwrap();
            club.deliver_new().await;
        }
        assert_eq!(
            (club.status().await, club.is_premium().await, club.charges().await),
            (Status::Cancelled, false, 1)
        );
    }
}

#[tokio::test]
async fn the_end_is_told_once_it_is_there() {
    let club = Club::open().await;
    let begun = club.member(Plan::Monthly).await;
    club.subscriptions().cancel(&club.asha.caller, false).await.unwrap();
    club.world.notices().clear();
    club.work().await;
    assert_eq!(club.told(), [false; 0], "not before its time");
    club.pass_to(club.period_end(&begun));
    club.work().await;
    assert_eq!(club.told(), [false]);
    // Again, and for somebody who never had any.
    expire(&club.world.banter, club.asha.id).await.unwrap();
    let ravi = club.world.user("ravi").await;
    expire(&club.world.banter, ravi.id).await.unwrap();
    assert!(club.world.events_for(&ravi).is_empty());
}

#[tokio::test]
async fn money_that_goes_back_takes_premium_along() {
    let club = Club::open().await;
    let (begun, paid) = club.agreed(Plan::Monthly).await;
    club.deliver_new().await;
    let until = Some(club.period_end(&begun) + GRACE);
    assert_eq!(club.premium_until().await, until);
    club.sandbox.refund(&paid.razorpay_payment_id, Some(100)).unwrap();
    club.deliver_new().await;
    assert_eq!(club.premium_until().await, until, "a part is a kindness");
    club.sandbox.refund_slowly();
    let rest = club.sandbox.refund(&paid.razorpay_payment_id, None).unwrap();
    club.deliver_new().await;
    assert_eq!((club.premium_until().await, club.told().last()), (None, Some(&false)));
    club.books_are_right().await;
    // The bank does not take the money back.
    club.sandbox.fail_refund(&rest).unwrap();
    club.deliver_new().await;
    assert_eq!((club.premium_until().await, club.told().last()), (until, Some(&true)));
    club.books_are_right().await;
}

#[tokio::test]
async fn the_audit_finds_premium_that_nobody_paid_for() {
    let club = Club::open().await;
    let begun = club.member(Plan::Monthly).await;
    let paid = club.period_end(&begun) + GRACE;
    club.books_are_right().await;
    for (stored, sql) in [(None, "null"), (Some(paid + TimeDelta::days(1)), "premium_until + '1 day'")] {
        club.world.sql(&format!("update users set premium_until = {sql}")).await;
        let audited = club.world.banter.payments().audit(None, |_| {}).await.unwrap();
        let user = club.asha.id;
        assert_eq!(audited.findings, [Finding::PremiumDiffers { user, stored, paid: Some(paid) }]);
        club.world.sql(&format!("update users set premium_until = '{paid}'")).await;
    }
}

#[tokio::test]
async fn whoever_goes_is_not_charged_any_more() {
    let club = Club::open().await;
    let begun = club.member(Plan::Monthly).await;
    club.world.banter.accounts().delete_for(club.asha.id, "asked by letter").await.unwrap();
    club.work().await;
    let entity = club.sandbox.entity(&begun.razorpay_subscription_id).unwrap();
    assert_eq!(entity["status"], "cancelled");
    assert_eq!((club.status().await, club.premium_until().await), (Status::Cancelled, None));
    club.deliver_new().await;
    assert_eq!(club.premium_until().await, None);
}
