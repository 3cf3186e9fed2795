//! Keeping order: what is reported, who looks at it, what is done, and the record of it.
//!
//! Promises: every act names who did it, and so does every look at what is private; no role does what is not its duty,
//! whichever front end asks; the record cannot be changed unseen.
//!
//! ```text
//! report ──▶ case: open ──claim──▶ (held) ──resolve──▶ resolved
//!              ▲                             │            ▲
//!              └──refused── awaiting ◀─ban, freeze─┘──confirmed
//! ```
//!
//! [`reports`] and the [`evidence`] they freeze · [`orders`] of courts · [`cases`] the queue and its claims · [`dossier`]
//! what a moderator has before them · [`decide`] the end of a case · [`sanctions`] and their [`effects`] · [`strikes`] what
//! to do next · [`notices`] what the sanctioned read · [`appeals`] · [`rooms`] that are live · [`verifications`] of people ·
//! [`rules`] that find by themselves · [`leaks`] ways to reach somebody outside, in what people write · [`reasons`] how
//! grave, and by when · [`roles`] who may do what · [`staff`] who acts, [`tools`] and where they sign in · [`audit`] the
//! record · [`stats`]

pub mod appeals;
pub mod audit;
pub mod cases;
pub mod decide;
pub mod dossier;
mod effects;
mod evidence;
pub mod leaks;
pub mod notices;
pub mod orders;
pub mod reasons;
pub mod reports;
pub mod roles;
pub mod rooms;
pub mod rules;
pub mod sanctions;
pub mod staff;
pub mod stats;
pub mod strikes;
#[cfg(test)]
mod tests;
pub mod tools;
pub mod verifications;

use chrono::{DateTime, Utc};

use crate::Banter;
use crate::accounts::{self, Role};
use crate::error::{self, Coded, Kind, Problems};
use crate::limits;

pub use staff::Staff;

/// How long a moderator suspends somebody at most; longer takes a senior.
pub const MODERATORS_LONGEST: chrono::TimeDelta = chrono::TimeDelta::days(30);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Invalid(Problems),
    /// What an ordinary person is told of everything here.
    #[error("this is for staff")]
    NotStaff,
    #[error("this takes the role `{}`", .0.name())]
    RoleForbids(Role),
    #[error("say who you are: this act needs a name")]
    NameNeeded,
    /// Missing, or never seen by the reporter: the two cannot be told apart.
    #[error("there is no such thing to report")]
    SubjectNotFound,
    #[error("you cannot report yourself")]
    Yourself,
    #[error("your reports are not taken until {}: too many were false", .0.format("%d.%m.%Y"))]
    ReportingMuted(DateTime<Utc>),
    #[error("no such case")]
    CaseNotFound,
    #[error("nobody decides their own case, or one that they reported")]
    OwnCase,
    #[error("somebody else holds this case")]
    CaseClaimed,
    #[error("this case waits for a second person")]
    CaseAwaits,
    #[error("this case is decided")]
    CaseResolved,
    #[error("this case was handed up already")]
    AlreadyEscalated,
    #[error("no such person")]
    UserNotFound,
    #[error("they are staff: only an admin does that")]
    StaffProtected,
    #[error("no such sanction")]
    SanctionNotFound,
    #[error("the same is proposed already, and waits for a second person")]
    AlreadyProposed,
    #[error("this waits for nobody's word")]
    NotProposed,
    #[error("this takes somebody who had no hand in it")]
    SecondPersonNeeded,
    #[error("this waits for a second person: refuse it instead")]
    NotConfirmed,
    #[error("this does not hold any more")]
    NotInForce,
    #[error("no such appeal")]
    AppealNotFound,
    #[error("no such rule")]
    RuleNotFound,
    #[error("there is a rule `{0}` already")]
    RuleExists(String),
    #[error("there are {} rules, and each is tried on each message; remove one first", rules::keep::MOST)]
    TooManyRules,
    #[error("no such held message")]
    HeldNotFound,
    #[error("this message is let go or dropped already")]
    HeldDecided,
    #[error("this cannot be delivered any more; drop it")]
    Undeliverable,
    /// Over, used, never there: whoever guesses learns nothing.
    #[error("no tool asks with this code, or not any more")]
    CodeNotFound,
    #[error("approve it in the app: a tool lets no other tool in")]
    AppNeeded,
    #[error("nobody has approved it yet")]
    AuthorizationPending,
    #[error("asked too soon; keep to the interval")]
    SlowDown,
    #[error("this was not approved")]
    AccessDenied,
    #[error("the code is over; begin anew")]
    CodeExpired,
    #[error("no such request to be verified")]
    VerificationNotFound,
    #[error("this request is decided")]
    VerificationDecided,
    #[error("nothing is spoken in this room")]
    NothingToHear,
    #[error("you have appealed against this already")]
    AlreadyAppealed,
    #[error("this appeal is decided")]
    AppealDecided,
    #[error(transparent)]
    Account(Box<accounts::Error>),
    #[error(transparent)]
    Room(Box<crate::rooms::Error>),
    #[error(transparent)]
    TooOften(#[from] limits::Exceeded),
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl Coded for Error {
    fn coded(&self) -> (Kind, &'static str) {
        match self {
            Self::Invalid(_) => (Kind::Invalid, "VALIDATION_FAILED"),
            Self::NotStaff => (Kind::Forbidden, "FORBIDDEN"),
            Self::RoleForbids(_) => (Kind::Forbidden, "ROLE_FORBIDS"),
            Self::NameNeeded => (Kind::Invalid, "NAME_NEEDED"),
            Self::SubjectNotFound => (Kind::NotFound, "SUBJECT_NOT_FOUND"),
            Self::Yourself => (Kind::Invalid, "CANNOT_REPORT_YOURSELF"),
            Self::ReportingMuted(_) => (Kind::Forbidden, "REPORTING_MUTED"),
            Self::CaseNotFound => (Kind::NotFound, "CASE_NOT_FOUND"),
            Self::OwnCase => (Kind::Forbidden, "OWN_CASE"),
            Self::CaseClaimed => (Kind::Conflict, "CASE_CLAIMED"),
            Self::CaseAwaits => (Kind::Conflict, "CASE_AWAITS"),
            Self::CaseResolved => (Kind::Conflict, "CASE_RESOLVED"),
            Self::AlreadyEscalated => (Kind::Conflict, "ALREADY_ESCALATED"),
            Self::UserNotFound => (Kind::NotFound, "USER_NOT_FOUND"),
            Self::StaffProtected => (Kind::Forbidden, "STAFF_PROTECTED"),
            Self::SanctionNotFound => (Kind::NotFound, "SANCTION_NOT_FOUND"),
            Self::AlreadyProposed => (Kind::Conflict, "ALREADY_PROPOSED"),
            Self::NotProposed => (Kind::Conflict, "NOT_PROPOSED"),
            Self::SecondPersonNeeded => (Kind::Forbidden, "SECOND_PERSON_NEEDED"),
            Self::NotConfirmed => (Kind::Conflict, "NOT_CONFIRMED"),
            Self::NotInForce => (Kind::Conflict, "NOT_IN_FORCE"),
            Self::AppealNotFound => (Kind::NotFound, "APPEAL_NOT_FOUND"),
            Self::RuleNotFound => (Kind::NotFound, "RULE_NOT_FOUND"),
            Self::RuleExists(_) => (Kind::Conflict, "RULE_EXISTS"),
            Self::TooManyRules => (Kind::Conflict, "TOO_MANY_RULES"),
            Self::HeldNotFound => (Kind::NotFound, "HELD_MESSAGE_NOT_FOUND"),
            Self::HeldDecided => (Kind::Conflict, "HELD_MESSAGE_DECIDED"),
            Self::Undeliverable => (Kind::Conflict, "UNDELIVERABLE"),
            Self::CodeNotFound => (Kind::NotFound, "DEVICE_CODE_NOT_FOUND"),
            Self::AppNeeded => (Kind::Forbidden, "APP_NEEDED"),
            Self::AuthorizationPending => (Kind::Invalid, "AUTHORIZATION_PENDING"),
            Self::SlowDown => (Kind::Invalid, "SLOW_DOWN"),
            Self::AccessDenied => (Kind::Invalid, "ACCESS_DENIED"),
            Self::CodeExpired => (Kind::Invalid, "EXPIRED_TOKEN"),
            Self::VerificationNotFound => (Kind::NotFound, "VERIFICATION_NOT_FOUND"),
            Self::VerificationDecided => (Kind::Conflict, "VERIFICATION_DECIDED"),
            Self::NothingToHear => (Kind::Conflict, "NOTHING_TO_HEAR"),
            Self::AlreadyAppealed => (Kind::Conflict, "ALREADY_APPEALED"),
            Self::AppealDecided => (Kind::Conflict, "APPEAL_DECIDED"),
            Self::Account(error) => error.coded(),
            Self::Room(error) => error.coded(),
            Self::TooOften(error) => error.coded(),
            Self::Database(error) => error::database(error),
        }
    }

    fn problems(&self) -> Option<&Problems> {
        match self {
            Self::Invalid(problems) => Some(problems),
            Self::Account(error) => error.problems(),
            Self::Room(error) => error.problems(),
            _ => None,
        }
    }

    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Account(error) => error.retry_after(),
            Self::TooOften(error) => error.retry_after(),
            _ => None,
        }
    }
}

impl From<Problems> for Error {
    fn from(problems: Problems) -> Self {
        Self::Invalid(problems)
    }
}

/// The acts of this feature.
#[derive(Clone, Copy)]
pub struct Moderation<'a>(pub(crate) &'a Banter);

impl Banter {
    pub fn moderation(&self) -> Moderation<'_> {
        Moderation(self)
    }
}
