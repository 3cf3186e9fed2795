//! Calling. One transaction settles who is in which call; only then is the media server asked for a room, and only when
//! there is one does it ring. What dies in between is found by the job that ends the ringing.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::held::{Held, Notes, Wish};
use super::state::{Part, Role, Status};
use super::{CallType, Calls, Error, Placed, RINGS};
use crate::accounts::{Caller, PersonSummary, administration};
use crate::error::Problems;
use crate::events::{CallIncoming, Event};
use crate::friends::relationship;
use crate::ids::{CallId, ConversationId, UserId};
use crate::jobs::Job;
use crate::limits::Act;
use crate::voice::aftermath::Aftermath;

/// Whom to call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    User(UserId),
    /// Everybody else in a group.
    Group(ConversationId),
}

impl Whom {
    /// Exactly one of them.
    pub fn of(user: Option<UserId>, group: Option<ConversationId>) -> Result<Self, Error> {
        match (user, group) {
            (Some(user), None) => Ok(Self::User(user)),
            (None, Some(group)) => Ok(Self::Group(group)),
            (Some(_), Some(_)) | (None, None) => {
                Err(Problems::one("receiverId", "or conversationId must be given, and not both").into())
            }
        }
    }
}

/// How often it is begun anew because somebody of it was taken into another call at the same moment.
const TRIES: u8 = 4;

/// What came of the first transaction.
enum Begun {
    /// To be rung.
    New(CallId, String),
    /// There was one already: the same again, or the one by which the other called the caller.
    There(CallId, String),
}

/// Why a transaction is begun anew, or not.
enum Attempt {
    Done(Begun, Aftermath),
    /// It is written, and the caller is told why there is no call.
    Refused(Error, Aftermath),
    Again,
}

/// Somebody to be called, and whether they are in a call.
struct Called {
    user: UserId,
    busy: bool,
}

impl Calls<'_> {
    /// Calls somebody, or a group.
    ///
    /// Whoever calls somebody who is calling them answers by it. A repeat on the same login answers the same call, with
    /// another token: for phones that lost the answer. Not reachable is who has neither an open socket nor a phone to
    /// push to.
    pub async fn initiate(&self, caller: &Caller, whom: Whom, call_type: CallType) -> Result<Placed, Error> {
        if whom == Whom::User(caller.user_id) {
            return Err(Error::Yourself);
        }
        self.0.limits().take(Act::Call, &caller.user_id.to_string()).await?;
        for _ in 0..TRIES {
            let mut transaction = self.0.pool().begin().await?;
            let attempt = match whom {
                Whom::User(user) => self.begin_with(&mut transaction, caller, user, call_type).await?,
                Whom::Group(group) => self.begin_in(&mut transaction, caller, group, call_type).await?,
            };
            match attempt {
                Attempt::Again => {}
                Attempt::Refused(error, aftermath) => {
                    aftermath.queue(self.0, &mut transaction).await?;
                    transaction.commit().await?;
                    aftermath.carry_out(self.0).await;
                    return Err(error);
                }
                Attempt::Done(begun, aftermath) => {
                    aftermath.queue(self.0, &mut transaction).await?;
                    transaction.commit().await?;
                    return self.go_on(caller, begun, aftermath).await;
                }
            }
        }
        Err(Error::AlreadyInCall)
    }

    async fn go_on(&self, caller: &Caller, begun: Begun, aftermath: Aftermath) -> Result<Placed, Error> {
        let id = match begun {
            Begun::There(id, room) => {
                aftermath.carry_out(self.0).await;
                self.0.voice().settle_room(&room).await?;
                id
            }
            Begun::New(id, room) => {
                aftermath.carry_out(self.0).await;
                if let Err(error) = self.0.livekit().open(&room).await {
                    self.finish(id, Wish::Fail).await?;
                    return Err(crate::voice::Error::from(error).into());
                }
                self.ring(id).await?;
                id
            }
        };
        let call = self.one(caller, id).await?;
        if call.ended_at.is_some() {
            return Err(Error::Over);
        }
        self.placed(caller, call).await
    }

    async fn begin_with(
        &self,
        db: &mut PgConnection,
        caller: &Caller,
        receiver: UserId,
        call_type: CallType,
    ) -> Result<Attempt, Error> {
        let me = caller.user_id;
        administration::stand_still(db, &[me, receiver]).await?;
        relationship::hold(db, me, receiver).await?;
        self.check_login(db, caller.session_id).await?;
        let them = sqlx::query!(
            r#"
            select
                may_call($1, u.id) as "accepts!",
                exists (select from devices d where d.user_id = u.id) as "has_phone!",
                exists (
                    select from call_participants p where p.user_id = u.id and p.state in ('ringing', 'joined')
                ) as "busy!"
            from users u
            where u.id = $2 and u.status not in ('deleted', 'banned') and can_interact($1, u.id)
            "#,
            me.0,
            receiver.0,
        )
        .fetch_optional(&mut *db)
        .await?
        .ok_or(Error::UserNotFound)?;
        if let Some(mine) = self.hold_live_of(db, me).await? {
            let same = mine.conversation.is_none() && mine.person(receiver).is_some();
            return self.rejoin(db, caller, &mine, same).await;
        }
        if !them.accepts {
            return Err(Error::NotAccepted);
        }
        if !them.has_phone && !self.is_here(receiver).await {
            return Err(Error::NotReachable);
        }
        let called = [Called { user: receiver, busy: them.busy }];
        self.write_new(db, caller, (Some(receiver), None), call_type, &called).await
    }

    async fn begin_in(
        &self,
        db: &mut PgConnection,
        caller: &Caller,
        group: ConversationId,
        call_type: CallType,
    ) -> Result<Attempt, Error> {
        let me = caller.user_id;
        administration::stand_still(db, &[me]).await?;
        self.hold_calling(db, group).await?;
        self.check_login(db, caller.session_id).await?;
        let kind = sqlx::query_scalar!(
            r#"
            select c.kind
            from conversation_members m join conversations c on c.id = m.conversation_id
            where c.id = $1 and m.user_id = $2
              and not exists (select from blocked_pairs where one = c.user_lo and other = c.user_hi)
            "#,
            group.0,
            me.0,
        )
        .fetch_optional(&mut *db)
        .await?;
        match kind.as_deref() {
            Some("group") => {}
            Some("direct") => return Err(Error::NotAGroup),
            Some(_) | None => return Err(Error::ConversationNotFound),
        }
        if let Some(mine) = self.hold_live_of(db, me).await? {
            let same = mine.conversation == Some(group);
            return self.rejoin(db, caller, &mine, same).await;
        }
        let under_way = sqlx::query_scalar!(
            r#"
            select c.id as "id: CallId"
            from call_logs c join call_participants p on p.call_id = c.id
            where c.conversation_id = $1 and c.ended_at is null and p.user_id = $2
            "#,
            group.0,
            me.0,
        )
        .fetch_optional(&mut *db)
        .await?;
        if let Some(id) = under_way {
            let held = self.hold(db, id).await?.filter(|held| held.status.is_live());
            return match held {
                Some(held) => self.rejoin(db, caller, &held, true).await,
                None => Ok(Attempt::Again),
            };
        }
        let called = sqlx::query_as!(
            Called,
            r#"
            select
                u.id as "user: UserId",
                exists (
                    select from call_participants p where p.user_id = u.id and p.state in ('ringing', 'joined')
                ) as "busy!"
            from conversation_members m join users u on u.id = m.user_id
            where m.conversation_id = $1
              and u.id <> $2
              and u.status = 'active'
              and can_interact($2, u.id)
              and not exists (select from user_settings s where s.user_id = u.id and s.call_from = 'nobody')
            order by u.id
            "#,
            group.0,
            me.0,
        )
        .fetch_all(&mut *db)
        .await?;
        if called.is_empty() {
            return Err(Error::NotReachable);
        }
        self.write_new(db, caller, (None, Some(group)), call_type, &called).await
    }

    /// Two who call the same group at once are in one call, and nobody begins one while they are taken out of the group.
    pub(super) async fn hold_calling(
        &self,
        db: &mut PgConnection,
        group: ConversationId,
    ) -> Result<(), sqlx::Error> {
        sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1, 0))", format!("call in {group}"))
            .execute(db)
            .await?;
        Ok(())
    }

    /// The caller is in a call, or one rings for them.
    async fn rejoin(
        &self,
        db: &mut PgConnection,
        caller: &Caller,
        mine: &Held,
        same: bool,
    ) -> Result<Attempt, Error> {
        let me = mine.person(caller.user_id).expect("held for them");
        match me.part {
            _ if !same => Err(Error::AlreadyInCall),
            Part::Joined if me.session != Some(caller.session_id) => Err(Error::AlreadyInCall),
            Part::Joined => {
                Ok(Attempt::Done(Begun::There(mine.id, mine.livekit_room.clone()), Aftermath::default()))
            }
            Part::Ringing | Part::Left | Part::Rejected | Part::Missed | Part::Busy => {
                let aftermath = self.take(db, caller, mine).await?;
                Ok(Attempt::Done(Begun::There(mine.id, mine.livekit_room.clone()), aftermath))
            }
        }
    }

    /// Nobody can tell: then they are.
    async fn is_here(&self, user: UserId) -> bool {
        let here = self.0.presences().online(&[user], self.0.clock().now()).await;
        here.is_none_or(|here| here[0])
    }

    async fn write_new(
        &self,
        db: &mut PgConnection,
        caller: &Caller,
        (receiver, group): (Option<UserId>, Option<ConversationId>),
        call_type: CallType,
        called: &[Called],
    ) -> Result<Attempt, Error> {
        // Without a media server nobody is to be rung.
        self.0.livekit().server_url().map_err(crate::voice::Error::from)?;
        let now = self.0.clock().now();
        let id = CallId(self.0.ids().uuid(now));
        let all_busy = called.iter().all(|called| called.busy);
        let mine = if all_busy { Part::Left } else { Part::Joined };
        let parts = called.iter().map(|one| (one.user, if one.busy { Part::Busy } else { Part::Ringing }));
        let (users, parts): (Vec<Uuid>, Vec<Part>) =
            parts.chain([(caller.user_id, mine)]).map(|(user, part)| (user.0, part)).unzip();
        let room = self.0.voice().new_room_name("call");
        // In one order everywhere: two calls that take the same people do not wait for each other.
        let written = sqlx::query!(
            r#"
            with call as (
                insert into call_logs
                    (id, caller_id, receiver_id, conversation_id, call_type, status, livekit_room, started_at, ended_at)
                values ($1, $2, $3, $4, $5, $6, $7, $8::timestamptz, case when $6 = 'busy' then $8 end)
            )
            insert into call_participants
                (call_id, user_id, role, state, session_id, joined_at, absent_since)
            select
                $1,
                person.user_id,
                case person.user_id when $2 then 'caller' else 'receiver' end,
                person.state,
                case person.user_id when $2 then $9::uuid end,
                case person.state when 'joined' then $8 end,
                case person.state when 'joined' then $8 end
            from unnest($10::uuid[], $11::text[]) as person (user_id, state)
            order by person.user_id
            on conflict do nothing
            "#,
            id.0,
            caller.user_id.0,
            receiver.map(|user| user.0),
            group.map(|group| group.0),
            call_type as CallType,
            (if all_busy { Status::Busy } else { Status::Initiated }) as Status,
            room,
            now,
            caller.session_id.0,
            &users,
            &parts as &[Part],
        )
        .execute(&mut *db)
        .await?;
        if written.rows_affected() < users.len() as u64 {
            return Ok(Attempt::Again);
        }
        let mut aftermath = Aftermath::default();
        let busy = called.iter().filter(|called| called.busy);
        let news = busy.map(|called| self.missed(called.user, caller.user_id, id));
        aftermath.notify(self.0.notifications().add_all(&mut *db, news).await?);
        if all_busy {
            aftermath.count_call(Status::Busy.name());
            return Ok(Attempt::Refused(Error::TheyAreBusy, aftermath));
        }
        self.0.jobs().queue(&mut *db, &Job::RingTimeout { call_id: id }, now + RINGS).await?;
        aftermath.wakes();
        Ok(Attempt::Done(Begun::New(id, room), aftermath))
    }

    /// The room is there: tells whoever is called. Nothing, if it was answered, or ended, meanwhile.
    async fn ring(&self, id: CallId) -> Result<(), Error> {
        let mut transaction = self.0.pool().begin().await?;
        let held = self.hold(&mut transaction, id).await?.ok_or(Error::NotFound)?;
        // In a group others may be in already; the rest are to hear of it all the same.
        if !held.status.is_live() {
            return Ok(());
        }
        let mut aftermath = self.act(&mut transaction, &held, Wish::Ring, Notes::Left).await?;
        let ringing = held.people.iter().filter(|person| person.part == Part::Ringing);
        let ringing: Vec<UserId> = ringing.map(|person| person.user).collect();
        self.0.notifications().ring(&mut transaction, id, &ringing).await?;
        let caller = sqlx::query_as!(
            PersonSummary,
            r#"select id as "id: UserId", username, full_name, avatar from users where id = $1"#,
            held.caller.0,
        )
        .fetch_one(&mut *transaction)
        .await?;
        let conversation_name = match held.conversation {
            Some(group) => sqlx::query_scalar!("select name from conversations where id = $1", group.0)
                .fetch_optional(&mut *transaction)
                .await?
                .flatten(),
            None => None,
        };
        aftermath.tell(ringing, Event::CallIncoming(incoming(&held, caller, conversation_name)));
        aftermath.wakes();
        aftermath.queue(self.0, &mut transaction).await?;
        transaction.commit().await?;
        aftermath.carry_out(self.0).await;
        Ok(())
    }
}

fn incoming(call: &Held, caller: PersonSummary, conversation_name: Option<String>) -> CallIncoming {
    CallIncoming {
        call_id: call.id,
        call_type: call.call_type,
        caller,
        conversation_id: call.conversation,
        conversation_name,
        started_at: call.started_at,
        rings_until: until(call.started_at),
    }
}

/// When it stops ringing.
pub(crate) fn until(started_at: DateTime<Utc>) -> DateTime<Utc> {
    started_at + RINGS
}

impl Role {
    pub fn is_caller(self) -> bool {
        match self {
            Self::Caller => true,
            Self::Receiver => false,
        }
    }
}
