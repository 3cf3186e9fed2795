//! Ways to reach somebody outside, in what people write: telephone numbers, UPI ids, links, names on other networks. Also
//! where they are spelled out, spaced out, or written in Hindi and Hinglish. What is written is folded to one plain form,
//! cut into tokens, and each kind is looked for in one walk over them: the cost is linear in the text.
//!
//! [`phone`] [`upi`] [`link`] [`handle`] one kind each

mod handle;
#[cfg(any(test, feature = "testing"))]
pub mod labelled;
mod link;
mod phone;
mod upi;

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

/// What a text holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaks([bool; 4]);

impl Leaks {
    pub fn contains(self, leak: Leak) -> bool {
        self.0[leak as usize]
    }

    /// The one that tells most, in the order UPI, link, phone, handle: a number before a bank's name is a UPI id.
    pub fn first(self) -> Option<Leak> {
        [Leak::Upi, Leak::Link, Leak::Phone, Leak::Handle].into_iter().find(|leak| self.contains(*leak))
    }
}

/// What a folded text holds.
pub fn find(folded: &str) -> Leaks {
    let tokens = squeeze(&tokens(folded));
    Leaks(Leak::ALL.map(|leak| match leak {
        Leak::Phone => phone::is_in(&tokens),
        Leak::Upi => upi::is_in(&tokens),
        Leak::Link => link::is_in(&tokens),
        Leak::Handle => handle::is_in(&tokens),
    }))
}

/// Compatibility forms, digits of India, and look-alikes of punctuation become plain; what cannot be seen goes.
pub fn fold(text: &str) -> String {
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
fn squeeze(tokens: &[Token]) -> Vec<Token> {
    let is_letter =
        |token: &Token| token.kind == Kind::Word && token.text.chars().count() == 1 && token.apart;
    let mut squeezed: Vec<Token> = Vec::with_capacity(tokens.len());
    for run in tokens.chunk_by(|one, next| is_letter(one) && is_letter(next)) {
        if run.len() >= 3 {
            let text = run.iter().map(|token| token.text.as_str()).collect();
            squeezed.push(Token { text, kind: Kind::Word, apart: true });
        } else {
            squeezed.extend_from_slice(run);
        }
    }
    squeezed
}
