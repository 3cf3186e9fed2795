use super::*;
use crate::money::Paise;
use crate::payments::ledger::{self, Entry, Kind};

impl Shop {
    /// Something that is paid.
    pub(super) async fn bought(&self, package: Package, payment: &str) -> Order {
        let order = self.order(package).await;
        self.deliver(&format!("evt_of_{payment}"), &captured(&order, payment)).await;
        order
    }

    pub(super) async fn refund(&self, order: &Order, amount: Option<i64>) -> Result<TransactionId, Error> {
        self.world
            .banter
            .payments()
            .refund(order.transaction, amount.map(Paise), "as they wished", None)
            .await
    }

    pub(super) async fn change(&self, kind: Kind, amount: i32) {
        let mut transaction = self.world.banter.pool().begin().await.unwrap();
        let reference = self.world.banter.ids().uuid(self.world.now()).to_string();
        let entry = Entry { user: self.asha.id, kind, amount, reference, note: None };
        ledger::write(&self.world.banter, &mut transaction, &entry).await.unwrap();
        transaction.commit().await.unwrap();
    }

    async fn owed(&self) -> i32 {
        self.number("select owed_coins from users where username = 'asha'").await
    }
}

#[tokio::test]
async fn coins_go_at_once_and_the_money_when_razorpay_answers() {
    let shop = Shop::open().await;
    let order = shop.bought(Package::Standard, "pay_1").await;
    assert_eq!(shop.coins().await, 350);
    let refund_id = shop.refund(&order, None).await.unwrap();
    assert_eq!((shop.coins().await, shop.status(&order).await.as_str()), (100, "refunded"));
    assert_eq!(code(shop.refund(&order, None).await), "NOT_REFUNDABLE");
    assert_eq!(code(shop.refund(&order, Some(100)).await), "NOT_REFUNDABLE");
    let made = |kind, status| {
        refund(kind, "pay_1", "rfnd_1", 9900, status, &json!({ "refundId": refund_id.to_string() }))
    };
    // Told of by notes, twice, and backwards.
    shop.deliver("evt_2", &made("refund.processed", "processed")).await;
    shop.deliver("evt_1", &made("refund.created", "pending")).await;
    shop.deliver("evt_3", &made("refund.processed", "processed")).await;
    let row: (String, Option<String>, i64, i32) = sqlx::query_as(
        "select status, razorpay_refund_id, amount, coins from transactions where kind = 'refund'",
    )
    .fetch_one(shop.world.banter.pool())
    .await
    .unwrap();
    assert_eq!(row, ("success".into(), Some("rfnd_1".into()), 9900, 250));
    assert_eq!((shop.coins().await, shop.owed().await), (100, 0));
    shop.work().await;
    shop.world.may_leave_jobs();
}

#[tokio::test]
async fn what_is_spent_is_owed_and_new_coins_pay_it() {
    let shop = Shop::open().await;
    let order = shop.bought(Package::Standard, "pay_1").await;
    shop.change(Kind::GiftSent, -320).await;
    shop.refund(&order, None).await.unwrap();
    assert_eq!((shop.coins().await, shop.owed().await), (0, 220));
    shop.bought(Package::Basic, "pay_2").await;
    assert_eq!((shop.coins().await, shop.owed().await), (0, 120));
    shop.bought(Package::Standard, "pay_3").await;
    assert_eq!((shop.coins().await, shop.owed().await), (130, 0));
    shop.world.may_leave_jobs();
}

#[tokio::test]
async fn parts_go_back_one_by_one() {
    let shop = Shop::open().await;
    let order = shop.bought(Package::Basic, "pay_1").await;
    for (amount, coins, status) in
        [(1700, 166, "partially_refunded"), (100, 164, "partially_refunded"), (3100, 100, "refunded")]
    {
        shop.refund(&order, Some(amount)).await.unwrap();
        assert_eq!((shop.coins().await, shop.status(&order).await.as_str()), (coins, status));
    }
    for amount in [0, 99, -100] {
        assert_eq!(code(shop.refund(&order, Some(amount)).await), "VALIDATION_FAILED");
    }
    let unpaid = shop.order(Package::Basic).await;
    assert_eq!(code(shop.refund(&unpaid, None).await), "NOT_REFUNDABLE");
    let nobody = Order { transaction: TransactionId(uuid::Uuid::nil()), ..unpaid };
    assert_eq!(code(shop.refund(&nobody, None).await), "TRANSACTION_NOT_FOUND");
    shop.world.may_leave_jobs();
}

#[tokio::test]
async fn a_refund_of_the_dashboard_s_takes_the_coins_too() {
    let shop = Shop::open().await;
    let order = shop.bought(Package::Standard, "pay_1").await;
    let made = refund("refund.created", "pay_1", "rfnd_9", 4950, "processed", &json!([]));
    for id in ["evt_1", "evt_2"] {
        shop.deliver(id, &made).await;
    }
    assert_eq!((shop.coins().await, shop.status(&order).await.as_str()), (225, "partially_refunded"));
    let mut dollars = refund("refund.created", "pay_1", "rfnd_11", 100, "processed", &json!([]));
    dollars["payload"]["refund"]["entity"]["currency"] = json!("USD");
    shop.deliver("evt_4", &dollars).await;
    shop.bought(Package::Basic, "pay_2").await;
    let reused = refund("refund.created", "pay_2", "rfnd_9", 100, "processed", &json!([]));
    shop.deliver("evt_5", &reused).await;
    for id in ["evt_4", "evt_5"] {
        assert_eq!((shop.event(id).await.0.as_str(), shop.coins().await), ("refused", 325), "{id}");
    }
    // More than is left is no refund of this payment.
    let more = refund("refund.created", "pay_1", "rfnd_10", 9900, "processed", &json!([]));
    shop.deliver("evt_3", &more).await;
    assert_eq!((shop.event("evt_3").await.0.as_str(), shop.coins().await), ("refused", 325));
}

#[tokio::test]
async fn a_refund_that_fails_brings_the_coins_back() {
    let shop = Shop::open().await;
    let order = shop.bought(Package::Standard, "pay_1").await;
    shop.change(Kind::GiftSent, -300).await;
    let made = |kind, status| refund(kind, "pay_1", "rfnd_1", 9900, status, &json!([]));
    shop.deliver("evt_1", &made("refund.created", "pending")).await;
    assert_eq!((shop.coins().await, shop.owed().await), (0, 200));
    for id in ["evt_2", "evt_3"] {
        shop.deliver(id, &made("refund.failed", "failed")).await;
    }
    assert_eq!(
        (shop.coins().await, shop.owed().await, shop.status(&order).await.as_str()),
        (50, 0, "success")
    );
    // What was told late changes nothing.
    shop.deliver("evt_4", &made("refund.created", "pending")).await;
    assert_eq!((shop.coins().await, shop.status(&order).await.as_str()), (50, "success"));
}

#[tokio::test]
async fn two_refunds_at_once_are_one() {
    let shop = Shop::open().await;
    let order = shop.bought(Package::Standard, "pay_1").await;
    shop.world.open_connections().await;
    let (one, other) = tokio::join!(shop.refund(&order, None), shop.refund(&order, None));
    assert_eq!(one.is_ok() as u8 + other.is_ok() as u8, 1, "{one:?} {other:?}");
    assert_eq!(shop.coins().await, 100);
    shop.world.may_leave_jobs();
}

#[tokio::test]
async fn a_refund_may_be_told_to_have_failed_before_it_was_told_at_all() {
    let shop = Shop::open().await;
    let order = shop.bought(Package::Standard, "pay_1").await;
    let made = |kind, status| refund(kind, "pay_1", "rfnd_1", 9900, status, &json!([]));
    for (id, kind, status) in [
        ("evt_1", "refund.failed", "failed"),
        ("evt_2", "refund.created", "pending"),
        ("evt_3", "refund.processed", "processed"),
        ("evt_4", "refund.failed", "failed"),
    ] {
        shop.deliver(id, &made(kind, status)).await;
        assert_eq!((shop.coins().await, shop.status(&order).await.as_str()), (350, "success"), "{id}");
    }
}

#[tokio::test]
async fn no_more_coins_go_back_than_were_bought() {
    let shop = Shop::open().await;
    let order = shop.bought(Package::Basic, "pay_1").await;
    let made = |id, kind, amount, status| refund(kind, "pay_1", id, amount, status, &json!([]));
    shop.deliver("evt_1", &made("rfnd_a", "refund.created", 100, "pending")).await;
    shop.deliver("evt_2", &made("rfnd_b", "refund.created", 2400, "processed")).await;
    shop.deliver("evt_3", &made("rfnd_a", "refund.failed", 100, "failed")).await;
    shop.deliver("evt_4", &made("rfnd_c", "refund.created", 2500, "processed")).await;
    assert_eq!(
        (shop.coins().await, shop.owed().await, shop.status(&order).await.as_str()),
        (100, 0, "refunded")
    );
}

#[tokio::test]
async fn a_charge_whose_payment_is_not_named_is_not_given_back_into_nothing() {
    let shop = Shop::open().await;
    let order = shop.bought(Package::Basic, "pay_1").await;
    shop.world.sql("update transactions set razorpay_payment_id = null").await;
    assert_eq!(code(shop.refund(&order, None).await), "PAYMENT_NOT_NAMED");
    assert_eq!(shop.coins().await, 200);
}
