//! Payments, refunds and subscriptions from one end to the other, through the customer's eyes and over `/sandbox`.

use chrono::DateTime;

use super::super::Method;
use super::*;
use crate::providers::razorpay::signature;

#[tokio::test]
async fn a_checkout_is_signed_in_the_form_of_its_kind() {
    let merchant = Merchant::new().await;
    let secret = &merchant.sandbox.keys().key_secret;
    let order = merchant.order(9900).await;
    let paid = merchant.sandbox.pay(&order, Method::Wallet).unwrap();
    let (payment, signed) = (&paid.razorpay_payment_id, &paid.razorpay_signature);
    assert!(signature::is_of_order(secret, &order, payment, signed));
    let subscription = merchant.subscription().await;
    let paid = merchant.sandbox.subscribe(&subscription, Method::Upi).unwrap();
    let (payment, signed) = (&paid.razorpay_payment_id, &paid.razorpay_signature);
    assert!(signature::is_of_subscription(secret, &subscription, payment, signed));
    assert_eq!((paid.razorpay_order_id, paid.razorpay_subscription_id), (None, Some(subscription)));
}

#[tokio::test]
async fn a_failed_attempt_leaves_the_order_to_be_paid() {
    let merchant = Merchant::new().await;
    let order = merchant.order(9900).await;
    let failed = merchant.sandbox.fail_payment(&order, Method::Card, "insufficient_fund").unwrap();
    let failed = merchant.get(&format!("payments/{failed}")).await;
    assert_eq!((&failed["status"], &failed["error_reason"]), (&json!("failed"), &json!("insufficient_fund")));
    assert_eq!(merchant.get(&format!("orders/{order}")).await["status"], "attempted");
    let late = merchant.sandbox.authorize(&order, Method::Upi).unwrap().razorpay_payment_id;
    merchant.sandbox.capture_late(&late).unwrap();
    let order = merchant.get(&format!("orders/{order}")).await;
    assert_eq!((&order["status"], &order["attempts"]), (&json!("paid"), &json!(2)));
    assert_eq!(names(&merchant), ["payment.failed", "payment.authorized", "payment.captured", "order.paid"]);
}

#[tokio::test]
async fn a_slow_refund_is_processed_or_fails() {
    let merchant = Merchant::new().await;
    let payment = merchant.sandbox.pay(&merchant.order(9900).await, Method::Upi).unwrap().razorpay_payment_id;
    merchant.sandbox.refund_slowly();
    let [kept, lost] = [100, 200].map(|amount| merchant.sandbox.refund(&payment, Some(amount)).unwrap());
    assert_eq!(merchant.get(&format!("refunds/{kept}")).await["status"], "pending");
    merchant.sandbox.process_refund(&kept).unwrap();
    merchant.sandbox.fail_refund(&lost).unwrap();
    assert_eq!(merchant.get(&format!("payments/{payment}")).await["amount_refunded"], 100);
    let told = names(&merchant).split_off(3);
    assert_eq!(told, ["refund.created", "refund.created", "refund.processed", "refund.failed"]);
    assert!(merchant.sandbox.process_refund(&lost).is_err());
}

#[tokio::test]
async fn a_subscription_is_charged_month_by_month() {
    let merchant = Merchant::new().await;
    let id = merchant.subscription().await;
    merchant.sandbox.subscribe(&id, Method::Card).unwrap();
    let first = merchant.get(&format!("subscriptions/{id}")).await;
    assert_eq!((&first["status"], &first["paid_count"]), (&json!("active"), &json!(1)));
    let day = |field: &str, of: &Value| {
        DateTime::from_timestamp(of[field].as_i64().unwrap(), 0).unwrap().format("%m-%d").to_string()
    };
    let second = merchant.sandbox.charge_next(&id).unwrap();
    assert_eq!(second["current_start"], first["current_end"]);
    assert_eq!(day("current_start", &first)[3..], day("current_end", &second)[3..]);
    assert_eq!(second["remaining_count"], 10);
    for _ in 2..12 {
        merchant.sandbox.charge_next(&id).unwrap();
    }
    let last = merchant.get(&format!("subscriptions/{id}")).await;
    assert_eq!((&last["status"], &last["remaining_count"]), (&json!("completed"), &json!(0)));
    assert_eq!(names(&merchant).last().unwrap(), "subscription.completed");
    assert!(merchant.sandbox.charge_next(&id).is_err());
}

#[tokio::test]
async fn a_charge_that_fails_four_times_halts_it_until_one_is_paid() {
    let merchant = Merchant::new().await;
    let id = merchant.subscription().await;
    merchant.sandbox.subscribe(&id, Method::Card).unwrap();
    for status in ["pending", "pending", "pending", "halted"] {
        assert_eq!(merchant.sandbox.fail_charge(&id).unwrap()["status"], status);
    }
    assert!(merchant.sandbox.fail_charge(&id).is_err());
    let again = merchant.sandbox.charge_next(&id).unwrap();
    assert_eq!((&again["status"], &again["auth_attempts"]), (&json!("active"), &json!(0)));
}

#[tokio::test]
async fn a_subscription_ends_now_or_with_its_period() {
    let merchant = Merchant::new().await;
    let now = merchant.subscription().await;
    merchant.sandbox.subscribe(&now, Method::Card).unwrap();
    let cancel = |id: &str| format!("subscriptions/{id}/cancel");
    let ended = merchant.post(&cancel(&now), json!({ "cancel_at_cycle_end": 0 })).await;
    assert_eq!((&ended["status"], &ended["charge_at"]), (&json!("cancelled"), &Value::Null));
    let again = merchant.refused(&cancel(&now), json!({})).await;
    assert_eq!(again, "Subscription is not cancellable in cancelled status.");
    let later = merchant.subscription().await;
    merchant.sandbox.subscribe(&later, Method::Card).unwrap();
    let going = merchant.post(&cancel(&later), json!({ "cancel_at_cycle_end": true })).await;
    assert_eq!(going["status"], "active");
    assert_eq!(merchant.sandbox.charge_next(&later).unwrap()["status"], "cancelled");
    let expired = merchant.subscription().await;
    merchant.sandbox.expire(&expired).unwrap();
    let refused = merchant.refused(&cancel(&expired), json!({})).await;
    assert_eq!(refused, "Subscription is not cancellable in expired status.");
}

#[tokio::test]
async fn a_pause_is_followed_by_going_on() {
    let merchant = Merchant::new().await;
    let id = merchant.subscription().await;
    let pause = format!("subscriptions/{id}/pause");
    let early = merchant.refused(&pause, json!({ "pause_at": "now" })).await;
    assert_eq!(early, "Subscription is not pausable in created status.");
    merchant.sandbox.subscribe(&id, Method::Card).unwrap();
    assert_eq!(merchant.post(&pause, json!({ "pause_at": "now" })).await["status"], "paused");
    let resumed = merchant.post(&format!("subscriptions/{id}/resume"), json!({ "resume_at": "now" })).await;
    assert_eq!(resumed["status"], "active");
    assert_eq!(names(&merchant).split_off(6), ["subscription.paused", "subscription.resumed"]);
}

#[tokio::test]
async fn a_customer_comes_over_http_too() {
    let merchant = Merchant::new().await;
    let url = |path: &str| format!("{}/sandbox/{path}", merchant.sandbox.url());
    let order = merchant.order(9900).await;
    let unpaid = answer(merchant.http.get(url("orders"))).await.1;
    assert_eq!(unpaid["orders"][0]["id"], *order);
    let pay = url(&format!("orders/{order}/pay"));
    let form = merchant.http.post(&pay).body("method=upi");
    assert_eq!(answer(form).await.0, 415, "a page elsewhere cannot ask so");
    let (status, checkout) = answer(merchant.http.post(&pay).json(&json!({ "method": "card" }))).await;
    assert_eq!((status, &checkout["razorpay_order_id"]), (200, &json!(order)));
    let (status, again) = answer(merchant.http.post(&pay).json(&json!({}))).await;
    assert_eq!((status, &again["error"]["field"]), (400, &Value::Null));
    let events = answer(merchant.http.get(url("settled"))).await.1;
    assert_eq!(events["events"].as_array().unwrap().len(), 3);
}
