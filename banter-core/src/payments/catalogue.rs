//! What is for sale. Prices hold the tax.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::money::Paise;

/// Coins to buy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = PackageType)]
pub enum Package {
    Basic,
    Standard,
    Premium,
    Ultimate,
}

impl Package {
    pub const ALL: [Self; 4] = [Self::Basic, Self::Standard, Self::Premium, Self::Ultimate];

    pub fn name(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Standard => "standard",
            Self::Premium => "premium",
            Self::Ultimate => "ultimate",
        }
    }

    pub fn coins(self) -> i32 {
        match self {
            Self::Basic => 100,
            Self::Standard => 250,
            Self::Premium => 600,
            Self::Ultimate => 1500,
        }
    }

    pub fn price(self) -> Paise {
        match self {
            Self::Basic => Paise::rupees(49),
            Self::Standard => Paise::rupees(99),
            Self::Premium => Paise::rupees(249),
            Self::Ultimate => Paise::rupees(499),
        }
    }
}

/// Premium, paid ahead for a period at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Plan {
    Monthly,
    Yearly,
}

impl Plan {
    pub const ALL: [Self; 2] = [Self::Monthly, Self::Yearly];

    pub fn name(self) -> &'static str {
        match self {
            Self::Monthly => "monthly",
            Self::Yearly => "yearly",
        }
    }

    /// For each period.
    pub fn price(self) -> Paise {
        match self {
            Self::Monthly => Paise::rupees(99),
            Self::Yearly => Paise::rupees(999),
        }
    }

    /// How often it is charged before it is over: Razorpay wants an end, and takes ten years.
    pub fn periods(self) -> u32 {
        match self {
            Self::Monthly => 120,
            Self::Yearly => 10,
        }
    }
}
