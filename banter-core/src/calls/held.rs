//! A call whose row is locked: what is to become of it, and writing that. Every act goes through here, so that whoever is
//! told what, and what the media server is to do, follows from the change alone.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::state::{self, Act, Next, Own, Part, Role, Status};
use super::{CallType, Calls, Error};
use crate::events::{CallUpdate, Event};
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
    fn by(self) -> Option<UserId> {
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

/// How a call and its parts are to be.
struct Plan {
    status: Status,
    changed: Vec<(UserId, Part)>,
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

    fn plan(&self, wish: Wish) -> Result<Option<Plan>, Error> {
        if self.conversation.is_some() { self.plan_of_group(wish) } else { self.plan_of_two(wish) }
    }

    fn plan_of_two(&self, wish: Wish) -> Result<Option<Plan>, Error> {
        let act = match wish {
            Wish::Ring => Act::Ring,
            Wish::Answer(..) => Act::Answer,
            Wish::Reject(_) => Act::Reject,
            Wish::Cancel(_) => Act::Cancel,
            Wish::End(user) => self.end_of(user),
            Wish::Lose(user) => match self.end_of(user) {
                // They never heard each other.
                Act::HangUp if self.live().any(|person| !person.was_there) => Act::Fail,
                act => act,
            },
            Wish::TimeOut => Act::TimeOut,
            Wish::Fail => Act::Fail,
            Wish::Close => self.close(),
        };
        let Next::To(status) = state::decide(self.status, act)? else { return Ok(None) };
        let answered = match wish {
            Wish::Answer(user, _) => vec![(user, Part::Joined)],
            _ => Vec::new(),
        };
        Ok(Some(self.whole(status, answered)))
    }

    /// What hanging up means for this one.
    fn end_of(&self, user: UserId) -> Act {
        match self.status {
            Status::Initiated | Status::Ringing if user == self.caller => Act::Cancel,
            Status::Initiated | Status::Ringing => Act::Reject,
            Status::Answered
            | Status::Completed
            | Status::Rejected
            | Status::Missed
            | Status::Cancelled
            | Status::Busy
            | Status::Failed => Act::HangUp,
        }
    }

    fn close(&self) -> Act {
        if self.status == Status::Answered { Act::HangUp } else { Act::Fail }
    }

    fn plan_of_group(&self, wish: Wish) -> Result<Option<Plan>, Error> {
        let own = match wish {
            Wish::Ring => return self.plan_of_all(Act::Ring),
            Wish::Fail => return self.plan_of_all(Act::Fail),
            Wish::Cancel(_) => return self.plan_of_all(Act::Cancel),
            Wish::Close => return self.plan_of_all(self.close()),
            Wish::Answer(..) => Own::Answer,
            Wish::Reject(_) => Own::Reject,
            Wish::End(_) | Wish::Lose(_) => Own::Leave,
            Wish::TimeOut => Own::TimeOut,
        };
        if !self.status.is_live() {
            return match own {
                Own::Answer | Own::Reject => Err(Error::Over),
                Own::Leave | Own::TimeOut => Ok(None),
            };
        }
        if self.status == Status::Initiated && own == Own::TimeOut {
            return self.plan_of_all(Act::TimeOut);
        }
        let mut changed = Vec::new();
        for person in self.people.iter().filter(|person| wish.by().is_none_or(|user| user == person.user)) {
            changed.extend(state::take_part(person.part, own)?.map(|part| (person.user, part)));
        }
        if changed.is_empty() {
            return Ok(None);
        }
        let parts: Vec<_> =
            self.people.iter().map(|person| (person.role, part_in(&changed, person))).collect();
        let status = match state::follows(self.status, &parts) {
            Some(act) => match state::decide(self.status, act)? {
                Next::To(status) => status,
                Next::Stay => self.status,
            },
            None => self.status,
        };
        Ok(Some(self.whole(status, changed)))
    }

    fn plan_of_all(&self, act: Act) -> Result<Option<Plan>, Error> {
        Ok(match state::decide(self.status, act)? {
            Next::To(status) => Some(self.whole(status, Vec::new())),
            Next::Stay => None,
        })
    }

    /// With the end of everybody's part, if the call ends.
    fn whole(&self, status: Status, mut changed: Vec<(UserId, Part)>) -> Plan {
        if !status.is_live() {
            // Whom nobody told of it missed nothing.
            let end = if self.status == Status::Initiated { Status::Failed } else { status };
            for person in &self.people {
                let part = part_in(&changed, person);
                let closed = state::closed(part, end);
                if closed != part {
                    changed.retain(|(user, _)| *user != person.user);
                    changed.push((person.user, closed));
                }
            }
        }
        Plan { status, changed }
    }

    /// When it ended, and how long they talked.
    fn end(&self, wish: Wish, status: Status, now: DateTime<Utc>) -> Option<(DateTime<Utc>, Option<i32>)> {
        if status.is_live() {
            return None;
        }
        let Some(answered_at) = self.answered_at else { return Some((now, None)) };
        let lost_at = match wish {
            Wish::Lose(user) => self.person(user).and_then(|person| person.absent_since),
            _ => None,
        };
        let ended_at = lost_at.unwrap_or(now).clamp(answered_at, now.max(answered_at));
        let talked = if status == Status::Failed { 0 } else { (ended_at - answered_at).num_seconds() };
        Some((ended_at, Some(i32::try_from(talked).unwrap_or(i32::MAX))))
    }
}

fn part_in(changed: &[(UserId, Part)], person: &Person) -> Part {
    changed.iter().find(|(user, _)| *user == person.user).map_or(person.part, |(_, part)| *part)
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

    /// Both sides' devices; of a change of one's own part in a group, those who talk.
    fn tell(&self, call: &Held, plan: &Plan, wish: Wish, duration: Option<i32>, aftermath: &mut Aftermath) {
        let (at, by) = (self.0.clock().now(), wish.by());
        let update = |user_id, session_id| CallUpdate {
            call_id: call.id,
            status: plan.status,
            user_id,
            session_id,
            duration,
            at,
        };
        if plan.status == call.status {
            for (user, part) in &plan.changed {
                let joined = call.people.iter().filter(|person| {
                    part_in(&plan.changed, person) == Part::Joined && !call.are_apart(person.user, *user)
                });
                let others = joined.map(|person| person.user).filter(|other| other != user).collect();
                let session = if let Wish::Answer(_, session) = wish { Some(session) } else { None };
                for (to, session) in [(others, None), (vec![*user], session)] {
                    let update = update(Some(*user), session);
                    let event = match part {
                        Part::Joined => Event::CallAnswered(update),
                        Part::Rejected => Event::CallRejected(update),
                        Part::Missed => Event::CallMissed(update),
                        Part::Left | Part::Ringing | Part::Busy => Event::CallEnded(update),
                    };
                    aftermath.tell(to, event);
                }
            }
            return;
        }
        // Whom nobody told that it rings hears nothing of its end.
        let told = call.live().filter(|person| {
            call.status != Status::Initiated || person.role == Role::Caller || Some(person.user) == by
        });
        let told: Vec<UserId> = told.map(|person| person.user).collect();
        let name = |to: UserId| by.filter(|by| !(call.conversation.is_some() && call.are_apart(to, *by)));
        for to in told {
            let event = match plan.status {
                Status::Answered => {
                    let own =
                        if let Wish::Answer(user, session) = wish { Some((user, session)) } else { None };
                    let session = own.filter(|(user, _)| *user == to).map(|(_, session)| session);
                    // In a group it rings on for the others.
                    let rings_on =
                        call.conversation.is_some() && part_of(plan, call, to) == Some(Part::Ringing);
                    if rings_on {
                        continue;
                    }
                    Event::CallAnswered(update(name(to), session))
                }
                Status::Rejected => Event::CallRejected(update(name(to), None)),
                Status::Missed => Event::CallMissed(update(None, None)),
                Status::Cancelled => Event::CallCancelled(update(name(to), None)),
                Status::Completed | Status::Failed | Status::Busy => Event::CallEnded(update(name(to), None)),
                // `ring` tells of it, with what each phone shows.
                Status::Initiated | Status::Ringing => continue,
            };
            aftermath.tell(vec![to], event);
        }
    }
}

fn part_of(plan: &Plan, call: &Held, user: UserId) -> Option<Part> {
    call.person(user).map(|person| part_in(&plan.changed, person))
}
