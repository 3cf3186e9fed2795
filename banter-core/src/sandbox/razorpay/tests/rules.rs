use super::super::{Fault, Method};
use super::*;

#[tokio::test]
async fn only_the_merchants_keys_open_it_and_only_as_basic() {
    let merchant = Merchant::new().await;
    let Keys { key_id, key_secret, .. } = merchant.sandbox.keys().clone();
    let url = format!("{}/v1/orders", merchant.sandbox.url());
    let right = {
        use base64::Engine as _;
        base64::prelude::BASE64_STANDARD.encode(format!("{key_id}:{key_secret}"))
    };
    for header in [format!("basic {right}"), format!("Bearer {right}"), "Basic eDp5".into(), String::new()] {
        let (status, refused) = answer(merchant.http.get(&url).header("Authorization", header)).await;
        assert_eq!((status, &refused["error"]["source"]), (401, &json!("NA")));
        assert_eq!(refused["error"]["description"], "Authentication failed");
    }
    let (status, _) = answer(merchant.http.get(&url).header("Authorization", format!("Basic {right}"))).await;
    assert_eq!(status, 200);
    assert_eq!(merchant.sandbox.take_refused().len(), 4);
}

#[tokio::test]
async fn an_order_is_checked_field_by_field() {
    let merchant = Merchant::new().await;
    let long: serde_json::Map<_, _> = (0..16).map(|n| (n.to_string(), json!("x"))).collect();
    for (wrong, why) in [
        (json!({ "amount": null }), "The amount field is required."),
        (json!({ "amount": 99 }), "The amount must be at least INR 1.00"),
        (json!({ "amount": 100.5 }), "The amount must be an integer."),
        (json!({ "amount": "100" }), "The amount must be an integer."),
        (json!({ "currency": "USD" }), "Currency is not supported"),
        (json!({ "receipt": "r".repeat(41) }), "The receipt may not be greater than 40 characters."),
        (json!({ "notes": long }), "Number of fields in notes should be less than or equal to 15"),
        (
            json!({ "notes": { "a": "x".repeat(257) } }),
            "The notes fields should not be more than 256 characters long.",
        ),
        (json!({ "user": "me" }), "user is/are not required and should not be sent"),
    ] {
        let mut body = json!({ "amount": 100, "currency": "INR", "receipt": "r".repeat(40), "notes": {} });
        super::super::book::set(&mut body, wrong);
        assert_eq!(merchant.refused("orders", body).await, why);
    }
    assert_eq!(merchant.get("orders").await["count"], 0);
    assert_eq!(merchant.sandbox.take_refused().len(), 9);
}

#[tokio::test]
async fn what_is_not_there_is_refused_by_url_and_by_id() {
    let merchant = Merchant::new().await;
    let nothing = "The requested URL was not found on the server.";
    assert_eq!(merchant.refused("customers", json!({})).await, nothing);
    for path in ["orders/order_x", "payments/pay_x", "refunds/rfnd_x", "plans/plan_x", "subscriptions/sub_x"]
    {
        let answer = merchant.get(path).await;
        assert_eq!(answer["error"]["description"], "The id provided does not exist", "{path}");
    }
    let unread = merchant.ask("POST", "orders").body("{").header("Content-Type", "application/json");
    assert_eq!(answer(unread).await.0, 400);
    let form = merchant.ask("POST", "orders").body("{}");
    assert_eq!(answer(form).await.0, 400);
}

#[tokio::test]
async fn lists_are_the_newest_first_and_cut() {
    let merchant = Merchant::new().await;
    for receipt in ["a", "b", "a"] {
        merchant.post("orders", json!({ "amount": 100, "currency": "INR", "receipt": receipt })).await;
    }
    let receipts = |list: Value| -> Vec<String> {
        let items = list["items"].as_array().unwrap();
        items.iter().map(|order| order["receipt"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(receipts(merchant.get("orders").await), ["a", "b", "a"]);
    assert_eq!(receipts(merchant.get("orders?receipt=b").await), ["b"]);
    assert_eq!(receipts(merchant.get("orders?count=1&skip=1").await), ["b"]);
    let created = merchant.get("orders").await["items"][0]["created_at"].as_i64().unwrap();
    assert_eq!(merchant.get(&format!("orders?from={}", created + 1)).await["count"], 0);
    assert_eq!(merchant.get(&format!("orders?from={created}&to={created}")).await["count"], 3);
    for wrong in ["count=101", "count=0", "skip=x", "since=1"] {
        assert_eq!(answer(merchant.ask("GET", &format!("orders?{wrong}"))).await.0, 400, "{wrong}");
    }
}

#[tokio::test]
async fn a_payment_is_captured_once_and_wholly() {
    let merchant = Merchant::new().await;
    let order = merchant.order(9900).await;
    let payment = merchant.sandbox.authorize(&order, Method::Card).unwrap().razorpay_payment_id;
    let capture = format!("payments/{payment}/capture");
    let less = merchant.refused(&capture, json!({ "amount": 9800, "currency": "INR" })).await;
    assert_eq!(less, "Capture amount must be equal to the amount authorized");
    let whole = json!({ "amount": 9900, "currency": "INR" });
    assert_eq!(merchant.post(&capture, whole.clone()).await["status"], "captured");
    assert_eq!(merchant.refused(&capture, whole).await, "This payment has already been captured");
    let paid = merchant.get(&format!("orders/{order}")).await;
    assert_eq!(
        (&paid["status"], &paid["amount_due"], &paid["attempts"]),
        (&json!("paid"), &json!(0), &json!(1))
    );
    let again = merchant.sandbox.pay(&order, Method::Upi).unwrap_err();
    assert_eq!(again.description, "Payment already done for this order.");
    assert!(merchant.sandbox.take_refused().is_empty(), "none of this breaks a rule");
}

#[tokio::test]
async fn a_refund_gives_back_what_is_left_and_no_more() {
    let merchant = Merchant::new().await;
    let order = merchant.order(9900).await;
    let payment = merchant.sandbox.pay(&order, Method::Upi).unwrap().razorpay_payment_id;
    let refund = format!("payments/{payment}/refund");
    assert_eq!(merchant.post(&refund, json!({ "amount": 900 })).await["amount"], 900);
    let state = merchant.get(&format!("payments/{payment}")).await;
    assert_eq!((&state["status"], &state["refund_status"]), (&json!("captured"), &json!("partial")));
    let more = merchant.refused(&refund, json!({ "amount": 9001 })).await;
    assert_eq!(more, "The total refund amount is greater than the refund payment amount");
    assert_eq!(merchant.post(&refund, json!({})).await["amount"], 9000);
    assert_eq!(merchant.get(&format!("payments/{payment}")).await["status"], "refunded");
    assert_eq!(merchant.refused(&refund, json!({})).await, "The payment has been fully refunded already");
    assert_eq!(merchant.get(&format!("payments/{payment}/refunds")).await["count"], 2);
    assert_eq!(merchant.get(&format!("orders/{order}")).await["status"], "paid", "whatever is refunded");
}

#[tokio::test]
async fn the_same_key_is_the_same_refund() {
    let merchant = Merchant::new().await;
    let payment = merchant.sandbox.pay(&merchant.order(9900).await, Method::Upi).unwrap().razorpay_payment_id;
    let path = format!("payments/{payment}/refund");
    let refund = |key: &'static str, amount: i64| {
        answer(
            merchant
                .ask("POST", &path)
                .header("X-Refund-Idempotency", key)
                .json(&json!({ "amount": amount })),
        )
    };
    let (_, first) = refund("0123456789", 500).await;
    let (status, again) = refund("0123456789", 500).await;
    assert_eq!((status, id(&again)), (200, id(&first)));
    assert_eq!(refund("0123456789", 600).await.0, 400, "another body");
    assert_eq!(refund("012345678", 500).await.0, 400, "too short");
    assert_eq!(refund("0123456789é", 500).await.0, 400);
    let (_, other) = refund("9876543210", 500).await;
    assert_ne!(id(&other), id(&first));
}

#[tokio::test]
async fn two_refunds_of_one_key_at_once_are_one_and_a_conflict() {
    let merchant = Merchant::new().await;
    let payment = merchant.sandbox.pay(&merchant.order(9900).await, Method::Upi).unwrap().razorpay_payment_id;
    let path = format!("payments/{payment}/refund");
    let refund =
        || answer(merchant.ask("POST", &path).header("X-Refund-Idempotency", "0123456789").json(&json!({})));
    merchant.sandbox.fail_at("POST /v1/payments", None, Fault::Stall);
    let second = async {
        merchant.sandbox.was_asked("POST /v1/payments", 1).await;
        let (status, _) = refund().await;
        merchant.sandbox.recover();
        status
    };
    let ((first, _), second) = tokio::join!(refund(), second);
    assert_eq!((first, second), (200, 409));
    assert_eq!(refund().await.0, 200);
    assert_eq!(merchant.get(&format!("payments/{payment}/refunds")).await["count"], 1);
}

#[tokio::test]
async fn it_fails_as_it_is_told() {
    let merchant = Merchant::new().await;
    let body = json!({ "amount": 100, "currency": "INR" });
    for (fault, status) in
        [(Fault::ServerError, 500), (Fault::Throttled, 429), (Fault::Refuse("no".into()), 400)]
    {
        merchant.sandbox.fail_next(1, fault);
        assert_eq!(merchant.try_post("orders", body.clone()).await.0, status);
    }
    merchant.sandbox.fail_next(1, Fault::Garbage);
    let garbage = merchant.ask("GET", "orders").send().await.unwrap();
    assert_eq!((garbage.status().as_u16(), garbage.text().await.unwrap().starts_with('<')), (502, true));
    merchant.sandbox.fail_at("POST /v1/orders", Some(1), Fault::BreakOff);
    assert_eq!(merchant.get("orders").await["count"], 0, "another request is well");
    assert!(merchant.ask("POST", "orders").json(&body).send().await.is_err());
    assert_eq!(merchant.get("orders").await["count"], 0, "nothing was done");
    merchant.sandbox.fail_next(1, Fault::AnswerLost);
    assert!(merchant.ask("POST", "orders").json(&body).send().await.is_err());
    assert_eq!(merchant.get("orders").await["count"], 1, "it was done");
}

#[tokio::test]
async fn a_thousand_orders_at_once_are_a_thousand() {
    let merchant = Merchant::new().await;
    let ids = futures_util::future::join_all((0..1000).map(|n| merchant.order(100 + n))).await;
    assert_eq!(std::collections::HashSet::<String>::from_iter(ids).len(), 1000);
    assert_eq!(merchant.get("orders?count=100&skip=950").await["count"], 50);
}

#[tokio::test]
async fn what_it_knows_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let keys = Keys::generate(&Ids::seeded(1));
    let options = || {
        let file = Some(dir.path().join("razorpay.json"));
        Options { file, keys: keys.clone(), ..Options::new(noon()) }
    };
    let (order, plans) = {
        let merchant = Merchant::of(options()).await;
        let order = merchant.order(9900).await;
        merchant.sandbox.pay(&order, Method::Upi).unwrap();
        (merchant.get(&format!("orders/{order}")).await, merchant.get("plans").await)
    };
    let merchant = Merchant::of(options()).await;
    assert_eq!(merchant.get(&format!("orders/{}", id(&order))).await, order);
    assert_eq!((&order["status"], merchant.get("plans").await), (&json!("paid"), plans));
}
