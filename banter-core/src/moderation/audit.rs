//! The record of what staff did and looked at. A row holds the digest of the one before, and [`Head`] stands beside the
//! table: a row that is changed, removed, added or put elsewhere later is found by [`Moderation::verify_audit`]. Whoever
//! may write to the database at will could make the whole chain anew; so every new head is logged too, and one that was
//! noted elsewhere can be asked for.

use aws_lc_rs::digest;
use chrono::{DateTime, Utc};
use futures_util::TryStreamExt as _;
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use super::roles::Duty;
use super::{Error, Moderation, Staff};
use crate::error::Problems;
use crate::ids::UserId;
use crate::page::{Page, PageRequest};

/// Something to be written down.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// Null: an operator, or an automatic rule.
    pub actor: Option<UserId>,
    /// What was done, as `thing.verb`: `case.claim`.
    pub act: &'static str,
    pub subject: Subject<'a>,
    /// What else there is to know. No message's text, no phone number: the record is kept for ever.
    pub details: Value,
}

/// To what it was done.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    User(Uuid),
    Case(Uuid),
    Sanction(Uuid),
    Appeal(Uuid),
    Message(Uuid),
    Room(Uuid),
    Held(Uuid),
    Verification(Uuid),
    Login(Uuid),
    Rule(&'a str),
    /// The record itself, or all of something.
    Whole(&'static str),
}

impl std::fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User(id) => write!(f, "user:{id}"),
            Self::Case(id) => write!(f, "case:{id}"),
            Self::Sanction(id) => write!(f, "sanction:{id}"),
            Self::Appeal(id) => write!(f, "appeal:{id}"),
            Self::Message(id) => write!(f, "message:{id}"),
            Self::Room(id) => write!(f, "room:{id}"),
            Self::Held(id) => write!(f, "held:{id}"),
            Self::Verification(id) => write!(f, "verification:{id}"),
            Self::Login(id) => write!(f, "login:{id}"),
            Self::Rule(name) => write!(f, "rule:{name}"),
            Self::Whole(name) => f.write_str(name),
        }
    }
}

/// A row as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditEntry)]
pub struct Row {
    pub seq: i64,
    pub at: DateTime<Utc>,
    pub actor_id: Option<UserId>,
    pub act: String,
    pub subject: String,
    #[serde(serialize_with = "as_json")]
    #[schema(value_type = Object)]
    pub details: String,
    /// SHA-256 over this entry and the digest before it, in hexadecimal.
    #[serde(serialize_with = "as_hex")]
    #[schema(value_type = String)]
    pub digest: Vec<u8>,
}

/// Where the record ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub seq: i64,
    pub digest: [u8; DIGEST],
}

/// `SEQ:DIGEST`, as the log and the command line have it.
impl std::fmt::Display for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.seq, hex(&self.digest))
    }
}

impl std::str::FromStr for Head {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "must be SEQ:DIGEST, the digest in 64 hexadecimal digits";
        let (seq, digits) = text.split_once(':').ok_or(FORM)?;
        let bytes = digits.as_bytes().chunks(2).map(|pair| {
            std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()).ok_or(FORM)
        });
        let digest = bytes.collect::<Result<Vec<u8>, _>>()?.try_into().map_err(|_| FORM)?;
        Ok(Self { seq: seq.parse().map_err(|_| FORM)?, digest })
    }
}

/// What was found wrong, at the first place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "fault", rename_all = "camelCase")]
pub enum Fault {
    /// This row is missing, or stands elsewhere.
    Missing { seq: i64 },
    /// This row, or one before it, is not as it was written.
    Changed { seq: i64 },
    /// The end is not where it was.
    Cut { last: i64, expected: i64 },
    /// The record was made anew since that head was noted.
    Rewritten { seq: i64 },
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing { seq } => write!(f, "row {seq} is missing"),
            Self::Changed { seq } => write!(f, "row {seq} is not as it was written"),
            Self::Cut { last, expected } => write!(f, "the record ends at row {last}, but was at {expected}"),
            Self::Rewritten { seq } => write!(f, "row {seq} is another than the one that was noted"),
        }
    }
}

/// What the whole record came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    pub rows: i64,
    pub head: Head,
    pub fault: Option<Fault>,
}

/// Which rows.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub actor: Option<UserId>,
    /// Exactly so: `user:…`.
    pub subject: Option<String>,
    /// The act, or the thing it was done to: `case.claim`, `case`.
    pub act: Option<String>,
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
}

impl Filter {
    fn check(&self) -> Result<(), Problems> {
        let mut problems = Problems::default();
        for (field, words) in [("subject", &self.subject), ("act", &self.act)] {
            let unlikely = words.as_ref().is_some_and(|words| words.len() > 200 || words.contains('\0'));
            problems.check(field, !unlikely, "is nothing that stands in the audit log");
        }
        problems.none()
    }
}

pub const DIGEST: usize = digest::SHA256_OUTPUT_LEN;
const LIST: &str = "audit";

/// Writes a row, at the end of the transaction whose act it tells of: whoever writes after waits for that commit.
pub(crate) async fn write(
    db: &mut PgConnection,
    at: DateTime<Utc>,
    entry: &Entry<'_>,
) -> Result<(), sqlx::Error> {
    let head = sqlx::query!("select seq, digest from audit_head for update").fetch_one(&mut *db).await?;
    let row = Row {
        seq: head.seq + 1,
        at,
        actor_id: entry.actor,
        act: entry.act.to_owned(),
        subject: entry.subject.to_string(),
        details: entry.details.to_string(),
        digest: Vec::new(),
    };
    let digest = row.follow(&head.digest);
    sqlx::query!(
        r#"
        with row as (
            insert into audit_log (seq, at, actor_id, act, subject, details, digest)
            values ($1, $2, $3, $4, $5, $6::text::json, $7)
        )
        update audit_head set seq = $1, digest = $7
        "#,
        row.seq,
        row.at,
        row.actor_id.map(|id| id.0),
        row.act,
        row.subject,
        row.details,
        &digest,
    )
    .execute(db)
    .await?;
    // A witness outside the database.
    tracing::info!(head = %Head { seq: row.seq, digest }, act = row.act, subject = row.subject, "audited");
    Ok(())
}

impl Row {
    /// As JSON and exports have it.
    pub fn digest_hex(&self) -> String {
        hex(&self.digest)
    }

    /// The digest of this row after the one with that digest. Each part has its length before it, so that no two rows
    /// come to the same bytes.
    fn follow(&self, before: &[u8]) -> [u8; DIGEST] {
        let actor = self.actor_id.map(|id| id.to_string()).unwrap_or_default();
        let (seq, at) = (self.seq.to_be_bytes(), self.at.timestamp_micros().to_be_bytes());
        let parts: [&[u8]; 7] = [
            before,
            &seq,
            &at,
            actor.as_bytes(),
            self.act.as_bytes(),
            self.subject.as_bytes(),
            self.details.as_bytes(),
        ];
        let mut context = digest::Context::new(&digest::SHA256);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")
    }
}

impl Moderation<'_> {
    /// Goes through the whole record. `noted`: a head that was seen once, and must be there still.
    pub async fn verify_audit(&self, staff: Staff, noted: Option<&Head>) -> Result<Verified, Error> {
        staff.require(Duty::ReadAudit)?;
        // One picture of both tables, however many write meanwhile.
        let mut transaction = self.0.pool().begin().await?;
        sqlx::query!("set transaction isolation level repeatable read, read only")
            .execute(&mut *transaction)
            .await?;
        let end = sqlx::query!("select seq, digest from audit_head").fetch_one(&mut *transaction).await?;
        let mut last = Head { seq: 0, digest: [0; DIGEST] };
        let mut fault = None;
        {
            let mut rows = sqlx::query_as!(
                Row,
                r#"
                select seq, at, actor_id as "actor_id: UserId", act, subject, details::text as "details!", digest
                from audit_log
                order by seq
                "#
            )
            .fetch(&mut *transaction);
            while let Some(row) = rows.try_next().await? {
                let digest = row.follow(&last.digest);
                if row.seq != last.seq + 1 {
                    fault = Some(Fault::Missing { seq: last.seq + 1 });
                } else if row.digest != digest {
                    fault = Some(Fault::Changed { seq: row.seq });
                } else if noted.is_some_and(|noted| noted.seq == row.seq && noted.digest != digest) {
                    fault = Some(Fault::Rewritten { seq: row.seq });
                }
                if fault.is_some() {
                    break;
                }
                last = Head { seq: row.seq, digest };
            }
        }
        let expected = end.seq.max(noted.map_or(0, |noted| noted.seq));
        let fault = fault.or_else(|| match () {
            () if last.seq < expected => Some(Fault::Cut { last: last.seq, expected }),
            () if last.seq != end.seq || last.digest[..] != end.digest => {
                Some(Fault::Changed { seq: last.seq })
            }
            () => None,
        });
        Ok(Verified { rows: last.seq, head: last, fault })
    }

    /// Rows that the filter lets through, newest first.
    pub async fn audit(&self, staff: Staff, filter: &Filter, page: &PageRequest) -> Result<Page<Row>, Error> {
        staff.require(Duty::ReadAudit)?;
        filter.check()?;
        let after: Option<i64> = page.after(LIST).map_err(|problem| Problems::one("cursor", problem))?;
        let rows = self.audit_rows(filter, after, page.fetch()).await?;
        Ok(Page::cut(rows, page, LIST, |row| row.seq))
    }

    /// Hands over every row that the filter lets through, newest first, and writes down that it did.
    pub async fn export_audit(
        &self,
        staff: Staff,
        filter: &Filter,
        mut take: impl FnMut(&Row) -> std::io::Result<()>,
    ) -> Result<std::io::Result<i64>, Error> {
        const AT_ONCE: i64 = 1000;
        staff.require(Duty::Export)?;
        filter.check()?;
        let entry = Entry {
            actor: staff.id(),
            act: "audit.export",
            subject: Subject::Whole("audit"),
            details: serde_json::json!({ "from": filter.from, "to": filter.to }),
        };
        let mut transaction = self.0.pool().begin().await?;
        write(&mut transaction, self.0.clock().now(), &entry).await?;
        transaction.commit().await?;
        let (mut count, mut after) = (0, None);
        loop {
            let rows = self.audit_rows(filter, after, AT_ONCE).await?;
            let Some(last) = rows.last() else { return Ok(Ok(count)) };
            after = Some(last.seq);
            for row in &rows {
                if let Err(error) = take(row) {
                    return Ok(Err(error));
                }
                count += 1;
            }
        }
    }

    async fn audit_rows(
        &self,
        filter: &Filter,
        after: Option<i64>,
        limit: i64,
    ) -> Result<Vec<Row>, sqlx::Error> {
        sqlx::query_as!(
            Row,
            r#"
            select seq, at, actor_id as "actor_id: UserId", act, subject, details::text as "details!", digest
            from audit_log
            where ($1::bigint is null or seq < $1)
              and ($2::uuid is null or actor_id = $2)
              and ($3::text is null or subject = $3)
              and ($4::text is null or act = $4 or split_part(act, '.', 1) = $4)
              and ($5::timestamptz is null or at >= $5)
              and ($6::timestamptz is null or at < $6)
            order by seq desc
            limit $7
            "#,
            after,
            filter.actor.map(|id| id.0),
            filter.subject,
            filter.act,
            filter.from,
            filter.to,
            limit,
        )
        .fetch_all(self.0.pool())
        .await
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn as_hex<S: serde::Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex(bytes))
}

fn as_json<S: serde::Serializer>(details: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let value: Value = serde_json::from_str(details).map_err(serde::ser::Error::custom)?;
    value.serialize(serializer)
}
