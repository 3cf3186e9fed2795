//! With the stand-in: what it tells, what it is asked, and what it does not answer.

use chrono::TimeDelta;

use super::{Package, Proof, code};
use crate::error::Coded as _;
use crate::jobs::worker;
use crate::payments::orders::Ordered;
use crate::payments::reconcile::Report;
use crate::payments::verify::Verified;
use crate::payments::{Error, Payments};
use crate::providers::razorpay::signature::sign;
use crate::sandbox::razorpay::{Checkout, Fault, Method, Options, Sandbox};
use crate::testing::{Person, World, noon};

struct Market {
    sandbox: Sandbox,
    world: World,
    asha: Person,
}

impl Market {
    async fn open() -> Self {
        let sandbox = Sandbox::start(Options::new(noon())).await.unwrap();
        let world = World::builder().memory().buys_at(&sandbox).build().await;
        let asha = world.user("asha").await;
        Self { sandbox, world, asha }
    }

    fn payments(&self) -> Payments<'_> {
        self.world.banter.payments()
    }

    async fn order(&self, package: Package) -> Ordered {
        self.payments().order(&self.asha.caller, package).await.unwrap()
    }

    async fn verify(&self, ordered: &Ordered, checkout: &Checkout) -> Result<Verified, Error> {
        let proof = Proof {
            order_id: ordered.order_id.clone(),
            payment_id: checkout.razorpay_payment_id.clone(),
            signature: checkout.razorpay_signature.clone(),
            transaction: Some(ordered.transaction),
        };
        self.payments().verify(&self.asha.caller, &proof).await
    }

    async fn work(&self) {
        while worker::round(&self.world.banter).await.unwrap() > 0 {}
    }

    /// Delivers an event under a name of its own; what became of it.
    async fn deliver(&self, name: &str, body: &serde_json::Value) -> String {
        let body = body.to_string();
        let signature = sign(&self.sandbox.keys().webhook_secret, body.as_bytes());
        self.payments().hear(&signature, Some(name), body.as_bytes()).await.unwrap();
        self.work().await;
        self.event(name).await
    }

    async fn event(&self, name: &str) -> String {
        sqlx::query_scalar("select state from webhook_events where event_id = $1")
            .bind(name)
            .fetch_one(self.world.banter.pool())
            .await
            .unwrap()
    }

    async fn number(&self, sql: &str) -> i32 {
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned()))
            .fetch_one(self.world.banter.pool())
            .await
            .unwrap()
    }

    async fn coins(&self) -> i32 {
        sqlx::query_scalar("select coins from users where id = $1")
            .bind(self.asha.id)
            .fetch_one(self.world.banter.pool())
            .await
            .unwrap()
    }

    async fn status(&self, ordered: &Ordered) -> String {
        sqlx::query_scalar("select status from transactions where id = $1")
            .bind(ordered.transaction)
            .fetch_one(self.world.banter.pool())
            .await
            .unwrap()
    }

    /// Nothing that was asked broke a rule of Razorpay's.
    fn kept_the_rules(&self) {
        assert_eq!(self.sandbox.take_refused(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_purchase_from_order_to_coins() {
    let market = Market::open().await;
    let ordered = market.order(Package::Ultimate).await;
    assert_eq!(ordered.key_id, market.sandbox.keys().key_id);
    let theirs = market.sandbox.entity(&ordered.order_id).unwrap();
    assert_eq!(
        (&theirs["amount"], &theirs["receipt"]),
        (&49_900.into(), &ordered.transaction.0.simple().to_string().into())
    );
    assert_eq!(theirs["notes"]["userId"], market.asha.id.to_string());
    let checkout = market.sandbox.pay(&ordered.order_id, Method::Upi).unwrap();
    let verified = market.verify(&ordered, &checkout).await.unwrap();
    assert_eq!((verified.coins, verified.balance), (1500, 1600));
    let asked = market.sandbox.requests().len();
    assert_eq!(market.verify(&ordered, &checkout).await.unwrap(), verified);
    assert_eq!(market.sandbox.requests().len(), asked, "what is known is not asked again");
    let (method, fee): (String, Option<i64>) = sqlx::query_as("select payment_method, fee from transactions")
        .fetch_one(market.world.banter.pool())
        .await
        .unwrap();
    assert!(method == "upi" && fee.is_some(), "{method} {fee:?}");
    market.kept_the_rules();
}

#[tokio::test]
async fn what_is_only_promised_is_taken() {
    let market = Market::open().await;
    let ordered = market.order(Package::Basic).await;
    let checkout = market.sandbox.authorize(&ordered.order_id, Method::Card).unwrap();
    assert_eq!(market.verify(&ordered, &checkout).await.unwrap().balance, 200);
    assert_eq!(market.sandbox.entity(&checkout.razorpay_payment_id).unwrap()["status"], "captured");
    // Nobody comes with a proof of this one, and no webhook tells of it.
    let ordered = market.order(Package::Basic).await;
    market.sandbox.authorize(&ordered.order_id, Method::Card).unwrap();
    market.world.advance(TimeDelta::minutes(11));
    let report = market.payments().reconcile_waiting().await.unwrap();
    assert_eq!(report, Report { looked_at: 1, credited: 1, ..Report::default() });
    assert_eq!(market.coins().await, 300);
    market.kept_the_rules();
}

#[tokio::test]
async fn what_no_webhook_told_is_found() {
    let market = Market::open().await;
    let (paid, failed, open) = (
        market.order(Package::Basic).await,
        market.order(Package::Basic).await,
        market.order(Package::Basic).await,
    );
    market.sandbox.pay(&paid.order_id, Method::Upi).unwrap();
    market.sandbox.fail_payment(&failed.order_id, Method::Card, "insufficient_fund").unwrap();
    assert_eq!(
        market.payments().reconcile_waiting().await.unwrap(),
        Report::default(),
        "ten minutes are given"
    );
    market.world.advance(TimeDelta::minutes(11));
    let report = market.payments().reconcile_waiting().await.unwrap();
    assert_eq!(report, Report { looked_at: 3, credited: 1, ended: 1, ..Report::default() });
    assert_eq!(market.payments().reconcile_waiting().await.unwrap(), Report::default(), "asked a moment ago");
    assert_eq!((market.coins().await, market.status(&failed).await.as_str()), (200, "failed"));
    assert_eq!(market.status(&open).await, "pending");
    market.world.advance(TimeDelta::hours(24));
    let report = market.payments().reconcile_waiting().await.unwrap();
    assert_eq!(report, Report { looked_at: 1, ended: 1, ..Report::default() });
    assert_eq!(market.status(&open).await, "abandoned");
    // The bank was slow: the morning's look finds it.
    market.sandbox.pay(&open.order_id, Method::Netbanking).unwrap();
    let today = crate::payments::reconcile::india(market.world.now());
    let report = market.payments().reconcile_day(today).await.unwrap();
    assert_eq!(report, Report { looked_at: 1, credited: 1, ..Report::default() });
    assert_eq!((market.coins().await, market.status(&open).await.as_str()), (300, "success"));
    assert_eq!(market.payments().reconcile_day(today).await.unwrap().credited, 0);
    market.kept_the_rules();
}

#[tokio::test]
async fn pages_of_a_day_are_all_looked_at() {
    let market = Market::open().await;
    for _ in 0..105 {
        let now = market.world.now();
        let ordered = market.payments().order(&market.asha.caller, Package::Basic).await;
        let Ok(ordered) = ordered else {
            // As many as a person may order in a while.
            market.world.advance(TimeDelta::seconds(30));
            assert_ne!(market.world.now(), now);
            continue;
        };
        market.sandbox.pay(&ordered.order_id, Method::Upi).unwrap();
    }
    let paid: i64 = sqlx::query_scalar("select count(*) from transactions")
        .fetch_one(market.world.banter.pool())
        .await
        .unwrap();
    let today = crate::payments::reconcile::india(market.world.now());
    let report = market.payments().reconcile_day(today).await.unwrap();
    assert_eq!((i64::from(report.looked_at), i64::from(report.credited)), (paid, paid));
    assert_eq!(i64::from(market.coins().await), 100 + 100 * paid);
}

#[tokio::test]
async fn a_proof_is_good_while_razorpay_is_away_and_is_looked_at_later() {
    let market = Market::open().await;
    let ordered = market.order(Package::Basic).await;
    let checkout = market.sandbox.pay(&ordered.order_id, Method::Wallet).unwrap();
    for fault in [Fault::ServerError, Fault::Garbage, Fault::Throttled, Fault::BreakOff] {
        market.sandbox.fail_next(1, fault);
        assert_eq!(market.verify(&ordered, &checkout).await.unwrap().balance, 200);
    }
    market.sandbox.recover();
    market.world.advance(TimeDelta::minutes(1));
    market.work().await;
    let method: Option<String> = sqlx::query_scalar("select payment_method from transactions")
        .fetch_one(market.world.banter.pool())
        .await
        .unwrap();
    assert_eq!(method.as_deref(), Some("wallet"));
    assert_eq!(market.coins().await, 200);
}

#[tokio::test]
async fn a_good_signature_of_a_wrong_payment_moves_nothing() {
    let market = Market::open().await;
    let ordered = market.order(Package::Ultimate).await;
    let cheap = market.order(Package::Basic).await;
    let paid = market.sandbox.pay(&cheap.order_id, Method::Upi).unwrap();
    let failed = market.sandbox.fail_payment(&ordered.order_id, Method::Card, "insufficient_fund").unwrap();
    // Only who has the key can sign so; what Razorpay says of the payment counts all the same.
    let signed = |payment: &str| Checkout {
        razorpay_payment_id: payment.to_owned(),
        razorpay_order_id: None,
        razorpay_subscription_id: None,
        razorpay_signature: sign(
            &market.sandbox.keys().key_secret,
            format!("{}|{payment}", ordered.order_id).as_bytes(),
        ),
    };
    for (payment, refusal) in [
        ("pay_00000000000000", "PAYMENT_MISMATCH"),
        (paid.razorpay_payment_id.as_str(), "PAYMENT_MISMATCH"),
        (failed.as_str(), "PAYMENT_FAILED"),
    ] {
        assert_eq!(code(market.verify(&ordered, &signed(payment)).await), refusal, "{payment}");
    }
    let paid = market.sandbox.pay(&ordered.order_id, Method::Upi).unwrap();
    for altered in ["amount = 49800", "currency = 'USD'"] {
        market
            .world
            .sql(&format!("update transactions set {altered} where id = '{}'", ordered.transaction))
            .await;
        assert_eq!(code(market.verify(&ordered, &paid).await), "PAYMENT_MISMATCH", "{altered}");
        market
            .world
            .sql("update transactions set amount = 49900, currency = 'INR' where item = 'ultimate'")
            .await;
    }
    assert_eq!((market.coins().await, market.status(&ordered).await.as_str()), (100, "pending"));
    assert_eq!(market.verify(&ordered, &paid).await.unwrap().balance, 1600);
}

#[tokio::test]
async fn an_order_whose_answer_is_lost_is_begun_again() {
    let market = Market::open().await;
    for fault in
        [Fault::AnswerLost, Fault::ServerError, Fault::Garbage, Fault::Throttled, Fault::Refuse("no".into())]
    {
        market.sandbox.fail_next(1, fault.clone());
        let refused = market.payments().order(&market.asha.caller, Package::Basic).await;
        let expected = if matches!(fault, Fault::Refuse(_)) { "INTERNAL" } else { "PAYMENTS_UNAVAILABLE" };
        assert_eq!(code(refused), expected, "{fault:?}");
    }
    let ordered = market.order(Package::Basic).await;
    let checkout = market.sandbox.pay(&ordered.order_id, Method::Upi).unwrap();
    assert_eq!(market.verify(&ordered, &checkout).await.unwrap().balance, 200);
    market.world.advance(TimeDelta::minutes(11));
    assert_eq!(market.payments().reconcile_waiting().await.unwrap(), Report::default(), "nothing waits");
}

#[tokio::test]
async fn a_payment_that_is_not_through_is_said_to_be_so() {
    let market = Market::open().await;
    let ordered = market.order(Package::Basic).await;
    let checkout = market.sandbox.authorize(&ordered.order_id, Method::Upi).unwrap();
    market.sandbox.fail_at("POST /v1/payments/", None, Fault::ServerError);
    assert_eq!(code(market.verify(&ordered, &checkout).await), "PAYMENT_PENDING");
    assert_eq!(market.coins().await, 100);
    market.sandbox.recover();
    market.world.advance(TimeDelta::minutes(1));
    market.work().await;
    assert_eq!(market.coins().await, 200);
}

#[tokio::test]
async fn a_refund_is_made_once_whatever_is_lost_on_the_way() {
    let market = Market::open().await;
    let ordered = market.order(Package::Standard).await;
    let checkout = market.sandbox.pay(&ordered.order_id, Method::Card).unwrap();
    market.verify(&ordered, &checkout).await.unwrap();
    market.sandbox.fail_at("POST /v1/payments/", Some(1), Fault::AnswerLost);
    let refund = market.payments().refund(ordered.transaction, None, "a complaint", None).await.unwrap();
    market.work().await;
    assert_eq!(market.coins().await, 100);
    market.world.advance(TimeDelta::hours(1));
    market.work().await;
    let (status, theirs): (String, Option<String>) =
        sqlx::query_as("select status, razorpay_refund_id from transactions where id = $1")
            .bind(refund)
            .fetch_one(market.world.banter.pool())
            .await
            .unwrap();
    assert_eq!(status, "success");
    let theirs = market.sandbox.entity(&theirs.unwrap()).unwrap();
    assert_eq!((&theirs["amount"], &theirs["notes"]["refundId"]), (&9900.into(), &refund.to_string().into()));
    assert_eq!(market.sandbox.entity(&checkout.razorpay_payment_id).unwrap()["amount_refunded"], 9900);
    market.kept_the_rules();
}

#[tokio::test]
async fn a_refund_that_is_refused_brings_the_coins_back() {
    let market = Market::open().await;
    let ordered = market.order(Package::Standard).await;
    let checkout = market.sandbox.pay(&ordered.order_id, Method::Card).unwrap();
    market.verify(&ordered, &checkout).await.unwrap();
    let low = "Your account does not have enough balance to carry out the refund operation.";
    market.sandbox.fail_at("POST /v1/payments/", Some(1), Fault::Refuse(low.into()));
    market.payments().refund(ordered.transaction, None, "a complaint", None).await.unwrap();
    assert_eq!(market.coins().await, 100);
    market.work().await;
    assert_eq!((market.coins().await, market.status(&ordered).await.as_str()), (350, "success"));
    let why: String = sqlx::query_scalar("select failure_reason from transactions where kind = 'refund'")
        .fetch_one(market.world.banter.pool())
        .await
        .unwrap();
    assert_eq!(why, low);
    // And again, which succeeds.
    market.payments().refund(ordered.transaction, None, "a complaint", None).await.unwrap();
    market.work().await;
    assert_eq!((market.coins().await, market.status(&ordered).await.as_str()), (100, "refunded"));
}

#[tokio::test]
async fn a_refund_of_the_dashboard_s_is_found_without_its_webhook() {
    let market = Market::open().await;
    let ordered = market.order(Package::Standard).await;
    let checkout = market.sandbox.pay(&ordered.order_id, Method::Card).unwrap();
    market.verify(&ordered, &checkout).await.unwrap();
    market.sandbox.refund(&checkout.razorpay_payment_id, Some(4950)).unwrap();
    let today = crate::payments::reconcile::india(market.world.now());
    let report = market.payments().reconcile_day(today).await.unwrap();
    assert_eq!(report, Report { looked_at: 1, refunds: 1, ..Report::default() });
    assert_eq!((market.coins().await, market.status(&ordered).await.as_str()), (225, "partially_refunded"));
    assert_eq!(
        market.payments().reconcile_day(today).await.unwrap(),
        Report { looked_at: 1, ..Report::default() }
    );
    let nothing = market.payments().check_order(crate::ids::TransactionId(uuid::Uuid::nil())).await;
    assert_eq!(nothing.unwrap_err().coded().1, "TRANSACTION_NOT_FOUND");
}

#[tokio::test]
async fn money_may_be_told_to_go_back_before_it_was_told_to_come() {
    let market = Market::open().await;
    let ordered = market.order(Package::Standard).await;
    let checkout = market.sandbox.pay(&ordered.order_id, Method::Card).unwrap();
    market.sandbox.refund(&checkout.razorpay_payment_id, Some(4950)).unwrap();
    let events = market.sandbox.events();
    let refunded = events.iter().rfind(|sent| sent.name.starts_with("refund.")).expect("a refund's event");
    // While Razorpay does not answer it waits, and is not lost.
    market.sandbox.fail_next(1, Fault::ServerError);
    assert_eq!(market.deliver("evt_refund", &refunded.body).await, "received");
    assert_eq!(market.coins().await, 100);
    market.world.advance(TimeDelta::minutes(5));
    market.work().await;
    assert_eq!(market.event("evt_refund").await, "applied");
    assert_eq!((market.coins().await, market.status(&ordered).await.as_str()), (225, "partially_refunded"));
    for (at, sent) in events.iter().enumerate() {
        let state = market.deliver(&format!("evt_{at}"), &sent.body).await;
        assert!(state == "applied" || state == "ignored", "{}: {state}", sent.name);
    }
    assert_eq!((market.coins().await, market.status(&ordered).await.as_str()), (225, "partially_refunded"));
    market.kept_the_rules();
}

#[tokio::test]
async fn a_refund_of_nothing_of_ours_is_refused() {
    let market = Market::open().await;
    let ordered = market.order(Package::Basic).await;
    let checkout = market.sandbox.pay(&ordered.order_id, Method::Upi).unwrap();
    market.sandbox.refund(&checkout.razorpay_payment_id, None).unwrap();
    let events = market.sandbox.events();
    let refunded = events.iter().rfind(|sent| sent.name.starts_with("refund.")).expect("a refund's event");
    // Another installation's, at the same account.
    market.world.sql("delete from transactions").await;
    assert_eq!(market.deliver("evt_1", &refunded.body).await, "refused");
    let mut unknown = refunded.body.clone();
    unknown["payload"]["refund"]["entity"]["payment_id"] = "pay_00000000000000".into();
    assert_eq!(market.deliver("evt_2", &unknown).await, "refused");
    assert_eq!(market.coins().await, 100);
}

#[tokio::test]
async fn a_refund_outlives_any_outage() {
    let market = Market::open().await;
    let ordered = market.order(Package::Standard).await;
    let checkout = market.sandbox.pay(&ordered.order_id, Method::Card).unwrap();
    market.verify(&ordered, &checkout).await.unwrap();
    market.sandbox.fail(Fault::ServerError);
    market.payments().refund(ordered.transaction, None, "a complaint", None).await.unwrap();
    for _ in 0..12 {
        market.work().await;
        market.world.advance(TimeDelta::minutes(10));
    }
    let dead = "select count(*)::int from jobs where kind = 'settle_refund' and state = 'dead'";
    assert_eq!(market.number(dead).await, 1, "it was given up");
    market.sandbox.recover();
    market.payments().take_up_what_was_left().await.unwrap();
    market.work().await;
    assert_eq!(market.sandbox.entity(&checkout.razorpay_payment_id).unwrap()["amount_refunded"], 9900);
    let through = "select count(*)::int from transactions where kind = 'refund' and status = 'success'";
    assert_eq!(market.number(through).await, 1);
    market.world.may_leave_jobs();
}

#[tokio::test]
async fn an_event_outlives_any_outage() {
    let market = Market::open().await;
    let ordered = market.order(Package::Basic).await;
    let checkout = market.sandbox.pay(&ordered.order_id, Method::Upi).unwrap();
    market.sandbox.refund(&checkout.razorpay_payment_id, None).unwrap();
    let events = market.sandbox.events();
    let refunded = events.iter().rfind(|sent| sent.name.starts_with("refund.")).expect("a refund's event");
    market.sandbox.fail(Fault::ServerError);
    market.deliver("evt_1", &refunded.body).await;
    for _ in 0..12 {
        market.world.advance(TimeDelta::minutes(10));
        market.work().await;
    }
    assert_eq!(market.event("evt_1").await, "received");
    market.sandbox.recover();
    market.payments().take_up_what_was_left().await.unwrap();
    market.work().await;
    assert_eq!(
        (market.event("evt_1").await.as_str(), market.status(&ordered).await.as_str()),
        ("applied", "refunded")
    );
    assert_eq!(market.coins().await, 100);
    market.world.may_leave_jobs();
}

#[tokio::test]
async fn a_refund_that_was_refused_for_our_keys_is_asked_for_again() {
    let market = Market::open().await;
    let ordered = market.order(Package::Basic).await;
    let checkout = market.sandbox.pay(&ordered.order_id, Method::Upi).unwrap();
    market.verify(&ordered, &checkout).await.unwrap();
    market.sandbox.fail_at(
        "POST /v1/payments/",
        Some(1),
        Fault::Refuse("The requested URL was not found on the server.".into()),
    );
    market.payments().refund(ordered.transaction, None, "a complaint", None).await.unwrap();
    market.work().await;
    assert_eq!(
        (market.coins().await, market.status(&ordered).await.as_str()),
        (100, "refunded"),
        "it says nothing of the payment"
    );
    market.world.advance(TimeDelta::minutes(5));
    market.work().await;
    assert_eq!(market.sandbox.entity(&checkout.razorpay_payment_id).unwrap()["amount_refunded"], 4900);
}

#[tokio::test]
async fn the_dashboard_was_quicker_than_our_refund() {
    let market = Market::open().await;
    let ordered = market.order(Package::Basic).await;
    let checkout = market.sandbox.pay(&ordered.order_id, Method::Upi).unwrap();
    market.verify(&ordered, &checkout).await.unwrap();
    market.payments().refund(ordered.transaction, None, "a complaint", None).await.unwrap();
    market.sandbox.refund(&checkout.razorpay_payment_id, None).unwrap();
    let events = market.sandbox.events();
    let theirs = events.iter().rfind(|sent| sent.name == "refund.created").expect("a refund's event");
    // Both are heard of at once: ours is refused, theirs stands.
    market.deliver("evt_1", &theirs.body).await;
    assert_eq!((market.coins().await, market.status(&ordered).await.as_str()), (100, "refunded"));
    let states =
        "select count(*)::int from transactions where kind = 'refund' and status in ('failed', 'success')";
    assert_eq!(market.number(states).await, 2);
    let audited = market.payments().audit(None, |_| {}).await.unwrap();
    assert!(audited.is_clean(), "{:?}", audited.findings);
}

#[tokio::test]
async fn nobody_else_s_money_is_taken() {
    let market = Market::open().await;
    let (foreign, paid, altered) = (
        market.order(Package::Basic).await,
        market.order(Package::Basic).await,
        market.order(Package::Basic).await,
    );
    let [foreign, altered_payment] = [&foreign, &altered].map(|ordered| {
        market.sandbox.authorize(&ordered.order_id, Method::Card).unwrap().razorpay_payment_id
    });
    let promised = market.sandbox.authorize(&paid.order_id, Method::Card).unwrap().razorpay_payment_id;
    market
        .world
        .sql(&format!(
            "update transactions set status = 'success', paid_at = now() where id = '{}'",
            paid.transaction
        ))
        .await;
    market
        .world
        .sql(&format!("update transactions set amount = 4800 where id = '{}'", altered.transaction))
        .await;
    market
        .world
        .sql(&format!(
            "delete from transactions where id not in ('{}', '{}')",
            paid.transaction, altered.transaction
        ))
        .await;
    let today = crate::payments::reconcile::india(market.world.now());
    let report = market.payments().reconcile_day(today).await.unwrap();
    assert_eq!(report, Report { looked_at: 3, foreign: 1, refused: 1, ..Report::default() });
    for payment in [foreign, altered_payment, promised] {
        assert_eq!(market.sandbox.entity(&payment).unwrap()["status"], "authorized");
    }
}

#[tokio::test]
async fn a_second_card_of_an_order_that_failed_is_found_within_minutes() {
    let market = Market::open().await;
    let ordered = market.order(Package::Basic).await;
    market.sandbox.fail_payment(&ordered.order_id, Method::Card, "insufficient_fund").unwrap();
    market.world.advance(TimeDelta::minutes(11));
    market.payments().reconcile_waiting().await.unwrap();
    assert_eq!(market.status(&ordered).await, "failed");
    market.sandbox.pay(&ordered.order_id, Method::Upi).unwrap();
    market.world.advance(TimeDelta::minutes(12));
    assert_eq!(market.payments().reconcile_waiting().await.unwrap().credited, 1);
    assert_eq!((market.coins().await, market.status(&ordered).await.as_str()), (200, "success"));
}

#[tokio::test]
async fn a_second_payment_that_could_not_go_back_is_tried_again_each_day() {
    let market = Market::open().await;
    let ordered = market.order(Package::Basic).await;
    let checkout = market.sandbox.pay(&ordered.order_id, Method::Upi).unwrap();
    // Another payment came first, as far as we know.
    market
        .world
        .sql("update transactions set status = 'success', paid_at = now(), razorpay_payment_id = 'pay_first'")
        .await;
    market.sandbox.fail_at(
        "POST /v1/payments/",
        Some(1),
        Fault::Refuse("Your account does not have enough balance.".into()),
    );
    assert_eq!(code(market.verify(&ordered, &checkout).await), "ORDER_ALREADY_PAID");
    market.work().await;
    assert_eq!(market.sandbox.entity(&checkout.razorpay_payment_id).unwrap()["amount_refunded"], 0);
    market.payments().take_up_what_was_left().await.unwrap();
    market.world.advance(TimeDelta::hours(25));
    market.payments().take_up_what_was_left().await.unwrap();
    market.work().await;
    assert_eq!(market.sandbox.entity(&checkout.razorpay_payment_id).unwrap()["amount_refunded"], 4900);
    assert_eq!(market.coins().await, 100);
    market.world.may_leave_jobs();
}

#[tokio::test]
async fn the_last_days_are_looked_at_page_by_page() {
    let market = Market::open().await;
    let ordered = market.order(Package::Basic).await;
    market.sandbox.pay(&ordered.order_id, Method::Netbanking).unwrap();
    market.world.advance(TimeDelta::days(3));
    crate::payments::reconcile::run_yesterday(&market.world.banter).await.unwrap();
    market.work().await;
    assert_eq!((market.coins().await, market.status(&ordered).await.as_str()), (200, "success"));
    market.world.may_leave_jobs();
}
