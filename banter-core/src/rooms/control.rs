//! What host and moderators do about others: roles, muting, kicking, banning; and a listener's raised hand. What takes a
//! right away answers once the media server agrees.

use sqlx::PgConnection;

use super::departure::Why;
use super::locked::Locked;
use super::policy::{Act as Does, Role, may};
use super::{COOLING, Error, Rooms, allowed};
use crate::accounts::Caller;
use crate::events::{Event, RoomHandRaised};
use crate::ids::{RoomId, UserId};
use crate::limits::Act;
use crate::voice::aftermath::Aftermath;

impl Rooms<'_> {
    /// Gives somebody else a role; as host they take the caller's place, who is a moderator then. A repeat changes
    /// nothing.
    pub async fn set_role(&self, caller: &Caller, id: RoomId, user: UserId, role: Role) -> Result<(), Error> {
        self.limit(caller).await?;
        let mut tx = self.0.pool().begin().await?;
        let (room, own) = self.lock_own(&mut tx, caller, id).await?;
        let was = other(&room, caller, user)?;
        allowed(may(own, Does::SetRole(was, role)))?;
        if role.keeps_order() && self.is_muted_by_staff(&mut tx, user).await? {
            return Err(Error::MutedByStaff);
        }
        let mut aftermath = Aftermath::default();
        if was == role {
            // A repeat, because the media server did not answer the first.
            tx.rollback().await?;
            aftermath.seat_in(room.livekit_room.as_deref(), user);
            return Ok(aftermath.carry_out_now(self.0).await?);
        }
        if role == Role::Host {
            // First, for there is one host at most at any moment.
            put_role(&mut tx, id, caller.user_id, Role::Moderator).await?;
        }
        put_role(&mut tx, id, user, role).await?;
        if role == Role::Host {
            aftermath.add(self.member_updated(&mut tx, &room, caller.user_id).await?);
        }
        aftermath.add(self.member_updated(&mut tx, &room, user).await?);
        if role == Role::Host {
            aftermath.add(self.part_from_host(&mut tx, &room, user).await?);
        }
        aftermath.queue(self.0, &mut tx).await?;
        tx.commit().await?;
        Ok(aftermath.carry_out_now(self.0).await?)
    }

    /// Takes somebody else's voice (where nothing is spoken, their writing), whatever their role, or lets them speak again; it opens nobody's microphone. A repeat
    /// changes nothing.
    pub async fn mute(&self, caller: &Caller, id: RoomId, user: UserId, muted: bool) -> Result<(), Error> {
        self.limit(caller).await?;
        let mut tx = self.0.pool().begin().await?;
        let (room, own) = self.lock_own(&mut tx, caller, id).await?;
        allowed(may(own, Does::Mute(other(&room, caller, user)?)))?;
        if !muted && self.is_muted_by_staff(&mut tx, user).await? {
            return Err(Error::MutedByStaff);
        }
        let aftermath = self.put_muted(&mut tx, &room, user, muted).await?;
        tx.commit().await?;
        Ok(aftermath.carry_out_now(self.0).await?)
    }

    /// The same by staff, in a transaction of theirs; carry out what it answers after the commit.
    pub(crate) async fn mute_in(
        &self,
        db: &mut PgConnection,
        id: RoomId,
        user: UserId,
        muted: bool,
    ) -> Result<Aftermath, Error> {
        let room = self.lock(db, id).await?.ok_or(Error::RoomNotFound)?;
        room.role_of(user).ok_or(Error::MemberNotFound)?;
        if !muted && self.is_muted_by_staff(db, user).await? {
            return Err(Error::MutedByStaff);
        }
        Ok(self.put_muted(db, &room, user, muted).await?)
    }

    /// The media server is asked again where nothing changes: it may not have answered the first time.
    async fn put_muted(
        &self,
        db: &mut PgConnection,
        room: &Locked,
        user: UserId,
        muted: bool,
    ) -> Result<Aftermath, sqlx::Error> {
        let changed = sqlx::query!(
            "update chat_room_members set is_muted = $3 where room_id = $1 and user_id = $2 and is_muted <> $3",
            room.id.0,
            user.0,
            muted,
        )
        .execute(&mut *db)
        .await?;
        let mut aftermath = Aftermath::default();
        if changed.rows_affected() == 0 {
            aftermath.seat_in(room.livekit_room.as_deref(), user);
            return Ok(aftermath);
        }
        aftermath.add(self.member_updated(db, room, user).await?);
        aftermath.queue(self.0, db).await?;
        Ok(aftermath)
    }

    /// Staff sends somebody out, in a transaction of theirs; carry out what it answers after the commit.
    pub(crate) async fn kick_in(
        &self,
        db: &mut PgConnection,
        by: UserId,
        id: RoomId,
        user: UserId,
    ) -> Result<Aftermath, Error> {
        let room = self.lock(db, id).await?.ok_or(Error::RoomNotFound)?;
        if room.role_of(user).is_none() && !self.is_kept_out(db, id, user).await? {
            return Err(Error::MemberNotFound);
        }
        Ok(self.send_out(db, by, &room, user, Why::Kicked).await?)
    }

    /// Sends somebody out, for ten minutes at least.
    pub async fn kick(&self, caller: &Caller, id: RoomId, user: UserId) -> Result<(), Error> {
        self.limit(caller).await?;
        let mut tx = self.0.pool().begin().await?;
        let (room, own) = self.lock_own(&mut tx, caller, id).await?;
        let role = match room.role_of(user) {
            None if own.keeps_order() && self.is_kept_out(&mut tx, id, user).await? => {
                // A repeat, because the media server did not answer the first.
                tx.rollback().await?;
                let mut aftermath = Aftermath::default();
                aftermath.seat_in(room.livekit_room.as_deref(), user);
                return Ok(aftermath.carry_out_now(self.0).await?);
            }
            Some(_) | None => other(&room, caller, user)?,
        };
        allowed(may(own, Does::SendOut(role)))?;
        let aftermath = self.send_out(&mut tx, caller.user_id, &room, user, Why::Kicked).await?;
        tx.commit().await?;
        Ok(aftermath.carry_out_now(self.0).await?)
    }

    /// Sends somebody out for as long as the room lives, or keeps somebody out who is not in.
    pub async fn ban(&self, caller: &Caller, id: RoomId, user: UserId) -> Result<(), Error> {
        self.limit(caller).await?;
        let mut tx = self.0.pool().begin().await?;
        let (room, own) = self.lock_own(&mut tx, caller, id).await?;
        if user == caller.user_id {
            return Err(Error::MemberNotFound);
        }
        let role = match room.role_of(user) {
            Some(role) => role,
            None => {
                self.known(&mut tx, caller, user).await?;
                Role::Listener
            }
        };
        allowed(may(own, Does::SendOut(role)))?;
        let aftermath = self.send_out(&mut tx, caller.user_id, &room, user, Why::Banned).await?;
        tx.commit().await?;
        Ok(aftermath.carry_out_now(self.0).await?)
    }

    /// A listener asks to speak, or does not any more; host and moderators hear of it.
    pub async fn raise_hand(&self, caller: &Caller, id: RoomId, raised: bool) -> Result<(), Error> {
        self.limit(caller).await?;
        let now = self.0.clock().now();
        let mut tx = self.0.pool().begin().await?;
        let (room, role) = self.lock_own(&mut tx, caller, id).await?;
        match role {
            Role::Listener => {}
            Role::Host | Role::Moderator | Role::Speaker => return Err(Error::NotAListener),
        }
        let changed = sqlx::query!(
            r#"
            update chat_room_members
            set hand_raised_at = case when $3 then $4::timestamptz end
            where room_id = $1 and user_id = $2 and (hand_raised_at is not null) <> $3
            "#,
            id.0,
            caller.user_id.0,
            raised,
            now,
        )
        .execute(&mut *tx)
        .await?;
        if changed.rows_affected() == 0 {
            return Ok(());
        }
        let (mut to, _) = self.audience(&mut tx, id, Some(caller.user_id)).await?;
        tx.commit().await?;
        to.retain(|user| *user == caller.user_id || room.role_of(*user).is_some_and(Role::keeps_order));
        let mut aftermath = Aftermath::default();
        let hand = RoomHandRaised { room_id: id, user_id: caller.user_id, raised };
        aftermath.tell(to, Event::RoomHandRaised(hand));
        aftermath.carry_out(self.0).await;
        Ok(())
    }

    async fn limit(&self, caller: &Caller) -> Result<(), Error> {
        self.0.limits().take(Act::RoomAct, &caller.user_id.to_string()).await?;
        Ok(())
    }

    async fn send_out(
        &self,
        db: &mut PgConnection,
        by: UserId,
        room: &Locked,
        user: UserId,
        why: Why,
    ) -> Result<Aftermath, sqlx::Error> {
        let now = self.0.clock().now();
        let until = (why == Why::Kicked).then(|| now + COOLING);
        sqlx::query!(
            r#"
            with invitation as (
                delete from chat_room_invitations where room_id = $1 and user_id = $2
            )
            insert into chat_room_bans as b (room_id, user_id, banned_by, until, created_at)
            values ($1, $2, $3, $4, $5)
            on conflict (room_id, user_id) do update
            set banned_by = excluded.banned_by,
                -- A kick shortens no ban.
                until = case when b.until is null then null else excluded.until end,
                created_at = excluded.created_at
            "#,
            room.id.0,
            user.0,
            by.0,
            until,
            now,
        )
        .execute(&mut *db)
        .await?;
        let mut aftermath = Aftermath::default();
        if room.role_of(user).is_some() {
            aftermath.add(self.go(db, room, user, why).await?);
        } else {
            aftermath.seat_in(room.livekit_room.as_deref(), user);
        }
        aftermath.queue(self.0, db).await?;
        Ok(aftermath)
    }

    async fn is_kept_out(
        &self,
        db: &mut PgConnection,
        room: RoomId,
        user: UserId,
    ) -> Result<bool, sqlx::Error> {
        sqlx::query_scalar!(
            r#"
            select exists (
                select from chat_room_bans where room_id = $1 and user_id = $2 and (until is null or until > $3)
            ) as "out!"
            "#,
            room.0,
            user.0,
            self.0.clock().now(),
        )
        .fetch_one(db)
        .await
    }

    /// Somebody whom the caller can meet.
    async fn known(&self, db: &mut PgConnection, caller: &Caller, user: UserId) -> Result<(), Error> {
        let known = sqlx::query_scalar!(
            r#"
            select exists (
                select from users where id = $2 and status not in ('deleted', 'banned') and can_interact($1, id)
            ) as "known!"
            "#,
            caller.user_id.0,
            user.0,
        )
        .fetch_one(db)
        .await?;
        if known { Ok(()) } else { Err(Error::UserNotFound) }
    }
}

/// What somebody else in the room is whom the caller names. A block hides nobody from those who keep order: it would be
/// a way to be out of their reach.
fn other(room: &Locked, caller: &Caller, user: UserId) -> Result<Role, Error> {
    room.role_of(user).filter(|_| user != caller.user_id).ok_or(Error::MemberNotFound)
}

/// With it a hand is lowered, and whoever keeps order is not muted.
async fn put_role(db: &mut PgConnection, room: RoomId, user: UserId, role: Role) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update chat_room_members
        set role = $3, hand_raised_at = null, is_muted = is_muted and not $4
        where room_id = $1 and user_id = $2
        "#,
        room.0,
        user.0,
        role as Role,
        role.keeps_order(),
    )
    .execute(db)
    .await
    .map(|_| ())
}
