//! Ways to reach somebody outside, in what people write: telephone numbers, UPI ids, links, names on other networks. Also
//! where they are spelled out, spaced out, or written in Hindi and Hinglish. What is written is folded to one plain form,
//! cut into tokens, and each kind is looked for in one walk over them: the cost is linear in the text.

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;
use utoipa::ToSchema;

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Leak {
    Phone,
    Upi,
    Link,
    Handle,
}

impl Leak {
    pub const ALL: [Self; 4] = [Self::Phone, Self::Upi, Self::Link, Self::Handle];

    pub fn name(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Upi => "upi",
            Self::Link => "link",
            Self::Handle => "handle",
        }
    }
}

/// The first kind that the text holds, in the order UPI, link, phone, handle: a number before a bank's name is a UPI id.
pub fn find(text: &str) -> Option<Leak> {
    let tokens = squeeze(tokens(&fold(text)));
    if upi(&tokens) {
        Some(Leak::Upi)
    } else if link(&tokens) {
        Some(Leak::Link)
    } else if phone(&tokens) {
        Some(Leak::Phone)
    } else if handle(&tokens) {
        Some(Leak::Handle)
    } else {
        None
    }
}

/// Compatibility forms, digits of India, and look-alikes of punctuation become plain; what cannot be seen goes.
pub(super) fn fold(text: &str) -> String {
    text.nfkc()
        .flat_map(char::to_lowercase)
        .filter_map(|c| {
            Some(match c {
                '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{2064}'
                | '\u{feff}'
                | '\u{ad}'
                | '\u{fe0e}'
                | '\u{fe0f}'
                | '\u{20e3}' => {
                    return None;
                }
                '०'..='९' => char::from(b'0' + (u32::from(c) - u32::from('०')) as u8),
                '۰'..='۹' => char::from(b'0' + (u32::from(c) - u32::from('۰')) as u8),
                '。' | '·' | '•' | '∙' => '.',
                '／' | '⁄' => '/',
                _ => c,
            })
        })
        .collect()
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Token {
    text: String,
    kind: Kind,
    /// White space stands before it.
    apart: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Word,
    Number,
    Sign,
}

impl Token {
    fn is(&self, text: &str) -> bool {
        self.text == text
    }
}

fn kind_of(c: char) -> Kind {
    if c.is_ascii_digit() {
        Kind::Number
    } else if c.is_alphanumeric() || is_mark(c) {
        Kind::Word
    } else {
        Kind::Sign
    }
}

/// Vowel signs and the like, which stand within words of Indian scripts.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{900}'..='\u{903}' | '\u{93a}'..='\u{94f}' | '\u{951}'..='\u{957}' | '\u{962}'..='\u{963}')
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut apart = true;
    for c in text.chars() {
        if c.is_whitespace() {
            apart = true;
            continue;
        }
        let kind = kind_of(c);
        match tokens.last_mut() {
            Some(last) if !apart && kind != Kind::Sign && last.kind == kind => last.text.push(c),
            _ => tokens.push(Token { text: c.to_string(), kind, apart }),
        }
        apart = false;
    }
    tokens
}

/// `i n s t a` is `insta`: three letters and more that stand alone are one word.
fn squeeze(tokens: Vec<Token>) -> Vec<Token> {
    let is_letter =
        |token: &Token| token.kind == Kind::Word && token.text.chars().count() == 1 && token.apart;
    let mut squeezed: Vec<Token> = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        let run = tokens[at..].iter().take_while(|token| is_letter(token)).count();
        if run >= 3 {
            let text = tokens[at..at + run].iter().map(|token| token.text.as_str()).collect();
            squeezed.push(Token { text, kind: Kind::Word, apart: true });
            at += run;
        } else {
            squeezed.push(tokens[at].clone());
            at += 1;
        }
    }
    squeezed
}

// --- telephone numbers

const DIGITS: [(&str, u8); 62] = [
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
    ("nine9", 9),
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

fn phone(tokens: &[Token]) -> bool {
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

// --- UPI ids

const BANKS: [&str; 40] = [
    "okaxis",
    "okhdfcbank",
    "oksbi",
    "okicici",
    "ybl",
    "ibl",
    "axl",
    "paytm",
    "ptyes",
    "ptaxis",
    "pthdfc",
    "ptsbi",
    "upi",
    "apl",
    "yapl",
    "rapl",
    "sbi",
    "hdfcbank",
    "hdfc",
    "icici",
    "kotak",
    "freecharge",
    "jupiteraxis",
    "fam",
    "waicici",
    "waaxis",
    "wahdfcbank",
    "wasbi",
    "axisb",
    "axisbank",
    "idfcbank",
    "idfcfirst",
    "postbank",
    "airtel",
    "slice",
    "cnrb",
    "barodampay",
    "pnb",
    "indus",
    "federal",
];
/// Those that are no words of another meaning: an `at` before them is enough.
const PLAIN_BANKS: [&str; 11] =
    ["okaxis", "okhdfcbank", "oksbi", "okicici", "ybl", "ibl", "axl", "paytm", "apl", "ptyes", "upi"];

fn upi(tokens: &[Token]) -> bool {
    (1..tokens.len()).any(|at| {
        let Some((sign, after)) = at_sign(tokens, at) else { return false };
        let Some(next) = tokens.get(after).filter(|token| token.kind == Kind::Word) else { return false };
        let two = tokens.get(after + 1).map(|second| format!("{}{}", next.text, second.text));
        let is = |banks: &[&str]| {
            let follows = tokens.get(after + 1).is_some_and(|token| token.is(".") && !token.apart);
            (banks.contains(&next.text.as_str()) && !follows)
                || two.as_ref().is_some_and(|two| next.is("ok") && banks.contains(&two.as_str()))
        };
        tokens[at - 1].kind != Kind::Sign && if sign { is(&BANKS) } else { is(&PLAIN_BANKS) }
    })
}

/// An `@` at this place, also in words; whether it is the sign itself, and the place after it.
fn at_sign(tokens: &[Token], at: usize) -> Option<(bool, usize)> {
    let is = |place: usize, text: &str| tokens.get(place).is_some_and(|token| token.is(text));
    let opened = usize::from(is(at, "(") || is(at, "[") || is(at, "{"));
    let start = at + opened;
    if is(start, "@") {
        return Some((true, start + 1 + opened));
    }
    if !(is(start, "at") || is(start, "एट")) {
        return None;
    }
    let mut after = start + 1;
    if is(after, "the") && is(after + 1, "rate") {
        after += 2;
    } else if is(after, "rate") {
        after += 1;
    }
    Some((opened == 1, after + opened))
}

// --- links

/// Names of the top level that are taken for one without a path.
const TOPS: [&str; 32] = [
    "com",
    "c0m",
    "in",
    "net",
    "org",
    "xyz",
    "online",
    "site",
    "app",
    "info",
    "club",
    "live",
    "shop",
    "io",
    "biz",
    "store",
    "vip",
    "top",
    "link",
    "fun",
    "icu",
    "dev",
    "ai",
    "co",
    "gg",
    "me",
    "tv",
    "cc",
    "ru",
    "uk",
    "pk",
    "कॉम",
];
/// The same where blanks stand around the dot, or a word is written for it.
const SPELLED_TOPS: [&str; 13] =
    ["com", "c0m", "in", "net", "org", "xyz", "online", "site", "app", "gg", "me", "co", "कॉम"];
/// What looks like a name of the network and is another thing.
const NO_NAMES: [&str; 6] = ["asp.net", "socket.io", "m.com", "b.com", "vb.net", "ml.net"];
const NO_LABELS: [&str; 14] =
    ["the", "a", "an", "this", "that", "is", "was", "one", "in", "on", "at", "polka", "ek", "red"];
const MAILS: [&str; 6] = ["gmail", "yahoo", "outlook", "hotmail", "rediffmail", "icloud"];

fn link(tokens: &[Token]) -> bool {
    (0..tokens.len())
        .any(|at| scheme(tokens, at) || name(tokens, at) || mail(tokens, at) || address(tokens, at))
}

fn scheme(tokens: &[Token], at: usize) -> bool {
    let token = &tokens[at];
    if token.is("www") {
        return tokens.get(at + 1).is_some_and(|next| next.is(".") || next.is("dot") || next.is("("));
    }
    let schemes = ["http", "https", "hxxp", "hxxps"];
    let signs: String = tokens[at + 1..].iter().take(5).map(|token| token.text.as_str()).collect();
    schemes.contains(&token.text.as_str())
        && signs.chars().filter(|c| !"[]()".contains(*c)).collect::<String>().starts_with("://")
}

/// A dot at this place, also in words; whether it stands alone between blanks or in brackets, and the place after it.
fn dot(tokens: &[Token], at: usize) -> Option<(bool, usize)> {
    let is = |place: usize, text: &str| tokens.get(place).is_some_and(|token| token.is(text));
    let opened = usize::from(is(at, "(") || is(at, "[") || is(at, "{"));
    let start = at + opened;
    let word = is(start, "dot") || is(start, "डॉट");
    if !(is(start, ".") || word) {
        return None;
    }
    let after = start + 1 + opened;
    let apart =
        word || opened == 1 || tokens[start].apart || tokens.get(after).is_some_and(|token| token.apart);
    Some((apart, after))
}

fn name(tokens: &[Token], at: usize) -> bool {
    if at == 0 {
        return false;
    }
    let label = &tokens[at - 1];
    if label.kind == Kind::Sign || label.kind == Kind::Number && label.apart {
        return false;
    }
    let Some((apart, after)) = dot(tokens, at) else { return false };
    let Some(top) = tokens.get(after).filter(|token| token.kind == Kind::Word) else { return false };
    // `c0m` is three tokens.
    let top: String = if top.is("c") {
        tokens[after..].iter().take(3).map(|token| token.text.as_str()).collect()
    } else {
        top.text.clone()
    };
    let end = after + if top == "c0m" { 3 } else { 1 };
    let path = path_follows(tokens, end, apart);
    let ends = tokens.get(end).is_none_or(|token| token.apart || token.kind == Kind::Sign);
    if !ends || top.chars().count() < 2 {
        return false;
    }
    if path {
        return !apart || SPELLED_TOPS.contains(&top.as_str());
    }
    let tops: &[&str] = if apart { &SPELLED_TOPS } else { &TOPS };
    let whole = format!("{}.{top}", label.text);
    let common =
        ["in", "me", "co", "gg", "live", "top", "link", "fun", "app", "site", "ai"].contains(&top.as_str());
    // A sentence may end and begin with such a word.
    let unlikely = common && (apart && top != "app" || label.text.chars().count() < 4);
    tops.contains(&top.as_str())
        && !unlikely
        && !NO_NAMES.contains(&whole.as_str())
        && !(apart && NO_LABELS.contains(&label.text.as_str()))
}

fn path_follows(tokens: &[Token], end: usize, apart: bool) -> bool {
    let is_slash =
        tokens.get(end).is_some_and(|token| token.is("/") && (apart || !token.apart) || token.is("slash"));
    is_slash
        && tokens
            .get(end + 1)
            .is_some_and(|next| next.kind != Kind::Sign && (apart || !next.apart || tokens[end].is("slash")))
}

/// `asha at gmail com`.
fn mail(tokens: &[Token], at: usize) -> bool {
    at > 0
        && at_sign(tokens, at).is_some_and(|(sign, after)| {
            let is_house = tokens.get(after).is_some_and(|token| MAILS.contains(&token.text.as_str()));
            let next = tokens.get(after + 1).map(|token| token.text.as_str());
            let named = dot(tokens, after + 1).is_some() || next == Some("com");
            is_house && (sign || named)
        })
}

/// Four numbers of a network.
fn address(tokens: &[Token], at: usize) -> bool {
    let Some(seven) = tokens.get(at..at + 7) else { return false };
    let goes_on = tokens.get(at + 7).is_some_and(|token| token.is(".") && !token.apart);
    if goes_on || at > 0 && tokens[at - 1].is(".") && !tokens[at].apart {
        return false;
    }
    let is_octet = |token: &Token| token.kind == Kind::Number && token.text.parse::<u8>().is_ok();
    seven.iter().step_by(2).all(is_octet)
        && seven.iter().skip(1).step_by(2).all(|token| token.is("."))
        && seven[1..].iter().all(|token| !token.apart)
}

// --- names on other networks

const NETWORKS: [&str; 33] = [
    "insta",
    "instagram",
    "ig",
    "snap",
    "snapchat",
    "sc",
    "telegram",
    "tg",
    "tele",
    "discord",
    "fb",
    "facebook",
    "twitter",
    "skype",
    "line",
    "wechat",
    "kik",
    "viber",
    "gram",
    "signal",
    "threads",
    "1nsta",
    "in$ta",
    "inst@",
    "!nsta",
    "इंस्टा",
    "इंस्टाग्राम",
    "टेलीग्राम",
    "स्नैपचैट",
    "स्नैप",
    "फेसबुक",
    "डिस्कॉर्ड",
    "x",
];
/// How many tokens may stand between the network and the name.
const NEAR: usize = 6;

fn handle(tokens: &[Token]) -> bool {
    let words = words(tokens);
    let is_network = |word: &str| NETWORKS.contains(&word.trim_end_matches([':', '-', ',']));
    words.iter().enumerate().any(|(at, word)| {
        if !is_handle(word) || is_network(word) {
            return false;
        }
        let near = &words[at.saturating_sub(NEAR)..(at + 4).min(words.len())];
        let named = near.iter().any(|near| match near.trim_end_matches([':', '-', ',']) {
            "x" => word.starts_with('@'),
            near => is_network(near),
        });
        let before = at.checked_sub(1).map(|before| words[before].trim_end_matches(':'));
        named || (matches!(before, Some("id" | "handle" | "username" | "आईडी")) && word.contains(['_', '.']))
    })
}

/// As they stand between blanks, with `dot` as a dot.
fn words(tokens: &[Token]) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut glued = false;
    for token in tokens {
        if token.is("dot") && !words.is_empty() {
            words.last_mut().expect("there is one").push('.');
            glued = true;
        } else if token.apart && !glued {
            words.push(token.text.clone());
        } else {
            words.last_mut().expect("the first stands apart").push_str(&token.text);
            glued = false;
        }
    }
    words
}

/// `asha_rao_07`, `@asha`, `asha#1234`: no word of a language.
fn is_handle(word: &str) -> bool {
    let word = word.trim_end_matches(['.', ',', '!', '?', ':', ')']);
    let bare = word.trim_start_matches('@');
    let plain = bare.chars().all(|c| c.is_ascii_alphanumeric() || "_.#:".contains(c));
    let letters = bare.chars().filter(char::is_ascii_alphabetic).count();
    let digits = bare.chars().filter(char::is_ascii_digit).count();
    let inner = bare.trim_matches(['.', '_', ':']);
    let joined = inner.contains(['_', '#']) || inner.contains('.') && !inner.contains("..");
    plain
        && letters >= 3
        && bare.len() >= 4
        && (word.starts_with('@') || joined || digits >= 1 && letters >= 4)
}
