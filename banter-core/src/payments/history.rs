//! What somebody paid and was given back, and every entry of their balances.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::ledger::{self, Account};
use super::{Error, Payments};
use crate::accounts::Caller;
use crate::error::Problems;
use crate::ids::TransactionId;
use crate::money::Paise;
use crate::page::{Page, PageRequest};

/// A payment, or a refund of one, as whose it is sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PaymentTransaction)]
pub struct Transaction {
    pub id: TransactionId,
    /// `coin_purchase`, `subscription` or `refund`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Paise; of a refund what goes back.
    pub amount: Paise,
    #[schema(example = "INR")]
    pub currency: String,
    /// What was bought: a package of coins, or a plan.
    pub item: Option<String>,
    /// Coins that come, or with a refund go.
    pub coins: Option<i32>,
    /// `pending`, `success`, `failed`, `abandoned`, `partially_refunded`, `refunded`.
    pub status: String,
    pub razorpay_order_id: Option<String>,
    pub razorpay_payment_id: Option<String>,
    /// `upi`, `card`, `netbanking`, `wallet`, …
    pub payment_method: Option<String>,
    /// Paise given back so far.
    pub refunded_amount: Paise,
    /// Of a refund: the payment that goes back.
    pub parent_id: Option<TransactionId>,
    /// Razorpay's word for why the last attempt failed.
    pub failure_reason: Option<String>,
    /// Of a premium's charge: what it pays for.
    pub period_start: Option<DateTime<Utc>>,
    pub period_end: Option<DateTime<Utc>>,
    /// There is a receipt to ask for.
    pub has_receipt: bool,
    pub paid_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// An entry of a balance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CoinEntry)]
pub struct Entry {
    pub id: Uuid,
    pub account: Account,
    pub kind: ledger::Kind,
    pub amount: i32,
    /// The part of it that is of bought coins.
    pub purchased: i32,
    /// Of that account.
    pub balance_after: i32,
    pub created_at: DateTime<Utc>,
}

/// What somebody has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CoinBalances)]
pub struct Balances {
    /// To spend.
    pub coins: i32,
    /// The part of them that was bought.
    pub purchased: i32,
    /// The part that was given; it is spent first.
    pub bonus: i32,
    /// What gifts brought.
    pub earned: i32,
    /// What a refund could not take back; new coins pay it first.
    pub owed: i32,
}

const HISTORY: &str = "payments";
const LEDGER: &str = "ledger";

impl Payments<'_> {
    /// The caller's payments and refunds, newest first.
    pub async fn history(&self, caller: &Caller, page: &PageRequest) -> Result<Page<Transaction>, Error> {
        let after: Option<TransactionId> =
            page.after(HISTORY).map_err(|problem| Problems::one("cursor", problem))?;
        let found = self.transactions(caller, None, after, page.fetch()).await?;
        Ok(Page::cut(found, page, HISTORY, |transaction| transaction.id))
    }

    /// One of the caller's own.
    pub async fn transaction(&self, caller: &Caller, id: TransactionId) -> Result<Transaction, Error> {
        self.transactions(caller, Some(id), None, 1).await?.pop().ok_or(Error::TransactionNotFound)
    }

    async fn transactions(
        &self,
        caller: &Caller,
        only: Option<TransactionId>,
        after: Option<TransactionId>,
        limit: i64,
    ) -> Result<Vec<Transaction>, Error> {
        let found = sqlx::query_as!(
            Transaction,
            r#"
            select
                id as "id: TransactionId",
                kind,
                amount as "amount: Paise",
                currency,
                item,
                coins,
                status,
                razorpay_order_id,
                razorpay_payment_id,
                payment_method,
                refunded_amount as "refunded_amount: Paise",
                parent_id as "parent_id: TransactionId",
                failure_reason,
                period_start,
                period_end,
                kind <> 'refund' and status in ('success', 'partially_refunded', 'refunded') as "has_receipt!",
                paid_at,
                created_at,
                updated_at
            from transactions
            where user_id = $1
              and ($2::uuid is null or id = $2)
              and ($3::uuid is null or id < $3)
            order by id desc
            limit $4
            "#,
            caller.user_id.0,
            only.map(|id| id.0),
            after.map(|id| id.0),
            limit,
        )
        .fetch_all(self.0.pool())
        .await?;
        Ok(found)
    }

    /// The caller's entries, newest first, and the balances they come to.
    pub async fn ledger(
        &self,
        caller: &Caller,
        page: &PageRequest,
    ) -> Result<(Balances, Page<Entry>), Error> {
        let after: Option<Uuid> = page.after(LEDGER).map_err(|problem| Problems::one("cursor", problem))?;
        // Of one snapshot, so that what is shown adds up.
        let rows = sqlx::query!(
            r#"
            select
                u.coins,
                u.purchased_coins as purchased,
                u.earned_coins as earned,
                u.owed_coins as owed,
                l.id as "id?",
                l.account as "account?: Account",
                l.kind as "kind?: ledger::Kind",
                l.amount as "amount?",
                l.purchased as "entry_purchased?",
                l.balance_after as "balance_after?",
                l.created_at as "created_at?"
            from users u
            left join lateral (
                select *
                from coin_ledger
                where user_id = u.id and ($2::uuid is null or id < $2)
                order by id desc
                limit $3
            ) l on true
            where u.id = $1
            order by l.id desc
            "#,
            caller.user_id.0,
            after,
            page.fetch(),
        )
        .fetch_all(self.0.pool())
        .await?;
        let first = rows.first().ok_or(Error::UserNotFound)?;
        let balances = Balances {
            coins: first.coins,
            purchased: first.purchased,
            bonus: first.coins - first.purchased,
            earned: first.earned,
            owed: first.owed,
        };
        let entries = rows.into_iter().filter_map(|row| {
            Some(Entry {
                id: row.id?,
                account: row.account?,
                kind: row.kind?,
                amount: row.amount?,
                purchased: row.entry_purchased?,
                balance_after: row.balance_after?,
                created_at: row.created_at?,
            })
        });
        Ok((balances, Page::cut(entries.collect(), page, LEDGER, |entry| entry.id)))
    }
}
