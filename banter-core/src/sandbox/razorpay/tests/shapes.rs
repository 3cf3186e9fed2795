//! The fields of Razorpay's own samples (<https://razorpay.com/docs/api>, <https://razorpay.com/docs/webhooks>).

use super::super::Method;
use super::*;

const ORDER: &str =
    "amount amount_due amount_paid attempts created_at currency entity id notes offer_id receipt status";
const PAYMENT: &str = "acquirer_data amount amount_refunded amount_transferred bank base_amount captured card_id contact \
    created_at currency customer_id description email entity error_code error_description error_reason error_source \
    error_step fee id international invoice_id method notes order_id refund_status status tax token_id upi vpa wallet";
const REFUND: &str = "acquirer_data amount batch_id created_at currency entity id notes payment_id receipt \
    speed_processed speed_requested status";
const PLAN: &str = "created_at entity id interval item notes period";
const ITEM: &str = "active amount created_at currency description hsn_code id name sac_code tax_group_id tax_id \
    tax_inclusive tax_rate type unit unit_amount updated_at";
const SUBSCRIPTION: &str = "auth_attempts change_scheduled_at charge_at created_at current_end current_start \
    customer_id customer_notify end_at ended_at entity expire_by has_scheduled_changes id notes offer_id paid_count \
    plan_id quantity remaining_count short_url source start_at status total_count";
const CHARGED: &str = "amount amount_refunded amount_transferred bank captured card_id contact created_at currency \
    customer_id description email entity error_code error_description fee id international invoice_id method notes \
    order_id refund_status status tax token_id vpa wallet";

fn fields(entity: &Value) -> String {
    let mut names: Vec<_> = entity.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names.join(" ")
}

#[tokio::test]
async fn orders_payments_and_refunds_have_the_fields_of_the_samples() {
    let merchant = Merchant::new().await;
    let order = merchant.post("orders", json!({ "amount": 9900, "currency": "INR", "receipt": "r" })).await;
    assert_eq!(fields(&order), ORDER);
    assert_eq!(order["notes"], json!([]));
    let paid = merchant.sandbox.pay(&id(&order), Method::Upi).unwrap();
    let payment = merchant.get(&format!("payments/{}", paid.razorpay_payment_id)).await;
    assert_eq!(fields(&payment), PAYMENT);
    assert_eq!((&payment["fee"], &payment["tax"]), (&json!(233), &json!(35)));
    let refund = merchant.post(&format!("payments/{}/refund", id(&payment)), json!({})).await;
    assert_eq!(fields(&refund), REFUND);
}

#[tokio::test]
async fn plans_and_subscriptions_have_the_fields_of_the_samples() {
    let merchant = Merchant::new().await;
    let plans = merchant.get("plans").await;
    assert_eq!((fields(&plans), &plans["count"]), ("count entity items".into(), &json!(2)));
    assert_eq!(fields(&plans["items"][0]), PLAN);
    assert_eq!(fields(&plans["items"][0]["item"]), ITEM);
    let subscription = merchant.subscription().await;
    let subscription = merchant.get(&format!("subscriptions/{subscription}")).await;
    assert_eq!(fields(&subscription), SUBSCRIPTION);
}

#[tokio::test]
async fn events_have_the_fields_of_the_samples() {
    let merchant = Merchant::new().await;
    let order = merchant.order(9900).await;
    merchant.sandbox.pay(&order, Method::Netbanking).unwrap();
    let events = merchant.sandbox.events();
    assert_eq!(names(&merchant), ["payment.authorized", "payment.captured", "order.paid"]);
    for sent in &events {
        assert_eq!(fields(&sent.body), "account_id contains created_at entity event payload");
    }
    let captured = &events[1].body["payload"]["payment"]["entity"];
    let of_events: Vec<_> =
        PAYMENT.split(' ').filter(|name| !["customer_id", "token_id", "upi"].contains(name)).collect();
    assert_eq!(fields(captured), of_events.join(" "));
    assert_eq!((&captured["captured"], &captured["status"]), (&json!(true), &json!("captured")));
    assert_eq!(events[2].body["contains"], json!(["payment", "order"]));
    assert_eq!(fields(&events[2].body["payload"]["order"]["entity"]), ORDER);
    assert_eq!(events[0].body["payload"]["payment"]["entity"]["fee"], Value::Null);
}

#[tokio::test]
async fn a_charge_is_told_with_captured_as_a_text() {
    let merchant = Merchant::new().await;
    let subscription = merchant.subscription().await;
    merchant.sandbox.subscribe(&subscription, Method::Card).unwrap();
    let events = merchant.sandbox.events();
    let charged = events.iter().find(|sent| sent.name == "subscription.charged").unwrap();
    let payload = &charged.body["payload"];
    assert_eq!(fields(&payload["payment"]["entity"]), CHARGED);
    assert_eq!(payload["payment"]["entity"]["captured"], "1");
    let mut with_type: Vec<_> = SUBSCRIPTION.split(' ').chain(["type"]).collect();
    with_type.sort_unstable();
    assert_eq!(fields(&payload["subscription"]["entity"]), with_type.join(" "));
}

#[tokio::test]
async fn ids_and_refusals_have_razorpays_form() {
    let merchant = Merchant::new().await;
    let order = merchant.order(100).await;
    let (prefix, rest) = order.split_once('_').unwrap();
    assert_eq!((prefix, rest.len()), ("order", 14));
    assert!(rest.chars().all(|c| c.is_ascii_alphanumeric()), "{rest}");
    let (_, refused) = merchant.try_post("orders", json!({ "amount": 99, "currency": "INR" })).await;
    let error = json!({
        "code": "BAD_REQUEST_ERROR",
        "description": "The amount must be at least INR 1.00",
        "source": "business",
        "step": "payment_initiation",
        "reason": "input_validation_failed",
        "metadata": {},
        "field": "amount",
    });
    assert_eq!(refused, json!({ "error": error }));
}
