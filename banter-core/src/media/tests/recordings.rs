//! Sound and film, good and bad.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};

use crate::error::Coded as _;
use crate::media::content::Content;
use crate::media::recordings::{Recording, prepare};
use crate::media::{Error, Kind, Purpose};
use crate::testing::files::{self, Boxed, PLACE, holds};

fn spooled(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn taken(bytes: &[u8], purpose: Purpose) -> (Result<Recording, Error>, Vec<u8>) {
    let mut file = spooled(bytes);
    let recording = prepare(&mut file, Content::of(bytes).expect("a recording"), purpose);
    let mut stored = Vec::new();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.read_to_end(&mut stored).unwrap();
    (recording, stored)
}

#[track_caller]
fn refused(bytes: &[u8], purpose: Purpose) -> &'static str {
    match taken(bytes, purpose).0 {
        Ok(recording) => panic!("it was taken: {recording:?}"),
        Err(error) => error.coded().1,
    }
}

const FILM: Boxed<'static> = Boxed { brand: b"isom", film: true, seconds: 12, place_track: false };
const SOUND: Boxed<'static> = Boxed { brand: b"M4A ", film: false, seconds: 9, place_track: false };

#[test]
fn length_and_type_are_read_and_places_are_blanked() {
    let apple = Boxed { brand: b"qt  ", place_track: true, ..FILM };
    for (name, bytes, kind, extension, ms) in [
        ("MP4", files::boxes(Boxed { place_track: true, ..FILM }), Kind::Video, "mp4", 12_000),
        ("QuickTime", files::boxes(apple), Kind::Video, "mov", 12_000),
        (
            "3GP",
            files::boxes(Boxed { brand: b"3gp5", place_track: true, ..FILM }),
            Kind::Video,
            "3gp",
            12_000,
        ),
        ("M4A", files::boxes(Boxed { place_track: true, ..SOUND }), Kind::Audio, "m4a", 9_000),
        ("WAV", files::wav(3), Kind::Audio, "wav", 3_000),
        ("MP3", files::mp3(4), Kind::Audio, "mp3", 3_997),
        ("WebM", files::webm(6), Kind::Audio, "weba", 5_000),
    ] {
        assert!(holds(&bytes, PLACE), "{name}: there is something to find");
        let (recording, stored) = taken(&bytes, Purpose::Chat);
        let recording = recording.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((recording.kind, recording.extension), (kind, extension), "{name}");
        assert!((recording.duration_ms - ms).abs() <= 60, "{name}: {} ms", recording.duration_ms);
        assert!(!holds(&stored, PLACE), "{name}");
        assert_eq!(stored.len(), bytes.len(), "{name}: nothing moves");
    }
}

#[test]
fn samples_stay_as_they_are() {
    let (_, stored) = taken(&files::boxes(FILM), Purpose::Chat);
    assert!(holds(&stored, "SAMPLE1!"));
}

#[test]
fn a_film_is_as_large_as_it_is_shown() {
    let film = taken(&files::boxes(FILM), Purpose::Chat).0.unwrap();
    assert_eq!((film.width, film.height), (Some(480), Some(640)), "turned by a quarter");
}

#[test]
fn a_voice_message_is_sound_of_five_minutes() {
    assert_eq!(taken(&files::boxes(SOUND), Purpose::Voice).0.unwrap().kind, Kind::Audio);
    assert_eq!(refused(&files::boxes(FILM), Purpose::Voice), "UNSUPPORTED_MEDIA_TYPE");
    for bytes in [files::boxes(Boxed { seconds: 301, ..SOUND }), files::wav(301)] {
        assert_eq!(refused(&bytes, Purpose::Voice), "MEDIA_TOO_LONG");
        assert_eq!(refused(&bytes, Purpose::Chat), "MEDIA_TOO_LONG");
    }
    taken(&files::boxes(Boxed { seconds: 300, ..SOUND }), Purpose::Voice).0.unwrap();
    taken(&files::boxes(Boxed { seconds: 301, ..FILM }), Purpose::Chat).0.unwrap();
}

#[test]
fn sound_in_boxes_has_sound_s_limit() {
    let mut large = files::boxes(SOUND);
    let filler = 11_u32 << 20;
    large.extend(filler.to_be_bytes());
    large.extend(b"free");
    large.resize(large.len() + filler as usize - 8, 0);
    assert_eq!(refused(&large, Purpose::Chat), "FILE_TOO_LARGE");
}

#[test]
fn what_cannot_be_read_is_refused() {
    let film = files::boxes(FILM);
    let mut size_of_all = film.clone();
    size_of_all[24..28].copy_from_slice(&[0xff; 4]);
    let mut hundreds = b"\0\0\0\x10ftypisom\0\0\0\0".to_vec();
    (0..30_000).for_each(|_| hundreds.extend(b"\0\0\0\x08free"));
    for (name, bytes) in [
        ("a beginning alone", film[..24].to_vec()),
        ("cut off in its index", film[..film.len() - 200].to_vec()),
        ("a box larger than the file", size_of_all),
        ("no length", files::boxes(Boxed { seconds: 0, ..FILM })),
        ("boxes without end", hundreds),
        ("Ogg in name alone", [b"OggS".as_slice(), &[0; 200]].concat()),
        ("WAV without samples", files::wav(1)[..60].to_vec()),
        ("MP3 in name alone", [b"ID3\x03\0\0\0\0\0\0".as_slice(), &[0; 500]].concat()),
        ("WebM in name alone", files::webm(0)[..26].to_vec()),
        ("AAC in name alone", [b"\xff\xf1".as_slice(), &[0; 500]].concat()),
    ] {
        assert_eq!(refused(&bytes, Purpose::Chat), "MEDIA_INVALID", "{name}");
    }
}

/// Every length and number in the file replaced by the largest there is: whatever is said of it, it is said soon, and no
/// memory is taken on its word.
#[test]
fn lies_about_lengths_do_no_harm() {
    for good in
        [files::boxes(Boxed { place_track: true, ..FILM }), files::webm(3), files::wav(1), files::mp3(1)]
    {
        for at in (0..good.len().min(900)).step_by(4) {
            let mut lie = good.clone();
            let end = (at + 4).min(lie.len());
            lie[at..end].fill(0xff);
            if Content::of(&lie).is_some_and(|content| !content.is_picture()) {
                let _ = taken(&lie, Purpose::Chat);
            }
        }
    }
}
