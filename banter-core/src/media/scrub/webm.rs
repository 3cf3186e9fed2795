//! Elements: <https://www.rfc-editor.org/rfc/rfc8794>, and Matroska's <https://www.rfc-editor.org/rfc/rfc9559>.

use std::fs::File;
use std::ops::Range;

use super::{DAMAGED, blank, read_up_to, write};
use crate::media::Error;

/// An hour of a live recorder, which writes sound and film into clusters without an end: each block is an element.
const MOST_ELEMENTS: usize = 1_000_000;
const VOID: u32 = 0xec;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    /// The file, the segment, and clusters whose end is not known: those have no end but the file's.
    Open,
    Info,
    Tracks,
    Track,
}

enum Fate {
    Keep,
    Enter(Level),
    /// Stays, as a text of no letters: the format asks for it.
    Empty,
    Void,
}

fn fate(level: Level, id: u32) -> Fate {
    match (level, id) {
        (Level::Open, 0x1549_a966) => Fate::Enter(Level::Info),
        (Level::Open, 0x1654_ae6b) => Fate::Enter(Level::Tracks),
        // Tags, Attachments, Chapters.
        (Level::Open, 0x1254_c367 | 0x1941_a469 | 0x1043_a770) => Fate::Void,
        // TimestampScale, Duration.
        (Level::Info, 0x002a_d7b1 | 0x4489) => Fate::Keep,
        // MuxingApp, WritingApp.
        (Level::Info, 0x4d80 | 0x5741) => Fate::Empty,
        (Level::Info, _) => Fate::Void,
        (Level::Tracks, 0xae) => Fate::Enter(Level::Track),
        // Name, CodecName.
        (Level::Track, 0x536e | 0x0025_8688) => Fate::Void,
        // CRC-32: of what has changed by now.
        (_, VOID | 0xbf) => Fate::Void,
        (Level::Open | Level::Tracks | Level::Track, _) => Fate::Keep,
    }
}

pub(in crate::media) fn webm(file: &mut File) -> Result<(), Error> {
    let end = file.metadata()?.len();
    walk(file, 0..end, Level::Open, &mut 0)
}

fn walk(file: &mut File, within: Range<u64>, level: Level, count: &mut usize) -> Result<(), Error> {
    const SEGMENT: u32 = 0x1853_8067;
    const CLUSTER: u32 = 0x1f43_b675;
    let mut at = within.start;
    while at + 2 <= within.end {
        *count += 1;
        if *count > MOST_ELEMENTS {
            return Err(DAMAGED);
        }
        let head = read_up_to::<12>(file, at)?;
        let id_length = head[0].leading_zeros() as usize + 1;
        if id_length > 4 {
            return Err(DAMAGED);
        }
        let id = head[..id_length].iter().fold(0, |id, byte| id << 8 | u32::from(*byte));
        let first = head[id_length];
        let size_length = first.leading_zeros() as usize + 1;
        if size_length > 8 {
            return Err(DAMAGED);
        }
        let mask = 0xff_u64 >> size_length;
        let size = head[id_length + 1..id_length + size_length]
            .iter()
            .fold(u64::from(first) & mask, |size, byte| size << 8 | u64::from(*byte));
        let unknown = size == (1 << (7 * size_length)) - 1;
        let body = at + (id_length + size_length) as u64;
        match id {
            SEGMENT if level == Level::Open => {
                at = body;
                continue;
            }
            // A live recorder does not know how long it will be: what is in it comes next.
            CLUSTER if unknown && level == Level::Open => {
                at = body;
                continue;
            }
            _ if unknown => return Err(DAMAGED),
            _ => {}
        }
        let next = body.checked_add(size).ok_or(DAMAGED)?;
        // The last one may have been cut off.
        let next = if level == Level::Open { next.min(within.end) } else { next };
        if next > within.end || body > next {
            return Err(DAMAGED);
        }
        match fate(level, id) {
            Fate::Keep => {}
            Fate::Enter(deeper) => walk(file, body..next, deeper, count)?,
            Fate::Empty => blank(file, body..next)?,
            Fate::Void => void(file, at..next)?,
        }
        at = next;
    }
    Ok(())
}

/// As one element of nothing: a byte of id, one or eight of length.
fn void(file: &mut File, element: Range<u64>) -> Result<(), Error> {
    let total = element.end - element.start;
    let id = u8::try_from(VOID).expect("one byte");
    let header = if total >= 9 {
        let mut header = ((total - 9) | 1 << 56).to_be_bytes().to_vec();
        header.insert(0, id);
        header
    } else {
        vec![id, 0x80 | u8::try_from(total - 2).map_err(|_| DAMAGED)?]
    };
    write(file, element.start, &header)?;
    blank(file, element.start + header.len() as u64..element.end)
}
