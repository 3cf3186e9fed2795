//! Making a room, and changing what it says of itself.

use sqlx::PgConnection;

use super::close::Because;
use super::policy::{Act as Does, Role, may};
use super::{Category, Error, MOST_JOINED, Room, RoomType, Rooms, SIZES, Seated, USUAL_SIZE, allowed};
use crate::accounts::Caller;
use crate::accounts::profile::valid_language;
use crate::error::Problems;
use crate::events::{Event, RoomRef};
use crate::ids::{RoomId, UploadId, UserId};
use crate::limits::Act;
use crate::media;
use crate::text;
use crate::voice::aftermath::Aftermath;

/// A room as its maker describes it; checked here.
#[derive(Clone, Debug)]
pub struct NewRoom {
    pub name: String,
    pub description: Option<String>,
    pub category: Option<Category>,
    /// The maker's own where there is none.
    pub language: Option<String>,
    pub room_type: RoomType,
    pub max_members: Option<i32>,
    pub is_public: bool,
    /// A link that an upload of the maker's answered, or that upload's id.
    pub cover_image: Option<String>,
}

/// What is to change; `None` stays.
#[derive(Clone, Debug, Default)]
pub struct RoomChange {
    pub name: Option<String>,
    pub description: Option<Option<String>>,
    pub category: Option<Option<Category>>,
    pub language: Option<String>,
    pub max_members: Option<i32>,
    pub is_public: Option<bool>,
    pub cover_image: Option<Option<String>>,
}

const SIZE: &str = "must be 2 to 100";
const COVER: &str = "is no upload of yours for a room, or is used already";

impl Rooms<'_> {
    /// Makes a room with the caller as its host. When the media server does not answer there is none.
    pub async fn create(&self, caller: &Caller, new: NewRoom) -> Result<Seated, Error> {
        let mut problems = Problems::default();
        let name = problems.take("name", text::clean(&new.name, 1..=60));
        let description = new.description.as_deref().map(description).transpose();
        let description = problems.take("description", description).flatten().flatten();
        let language = new.language.as_deref().map(valid_language).transpose();
        let language = problems.take("language", language).flatten();
        let max_members = new.max_members.unwrap_or(USUAL_SIZE);
        problems.check("maxMembers", SIZES.contains(&max_members), SIZE);
        let cover = new.cover_image.as_deref().map(cover).transpose();
        let cover = problems.take("coverImage", cover).flatten();
        problems.none()?;
        self.0.limits().take(Act::CreateRoom, &caller.user_id.to_string()).await?;
        let now = self.0.clock().now();
        let id = RoomId(self.0.ids().uuid(now));
        let livekit_room = match new.room_type {
            RoomType::Voice | RoomType::Video => {
                self.0.livekit().server_url().map_err(crate::voice::Error::from)?;
                Some(self.0.voice().new_room_name("room"))
            }
            RoomType::Text => None,
        };
        let mut tx = self.0.pool().begin().await?;
        self.own_turn(&mut tx, caller.user_id).await?;
        if self.is_muted_by_staff(&mut tx, caller.user_id).await? {
            return Err(Error::MutedByStaff);
        }
        let joined = sqlx::query_scalar!(
            r#"select count(*) as "joined!" from chat_room_members where user_id = $1"#,
            caller.user_id.0,
        )
        .fetch_one(&mut *tx)
        .await?;
        if joined >= MOST_JOINED {
            return Err(Error::TooManyRooms);
        }
        let cover_image = self.take_cover(&mut tx, caller.user_id, cover).await?;
        sqlx::query!(
            r#"
            with conversation as (
                insert into conversations (id, kind, name, created_by, last_message_at, created_at)
                values ($1, 'room', $2, $3, $4, $4)
            ),
            -- They may come back to it, private or not.
            invitation as (
                insert into chat_room_invitations (room_id, user_id, created_at) values ($1, $3, $4)
            )
            insert into chat_rooms
                (id, description, room_type, category, language, max_members, is_public, cover_image, cover_upload_id,
                 livekit_room, created_at, updated_at)
            select $1, $5, $6, $7, coalesce($8, language), $9, $10, $11, $12, $13, $4, $4
            from users
            where id = $3
            "#,
            id.0,
            name,
            caller.user_id.0,
            now,
            description,
            new.room_type as RoomType,
            new.category as Option<Category>,
            language,
            max_members,
            new.is_public,
            cover_image,
            cover.map(|upload| upload.0),
            livekit_room,
        )
        .execute(&mut *tx)
        .await?;
        self.seat(&mut tx, id, caller, Role::Host, livekit_room.is_some()).await?;
        tx.commit().await?;
        if let Some(livekit_room) = &livekit_room
            && let Err(error) = self.0.voice().settle_room(livekit_room).await
        {
            self.close_for(id, Because::Failed, None).await?;
            return Err(error.into());
        }
        metrics::counter!("banter_rooms_opened_total").increment(1);
        self.seated(caller, id).await
    }

    /// Changes what the room says of itself; only its host may.
    pub async fn change(&self, caller: &Caller, id: RoomId, change: RoomChange) -> Result<Room, Error> {
        let mut problems = Problems::default();
        let name = change.name.as_deref().map(|name| text::clean(name, 1..=60)).transpose();
        let name = problems.take("name", name).flatten();
        let new_description = change.description.map(|given| given.as_deref().map(description).transpose());
        let new_description =
            new_description.and_then(|given| problems.take("description", given)).map(Option::flatten);
        let language = change.language.as_deref().map(valid_language).transpose();
        let language = problems.take("language", language).flatten();
        problems.check("maxMembers", change.max_members.is_none_or(|size| SIZES.contains(&size)), SIZE);
        let new_cover = change.cover_image.map(|given| given.as_deref().map(cover).transpose());
        let new_cover = new_cover.and_then(|given| problems.take("coverImage", given));
        problems.none()?;
        self.0.limits().take(Act::RoomAct, &caller.user_id.to_string()).await?;
        let now = self.0.clock().now();
        let mut tx = self.0.pool().begin().await?;
        self.own_turn(&mut tx, caller.user_id).await?;
        let (room, role) = self.lock_own(&mut tx, caller, id).await?;
        allowed(may(role, Does::Edit))?;
        let size = change.max_members.map(|size| usize::try_from(size).unwrap_or(0));
        if size.is_some_and(|size| size < room.members.len()) {
            return Err(Error::TooManyInside);
        }
        if let Some(name) = name {
            sqlx::query!("update conversations set name = $2 where id = $1", id.0, name)
                .execute(&mut *tx)
                .await?;
        }
        if let Some(upload) = new_cover {
            self.change_cover(&mut tx, caller.user_id, id, upload).await?;
        }
        sqlx::query!(
            r#"
            update chat_rooms
            set description = case when $2 then $3 else description end,
                category = case when $4 then $5 else category end,
                language = coalesce($6, language),
                max_members = coalesce($7, max_members),
                is_public = coalesce($8, is_public),
                updated_at = $9
            where id = $1
            "#,
            id.0,
            new_description.is_some(),
            new_description.flatten(),
            change.category.is_some(),
            change.category.flatten() as Option<Category>,
            language,
            change.max_members,
            change.is_public,
            now,
        )
        .execute(&mut *tx)
        .await?;
        if room.is_public && change.is_public == Some(false) {
            // Who is in may come back.
            sqlx::query!(
                r#"
                insert into chat_room_invitations (room_id, user_id, created_at)
                select room_id, user_id, $2 from chat_room_members where room_id = $1
                on conflict do nothing
                "#,
                id.0,
                now,
            )
            .execute(&mut *tx)
            .await?;
        }
        let (to, _) = self.audience(&mut tx, id, None).await?;
        tx.commit().await?;
        let mut aftermath = Aftermath::default();
        aftermath.tell(to, Event::RoomUpdated(RoomRef { room_id: id }));
        aftermath.carry_out(self.0).await;
        self.one(caller, id).await
    }

    async fn take_cover(
        &self,
        db: &mut PgConnection,
        owner: UserId,
        upload: Option<UploadId>,
    ) -> Result<Option<String>, Error> {
        let Some(upload) = upload else { return Ok(None) };
        match self.0.media().take_cover(db, owner, upload, self.0.clock().now()).await {
            Ok(url) => Ok(Some(url)),
            Err(media::Error::NotFound) => Err(Problems::one("coverImage", COVER).into()),
            Err(error) => Err(error.into()),
        }
    }

    /// The cover before it is collected. The same one again changes nothing.
    async fn change_cover(
        &self,
        db: &mut PgConnection,
        owner: UserId,
        id: RoomId,
        upload: Option<UploadId>,
    ) -> Result<(), Error> {
        let before = sqlx::query_scalar!(
            r#"select cover_upload_id as "upload: UploadId" from chat_rooms where id = $1"#,
            id.0,
        )
        .fetch_one(&mut *db)
        .await?;
        if before == upload {
            return Ok(());
        }
        let url = self.take_cover(db, owner, upload).await?;
        if let Some(before) = before {
            self.0.media().drop_cover(db, before, self.0.clock().now()).await?;
        }
        sqlx::query!(
            "update chat_rooms set cover_image = $2, cover_upload_id = $3 where id = $1",
            id.0,
            url,
            upload.map(|upload| upload.0),
        )
        .execute(db)
        .await?;
        Ok(())
    }

    /// Takes a room's picture away, for staff; carry out what it answers after the commit.
    pub(crate) async fn drop_cover(
        &self,
        db: &mut PgConnection,
        id: RoomId,
    ) -> Result<Aftermath, sqlx::Error> {
        let mut aftermath = Aftermath::default();
        let upload = sqlx::query_scalar!(
            r#"select cover_upload_id as "upload: UploadId" from chat_rooms where id = $1 for update"#,
            id.0,
        )
        .fetch_optional(&mut *db)
        .await?
        .flatten();
        let Some(upload) = upload else { return Ok(aftermath) };
        self.0.media().drop_cover(db, upload, self.0.clock().now()).await?;
        sqlx::query!("update chat_rooms set cover_image = null, cover_upload_id = null where id = $1", id.0)
            .execute(&mut *db)
            .await?;
        let (to, _) = self.audience(db, id, None).await?;
        aftermath.tell(to, Event::RoomUpdated(RoomRef { room_id: id }));
        Ok(aftermath)
    }

    /// The pictures that somebody gave rooms go with their account. First of all that its end does.
    pub(crate) async fn forget_covers(&self, db: &mut PgConnection, user: UserId) -> Result<(), sqlx::Error> {
        sqlx::query!(
            r#"
            update chat_rooms
            set cover_image = null, cover_upload_id = null
            where id in (
                select r.id
                from chat_rooms r
                join uploads u on u.id = r.cover_upload_id
                where u.user_id = $1
                order by r.id
                for update of r
            )
            "#,
            user.0,
        )
        .execute(db)
        .await?;
        Ok(())
    }
}

/// `None`: nothing is said.
fn description(text: &str) -> Result<Option<String>, String> {
    text::clean(text, 0..=500).map(|text| Some(text).filter(|text| !text.is_empty()))
}

fn cover(named: &str) -> Result<UploadId, &'static str> {
    media::named_by(named).ok_or(COVER)
}
