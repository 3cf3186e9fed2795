//! Pictures, good and bad.

use image::{DynamicImage, GenericImageView as _, ImageFormat};

use crate::error::Coded as _;
use crate::media::content::Content;
use crate::media::pictures::{Picture, prepare};
use crate::media::{Error, Kind, Purpose};
use crate::testing::files::{self, PLACE, holds};

fn taken(bytes: &[u8], purpose: Purpose) -> Result<Picture, Error> {
    prepare(bytes, Content::of(bytes).expect("a picture"), purpose)
}

#[track_caller]
fn refused(bytes: &[u8]) -> &'static str {
    match taken(bytes, Purpose::Chat) {
        Ok(picture) => panic!("it was taken as {}", picture.extension),
        Err(error) => error.coded().1,
    }
}

fn seen(picture: &Picture) -> DynamicImage {
    image::load_from_memory(&picture.bytes).unwrap()
}

#[test]
fn nothing_but_pixels_comes_through() {
    let webp = {
        let mut plain = files::encode(&files::picture(40, 20), ImageFormat::WebP);
        let chunk =
            [b"XMP ".as_slice(), &u32::try_from(PLACE.len()).unwrap().to_le_bytes(), PLACE.as_bytes()]
                .concat();
        plain.extend(chunk);
        let size = u32::try_from(plain.len() - 8).unwrap().to_le_bytes();
        plain[4..8].copy_from_slice(&size);
        plain
    };
    let php = [files::jpeg(40, 20), b"<?php system($_GET[0]); ?>PK\x03\x04".to_vec(), PLACE.into()].concat();
    let script = [files::gif(40, 20, 2), b"*/=1;alert(1)//<script>".to_vec(), PLACE.into()].concat();
    for (name, bytes, extension) in [
        ("EXIF in JPEG", files::jpeg_with_exif(40, 20, 1), "jpg"),
        ("notes in PNG", files::png_with_notes(40, 20), "jpg"),
        ("XMP in WebP", webp, "jpg"),
        ("a comment in GIF", files::gif(40, 20, 3), "gif"),
        ("JPEG and PHP and ZIP", php, "jpg"),
        ("GIF and script", script, "gif"),
    ] {
        assert!(holds(&bytes, PLACE), "{name}: there is something to find");
        let picture = taken(&bytes, Purpose::Chat).unwrap();
        assert_eq!((picture.extension, picture.width, picture.height), (extension, 40, 20), "{name}");
        for stored in [&picture.bytes, &picture.thumbnail] {
            for text in [PLACE, "Exif", "<?php", "<script", "GPS"] {
                assert!(!holds(stored, text), "{name}: {text}");
            }
        }
        assert_eq!(seen(&picture).dimensions(), (40, 20), "{name}");
    }
}

#[test]
fn a_picture_stands_upright() {
    let picture = taken(&files::jpeg_with_exif(60, 20, 6), Purpose::Chat).unwrap();
    assert_eq!((picture.width, picture.height), (20, 60));
    assert_eq!(seen(&picture).dimensions(), (20, 60));
}

#[test]
fn a_picture_is_sized_for_its_purpose() {
    let large = files::jpeg(3000, 1500);
    for (purpose, size) in
        [(Purpose::Avatar, (512, 256)), (Purpose::RoomCover, (1280, 640)), (Purpose::Chat, (2048, 1024))]
    {
        let picture = taken(&large, purpose).unwrap();
        assert_eq!((picture.width, picture.height), size, "{purpose:?}");
        let thumbnail = image::load_from_memory_with_format(&picture.thumbnail, ImageFormat::Jpeg).unwrap();
        assert_eq!(thumbnail.dimensions(), (320, 160));
    }
    let tiny = taken(&files::png(1, 1), Purpose::Avatar).unwrap();
    assert_eq!((tiny.width, tiny.height), (1, 1), "what is small stays small");
}

#[test]
fn what_can_be_seen_through_stays_so() {
    let picture = taken(&files::encode(&files::glass(40, 20), ImageFormat::Png), Purpose::Chat).unwrap();
    assert_eq!(picture.extension, "png");
    assert_eq!(seen(&picture).to_rgba8().get_pixel(0, 0).0[3], 0);
    let thumbnail = image::load_from_memory(&picture.thumbnail).unwrap().to_rgb8();
    assert!(thumbnail.get_pixel(2, 2).0.iter().all(|part| *part > 240), "on white");
    let opaque =
        taken(&files::encode(&files::picture(40, 20).to_rgba8().into(), ImageFormat::Png), Purpose::Chat);
    assert_eq!(opaque.unwrap().extension, "jpg");
}

#[test]
fn sixteen_bits_are_as_good_as_eight() {
    let deep = DynamicImage::ImageRgb16(files::picture(30, 30).to_rgb16());
    assert_eq!(taken(&files::encode(&deep, ImageFormat::Png), Purpose::Chat).unwrap().extension, "jpg");
}

#[test]
fn an_animation_moves_only_in_a_chat() {
    let bytes = files::gif(30, 30, 7);
    let chat = taken(&bytes, Purpose::Chat).unwrap();
    assert_eq!(chat.kind, Kind::Gif);
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    let mut decoder = options.read_info(chat.bytes.as_slice()).unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = decoder.read_next_frame().unwrap() {
        frames.push((frame.delay, frame.buffer[0]));
    }
    assert_eq!(frames, [(5, 0), (5, 255), (5, 0), (5, 255), (5, 0), (5, 255), (5, 0)]);
    assert_eq!(decoder.repeat(), gif::Repeat::Infinite);
    let avatar = taken(&bytes, Purpose::Avatar).unwrap();
    assert_eq!((avatar.kind, avatar.extension), (Kind::Image, "jpg"));
}

#[test]
fn bombs_do_not_go_off() {
    for (name, bytes) in [
        ("a long side", files::png_bomb(100_000, 1)),
        ("a large area", files::png_bomb(16_000, 16_000)),
        ("as large as a number may be", files::png_bomb(0x7fff_ffff, 0x7fff_ffff)),
        ("a GIF's canvas", {
            let mut bytes = files::gif(2, 2, 1);
            bytes[6..10].copy_from_slice(&[0xff; 4]);
            bytes
        }),
        ("thousands of frames", files::gif(4, 4, 3000)),
        ("frames and frames", files::gif(1600, 1600, 110)),
    ] {
        assert_eq!(refused(&bytes), "IMAGE_TOO_LARGE", "{name}");
    }
}

#[test]
fn what_is_broken_is_said_to_be() {
    let jpeg = files::jpeg(100, 100);
    let png = files::png(100, 100);
    for (name, bytes) in [
        ("a beginning alone", jpeg[..4].to_vec()),
        ("half a PNG", png[..png.len() / 2].to_vec()),
        ("no pixels", files::png_bomb(0, 0)),
        ("less data than promised", files::png_bomb(100, 100)),
        ("a GIF without frames", files::gif(10, 10, 0)),
        ("WebP in name alone", b"RIFF\x10\0\0\0WEBPVP8 \0\0\0\0".to_vec()),
    ] {
        assert_eq!(refused(&bytes), "MEDIA_INVALID", "{name}");
    }
}
