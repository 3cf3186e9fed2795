//! Sound and film, good and bad.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};

use crate::error::Coded as _;
use crate::media::content::Content;
use crate::media::recordings::{Recording, prepare};
use crate::media::{Error, Kind, Purpose, scrub};
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
        ("Opus in Ogg", files::opus(3), Kind::Audio, "ogg", 3_000),
        ("AAC", files::aac(3), Kind::Audio, "aac", 3_000),
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
    (0..130_000).for_each(|_| hundreds.extend(b"\0\0\0\x08free"));
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
    let boxed = files::boxes(Boxed { place_track: true, ..FILM });
    for good in [boxed, files::webm(3), files::wav(1), files::mp3(1), files::opus(1), files::aac(1)] {
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

/// A film whose second track, of places, has these tables in place of its own.
fn with_place_tables(samples: [u32; 2], chunks: u32, offset: impl Fn(u32) -> u32) -> Vec<u8> {
    let film = files::boxes(Boxed { place_track: true, ..FILM });
    let boxed = |kind: &[u8], words: Vec<u32>| {
        let body: Vec<_> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        [&u32::try_from(body.len() + 8).unwrap().to_be_bytes()[..], kind, &body].concat()
    };
    let nest = |kind: &[u8], body: &[u8]| {
        [&u32::try_from(body.len() + 8).unwrap().to_be_bytes()[..], kind, body].concat()
    };
    let offsets = [0, chunks].into_iter().chain((0..chunks).map(offset)).collect();
    let stbl = nest(
        b"stbl",
        &[
            boxed(b"stsd", vec![0, 0]),
            boxed(b"stsc", vec![0, 1, 1, 1, 1]),
            boxed(b"stsz", vec![0, samples[0], samples[1]]),
            boxed(b"stco", offsets),
        ]
        .concat(),
    );
    let handler = boxed(b"hdlr", vec![0, 0, u32::from_be_bytes(*b"meta"), 0, 0, 0, 0]);
    let media = nest(b"mdia", &[handler, nest(b"minf", &stbl)].concat());
    // Behind everything else: what stands in front stays where it is.
    [film, nest(b"moov", &nest(b"trak", &media))].concat()
}

#[test]
fn a_table_makes_nobody_write_more_than_the_file_has() {
    let tables = with_place_tables([1 << 20, 300_000], 300_000, |_| 0);
    let mut file = spooled(&[tables, vec![0; 2 << 20]].concat());
    let begun = std::time::Instant::now();
    let refused = prepare(&mut file, Content::Iso, Purpose::Chat).unwrap_err();
    assert_eq!(refused.coded().1, "MEDIA_INVALID");
    assert!(begun.elapsed().as_secs() < 5, "three hundred gigabytes of zeros");
}

#[test]
fn chunks_of_places_come_one_after_another() {
    let scrubbed = |offset: fn(u32) -> u32| {
        let bytes = [with_place_tables([10, 3], 3, offset), vec![0; 4096]].concat();
        scrub::boxes(&mut spooled(&bytes)).err().map(|error| error.coded().1)
    };
    assert_eq!(scrubbed(|at| 3000 + 10 * at), None);
    for (name, offset) in [
        ("one overlaps the other", (|at| 3000 + 9 * at) as fn(u32) -> u32),
        ("all the same", |_| 3000),
        ("backwards", |at| 3100 - 20 * at),
        ("behind the end", |at| 9000 + 10 * at),
    ] {
        assert_eq!(scrubbed(offset), Some("MEDIA_INVALID"), "{name}");
    }
}

#[test]
fn fragments_lose_their_notes() {
    let nest = |kind: &[u8], body: &[u8]| {
        [&u32::try_from(body.len() + 8).unwrap().to_be_bytes()[..], kind, body].concat()
    };
    let note = nest(b"udta", b"+28.6139+077.2090/");
    let run = nest(b"trun", b"\0\0\0\0\0\0\0\0");
    let track = nest(b"traf", &[run.clone(), note.clone(), nest(b"meta", b"+28.6139+077.2090/")].concat());
    let fragment = nest(b"moof", &[track, note.clone()].concat());
    let index = nest(b"mfra", &note);
    let mut file = spooled(&[files::boxes(FILM), fragment, index].concat());
    scrub::boxes(&mut file).unwrap();
    let mut stored = Vec::new();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.read_to_end(&mut stored).unwrap();
    assert!(!holds(&stored, "+28.6139"));
    assert!(stored.windows(run.len()).any(|window| window == run), "what is needed to play stays");
}

#[test]
fn comments_of_vorbis_go_and_its_pages_are_summed_up_anew() {
    let setup = [b"\x05vorbis".as_slice(), &[9; 300]].concat();
    let packets = [
        (0, [b"\x01vorbis".as_slice(), &[0; 23]].concat()),
        (0, files::ogg_comments(b"\x03vorbis", &[1])),
        (0, setup.clone()),
        (64, vec![3; 40]),
    ];
    let whole = files::ogg(3, &packets);
    let mut file = spooled(&[whole.as_slice(), PLACE.as_bytes()].concat());
    scrub::ogg(&mut file).unwrap();
    let mut stored = Vec::new();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.read_to_end(&mut stored).unwrap();
    for text in [PLACE, "Lavf", "TITLE"] {
        assert!(!holds(&stored, text), "{text}");
    }
    let (mut at, mut kept) = (0, Vec::new());
    while at < whole.len() {
        let laces = usize::from(stored[at + 26]);
        let body: usize = stored[at + 27..at + 27 + laces].iter().map(|lace| usize::from(*lace)).sum();
        let page = &stored[at..at + 27 + laces + body];
        assert_eq!(page[22..26], files::ogg_sum(page).to_le_bytes(), "the page at {at}");
        kept.push(page[27 + laces..].to_vec());
        at += page.len();
    }
    let kept = kept.concat();
    let comment = packets[1].1.len();
    let expected = u32::try_from(comment - 16).unwrap().to_le_bytes();
    assert_eq!(kept[30..41], [b"\x03vorbis".as_slice(), &expected].concat(), "a vendor without a name");
    assert_eq!(kept[30 + comment - 5..30 + comment], [0, 0, 0, 0, 1], "and no comment");
    assert_eq!(kept[30 + comment..30 + comment + setup.len()], setup);
}

#[test]
fn other_things_in_ogg_are_not_taken() {
    let film = files::ogg(1, &[(0, b"\x80theora".to_vec()), (0, b"\x81theora".to_vec())]);
    assert_eq!(refused(&film, Purpose::Chat), "UNSUPPORTED_MEDIA_TYPE");
    let beside = [files::opus(1), film].concat();
    assert_eq!(refused(&beside, Purpose::Chat), "UNSUPPORTED_MEDIA_TYPE");
}

#[test]
fn a_few_bytes_are_not_millions_of_packets() {
    // A block that says it holds 256 frames of nothing.
    let block = [0xa3, 0x85, 0x81, 0, 0, 0x84, 0xff];
    let bytes = [files::webm(2), block.repeat(40_000)].concat();
    let begun = std::time::Instant::now();
    let _ = taken(&bytes, Purpose::Chat);
    assert!(begun.elapsed().as_secs() < 20);
}

#[test]
fn tags_of_mp3_go_wherever_they_stand() {
    let tagged = files::mp3(2);
    let twice = [tagged[..10 + PLACE.len() + 10].to_vec(), tagged.clone()].concat();
    let mut ape = b"APETAGEX".to_vec();
    ape.extend([0xd0, 7, 0, 0]);
    ape.extend((32 + u32::try_from(PLACE.len()).unwrap()).to_le_bytes());
    ape.extend([0; 16]);
    let behind = [tagged, PLACE.into(), ape].concat();
    let both = [behind.clone(), [b"TAG".as_slice(), PLACE.as_bytes(), &[0; 107]].concat()].concat();
    for (name, bytes) in [("two in front", twice), ("APE", behind), ("APE and ID3", both)] {
        let (recording, stored) = taken(&bytes, Purpose::Chat);
        recording.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!holds(&stored, PLACE), "{name}");
    }
}
