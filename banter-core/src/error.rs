//! How things fail. Each feature has one `Error` enum; each variant has a stable code, the part of a failure
//! that clients may rely on, and a kind. Front ends map the kind, and only there: the server to a status, the
//! command line to an exit code. `Display` is written for people and never holds internals.

use std::collections::BTreeMap;
use std::fmt;

/// What sort of failure: decides the HTTP status and the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The input breaks a rule; asking again unchanged cannot help.
    Invalid,
    /// Who is asking? No credential, or none that can be used to sign in.
    Unauthenticated,
    /// The credential does not, or no longer, allow this.
    Forbidden,
    /// Missing, or not visible to who asks; the two cannot be told apart.
    NotFound,
    /// More bytes than are taken.
    TooLarge,
    /// A type that is not taken.
    Unsupported,
    /// The thing's state forbids it.
    Conflict,
    /// The same `Idempotency-Key` with another request.
    Mismatch,
    /// Too often.
    TooMany,
    /// A part we need is away; asking again later can help.
    Unavailable,
    /// Our fault.
    Internal,
}

/// A failure that front ends can pass on.
pub trait Coded: std::error::Error {
    /// The kind, and the stable code in `SCREAMING_SNAKE_CASE`.
    fn coded(&self) -> (Kind, &'static str);

    /// What was wrong with which field of the input, for [`Kind::Invalid`].
    fn problems(&self) -> Option<&Problems> {
        None
    }

    /// How far from what was wanted, for programs: names in camelCase, such as `missing`.
    fn numbers(&self) -> Vec<(&'static str, i64)> {
        Vec::new()
    }

    /// Until when asking again is pointless, in seconds.
    fn retry_after(&self) -> Option<u64> {
        None
    }
}

/// The database answered with a failure, or not at all.
pub fn database(error: &sqlx::Error) -> (Kind, &'static str) {
    let away = match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) | sqlx::Error::Tls(_) => {
            true
        }
        // Class 08 connection exception, 53 insufficient resources, 57P operator intervention (shutdown),
        // 57014 and 55P03 the statement and lock timeouts; 40P01 of two who waited for each other this one was let go.
        sqlx::Error::Database(e) => e.code().is_some_and(|code| {
            ["08", "53", "57P", "57014", "55P03", "40P01"].iter().any(|class| code.starts_with(class))
        }),
        _ => false,
    };
    if away { (Kind::Unavailable, "DATABASE_UNAVAILABLE") } else { (Kind::Internal, "INTERNAL") }
}

/// For the few acts that can fail in no other way.
impl Coded for sqlx::Error {
    fn coded(&self) -> (Kind, &'static str) {
        database(self)
    }
}

/// Did this statement break the constraint of that name?
pub fn violates(error: &sqlx::Error, constraint: &str) -> bool {
    matches!(error, sqlx::Error::Database(e) if e.constraint() == Some(constraint))
}

/// What is wrong with an input, field by field, all at once.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Problems(BTreeMap<&'static str, String>);

impl Problems {
    pub fn one(field: &'static str, problem: impl Into<String>) -> Self {
        Self(BTreeMap::from([(field, problem.into())]))
    }

    /// Takes a parsed field's value, or notes why there is none.
    pub fn take<T>(&mut self, field: &'static str, parsed: Result<T, impl Into<String>>) -> Option<T> {
        parsed.map_err(|problem| self.0.insert(field, problem.into())).ok()
    }

    pub fn check(&mut self, field: &'static str, holds: bool, problem: &str) {
        if !holds {
            self.0.entry(field).or_insert_with(|| problem.to_owned());
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Nothing wrong: `Ok`. Otherwise the problems, for a `?`.
    pub fn none(self) -> Result<(), Self> {
        if self.is_empty() { Ok(()) } else { Err(self) }
    }

    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(field, problem)| (*field, problem.as_str()))
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (field, problem)) in self.0.iter().enumerate() {
            write!(f, "{}{field} {problem}", if i == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}
