//! How a subscription stands, and what a snapshot of it says against what we hold. Snapshots come in any order, some twice
//! and some never; whatever order they come in, the newest is what stays.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How a subscription stands at Razorpay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = SubscriptionStatus)]
pub enum Status {
    /// Nobody has agreed to it yet.
    Created,
    /// Agreed to; the first period has not begun.
    Authenticated,
    /// Paid, and renewed at each period's end.
    Active,
    /// A renewal failed; it is tried again on the next three days.
    Pending,
    /// Those tries failed too; it goes on when somebody pays by hand.
    Halted,
    /// Nothing is charged until it is resumed.
    Paused,
    /// Ended by somebody.
    Cancelled,
    /// Every period was paid.
    Completed,
    /// Nobody agreed to it in time.
    Expired,
}

impl Status {
    pub const ALL: [Self; 9] = [
        Self::Created,
        Self::Authenticated,
        Self::Active,
        Self::Pending,
        Self::Halted,
        Self::Paused,
        Self::Cancelled,
        Self::Completed,
        Self::Expired,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Authenticated => "authenticated",
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Halted => "halted",
            Self::Paused => "paused",
            Self::Cancelled => "cancelled",
            Self::Completed => "completed",
            Self::Expired => "expired",
        }
    }

    /// Of Razorpay's word; `None`: one that this version does not know.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// It is over, for good.
    pub fn is_over(self) -> bool {
        match self {
            Self::Cancelled | Self::Completed | Self::Expired => true,
            Self::Created
            | Self::Authenticated
            | Self::Active
            | Self::Pending
            | Self::Halted
            | Self::Paused => false,
        }
    }

    /// Somebody agreed to it, and it goes on: no other can be begun beside it.
    pub fn is_agreed(self) -> bool {
        self != Self::Created && !self.is_over()
    }

    /// Its period was paid, as far as the status alone says: `pending`, `halted` and `paused` may show one that was not.
    pub(super) fn means_paid(self) -> bool {
        matches!(self, Self::Active | Self::Completed | Self::Cancelled)
    }

    /// The renewal failed.
    pub(super) fn is_behind(self) -> bool {
        matches!(self, Self::Pending | Self::Halted)
    }
}

/// When a subscription stood so: by how many periods were paid, which never go back, and then by Razorpay's clock
/// (unix seconds). The count comes first, for what we ask for is dated by our own clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    pub paid: i32,
    pub at: i64,
}

/// What follows of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is so now.
    Take,
    /// It is older than what we hold, or cannot be.
    Keep,
    /// It is so already.
    Repeat,
    /// Two states of the same second: which came first only Razorpay knows. Ours stays until it is asked.
    Ask,
}

/// The whole table: what we hold, and since when; what is seen, and of when.
pub fn judge(held: (Status, Moment), seen: (Status, Moment)) -> Verdict {
    use Status::{Active, Authenticated, Cancelled, Completed, Created, Expired, Halted, Paused, Pending};
    match (held.0, seen.0) {
        (Created, Created)
        | (Authenticated, Authenticated)
        | (Cancelled, Cancelled)
        | (Completed, Completed)
        | (Expired, Expired) => Verdict::Repeat,
        // What is over stays over.
        (Cancelled | Completed | Expired, _) => Verdict::Keep,
        (Created | Authenticated | Active | Pending | Halted | Paused, Cancelled | Completed) => {
            Verdict::Take
        }
        // Only what nobody paid expires.
        (Created | Authenticated, Expired) => Verdict::Take,
        (Active | Pending | Halted | Paused, Expired) => Verdict::Keep,
        // The way in is gone once.
        (Authenticated | Active | Pending | Halted | Paused, Created) => Verdict::Keep,
        (Active | Pending | Halted | Paused, Authenticated) => Verdict::Keep,
        (Created, Authenticated) => Verdict::Take,
        (Created | Authenticated, Active | Pending | Halted | Paused) => Verdict::Take,
        // These go to and fro.
        (Active | Pending | Halted | Paused, Active | Pending | Halted | Paused) => {
            match (seen.1.cmp(&held.1), seen.0 == held.0) {
                (std::cmp::Ordering::Less, _) => Verdict::Keep,
                (std::cmp::Ordering::Greater, false) => Verdict::Take,
                (std::cmp::Ordering::Equal, false) => Verdict::Ask,
                (_, true) => Verdict::Repeat,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(paid: i32, at: i64) -> Moment {
        Moment { paid, at }
    }

    /// Rows are what we hold, columns what is seen: earlier, in the same second, later.
    #[test]
    fn every_state_against_every_state() {
        let letter = |held, seen, when| match judge((held, at(1, 10)), (seen, at(1, when))) {
            Verdict::Take => 'T',
            Verdict::Keep => 'k',
            Verdict::Repeat => '=',
            Verdict::Ask => '?',
        };
        let mut table = String::new();
        for held in Status::ALL {
            table += &format!("{:14}", held.name());
            for seen in Status::ALL {
                table += &format!(" {}:", seen.name());
                table.extend([9, 10, 11].map(|when| letter(held, seen, when)));
            }
            table.push('\n');
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn what_is_over_is_never_left() {
        for held in Status::ALL.into_iter().filter(|status| status.is_over()) {
            for seen in Status::ALL {
                let verdict = judge((held, at(1, 10)), (seen, at(9, 99)));
                assert!(matches!(verdict, Verdict::Keep | Verdict::Repeat), "{held:?} {seen:?}");
            }
        }
    }

    #[test]
    fn more_periods_paid_are_later_whatever_clocks_say() {
        let held = (Status::Pending, at(1, 100));
        assert_eq!(judge(held, (Status::Active, at(2, 90))), Verdict::Take);
        assert_eq!(judge((Status::Active, at(2, 90)), held), Verdict::Keep);
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for status in Status::ALL {
            assert_eq!(Status::of(status.name()), Some(status));
        }
        assert_eq!(Status::of("dormant"), None);
    }
}
