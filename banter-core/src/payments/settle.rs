//! Money came, or did not: what follows for the order it was meant for. Whoever learns of it first (the phone's proof, one
//! of two webhooks, a look at Razorpay) comes through here, in one transaction that locks the order's row, so it is
//! credited once.

use sqlx::{PgConnection, PgExecutor};

use super::ledger::{self, Entry, Outcome};
use super::refunds::{Opened, PAID_TWICE};
use super::state::{self, Act, Next, Status};
use super::{Error, Payments, metrics};
use crate::error::violates;
use crate::ids::{TransactionId, UserId};
use crate::jobs::Job;
use crate::money::Paise;
use crate::notifications::{Added, Kind as NewsKind, News};
use crate::providers::razorpay::entities::Payment;

/// A payment that was captured, as far as it is known.
#[derive(Clone, Debug)]
pub(crate) struct Captured<'a> {
    pub payment_id: &'a str,
    pub amount: Paise,
    pub currency: &'a str,
    pub method: Option<&'a str>,
    pub fee: Option<Paise>,
    pub tax: Option<Paise>,
}

impl<'a> From<&'a Payment> for Captured<'a> {
    fn from(payment: &'a Payment) -> Self {
        Self {
            payment_id: &payment.id,
            amount: payment.amount,
            currency: &payment.currency,
            method: payment.method.as_deref(),
            fee: payment.fee,
            tax: payment.tax,
        }
    }
}

/// What a capture came to; [`Settled::tell`] follows the commit.
#[must_use = "tell it after the commit"]
#[derive(Debug)]
pub(crate) enum Settled {
    Credited {
        outcome: Outcome,
        news: Added,
        method: String,
    },
    /// It had been, by this payment.
    Already,
    /// The order had been paid by another payment: this one goes back.
    PaidTwice(Opened),
    /// That was known of this payment.
    GoesBack,
}

impl Settled {
    /// Money that nobody here had known of.
    pub(crate) fn is_new(&self) -> bool {
        matches!(self, Self::Credited { .. } | Self::PaidTwice(_))
    }

    pub(crate) async fn tell(self, payments: &Payments<'_>) {
        match self {
            Self::Credited { outcome, news, method } => {
                metrics::succeeded(&method);
                outcome.tell(payments.0);
                payments.0.notifications().tell(news).await;
            }
            Self::Already | Self::GoesBack => {}
            Self::PaidTwice(opened) => opened.tell(payments).await,
        }
    }
}

/// An attempt to pay that failed; [`FailedAttempt::tell`] follows the commit.
#[must_use = "tell it after the commit"]
#[derive(Debug)]
pub(crate) struct FailedAttempt {
    method: Option<String>,
    reason: Option<String>,
}

impl FailedAttempt {
    pub(crate) fn tell(&self) {
        metrics::failed(self.method.as_deref(), self.reason.as_deref());
    }
}

/// An order's row, locked.
struct Row {
    id: TransactionId,
    user: UserId,
    status: Status,
    amount: Paise,
    currency: String,
    coins: Option<i32>,
    item: Option<String>,
    payment_id: Option<String>,
}

async fn lock(db: &mut PgConnection, order_id: &str) -> Result<Row, Error> {
    sqlx::query_as!(
        Row,
        r#"
        select
            id as "id: TransactionId",
            user_id as "user: UserId",
            status as "status: Status",
            amount as "amount: Paise",
            currency,
            coins,
            item,
            razorpay_payment_id as payment_id
        from transactions
        where razorpay_order_id = $1
        for no key update
        "#,
        order_id,
    )
    .fetch_optional(db)
    .await?
    .ok_or(Error::OrderNotFound)
}

impl Payments<'_> {
    /// Credits what the order buys, once, in the caller's transaction. A payment of another amount or currency, or one that
    /// paid for something else already, is refused: nothing moves.
    pub(crate) async fn settle(
        &self,
        db: &mut PgConnection,
        order_id: &str,
        captured: &Captured<'_>,
    ) -> Result<Settled, Error> {
        let order = lock(db, order_id).await?;
        if (captured.amount, captured.currency) != (order.amount, order.currency.as_str()) {
            tracing::error!(
                transaction = %order.id, payment = captured.payment_id, paid = captured.amount.0, owed = order.amount.0,
                "a payment of another amount than its order's"
            );
            return Err(Error::Mismatch);
        }
        match state::next(order.status, Act::Pay) {
            Next::Become(status) => self.credit(db, &order, status, captured).await,
            Next::Stay if order.payment_id.as_deref() == Some(captured.payment_id) => {
                // What Razorpay kept is known a little later than that it was paid.
                sqlx::query!(
                    r#"
                    update transactions
                    set fee = coalesce(fee, $2), tax = coalesce(tax, $3), payment_method = coalesce(payment_method, $4)
                    where id = $1 and (fee is null and $2::bigint is not null or payment_method is null)
                    "#,
                    order.id.0,
                    captured.fee.map(|fee| fee.0),
                    captured.tax.map(|tax| tax.0),
                    captured.method,
                )
                .execute(db)
                .await?;
                Ok(Settled::Already)
            }
            Next::Stay => self.give_back(db, &order, captured).await,
            Next::Refuse => unreachable!("a capture is never refused by state"),
        }
    }

    async fn credit(
        &self,
        db: &mut PgConnection,
        order: &Row,
        status: Status,
        captured: &Captured<'_>,
    ) -> Result<Settled, Error> {
        sqlx::query!(
            r#"
            update transactions
            set status = $2, razorpay_payment_id = $3, payment_method = $4, fee = $5, tax = $6, paid_at = $7,
                failure_code = null, failure_reason = null, updated_at = $7
            where id = $1
            "#,
            order.id.0,
            status as Status,
            captured.payment_id,
            captured.method,
            captured.fee.map(|fee| fee.0),
            captured.tax.map(|tax| tax.0),
            self.0.clock().now(),
        )
        .execute(&mut *db)
        .await
        .map_err(reused)?;
        let entry = Entry {
            user: order.user,
            kind: ledger::Kind::Purchase,
            amount: order.coins.ok_or(Error::OrderNotFound)?,
            reference: format!("purchase:{}", order.id),
            note: None,
        };
        let outcome = ledger::write(self.0, db, &entry).await?;
        let news =
            News { to: order.user, kind: NewsKind::PaymentSucceeded, actor: None, subject: Some(order.id.0) };
        let news = self.0.notifications().add(db, news).await?;
        let method = captured.method.unwrap_or("unknown").to_owned();
        Ok(Settled::Credited { outcome, news, method })
    }

    /// The order is paid, and paid for again: the second payment stands beside it, and goes back as a whole.
    async fn give_back(
        &self,
        db: &mut PgConnection,
        order: &Row,
        captured: &Captured<'_>,
    ) -> Result<Settled, Error> {
        let now = self.0.clock().now();
        let second = TransactionId(self.0.ids().uuid(now));
        let stored = sqlx::query!(
            r#"
            insert into transactions
                (id, user_id, kind, amount, currency, item, status, razorpay_payment_id, payment_method, fee, tax, paid_at,
                 created_at, updated_at)
            values ($1, $2, 'coin_purchase', $3, $4, $5, 'success', $6, $7, $8, $9, $10, $10, $10)
            on conflict (razorpay_payment_id) do nothing
            "#,
            second.0,
            order.user.0,
            captured.amount.0,
            captured.currency,
            order.item,
            captured.payment_id,
            captured.method,
            captured.fee.map(|fee| fee.0),
            captured.tax.map(|tax| tax.0),
            now,
        )
        .execute(&mut *db)
        .await?;
        if stored.rows_affected() == 0 {
            let is_second = sqlx::query_scalar!(
                r#"
                select kind = 'coin_purchase' and razorpay_order_id is null and user_id = $2 as "is_second!"
                from transactions
                where razorpay_payment_id = $1
                "#,
                captured.payment_id,
                order.user.0,
            )
            .fetch_one(db)
            .await?;
            return if is_second { Ok(Settled::GoesBack) } else { Err(Error::PaymentReused) };
        }
        tracing::warn!(transaction = %order.id, payment = captured.payment_id, "an order was paid twice");
        let parent = super::refunds::lock(db, second).await?;
        let opened = self.open_refund(db, &parent, parent.amount, &PAID_TWICE, None).await?;
        Ok(Settled::PaidTwice(opened))
    }

    /// An attempt to pay failed; `None`: that was known. What is paid by another attempt stays so.
    pub(crate) async fn fail(
        &self,
        db: &mut PgConnection,
        order_id: &str,
        payment: &Payment,
    ) -> Result<Option<FailedAttempt>, Error> {
        let order = match lock(&mut *db, order_id).await {
            Ok(order) => Some(order),
            // Their subscriptions make orders of their own, and tell how they stand by events of their own.
            Err(Error::OrderNotFound) if payment.invoice_id.is_some() => None,
            Err(error) => return Err(error),
        };
        let now = self.0.clock().now();
        let cut = |text: &Option<String>, length| {
            text.as_ref().map(|text| text.chars().take(length).collect::<String>())
        };
        let code = cut(&payment.error_code, 100);
        let reason = cut(&payment.error_reason, 300).or(cut(&payment.error_description, 300));
        if let Some(order) = &order
            && let Next::Become(status) = state::next(order.status, Act::Fail)
        {
            sqlx::query!(
                r#"
                update transactions
                set status = $2, failure_code = $3, failure_reason = $4, payment_method = $5, updated_at = $6
                where id = $1
                "#,
                order.id.0,
                status as Status,
                code,
                reason,
                payment.method,
                now,
            )
            .execute(&mut *db)
            .await?;
        }
        let new = sqlx::query!(
            r#"
            insert into payment_failures (payment_id, transaction_id, method, code, reason, failed_at)
            values ($1, $2, $3, $4, $5, $6)
            on conflict (payment_id) do nothing
            "#,
            payment.id,
            order.map(|order| order.id.0),
            payment.method,
            code,
            reason,
            now,
        )
        .execute(db)
        .await?;
        let attempt = FailedAttempt { method: payment.method.clone(), reason: payment.error_reason.clone() };
        Ok((new.rows_affected() == 1).then_some(attempt))
    }

    /// Has Razorpay asked about an order, so much later.
    pub(crate) async fn ask_later(
        &self,
        db: impl PgExecutor<'_>,
        transaction: TransactionId,
        after: chrono::TimeDelta,
    ) -> Result<(), sqlx::Error> {
        let job = Job::CheckOrder { transaction_id: transaction };
        self.0.jobs().queue(db, &job, self.0.clock().now() + after).await
    }
}

fn reused(error: sqlx::Error) -> Error {
    if violates(&error, "transactions_razorpay_payment_id_key") { Error::PaymentReused } else { error.into() }
}
