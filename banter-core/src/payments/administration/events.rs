//! What Razorpay told, and what became of it.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::Value;

use super::super::reconcile::begins;
use super::super::webhooks::State;
use super::super::{Error, Payments};
use crate::error::Problems;
use crate::page::{At, Page, PageRequest};

/// As many are shown beside a transaction: a card that was tried again and again has more.
pub const MOST_OF_ONE: i64 = 50;

/// Which events.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub state: Option<State>,
    /// Razorpay's name for what happened: `payment.captured`.
    pub kind: Option<String>,
    /// Came on this day of India's or later.
    pub since: Option<NaiveDate>,
}

/// An event, without what it says.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// Razorpay's.
    pub id: String,
    pub kind: String,
    pub state: State,
    /// What became of it.
    pub note: Option<String>,
    pub received_at: DateTime<Utc>,
    /// When it was last worked off.
    pub applied_at: Option<DateTime<Utc>>,
}

const LIST: &str = "webhook-events";

impl Payments<'_> {
    /// All events that the filter lets through, newest first.
    pub async fn events(&self, filter: &Filter, page: &PageRequest) -> Result<Page<Listed>, Error> {
        let after: Option<(At, String)> =
            page.after(LIST).map_err(|problem| Problems::one("cursor", problem))?;
        let found = sqlx::query_as!(
            Listed,
            r#"
            select event_id as id, kind, state as "state: State", note, received_at, applied_at
            from webhook_events
            where provider = 'razorpay'
              and ($1::text is null or state = $1)
              and ($2::text is null or kind = $2)
              and ($3::timestamptz is null or received_at >= $3)
              and ($4::timestamptz is null or (received_at, event_id) < ($4, $5::text))
            order by received_at desc, event_id desc
            limit $6
            "#,
            filter.state.map(State::name),
            filter.kind,
            filter.since.map(begins),
            after.as_ref().map(|(at, _)| at.0),
            after.as_ref().map(|(_, id)| id),
            page.fetch(),
        )
        .fetch_all(self.0.pool())
        .await?;
        Ok(Page::cut(found, page, LIST, |event| (At(event.received_at), event.id.clone())))
    }

    /// One, and what it says.
    pub async fn event(&self, id: &str) -> Result<(Listed, Value), Error> {
        let found = sqlx::query!(
            r#"
            select event_id as id, kind, state as "state: State", note, received_at, applied_at, payload
            from webhook_events
            where provider = 'razorpay' and event_id = $1
            "#,
            id,
        )
        .fetch_optional(self.0.pool())
        .await?
        .ok_or(Error::EventNotFound)?;
        let event = Listed {
            id: found.id,
            kind: found.kind,
            state: found.state,
            note: found.note,
            received_at: found.received_at,
            applied_at: found.applied_at,
        };
        Ok((event, found.payload))
    }

    /// The ids of all that stand so, oldest first: in the order in which they came.
    pub async fn events_in(&self, state: State) -> Result<Vec<String>, Error> {
        let ids = sqlx::query_scalar!(
            r#"
            select event_id
            from webhook_events
            where provider = 'razorpay' and state <> 'applied' and state = $1
            order by received_at, event_id
            "#,
            state as State,
        )
        .fetch_all(self.0.pool())
        .await?;
        Ok(ids)
    }

    /// What names a purchase's or a charge's order or payment. The two expressions are those of its indexes.
    pub(super) async fn events_of(&self, transaction: &super::Listed) -> Result<Vec<Listed>, sqlx::Error> {
        sqlx::query_as!(
            Listed,
            r#"
            select event_id as id, kind, state as "state: State", note, received_at, applied_at
            from webhook_events
            where provider = 'razorpay'
              and (payload #>> '{payload,payment,entity,order_id}' = $1
                   or coalesce(payload #>> '{payload,payment,entity,id}',
                               payload #>> '{payload,refund,entity,payment_id}') = $2)
            order by received_at desc, event_id desc
            limit $3
            "#,
            transaction.razorpay_order_id,
            transaction.razorpay_payment_id,
            MOST_OF_ONE,
        )
        .fetch_all(self.0.pool())
        .await
    }
}
