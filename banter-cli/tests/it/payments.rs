//! With Razorpay's stand-in, and purchases made through the core.

use std::io::Write as _;
use std::process::Stdio;

use banter_core::Banter;
use banter_core::accounts::{Caller, Role};
use banter_core::clock::Clock;
use banter_core::ids::TransactionId;
use banter_core::payments::catalogue::Package;
use banter_core::payments::orders::Ordered;
use banter_core::payments::verify::Proof;
use banter_core::sandbox::razorpay::{Fault, Method, Options, Sandbox};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::harness::{Cli, scene};

const PAST: &str = "0190b2c4-0000-7000-8000-000000000001";

struct Shop {
    cli: Cli,
    sandbox: Sandbox,
    banter: Banter,
    caller: Caller,
}

impl Shop {
    async fn open() -> Self {
        let sandbox = Sandbox::start(Options::new(Clock::System)).await.expect("started");
        let keys = sandbox.keys().clone();
        let cli = Cli::with_database()
            .await
            .set("RAZORPAY_KEY_ID", keys.key_id)
            .set("RAZORPAY_KEY_SECRET", keys.key_secret)
            .set("RAZORPAY_WEBHOOK_SECRET", keys.webhook_secret)
            .set("RAZORPAY_API_URL", sandbox.url());
        let banter = cli.banter().await;
        banter.seed().demo().await.expect("made");
        let user_id = banter.accounts().find("asha").await.expect("of the demo");
        // No session is looked at where the core is called.
        let session_id = PAST.parse().expect("an id");
        let expires_at = DateTime::<Utc>::MAX_UTC;
        let caller = Caller { user_id, session_id, role: Role::User, expires_at };
        Self { cli, sandbox, banter, caller }
    }

    async fn order(&self) -> Ordered {
        self.banter.payments().order(&self.caller, Package::Premium).await.expect("ordered")
    }

    /// A purchase of 600 coins for ₹249.00, and the payment's id.
    async fn buy(&self) -> (TransactionId, String) {
        let ordered = self.order().await;
        let checkout = self.sandbox.pay(&ordered.order_id, Method::Upi).expect("paid");
        let proof = Proof {
            order_id: ordered.order_id,
            payment_id: checkout.razorpay_payment_id.clone(),
            signature: checkout.razorpay_signature,
            transaction: None,
        };
        self.banter.payments().verify(&self.caller, &proof).await.expect("credited");
        (ordered.transaction, checkout.razorpay_payment_id)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let arguments = [&["--json"], arguments].concat();
        serde_json::from_slice(&self.cli.run(&arguments).stdout).expect("JSON")
    }

    async fn coins(&self) -> i64 {
        self.cli.count("select coins::bigint from users where username = 'asha'").await
    }
}

/// Snapshots like [`scene`], without Razorpay's ids.
macro_rules! scene_of {
    ($shop:expr, $name:expr, $arguments:expr) => {{
        let mut settings = $shop.cli.settings();
        settings.add_filter(r"\b(order|pay|rfnd)_[A-Za-z0-9]{14}\b", "[${1}]");
        settings.bind(|| insta::assert_snapshot!($name, $shop.cli.show(&$arguments)))
    }};
}

#[tokio::test]
async fn nothing_was_paid() {
    let cli = Cli::with_database().await;
    scene!(cli, "payments_list_none", ["payments", "list"]);
    scene!(cli, "payments_list_none_json", ["--json", "payments", "list", "--status", "failed"]);
    scene!(cli, "payments_list_no_day", ["payments", "list", "--since", "99999-01-01"]);
    scene!(cli, "payments_show_unknown", ["payments", "show", "pay_29QQoUBi66xm2f"]);
    scene!(cli, "payments_webhooks_none", ["payments", "webhooks", "list"]);
    scene!(cli, "payments_webhooks_show_unknown", ["payments", "webhooks", "show", "EiyYZ8yt2LkxUM"]);
    scene!(cli, "payments_webhooks_replay_none", ["payments", "webhooks", "replay", "--refused"]);
    scene!(cli, "payments_webhooks_replay_what", ["payments", "webhooks", "replay"]);
    scene!(cli, "payments_reconcile_not_configured", ["payments", "reconcile"]);
    scene!(cli, "payments_refund_not_configured", ["payments", "refund", PAST, "--reason", "a test"]);
    let cli = cli
        .set("BANTER_ENV", "production")
        .set("RAZORPAY_KEY_ID", "rzp_live_1234567890abcd")
        .set("RAZORPAY_KEY_SECRET", "abcdef1234567890abcdef12")
        .set("RAZORPAY_WEBHOOK_SECRET", "0123456789abcdef")
        .set("RAZORPAY_API_URL", "http://127.0.0.1:9");
    scene!(cli, "payments_reconcile_stand_in", ["payments", "reconcile"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn listed_filtered_and_paged() {
    let shop = Shop::open().await;
    let (first, _) = shop.buy().await;
    let second = shop.order().await.transaction;
    scene_of!(shop, "payments_list", ["payments", "list"]);
    scene_of!(shop, "payments_list_json", ["--json", "payments", "list", "--status", "success"]);
    let ids = |more: &[&str]| {
        let list = shop.json(&[&["payments", "list"], more].concat());
        let all = list["transactions"].as_array().expect("a list").clone();
        let ids: Vec<String> = all.iter().map(|one| one["id"].as_str().expect("an id").to_owned()).collect();
        (ids, list["nextCursor"].as_str().map(str::to_owned))
    };
    let (first, second) = (first.to_string(), second.to_string());
    assert_eq!(ids(&["--user", "asha", "--item", "premium"]).0, [second.clone(), first.clone()]);
    assert_eq!(ids(&["--status", "pending"]).0, std::slice::from_ref(&second));
    for nothing in
        [["--user", "ravi"], ["--kind", "refund"], ["--since", "2199-01-01"], ["--until", "2001-01-01"]]
    {
        assert_eq!(ids(&nothing).0, Vec::<String>::new(), "{nothing:?}");
    }
    let (page, cursor) = ids(&["--limit", "1"]);
    let cursor = cursor.expect("there is another");
    assert_eq!((page, ids(&["--limit", "1", "--after", &cursor])), (vec![second], (vec![first], None)));
}

#[tokio::test(flavor = "multi_thread")]
async fn shown_by_every_name_it_has() {
    let shop = Shop::open().await;
    let (id, payment) = shop.buy().await;
    shop.cli.sql(CAPTURED).await;
    let refund =
        shop.cli.run(&["payments", "refund", &payment, "--amount", "49", "--reason", "a part", "--yes"]);
    assert!(refund.status.success(), "{}", String::from_utf8_lossy(&refund.stderr));
    scene_of!(shop, "payments_show", ["payments", "show", &payment]);
    let shown = shop.json(&["payments", "show", &id.to_string()]);
    let refund = shown["refunds"][0].clone();
    for name in [shown["razorpayOrderId"].as_str().expect("an order"), &id.0.simple().to_string(), &payment] {
        assert_eq!(shop.json(&["payments", "show", name])["id"], shown["id"], "{name}");
    }
    scene_of!(
        shop,
        "payments_show_refund",
        ["payments", "show", refund["razorpayRefundId"].as_str().expect("an id")]
    );
    assert_eq!(
        (shown["ledger"].as_array().map(Vec::len), &shown["webhooks"][0]["id"]),
        (Some(2), &"Captured".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn given_back_once_it_is_confirmed() {
    let shop = Shop::open().await;
    let (_, payment) = shop.buy().await;
    let before = shop.coins().await;
    let arguments = ["payments", "refund", &payment, "--reason", "bought by mistake"];
    scene_of!(shop, "payments_refund_unconfirmed", arguments);
    for (typed, code, coins) in [("\n", 1, before), ("yes\n", 1, before), ("refund\n", 0, before - 600)] {
        let mut child = shop
            .cli
            .command(&arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("started");
        child.stdin.take().expect("piped").write_all(typed.as_bytes()).expect("read");
        assert_eq!(child.wait_with_output().expect("ended").status.code(), Some(code), "{typed:?}");
        assert_eq!(shop.coins().await, coins, "{typed:?}");
    }
    scene_of!(shop, "payments_refund_again", ["payments", "refund", &payment, "--reason", "again", "--yes"]);
    assert_eq!(shop.sandbox.entity(&payment).expect("there")["amount_refunded"], 24_900);
    assert_eq!(shop.sandbox.take_refused(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_a_refund_is_said() {
    let shop = Shop::open().await;
    let (_, payment) = shop.buy().await;
    let before = shop.coins().await;
    let part = |amount| ["payments", "refund", &payment, "--amount", amount, "--reason", "a part", "--yes"];
    scene_of!(shop, "payments_refund_part", part("49"));
    scene_of!(shop, "payments_refund_too_much", part("200.01"));
    scene_of!(shop, "payments_refund_too_little", part("0.99"));
    let asked = Some(1);
    shop.sandbox.fail_at("POST /v1/payments", asked, Fault::Refuse("The account has no balance".into()));
    scene_of!(shop, "payments_refund_refused", part("50"));
    assert_eq!(shop.coins().await, before - 118, "they are back");
    shop.sandbox.fail_at("POST /v1/payments", asked, Fault::ServerError);
    scene_of!(shop, "payments_refund_away", part("50"));
    shop.sandbox.refund_slowly();
    scene_of!(shop, "payments_refund_slow_json", [&["--json"][..], &part("50")].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn coins_that_are_spent_are_owed() {
    let shop = Shop::open().await;
    let (_, payment) = shop.buy().await;
    // As if gifts had taken them.
    shop.cli
        .sql(
            "insert into coin_ledger (id, user_id, kind, amount, purchased, balance_after, reference, created_at)
             select gen_random_uuid(), id, 'gift_sent', 50 - coins, 50 - purchased_coins - (50 - least(50, purchased_coins)), 50, 'a', now()
             from users where username = 'asha';
             update users set coins = 50, purchased_coins = 50 where username = 'asha'",
        )
        .await;
    scene_of!(shop, "payments_refund_owed", ["payments", "refund", &payment, "--reason", "a test", "--yes"]);
    assert_eq!(shop.cli.count("select owed_coins::bigint from users where username = 'asha'").await, 550);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_webhook_told_is_credited() {
    let shop = Shop::open().await;
    let before = shop.coins().await;
    let [one, two] = [shop.order().await, shop.order().await];
    shop.sandbox.pay(&one.order_id, Method::Upi).expect("paid");
    shop.sandbox.pay(&two.order_id, Method::Card).expect("paid");
    scene_of!(shop, "payments_reconcile_order", ["payments", "reconcile", "--order", &one.order_id]);
    assert_eq!(shop.coins().await, before + 600);
    // Around midnight the payments may be of either day.
    let today = (shop.banter.clock().now() + TimeDelta::minutes(330)).date_naive();
    let report = shop.json(&["payments", "reconcile", "--day", &today.to_string()]);
    assert_eq!((&report["lookedAt"], &report["credited"]), (&2.into(), &1.into()), "{report}");
    scene_of!(shop, "payments_reconcile", ["payments", "reconcile"]);
    shop.sandbox.fail(Fault::ServerError);
    scene_of!(shop, "payments_reconcile_away", ["payments", "reconcile", "--order", &one.order_id]);
    scene_of!(
        shop,
        "payments_reconcile_both",
        ["payments", "reconcile", "--day", "2026-11-22", "--order", "x"]
    );
}

/// What Razorpay would tell of every purchase, and what it does not understand.
const CAPTURED: &str = "
    insert into webhook_events (provider, event_id, kind, payload, received_at, state, note)
    select 'razorpay', 'Captured', 'payment.captured',
           jsonb_build_object('event', 'payment.captured', 'payload', jsonb_build_object('payment', jsonb_build_object('entity',
               jsonb_build_object('id', razorpay_payment_id, 'entity', 'payment', 'amount', amount, 'currency', currency,
                   'status', 'captured', 'order_id', razorpay_order_id, 'method', 'upi', 'created_at', 1795000000)))),
           '2026-11-22 06:30Z'::timestamptz, 'received', null
    from transactions where status = 'success'
    union all
    select 'razorpay', 'Disputed', 'payment.dispute.created', '{\"event\": \"payment.dispute.created\", \"payload\": {}}',
           '2026-11-22 06:31Z', 'unknown', null
    union all
    select 'razorpay', 'Broken', 'payment.captured', '{\"event\": \"payment.captured\", \"payload\": {}}',
           '2026-11-22 06:32Z', 'refused', 'no such order'";

#[tokio::test(flavor = "multi_thread")]
async fn events_are_listed_shown_and_applied_again() {
    let shop = Shop::open().await;
    shop.buy().await;
    shop.cli.sql(CAPTURED).await;
    scene_of!(shop, "payments_webhooks_list", ["payments", "webhooks", "list"]);
    scene_of!(
        shop,
        "payments_webhooks_list_json",
        ["--json", "payments", "webhooks", "list", "--state", "refused"]
    );
    let page = shop.json(&["payments", "webhooks", "list", "--limit", "2"]);
    let cursor = page["nextCursor"].as_str().expect("there is another");
    assert_eq!(
        shop.json(&["payments", "webhooks", "list", "--after", cursor])["events"][0]["id"],
        "Captured"
    );
    scene_of!(shop, "payments_webhooks_show", ["payments", "webhooks", "show", "Captured"]);
    let before = shop.coins().await;
    scene_of!(shop, "payments_webhooks_replay_unconfirmed", ["payments", "webhooks", "replay", "Captured"]);
    scene_of!(
        shop,
        "payments_webhooks_replay_unknown_id",
        ["payments", "webhooks", "replay", "Captured", "none", "--yes"]
    );
    assert_eq!(shop.cli.count("select count(*) from webhook_events where state = 'received'").await, 1);
    scene_of!(shop, "payments_webhooks_replay", ["payments", "webhooks", "replay", "--received", "--yes"]);
    scene_of!(
        shop,
        "payments_webhooks_replay_refused",
        ["payments", "webhooks", "replay", "--refused", "--yes"]
    );
    assert_eq!(shop.coins().await, before, "it had been credited");
}
