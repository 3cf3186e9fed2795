//! Time, passed in: rules ask this clock, so tests move it instead of sleeping.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};

/// India's time, all year round.
pub fn india() -> FixedOffset {
    FixedOffset::east_opt(5 * 3600 + 1800).expect("within a day")
}

/// The current time in UTC, cut to microseconds as PostgreSQL stores it, so that a time written and read
/// again is equal.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    #[default]
    System,
    /// Microseconds since the epoch; moves only when told to.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    pub fn manual(start: DateTime<Utc>) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(start.timestamp_micros())))
    }

    pub fn now(&self) -> DateTime<Utc> {
        let micros = match self {
            #[expect(clippy::disallowed_methods, reason = "the one home of the wall clock")]
            Self::System => Utc::now().timestamp_micros(),
            Self::Manual(micros) => micros.load(Ordering::Relaxed),
        };
        DateTime::from_timestamp_micros(micros).expect("a time within chrono's range")
    }

    /// Moves a manual clock; the system's cannot be moved.
    pub fn advance(&self, by: TimeDelta) {
        if let Self::Manual(micros) = self {
            micros.fetch_add(by.num_microseconds().expect("less than 292,000 years"), Ordering::Relaxed);
        }
    }
}
