//! How well order is kept: what waits, how fast it is decided, how much of it was wrong. For staff, and for reports to the
//! public.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::cases::{Outcome, Status};
use super::reasons::Reason;
use super::reports::{Source, SubjectKind};
use super::roles::Duty;
use super::sanctions::Action;
use super::{Error, Moderation, Staff};
use crate::error::Problems;
use crate::ids::{CaseId, UserId};

/// Numbers of a time; what waits, waits now.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ModerationStats)]
pub struct Stats {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub backlog: Backlog,
    /// Reports filed.
    pub reports: i64,
    pub cases_opened: i64,
    pub cases_decided: i64,
    pub dismissed: i64,
    pub action_taken: i64,
    /// From a case's opening to its decision, in seconds; absent without one.
    pub time_to_action: Option<Spread>,
    /// From a case's opening until somebody took it, in seconds.
    pub time_to_acknowledge: Option<Spread>,
    /// Of the decided, how many were late.
    pub late: i64,
    pub by_reason: Vec<ReasonCount>,
    pub by_action: Vec<ActionCount>,
    pub appeals: Appeals,
    pub by_moderator: Vec<ModeratorLoad>,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Backlog {
    pub open: i64,
    pub overdue: i64,
    pub escalated: i64,
    pub claimed: i64,
    /// Bans and freezes that wait for a second person.
    pub awaiting: i64,
    pub appeals: i64,
    pub oldest_opened_at: Option<DateTime<Utc>>,
}

/// Seconds.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Spread {
    pub p50: f64,
    pub p90: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReasonCount {
    pub reason: Reason,
    pub decided: i64,
    pub action_taken: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActionCount {
    pub action: Action,
    pub imposed: i64,
    pub reversed: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Appeals {
    pub decided: i64,
    pub overturned: i64,
    /// Overturned of the decided, 0 to 1; absent before the first.
    pub overturn_rate: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModeratorLoad {
    pub id: UserId,
    pub username: Option<String>,
    pub decided: i64,
    pub overturned: i64,
}

/// A case in an export: nobody is named, and nothing private is in it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Exported {
    pub id: CaseId,
    pub subject_kind: SubjectKind,
    pub source: Source,
    pub reason: Reason,
    pub severity: i16,
    pub reporters: i32,
    pub status: Status,
    pub outcome: Option<Outcome>,
    pub actions: Vec<String>,
    pub opened_at: DateTime<Utc>,
    pub acknowledged_at: Option<DateTime<Utc>>,
    pub resolve_by: DateTime<Utc>,
    pub resolved_at: Option<DateTime<Utc>>,
}

fn within(from: DateTime<Utc>, to: DateTime<Utc>) -> Result<(), Error> {
    let mut problems = Problems::default();
    problems.check("from", from < to, "must be before `to`");
    Ok(problems.none()?)
}

impl Moderation<'_> {
    pub async fn stats(&self, staff: Staff, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Stats, Error> {
        staff.require(Duty::Look)?;
        within(from, to)?;
        let now = self.0.clock().now();
        let backlog = sqlx::query_as!(
            Backlog,
            r#"
            select
                count(*) filter (where status = 'open') as "open!",
                count(*) filter (
                    where status = 'open'
                      and (resolve_by <= $1 or acknowledged_at is null and acknowledge_by <= $1)
                ) as "overdue!",
                count(*) filter (where status = 'open' and is_escalated) as "escalated!",
                count(*) filter (where status = 'open' and claimed_until > $1) as "claimed!",
                count(*) filter (where status = 'awaiting') as "awaiting!",
                (select count(*) from appeals where state = 'open') as "appeals!",
                min(opened_at) filter (where status = 'open') as oldest_opened_at
            from cases
            where status <> 'resolved'
            "#,
            now,
        )
        .fetch_one(self.0.pool())
        .await?;
        let flow = sqlx::query!(
            r#"
            select
                (select count(*) from reports where created_at >= $1 and created_at < $2) as "reports!",
                (select count(*) from cases where opened_at >= $1 and opened_at < $2) as "opened!",
                count(*) as "decided!",
                count(*) filter (where outcome = 'dismissed') as "dismissed!",
                count(*) filter (where outcome = 'action_taken') as "action_taken!",
                count(*) filter (where resolved_at > resolve_by) as "late!",
                percentile_cont(0.5) within group (order by extract(epoch from resolved_at - opened_at)::float8) as p50,
                percentile_cont(0.9) within group (order by extract(epoch from resolved_at - opened_at)::float8) as p90,
                percentile_cont(0.5) within group (order by extract(epoch from acknowledged_at - opened_at)::float8) as ack50,
                percentile_cont(0.9) within group (order by extract(epoch from acknowledged_at - opened_at)::float8) as ack90
            from cases
            where status = 'resolved' and resolved_at >= $1 and resolved_at < $2
            "#,
            from,
            to,
        )
        .fetch_one(self.0.pool())
        .await?;
        let by_reason = sqlx::query_as!(
            ReasonCount,
            r#"
            select
                reason as "reason: Reason",
                count(*) as "decided!",
                count(*) filter (where outcome = 'action_taken') as "action_taken!"
            from cases
            where status = 'resolved' and resolved_at >= $1 and resolved_at < $2
            group by reason
            order by count(*) desc, reason
            "#,
            from,
            to,
        )
        .fetch_all(self.0.pool())
        .await?;
        let by_action = sqlx::query_as!(
            ActionCount,
            r#"
            select
                kind as "action: Action",
                count(*) filter (where state in ('in_force', 'reversed')) as "imposed!",
                count(*) filter (where state = 'reversed') as "reversed!"
            from sanctions
            where created_at >= $1 and created_at < $2
            group by kind
            order by count(*) desc, kind
            "#,
            from,
            to,
        )
        .fetch_all(self.0.pool())
        .await?;
        let appeals = sqlx::query!(
            r#"
            select count(*) as "decided!", count(*) filter (where state = 'overturned') as "overturned!"
            from appeals
            where state <> 'open' and decided_at >= $1 and decided_at < $2
            "#,
            from,
            to,
        )
        .fetch_one(self.0.pool())
        .await?;
        let by_moderator = sqlx::query_as!(
            ModeratorLoad,
            r#"
            select
                u.id as "id: UserId",
                u.username,
                count(*) as "decided!",
                count(*) filter (
                    where exists (select from sanctions s where s.case_id = c.id and s.state = 'reversed')
                ) as "overturned!"
            from cases c
            join users u on u.id = c.resolved_by
            where c.status = 'resolved' and c.resolved_at >= $1 and c.resolved_at < $2
            group by u.id
            order by count(*) desc, u.id
            limit 100
            "#,
            from,
            to,
        )
        .fetch_all(self.0.pool())
        .await?;
        let spread = |p50: Option<f64>, p90: Option<f64>| p50.zip(p90).map(|(p50, p90)| Spread { p50, p90 });
        #[expect(clippy::cast_precision_loss, reason = "appeals of a time")]
        let overturn_rate = (appeals.decided > 0).then(|| appeals.overturned as f64 / appeals.decided as f64);
        Ok(Stats {
            from,
            to,
            backlog,
            reports: flow.reports,
            cases_opened: flow.opened,
            cases_decided: flow.decided,
            dismissed: flow.dismissed,
            action_taken: flow.action_taken,
            time_to_action: spread(flow.p50, flow.p90),
            time_to_acknowledge: spread(flow.ack50, flow.ack90),
            late: flow.late,
            by_reason,
            by_action,
            appeals: Appeals { decided: appeals.decided, overturned: appeals.overturned, overturn_rate },
            by_moderator,
        })
    }

    /// Hands over the cases opened in this time, oldest first, in pages; and writes down that it did.
    pub async fn export_cases(
        &self,
        staff: Staff,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        mut take: impl FnMut(&Exported) -> std::io::Result<()>,
    ) -> Result<std::io::Result<i64>, Error> {
        const AT_ONCE: i64 = 1000;
        staff.require(Duty::Export)?;
        within(from, to)?;
        let mut tx = self.0.pool().begin().await?;
        let subject = super::audit::Subject::Whole("cases");
        self.log(&mut tx, staff, "case.export", subject, serde_json::json!({ "from": from, "to": to }))
            .await?;
        tx.commit().await?;
        let (mut count, mut after) = (0, None::<CaseId>);
        loop {
            let rows = sqlx::query_as!(
                Exported,
                r#"
                select
                    c.id as "id: CaseId",
                    c.subject_kind as "subject_kind: SubjectKind",
                    c.source as "source: Source",
                    c.reason as "reason: Reason",
                    c.severity,
                    c.reporters,
                    c.status as "status: Status",
                    c.outcome as "outcome: Outcome",
                    array(select s.kind from sanctions s where s.case_id = c.id order by s.id) as "actions!",
                    c.opened_at,
                    c.acknowledged_at,
                    c.resolve_by,
                    c.resolved_at
                from cases c
                where c.opened_at >= $1 and c.opened_at < $2 and ($3::uuid is null or c.id > $3)
                order by c.id
                limit $4
                "#,
                from,
                to,
                after.map(|id| id.0),
                AT_ONCE,
            )
            .fetch_all(self.0.pool())
            .await?;
            let Some(last) = rows.last() else { return Ok(Ok(count)) };
            after = Some(last.id);
            for row in &rows {
                if let Err(error) = take(row) {
                    return Ok(Err(error));
                }
                count += 1;
            }
        }
    }
}
