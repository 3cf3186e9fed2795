//! What a rule would have found in the messages that are stored, before it is let loose. Reads only, page by page.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt as _;
use serde::Serialize;
use serde_json::json;

use super::matching::{Compiled, Text};
use super::{Rule, State};
use crate::ids::MessageId;
use crate::moderation::audit::Subject;
use crate::moderation::roles::Duty;
use crate::moderation::{Error, Moderation, Staff};

/// What a rule came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tried {
    pub rule: String,
    /// `None`: it counts what comes one after the other, which stored messages do not show.
    pub hits: Option<u64>,
    /// The first of them.
    pub examples: Vec<Example>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Example {
    pub message_id: MessageId,
    pub at: DateTime<Utc>,
    pub content: String,
}

/// What a trial came to.
#[derive(Clone, Debug, Serialize)]
pub struct Trial {
    /// Texts that were looked at.
    pub messages: u64,
    pub rules: Vec<Tried>,
    /// Spent in the rules, without reading.
    #[serde(skip)]
    pub took: Duration,
}

impl Moderation<'_> {
    /// Tries rules on the texts sent since then, the oldest first, so many at most. Tells how many it has looked at.
    /// Whether two are friends is not asked. Which messages it shows is written down.
    pub async fn try_rules(
        &self,
        staff: Staff,
        rules: &[Rule],
        since: DateTime<Utc>,
        most: i64,
        examples: usize,
        mut progress: impl FnMut(u64),
    ) -> Result<Trial, Error> {
        staff.require(Duty::KeepRules)?;
        let compiled: Result<Vec<_>, _> =
            rules.iter().map(|rule| Compiled::new(rule.clone(), State::Shadow)).collect();
        let compiled = compiled?;
        let mut tried: Vec<_> = compiled
            .iter()
            .map(|rule| Tried {
                rule: rule.rule.name.clone(),
                hits: rule.counting().is_none().then_some(0),
                examples: Vec::new(),
            })
            .collect();
        let (mut messages, mut took) = (0, Duration::ZERO);
        // Ids begin with their time: the primary key has them in order.
        let from = crate::ids::Ids::first_of(since);
        let mut rows = sqlx::query!(
            r#"
            select id as "id: MessageId", content, created_at
            from messages
            where id >= $1 and message_type <> 'gift' and deleted_at is null and content <> ''
            order by id
            limit $2
            "#,
            from,
            most,
        )
        .fetch(self.0.pool());
        while let Some(row) = rows.try_next().await? {
            let begun = Instant::now();
            let text = Text::new(&row.content);
            for (rule, tried) in compiled.iter().zip(&mut tried) {
                if rule.finds(&text) == Some(true) {
                    tried.hits = tried.hits.map(|hits| hits + 1);
                    if tried.examples.len() < examples {
                        let content = row.content.clone();
                        tried.examples.push(Example { message_id: row.id, at: row.created_at, content });
                    }
                }
            }
            took += begun.elapsed();
            messages += 1;
            if messages % 1000 == 0 {
                progress(messages);
            }
        }
        progress(messages);
        drop(rows);
        let mut tx = self.0.pool().begin().await?;
        for tried in tried.iter().filter(|tried| !tried.examples.is_empty()) {
            let shown: Vec<_> = tried.examples.iter().map(|example| example.message_id).collect();
            let details = json!({ "messages": shown });
            self.log(&mut tx, staff, "rule.try", Subject::Rule(&tried.rule), details).await?;
        }
        tx.commit().await?;
        Ok(Trial { messages, rules: tried, took })
    }
}
