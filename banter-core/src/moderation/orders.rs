//! What a court or an authority orders: a case that staff files, due within hours.

use serde_json::{Value, json};
use sqlx::PgConnection;

use super::audit::Subject;
use super::cases::{Case, note_of};
use super::reasons::Reason;
use super::reports::{About, Opening, Source};
use super::roles::Duty;
use super::{Error, Moderation, Staff};
use crate::ids::{MessageId, UserId};

/// What is ordered to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ordered {
    User(UserId),
    Message(MessageId),
}

impl Moderation<'_> {
    /// Files an order about somebody, or about a message of theirs; an open case about the same takes it up.
    ///
    /// `note`: who orders what, and under which number.
    pub async fn file_order(&self, staff: Staff, ordered: Ordered, note: &str) -> Result<Case, Error> {
        let me = staff.require_named(Duty::FileOrders)?;
        let note = note_of(note)?;
        let now = self.0.clock().now();
        let mut tx = self.0.pool().begin().await?;
        let (about, found) = match ordered {
            Ordered::User(user) => (About::User(user), of_user(&mut tx, user).await?),
            Ordered::Message(message) => (About::Message(message), of_message(&mut tx, message).await?),
        };
        let (user, evidence) = found.ok_or(Error::SubjectNotFound)?;
        if user == me {
            return Err(Error::OwnCase);
        }
        let reason = Reason::LegalOrder;
        let case = self.open_case(&mut tx, &Opening { about, user, reason, source: Source::Legal }).await?;
        let (acknowledge, resolve) = reason.due(&self.0.config().moderation);
        sqlx::query!(
            r#"
            update cases
            set source = $2,
                reason = $3,
                severity = greatest(severity, $4),
                acknowledge_by = least(acknowledge_by, $5),
                resolve_by = least(resolve_by, $6),
                evidence = coalesce(evidence, $7)
            where id = $1
            "#,
            case.0,
            Source::Legal as Source,
            reason as Reason,
            reason.severity(),
            now + acknowledge,
            now + resolve,
            evidence,
        )
        .execute(&mut *tx)
        .await?;
        self.add_note(&mut tx, case, me, &note).await?;
        self.log(&mut tx, staff, "case.order", Subject::Case(case.0), json!({ "user": user, "note": note }))
            .await?;
        tx.commit().await?;
        self.case(case).await
    }
}

async fn of_user(db: &mut PgConnection, user: UserId) -> Result<Option<(UserId, Value)>, sqlx::Error> {
    let evidence = sqlx::query_scalar!(
        r#"
        select jsonb_build_object('profile', profile_evidence(id)) as "evidence!"
        from users
        where id = $1 and status <> 'deleted'
        "#,
        user.0,
    )
    .fetch_optional(db)
    .await?;
    Ok(evidence.map(|evidence| (user, evidence)))
}

async fn of_message(
    db: &mut PgConnection,
    message: MessageId,
) -> Result<Option<(UserId, Value)>, sqlx::Error> {
    let found = sqlx::query!(
        r#"
        select
            sender_id as "user: UserId",
            jsonb_build_object(
                'profile', profile_evidence(sender_id),
                'messageId', id,
                'messages', message_evidence(conversation_id, seq - $2, seq + $2)
            ) as "evidence!"
        from messages
        where id = $1 and deleted_at is null
        "#,
        message.0,
        super::evidence::AROUND,
    )
    .fetch_optional(db)
    .await?;
    Ok(found.map(|found| (found.user, found.evidence)))
}
