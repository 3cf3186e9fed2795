//! Money goes back. The coins go first, in the transaction that decides it, so that nobody spends what is being given
//! back; then Razorpay is asked, by a job that may ask twice (its key is ours). When Razorpay refuses, or the bank does
//! days later, the coins come back.
//!
//! Refunds made in Razorpay's dashboard are heard of by webhooks, and by looks at their payments.

mod hear;

use sqlx::PgConnection;

pub(crate) use hear::Heard;
use hear::as_status;

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
use crate::providers::razorpay::entities::Refund;
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
    /// Coins that its refunds took.
    pub coins_back: i32,
    pub is_premium: bool,
    /// Razorpay has said by which payment it was paid.
    pub is_named: bool,
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
            (
                select coalesce(sum(r.coins), 0)::int
                from transactions r
                where r.parent_id = transactions.id and r.status <> 'failed'
            ) as "coins_back!",
            kind = 'subscription' as "is_premium!",
            razorpay_payment_id is not null as "is_named!"
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

/// Who decided a refund, and why.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decision<'a> {
    pub reason: &'a str,
    /// `None`: an operator at a terminal, or the house's own rule.
    pub actor: Option<UserId>,
}

/// Why a second payment of an order goes back.
pub(super) const PAID_TWICE: Decision<'static> =
    Decision { reason: "the order had been paid already", actor: None };

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
        if parent.status.is_paid() && !parent.is_named {
            return Err(Error::NotNamed);
        }
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
        let coins = parent.coins.map(|coins| (back(coins, parent.amount, so_far) - parent.coins_back).max(0));
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

    /// Tries again to give back a second payment of an order, in the caller's transaction.
    pub(super) async fn give_back_again(
        &self,
        db: &mut PgConnection,
        second: TransactionId,
    ) -> Result<(), Error> {
        let parent = lock(db, second).await?;
        let left = parent.amount - parent.refunded;
        if left <= Paise(0) {
            return Ok(());
        }
        let opened = self.open_refund(db, &parent, left, &PAID_TWICE, None).await?;
        tracing::info!(refund = %opened.refund, "a second payment goes back");
        Ok(())
    }

    /// Asks Razorpay to give the money of a refund back. Safe to run twice: the key is the refund's.
    pub(crate) async fn settle_refund(&self, refund: TransactionId) -> Result<(), Failure> {
        let waiting = sqlx::query!(
            r#"
            select
                r.amount as "amount: Paise",
                r.razorpay_refund_id is not null as "is_made!",
                p.razorpay_payment_id as "payment_id!",
                p.id as "parent_id: TransactionId"
            from transactions r
            join transactions p on p.id = r.parent_id
            where r.id = $1 and r.status = 'pending' and p.razorpay_payment_id is not null
            "#,
            refund.0,
        )
        .fetch_optional(self.0.pool())
        .await?;
        let Some(waiting) = waiting else { return Ok(()) };
        if waiting.is_made {
            self.hear_refunds_of(&waiting.payment_id).await?;
            return Ok(());
        }
        let notes =
            [("refundId", refund.to_string()), ("transactionId", waiting.parent_id.to_string())].into();
        let key = refund.0.simple().to_string();
        let heard = match self.0.razorpay().refund(&waiting.payment_id, waiting.amount, &key, &notes).await {
            Ok(made) => self.refund_is(&made).await,
            Err(error) if error.is_of_ours() => return Err(Failure::Later(error.to_string())),
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
        let heard = heard.map_err(|error| Failure::Later(error.to_string()))?;
        let is_reversed = matches!(heard, Heard::Reversed(_));
        heard.tell(self).await;
        if is_reversed {
            // It may have gone back by another one, made in the dashboard.
            self.hear_refunds_of(&waiting.payment_id).await?;
        }
        Ok(())
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
