//! The end of a case: dismissed, or something is done. Whoever reported hears which.

use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::audit::Subject;
use super::cases::{Case, Held, Outcome, note_of};
use super::reports::SubjectKind;
use super::roles::Duty;
use super::sanctions::{Action, Order, Target};
use super::{Error, Moderation, Staff};
use crate::error::Problems;
use crate::ids::{CaseId, UserId};
use crate::notifications::{self, Added, News};

/// What a moderator decides.
#[derive(Clone, Debug)]
pub enum Decision {
    /// Nothing is wrong. With the note for staff.
    Dismiss {
        note: String,
    },
    Act(Order),
}

impl Moderation<'_> {
    /// Decides a case that nobody else holds. Where it takes two, the case waits for the second person.
    pub async fn resolve(&self, staff: Staff, id: CaseId, decision: &Decision) -> Result<Case, Error> {
        let me = staff.require_named(Duty::Decide)?;
        let mut tx = self.0.pool().begin().await?;
        let held = self.hold(&mut tx, staff, id).await?;
        match decision {
            Decision::Dismiss { note } => {
                let note = note_of(note)?;
                self.add_note(&mut tx, id, me, &note).await?;
                let told = self.close_case(&mut tx, id, Outcome::Dismissed, me).await?;
                self.log(&mut tx, staff, "case.dismiss", Subject::Case(id.0), json!({ "user": held.user }))
                    .await?;
                tx.commit().await?;
                for added in told {
                    self.0.notifications().tell(added).await;
                }
            }
            Decision::Act(order) => {
                let policy = order.policy.unwrap_or(held.reason);
                let subject = subject(&held, order.action)?;
                let target = Target { user: held.user, case: Some(id), subject, policy };
                if order.action.takes_two() {
                    sqlx::query!(
                        r#"
                        update cases
                        set status = 'awaiting', claimed_by = null, claimed_until = null,
                            acknowledged_at = coalesce(acknowledged_at, $2)
                        where id = $1
                        "#,
                        id.0,
                        self.0.clock().now(),
                    )
                    .execute(&mut *tx)
                    .await?;
                }
                let told = if order.action.takes_two() {
                    Vec::new()
                } else {
                    self.close_case(&mut tx, id, Outcome::ActionTaken, me).await?
                };
                let (_, mut after) = self.impose(&mut tx, staff, target, order).await?;
                after.notify(told);
                tx.commit().await?;
                after.carry_out(self.0).await;
            }
        }
        self.case(id).await
    }

    /// Ends a case: its reporters are told.
    pub(super) async fn close_case(
        &self,
        db: &mut PgConnection,
        id: CaseId,
        outcome: Outcome,
        by: UserId,
    ) -> Result<Vec<Added>, sqlx::Error> {
        let now = self.0.clock().now();
        sqlx::query!(
            r#"
            update cases
            set status = 'resolved', outcome = $2, resolved_at = $3, resolved_by = $4, claimed_by = null,
                claimed_until = null, acknowledged_at = coalesce(acknowledged_at, $3)
            where id = $1
            "#,
            id.0,
            outcome as Outcome,
            now,
            by.0,
        )
        .execute(&mut *db)
        .await?;
        let reports = sqlx::query!(
            r#"
            update reports
            set status = $2, updated_at = $3
            where case_id = $1
            returning id, reporter_id as "reporter: UserId"
            "#,
            id.0,
            outcome as Outcome,
            now,
        )
        .fetch_all(&mut *db)
        .await?;
        metrics::counter!("banter_cases_closed_total").increment(1);
        let news = reports.into_iter().map(|report| News {
            to: report.reporter,
            kind: notifications::Kind::ReportDecided,
            actor: None,
            subject: Some(report.id),
        });
        self.0.notifications().add_all(db, news.collect::<Vec<_>>()).await
    }
}

/// To what it is done, where it is not done to the person.
fn subject(held: &Held, action: Action) -> Result<Option<Uuid>, Error> {
    let needs = match action {
        Action::RemoveMessage => Some(SubjectKind::Message),
        Action::RemoveCover | Action::CloseRoom => Some(SubjectKind::Room),
        Action::Warn
        | Action::Mute
        | Action::Suspend
        | Action::Ban
        | Action::RemoveAvatar
        | Action::FreezeWallet => None,
    };
    match needs {
        None => Ok(None),
        Some(kind) if kind == held.kind => Ok(Some(held.subject)),
        Some(_) => Err(Problems::one("action", "does not suit what was reported").into()),
    }
}
