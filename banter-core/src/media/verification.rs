//! "This is me": a document and a face, which only moderators get to see.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Error, MediaStore, named_by, own_turn};
use crate::accounts::Caller;
use crate::error::{Problems, violates};
use crate::ids::VerificationId;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[schema(as = VerificationStatus)]
pub enum Status {
    Pending,
    Approved,
    Rejected,
}

/// A request to be verified, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    pub id: VerificationId,
    pub status: Status,
    /// What the moderator said.
    pub reason: Option<String>,
    pub created_at: DateTime<Utc>,
    pub decided_at: Option<DateTime<Utc>>,
}

/// May somebody ask whose newest request stands like this?
fn may_ask(newest: Option<Status>) -> Result<(), Error> {
    match newest {
        None | Some(Status::Rejected) => Ok(()),
        Some(Status::Pending) => Err(Error::VerificationPending),
        Some(Status::Approved) => Err(Error::AlreadyVerified),
    }
}

impl MediaStore<'_> {
    /// Asks to be verified. What a rejected request showed is collected, unless this one shows it again.
    pub async fn ask_verification(
        &self,
        caller: &Caller,
        document_url: &str,
        selfie_url: &str,
    ) -> Result<Verification, Error> {
        let mut problems = Problems::default();
        let parse = |url: &str| named_by(url).ok_or("must be a link that an upload gave");
        let document = problems.take("documentMediaUrl", parse(document_url));
        let selfie = problems.take("selfieMediaUrl", parse(selfie_url));
        problems.check(
            "selfieMediaUrl",
            document.is_none() || document != selfie,
            "must be another picture than the document's",
        );
        problems.none()?;
        let uploads = [document, selfie].map(|upload| upload.expect("checked").0);
        let now = self.0.clock().now();
        let mut transaction = self.0.pool().begin().await?;
        // Two requests at once: the second waits, and then finds the first.
        own_turn(&mut transaction, caller.user_id).await?;
        let newest = sqlx::query_scalar!(
            r#"select status as "status: Status" from verifications where user_id = $1 order by id desc limit 1"#,
            caller.user_id.0,
        )
        .fetch_optional(&mut *transaction)
        .await?;
        may_ask(newest)?;
        let used = sqlx::query!(
            r#"
            update uploads
            set used_at = coalesce(used_at, $3)
            where id = any($1) and user_id = $2 and purpose = 'verification' and doomed_at is null
            "#,
            &uploads,
            caller.user_id.0,
            now,
        )
        .execute(&mut *transaction)
        .await?;
        if used.rows_affected() != 2 {
            return Err(Error::NotFound);
        }
        // Of the request that this one takes the place of: nobody is to look at them again.
        sqlx::query!(
            r#"
            update uploads u
            set doomed_at = $3
            from verifications v
            where v.user_id = $1
              and v.status = 'rejected'
              and u.id in (v.document_upload_id, v.selfie_upload_id)
              and u.id <> all($2)
              and u.doomed_at is null
            "#,
            caller.user_id.0,
            &uploads,
            now,
        )
        .execute(&mut *transaction)
        .await?;
        let asked = sqlx::query_as!(
            Verification,
            r#"
            insert into verifications (id, user_id, document_upload_id, selfie_upload_id, created_at)
            values ($1, $2, $3, $4, $5)
            returning id as "id: VerificationId", status as "status: Status", reason, created_at, decided_at
            "#,
            self.0.ids().uuid(now),
            caller.user_id.0,
            uploads[0],
            uploads[1],
            now,
        )
        .fetch_one(&mut *transaction)
        .await
        .map_err(|error| match () {
            () if violates(&error, "verifications_one_pending") => Error::VerificationPending,
            () => error.into(),
        })?;
        transaction.commit().await?;
        Ok(asked)
    }

    /// The caller's newest request.
    pub async fn verification(&self, caller: &Caller) -> Result<Option<Verification>, Error> {
        let newest = sqlx::query_as!(
            Verification,
            r#"
            select id as "id: VerificationId", status as "status: Status", reason, created_at, decided_at
            from verifications
            where user_id = $1
            order by id desc
            limit 1
            "#,
            caller.user_id.0,
        )
        .fetch_optional(self.0.pool())
        .await?;
        Ok(newest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_ask_to_be_verified() {
        for (newest, may) in [
            (None, "yes"),
            (Some(Status::Rejected), "yes"),
            (Some(Status::Pending), "VERIFICATION_PENDING"),
            (Some(Status::Approved), "ALREADY_VERIFIED"),
        ] {
            let answer =
                may_ask(newest).map_or_else(|error| crate::error::Coded::coded(&error).1, |()| "yes");
            assert_eq!(answer, may, "{newest:?}");
        }
    }
}
