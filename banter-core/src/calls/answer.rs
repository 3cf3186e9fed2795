//! Answering: of all devices that ring, one takes the call.

use sqlx::PgConnection;

use super::held::{Held, Notes, Wish};
use super::state::{Part, Role};
use super::{Calls, Error, Placed};
use crate::accounts::{Caller, administration};
use crate::ids::{CallId, UserId};
use crate::voice::aftermath::Aftermath;

impl Calls<'_> {
    /// Answers a call to the caller. The same login again gets another token; another one
    /// [`Error::AnsweredElsewhere`]. A call to a group can be entered as long as the others talk.
    pub async fn answer(&self, caller: &Caller, id: CallId) -> Result<Placed, Error> {
        // Before anything is taken: while the media server is away it goes on ringing.
        let seen = self.one(caller, id).await?;
        if seen.ended_at.is_none() {
            self.0.voice().settle_room(&seen.livekit_room).await?;
        }
        let mut transaction = self.0.pool().begin().await?;
        administration::stand_still(&mut transaction, &[caller.user_id]).await?;
        self.check_login(&mut transaction, caller.session_id).await?;
        let held = self.hold(&mut transaction, id).await?.ok_or(Error::NotFound)?;
        if held.person(caller.user_id).is_none_or(|me| me.role == Role::Caller) {
            return Err(Error::NotFound);
        }
        let aftermath = self.take(&mut transaction, caller, &held).await?;
        aftermath.queue(self.0, &mut transaction).await?;
        transaction.commit().await?;
        aftermath.carry_out(self.0).await;
        let call = self.one(caller, id).await?;
        self.placed(caller, call).await
    }

    /// Takes a call that rings for the caller, or goes on without them.
    pub(super) async fn take(
        &self,
        db: &mut PgConnection,
        caller: &Caller,
        call: &Held,
    ) -> Result<Aftermath, Error> {
        let me = caller.user_id;
        self.check_visible(db, call, me).await?;
        let mine = call.person(me).ok_or(Error::NotFound)?;
        if call.status.is_live() && mine.part == Part::Joined {
            let same = mine.session == Some(caller.session_id);
            return if same { Ok(Aftermath::default()) } else { Err(Error::AnsweredElsewhere) };
        }
        self.act(db, call, Wish::Answer(me, caller.session_id), Notes::Left).await
    }

    /// [`Error::NotFound`]: of two who cannot meet; or of a group that the caller has left, or with somebody in it whom
    /// they cannot meet.
    pub(super) async fn check_visible(
        &self,
        db: &mut PgConnection,
        call: &Held,
        me: UserId,
    ) -> Result<(), Error> {
        let visible = match call.conversation {
            None => {
                let others: Vec<_> =
                    call.people.iter().filter(|one| one.user != me).map(|one| one.user.0).collect();
                sqlx::query_scalar!(
                    r#"
                    select not exists (select from blocked_pairs where one = $1 and other = any($2)) as "may!"
                    "#,
                    me.0,
                    &others,
                )
                .fetch_one(db)
                .await?
            }
            Some(_) if call.people.iter().any(|p| p.part == Part::Joined && call.are_apart(p.user, me)) => {
                false
            }
            Some(group) => {
                sqlx::query_scalar!(
                    r#"
                    select exists (
                        select from conversation_members where conversation_id = $1 and user_id = $2
                    ) as "may!"
                    "#,
                    group.0,
                    me.0,
                )
                .fetch_one(db)
                .await?
            }
        };
        if visible { Ok(()) } else { Err(Error::NotFound) }
    }
}
