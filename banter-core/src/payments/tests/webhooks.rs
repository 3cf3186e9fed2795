use super::*;

#[tokio::test]
async fn an_event_credits_once_whatever_comes_how_often() {
    let shop = Shop::open().await;
    let order = shop.order(Package::Premium).await;
    let paid = event(
        "order.paid",
        &json!({ "payment": { "entity": payment(&order, "pay_1", "captured") },
            "order": { "entity": { "id": order.id, "status": "paid" } } }),
    );
    assert!(shop.deliver("evt_2", &paid).await);
    assert!(!shop.deliver("evt_2", &paid).await, "the same event again");
    for (number, event) in [(1, captured(&order, "pay_1")), (3, paid), (4, failed(&order, "pay_0"))] {
        shop.deliver(&format!("evt_{number}0"), &event).await;
    }
    assert_eq!((shop.coins().await, shop.status(&order).await.as_str()), (700, "success"));
    assert_eq!(shop.event("evt_2").await, ("applied".into(), None));
    assert_eq!(
        shop.event("evt_40").await.0,
        "applied",
        "a failed attempt of what is paid is one all the same"
    );
    let known: (String, i64, i64) = sqlx::query_as("select payment_method, fee, tax from transactions")
        .fetch_one(shop.world.banter.pool())
        .await
        .unwrap();
    assert_eq!(known, ("upi".into(), 116, 18));
    // The phone comes later, and learns that it is done.
    assert_eq!(shop.verify(&Shop::proof(&order, "pay_1")).await.unwrap().balance, 700);
    assert_eq!(shop.coins().await, 700);
}

#[tokio::test]
async fn a_failed_attempt_is_told_and_a_later_one_pays() {
    let shop = Shop::open().await;
    let order = shop.order(Package::Basic).await;
    shop.deliver("evt_1", &failed(&order, "pay_1")).await;
    assert_eq!((shop.coins().await, shop.status(&order).await.as_str()), (100, "failed"));
    let why: String = sqlx::query_scalar("select failure_reason from transactions")
        .fetch_one(shop.world.banter.pool())
        .await
        .unwrap();
    assert_eq!(why, "insufficient_funds");
    shop.deliver("evt_2", &captured(&order, "pay_2")).await;
    assert_eq!((shop.coins().await, shop.status(&order).await.as_str()), (200, "success"));
    shop.deliver("evt_3", &failed(&order, "pay_3")).await;
    assert_eq!(shop.status(&order).await, "success");
}

#[tokio::test]
async fn what_contradicts_us_is_refused_kept_and_moves_nothing() {
    let shop = Shop::open().await;
    let order = shop.order(Package::Basic).await;
    let wrong = |field: &str, value: Value| {
        let mut event = captured(&order, "pay_1");
        event["payload"]["payment"]["entity"][field] = value;
        event
    };
    let nowhere = Order { id: "order_of_nobody".into(), ..order.clone() };
    let mut other_order = captured(&order, "pay_1");
    other_order["event"] = json!("order.paid");
    other_order["payload"]["order"] = json!({ "entity": { "id": nowhere.id, "status": "paid" } });
    let cases = [
        ("evt_amount", wrong("amount", json!(100)), "refused"),
        ("evt_more", wrong("amount", json!(49_900)), "refused"),
        ("evt_currency", wrong("currency", json!("USD")), "refused"),
        ("evt_nobody", captured(&nowhere, "pay_1"), "refused"),
        ("evt_shape", event("payment.captured", &json!({ "subscription": {} })), "refused"),
        ("evt_no_order", wrong("order_id", Value::Null), "ignored"),
        ("evt_promised", wrong("status", json!("authorized")), "refused"),
        ("evt_failed", wrong("status", json!("failed")), "refused"),
        ("evt_other_order", other_order, "refused"),
        ("evt_dispute", event("payment.dispute.created", &json!({ "dispute": {} })), "unknown"),
    ];
    for (id, event, state) in cases {
        assert!(shop.deliver(id, &event).await);
        assert_eq!(shop.event(id).await.0, state, "{id}");
    }
    assert_eq!((shop.coins().await, shop.status(&order).await.as_str()), (100, "pending"));
}

#[tokio::test]
async fn what_is_not_signed_so_is_not_taken() {
    let shop = Shop::open().await;
    let order = shop.order(Package::Basic).await;
    let body = captured(&order, "pay_1").to_string();
    let signature = sign(WEBHOOK_SECRET, body.as_bytes());
    let hear = async |signature: &str, body: &str| {
        shop.world
            .banter
            .payments()
            .hear(signature, Some("evt_1"), body.as_bytes())
            .await
            .map_err(|e| e.coded().1)
    };
    let spaced = body.replace(",\"", ", \"");
    assert_eq!(
        hear(&signature, &spaced).await,
        Err("WEBHOOK_SIGNATURE_INVALID"),
        "the same JSON, other bytes"
    );
    assert_eq!(hear("", &body).await, Err("WEBHOOK_SIGNATURE_INVALID"));
    assert_eq!(hear(&sign(KEY_SECRET, body.as_bytes()), &body).await, Err("WEBHOOK_SIGNATURE_INVALID"));
    for junk in ["", "[]", "{}", "null", "{\"event\":7}", "{\"event\":\"\"}", "{\"event\":\"a\\u0000\"}"] {
        assert_eq!(
            hear(&sign(WEBHOOK_SECRET, junk.as_bytes()), junk).await,
            Err("WEBHOOK_INVALID"),
            "{junk}"
        );
    }
    assert_eq!(shop.number("select count(*)::int from webhook_events").await, 0);
    // What a payer wrote cannot make an event unwelcome.
    let mut odd = captured(&shop.order(Package::Basic).await, "pay_2");
    odd["payload"]["payment"]["entity"]["description"] = json!("\0");
    odd["payload"]["payment"]["entity"]["error_description"] = json!("a\0b");
    odd["payload"]["payment"]["entity"]["notes"] = json!({ "a\0": "b" });
    assert!(shop.deliver("evt_odd", &odd).await);
    assert_eq!(shop.coins().await, 200);
    assert_eq!(hear(&signature, &body).await, Ok(true));
    shop.work().await;
    assert_eq!(shop.coins().await, 300);
}

#[tokio::test]
async fn nothing_private_is_stored() {
    let shop = Shop::open().await;
    let order = shop.order(Package::Basic).await;
    shop.deliver("evt_1", &captured(&order, "pay_1")).await;
    let stored: String = sqlx::query_scalar("select payload::text from webhook_events")
        .fetch_one(shop.world.banter.pool())
        .await
        .unwrap();
    let dispute = event(
        "payment.dispute.created",
        &json!({
            "dispute": { "entity": { "id": "disp_Ax1", "amount": 4900, "reason_code": "chargeback", "phase": "chargeback",
                "evidence": { "summary": "x", "billing_proof": ["doc_1"] } } },
            "customer": { "entity": { "id": "cust_Ax1", "name": "Asha", "gstin": "29AAAAA0000A1Z5" } },
            "invoice": { "entity": { "id": "inv_Ax1", "receipt": "r-1", "notes": { "who": "Asha Rao", "call": "9876543210" },
                "customer_details": { "customer_name": "Asha", "billing_address": { "line1": "1 MG Road" } },
                "comment": "call asha", "short_url": "https://rzp.io/i/Ax1" } },
        }),
    );
    shop.deliver("evt_2", &dispute).await;
    let kept = shop.world.banter.payments().event("evt_2").await.unwrap().1;
    assert_eq!(kept["payload"]["dispute"]["entity"]["reason_code"], "chargeback");
    assert_eq!(kept["payload"]["invoice"]["entity"]["id"], "inv_Ax1");
    let stored = format!("{stored}{kept}");
    for private in
        ["Asha", "asha", "MG Road", "29AAAAA", "9876543210", "doc_1", "+919876543210", "0125836177"]
    {
        assert!(!stored.contains(private), "{private}: {stored}");
    }
    assert!(stored.contains("pay_1") && stored.contains(&order.id), "{stored}");
}

#[tokio::test]
async fn an_event_is_applied_again_where_somebody_wants_it() {
    let shop = Shop::open().await;
    let order = shop.order(Package::Basic).await;
    let early = captured(&order, "pay_1");
    shop.world.sql("update transactions set razorpay_order_id = 'order_not_known_yet'").await;
    shop.deliver("evt_1", &early).await;
    assert_eq!(shop.event("evt_1").await.0, "refused");
    sqlx::query("update transactions set razorpay_order_id = $1")
        .bind(&order.id)
        .execute(shop.world.banter.pool())
        .await
        .unwrap();
    for _ in 0..2 {
        assert!(shop.world.banter.payments().replay("evt_1").await.unwrap());
        assert_eq!((shop.coins().await, shop.event("evt_1").await.0.as_str()), (200, "applied"));
    }
    assert!(!shop.world.banter.payments().replay("evt_2").await.unwrap());
    // Had it died before it was applied, a worker would have done it.
    shop.world.advance(chrono::TimeDelta::minutes(1));
    shop.work().await;
    assert_eq!(shop.coins().await, 200);
}

#[tokio::test]
async fn an_order_that_is_paid_twice_gives_the_second_back() {
    let shop = Shop::open().await;
    let order = shop.order(Package::Basic).await;
    shop.deliver("evt_1", &captured(&order, "pay_1")).await;
    for id in ["evt_2", "evt_3"] {
        shop.deliver(id, &captured(&order, "pay_2")).await;
    }
    assert_eq!(shop.coins().await, 200, "credited once");
    let rows: Vec<(String, String, Option<String>, i64)> = sqlx::query_as(
        "select kind, status, razorpay_payment_id, refunded_amount from transactions order by created_at, kind, id",
    )
    .fetch_all(shop.world.banter.pool())
    .await
    .unwrap();
    let has = |kind: &str, status: &str, payment: Option<&str>, refunded| {
        rows.iter().any(|row| {
            (row.0.as_str(), row.1.as_str(), row.2.as_deref(), row.3) == (kind, status, payment, refunded)
        })
    };
    assert!(rows.len() == 3 && has("coin_purchase", "success", Some("pay_1"), 0), "{rows:?}");
    assert!(
        has("coin_purchase", "refunded", Some("pay_2"), 4900) && has("refund", "pending", None, 0),
        "{rows:?}"
    );
    // The phone that paid twice is told so, however often it asks.
    for _ in 0..2 {
        assert_eq!(code(shop.verify(&Shop::proof(&order, "pay_2")).await), "ORDER_ALREADY_PAID");
    }
    assert_eq!(shop.verify(&Shop::proof(&order, "pay_1")).await.unwrap().balance, 200);
    let other = shop.order(Package::Basic).await;
    shop.deliver("evt_4", &captured(&other, "pay_3")).await;
    assert_eq!(code(shop.verify(&Shop::proof(&other, "pay_1")).await), "PAYMENT_REUSED");
    assert_eq!(shop.coins().await, 300);
    // Razorpay is away; the refund is asked for until it answers.
    shop.world.may_leave_jobs();
}
