//! The ledger of coins. Every change of a balance goes through [`write()`]: it locks the person's row, so changes of one
//! balance happen one after the other, and writes the entries and the new balances together.
//!
//! [`post`](posting::post) says what a change comes to: which coins are spent first, and what becomes of those that are not
//! there.

mod posting;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Error;
use crate::Banter;
use crate::events::{CoinsUpdate, Delivery, Event};
use crate::ids::UserId;
pub use posting::Balances;
use posting::Posting;

/// Why a balance changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = CoinChangeKind)]
pub enum Kind {
    /// What there was when the ledger began.
    OpeningBalance,
    /// What a new account starts with.
    SignupBonus,
    /// The house gave coins.
    Grant,
    /// Coins were bought.
    Purchase,
    /// The money went back, and the coins with it.
    Refund,
    /// The money did not go back after all.
    RefundReversed,
    /// Somebody else got a gift of them.
    GiftSent,
    /// Somebody gave them.
    GiftReceived,
    /// A refund took coins that had been spent: they are owed.
    Debt,
    /// New coins paid what was owed.
    DebtRepaid,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::OpeningBalance => "opening_balance",
            Self::SignupBonus => "signup_bonus",
            Self::Grant => "grant",
            Self::Purchase => "purchase",
            Self::Refund => "refund",
            Self::RefundReversed => "refund_reversed",
            Self::GiftSent => "gift_sent",
            Self::GiftReceived => "gift_received",
            Self::Debt => "debt",
            Self::DebtRepaid => "debt_repaid",
        }
    }
}

/// Which of a person's balances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = CoinAccount)]
pub enum Account {
    /// What can be spent.
    Coins,
    /// What gifts brought.
    Earned,
    /// What a refund could not take back.
    Owed,
}

impl Account {
    pub fn name(self) -> &'static str {
        match self {
            Self::Coins => "coins",
            Self::Earned => "earned",
            Self::Owed => "owed",
        }
    }
}

/// A change that is wanted.
#[derive(Clone, Debug)]
pub struct Entry {
    pub user: UserId,
    pub kind: Kind,
    /// Coins; negative takes them away, zero is no change.
    pub amount: i32,
    /// What caused it, 1 to 190 characters: the same cause again changes nothing.
    pub reference: String,
    /// For people who look into a balance, up to 500 characters.
    pub note: Option<String>,
}

/// A change that is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub id: Uuid,
    pub user: UserId,
    pub kind: Kind,
    pub amount: i32,
    /// Of the account it is in.
    pub balance_after: i32,
    pub created_at: DateTime<Utc>,
}

/// What became of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With the balances it led to.
    Written(Change, Balances),
    /// The reference had been used for the same: what it did then, and the balances now.
    Already(Change, Balances),
}

impl Outcome {
    pub fn change(&self) -> &Change {
        match self {
            Self::Written(change, _) | Self::Already(change, _) => change,
        }
    }

    pub fn balances(&self) -> Balances {
        match self {
            Self::Written(_, balances) | Self::Already(_, balances) => *balances,
        }
    }

    /// After the commit: tells the person's sockets of a change that is new.
    pub(crate) fn tell(&self, banter: &Banter) {
        let Self::Written(change, balances) = self else { return };
        let update = CoinsUpdate {
            balance: balances.coins,
            earned: balances.earned,
            change: change.amount,
            kind: change.kind,
        };
        banter.bus().deliver(Delivery {
            to: vec![change.user],
            except_socket: None,
            event: Event::CoinsUpdated(update),
        });
    }
}

/// Locks these people's balances, in the one order in which everybody does: whoever changes several calls this first.
pub(crate) async fn lock(db: &mut PgConnection, users: &[UserId]) -> Result<(), sqlx::Error> {
    let users: Vec<Uuid> = users.iter().map(|user| user.0).collect();
    sqlx::query!("select from users where id = any($1) order by id for no key update", &users)
        .execute(db)
        .await?;
    Ok(())
}

/// Refuses whoever's coins are frozen. What comes in is booked all the same.
pub(crate) async fn not_frozen(db: impl sqlx::PgExecutor<'_>, user: UserId) -> Result<(), Error> {
    let frozen = sqlx::query_scalar!(
        r#"select exists (select from users where id = $1 and wallet_frozen_at is not null) as "frozen!""#,
        user.0,
    )
    .fetch_one(db)
    .await?;
    if frozen { Err(Error::WalletFrozen) } else { Ok(()) }
}

/// Writes the entry and the balances it leads to, in the caller's transaction; [`Outcome::tell`] follows its commit. After
/// an error the transaction can only be rolled back.
pub(crate) async fn write(banter: &Banter, db: &mut PgConnection, entry: &Entry) -> Result<Outcome, Error> {
    let before = sqlx::query_as!(
        Balances,
        r#"
        select coins, purchased_coins as purchased, earned_coins as earned, owed_coins as owed
        from users
        where id = $1
        for no key update
        "#,
        entry.user.0
    )
    .fetch_optional(&mut *db)
    .await?
    .ok_or(Error::UserNotFound)?;
    let (after, postings) = match posting::post(before, entry.kind, entry.amount) {
        Ok(posted) => posted,
        // What was paid for once is not asked for again.
        Err(error) => return earlier(db, entry, before).await?.ok_or(error),
    };
    let (first, rest) = postings.split_first().ok_or(Error::NothingToChange)?;
    let change = Change {
        id: banter.ids().uuid(banter.clock().now()),
        user: entry.user,
        kind: first.kind,
        amount: first.amount,
        balance_after: first.balance_after,
        created_at: banter.clock().now(),
    };
    if insert(banter, db, entry, &change, (first, rest), after).await? {
        return Ok(Outcome::Written(change, after));
    }
    // Another statement, because only it sees what was committed while the lock was waited for.
    earlier(db, entry, before).await?.ok_or(Error::ReferenceReused)
}

/// `false`: the reference is taken, and nothing was written.
async fn insert(
    banter: &Banter,
    db: &mut PgConnection,
    entry: &Entry,
    change: &Change,
    (first, rest): (&Posting, &[Posting]),
    after: Balances,
) -> Result<bool, sqlx::Error> {
    let ids: Vec<Uuid> = rest.iter().map(|_| banter.ids().uuid(change.created_at)).collect();
    let references: Vec<String> =
        rest.iter().map(|posting| format!("{}{}", entry.reference, posting.suffix)).collect();
    let written = sqlx::query_scalar!(
        r#"
        with first as (
            insert into coin_ledger
                (id, user_id, account, kind, amount, purchased, balance_after, reference, note, created_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            on conflict (reference) do nothing
            returning user_id
        ),
        rest as (
            insert into coin_ledger
                (id, user_id, account, kind, amount, purchased, balance_after, reference, created_at)
            select r.id, first.user_id, r.account, r.kind, r.amount, r.purchased, r.balance_after, r.reference, $10
            from first,
                unnest($11::uuid[], $12::text[], $13::text[], $14::int[], $15::int[], $16::int[], $17::text[])
                    as r (id, account, kind, amount, purchased, balance_after, reference)
        )
        update users
        set coins = $18, purchased_coins = $19, earned_coins = $20, owed_coins = $21
        from first
        where users.id = first.user_id
        returning 1 as "written!"
        "#,
        change.id,
        change.user.0,
        first.account as Account,
        first.kind as Kind,
        first.amount,
        first.purchased,
        first.balance_after,
        entry.reference,
        entry.note,
        change.created_at,
        &ids,
        &rest.iter().map(|posting| posting.account).collect::<Vec<_>>() as &[Account],
        &rest.iter().map(|posting| posting.kind).collect::<Vec<_>>() as &[Kind],
        &rest.iter().map(|posting| posting.amount).collect::<Vec<_>>(),
        &rest.iter().map(|posting| posting.purchased).collect::<Vec<_>>(),
        &rest.iter().map(|posting| posting.balance_after).collect::<Vec<_>>(),
        &references,
        after.coins,
        after.purchased,
        after.earned,
        after.owed,
    )
    .fetch_optional(db)
    .await?;
    Ok(written.is_some())
}

/// What the same reference did before.
async fn earlier(db: &mut PgConnection, entry: &Entry, balances: Balances) -> Result<Option<Outcome>, Error> {
    let found = sqlx::query_as!(
        Change,
        r#"
        select
            id,
            user_id as "user: UserId",
            kind as "kind: Kind",
            amount,
            balance_after,
            created_at
        from coin_ledger
        where reference = $1
        "#,
        entry.reference,
    )
    .fetch_optional(db)
    .await?;
    let Some(found) = found else { return Ok(None) };
    let same = match entry.kind {
        // How much it could take depended on what was there.
        Kind::Refund => matches!(found.kind, Kind::Refund | Kind::Debt),
        kind => found.kind == kind && found.amount == entry.amount,
    };
    if !same || found.user != entry.user {
        return Err(Error::ReferenceReused);
    }
    Ok(Some(Outcome::Already(found, balances)))
}
