//! What operators see of payments, and what they do about them. They name a payment by whatever they have in hand: our
//! id, its receipt, or Razorpay's word for the order, the payment, the refund or the subscription.
//!
//! [`events`] what Razorpay told · [`giving_back`] a refund, looked at before and carried out at once

pub mod events;
pub mod giving_back;

use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::ledger;
use super::reconcile::begins;
use super::state::Status;
use super::{Error, Payments};
use crate::error::Problems;
use crate::ids::{SubscriptionId, TransactionId, UserId};
use crate::money::Paise;
use crate::page::{At, Page, PageRequest};

/// What a transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Kind {
    CoinPurchase,
    /// What a subscription charged for one period.
    Subscription,
    /// Of one of the others.
    Refund,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::CoinPurchase, Self::Subscription, Self::Refund];

    pub fn name(self) -> &'static str {
        match self {
            Self::CoinPurchase => "coin_purchase",
            Self::Subscription => "subscription",
            Self::Refund => "refund",
        }
    }
}

/// Which transactions.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub user: Option<UserId>,
    pub status: Option<Status>,
    pub kind: Option<Kind>,
    /// A package or a plan.
    pub item: Option<String>,
    /// Made on this day of India's or later.
    pub since: Option<NaiveDate>,
    /// Made on this day of India's or earlier.
    pub until: Option<NaiveDate>,
}

/// A transaction, as operators see it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    pub id: TransactionId,
    pub kind: Kind,
    pub status: Status,
    pub user_id: UserId,
    pub user: String,
    pub provider: String,
    /// A package or a plan.
    pub item: Option<String>,
    pub coins: Option<i32>,
    /// Paise.
    pub amount: Paise,
    pub currency: String,
    /// Paise given back so far.
    pub refunded_amount: Paise,
    pub payment_method: Option<String>,
    /// What Razorpay kept, in paise, and the tax in it.
    pub fee: Option<Paise>,
    pub tax: Option<Paise>,
    pub razorpay_order_id: Option<String>,
    pub razorpay_payment_id: Option<String>,
    pub razorpay_refund_id: Option<String>,
    pub subscription_id: Option<SubscriptionId>,
    /// Of a refund: what it gives back.
    pub parent_id: Option<TransactionId>,
    pub failure_code: Option<String>,
    pub failure_reason: Option<String>,
    /// Of a refund, by a person.
    pub reason: Option<String>,
    pub paid_at: Option<DateTime<Utc>>,
    /// When Razorpay was last asked about it.
    pub asked_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

/// A change of a balance that a transaction caused.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    pub account: ledger::Account,
    pub kind: ledger::Kind,
    pub amount: i32,
    pub balance_after: i32,
    pub reference: String,
    pub created_at: DateTime<Utc>,
}

/// A transaction with all that belongs to it.
#[derive(Debug)]
pub struct Shown {
    pub transaction: Listed,
    /// Of a purchase or a charge, oldest first.
    pub refunds: Vec<Listed>,
    /// Oldest first.
    pub ledger: Vec<Entry>,
    /// Those that name it, newest first, at most [`events::MOST_OF_ONE`].
    pub events: Vec<events::Listed>,
}

const LIST: &str = "all-transactions";

impl Payments<'_> {
    /// All transactions that the filter lets through, newest first.
    pub async fn list(&self, filter: &Filter, page: &PageRequest) -> Result<Page<Listed>, Error> {
        let after: Option<(At, TransactionId)> =
            page.after(LIST).map_err(|problem| Problems::one("cursor", problem))?;
        let transactions = self.listed(filter, &Only::All, after, page.fetch()).await?;
        Ok(Page::cut(transactions, page, LIST, |one| (At(one.created_at), one.id)))
    }

    /// The one that is named: our id, `order_…`, `pay_…`, `rfnd_…`, `sub_…` (its newest charge), or a receipt's number.
    pub async fn find(&self, name: &str) -> Result<TransactionId, Error> {
        let id: Option<Uuid> = name.parse().ok();
        sqlx::query_scalar!(
            r#"
            select id as "id!: TransactionId"
            from (
                select id, created_at from transactions where id = $2
                union all
                select id, created_at from transactions where razorpay_order_id = $1
                union all
                select id, created_at from transactions where razorpay_payment_id = $1
                union all
                select id, created_at from transactions where razorpay_refund_id = $1
                union all
                select id, created_at from transactions where receipt = $1
                union all
                select t.id, t.created_at from receipts r join transactions t on t.id = r.transaction_id
                where r.number = $1
                union all
                select t.id, t.created_at from subscriptions s join transactions t on t.subscription_id = s.id
                where s.razorpay_subscription_id = $1 and t.kind = 'subscription'
            ) as named
            order by created_at desc
            limit 1
            "#,
            name,
            id,
        )
        .fetch_optional(self.0.pool())
        .await?
        .ok_or(Error::TransactionNotFound)
    }

    /// One, with its refunds, what it changed in the ledger, and what Razorpay told of it.
    pub async fn show(&self, id: TransactionId) -> Result<Shown, Error> {
        let transaction = self.one(id).await?;
        let refunds = self.listed(&Filter::default(), &Only::RefundsOf(id), None, i64::MAX).await?;
        let causes: Vec<TransactionId> =
            std::iter::once(id).chain(refunds.iter().map(|refund| refund.id)).collect();
        let ledger = self.entries_of(&causes).await?;
        // A refund is told of by what it gives back.
        let events = match &transaction.parent_id {
            Some(parent) => self.events_of(&self.one(*parent).await?).await?,
            None => self.events_of(&transaction).await?,
        };
        Ok(Shown { transaction, refunds: refunds.into_iter().rev().collect(), ledger, events })
    }

    pub(super) async fn one(&self, id: TransactionId) -> Result<Listed, Error> {
        let found = self.listed(&Filter::default(), &Only::One(id), None, 1).await?.pop();
        found.ok_or(Error::TransactionNotFound)
    }

    async fn entries_of(&self, causes: &[TransactionId]) -> Result<Vec<Entry>, sqlx::Error> {
        let references: Vec<String> = causes
            .iter()
            .flat_map(|id| ["purchase", "refund", "refund-reversed"].map(|cause| format!("{cause}:{id}")))
            .flat_map(|cause| ["", ":debt", ":repaid", ":repaid:owed"].map(|then| format!("{cause}{then}")))
            .collect();
        sqlx::query_as!(
            Entry,
            r#"
            select
                account as "account: ledger::Account",
                kind as "kind: ledger::Kind",
                amount,
                balance_after,
                reference,
                created_at
            from coin_ledger
            where reference = any($1)
            order by created_at, id
            "#,
            &references,
        )
        .fetch_all(self.0.pool())
        .await
    }

    async fn listed(
        &self,
        filter: &Filter,
        only: &Only,
        after: Option<(At, TransactionId)>,
        limit: i64,
    ) -> Result<Vec<Listed>, Error> {
        let (one, parent) = match only {
            Only::All => (None, None),
            Only::One(id) => (Some(id.0), None),
            Only::RefundsOf(id) => (None, Some(id.0)),
        };
        let until = filter.until.and_then(|day| day.checked_add_days(Days::new(1)));
        let found = sqlx::query_as!(
            Listed,
            r#"
            select
                t.id as "id: TransactionId",
                t.kind as "kind: Kind",
                t.status as "status: Status",
                t.user_id as "user_id: UserId",
                u.full_name as user,
                t.provider,
                t.item,
                t.coins,
                t.amount as "amount: Paise",
                t.currency,
                t.refunded_amount as "refunded_amount: Paise",
                t.payment_method,
                t.fee as "fee: Paise",
                t.tax as "tax: Paise",
                t.razorpay_order_id,
                t.razorpay_payment_id,
                t.razorpay_refund_id,
                t.subscription_id as "subscription_id: SubscriptionId",
                t.parent_id as "parent_id: TransactionId",
                t.failure_code,
                t.failure_reason,
                t.reason,
                t.paid_at,
                t.asked_at,
                t.created_at
            from transactions t join users u on u.id = t.user_id
            where ($1::uuid is null or t.id = $1)
              and ($2::uuid is null or t.parent_id = $2)
              and ($3::uuid is null or t.user_id = $3)
              and ($4::text is null or t.status = $4)
              and ($5::text is null or t.kind = $5)
              and ($6::text is null or t.item = $6)
              and ($7::timestamptz is null or t.created_at >= $7)
              and ($8::timestamptz is null or t.created_at < $8)
              and ($9::timestamptz is null or (t.created_at, t.id) < ($9, $10::uuid))
            order by t.created_at desc, t.id desc
            limit $11
            "#,
            one,
            parent,
            filter.user.map(|user| user.0),
            filter.status.map(Status::name),
            filter.kind.map(Kind::name),
            filter.item,
            filter.since.map(begins),
            until.map(begins),
            after.map(|(at, _)| at.0),
            after.map(|(_, id)| id.0),
            limit,
        )
        .fetch_all(self.0.pool())
        .await?;
        Ok(found)
    }
}

enum Only {
    All,
    One(TransactionId),
    RefundsOf(TransactionId),
}
