//! An account as an operator sees it: what support asks for first.

use chrono::{DateTime, Utc};

use super::{Accounts, Error, Role, Status};
use crate::ids::UserId;
use crate::presence;
use crate::text::PhoneNumber;

#[derive(Debug)]
pub struct Overview {
    pub id: UserId,
    pub username: Option<String>,
    pub full_name: String,
    /// Personal data: mask it unless somebody asked to see it.
    pub phone_number: Option<PhoneNumber>,
    pub role: Role,
    pub status: Status,
    /// Until when the status holds; `None`: until somebody changes it.
    pub status_until: Option<DateTime<Utc>>,
    pub is_verified: bool,
    pub coins: i32,
    pub premium_until: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub last_seen: Option<DateTime<Utc>>,
    /// Logins that can still be used.
    pub sessions: i64,
    /// Phones that can be pushed to.
    pub devices: i64,
    pub presence: presence::Status,
}

impl Accounts<'_> {
    /// Everything at a glance, whatever the account's status.
    pub async fn overview(&self, user: UserId) -> Result<Overview, Error> {
        let now = self.0.clock().now();
        let row = sqlx::query!(
            r#"
            select
                u.id as "id: UserId",
                u.username,
                u.full_name,
                u.phone_number as "phone_number: PhoneNumber",
                u.role as "role: Role",
                u.status as "status: Status",
                u.status_until,
                u.is_verified,
                u.coins,
                u.premium_until,
                u.created_at,
                u.last_seen,
                (
                    select count(*)
                    from sessions s
                    where s.user_id = u.id and s.revoked_at is null and s.refresh_expires_at > $2
                ) as "sessions!",
                (select count(*) from devices d where d.user_id = u.id) as "devices!"
            from users u
            where u.id = $1
            "#,
            user.0,
            now,
        )
        .fetch_optional(self.0.pool())
        .await?
        .ok_or(Error::UserNotFound)?;
        let online = self.0.presences().online(&[user], now).await;
        Ok(Overview {
            id: row.id,
            username: row.username,
            full_name: row.full_name,
            phone_number: row.phone_number,
            role: row.role,
            status: row.status,
            status_until: row.status_until,
            is_verified: row.is_verified,
            coins: row.coins,
            premium_until: row.premium_until,
            created_at: row.created_at,
            last_seen: row.last_seen,
            sessions: row.sessions,
            devices: row.devices,
            presence: match online.as_deref() {
                Some([true]) => presence::Status::Online,
                Some(_) => presence::Status::Offline,
                None => presence::Status::Unknown,
            },
        })
    }
}
