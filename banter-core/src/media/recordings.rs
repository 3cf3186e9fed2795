//! Sound and film: the container is taken apart to its end, and its length read; nothing is decoded. Runs on a blocking
//! thread.

use std::fs::File;
use std::io::{Seek as _, SeekFrom};

use symphonia::core::codecs::CodecParameters;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::well_known::{
    FORMAT_ID_ADTS, FORMAT_ID_ISOMP4, FORMAT_ID_MKV, FORMAT_ID_MP1, FORMAT_ID_MP2, FORMAT_ID_MP3,
    FORMAT_ID_OGG, FORMAT_ID_WAVE,
};
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;

use super::content::{self, Content};
use super::{Error, Kind, Purpose, scrub};

const LONGEST_SOUND_MS: i64 = 5 * 60_000;
/// A film of fifty megabytes is no longer; what claims to be is a lie.
const LONGEST_FILM_MS: i64 = 60 * 60_000;

/// An hour of sound in the shortest packets there are, 2.5 ms, and of film. A few bytes may claim to be hundreds.
const MOST_PACKETS: usize = 2_000_000;

/// A recording that can be stored as it now stands in its file.
#[derive(Debug)]
pub(super) struct Recording {
    pub kind: Kind,
    pub extension: &'static str,
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub duration_ms: i64,
}

pub(super) fn prepare(file: &mut File, content: Content, purpose: Purpose) -> Result<Recording, Error> {
    let bytes = file.metadata()?.len();
    let boxes = match content {
        Content::Iso => Some(scrub::boxes(file)?),
        Content::WebM => scrub::webm(file).map(|()| None)?,
        Content::Mp3 => scrub::mp3(file).map(|()| None)?,
        Content::Wav => scrub::wav(file).map(|()| None)?,
        Content::Ogg => scrub::ogg(file).map(|()| None)?,
        Content::Aac => scrub::aac(file).map(|()| None)?,
        Content::Jpeg | Content::Png | Content::WebP | Content::Gif => return Err(Error::Unsupported),
    };
    let mut reader = reader(file, content)?;
    let mut duration_ms = reader.tracks().iter().filter_map(declared_ms).max().unwrap_or(0);
    // What a header says is believed only where the samples' own table says it.
    if content != Content::Iso {
        duration_ms = duration_ms.max(counted_ms(reader.as_mut())?);
    }
    let film = boxes.as_ref().map_or_else(|| has(reader.as_ref(), TrackType::Video), |boxes| boxes.film);
    let sound = boxes.as_ref().map_or_else(|| has(reader.as_ref(), TrackType::Audio), |boxes| boxes.sound);
    let (kind, extension) = match (content, film) {
        (Content::Iso, true) => (Kind::Video, boxes.as_ref().map_or("mp4", scrub::Boxes::film_extension)),
        (Content::Iso, false) => (Kind::Audio, "m4a"),
        (Content::WebM, true) => (Kind::Video, "webm"),
        (Content::WebM, false) => (Kind::Audio, "weba"),
        (_, true) => return Err(Error::Unsupported),
        (Content::Ogg, false) => (Kind::Audio, "ogg"),
        (Content::Aac, false) => (Kind::Audio, "aac"),
        (Content::Wav, false) => (Kind::Audio, "wav"),
        (_, false) => (Kind::Audio, "mp3"),
    };
    if !film && !sound {
        return Err(Error::Damaged("there is neither sound nor film in it"));
    }
    if !purpose.takes(kind) {
        return Err(Error::Unsupported);
    }
    if kind == Kind::Audio && bytes > content::AUDIO {
        return Err(Error::TooLarge(content::AUDIO));
    }
    let longest = if kind == Kind::Audio { LONGEST_SOUND_MS } else { LONGEST_FILM_MS };
    match duration_ms {
        ..=0 => return Err(Error::Damaged("its length cannot be read")),
        ms if ms > longest => return Err(Error::TooLong(longest)),
        _ => {}
    }
    let size = boxes.and_then(|boxes| boxes.size).or_else(|| size(reader.as_ref()));
    drop(reader);
    file.seek(SeekFrom::Start(0))?;
    Ok(Recording { kind, extension, width: size.map(|s| s.0), height: size.map(|s| s.1), duration_ms })
}

fn reader(file: &mut File, content: Content) -> Result<Box<dyn FormatReader + 'static>, Error> {
    let damaged = |error: symphonia::core::errors::Error| {
        tracing::debug!(%error, "a recording could not be read");
        Error::Damaged("it cannot be read")
    };
    file.seek(SeekFrom::Start(0))?;
    let source = MediaSourceStream::new(Box::new(file.try_clone()?), MediaSourceStreamOptions::default());
    let (options, meta) = (FormatOptions::default(), MetadataOptions::default());
    let probe = symphonia::default::get_probe();
    let reader = probe.probe(&Hint::new(), source, options, meta).map_err(damaged)?;
    let found = reader.format_info().format;
    let expected: &[_] = match content {
        Content::Iso => &[FORMAT_ID_ISOMP4],
        Content::WebM => &[FORMAT_ID_MKV],
        Content::Ogg => &[FORMAT_ID_OGG],
        Content::Wav => &[FORMAT_ID_WAVE],
        Content::Aac => &[FORMAT_ID_ADTS],
        _ => &[FORMAT_ID_MP1, FORMAT_ID_MP2, FORMAT_ID_MP3],
    };
    if !expected.contains(&found) {
        return Err(Error::Damaged("its beginning says something else than the rest"));
    }
    Ok(reader)
}

fn has(reader: &dyn FormatReader, kind: TrackType) -> bool {
    reader.first_track(kind).is_some()
}

fn size(reader: &dyn FormatReader) -> Option<(u32, u32)> {
    match &reader.first_track(TrackType::Video)?.codec_params {
        Some(CodecParameters::Video(video)) => Some((video.width?.into(), video.height?.into())),
        _ => None,
    }
}

fn declared_ms(track: &Track) -> Option<i64> {
    let time = track.time_base?.calc_duration(track.duration?)?;
    i64::try_from(time.as_nanos() / 1_000_000).ok()
}

/// Walks over every packet: the end of the last one.
fn counted_ms(reader: &mut dyn FormatReader) -> Result<i64, Error> {
    let bases: Vec<_> = reader.tracks().iter().map(|track| (track.id, track.time_base)).collect();
    let mut end = 0;
    for _ in 0..MOST_PACKETS {
        let packet = match reader.next_packet() {
            Ok(Some(packet)) => packet,
            // A recording that was cut off in the middle of its last packet plays all the same.
            Ok(None) | Err(symphonia::core::errors::Error::IoError(_)) => return Ok(end),
            Err(_) => return Err(Error::Damaged("it cannot be read to its end")),
        };
        let base = bases.iter().find(|(id, _)| *id == packet.track_id).and_then(|(_, base)| *base);
        let time = base.and_then(|base| base.calc_time(packet.pts.saturating_add(packet.dur)));
        end = end.max(time.map_or(0, |time| i64::try_from(time.as_nanos() / 1_000_000).unwrap_or(i64::MAX)));
    }
    Err(Error::Damaged("it has more packets than a recording that long"))
}
