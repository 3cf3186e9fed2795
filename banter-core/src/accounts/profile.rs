//! The owner's view of an account, and changing it.

use chrono::{DateTime, NaiveDate, Utc};

use super::{Accounts, Caller, Error, Gender, Role};
use crate::error::{Problems, violates};
use crate::ids::UserId;
use crate::limits::Act;
use crate::text::{self, PhoneNumber, Username};

/// Everything on the account that its owner sees.
#[derive(Debug)]
pub struct Profile {
    pub id: UserId,
    pub phone_number: Option<PhoneNumber>,
    pub email: Option<String>,
    pub username: Option<String>,
    pub full_name: String,
    pub avatar: Option<String>,
    pub bio: Option<String>,
    pub gender: Option<Gender>,
    pub date_of_birth: Option<NaiveDate>,
    pub language: String,
    pub is_verified: bool,
    /// The staff has seen who they are.
    pub is_identity_verified: bool,
    pub role: Role,
    pub interests: Vec<String>,
    pub looking_for: Vec<String>,
    pub coins: i32,
    pub is_premium: bool,
    pub premium_until: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

/// What to change; an absent field stays, an inner `None` clears.
#[derive(Debug, Default)]
pub struct ProfileChange {
    pub full_name: Option<String>,
    pub username: Option<String>,
    pub email: Option<Option<String>>,
    pub bio: Option<Option<String>>,
    pub gender: Option<Gender>,
    pub language: Option<String>,
    pub interests: Option<Vec<String>>,
    pub looking_for: Option<Vec<String>>,
}

impl Accounts<'_> {
    pub async fn profile(&self, user: UserId) -> Result<Profile, Error> {
        let found = sqlx::query_as!(
            Profile,
            r#"
            select
                id as "id: UserId",
                phone_number as "phone_number: PhoneNumber",
                email,
                username,
                full_name,
                avatar,
                bio,
                gender as "gender: Gender",
                date_of_birth,
                language,
                is_verified,
                identity_verified_at is not null as "is_identity_verified!",
                role as "role: Role",
                interests,
                looking_for,
                coins,
                coalesce(premium_until > $2, false) as "is_premium!",
                premium_until,
                created_at
            from users
            where id = $1
            "#,
            user.0,
            self.0.clock().now(),
        )
        .fetch_optional(self.0.pool())
        .await?;
        found.ok_or(Error::UserNotFound)
    }

    pub async fn change_profile(&self, caller: &Caller, change: ProfileChange) -> Result<Profile, Error> {
        let mut problems = Problems::default();
        let full_name =
            change.full_name.and_then(|name| problems.take("fullName", text::clean(&name, 2..=50)));
        let username = change.username.and_then(|name| problems.take("username", Username::parse(&name)));
        let email =
            change.email.map(|email| email.and_then(|email| problems.take("email", valid_email(&email))));
        let bio = change.bio.map(|bio| bio.and_then(|bio| problems.take("bio", text::clean(&bio, 0..=500))));
        let language = change.language.and_then(|code| problems.take("language", valid_language(&code)));
        let interests = change.interests.and_then(|list| problems.take("interests", valid_tags(&list, 20)));
        let looking_for =
            change.looking_for.and_then(|list| problems.take("lookingFor", valid_tags(&list, 10)));
        problems.none()?;
        let changed = sqlx::query_as!(
            Profile,
            r#"
            update users
            set full_name = coalesce($2, full_name),
                username = coalesce($3, username),
                email = case when $4 then $5 else email end,
                bio = case when $6 then $7 else bio end,
                gender = coalesce($8, gender),
                language = coalesce($9, language),
                interests = coalesce($10, interests),
                looking_for = coalesce($11, looking_for),
                updated_at = $12
            where id = $1 and status <> 'deleted'
            returning
                id as "id: UserId",
                phone_number as "phone_number: PhoneNumber",
                email,
                username,
                full_name,
                avatar,
                bio,
                gender as "gender: Gender",
                date_of_birth,
                language,
                is_verified,
                identity_verified_at is not null as "is_identity_verified!",
                role as "role: Role",
                interests,
                looking_for,
                coins,
                coalesce(premium_until > $12, false) as "is_premium!",
                premium_until,
                created_at
            "#,
            caller.user_id.0,
            full_name,
            username.as_ref().map(Username::as_str),
            email.is_some(),
            email.flatten(),
            bio.is_some(),
            bio.flatten(),
            change.gender as Option<Gender>,
            language,
            interests.as_deref(),
            looking_for.as_deref(),
            self.0.clock().now(),
        )
        .fetch_optional(self.0.pool())
        .await
        .map_err(|error| match () {
            () if violates(&error, "users_username_key") => Error::UsernameTaken,
            () if violates(&error, "users_email_key") => Error::EmailTaken,
            () => error.into(),
        })?;
        changed.ok_or(Error::UserNotFound)
    }

    /// Could the caller take this name now?
    pub async fn username_available(&self, caller: &Caller, name: &str) -> Result<bool, Error> {
        self.0.limits().take(Act::CheckUsername, &caller.user_id.to_string()).await?;
        let name = Username::parse(name).map_err(|problem| Problems::one("username", problem))?;
        let taken = sqlx::query_scalar!(
            r#"select exists (select from users where lower(username) = lower($1) and id <> $2) as "taken!""#,
            name.as_str(),
            caller.user_id.0,
        )
        .fetch_one(self.0.pool())
        .await?;
        Ok(!taken)
    }

    /// The account that an id, a phone number or a username names, for an operator's tools.
    pub async fn find(&self, name: &str) -> Result<UserId, Error> {
        let id: Option<UserId> = name.parse().ok();
        let found = sqlx::query_scalar!(
            r#"
            select id as "id: UserId"
            from users
            where id = $2 or phone_number = $1 or lower(username) = lower($1)
            "#,
            name,
            id.map(|id| id.0),
        )
        .fetch_optional(self.0.pool())
        .await?;
        found.ok_or(Error::UserNotFound)
    }
}

/// Shape only: whether mail arrives is for a confirmation to find out. RFC 5321 allows 254 characters.
fn valid_email(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    let plausible = text.len() <= 254
        && text.bytes().all(|b| b.is_ascii_graphic())
        && text.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty()
                && local.len() <= 64
                && domain.split('.').count() >= 2
                && domain.split('.').all(|label| {
                    !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                })
        });
    if plausible { Ok(text.to_owned()) } else { Err("must be an e-mail address") }
}

/// ISO 639: `en`, `hi`, `ta`, `mai` …
pub(crate) fn valid_language(code: &str) -> Result<String, &'static str> {
    let plain = (2..=3).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_lowercase());
    if plain { Ok(code.to_owned()) } else { Err("must be a language code such as en or hi") }
}

fn valid_tags(tags: &[String], most: usize) -> Result<Vec<String>, String> {
    if tags.len() > most {
        return Err(format!("must be at most {most} entries"));
    }
    let mut kept: Vec<String> = Vec::with_capacity(tags.len());
    for tag in tags {
        let tag = text::clean(tag, 1..=30).map_err(|problem| format!("entries {problem}"))?;
        if !kept.contains(&tag) {
            kept.push(tag);
        }
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emails_have_a_plausible_shape() {
        for good in ["a@b.in", "asha.k+banter@mail.example.co.in"] {
            assert!(valid_email(good).is_ok(), "{good}");
        }
        for bad in
            ["", "a", "a@b", "@b.in", "a@b..in", "a b@c.in", "a@b.in\nBcc: x@y.in", "a@@b.in", "अ@b.in"]
        {
            assert!(valid_email(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn tags_are_few_short_and_distinct() {
        let tags = |list: &[&str]| valid_tags(&list.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>(), 3);
        assert_eq!(tags(&[" music ", "music", "क्रिकेट"]).unwrap(), ["music", "क्रिकेट"]);
        assert!(tags(&["a", "b", "c", "d"]).is_err());
        assert!(tags(&[""]).is_err());
        assert!(tags(&["x".repeat(31).as_str()]).is_err());
    }
}
