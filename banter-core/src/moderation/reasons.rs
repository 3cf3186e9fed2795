//! What people are reported and sanctioned for: how grave it is, and by when somebody must have looked.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::config;

/// What is wrong, for reports, and which rule was broken, for sanctions.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema, sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = ReportReason)]
pub enum Reason {
    Harassment,
    Hate,
    Threat,
    Spam,
    Scam,
    Inappropriate,
    IntimateImagery,
    ChildSafety,
    SelfHarm,
    Fake,
    Underage,
    /// A court's or an authority's: filed by staff only.
    LegalOrder,
    Other,
}

impl Reason {
    pub const ALL: [Self; 13] = [
        Self::Harassment,
        Self::Hate,
        Self::Threat,
        Self::Spam,
        Self::Scam,
        Self::Inappropriate,
        Self::IntimateImagery,
        Self::ChildSafety,
        Self::SelfHarm,
        Self::Fake,
        Self::Underage,
        Self::LegalOrder,
        Self::Other,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Harassment => "harassment",
            Self::Hate => "hate",
            Self::Threat => "threat",
            Self::Spam => "spam",
            Self::Scam => "scam",
            Self::Inappropriate => "inappropriate",
            Self::IntimateImagery => "intimate_imagery",
            Self::ChildSafety => "child_safety",
            Self::SelfHarm => "self_harm",
            Self::Fake => "fake",
            Self::Underage => "underage",
            Self::LegalOrder => "legal_order",
            Self::Other => "other",
        }
    }

    /// 1 to 5.
    pub fn severity(self) -> i16 {
        match self {
            Self::Spam | Self::Other => 1,
            Self::Inappropriate | Self::Fake => 2,
            Self::Harassment | Self::Hate | Self::Scam => 3,
            Self::Threat | Self::Underage => 4,
            Self::IntimateImagery | Self::ChildSafety | Self::SelfHarm | Self::LegalOrder => 5,
        }
    }

    /// Counts whoever reports it: one true report in a hundred false ones is worth the look.
    pub fn counts_always(self) -> bool {
        self.severity() >= CRITICAL
    }

    /// How long until somebody must have looked, and until it must be decided.
    pub fn due(self, due: &config::Moderation) -> (TimeDelta, TimeDelta) {
        let resolve = match self {
            Self::IntimateImagery => due.resolve_intimate,
            Self::LegalOrder => due.resolve_legal,
            Self::ChildSafety | Self::SelfHarm | Self::Threat => due.resolve_urgent,
            Self::Harassment
            | Self::Hate
            | Self::Spam
            | Self::Scam
            | Self::Inappropriate
            | Self::Fake
            | Self::Underage
            | Self::Other => due.resolve,
        };
        let resolve = TimeDelta::from_std(resolve).expect("hours of a configuration");
        let acknowledge = TimeDelta::from_std(due.acknowledge).expect("hours of a configuration");
        (acknowledge.min(resolve), resolve)
    }
}

/// From this severity on moderators are called.
pub const CRITICAL: i16 = 5;

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Reason {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|reason| reason.name() == text)
            .ok_or_else(|| format!("must be one of {}", Self::ALL.map(Self::name).join(", ")))
    }
}
