//! Sessions: one a login. Opened by [`super::sign_in`], kept alive by refreshing, ended by logout, by their owner
//! from another device, or by a refresh token that comes a second time.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::{Accounts, Caller, Client, Error, Role, Status, TokenPair};
use crate::error::Problems;
use crate::ids::{SessionId, UserId};
use crate::limits::Act;
use crate::moderation::tools;
use crate::page::{Page, PageRequest};

/// Why a session was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Because {
    Logout,
    LogoutOthers,
    RefreshReused,
    Suspended,
    Banned,
    Deleted,
}

impl Because {
    /// What its token is told from then on.
    pub fn error(self) -> Error {
        match self {
            Self::Suspended | Self::Banned => Error::Suspended,
            Self::Logout | Self::LogoutOthers | Self::RefreshReused | Self::Deleted => Error::SessionRevoked,
        }
    }
}

/// A session was ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Revocation {
    pub session_id: SessionId,
    pub user_id: UserId,
    pub because: Because,
    /// Until when it must be remembered: its last access token dies then.
    pub until: DateTime<Utc>,
}

/// A login, as its owner sees it.
#[derive(Clone, Debug)]
pub struct Session {
    pub id: SessionId,
    pub user_agent: Option<String>,
    pub platform: Option<String>,
    /// What it was made for, if not the app.
    pub tool: Option<String>,
    pub created_at: DateTime<Utc>,
    pub last_used_at: DateTime<Utc>,
    pub current: bool,
}

/// Which sessions to end.
#[derive(Clone, Copy)]
enum Which {
    One(SessionId),
    AllBut(SessionId),
    All,
}

const LIST: &str = "sessions";

impl Accounts<'_> {
    /// Whom an access token speaks for, from memory alone: no database, no Redis.
    pub fn authenticate(&self, token: &str) -> Result<Caller, Error> {
        let caller = self.0.tokens().read_access(token, self.0.clock().now())?;
        self.check(&caller).map(|()| caller)
    }

    /// Whose an access token is or was, for counting only: it proves nothing any more.
    pub fn owner(&self, token: &str) -> Option<UserId> {
        self.0.tokens().owner(token)
    }

    /// Is this login still going? What a socket asks that was let in long ago; from memory alone as well.
    pub fn check(&self, caller: &Caller) -> Result<(), Error> {
        self.0.revocations().because(caller.session_id).map_or(Ok(()), |because| Err(because.error()))
    }

    /// A new session with its tokens; the device, if it gave a push token, comes along. One statement.
    pub(super) async fn open(
        &self,
        db: impl PgExecutor<'_>,
        user: UserId,
        role: Role,
        client: &Client,
        fcm_token: Option<&str>,
        access_ttl: Duration,
    ) -> Result<TokenPair, sqlx::Error> {
        let agent = client.user_agent.as_deref().map(|agent| agent.chars().take(200).collect::<String>());
        self.write(db, user, role, agent.as_deref(), fcm_token, access_ttl, None).await
    }

    /// A login of somebody of the staff on a tool: short, and not prolonged.
    pub(crate) async fn open_for_tool(
        &self,
        db: impl PgExecutor<'_>,
        user: UserId,
        role: Role,
        tool: &str,
    ) -> Result<TokenPair, sqlx::Error> {
        self.write(db, user, role, Some(tool), None, self.0.tokens().access_ttl, Some(tool)).await
    }

    #[expect(clippy::too_many_arguments, reason = "the columns of one row")]
    async fn write(
        &self,
        db: impl PgExecutor<'_>,
        user: UserId,
        role: Role,
        agent: Option<&str>,
        fcm_token: Option<&str>,
        access_ttl: Duration,
        tool: Option<&str>,
    ) -> Result<TokenPair, sqlx::Error> {
        let (banter, now) = (self.0, self.0.clock().now());
        let until = match tool {
            None => now + banter.tokens().refresh_ttl,
            Some(_) => now + tools::TOOL_LIFE,
        };
        let session = SessionId(banter.ids().uuid(now));
        let refresh_id = banter.ids().uuid(now);
        sqlx::query!(
            r#"
            with session as (
                insert into sessions
                    (id, user_id, refresh_id, refresh_expires_at, access_expires_at, user_agent, created_at, last_used_at,
                     tool)
                values ($1, $2, $3, $4, $5, $6, $7, $7, $9)
                returning id
            )
            insert into devices (session_id, user_id, fcm_token, platform, updated_at)
            select id, $2, $8, 'unknown', $7 from session where $8::text is not null
            on conflict (fcm_token) do update
            set session_id = excluded.session_id, user_id = excluded.user_id, updated_at = excluded.updated_at
            "#,
            session.0,
            user.0,
            refresh_id,
            until,
            now + access_ttl,
            agent,
            now,
            fcm_token,
            tool,
        )
        .execute(db)
        .await?;
        Ok(TokenPair {
            access: banter.tokens().access(user, session, role, now, access_ttl),
            refresh: banter.tokens().refresh(user, session, refresh_id, now),
        })
    }

    /// A new access token. With `rotate` a new refresh token too, and the old one must never come again: whoever
    /// brings it then, thief or owner, ends the session for both.
    pub async fn refresh(&self, token: &str, rotate: bool) -> Result<(String, Option<String>), Error> {
        let (banter, now) = (self.0, self.0.clock().now());
        let claims = banter.tokens().read_refresh(token, now)?;
        banter.limits().take(Act::Refresh, &claims.sid.to_string()).await?;
        let next_id = if rotate { banter.ids().uuid(now) } else { claims.jti };
        let access_ttl = banter.tokens().access_ttl;
        let refreshed = sqlx::query!(
            r#"
            update sessions s
            set refresh_id = $3,
                refresh_expires_at = case when $4 and s.tool is null then $5 else s.refresh_expires_at end,
                access_expires_at = greatest(s.access_expires_at, $6),
                last_used_at = $7
            from users u
            where s.id = $1
              and s.refresh_id = $2
              and s.revoked_at is null
              and s.refresh_expires_at > $7
              and u.id = s.user_id
              and (u.status = 'active' or (u.status = 'suspended' and u.status_until <= $7))
            returning u.role as "role: Role"
            "#,
            claims.sid.0,
            claims.jti,
            next_id,
            rotate,
            now + banter.tokens().refresh_ttl,
            now + access_ttl,
            now,
        )
        .fetch_optional(banter.pool())
        .await?;
        let Some(refreshed) = refreshed else {
            return Err(self.why_not_refreshed(claims.sid, claims.jti, now).await?);
        };
        let access = banter.tokens().access(claims.sub, claims.sid, refreshed.role, now, access_ttl);
        let next = rotate.then(|| banter.tokens().refresh(claims.sub, claims.sid, next_id, now));
        Ok((access, next))
    }

    async fn why_not_refreshed(
        &self,
        session: SessionId,
        jti: Uuid,
        now: DateTime<Utc>,
    ) -> Result<Error, sqlx::Error> {
        let found = sqlx::query!(
            r#"
            select
                s.user_id as "user_id: UserId",
                s.refresh_id,
                s.revoked_at is not null as "revoked!",
                u.status as "status: Status",
                u.status_until
            from sessions s join users u on u.id = s.user_id
            where s.id = $1
            "#,
            session.0,
        )
        .fetch_optional(self.0.pool())
        .await?;
        let Some(found) = found else { return Ok(Error::RefreshInvalid) };
        if !found.status.allows_sign_in(found.status_until, now) {
            return Ok(Error::Suspended);
        }
        if found.revoked || found.refresh_id == jti {
            return Ok(Error::RefreshInvalid); // ended, or past its time
        }
        tracing::warn!(%session, "a refresh token came a second time");
        self.end(found.user_id, Which::One(session), Because::RefreshReused).await?;
        Ok(Error::RefreshReused)
    }

    /// Ends the caller's own login, and its push.
    pub async fn log_out(&self, caller: &Caller) -> Result<(), Error> {
        self.end(caller.user_id, Which::One(caller.session_id), Because::Logout).await?;
        Ok(())
    }

    /// Ends one of the caller's logins, perhaps the one that asks.
    pub async fn end_session(&self, caller: &Caller, session: SessionId) -> Result<(), Error> {
        match self.end(caller.user_id, Which::One(session), Because::LogoutOthers).await? {
            0 => Err(Error::SessionNotFound),
            _ => Ok(()),
        }
    }

    /// Ends every login of the caller's but the one that asks; how many.
    pub async fn end_other_sessions(&self, caller: &Caller) -> Result<usize, Error> {
        Ok(self.end(caller.user_id, Which::AllBut(caller.session_id), Because::LogoutOthers).await?)
    }

    async fn end(&self, user: UserId, which: Which, because: Because) -> Result<usize, sqlx::Error> {
        let ended = self.end_in(self.0.pool(), user, which, because).await?;
        Ok(self.tell_ended(ended))
    }

    /// Ends every login of somebody's, in the caller's transaction; [`Self::tell_ended`] follows its commit.
    pub(super) async fn end_all(
        &self,
        db: impl PgExecutor<'_>,
        user: UserId,
        because: Because,
    ) -> Result<Vec<Revocation>, sqlx::Error> {
        self.end_in(db, user, Which::All, because).await
    }

    async fn end_in(
        &self,
        db: impl PgExecutor<'_>,
        user: UserId,
        which: Which,
        because: Because,
    ) -> Result<Vec<Revocation>, sqlx::Error> {
        let now = self.0.clock().now();
        let (one, but) = match which {
            Which::One(session) => (Some(session.0), None),
            Which::AllBut(session) => (None, Some(session.0)),
            Which::All => (None, None),
        };
        let ended = sqlx::query!(
            r#"
            with ended as (
                update sessions
                set revoked_at = $4, revoked_because = $5
                where user_id = $1
                  and revoked_at is null
                  and ($2::uuid is null or id = $2)
                  and ($3::uuid is null or id <> $3)
                returning id, access_expires_at
            ),
            silenced as (delete from devices using ended where devices.session_id = ended.id),
            -- Whoever talks on it hangs up, and leaves.
            leaving as (
                insert into jobs (id, kind, payload, run_at, created_at)
                select
                    gen_random_uuid(),
                    'leave_with_login',
                    jsonb_build_object('user_id', $1::uuid, 'session_id', ended.id),
                    $4,
                    $4
                from ended
                where exists (select from call_participants p where p.session_id = ended.id and p.state = 'joined')
                   or exists (select from chat_room_members m where m.session_id = ended.id)
            )
            select id as "id: SessionId", access_expires_at from ended
            "#,
            user.0,
            one,
            but,
            now,
            because as Because,
        )
        .fetch_all(db)
        .await?;
        let revocations = ended.into_iter().map(|row| Revocation {
            session_id: row.id,
            user_id: user,
            because,
            until: row.access_expires_at,
        });
        Ok(revocations.collect())
    }

    /// Tells every replica; how many logins that were.
    pub(super) fn tell_ended(&self, ended: Vec<Revocation>) -> usize {
        let count = ended.len();
        ended.into_iter().for_each(|revocation| self.0.bus().revoked(revocation));
        self.0.jobs().wake();
        count
    }

    /// The caller's logins that can still be used, newest first.
    pub async fn sessions(&self, caller: &Caller, page: &PageRequest) -> Result<Page<Session>, Error> {
        let after: Option<SessionId> =
            page.after(LIST).map_err(|problem| Problems::one("cursor", problem))?;
        let rows = sqlx::query!(
            r#"
            select
                s.id as "id: SessionId",
                s.user_agent,
                d.platform as "platform?",
                s.tool,
                s.created_at,
                s.last_used_at
            from sessions s left join devices d on d.session_id = s.id
            where s.user_id = $1
              and s.revoked_at is null
              and s.refresh_expires_at > $2
              and ($3::uuid is null or s.id < $3)
            order by s.id desc
            limit $4
            "#,
            caller.user_id.0,
            self.0.clock().now(),
            after.map(|id| id.0),
            page.fetch(),
        )
        .fetch_all(self.0.pool())
        .await?;
        let sessions = rows
            .into_iter()
            .map(|row| Session {
                id: row.id,
                user_agent: row.user_agent,
                platform: row.platform,
                tool: row.tool,
                created_at: row.created_at,
                last_used_at: row.last_used_at,
                current: row.id == caller.session_id,
            })
            .collect();
        Ok(Page::cut(sessions, page, LIST, |session| session.id))
    }
}
