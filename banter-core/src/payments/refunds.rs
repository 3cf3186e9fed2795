//! Money goes back. The coins go first, in the transaction that decides it, so that nobody spends what is being given
//! back; then Razorpay is asked, by a job that may ask twice (its key is ours). When Razorpay refuses, or the bank does
//! days later, the coins come back.
//!
//! Refunds made in Razorpay's dashboard are heard of by webhooks, and by looks at their payments.

use sqlx::PgConnection;

use super::ledger::{self, Entry, Outcome};
use super::state::{self, Act, Next, Status};
use super::subscriptions::premium::{PremiumUpdate, premium};
use super::{Error, Payments};
use crate::error::{Problems, violates};
use crate::ids::{TransactionId, UserId};
use crate::jobs::{Failure, Job};
use crate::money::Paise;
use crate::notifications::{Added, Kind as NewsKind, News};
use crate::providers::razorpay;
use crate::providers::razorpay::entities::{Refund, RefundStatus};
use crate::text;

/// Razorpay's least.
pub const LEAST: Paise = Paise::rupees(1);
pub(super) const TOO_LITTLE: &str = "must be ₹1.00 or more";

/// A payment's row, locked.
#[derive(Debug)]
pub(super) struct Parent {
    pub id: TransactionId,
    pub user: UserId,
    pub status: Status,
    pub amount: Paise,
    pub currency: String,
    pub refunded: Paise,
    pub coins: Option<i32>,
    pub is_premium: bool,
}

pub(super) async fn lock(db: &mut PgConnection, id: TransactionId) -> Result<Parent, Error> {
    sqlx::query_as!(
        Parent,
        r#"
        select
            id as "id: TransactionId",
            user_id as "user: UserId",
            status as "status: Status",
            amount as "amount: Paise",
            currency,
            refunded_amount as "refunded: Paise",
            coins,
            kind = 'subscription' as "is_premium!"
        from transactions
        where id = $1 and kind <> 'refund'
        for no key update
        "#,
        id.0,
    )
    .fetch_optional(db)
    .await?
    .ok_or(Error::TransactionNotFound)
}

/// A refund that was opened; [`Opened::tell`] follows the commit.
#[must_use = "tell it after the commit"]
#[derive(Debug)]
pub(crate) struct Opened {
    pub refund: TransactionId,
    moved: Moved,
    news: Added,
}

/// What a refund took, or brought back.
#[derive(Debug)]
pub(crate) struct Moved {
    user: UserId,
    coins: Option<Outcome>,
    premium: Option<PremiumUpdate>,
}

impl Moved {
    fn tell(self, payments: &Payments<'_>) {
        if let Some(outcome) = self.coins {
            outcome.tell(payments.0);
        }
        if let Some(premium) = self.premium {
            premium.tell(payments.0, self.user);
        }
    }
}

impl Opened {
    pub(crate) async fn tell(self, payments: &Payments<'_>) {
        self.moved.tell(payments);
        payments.0.notifications().tell(self.news).await;
    }
}

/// What Razorpay told of a refund.
#[derive(Debug)]
pub(crate) enum Heard {
    Opened(Opened),
    Reversed(Moved),
    Noted,
}

impl Heard {
    /// It had not been known.
    pub(crate) fn is_new(&self) -> bool {
        matches!(self, Self::Opened(_) | Self::Reversed(_))
    }

    pub(crate) async fn tell(self, payments: &Payments<'_>) {
        match self {
            Self::Opened(opened) => opened.tell(payments).await,
            Self::Reversed(moved) => moved.tell(payments),
            Self::Noted => {}
        }
    }
}

/// Who decided a refund, and why.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decision<'a> {
    pub reason: &'a str,
    /// `None`: an operator at a terminal, or the house's own rule.
    pub actor: Option<UserId>,
}

impl Payments<'_> {
    /// Gives back all that is left of a payment, or a part of it. The coins go at once; the money within minutes, told by
    /// the refund's transaction.
    pub async fn refund(
        &self,
        payment: TransactionId,
        amount: Option<Paise>,
        reason: &str,
        actor: Option<UserId>,
    ) -> Result<TransactionId, Error> {
        let mut problems = Problems::default();
        let reason = problems.take("reason", text::clean(reason, 1..=500));
        problems.check("amount", amount.is_none_or(|amount| amount >= LEAST), TOO_LITTLE);
        problems.none()?;
        self.0.razorpay().key_id()?;
        let mut transaction = self.0.pool().begin().await?;
        let parent = lock(&mut transaction, payment).await?;
        let amount = amount.unwrap_or(parent.amount - parent.refunded);
        let reason = reason.expect("no problem");
        let decision = Decision { reason: &reason, actor };
        let opened = self.open_refund(&mut transaction, &parent, amount, &decision, None).await?;
        transaction.commit().await?;
        let refund = opened.refund;
        opened.tell(self).await;
        Ok(refund)
    }

    /// Takes the coins back and has Razorpay asked; `made`: the money is on its way already.
    pub(super) async fn open_refund(
        &self,
        db: &mut PgConnection,
        parent: &Parent,
        amount: Paise,
        decision: &Decision<'_>,
        made: Option<&Refund>,
    ) -> Result<Opened, Error> {
        let so_far = parent.refunded + amount;
        let status = match state::next(parent.status, Act::Refund { so_far, of: parent.amount }) {
            Next::Become(status) => status,
            Next::Stay if amount > Paise(0) => parent.status,
            Next::Stay | Next::Refuse => return Err(Error::NotRefundable),
        };
        let now = self.0.clock().now();
        let refund = TransactionId(self.0.ids().uuid(now));
        let coins = parent
            .coins
            .map(|coins| back(coins, parent.amount, so_far) - back(coins, parent.amount, parent.refunded));
        sqlx::query!(
            r#"
            with parent as (
                update transactions set status = $3, refunded_amount = $4, updated_at = $11 where id = $2
                returning id, user_id, currency, provider, item, subscription_id
            )
            insert into transactions
                (id, parent_id, user_id, kind, amount, currency, provider, item, subscription_id, coins, status,
                 razorpay_refund_id, reason, actor_id, paid_at, created_at, updated_at)
            select $1, id, user_id, 'refund', $5, currency, provider, item, subscription_id, $6, $7, $8, $9, $10,
                case $7::text when 'success' then $11 end, $11, $11
            from parent
            "#,
            refund.0,
            parent.id.0,
            status as Status,
            so_far.0,
            amount.0,
            coins,
            made.map_or(Status::Pending, |made| as_status(made.status)) as Status,
            made.map(|made| made.id.as_str()),
            decision.reason,
            decision.actor.map(|actor| actor.0),
            now,
        )
        .execute(&mut *db)
        .await
        .map_err(reused)?;
        let reference = format!("refund:{refund}");
        let moved =
            self.moved(db, parent, ledger::Kind::Refund, coins.map(|coins| -coins), reference).await?;
        if made.is_none() {
            self.0.jobs().queue(&mut *db, &Job::SettleRefund { refund_id: refund }, now).await?;
        }
        let news =
            News { to: parent.user, kind: NewsKind::PaymentRefunded, actor: None, subject: Some(refund.0) };
        let news = self.0.notifications().add(db, news).await?;
        Ok(Opened { refund, moved, news })
    }

    /// Asks Razorpay to give the money of a refund back. Safe to run twice: the key is the refund's.
    pub(crate) async fn settle_refund(&self, refund: TransactionId) -> Result<(), Failure> {
        let waiting = sqlx::query!(
            r#"
            select r.amount as "amount: Paise", p.razorpay_payment_id as "payment_id!", p.id as "parent_id: TransactionId"
            from transactions r
            join transactions p on p.id = r.parent_id
            where r.id = $1 and r.status = 'pending' and r.razorpay_refund_id is null and p.razorpay_payment_id is not null
            "#,
            refund.0,
        )
        .fetch_optional(self.0.pool())
        .await?;
        let Some(waiting) = waiting else { return Ok(()) };
        let notes =
            [("refundId", refund.to_string()), ("transactionId", waiting.parent_id.to_string())].into();
        let key = refund.0.simple().to_string();
        let heard = match self.0.razorpay().refund(&waiting.payment_id, waiting.amount, &key, &notes).await {
            Ok(made) => self.refund_is(&made).await,
            Err(razorpay::Error::Refused { description, .. }) => {
                tracing::error!(%refund, description, "a refund is refused: the coins come back");
                let mut transaction = self.0.pool().begin().await?;
                let heard = self.reverse(&mut transaction, refund, &description).await;
                match heard {
                    Ok(heard) => transaction.commit().await.map(|()| heard).map_err(Error::from),
                    Err(error) => Err(error),
                }
            }
            Err(error) => return Err(Failure::Later(error.to_string())),
        };
        heard.map_err(|error| Failure::Later(error.to_string()))?.tell(self).await;
        Ok(())
    }

    /// Notes what Razorpay says of a refund, in a transaction of its own.
    pub(super) async fn refund_is(&self, made: &Refund) -> Result<Heard, Error> {
        let mut transaction = self.0.pool().begin().await?;
        let heard = self.hear_refund(&mut transaction, made).await?;
        transaction.commit().await?;
        Ok(heard)
    }

    /// What a refund of theirs means for ours: one we asked for is known by its notes, one made in the dashboard is
    /// opened here. Any order, any number of times.
    pub(crate) async fn hear_refund(&self, db: &mut PgConnection, made: &Refund) -> Result<Heard, Error> {
        let parent = sqlx::query_scalar!(
            r#"select id as "id: TransactionId" from transactions where razorpay_payment_id = $1"#,
            made.payment_id,
        )
        .fetch_optional(&mut *db)
        .await?
        .ok_or(Error::TransactionNotFound)?;
        // Whoever hears of the same refund at once waits here.
        let parent = lock(db, parent).await?;
        if made.currency != parent.currency {
            return Err(Error::Mismatch);
        }
        let ours: Option<TransactionId> = made.notes.0.get("refundId").and_then(|id| id.parse().ok());
        let known = sqlx::query!(
            r#"
            select
                id as "id: TransactionId",
                status as "status: Status",
                amount as "amount: Paise",
                razorpay_refund_id
            from transactions
            where parent_id = $1
              and (razorpay_refund_id = $2 or razorpay_refund_id is null and id = $3)
            "#,
            parent.id.0,
            made.id,
            ours.map(|id| id.0),
        )
        .fetch_optional(&mut *db)
        .await?;
        let Some(known) = known else {
            if made.status == RefundStatus::Failed {
                return Ok(Heard::Noted);
            }
            let decision = Decision { reason: "made at the payment provider", actor: None };
            return Ok(Heard::Opened(
                self.open_refund(db, &parent, made.amount, &decision, Some(made)).await?,
            ));
        };
        if known.amount != made.amount {
            return Err(Error::Mismatch);
        }
        if made.status == RefundStatus::Failed {
            return self.reverse(db, known.id, "the bank did not take it").await;
        }
        sqlx::query!(
            r#"
            update transactions
            set razorpay_refund_id = $2,
                -- What was processed is not pending again, and what failed has ended.
                status = case when status = 'pending' then $3 else status end,
                paid_at = case when status = 'pending' and $3 = 'success' then $4 else paid_at end,
                updated_at = $4
            where id = $1 and (razorpay_refund_id is null or status <> $3)
            "#,
            known.id.0,
            made.id,
            as_status(made.status).name(),
            self.0.clock().now(),
        )
        .execute(db)
        .await?;
        Ok(Heard::Noted)
    }

    /// The money did not go back after all: the coins do. Once.
    async fn reverse(&self, db: &mut PgConnection, refund: TransactionId, why: &str) -> Result<Heard, Error> {
        let why: String = why.chars().take(300).collect();
        let parent = sqlx::query_scalar!(
            r#"select parent_id as "id!: TransactionId" from transactions where id = $1 and kind = 'refund'"#,
            refund.0,
        )
        .fetch_optional(&mut *db)
        .await?
        .ok_or(Error::TransactionNotFound)?;
        let parent = lock(db, parent).await?;
        let failed = sqlx::query!(
            r#"
            update transactions
            set status = 'failed', failure_code = 'REFUND_FAILED', failure_reason = $2, updated_at = $3
            where id = $1 and status in ('pending', 'success')
            returning amount as "amount: Paise", coins
            "#,
            refund.0,
            why,
            self.0.clock().now(),
        )
        .fetch_optional(&mut *db)
        .await?;
        let Some(failed) = failed else { return Ok(Heard::Noted) };
        let so_far = parent.refunded - failed.amount;
        let status = match state::next(parent.status, Act::Refund { so_far, of: parent.amount }) {
            Next::Become(status) => status,
            Next::Stay => parent.status,
            Next::Refuse => return Err(Error::NotRefundable),
        };
        sqlx::query!(
            "update transactions set status = $2, refunded_amount = $3, updated_at = $4 where id = $1",
            parent.id.0,
            status as Status,
            so_far.0,
            self.0.clock().now(),
        )
        .execute(&mut *db)
        .await?;
        let reference = format!("refund-reversed:{refund}");
        let moved = self.moved(db, &parent, ledger::Kind::RefundReversed, failed.coins, reference).await?;
        Ok(Heard::Reversed(moved))
    }

    /// What was bought goes with the money, and comes back with it.
    async fn moved(
        &self,
        db: &mut PgConnection,
        parent: &Parent,
        kind: ledger::Kind,
        coins: Option<i32>,
        reference: String,
    ) -> Result<Moved, Error> {
        let mut moved = Moved { user: parent.user, coins: None, premium: None };
        if let Some(amount) = coins.filter(|coins| *coins != 0) {
            let entry = Entry { user: parent.user, kind, amount, reference, note: None };
            moved.coins = Some(ledger::write(self.0, db, &entry).await?);
        }
        if parent.is_premium {
            moved.premium = premium(self.0, db, parent.user).await?;
        }
        Ok(moved)
    }
}

fn reused(error: sqlx::Error) -> Error {
    // A refund of theirs is of one payment.
    if violates(&error, "transactions_razorpay_refund_id_key") { Error::Mismatch } else { error.into() }
}

fn as_status(status: RefundStatus) -> Status {
    match status {
        RefundStatus::Pending => Status::Pending,
        RefundStatus::Processed => Status::Success,
        RefundStatus::Failed => Status::Failed,
    }
}

/// How many of the coins have gone back when so much of the price has: whole coins, all of them with the last paisa.
pub(super) fn back(coins: i32, price: Paise, refunded: Paise) -> i32 {
    let coins = i64::from(coins) * refunded.0 / price.0.max(1);
    i32::try_from(coins).expect("no more than were bought")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up_to_the_whole() {
        let price = Paise(4900);
        assert_eq!(back(100, price, price), 100);
        assert_eq!(back(100, price, Paise(0)), 0);
        assert_eq!(back(100, price, Paise(100)), 2);
        let parts = [100, 1700, 1, 3099];
        let mut so_far = Paise(0);
        let taken: i32 = parts
            .iter()
            .map(|part| {
                let before = back(100, price, so_far);
                so_far = so_far + Paise(*part);
                back(100, price, so_far) - before
            })
            .sum();
        assert_eq!(taken, 100);
    }
}
