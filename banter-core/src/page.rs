//! Pages of a list: how many, from where, and where the next one starts.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Datelike as _, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub const DEFAULT_LIMIT: u16 = 20;
pub const MAX_LIMIT: u16 = 100;

/// What a list was asked for. The cursor is opaque to clients: base64url over JSON of the list's name and the last
/// item's place.
#[derive(Clone, Debug)]
pub struct PageRequest {
    pub limit: u16,
    pub cursor: Option<String>,
}

impl PageRequest {
    /// The place to go on from, or why the cursor is none of ours.
    pub fn after<P: DeserializeOwned>(&self, list: &str) -> Result<Option<P>, String> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        URL_SAFE_NO_PAD
            .decode(cursor)
            .ok()
            .and_then(|json| serde_json::from_slice::<(String, P)>(&json).ok())
            .filter(|(of, _)| of == list)
            .map(|(_, place)| Some(place))
            .ok_or_else(|| "is not a cursor of this list".into())
    }

    /// How many rows to ask the database for: one more than the page, to see whether there is a next one.
    pub fn fetch(&self) -> i64 {
        i64::from(self.limit) + 1
    }
}

/// A time in a cursor: whoever forges one may write years that PostgreSQL does not know.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(try_from = "DateTime<Utc>")]
pub struct At(pub DateTime<Utc>);

impl TryFrom<DateTime<Utc>> for At {
    type Error = &'static str;

    fn try_from(time: DateTime<Utc>) -> Result<Self, Self::Error> {
        if (1970..=9999).contains(&time.year()) { Ok(Self(time)) } else { Err("is no time of ours") }
    }
}

#[derive(Debug)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// `None` at the end.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Cuts the extra row that [`PageRequest::fetch`] asked for and makes the cursor from the last one kept.
    pub fn cut<P: Serialize>(
        mut items: Vec<T>,
        request: &PageRequest,
        list: &str,
        place: impl Fn(&T) -> P,
    ) -> Self {
        let more = items.len() > usize::from(request.limit);
        items.truncate(usize::from(request.limit));
        let next_cursor = items.last().filter(|_| more).map(|last| {
            URL_SAFE_NO_PAD.encode(serde_json::to_vec(&(list, place(last))).expect("a place is plain data"))
        });
        Self { items, next_cursor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_where_the_next_begins() {
        let request = PageRequest { limit: 2, cursor: None };
        let page = Page::cut(vec![9, 8, 7], &request, "numbers", |n| *n);
        assert_eq!(page.items, [9, 8]);
        let next = PageRequest { cursor: page.next_cursor, ..request };
        assert_eq!(next.after::<i32>("numbers").unwrap(), Some(8));
        assert!(next.after::<i32>("others").is_err());
        assert!(next.after::<String>("numbers").is_err());
        assert_eq!(Page::cut(vec![7], &request, "numbers", |n: &i32| *n).next_cursor, None);
    }

    #[test]
    fn a_foreign_cursor_is_refused() {
        for cursor in ["%%%", "bm90IGpzb24", "eyJhIjoxfQ", ""] {
            let request = PageRequest { limit: 2, cursor: Some(cursor.into()) };
            assert!(request.after::<i32>("numbers").is_err(), "{cursor}");
        }
    }
}
