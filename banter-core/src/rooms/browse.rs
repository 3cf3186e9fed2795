//! What people find: live public rooms, one room, and who is in it.

use chrono::{DateTime, TimeZone as _, Utc};
use uuid::Uuid;

use super::policy::Role;
use super::{Category, Error, Member, Room, RoomType, Rooms};
use crate::accounts::{Caller, PersonSummary};
use crate::error::Problems;
use crate::ids::{RoomId, UserId};
use crate::limits::Act;
use crate::page::{At, Page, PageRequest};
use crate::text;

/// Which rooms; everything that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub category: Option<Category>,
    pub language: Option<String>,
    /// Part of the name, in any case.
    pub q: Option<String>,
}

const LIST: &str = "rooms";
const MEMBERS: &str = "room members";

/// Selects rooms as `$1` sees them, at `$2`.
macro_rules! select_rooms {
    ($rest:literal, $($arguments:tt)*) => {
        sqlx::query_as!(
            Row,
            r#"
            select
                r.id as "id: RoomId",
                c.name as "name!",
                r.description,
                r.room_type as "room_type: RoomType",
                r.category as "category: Category",
                r.language,
                r.max_members,
                r.member_count,
                r.is_public,
                r.cover_image,
                r.created_at,
                h.id as "host_id?: UserId",
                h.username as "host_username?",
                h.full_name as "host_full_name?",
                h.avatar as "host_avatar?",
                me.role as "role?: Role",
                coalesce(me.is_muted, false) as "is_muted!"
            from chat_rooms r
            join conversations c on c.id = r.id
            left join chat_room_members me on me.room_id = r.id and me.user_id = $1
            left join (chat_room_members hosts join users h on h.id = hosts.user_id)
                on hosts.room_id = r.id
                and hosts.role = 'host'
                and not exists (select from blocked_pairs where one = $1 and other = h.id)
            where r.closed_at is null and
            "# + $rest,
            $($arguments)*
        )
    };
}

struct Row {
    id: RoomId,
    name: String,
    description: Option<String>,
    room_type: RoomType,
    category: Option<Category>,
    language: String,
    max_members: i32,
    member_count: i32,
    is_public: bool,
    cover_image: Option<String>,
    created_at: DateTime<Utc>,
    host_id: Option<UserId>,
    host_username: Option<String>,
    host_full_name: Option<String>,
    host_avatar: Option<String>,
    role: Option<Role>,
    is_muted: bool,
}

impl From<Row> for Room {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            name: row.name,
            description: row.description,
            room_type: row.room_type,
            category: row.category,
            language: row.language,
            max_members: row.max_members,
            member_count: row.member_count,
            is_public: row.is_public,
            cover_image: row.cover_image,
            host: row.host_id.zip(row.host_full_name).map(|(id, full_name)| PersonSummary {
                id,
                username: row.host_username,
                full_name,
                avatar: row.host_avatar,
            }),
            role: row.role,
            is_muted: row.is_muted,
            created_at: row.created_at,
        }
    }
}

impl Rooms<'_> {
    /// Live public rooms with somebody in them, most people first. One statement, along an index.
    pub async fn browse(
        &self,
        caller: &Caller,
        filter: &Filter,
        page: &PageRequest,
    ) -> Result<Page<Room>, Error> {
        let mut problems = Problems::default();
        let q = filter.q.as_deref().map(|q| text::clean(q, 0..=60)).transpose();
        let q = problems.take("q", q).flatten().filter(|q| !q.is_empty());
        let language = filter.language.as_deref().map(|code| text::clean(code, 1..=3)).transpose();
        let language = problems.take("language", language).flatten();
        let after: Option<Option<(i32, At, RoomId)>> = problems.take("cursor", page.after(LIST));
        problems.none()?;
        if q.is_some() {
            self.0.limits().take(Act::Search, &caller.user_id.to_string()).await?;
        }
        // A place before everything, instead of a condition that a prepared plan could not use the index for.
        let (count, time, id) = after.flatten().unwrap_or((i32::MAX, At(end_of_time()), RoomId(Uuid::max())));
        let rows = select_rooms!(
            r#"
            r.is_public
              and r.member_count > 0
              and (r.member_count, r.created_at, r.id) < ($3, $4, $5)
              and may_enter_room($1, r.id, $2)
              and ($6::text is null or r.category = $6)
              and ($7::text is null or r.language = $7)
              and ($8::text is null or position(lower($8) in lower(c.name)) > 0)
            order by r.member_count desc, r.created_at desc, r.id desc
            limit $9
            "#,
            caller.user_id.0,
            self.0.clock().now(),
            count,
            time.0,
            id.0,
            filter.category as Option<Category>,
            language,
            q,
            page.fetch(),
        )
        .fetch_all(self.0.pool())
        .await?;
        let rooms = rows.into_iter().map(Room::from).collect();
        Ok(Page::cut(rooms, page, LIST, |room: &Room| (room.member_count, At(room.created_at), room.id)))
    }

    /// A room that is public, or that the caller is in or invited to.
    pub async fn one(&self, caller: &Caller, id: RoomId) -> Result<Room, Error> {
        let row = select_rooms!(
            r#"
            r.id = $3
              and (
                  me.user_id is not null
                  or may_enter_room($1, r.id, $2) and (r.is_public or exists (
                      select from chat_room_invitations where room_id = r.id and user_id = $1
                  ))
              )
            "#,
            caller.user_id.0,
            self.0.clock().now(),
            id.0,
        )
        .fetch_optional(self.0.pool())
        .await?;
        Ok(row.ok_or(Error::RoomNotFound)?.into())
    }

    /// Who is in whom the caller can meet: those who keep order first, then by how long they are in.
    pub async fn members(
        &self,
        caller: &Caller,
        id: RoomId,
        page: &PageRequest,
    ) -> Result<Page<Member>, Error> {
        let after: Option<(i32, At, UserId)> =
            page.after(MEMBERS).map_err(|problem| Problems::one("cursor", problem))?;
        let (rank, time, user) = after.unwrap_or((-1, At(DateTime::UNIX_EPOCH), UserId(Uuid::nil())));
        self.one(caller, id).await?;
        let rows = sqlx::query!(
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
            cross join lateral (
                select case m.role when 'host' then 0 when 'moderator' then 1 when 'speaker' then 2 else 3 end as rank
            ) as order_of
            where m.room_id = $1
              and not exists (select from blocked_pairs where one = $2 and other = u.id)
              and (order_of.rank, m.joined_at, m.user_id) > ($3, $4, $5)
            order by order_of.rank, m.joined_at, m.user_id
            limit $6
            "#,
            id.0,
            caller.user_id.0,
            rank,
            time.0,
            user.0,
            page.fetch(),
        )
        .fetch_all(self.0.pool())
        .await?;
        let members = rows.into_iter().map(|row| Member {
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
        });
        Ok(Page::cut(members.collect(), page, MEMBERS, |member: &Member| {
            (rank_of(member.role), At(member.joined_at), member.user.id)
        }))
    }
}

/// As the statement orders them.
fn rank_of(role: Role) -> i32 {
    match role {
        Role::Host => 0,
        Role::Moderator => 1,
        Role::Speaker => 2,
        Role::Listener => 3,
    }
}

fn end_of_time() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(9999, 12, 31, 0, 0, 0).single().expect("a time")
}
