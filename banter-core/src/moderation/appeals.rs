//! The sanctioned person's own word, once for each sanction, and the answer of somebody who had no hand in it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::audit::Subject;
use super::roles::Duty;
use super::sanctions::{self, MySanction, Sanction};
use super::{Error, Moderation, Staff};
use crate::accounts::{Caller, Client};
use crate::error::{Problems, violates};
use crate::ids::{AppealId, SanctionId, UserId};
use crate::limits::Act;
use crate::page::{Page, PageRequest};
use crate::text;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[schema(as = AppealState)]
pub enum State {
    Open,
    /// The sanction stands.
    Upheld,
    /// The sanction was taken back.
    Overturned,
}

/// An appeal as staff sees it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Appeal {
    pub id: AppealId,
    pub words: String,
    #[schema(inline)]
    pub state: State,
    pub answer: Option<String>,
    pub created_at: DateTime<Utc>,
    pub decided_at: Option<DateTime<Utc>>,
    pub decided_by: Option<UserId>,
    pub sanction: Sanction,
}

const LIST: &str = "appeals";

impl Moderation<'_> {
    /// Says something against a sanction of the caller's own.
    pub async fn appeal(&self, caller: &Caller, id: SanctionId, words: &str) -> Result<MySanction, Error> {
        self.0.limits().take(Act::Report, &caller.user_id.to_string()).await?;
        self.appeal_of(caller.user_id, id, words).await
    }

    /// What keeps somebody out who cannot sign in, newest first: by the same Firebase token that was refused.
    pub async fn standing(&self, firebase_token: &str, client: &Client) -> Result<Vec<MySanction>, Error> {
        let user = self.0.accounts().known_by(firebase_token, client).await?;
        Ok(self.sanctions_on(user, None, 20).await?)
    }

    /// The same as [`appeal`](Self::appeal), by a Firebase token.
    pub async fn appeal_signed_out(
        &self,
        firebase_token: &str,
        client: &Client,
        id: SanctionId,
        words: &str,
    ) -> Result<MySanction, Error> {
        let user = self.0.accounts().known_by(firebase_token, client).await?;
        self.appeal_of(user, id, words).await
    }

    async fn appeal_of(&self, user: UserId, id: SanctionId, words: &str) -> Result<MySanction, Error> {
        let words = text::clean(words, 1..=2000).map_err(|problem| Problems::one("words", problem))?;
        let now = self.0.clock().now();
        let mut tx = self.0.pool().begin().await?;
        let found = self.lock_sanction(&mut tx, id).await?;
        let hidden =
            found.action == sanctions::Action::FreezeWallet && found.state == sanctions::State::Proposed;
        if found.user != user || hidden {
            return Err(Error::SanctionNotFound);
        }
        match found.state {
            sanctions::State::Proposed | sanctions::State::InForce => {}
            sanctions::State::Refused | sanctions::State::Reversed => return Err(Error::NotInForce),
        }
        sqlx::query!(
            "insert into appeals (id, sanction_id, words, created_at) values ($1, $2, $3, $4)",
            self.0.ids().uuid(now),
            id.0,
            words,
            now,
        )
        .execute(&mut *tx)
        .await
        .map_err(|error| match () {
            () if violates(&error, "appeals_sanction_id_key") => Error::AlreadyAppealed,
            () => error.into(),
        })?;
        tx.commit().await?;
        let mine = self.sanctions_on(user, None, 100).await?;
        mine.into_iter().find(|sanction| sanction.id == id).ok_or(Error::SanctionNotFound)
    }

    /// Appeals, oldest first: those that wait, or all of a state.
    pub async fn appeals(
        &self,
        staff: Staff,
        state: State,
        page: &PageRequest,
    ) -> Result<Page<Appeal>, Error> {
        staff.require(Duty::SeePrivate)?;
        let after: Option<AppealId> = page.after(LIST).map_err(|problem| Problems::one("cursor", problem))?;
        let rows = sqlx::query!(
            r#"
            select
                id as "id: AppealId",
                sanction_id as "sanction: SanctionId",
                words,
                state as "state: State",
                answer,
                created_at,
                decided_at,
                decided_by as "decided_by: UserId"
            from appeals
            where state = $1 and ($2::uuid is null or id > $2)
            order by id
            limit $3
            "#,
            state as State,
            after.map(|id| id.0),
            page.fetch(),
        )
        .fetch_all(self.0.pool())
        .await?;
        let of: Vec<SanctionId> = rows.iter().map(|row| row.sanction).collect();
        let mut sanctions = self.sanctions_of(&of).await?;
        let appeals = rows.into_iter().filter_map(|row| {
            Some(Appeal {
                id: row.id,
                words: row.words,
                state: row.state,
                answer: row.answer,
                created_at: row.created_at,
                decided_at: row.decided_at,
                decided_by: row.decided_by,
                sanction: sanctions.remove(&row.sanction)?,
            })
        });
        Ok(Page::cut(appeals.collect(), page, LIST, |appeal| appeal.id))
    }

    /// Answers an appeal: the sanction stands, or is taken back. Not by anybody who had a hand in it.
    pub async fn decide_appeal(
        &self,
        staff: Staff,
        id: AppealId,
        overturn: bool,
        answer: &str,
    ) -> Result<Sanction, Error> {
        let me = staff.require_named(Duty::DecideAppeals)?;
        let answer = text::clean(answer, 1..=2000).map_err(|problem| Problems::one("answer", problem))?;
        let mut tx = self.0.pool().begin().await?;
        let of =
            sqlx::query_scalar!(r#"select sanction_id as "id: SanctionId" from appeals where id = $1"#, id.0)
                .fetch_optional(&mut *tx)
                .await?
                .ok_or(Error::AppealNotFound)?;
        let found = self.lock_sanction(&mut tx, of).await?;
        if found.user == me {
            return Err(Error::OwnCase);
        }
        if found.actor == me || found.decided_by == Some(me) {
            return Err(Error::SecondPersonNeeded);
        }
        let decided = sqlx::query!(
            r#"
            update appeals
            set state = $2, answer = $3, decided_by = $4, decided_at = $5
            where id = $1 and state = 'open'
            "#,
            id.0,
            if overturn { State::Overturned } else { State::Upheld } as State,
            answer,
            me.0,
            self.0.clock().now(),
        )
        .execute(&mut *tx)
        .await?;
        if decided.rows_affected() == 0 {
            return Err(Error::AppealDecided);
        }
        if overturn {
            self.take_back(&mut tx, me, &found, &answer).await?;
        }
        let act = if overturn { "appeal.overturn" } else { "appeal.uphold" };
        self.log(&mut tx, staff, act, Subject::Appeal(id.0), json!({ "sanction": of, "user": found.user }))
            .await?;
        tx.commit().await?;
        self.sanction_of(of).await
    }
}
