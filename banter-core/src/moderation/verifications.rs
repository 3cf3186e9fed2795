//! Is somebody who they say they are? Staff compares a document with a face, once; then both pictures go.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::audit::Subject;
use super::roles::Duty;
use super::{Error, Moderation, Staff};
use crate::accounts::PersonSummary;
use crate::error::Problems;
use crate::ids::{UserId, VerificationId};
use crate::media::Purpose;
use crate::media::verification::Status;
use crate::notifications::{Kind, News};
use crate::page::{Page, PageRequest};
use crate::text;

/// Somebody's request before staff.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = VerificationRequest)]
pub struct Request {
    pub id: VerificationId,
    pub user: PersonSummary,
    pub status: Status,
    /// Why it was rejected.
    pub reason: Option<String>,
    pub created_at: DateTime<Utc>,
    pub decided_at: Option<DateTime<Utc>>,
    pub decided_by: Option<UserId>,
}

/// What they showed, behind links that end within the hour.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ShownVerification)]
pub struct Shown {
    pub request: Request,
    /// Null: it is decided, and the pictures are gone.
    pub document: Option<String>,
    pub selfie: Option<String>,
}

const LIST: &str = "verifications";

impl Moderation<'_> {
    /// Requests that stand so, oldest first.
    pub async fn verifications(
        &self,
        staff: Staff,
        status: Status,
        page: &PageRequest,
    ) -> Result<Page<Request>, Error> {
        staff.require(Duty::Verify)?;
        let after: Option<VerificationId> =
            page.after(LIST).map_err(|problem| Problems::one("cursor", problem))?;
        let rows = sqlx::query!(
            r#"
            select
                v.id as "id: VerificationId",
                v.user_id as "user_id: UserId",
                u.username,
                u.full_name,
                u.avatar,
                v.reason,
                v.created_at,
                v.decided_at,
                v.decided_by as "decided_by: UserId"
            from verifications v
            join users u on u.id = v.user_id and u.status <> 'deleted'
            where v.status = $1 and ($2::uuid is null or v.id > $2)
            order by v.id
            limit $3
            "#,
            status as Status,
            after.map(|id| id.0),
            page.fetch(),
        )
        .fetch_all(self.0.pool())
        .await?;
        let requests = rows.into_iter().map(|row| Request {
            id: row.id,
            user: PersonSummary {
                id: row.user_id,
                username: row.username,
                full_name: row.full_name,
                avatar: row.avatar,
            },
            status,
            reason: row.reason,
            created_at: row.created_at,
            decided_at: row.decided_at,
            decided_by: row.decided_by,
        });
        Ok(Page::cut(requests.collect(), page, LIST, |request| request.id))
    }

    /// One request with what they showed. The look is written down.
    pub async fn verification(&self, staff: Staff, id: VerificationId) -> Result<Shown, Error> {
        staff.require(Duty::Verify)?;
        let mut tx = self.0.pool().begin().await?;
        let row = sqlx::query!(
            r#"
            select
                v.user_id as "user_id: UserId",
                u.username,
                u.full_name,
                u.avatar,
                v.status as "status: Status",
                v.reason,
                v.created_at,
                v.decided_at,
                v.decided_by as "decided_by: UserId",
                d.object_key as "document?",
                s.object_key as "selfie?"
            from verifications v
            join users u on u.id = v.user_id
            left join uploads d on d.id = v.document_upload_id and d.doomed_at is null
            left join uploads s on s.id = v.selfie_upload_id and s.doomed_at is null
            where v.id = $1
            "#,
            id.0,
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Error::VerificationNotFound)?;
        if staff.id() == Some(row.user_id) {
            return Err(Error::OwnCase);
        }
        let details = json!({ "user": row.user_id });
        self.log(&mut tx, staff, "verification.look", Subject::Verification(id.0), details).await?;
        tx.commit().await?;
        let link = |name: Option<String>| {
            name.filter(|_| row.status == Status::Pending)
                .map(|name| self.0.media().private_link(Purpose::Verification, &name))
        };
        Ok(Shown {
            document: link(row.document),
            selfie: link(row.selfie),
            request: Request {
                id,
                user: PersonSummary {
                    id: row.user_id,
                    username: row.username,
                    full_name: row.full_name,
                    avatar: row.avatar,
                },
                status: row.status,
                reason: row.reason,
                created_at: row.created_at,
                decided_at: row.decided_at,
                decided_by: row.decided_by,
            },
        })
    }

    /// Says that they are who they say: their profile shows the badge.
    pub async fn approve_verification(&self, staff: Staff, id: VerificationId) -> Result<(), Error> {
        self.decide_verification(staff, id, None).await
    }

    /// Says that it cannot be seen, and why, which they read.
    pub async fn reject_verification(
        &self,
        staff: Staff,
        id: VerificationId,
        reason: &str,
    ) -> Result<(), Error> {
        let reason = text::clean(reason, 1..=500).map_err(|problem| Problems::one("reason", problem))?;
        self.decide_verification(staff, id, Some(&reason)).await
    }

    /// Once. The pictures go with it.
    async fn decide_verification(
        &self,
        staff: Staff,
        id: VerificationId,
        rejected: Option<&str>,
    ) -> Result<(), Error> {
        let me = staff.require_named(Duty::Verify)?;
        let now = self.0.clock().now();
        let mut tx = self.0.pool().begin().await?;
        let found = sqlx::query!(
            r#"
            select user_id as "user: UserId", status as "status: Status" from verifications where id = $1 for update
            "#,
            id.0,
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Error::VerificationNotFound)?;
        if found.user == me {
            return Err(Error::OwnCase);
        }
        if found.status != Status::Pending {
            return Err(Error::VerificationDecided);
        }
        let status = if rejected.is_some() { Status::Rejected } else { Status::Approved };
        sqlx::query!(
            r#"
            with decided as (
                update verifications
                set status = $2, reason = $3, decided_at = $4, decided_by = $5
                where id = $1
                returning user_id, document_upload_id, selfie_upload_id
            ),
            badge as (
                update users u set identity_verified_at = $4 from decided d where u.id = d.user_id and $2 = 'approved'
            )
            update uploads u
            set doomed_at = $4
            from decided d
            where u.id in (d.document_upload_id, d.selfie_upload_id) and u.doomed_at is null
            "#,
            id.0,
            status as Status,
            rejected,
            now,
            me.0,
        )
        .execute(&mut *tx)
        .await?;
        let news = News { to: found.user, kind: Kind::VerificationDecided, actor: None, subject: Some(id.0) };
        let added = self.0.notifications().add_all(&mut tx, vec![news]).await?;
        let act = if rejected.is_some() { "verification.reject" } else { "verification.approve" };
        let details = json!({ "user": found.user, "reason": rejected });
        self.log(&mut tx, staff, act, Subject::Verification(id.0), details).await?;
        tx.commit().await?;
        for added in added {
            self.0.notifications().tell(added).await;
        }
        Ok(())
    }
}
