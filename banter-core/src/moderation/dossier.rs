//! What a moderator has before them: a case with its evidence, its reporters, and the person's history; or the person alone.
//! Whoever sees what is private is written down.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::audit::Subject;
use super::cases::Case;
use super::reasons::Reason;
use super::roles::Duty;
use super::sanctions::Sanction;
use super::strikes::{self, Recommendation};
use super::{Error, Moderation, Staff};
use crate::accounts::{PersonSummary, Role, Status as AccountStatus};
use crate::error::Problems;
use crate::ids::{CaseId, ReportId, UserId};
use crate::page::PageRequest;
use crate::text;

/// A case, and all that helps to decide it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Dossier {
    pub case: Case,
    /// What an automatic rule found, as it was; null where people reported.
    #[schema(value_type = Option<Object>)]
    pub evidence: Option<Value>,
    /// Newest first, 50 at most.
    pub reports: Vec<CaseReport>,
    /// What staff said of it, oldest first.
    pub notes: Vec<CaseNote>,
    pub person: Person,
    /// What is suggested by severity and strikes.
    pub recommendation: Recommendation,
}

/// A report, as staff sees it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CaseReport {
    pub id: ReportId,
    pub reporter: PersonSummary,
    /// Of what this person reported, how much was dismissed.
    pub reporter_record: ReporterRecord,
    pub reason: Reason,
    pub description: Option<String>,
    /// As it was when it was reported; null, as the description, for those who may not see what is private.
    #[schema(value_type = Option<Object>)]
    pub evidence: Option<Value>,
    pub created_at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReporterRecord {
    pub filed: i64,
    pub dismissed: i64,
    pub action_taken: i64,
    /// Dismissed of those that were decided, 0 to 1; absent before the first.
    pub false_rate: Option<f64>,
    pub muted_until: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CaseNote {
    pub author: PersonSummary,
    pub words: String,
    pub created_at: DateTime<Utc>,
}

/// Somebody as staff sees them.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    #[schema(inline)]
    pub user: PersonSummary,
    pub bio: Option<String>,
    pub language: String,
    pub role: Role,
    pub account_status: String,
    pub status_until: Option<DateTime<Utc>>,
    pub room_muted_until: Option<DateTime<Utc>>,
    pub wallet_frozen_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub last_seen: Option<DateTime<Utc>>,
    pub is_premium: bool,
    /// What counts against them now.
    pub strikes: i64,
    pub open_cases: i64,
    pub decided_cases: i64,
    /// What they reported themselves.
    pub reports: ReporterRecord,
    /// How many other accounts used a phone of theirs.
    pub linked_accounts: i64,
    /// Newest first, 20 at most.
    pub sanctions: Vec<Sanction>,
}

impl Moderation<'_> {
    /// A case with everything; what people wrote, and what staff noted, for those who may see it, which is written down.
    pub async fn dossier(&self, staff: Staff, id: CaseId) -> Result<Dossier, Error> {
        staff.require(Duty::Look)?;
        let case = self.case(id).await?;
        if staff.id() == Some(case.user.id) {
            return Err(Error::OwnCase);
        }
        let sees = staff.may(Duty::SeePrivate);
        let reports = self.case_reports(id, sees).await?;
        let evidence = sqlx::query_scalar!("select evidence from cases where id = $1 and $2", id.0, sees)
            .fetch_optional(self.0.pool())
            .await?
            .flatten();
        let notes = sqlx::query!(
            r#"
            select u.id as "id: UserId", u.username, u.full_name, u.avatar, n.words, n.created_at
            from case_notes n
            join users u on u.id = n.author_id
            where n.case_id = $1 and $2
            order by n.id
            limit 100
            "#,
            id.0,
            sees,
        )
        .fetch_all(self.0.pool())
        .await?;
        let notes = notes.into_iter().map(|row| CaseNote {
            author: PersonSummary {
                id: row.id,
                username: row.username,
                full_name: row.full_name,
                avatar: row.avatar,
            },
            words: row.words,
            created_at: row.created_at,
        });
        let mut person = self.person_of(case.user.id).await?;
        if sees {
            let mut tx = self.0.pool().begin().await?;
            self.log(&mut tx, staff, "case.look", Subject::Case(id.0), json!({ "user": case.user.id }))
                .await?;
            tx.commit().await?;
        } else {
            (person.bio, person.sanctions) = (None, Vec::new());
        }
        let recommendation = strikes::recommend(case.reason, person.strikes);
        Ok(Dossier { case, evidence, reports, notes: notes.collect(), person, recommendation })
    }

    /// Somebody with their history; that it was looked at is written down.
    pub async fn person(&self, staff: Staff, user: UserId) -> Result<Person, Error> {
        staff.require(Duty::SeePrivate)?;
        let person = self.person_of(user).await?;
        let mut tx = self.0.pool().begin().await?;
        self.log(&mut tx, staff, "user.look", Subject::User(user.0), json!({})).await?;
        tx.commit().await?;
        Ok(person)
    }

    async fn case_reports(&self, id: CaseId, sees: bool) -> Result<Vec<CaseReport>, sqlx::Error> {
        let rows = sqlx::query!(
            r#"
            select
                r.id as "id: ReportId",
                u.id as "reporter: UserId",
                u.username,
                u.full_name,
                u.avatar,
                u.reports_muted_until,
                record.filed as "filed!",
                record.dismissed as "dismissed!",
                record.action_taken as "action_taken!",
                r.reason as "reason: Reason",
                case when $2 then r.description end as description,
                case when $2 then r.evidence end as evidence,
                r.created_at
            from reports r
            join users u on u.id = r.reporter_id
            cross join lateral (
                select
                    count(*) as filed,
                    count(*) filter (where o.status = 'dismissed') as dismissed,
                    count(*) filter (where o.status = 'action_taken') as action_taken
                from reports o
                where o.reporter_id = r.reporter_id
            ) as record
            where r.case_id = $1
            order by r.id desc
            limit 50
            "#,
            id.0,
            sees,
        )
        .fetch_all(self.0.pool())
        .await?;
        let reports = rows.into_iter().map(|row| CaseReport {
            id: row.id,
            reporter: PersonSummary {
                id: row.reporter,
                username: row.username,
                full_name: row.full_name,
                avatar: row.avatar,
            },
            reporter_record: ReporterRecord::new(
                row.filed,
                row.dismissed,
                row.action_taken,
                row.reports_muted_until,
            ),
            reason: row.reason,
            description: row.description,
            evidence: row.evidence,
            created_at: row.created_at,
        });
        Ok(reports.collect())
    }

    async fn person_of(&self, user: UserId) -> Result<Person, Error> {
        let now = self.0.clock().now();
        let row = sqlx::query!(
            r#"
            select
                u.username,
                u.full_name,
                u.avatar,
                u.bio,
                u.language,
                u.role as "role: Role",
                u.status as "status: AccountStatus",
                u.status_until,
                u.room_muted_until,
                u.wallet_frozen_at,
                u.created_at,
                u.last_seen,
                coalesce(u.premium_until > $2, false) as "is_premium!",
                u.reports_muted_until,
                (
                    select coalesce(sum(s.strikes), 0)::bigint
                    from sanctions s
                    where s.user_id = u.id and s.state = 'in_force' and s.created_at > $3
                ) as "strikes!",
                (select count(*) from cases c where c.user_id = u.id and c.status <> 'resolved') as "open!",
                (select count(*) from cases c where c.user_id = u.id and c.status = 'resolved') as "decided!",
                (select count(*) from reports r where r.reporter_id = u.id) as "filed!",
                (
                    select count(*) from reports r where r.reporter_id = u.id and r.status = 'dismissed'
                ) as "dismissed!",
                (
                    select count(*) from reports r where r.reporter_id = u.id and r.status = 'action_taken'
                ) as "action_taken!",
                (
                    select count(distinct other.user_id)
                    from banned_devices mine
                    join sanctions s on s.id = mine.sanction_id and s.user_id = u.id
                    join devices other on sha256(convert_to(other.fcm_token, 'UTF8')) = mine.token_digest
                    where other.user_id <> u.id
                ) as "linked!"
            from users u
            where u.id = $1
            "#,
            user.0,
            now,
            now - strikes::COUNTS,
        )
        .fetch_optional(self.0.pool())
        .await?
        .ok_or(Error::UserNotFound)?;
        let page = PageRequest { limit: 20, cursor: None };
        let sanctions = self.sanctions(Staff::OPERATOR, Some(user), None, &page).await?.items;
        let account_status = match row.status {
            AccountStatus::Active => "active",
            AccountStatus::Suspended => "suspended",
            AccountStatus::Banned => "banned",
            AccountStatus::Deleted => "deleted",
        };
        Ok(Person {
            user: PersonSummary {
                id: user,
                username: row.username,
                full_name: row.full_name,
                avatar: row.avatar,
            },
            bio: row.bio,
            language: row.language,
            role: row.role,
            account_status: account_status.to_owned(),
            status_until: row.status_until,
            room_muted_until: row.room_muted_until,
            wallet_frozen_at: row.wallet_frozen_at,
            created_at: row.created_at,
            last_seen: row.last_seen,
            is_premium: row.is_premium,
            strikes: row.strikes,
            open_cases: row.open,
            decided_cases: row.decided,
            reports: ReporterRecord::new(row.filed, row.dismissed, row.action_taken, row.reports_muted_until),
            linked_accounts: row.linked,
            sanctions,
        })
    }

    /// Has somebody's lighter reports not be taken for so many days, or takes them again (0).
    pub async fn mute_reporter(
        &self,
        staff: Staff,
        user: UserId,
        days: u16,
        note: &str,
    ) -> Result<(), Error> {
        let me = staff.require_named(Duty::MuteReporter)?;
        let mut problems = Problems::default();
        problems.check("days", days <= 365, "must be 0 to 365");
        let note = problems.take("note", text::clean(note, 1..=500));
        problems.none()?;
        if me == user {
            return Err(Error::OwnCase);
        }
        let now = self.0.clock().now();
        let until = (days > 0).then(|| now + chrono::TimeDelta::days(days.into()));
        let mut tx = self.0.pool().begin().await?;
        let done = sqlx::query!(
            "update users set reports_muted_until = $2 where id = $1 and status <> 'deleted'",
            user.0,
            until,
        )
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            return Err(Error::UserNotFound);
        }
        let details = json!({ "until": until, "note": note });
        self.log(&mut tx, staff, "reporter.mute", Subject::User(user.0), details).await?;
        tx.commit().await?;
        Ok(())
    }
}

impl ReporterRecord {
    fn new(filed: i64, dismissed: i64, action_taken: i64, muted_until: Option<DateTime<Utc>>) -> Self {
        let decided = dismissed + action_taken;
        #[expect(clippy::cast_precision_loss, reason = "reports of one person")]
        let false_rate = (decided > 0).then(|| dismissed as f64 / decided as f64);
        Self { filed, dismissed, action_taken, false_rate, muted_until }
    }
}
