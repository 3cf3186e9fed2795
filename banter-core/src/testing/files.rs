//! Files as phones and enemies send them, made byte by byte.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};

/// What must never come out again of a file that it was put into.
pub const PLACE: &str = "+19.0760+072.8777/";

/// Something to look at: a wash of colours.
pub fn picture(width: u32, height: u32) -> DynamicImage {
    let part = |at: u32, of: u32| u8::try_from(at * 255 / of.max(1)).unwrap_or(255);
    RgbImage::from_fn(width, height, |x, y| Rgb([part(x, width), part(y, height), 128])).into()
}

/// Half of it can be seen through.
pub fn glass(width: u32, height: u32) -> DynamicImage {
    RgbaImage::from_fn(width, height, |x, _| Rgba([200, 30, 30, if x * 2 < width { 0 } else { 255 }])).into()
}

pub fn encode(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).expect("it can be written");
    bytes.into_inner()
}

pub fn jpeg(width: u32, height: u32) -> Vec<u8> {
    encode(&picture(width, height), ImageFormat::Jpeg)
}

pub fn png(width: u32, height: u32) -> Vec<u8> {
    encode(&picture(width, height), ImageFormat::Png)
}

/// EXIF (TIFF, big-endian) with an orientation, and [`PLACE`] as a description.
pub fn exif(orientation: u8) -> Vec<u8> {
    let mut tiff = b"MM\0\x2a\0\0\0\x08\0\x02".to_vec();
    tiff.extend([0x01, 0x0e, 0, 2, 0, 0, 0, u8::try_from(PLACE.len()).expect("short"), 0, 0, 0, 38]);
    tiff.extend([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0]);
    tiff.extend([0, 0, 0, 0]);
    tiff.extend(PLACE.as_bytes());
    tiff
}

/// With EXIF right behind its beginning.
pub fn jpeg_with_exif(width: u32, height: u32, orientation: u8) -> Vec<u8> {
    let mut payload = b"Exif\0\0".to_vec();
    payload.extend(exif(orientation));
    let length = u16::try_from(payload.len() + 2).expect("short").to_be_bytes();
    let plain = jpeg(width, height);
    [&plain[..2], &[0xff, 0xe1], &length, &payload, &plain[2..]].concat()
}

/// With a text chunk and an EXIF chunk.
pub fn png_with_notes(width: u32, height: u32) -> Vec<u8> {
    let plain = png(width, height);
    let text = [b"Comment\0", PLACE.as_bytes()].concat();
    // Signature and header come first, and have 33 bytes.
    [&plain[..33], &png_chunk(b"tEXt", &text), &png_chunk(b"eXIf", &exif(1)), &plain[33..]].concat()
}

fn png_chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let body = [kind.as_slice(), data].concat();
    let length = u32::try_from(data.len()).expect("short").to_be_bytes();
    [&length[..], &body, &crc32(&body).to_be_bytes()].concat()
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 },
        )
    })
}

/// A header that promises this many pixels, and next to no data.
pub fn png_bomb(width: u32, height: u32) -> Vec<u8> {
    let mut header = Vec::new();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    header.extend([8, 6, 0, 0, 0]);
    let signature = b"\x89PNG\r\n\x1a\n";
    let data = [0x78, 0x9c, 0x63, 0, 0, 0, 1, 0, 1];
    [&signature[..], &png_chunk(b"IHDR", &header), &png_chunk(b"IDAT", &data), &png_chunk(b"IEND", &[])]
        .concat()
}

/// An animation with a comment that holds [`PLACE`].
pub fn gif(width: u16, height: u16, frames: usize) -> Vec<u8> {
    let mut encoder = gif::Encoder::new(Vec::new(), width, height, &[0, 0, 0, 255, 0, 0]).expect("a header");
    encoder.set_repeat(gif::Repeat::Infinite).expect("an extension");
    encoder.write_raw_extension(gif::AnyExtension(0xfe), &[PLACE.as_bytes()]).expect("a comment");
    let area = usize::from(width) * usize::from(height);
    for number in 0..frames {
        let buffer = vec![u8::try_from(number % 2).expect("a bit"); area].into();
        let frame = gif::Frame { width, height, delay: 5, buffer, ..gif::Frame::default() };
        encoder.write_frame(&frame).expect("a frame");
    }
    encoder.into_inner().expect("an end")
}

fn boxed(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let size = u32::try_from(body.len() + 8).expect("short").to_be_bytes();
    [&size[..], kind, &body].concat()
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// What a film or a recording in boxes holds.
#[derive(Clone, Copy)]
pub struct Boxed<'a> {
    pub brand: &'a [u8; 4],
    pub film: bool,
    pub seconds: u32,
    /// A track of places beside it, as some phones make one.
    pub place_track: bool,
}

/// MP4 and its kin, with [`PLACE`] wherever a phone would put it: a user-data box, a `meta` box, a track of its own.
pub fn boxes(what: Boxed<'_>) -> Vec<u8> {
    let ftyp = boxed(b"ftyp", &[what.brand, &words(&[0]), what.brand, b"isom"]);
    let samples = [b"SAMPLE1!".as_slice(), PLACE.as_bytes()].concat();
    let first = u32::try_from(ftyp.len() + 8).expect("short");
    let mdat = boxed(b"mdat", &[&samples]);
    let mut tracks = track(1, if what.film { b"vide" } else { b"soun" }, what.seconds, first, 8);
    if what.place_track {
        let place = u32::try_from(PLACE.len()).expect("short");
        tracks.extend(track(2, b"meta", what.seconds, first + 8, place));
    }
    let place = [&words(&[0x0012_15c7])[..], PLACE.as_bytes()].concat();
    let user_data = boxed(b"udta", &[&boxed(b"\xa9xyz", &[&place]), &boxed(b"loci", &[PLACE.as_bytes()])]);
    let meta = boxed(b"meta", &[&words(&[0]), b"com.apple.quicktime.location.ISO6709", PLACE.as_bytes()]);
    let mut header = words(&[0, 0, 0, 1000, what.seconds * 1000, 0x0001_0000, 0x0100_0000, 0, 0]);
    header.extend(words(&[0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000, 0, 0, 0, 0, 0, 0, 3]));
    let moov = boxed(b"moov", &[&boxed(b"mvhd", &[&header]), &tracks, &user_data, &meta]);
    let uuid = boxed(b"uuid", &[&[7; 16], PLACE.as_bytes()]);
    [ftyp, mdat, moov, uuid].concat()
}

/// One sample for all its seconds. A film is 640 wide and 480 high, and to be turned by a quarter.
fn track(id: u32, handler: &[u8; 4], seconds: u32, offset: u32, size: u32) -> Vec<u8> {
    let film = handler == b"vide";
    let matrix = [0, 0x0001_0000, 0, 0xffff_0000, 0, 0, 0, 0, 0x4000_0000];
    let (width, height) = if film { (640 << 16, 480 << 16) } else { (0, 0) };
    let mut tkhd = words(&[3, 0, 0, id, 0, seconds * 1000, 0, 0, 0, 0]);
    tkhd.extend(words(&matrix));
    tkhd.extend(words(&[width, height]));
    let mdhd = words(&[0, 0, 0, 1000, seconds * 1000, 0x55c4_0000]);
    let hdlr = [&words(&[0, 0])[..], handler, &words(&[0, 0, 0]), b"x\0"].concat();
    let entry = match handler {
        b"vide" => boxed(
            b"avc1",
            &[
                &[0, 0, 0, 0, 0, 0, 0, 1],
                &[0; 16],
                &[0x02, 0x80, 0x01, 0xe0],
                &words(&[0x0048_0000, 0x0048_0000, 0]),
                &[0, 1],
                &[0; 32],
                &[0, 0x18, 0xff, 0xff],
            ],
        ),
        b"soun" => boxed(
            b"sowt",
            &[&[0, 0, 0, 0, 0, 0, 0, 1], &[0; 8], &[0, 1, 0, 16, 0, 0, 0, 0], &words(&[44_100 << 16])],
        ),
        _ => boxed(b"mebx", &[&[0, 0, 0, 0, 0, 0, 0, 1]]),
    };
    let media_header = match handler {
        b"vide" => boxed(b"vmhd", &[&words(&[1, 0, 0])]),
        b"soun" => boxed(b"smhd", &[&words(&[0, 0])]),
        _ => boxed(b"nmhd", &[&words(&[0])]),
    };
    let url = boxed(b"url ", &[&words(&[1])]);
    let dinf = boxed(b"dinf", &[&boxed(b"dref", &[&words(&[0, 1]), &url])]);
    let stbl = boxed(
        b"stbl",
        &[
            &boxed(b"stsd", &[&words(&[0, 1]), &entry]),
            &boxed(b"stts", &[&words(&[0, 1, 1, seconds * 1000])]),
            &boxed(b"stsc", &[&words(&[0, 1, 1, 1, 1])]),
            &boxed(b"stsz", &[&words(&[0, 0, 1, size])]),
            &boxed(b"stco", &[&words(&[0, 1, offset])]),
        ],
    );
    let minf = boxed(b"minf", &[&media_header, &dinf, &stbl]);
    let mdia = boxed(b"mdia", &[&boxed(b"mdhd", &[&mdhd]), &boxed(b"hdlr", &[&hdlr]), &minf]);
    boxed(b"trak", &[&boxed(b"tkhd", &[&tkhd]), &mdia])
}

/// Silence, with a chunk of notes that hold [`PLACE`].
pub fn wav(seconds: u32) -> Vec<u8> {
    let rate = 8000_u32;
    let data = seconds * rate;
    let notes =
        [b"INFOICMT".as_slice(), &u32::try_from(PLACE.len()).expect("short").to_le_bytes(), PLACE.as_bytes()];
    let notes = notes.concat();
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((4 + 24 + 8 + u32::try_from(notes.len()).expect("short") + 8 + data).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    bytes.extend(rate.to_le_bytes());
    bytes.extend(rate.to_le_bytes());
    bytes.extend([1, 0, 8, 0]);
    bytes.extend(b"LIST");
    bytes.extend(u32::try_from(notes.len()).expect("short").to_le_bytes());
    bytes.extend(notes);
    bytes.extend(b"data");
    bytes.extend(data.to_le_bytes());
    bytes.resize(bytes.len() + data as usize, 0x80);
    bytes
}

/// Frames of silence (MPEG-1 layer III, 32 kbit/s, 44.1 kHz mono) behind an ID3 tag that holds [`PLACE`].
pub fn mp3(seconds: u32) -> Vec<u8> {
    let size = u8::try_from(PLACE.len() + 10).expect("short");
    let mut bytes = vec![b'I', b'D', b'3', 3, 0, 0, 0, 0, 0, size];
    bytes.extend(b"TXXX");
    bytes.extend(u32::try_from(PLACE.len()).expect("short").to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend(PLACE.as_bytes());
    for _ in 0..seconds * 44_100 / 1152 {
        bytes.extend([0xff, 0xfb, 0x10, 0xc4]);
        bytes.resize(bytes.len() + 100, 0);
    }
    bytes
}

/// An element of EBML with a length of eight bytes.
fn element(id: &[u8], body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u64 | 1 << 56).to_be_bytes();
    [id, &length, body].concat()
}

/// Opus in WebM as a browser records it: the segment and its cluster of unknown length, no duration. A tag holds
/// [`PLACE`].
pub fn webm(seconds: u16) -> Vec<u8> {
    let header = element(&[0x1a, 0x45, 0xdf, 0xa3], &element(&[0x42, 0x82], b"webm"));
    let told = [
        element(&[0x2a, 0xd7, 0xb1], &1_000_000_u32.to_be_bytes()),
        element(&[0x4d, 0x80], b"Chrome"),
        element(&[0x57, 0x41], format!("Chrome at {PLACE}").as_bytes()),
        element(&[0x7b, 0xa9], PLACE.as_bytes()),
        element(&[0x44, 0x61], &7_u64.to_be_bytes()),
    ];
    let info = element(&[0x15, 0x49, 0xa9, 0x66], &told.concat());
    let opus_head = b"OpusHead\x01\x01\0\0\x80\xbb\0\0\0\0\0";
    let audio = [element(&[0xb5], &48_000_f64.to_be_bytes()), element(&[0x9f], &[1])].concat();
    let entry = [
        element(&[0xd7], &[1]),
        element(&[0x73, 0xc5], &[1]),
        element(&[0x83], &[2]),
        element(&[0x86], b"A_OPUS"),
        element(&[0x63, 0xa2], opus_head),
        element(&[0xe1], &audio),
    ];
    let tracks = element(&[0x16, 0x54, 0xae, 0x6b], &element(&[0xae], &entry.concat()));
    let simple = [element(&[0x45, 0xa3], b"LOCATION"), element(&[0x44, 0x87], PLACE.as_bytes())].concat();
    let tag = [element(&[0x63, 0xc0], &[]), element(&[0x67, 0xc8], &simple)].concat();
    let tags = element(&[0x12, 0x54, 0xc3, 0x67], &element(&[0x73, 0x73], &tag));
    let mut cluster = element(&[0xe7], &[0]);
    for second in 0..seconds.min(30) {
        let time = (second * 1000).to_be_bytes();
        cluster.extend(element(&[0xa3], &[0x81, time[0], time[1], 0x80, 0xf8, 0xff, 0xfe]));
    }
    let unknown = [0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    let segment = [&[0x18, 0x53, 0x80, 0x67], &unknown[..], &info, &tracks, &tags].concat();
    [header, segment, [0x1f, 0x43, 0xb6, 0x75].to_vec(), unknown.to_vec(), cluster].concat()
}

/// Pages of Ogg that hold these packets, each with the position of its end. A page has at most a kilobyte of one packet.
pub fn ogg(serial: u32, packets: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let (mut bytes, mut number) = (Vec::new(), 0_u32);
    for (at, (position, packet)) in packets.iter().enumerate() {
        let mut laces = vec![255; packet.len() / 255];
        laces.push(u8::try_from(packet.len() % 255).expect("a byte"));
        let pages = laces.chunks(4).count();
        for (part, (laces, body)) in laces.chunks(4).zip(packet.chunks(4 * 255)).enumerate() {
            let (first, last) = (at == 0, at == packets.len() - 1);
            let kind = u8::from(part > 0) | u8::from(first) << 1 | u8::from(last) << 2;
            let position = if part == pages - 1 { *position } else { u64::MAX };
            let mut page = b"OggS\0".to_vec();
            page.push(kind);
            page.extend(position.to_le_bytes());
            page.extend(serial.to_le_bytes());
            page.extend(number.to_le_bytes());
            page.extend([0; 4]);
            page.push(u8::try_from(laces.len()).expect("four"));
            page.extend(laces);
            page.extend(body);
            let sum = ogg_sum(&page).to_le_bytes();
            page[22..26].copy_from_slice(&sum);
            bytes.extend(page);
            number += 1;
        }
    }
    bytes
}

/// A page's checksum, whatever stands in its place.
pub fn ogg_sum(page: &[u8]) -> u32 {
    let bytes = page.iter().enumerate().map(|(at, byte)| if (22..26).contains(&at) { 0 } else { *byte });
    bytes.fold(0, |sum, byte| {
        (0..8).fold(sum ^ u32::from(byte) << 24, |sum, _| (sum << 1) ^ ((sum >> 31) * 0x04c1_1db7))
    })
}

/// What Opus and Vorbis call comments: the encoder, and [`PLACE`] behind two kilobytes of something else.
pub fn ogg_comments(magic: &[u8], end: &[u8]) -> Vec<u8> {
    let text = |text: &[u8]| [&u32::try_from(text.len()).expect("short").to_le_bytes(), text].concat();
    let long = [b"TITLE=".as_slice(), &[b'x'; 2000]].concat();
    let place = [b"LOCATION=", PLACE.as_bytes()].concat();
    [magic, &text(b"Lavf"), &2_u32.to_le_bytes(), &text(&long), &text(&place), end].concat()
}

/// Opus in Ogg: silence of so many seconds.
pub fn opus(seconds: u64) -> Vec<u8> {
    let head = b"OpusHead\x01\x01\0\0\x80\xbb\0\0\0\0\0".to_vec();
    let mut packets = vec![(0, head), (0, ogg_comments(b"OpusTags", &[]))];
    packets.extend((1..=seconds * 50).map(|at| (at * 960, b"\xf8\xff\xfe".to_vec())));
    ogg(7, &packets)
}

/// Frames of AAC (ADTS, 44.1 kHz, mono), and [`PLACE`] behind them.
pub fn aac(seconds: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..seconds * 44_100 / 1024 {
        bytes.extend([0xff, 0xf1, 0x50, 0x40, 3, 0x7f, 0xfc]);
        bytes.extend([0x21; 20]);
    }
    bytes.extend(b"APETAGEX");
    bytes.extend(PLACE.as_bytes());
    bytes
}

/// Does one of these bytes' places hold that text?
pub fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}
