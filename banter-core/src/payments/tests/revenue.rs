use super::*;
use crate::money::Paise;
use crate::payments::revenue::{By, Days, Revenue};

async fn revenue(shop: &Shop, days: Days, by: By) -> Revenue {
    shop.world.banter.payments().revenue(days, by).await.unwrap()
}

#[tokio::test]
async fn nothing_sold_is_an_empty_answer() {
    let shop = Shop::open().await;
    let sums = revenue(&shop, Days::last(30, shop.world.now()), By::Day).await;
    assert_eq!((sums.lines, sums.attempts, sums.total.gross), (vec![], vec![], Paise(0)));
}

#[tokio::test]
async fn what_came_in_is_told_by_day_and_item_and_method() {
    let shop = Shop::open().await;
    shop.world.may_leave_jobs();
    let first = shop.bought(Package::Basic, "pay_1").await;
    shop.bought(Package::Standard, "pay_2").await;
    // Noon and thirteen hours more: the next day in India, and not yet in London.
    shop.world.advance(chrono::TimeDelta::hours(13));
    shop.bought(Package::Basic, "pay_3").await;
    shop.refund(&first, None).await.unwrap();
    let tomorrow = shop.order(Package::Basic).await;
    shop.deliver("evt_f", &failed(&tomorrow, "pay_4")).await;
    let days = Days::last(2, shop.world.now());
    let by_day = revenue(&shop, days, By::Day).await;
    let told: Vec<_> =
        by_day.lines.iter().map(|l| (l.of.as_str(), l.payments, l.gross.0, l.refunded.0, l.net.0)).collect();
    assert_eq!(told, [("2026-11-22", 2, 14_800, 0, 14_800), ("2026-11-23", 1, 4900, 4900, 0)]);
    let total = &by_day.total;
    assert_eq!(
        (total.payments, total.buyers, total.refunds, total.net, total.fees),
        (3, 1, 1, Paise(14_800), Paise(348))
    );
    assert_eq!(total.gst, Paise(747 + 1510), "of what stays");
    for (by, lines) in
        [(By::Month, vec!["2026-11"]), (By::Item, vec!["basic", "standard"]), (By::Method, vec!["upi"])]
    {
        let sums = revenue(&shop, days, by).await;
        assert_eq!(sums.lines.iter().map(|line| line.of.as_str()).collect::<Vec<_>>(), lines);
        assert_eq!(&sums.total, total, "{by:?}");
    }
    let yesterday = revenue(&shop, Days { to: days.from, ..days }, By::Day).await;
    assert_eq!((yesterday.total.payments, yesterday.total.refunds), (2, 0));
}

#[tokio::test]
async fn how_often_paying_works_is_told_by_method_and_reason() {
    let shop = Shop::open().await;
    let order = shop.order(Package::Basic).await;
    for (event, payment) in [("evt_1", "pay_1"), ("evt_2", "pay_2"), ("evt_3", "pay_2")] {
        shop.deliver(event, &failed(&order, payment)).await;
    }
    shop.deliver("evt_4", &captured(&order, "pay_3")).await;
    // A subscription's charge.
    let mut charge = failed(&Order { id: "order_of_theirs".into(), ..order }, "pay_4");
    charge["payload"]["payment"]["entity"]["invoice_id"] = json!("inv_1");
    shop.deliver("evt_5", &charge).await;
    shop.order(Package::Basic).await;
    let attempts = revenue(&shop, Days::last(1, shop.world.now()), By::Day).await.attempts;
    let upi = attempts.iter().find(|of| of.method == "upi").unwrap();
    assert_eq!((upi.begun, upi.paid, upi.failed, upi.rate()), (4, 1, 3, Some(25.0)));
    assert_eq!((upi.reasons[0].reason.as_str(), upi.reasons[0].count), ("insufficient_funds", 3));
    let waiting = attempts.iter().find(|of| of.method == "unknown").unwrap();
    assert_eq!((waiting.begun, waiting.pending, waiting.rate()), (1, 1, None));
}
