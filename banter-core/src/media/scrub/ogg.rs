//! Pages: <https://www.rfc-editor.org/rfc/rfc3533>. Sound in them is Opus (<https://www.rfc-editor.org/rfc/rfc7845>) or
//! Vorbis; of either, the second packet says by whom, with what and where it was made.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::ops::Range;

use super::{DAMAGED, write};
use crate::media::Error;

/// Of a page: up to the table of its segments' lengths.
const HEAD: usize = 27;
const SUM: Range<usize> = 22..26;
const CONTINUED: u8 = 1;
const FIRST: u8 = 2;

#[derive(Clone, Copy)]
enum Codec {
    Opus,
    Vorbis,
}

impl Codec {
    fn of(first_packet: &[u8]) -> Result<Self, Error> {
        match first_packet {
            packet if packet.starts_with(b"OpusHead") => Ok(Self::Opus),
            packet if packet.starts_with(b"\x01vorbis") => Ok(Self::Vorbis),
            _ => Err(Error::Unsupported),
        }
    }

    /// A comment header of that length without a comment: what the vendor's name does not need it has as zeros.
    fn no_comments(self, length: usize) -> Result<Vec<u8>, Error> {
        let (magic, framing): (&[u8], &[u8]) = match self {
            Self::Opus => (b"OpusTags", &[]),
            Self::Vorbis => (b"\x03vorbis", &[1]),
        };
        let vendor = length.checked_sub(magic.len() + 8 + framing.len()).ok_or(DAMAGED)?;
        let told = u32::try_from(vendor).map_err(|_| DAMAGED)?.to_le_bytes();
        Ok([magic, &told, &vec![0; vendor], &[0; 4], framing].concat())
    }
}

/// One of the recordings that may lie side by side or one behind the other.
struct Stream {
    codec: Codec,
    /// Packets that have ended.
    packets: usize,
    comments: Comments,
}

/// Where a comment header lies.
#[derive(Default)]
struct Comments {
    parts: Vec<Range<usize>>,
    pages: Vec<Range<usize>>,
}

/// Takes the comments out, and what is no page at the end.
pub(in crate::media) fn ogg(file: &mut File) -> Result<(), Error> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    take_comments(&mut bytes)?;
    write(file, 0, &bytes)
}

fn take_comments(bytes: &mut [u8]) -> Result<(), Error> {
    let mut streams: HashMap<[u8; 4], Stream> = HashMap::new();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some((laces, body)) = page(bytes, at) {
        let kind = bytes[at + 5];
        let serial = bytes[at + 14..at + 18].try_into().expect("four bytes");
        if kind & FIRST != 0 {
            let stream =
                Stream { codec: Codec::of(&bytes[body.clone()])?, packets: 0, comments: Comments::default() };
            if streams.insert(serial, stream).is_some_and(|before| before.packets < 2) {
                return Err(DAMAGED);
            }
        }
        let stream = streams.get_mut(&serial).ok_or(DAMAGED)?;
        if stream.packets == 1 {
            if !stream.comments.parts.is_empty() && kind & CONTINUED == 0 {
                return Err(DAMAGED);
            }
            stream.comments.pages.push(at..body.end);
        }
        let mut place = body.start;
        for lace in &bytes[laces] {
            let next = place + usize::from(*lace);
            if stream.packets == 1 {
                if stream.comments.pages.is_empty() {
                    stream.comments.pages.push(at..body.end);
                }
                stream.comments.parts.push(place..next);
            }
            place = next;
            if *lace < 255 {
                stream.packets += 1;
                if stream.packets == 2 {
                    found.push((stream.codec, std::mem::take(&mut stream.comments)));
                }
            }
        }
        at = body.end;
    }
    if streams.is_empty() || streams.values().any(|stream| stream.packets < 2) {
        return Err(DAMAGED);
    }
    bytes[at..].fill(0);
    for (codec, comments) in found {
        let empty = codec.no_comments(comments.parts.iter().map(Range::len).sum())?;
        let mut rest = empty.as_slice();
        for part in comments.parts {
            let (here, later) = rest.split_at(part.len());
            bytes[part].copy_from_slice(here);
            rest = later;
        }
        for page in comments.pages {
            sum_up(&mut bytes[page]);
        }
    }
    Ok(())
}

/// The table of segments and the segments of the page that begins there, if it is whole.
fn page(bytes: &[u8], at: usize) -> Option<(Range<usize>, Range<usize>)> {
    let head = bytes.get(at..at + HEAD)?;
    if !head.starts_with(b"OggS\0") {
        return None;
    }
    let laces = at + HEAD..at + HEAD + usize::from(head[26]);
    let length: usize = bytes.get(laces.clone())?.iter().map(|lace| usize::from(*lace)).sum();
    let body = laces.end..laces.end + length;
    (body.end <= bytes.len()).then_some((laces, body))
}

/// The page's checksum: CRC-32, high bits first, of the page with zeros in its place.
fn sum_up(page: &mut [u8]) {
    const POLYNOMIAL: u32 = 0x04c1_1db7;
    page[SUM].fill(0);
    let sum = page.iter().fold(0_u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte) << 24, |sum, _| {
            if sum >> 31 == 1 { sum << 1 ^ POLYNOMIAL } else { sum << 1 }
        })
    });
    page[SUM].copy_from_slice(&sum.to_le_bytes());
}
