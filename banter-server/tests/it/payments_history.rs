//! What was paid: history, ledger, receipts.

use banter_core::sandbox::razorpay::{Method, Options, Sandbox};
use banter_core::testing::{Person, World, noon};
use serde_json::{Value, json};

use crate::harness::Api;

/// Asha, who bought the standard package; her transaction's id.
async fn bought() -> (Sandbox, Api, Person, Value) {
    let shop = Sandbox::start(Options::new(noon())).await.expect("a stand-in");
    let api = Api::over(World::builder().buys_at(&shop)).await;
    let asha = api.world.user("asha").await;
    let order = api.post("/payments/create-order", &asha, json!({ "packageType": "standard" })).await.is(200);
    let order_id = order["order"]["id"].as_str().expect("an id");
    let paid = shop.pay(order_id, Method::Upi).expect("they pay");
    let proof = json!({ "orderId": order_id, "paymentId": paid.razorpay_payment_id, "signature": paid.razorpay_signature,
        "transactionId": order["transaction"]["id"] });
    api.post("/payments/verify", &asha, proof).await.is(200);
    api.world.may_leave_jobs();
    let id = order["transaction"]["id"].clone();
    (shop, api, asha, id)
}

#[tokio::test]
async fn what_was_paid_is_listed() {
    let (_shop, api, asha, id) = bought().await;
    let listed = api.get("/payments/history", &asha).await.is(200);
    let first = &listed["transactions"][0];
    assert_eq!(
        (&first["id"], &first["type"], &first["status"]),
        (&id, &json!("coin_purchase"), &json!("success"))
    );
    assert_eq!(
        (&first["amount"], &first["coins"], &first["hasReceipt"]),
        (&json!(9900), &json!(250), &json!(true))
    );
    let id = id.as_str().expect("an id");
    assert_eq!(&api.get(&format!("/payments/transactions/{id}"), &asha).await.is(200)["transaction"], first);
    let ledger = api.get("/payments/ledger", &asha).await.is(200);
    let balances = json!({ "coins": 350, "purchased": 250, "bonus": 100, "earned": 0, "owed": 0 });
    assert_eq!((&ledger["balances"], ledger["entries"].as_array().map(Vec::len)), (&balances, Some(2)));
    let ravi = api.world.user("ravi").await;
    for path in [format!("/payments/transactions/{id}"), format!("/payments/transactions/{id}/receipt")] {
        api.get(&path, &ravi).await.refused(404, "TRANSACTION_NOT_FOUND");
    }
}

#[tokio::test]
async fn a_receipt_comes_as_json_and_as_a_page() {
    let (_shop, api, asha, id) = bought().await;
    let path = format!("/payments/transactions/{}/receipt", id.as_str().expect("an id"));
    let receipt = api.get(&path, &asha).await.is(200)["receipt"].take();
    assert_eq!((&receipt["number"], &receipt["total"]), (&json!("BAN/26-27/000001"), &json!(9900)));
    assert_eq!(receipt["tax"], json!({ "rate": 1800, "cgst": 755, "sgst": 755, "total": 1510 }));
    let asked =
        api.ask(axum::http::Method::GET, &format!("/api{path}"), &asha).header("accept", "text/html,*/*");
    for page in [api.get(&format!("{path}?format=html"), &asha).await, api.send(asked).await] {
        assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
        assert!(String::from_utf8_lossy(&page.body).contains("BAN/26-27/000001"));
        assert_eq!(
            page.header("content-security-policy"),
            Some("default-src 'none'; style-src 'unsafe-inline'")
        );
    }
    api.get(&format!("{path}?format=pdf"), &asha).await.refused(400, "VALIDATION_FAILED");
    let order = api.post("/payments/create-order", &asha, json!({ "packageType": "basic" })).await.is(200);
    let unpaid = order["transaction"]["id"].as_str().expect("an id");
    api.get(&format!("/payments/transactions/{unpaid}/receipt"), &asha).await.refused(409, "NOT_PAID");
}
