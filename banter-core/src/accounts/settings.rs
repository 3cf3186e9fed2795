//! Who may reach somebody, who sees whether they are here, and what their phone is told when.

use chrono::{DateTime, NaiveTime, TimeDelta, Timelike as _, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Accounts, Caller, Error};
use crate::error::{Problems, violates};

/// Who may write or call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Audience {
    Everyone,
    Friends,
    Nobody,
}

/// Who sees whether somebody is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Watchers {
    Friends,
    Nobody,
}

/// Of what a phone is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PushKinds {
    pub messages: bool,
    pub friends: bool,
    pub calls: bool,
    pub rooms: bool,
    pub payments: bool,
}

/// From when to when a phone is left in peace, every day, in India's time; it may span midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietHours {
    /// Minutes after midnight. The first minute of peace.
    from: i16,
    /// Minutes after midnight. The first minute after it.
    to: i16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    pub messages: Audience,
    pub calls: Audience,
    pub presence: Watchers,
    pub push: PushKinds,
    pub quiet_hours: Option<QuietHours>,
}

/// What holds for everybody who changed nothing. The table's defaults, by which the database decides who may write and
/// call, say the same; a test compares them.
impl Default for Settings {
    fn default() -> Self {
        Self {
            messages: Audience::Everyone,
            calls: Audience::Friends,
            presence: Watchers::Friends,
            push: PushKinds { messages: true, friends: true, calls: true, rooms: true, payments: true },
            quiet_hours: None,
        }
    }
}

/// What to change; an absent field stays, an inner `None` clears.
#[derive(Debug, Default)]
pub struct SettingsChange {
    pub messages: Option<Audience>,
    pub calls: Option<Audience>,
    pub presence: Option<Watchers>,
    pub push_messages: Option<bool>,
    pub push_friends: Option<bool>,
    pub push_calls: Option<bool>,
    pub push_rooms: Option<bool>,
    pub push_payments: Option<bool>,
    /// `HH:MM` from and to.
    pub quiet_hours: Option<Option<(String, String)>>,
}

impl QuietHours {
    /// Of the table's columns, which are both null or neither.
    pub(crate) fn of_row(from: Option<i16>, to: Option<i16>) -> Option<Self> {
        from.zip(to).map(|(from, to)| Self { from, to })
    }

    fn parse(from: &str, to: &str) -> Result<Self, &'static str> {
        let minutes = |text: &str| {
            let time = NaiveTime::parse_from_str(text, "%H:%M").ok().filter(|_| text.len() == 5)?;
            i16::try_from(time.hour() * 60 + time.minute()).ok()
        };
        match (minutes(from), minutes(to)) {
            (Some(from), Some(to)) if from != to => Ok(Self { from, to }),
            (Some(_), Some(_)) => Err("must begin and end at different times"),
            (None, _) | (_, None) => Err("must be times from and to, such as 22:30 and 07:00"),
        }
    }

    /// `22:30`.
    pub fn from(self) -> String {
        clock(self.from)
    }

    /// `07:00`.
    pub fn to(self) -> String {
        clock(self.to)
    }

    /// Is it one of them?
    pub(crate) fn cover(self, now: DateTime<Utc>) -> bool {
        let time = (now + TimeDelta::minutes(330)).time();
        let minute = i16::try_from(time.hour() * 60 + time.minute()).expect("a day has 1440");
        if self.from < self.to {
            (self.from..self.to).contains(&minute)
        } else {
            minute >= self.from || minute < self.to
        }
    }
}

fn clock(minutes: i16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

impl Accounts<'_> {
    /// The caller's own.
    pub async fn settings(&self, caller: &Caller) -> Result<Settings, Error> {
        let row = sqlx::query_as!(
            Row,
            r#"
            select
                message_from as "message_from: Audience",
                call_from as "call_from: Audience",
                presence_to as "presence_to: Watchers",
                push_messages,
                push_friends,
                push_calls,
                push_rooms,
                push_payments,
                quiet_from,
                quiet_to
            from user_settings
            where user_id = $1
            "#,
            caller.user_id.0,
        )
        .fetch_optional(self.0.pool())
        .await?;
        Ok(row.map_or_else(Settings::default, Settings::from))
    }

    /// Changes what is given; two changes at once both hold.
    pub async fn change_settings(&self, caller: &Caller, change: SettingsChange) -> Result<Settings, Error> {
        let quiet =
            change.quiet_hours.map(|hours| hours.map(|(from, to)| QuietHours::parse(&from, &to)).transpose());
        let quiet = quiet.transpose().map_err(|problem| Problems::one("quietHours", problem))?;
        let hours = quiet.flatten();
        let defaults = Settings::default();
        let row = sqlx::query_as!(
            Row,
            r#"
            insert into user_settings as s (
                user_id, message_from, call_from, presence_to, push_messages, push_friends, push_calls, push_rooms,
                push_payments, quiet_from, quiet_to, updated_at
            )
            values (
                $1, coalesce($2, $13), coalesce($3, $14), coalesce($4, $15), coalesce($5::boolean, $16::boolean), coalesce($6::boolean, $17::boolean),
                coalesce($7::boolean, $18::boolean), coalesce($8::boolean, $19::boolean), coalesce($9::boolean, $20::boolean), $11, $12, $21
            )
            on conflict (user_id) do update
            set message_from = coalesce($2, s.message_from),
                call_from = coalesce($3, s.call_from),
                presence_to = coalesce($4, s.presence_to),
                push_messages = coalesce($5, s.push_messages),
                push_friends = coalesce($6, s.push_friends),
                push_calls = coalesce($7, s.push_calls),
                push_rooms = coalesce($8, s.push_rooms),
                push_payments = coalesce($9, s.push_payments),
                quiet_from = case when $10 then $11 else s.quiet_from end,
                quiet_to = case when $10 then $12 else s.quiet_to end,
                updated_at = $21
            returning
                message_from as "message_from: Audience",
                call_from as "call_from: Audience",
                presence_to as "presence_to: Watchers",
                push_messages,
                push_friends,
                push_calls,
                push_rooms,
                push_payments,
                quiet_from,
                quiet_to
            "#,
            caller.user_id.0,
            change.messages as Option<Audience>,
            change.calls as Option<Audience>,
            change.presence as Option<Watchers>,
            change.push_messages,
            change.push_friends,
            change.push_calls,
            change.push_rooms,
            change.push_payments,
            quiet.is_some(),
            hours.map(|hours| hours.from),
            hours.map(|hours| hours.to),
            defaults.messages as Audience,
            defaults.calls as Audience,
            defaults.presence as Watchers,
            defaults.push.messages,
            defaults.push.friends,
            defaults.push.calls,
            defaults.push.rooms,
            defaults.push.payments,
            self.0.clock().now(),
        )
        .fetch_one(self.0.pool())
        .await
        .map_err(|error| match () {
            () if violates(&error, "user_settings_user_id_fkey") => Error::UserNotFound,
            () => error.into(),
        })?;
        Ok(row.into())
    }
}

struct Row {
    message_from: Audience,
    call_from: Audience,
    presence_to: Watchers,
    push_messages: bool,
    push_friends: bool,
    push_calls: bool,
    push_rooms: bool,
    push_payments: bool,
    quiet_from: Option<i16>,
    quiet_to: Option<i16>,
}

impl From<Row> for Settings {
    fn from(row: Row) -> Self {
        Self {
            messages: row.message_from,
            calls: row.call_from,
            presence: row.presence_to,
            push: PushKinds {
                messages: row.push_messages,
                friends: row.push_friends,
                calls: row.push_calls,
                rooms: row.push_rooms,
                payments: row.push_payments,
            },
            quiet_hours: QuietHours::of_row(row.quiet_from, row.quiet_to),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_are_times_of_a_day_that_differ() {
        let hours = QuietHours::parse("22:30", "07:00").unwrap();
        assert_eq!((hours.from(), hours.to()), ("22:30".into(), "07:00".into()));
        for (from, to) in [
            ("22:30", "22:30"),
            ("24:00", "07:00"),
            ("7:00", "08:00"),
            ("07:60", "08:00"),
            ("", ""),
            ("07:00 ", "x"),
        ] {
            assert!(QuietHours::parse(from, to).is_err(), "{from} {to}");
        }
    }

    #[test]
    fn quiet_hours_are_india_s_and_may_span_midnight() {
        let night = QuietHours::parse("22:30", "07:00").unwrap();
        let noon = QuietHours::parse("12:00", "13:00").unwrap();
        for (utc, in_night, in_noon) in [
            ("2026-11-22T16:59:59Z", false, false), // 22:29:59
            ("2026-11-22T17:00:00Z", true, false),
            ("2026-11-22T18:30:00Z", true, false), // midnight
            ("2026-11-23T01:29:59Z", true, false),
            ("2026-11-23T01:30:00Z", false, false), // 07:00
            ("2026-11-23T06:30:00Z", false, true),
            ("2026-11-23T07:30:00Z", false, false),
        ] {
            let now = utc.parse().unwrap();
            assert_eq!((night.cover(now), noon.cover(now)), (in_night, in_noon), "{utc}");
        }
    }
}
