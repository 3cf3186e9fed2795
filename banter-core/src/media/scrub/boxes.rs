//! Boxes: ISO 14496-12 and QuickTime.

use std::fs::File;
use std::ops::Range;

use super::{DAMAGED, blank, read, write};
use crate::media::Error;

/// A hostile file may hold millions of boxes of eight bytes; an honest one, an hour in fragments of half a second, has
/// eleven in each.
const MOST_BOXES: usize = 100_000;
/// An hour at a hundred samples a second.
const MOST_NUMBERS: u64 = 400_000;

/// What the boxes say.
#[derive(Debug, Default)]
pub(in crate::media) struct Boxes {
    pub film: bool,
    pub sound: bool,
    /// As shown: a film taken upright is stored lying, with a note to turn it.
    pub size: Option<(u32, u32)>,
    brand: [u8; 4],
    fragments: bool,
    blanked_track: bool,
    count: usize,
    /// Bytes of samples that are blanked, and numbers read to find them, of all tracks.
    blanked: u64,
    numbers: u64,
}

impl Boxes {
    pub(in crate::media) fn film_extension(&self) -> &'static str {
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
    Fragment,
    TrackFragment,
    FragmentIndex,
    Movie,
    MovieExtends,
    Track,
    Edits,
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
        (Level::Top, b"moof") => Fate::Enter(Level::Fragment),
        (Level::Top, b"mfra") => Fate::Enter(Level::FragmentIndex),
        (Level::Top, b"ftyp" | b"mdat" | b"sidx" | b"styp" | b"wide" | b"pdin") => Fate::Keep,
        (Level::Fragment, b"traf") => Fate::Enter(Level::TrackFragment),
        (Level::Fragment, b"mfhd") => Fate::Keep,
        (
            Level::TrackFragment,
            b"tfhd" | b"tfdt" | b"trun" | b"sdtp" | b"sbgp" | b"sgpd" | b"subs" | b"saiz" | b"saio",
        ) => Fate::Keep,
        (Level::FragmentIndex, b"tfra" | b"mfro") => Fate::Keep,
        (Level::Movie, b"trak") => Fate::Enter(Level::Track),
        (Level::Movie, b"mvex") => Fate::Enter(Level::MovieExtends),
        (Level::Movie, b"mvhd" | b"iods") => Fate::Keep,
        (Level::MovieExtends, b"mehd" | b"trex" | b"leva" | b"trep") => Fate::Keep,
        (Level::Track, b"mdia") => Fate::Enter(Level::Media),
        (Level::Track, b"edts") => Fate::Enter(Level::Edits),
        (Level::Track, b"tkhd" | b"tapt") => Fate::Keep,
        (Level::Edits, b"elst") => Fate::Keep,
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
pub(in crate::media) fn boxes(file: &mut File) -> Result<Boxes, Error> {
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
                        blank_samples(file, &track, found)?;
                        name_free(file, at)?;
                        blank(file, body..end)?;
                    }
                }
            }
            Fate::Enter(deeper) => {
                found.fragments |= deeper == Level::Fragment;
                walk(file, body..end, deeper, found, track)?;
            }
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

/// Zeroes what a track's tables point at. Chunks come one after another, as every camera writes them, and all of them
/// together are no longer than the file: a table of a megabyte must not have terabytes written.
fn blank_samples(file: &mut File, track: &TrackBoxes, found: &mut Boxes) -> Result<(), Error> {
    let (Some(chunks), Some((offsets, wide))) = (&track.chunks, &track.offsets) else {
        return Ok(());
    };
    let count = number(file, offsets, 0)?;
    if count == 0 {
        return Ok(());
    }
    // Sizes that are packed into fewer bits: no camera writes them for places.
    let sizes = track.sizes.as_ref().ok_or(DAMAGED)?;
    let length = file.metadata()?.len();
    let (same, samples) = (number(file, sizes, 0)?, number(file, sizes, 4)?);
    let runs = number(file, chunks, 0)?;
    found.numbers += u64::from(count) + u64::from(runs) + if same > 0 { 0 } else { u64::from(samples) };
    if found.numbers > MOST_NUMBERS || runs > count {
        return Err(DAMAGED);
    }
    let (mut sample, mut run, mut per_chunk, mut free) = (0, 0, 0, 0);
    for chunk in 0..count {
        while run < runs && number(file, chunks, 4 + 12 * u64::from(run))? <= chunk + 1 {
            per_chunk = number(file, chunks, 8 + 12 * u64::from(run))?;
            run += 1;
        }
        let these = per_chunk.min(samples - sample);
        let bytes = if same > 0 {
            u64::from(same) * u64::from(these)
        } else {
            let mut bytes = 0;
            for at in sample..sample + these {
                bytes += u64::from(number(file, sizes, 8 + 4 * u64::from(at))?);
            }
            bytes
        };
        sample += these;
        let place = 4 + wide * u64::from(chunk);
        let low = u64::from(number(file, offsets, place + wide - 4)?);
        let high = if *wide == 8 { u64::from(number(file, offsets, place)?) << 32 } else { 0 };
        let start = high | low;
        found.blanked = found.blanked.saturating_add(bytes);
        if start < free || start > length || bytes > length - start || found.blanked > length {
            return Err(DAMAGED);
        }
        free = start + bytes;
        blank(file, start..free)?;
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
