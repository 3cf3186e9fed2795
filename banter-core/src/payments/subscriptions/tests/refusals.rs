use super::*;
use crate::sandbox::razorpay::Fault;

#[tokio::test]
async fn what_is_no_proof_moves_nothing() {
    let club = Club::open().await;
    let (begun, paid) = club.agreed(Plan::Monthly).await;
    let good = Club::proof(&begun, &paid);
    let secret = &club.sandbox.keys().key_secret;
    let (id, payment) = (&begun.razorpay_subscription_id, &paid.razorpay_payment_id);
    let order_form = sign(secret, format!("{id}|{payment}").as_bytes());
    let unknown = sign(secret, format!("pay_00000000000000|{id}").as_bytes());
    let cases = [
        ("forged", Proof { signature: "0".repeat(64), ..good.clone() }, "PAYMENT_SIGNATURE_INVALID"),
        ("an order's form", Proof { signature: order_form, ..good.clone() }, "PAYMENT_SIGNATURE_INVALID"),
        (
            "another payment",
            Proof { payment_id: "pay_2".into(), ..good.clone() },
            "PAYMENT_SIGNATURE_INVALID",
        ),
        ("no payment's id", Proof { payment_id: "../pay".into(), ..good.clone() }, "VALIDATION_FAILED"),
        ("no name", Proof { subscription: None, ..good.clone() }, "VALIDATION_FAILED"),
        (
            "another's name",
            Proof { razorpay_id: Some("sub_1".into()), ..good.clone() },
            "SUBSCRIPTION_NOT_FOUND",
        ),
        (
            "a payment that is not there",
            Proof { payment_id: "pay_00000000000000".into(), signature: unknown, ..good.clone() },
            "PAYMENT_MISMATCH",
        ),
    ];
    for (name, proof, expected) in cases {
        assert_eq!(code(club.verify(&proof).await), expected, "{name}");
    }
    let ravi = club.world.user("ravi").await;
    let theirs = club.subscriptions().verify(&ravi.caller, &good).await;
    assert_eq!(code(theirs), "SUBSCRIPTION_NOT_FOUND");
    assert_eq!((club.charges().await, club.premium_until().await), (0, None));
    let by_their_name = Proof { subscription: None, razorpay_id: Some(id.clone()), ..good };
    assert!(club.verify(&by_their_name).await.unwrap().premium.is_premium);
}

#[tokio::test]
async fn a_proof_while_razorpay_is_away_is_looked_at_within_seconds() {
    let club = Club::open().await;
    let (begun, paid) = club.agreed(Plan::Monthly).await;
    club.sandbox.fail(Fault::ServerError);
    let proved = club.verify(&Club::proof(&begun, &paid)).await.unwrap();
    assert_eq!((proved.subscription.status, proved.premium.is_premium), (Status::Created, false));
    club.sandbox.recover();
    club.world.advance(TimeDelta::seconds(3));
    club.work().await;
    assert_eq!(
        (club.status().await, club.is_premium().await, club.told()),
        (Status::Active, true, vec![true])
    );
    let named = "select count(*) from transactions where razorpay_payment_id is not null";
    assert_eq!(club.number(named).await, 1);
}

#[tokio::test]
async fn a_charge_of_another_amount_is_refused() {
    let club = Club::open().await;
    club.agreed(Plan::Monthly).await;
    let charged =
        club.sandbox.events().into_iter().find(|event| event.name == "subscription.charged").unwrap();
    for (field, value) in [("amount", Value::from(100)), ("currency", Value::from("USD"))] {
        let mut body = charged.body.clone();
        body["payload"]["payment"]["entity"][field] = value;
        assert_eq!(club.deliver(field, &body).await, "refused");
    }
    assert_eq!(
        (club.charges().await, club.premium_until().await, club.status().await),
        (0, None, Status::Created)
    );
}

#[tokio::test]
async fn what_is_not_ours_or_not_known_is_kept() {
    let club = Club::open().await;
    club.agreed(Plan::Monthly).await;
    let event =
        club.sandbox.events().into_iter().find(|event| event.name == "subscription.activated").unwrap();
    let mut foreign = event.body.clone();
    foreign["payload"]["subscription"]["entity"]["id"] = "sub_00000000000000".into();
    assert_eq!(club.deliver("foreign", &foreign).await, "refused");
    let mut unknown = event.body.clone();
    unknown["payload"]["subscription"]["entity"]["status"] = "dormant".into();
    assert_eq!(club.deliver("unknown", &unknown).await, "ignored");
    assert_eq!((club.charges().await, club.status().await), (0, Status::Created));
}

#[tokio::test]
async fn a_payment_pays_for_one_subscription() {
    let club = Club::open().await;
    club.agreed(Plan::Monthly).await;
    let charged =
        club.sandbox.events().into_iter().find(|event| event.name == "subscription.charged").unwrap();
    club.deliver_new().await;
    club.subscriptions().cancel(&club.asha.caller, false).await.unwrap();
    let other = club.begin(Plan::Monthly).await.subscription;
    let mut body = charged.body;
    body["payload"]["subscription"]["entity"]["id"] = other.razorpay_subscription_id.into();
    assert_eq!(club.deliver("reused", &body).await, "refused");
    assert_eq!((club.charges().await, club.status().await), (1, Status::Created));
}

#[tokio::test]
async fn ending_needs_razorpay_s_answer() {
    let club = Club::open().await;
    club.member(Plan::Monthly).await;
    club.sandbox.fail_next(1, Fault::ServerError);
    assert_eq!(code(club.subscriptions().cancel(&club.asha.caller, true).await), "PAYMENTS_UNAVAILABLE");
    assert!(!club.current().await.cancel_at_period_end);
    // They did it, and we did not hear it; then somebody asks again.
    club.sandbox.fail_next(1, Fault::AnswerLost);
    assert_eq!(code(club.subscriptions().cancel(&club.asha.caller, false).await), "PAYMENTS_UNAVAILABLE");
    let ended = club.subscriptions().cancel(&club.asha.caller, false).await.unwrap();
    assert_eq!(ended.status, Status::Cancelled);
    let ravi = club.world.user("ravi").await;
    let never = club.subscriptions().cancel(&ravi.caller, true).await;
    assert_eq!(code(never), "SUBSCRIPTION_NOT_FOUND");
}
