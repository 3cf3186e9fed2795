//! The second person's word, and taking back what was done.

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::PgConnection;

use super::{Action, Sanction, State};
use crate::accounts::administration::turn;
use crate::ids::{CaseId, SanctionId, UserId};
use crate::moderation::audit::Subject;
use crate::moderation::cases::{Outcome, note_of};
use crate::moderation::roles::Duty;
use crate::moderation::{Error, Moderation, Staff};

/// A sanction whose row, and whose person's turn, is held.
pub(in crate::moderation) struct Locked {
    pub(in crate::moderation) id: SanctionId,
    pub(in crate::moderation) user: UserId,
    pub(in crate::moderation) case: Option<CaseId>,
    pub(in crate::moderation) action: Action,
    pub(in crate::moderation) state: State,
    pub(in crate::moderation) actor: UserId,
    pub(in crate::moderation) decided_by: Option<UserId>,
    pub(in crate::moderation) note: String,
    pub(in crate::moderation) until: Option<DateTime<Utc>>,
}

impl Moderation<'_> {
    /// Ends all that keeps somebody out, unheard or unable to spend, or nothing of it. What still waits for a second person
    /// is refused elsewhere.
    pub async fn restore(&self, staff: Staff, user: UserId, note: &str) -> Result<Vec<Sanction>, Error> {
        staff.require_named(Duty::ReverseOwn)?;
        let mut tx = self.0.pool().begin().await?;
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
        .fetch_all(&mut *tx)
        .await?;
        if held.is_empty() {
            return Err(Error::NotInForce);
        }
        for id in &held {
            self.reverse_in(&mut tx, staff, *id, note).await?;
        }
        tx.commit().await?;
        let mut ended: Vec<_> = self.sanctions_of(&held).await?.into_values().collect();
        ended.sort_unstable_by_key(|sanction| std::cmp::Reverse(sanction.id));
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
            after.notify(self.close_case(&mut tx, case, Outcome::ActionTaken, proposed.actor).await?);
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
    pub async fn reverse(&self, staff: Staff, id: SanctionId, note: &str) -> Result<Sanction, Error> {
        let mut tx = self.0.pool().begin().await?;
        self.reverse_in(&mut tx, staff, id, note).await?;
        tx.commit().await?;
        self.sanction_of(id).await
    }

    async fn reverse_in(
        &self,
        db: &mut PgConnection,
        staff: Staff,
        id: SanctionId,
        note: &str,
    ) -> Result<(), Error> {
        let note = note_of(note)?;
        let me = staff.require_named(Duty::ReverseOwn)?;
        let found = self.lock_sanction(db, id).await?;
        if found.actor != me {
            staff.require(Duty::Reverse)?;
        }
        self.take_back(db, me, &found, &note).await?;
        let details = json!({ "user": found.user });
        Ok(self.log(db, staff, "sanction.reverse", Subject::Sanction(id.0), details).await?)
    }

    pub(in crate::moderation) async fn take_back(
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
        let found = self.lock_sanction(&mut *db, id).await?;
        if found.user == me {
            return Err(Error::OwnCase);
        }
        // Whoever answered the appeal against it has said their word.
        let appealed = sqlx::query_scalar!(
            r#"select exists (select from appeals where sanction_id = $1 and decided_by = $2) as "appealed!""#,
            id.0,
            me.0,
        )
        .fetch_one(db)
        .await?;
        if found.actor == me || appealed {
            return Err(Error::SecondPersonNeeded);
        }
        if found.state != State::Proposed {
            return Err(Error::NotProposed);
        }
        Ok((me, found))
    }

    pub(in crate::moderation) async fn lock_sanction(
        &self,
        db: &mut PgConnection,
        id: SanctionId,
    ) -> Result<Locked, Error> {
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
}
