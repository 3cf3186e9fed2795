//! Where somebody is, to about a kilometre. Told to nobody but its owner; what others get of it is made by discovery.

use chrono::{DateTime, Utc};

use super::{Accounts, Caller, Error};
use crate::error::{Problems, violates};

/// As it is stored: hundredths of a degree.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Location {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    pub updated_at: DateTime<Utc>,
}

impl Accounts<'_> {
    /// Remembers where the caller is, rounded. The answer is what was stored.
    pub async fn put_location(
        &self,
        caller: &Caller,
        latitude: f64,
        longitude: f64,
    ) -> Result<Location, Error> {
        let mut problems = Problems::default();
        let latitude = problems.take("latitude", hundredths(latitude, 90.0));
        let longitude = problems.take("longitude", hundredths(longitude, 180.0));
        problems.none()?;
        let (latitude, longitude) = (latitude.expect("no problem"), longitude.expect("no problem"));
        let updated_at = self.0.clock().now();
        sqlx::query!(
            r#"
            insert into user_locations (user_id, latitude_centi, longitude_centi, updated_at)
            values ($1, $2, $3, $4)
            on conflict (user_id) do update
            set latitude_centi = excluded.latitude_centi,
                longitude_centi = excluded.longitude_centi,
                updated_at = excluded.updated_at
            "#,
            caller.user_id.0,
            latitude,
            longitude,
            updated_at,
        )
        .execute(self.0.pool())
        .await
        .map_err(|error| match () {
            () if violates(&error, "user_locations_user_id_fkey") => Error::UserNotFound,
            () => error.into(),
        })?;
        Ok(Location {
            latitude: f64::from(latitude) / 100.0,
            longitude: f64::from(longitude) / 100.0,
            updated_at,
        })
    }

    /// Forgets where the caller is; also when nothing was known.
    pub async fn delete_location(&self, caller: &Caller) -> Result<(), Error> {
        sqlx::query!("delete from user_locations where user_id = $1", caller.user_id.0)
            .execute(self.0.pool())
            .await?;
        Ok(())
    }
}

fn hundredths(degrees: f64, most: f64) -> Result<i16, String> {
    // Not a number is within nothing.
    if !(-most..=most).contains(&degrees) {
        return Err(format!("must be -{most} to {most}"));
    }
    #[expect(clippy::cast_possible_truncation, reason = "180 degrees are 18,000 hundredths")]
    Ok((degrees * 100.0).round() as i16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_rounded_to_hundredths_and_must_be_on_earth() {
        for (degrees, stored) in
            [(19.075_983_7, 1908), (-33.868_8, -3387), (90.0, 9000), (-90.0, -9000), (0.004_9, 0), (-0.0, 0)]
        {
            assert_eq!(hundredths(degrees, 90.0), Ok(stored), "{degrees}");
        }
        for degrees in [90.000_001, -91.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
            assert!(hundredths(degrees, 90.0).is_err(), "{degrees}");
        }
        assert_eq!(hundredths(-180.0, 180.0), Ok(-18_000));
    }
}
