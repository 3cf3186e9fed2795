//! Signing in on a tool: the tool shows a short code, staff approves it in the app where they are signed in, and the tool,
//! which has been polling, gets a login of its own. RFC 8628's shape, with our names.

use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::audit::Subject;
use super::{Error, Moderation};
use crate::accounts::{Caller, Client, Role, TokenPair};
use crate::error::{Problems, violates};
use crate::ids::UserId;
use crate::limits::Act;
use crate::text;

/// How long a code may be approved.
pub const CODE_LIFE: TimeDelta = TimeDelta::minutes(10);
/// How often a tool may ask.
pub const INTERVAL: TimeDelta = TimeDelta::seconds(5);
/// Networks are not that regular.
const EARLY: TimeDelta = TimeDelta::milliseconds(1500);
/// How long a tool's login lasts, whether it is used or not.
pub const TOOL_LIFE: TimeDelta = TimeDelta::hours(12);
/// No vowels, so that no words come about; nothing that looks like something else.
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// What a tool gets to begin with.
#[derive(Clone, Debug)]
pub struct Started {
    /// For the tool alone.
    pub device_code: String,
    /// For eyes: `BCDF-GHJK`.
    pub user_code: String,
}

/// What staff is asked to approve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub tool: String,
    /// From where the tool asks.
    pub address: String,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

/// A tool's login.
#[derive(Clone, Debug)]
pub struct ToolLogin {
    pub user: UserId,
    pub username: Option<String>,
    pub role: Role,
    pub tokens: TokenPair,
    pub expires_at: DateTime<Utc>,
}

fn digest_of(device_code: &str) -> Vec<u8> {
    digest(&SHA256, device_code.as_bytes()).as_ref().to_vec()
}

/// However it is typed: in small letters, without the dash.
fn plain(user_code: &str) -> String {
    user_code.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_uppercase()).take(9).collect()
}

impl Moderation<'_> {
    /// Begins. `tool`: its name, version and host, as it says; `client`: where it asks from.
    pub async fn start_tool(&self, tool: &str, client: &Client) -> Result<Started, Error> {
        let tool = text::clean(tool, 1..=100).map_err(|problem| Problems::one("tool", problem))?;
        self.0.limits().take(Act::ToolSignIn, &client.address.to_string()).await?;
        let now = self.0.clock().now();
        let device_code = format!(
            "{:032x}{:032x}",
            u128::from_be_bytes(self.0.ids().bytes()),
            u128::from_be_bytes(self.0.ids().bytes())
        );
        // Chance may give a code twice.
        loop {
            let user_code: String = self
                .0
                .ids()
                .bytes::<8>()
                .iter()
                .map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]))
                .collect();
            let written = sqlx::query!(
                r#"
                insert into tool_sign_ins (device_digest, user_code, tool, address, state, created_at, expires_at)
                values ($1, $2, $3, $4, 'pending', $5, $6)
                "#,
                &digest_of(&device_code),
                user_code,
                tool,
                client.address.to_string(),
                now,
                now + CODE_LIFE,
            )
            .execute(self.0.pool())
            .await;
            match written {
                Ok(_) => {
                    let user_code = format!("{}-{}", &user_code[..4], &user_code[4..]);
                    return Ok(Started { device_code, user_code });
                }
                Err(error) if violates(&error, "tool_sign_ins_user_code_key") => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// What stands behind a code, before it is approved.
    pub async fn asked_by_tool(&self, caller: &Caller, user_code: &str) -> Result<Asked, Error> {
        self.staff(caller).await?;
        self.0.limits().take(Act::ApproveTool, &caller.user_id.to_string()).await?;
        sqlx::query_as!(
            Asked,
            r#"
            select tool, address, created_at, expires_at
            from tool_sign_ins
            where user_code = $1 and state = 'pending' and expires_at > $2
            "#,
            plain(user_code),
            self.0.clock().now(),
        )
        .fetch_optional(self.0.pool())
        .await?
        .ok_or(Error::CodeNotFound)
    }

    /// Lets a tool in as the caller, or not. Once; and only in the app: a tool lets no other tool in.
    pub async fn answer_tool(&self, caller: &Caller, user_code: &str, approve: bool) -> Result<(), Error> {
        let staff = self.staff(caller).await?;
        self.0.limits().take(Act::ApproveTool, &caller.user_id.to_string()).await?;
        let now = self.0.clock().now();
        let mut tx = self.0.pool().begin().await?;
        let from_app = sqlx::query_scalar!(
            r#"select tool is null as "from_app!" from sessions where id = $1"#,
            caller.session_id.0,
        )
        .fetch_optional(&mut *tx)
        .await?;
        if from_app != Some(true) {
            return Err(Error::AppNeeded);
        }
        let tool = sqlx::query_scalar!(
            r#"
            update tool_sign_ins
            set state = $3, user_id = $2
            where user_code = $1 and state = 'pending' and expires_at > $4
            returning tool
            "#,
            plain(user_code),
            caller.user_id.0,
            if approve { "approved" } else { "denied" },
            now,
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Error::CodeNotFound)?;
        let act = if approve { "tool.approve" } else { "tool.deny" };
        self.log(&mut tx, staff, act, Subject::User(caller.user_id.0), json!({ "tool": tool })).await?;
        tx.commit().await?;
        Ok(())
    }

    /// What the tool polls: its login, once.
    pub async fn tool_login(&self, device_code: &str) -> Result<ToolLogin, Error> {
        let now = self.0.clock().now();
        let digest = digest_of(device_code);
        let mut tx = self.0.pool().begin().await?;
        let found = sqlx::query!(
            r#"
            select t.state, t.tool, t.polled_at, t.expires_at, t.user_id as "user: UserId", u.username as "username?"
            from tool_sign_ins t
            left join users u on u.id = t.user_id
            where t.device_digest = $1
            for update of t
            "#,
            &digest,
        )
        .fetch_optional(&mut *tx)
        .await?
        .filter(|found| found.expires_at > now)
        .ok_or(Error::CodeExpired)?;
        if found.polled_at.is_some_and(|polled| polled + INTERVAL - EARLY > now) {
            return Err(Error::SlowDown);
        }
        let Some(user) = found.user else {
            sqlx::query!("update tool_sign_ins set polled_at = $2 where device_digest = $1", &digest, now)
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            return Err(Error::AuthorizationPending);
        };
        sqlx::query!("delete from tool_sign_ins where device_digest = $1", &digest).execute(&mut *tx).await?;
        // Whoever was staff a moment ago may not be now.
        let staff = match self.staff_member(user).await {
            Ok(staff) if found.state == "approved" => staff,
            Ok(_) | Err(Error::NotStaff) => {
                tx.commit().await?;
                return Err(Error::AccessDenied);
            }
            Err(error) => return Err(error),
        };
        let tokens = self.0.accounts().open_for_tool(&mut *tx, user, staff.role(), &found.tool).await?;
        tx.commit().await?;
        Ok(ToolLogin {
            user,
            username: found.username,
            role: staff.role(),
            tokens,
            expires_at: now + TOOL_LIFE,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        for typed in ["BCDF-GHJK", "bcdfghjk", " bcdf ghjk ", "b-c-d-f-g-h-j-k"] {
            assert_eq!(plain(typed), "BCDFGHJK");
        }
        assert_eq!(plain("BCDFGHJKLMNP").len(), 9, "one too many finds nothing");
    }
}
