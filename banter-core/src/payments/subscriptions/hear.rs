//! What a snapshot of a subscription means for ours, and the charge that came with it. Webhooks, proofs and our own
//! questions all come through here, in a transaction that locks the subscription's row. The charge is counted whatever the
//! snapshot says: one that is old still tells of money.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::premium::{PremiumUpdate, premium, standing};
use super::state::{Moment, Status, Verdict, judge};
use crate::Banter;
use crate::error::violates;
use crate::ids::{SubscriptionId, TransactionId, UserId};
use crate::jobs::Job;
use crate::money::Paise;
use crate::notifications::{Added, Kind as NewsKind, News};
use crate::payments::catalogue::Plan;
use crate::payments::{Error, metrics};
use crate::providers::razorpay::entities::{self, Payment};

/// What was heard; [`Heard::tell`] follows the commit.
#[must_use = "tell it after the commit"]
#[derive(Debug)]
pub(crate) struct Heard {
    /// Why nothing followed, if nothing did.
    pub ignored: Option<&'static str>,
    /// A charge that had not been known, by its method.
    charged: Option<String>,
    user: Option<UserId>,
    premium: Option<PremiumUpdate>,
    news: Vec<Added>,
    asks: bool,
}

impl Heard {
    fn ignored(why: &'static str) -> Self {
        Self { ignored: Some(why), charged: None, user: None, premium: None, news: Vec::new(), asks: false }
    }

    /// Money that nobody here had known of.
    pub(crate) fn is_new_charge(&self) -> bool {
        self.charged.is_some()
    }

    pub(crate) async fn tell(self, banter: &Banter) {
        if self.asks {
            banter.jobs().wake();
        }
        if let Some(method) = &self.charged {
            metrics::succeeded(method);
        }
        if let Some((update, user)) = self.premium.zip(self.user) {
            update.tell(banter, user);
        }
        for news in self.news {
            banter.notifications().tell(news).await;
        }
    }
}

/// A subscription's row, locked.
struct Held {
    id: SubscriptionId,
    user: UserId,
    plan: Plan,
    status: Status,
    amount: Paise,
    paid_count: i32,
    as_of: Option<DateTime<Utc>>,
}

/// Takes in what Razorpay says of a subscription, in the caller's transaction. `event` is only for the log; `at`, unix
/// seconds, is when that was so. A charge of another amount or currency than the plan's is refused: nothing moves.
pub(crate) async fn hear(
    banter: &Banter,
    db: &mut PgConnection,
    event: &str,
    snapshot: &entities::Subscription,
    payment: Option<&Payment>,
    at: i64,
) -> Result<Heard, Error> {
    take_in(banter, db, event, Seen { snapshot, payment, at, asked_of: None }).await
}

/// A snapshot, and what is known of its time.
pub(super) struct Seen<'a> {
    pub snapshot: &'a entities::Subscription,
    pub payment: Option<&'a Payment>,
    /// Unix seconds.
    pub at: i64,
    /// It was asked for, when what we held was of this time: an answer is newer than that, whatever clocks say.
    pub asked_of: Option<Option<DateTime<Utc>>>,
}

pub(super) async fn take_in(
    banter: &Banter,
    db: &mut PgConnection,
    event: &str,
    seen: Seen<'_>,
) -> Result<Heard, Error> {
    let Seen { snapshot, payment, at, asked_of } = seen;
    let Some(status) = Status::of(&snapshot.status) else {
        tracing::warn!(event, status = snapshot.status, "a subscription in a state that is not known");
        return Ok(Heard::ignored("a state that this version does not know"));
    };
    let held = lock(db, &snapshot.id).await?;
    let since = Moment { paid: held.paid_count, at: held.as_of.map_or(i64::MIN, |as_of| as_of.timestamp()) };
    let later = asked_of.filter(|of| *of == held.as_of).and(since.at.checked_add(1)).unwrap_or(i64::MIN);
    let moment = Moment { paid: snapshot.paid_count, at: at.max(later) };
    let verdict = judge((held.status, since), (status, moment));
    note(banter, db, &held, status, moment, verdict, snapshot).await?;
    let charge = charge(banter, db, &held, status, snapshot, payment).await?;
    let mut news = Vec::new();
    let mut add = Vec::new();
    if let Some((transaction, _)) = &charge {
        add.push((NewsKind::PaymentSucceeded, transaction.0));
    }
    if verdict == Verdict::Take && status.is_behind() && !held.status.is_behind() {
        add.push((NewsKind::RenewalFailed, held.id.0));
    }
    for (kind, subject) in add {
        let one = News { to: held.user, kind, actor: None, subject: Some(subject) };
        news.push(banter.notifications().add(db, one).await?);
    }
    let asks = verdict == Verdict::Ask;
    if asks {
        let job = Job::CheckSubscription { subscription_id: held.id, payment_id: None };
        banter.jobs().queue(&mut *db, &job, banter.clock().now()).await?;
    }
    let changed = premium(banter, db, held.user).await?;
    let premium = match changed {
        None if verdict == Verdict::Take => Some(standing(banter, db, held.user).await?),
        changed => changed,
    };
    let ignored = match verdict {
        _ if charge.is_some() => None,
        Verdict::Take => None,
        Verdict::Keep => Some("older than what is known"),
        Verdict::Repeat => Some("known already"),
        Verdict::Ask => Some("two states of one second; Razorpay is asked"),
    };
    let charged = charge.map(|(_, method)| method);
    Ok(Heard { ignored, charged, user: Some(held.user), premium, news, asks })
}

async fn lock(db: &mut PgConnection, razorpay_id: &str) -> Result<Held, Error> {
    sqlx::query_as!(
        Held,
        r#"
        select
            id as "id: SubscriptionId",
            user_id as "user: UserId",
            plan as "plan: Plan",
            status as "status: Status",
            amount as "amount: Paise",
            paid_count,
            as_of
        from subscriptions
        where razorpay_subscription_id = $1
        for no key update
        "#,
        razorpay_id,
    )
    .fetch_optional(db)
    .await?
    .ok_or(Error::SubscriptionNotFound)
}

/// Writes what the verdict says; periods and their count only ever go on.
async fn note(
    banter: &Banter,
    db: &mut PgConnection,
    held: &Held,
    status: Status,
    moment: Moment,
    verdict: Verdict,
    snapshot: &entities::Subscription,
) -> Result<(), Error> {
    let takes = verdict == Verdict::Take;
    // A repeat may be newer than what we hold; what is in doubt is not.
    let newer = takes || verdict == Verdict::Repeat;
    let time = |seconds: Option<i64>| seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    sqlx::query!(
        r#"
        update subscriptions
        set status = case when $2 then $3 else status end,
            as_of = case when $4 then greatest(as_of, $5) else as_of end,
            paid_count = greatest(paid_count, $6),
            current_period_start = greatest(current_period_start, $7),
            current_period_end = greatest(current_period_end, $8),
            ended_at = case when $2 then coalesce(ended_at, $9) else ended_at end,
            updated_at = $10
        where id = $1
        "#,
        held.id.0,
        takes,
        status.name(),
        newer,
        time(Some(moment.at)),
        moment.paid,
        time(snapshot.current_start),
        time(snapshot.current_end),
        time(snapshot.ended_at).filter(|_| status.is_over()),
        banter.clock().now(),
    )
    .execute(db)
    .await?;
    if takes && status != held.status {
        tracing::info!(subscription = %held.id, from = held.status.name(), to = status.name(), "a subscription changed");
    }
    Ok(())
}

/// Writes the charge of the snapshot's period, unless it is there; its id and method. A payment proves it. Without one, and
/// with fewer charges here than periods that were paid, the period itself does: the payment's name is filled in when it is
/// told.
async fn charge(
    banter: &Banter,
    db: &mut PgConnection,
    held: &Held,
    status: Status,
    snapshot: &entities::Subscription,
    payment: Option<&Payment>,
) -> Result<Option<(TransactionId, String)>, Error> {
    let payment = payment.filter(|payment| payment.is_captured());
    let period = snapshot.current_start.zip(snapshot.current_end);
    let Some((start, end)) = period
        .and_then(|(start, end)| DateTime::from_timestamp(start, 0).zip(DateTime::from_timestamp(end, 0)))
    else {
        return Ok(None);
    };
    if let Some(payment) = payment
        && (payment.amount, payment.currency.as_str()) != (held.amount, "INR")
    {
        tracing::error!(
            subscription = %held.id, payment = payment.id, paid = payment.amount.0, owed = held.amount.0,
            "a subscription's charge of another amount than its plan's"
        );
        return Err(Error::Mismatch);
    }
    if let Some(payment) = payment {
        banter.payments().hear_refused_refunds(db, &payment.id).await?;
        if name(banter, db, held, payment, start).await? {
            return Ok(None);
        }
    }
    let known = sqlx::query!(
        r#"
        select count(*) as "charges!", coalesce(bool_or(period_start = $2), false) as "this_period!"
        from transactions
        where subscription_id = $1 and kind = 'subscription'
        "#,
        held.id.0,
        start,
    )
    .fetch_one(&mut *db)
    .await?;
    let told = payment.is_some()
        || status.means_paid() && i64::from(snapshot.paid_count) > known.charges && !known.this_period;
    if !told {
        return Ok(None);
    }
    let now = banter.clock().now();
    let id = TransactionId(banter.ids().uuid(now));
    sqlx::query!(
        r#"
        insert into transactions
            (id, user_id, kind, amount, item, status, subscription_id, period_start, period_end, razorpay_payment_id,
             razorpay_order_id, payment_method, fee, tax, paid_at, created_at, updated_at)
        values ($1, $2, 'subscription', $3, $4, 'success', $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, $13)
        "#,
        id.0,
        held.user.0,
        held.amount.0,
        held.plan.name(),
        held.id.0,
        start,
        end,
        payment.map(|payment| payment.id.as_str()),
        payment.and_then(|payment| payment.order_id.as_deref()),
        payment.and_then(|payment| payment.method.as_deref()),
        payment.and_then(|payment| payment.fee).map(|fee| fee.0),
        payment.and_then(|payment| payment.tax).map(|tax| tax.0),
        now,
    )
    .execute(db)
    .await
    .map_err(reused)?;
    let method = payment.and_then(|payment| payment.method.clone()).unwrap_or_else(|| "unknown".to_owned());
    Ok(Some((id, method)))
}

/// Whether a charge has this payment already, or one of the same period waited for its name and has it now.
async fn name(
    banter: &Banter,
    db: &mut PgConnection,
    held: &Held,
    payment: &Payment,
    start: DateTime<Utc>,
) -> Result<bool, Error> {
    let named = sqlx::query!(
        r#"
        update transactions
        set razorpay_payment_id = $3,
            razorpay_order_id = coalesce(razorpay_order_id, $4),
            payment_method = coalesce(payment_method, $5),
            fee = coalesce(fee, $6),
            tax = coalesce(tax, $7),
            updated_at = $8
        where subscription_id = $1
          and kind = 'subscription'
          and (razorpay_payment_id = $3 or razorpay_payment_id is null and period_start = $2)
          and not exists (
              select from transactions other where other.razorpay_payment_id = $3 and other.id <> transactions.id
          )
        "#,
        held.id.0,
        start,
        payment.id,
        payment.order_id,
        payment.method,
        payment.fee.map(|fee| fee.0),
        payment.tax.map(|tax| tax.0),
        banter.clock().now(),
    )
    .execute(&mut *db)
    .await
    .map_err(reused)?;
    if named.rows_affected() > 0 {
        return Ok(true);
    }
    let elsewhere = sqlx::query_scalar!(
        r#"select subscription_id as "id: SubscriptionId" from transactions where razorpay_payment_id = $1"#,
        payment.id,
    )
    .fetch_optional(db)
    .await?;
    match elsewhere {
        None => Ok(false),
        Some(subscription) if subscription == Some(held.id) => Ok(true),
        Some(_) => Err(Error::PaymentReused),
    }
}

fn reused(error: sqlx::Error) -> Error {
    let keys = ["transactions_razorpay_payment_id_key", "transactions_razorpay_order_id_key"];
    if keys.iter().any(|key| violates(&error, key)) { Error::PaymentReused } else { error.into() }
}
