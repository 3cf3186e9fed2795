//! Asking friends in. An invitation opens a private room to who is named; into a public one it only points the way.

use uuid::Uuid;

use chrono::TimeDelta;

use super::policy::{Act as Does, may};
use super::{Error, MOST_INVITED, Rooms, allowed};
use crate::accounts::{Caller, PersonSummary};
use crate::error::Problems;
use crate::events::{Event, RoomInvited};
use crate::ids::{RoomId, UserId};
use crate::limits::Act;
use crate::notifications::{self, News};
use crate::voice::aftermath::Aftermath;

/// How long a repeat tells nobody.
const QUIET: TimeDelta = TimeDelta::hours(1);

impl Rooms<'_> {
    /// Invites friends of the caller's. Whoever is in, was sent out, or cannot meet the host, is passed over; whoever was
    /// invited within the hour is told nothing again.
    pub async fn invite(&self, caller: &Caller, id: RoomId, users: &[UserId]) -> Result<(), Error> {
        let mut users: Vec<Uuid> =
            users.iter().filter(|user| **user != caller.user_id).map(|user| user.0).collect();
        users.sort_unstable();
        users.dedup();
        let mut problems = Problems::default();
        let few = (1..=MOST_INVITED).contains(&users.len());
        problems.check("userIds", few, "must name 1 to 20 people beside you");
        problems.none()?;
        self.0.limits().take(Act::InviteToRoom, &caller.user_id.to_string()).await?;
        let now = self.0.clock().now();
        let mut tx = self.0.pool().begin().await?;
        let (room, role) = self.lock_own(&mut tx, caller, id).await?;
        allowed(may(role, Does::Invite { public: room.is_public }))?;
        let friends = sqlx::query_scalar!(
            r#"
            select count(*) as "count!"
            from friend_pairs f
            join users u on u.id = f.other
            where f.one = $1 and f.other = any($2) and u.status <> 'deleted' and can_interact($1, u.id)
            "#,
            caller.user_id.0,
            &users,
        )
        .fetch_one(&mut *tx)
        .await?;
        if usize::try_from(friends) != Ok(users.len()) {
            return Err(Problems::one("userIds", "must all be friends of yours").into());
        }
        let invited = sqlx::query_scalar!(
            r#"
            insert into chat_room_invitations as i (room_id, user_id, invited_by, created_at)
            select $1, person, $3, $4
            from unnest($2::uuid[]) as person
            where may_enter_room(person, $1, $4)
              and not exists (select from chat_room_members where room_id = $1 and user_id = person)
            on conflict (room_id, user_id) do update
            set invited_by = excluded.invited_by, created_at = excluded.created_at
            where i.created_at <= $5 or i.invited_by is null
            returning user_id as "user_id: UserId"
            "#,
            id.0,
            &users,
            caller.user_id.0,
            now,
            now - QUIET,
        )
        .fetch_all(&mut *tx)
        .await?;
        if invited.is_empty() {
            return Ok(());
        }
        let mut aftermath = Aftermath::default();
        let news = invited.iter().map(|user| News {
            to: *user,
            kind: notifications::Kind::RoomInvited,
            actor: Some(caller.user_id),
            subject: Some(id.0),
        });
        aftermath.notify(self.0.notifications().add_all(&mut tx, news).await?);
        let told = sqlx::query!(
            r#"
            select c.name as "name!", u.username, u.full_name, u.avatar
            from conversations c, users u
            where c.id = $1 and u.id = $2
            "#,
            id.0,
            caller.user_id.0,
        )
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        let invited_by = PersonSummary {
            id: caller.user_id,
            username: told.username,
            full_name: told.full_name,
            avatar: told.avatar,
        };
        aftermath.tell(invited, Event::RoomInvited(RoomInvited { room_id: id, name: told.name, invited_by }));
        aftermath.carry_out(self.0).await;
        Ok(())
    }
}
