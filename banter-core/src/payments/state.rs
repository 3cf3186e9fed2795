//! How a payment stands, and what an act makes of it. Nothing here is final by a clock alone: money that comes late for an
//! order that was given up still buys what it was paid for.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::money::Paise;

/// How a payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = PaymentStatus)]
pub enum Status {
    /// It waits to be paid; a refund waits to be made.
    Pending,
    /// An attempt to pay failed, or it could not be begun. A later attempt may succeed.
    Failed,
    /// Nobody paid within a day.
    Abandoned,
    /// The money came, and what it buys was given.
    Success,
    /// A part of the money went back.
    PartiallyRefunded,
    /// All of it went back.
    Refunded,
}

impl Status {
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Failed,
        Self::Abandoned,
        Self::Success,
        Self::PartiallyRefunded,
        Self::Refunded,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Failed => "failed",
            Self::Abandoned => "abandoned",
            Self::Success => "success",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Refunded => "refunded",
        }
    }

    /// The money came, whatever became of it since.
    pub fn is_paid(self) -> bool {
        match self {
            Self::Success | Self::PartiallyRefunded | Self::Refunded => true,
            Self::Pending | Self::Failed | Self::Abandoned => false,
        }
    }
}

/// What happens to a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Money was captured for it.
    Pay,
    /// An attempt to pay it failed.
    Fail,
    /// A day went by.
    GiveUp,
    /// So much of it has gone back by now; less than before when a refund failed after all.
    Refund { so_far: Paise, of: Paise },
}

/// What an act comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Become(Status),
    /// It is so already, or the act says nothing new.
    Stay,
    /// What was never paid, or more than was paid, cannot go back.
    Refuse,
}

/// The whole table.
pub fn next(status: Status, act: Act) -> Next {
    use Next::{Become, Refuse, Stay};
    match (act, status) {
        (Act::Pay, Status::Pending | Status::Failed | Status::Abandoned) => Become(Status::Success),
        (Act::Pay, Status::Success | Status::PartiallyRefunded | Status::Refunded) => Stay,
        (Act::Fail, Status::Pending | Status::Abandoned) => Become(Status::Failed),
        (Act::Fail, Status::Failed | Status::Success | Status::PartiallyRefunded | Status::Refunded) => Stay,
        (Act::GiveUp, Status::Pending) => Become(Status::Abandoned),
        (
            Act::GiveUp,
            Status::Failed
            | Status::Abandoned
            | Status::Success
            | Status::PartiallyRefunded
            | Status::Refunded,
        ) => Stay,
        (Act::Refund { .. }, Status::Pending | Status::Failed | Status::Abandoned) => Refuse,
        (Act::Refund { so_far, of }, Status::Success | Status::PartiallyRefunded | Status::Refunded) => {
            let becomes = match so_far {
                Paise(0) => Status::Success,
                so_far if so_far > of || so_far < Paise(0) => return Refuse,
                so_far if so_far == of => Status::Refunded,
                _ => Status::PartiallyRefunded,
            };
            if becomes == status { Stay } else { Become(becomes) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_act_on_every_state() {
        let of = Paise(9900);
        let acts = [
            ("pay", Act::Pay),
            ("fail", Act::Fail),
            ("give up", Act::GiveUp),
            ("refund none", Act::Refund { so_far: Paise(0), of }),
            ("refund some", Act::Refund { so_far: Paise(100), of }),
            ("refund all", Act::Refund { so_far: of, of }),
            ("refund more", Act::Refund { so_far: Paise(9901), of }),
        ];
        let mut table = String::new();
        for (name, act) in acts {
            for status in Status::ALL {
                let becomes = match next(status, act) {
                    Next::Become(status) => status.name(),
                    Next::Stay => "·",
                    Next::Refuse => "refused",
                };
                table += &format!("{name:12} {:19} {becomes}\n", status.name());
            }
        }
        insta::assert_snapshot!(table);
    }
}
