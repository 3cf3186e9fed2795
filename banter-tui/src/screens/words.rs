//! Numbers, times and reasons as people read them.

use std::time::Duration;

use banter_core::overview::Count;
use chrono::{DateTime, TimeDelta, Utc};

/// `1234567` as `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

pub fn count(count: Count) -> String {
    match count {
        Count::Exact(number) => grouped(number),
        Count::About(number) => format!("≈ {}", grouped(number)),
        Count::MoreThan(number) => format!("more than {}", grouped(number)),
    }
}

pub fn round_trip(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1000.0;
    match ms {
        ..0.1 => "<0.1 ms".to_owned(),
        0.1..10.0 => format!("{ms:.1} ms"),
        _ => format!("{ms:.0} ms"),
    }
}

/// The two largest units that matter: `45 s`, `14 min`, `3 h 20 min`, `2 d 3 h`.
pub fn span(time: TimeDelta) -> String {
    let seconds = time.num_seconds().max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes} min"),
        3600..86_400 => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

/// The time of day, with the date when it is not `today`'s.
pub fn clock(time: DateTime<Utc>, today: DateTime<Utc>) -> String {
    let form = if time.date_naive() == today.date_naive() { "%H:%M:%S UTC" } else { "%Y-%m-%d %H:%M UTC" };
    time.format(form).to_string()
}

/// Breaks at spaces, into lines of at most `width` characters; what does not fit `most` lines is cut.
pub fn wrap(text: &str, width: usize, most: usize) -> Vec<String> {
    let width = width.max(8);
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let used = lines.last().map_or(0, |line| line.chars().count());
        if used > 0 && used + 1 + word.chars().count() > width {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    let cut = lines.len() > most;
    lines.truncate(most);
    for (i, line) in lines.iter_mut().enumerate() {
        let last_of_cut = cut && i + 1 == most;
        if line.chars().count() > width || last_of_cut {
            *line = line.chars().take(width - 1).collect();
            line.push('…');
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(count(Count::About(12_000)), "≈ 12,000");
    }

    #[test]
    fn times_are_short() {
        assert_eq!(
            [5, 840, 12_000, 183_600].map(|s| span(TimeDelta::seconds(s))),
            ["5 s", "14 min", "3 h 20 min", "2 d 3 h"]
        );
        assert_eq!(round_trip(Duration::from_micros(42)), "<0.1 ms");
        assert_eq!(round_trip(Duration::from_micros(420)), "0.4 ms");
        assert_eq!(round_trip(Duration::from_millis(1_234)), "1234 ms");
        let today = "2026-11-22T10:00:00Z".parse().unwrap();
        assert_eq!(clock("2026-11-22T09:58:01Z".parse().unwrap(), today), "09:58:01 UTC");
        assert_eq!(clock("2026-11-21T09:58:01Z".parse().unwrap(), today), "2026-11-21 09:58 UTC");
    }

    #[test]
    fn reasons_are_broken_at_spaces_and_cut() {
        assert_eq!(wrap("nothing listens at 127.0.0.1:9", 20, 2), ["nothing listens at", "127.0.0.1:9"]);
        assert_eq!(wrap("one two\nthree four five", 9, 2), ["one two", "three…"]);
        assert_eq!(wrap("abcdefghijklmnop", 10, 2), ["abcdefghi…"]);
    }
}
