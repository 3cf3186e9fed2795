//! A call whose row is locked, and writing what becomes of it. Every act goes through here, so that whoever is told what
//! ([`super::tell`]), and what the media server is to do, follows from the change alone ([`super::plan`]).

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::plan::Plan;
use super::state::{Part, Role, Status};
use super::{CallType, Calls, Error};
use crate::ids::{CallId, ConversationId, SessionId, UserId};
use crate::notifications::{Kind, News};
use crate::voice::aftermath::Aftermath;

pub(crate) struct Held {
    pub id: CallId,
    pub caller: UserId,
    pub conversation: Option<ConversationId>,
    pub call_type: CallType,
    pub status: Status,
    pub livekit_room: String,
    pub started_at: DateTime<Utc>,
    pub answered_at: Option<DateTime<Utc>>,
    pub people: Vec<Person>,
    /// Those of a group who cannot meet.
    pub apart: Vec<(UserId, UserId)>,
}

pub(crate) struct Person {
    pub user: UserId,
    pub role: Role,
    pub part: Part,
    /// On which login they take part.
    pub session: Option<SessionId>,
    pub was_there: bool,
    pub absent_since: Option<DateTime<Utc>>,
}

/// What is to be done, and by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Ring,
    Answer(UserId, SessionId),
    Reject(UserId),
    Cancel(UserId),
    /// Hanging up, whatever that means for them now.
    End(UserId),
    /// The same, because they were lost.
    Lose(UserId),
    TimeOut,
    Fail,
    /// Over for all, whatever it is: somebody of the staff says so.
    Close,
}

impl Wish {
    pub(super) fn by(self) -> Option<UserId> {
        match self {
            Self::Answer(user, _)
            | Self::Reject(user)
            | Self::Cancel(user)
            | Self::End(user)
            | Self::Lose(user) => Some(user),
            Self::Ring | Self::TimeOut | Self::Fail | Self::Close => None,
        }
    }
}

/// Who is left a note that they were called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notes {
    Left,
    /// The two cannot meet any more.
    None,
}

impl Held {
    pub(super) fn person(&self, user: UserId) -> Option<&Person> {
        self.people.iter().find(|person| person.user == user)
    }

    /// Those whose phones ring, or who talk.
    pub(super) fn live(&self) -> impl Iterator<Item = &Person> {
        self.people.iter().filter(|person| person.part.is_live())
    }

    pub(super) fn are_apart(&self, one: UserId, other: UserId) -> bool {
        self.apart.contains(&(one, other))
    }
}

impl Calls<'_> {
    /// Locks a call; `None`: there is none.
    pub(super) async fn hold(&self, db: &mut PgConnection, id: CallId) -> Result<Option<Held>, sqlx::Error> {
        let call = sqlx::query!(
            r#"
            select
                caller_id as "caller: UserId",
                conversation_id as "conversation: ConversationId",
                call_type as "call_type: CallType",
                status as "status: Status",
                livekit_room,
                started_at,
                answered_at
            from call_logs
            where id = $1
            for no key update
            "#,
            id.0,
        )
        .fetch_optional(&mut *db)
        .await?;
        let Some(call) = call else { return Ok(None) };
        let people = sqlx::query_as!(
            Person,
            r#"
            select
                user_id as "user: UserId",
                role as "role: Role",
                state as "part: Part",
                session_id as "session: SessionId",
                connected_at is not null as "was_there!",
                absent_since
            from call_participants
            where call_id = $1
            order by role, user_id
            "#,
            id.0,
        )
        .fetch_all(&mut *db)
        .await?;
        let apart = match call.conversation {
            None => Vec::new(),
            Some(_) => {
                let users: Vec<Uuid> = people.iter().map(|person| person.user.0).collect();
                sqlx::query!(
                    r#"
                    select one as "one!: UserId", other as "other!: UserId"
                    from blocked_pairs
                    where one = any($1) and other = any($1)
                    "#,
                    &users,
                )
                .fetch_all(&mut *db)
                .await?
                .into_iter()
                .map(|pair| (pair.one, pair.other))
                .collect()
            }
        };
        Ok(Some(Held {
            id,
            caller: call.caller,
            conversation: call.conversation,
            call_type: call.call_type,
            status: call.status,
            livekit_room: call.livekit_room,
            started_at: call.started_at,
            answered_at: call.answered_at,
            people,
            apart,
        }))
    }

    /// Locks the call that somebody is in, or that rings for them.
    pub(super) async fn hold_live_of(
        &self,
        db: &mut PgConnection,
        user: UserId,
    ) -> Result<Option<Held>, sqlx::Error> {
        let id = sqlx::query_scalar!(
            r#"
            select call_id as "id: CallId"
            from call_participants
            where user_id = $1 and state in ('ringing', 'joined')
            "#,
            user.0,
        )
        .fetch_optional(&mut *db)
        .await?;
        let Some(id) = id else { return Ok(None) };
        let held = self.hold(db, id).await?;
        // It may have ended while we waited.
        Ok(held.filter(|held| held.person(user).is_some_and(|person| person.part.is_live())))
    }

    /// Does it, if it may be done; what follows is in the answer, to be queued.
    pub(super) async fn act(
        &self,
        db: &mut PgConnection,
        call: &Held,
        wish: Wish,
        notes: Notes,
    ) -> Result<Aftermath, Error> {
        let mut aftermath = Aftermath::default();
        let Some(plan) = call.plan(wish)? else { return Ok(aftermath) };
        let now = self.0.clock().now();
        let end = call.end(wish, plan.status, now);
        Box::pin(self.write(db, call, &plan, wish, end)).await?;
        Box::pin(self.note_missed(db, call, &plan, wish, notes, &mut aftermath)).await?;
        self.tell(call, &plan, wish, end.and_then(|(_, duration)| duration), &mut aftermath);
        if end.is_some() {
            aftermath.room(&call.livekit_room);
            aftermath.count_call(plan.status.name());
        } else {
            for (user, _) in plan.changed.iter().filter(|(_, part)| !part.is_live()) {
                aftermath.seat(&call.livekit_room, *user);
            }
        }
        Ok(aftermath)
    }

    async fn write(
        &self,
        db: &mut PgConnection,
        call: &Held,
        plan: &Plan,
        wish: Wish,
        end: Option<(DateTime<Utc>, Option<i32>)>,
    ) -> Result<(), Error> {
        let now = self.0.clock().now();
        let answers = plan.status == Status::Answered && call.status != Status::Answered;
        if plan.status != call.status {
            sqlx::query!(
                r#"
                update call_logs
                set status = $2, answered_at = coalesce(answered_at, $3), ended_at = $4, duration = $5
                where id = $1
                "#,
                call.id.0,
                plan.status as Status,
                answers.then_some(now),
                end.map(|(at, _)| at),
                end.and_then(|(_, duration)| duration),
            )
            .execute(&mut *db)
            .await?;
        }
        let session = match wish {
            Wish::Answer(_, session) => Some(session),
            _ => None,
        };
        let users: Vec<Uuid> = plan.changed.iter().map(|(user, _)| user.0).collect();
        let parts: Vec<Part> = plan.changed.iter().map(|(_, part)| *part).collect();
        // Whoever comes has a while for it from now on; after the answer that holds for the caller as well.
        sqlx::query!(
            r#"
            update call_participants p
            set state = coalesce(new.state, p.state),
                session_id = case when new.state = 'joined' then $4 else p.session_id end,
                joined_at = case when new.state = 'joined' then coalesce(p.joined_at, $5) else p.joined_at end,
                left_at = case when new.state = 'left' and p.joined_at is not null then $5 end,
                connected_at = case when new.state = 'joined' then null else p.connected_at end,
                absent_since = case
                    when coalesce(new.state, p.state) <> 'joined' then null
                    when new.state = 'joined' or p.absent_since is not null then $5
                end
            from call_participants same
            left join unnest($2::uuid[], $3::text[]) as new (user_id, state) on new.user_id = same.user_id
            where p.call_id = $1
              and same.call_id = p.call_id
              and same.user_id = p.user_id
              and (new.user_id is not null or $6 and p.state = 'joined')
            "#,
            call.id.0,
            &users,
            &parts as &[Part],
            session.map(|session| session.0),
            now,
            answers,
        )
        .execute(db)
        .await
        .map_err(|error| match () {
            () if crate::error::violates(&error, "call_participants_one_live") => Error::AlreadyInCall,
            () => error.into(),
        })?;
        Ok(())
    }

    /// Leaves a note with those who missed it; the phones of the others stop ringing.
    async fn note_missed(
        &self,
        db: &mut PgConnection,
        call: &Held,
        plan: &Plan,
        wish: Wish,
        notes: Notes,
        aftermath: &mut Aftermath,
    ) -> Result<(), sqlx::Error> {
        if call.status == Status::Initiated {
            return Ok(());
        }
        let rang = |user: UserId| call.person(user).is_some_and(|person| person.part == Part::Ringing);
        let (missed, silenced): (Vec<_>, Vec<_>) = plan
            .changed
            .iter()
            .copied()
            .filter(|(user, _)| rang(*user))
            .partition(|(_, part)| *part == Part::Missed && notes == Notes::Left);
        let news = missed.into_iter().map(|(user, _)| self.missed(user, call.caller, call.id));
        aftermath.notify(self.0.notifications().add_all(db, news).await?);
        let silenced: Vec<UserId> = silenced.into_iter().map(|(user, _)| user).collect();
        let except = match wish {
            Wish::Answer(_, session) => Some(session),
            _ => None,
        };
        if !silenced.is_empty() {
            self.0.notifications().call_over(db, call.id, &silenced, except).await?;
            aftermath.wakes();
        }
        Ok(())
    }

    pub(super) fn missed(&self, to: UserId, caller: UserId, call: CallId) -> News {
        News { to, kind: Kind::CallMissed, actor: Some(caller), subject: Some(call.0) }
    }
}
