//! The ledger of coins. Every change of a balance goes through [`write()`]: it locks the person's row, so changes of one
//! balance happen one after the other, and writes the entry and the new balance together.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Error;
use crate::Banter;
use crate::error::violates;
use crate::events::{CoinsUpdate, Delivery, Event};
use crate::ids::UserId;

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
}

/// A change that is wanted.
#[derive(Clone, Debug)]
pub struct Entry {
    pub user: UserId,
    pub kind: Kind,
    /// Coins; negative takes them away, zero is no change.
    pub amount: i32,
    /// What caused it, 1 to 200 characters: the same cause again changes nothing.
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
    pub balance_after: i32,
    pub created_at: DateTime<Utc>,
}

/// What became of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Written(Change),
    /// The reference had been used for the same: what it did then.
    Already(Change),
}

impl Outcome {
    pub fn change(&self) -> &Change {
        match self {
            Self::Written(change) | Self::Already(change) => change,
        }
    }

    /// After the commit: tells the person's sockets of a change that is new.
    pub(crate) fn tell(&self, banter: &Banter) {
        let Self::Written(change) = self else { return };
        let update = CoinsUpdate { balance: change.balance_after, change: change.amount, kind: change.kind };
        banter.bus().deliver(Delivery {
            to: vec![change.user],
            except_socket: None,
            event: Event::CoinsUpdated(update),
        });
    }
}

/// Writes the entry and the balance it leads to, in the caller's transaction; [`Outcome::tell`] follows its commit. After
/// an error the transaction can only be rolled back.
pub(crate) async fn write(
    banter: &Banter,
    transaction: &mut PgConnection,
    entry: &Entry,
) -> Result<Outcome, Error> {
    let coins = sqlx::query_scalar!("select coins from users where id = $1 for no key update", entry.user.0)
        .fetch_optional(&mut *transaction)
        .await?
        .ok_or(Error::UserNotFound)?;
    // Another statement, because only it sees what was committed while the lock was waited for.
    if let Some(earlier) = earlier(transaction, entry).await? {
        return Ok(Outcome::Already(earlier));
    }
    let now = banter.clock().now();
    let change = Change {
        id: banter.ids().uuid(now),
        user: entry.user,
        kind: entry.kind,
        amount: entry.amount,
        balance_after: coins.checked_add(entry.amount).ok_or(Error::TooManyCoins)?,
        created_at: now,
    };
    let written = sqlx::query_scalar!(
        r#"
        with written as (
            insert into coin_ledger (id, user_id, kind, amount, balance_after, reference, note, created_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8)
            on conflict (reference) do nothing
            returning user_id, balance_after
        )
        update users
        set coins = written.balance_after
        from written
        where users.id = written.user_id
        returning 1 as "written!"
        "#,
        change.id,
        change.user.0,
        change.kind as Kind,
        change.amount,
        change.balance_after,
        entry.reference,
        entry.note,
        now,
    )
    .fetch_optional(&mut *transaction)
    .await
    .map_err(|error| match () {
        () if violates(&error, "coin_ledger_balance_not_negative") => Error::NotEnoughCoins,
        () => error.into(),
    })?;
    match written {
        Some(_) => Ok(Outcome::Written(change)),
        // The same reference for somebody else, in this very moment.
        None => Err(Error::ReferenceReused),
    }
}

/// What the same reference did before.
async fn earlier(transaction: &mut PgConnection, entry: &Entry) -> Result<Option<Change>, Error> {
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
    .fetch_optional(transaction)
    .await?;
    match found {
        Some(found) if (found.user, found.kind, found.amount) != (entry.user, entry.kind, entry.amount) => {
            Err(Error::ReferenceReused)
        }
        found => Ok(found),
    }
}
