//! What came in, what went back, and how often paying works. By India's days.
//!
//! Payments count when they were paid and refunds when they were decided, so a day once past changes no more, but for
//! refunds that the bank refuses.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde::Serialize;

use super::{Error, Payments};
use crate::clock::india;
use crate::money::Paise;

/// From one day up to and with another, in India.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Days {
    pub from: NaiveDate,
    pub to: NaiveDate,
}

impl Days {
    /// The one that it is now in India, and those before it.
    pub fn last(days: u32, now: DateTime<Utc>) -> Self {
        let to = now.with_timezone(&india()).date_naive();
        Self { from: to - TimeDelta::days(i64::from(days.saturating_sub(1))), to }
    }

    /// When the first begins, and when the last is over.
    pub fn span(self) -> (DateTime<Utc>, DateTime<Utc>) {
        (midnight(self.from), midnight(self.to + TimeDelta::days(1)))
    }
}

fn midnight(day: NaiveDate) -> DateTime<Utc> {
    let local = day.and_time(NaiveTime::MIN);
    (local - TimeDelta::seconds(i64::from(india().local_minus_utc()))).and_utc()
}

/// What the lines are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Day,
    Month,
    /// Packages and plans.
    Item,
    /// Ways to pay.
    Method,
}

impl By {
    fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
            Self::Item => "item",
            Self::Method => "method",
        }
    }
}

/// Money in paise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// `2026-11-22`, `2026-11`, `standard`, `upi`; of what is not known `unknown`, of the total empty.
    pub of: String,
    pub payments: i64,
    /// Different people who paid.
    pub buyers: i64,
    pub gross: Paise,
    pub refunds: i64,
    pub refunded: Paise,
    pub net: Paise,
    /// The GST in `net`.
    pub gst: Paise,
    /// What Razorpay kept, with the GST on that.
    pub fees: Paise,
}

/// How attempts to pay ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempts {
    /// `unknown`: nobody came so far as to choose one.
    pub method: String,
    pub begun: i64,
    pub paid: i64,
    pub failed: i64,
    pub abandoned: i64,
    pub pending: i64,
    /// Razorpay's reasons for the failed ones, commonest first.
    pub reasons: Vec<Reason>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    pub reason: String,
    pub count: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Revenue {
    pub days: Days,
    pub lines: Vec<Line>,
    pub total: Line,
    /// Made on these days; an order that is tried three times has three. Commonest method first.
    pub attempts: Vec<Attempts>,
}

impl Payments<'_> {
    pub async fn revenue(&self, days: Days, by: By) -> Result<Revenue, Error> {
        let (lines, total) = self.lines(days, by).await?;
        Ok(Revenue { days, lines, total, attempts: self.attempts(days).await? })
    }

    async fn lines(&self, days: Days, by: By) -> Result<(Vec<Line>, Line), Error> {
        let (from, to) = days.span();
        let rate = self.0.config().seller.gst_rate;
        let rows = sqlx::query!(
            r#"
            with moved as (
                select t.paid_at as at, t.item, t.payment_method, t.user_id, t.amount, coalesce(t.fee, 0) as fee,
                    t.id as payment, false as back
                from transactions t
                where t.paid_at >= $1
                  and t.paid_at < $2
                  and t.kind <> 'refund'
                  and t.status in ('success', 'partially_refunded', 'refunded')
                union all
                select r.created_at, r.item, p.payment_method, r.user_id, r.amount, 0, p.id, true
                from transactions r
                join transactions p on p.id = r.parent_id
                where r.created_at >= $1 and r.created_at < $2 and r.kind = 'refund' and r.status in ('pending', 'success')
            ),
            priced as (
                select
                    m.*,
                    coalesce(
                        case $3::text
                            when 'day' then to_char(at at time zone 'Asia/Kolkata', 'YYYY-MM-DD')
                            when 'month' then to_char(at at time zone 'Asia/Kolkata', 'YYYY-MM')
                            when 'item' then item
                            else payment_method
                        end,
                        'unknown'
                    ) as line,
                    -- As on the receipt, where there is one.
                    round(
                        m.amount * coalesce(g.gst_rate, $4)::numeric / (10000 + coalesce(g.gst_rate, $4))
                    )::bigint as gst
                from moved m
                left join receipts g on g.transaction_id = m.payment
            )
            select
                line,
                count(*) filter (where not back) as "payments!",
                count(distinct user_id) filter (where not back) as "buyers!",
                coalesce(sum(amount) filter (where not back), 0)::bigint as "gross!: Paise",
                count(*) filter (where back) as "refunds!",
                coalesce(sum(amount) filter (where back), 0)::bigint as "refunded!: Paise",
                coalesce(sum(case when back then -gst else gst end), 0)::bigint as "gst!: Paise",
                coalesce(sum(fee), 0)::bigint as "fees!: Paise"
            from priced
            group by grouping sets ((line), ())
            order by line
            "#,
            from,
            to,
            by.name(),
            rate,
        )
        .fetch_all(self.0.pool())
        .await?;
        let mut total = Line::default();
        let mut lines = Vec::new();
        for row in rows {
            let line = Line {
                of: row.line.clone().unwrap_or_default(),
                payments: row.payments,
                buyers: row.buyers,
                gross: row.gross,
                refunds: row.refunds,
                refunded: row.refunded,
                net: row.gross - row.refunded,
                gst: row.gst,
                fees: row.fees,
            };
            if row.line.is_some() {
                lines.push(line);
            } else {
                total = line;
            }
        }
        Ok((lines, total))
    }

    async fn attempts(&self, days: Days) -> Result<Vec<Attempts>, Error> {
        let (from, to) = days.span();
        let rows = sqlx::query!(
            r#"
            select coalesce(method, 'unknown') as "method!", ended as "ended!", reason, count(*) as "number!"
            from (
                select payment_method as method, 'paid' as ended, null as reason
                from transactions
                where paid_at >= $1
                  and paid_at < $2
                  and kind <> 'refund'
                  and status in ('success', 'partially_refunded', 'refunded')
                union all
                select method, 'failed', coalesce(reason, code, 'unknown')
                from payment_failures
                where failed_at >= $1 and failed_at < $2
                union all
                -- Orders that nobody tried to pay yet, or that Razorpay did not make.
                select null, status, case status when 'failed' then coalesce(failure_reason, failure_code) end
                from transactions t
                where created_at >= $1
                  and created_at < $2
                  and kind <> 'refund'
                  and status in ('pending', 'abandoned', 'failed')
                  and not exists (select from payment_failures f where f.transaction_id = t.id)
            ) attempts
            group by 1, 2, 3
            order by 1, 4 desc, 3
            "#,
            from,
            to,
        )
        .fetch_all(self.0.pool())
        .await?;
        let mut methods: BTreeMap<String, Attempts> = BTreeMap::new();
        for row in rows {
            let of = methods.entry(row.method.clone()).or_insert_with(|| Attempts::none(row.method));
            of.begun += row.number;
            match row.ended.as_str() {
                "paid" => of.paid += row.number,
                "failed" => of.failed += row.number,
                "abandoned" => of.abandoned += row.number,
                _ => of.pending += row.number,
            }
            of.reasons.extend(row.reason.map(|reason| Reason { reason, count: row.number }));
        }
        let mut attempts: Vec<_> = methods.into_values().collect();
        attempts.sort_by_key(|of| std::cmp::Reverse(of.begun));
        Ok(attempts)
    }
}

impl Attempts {
    fn none(method: String) -> Self {
        Self { method, begun: 0, paid: 0, failed: 0, abandoned: 0, pending: 0, reasons: Vec::new() }
    }

    /// Of those that ended: how many in a hundred were paid.
    pub fn rate(&self) -> Option<f64> {
        let ended = self.paid + self.failed + self.abandoned;
        let part = |number: i64| f64::from(i32::try_from(number).unwrap_or(i32::MAX));
        (ended > 0).then(|| 100.0 * part(self.paid) / part(ended))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_india_s() {
        let days = Days::last(1, "2026-11-22T18:29:59Z".parse().unwrap());
        assert_eq!(days.to, "2026-11-22".parse().unwrap());
        let (from, to) = days.span();
        assert_eq!(from, "2026-11-21T18:30:00Z".parse::<DateTime<Utc>>().unwrap());
        assert_eq!(to - from, TimeDelta::days(1));
        let week = Days::last(7, "2026-11-22T18:30:00Z".parse().unwrap());
        assert_eq!((week.from, week.to), ("2026-11-17".parse().unwrap(), "2026-11-23".parse().unwrap()));
    }
}
