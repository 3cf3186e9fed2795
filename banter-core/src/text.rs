//! Text from people: what any of it may hold, and the names that are more than text.

use std::fmt;

/// Cuts surrounding white space and checks length in characters. PostgreSQL's `text` cannot hold NUL, and
/// other control characters have no use in a name or a message but to garble a screen.
pub fn clean(text: &str, length: std::ops::RangeInclusive<usize>) -> Result<String, String> {
    let text = text.trim();
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t' | '\r') || turns(c)) {
        return Err("must not contain control characters".into());
    }
    // Joiners at an end belong to Indic words and to emoji; where nothing else is there, nothing is there.
    let blank = text.chars().all(|c| c.is_whitespace() || invisible(c));
    let count = if blank { 0 } else { text.chars().count() };
    if length.contains(&count) {
        Ok(if blank { String::new() } else { text.to_owned() })
    } else if *length.start() <= 1 && count > *length.end() {
        Err(format!("must be at most {} characters", length.end()))
    } else if count == 0 {
        Err("must not be empty".into())
    } else {
        Err(format!("must be {} to {} characters", length.start(), length.end()))
    }
}

/// Zero width, and no letter.
fn invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{205f}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Turns the direction of what follows: a name that does can look like another's.
fn turns(c: char) -> bool {
    matches!(c, '\u{202d}' | '\u{202e}')
}

/// A phone number in E.164 form. Private: only its owner and staff see it, and `Debug` hides it from logs.
#[derive(Clone, PartialEq, Eq, sqlx::Type)]
#[sqlx(transparent)]
pub struct PhoneNumber(String);

impl PhoneNumber {
    /// `+` and 7 to 15 digits, the first not zero (ITU-T E.164).
    pub fn parse(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix('+').unwrap_or_default();
        let whole = (7..=15).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0');
        if whole {
            Ok(Self(text.to_owned()))
        } else {
            Err("must be a phone number in E.164 form, such as +919876543210".into())
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Enough to tell whose it is when one knows, too little to call: `+9198••••••01`.
    pub fn masked(&self) -> String {
        let last = self.0.len().saturating_sub(2);
        self.0.char_indices().map(|(i, c)| if (5..last).contains(&i) { '•' } else { c }).collect()
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhoneNumber(…)")
    }
}

/// The name a person is found by: 3 to 20 of `[A-Za-z0-9_]`, one person whatever the case.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(transparent)]
pub struct Username(String);

/// Names that would let a stranger speak for the house.
const RESERVED: [&str; 14] = [
    "admin",
    "administrator",
    "banter",
    "banter_team",
    "help",
    "moderator",
    "mod",
    "null",
    "official",
    "root",
    "staff",
    "support",
    "system",
    "undefined",
];

impl Username {
    pub fn parse(text: &str) -> Result<Self, String> {
        if !(3..=20).contains(&text.len()) || !text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return Err("must be 3 to 20 letters, digits or underscores".into());
        }
        if RESERVED.contains(&text.to_ascii_lowercase().as_str()) {
            return Err("is reserved".into());
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// For HTML, in text and in quoted attributes.
pub fn escape_html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phone_numbers_are_e164_and_hide_from_debug() {
        for good in ["+919876543210", "+14155550100", "+1234567"] {
            assert_eq!(PhoneNumber::parse(good).unwrap().as_str(), good);
        }
        for bad in
            ["", "+", "919876543210", "+0123456789", "+91 98765 43210", "+91987654321012345", "+९१९८७६५४३२१०"]
        {
            assert!(PhoneNumber::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(format!("{:?}", PhoneNumber::parse("+919876543210").unwrap()), "PhoneNumber(…)");
    }

    #[test]
    fn usernames_are_plain_and_not_the_house_s() {
        for good in ["asha", "Ravi_99", "a_b", "x".repeat(20).as_str()] {
            assert!(Username::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "ab", "with space", "आशा", "a-b", "x".repeat(21).as_str(), "Support", "a\0b"] {
            assert!(Username::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn text_is_trimmed_counted_in_characters_and_free_of_controls() {
        assert_eq!(clean("  नमस्ते \n", 1..=6).unwrap(), "नमस्ते");
        assert_eq!(clean("\n\t ", 1..=10).unwrap_err(), "must not be empty");
        assert_eq!(clean("a", 2..=50).unwrap_err(), "must be 2 to 50 characters");
        assert_eq!(clean("abc", 1..=2).unwrap_err(), "must be at most 2 characters");
        assert_eq!(clean("\u{200b}\u{2060} \u{feff}", 2..=50).unwrap_err(), "must not be empty");
        assert!(clean("\u{202e}evil", 2..=50).is_err());
        assert_eq!(clean("അവന്\u{200d}", 2..=50).unwrap(), "അവന്\u{200d}");
        for control in ["a\0b", "a\u{1b}[31mb", "a\u{7f}b"] {
            assert!(clean(control, 1..=10).is_err());
        }
    }
}
