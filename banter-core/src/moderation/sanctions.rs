//! What staff do to somebody, why, until when, and how it is taken back.
//!
//! ```text
//!             ┌─refused (second person)
//! proposed ───┤                            ban, freeze
//!             └─in_force ──reversed
//! in_force ─────────────────reversed       everything else
//! ```
//!
//! A ban keeps somebody out from the moment it is proposed, for [`INTERIM`]; for good only once a second person agrees.
//! What an act does to the account, rooms and messages: [`effects`](super::effects).

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use super::audit::Subject;
use super::cases::note_of;
use super::effects::After;
use super::reasons::Reason;
use super::roles::Duty;
use super::{Error, MODERATORS_LONGEST, Moderation, Staff, notices, strikes};
use crate::accounts::administration::turn;
use crate::accounts::{Caller, PersonSummary, Role};
use crate::error::{Problems, violates};
use crate::events::{Event, ModerationNotice};
use crate::ids::{CaseId, SanctionId, UserId};
use crate::notifications::{self, News};
use crate::page::{Page, PageRequest};
use crate::text;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = SanctionAction)]
pub enum Action {
    Warn,
    RemoveMessage,
    /// Heard, and writes, in no room for a while.
    Mute,
    Suspend,
    /// For good, with every phone of theirs.
    Ban,
    RemoveAvatar,
    RemoveCover,
    CloseRoom,
    /// Coins stay, and are not spent.
    FreezeWallet,
}

impl Action {
    pub const ALL: [Self; 9] = [
        Self::Warn,
        Self::RemoveMessage,
        Self::Mute,
        Self::Suspend,
        Self::Ban,
        Self::RemoveAvatar,
        Self::RemoveCover,
        Self::CloseRoom,
        Self::FreezeWallet,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::RemoveMessage => "remove_message",
            Self::Mute => "mute",
            Self::Suspend => "suspend",
            Self::Ban => "ban",
            Self::RemoveAvatar => "remove_avatar",
            Self::RemoveCover => "remove_cover",
            Self::CloseRoom => "close_room",
            Self::FreezeWallet => "freeze_wallet",
        }
    }

    /// Nobody does it alone.
    pub fn takes_two(self) -> bool {
        matches!(self, Self::Ban | Self::FreezeWallet)
    }

    /// Holds for so many days, which must be said.
    pub fn has_days(self) -> bool {
        matches!(self, Self::Mute | Self::Suspend)
    }

    fn duty(self, days: Option<u16>) -> Duty {
        match self {
            Self::Warn
            | Self::RemoveMessage
            | Self::Mute
            | Self::RemoveAvatar
            | Self::RemoveCover
            | Self::CloseRoom => Duty::Decide,
            Self::Suspend if days.is_some_and(|days| i64::from(days) > MODERATORS_LONGEST.num_days()) => {
                Duty::SuspendLong
            }
            Self::Suspend => Duty::Suspend,
            Self::Ban | Self::FreezeWallet => Duty::Propose,
        }
    }
}

impl std::str::FromStr for Action {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let names = || Self::ALL.map(Self::name).join(", ");
        Self::ALL
            .into_iter()
            .find(|action| action.name() == text)
            .ok_or_else(|| format!("must be one of {}", names()))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = SanctionState)]
pub enum State {
    /// Waits for a second person.
    Proposed,
    InForce,
    Refused,
    Reversed,
}

/// What is to be done, as it came; checked here.
#[derive(Clone, Debug)]
pub struct Order {
    pub action: Action,
    /// Which rule was broken.
    /// `None`: what the case is for; without a case it must be said.
    pub policy: Option<Reason>,
    /// For a suspension or a mute: 1 to 365.
    pub days: Option<u16>,
    /// What staff reads of it, 1 to 2,000 characters.
    pub note: String,
    /// What the person reads; by default the canned notice in their language.
    pub notice: Option<String>,
}

/// To whom, and because of what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub user: UserId,
    pub case: Option<CaseId>,
    /// The message, the room, …, if it is not done to the person.
    pub subject: Option<Uuid>,
    pub policy: Reason,
}

/// A sanction as staff sees it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sanction {
    pub id: SanctionId,
    pub user_id: UserId,
    pub case_id: Option<CaseId>,
    pub action: Action,
    pub subject_id: Option<Uuid>,
    pub policy: Reason,
    pub notice: String,
    pub note: String,
    pub state: State,
    pub strikes: i16,
    /// Whose act it was.
    pub actor: PersonSummary,
    pub until: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    /// Who agreed, or did not, where it takes two.
    pub decided_by: Option<UserId>,
    pub decided_at: Option<DateTime<Utc>>,
    pub reversed_by: Option<UserId>,
    pub reversed_at: Option<DateTime<Utc>>,
    pub reversal: Option<String>,
}

/// A sanction as the person sees it to whom it was done: not by whom.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MySanction {
    pub id: SanctionId,
    pub action: Action,
    pub policy: Reason,
    pub notice: String,
    pub state: State,
    pub until: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    /// It holds, or counts, and nothing was said against it yet.
    pub can_appeal: bool,
    #[schema(inline)]
    pub appeal: Option<super::appeals::State>,
    /// What was answered to the appeal.
    pub answer: Option<String>,
}

/// How long a ban that nobody has agreed to keeps somebody out.
pub const INTERIM: TimeDelta = TimeDelta::hours(72);
const LIST: &str = "sanctions";

impl Moderation<'_> {
    /// Does something to somebody without a case.
    pub async fn sanction(&self, staff: Staff, user: UserId, order: &Order) -> Result<Sanction, Error> {
        let subjectless =
            !matches!(order.action, Action::RemoveMessage | Action::RemoveCover | Action::CloseRoom);
        if !subjectless {
            return Err(Problems::one("action", "is for the case of a message or a room").into());
        }
        let mut tx = self.0.pool().begin().await?;
        let policy = order.policy.ok_or_else(|| Problems::one("policy", "is needed"))?;
        let target = Target { user, case: None, subject: None, policy };
        let (id, after) = self.impose(&mut tx, staff, target, order).await?;
        tx.commit().await?;
        after.carry_out(self.0).await;
        self.sanction_of(id).await
    }

    /// Writes a sanction and does what it says, in a transaction that ends with it.
    pub(super) async fn impose(
        &self,
        db: &mut PgConnection,
        staff: Staff,
        target: Target,
        order: &Order,
    ) -> Result<(SanctionId, After), Error> {
        let me = staff.require_named(order.action.duty(order.days))?;
        if me == target.user {
            return Err(Error::OwnCase);
        }
        let mut problems = Problems::default();
        let days = order.days.filter(|_| order.action.has_days());
        problems.check(
            "days",
            order.days.is_none() || order.action.has_days(),
            "is for a suspension or a mute",
        );
        problems.check(
            "days",
            !order.action.has_days() || days.is_some_and(|days| (1..=365).contains(&days)),
            "must be 1 to 365",
        );
        let note = problems.take("note", text::clean(&order.note, 1..=2000));
        let notice = order.notice.as_deref().map(|notice| text::clean(notice, 1..=2000)).transpose();
        let notice = problems.take("notice", notice).flatten();
        problems.none()?;
        let now = self.0.clock().now();
        turn(db, target.user).await?;
        let person = sqlx::query!(
            r#"select role as "role: Role", language, status = 'deleted' as "gone!" from users where id = $1"#,
            target.user.0,
        )
        .fetch_optional(&mut *db)
        .await?
        .filter(|person| !person.gone)
        .ok_or(Error::UserNotFound)?;
        if person.role > Role::User && staff.role() < Role::Admin {
            return Err(Error::StaffProtected);
        }
        let id = SanctionId(self.0.ids().uuid(now));
        let until = match order.action {
            Action::Ban => Some(now + INTERIM),
            _ => days.map(|days| now + TimeDelta::days(days.into())),
        };
        let shown_until = until.filter(|_| order.action != Action::Ban);
        let notice = notice
            .unwrap_or_else(|| notices::notice(&person.language, order.action, target.policy, shown_until));
        let state = if order.action.takes_two() { State::Proposed } else { State::InForce };
        sqlx::query!(
            r#"
            insert into sanctions
                (id, user_id, case_id, kind, subject_id, policy, notice, note, state, strikes, actor_id, until, created_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
            "#,
            id.0,
            target.user.0,
            target.case.map(|case| case.0),
            order.action as Action,
            target.subject,
            target.policy as Reason,
            notice,
            note.as_deref(),
            state as State,
            strikes::weight(order.action),
            me.0,
            until,
            now,
        )
        .execute(&mut *db)
        .await
        .map_err(|error| match () {
            () if violates(&error, "sanctions_one_proposed") => Error::AlreadyProposed,
            () => error.into(),
        })?;
        let mut after =
            self.effect(db, me, id, target, order.action, until, note.as_deref().unwrap_or_default()).await?;
        // A freeze that is only proposed is nothing to tell of yet.
        if order.action != Action::FreezeWallet {
            self.tell_notice(db, &mut after, id, target.user).await?;
        }
        let act = if state == State::Proposed { "sanction.propose" } else { "sanction.impose" };
        let details = json!({
            "user": target.user, "action": order.action, "policy": target.policy, "until": until, "case": target.case,
        });
        self.log(db, staff, act, Subject::Sanction(id.0), details).await?;
        Ok((id, after))
    }

    /// Ends all that keeps somebody out, unheard or unable to spend. What still waits for a second person is refused
    /// elsewhere.
    pub async fn restore(&self, staff: Staff, user: UserId, reason: &str) -> Result<Vec<Sanction>, Error> {
        staff.require_named(Duty::ReverseOwn)?;
        let held = sqlx::query_scalar!(
            r#"
            select id as "id: SanctionId"
            from sanctions
            where user_id = $1
              and state = 'in_force'
              and kind in ('mute', 'suspend', 'ban', 'freeze_wallet')
              and (until is null or until > $2)
            order by id desc
            limit 50
            "#,
            user.0,
            self.0.clock().now(),
        )
        .fetch_all(self.0.pool())
        .await?;
        if held.is_empty() {
            return Err(Error::NotInForce);
        }
        let mut ended = Vec::with_capacity(held.len());
        for id in held {
            ended.push(self.reverse(staff, id, reason).await?);
        }
        Ok(ended)
    }

    /// The second person agrees: it holds, for good.
    pub async fn confirm(&self, staff: Staff, id: SanctionId) -> Result<Sanction, Error> {
        let mut tx = self.0.pool().begin().await?;
        let (me, proposed) = self.second(&mut tx, staff, id).await?;
        sqlx::query!(
            "update sanctions set state = 'in_force', until = null, decided_by = $2, decided_at = $3 where id = $1",
            id.0,
            me.0,
            self.0.clock().now(),
        )
        .execute(&mut *tx)
        .await?;
        let mut after = self.confirmed(&mut tx, &proposed, me).await?;
        if let Some(case) = proposed.case {
            after.notify(
                self.close_case(&mut tx, case, super::cases::Outcome::ActionTaken, proposed.actor).await?,
            );
        }
        if proposed.action == Action::FreezeWallet {
            self.tell_notice(&mut tx, &mut after, id, proposed.user).await?;
        }
        self.log(
            &mut tx,
            staff,
            "sanction.confirm",
            Subject::Sanction(id.0),
            json!({ "user": proposed.user }),
        )
        .await?;
        tx.commit().await?;
        after.carry_out(self.0).await;
        self.sanction_of(id).await
    }

    /// The second person does not agree: it ends, and its case is open again.
    pub async fn refuse(&self, staff: Staff, id: SanctionId, note: &str) -> Result<Sanction, Error> {
        let note = note_of(note)?;
        let mut tx = self.0.pool().begin().await?;
        let (me, proposed) = self.second(&mut tx, staff, id).await?;
        sqlx::query!(
            "update sanctions set state = 'refused', decided_by = $2, decided_at = $3 where id = $1",
            id.0,
            me.0,
            self.0.clock().now(),
        )
        .execute(&mut *tx)
        .await?;
        self.undo(&mut tx, &proposed).await?;
        if let Some(case) = proposed.case {
            sqlx::query!("update cases set status = 'open' where id = $1 and status = 'awaiting'", case.0)
                .execute(&mut *tx)
                .await?;
            self.add_note(&mut tx, case, me, &note).await?;
        }
        self.log(
            &mut tx,
            staff,
            "sanction.refuse",
            Subject::Sanction(id.0),
            json!({ "user": proposed.user }),
        )
        .await?;
        tx.commit().await?;
        self.sanction_of(id).await
    }

    /// Takes a sanction back: it holds no longer, and does not count. What was removed stays removed.
    pub async fn reverse(&self, staff: Staff, id: SanctionId, reason: &str) -> Result<Sanction, Error> {
        let reason = text::clean(reason, 1..=2000).map_err(|problem| Problems::one("reason", problem))?;
        let me = staff.require_named(Duty::ReverseOwn)?;
        let mut tx = self.0.pool().begin().await?;
        let found = self.lock_sanction(&mut tx, id).await?;
        if found.actor != me {
            staff.require(Duty::Reverse)?;
        }
        self.take_back(&mut tx, me, &found, &reason).await?;
        self.log(&mut tx, staff, "sanction.reverse", Subject::Sanction(id.0), json!({ "user": found.user }))
            .await?;
        tx.commit().await?;
        self.sanction_of(id).await
    }

    pub(super) async fn take_back(
        &self,
        db: &mut PgConnection,
        me: UserId,
        found: &Locked,
        reason: &str,
    ) -> Result<(), Error> {
        if found.user == me {
            return Err(Error::OwnCase);
        }
        match found.state {
            State::InForce => {}
            State::Proposed => return Err(Error::NotConfirmed),
            State::Refused | State::Reversed => return Err(Error::NotInForce),
        }
        sqlx::query!(
            r#"
            update sanctions
            set state = 'reversed', reversed_by = $2, reversed_at = $3, reversal = $4
            where id = $1
            "#,
            found.id.0,
            me.0,
            self.0.clock().now(),
            reason,
        )
        .execute(&mut *db)
        .await?;
        self.undo(db, found).await
    }

    /// A sanction that is proposed, locked, for somebody who may be the second person.
    async fn second(
        &self,
        db: &mut PgConnection,
        staff: Staff,
        id: SanctionId,
    ) -> Result<(UserId, Locked), Error> {
        let me = staff.require_named(Duty::Confirm)?;
        let found = self.lock_sanction(db, id).await?;
        if found.user == me {
            return Err(Error::OwnCase);
        }
        if found.actor == me {
            return Err(Error::SecondPersonNeeded);
        }
        if found.state != State::Proposed {
            return Err(Error::NotProposed);
        }
        Ok((me, found))
    }

    pub(super) async fn lock_sanction(&self, db: &mut PgConnection, id: SanctionId) -> Result<Locked, Error> {
        let user =
            sqlx::query_scalar!(r#"select user_id as "user: UserId" from sanctions where id = $1"#, id.0)
                .fetch_optional(&mut *db)
                .await?
                .ok_or(Error::SanctionNotFound)?;
        // As whoever imposes one: the account first.
        turn(db, user).await?;
        sqlx::query_as!(
            Locked,
            r#"
            select
                id as "id: SanctionId",
                user_id as "user: UserId",
                case_id as "case: CaseId",
                kind as "action: Action",
                state as "state: State",
                actor_id as "actor: UserId",
                decided_by as "decided_by: UserId",
                note,
                until
            from sanctions
            where id = $1
            for update
            "#,
            id.0,
        )
        .fetch_optional(db)
        .await?
        .ok_or(Error::SanctionNotFound)
    }

    /// Tells the person, on the screen and in the inbox.
    async fn tell_notice(
        &self,
        db: &mut PgConnection,
        after: &mut After,
        id: SanctionId,
        user: UserId,
    ) -> Result<(), sqlx::Error> {
        let row = sqlx::query!(
            r#"
            select kind as "action: Action", policy as "policy: Reason", notice, state as "state: State", until
            from sanctions
            where id = $1
            "#,
            id.0,
        )
        .fetch_one(&mut *db)
        .await?;
        let notice = ModerationNotice {
            sanction_id: id,
            action: row.action,
            policy: row.policy,
            notice: row.notice,
            until: row.until.filter(|_| row.state != State::Proposed),
        };
        after.tell(vec![user], Event::ModerationNotice(notice));
        let news =
            News { to: user, kind: notifications::Kind::ModerationNotice, actor: None, subject: Some(id.0) };
        after.notify([self.0.notifications().add(db, news).await?]);
        Ok(())
    }

    pub(super) async fn sanction_of(&self, id: SanctionId) -> Result<Sanction, Error> {
        self.sanctions_of(&[id]).await?.remove(&id).ok_or(Error::SanctionNotFound)
    }

    pub(super) async fn sanctions_of(
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
        staff.require(Duty::Look)?;
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

    pub(super) async fn sanctions_on(
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
                a.state as "appeal?: super::appeals::State",
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

/// A sanction whose row, and whose person's turn, is held.
pub(super) struct Locked {
    pub id: SanctionId,
    pub user: UserId,
    pub case: Option<CaseId>,
    pub action: Action,
    pub state: State,
    pub actor: UserId,
    pub decided_by: Option<UserId>,
    pub note: String,
    pub until: Option<DateTime<Utc>>,
}
