//! Blanks, in the file itself, everything of a recording that is not needed to play it: where it was made, by whom, with
//! what. Boxes (ISO 14496-12, QuickTime) and elements (Matroska) keep their places and sizes, so that no offset moves;
//! what is not known to be harmless becomes free space full of zeros.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;

use super::Error;

/// A hostile file may hold a million boxes of eight bytes.
const MOST_BOXES: usize = 20_000;
/// Samples of one track that is blanked: an hour at a hundred a second.
const MOST_SAMPLES: u32 = 400_000;

const DAMAGED: Error = Error::Damaged("its parts do not fit together");

/// What the boxes say.
#[derive(Debug, Default)]
pub(super) struct Boxes {
    pub film: bool,
    pub sound: bool,
    /// As shown: a film taken upright is stored lying, with a note to turn it.
    pub size: Option<(u32, u32)>,
    brand: [u8; 4],
    fragments: bool,
    blanked_track: bool,
    count: usize,
}

impl Boxes {
    pub(super) fn film_extension(&self) -> &'static str {
        match &self.brand {
            b"qt  " => "mov",
            [b'3', b'g', ..] => "3gp",
            _ => "mp4",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Top,
    Movie,
    Track,
    Media,
    Information,
    Samples,
}

enum Fate {
    Keep,
    Enter(Level),
    Blank,
}

fn fate(level: Level, kind: [u8; 4]) -> Fate {
    match (level, &kind) {
        (Level::Top, b"moov") => Fate::Enter(Level::Movie),
        (Level::Top, b"ftyp" | b"mdat" | b"moof" | b"sidx" | b"styp" | b"mfra" | b"wide" | b"pdin") => {
            Fate::Keep
        }
        (Level::Movie, b"trak") => Fate::Enter(Level::Track),
        (Level::Movie, b"mvhd" | b"mvex" | b"iods") => Fate::Keep,
        (Level::Track, b"mdia") => Fate::Enter(Level::Media),
        (Level::Track, b"tkhd" | b"edts" | b"tapt") => Fate::Keep,
        (Level::Media, b"minf") => Fate::Enter(Level::Information),
        (Level::Media, b"mdhd" | b"hdlr" | b"elng") => Fate::Keep,
        (Level::Information, b"stbl") => Fate::Enter(Level::Samples),
        (Level::Information, b"vmhd" | b"smhd" | b"nmhd" | b"gmhd" | b"hdlr" | b"dinf") => Fate::Keep,
        (
            Level::Samples,
            b"stsd" | b"stts" | b"ctts" | b"cslg" | b"stss" | b"stps" | b"stsc" | b"stsz" | b"stz2" | b"stco"
            | b"co64" | b"sdtp" | b"sbgp" | b"sgpd" | b"subs" | b"padb" | b"stsh",
        ) => Fate::Keep,
        _ => Fate::Blank,
    }
}

/// One track while it is walked through.
#[derive(Default)]
struct TrackBoxes {
    handler: [u8; 4],
    size: Option<(u32, u32)>,
    sizes: Option<Range<u64>>,
    chunks: Option<Range<u64>>,
    offsets: Option<(Range<u64>, u64)>,
}

/// Blanks what is not needed, tracks of places and other notes among it.
pub(super) fn boxes(file: &mut File) -> Result<Boxes, Error> {
    let end = file.metadata()?.len();
    let mut found = Boxes::default();
    walk(file, 0..end, Level::Top, &mut found, &mut TrackBoxes::default())?;
    // The samples of such a track lie in fragments as well, and are not found by its tables.
    if found.fragments && found.blanked_track {
        return Err(Error::Unsupported);
    }
    Ok(found)
}

fn walk(
    file: &mut File,
    within: Range<u64>,
    level: Level,
    found: &mut Boxes,
    track: &mut TrackBoxes,
) -> Result<(), Error> {
    let mut at = within.start;
    while at + 8 <= within.end {
        found.count += 1;
        if found.count > MOST_BOXES {
            return Err(DAMAGED);
        }
        let head: [u8; 8] = read(file, at)?;
        let kind = [head[4], head[5], head[6], head[7]];
        let (body, end) = match u32::from_be_bytes([head[0], head[1], head[2], head[3]]) {
            0 if level == Level::Top => (at + 8, within.end),
            // QuickTime ends some lists by a zero.
            0 => return blank(file, at..within.end),
            1 => (at + 16, at.checked_add(u64::from_be_bytes(read(file, at + 8)?)).ok_or(DAMAGED)?),
            size => (at + 8, at + u64::from(size)),
        };
        if body > end || end > within.end {
            return Err(DAMAGED);
        }
        match fate(level, kind) {
            Fate::Keep => note(file, kind, body..end, found, track)?,
            Fate::Enter(Level::Track) => {
                let mut track = TrackBoxes::default();
                walk(file, body..end, Level::Track, found, &mut track)?;
                match &track.handler {
                    b"vide" => {
                        found.film = true;
                        found.size = found.size.or(track.size);
                    }
                    b"soun" => found.sound = true,
                    _ => {
                        found.blanked_track = true;
                        blank_samples(file, &track)?;
                        name_free(file, at)?;
                        blank(file, body..end)?;
                    }
                }
            }
            Fate::Enter(deeper) => walk(file, body..end, deeper, found, track)?,
            Fate::Blank => {
                name_free(file, at)?;
                blank(file, body..end)?;
            }
        }
        at = end;
    }
    blank(file, at..within.end)
}

fn note(
    file: &mut File,
    kind: [u8; 4],
    body: Range<u64>,
    found: &mut Boxes,
    track: &mut TrackBoxes,
) -> Result<(), Error> {
    let table =
        |skip: u64| (body.start + skip <= body.end).then(|| body.start + skip..body.end).ok_or(DAMAGED);
    match &kind {
        b"ftyp" => found.brand = read(file, body.start)?,
        b"moof" => found.fragments = true,
        b"hdlr" if track.handler == [0; 4] => track.handler = read(file, body.start + 8)?,
        // Version 0 or 1 decide the length of times; matrix, width and height come last.
        b"tkhd" if body.end - body.start >= 80 => {
            let tail: [u8; 44] = read(file, body.end - 44)?;
            let number = |at: usize| u32::from_be_bytes([tail[at], tail[at + 1], tail[at + 2], tail[at + 3]]);
            let (width, height) = (number(36) >> 16, number(40) >> 16);
            let lying = number(0) == 0 && number(4) != 0;
            let size = if lying { (height, width) } else { (width, height) };
            track.size = (width > 0 && height > 0).then_some(size);
        }
        b"stsz" => track.sizes = Some(table(4)?),
        b"stsc" => track.chunks = Some(table(4)?),
        b"stco" => track.offsets = Some((table(4)?, 4)),
        b"co64" => track.offsets = Some((table(4)?, 8)),
        _ => {}
    }
    Ok(())
}

/// Zeroes what a track's tables point at.
fn blank_samples(file: &mut File, track: &TrackBoxes) -> Result<(), Error> {
    let (Some(sizes), Some(chunks), Some((offsets, wide))) = (&track.sizes, &track.chunks, &track.offsets)
    else {
        return Ok(());
    };
    let length = file.metadata()?.len();
    let (same, samples) = (number(file, sizes, 0)?, number(file, sizes, 4)?);
    let (runs, count) = (number(file, chunks, 0)?, number(file, offsets, 0)?);
    if samples > MOST_SAMPLES || count > MOST_SAMPLES || runs > count {
        return Err(DAMAGED);
    }
    let (mut sample, mut run, mut per_chunk) = (0, 0, 0);
    for chunk in 0..count {
        while run < runs && number(file, chunks, 4 + 12 * u64::from(run))? <= chunk + 1 {
            per_chunk = number(file, chunks, 8 + 12 * u64::from(run))?;
            run += 1;
        }
        let mut bytes = 0;
        for _ in 0..per_chunk.min(samples - sample) {
            let size = if same > 0 { same } else { number(file, sizes, 8 + 4 * u64::from(sample))? };
            bytes += u64::from(size);
            sample += 1;
        }
        let place = 4 + wide * u64::from(chunk);
        let low = u64::from(number(file, offsets, place + wide - 4)?);
        let high = if *wide == 8 { u64::from(number(file, offsets, place)?) << 32 } else { 0 };
        let start = high | low;
        if start > length || bytes > length - start {
            return Err(DAMAGED);
        }
        blank(file, start..start + bytes)?;
    }
    Ok(())
}

fn number(file: &mut File, table: &Range<u64>, at: u64) -> Result<u32, Error> {
    if table.start + at + 4 > table.end {
        return Err(DAMAGED);
    }
    Ok(u32::from_be_bytes(read(file, table.start + at)?))
}

fn name_free(file: &mut File, at: u64) -> Result<(), Error> {
    write(file, at + 4, b"free")
}

/// Elements: <https://www.rfc-editor.org/rfc/rfc8794>, and Matroska's <https://www.rfc-editor.org/rfc/rfc9559>.
pub(super) fn webm(file: &mut File) -> Result<(), Error> {
    const SEGMENT: u32 = 0x1853_8067;
    const CLUSTER: u32 = 0x1f43_b675;
    const TAGS: u32 = 0x1254_c367;
    const ATTACHMENTS: u32 = 0x1941_a469;
    const CHAPTERS: u32 = 0x1043_a770;
    const VOID: u32 = 0xec;
    let end = file.metadata()?.len();
    let mut at = 0;
    while at + 2 <= end {
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
            SEGMENT => {
                at = body;
                continue;
            }
            // A live recorder does not know how long it will be: what is in it comes next.
            CLUSTER if unknown => {
                at = body;
                continue;
            }
            _ if unknown => return Err(DAMAGED),
            _ => {}
        }
        // The last one may have been cut off.
        let next = body.checked_add(size).ok_or(DAMAGED)?.min(end);
        if [TAGS, ATTACHMENTS, CHAPTERS].contains(&id) {
            // As one element of nothing: a byte of id, eight of length.
            let total = next - at;
            if total >= 9 {
                let length = (total - 9) | 1 << 56;
                write(file, at, &[0xec])?;
                write(file, at + 1, &length.to_be_bytes())?;
                blank(file, at + 9..next)?;
            } else {
                write(file, at, &[0xec, 0x80 | u8::try_from(total - 2).map_err(|_| DAMAGED)?])?;
                blank(file, at + 2..next)?;
            }
        } else if id == VOID {
            blank(file, body..next)?;
        }
        at = next;
    }
    Ok(())
}

/// ID3: version 2 in front keeps its length and becomes padding, version 1 at the end goes blank.
pub(super) fn mp3(file: &mut File) -> Result<(), Error> {
    let end = file.metadata()?.len();
    let head = read_up_to::<10>(file, 0)?;
    if head.starts_with(b"ID3") {
        let size = head[6..10].iter().fold(0_u64, |size, byte| size << 7 | u64::from(byte & 0x7f));
        write(file, 5, &[0])?;
        blank(file, 10..(10 + size).min(end))?;
    }
    if end >= 128 && read::<3>(file, end - 128)? == *b"TAG" {
        blank(file, end - 125..end)?;
    }
    Ok(())
}

/// Chunks beside format and samples.
pub(super) fn wav(file: &mut File) -> Result<(), Error> {
    let end = file.metadata()?.len();
    let mut at = 12;
    while at + 8 <= end {
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
