//! Coming into a room, and leaving it.

use sqlx::PgConnection;

use super::departure::Why;
use super::locked::Locked;
use super::policy::Role;
use super::{Error, MOST_JOINED, RoomType, Rooms, Seated};
use crate::accounts::Caller;
use crate::accounts::administration::turn;
use crate::events::{Event, RoomMemberJoined};
use crate::ids::{RoomId, UserId};
use crate::limits::Act;
use crate::voice::Place;
use crate::voice::aftermath::Aftermath;

impl Rooms<'_> {
    /// Comes in, as a listener; as host where nobody is. Who is in already stays as they are, and gets a fresh token.
    pub async fn join(&self, caller: &Caller, id: RoomId) -> Result<Seated, Error> {
        self.0.limits().take(Act::JoinRoom, &caller.user_id.to_string()).await?;
        // Before anything is held: the media server may have lost the room, or be away.
        if let Some(livekit_room) = self.open_to(caller, id).await? {
            self.0.voice().settle_room(&livekit_room).await?;
        }
        let mut tx = self.0.pool().begin().await?;
        self.own_turn(&mut tx, caller.user_id).await?;
        let room = self.lock(&mut tx, id).await?.ok_or(Error::RoomNotFound)?;
        let aftermath = if room.role_of(caller.user_id).is_some() {
            // Where they came last they are: one person is one participant.
            sqlx::query!(
                "update chat_room_members set session_id = $3 where room_id = $1 and user_id = $2",
                id.0,
                caller.user_id.0,
                caller.session_id.0,
            )
            .execute(&mut *tx)
            .await?;
            Aftermath::default()
        } else {
            self.come(&mut tx, caller, &room).await?
        };
        aftermath.queue(self.0, &mut tx).await?;
        tx.commit().await?;
        aftermath.carry_out(self.0).await;
        self.seated(caller, id).await
    }

    pub async fn leave(&self, caller: &Caller, id: RoomId) -> Result<(), Error> {
        self.0.limits().take(Act::RoomAct, &caller.user_id.to_string()).await?;
        let mut tx = self.0.pool().begin().await?;
        let (room, _) = self.lock_own(&mut tx, caller, id).await?;
        let aftermath = self.go(&mut tx, &room, caller.user_id, Why::Left).await?;
        aftermath.queue(self.0, &mut tx).await?;
        tx.commit().await?;
        aftermath.carry_out(self.0).await;
        Ok(())
    }

    async fn come(&self, db: &mut PgConnection, caller: &Caller, room: &Locked) -> Result<Aftermath, Error> {
        let now = self.0.clock().now();
        let may = sqlx::query!(
            r#"
            select
                may_enter_room($2, $1, $3) and ($4 or exists (
                    select from chat_room_invitations where room_id = $1 and user_id = $2
                )) as "enter!",
                (select count(*) from chat_room_members where user_id = $2) as "joined!"
            "#,
            room.id.0,
            caller.user_id.0,
            now,
            room.is_public,
        )
        .fetch_one(&mut *db)
        .await?;
        if !may.enter {
            return Err(Error::RoomNotFound);
        }
        if may.joined >= MOST_JOINED {
            return Err(Error::TooManyRooms);
        }
        if room.members.len() >= usize::try_from(room.max_members).unwrap_or(0) {
            return Err(Error::Full);
        }
        let role = if room.members.is_empty() { Role::Host } else { Role::Listener };
        // Who is not to be heard keeps no order either.
        if role == Role::Host && self.is_muted_by_staff(db, caller.user_id).await? {
            return Err(Error::MutedByStaff);
        }
        self.seat(db, room.id, caller, role, room.livekit_room.is_some()).await?;
        let mut aftermath = Aftermath::default();
        let member = self.member(db, room.id, caller.user_id).await?;
        let (to, member_count) = self.audience(db, room.id, Some(caller.user_id)).await?;
        let joined = RoomMemberJoined { room_id: room.id, member, member_count };
        aftermath.tell(to, Event::RoomMemberJoined(joined));
        Ok(aftermath)
    }

    /// Writes somebody in, here and in the conversation, which they read from here on.
    pub(super) async fn seat(
        &self,
        db: &mut PgConnection,
        room: RoomId,
        caller: &Caller,
        role: Role,
        spoken: bool,
    ) -> Result<(), sqlx::Error> {
        let now = self.0.clock().now();
        sqlx::query!(
            r#"
            insert into chat_room_members (room_id, user_id, role, is_muted, joined_at, absent_since, session_id)
            select
                $1, $2, $3, coalesce(room_muted_until > $4, false), $4, case when $5 then $4::timestamptz end, $6
            from users
            where id = $2
            "#,
            room.0,
            caller.user_id.0,
            role as Role,
            now,
            spoken,
            caller.session_id.0,
        )
        .execute(&mut *db)
        .await?;
        let last_seq = self.members_changed(db, room).await?;
        sqlx::query!(
            r#"
            insert into conversation_members
                (conversation_id, user_id, last_read_seq, last_seq, from_seq, last_message_at, joined_at)
            values ($1, $2, $3::bigint, $3, $3 + 1, $4, $4)
            "#,
            room.0,
            caller.user_id.0,
            last_seq,
            now,
        )
        .execute(db)
        .await?;
        Ok(())
    }

    /// What begins with this waits for the end of the account, or a suspension, that is under way, and has them wait.
    pub(super) async fn own_turn(&self, db: &mut PgConnection, user: UserId) -> Result<(), Error> {
        turn(db, user).await?;
        let active = sqlx::query_scalar!(
            r#"
            select exists (
                select from users where id = $1 and (status = 'active' or status = 'suspended' and status_until <= $2)
            ) as "active!"
            "#,
            user.0,
            self.0.clock().now(),
        )
        .fetch_one(db)
        .await?;
        if active { Ok(()) } else { Err(Error::AccountGone) }
    }

    /// Does the staff have somebody heard in no room, for now?
    pub(super) async fn is_muted_by_staff(
        &self,
        db: &mut PgConnection,
        user: UserId,
    ) -> Result<bool, sqlx::Error> {
        sqlx::query_scalar!(
            r#"select exists (select from users where id = $1 and room_muted_until > $2) as "muted!""#,
            user.0,
            self.0.clock().now(),
        )
        .fetch_one(db)
        .await
    }

    /// The media server's name of a room that the caller is in, or may come into.
    async fn open_to(&self, caller: &Caller, id: RoomId) -> Result<Option<String>, Error> {
        sqlx::query_scalar!(
            r#"
            select livekit_room
            from chat_rooms r
            where r.id = $1
              and r.closed_at is null
              and (
                  exists (select from chat_room_members where room_id = r.id and user_id = $2)
                  or may_enter_room($2, r.id, $3) and (r.is_public or exists (
                      select from chat_room_invitations where room_id = r.id and user_id = $2
                  ))
              )
            "#,
            id.0,
            caller.user_id.0,
            self.0.clock().now(),
        )
        .fetch_optional(self.0.pool())
        .await?
        .ok_or(Error::RoomNotFound)
    }

    /// The room as the caller, who is in, sees it, and the way in.
    pub(super) async fn seated(&self, caller: &Caller, id: RoomId) -> Result<Seated, Error> {
        let room = self.one(caller, id).await?;
        let entrance = match room.room_type {
            RoomType::Text if room.role.is_some() => None,
            RoomType::Text => return Err(Error::RoomNotFound),
            RoomType::Voice | RoomType::Video => {
                let entrance = self.0.voice().entrance(caller, Place::Room(id)).await?;
                // Otherwise sent out in this moment.
                Some(entrance.ok_or(Error::RoomNotFound)?)
            }
        };
        Ok(Seated { room, entrance })
    }
}
