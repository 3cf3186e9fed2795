//! Rooms as staff see them: all of them, private and closed ones among them.

use chrono::{DateTime, Utc};

use super::close::Because;
use super::policy::Role;
use super::{Error, RoomType, Rooms};
use crate::error::Problems;
use crate::ids::{RoomId, UserId};
use crate::page::{Page, PageRequest};

/// A room in a list.
#[derive(Debug)]
pub struct Listed {
    pub id: RoomId,
    pub name: String,
    pub room_type: RoomType,
    pub is_public: bool,
    pub member_count: i32,
    pub max_members: i32,
    pub host_username: Option<String>,
    pub created_at: DateTime<Utc>,
    pub closed_at: Option<DateTime<Utc>>,
}

/// A room and all who are in it.
#[derive(Debug)]
pub struct Shown {
    pub room: Listed,
    pub description: Option<String>,
    pub closed_because: Option<Because>,
    pub closed_note: Option<String>,
    pub livekit_room: Option<String>,
    /// Longest-standing first.
    pub members: Vec<Inside>,
}

#[derive(Debug)]
pub struct Inside {
    pub id: UserId,
    pub username: Option<String>,
    pub full_name: String,
    pub role: Role,
    pub is_muted: bool,
    /// At the media server, as far as we were told; in a room where nothing is spoken, with a socket open.
    pub is_connected: bool,
    pub joined_at: DateTime<Utc>,
}

const LIST: &str = "all rooms";

impl Rooms<'_> {
    /// Rooms, newest first; with `closed` also those that are over.
    pub async fn list(&self, closed: bool, page: &PageRequest) -> Result<Page<Listed>, Error> {
        let after: Option<RoomId> = page.after(LIST).map_err(|problem| Problems::one("cursor", problem))?;
        let rows = sqlx::query_as!(
            Listed,
            r#"
            select
                r.id as "id: RoomId",
                c.name as "name!",
                r.room_type as "room_type: RoomType",
                r.is_public,
                r.member_count,
                r.max_members,
                h.username as "host_username?",
                r.created_at,
                r.closed_at
            from chat_rooms r
            join conversations c on c.id = r.id
            left join (chat_room_members hosts join users h on h.id = hosts.user_id)
                on hosts.room_id = r.id and hosts.role = 'host'
            where ($1 or r.closed_at is null) and ($2::uuid is null or r.id < $2)
            order by r.id desc
            limit $3
            "#,
            closed,
            after.map(|id| id.0),
            page.fetch(),
        )
        .fetch_all(self.0.pool())
        .await?;
        Ok(Page::cut(rows, page, LIST, |room: &Listed| room.id))
    }

    /// One room, whatever has become of it.
    pub async fn show(&self, id: RoomId) -> Result<Shown, Error> {
        let row = sqlx::query!(
            r#"
            select
                c.name as "name!",
                r.description,
                r.room_type as "room_type: RoomType",
                r.is_public,
                r.member_count,
                r.max_members,
                r.livekit_room,
                r.created_at,
                r.closed_at,
                r.closed_because as "closed_because: Because",
                r.closed_note
            from chat_rooms r
            join conversations c on c.id = r.id
            where r.id = $1
            "#,
            id.0,
        )
        .fetch_optional(self.0.pool())
        .await?
        .ok_or(Error::RoomNotFound)?;
        let members = sqlx::query_as!(
            Inside,
            r#"
            select
                u.id as "id: UserId",
                u.username,
                u.full_name,
                m.role as "role: Role",
                m.is_muted,
                m.absent_since is null as "is_connected!",
                m.joined_at
            from chat_room_members m
            join users u on u.id = m.user_id
            where m.room_id = $1
            order by m.joined_at, u.id
            "#,
            id.0,
        )
        .fetch_all(self.0.pool())
        .await?;
        let host = members.iter().find(|member| member.role == Role::Host);
        Ok(Shown {
            room: Listed {
                id,
                name: row.name,
                room_type: row.room_type,
                is_public: row.is_public,
                member_count: row.member_count,
                max_members: row.max_members,
                host_username: host.and_then(|host| host.username.clone()),
                created_at: row.created_at,
                closed_at: row.closed_at,
            },
            description: row.description,
            closed_because: row.closed_because,
            closed_note: row.closed_note,
            livekit_room: row.livekit_room,
            members,
        })
    }
}
