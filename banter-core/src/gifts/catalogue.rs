//! What can be given, and for how many coins.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Something to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Gift {
    Rose,
    Chai,
    Ladoo,
    Diya,
    Kite,
    Dhol,
    Peacock,
    Palace,
}

impl Gift {
    /// Cheapest first.
    pub const ALL: [Self; 8] = [
        Self::Rose,
        Self::Chai,
        Self::Ladoo,
        Self::Diya,
        Self::Kite,
        Self::Dhol,
        Self::Peacock,
        Self::Palace,
    ];

    /// As it is stored; `None`: a newer version's.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|gift| gift.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Rose => "rose",
            Self::Chai => "chai",
            Self::Ladoo => "ladoo",
            Self::Diya => "diya",
            Self::Kite => "kite",
            Self::Dhol => "dhol",
            Self::Peacock => "peacock",
            Self::Palace => "palace",
        }
    }

    pub fn coins(self) -> i32 {
        match self {
            Self::Rose => 10,
            Self::Chai => 20,
            Self::Ladoo => 50,
            Self::Diya => 100,
            Self::Kite => 200,
            Self::Dhol => 500,
            Self::Peacock => 1000,
            Self::Palace => 2000,
        }
    }

    /// As it stands within an English sentence.
    pub fn english(self) -> &'static str {
        self.name()
    }

    pub fn hindi(self) -> &'static str {
        match self {
            Self::Rose => "गुलाब",
            Self::Chai => "चाय",
            Self::Ladoo => "लड्डू",
            Self::Diya => "दीया",
            Self::Kite => "पतंग",
            Self::Dhol => "ढोल",
            Self::Peacock => "मोर",
            Self::Palace => "महल",
        }
    }
}
