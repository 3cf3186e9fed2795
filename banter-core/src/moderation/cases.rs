//! The queue: what waits for a decision, most pressing first, and who holds what. A claim is a lease: nobody else decides
//! while it holds, and it ends by itself.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use super::audit::{self, Entry, Subject};
use super::reasons::Reason;
use super::reports::{Source, SubjectKind};
use super::roles::Duty;
use super::{Error, Moderation, Staff};
use crate::accounts::PersonSummary;
use crate::error::Problems;
use crate::ids::{CaseId, UserId};
use crate::page::{At, Page, PageRequest};
use crate::text;

/// How often others may be quicker to take the next case, before it is said that nothing waits.
const MOST_TRIES: usize = 50;
/// How long a claim holds; taking it again prolongs it.
pub const LEASE: TimeDelta = TimeDelta::minutes(15);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = CaseStatus)]
pub enum Status {
    Open,
    /// A ban or a freeze waits for a second person.
    Awaiting,
    Resolved,
}

impl Status {
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Awaiting => "awaiting",
            Self::Resolved => "resolved",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = CaseOutcome)]
pub enum Outcome {
    Dismissed,
    ActionTaken,
}

impl Outcome {
    pub fn name(self) -> &'static str {
        match self {
            Self::Dismissed => "dismissed",
            Self::ActionTaken => "action_taken",
        }
    }
}

/// A case in a list.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Case {
    pub id: CaseId,
    pub subject_kind: SubjectKind,
    pub subject_id: Uuid,
    /// Who answers for it.
    pub user: PersonSummary,
    pub source: Source,
    pub reason: Reason,
    /// 1 to 5.
    pub severity: i16,
    /// Distinct people who reported it.
    pub reporters: i32,
    pub status: Status,
    pub is_escalated: bool,
    /// Who holds it now.
    pub claimed_by: Option<PersonSummary>,
    pub claimed_until: Option<DateTime<Utc>>,
    pub acknowledge_by: DateTime<Utc>,
    pub resolve_by: DateTime<Utc>,
    /// Not taken by anybody, or not decided, in time.
    pub is_overdue: bool,
    /// Severity × hours (and one) × distinct reporters.
    pub priority: f64,
    pub opened_at: DateTime<Utc>,
    pub resolved_at: Option<DateTime<Utc>>,
    pub outcome: Option<Outcome>,
}

/// Which cases; everything that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Without it: what is open.
    pub status: Option<Status>,
    pub reason: Option<Reason>,
    pub kind: Option<SubjectKind>,
    pub escalated: Option<bool>,
    pub source: Option<Source>,
    /// About this person.
    pub user: Option<UserId>,
    /// Held by this person now.
    pub claimed_by: Option<UserId>,
    /// Held by nobody now.
    pub free: bool,
    pub overdue: bool,
}

const LIST: &str = "cases";

/// For cursors: priorities grow, so all pages are of the time of the first.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Place {
    as_of: At,
    is_overdue: bool,
    priority: f64,
    id: CaseId,
}

struct Row {
    id: CaseId,
    subject_kind: SubjectKind,
    subject_id: Uuid,
    user_id: UserId,
    username: Option<String>,
    full_name: String,
    avatar: Option<String>,
    source: Source,
    reason: Reason,
    severity: i16,
    reporters: i32,
    status: Status,
    is_escalated: bool,
    holder_id: Option<UserId>,
    holder_username: Option<String>,
    holder_full_name: Option<String>,
    holder_avatar: Option<String>,
    claimed_until: Option<DateTime<Utc>>,
    acknowledge_by: DateTime<Utc>,
    resolve_by: DateTime<Utc>,
    is_overdue: bool,
    priority: f64,
    opened_at: DateTime<Utc>,
    resolved_at: Option<DateTime<Utc>>,
    outcome: Option<Outcome>,
}

impl From<Row> for Case {
    fn from(row: Row) -> Self {
        let holder = row.holder_id.zip(row.holder_full_name);
        Self {
            id: row.id,
            subject_kind: row.subject_kind,
            subject_id: row.subject_id,
            user: PersonSummary {
                id: row.user_id,
                username: row.username,
                full_name: row.full_name,
                avatar: row.avatar,
            },
            source: row.source,
            reason: row.reason,
            severity: row.severity,
            reporters: row.reporters,
            status: row.status,
            is_escalated: row.is_escalated,
            claimed_by: holder.map(|(id, full_name)| PersonSummary {
                id,
                username: row.holder_username,
                full_name,
                avatar: row.holder_avatar,
            }),
            claimed_until: row.claimed_until,
            acknowledge_by: row.acknowledge_by,
            resolve_by: row.resolve_by,
            is_overdue: row.is_overdue,
            priority: row.priority,
            opened_at: row.opened_at,
            resolved_at: row.resolved_at,
            outcome: row.outcome,
        }
    }
}

impl Moderation<'_> {
    /// What waits, most pressing first: what is overdue before what is not, then by priority.
    pub async fn queue(
        &self,
        staff: Staff,
        filter: &Filter,
        page: &PageRequest,
    ) -> Result<Page<Case>, Error> {
        staff.require(Duty::Look)?;
        let after: Option<Place> = page.after(LIST).map_err(|problem| Problems::one("cursor", problem))?;
        let now = self.0.clock().now();
        let as_of = after.map_or(now, |place| place.as_of.0);
        let rows = self.cases(filter, None, (now, as_of), after.as_ref(), page.fetch()).await?;
        Ok(Page::cut(rows, page, LIST, |case| Place {
            as_of: At(as_of),
            is_overdue: case.is_overdue,
            priority: case.priority,
            id: case.id,
        }))
    }

    /// One case as the queue has it, whatever its state.
    pub(super) async fn case(&self, id: CaseId) -> Result<Case, Error> {
        let now = self.0.clock().now();
        let found = self.cases(&Filter::default(), Some(id), (now, now), None, 1).await?;
        found.into_iter().next().ok_or(Error::CaseNotFound)
    }

    async fn cases(
        &self,
        filter: &Filter,
        one: Option<CaseId>,
        (now, as_of): (DateTime<Utc>, DateTime<Utc>),
        after: Option<&Place>,
        limit: i64,
    ) -> Result<Vec<Case>, sqlx::Error> {
        let rows = sqlx::query_as!(
            Row,
            r#"
            with ranked as (
                select
                    c.*,
                    c.resolve_by <= $2 or c.acknowledged_at is null and c.acknowledge_by <= $2 as is_overdue,
                    c.severity * (1 + extract(epoch from $2 - c.opened_at)::double precision / 3600)
                        * greatest(c.reporters, 1) as priority
                from cases c
                where case when $3::uuid is null then c.status = $4 else c.id = $3 end
                  and ($5::text is null or c.reason = $5)
                  and ($6::text is null or c.subject_kind = $6)
                  and ($7::boolean is null or c.is_escalated = $7)
                  and ($8::text is null or c.source = $8)
                  and ($9::uuid is null or c.user_id = $9)
                  and ($10::uuid is null or c.claimed_by = $10 and c.claimed_until > $1)
                  and (not $11 or c.claimed_until is null or c.claimed_until <= $1)
            ),
            shown as (
                select *
                from ranked
                where (not $12 or is_overdue)
                  and ($13::boolean is null or (is_overdue, priority, id) < ($13, $14, $15))
                order by is_overdue desc, priority desc, id desc
                limit $16
            )
            select
                c.id as "id!: CaseId",
                c.subject_kind as "subject_kind!: SubjectKind",
                c.subject_id as "subject_id!",
                c.user_id as "user_id!: UserId",
                u.username,
                u.full_name,
                u.avatar,
                c.source as "source!: Source",
                c.reason as "reason!: Reason",
                c.severity as "severity!",
                c.reporters as "reporters!",
                c.status as "status!: Status",
                c.is_escalated as "is_escalated!",
                h.id as "holder_id?: UserId",
                h.username as "holder_username?",
                h.full_name as "holder_full_name?",
                h.avatar as "holder_avatar?",
                case when h.id is not null then c.claimed_until end as "claimed_until?",
                c.acknowledge_by as "acknowledge_by!",
                c.resolve_by as "resolve_by!",
                c.is_overdue and c.status <> 'resolved' as "is_overdue!",
                c.priority as "priority!",
                c.opened_at as "opened_at!",
                c.resolved_at,
                c.outcome as "outcome: Outcome"
            from shown c
            join users u on u.id = c.user_id
            left join users h on h.id = c.claimed_by and c.claimed_until > $1
            order by c.is_overdue desc, c.priority desc, c.id desc
            "#,
            now,
            as_of,
            one.map(|id| id.0),
            filter.status.unwrap_or(Status::Open) as Status,
            filter.reason as Option<Reason>,
            filter.kind as Option<SubjectKind>,
            filter.escalated,
            filter.source as Option<Source>,
            filter.user.map(|id| id.0),
            filter.claimed_by.map(|id| id.0),
            filter.free,
            filter.overdue,
            after.map(|place| place.is_overdue),
            after.map(|place| place.priority),
            after.map(|place| place.id.0),
            limit,
        )
        .fetch_all(self.0.pool())
        .await?;
        Ok(rows.into_iter().map(Case::from).collect())
    }

    /// Takes a case, or prolongs one's own claim.
    pub async fn claim(&self, staff: Staff, id: CaseId) -> Result<Case, Error> {
        let me = staff.require_named(Duty::Claim)?;
        let mut tx = self.0.pool().begin().await?;
        let held = self.hold(&mut tx, staff, id).await?;
        self.take(&mut tx, me, &held).await?;
        tx.commit().await?;
        self.case(id).await
    }

    /// Takes the most pressing case that nobody holds and this person may decide; `None` when there is none.
    pub async fn claim_next(&self, staff: Staff) -> Result<Option<Case>, Error> {
        let me = staff.require_named(Duty::Claim)?;
        let now = self.0.clock().now();
        // Whoever asks at the same moment waits for this one, and gets the one after.
        for _ in 0..MOST_TRIES {
            let mut tx = self.0.pool().begin().await?;
            let next = sqlx::query_scalar!(
                r#"
                select id as "id: CaseId"
                from cases c
                where status = 'open'
                  and (claimed_until is null or claimed_until <= $2)
                  and user_id <> $1
                  and ($3 or not is_escalated)
                  and not exists (select from reports r where r.case_id = c.id and r.reporter_id = $1)
                order by
                    resolve_by <= $2 or acknowledged_at is null and acknowledge_by <= $2 desc,
                    severity * (1 + extract(epoch from $2 - opened_at) / 3600) * greatest(reporters, 1) desc,
                    id desc
                limit 1
                "#,
                me.0,
                now,
                staff.may(Duty::DecideEscalated),
            )
            .fetch_optional(&mut *tx)
            .await?;
            let Some(id) = next else { return Ok(None) };
            match self.hold(&mut tx, staff, id).await {
                Ok(held) => {
                    self.take(&mut tx, me, &held).await?;
                    tx.commit().await?;
                    return self.case(id).await.map(Some);
                }
                Err(Error::CaseClaimed | Error::CaseResolved) => tx.rollback().await?,
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Gives one's own claim back; a repeat changes nothing.
    pub async fn release(&self, staff: Staff, id: CaseId) -> Result<Case, Error> {
        let me = staff.require_named(Duty::Claim)?;
        let mut tx = self.0.pool().begin().await?;
        let held = self.hold(&mut tx, staff, id).await?;
        if held.holder == Some(me) {
            sqlx::query!("update cases set claimed_by = null, claimed_until = null where id = $1", id.0)
                .execute(&mut *tx)
                .await?;
            self.log(&mut tx, staff, "case.release", Subject::Case(id.0), serde_json::json!({})).await?;
        }
        tx.commit().await?;
        self.case(id).await
    }

    /// Hands a case up: only a senior decides it then.
    pub async fn escalate(&self, staff: Staff, id: CaseId, note: &str) -> Result<Case, Error> {
        let me = staff.require_named(Duty::Claim)?;
        let note = note_of(note)?;
        let mut tx = self.0.pool().begin().await?;
        let held = self.hold(&mut tx, staff, id).await?;
        if held.is_escalated {
            return Err(Error::AlreadyEscalated);
        }
        sqlx::query!(
            "update cases set is_escalated = true, claimed_by = null, claimed_until = null where id = $1",
            id.0,
        )
        .execute(&mut *tx)
        .await?;
        self.add_note(&mut tx, id, me, &note).await?;
        self.log(&mut tx, staff, "case.escalate", Subject::Case(id.0), serde_json::json!({})).await?;
        tx.commit().await?;
        self.case(id).await
    }

    /// Says something of a case to whoever looks at it later.
    pub async fn note(&self, staff: Staff, id: CaseId, words: &str) -> Result<(), Error> {
        let me = staff.require_named(Duty::Claim)?;
        let words = note_of(words)?;
        let mut tx = self.0.pool().begin().await?;
        let about = sqlx::query_scalar!(r#"select user_id as "user: UserId" from cases where id = $1"#, id.0)
            .fetch_optional(&mut *tx)
            .await?
            .ok_or(Error::CaseNotFound)?;
        if about == me {
            return Err(Error::OwnCase);
        }
        self.add_note(&mut tx, id, me, &words).await?;
        self.log(&mut tx, staff, "case.note", Subject::Case(id.0), serde_json::json!({})).await?;
        tx.commit().await?;
        Ok(())
    }

    pub(super) async fn add_note(
        &self,
        db: &mut PgConnection,
        id: CaseId,
        author: UserId,
        words: &str,
    ) -> Result<(), sqlx::Error> {
        let now = self.0.clock().now();
        sqlx::query!(
            "insert into case_notes (id, case_id, author_id, words, created_at) values ($1, $2, $3, $4, $5)",
            self.0.ids().uuid(now),
            id.0,
            author.0,
            words,
            now,
        )
        .execute(db)
        .await?;
        Ok(())
    }

    /// Locks an open case that this person may decide, and that nobody else holds.
    pub(super) async fn hold(&self, db: &mut PgConnection, staff: Staff, id: CaseId) -> Result<Held, Error> {
        let me = staff.require_named(Duty::Claim)?;
        let case = sqlx::query!(
            r#"
            select
                user_id as "user: UserId",
                subject_kind as "kind: SubjectKind",
                subject_id,
                reason as "reason: Reason",
                severity,
                status as "status: Status",
                is_escalated,
                claimed_by as "claimed_by: UserId",
                claimed_until,
                exists (select from reports r where r.case_id = cases.id and r.reporter_id = $2) as "is_reporter!"
            from cases
            where id = $1
            for update
            "#,
            id.0,
            me.0,
        )
        .fetch_optional(db)
        .await?
        .ok_or(Error::CaseNotFound)?;
        if case.user == me || case.is_reporter {
            return Err(Error::OwnCase);
        }
        match case.status {
            Status::Open => {}
            Status::Awaiting => return Err(Error::CaseAwaits),
            Status::Resolved => return Err(Error::CaseResolved),
        }
        if case.is_escalated {
            staff.require(Duty::DecideEscalated)?;
        }
        let now = self.0.clock().now();
        let holder = case.claimed_by.filter(|_| case.claimed_until.is_some_and(|until| until > now));
        if holder.is_some_and(|holder| holder != me) {
            return Err(Error::CaseClaimed);
        }
        Ok(Held {
            id,
            user: case.user,
            kind: case.kind,
            subject: case.subject_id,
            reason: case.reason,
            is_escalated: case.is_escalated,
            holder,
        })
    }

    async fn take(&self, db: &mut PgConnection, me: UserId, held: &Held) -> Result<(), Error> {
        let now = self.0.clock().now();
        sqlx::query!(
            r#"
            update cases
            set claimed_by = $2, claimed_until = $3, acknowledged_at = coalesce(acknowledged_at, $4)
            where id = $1
            "#,
            held.id.0,
            me.0,
            now + LEASE,
            now,
        )
        .execute(&mut *db)
        .await?;
        if held.holder != Some(me) {
            let entry = Entry {
                actor: Some(me),
                act: "case.claim",
                subject: Subject::Case(held.id.0),
                details: serde_json::json!({}),
            };
            audit::write(db, now, &entry).await?;
        }
        Ok(())
    }

    /// A line of the record, as the last statement of the transaction.
    pub(super) async fn log(
        &self,
        db: &mut PgConnection,
        staff: Staff,
        act: &'static str,
        subject: Subject<'_>,
        details: serde_json::Value,
    ) -> Result<(), sqlx::Error> {
        let entry = Entry { actor: staff.id(), act, subject, details };
        audit::write(db, self.0.clock().now(), &entry).await
    }
}

/// A case that is locked, and free for whoever asked.
pub(super) struct Held {
    pub id: CaseId,
    pub user: UserId,
    pub kind: SubjectKind,
    pub subject: Uuid,
    pub reason: Reason,
    pub is_escalated: bool,
    /// Who asked, if they had claimed it before.
    pub holder: Option<UserId>,
}

pub(super) fn note_of(note: &str) -> Result<String, Problems> {
    text::clean(note, 1..=2000).map_err(|problem| Problems::one("note", problem))
}
