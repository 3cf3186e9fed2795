//! UPI ids: a name, an `@` (also in words), and the name of a bank or an app.

use super::{Kind, Token};

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

pub(super) fn is_in(tokens: &[Token]) -> bool {
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
pub(super) fn at_sign(tokens: &[Token], at: usize) -> Option<(bool, usize)> {
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
