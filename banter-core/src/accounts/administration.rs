//! What staff may do about an account: find it, suspend it, restore it, change its role, give it coins. Each act but
//! looking is written down, with its reason.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;

use super::deletion::Standing;
use super::sessions::{Because, Revocation};
use super::{Accounts, Error, Role, Status};
use crate::Banter;
use crate::error::Problems;
use crate::ids::UserId;
use crate::moderation::Staff;
use crate::moderation::audit::{self, Subject};
use crate::notifications::{self, News};
use crate::page::{Page, PageRequest};
use crate::payments::ledger::{self, Entry, Outcome};
use crate::text::{self, PhoneNumber};
use crate::voice::aftermath::Aftermath;

/// What may be done about an account's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Suspend,
    Ban,
    Restore,
    Delete,
    /// Anything that only makes sense while there is somebody: a role, coins.
    Touch,
}

/// What is done about one account, its end among it, is done one after the other: waits for what is under way, and has
/// what comes later wait for this transaction.
pub(crate) async fn turn(db: &mut PgConnection, user: UserId) -> Result<(), sqlx::Error> {
    // Of accounts, not of rows: whoever only writes to this person need not wait.
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1, 0))", format!("account:{user}"))
        .execute(db)
        .await?;
    Ok(())
}

/// Has what is done about these accounts wait for this transaction, and waits for what is under way. Others who only want
/// that do not wait for each other.
pub(crate) async fn stand_still(db: &mut PgConnection, users: &[UserId]) -> Result<(), sqlx::Error> {
    // In one order everywhere.
    let mut users = users.to_vec();
    users.sort();
    let names: Vec<String> = users.iter().map(|user| format!("account:{user}")).collect();
    sqlx::query!(
        "select pg_advisory_xact_lock_shared(hashtextextended(name, 0)) from unnest($1::text[]) as name",
        &names,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What becomes of the status.
pub fn decide(status: Status, act: Act) -> Result<Status, Error> {
    match (status, act) {
        (Status::Active | Status::Suspended, Act::Suspend) => Ok(Status::Suspended),
        (Status::Active | Status::Suspended, Act::Ban) => Ok(Status::Banned),
        (Status::Banned, Act::Suspend | Act::Ban) => Err(Error::Banned),
        (Status::Suspended | Status::Banned, Act::Restore) => Ok(Status::Active),
        (Status::Active, Act::Restore) => Err(Error::NotSuspended),
        (Status::Active | Status::Suspended | Status::Banned, Act::Delete) => Ok(Status::Deleted),
        (Status::Active | Status::Suspended | Status::Banned, Act::Touch) => Ok(status),
        (Status::Deleted, Act::Suspend | Act::Ban | Act::Restore | Act::Delete | Act::Touch) => {
            Err(Error::AlreadyDeleted)
        }
    }
}

/// Which accounts to list; everything that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub status: Option<Status>,
    pub role: Option<Role>,
    /// The beginning of a username or of a name, in any case; or a whole phone number.
    pub search: Option<String>,
}

/// An account in a list.
#[derive(Debug)]
pub struct Listed {
    pub id: UserId,
    pub username: Option<String>,
    pub full_name: String,
    /// Personal data: mask it unless somebody asked to see it.
    pub phone_number: Option<PhoneNumber>,
    pub role: Role,
    pub status: Status,
    pub status_until: Option<DateTime<Utc>>,
    pub coins: i32,
    pub created_at: DateTime<Utc>,
}

/// Coins a grant may give at most: what is above is a slip of the finger.
pub const MOST_GRANTED: i32 = 100_000;

const LIST: &str = "accounts";

/// A line of what staff did.
pub(super) struct Record<'a> {
    pub user: UserId,
    /// As `moderation_actions.kind` knows it.
    pub kind: &'a str,
    pub reason: Option<&'a str>,
    pub until: Option<DateTime<Utc>>,
    /// `None`: an operator, or the person.
    pub actor: Option<UserId>,
}

/// Somebody is to be kept out.
pub(crate) struct Shut<'a> {
    pub user: UserId,
    /// A suspension, or a ban.
    pub act: Act,
    pub until: Option<DateTime<Utc>>,
    pub reason: &'a str,
    pub actor: Option<UserId>,
}

/// Somebody who is kept out now: their logins, calls and seats are over.
#[must_use = "carry it out after the commit"]
pub(crate) struct ShutOut {
    user: UserId,
    ended: Vec<Revocation>,
    silenced: Aftermath,
}

impl ShutOut {
    pub(crate) async fn carry_out(self, banter: &Banter) {
        banter.accounts().tell_ended(self.ended);
        // What the media server did not do at once the jobs do; the act stands.
        if let Err(error) = self.silenced.carry_out_soon(banter).await {
            tracing::warn!(%error, user = %self.user, "the media server has not let go of somebody yet");
        }
    }
}

/// For cursors.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Place(UserId);

impl Accounts<'_> {
    /// Accounts that the filter lets through, newest first.
    pub async fn list(&self, filter: &Filter, page: &PageRequest) -> Result<Page<Listed>, Error> {
        let after: Option<Place> = page.after(LIST).map_err(|problem| Problems::one("cursor", problem))?;
        let search = filter.search.as_deref().map(str::trim).filter(|search| !search.is_empty());
        let prefix = search.map(|search| {
            let plain = search.to_lowercase().replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
            format!("{plain}%")
        });
        let rows = sqlx::query_as!(
            Listed,
            r#"
            select
                id as "id: UserId",
                username,
                full_name,
                phone_number as "phone_number: PhoneNumber",
                role as "role: Role",
                status as "status: Status",
                status_until,
                coins,
                created_at
            from users
            where ($1::uuid is null or id < $1)
              and ($2::text is null or status = $2)
              and ($3::text is null or role = $3)
              and ($4::text is null or lower(username) like $4 or lower(full_name) like $4 or phone_number = $5)
            order by id desc
            limit $6
            "#,
            after.map(|place| place.0.0),
            filter.status as Option<Status>,
            filter.role as Option<Role>,
            prefix,
            search,
            page.fetch(),
        )
        .fetch_all(self.0.pool())
        .await?;
        Ok(Page::cut(rows, page, LIST, |row| Place(row.id)))
    }

    /// Ends every login at once, with it sockets, calls, seats in rooms and pushes, and lets nobody sign in until then;
    /// without an end, until somebody restores it. A suspension that holds already takes the new end.
    pub async fn suspend(
        &self,
        user: UserId,
        until: Option<DateTime<Utc>>,
        reason: &str,
    ) -> Result<(), Error> {
        let now = self.0.clock().now();
        let mut problems = Problems::default();
        problems.check("until", until.is_none_or(|until| until > now), "must be in the future");
        let reason = problems.take("reason", text::clean(reason, 1..=500));
        problems.none()?;
        let mut transaction = self.0.pool().begin().await?;
        let reason = reason.expect("no problem");
        let shut = Shut { user, act: Act::Suspend, until, reason: &reason, actor: None };
        let out = self.shut_out(&mut transaction, shut).await?;
        self.audit(&mut transaction, "user.suspend", user, json!({ "until": until })).await?;
        transaction.commit().await?;
        out.carry_out(self.0).await;
        Ok(())
    }

    /// The same, or a ban, in a transaction of the caller's; carry out what it answers after the commit.
    pub(crate) async fn shut_out(&self, db: &mut PgConnection, shut: Shut<'_>) -> Result<ShutOut, Error> {
        let Shut { user, act, until, reason, actor } = shut;
        let standing = self.standing(db, user).await?;
        let next = decide(standing.status, act)?;
        if standing.role == Role::Admin {
            self.not_the_last_admin(db, user).await?;
        }
        let (kind, because) = match act {
            Act::Ban => ("banned", Because::Banned),
            Act::Suspend | Act::Restore | Act::Delete | Act::Touch => ("suspended", Because::Suspended),
        };
        let silenced = self.0.voice().silence(db, user).await?;
        self.set_status(db, Record { user, kind, reason: Some(reason), until, actor }, next).await?;
        let ended = self.end_all(&mut *db, user, because).await?;
        Ok(ShutOut { user, ended, silenced })
    }

    /// Ends a suspension or a ban.
    pub async fn restore(&self, user: UserId, reason: Option<&str>) -> Result<(), Error> {
        let reason = reason
            .map(|reason| text::clean(reason, 1..=500))
            .transpose()
            .map_err(|problem| Problems::one("reason", problem))?;
        let mut transaction = self.0.pool().begin().await?;
        let standing = self.standing(&mut transaction, user).await?;
        let next = decide(standing.status, Act::Restore)?;
        let record = Record { user, kind: "restored", reason: reason.as_deref(), until: None, actor: None };
        self.set_status(&mut transaction, record, next).await?;
        self.audit(&mut transaction, "user.restore", user, json!({})).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Gives a role. They are signed out: their tokens say what they were. Whether anything changed.
    pub(crate) async fn set_role(&self, staff: Staff, user: UserId, role: Role) -> Result<bool, Error> {
        let mut transaction = self.0.pool().begin().await?;
        let standing = self.standing(&mut transaction, user).await?;
        decide(standing.status, Act::Touch)?;
        if standing.role == role {
            return Ok(false);
        }
        if standing.role == Role::Admin {
            self.not_the_last_admin(&mut transaction, user).await?;
        }
        sqlx::query!(
            "update users set role = $2, updated_at = $3 where id = $1",
            user.0,
            role as Role,
            self.0.clock().now(),
        )
        .execute(&mut *transaction)
        .await?;
        let change = format!("{} to {}", standing.role.name(), role.name());
        let record =
            Record { user, kind: "role_changed", reason: Some(&change), until: None, actor: staff.id() };
        self.record(&mut transaction, record).await?;
        let ended = self.end_all(&mut *transaction, user, Because::LogoutOthers).await?;
        let details = json!({ "from": standing.role.name(), "to": role.name() });
        let subject = Subject::User(user.0);
        let entry = audit::Entry { actor: staff.id(), act: "staff.role", subject, details };
        audit::write(&mut transaction, self.0.clock().now(), &entry).await?;
        transaction.commit().await?;
        self.tell_ended(ended);
        Ok(true)
    }

    /// Gives coins of the house's, and tells their owner. The same reference again gives nothing more.
    pub async fn grant_coins(
        &self,
        user: UserId,
        amount: i32,
        reference: &str,
        reason: &str,
    ) -> Result<Outcome, Error> {
        let mut problems = Problems::default();
        problems.check("amount", (1..=MOST_GRANTED).contains(&amount), "must be 1 to 100000");
        let reference = problems.take("reference", text::clean(reference, 1..=100));
        let note = problems.take("reason", text::clean(reason, 1..=500));
        problems.none()?;
        let mut transaction = self.0.pool().begin().await?;
        let standing = self.standing(&mut transaction, user).await?;
        decide(standing.status, Act::Touch)?;
        let reference = format!("grant:{}", reference.expect("no problem"));
        let entry = Entry { user, kind: ledger::Kind::Grant, amount, reference, note };
        let outcome = ledger::write(self.0, &mut transaction, &entry).await?;
        let added = match &outcome {
            Outcome::Already(..) => None,
            Outcome::Written(change, _) => {
                let kind = notifications::Kind::CoinsCredited;
                let news = News { to: user, kind, actor: None, subject: Some(change.id) };
                let added = self.0.notifications().add(&mut transaction, news).await?;
                self.audit(&mut transaction, "user.grant", user, json!({ "coins": amount })).await?;
                Some(added)
            }
        };
        transaction.commit().await?;
        outcome.tell(self.0);
        if let Some(added) = added {
            self.0.notifications().tell(added).await;
        }
        Ok(outcome)
    }

    async fn audit(
        &self,
        db: &mut PgConnection,
        act: &'static str,
        user: UserId,
        details: serde_json::Value,
    ) -> Result<(), sqlx::Error> {
        let entry = audit::Entry { actor: None, act, subject: Subject::User(user.0), details };
        audit::write(db, self.0.clock().now(), &entry).await
    }

    /// How the account stands, when it is its turn.
    pub(super) async fn standing(&self, db: &mut PgConnection, user: UserId) -> Result<Standing, Error> {
        turn(db, user).await?;
        sqlx::query_as!(
            Standing,
            r#"select role as "role: Role", status as "status: Status" from users where id = $1"#,
            user.0,
        )
        .fetch_optional(db)
        .await?
        .ok_or(Error::UserNotFound)
    }

    /// Somebody must be left who can make others admin.
    pub(super) async fn not_the_last_admin(&self, db: &mut PgConnection, user: UserId) -> Result<(), Error> {
        // Two admins that go at once must not both count the other.
        sqlx::query!("select pg_advisory_xact_lock(hashtextextended('admins', 0))").execute(&mut *db).await?;
        let others = sqlx::query_scalar!(
            r#"
            select exists (
                select from users where role = 'admin' and status = 'active' and id <> $1
            ) as "others!"
            "#,
            user.0,
        )
        .fetch_one(db)
        .await?;
        if others { Ok(()) } else { Err(Error::LastAdmin) }
    }

    async fn set_status(
        &self,
        db: &mut PgConnection,
        record: Record<'_>,
        status: Status,
    ) -> Result<(), Error> {
        sqlx::query!(
            "update users set status = $2, status_until = $3, updated_at = $4 where id = $1",
            record.user.0,
            status as Status,
            record.until,
            self.0.clock().now(),
        )
        .execute(&mut *db)
        .await?;
        Ok(self.record(db, record).await?)
    }

    pub(super) async fn record(&self, db: &mut PgConnection, record: Record<'_>) -> Result<(), sqlx::Error> {
        let now = self.0.clock().now();
        sqlx::query!(
            r#"
            insert into moderation_actions (id, user_id, actor_id, kind, reason, until, created_at)
            values ($1, $2, $7, $3, $4, $5, $6)
            "#,
            self.0.ids().uuid(now),
            record.user.0,
            record.kind,
            record.reason,
            record.until,
            now,
            record.actor.map(|actor| actor.0),
        )
        .execute(db)
        .await?;
        Ok(())
    }
}
