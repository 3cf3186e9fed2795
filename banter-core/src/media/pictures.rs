//! Pictures: decoded within hard limits and written anew, so that only pixels come through. Runs on a blocking thread.

use std::io::Cursor;

use gif::{DecodeOptions, Encoder, MemoryLimit};
use image::codecs::jpeg::JpegEncoder;
use image::error::LimitErrorKind;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder as _, ImageError, ImageFormat, ImageReader, Limits, Rgb, RgbImage};

use super::content::Content;
use super::{Error, Kind, Purpose};

/// No phone makes a longer side, and no memory is to be taken on a header's word alone.
const LONGEST_SIDE: u32 = 16_384;
const MOST_PIXELS: u64 = 50_000_000;
/// What one decoder may take.
const MEMORY: u64 = 256 << 20;
/// Of an animation: frames, and pixels of all of them together.
const MOST_FRAMES: usize = 1_000;
const MOST_ANIMATED: u64 = 250_000_000;
const THUMBNAIL: u32 = 320;
const QUALITY: u8 = 85;
const THUMBNAIL_QUALITY: u8 = 75;

/// A picture as it is stored.
pub(super) struct Picture {
    pub kind: Kind,
    pub extension: &'static str,
    pub width: u32,
    pub height: u32,
    pub bytes: Vec<u8>,
    /// JPEG.
    pub thumbnail: Vec<u8>,
}

pub(super) fn prepare(bytes: &[u8], content: Content, purpose: Purpose) -> Result<Picture, Error> {
    let whole = decode(bytes, content)?;
    if content == Content::Gif && purpose.takes(Kind::Gif) {
        let thumbnail = thumbnail(&whole)?;
        let (bytes, width, height) = animation(bytes)?;
        return Ok(Picture { kind: Kind::Gif, extension: "gif", width, height, bytes, thumbnail });
    }
    let most = purpose.longest_side();
    let small =
        if whole.width() > most || whole.height() > most { whole.thumbnail(most, most) } else { whole };
    let (extension, bytes) = if is_transparent(&small) {
        ("png", png(&small.to_rgba8().into())?)
    } else {
        ("jpg", jpeg(&small.to_rgb8(), QUALITY)?)
    };
    let thumbnail = thumbnail(&small)?;
    Ok(Picture {
        kind: Kind::Image,
        extension,
        width: small.width(),
        height: small.height(),
        bytes,
        thumbnail,
    })
}

/// The picture, of an animation the first one, upright.
fn decode(bytes: &[u8], content: Content) -> Result<DynamicImage, Error> {
    let format = match content {
        Content::Jpeg => ImageFormat::Jpeg,
        Content::Png => ImageFormat::Png,
        Content::WebP => ImageFormat::WebP,
        Content::Gif => ImageFormat::Gif,
        Content::Iso | Content::WebM | Content::Ogg | Content::Mp3 | Content::Aac | Content::Wav => {
            return Err(Error::Unsupported);
        }
    };
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(MEMORY);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder().map_err(refused)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(Error::TooManyPixels("it has more than 50 megapixels"));
    }
    if decoder.total_bytes() > MEMORY {
        return Err(Error::TooManyPixels("it takes too much memory to decode"));
    }
    decoder.set_limits(limits).map_err(refused)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder).map_err(refused)?;
    image.apply_orientation(orientation);
    Ok(image)
}

fn refused(error: ImageError) -> Error {
    match error {
        ImageError::Limits(limit) => match limit.kind() {
            LimitErrorKind::DimensionError => Error::TooManyPixels("a side is longer than 16384 pixels"),
            _ => Error::TooManyPixels("it takes too much memory to decode"),
        },
        _ => Error::Damaged("it cannot be decoded"),
    }
}

/// The same frames without anything between them: comments, XMP, what hides in extensions of applications.
fn animation(bytes: &[u8]) -> Result<(Vec<u8>, u32, u32), Error> {
    let damaged = |_| Error::Damaged("it cannot be decoded");
    let mut options = DecodeOptions::new();
    options.set_memory_limit(MemoryLimit::Bytes(MEMORY.try_into().expect("not zero")));
    let mut decoder = options.read_info(bytes).map_err(damaged)?;
    let (width, height) = (decoder.width(), decoder.height());
    let palette = decoder.global_palette().unwrap_or_default().to_vec();
    let broken = |_| Error::Damaged("it cannot be written");
    let mut written = Encoder::new(Vec::new(), width, height, &palette).map_err(broken)?;
    let (mut frames, mut pixels) = (0, 0);
    while let Some(frame) = decoder.next_frame_info().map_err(damaged)? {
        frames += 1;
        pixels += u64::from(frame.width) * u64::from(frame.height);
        let one = u64::from(frame.width) * u64::from(frame.height);
        if frames > MOST_FRAMES || pixels > MOST_ANIMATED || one > MOST_PIXELS {
            return Err(Error::TooManyPixels("the animation has too many frames"));
        }
        let mut copy = frame.clone();
        let mut buffer = vec![0; decoder.buffer_size()];
        decoder.read_into_buffer(&mut buffer).map_err(damaged)?;
        copy.buffer = buffer.into();
        copy.interlaced = false;
        copy.needs_user_input = false;
        if frames == 1 {
            // Said before the first frame, and known once that is reached.
            written.set_repeat(decoder.repeat()).map_err(broken)?;
        }
        written.write_frame(&copy).map_err(broken)?;
        if written.get_ref().len() > 2 * usize::try_from(super::content::IMAGE).expect("it fits") {
            return Err(Error::TooManyPixels("the animation is too long"));
        }
    }
    if frames == 0 {
        return Err(Error::Damaged("it has no frame"));
    }
    Ok((
        written.into_inner().map_err(|_| Error::Damaged("it cannot be written"))?,
        width.into(),
        height.into(),
    ))
}

fn is_transparent(image: &DynamicImage) -> bool {
    image.color().has_alpha() && image.to_rgba8().pixels().any(|pixel| pixel.0[3] < 255)
}

/// On white, where the picture lets something through.
fn thumbnail(image: &DynamicImage) -> Result<Vec<u8>, Error> {
    let small = image.width().max(image.height()) > THUMBNAIL;
    let small = if small { image.thumbnail(THUMBNAIL, THUMBNAIL) } else { image.clone() };
    let rgba = small.to_rgba8();
    let flat = RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [red, green, blue, alpha] = rgba.get_pixel(x, y).0.map(u16::from);
        let over =
            |colour: u16| u8::try_from((colour * alpha + 255 * (255 - alpha)) / 255).unwrap_or(u8::MAX);
        Rgb([red, green, blue].map(over))
    });
    jpeg(&flat, THUMBNAIL_QUALITY)
}

fn jpeg(image: &RgbImage, quality: u8) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality)
        .encode_image(image)
        .map_err(|_| Error::Damaged("it cannot be written"))?;
    Ok(bytes)
}

fn png(image: &DynamicImage) -> Result<Vec<u8>, Error> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png).map_err(|_| Error::Damaged("it cannot be written"))?;
    Ok(bytes.into_inner())
}
