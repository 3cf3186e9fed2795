//! Razorpay's own word, for what webhooks did not tell: orders that wait for too long, and every payment of yesterday.
//! What is found is repaired by the same rules as if it had been told.

mod left;

use std::time::{Duration, Instant};

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone as _, Utc};
use serde::Serialize;
use sqlx::postgres::types::PgInterval;

use super::settle::Captured;
use super::state::{self, Act, Next, Status};
use super::{Error, Payments};
use crate::Banter;
use crate::ids::TransactionId;
use crate::jobs::{Failure, Job};
use crate::money::Paise;
use crate::providers::razorpay::entities::{Payment, PaymentStatus};
use crate::providers::razorpay::{self, PAGE};

/// How often waiting orders are looked for.
const ROUND: TimeDelta = TimeDelta::minutes(5);
/// Orders that nobody heard of for so long are asked about; then twice as long, and so on.
const WAITS: TimeDelta = TimeDelta::minutes(10);
/// Nobody pays an order this old, and if somebody does, it is credited all the same.
const ABANDONED: TimeDelta = TimeDelta::hours(24);
/// Orders in one round.
const BATCH: i64 = 100;
/// As long as a round may ask: a worker that is silent for longer is taken to be dead. The next round goes on.
pub(super) const MOST_OF_A_ROUND: Duration = Duration::from_secs(20);
/// Pages of a day's payments at the most.
const MOST_PAGES: u32 = 1000;
/// Days that are looked at each morning: banks tell of a payment for three days.
const DAYS: u64 = 4;
/// India's time, which has no summer.
const IST: TimeDelta = TimeDelta::minutes(330);
/// When yesterday is looked at, by India's clock: late enough that banks have told of it.
const MORNING: TimeDelta = TimeDelta::hours(3);

/// What a look at Razorpay came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Payments, orders or subscriptions that were looked at.
    pub looked_at: u32,
    /// Purchases whose money had come, and which were not credited until now.
    pub credited: u32,
    /// Attempts that failed, and orders that nobody paid.
    pub ended: u32,
    /// Refunds that we had not heard of, or not to their end.
    pub refunds: u32,
    /// Payments for no order of ours.
    pub foreign: u32,
    /// What contradicts what we know, such as another amount: somebody should look.
    pub refused: u32,
    /// Questions that Razorpay did not answer; they are asked again.
    pub unanswered: u32,
}

impl Report {
    pub(super) fn add(&mut self, other: Self) {
        self.looked_at += other.looked_at;
        self.credited += other.credited;
        self.ended += other.ended;
        self.refunds += other.refunds;
        self.foreign += other.foreign;
        self.refused += other.refused;
        self.unanswered += other.unanswered;
    }

    fn refuse(&mut self, error: &Error, which: &str) {
        tracing::error!(%error, which, "Razorpay's word contradicts ours");
        self.refused += 1;
    }

    fn repaired(self) -> bool {
        self.credited + self.refunds > 0
    }
}

/// The job that looks at orders, again and again.
pub(crate) async fn run(banter: &Banter) -> Result<(), Failure> {
    let next = banter.clock().now() + ROUND;
    let payments = banter.payments();
    let report = payments.reconcile_waiting().await;
    let subscriptions = payments.subscriptions().check_due(BATCH).await;
    let left = payments.take_up_what_was_left().await;
    banter.jobs().queue(banter.pool(), &Job::ReconcilePayments {}, next).await?;
    log("waiting orders", report?);
    log("subscriptions", subscriptions?);
    left?;
    Ok(())
}

/// The job that has yesterday and the days before it looked at, each morning.
pub(crate) async fn run_yesterday(banter: &Banter) -> Result<(), Failure> {
    let now = banter.clock().now();
    let mut transaction = banter.pool().begin().await?;
    if banter.razorpay().is_configured() {
        for back in 1..=DAYS {
            let job = Job::ReconcilePage { day: india(now) - Days::new(back), page: 0 };
            banter.jobs().queue(&mut *transaction, &job, now).await?;
        }
    }
    banter.jobs().queue(&mut *transaction, &Job::ReconcileYesterday {}, next_morning(now)).await?;
    transaction.commit().await?;
    banter.jobs().wake();
    Ok(())
}

/// The job that looks at one page of a day's payments, and queues the next.
pub(crate) async fn run_page(banter: &Banter, day: NaiveDate, page: u32) -> Result<(), Failure> {
    let (report, more) = banter.payments().reconcile_page(day, page).await?;
    if more {
        let next = Job::ReconcilePage { day, page: page + 1 };
        banter.jobs().queue(banter.pool(), &next, banter.clock().now()).await?;
        banter.jobs().wake();
    }
    log("a day's payments", report);
    Ok(())
}

fn log(what: &str, report: Report) {
    if report.repaired() {
        tracing::warn!(?report, what, "payments were repaired: their webhooks had not come");
    } else if report != Report::default() {
        tracing::info!(?report, what, "payments were compared");
    }
}

/// The day it is in India.
pub(crate) fn india(at: DateTime<Utc>) -> NaiveDate {
    (at + IST).date_naive()
}

/// When that day begins in India.
pub(crate) fn begins(day: NaiveDate) -> DateTime<Utc> {
    Utc.from_utc_datetime(&day.and_time(NaiveTime::MIN)) - IST
}

pub(crate) fn next_morning(now: DateTime<Utc>) -> DateTime<Utc> {
    let today = begins(india(now)) + MORNING;
    if today > now { today } else { today + TimeDelta::days(1) }
}

impl Payments<'_> {
    /// Asks about orders that wait for too long.
    pub async fn reconcile_waiting(&self) -> Result<Report, Error> {
        let mut report = Report::default();
        if !self.0.razorpay().is_configured() {
            return Ok(report);
        }
        let waiting = sqlx::query_scalar!(
            r#"
            select id as "id: TransactionId"
            from transactions
            where (
                  status = 'pending'
                  -- A second card may have paid.
                  or status = 'failed' and created_at > $1::timestamptz - $4::interval and razorpay_order_id is not null
              )
              and kind = 'coin_purchase'
              and coalesce(asked_at, created_at) < $1::timestamptz - $2::interval
              -- Twice as long each time.
              and coalesce(asked_at, created_at) - created_at <= $1 - coalesce(asked_at, created_at)
            order by coalesce(asked_at, created_at)
            limit $3
            "#,
            self.0.clock().now(),
            PgInterval::try_from(WAITS).expect("whole minutes"),
            BATCH,
            PgInterval::try_from(ABANDONED).expect("whole hours"),
        )
        .fetch_all(self.0.pool())
        .await?;
        let begun = Instant::now();
        for transaction in waiting {
            if begun.elapsed() > MOST_OF_A_ROUND {
                break;
            }
            match self.check_order(transaction).await {
                Ok(one) => report.add(one),
                Err(Error::Razorpay(error @ razorpay::Error::Away(_))) => {
                    tracing::warn!(%error, %transaction, "an order could not be asked about");
                    report.unanswered += 1;
                    // They are away: the others would only wait for the same.
                    break;
                }
                Err(Error::Database(error)) => return Err(error.into()),
                // It contradicts what we know, and is told each time; the others are asked about all the same.
                Err(error) => report.refuse(&error, &transaction.to_string()),
            }
        }
        Ok(report)
    }

    /// Asks Razorpay about one order, and does what follows.
    pub async fn check_order(&self, transaction: TransactionId) -> Result<Report, Error> {
        let now = self.0.clock().now();
        let order = sqlx::query!(
            r#"
            update transactions
            set asked_at = $2
            where id = $1 and kind = 'coin_purchase'
            returning status as "status: Status", razorpay_order_id, created_at
            "#,
            transaction.0,
            now,
        )
        .fetch_optional(self.0.pool())
        .await?
        .ok_or(Error::TransactionNotFound)?;
        let mut report = Report { looked_at: 1, ..Report::default() };
        let mut payments = Vec::new();
        if let Some(order_id) = &order.razorpay_order_id {
            payments = self.0.razorpay().order_payments(order_id).await?;
            // What was paid before what is only promised.
            payments.sort_by_key(|payment| !payment.is_captured());
            for payment in &payments {
                match self.apply(order_id, payment).await {
                    Ok(one) => report.add(one),
                    Err(error @ (Error::Database(_) | Error::Razorpay(razorpay::Error::Away(_)))) => {
                        return Err(error);
                    }
                    Err(Error::NotPaidYet) => report.unanswered += 1,
                    // Another one may be right.
                    Err(error) => report.refuse(&error, &payment.id),
                }
            }
        }
        let is_old = order.created_at + ABANDONED <= now;
        // Without an order of theirs nobody can have paid.
        if (is_old || order.razorpay_order_id.is_none())
            && !payments.iter().any(Payment::is_captured)
            && let Next::Become(status) = state::next(order.status, Act::GiveUp)
        {
            let ended = sqlx::query!(
                "update transactions set status = $2, updated_at = $3 where id = $1 and status = $4",
                transaction.0,
                status as Status,
                now,
                order.status as Status,
            )
            .execute(self.0.pool())
            .await?;
            report.ended += u32::from(ended.rows_affected() == 1);
        }
        Ok(report)
    }

    /// Compares all payments of a day, by India's clock, with ours.
    pub async fn reconcile_day(&self, day: NaiveDate) -> Result<Report, Error> {
        let mut report = Report::default();
        for page in 0..MOST_PAGES {
            let (one, more) = self.reconcile_page(day, page).await?;
            report.add(one);
            if !more {
                break;
            }
        }
        Ok(report)
    }

    /// One page of them, and whether there are more.
    async fn reconcile_page(&self, day: NaiveDate, page: u32) -> Result<(Report, bool), Error> {
        let (from, to) = (begins(day), begins(day + Days::new(1)));
        let payments = self.0.razorpay().payments(from.timestamp(), to.timestamp() - 1, page * PAGE).await?;
        let whole = payments.len() == PAGE as usize;
        if whole && page + 1 == MOST_PAGES {
            tracing::error!(%day, "more payments in a day than are compared");
        }
        Ok((self.compare(&payments).await?, whole && page + 1 < MOST_PAGES))
    }

    async fn compare(&self, payments: &[Payment]) -> Result<Report, Error> {
        let ids: Vec<String> = payments.iter().map(|payment| payment.id.clone()).collect();
        // Payments that we have as they are.
        let known = sqlx::query!(
            r#"
            select razorpay_payment_id as "id!", refunded_amount as "refunded: Paise"
            from transactions
            where razorpay_payment_id = any($1)
            "#,
            &ids,
        )
        .fetch_all(self.0.pool())
        .await?;
        let mut report = Report::default();
        for payment in payments {
            let refunded = payment.amount_refunded.unwrap_or_default();
            if known.iter().any(|known| known.id == payment.id && known.refunded == refunded) {
                report.looked_at += 1;
                continue;
            }
            let Some(order_id) = &payment.order_id else {
                report.add(Report { looked_at: 1, foreign: 1, ..Report::default() });
                continue;
            };
            report.looked_at += 1;
            match self.apply(order_id, payment).await {
                // A subscription's charge has an order that we did not make; its subscription is looked at by itself.
                Err(Error::OrderNotFound) => report.foreign += u32::from(payment.invoice_id.is_none()),
                Err(error @ (Error::Database(_) | Error::Razorpay(razorpay::Error::Away(_)))) => {
                    return Err(error);
                }
                Err(Error::NotPaidYet) => report.unanswered += 1,
                Err(error) => report.refuse(&error, &payment.id),
                Ok(one) => report.add(one),
            }
        }
        Ok(report)
    }

    /// Asks about a payment that nobody here has heard of, and does what follows, if it is for anything of ours.
    pub(super) async fn learn(&self, payment_id: &str) -> Result<(), Error> {
        let payment = match self.0.razorpay().payment(payment_id).await {
            Ok(payment) => payment,
            Err(error) if error.is_unknown() => return Ok(()),
            Err(error) => return Err(Error::Razorpay(error)),
        };
        let Some(order_id) = &payment.order_id else { return Ok(()) };
        match self.apply(order_id, &payment).await {
            Ok(report) => {
                log("a payment that was told of by its refund", report);
                Ok(())
            }
            Err(error @ (Error::Database(_) | Error::Razorpay(_))) => Err(error),
            // Whoever asked finds it as unknown as before, and says so.
            Err(error) => {
                tracing::warn!(%error, payment = payment_id, "a payment is for nothing of ours");
                Ok(())
            }
        }
    }

    /// Does what follows of a payment as Razorpay has it.
    async fn apply(&self, order_id: &str, payment: &Payment) -> Result<Report, Error> {
        let mut report = Report::default();
        let taken;
        let payment = match payment.status {
            // Nobody else's money is taken, nor any that would have to go back.
            PaymentStatus::Authorized if !self.is_wanted(order_id, payment).await? => return Ok(report),
            PaymentStatus::Authorized => match self.take(payment).await? {
                Some(captured) => {
                    taken = captured;
                    &taken
                }
                None => return Ok(report),
            },
            PaymentStatus::Created | PaymentStatus::Other => return Ok(report),
            PaymentStatus::Captured | PaymentStatus::Refunded | PaymentStatus::Failed => payment,
        };
        let mut transaction = self.0.pool().begin().await?;
        if payment.status == PaymentStatus::Failed {
            let new = self.fail(&mut transaction, order_id, payment).await?;
            transaction.commit().await?;
            if let Some(attempt) = new {
                attempt.tell();
                report.ended += 1;
            }
            return Ok(report);
        }
        let settled = self.settle(&mut transaction, order_id, &Captured::from(payment)).await?;
        transaction.commit().await?;
        report.credited += u32::from(settled.is_new());
        settled.tell(self).await;
        let ours = sqlx::query_scalar!(
            r#"select refunded_amount as "refunded: Paise" from transactions where razorpay_payment_id = $1"#,
            payment.id,
        )
        .fetch_optional(self.0.pool())
        .await?;
        if ours.is_some_and(|ours| ours != payment.amount_refunded.unwrap_or_default()) {
            report.refunds += self.hear_refunds_of(&payment.id).await?;
        }
        Ok(report)
    }

    /// Asks about all refunds of a payment; how many of them were not known.
    pub(super) async fn hear_refunds_of(&self, payment_id: &str) -> Result<u32, Error> {
        let mut new = 0;
        for refund in self.0.razorpay().refunds_of(payment_id).await? {
            let heard = self.refund_is(&refund).await?;
            new += u32::from(heard.is_new());
            heard.tell(self).await;
        }
        Ok(new)
    }

    /// Whether a payment that is promised would pay for an order of ours.
    async fn is_wanted(&self, order_id: &str, payment: &Payment) -> Result<bool, Error> {
        let order = sqlx::query!(
            r#"
            select status as "status: Status", amount as "amount: Paise", currency
            from transactions
            where razorpay_order_id = $1 and kind = 'coin_purchase'
            "#,
            order_id,
        )
        .fetch_optional(self.0.pool())
        .await?
        .ok_or(Error::OrderNotFound)?;
        if (order.amount, &order.currency) != (payment.amount, &payment.currency) {
            return Err(Error::Mismatch);
        }
        Ok(!order.status.is_paid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn india_s_day_begins_half_past_six_the_evening_before() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().expect("a time");
        assert_eq!(india(at("2026-11-22T18:29:59Z")).to_string(), "2026-11-22");
        assert_eq!(india(at("2026-11-22T18:30:00Z")).to_string(), "2026-11-23");
        assert_eq!(begins("2026-11-23".parse().expect("a day")), at("2026-11-22T18:30:00Z"));
        assert_eq!(next_morning(at("2026-11-22T21:29:59Z")), at("2026-11-22T21:30:00Z"));
        assert_eq!(next_morning(at("2026-11-22T21:30:00Z")), at("2026-11-23T21:30:00Z"));
    }
}
