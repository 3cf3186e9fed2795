//! Rupees, as paise end to end; they become rupees only where people read them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An amount in paise, a hundredth of a rupee.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    sqlx::Type,
)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct Paise(pub i64);

impl Paise {
    pub const fn rupees(rupees: i64) -> Self {
        Self(rupees * 100)
    }

    /// The part of a price that is a tax of so many hundredths of a percent, which the price holds; rounded to the paisa,
    /// halves up.
    pub fn tax_within(self, rate: i32) -> Self {
        let (price, rate) = (i128::from(self.0), i128::from(rate));
        let whole = 10_000 + rate;
        let tax = (2 * price * rate + whole) / (2 * whole);
        Self(i64::try_from(tax).expect("a part is smaller than the whole"))
    }
}

impl std::ops::Sub for Paise {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl std::ops::Add for Paise {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl std::iter::Sum for Paise {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        Self(all.map(|paise| paise.0).sum())
    }
}

impl fmt::Display for Paise {
    /// `₹12,34,567.00`: grouped as India reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rupees, paise) = (self.0.unsigned_abs() / 100, self.0.unsigned_abs() % 100);
        let digits = rupees.to_string();
        let (head, tail) = digits.split_at(digits.len().saturating_sub(3));
        let mut grouped = String::new();
        for (at, digit) in head.chars().enumerate() {
            if at > 0 && (head.len() - at) % 2 == 0 {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        let comma = if head.is_empty() { "" } else { "," };
        let minus = if self.0 < 0 { "-" } else { "" };
        f.pad(&format!("{minus}₹{grouped}{comma}{tail}.{paise:02}"))
    }
}

impl FromStr for Paise {
    type Err = &'static str;

    /// Rupees: `49`, `49.5`, `₹1,299.00`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WANTED: &str = "an amount in rupees is wanted, such as 49 or 49.50";
        let text = text.trim().trim_start_matches('₹').replace(',', "");
        let (rupees, paise) = text.split_once('.').unwrap_or((&text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(rupees) || !digits(paise) || rupees.len() > 12 || paise.len() > 2 {
            return Err(WANTED);
        }
        let rupees: i64 = rupees.parse().map_err(|_| WANTED)?;
        let paise: i64 = format!("{paise:0<2}").parse().map_err(|_| WANTED)?;
        Ok(Self(rupees * 100 + paise))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rupees_are_grouped_as_india_reads_them() {
        for (paise, shown) in [
            (0, "₹0.00"),
            (5, "₹0.05"),
            (4900, "₹49.00"),
            (99_900, "₹999.00"),
            (129_950, "₹1,299.50"),
            (12_345_600, "₹1,23,456.00"),
            (12_345_678_900, "₹12,34,56,789.00"),
            (-4900, "-₹49.00"),
        ] {
            assert_eq!(Paise(paise).to_string(), shown);
        }
    }

    #[test]
    fn what_people_type_is_read() {
        for (text, paise) in [("49", 4900), ("49.5", 4950), ("₹1,299.00", 129_900), (" 0.01 ", 1)] {
            assert_eq!(text.parse(), Ok(Paise(paise)), "{text}");
        }
        for text in ["", "-1", "1.234", "x", "1e3", "1.", ".5", "9999999999999"] {
            assert!(text.parse::<Paise>().is_err(), "{text}");
        }
    }

    #[test]
    fn tax_is_a_part_of_the_price() {
        for (price, rate, tax) in
            [(11_800, 1800, 1800), (4900, 1800, 747), (9900, 1800, 1510), (4900, 0, 0), (1, 1800, 0)]
        {
            assert_eq!(Paise(price).tax_within(rate), Paise(tax), "{price} at {rate}");
        }
    }
}
