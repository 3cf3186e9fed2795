use futures_util::future::join_all;

use super::*;
use crate::events::Event;

#[tokio::test]
async fn a_proof_credits_once_however_often_it_comes() {
    let shop = Shop::open().await;
    let order = shop.order(Package::Standard).await;
    let proof = Shop::proof(&order, "pay_G3P9vcIhRs3NV4");
    let first = shop.verify(&proof).await.unwrap();
    assert_eq!((first.transaction, first.coins, first.balance), (order.transaction, 250, 350));
    assert_eq!(shop.verify(&proof).await.unwrap(), first);
    let unnamed = Proof { transaction: None, ..proof };
    assert_eq!(shop.verify(&unnamed).await.unwrap(), first);
    assert_eq!((shop.coins().await, shop.status(&order).await.as_str()), (350, "success"));
    let told = shop.world.events_for(&shop.asha);
    assert!(
        matches!(&told[..], [Event::CoinsUpdated(update), Event::NotificationNew(_)] if update.balance == 350),
        "{told:?}"
    );
    // Razorpay is asked about what was believed without it; it stays away for this test.
    shop.world.may_leave_jobs();
}

#[tokio::test]
async fn many_proofs_at_once_beside_the_webhook_are_one_credit() {
    let shop = Shop::open().await;
    let order = shop.order(Package::Basic).await;
    shop.world.open_connections().await;
    let proof = Shop::proof(&order, "pay_1");
    let body = captured(&order, "pay_1").to_string();
    let signature = sign(WEBHOOK_SECRET, body.as_bytes());
    let hear = async {
        shop.world.banter.payments().hear(&signature, Some("evt_1"), body.as_bytes()).await.unwrap();
        shop.world.banter.payments().apply_webhook("evt_1").await.unwrap();
    };
    let (verified, ()) = tokio::join!(join_all((0..6).map(|_| shop.verify(&proof))), hear);
    assert!(verified.iter().all(|one| one.as_ref().is_ok_and(|one| one.balance == 200)), "{verified:?}");
    assert_eq!(shop.coins().await, 200);
    assert_eq!(shop.number("select count(*)::int from coin_ledger where kind = 'purchase'").await, 1);
    shop.world.may_leave_jobs();
}

#[tokio::test]
async fn what_is_no_proof_moves_nothing() {
    let shop = Shop::open().await;
    let ravi = shop.world.user("ravi").await;
    let (order, large) = (shop.order(Package::Basic).await, shop.order(Package::Ultimate).await);
    let theirs = shop.order_of(&ravi, Package::Ultimate).await;
    let good = Shop::proof(&order, "pay_1");
    let cases = [
        ("forged", Proof { signature: "0".repeat(64), ..good.clone() }, "PAYMENT_SIGNATURE_INVALID"),
        ("empty", Proof { signature: String::new(), ..good.clone() }, "VALIDATION_FAILED"),
        (
            "upper case",
            Proof { signature: good.signature.to_uppercase(), ..good.clone() },
            "PAYMENT_SIGNATURE_INVALID",
        ),
        (
            "another payment",
            Proof { payment_id: "pay_2".into(), ..good.clone() },
            "PAYMENT_SIGNATURE_INVALID",
        ),
        (
            "a larger order of theirs",
            Proof { order_id: large.id.clone(), transaction: None, ..good.clone() },
            "PAYMENT_SIGNATURE_INVALID",
        ),
        (
            "another transaction",
            Proof { transaction: Some(large.transaction), ..good.clone() },
            "ORDER_NOT_FOUND",
        ),
        ("somebody else's order", Shop::proof(&theirs, "pay_1"), "ORDER_NOT_FOUND"),
        ("no order", Proof { order_id: "order_x".into(), ..good.clone() }, "ORDER_NOT_FOUND"),
        ("a path", Proof { payment_id: "pay_1/../../orders".into(), ..good.clone() }, "VALIDATION_FAILED"),
        ("a nul", Proof { order_id: "order_\0".into(), ..good.clone() }, "VALIDATION_FAILED"),
        (
            "a webhook's signature",
            Proof {
                signature: sign(WEBHOOK_SECRET, format!("{}|pay_1", order.id).as_bytes()),
                ..good.clone()
            },
            "PAYMENT_SIGNATURE_INVALID",
        ),
        (
            "the subscription's form",
            Proof { signature: sign(KEY_SECRET, format!("pay_1|{}", order.id).as_bytes()), ..good.clone() },
            "PAYMENT_SIGNATURE_INVALID",
        ),
    ];
    for (what, proof, refusal) in cases {
        assert_eq!(code(shop.verify(&proof).await), refusal, "{what}");
    }
    assert_eq!(shop.coins().await, 100);
    assert_eq!(shop.number("select count(*)::int from transactions where status <> 'pending'").await, 0);
}

#[tokio::test]
async fn a_payment_pays_for_one_order() {
    let shop = Shop::open().await;
    let (one, other) = (shop.order(Package::Basic).await, shop.order(Package::Basic).await);
    shop.verify(&Shop::proof(&one, "pay_1")).await.unwrap();
    assert_eq!(code(shop.verify(&Shop::proof(&other, "pay_1")).await), "PAYMENT_REUSED");
    assert_eq!((shop.coins().await, shop.status(&other).await.as_str()), (200, "pending"));
    shop.world.may_leave_jobs();
}

#[tokio::test]
async fn an_order_that_was_given_up_is_still_paid_for() {
    let shop = Shop::open().await;
    let order = shop.order(Package::Basic).await;
    shop.world.sql("update transactions set status = 'abandoned'").await;
    shop.verify(&Shop::proof(&order, "pay_1")).await.unwrap();
    assert_eq!((shop.coins().await, shop.status(&order).await.as_str()), (200, "success"));
    shop.world.may_leave_jobs();
}

#[tokio::test]
async fn nothing_is_begun_while_razorpay_is_away() {
    let shop = Shop::open().await;
    let refused = shop.world.banter.payments().order(&shop.asha.caller, Package::Basic).await;
    assert_eq!(code(refused), "PAYMENTS_UNAVAILABLE");
    let left: (String, String) = sqlx::query_as("select status, failure_code from transactions")
        .fetch_one(shop.world.banter.pool())
        .await
        .unwrap();
    assert_eq!(left, ("failed".into(), "ORDER_NOT_MADE".into()));
    let bare = World::with_memory().await;
    let meera = bare.user("meera").await;
    assert_eq!(
        code(bare.banter.payments().order(&meera.caller, Package::Basic).await),
        "PAYMENTS_UNAVAILABLE"
    );
    assert_eq!(
        code(
            bare.banter
                .payments()
                .verify(&meera.caller, &Shop::proof(&shop.order(Package::Basic).await, "pay_1"))
                .await
        ),
        "ORDER_NOT_FOUND"
    );
}
