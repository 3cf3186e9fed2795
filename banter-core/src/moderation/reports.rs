//! Reports: what somebody saw, frozen as it was, in the one open case about it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use super::evidence::{self, Frozen};
use super::reasons::Reason;
use super::{Error, Moderation};
use crate::accounts::Caller;
use crate::error::Problems;
use crate::ids::{CallId, CaseId, MessageId, ReportId, RoomId, UserId};
use crate::limits::Act;
use crate::page::{Page, PageRequest};
use crate::text;

/// What can be reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[schema(as = ReportType)]
pub enum SubjectKind {
    User,
    Message,
    Room,
    Call,
}

impl SubjectKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Message => "message",
            Self::Room => "room",
            Self::Call => "call",
        }
    }
}

/// What somebody reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    User(UserId),
    Message(MessageId),
    /// And in it this person; else its host.
    Room(RoomId, Option<UserId>),
    /// And in it this person; else the other one.
    Call(CallId, Option<UserId>),
}

impl About {
    pub fn kind(self) -> SubjectKind {
        match self {
            Self::User(_) => SubjectKind::User,
            Self::Message(_) => SubjectKind::Message,
            Self::Room(..) => SubjectKind::Room,
            Self::Call(..) => SubjectKind::Call,
        }
    }

    pub fn id(self) -> Uuid {
        match self {
            Self::User(id) => id.0,
            Self::Message(id) => id.0,
            Self::Room(id, _) => id.0,
            Self::Call(id, _) => id.0,
        }
    }
}

/// How a report stands, as its reporter sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = ReportStatus)]
pub enum Status {
    Pending,
    Reviewed,
    ActionTaken,
    Dismissed,
}

/// A report, as its reporter sees it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub id: ReportId,
    pub report_type: SubjectKind,
    pub reported_user_id: Option<UserId>,
    pub message_id: Option<MessageId>,
    pub room_id: Option<RoomId>,
    pub call_id: Option<CallId>,
    pub reason: Reason,
    pub description: Option<String>,
    pub status: Status,
    pub created_at: DateTime<Utc>,
    /// When it was decided, if it was.
    pub decided_at: Option<DateTime<Utc>>,
}

/// A report that is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Filed {
    pub report: Report,
    /// The reporter had reported the same before, and it is being looked at.
    pub repeated: bool,
}

const LIST: &str = "reports";

impl Moderation<'_> {
    /// Reports what the caller can see, or was party to. The same again, while it is looked at, answers the first report.
    pub async fn report(
        &self,
        caller: &Caller,
        about: About,
        reason: Reason,
        description: Option<&str>,
    ) -> Result<Filed, Error> {
        let mut problems = Problems::default();
        problems.check("reason", reason != Reason::LegalOrder, "is for staff to give");
        let description = description.filter(|words| !words.trim().is_empty());
        let description = description.map(|words| text::clean(words, 1..=2000)).transpose();
        let description = problems.take("description", description).flatten();
        problems.none()?;
        self.0.limits().take(Act::Report, &caller.user_id.to_string()).await?;
        let now = self.0.clock().now();
        let mut tx = self.0.pool().begin().await?;
        let muted_until =
            sqlx::query_scalar!("select reports_muted_until from users where id = $1", caller.user_id.0,)
                .fetch_one(&mut *tx)
                .await?;
        if let Some(until) = muted_until.filter(|until| *until > now && !reason.counts_always()) {
            return Err(Error::ReportingMuted(until));
        }
        let frozen = evidence::freeze(&mut tx, caller.user_id, about).await?.ok_or(Error::SubjectNotFound)?;
        if frozen.user == caller.user_id {
            return Err(Error::Yourself);
        }
        let opening = Opening { about, user: frozen.user, reason, source: Source::People };
        let case = self.open_case(&mut tx, &opening).await?;
        let inserted = sqlx::query_scalar!(
            r#"
            insert into reports
                (id, reporter_id, report_type, reported_user_id, message_id, room_id, call_id, reason, description, case_id,
                 evidence, created_at, updated_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)
            on conflict (case_id, reporter_id) where case_id is not null do nothing
            returning id
            "#,
            self.0.ids().uuid(now),
            caller.user_id.0,
            about.kind() as SubjectKind,
            frozen.user.0,
            if let About::Message(id) = about { Some(id.0) } else { None },
            if let About::Room(id, _) = about { Some(id.0) } else { None },
            if let About::Call(id, _) = about { Some(id.0) } else { None },
            reason as Reason,
            description,
            case.0,
            frozen.evidence,
            now,
        )
        .fetch_optional(&mut *tx)
        .await?;
        if inserted.is_some() {
            self.count_report(&mut tx, case, &frozen, reason, now).await?;
        }
        let report = sqlx::query_as!(
            Report,
            r#"
            select
                id as "id: ReportId",
                report_type as "report_type: SubjectKind",
                reported_user_id as "reported_user_id: UserId",
                message_id as "message_id: MessageId",
                room_id as "room_id: RoomId",
                call_id as "call_id: CallId",
                reason as "reason: Reason",
                description,
                status as "status: Status",
                created_at,
                null::timestamptz as decided_at
            from reports
            where case_id = $1 and reporter_id = $2
            "#,
            case.0,
            caller.user_id.0,
        )
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        metrics::counter!("banter_reports_total", "reason" => reason.name()).increment(1);
        Ok(Filed { report, repeated: inserted.is_none() })
    }

    /// What the caller reported, newest first, and what it came to.
    pub async fn my_reports(&self, caller: &Caller, page: &PageRequest) -> Result<Page<Report>, Error> {
        let after: Option<ReportId> = page.after(LIST).map_err(|problem| Problems::one("cursor", problem))?;
        let rows = sqlx::query_as!(
            Report,
            r#"
            select
                id as "id: ReportId",
                report_type as "report_type: SubjectKind",
                reported_user_id as "reported_user_id: UserId",
                message_id as "message_id: MessageId",
                room_id as "room_id: RoomId",
                call_id as "call_id: CallId",
                reason as "reason: Reason",
                description,
                status as "status: Status",
                created_at,
                case when status <> 'pending' then updated_at end as decided_at
            from reports
            where reporter_id = $1 and ($2::uuid is null or id < $2)
            order by id desc
            limit $3
            "#,
            caller.user_id.0,
            after.map(|id| id.0),
            page.fetch(),
        )
        .fetch_all(self.0.pool())
        .await?;
        Ok(Page::cut(rows, page, LIST, |report| report.id))
    }

    async fn count_report(
        &self,
        db: &mut PgConnection,
        case: CaseId,
        frozen: &Frozen,
        reason: Reason,
        now: DateTime<Utc>,
    ) -> Result<(), sqlx::Error> {
        let (acknowledge, resolve) = reason.due(&self.0.config().moderation);
        sqlx::query!(
            r#"
            with media as (
                insert into evidence_uploads (upload_id, case_id)
                select id, $1 from uploads where id = any($6)
                on conflict do nothing
            )
            update cases
            set reporters = reporters + 1,
                reason = case when $2 > severity then $3 else reason end,
                severity = greatest(severity, $2),
                acknowledge_by = least(acknowledge_by, $4),
                resolve_by = least(resolve_by, $5)
            where id = $1
            "#,
            case.0,
            reason.severity(),
            reason as Reason,
            now + acknowledge,
            now + resolve,
            &frozen.uploads,
        )
        .execute(db)
        .await?;
        Ok(())
    }
}

/// Where a case comes from: people are asked to report, rules find, authorities order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[schema(as = CaseSource)]
pub enum Source {
    People,
    Rule,
    Legal,
}

impl Source {
    pub fn name(self) -> &'static str {
        match self {
            Self::People => "people",
            Self::Rule => "rule",
            Self::Legal => "legal",
        }
    }
}

/// What a case is about.
pub(crate) struct Opening {
    pub about: About,
    pub user: UserId,
    pub reason: Reason,
    pub source: Source,
}

impl Moderation<'_> {
    /// The one open case about this, which stays locked until the transaction ends.
    pub(crate) async fn open_case(
        &self,
        db: &mut PgConnection,
        opening: &Opening,
    ) -> Result<CaseId, sqlx::Error> {
        let now = self.0.clock().now();
        let (acknowledge, resolve) = opening.reason.due(&self.0.config().moderation);
        sqlx::query_scalar!(
            r#"
            insert into cases
                (id, subject_kind, subject_id, user_id, source, reason, severity, acknowledge_by, resolve_by, opened_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            on conflict (subject_kind, subject_id, user_id) where status <> 'resolved' do update
            -- Changes nothing, and locks.
            set subject_kind = excluded.subject_kind
            returning id as "id: CaseId"
            "#,
            self.0.ids().uuid(now),
            opening.about.kind() as SubjectKind,
            opening.about.id(),
            opening.user.0,
            opening.source as Source,
            opening.reason as Reason,
            opening.reason.severity(),
            now + acknowledge,
            now + resolve,
            now,
        )
        .fetch_one(db)
        .await
    }
}
