//! Sanctions as staff reads them, and as those to whom they were done.

use std::collections::HashMap;

use uuid::Uuid;

use super::{Action, MySanction, Sanction, State};
use crate::accounts::{Caller, PersonSummary};
use crate::error::Problems;
use crate::ids::{CaseId, SanctionId, UserId};
use crate::moderation::reasons::Reason;
use crate::moderation::roles::Duty;
use crate::moderation::{Error, Moderation, Staff};
use crate::page::{Page, PageRequest};

const LIST: &str = "sanctions";

impl Moderation<'_> {
    pub(in crate::moderation) async fn sanction_of(&self, id: SanctionId) -> Result<Sanction, Error> {
        self.sanctions_of(&[id]).await?.remove(&id).ok_or(Error::SanctionNotFound)
    }

    pub(in crate::moderation) async fn sanctions_of(
        &self,
        ids: &[SanctionId],
    ) -> Result<HashMap<SanctionId, Sanction>, sqlx::Error> {
        let found = self.sanctions_where(Some(ids), None, None, None, i64::MAX).await?;
        Ok(found.into_iter().map(|sanction| (sanction.id, sanction)).collect())
    }

    /// Sanctions, newest first: all, of one person, or those that wait for a second person.
    pub async fn sanctions(
        &self,
        staff: Staff,
        user: Option<UserId>,
        state: Option<State>,
        page: &PageRequest,
    ) -> Result<Page<Sanction>, Error> {
        staff.require(Duty::SeePrivate)?;
        let after: Option<SanctionId> =
            page.after(LIST).map_err(|problem| Problems::one("cursor", problem))?;
        let rows = self.sanctions_where(None, user, state, after, page.fetch()).await?;
        Ok(Page::cut(rows, page, LIST, |sanction| sanction.id))
    }

    async fn sanctions_where(
        &self,
        ids: Option<&[SanctionId]>,
        user: Option<UserId>,
        state: Option<State>,
        after: Option<SanctionId>,
        limit: i64,
    ) -> Result<Vec<Sanction>, sqlx::Error> {
        let rows = sqlx::query!(
            r#"
            select
                s.id as "id: SanctionId",
                s.user_id as "user_id: UserId",
                s.case_id as "case_id: CaseId",
                s.kind as "action: Action",
                s.subject_id,
                s.policy as "policy: Reason",
                s.notice,
                s.note,
                s.state as "state: State",
                s.strikes,
                a.id as "actor_id: UserId",
                a.username,
                a.full_name,
                a.avatar,
                s.until,
                s.created_at,
                s.decided_by as "decided_by: UserId",
                s.decided_at,
                s.reversed_by as "reversed_by: UserId",
                s.reversed_at,
                s.reversal
            from sanctions s
            join users a on a.id = s.actor_id
            where ($1::uuid[] is null or s.id = any($1))
              and ($2::uuid is null or s.user_id = $2)
              and ($3::text is null or s.state = $3)
              and ($4::uuid is null or s.id < $4)
            order by s.id desc
            limit $5
            "#,
            ids.map(|ids| ids.iter().map(|id| id.0).collect::<Vec<_>>()) as Option<Vec<Uuid>>,
            user.map(|id| id.0),
            state as Option<State>,
            after.map(|id| id.0),
            limit,
        )
        .fetch_all(self.0.pool())
        .await?;
        let sanctions = rows.into_iter().map(|row| Sanction {
            id: row.id,
            user_id: row.user_id,
            case_id: row.case_id,
            action: row.action,
            subject_id: row.subject_id,
            policy: row.policy,
            notice: row.notice,
            note: row.note,
            state: row.state,
            strikes: row.strikes,
            actor: PersonSummary {
                id: row.actor_id,
                username: row.username,
                full_name: row.full_name,
                avatar: row.avatar,
            },
            until: row.until,
            created_at: row.created_at,
            decided_by: row.decided_by,
            decided_at: row.decided_at,
            reversed_by: row.reversed_by,
            reversed_at: row.reversed_at,
            reversal: row.reversal,
        });
        Ok(sanctions.collect())
    }

    /// What was done to the caller, newest first.
    pub async fn my_sanctions(&self, caller: &Caller, page: &PageRequest) -> Result<Page<MySanction>, Error> {
        let after: Option<SanctionId> =
            page.after(LIST).map_err(|problem| Problems::one("cursor", problem))?;
        let rows = self.sanctions_on(caller.user_id, after, page.fetch()).await?;
        Ok(Page::cut(rows, page, LIST, |sanction| sanction.id))
    }

    pub(in crate::moderation) async fn sanctions_on(
        &self,
        user: UserId,
        after: Option<SanctionId>,
        limit: i64,
    ) -> Result<Vec<MySanction>, sqlx::Error> {
        sqlx::query_as!(
            MySanction,
            r#"
            select
                s.id as "id: SanctionId",
                s.kind as "action: Action",
                s.policy as "policy: Reason",
                s.notice,
                s.state as "state: State",
                case when s.state = 'in_force' then s.until end as until,
                s.created_at,
                s.state in ('proposed', 'in_force') and a.id is null as "can_appeal!",
                a.state as "appeal?: super::super::appeals::State",
                a.answer as "answer?"
            from sanctions s
            left join appeals a on a.sanction_id = s.id
            where s.user_id = $1
              and ($2::uuid is null or s.id < $2)
              -- A freeze that nobody agreed to never was.
              and not (s.kind = 'freeze_wallet' and s.state in ('proposed', 'refused'))
            order by s.id desc
            limit $3
            "#,
            user.0,
            after.map(|id| id.0),
            limit,
        )
        .fetch_all(self.0.pool())
        .await
    }
}
