//! A profile as others see it. Never the phone number, the e-mail address, the day of birth or the place.

use chrono::NaiveDate;

use super::sign_in::{age, in_india};
use super::{Accounts, Caller, Error, Gender, PersonSummary};
use crate::friends::relationship::Relationship;
use crate::ids::{FriendRequestId, UserId};
use crate::presence::Presence;

#[derive(Debug)]
pub struct PublicProfile {
    pub user: PersonSummary,
    pub relationship: Relationship,
    /// The request that waits between the two.
    pub request_id: Option<FriendRequestId>,
    /// `None` of somebody whom the caller blocked.
    pub details: Option<Details>,
}

#[derive(Debug)]
pub struct Details {
    pub bio: Option<String>,
    /// `None` also of those who prefer not to say.
    pub gender: Option<Gender>,
    /// Completed years.
    pub age: Option<u32>,
    pub language: String,
    pub is_verified: bool,
    pub is_identity_verified: bool,
    pub is_premium: bool,
    pub interests: Vec<String>,
    pub looking_for: Vec<String>,
    /// The day of registration, in India.
    pub member_since: NaiveDate,
    pub mutual_friends: i64,
    pub can_message: bool,
    pub can_call: bool,
    /// `None`: the caller may not see it.
    pub presence: Option<Presence>,
}

impl Accounts<'_> {
    /// Somebody's profile as the caller sees it. [`Error::UserNotFound`] for who is not there, and for who blocked the
    /// caller, unless the caller blocked them as well: then it is no more than the list of blocks shows.
    pub async fn public_profile(&self, caller: &Caller, user: UserId) -> Result<PublicProfile, Error> {
        let now = self.0.clock().now();
        let found = sqlx::query!(
            r#"
            select
                u.id as "id: UserId",
                u.username,
                u.full_name,
                u.avatar,
                u.bio,
                u.gender as "gender: Gender",
                u.date_of_birth,
                u.language,
                u.is_verified,
                u.identity_verified_at is not null as "is_identity_verified!",
                coalesce(u.premium_until > $3, false) as "is_premium!",
                u.interests,
                u.looking_for,
                u.last_seen,
                u.created_at,
                relationship($1, u.id) as "relationship!: Relationship",
                r.id as "request_id?: FriendRequestId",
                (select count(*) from mutual_friends($1, u.id)) as "mutual_friends!",
                u.id <> $1 and may_message($1, u.id) as "can_message!",
                u.id <> $1 and may_call($1, u.id) as "can_call!",
                not exists (select from hidden_presences h where h.user_id = u.id) as "shows_presence!"
            from users u
            left join pending_requests r on r.user_lo = least($1, u.id) and r.user_hi = greatest($1, u.id)
            where u.id = $2
              and u.status not in ('deleted', 'banned')
              and (
                  exists (select from blocked_users b where b.user_id = $1 and b.blocked_user_id = u.id)
                  or not exists (select from blocked_users b where b.user_id = u.id and b.blocked_user_id = $1)
              )
            "#,
            caller.user_id.0,
            user.0,
            now,
        )
        .fetch_optional(self.0.pool())
        .await?
        .ok_or(Error::UserNotFound)?;
        let relationship = found.relationship;
        let presence = if relationship == Relationship::Friends && found.shows_presence {
            let online = self.0.presences().online(&[user], now).await.map(|online| online[0]);
            Some(Presence::of(user, online, found.last_seen))
        } else {
            None
        };
        let details = Details {
            bio: found.bio,
            gender: found.gender.filter(|gender| *gender != Gender::PreferNotToSay),
            age: found.date_of_birth.map(|birth| age(birth, now)),
            language: found.language,
            is_verified: found.is_verified,
            is_identity_verified: found.is_identity_verified,
            is_premium: found.is_premium,
            interests: found.interests,
            looking_for: found.looking_for,
            member_since: in_india(found.created_at),
            mutual_friends: found.mutual_friends,
            can_message: found.can_message,
            can_call: found.can_call,
            presence,
        };
        Ok(PublicProfile {
            user: PersonSummary {
                id: found.id,
                username: found.username,
                full_name: found.full_name,
                avatar: found.avatar,
            },
            relationship,
            request_id: found.request_id,
            details: (relationship != Relationship::BlockedByMe).then_some(details),
        })
    }
}
