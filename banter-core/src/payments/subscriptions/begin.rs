//! Subscribing. Our row is there before Razorpay is asked, without a lock held while it is. A row without an id of theirs
//! is nothing yet: whoever asks next goes on with it, and of two who do so at once the first answer is taken.

use super::state::Status;
use super::{Row, Subscription, Subscriptions, row};
use crate::accounts::Caller;
use crate::ids::{SubscriptionId, UserId};
use crate::limits::Act;
use crate::payments::Error;
use crate::payments::catalogue::Plan;
use crate::providers::razorpay;

/// How often it is begun anew when others were faster, or what was there turns out to be over.
const TRIES: usize = 5;

/// What a checkout needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    pub subscription: Subscription,
    pub key_id: String,
}

impl Subscriptions<'_> {
    /// Begins a subscription, or goes on with the one that waits to be agreed to; one of another plan that waits is ended
    /// first. [`Error::AlreadySubscribed`]: one goes on, perhaps until its period ends.
    pub async fn begin(&self, caller: &Caller, plan: Plan) -> Result<Begun, Error> {
        self.0.0.limits().take(Act::Order, &caller.user_id.to_string()).await?;
        let key_id = self.razorpay().key_id()?.to_owned();
        self.razorpay().plan_id(plan)?;
        for _ in 0..TRIES {
            let Some(id) = self.claim(caller.user_id, plan).await? else { continue };
            let held = row(self.0.0.pool(), id).await?;
            let held = if held.razorpay_id.is_none() {
                self.make(&held, plan).await?;
                row(self.0.0.pool(), id).await?
            } else {
                self.as_it_is(held).await?
            };
            match held.status {
                Status::Created if (held.plan, held.amount) == (plan, plan.price()) => {
                    if let Some(subscription) = held.shown() {
                        return Ok(Begun { subscription, key_id });
                    }
                }
                Status::Created if held.razorpay_id.is_some() => self.end(&held, false).await?,
                status if status.is_agreed() => return Err(Error::AlreadySubscribed),
                _ => {}
            }
        }
        Err(Error::Razorpay(razorpay::Error::Away("others subscribe for the same person".into())))
    }

    /// The one that is there, or a new one; `None`: somebody makes one in this moment.
    async fn claim(&self, user: UserId, plan: Plan) -> Result<Option<SubscriptionId>, Error> {
        let now = self.now();
        Ok(sqlx::query_scalar!(
            r#"
            with made as (
                insert into subscriptions (id, user_id, plan, amount, created_at, updated_at)
                values ($1, $2, $3, $4, $5, $5)
                on conflict (user_id)
                    where status in ('created', 'authenticated', 'active', 'pending', 'halted', 'paused')
                    do nothing
                returning id
            )
            select id as "id!: SubscriptionId" from made
            union all
            select id
            from subscriptions
            where user_id = $2 and status in ('created', 'authenticated', 'active', 'pending', 'halted', 'paused')
            limit 1
            "#,
            self.0.0.ids().uuid(now),
            user.0,
            plan.name(),
            plan.price().0,
            now,
        )
        .fetch_optional(self.0.0.pool())
        .await?)
    }

    /// As Razorpay has it. What goes on is believed to go on while they are away.
    async fn as_it_is(&self, held: Row) -> Result<Row, Error> {
        match self.look(&held, None).await {
            Ok(_) => row(self.0.0.pool(), held.id).await,
            Err(Error::Razorpay(_)) if held.status.is_agreed() => Ok(held),
            Err(error) => Err(error),
        }
    }

    /// Has Razorpay make it. Nothing is left of one that came second, for nobody was told its id.
    async fn make(&self, held: &Row, plan: Plan) -> Result<(), Error> {
        sqlx::query!(
            r#"
            update subscriptions
            set plan = $2, amount = $3, updated_at = $4
            where id = $1 and razorpay_subscription_id is null and plan <> $2
            "#,
            held.id.0,
            plan.name(),
            plan.price().0,
            self.now(),
        )
        .execute(self.0.0.pool())
        .await?;
        let notes = [("userId", held.user.to_string()), ("subscriptionId", held.id.to_string())].into();
        let made = self.razorpay().create_subscription(plan, &notes).await.inspect_err(|error| {
            tracing::warn!(%error, subscription = %held.id, "a subscription could not be made");
        })?;
        let first = sqlx::query!(
            r#"
            update subscriptions
            set razorpay_subscription_id = $2, updated_at = $4
            where id = $1 and razorpay_subscription_id is null and plan = $3 and status = 'created'
            "#,
            held.id.0,
            made.id,
            plan.name(),
            self.now(),
        )
        .execute(self.0.0.pool())
        .await?;
        if first.rows_affected() == 0
            && let Err(error) = self.razorpay().cancel_subscription(&made.id, false).await
        {
            tracing::warn!(%error, made.id, "a subscription that nobody can pay stays at Razorpay");
        }
        Ok(())
    }
}
