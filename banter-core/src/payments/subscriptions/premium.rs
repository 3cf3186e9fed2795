//! Until when somebody has premium: the one place that says so. Everything else compares `premium_until` with now.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::postgres::types::PgInterval;
use utoipa::ToSchema;

use super::state::Status;
use crate::Banter;
use crate::events::{Delivery, Event};
use crate::ids::UserId;
use crate::jobs::{Failure, Job};
use crate::payments::catalogue::Plan;

/// How long premium lasts past what is paid while a renewal is under way: Razorpay tries for three days.
pub const GRACE: TimeDelta = TimeDelta::days(3);

/// Whether somebody has premium, and by which subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PremiumUpdate {
    pub is_premium: bool,
    pub premium_until: Option<DateTime<Utc>>,
    /// Of the subscription that goes on, or else of the last there was.
    #[schema(inline)]
    pub plan: Option<Plan>,
    #[schema(inline)]
    pub status: Option<Status>,
}

/// Works out anew until when somebody has premium: the latest end of a period that was paid and did not wholly go back,
/// and [`GRACE`] more where the subscription is to be renewed. `None`: it is as it was. In the caller's transaction, whose
/// last lock it takes: that of the person's row.
pub(crate) async fn premium(
    banter: &Banter,
    db: &mut PgConnection,
    user: UserId,
) -> Result<Option<PremiumUpdate>, sqlx::Error> {
    // Whoever changes the same person's premium waits here, and then sees what the other wrote.
    let held = sqlx::query_scalar!(
        "select premium_until from users where id = $1 and status <> 'deleted' for no key update",
        user.0,
    )
    .fetch_optional(&mut *db)
    .await?;
    let Some(held) = held else { return Ok(None) };
    let until = sqlx::query_scalar!(
        r#"
        select max(t.period_end + case
            when s.status in ('active', 'pending') and not s.cancel_at_period_end then $2::interval
            else '0'::interval
        end) as "until"
        from transactions t
        join subscriptions s on s.id = t.subscription_id
        where s.user_id = $1 and t.kind = 'subscription' and t.status in ('success', 'partially_refunded')
        "#,
        user.0,
        PgInterval::try_from(GRACE).expect("whole days"),
    )
    .fetch_one(&mut *db)
    .await?;
    if until == held {
        return Ok(None);
    }
    let now = banter.clock().now();
    sqlx::query!("update users set premium_until = $2, updated_at = $3 where id = $1", user.0, until, now)
        .execute(&mut *db)
        .await?;
    if let Some(until) = until.filter(|until| *until > now) {
        banter.jobs().queue(&mut *db, &Job::ExpirePremium { user_id: user }, until).await?;
    }
    standing(banter, db, user).await.map(Some)
}

/// How it stands.
pub(crate) async fn standing(
    banter: &Banter,
    db: &mut PgConnection,
    user: UserId,
) -> Result<PremiumUpdate, sqlx::Error> {
    sqlx::query_as!(
        PremiumUpdate,
        r#"
        select
            coalesce(u.premium_until > $2, false) as "is_premium!",
            u.premium_until,
            s.plan as "plan?: Plan",
            s.status as "status?: Status"
        from users u
        left join lateral (
            select plan, status
            from subscriptions
            where user_id = u.id and razorpay_subscription_id is not null
            order by status in ('cancelled', 'completed', 'expired'), id desc
            limit 1
        ) s on true
        where u.id = $1
        "#,
        user.0,
        banter.clock().now(),
    )
    .fetch_one(db)
    .await
}

impl PremiumUpdate {
    /// After the commit: tells the person's open sockets.
    pub(crate) fn tell(self, banter: &Banter, user: UserId) {
        // The job that ends it may be due at once.
        banter.jobs().wake();
        banter.bus().deliver(Delivery {
            to: vec![user],
            except_socket: None,
            event: Event::PremiumUpdated(self),
        });
    }
}

/// The job for the moment at which premium ends: tells of it, unless it was prolonged meanwhile. Nothing is written, for
/// what has passed has passed.
pub(crate) async fn expire(banter: &Banter, user: UserId) -> Result<(), Failure> {
    let mut db = banter.pool().acquire().await?;
    let standing = standing(banter, &mut db, user).await?;
    if !standing.is_premium && standing.premium_until.is_some() {
        standing.tell(banter, user);
    }
    Ok(())
}
