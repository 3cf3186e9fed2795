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
//! What an act does to the account, rooms and messages: [`effects`](super::effects) · [`second`] the second person, and
//! taking back · [`lists`]

mod lists;
mod second;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use super::audit::Subject;
use super::effects::After;
use super::reasons::Reason;
use super::roles::Duty;
use super::{Error, MODERATORS_LONGEST, Moderation, Staff, notices, strikes};
use crate::accounts::administration::turn;
use crate::accounts::{PersonSummary, Role};
use crate::error::{Problems, violates};
use crate::events::{Event, ModerationNotice};
use crate::ids::{CaseId, SanctionId, UserId};
use crate::notifications::{self, News};
use crate::text;

pub(super) use second::Locked;

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

impl Moderation<'_> {
    /// Does something to somebody without a case.
    pub async fn sanction(&self, staff: Staff, user: UserId, order: &Order) -> Result<Sanction, Error> {
        if matches!(order.action, Action::RemoveMessage | Action::RemoveCover | Action::CloseRoom) {
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

    /// Tells the person, on the screen and in the inbox.
    pub(super) async fn tell_notice(
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
}
