use futures_util::future::join_all;

use super::*;
use crate::money::Paise;
use crate::page::PageRequest;
use crate::payments::ledger::Kind;
use crate::payments::receipts::Receipt;

const ALL: PageRequest = PageRequest { limit: 100, cursor: None };

impl Shop {
    async fn receipt(&self, order: &Order) -> Result<Receipt, Error> {
        self.world.banter.payments().receipt(&self.asha.caller, order.transaction).await
    }
}

#[tokio::test]
async fn payments_and_refunds_are_listed_newest_first_to_who_paid() {
    let shop = Shop::open().await;
    let first = shop.bought(Package::Basic, "pay_1").await;
    shop.world.advance(chrono::TimeDelta::seconds(1));
    let second = shop.order(Package::Standard).await;
    shop.world.advance(chrono::TimeDelta::seconds(1));
    let refund = shop.refund(&first, Some(1000)).await.unwrap();
    let payments = shop.world.banter.payments();
    let page = PageRequest { limit: 2, cursor: None };
    let newest = payments.history(&shop.asha.caller, &page).await.unwrap();
    let shown: Vec<_> = newest.items.iter().map(|t| (t.id, t.kind.as_str(), t.status.as_str())).collect();
    assert_eq!(shown, [(refund, "refund", "pending"), (second.transaction, "coin_purchase", "pending")]);
    assert_eq!(newest.items[0].parent_id, Some(first.transaction));
    let next = PageRequest { cursor: newest.next_cursor, ..page };
    let rest = payments.history(&shop.asha.caller, &next).await.unwrap().items;
    assert_eq!(rest, [payments.transaction(&shop.asha.caller, first.transaction).await.unwrap()]);
    assert_eq!((rest[0].refunded_amount, rest[0].has_receipt), (Paise(1000), true));
    let ravi = shop.world.user("ravi").await;
    assert_eq!(payments.history(&ravi.caller, &ALL).await.unwrap().items, []);
    assert_eq!(code(payments.transaction(&ravi.caller, first.transaction).await), "TRANSACTION_NOT_FOUND");
    assert_eq!(code(payments.receipt(&ravi.caller, first.transaction).await), "TRANSACTION_NOT_FOUND");
    shop.world.may_leave_jobs();
}

#[tokio::test]
async fn the_ledger_tells_every_entry_and_what_there_is() {
    let shop = Shop::open().await;
    shop.bought(Package::Standard, "pay_1").await;
    shop.world.advance(chrono::TimeDelta::seconds(1));
    shop.change(Kind::Grant, -150).await;
    let payments = shop.world.banter.payments();
    let page = PageRequest { limit: 1, cursor: None };
    let (has, newest) = payments.ledger(&shop.asha.caller, &page).await.unwrap();
    assert_eq!((has.coins, has.purchased, has.bonus, has.earned, has.owed), (200, 200, 0, 0, 0));
    assert_eq!(
        (newest.items[0].amount, newest.items[0].purchased, newest.items[0].balance_after),
        (-150, -50, 200)
    );
    let next = PageRequest { cursor: newest.next_cursor, limit: 100 };
    let (_, rest) = payments.ledger(&shop.asha.caller, &next).await.unwrap();
    assert_eq!(rest.items.iter().map(|entry| entry.amount).sum::<i32>(), 350);
    let foreign = PageRequest { cursor: Some("x".into()), limit: 1 };
    assert_eq!(code(payments.ledger(&shop.asha.caller, &foreign).await), "VALIDATION_FAILED");
    assert_eq!(code(payments.history(&shop.asha.caller, &foreign).await), "VALIDATION_FAILED");
}

#[tokio::test]
async fn receipts_are_numbered_without_gaps_by_who_asks_first() {
    let shop = Shop::open().await;
    let mut orders = Vec::new();
    for i in 0..5 {
        orders.push(shop.bought(Package::Basic, &format!("pay_{i}")).await);
    }
    shop.world.open_connections().await;
    let asked = orders.iter().chain(&orders).map(|order| shop.receipt(order));
    let receipts: Vec<_> = join_all(asked).await.into_iter().map(Result::unwrap).collect();
    let mut numbers: Vec<_> = receipts.iter().map(|receipt| receipt.number.clone()).collect();
    assert_eq!(numbers[..5], numbers[5..], "one each, whoever asks when");
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers, (1..=5).map(|i| format!("BAN/26-27/{i:06}")).collect::<Vec<_>>());
    shop.world.advance(chrono::TimeDelta::days(200));
    let spring = shop.bought(Package::Basic, "pay_9").await;
    assert_eq!(shop.receipt(&spring).await.unwrap().number, "BAN/27-28/000001");
    assert_eq!(shop.receipt(&orders[0]).await.unwrap().number, receipts[0].number, "and it stays");
}

#[tokio::test]
async fn a_receipt_is_for_what_was_paid_and_tells_what_went_back() {
    let shop = Shop::open().await;
    let order = shop.order(Package::Standard).await;
    assert_eq!(code(shop.receipt(&order).await), "NOT_PAID");
    let order = shop.bought(Package::Standard, "pay_1").await;
    let refund = shop.refund(&order, Some(2000)).await.unwrap();
    let payments = shop.world.banter.payments();
    assert_eq!(code(payments.receipt(&shop.asha.caller, refund).await), "NOT_PAID");
    let receipt = shop.receipt(&order).await.unwrap();
    assert_eq!(
        (receipt.taxable_value, receipt.tax.total, receipt.total),
        (Paise(8390), Paise(1510), Paise(9900))
    );
    assert_eq!((receipt.refunds.len(), receipt.net), (1, Paise(7900)));
    assert_eq!(receipt.item.description, "250 Banter coins (standard package)");
    shop.world.may_leave_jobs();
}

#[tokio::test]
async fn a_printed_receipt_is_escaped_and_whole() {
    let shop = Shop::open().await;
    shop.world.sql("update users set full_name = '<script>alert(1)</script> & \"co\"'").await;
    let order = shop.bought(Package::Ultimate, "pay_1").await;
    shop.refund(&order, Some(9900)).await.unwrap();
    let html = shop.receipt(&order).await.unwrap().to_html();
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;co&quot;"), "{html}");
    assert!(!html.contains("<script") && !html.contains("http"), "nothing runs, nothing is fetched");
    for part in
        ["BAN/26-27/000001", "CGST 9%", "SGST 9%", "₹499.00", "-₹99.00", "₹400.00", "22 November 2026", "UPI"]
    {
        assert!(html.contains(part), "{part}");
    }
    shop.world.may_leave_jobs();
}
