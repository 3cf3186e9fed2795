//! The stand-in for Razorpay, and paying there.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::place::Place;
use crate::harness::{Cli, scene};

const SERVICES: &[&str] = &["dev", "--no-server", "--no-seed", "--json"];
const PATIENCE: Duration = Duration::from_secs(20);

/// A merchant's order of 49 rupees; its id.
async fn order(place: &Place, receipt: &str) -> String {
    let shown = place.exec("env | grep '^RAZORPAY_'").well();
    let set = |name: &str| {
        let line = shown.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.unwrap_or_else(|| panic!("{name} is not set: {shown}")).to_owned()
    };
    assert!(set("RAZORPAY_PLAN_MONTHLY").starts_with("plan_") && set("RAZORPAY_WEBHOOK_SECRET").len() >= 32);
    let answer = banter_core::providers::http_client()
        .post(format!("{}/v1/orders", set("RAZORPAY_API_URL")))
        .basic_auth(set("RAZORPAY_KEY_ID"), Some(set("RAZORPAY_KEY_SECRET")))
        .json(&json!({ "amount": 4900, "currency": "INR", "receipt": receipt }))
        .send();
    let order: Value = answer.await.unwrap().json().await.unwrap();
    order["id"].as_str().unwrap().to_owned()
}

fn pay(place: &Place, arguments: &[&str]) -> Value {
    let paid = place.run(&[&["--json", "dev", "pay"], arguments].concat()).well();
    serde_json::from_str(&paid).unwrap()
}

#[tokio::test]
async fn an_order_is_paid_by_its_id_and_by_the_purchases() {
    let place = Place::new().set("PORT", "1");
    let running = place.start(SERVICES);
    assert!(running.tour["razorpayUrl"].as_str().unwrap().starts_with("http://127.0.0.1:"));
    let first = order(&place, "0192d3a4b5c67d8e9f00112233445566").await;
    let failed = pay(&place, &[&first, "--fail", "--method", "card"]);
    assert_eq!((&failed["paid"], &failed["checkout"]), (&json!(false), &Value::Null));
    assert_eq!(failed["webhooks"][0]["event"], "payment.failed");
    let paid = pay(&place, &["0192d3a4-b5c6-7d8e-9f00-112233445566", "--twice"]);
    assert_eq!((&paid["id"], &paid["verify"]["path"]), (&json!(first), &json!("/api/payments/verify")));
    assert_eq!(paid["verify"]["body"]["signature"], paid["checkout"]["razorpay_signature"]);
    assert_eq!(paid["webhooks"].as_array().unwrap().len(), 3);

    let waiting = order(&place, "another").await;
    let unknown = place.run(&["dev", "pay", "order_x"]);
    assert_eq!(unknown.code, Some(1));
    assert!(unknown.stderr.contains(&format!("{waiting}  ₹49.00")), "{}", unknown.stderr);
    let twice = place.run(&["dev", "pay", &first]);
    assert!(twice.stderr.contains("Payment already done"), "{}", twice.stderr);
    drop(running);
}

#[tokio::test]
async fn what_it_knows_outlives_it() {
    let place = Place::new().set("PORT", "1");
    let running = place.start(SERVICES);
    let order = order(&place, "kept").await;
    let record = place.dir().join("run/razorpay.json");
    let pid = || -> Option<i32> {
        let record: Value = serde_json::from_str(&fs::read_to_string(&record).ok()?).ok()?;
        record["pid"].as_i64()?.try_into().ok()
    };
    let before = pid().unwrap();
    // What it was told is on the disk in a moment; then nothing is lost by a kill.
    let begun = Instant::now();
    let file = place.dir().join("razorpay.json");
    while !fs::read_to_string(&file).is_ok_and(|text| text.contains(&order)) {
        assert!(begun.elapsed() < PATIENCE, "it was never written");
        std::thread::yield_now();
    }
    kill_process(Pid::from_raw(before).unwrap(), Signal::KILL).unwrap();
    let paid = loop {
        let paid = place.run(&["dev", "pay", &order]);
        if paid.code == Some(0) {
            break paid;
        }
        assert!(begun.elapsed() < PATIENCE, "{}", paid.stderr);
    };
    assert!(paid.well().contains(&format!("{order} is paid")));
    assert_ne!(pid().unwrap(), before);
    drop(running);
}

#[test]
fn where_nothing_runs_nothing_is_paid() {
    scene!(Cli::new(), "dev_pay_nothing_runs", ["dev", "pay", "order_Abc123Abc123Ab"]);
    scene!(Cli::new(), "dev_razorpay_by_hand", ["dev", "razorpay"]);
    let production = Cli::new().set("BANTER_ENV", "production");
    scene!(production, "dev_razorpay_in_production", ["dev", "razorpay"]);
}
