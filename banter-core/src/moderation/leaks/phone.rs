//! Telephone numbers: in digits of any script, spelled out, spaced out, with letters that look like digits.

use super::{Kind, Token};

const DIGITS: [(&str, u8); 61] = [
    ("zero", 0),
    ("jero", 0),
    ("shunya", 0),
    ("shoonya", 0),
    ("sunya", 0),
    ("शून्य", 0),
    ("ज़ीरो", 0),
    ("जीरो", 0),
    ("one", 1),
    ("ek", 1),
    ("एक", 1),
    ("वन", 1),
    ("two", 2),
    ("do", 2),
    ("दो", 2),
    ("टू", 2),
    ("three", 3),
    ("teen", 3),
    ("tin", 3),
    ("तीन", 3),
    ("थ्री", 3),
    ("four", 4),
    ("char", 4),
    ("chaar", 4),
    ("चार", 4),
    ("फोर", 4),
    ("five", 5),
    ("paanch", 5),
    ("panch", 5),
    ("paach", 5),
    ("पाँच", 5),
    ("पांच", 5),
    ("फाइव", 5),
    ("six", 6),
    ("chhe", 6),
    ("che", 6),
    ("chhah", 6),
    ("chah", 6),
    ("chheh", 6),
    ("cheh", 6),
    ("छह", 6),
    ("छः", 6),
    ("छे", 6),
    ("सिक्स", 6),
    ("seven", 7),
    ("saat", 7),
    ("sat", 7),
    ("सात", 7),
    ("सेवन", 7),
    ("eight", 8),
    ("aath", 8),
    ("ath", 8),
    ("आठ", 8),
    ("एट", 8),
    ("nine", 9),
    ("nau", 9),
    ("naw", 9),
    ("नौ", 9),
    ("नाइन", 9),
    ("oh", 0),
    ("nil", 0),
];
/// Words that sound like digits, or stand between parts of a number: they count only where the rest is one.
const SOUNDS: [(&str, u8); 9] = [
    ("o", 0),
    ("won", 1),
    ("to", 2),
    ("too", 2),
    ("tree", 3),
    ("for", 4),
    ("fore", 4),
    ("ate", 8),
    ("nain", 9),
];
const BETWEEN: [&str; 12] =
    ["and", "then", "first", "last", "aur", "phir", "fir", "baad", "ke", "फिर", "और", "next"];

fn digit(word: &str) -> Option<u8> {
    DIGITS.iter().find(|(name, _)| *name == word).map(|(_, digit)| *digit)
}

/// A part of what may be a number.
enum Part {
    Digits(Vec<u8>),
    Times(usize),
    Between,
    Plus,
    End,
}

fn part(token: &Token, loose: bool) -> Part {
    match token.kind {
        Kind::Number => Part::Digits(token.text.bytes().map(|b| b - b'0').collect()),
        Kind::Sign if token.is("+") => Part::Plus,
        Kind::Sign if ".-_*/,()[]{}:|~=".contains(&token.text) => Part::Between,
        Kind::Sign => Part::End,
        Kind::Word => match token.text.as_str() {
            "double" | "dubal" | "डबल" => Part::Times(2),
            "triple" | "tripal" | "ट्रिपल" => Part::Times(3),
            word => match digits_in(word) {
                Some(digits) => Part::Digits(digits),
                None if loose => match SOUNDS.iter().find(|(name, _)| *name == word) {
                    Some((_, digit)) => Part::Digits(vec![*digit]),
                    None if BETWEEN.contains(&word) => Part::Between,
                    None => Part::End,
                },
                None => Part::End,
            },
        },
    }
}

/// The digits that a word is made of: `nineeight`.
fn digits_in(word: &str) -> Option<Vec<u8>> {
    if let Some(digit) = digit(word) {
        return Some(vec![digit]);
    }
    let mut rest = word;
    let mut digits = Vec::new();
    while !rest.is_empty() {
        let (name, digit) = DIGITS
            .iter()
            .filter(|(name, _)| name.len() >= 3 && rest.starts_with(name))
            .max_by_key(|(name, _)| name.len())?;
        digits.push(*digit);
        rest = &rest[name.len()..];
    }
    (digits.len() > 1).then_some(digits)
}

pub(super) fn is_in(tokens: &[Token]) -> bool {
    numbered(tokens, false) || numbered(tokens, true) || numbered(&look_alikes(tokens), false)
}

/// Letters that look like digits, within what is a number otherwise: `98765O321O`.
fn look_alikes(tokens: &[Token]) -> Vec<Token> {
    let mut all: Vec<Token> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let mut end = at + 1;
        while end < tokens.len() && !tokens[end].apart && tokens[end].kind != Kind::Sign {
            end += 1;
        }
        let whole: String = tokens[at..end].iter().map(|token| token.text.as_str()).collect();
        let digits = whole.bytes().filter(u8::is_ascii_digit).count();
        let plain: Option<String> = whole
            .chars()
            .map(|c| match c {
                '0'..='9' => Some(c),
                'o' => Some('0'),
                'i' | 'l' => Some('1'),
                's' => Some('5'),
                'b' => Some('8'),
                _ => None,
            })
            .collect();
        match plain.filter(|_| tokens[at].kind != Kind::Sign && digits >= 3) {
            Some(text) => all.push(Token { text, kind: Kind::Number, apart: tokens[at].apart }),
            None => all.extend_from_slice(&tokens[at..end]),
        }
        at = end;
    }
    all
}

fn numbered(tokens: &[Token], loose: bool) -> bool {
    // Runs of parts, each with its digits and whether a plus stands before it.
    let mut run: Vec<(Vec<u8>, bool)> = Vec::new();
    let (mut times, mut plus) = (1, false);
    for token in tokens {
        match part(token, loose) {
            Part::Digits(digits) => {
                run.push((digits.iter().flat_map(|digit| vec![*digit; times]).collect(), plus));
                (times, plus) = (1, false);
            }
            Part::Times(many) => times = many,
            Part::Between => {}
            Part::Plus => plus = true,
            Part::End => {
                if is_number_in(&run, loose) {
                    return true;
                }
                run.clear();
                (times, plus) = (1, false);
            }
        }
    }
    is_number_in(&run, loose)
}

/// Longest a number may be, with the code of a country.
const LONGEST: usize = 15;

fn is_number_in(run: &[(Vec<u8>, bool)], loose: bool) -> bool {
    (0..run.len()).any(|from| {
        let mut digits: Vec<u8> = Vec::new();
        for (upto, (more, _)) in run.iter().enumerate().skip(from) {
            digits.extend(more);
            if digits.len() > LONGEST {
                return false;
            }
            // Of a longer row of single digits a part is no number, but for the first.
            let cut = upto + 1 < run.len() && run[upto + 1].0.len() == 1 && run[upto].0.len() == 1;
            if !cut && is_number(&digits, run[from].1, loose) {
                return true;
            }
        }
        false
    })
}

fn is_number(digits: &[u8], plus: bool, loose: bool) -> bool {
    let mobile = |digits: &[u8]| digits.len() == 10 && (6..=9).contains(&digits[0]);
    if loose {
        return mobile(digits);
    }
    match digits {
        _ if plus => (10..=LONGEST).contains(&digits.len()),
        [0, 0, 9, 1, rest @ ..] | [9, 1, rest @ ..] if mobile(rest) => true,
        [0, rest @ ..] if rest.len() == 10 && rest[0] > 0 => true,
        _ => mobile(digits),
    }
}
