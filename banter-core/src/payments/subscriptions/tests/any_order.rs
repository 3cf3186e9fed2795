//! Events that come in any order, twice, or never: the truth is Razorpay's, and it is reached.

use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand::{RngExt as _, SeedableRng as _};

use super::*;

/// Something that happens at Razorpay, where it can.
fn happen(sandbox: &Sandbox, id: &str, chance: &mut StdRng) {
    let acts: [fn(&Sandbox, &str); 7] = [
        |sandbox, id| drop(sandbox.charge_next(id)),
        |sandbox, id| drop(sandbox.charge_next(id)),
        |sandbox, id| drop(sandbox.fail_charge(id)),
        |sandbox, id| drop(sandbox.fail_charge(id)),
        |sandbox, id| drop(sandbox.pause(id)),
        |sandbox, id| drop(sandbox.resume(id)),
        |sandbox, id| drop(sandbox.cancel(id)),
    ];
    acts.choose(chance).unwrap()(sandbox, id);
}

/// A life of chance; its subscription.
async fn live(club: &Club, chance: &mut StdRng) -> Subscription {
    let (begun, _) = club.agreed(Plan::Monthly).await;
    for _ in 0..chance.random_range(0..8) {
        // Sometimes within the second.
        club.world.advance(TimeDelta::days(chance.random_range(0..20)));
        happen(&club.sandbox, &begun.razorpay_subscription_id, chance);
    }
    begun
}

async fn is_the_truth(club: &Club, begun: &Subscription, what: &str) {
    let truth = club.sandbox.entity(&begun.razorpay_subscription_id).unwrap();
    assert_eq!(club.status().await.name(), truth["status"], "{what}");
    assert_eq!(
        club.number("select paid_count::bigint from subscriptions").await,
        truth["paid_count"],
        "{what}"
    );
    let grace = if matches!(club.status().await, Status::Active | Status::Pending) {
        GRACE
    } else {
        TimeDelta::zero()
    };
    assert_eq!(club.premium_until().await, Some(club.period_end(begun) + grace), "{what}");
}

#[tokio::test]
async fn any_order_of_all_events_ends_at_the_truth() {
    for seed in 0..6 {
        let mut chance = StdRng::seed_from_u64(seed);
        let club = Club::open().await;
        let begun = live(&club, &mut chance).await;
        let mut events = club.sandbox.events();
        events.extend(events.clone().into_iter().filter(|_| chance.random_bool(0.3)));
        events.shuffle(&mut chance);
        for (at, Sent { id, body, .. }) in events.iter().enumerate() {
            // A repeat under its own name is dropped before it is read; under another it is not.
            let name = if chance.random_bool(0.5) { id.clone() } else { format!("{id}-{at}") };
            assert_ne!(club.deliver(&name, body).await, "refused", "seed {seed}");
            club.books_are_right().await;
        }
        is_the_truth(&club, &begun, &format!("seed {seed}")).await;
        let paid = club.number("select paid_count::bigint from subscriptions").await;
        assert_eq!(club.charges().await, paid, "seed {seed}: each period is counted once");
    }
}

#[tokio::test]
async fn what_was_lost_is_found_by_asking() {
    for seed in 100..106 {
        let mut chance = StdRng::seed_from_u64(seed);
        let club = Club::open().await;
        let begun = live(&club, &mut chance).await;
        let mut events = club.sandbox.events();
        events.shuffle(&mut chance);
        for Sent { id, body, .. } in events.iter().filter(|_| chance.random_bool(0.4)) {
            assert_ne!(club.deliver(id, body).await, "refused", "seed {seed}");
        }
        club.subscriptions().check(begun.id, None).await.unwrap();
        let truth = club.sandbox.entity(&begun.razorpay_subscription_id).unwrap();
        assert_eq!(club.status().await.name(), truth["status"], "seed {seed}");
    }
}

#[tokio::test]
async fn without_any_event_a_look_is_enough() {
    let club = Club::open().await;
    let (begun, _) = club.agreed(Plan::Monthly).await;
    club.world.advance(TimeDelta::days(1));
    let report = club.subscriptions().check_due(10).await.unwrap();
    assert_eq!((report.looked_at, report.credited), (1, 1));
    is_the_truth(&club, &begun, "looked at").await;
    assert_eq!(club.subscriptions().check_due(10).await.unwrap().looked_at, 0, "not again today");
    // What is told later gives the charge the payment's name, and nothing more.
    club.deliver_new().await;
    assert_eq!((club.charges().await, club.news("payment_succeeded").await), (1, 1));
    let named = "select count(*) from transactions where razorpay_payment_id is not null and fee is not null";
    assert_eq!(club.number(named).await, 1);
    club.pass_to(club.period_end(&begun));
    club.sandbox.charge_next(&begun.razorpay_subscription_id).unwrap();
    assert_eq!(club.subscriptions().check_due(10).await.unwrap().credited, 1, "its period ended: it is due");
    is_the_truth(&club, &begun, "renewed").await;
}
