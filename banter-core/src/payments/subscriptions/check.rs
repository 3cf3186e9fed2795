//! Razorpay's own word on subscriptions, for what webhooks did not tell. What nobody should go on paying for, or nobody
//! will pay, is ended here.

use std::time::Instant;

use chrono::TimeDelta;
use sqlx::postgres::types::PgInterval;

use super::hear::{Heard, Seen, take_in};
use super::premium::premium;
use super::state::Status;
use super::{Row, Subscriptions, row};
use crate::ids::SubscriptionId;
use crate::payments::Error;
use crate::payments::reconcile::{MOST_OF_A_ROUND, Report};
use crate::providers::razorpay;
use crate::providers::razorpay::entities::{self, Payment};

/// One that goes on is asked about this often.
const ROUND: TimeDelta = TimeDelta::days(1);
/// One whose period ended should have been told of: it is asked about this often.
const OVERDUE: TimeDelta = TimeDelta::hours(1);
/// Nobody agrees to one any more that waits this long.
const FORGOTTEN: TimeDelta = TimeDelta::days(7);
/// A payment is made this long before its period begins at the most.
const AHEAD: TimeDelta = TimeDelta::days(1);

impl Subscriptions<'_> {
    /// Asks about those that were not asked about for a day, or whose period ended; at most `limit`.
    pub(crate) async fn check_due(&self, limit: i64) -> Result<Report, Error> {
        let mut report = Report::default();
        if !self.razorpay().is_configured() {
            return Ok(report);
        }
        let due = sqlx::query_scalar!(
            r#"
            select id as "id: SubscriptionId"
            from subscriptions
            where status in ('created', 'authenticated', 'active', 'pending', 'halted', 'paused')
              and (
                  coalesce(asked_at, created_at) <= $1::timestamptz - $2::interval
                  or current_period_end <= $1 and coalesce(asked_at, created_at) <= $1::timestamptz - $3::interval
              )
            order by coalesce(asked_at, created_at)
            limit $4
            "#,
            self.now(),
            PgInterval::try_from(ROUND).expect("whole days"),
            PgInterval::try_from(OVERDUE).expect("whole hours"),
            limit,
        )
        .fetch_all(self.0.0.pool())
        .await?;
        let begun = Instant::now();
        for subscription in due {
            if begun.elapsed() > MOST_OF_A_ROUND {
                break;
            }
            match self.check(subscription, None).await {
                Ok(one) => report.add(one),
                Err(Error::Razorpay(error)) => {
                    tracing::warn!(%error, %subscription, "a subscription could not be asked about");
                    report.unanswered += 1;
                    // They are away: the others would only wait for the same.
                    if matches!(error, razorpay::Error::Away(_)) {
                        break;
                    }
                }
                Err(error @ (Error::Mismatch | Error::PaymentReused)) => {
                    tracing::error!(%error, %subscription, "a subscription contradicts what we know");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(report)
    }

    /// Asks Razorpay about one, and about the payment that somebody proved for it, and does what follows. Ends what is a
    /// deleted account's, and what nobody agreed to in a week.
    pub(crate) async fn check(&self, id: SubscriptionId, payment: Option<&str>) -> Result<Report, Error> {
        let now = self.now();
        let gone = sqlx::query_scalar!(
            r#"
            update subscriptions s
            set asked_at = $2
            from users u
            where s.id = $1 and u.id = s.user_id
            returning u.status = 'deleted' as "gone!"
            "#,
            id.0,
            now,
        )
        .fetch_optional(self.0.0.pool())
        .await?
        .ok_or(Error::SubscriptionNotFound)?;
        let held = row(self.0.0.pool(), id).await?;
        let mut report = Report { looked_at: 1, ..Report::default() };
        if held.razorpay_id.is_none() {
            if gone || held.created_at + ROUND <= now {
                self.give_up(id).await?;
            }
            return Ok(report);
        }
        if held.status.is_over() && payment.is_none() {
            return Ok(report);
        }
        report.credited += u32::from(self.look(&held, payment).await?);
        let held = row(self.0.0.pool(), id).await?;
        let forgotten = held.status == Status::Created && held.created_at + FORGOTTEN <= now;
        if !held.status.is_over() && (gone || forgotten) {
            self.end(&held, false).await?;
            report.ended += 1;
        }
        Ok(report)
    }

    /// What never came to be at Razorpay is over.
    async fn give_up(&self, id: SubscriptionId) -> Result<(), sqlx::Error> {
        sqlx::query!(
            r#"
            update subscriptions
            set status = 'expired', ended_at = $2, updated_at = $2
            where id = $1 and razorpay_subscription_id is null and status = 'created'
            "#,
            id.0,
            self.now(),
        )
        .execute(self.0.0.pool())
        .await?;
        Ok(())
    }

    /// Asks, and takes in the answer; whether a charge was new.
    pub(super) async fn look(&self, held: &Row, payment: Option<&str>) -> Result<bool, Error> {
        let Some(razorpay_id) = &held.razorpay_id else { return Ok(false) };
        // Of before the question: an answer may be older than when it comes.
        let at = self.now().timestamp();
        let snapshot = match self.razorpay().subscription(razorpay_id).await {
            Ok(snapshot) => snapshot,
            Err(error) if error.is_unknown() => {
                self.lose(held, error).await?;
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        };
        let payment = match payment {
            Some(payment) => Some(self.razorpay().payment(payment).await?),
            None => None,
        };
        // A proof that comes late is of a period that has passed.
        let payment = payment.filter(|payment| {
            snapshot.current_start.is_some_and(|start| payment.created_at + AHEAD.num_seconds() >= start)
        });
        self.take_in(held, "look", &snapshot, payment.as_ref(), at, false).await
    }

    /// Razorpay knows of no such subscription: keys are of another account now, or of the other mode. Nobody is charged for
    /// it any more, so it does not stand in the way of another; what was paid is let run.
    async fn lose(&self, held: &Row, error: razorpay::Error) -> Result<(), Error> {
        let now = self.now();
        tracing::error!(%error, subscription = %held.id, "a subscription that Razorpay does not know");
        if held.status.is_agreed() && held.current_period_end.is_some_and(|end| end + FORGOTTEN > now) {
            return Err(error.into());
        }
        let mut transaction = self.0.0.pool().begin().await?;
        sqlx::query!(
            r#"
            update subscriptions
            set status = 'expired', ended_at = coalesce(ended_at, $2), updated_at = $2
            where id = $1 and status not in ('cancelled', 'completed', 'expired')
            "#,
            held.id.0,
            now,
        )
        .execute(&mut *transaction)
        .await?;
        let changed = premium(self.0.0, &mut transaction, held.user).await?;
        transaction.commit().await?;
        if let Some(update) = changed {
            update.tell(self.0.0, held.user);
        }
        Ok(())
    }

    /// Takes in a snapshot, in a transaction of its own; `ends_later`: it was just asked to end with its period.
    pub(super) async fn take_in(
        &self,
        held: &Row,
        event: &str,
        snapshot: &entities::Subscription,
        payment: Option<&Payment>,
        at: i64,
        ends_later: bool,
    ) -> Result<bool, Error> {
        let mut transaction = self.0.0.pool().begin().await?;
        if ends_later {
            sqlx::query!("update subscriptions set cancel_at_period_end = true where id = $1", held.id.0)
                .execute(&mut *transaction)
                .await?;
        }
        let seen = Seen { snapshot, payment, at, asked_of: Some(held.as_of) };
        let heard: Heard = take_in(self.0.0, &mut transaction, event, seen).await?;
        transaction.commit().await?;
        let is_new = heard.is_new_charge();
        heard.tell(self.0.0).await;
        Ok(is_new)
    }
}
