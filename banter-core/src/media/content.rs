//! What a file is, by its first bytes: the name and the type a client declares are never asked.

use super::{Kind, Purpose};

/// As many bytes as it takes to know.
pub(super) const ENOUGH: usize = 64;

const MB: u64 = 1 << 20;
pub(super) const IMAGE: u64 = 10 * MB;
pub(super) const AUDIO: u64 = 10 * MB;
pub(super) const VIDEO: u64 = 50 * MB;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Jpeg,
    Png,
    WebP,
    Gif,
    /// MP4, M4A, QuickTime, 3GP: boxes.
    Iso,
    WebM,
    Ogg,
    Mp3,
    Aac,
    Wav,
}

impl Content {
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        let brand = || head.get(8..12);
        Some(match head {
            [0xff, 0xd8, 0xff, ..] => Self::Jpeg,
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Self::Png,
            [b'R', b'I', b'F', b'F', ..] if brand() == Some(b"WEBP") => Self::WebP,
            [b'R', b'I', b'F', b'F', ..] if brand() == Some(b"WAVE") => Self::Wav,
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Self::Gif,
            // Pictures come in boxes as well; nothing here decodes those.
            [_, _, _, _, b'f', b't', b'y', b'p', ..] => match brand()? {
                b"heic" | b"heix" | b"heif" | b"hevc" | b"mif1" | b"msf1" | b"avif" | b"avis" | b"crx " => {
                    return None;
                }
                _ => Self::Iso,
            },
            [0x1a, 0x45, 0xdf, 0xa3, ..] if head.windows(4).any(|four| four == b"webm") => Self::WebM,
            [b'O', b'g', b'g', b'S', ..] => Self::Ogg,
            [b'I', b'D', b'3', ..] => Self::Mp3,
            // ADTS says layer 0 where MPEG audio says 1 to 3.
            [0xff, second, ..] if second & 0xf6 == 0xf0 => Self::Aac,
            [0xff, second, ..] if second & 0xe6 == 0xe2 => Self::Mp3,
            _ => return None,
        })
    }

    pub(super) fn is_picture(self) -> bool {
        matches!(self, Self::Jpeg | Self::Png | Self::WebP | Self::Gif)
    }

    /// Could it be something that is taken for this? For boxes and WebM only a closer look tells sound from film.
    pub(super) fn fits(self, purpose: Purpose) -> bool {
        self.is_picture() && purpose.takes(Kind::Image) || !self.is_picture() && purpose.takes(Kind::Audio)
    }

    /// The most bytes it may have.
    pub(super) fn most(self, purpose: Purpose) -> u64 {
        match self {
            Self::Jpeg | Self::Png | Self::WebP | Self::Gif => IMAGE,
            Self::Iso | Self::WebM if purpose.takes(Kind::Video) => VIDEO,
            Self::Iso | Self::WebM | Self::Ogg | Self::Mp3 | Self::Aac | Self::Wav => AUDIO,
        }
    }
}

/// Types by the endings of our own names.
const TYPES: [(&str, &str); 13] = [
    ("jpg", "image/jpeg"),
    ("png", "image/png"),
    ("gif", "image/gif"),
    ("mp4", "video/mp4"),
    ("mov", "video/quicktime"),
    ("3gp", "video/3gpp"),
    ("webm", "video/webm"),
    ("m4a", "audio/mp4"),
    ("weba", "audio/webm"),
    ("ogg", "audio/ogg"),
    ("mp3", "audio/mpeg"),
    ("aac", "audio/aac"),
    ("wav", "audio/wav"),
];

/// The type of an object of that name's ending.
pub(super) fn type_of(extension: &str) -> Option<&'static str> {
    TYPES.iter().find(|(known, _)| *known == extension).map(|(_, content_type)| *content_type)
}
