//! One's face: a public picture under a URL that stays.

use sqlx::PgConnection;

use super::{Error, MediaStore, Purpose, own_turn};
use crate::accounts::Caller;
use crate::error::Problems;
use crate::ids::{UploadId, UserId};

impl MediaStore<'_> {
    /// Takes an upload of one's own for one's face; the one before is collected. A repeat changes nothing.
    pub async fn set_avatar(&self, caller: &Caller, upload: UploadId) -> Result<(), Error> {
        let now = self.0.clock().now();
        let mut transaction = self.0.pool().begin().await?;
        own_turn(&mut transaction, caller.user_id).await?;
        let key = sqlx::query_scalar!(
            r#"
            update uploads
            set used_at = coalesce(used_at, $3)
            where id = $1 and user_id = $2 and purpose = 'avatar' and doomed_at is null
            returning object_key
            "#,
            upload.0,
            caller.user_id.0,
            now,
        )
        .fetch_optional(&mut *transaction)
        .await?;
        let key = key.ok_or(Error::NotFound)?;
        sqlx::query!(
            r#"
            update uploads
            set doomed_at = $3
            where id = (select avatar_upload_id from users where id = $1) and id <> $2
            "#,
            caller.user_id.0,
            upload.0,
            now,
        )
        .execute(&mut *transaction)
        .await?;
        sqlx::query!(
            "update users set avatar = $2, avatar_upload_id = $3, updated_at = $4 where id = $1",
            caller.user_id.0,
            self.link(Purpose::Avatar, &key, None),
            upload.0,
            now,
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// No face; the one before is collected.
    pub async fn clear_avatar(&self, caller: &Caller) -> Result<(), Error> {
        let mut transaction = self.0.pool().begin().await?;
        own_turn(&mut transaction, caller.user_id).await?;
        self.drop_avatar(&mut transaction, caller.user_id).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The same of anybody's, in a transaction that has their turn.
    pub(crate) async fn drop_avatar(&self, db: &mut PgConnection, user: UserId) -> Result<(), sqlx::Error> {
        let now = self.0.clock().now();
        sqlx::query!(
            "update uploads set doomed_at = $2 where id = (select avatar_upload_id from users where id = $1)",
            user.0,
            now,
        )
        .execute(&mut *db)
        .await?;
        sqlx::query!(
            "update users set avatar = null, avatar_upload_id = null, updated_at = $2 where id = $1",
            user.0,
            now,
        )
        .execute(db)
        .await?;
        Ok(())
    }
}

/// The upload that a client names, by its id or by a link to it.
pub fn named(id: Option<UploadId>, url: Option<&str>) -> Result<UploadId, Error> {
    match (id, url) {
        (Some(id), _) => Ok(id),
        (None, Some(url)) => super::named_by(url)
            .ok_or_else(|| Problems::one("mediaUrl", "must be a link that an upload gave").into()),
        (None, None) => Err(Problems::one("mediaId", "or mediaUrl must be given").into()),
    }
}
