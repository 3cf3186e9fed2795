//! Going: by one's own will, sent out, lost, or because an account ended or two cannot meet any more. However it comes
//! about, the host's place is inherited at once, and a room that is left empty waits for its end.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use super::locked::Locked;
use super::policy::{Role, heir};
use super::{EMPTY, Rooms};
use crate::events::{Event, RoomMemberLeft};
use crate::ids::{RoomId, SessionId, UserId};
use crate::jobs::Job;
use crate::voice::aftermath::Aftermath;

/// How long somebody in a room without a media server may have no socket open.
const UNSEEN: TimeDelta = TimeDelta::minutes(2);
/// People looked at in one statement.
const BATCH: i64 = 1_000;

/// Why somebody is not in any more. A block is not told from leaving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = RoomDeparture)]
pub enum Why {
    Left,
    Kicked,
    Banned,
    /// Stayed away too long.
    Away,
}

impl Rooms<'_> {
    /// Somebody who is in goes. In the transaction that holds the room.
    pub(super) async fn go(
        &self,
        db: &mut PgConnection,
        room: &Locked,
        leaver: UserId,
        why: Why,
    ) -> Result<Aftermath, sqlx::Error> {
        let now = self.0.clock().now();
        sqlx::query!(
            "delete from chat_room_members where room_id = $1 and user_id = $2",
            room.id.0,
            leaver.0,
        )
        .execute(&mut *db)
        .await?;
        self.members_changed(db, room.id).await?;
        sqlx::query!(
            "delete from conversation_members where conversation_id = $1 and user_id = $2",
            room.id.0,
            leaver.0,
        )
        .execute(&mut *db)
        .await?;
        let mut aftermath = Aftermath::default();
        aftermath.seat_in(room.livekit_room.as_deref(), leaver);
        let (to, member_count) = self.audience(db, room.id, Some(leaver)).await?;
        let left = RoomMemberLeft { room_id: room.id, user_id: leaver, reason: why, member_count };
        aftermath.tell(to, Event::RoomMemberLeft(left));
        if member_count == 0 {
            sqlx::query!("update chat_rooms set empty_since = $2 where id = $1", room.id.0, now)
                .execute(&mut *db)
                .await?;
            self.0.jobs().queue(&mut *db, &Job::CloseEmptyRoom { room_id: room.id }, now + EMPTY).await?;
            aftermath.wakes();
        } else if room.role_of(leaver) == Some(Role::Host)
            && let Some(heir) = heir(&room.members)
        {
            sqlx::query!(
                r#"
                update chat_room_members
                set role = 'host', is_muted = false, hand_raised_at = null
                where room_id = $1 and user_id = $2
                "#,
                room.id.0,
                heir.0,
            )
            .execute(&mut *db)
            .await?;
            aftermath.add(self.member_updated(db, room, heir).await?);
            aftermath.add(self.part_from_host(db, room, heir).await?);
        }
        Ok(aftermath)
    }

    /// Somebody is host now: whoever cannot meet them does not find the room any more, and is not in it either.
    pub(super) async fn part_from_host(
        &self,
        db: &mut PgConnection,
        room: &Locked,
        host: UserId,
    ) -> Result<Aftermath, sqlx::Error> {
        let apart = sqlx::query_scalar!(
            r#"
            select m.user_id as "user: UserId"
            from chat_room_members m
            where m.room_id = $1 and exists (select from blocked_pairs where one = $2 and other = m.user_id)
            "#,
            room.id.0,
            host.0,
        )
        .fetch_all(&mut *db)
        .await?;
        let mut aftermath = Aftermath::default();
        for user in apart {
            // None of them is host, so this goes no deeper.
            aftermath.add(Box::pin(self.go(db, room, user, Why::Left)).await?);
        }
        Ok(aftermath)
    }

    /// Somebody stayed away too long: they have left, unless they are back by now.
    pub(crate) async fn lost(&self, room: RoomId, user: UserId) -> Result<(), sqlx::Error> {
        let mut tx = self.0.pool().begin().await?;
        let Some(room) = self.lock(&mut tx, room).await? else { return Ok(()) };
        let away = sqlx::query_scalar!(
            r#"
            select absent_since is not null as "away!"
            from chat_room_members
            where room_id = $1 and user_id = $2
            "#,
            room.id.0,
            user.0,
        )
        .fetch_optional(&mut *tx)
        .await?;
        if away != Some(true) {
            return Ok(());
        }
        let aftermath = self.go(&mut tx, &room, user, Why::Away).await?;
        aftermath.queue(self.0, &mut tx).await?;
        tx.commit().await?;
        aftermath.carry_out(self.0).await;
        Ok(())
    }

    /// Takes somebody out of their rooms, because their account ends or is suspended; nothing waits for them there any
    /// more. In that transaction, which holds their account: they join nothing meanwhile.
    pub(crate) async fn take_out(
        &self,
        db: &mut PgConnection,
        user: UserId,
    ) -> Result<Aftermath, sqlx::Error> {
        let aftermath = self.leave_all(db, user, None).await?;
        sqlx::query!(
            r#"
            with watches as (delete from chat_room_watchers where user_id = $1)
            delete from chat_room_invitations where user_id = $1
            "#,
            user.0,
        )
        .execute(db)
        .await?;
        Ok(aftermath)
    }

    /// Leaves every room they are in; with a login, those they are in on it.
    pub(crate) async fn leave_all(
        &self,
        db: &mut PgConnection,
        user: UserId,
        login: Option<SessionId>,
    ) -> Result<Aftermath, sqlx::Error> {
        let rooms = sqlx::query_scalar!(
            r#"
            select id as "id: RoomId"
            from chat_rooms
            where closed_at is null
              and id in (
                  select room_id from chat_room_members where user_id = $1 and ($2::uuid is null or session_id = $2)
              )
            order by id
            for update
            "#,
            user.0,
            login.map(|login| login.0),
        )
        .fetch_all(&mut *db)
        .await?;
        let mut aftermath = Aftermath::default();
        for id in rooms {
            if let Some(room) = self.lock(db, id).await?
                && room.role_of(user).is_some()
            {
                aftermath.add(self.go(db, &room, user, Why::Left).await?);
            }
        }
        Ok(aftermath)
    }

    /// Parts two who cannot meet any more: where one is the host, the other is out. In the transaction of the block.
    pub(crate) async fn part(
        &self,
        db: &mut PgConnection,
        blocker: UserId,
        blocked: UserId,
    ) -> Result<Aftermath, sqlx::Error> {
        // Held whether the other is in or not: somebody may be about to come in who does not see the block yet.
        let hosted = sqlx::query_scalar!(
            r#"
            select id as "id: RoomId"
            from chat_rooms
            where closed_at is null
              and id in (select room_id from chat_room_members where user_id in ($1, $2) and role = 'host')
            order by id
            for update
            "#,
            blocker.0,
            blocked.0,
        )
        .fetch_all(&mut *db)
        .await?;
        let mut aftermath = Aftermath::default();
        for id in hosted {
            let Some(room) = self.lock(db, id).await? else { continue };
            let out = match (room.role_of(blocker), room.role_of(blocked)) {
                (Some(Role::Host), Some(_)) => blocked,
                (Some(_), Some(Role::Host)) => blocker,
                _ => continue,
            };
            aftermath.add(self.go(db, &room, out, Why::Left).await?);
        }
        Ok(aftermath)
    }

    /// Takes those out of rooms without a media server who have had no socket open for two minutes. Nothing happens while
    /// nobody can tell.
    pub(crate) async fn drop_absent(&self) -> Result<(), sqlx::Error> {
        let (mut room, mut user) = (Uuid::nil(), Uuid::nil());
        loop {
            let people = sqlx::query!(
                r#"
                select m.room_id as "room: RoomId", m.user_id as "user: UserId", m.absent_since
                from chat_room_members m
                join chat_rooms r on r.id = m.room_id
                where r.livekit_room is null and (m.room_id, m.user_id) > ($1, $2)
                order by m.room_id, m.user_id
                limit $3
                "#,
                room,
                user,
                BATCH,
            )
            .fetch_all(self.0.pool())
            .await?;
            let Some(last) = people.last() else { return Ok(()) };
            (room, user) = (last.room.0, last.user.0);
            let seats: Vec<_> =
                people.into_iter().map(|row| (row.room, row.user, row.absent_since)).collect();
            if !self.look_for(&seats).await? {
                return Ok(());
            }
        }
    }

    /// Notes who of them is here, and takes out who is not for too long. Whether anybody can tell.
    async fn look_for(&self, seats: &[(RoomId, UserId, Option<DateTime<Utc>>)]) -> Result<bool, sqlx::Error> {
        let now = self.0.clock().now();
        let users: Vec<UserId> = seats.iter().map(|(_, user, _)| *user).collect();
        let Some(online) = self.0.presences().online(&users, now).await else { return Ok(false) };
        let online: HashMap<UserId, bool> = users.into_iter().zip(online).collect();
        let (mut changed, mut lost) = ((Vec::new(), Vec::new(), Vec::new()), Vec::new());
        for (room, user, absent_since) in seats {
            let here = online.get(user).copied().unwrap_or(false);
            if here != absent_since.is_none() {
                changed.0.push(room.0);
                changed.1.push(user.0);
                changed.2.push((!here).then_some(now));
            } else if absent_since.is_some_and(|since| since + UNSEEN <= now) {
                lost.push((*room, *user));
            }
        }
        sqlx::query!(
            r#"
            update chat_room_members m
            set absent_since = seen.absent_since
            from unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) as seen (room_id, user_id, absent_since)
            where m.room_id = seen.room_id and m.user_id = seen.user_id
            "#,
            &changed.0,
            &changed.1,
            &changed.2 as &[Option<DateTime<Utc>>],
        )
        .execute(self.0.pool())
        .await?;
        for (room, user) in lost {
            self.lost(room, user).await?;
        }
        Ok(true)
    }
}
