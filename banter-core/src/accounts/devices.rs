//! The phones that can be pushed to: one for each login.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Accounts, Caller, Error};
use crate::accounts::sign_in::valid_fcm_token;
use crate::error::{Problems, violates};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Platform {
    Android,
    Ios,
    Web,
}

impl Accounts<'_> {
    /// Names the caller's push token. A token that was another login's moves here: a phone has one owner at a time.
    pub async fn put_device(
        &self,
        caller: &Caller,
        fcm_token: &str,
        platform: Platform,
    ) -> Result<(), Error> {
        let fcm_token = valid_fcm_token(fcm_token).map_err(|problem| Problems::one("fcmToken", problem))?;
        sqlx::query!(
            r#"
            with moved as (delete from devices where fcm_token = $3 and session_id <> $1 returning 1)
            insert into devices (session_id, user_id, fcm_token, platform, updated_at)
            -- Counting them makes the delete happen first.
            select $1, $2, $3, $4, $5 from (select count(*) from moved) as first
            on conflict (session_id) do update
            set fcm_token = excluded.fcm_token, platform = excluded.platform, updated_at = excluded.updated_at
            "#,
            caller.session_id.0,
            caller.user_id.0,
            fcm_token,
            platform as Platform,
            self.0.clock().now(),
        )
        .execute(self.0.pool())
        .await
        .map_err(|error| match () {
            // The session was pruned between the token check and this statement.
            () if violates(&error, "devices_session_id_fkey") => Error::SessionRevoked,
            () => error.into(),
        })?;
        Ok(())
    }
}
