//! Ending a subscription. What is paid stays paid: premium lasts until its period ends.

use sqlx::PgConnection;

use super::state::Status;
use super::{Row, Subscription, Subscriptions, row};
use crate::accounts::Caller;
use crate::ids::{SubscriptionId, UserId};
use crate::jobs::Job;
use crate::limits::Act;
use crate::payments::Error;
use crate::providers::razorpay;

impl Subscriptions<'_> {
    /// Ends the caller's subscription, now or when the period that is paid ends. Where no period is under way that was
    /// paid it ends now, whatever is asked. Again it answers the same.
    pub async fn cancel(&self, caller: &Caller, at_period_end: bool) -> Result<Subscription, Error> {
        self.0.0.limits().take(Act::Order, &caller.user_id.to_string()).await?;
        let id = self.newest(caller.user_id).await?.ok_or(Error::SubscriptionNotFound)?;
        let held = row(self.0.0.pool(), id).await?;
        let later = at_period_end && held.status == Status::Active;
        if !(held.status.is_over() || later && held.cancel_at_period_end) {
            self.end(&held, later).await?;
        }
        row(self.0.0.pool(), id).await?.shown().ok_or(Error::SubscriptionNotFound)
    }

    /// Has Razorpay end it, and takes in their answer. One that was over already is over.
    pub(super) async fn end(&self, held: &Row, later: bool) -> Result<(), Error> {
        let Some(razorpay_id) = &held.razorpay_id else { return Ok(()) };
        let at = self.now().timestamp();
        match self.razorpay().cancel_subscription(razorpay_id, later).await {
            Ok(snapshot) => self.take_in(held, "cancel", &snapshot, None, at, later).await.map(drop),
            Err(refused @ razorpay::Error::Refused { .. }) => {
                self.look(held, None).await?;
                let status = row(self.0.0.pool(), held.id).await?.status;
                if status.is_over() { Ok(()) } else { Err(refused.into()) }
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Has the subscription of somebody end who deletes their account, in the transaction that does so: a job sees that
    /// they are gone, and so does every later look.
    pub(crate) async fn end_with_account(
        &self,
        db: &mut PgConnection,
        user: UserId,
    ) -> Result<(), sqlx::Error> {
        let live = sqlx::query_scalar!(
            r#"
            select id as "id: SubscriptionId"
            from subscriptions
            where user_id = $1 and status in ('created', 'authenticated', 'active', 'pending', 'halted', 'paused')
            "#,
            user.0,
        )
        .fetch_optional(&mut *db)
        .await?;
        let Some(subscription_id) = live else { return Ok(()) };
        let job = Job::CheckSubscription { subscription_id, payment_id: None };
        self.0.0.jobs().queue(db, &job, self.now()).await
    }
}
