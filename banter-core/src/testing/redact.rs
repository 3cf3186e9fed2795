//! Redactions for `insta` that check before they hide: a snapshot that says `[user-id]` has seen that very id.
//!
//! ```text
//! insta::assert_json_snapshot!(body, {
//!     ".user.id" => redact::id("user-id", asha.id),
//!     ".user.createdAt" => redact::time(),
//!     ".requestId" => redact::uuid(),
//! });
//! ```

use std::fmt::Display;

use insta::internals::{Content, ContentPath, Redaction};

/// `[name]`, if it is this id.
pub fn id(name: &'static str, expected: impl Display) -> Redaction {
    let expected = expected.to_string();
    checked(name, move |text| (text == expected).then_some(()).ok_or_else(|| format!("expected {expected}")))
}

/// `[time]`, if it is a time in RFC 3339, in UTC.
pub fn time() -> Redaction {
    checked("time", |text| {
        chrono::DateTime::parse_from_rfc3339(text).map_err(|error| error.to_string())?;
        text.ends_with('Z').then_some(()).ok_or_else(|| "not in UTC".into())
    })
}

/// `[uuid]`, if it is one.
pub fn uuid() -> Redaction {
    checked("uuid", |text| text.parse::<uuid::Uuid>().map(|_| ()).map_err(|error| error.to_string()))
}

/// `[token]`, if it is a JWT by its looks.
pub fn token() -> Redaction {
    checked("token", |text| {
        let whole = text.split('.').filter(|part| !part.is_empty()).count() == 3;
        whole.then_some(()).ok_or_else(|| "three parts are needed".into())
    })
}

fn checked(
    name: &'static str,
    check: impl Fn(&str) -> Result<(), String> + Send + Sync + 'static,
) -> Redaction {
    insta::dynamic_redaction(move |value: Content, path: ContentPath<'_>| {
        let text = value.as_str().unwrap_or_else(|| panic!("{path} is no text but {value:?}"));
        if let Err(why) = check(text) {
            panic!("{path} is `{text}`, not a [{name}]: {why}");
        }
        format!("[{name}]")
    })
}
