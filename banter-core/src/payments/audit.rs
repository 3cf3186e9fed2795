//! The proof that the money is right, for everybody, in one snapshot: every balance is the sum of its entries, the entries
//! lead from one balance to the next, and each has its cause, as each cause has its entry. Premium lasts as long as it was
//! paid for.
//!
//! People are gone through by pages of ids, so what is held at a time does not grow with their number; the database adds up.
//! [`razorpay`] compares with Razorpay's own list.

pub mod razorpay;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::postgres::types::PgInterval;
use uuid::Uuid;

use super::ledger::Account;
use super::subscriptions::premium::GRACE;
use super::{Error, Payments};
use crate::ids::{TransactionId, UserId};
use crate::money::Paise;

/// People at a time.
const PAGE: i64 = 500;
/// Findings that are kept; what comes beyond is counted.
const MOST_FINDINGS: usize = 1000;

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Finding {
    #[error("user {user} has {stored} in account {}, and entries of {sum}", account.name())]
    BalanceDiffers { user: UserId, account: Account, stored: i64, sum: i64 },
    #[error("user {user} has {stored} bought coins, and entries of {sum}")]
    PurchasedDiffers { user: UserId, stored: i64, sum: i64 },
    #[error("the entries of user {user} in account {} do not follow from each other", account.name())]
    ChainBroken { user: UserId, account: Account },
    #[error("user {user}: {reference} should have moved {expected} coins, and moved none")]
    EntryMissing { user: UserId, reference: String, expected: i64 },
    #[error("user {user}: {reference} moved {found} coins without a cause")]
    EntryWithoutCause { user: UserId, reference: String, found: i64 },
    #[error("user {user}: {reference} should have moved {expected} coins, and moved {found}")]
    EntryDiffers { user: UserId, reference: String, expected: i64, found: i64 },
    #[error("transaction {transaction}: {stored} is refunded, and its refunds come to {sum}")]
    RefundedDiffers { transaction: TransactionId, stored: Paise, sum: Paise },
    #[error("user {user} has premium until {}, and paid for it until {}", time(stored), time(paid))]
    PremiumDiffers { user: UserId, stored: Option<DateTime<Utc>>, paid: Option<DateTime<Utc>> },
}

fn time(time: &Option<DateTime<Utc>>) -> String {
    time.map_or_else(|| "never".to_owned(), |time| time.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// What was looked at, and found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Audited {
    pub users: u64,
    pub entries: u64,
    /// The first thousand.
    pub findings: Vec<Finding>,
    /// How many there are in all.
    pub found: u64,
}

impl Audited {
    fn add(&mut self, finding: Finding) {
        self.found += 1;
        if self.findings.len() < MOST_FINDINGS {
            self.findings.push(finding);
        }
    }

    pub fn is_clean(&self) -> bool {
        self.found == 0
    }
}

impl Payments<'_> {
    /// How many people an audit of all goes through.
    pub async fn to_audit(&self) -> Result<u64, Error> {
        let users =
            sqlx::query_scalar!(r#"select count(*) as "users!" from users"#).fetch_one(self.0.pool()).await?;
        Ok(users.unsigned_abs())
    }

    /// Goes through everybody, or one. `progress` is told how many are done.
    pub async fn audit(&self, only: Option<UserId>, mut progress: impl FnMut(u64)) -> Result<Audited, Error> {
        let mut tx = self.0.pool().begin_with("begin isolation level repeatable read, read only").await?;
        let mut audited = Audited::default();
        let mut after = Uuid::nil();
        loop {
            let users = balances(&mut tx, only, after, &mut audited).await?;
            let Some(last) = users.last().copied() else { break };
            chains(&mut tx, &users, &mut audited).await?;
            causes(&mut tx, &users, &mut audited).await?;
            refunds(&mut tx, &users, &mut audited).await?;
            premium(&mut tx, &users, &mut audited).await?;
            audited.users += users.len() as u64;
            progress(audited.users);
            after = last;
        }
        tx.rollback().await?;
        if only.is_some() && audited.users == 0 {
            return Err(Error::UserNotFound);
        }
        Ok(audited)
    }
}

/// The next people, whose balances are compared with their entries.
async fn balances(
    db: &mut PgConnection,
    only: Option<UserId>,
    after: Uuid,
    audited: &mut Audited,
) -> Result<Vec<Uuid>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        with page as (
            select id, coins, purchased_coins, earned_coins, owed_coins
            from users
            where id > $1 and ($2::uuid is null or id = $2)
            order by id
            limit $3
        )
        select
            p.id,
            p.coins,
            p.purchased_coins,
            p.earned_coins,
            p.owed_coins,
            count(l.id) as "entries!",
            coalesce(sum(l.amount) filter (where l.account = 'coins'), 0)::bigint as "coins_sum!",
            coalesce(sum(l.purchased), 0)::bigint as "purchased_sum!",
            coalesce(sum(l.amount) filter (where l.account = 'earned'), 0)::bigint as "earned_sum!",
            coalesce(sum(l.amount) filter (where l.account = 'owed'), 0)::bigint as "owed_sum!"
        from page p
        left join coin_ledger l on l.user_id = p.id
        group by p.id, p.coins, p.purchased_coins, p.earned_coins, p.owed_coins
        order by p.id
        "#,
        after,
        only.map(|user| user.0),
        PAGE,
    )
    .fetch_all(db)
    .await?;
    for row in &rows {
        audited.entries += row.entries.unsigned_abs();
        let user = UserId(row.id);
        for (account, stored, sum) in [
            (Account::Coins, row.coins, row.coins_sum),
            (Account::Earned, row.earned_coins, row.earned_sum),
            (Account::Owed, row.owed_coins, row.owed_sum),
        ] {
            let stored = i64::from(stored);
            if stored != sum {
                audited.add(Finding::BalanceDiffers { user, account, stored, sum });
            }
        }
        let stored = i64::from(row.purchased_coins);
        if stored != row.purchased_sum {
            audited.add(Finding::PurchasedDiffers { user, stored, sum: row.purchased_sum });
        }
    }
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Each entry begins where another ended. Entries of one millisecond have no order, and need none: whatever it is, each
/// balance is left as often as it is come to, but for the zero at the beginning and the last one.
async fn chains(db: &mut PgConnection, users: &[Uuid], audited: &mut Audited) -> Result<(), sqlx::Error> {
    let broken = sqlx::query!(
        r#"
        with steps as (
            select user_id, account, balance_after - amount as balance, 1 as leaves
            from coin_ledger
            where user_id = any($1)
            union all
            select user_id, account, balance_after, -1 from coin_ledger where user_id = any($1)
        ),
        ends as (
            select user_id, account, sum(balance * -leaves) as last
            from steps
            group by user_id, account
        ),
        walked as (
            select user_id, account, balance::numeric, leaves from steps
            union all
            select user_id, account, last, 1 from ends
            union all
            select user_id, account, 0, -1 from ends
        )
        select distinct user_id as "user!", account as "account!: Account"
        from (
            select user_id, account
            from walked
            group by user_id, account, balance
            having sum(leaves) <> 0
        ) as uneven
        order by 1, 2
        "#,
        users,
    )
    .fetch_all(db)
    .await?;
    for row in broken {
        audited.add(Finding::ChainBroken { user: UserId(row.user), account: row.account });
    }
    Ok(())
}

/// Each purchase, refund and gift moved its coins, once, and nothing else did.
async fn causes(db: &mut PgConnection, users: &[Uuid], audited: &mut Audited) -> Result<(), sqlx::Error> {
    let uneven = sqlx::query!(
        r#"
        with expected as (
            select user_id, 'purchase:' || id as reference, coins::bigint as amount
            from transactions
            where user_id = any($1)
              and kind = 'coin_purchase'
              and coins > 0
              and status in ('success', 'partially_refunded', 'refunded')
            union all
            select user_id, 'refund:' || id, -coins
            from transactions
            where user_id = any($1) and kind = 'refund' and coins > 0
            union all
            -- It was refused after the coins had gone.
            select user_id, 'refund-reversed:' || id, coins
            from transactions
            where user_id = any($1) and kind = 'refund' and coins > 0 and status = 'failed'
            union all
            select sender_id, 'gift:' || id || ':sent', -coins from gifts where sender_id = any($1)
            union all
            select receiver_id, 'gift:' || id || ':received', coins from gifts where receiver_id = any($1)
            union all
            -- What new coins pay of a debt is as much less of it.
            select user_id, reference, 0
            from coin_ledger
            where user_id = any($1) and kind = 'debt_repaid' and account = 'coins'
        ),
        actual as (
            -- What a refund could not take is owed: both together are the refund.
            select
                user_id,
                regexp_replace(reference, ':(debt|owed)$', '') as reference,
                sum(case account when 'owed' then -amount else amount end)::bigint as amount
            from coin_ledger
            where user_id = any($1)
              and kind in ('purchase', 'refund', 'debt', 'debt_repaid', 'refund_reversed', 'gift_sent', 'gift_received')
            group by 1, 2
        )
        select
            user_id as "user!",
            reference as "reference!",
            e.amount as "expected?",
            a.amount as "found?"
        from expected e
        full join actual a using (user_id, reference)
        where e.amount is distinct from a.amount
        order by 1, 2
        "#,
        users,
    )
    .fetch_all(db)
    .await?;
    for row in uneven {
        let (user, reference) = (UserId(row.user), row.reference);
        audited.add(match (row.expected, row.found) {
            (Some(expected), Some(found)) => Finding::EntryDiffers { user, reference, expected, found },
            (Some(expected), None) => Finding::EntryMissing { user, reference, expected },
            (None, found) => Finding::EntryWithoutCause { user, reference, found: found.unwrap_or_default() },
        });
    }
    Ok(())
}

/// What a payment says is refunded is what its refunds come to.
async fn refunds(db: &mut PgConnection, users: &[Uuid], audited: &mut Audited) -> Result<(), sqlx::Error> {
    let uneven = sqlx::query!(
        r#"
        select
            p.id as "id: TransactionId",
            p.refunded_amount as "stored: Paise",
            coalesce(sum(r.amount) filter (where r.status <> 'failed'), 0)::bigint as "sum!: Paise"
        from transactions p
        left join transactions r on r.parent_id = p.id
        where p.user_id = any($1) and p.kind <> 'refund'
        group by p.id
        having p.refunded_amount <> coalesce(sum(r.amount) filter (where r.status <> 'failed'), 0)
        order by p.id
        "#,
        users,
    )
    .fetch_all(db)
    .await?;
    for row in uneven {
        audited.add(Finding::RefundedDiffers { transaction: row.id, stored: row.stored, sum: row.sum });
    }
    Ok(())
}

/// Premium ends when what was paid for it does. Deleted accounts have none, whatever they paid.
async fn premium(db: &mut PgConnection, users: &[Uuid], audited: &mut Audited) -> Result<(), sqlx::Error> {
    let uneven = sqlx::query!(
        r#"
        select u.id as "id: UserId", u.premium_until as stored, paid.until as "paid?"
        from users u
        left join lateral (
            select max(t.period_end + case
                when s.status in ('active', 'pending') and not s.cancel_at_period_end then $2::interval
                else '0'::interval
            end) as until
            from subscriptions s
            join transactions t on t.subscription_id = s.id
            where s.user_id = u.id and t.kind = 'subscription' and t.status in ('success', 'partially_refunded')
        ) paid on true
        where u.id = any($1) and u.status <> 'deleted' and u.premium_until is distinct from paid.until
        order by u.id
        "#,
        users,
        PgInterval::try_from(GRACE).expect("whole days"),
    )
    .fetch_all(db)
    .await?;
    for row in uneven {
        audited.add(Finding::PremiumDiffers { user: row.id, stored: row.stored, paid: row.paid });
    }
    Ok(())
}
