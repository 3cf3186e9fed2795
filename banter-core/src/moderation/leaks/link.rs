//! Links, names of the network, mail addresses, addresses of four numbers.

use super::upi::at_sign;
use super::{Kind, Token};

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

pub(super) fn is_in(tokens: &[Token]) -> bool {
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
    let is_sentence = apart && NO_LABELS.contains(&label.text.as_str());
    tops.contains(&top.as_str()) && !unlikely && !is_sentence && !NO_NAMES.contains(&whole.as_str())
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
