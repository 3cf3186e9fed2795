//! What is done about a message before it is placed, and after.

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::json;

use super::matching::{Counting, Text, age};
use super::{Action, State};
use crate::ids::{MessageId, UserId};
use crate::messaging::send::Target;
use crate::moderation::Moderation;
use crate::moderation::audit::{self, Entry, Subject};
use crate::moderation::reasons::Reason;
use crate::moderation::reports::{About, Opening, Source};

/// A rule that found something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    pub rule: String,
    pub action: Action,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Pass,
    Flag(Hit),
    Hold(Hit),
    Block(Hit),
}

/// Where a text is to be read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    To(Target),
    /// Where this message stands, whose text it becomes.
    Of(MessageId),
}

struct Found {
    hit: Hit,
    is_shadow: bool,
    spares_friends: bool,
}

impl Moderation<'_> {
    /// What the rules say of a text that somebody sends, or changes one into. Where none finds anything the database is not
    /// asked.
    pub(crate) async fn judge(
        &self,
        sender: UserId,
        place: Place,
        text: &str,
    ) -> Result<Verdict, sqlx::Error> {
        let rules = self.0.rules().all();
        if rules.is_empty() || text.is_empty() {
            return Ok(Verdict::Pass);
        }
        let text = Text::new(text);
        let mut found = Vec::new();
        for rule in &*rules {
            let finds = match rule.finds(&text) {
                Some(finds) => finds,
                None => match rule.counting() {
                    Some(counting) => self.counts(&rule.rule.name, counting, sender, &text).await,
                    None => false,
                },
            };
            if finds {
                let hit =
                    Hit { rule: rule.rule.name.clone(), action: rule.rule.action, reason: rule.rule.reason };
                let is_shadow = rule.state == State::Shadow;
                found.push(Found { hit, is_shadow, spares_friends: rule.rule.spares_friends });
            }
        }
        if found.iter().any(|found| found.spares_friends) && self.are_friends(sender, place).await? {
            found.retain(|found| !found.spares_friends);
        }
        if found.is_empty() {
            return Ok(Verdict::Pass);
        }
        self.count(&found).await?;
        let gravest = found.into_iter().filter(|found| !found.is_shadow).map(|found| found.hit);
        Ok(match gravest.max_by_key(|hit| (hit.action, hit.reason.severity())) {
            None => Verdict::Pass,
            Some(hit) => match hit.action {
                Action::Flag => Verdict::Flag(hit),
                Action::Hold => Verdict::Hold(hit),
                Action::Block => Verdict::Block(hit),
            },
        })
    }

    async fn counts(&self, rule: &str, counting: &Counting, sender: UserId, text: &Text) -> bool {
        let (key, limit) = match counting {
            Counting::Same(limit) => {
                let digest = digest(&SHA256, text.folded.as_bytes());
                let digest = u64::from_be_bytes(digest.as_ref()[..8].try_into().expect("eight bytes"));
                (format!("{rule}:{sender}:{digest:016x}"), *limit)
            }
            Counting::NewAccount(younger, _) if age(sender, self.0.clock().now()) >= *younger => {
                return false;
            }
            Counting::NewAccount(_, limit) => (format!("{rule}:{sender}"), *limit),
        };
        self.0.limits().take_of("rule", &key, limit).await.is_err()
    }

    async fn are_friends(&self, sender: UserId, place: Place) -> Result<bool, sqlx::Error> {
        let (user, conversation, message) = match place {
            Place::To(Target::User(user)) => (Some(user.0), None, None),
            Place::To(Target::Conversation(conversation)) => (None, Some(conversation.0), None),
            Place::Of(message) => (None, None, Some(message.0)),
        };
        sqlx::query_scalar!(
            r#"
            select exists (
                select
                from friendships f
                where (f.user_lo, f.user_hi) = (
                    select least($1, other), greatest($1, other)
                    from (
                        select coalesce($2, (
                            select case c.user_lo when $1 then c.user_hi else c.user_lo end
                            from conversations c
                            where c.id = coalesce($3, (select m.conversation_id from messages m where m.id = $4))
                              and $1 in (c.user_lo, c.user_hi)
                        )) as other
                    ) o
                )
            ) as "are!"
            "#,
            sender.0,
            user,
            conversation,
            message,
        )
        .fetch_one(self.0.pool())
        .await
    }

    async fn count(&self, found: &[Found]) -> Result<(), sqlx::Error> {
        let (mut rules, mut shadows) = (Vec::new(), Vec::new());
        for found in found {
            metrics::counter!("banter_rule_hits_total", "rule" => found.hit.rule.clone()).increment(1);
            rules.push(found.hit.rule.clone());
            shadows.push(found.is_shadow);
        }
        sqlx::query!(
            r#"
            insert into rule_counts as c (rule, day, was_shadow, hits)
            select rule, ($3::timestamptz at time zone 'Asia/Kolkata')::date, was_shadow, 1
            from unnest($1::text[], $2::boolean[]) as found (rule, was_shadow)
            on conflict (rule, day, was_shadow) do update set hits = c.hits + 1
            "#,
            &rules,
            &shadows,
            self.0.clock().now(),
        )
        .execute(self.0.pool())
        .await?;
        Ok(())
    }

    /// What was flagged becomes a case, with what stands around it.
    pub(crate) async fn flag(&self, sender: UserId, message: MessageId, hit: &Hit) {
        if let Err(error) = self.open_flagged(sender, message, hit).await {
            // It is sent: whoever is told otherwise sends it again.
            tracing::error!(%message, rule = hit.rule, %error, "what a rule found is no case");
        }
    }

    async fn open_flagged(&self, sender: UserId, message: MessageId, hit: &Hit) -> Result<(), sqlx::Error> {
        let mut tx = self.0.pool().begin().await?;
        let about = About::Message(message);
        let opening = Opening { about, user: sender, reason: hit.reason, source: Source::Rule };
        let case = self.open_case(&mut tx, &opening).await?;
        sqlx::query!(
            r#"
            update cases c
            set evidence = jsonb_build_object(
                'rule', $3::text,
                'profile', profile_evidence(m.sender_id),
                'messageId', m.id,
                'messages', message_evidence(m.conversation_id, m.seq - 5, m.seq)
            )
            from messages m
            where c.id = $1 and m.id = $2 and c.evidence is null
            "#,
            case.0,
            message.0,
            hit.rule,
        )
        .execute(&mut *tx)
        .await?;
        let details = json!({ "rule": hit.rule, "message": message });
        let entry = Entry { actor: None, act: "rule.flag", subject: Subject::Case(case.0), details };
        audit::write(&mut tx, self.0.clock().now(), &entry).await?;
        tx.commit().await
    }
}
