//! Signing in and registering with a Firebase ID token (requirements, tasks 2.2 and 2.3).

use std::time::Duration;

use chrono::{DateTime, Datelike as _, NaiveDate, TimeDelta, Utc};

use super::{Accounts, Client, Error, Gender, Role, Status, TokenPair};
use crate::error::{Problems, violates};
use crate::ids::UserId;
use crate::limits::{self, Act};
use crate::payments::ledger::{self, Entry};
use crate::providers::firebase::Identity;
use crate::text::{self, PhoneNumber, Username};

/// What a sign-in came to.
#[derive(Debug)]
pub enum SignIn {
    /// A Firebase identity without an account: registration comes next.
    Stranger(Identity),
    Known(Box<SignedIn>),
}

/// The owner's short view of the account, with fresh tokens.
#[derive(Debug)]
pub struct SignedIn {
    pub id: UserId,
    pub phone_number: PhoneNumber,
    pub full_name: String,
    pub avatar: Option<String>,
    pub username: Option<String>,
    pub coins: i32,
    pub is_premium: bool,
    pub tokens: TokenPair,
}

/// A registration as it came; checked here.
#[derive(Debug)]
pub struct Registration {
    pub firebase_token: String,
    pub full_name: String,
    pub username: String,
    /// `YYYY-MM-DD`, or a time in RFC 3339 whose date counts (what JavaScript's `toISOString` gives).
    pub date_of_birth: String,
    pub gender: Gender,
    pub fcm_token: Option<String>,
}

/// Coins a new account starts with.
pub const WELCOME_COINS: i32 = 100;
/// Strangers meet by voice here, and India's data law treats those under 18 as children.
pub const MINIMUM_AGE: u32 = 18;

impl Accounts<'_> {
    /// Signs in whoever the Firebase token speaks for.
    pub async fn sign_in(
        &self,
        firebase_token: &str,
        fcm_token: Option<&str>,
        client: &Client,
    ) -> Result<SignIn, Error> {
        let fcm_token =
            fcm_token.map(valid_fcm_token).transpose().map_err(|p| Problems::one("fcmToken", p))?;
        let identity = self.identify(firebase_token, client).await?;
        let now = self.0.clock().now();
        let found = sqlx::query!(
            r#"
            select
                id as "id: UserId",
                firebase_uid is not distinct from $1 as "by_uid!",
                phone_number is not distinct from $2 as "by_phone!",
                phone_number as "phone_number: PhoneNumber",
                full_name,
                avatar,
                username,
                coins,
                coalesce(premium_until > $3, false) as "is_premium!",
                role as "role: Role",
                status as "status: Status",
                status_until
            from users
            where firebase_uid = $1 or phone_number = $2
            order by firebase_uid is not distinct from $1 desc
            limit 1
            "#,
            identity.uid,
            identity.phone_number.as_str(),
            now,
        )
        .fetch_optional(self.0.pool())
        .await?;
        let Some(found) = found else { return Ok(SignIn::Stranger(identity)) };
        if !found.status.allows_sign_in(found.status_until, now) {
            return Err(Error::Suspended);
        }
        self.not_banned_device(fcm_token).await?;
        let linked = found.by_uid && found.by_phone || self.link(found.id, &identity, now).await?;
        let ttl = self.0.tokens().access_ttl;
        let tokens = self.open(self.0.pool(), found.id, found.role, client, fcm_token, ttl).await?;
        metrics::counter!("banter_sign_ins_total", "outcome" => "known").increment(1);
        Ok(SignIn::Known(Box::new(SignedIn {
            id: found.id,
            // Where the new number is somebody else's, the account's own.
            phone_number: found.phone_number.filter(|_| !linked).unwrap_or(identity.phone_number),
            full_name: found.full_name,
            avatar: found.avatar,
            username: found.username,
            coins: found.coins,
            is_premium: found.is_premium,
            tokens,
        })))
    }

    /// Makes the account, and its first login.
    pub async fn register(&self, registration: Registration, client: &Client) -> Result<SignedIn, Error> {
        let now = self.0.clock().now();
        let mut problems = Problems::default();
        let full_name = problems.take("fullName", text::clean(&registration.full_name, 2..=50));
        let username = problems.take("username", Username::parse(&registration.username));
        let birth = problems.take("dateOfBirth", parse_birth(&registration.date_of_birth, now));
        let fcm_token = registration.fcm_token.as_deref().map(valid_fcm_token).transpose();
        let fcm_token = problems.take("fcmToken", fcm_token).flatten();
        problems.none()?;
        let (full_name, username, birth) =
            (full_name.expect("no problem"), username.expect("no problem"), birth.expect("no problem"));
        if age(birth, now) < MINIMUM_AGE {
            return Err(Error::TooYoung);
        }
        let identity = self.identify(&registration.firebase_token, client).await?;
        self.not_banned_device(fcm_token).await?;
        let id = UserId(self.0.ids().uuid(now));
        let mut transaction = self.0.pool().begin().await?;
        sqlx::query!(
            r#"
            insert into users
                (id, phone_number, firebase_uid, username, full_name, gender, date_of_birth, is_verified, created_at,
                 updated_at)
            values ($1, $2, $3, $4, $5, $6, $7, true, $8, $8)
            "#,
            id.0,
            identity.phone_number.as_str(),
            identity.uid,
            username.as_str(),
            full_name,
            registration.gender as Gender,
            birth,
            now,
        )
        .execute(&mut *transaction)
        .await
        .map_err(|error| match () {
            () if violates(&error, "users_username_key") => Error::UsernameTaken,
            () if violates(&error, "users_firebase_uid_key") || violates(&error, "users_phone_number_key") => {
                Error::AlreadyRegistered
            }
            () => error.into(),
        })?;
        let bonus = signup_bonus(id);
        ledger::write(self.0, &mut transaction, &bonus).await?;
        let ttl = self.0.tokens().access_ttl;
        let tokens = self.open(&mut *transaction, id, Role::User, client, fcm_token, ttl).await?;
        transaction.commit().await?;
        metrics::counter!("banter_sign_ins_total", "outcome" => "registered").increment(1);
        Ok(SignedIn {
            id,
            phone_number: identity.phone_number,
            full_name,
            avatar: None,
            username: Some(username.as_str().to_owned()),
            coins: WELCOME_COINS,
            is_premium: false,
            tokens,
        })
    }

    /// A login without Firebase, for an operator's own tools on a development machine.
    pub async fn sign_in_as(&self, user: UserId, ttl: Duration) -> Result<TokenPair, Error> {
        if self.0.config().is_production() {
            return Err(Error::OnlyInDevelopment);
        }
        let found = sqlx::query!(
            r#"select role as "role: Role", status as "status: Status", status_until from users where id = $1"#,
            user.0
        )
        .fetch_optional(self.0.pool())
        .await?
        .filter(|found| found.status != Status::Deleted)
        .ok_or(Error::UserNotFound)?;
        if !found.status.allows_sign_in(found.status_until, self.0.clock().now()) {
            return Err(Error::Suspended);
        }
        let client = Client {
            address: std::net::Ipv4Addr::LOCALHOST.into(),
            user_agent: Some("banter command line".into()),
        };
        Ok(self.open(self.0.pool(), user, found.role, &client, None, ttl).await?)
    }

    /// Whose account a Firebase token speaks for, whether or not they may sign in.
    pub(crate) async fn known_by(&self, firebase_token: &str, client: &Client) -> Result<UserId, Error> {
        let identity = self.identify(firebase_token, client).await?;
        sqlx::query_scalar!(
            r#"
            select id as "id: UserId"
            from users
            where (firebase_uid = $1 or phone_number = $2) and status <> 'deleted'
            order by firebase_uid is not distinct from $1 desc
            limit 1
            "#,
            identity.uid,
            identity.phone_number.as_str(),
        )
        .fetch_optional(self.0.pool())
        .await?
        .ok_or(Error::UserNotFound)
    }

    pub(super) async fn identify(&self, firebase_token: &str, client: &Client) -> Result<Identity, Error> {
        self.0.limits().take(Act::SignIn, &limits::network(client.address)).await?;
        let verified = self.0.firebase().verify(firebase_token).await;
        let identity = verified.inspect_err(|error| {
            metrics::counter!("banter_sign_ins_total", "outcome" => "refused").increment(1);
            tracing::info!(?error, "a Firebase token was refused");
        })?;
        self.0.limits().take(Act::SignInAs, &identity.uid).await?;
        Ok(identity)
    }

    /// Firebase vouches for uid and number together; the account follows when one of them changed. If the number is
    /// still on somebody else's account it stays there: that account's owner signs in with it. Whether it followed.
    async fn link(&self, user: UserId, identity: &Identity, now: DateTime<Utc>) -> Result<bool, sqlx::Error> {
        let linked = sqlx::query!(
            r#"
            update users
            set firebase_uid = $2, phone_number = $3, updated_at = $4
            where id = $1 and status <> 'deleted'
            "#,
            user.0,
            identity.uid,
            identity.phone_number.as_str(),
            now,
        )
        .execute(self.0.pool())
        .await;
        match linked {
            Err(error) if violates(&error, "users_phone_number_key") => {
                tracing::warn!(%user, "the number of this Firebase identity is on another account");
                Ok(false)
            }
            linked => linked.map(|_| true),
        }
    }
}

/// What a new account starts with, as the ledger holds it.
pub(crate) fn signup_bonus(user: UserId) -> Entry {
    Entry {
        user,
        kind: ledger::Kind::SignupBonus,
        amount: WELCOME_COINS,
        reference: format!("signup:{user}"),
        note: None,
    }
}

/// FCM registration tokens are opaque; Google names no length, 4096 is beyond any seen.
pub(super) fn valid_fcm_token(token: &str) -> Result<&str, &'static str> {
    let plain = token.bytes().all(|b| b.is_ascii_graphic());
    if (1..=4096).contains(&token.len()) && plain {
        Ok(token)
    } else {
        Err("is not an FCM registration token")
    }
}

fn parse_birth(text: &str, now: DateTime<Utc>) -> Result<NaiveDate, &'static str> {
    let birth = NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .or_else(|_| DateTime::parse_from_rfc3339(text).map(|time| time.date_naive()))
        .map_err(|_| "must be a date such as 1998-04-23")?;
    let today = in_india(now);
    if birth > today {
        Err("must not be in the future")
    } else if birth.year() < today.year() - 120 {
        Err("must be within the last 120 years")
    } else {
        Ok(birth)
    }
}

/// Completed years, by the calendar in India.
pub(super) fn age(birth: NaiveDate, now: DateTime<Utc>) -> u32 {
    in_india(now).years_since(birth).unwrap_or(0)
}

pub(super) fn in_india(now: DateTime<Utc>) -> NaiveDate {
    (now + TimeDelta::minutes(330)).date_naive()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn eighteen_begins_at_midnight_in_india() {
        let birth = NaiveDate::from_ymd_opt(2008, 11, 22).unwrap();
        assert_eq!(age(birth, at("2026-11-21T18:29:59Z")), 17);
        assert_eq!(age(birth, at("2026-11-21T18:30:00Z")), 18);
    }

    #[test]
    fn a_leap_day_s_child_comes_of_age_in_march() {
        let birth = NaiveDate::from_ymd_opt(2008, 2, 29).unwrap();
        assert_eq!(age(birth, at("2026-02-28T12:00:00Z")), 17);
        assert_eq!(age(birth, at("2026-03-01T00:00:00Z")), 18);
    }

    #[test]
    fn births_are_dates_or_times_within_a_human_life() {
        let now = at("2026-11-22T10:00:00Z");
        for good in ["1998-04-23", "1998-04-23T00:00:00.000Z", "1998-04-23T05:30:00+05:30"] {
            assert_eq!(parse_birth(good, now).unwrap().to_string(), "1998-04-23", "{good}");
        }
        for bad in ["", "23/04/1998", "1998-02-30", "2027-01-01", "1800-01-01", "tomorrow", "+12026-01-01"] {
            assert!(parse_birth(bad, now).is_err(), "{bad}");
        }
    }
}
