//! Adding rules, changing, switching and removing them. Replicas learn of it within two seconds.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::matching::{Compiled, is_name};
use super::{Action, Rule, State, Test, learn};
use crate::error::violates;
use crate::ids::UserId;
use crate::moderation::audit::Subject;
use crate::moderation::leaks::Leak;
use crate::moderation::reasons::Reason;
use crate::moderation::roles::Duty;
use crate::moderation::{Error, Moderation, Staff};

/// A rule as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    pub name: String,
    pub test: Test,
    pub action: Action,
    pub reason: Reason,
    pub spares_friends: bool,
    pub state: State,
    pub changed_by: Option<UserId>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// What it found in the last seven days of India, today among them.
    pub hits: i64,
    /// What it would have found meanwhile as a shadow.
    pub shadow_hits: i64,
}

/// What is changed about a rule.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    pub state: Option<State>,
    pub action: Option<Action>,
    pub reason: Option<Reason>,
    pub spares_friends: Option<bool>,
    /// What it looks for, whole.
    pub test: Option<Test>,
}

/// How many there may be: each is tried on each message.
pub const MOST: i64 = 100;

/// Rules to begin with, as shadows.
pub fn defaults() -> Vec<Rule> {
    let rule = |name: &str, test, action, reason| Rule {
        name: name.to_owned(),
        test,
        action,
        reason,
        spares_friends: true,
    };
    let words =
        |words: &[&str]| Test::Keywords { words: words.iter().map(|&word| word.to_owned()).collect() };
    vec![
        rule("payment-leak", Test::Leak { kinds: vec![Leak::Upi] }, Action::Hold, Reason::Scam),
        rule("phone-leak", Test::Leak { kinds: vec![Leak::Phone] }, Action::Flag, Reason::Spam),
        rule("link-leak", Test::Leak { kinds: vec![Leak::Link, Leak::Handle] }, Action::Flag, Reason::Spam),
        rule(
            "payment-bait",
            words(&[
                "lottery winner",
                "kbc lottery",
                "double your money",
                "guaranteed returns",
                "paise double",
                "work from home job registration fee",
                "otp bhejo",
                "otp batao",
                "share your otp",
                "processing fee pay",
                "लॉटरी लगी",
                "ओटीपी बताओ",
            ]),
            Action::Hold,
            Reason::Scam,
        ),
        rule("same-text", Test::Flood { times: 10, seconds: 600 }, Action::Block, Reason::Spam),
        rule("new-account", Test::NewAccount { days: 1, hourly: 120 }, Action::Block, Reason::Spam),
    ]
}

impl Moderation<'_> {
    /// All rules, by name.
    pub async fn rules(&self, staff: Staff) -> Result<Vec<Kept>, Error> {
        staff.require(Duty::Look)?;
        let mut db = self.0.pool().acquire().await?;
        Ok(self.kept(&mut db, None).await?)
    }

    pub async fn rule(&self, staff: Staff, name: &str) -> Result<Kept, Error> {
        staff.require(Duty::Look)?;
        named(name)?;
        let mut db = self.0.pool().acquire().await?;
        self.kept(&mut db, Some(name)).await?.pop().ok_or(Error::RuleNotFound)
    }

    /// Adds rules, all of them or none.
    pub async fn add_rules(&self, staff: Staff, rules: &[Rule], state: State) -> Result<Vec<Kept>, Error> {
        staff.require(Duty::KeepRules)?;
        for rule in rules {
            Compiled::new(rule.clone(), state)?;
        }
        let now = self.0.clock().now();
        let mut tx = self.0.pool().begin().await?;
        turn(&mut tx).await?;
        let mut added = Vec::with_capacity(rules.len());
        for rule in rules {
            sqlx::query!(
                r#"
                insert into rules
                    (name, test, action, reason, spares_friends, state, changed_by, created_at, updated_at)
                values ($1, $2, $3, $4, $5, $6, $7, $8, $8)
                "#,
                rule.name,
                json!(rule.test),
                rule.action as Action,
                rule.reason as Reason,
                rule.spares_friends,
                state as State,
                staff.id().map(|id| id.0),
                now,
            )
            .execute(&mut *tx)
            .await
            .map_err(|error| match () {
                () if violates(&error, "rules_pkey") => Error::RuleExists(rule.name.clone()),
                () => error.into(),
            })?;
            let details = json!({ "rule": rule, "state": state });
            self.log(&mut tx, staff, "rule.add", Subject::Rule(&rule.name), details).await?;
            added.push(rule.name.as_str());
        }
        let number =
            sqlx::query_scalar!(r#"select count(*) as "number!" from rules"#).fetch_one(&mut *tx).await?;
        if number > MOST {
            return Err(Error::TooManyRules);
        }
        let mut kept = self.kept(&mut tx, None).await?;
        tx.commit().await?;
        learn(self.0).await?;
        kept.retain(|kept| added.contains(&kept.name.as_str()));
        Ok(kept)
    }

    /// Changes a rule, or switches it.
    pub async fn change_rule(&self, staff: Staff, name: &str, change: &Change) -> Result<Kept, Error> {
        staff.require(Duty::KeepRules)?;
        named(name)?;
        let mut tx = self.0.pool().begin().await?;
        turn(&mut tx).await?;
        let kept = self.kept(&mut tx, Some(name)).await?.pop().ok_or(Error::RuleNotFound)?;
        let rule = Rule {
            name: kept.name,
            test: change.test.clone().unwrap_or(kept.test),
            action: change.action.unwrap_or(kept.action),
            reason: change.reason.unwrap_or(kept.reason),
            spares_friends: change.spares_friends.unwrap_or(kept.spares_friends),
        };
        let state = change.state.unwrap_or(kept.state);
        Compiled::new(rule.clone(), state)?;
        sqlx::query!(
            r#"
            update rules
            set test = $2, action = $3, reason = $4, spares_friends = $5, state = $6, changed_by = $7, updated_at = $8
            where name = $1
            "#,
            name,
            json!(rule.test),
            rule.action as Action,
            rule.reason as Reason,
            rule.spares_friends,
            state as State,
            staff.id().map(|id| id.0),
            self.0.clock().now(),
        )
        .execute(&mut *tx)
        .await?;
        let details = json!({ "rule": rule, "state": state });
        self.log(&mut tx, staff, "rule.change", Subject::Rule(name), details).await?;
        tx.commit().await?;
        learn(self.0).await?;
        self.rule(staff, name).await
    }

    /// What it found stays counted.
    pub async fn remove_rule(&self, staff: Staff, name: &str) -> Result<(), Error> {
        staff.require(Duty::KeepRules)?;
        named(name)?;
        let mut tx = self.0.pool().begin().await?;
        turn(&mut tx).await?;
        let removed = sqlx::query!("delete from rules where name = $1", name).execute(&mut *tx).await?;
        if removed.rows_affected() == 0 {
            return Err(Error::RuleNotFound);
        }
        self.log(&mut tx, staff, "rule.remove", Subject::Rule(name), json!({})).await?;
        tx.commit().await?;
        Ok(learn(self.0).await?)
    }

    async fn kept(&self, db: &mut PgConnection, name: Option<&str>) -> Result<Vec<Kept>, sqlx::Error> {
        let now = self.0.clock().now();
        let rows = sqlx::query!(
            r#"
            select
                name,
                test,
                action as "action: Action",
                reason as "reason: Reason",
                spares_friends,
                state as "state: State",
                changed_by as "changed_by: UserId",
                created_at,
                updated_at
            from rules
            where $1::text is null or name = $1
            order by name
            "#,
            name,
        )
        .fetch_all(&mut *db)
        .await?;
        let counts = sqlx::query!(
            r#"
            select rule, was_shadow, sum(hits)::bigint as "hits!"
            from rule_counts
            where ($1::text is null or rule = $1)
              and day > ($2::timestamptz at time zone 'Asia/Kolkata')::date
            group by rule, was_shadow
            "#,
            name,
            now - TimeDelta::days(7),
        )
        .fetch_all(&mut *db)
        .await?;
        let counts: HashMap<_, _> =
            counts.into_iter().map(|row| ((row.rule, row.was_shadow), row.hits)).collect();
        let of = |name: &str, shadow| counts.get(&(name.to_owned(), shadow)).copied().unwrap_or(0);
        rows.into_iter()
            .map(|row| {
                let test =
                    serde_json::from_value(row.test).map_err(|error| sqlx::Error::Decode(error.into()))?;
                Ok(Kept {
                    hits: of(&row.name, false),
                    shadow_hits: of(&row.name, true),
                    name: row.name,
                    test,
                    action: row.action,
                    reason: row.reason,
                    spares_friends: row.spares_friends,
                    state: row.state,
                    changed_by: row.changed_by,
                    created_at: row.created_at,
                    updated_at: row.updated_at,
                })
            })
            .collect()
    }
}

fn named(name: &str) -> Result<(), Error> {
    if is_name(name) { Ok(()) } else { Err(Error::RuleNotFound) }
}

/// One change at a time, each with a number of its own.
async fn turn(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("update rules_head set version = version + 1").execute(db).await?;
    Ok(())
}
