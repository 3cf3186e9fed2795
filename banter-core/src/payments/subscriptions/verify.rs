//! A phone brings the proof that somebody agreed to a subscription: what Razorpay's checkout answered it.

use chrono::TimeDelta;

use super::premium::{PremiumUpdate, standing};
use super::{Row, Subscription, Subscriptions, row};
use crate::accounts::Caller;
use crate::error::Problems;
use crate::ids::SubscriptionId;
use crate::jobs::Job;
use crate::limits::Act;
use crate::payments::{Error, metrics};
use crate::providers::razorpay::{self, signature};

/// What a checkout answered. One of the two names of the subscription is enough.
#[derive(Clone, Debug)]
pub struct Proof {
    pub subscription: Option<SubscriptionId>,
    /// `sub_…`.
    pub razorpay_id: Option<String>,
    /// `pay_…`.
    pub payment_id: String,
    /// HMAC-SHA256 of `payment|subscription` by the key's secret, in hexadecimal.
    pub signature: String,
}

/// A subscription, and what it gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proved {
    pub subscription: Subscription,
    pub premium: PremiumUpdate,
}

/// When Razorpay could not be asked about a subscription whose proof is good, it is asked this much later.
const ASK_AGAIN: TimeDelta = TimeDelta::seconds(3);

impl Subscriptions<'_> {
    /// Takes a proof, and in what Razorpay then says. Again it answers the same and changes nothing. A proof says neither
    /// which period was paid nor until when, so while Razorpay is away premium does not begin: what is known is answered,
    /// and they are asked within seconds, again and again.
    pub async fn verify(&self, caller: &Caller, proof: &Proof) -> Result<Proved, Error> {
        self.0.0.limits().take(Act::VerifyPayment, &caller.user_id.to_string()).await?;
        let mut problems = Problems::default();
        problems.check(
            "subscriptionId",
            proof.subscription.is_some() || proof.razorpay_id.is_some(),
            "is needed, or razorpaySubscriptionId",
        );
        let is_named = proof.razorpay_id.as_ref().is_none_or(|id| razorpay::is_id("sub", id));
        problems.check("razorpaySubscriptionId", is_named, "is no subscription's id");
        problems.check("paymentId", razorpay::is_id("pay", &proof.payment_id), "is no payment's id");
        problems.none()?;
        let (held, razorpay_id) = self.proved_one(caller, proof).await?;
        let secret = self.razorpay().key_secret()?;
        if !signature::is_of_subscription(secret, &razorpay_id, &proof.payment_id, &proof.signature) {
            return Err(disbelieve(&held, proof, "signature", Error::SignatureInvalid));
        }
        match self.look(&held, Some(&proof.payment_id)).await {
            Ok(_) => {}
            Err(Error::Razorpay(error)) if error.is_unknown() => {
                return Err(disbelieve(&held, proof, "unknown", Error::Mismatch));
            }
            Err(Error::Razorpay(error)) => {
                tracing::warn!(%error, subscription = %held.id, "a subscription is looked at later");
                let job = Job::CheckSubscription {
                    subscription_id: held.id,
                    payment_id: Some(proof.payment_id.clone()),
                };
                self.0.0.jobs().queue(self.0.0.pool(), &job, self.now() + ASK_AGAIN).await?;
            }
            Err(Error::Mismatch) => return Err(disbelieve(&held, proof, "mismatch", Error::Mismatch)),
            Err(error) => return Err(error),
        }
        let mut db = self.0.0.pool().acquire().await?;
        let subscription = row(&mut *db, held.id).await?.shown().ok_or(Error::SubscriptionNotFound)?;
        let premium = standing(self.0.0, &mut db, caller.user_id).await?;
        Ok(Proved { subscription, premium })
    }

    /// By subscription and person: nobody else's; and its id at Razorpay, as we have it.
    async fn proved_one(&self, caller: &Caller, proof: &Proof) -> Result<(Row, String), Error> {
        let id = sqlx::query_scalar!(
            r#"
            select id as "id: SubscriptionId"
            from subscriptions
            where user_id = $1
              and ($2::uuid is null or id = $2)
              and ($3::text is null or razorpay_subscription_id = $3)
            "#,
            caller.user_id.0,
            proof.subscription.map(|id| id.0),
            proof.razorpay_id,
        )
        .fetch_optional(self.0.0.pool())
        .await?;
        let Some(id) = id else {
            tracing::warn!(user = %caller.user_id, "a proof for no subscription of theirs");
            metrics::refused("verify_subscription", "subscription");
            return Err(Error::SubscriptionNotFound);
        };
        let held = row(self.0.0.pool(), id).await?;
        let razorpay_id = held.razorpay_id.clone().ok_or(Error::SubscriptionNotFound)?;
        Ok((held, razorpay_id))
    }
}

fn disbelieve(held: &Row, proof: &Proof, reason: &'static str, error: Error) -> Error {
    let (status, payment) = (held.status.name(), &proof.payment_id);
    tracing::warn!(subscription = %held.id, status, payment, reason, "a proof of a subscription is refused");
    metrics::refused("verify_subscription", reason);
    error
}
