//! A room's picture: public, under a URL that stays.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{Error, MediaStore, Purpose};
use crate::ids::{UploadId, UserId};

impl MediaStore<'_> {
    /// Takes an upload of somebody's own that nothing uses yet for a room; its URL. In the transaction that names it, which
    /// holds their account.
    pub(crate) async fn take_cover(
        &self,
        db: &mut PgConnection,
        owner: UserId,
        upload: UploadId,
        now: DateTime<Utc>,
    ) -> Result<String, Error> {
        let key = sqlx::query_scalar!(
            r#"
            update uploads
            set used_at = $3
            where id = $1 and user_id = $2 and purpose = 'room-cover' and used_at is null and doomed_at is null
            returning object_key
            "#,
            upload.0,
            owner.0,
            now,
        )
        .fetch_optional(db)
        .await?
        .ok_or(Error::NotFound)?;
        Ok(self.link(Purpose::RoomCover, &key, None))
    }

    /// Nothing names this cover any more; it is collected.
    pub(crate) async fn drop_cover(
        &self,
        db: &mut PgConnection,
        upload: UploadId,
        now: DateTime<Utc>,
    ) -> Result<(), sqlx::Error> {
        sqlx::query!("update uploads set doomed_at = $2 where id = $1", upload.0, now).execute(db).await?;
        Ok(())
    }
}
