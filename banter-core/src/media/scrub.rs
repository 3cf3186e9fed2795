//! Blanks, in the file itself, everything of a recording that is not needed to play it: where it was made, by whom, with
//! what. Parts keep their places and sizes, so that no offset moves; what is not known to be harmless becomes free space
//! full of zeros. Each looks at a file once, and writes no more than the file has: how much that is, no number in it says.
//!
//! [`mod@boxes`] ISO 14496-12, QuickTime · [`mod@webm`] Matroska's elements · [`mod@ogg`] pages · MP3, AAC and WAV here

mod boxes;
mod ogg;
mod webm;

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;

use super::Error;

pub(super) use boxes::{Boxes, boxes};
pub(super) use ogg::ogg;
pub(super) use webm::webm;

/// Of one file: tags of MP3, chunks of WAV, frames of AAC. Five minutes at 96 kHz have 28,125 frames.
const MOST_PARTS: usize = 50_000;

const DAMAGED: Error = Error::Damaged("its parts do not fit together");

/// Tags: ID3 version 2 in front keep their length and become padding, APE and ID3 version 1 at the end go blank.
pub(super) fn mp3(file: &mut File) -> Result<(), Error> {
    let mut end = file.metadata()?.len();
    let mut at = 0;
    for _ in 0..MOST_PARTS {
        let head = read_up_to::<10>(file, at)?;
        if !head.starts_with(b"ID3") {
            break;
        }
        let size = head[6..10].iter().fold(0_u64, |size, byte| size << 7 | u64::from(byte & 0x7f));
        let next = (at + 10 + size).min(end);
        write(file, at + 5, &[0])?;
        blank(file, at + 10..next)?;
        at = next;
    }
    if end >= at + 128 && read::<3>(file, end - 128)? == *b"TAG" {
        blank(file, end - 125..end)?;
        end -= 128;
    }
    // <https://wiki.hydrogenaudio.org/index.php?title=APE_Tags_Header>: the size is without a header in front.
    if end >= at + 32 && read::<8>(file, end - 32)? == *b"APETAGEX" {
        let size = u64::from(u32::from_le_bytes(read(file, end - 20)?)) + 32;
        blank(file, end.saturating_sub(size).max(at)..end)?;
    }
    Ok(())
}

/// ADTS: what stands behind the last frame.
pub(super) fn aac(file: &mut File) -> Result<(), Error> {
    let end = file.metadata()?.len();
    let (mut at, mut count) = (0, 0);
    while at < end {
        let head = read_up_to::<7>(file, at)?;
        let size = u64::from(head[3] & 3) << 11 | u64::from(head[4]) << 3 | u64::from(head[5]) >> 5;
        if head[0] != 0xff || head[1] & 0xf6 != 0xf0 || size < 7 {
            break;
        }
        count += 1;
        if count > MOST_PARTS {
            return Err(DAMAGED);
        }
        at += size;
    }
    blank(file, at..end)
}

/// Chunks beside format and samples.
pub(super) fn wav(file: &mut File) -> Result<(), Error> {
    let end = file.metadata()?.len();
    let (mut at, mut count) = (12, 0);
    while at + 8 <= end {
        count += 1;
        if count > MOST_PARTS {
            return Err(DAMAGED);
        }
        let head: [u8; 8] = read(file, at)?;
        let size = u64::from(u32::from_le_bytes([head[4], head[5], head[6], head[7]]));
        let next = (at + 8 + size + size % 2).min(end);
        if !matches!(&head[..4], b"fmt " | b"data" | b"fact") {
            write(file, at, b"JUNK")?;
            blank(file, at + 8..next)?;
        }
        at = next;
    }
    blank(file, at..end)
}

fn read<const N: usize>(file: &mut File, at: u64) -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    file.seek(SeekFrom::Start(at))?;
    match file.read_exact(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Err(DAMAGED),
        Err(error) => Err(error.into()),
    }
}

/// Zeros stand for what lies behind the end.
fn read_up_to<const N: usize>(file: &mut File, at: u64) -> Result<[u8; N], Error> {
    let mut bytes = Vec::with_capacity(N);
    file.seek(SeekFrom::Start(at))?;
    file.take(N as u64).read_to_end(&mut bytes)?;
    bytes.resize(N, 0);
    Ok(bytes.try_into().expect("it was made that long"))
}

fn write(file: &mut File, at: u64, bytes: &[u8]) -> Result<(), Error> {
    file.seek(SeekFrom::Start(at))?;
    Ok(file.write_all(bytes)?)
}

fn blank(file: &mut File, range: Range<u64>) -> Result<(), Error> {
    if range.start >= range.end {
        return Ok(());
    }
    file.seek(SeekFrom::Start(range.start))?;
    std::io::copy(&mut std::io::repeat(0).take(range.end - range.start), file)?;
    Ok(())
}
