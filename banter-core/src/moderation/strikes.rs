//! What somebody did before, and what that suggests to do next. A suggestion only: the moderator decides.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::reasons::Reason;
use super::sanctions::Action;

/// How long a strike counts.
pub const COUNTS: TimeDelta = TimeDelta::days(180);

/// What is suggested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Recommendation {
    pub action: Action,
    /// For a suspension.
    pub days: Option<u16>,
}

/// How much each act counts against somebody.
pub fn weight(action: Action) -> i16 {
    match action {
        Action::Warn
        | Action::RemoveMessage
        | Action::RemoveAvatar
        | Action::RemoveCover
        | Action::CloseRoom => 1,
        Action::Mute => 2,
        Action::Suspend => 3,
        // Nothing comes after.
        Action::Ban | Action::FreezeWallet => 0,
    }
}

/// A grave matter starts higher on the ladder, and so does whoever has climbed it before.
pub fn recommend(reason: Reason, strikes: i64) -> Recommendation {
    let suspend = |days| Recommendation { action: Action::Suspend, days: Some(days) };
    let start = match (reason, reason.severity()) {
        // Urgent, and no fault of theirs, or none that is known.
        (Reason::SelfHarm | Reason::LegalOrder, _) | (_, ..=2) => 0,
        (_, 3) => 1,
        (_, 4) => 4,
        (_, 5..) => 12,
    };
    match strikes + start {
        ..=0 => Recommendation { action: Action::Warn, days: None },
        1 | 2 => suspend(1),
        3..=5 => suspend(3),
        6..=8 => suspend(7),
        9..=11 => suspend(30),
        12.. => Recommendation { action: Action::Ban, days: None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ladder() {
        let step = |reason, strikes| {
            let Recommendation { action, days } = recommend(reason, strikes);
            days.map_or(format!("{action:?}"), |days| format!("{action:?} {days}"))
        };
        for (reason, steps) in [
            (Reason::Spam, ["Warn", "Suspend 1", "Suspend 3", "Suspend 7", "Suspend 30", "Ban"]),
            (Reason::SelfHarm, ["Warn", "Suspend 1", "Suspend 3", "Suspend 7", "Suspend 30", "Ban"]),
            (Reason::Hate, ["Suspend 1", "Suspend 1", "Suspend 3", "Suspend 7", "Suspend 30", "Ban"]),
            (Reason::Threat, ["Suspend 3", "Suspend 3", "Suspend 7", "Suspend 30", "Ban", "Ban"]),
            (Reason::ChildSafety, ["Ban", "Ban", "Ban", "Ban", "Ban", "Ban"]),
        ] {
            assert_eq!([0, 1, 3, 6, 9, 12].map(|strikes| step(reason, strikes)), steps, "{reason}");
        }
    }

    /// More strikes never suggest less.
    #[test]
    fn it_only_climbs() {
        let rank = |r: Recommendation| match r.action {
            Action::Warn => 0,
            Action::Suspend => i32::from(r.days.unwrap()),
            _ => 1000,
        };
        for reason in Reason::ALL {
            for strikes in 0..20 {
                let here = rank(recommend(reason, strikes));
                assert!(here <= rank(recommend(reason, strikes + 1)), "{reason} {strikes}");
            }
        }
    }
}
