//! Every way in which a call ends, or somebody's part in it.

use sqlx::PgConnection;

use super::held::{Held, Notes, Wish};
use super::history::Call;
use super::state::{Part, Role};
use super::{Calls, Error};
use crate::accounts::Caller;
use crate::ids::{CallId, ConversationId, SessionId, UserId};
use crate::jobs::Failure;
use crate::voice::aftermath::Aftermath;

impl Calls<'_> {
    /// Refuses a call to the caller; in a group, for the caller alone.
    pub async fn reject(&self, caller: &Caller, id: CallId) -> Result<Call, Error> {
        self.own(caller, id, Wish::Reject(caller.user_id), Some(Role::Receiver)).await
    }

    /// Hangs up before anybody answered.
    pub async fn cancel(&self, caller: &Caller, id: CallId) -> Result<Call, Error> {
        self.own(caller, id, Wish::Cancel(caller.user_id), Some(Role::Caller)).await
    }

    /// Hangs up: before the answer that cancels or refuses, in a group the caller alone leaves. Of a call that is over
    /// already it is no more than a look.
    pub async fn end(&self, caller: &Caller, id: CallId) -> Result<Call, Error> {
        self.own(caller, id, Wish::End(caller.user_id), None).await
    }

    async fn own(&self, caller: &Caller, id: CallId, wish: Wish, role: Option<Role>) -> Result<Call, Error> {
        // Also whether the caller may see it.
        self.one(caller, id).await?;
        let mut transaction = self.0.pool().begin().await?;
        let held = self.hold(&mut transaction, id).await?.ok_or(Error::NotFound)?;
        let me = held.person(caller.user_id).ok_or(Error::NotFound)?;
        if role.is_some_and(|role| role != me.role) {
            return Err(Error::NotFound);
        }
        let aftermath = self.act(&mut transaction, &held, wish, Notes::Left).await?;
        aftermath.queue(self.0, &mut transaction).await?;
        transaction.commit().await?;
        aftermath.carry_out(self.0).await;
        self.one(caller, id).await
    }

    /// In a transaction of its own; nothing, where there is no such call.
    pub(super) async fn finish(&self, id: CallId, wish: Wish) -> Result<(), Error> {
        let mut transaction = self.0.pool().begin().await?;
        let Some(held) = self.hold(&mut transaction, id).await? else { return Ok(()) };
        let aftermath = self.act(&mut transaction, &held, wish, Notes::Left).await?;
        aftermath.queue(self.0, &mut transaction).await?;
        transaction.commit().await?;
        aftermath.carry_out(self.0).await;
        Ok(())
    }

    /// It rang long enough.
    pub(crate) async fn ring_timeout(&self, id: CallId) -> Result<(), Failure> {
        self.finish(id, Wish::TimeOut).await.map_err(failure)
    }

    /// Somebody stayed away from the media server too long: for them the call is over. Of two it is over for both, from
    /// the moment they went.
    pub(crate) async fn lost(&self, id: CallId, user: UserId) -> Result<(), sqlx::Error> {
        let mut transaction = self.0.pool().begin().await?;
        let Some(held) = self.hold(&mut transaction, id).await? else { return Ok(()) };
        // They may be back, or gone, by now.
        if !held.person(user).is_some_and(|one| one.part == Part::Joined && one.absent_since.is_some()) {
            return Ok(());
        }
        let aftermath = self.forced(&mut transaction, &held, Wish::Lose(user), Notes::Left).await?;
        aftermath.queue(self.0, &mut transaction).await?;
        transaction.commit().await?;
        aftermath.carry_out(self.0).await;
        Ok(())
    }

    /// Takes somebody out of their call, because their account ends or is suspended. In that transaction.
    pub(crate) async fn take_out(
        &self,
        db: &mut PgConnection,
        user: UserId,
    ) -> Result<Aftermath, sqlx::Error> {
        match self.hold_live_of(db, user).await? {
            Some(held) => self.forced(db, &held, Wish::End(user), Notes::Left).await,
            None => Ok(Aftermath::default()),
        }
    }

    /// Locks a group's calls, before the group: whoever is about to answer one waits.
    pub(crate) async fn hold_of_group(
        &self,
        db: &mut PgConnection,
        group: ConversationId,
    ) -> Result<Vec<Held>, sqlx::Error> {
        self.hold_calling(db, group).await?;
        let ids = sqlx::query_scalar!(
            r#"select id as "id: CallId" from call_logs where conversation_id = $1 and ended_at is null order by id"#,
            group.0,
        )
        .fetch_all(&mut *db)
        .await?;
        let mut calls = Vec::new();
        // One, but where members who did not ring began another.
        for id in ids {
            calls.extend(self.hold(db, id).await?);
        }
        Ok(calls)
    }

    /// Whoever leaves a group leaves its call. In that transaction.
    pub(crate) async fn leave_with_group(
        &self,
        db: &mut PgConnection,
        calls: &[Held],
        user: UserId,
    ) -> Result<Aftermath, sqlx::Error> {
        let is_in = |call: &&Held| call.person(user).is_some_and(|person| person.part.is_live());
        let Some(call) = calls.iter().find(is_in) else { return Ok(Aftermath::default()) };
        let aftermath = self.forced(db, call, Wish::End(user), Notes::None).await?;
        aftermath.queue(self.0, db).await?;
        Ok(aftermath)
    }

    /// The same of a call they took on this login.
    pub(crate) async fn hang_up_with_login(
        &self,
        db: &mut PgConnection,
        user: UserId,
        login: SessionId,
    ) -> Result<Aftermath, sqlx::Error> {
        match self.hold_live_of(db, user).await? {
            Some(held) if held.person(user).is_some_and(|one| one.session == Some(login)) => {
                self.forced(db, &held, Wish::End(user), Notes::Left).await
            }
            Some(_) | None => Ok(Aftermath::default()),
        }
    }

    /// Parts two who cannot meet any more. In the transaction of the block. A call of the two ends; of a group whoever
    /// only rings rings no more, and of two who talk the one who blocked leaves, unless it is their call.
    pub(crate) async fn part(
        &self,
        db: &mut PgConnection,
        blocker: UserId,
        blocked: UserId,
    ) -> Result<Aftermath, sqlx::Error> {
        let Some(held) = self.hold_live_of(db, blocker).await? else { return Ok(Aftermath::default()) };
        let part_of = |user| held.person(user).map(|person| person.part).filter(|part| part.is_live());
        let (Some(one), Some(other)) = (part_of(blocker), part_of(blocked)) else {
            return Ok(Aftermath::default());
        };
        let leaves = match (one, other) {
            _ if held.conversation.is_none() => blocker,
            // Neither is in: whoever comes first keeps the other out.
            (Part::Ringing, Part::Ringing) => return Ok(Aftermath::default()),
            (Part::Ringing, _) => blocker,
            (_, Part::Ringing) => blocked,
            _ if held.caller == blocker => blocked,
            _ => blocker,
        };
        self.forced(db, &held, Wish::End(leaves), Notes::None).await
    }

    /// What no state refuses.
    pub(super) async fn forced(
        &self,
        db: &mut PgConnection,
        call: &Held,
        wish: Wish,
        notes: Notes,
    ) -> Result<Aftermath, sqlx::Error> {
        match self.act(db, call, wish, notes).await {
            Ok(aftermath) => Ok(aftermath),
            Err(Error::Database(error)) => Err(error),
            Err(error) => {
                tracing::error!(%error, call = %call.id, ?wish, "a call did not let go of somebody");
                Ok(Aftermath::default())
            }
        }
    }
}

fn failure(error: Error) -> Failure {
    match error {
        Error::Database(error) => Failure::Database(error),
        other => Failure::Never(other.to_string()),
    }
}
