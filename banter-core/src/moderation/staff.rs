//! Who acts: somebody of the staff, as the database says at this moment, or an operator on the host.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::roles::Duty;
use super::{Error, Moderation};
use crate::accounts::{Caller, Role, Status};
use crate::ids::UserId;

/// Somebody who may do what their role allows. Made by the rules of this file only, so that whoever holds one was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Staff {
    who: Option<UserId>,
    role: Role,
}

impl Staff {
    /// Whoever runs a command on the host: holds the database's key anyway. Names and looks, but judges nobody: for that
    /// the audit log must have a name.
    pub const OPERATOR: Self = Self { who: None, role: Role::Admin };

    /// `None`: the operator.
    pub fn id(self) -> Option<UserId> {
        self.who
    }

    pub fn role(self) -> Role {
        self.role
    }

    pub fn may(self, duty: Duty) -> bool {
        self.role >= duty.needs()
    }

    /// Refuses whoever may not.
    pub fn require(self, duty: Duty) -> Result<(), Error> {
        if self.may(duty) { Ok(()) } else { Err(Error::RoleForbids(duty.needs())) }
    }

    /// Refuses whoever may not, and the operator, who has no name: whose act is it?
    pub fn require_named(self, duty: Duty) -> Result<UserId, Error> {
        self.require(duty)?;
        self.who.ok_or(Error::NameNeeded)
    }
}

/// Somebody of the staff.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StaffMember)]
pub struct Member {
    pub id: UserId,
    pub username: Option<String>,
    pub full_name: String,
    pub role: Role,
    pub last_seen: Option<DateTime<Utc>>,
    /// Cases they hold now.
    pub holds: i64,
}

impl Moderation<'_> {
    /// Whoever calls, if they are staff now: what their token says may be a quarter of an hour old.
    pub async fn staff(&self, caller: &Caller) -> Result<Staff, Error> {
        self.staff_member(caller.user_id).await
    }

    /// Makes somebody staff, changes what they are, or ends it. Whether anything changed.
    pub async fn name_staff(&self, staff: Staff, user: UserId, role: Role) -> Result<bool, Error> {
        staff.require(Duty::NameStaff)?;
        Ok(self.0.accounts().set_role(staff, user, role).await?)
    }

    /// All of the staff, the highest first.
    pub async fn staff_list(&self, staff: Staff) -> Result<Vec<Member>, Error> {
        staff.require(Duty::Look)?;
        let members = sqlx::query_as!(
            Member,
            r#"
            select
                u.id as "id: UserId",
                u.username,
                u.full_name,
                u.role as "role: Role",
                u.last_seen,
                (
                    select count(*) from cases c where c.claimed_by = u.id and c.claimed_until > $1
                ) as "holds!"
            from users u
            where u.role <> 'user' and u.status <> 'deleted'
            order by array_position(array['admin', 'senior', 'moderator', 'viewer'], u.role), u.username
            limit 500
            "#,
            self.0.clock().now(),
        )
        .fetch_all(self.0.pool())
        .await?;
        Ok(members)
    }

    /// This person, if they are staff and their account can be used.
    pub async fn staff_member(&self, user: UserId) -> Result<Staff, Error> {
        let found = sqlx::query!(
            r#"select role as "role: Role", status as "status: Status", status_until from users where id = $1"#,
            user.0,
        )
        .fetch_optional(self.0.pool())
        .await?;
        match found {
            Some(found)
                if found.role > Role::User
                    && found.status.allows_sign_in(found.status_until, self.0.clock().now()) =>
            {
                Ok(Staff { who: Some(user), role: found.role })
            }
            _ => Err(Error::NotStaff),
        }
    }
}
