//! A room whose row is held, and who is in it. Whatever changes who is in, or as what, comes here first, so that the
//! number of people, the one host and the rights that follow are never seen half changed.

use sqlx::PgConnection;

use super::policy::Role;
use super::watch::MOST_WATCHING;
use super::{Error, Member, Rooms};
use crate::accounts::{Caller, PersonSummary};
use crate::events::{Event, RoomMemberUpdated};
use crate::ids::{RoomId, UserId};
use crate::voice::aftermath::Aftermath;

pub(super) struct Locked {
    pub id: RoomId,
    pub is_public: bool,
    pub max_members: i32,
    /// `None`: nothing is spoken here.
    pub livekit_room: Option<String>,
    /// By the time they joined.
    pub members: Vec<(UserId, Role)>,
}

impl Locked {
    pub(super) fn role_of(&self, user: UserId) -> Option<Role> {
        self.members.iter().find(|(member, _)| *member == user).map(|(_, role)| *role)
    }
}

impl Rooms<'_> {
    /// Holds a live room until the transaction ends.
    pub(super) async fn lock(
        &self,
        db: &mut PgConnection,
        id: RoomId,
    ) -> Result<Option<Locked>, sqlx::Error> {
        let room = sqlx::query!(
            r#"
            select is_public, max_members, livekit_room
            from chat_rooms
            where id = $1 and closed_at is null
            for update
            "#,
            id.0,
        )
        .fetch_optional(&mut *db)
        .await?;
        let Some(room) = room else { return Ok(None) };
        // A later statement: who came while this waited is seen.
        let members = sqlx::query!(
            r#"
            select
                user_id as "user_id: UserId",
                role as "role: Role"
            from chat_room_members
            where room_id = $1
            order by joined_at, user_id
            "#,
            id.0,
        )
        .fetch_all(db)
        .await?;
        Ok(Some(Locked {
            id,
            is_public: room.is_public,
            max_members: room.max_members,
            livekit_room: room.livekit_room,
            members: members.into_iter().map(|row| (row.user_id, row.role)).collect(),
        }))
    }

    /// The same of a room that the caller is in, and what they are there.
    pub(super) async fn lock_own(
        &self,
        db: &mut PgConnection,
        caller: &Caller,
        id: RoomId,
    ) -> Result<(Locked, Role), Error> {
        let room = self.lock(db, id).await?.ok_or(Error::RoomNotFound)?;
        let role = room.role_of(caller.user_id).ok_or(Error::RoomNotFound)?;
        Ok((room, role))
    }

    /// A send to the room's conversation that waited sees by it that its members are others now.
    pub(super) async fn members_changed(
        &self,
        db: &mut PgConnection,
        room: RoomId,
    ) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar!(
            "update conversations set members_version = members_version + 1 where id = $1 returning last_seq",
            room.0,
        )
        .fetch_one(db)
        .await
    }

    /// Who hears of what becomes of the room, or of `about` in it: who is in and can meet them, they themselves, and who
    /// watches and might come in; and how many are in.
    pub(super) async fn audience(
        &self,
        db: &mut PgConnection,
        room: RoomId,
        about: Option<UserId>,
    ) -> Result<(Vec<UserId>, i32), sqlx::Error> {
        let found = sqlx::query!(
            r#"
            select
                r.member_count,
                array(
                    select person
                    from (
                        select user_id from chat_room_members where room_id = r.id
                        union
                        (
                            select w.user_id
                            from chat_room_watchers w
                            where w.room_id = r.id
                              and w.until > $3
                              and may_enter_room(w.user_id, r.id, $3)
                              and (r.is_public or exists (
                                  select from chat_room_invitations i where i.room_id = r.id and i.user_id = w.user_id
                              ))
                            order by w.until desc
                            limit $4
                        )
                    ) as hearer (person)
                    where person is distinct from $2
                      and not exists (select from blocked_pairs where one = $2 and other = person)
                ) as "others!: Vec<UserId>"
            from chat_rooms r
            where r.id = $1
            "#,
            room.0,
            about.map(|user| user.0),
            self.0.clock().now(),
            MOST_WATCHING,
        )
        .fetch_one(db)
        .await?;
        let mut to = found.others;
        to.extend(about);
        Ok((to, found.member_count))
    }

    pub(super) async fn member(
        &self,
        db: &mut PgConnection,
        room: RoomId,
        user: UserId,
    ) -> Result<Member, sqlx::Error> {
        let row = sqlx::query!(
            r#"
            select
                u.id as "id: UserId",
                u.username,
                u.full_name,
                u.avatar,
                m.role as "role: Role",
                m.is_muted,
                m.hand_raised_at is not null as "hand_raised!",
                m.joined_at
            from chat_room_members m
            join users u on u.id = m.user_id
            where m.room_id = $1 and m.user_id = $2
            "#,
            room.0,
            user.0,
        )
        .fetch_one(db)
        .await?;
        Ok(Member {
            user: PersonSummary {
                id: row.id,
                username: row.username,
                full_name: row.full_name,
                avatar: row.avatar,
            },
            role: row.role,
            is_muted: row.is_muted,
            hand_raised: row.hand_raised,
            joined_at: row.joined_at,
        })
    }

    /// Somebody's role, or whether they are muted, changed: the room hears of it, the media server follows.
    pub(super) async fn member_updated(
        &self,
        db: &mut PgConnection,
        room: &Locked,
        user: UserId,
    ) -> Result<Aftermath, sqlx::Error> {
        let mut aftermath = Aftermath::default();
        let member = self.member(db, room.id, user).await?;
        let (to, _) = self.audience(db, room.id, Some(user)).await?;
        aftermath.tell(to, Event::RoomMemberUpdated(RoomMemberUpdated { room_id: room.id, member }));
        aftermath.seat_in(room.livekit_room.as_deref(), user);
        Ok(aftermath)
    }
}
