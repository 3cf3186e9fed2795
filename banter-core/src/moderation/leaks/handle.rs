//! Names on other networks, beside the name of the network.

use super::Token;

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

pub(super) fn is_in(tokens: &[Token]) -> bool {
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
