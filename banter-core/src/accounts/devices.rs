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
    /// Refused for a login that was ended, even where that is not known yet: its phone would ring for nobody.
    pub async fn put_device(
        &self,
        caller: &Caller,
        fcm_token: &str,
        platform: Platform,
    ) -> Result<(), Error> {
        let fcm_token = valid_fcm_token(fcm_token).map_err(|problem| Problems::one("fcmToken", problem))?;
        self.not_banned_device(Some(fcm_token)).await?;
        let mut tries = 5;
        loop {
            match self.try_put(caller, fcm_token, platform).await {
                Ok(0) => return Err(Error::SessionRevoked),
                Ok(_) => return Ok(()),
                // Another login named the same phone in this very moment; it is there now, and can be moved.
                Err(error) if tries > 1 && violates(&error, "devices_fcm_token_key") => tries -= 1,
                // The session was pruned in this very moment.
                Err(error) if violates(&error, "devices_session_id_fkey") => {
                    return Err(Error::SessionRevoked);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Refuses a phone of somebody who is banned.
    pub(super) async fn not_banned_device(&self, fcm_token: Option<&str>) -> Result<(), Error> {
        let Some(fcm_token) = fcm_token else { return Ok(()) };
        let banned = self.0.moderation().is_banned_device(fcm_token).await?;
        if banned { Err(Error::DeviceBanned) } else { Ok(()) }
    }

    async fn try_put(
        &self,
        caller: &Caller,
        fcm_token: &str,
        platform: Platform,
    ) -> Result<u64, sqlx::Error> {
        let put = sqlx::query!(
            r#"
            with login as (select id from sessions where id = $1 and revoked_at is null),
            moved as (
                delete from devices
                where fcm_token = $3 and session_id <> $1 and exists (select from login)
                returning 1
            )
            insert into devices (session_id, user_id, fcm_token, platform, updated_at)
            -- Counting them makes the delete happen first.
            select id, $2, $3, $4, $5 from login, (select count(*) from moved) as first
            on conflict (session_id) do update
            set fcm_token = excluded.fcm_token, platform = excluded.platform, updated_at = excluded.updated_at
            "#,
            caller.session_id.0,
            caller.user_id.0,
            fcm_token,
            platform as Platform,
            self.0.clock().now(),
        );
        Ok(put.execute(self.0.pool()).await?.rows_affected())
    }
}
