//! Premium, paid by Razorpay's subscriptions.
//!
//! Promises: one at a time for each person; what was paid is counted once, whoever tells of it first; how it stands is
//! what Razorpay says of it last, in whatever order that comes; premium lasts as long as what was paid, and three days
//! more while a renewal is under way.
//!
//! [`begin`] a person subscribes · [`verify`] a phone proves it · [`mod@hear`] what a snapshot means, and the charge that
//! came with it · [`state`] how one stands, the whole table · [`cancel`] it ends · [`check`] Razorpay is asked ·
//! [`premium`] until when

pub mod begin;
pub mod cancel;
pub mod check;
pub(crate) mod hear;
pub mod premium;
pub mod state;
#[cfg(test)]
mod tests;
pub mod verify;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgExecutor;
use utoipa::ToSchema;

use super::catalogue::Plan;
use super::{Error, Payments};
use crate::accounts::Caller;
use crate::ids::{SubscriptionId, UserId};
use crate::money::Paise;
use crate::providers::razorpay;
use state::Status;

/// A subscription as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    pub id: SubscriptionId,
    /// Razorpay's, for the checkout.
    #[schema(example = "sub_DEX6xcJ1HSW4CR")]
    pub razorpay_subscription_id: String,
    #[schema(inline)]
    pub plan: Plan,
    pub status: Status,
    /// Paise for each period.
    pub amount: Paise,
    pub currency: &'static str,
    pub current_period_start: Option<DateTime<Utc>>,
    pub current_period_end: Option<DateTime<Utc>>,
    /// It ends with its period, and is not renewed.
    pub cancel_at_period_end: bool,
    pub ended_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

/// A plan as it is offered.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanOffer {
    #[schema(inline)]
    pub plan: Plan,
    /// Paise for each period, with the tax in it.
    pub amount: Paise,
    pub currency: &'static str,
    /// Whether it can be bought here.
    pub for_sale: bool,
}

/// The acts of this feature.
#[derive(Clone, Copy)]
pub struct Subscriptions<'a>(Payments<'a>);

impl<'a> Payments<'a> {
    pub fn subscriptions(self) -> Subscriptions<'a> {
        Subscriptions(self)
    }
}

struct Row {
    id: SubscriptionId,
    user: UserId,
    plan: Plan,
    status: Status,
    amount: Paise,
    razorpay_id: Option<String>,
    current_period_start: Option<DateTime<Utc>>,
    current_period_end: Option<DateTime<Utc>>,
    cancel_at_period_end: bool,
    ended_at: Option<DateTime<Utc>>,
    as_of: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl Row {
    /// `None`: it is not at Razorpay yet.
    fn shown(self) -> Option<Subscription> {
        Some(Subscription {
            id: self.id,
            razorpay_subscription_id: self.razorpay_id?,
            plan: self.plan,
            status: self.status,
            amount: self.amount,
            currency: "INR",
            current_period_start: self.current_period_start,
            current_period_end: self.current_period_end,
            cancel_at_period_end: self.cancel_at_period_end,
            ended_at: self.ended_at,
            created_at: self.created_at,
        })
    }
}

async fn row(db: impl PgExecutor<'_>, id: SubscriptionId) -> Result<Row, Error> {
    sqlx::query_as!(
        Row,
        r#"
        select
            id as "id: SubscriptionId",
            user_id as "user: UserId",
            plan as "plan: Plan",
            status as "status: Status",
            amount as "amount: Paise",
            razorpay_subscription_id as razorpay_id,
            current_period_start,
            current_period_end,
            cancel_at_period_end,
            ended_at,
            as_of,
            created_at
        from subscriptions
        where id = $1
        "#,
        id.0,
    )
    .fetch_optional(db)
    .await?
    .ok_or(Error::SubscriptionNotFound)
}

impl Subscriptions<'_> {
    fn razorpay(&self) -> &razorpay::Razorpay {
        self.0.0.razorpay()
    }

    fn now(&self) -> DateTime<Utc> {
        self.0.0.clock().now()
    }

    /// Both plans, and whether they can be bought.
    pub fn plans(&self) -> Vec<PlanOffer> {
        let offer = |plan: Plan| PlanOffer {
            plan,
            amount: plan.price(),
            currency: "INR",
            for_sale: self.razorpay().plan_id(plan).is_ok(),
        };
        Plan::ALL.map(offer).into()
    }

    /// The one that goes on, or else the last that was; `None`: they never subscribed.
    pub async fn current(&self, caller: &Caller) -> Result<Option<Subscription>, Error> {
        match self.newest(caller.user_id).await? {
            Some(id) => Ok(row(self.0.0.pool(), id).await?.shown()),
            None => Ok(None),
        }
    }

    /// Of those at Razorpay the one that is live, or else the newest.
    async fn newest(&self, user: UserId) -> Result<Option<SubscriptionId>, sqlx::Error> {
        sqlx::query_scalar!(
            r#"
            select id as "id: SubscriptionId"
            from subscriptions
            where user_id = $1 and razorpay_subscription_id is not null
            order by status in ('cancelled', 'completed', 'expired'), id desc
            limit 1
            "#,
            user.0,
        )
        .fetch_optional(self.0.0.pool())
        .await
    }
}
