use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::gifts::{Gift, give};
use crate::money::Paise;
use crate::payments::audit::razorpay::Difference;
use crate::payments::audit::{Audited, Finding};
use crate::payments::ledger::{Account, Kind};
use crate::payments::state::Status;
use crate::sandbox::razorpay::{Method, Options, Sandbox};
use crate::testing::noon;

async fn audit(world: &World) -> Audited {
    world.banter.payments().audit(None, |_| {}).await.unwrap()
}

/// Changes an entry, which the database refuses to everybody else.
async fn tamper(world: &World, sql: &str) {
    let off = "alter table coin_ledger disable trigger coin_ledger_append_only";
    let on = "alter table coin_ledger enable trigger coin_ledger_append_only";
    world.sql(&format!("{off}; {sql}; {on}")).await;
}

#[tokio::test]
async fn books_that_are_right_have_nothing_to_find() {
    let shop = Shop::open().await;
    let order = shop.bought(Package::Standard, "pay_1").await;
    shop.change(Kind::Grant, -300).await;
    shop.refund(&order, None).await.unwrap();
    shop.change(Kind::Grant, 40).await;
    let mut seen = Vec::new();
    let audited = shop.world.banter.payments().audit(None, |done| seen.push(done)).await.unwrap();
    assert!(audited.is_clean(), "{:?}", audited.findings);
    // Bonus, purchase, spent, refund and its debt, grant, and the two sides of what it repaid.
    assert_eq!((audited.users, audited.entries, seen), (1, 8, vec![1]));
    let one = shop.world.banter.payments().audit(Some(shop.asha.id), |_| {}).await.unwrap();
    assert_eq!(one, audited);
    let nobody = crate::ids::UserId(uuid::Uuid::nil());
    assert_eq!(code(shop.world.banter.payments().audit(Some(nobody), |_| {}).await), "USER_NOT_FOUND");
    shop.world.may_leave_jobs();
}

#[tokio::test]
async fn each_wrong_is_found_and_named() {
    let shop = Shop::open().await;
    let (world, user) = (&shop.world, shop.asha.id);
    let bought = shop.bought(Package::Basic, "pay_1").await;
    let unpaid = shop.order(Package::Basic).await;
    let purchase = format!("purchase:{}", bought.transaction);
    let paid = format!(
        "update transactions set status = 'success', paid_at = now() where id = '{}'",
        unpaid.transaction
    );
    let wrongs = [
        (
            "update users set coins = coins + 1".to_owned(),
            Finding::BalanceDiffers { user, account: Account::Coins, stored: 201, sum: 200 },
            "update users set coins = coins - 1".to_owned(),
        ),
        (
            "update users set purchased_coins = 99".into(),
            Finding::PurchasedDiffers { user, stored: 99, sum: 100 },
            "update users set purchased_coins = 100".into(),
        ),
        (
            paid,
            Finding::EntryMissing {
                user,
                reference: format!("purchase:{}", unpaid.transaction),
                expected: 100,
            },
            format!(
                "update transactions set status = 'pending', paid_at = null where id = '{}'",
                unpaid.transaction
            ),
        ),
        (
            format!("update transactions set status = 'failed' where id = '{}'", bought.transaction),
            Finding::EntryWithoutCause { user, reference: purchase.clone(), found: 100 },
            format!("update transactions set status = 'success' where id = '{}'", bought.transaction),
        ),
        (
            format!("update transactions set coins = 90 where id = '{}'", bought.transaction),
            Finding::EntryDiffers { user, reference: purchase, expected: 90, found: 100 },
            format!("update transactions set coins = 100 where id = '{}'", bought.transaction),
        ),
        (
            format!("update transactions set refunded_amount = 5 where id = '{}'", bought.transaction),
            Finding::RefundedDiffers { transaction: bought.transaction, stored: Paise(5), sum: Paise(0) },
            format!("update transactions set refunded_amount = 0 where id = '{}'", bought.transaction),
        ),
    ];
    for (wrong, finding, right) in wrongs {
        world.sql(&wrong).await;
        assert_eq!(audit(world).await.findings, [finding], "{wrong}");
        world.sql(&right).await;
    }
    tamper(
        world,
        "insert into coin_ledger (id, user_id, account, kind, amount, balance_after, reference, created_at)
         select gen_random_uuid(), id, 'coins', 'debt_repaid', -1, 199, 'x:repaid', now() from users",
    )
    .await;
    let reference = "x:repaid".to_owned();
    let uneven = Finding::EntryDiffers { user, reference, expected: 0, found: -1 };
    let found = audit(world).await.findings;
    assert!(found.contains(&uneven), "a debt that was paid and is still owed: {found:?}");
    tamper(world, "delete from coin_ledger where reference = 'x:repaid'").await;
    tamper(world, "update coin_ledger set balance_after = 150 where kind = 'signup_bonus'").await;
    assert_eq!(audit(world).await.findings, [Finding::ChainBroken { user, account: Account::Coins }]);
}

/// Something that moves coins. More kinds of acts go here; what subscriptions do is played beside their own tests.
#[derive(Clone, Debug)]
enum Act {
    Grant(i32),
    /// Told by a webhook, or proven by the phone.
    Buy(Package, bool),
    /// The so-manieth order is proven once more.
    ProvenAgain(usize),
    /// The dashboard gives so many paise of the so-manieth order back.
    DashboardRefund(usize, i64),
    /// The so-manieth refund is through.
    RefundProcessed(usize),
    /// Of what was bought so-manieth, in paise; `None`: all that is left.
    Refund(usize, Option<i64>),
    /// The bank refuses the so-manieth refund.
    RefundFails(usize),
    Give(Gift),
    GiveBack(Gift),
    /// An attempt for the so-manieth order fails.
    PaymentFails(usize),
    /// The so-manieth order's event comes again, under another name.
    ToldAgain(usize),
    /// It is paid a second time.
    PaidTwice(usize),
    Day,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        (1..400).prop_map(Act::Grant),
        (prop::sample::select(Package::ALL.to_vec()), any::<bool>())
            .prop_map(|(package, proven)| Act::Buy(package, proven)),
        (0..4_usize).prop_map(Act::ProvenAgain),
        (0..4_usize, 100..6000_i64).prop_map(|(which, amount)| Act::DashboardRefund(which, amount)),
        (0..4_usize).prop_map(Act::RefundProcessed),
        (0..4_usize, prop::option::of(100..6000_i64)).prop_map(|(which, amount)| Act::Refund(which, amount)),
        (0..4_usize).prop_map(Act::RefundFails),
        prop::sample::select(Gift::ALL.to_vec()).prop_map(Act::Give),
        prop::sample::select(Gift::ALL.to_vec()).prop_map(Act::GiveBack),
        (0..4_usize).prop_map(Act::PaymentFails),
        (0..4_usize).prop_map(Act::ToldAgain),
        (0..4_usize).prop_map(Act::PaidTwice),
        Just(Act::Day),
    ];
    prop::collection::vec(act, 4..24)
}

/// What was done so far.
struct Played {
    shop: Shop,
    ravi: Person,
    bought: Vec<(Order, String)>,
    refunds: Vec<(TransactionId, String)>,
    number: usize,
}

impl Played {
    /// What is refused must leave the books as right as what is done.
    async fn act(&mut self, act: &Act) {
        self.number += 1;
        match act {
            Act::Grant(amount) => {
                let accounts = self.shop.world.banter.accounts();
                let reference = format!("grant-{}", self.number);
                accounts.grant_coins(self.shop.asha.id, *amount, &reference, "luck").await.unwrap();
            }
            Act::Buy(package, proven) => {
                let payment = format!("pay_{}", self.number);
                let order = if *proven {
                    let order = self.shop.order(*package).await;
                    self.shop.verify(&Shop::proof(&order, &payment)).await.unwrap();
                    order
                } else {
                    self.shop.bought(*package, &payment).await
                };
                self.bought.push((order, payment));
            }
            Act::ProvenAgain(which) => {
                let Some((order, payment)) = self.bought.get(*which) else { return };
                self.shop.verify(&Shop::proof(order, payment)).await.unwrap();
            }
            Act::DashboardRefund(which, amount) => {
                let Some((_, payment)) = self.bought.get(*which) else { return };
                let id = format!("rfnd_dashboard{}", self.number);
                self.deliver(&refund("refund.created", payment, &id, *amount, "processed", &json!([]))).await;
            }
            Act::RefundProcessed(which) => {
                let Some((id, payment)) = self.refunds.get(*which) else { return };
                let notes = json!({ "refundId": id.to_string() });
                let (entity, amount) = (format!("rfnd_{which}_{payment}"), self.amount(*id).await);
                self.deliver(&refund("refund.processed", payment, &entity, amount, "processed", &notes))
                    .await;
            }
            Act::Refund(which, amount) => {
                let Some((order, payment)) = self.bought.get(*which) else { return };
                let refund = self.shop.refund(order, *amount).await;
                if let Some(refund) = is_refused_as(refund, &["NOT_REFUNDABLE"]) {
                    self.refunds.push((refund, payment.clone()));
                }
            }
            Act::RefundFails(which) => {
                let Some((id, payment)) = self.refunds.get(*which) else { return };
                let notes = json!({ "refundId": id.to_string() });
                let (entity, amount) = (format!("rfnd_{which}_{payment}"), self.amount(*id).await);
                let failed = refund("refund.failed", payment, &entity, amount, "failed", &notes);
                self.deliver(&failed).await;
            }
            Act::Give(gift) => self.give(*gift, true).await,
            Act::GiveBack(gift) => self.give(*gift, false).await,
            Act::PaymentFails(which) => {
                let Some((order, _)) = self.bought.get(*which) else { return };
                self.deliver(&failed(order, &format!("pay_failed{}", self.number))).await;
            }
            Act::ToldAgain(which) => {
                let Some((order, payment)) = self.bought.get(*which) else { return };
                self.deliver(&captured(order, payment)).await;
            }
            Act::PaidTwice(which) => {
                let Some((order, _)) = self.bought.get(*which) else { return };
                self.deliver(&captured(order, &format!("pay_again{}", self.number))).await;
            }
            Act::Day => self.shop.world.advance(give::DAY),
        }
    }

    async fn deliver(&self, event: &Value) {
        self.shop.deliver(&format!("evt_{}", self.number), event).await;
    }

    async fn give(&self, gift: Gift, to_ravi: bool) {
        let (from, to) = if to_ravi { (&self.shop.asha, &self.ravi) } else { (&self.ravi, &self.shop.asha) };
        let draft = give::Draft { receiver: to.id, conversation: None, gift, client_gift_id: None };
        let given = self.shop.world.banter.gifts().give(&from.caller, &draft).await;
        is_refused_as(given, &["NOT_ENOUGH_COINS", "GIFT_LIMIT_REACHED"]);
    }

    async fn amount(&self, refund: TransactionId) -> i64 {
        sqlx::query_scalar("select amount from transactions where id = $1")
            .bind(refund)
            .fetch_one(self.shop.world.banter.pool())
            .await
            .unwrap()
    }
}

/// What was done, or `None` where it was refused, with one of these codes.
fn is_refused_as<T, E: crate::error::Coded>(done: Result<T, E>, codes: &[&str]) -> Option<T> {
    let refused = match done {
        Ok(done) => return Some(done),
        Err(error) => error.coded().1,
    };
    assert!(codes.contains(&refused), "{refused}");
    None
}

#[test]
fn whatever_is_done_the_books_are_right_after_each_act() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut runner = TestRunner::new(Config { cases: 8, failure_persistence: None, ..Config::default() });
    let holds = |acts: Vec<Act>| {
        runtime.block_on(async {
            let shop = Shop::open().await;
            // Razorpay is away in this shop.
            shop.world.may_leave_jobs();
            let ravi = shop.world.user("ravi").await;
            let mut played = Played { shop, ravi, bought: Vec::new(), refunds: Vec::new(), number: 0 };
            for act in &acts {
                played.act(act).await;
                let audited = audit(&played.shop.world).await;
                prop_assert!(audited.is_clean(), "after {act:?}: {:?}", audited.findings);
            }
            Ok(())
        })
    };
    runner.run(&acts(), holds).unwrap();
}

#[tokio::test]
async fn our_books_agree_with_razorpay_s() {
    let sandbox = Sandbox::start(Options::new(noon())).await.unwrap();
    let world = World::builder().memory().buys_at(&sandbox).build().await;
    world.may_leave_jobs();
    let asha = world.user("asha").await;
    let payments = world.banter.payments();
    let mut paid = Vec::new();
    for _ in 0..3 {
        let ordered = payments.order(&asha.caller, Package::Basic).await.unwrap();
        let checkout = sandbox.pay(&ordered.order_id, Method::Upi).unwrap();
        paid.push((ordered, checkout));
    }
    // The third was paid, and nobody told us.
    for (ordered, checkout) in &paid[..2] {
        let proof = Proof {
            order_id: ordered.order_id.clone(),
            payment_id: checkout.razorpay_payment_id.clone(),
            signature: checkout.razorpay_signature.clone(),
            transaction: Some(ordered.transaction),
        };
        payments.verify(&asha.caller, &proof).await.unwrap();
    }
    let day = chrono::TimeDelta::days(1);
    let compare =
        async || payments.compare_with_razorpay(world.now() - day, world.now() + day, |_| {}).await.unwrap();
    let (id, payment) = (paid[2].0.transaction, paid[2].1.razorpay_payment_id.clone());
    let compared = compare().await;
    let missing = Difference::NotCredited { payment, transaction: id, status: Status::Pending };
    assert_eq!((compared.payments, compared.differences), (3, vec![missing.clone()]));
    world
        .sql(&format!("update transactions set refunded_amount = 7 where id = '{}'", paid[0].0.transaction))
        .await;
    world.sql(&format!("update transactions set amount = 7 where id = '{}'", paid[1].0.transaction)).await;
    let found = compare().await.differences;
    assert!(found.contains(&missing) && found.len() == 3, "{found:?}");
    assert!(found.iter().any(|found| matches!(found, Difference::RefundsDiffer { .. })));
    assert!(found.iter().any(|found| matches!(found, Difference::AmountDiffers { .. })));
}
