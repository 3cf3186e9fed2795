//! What a file is taken for.

use crate::media::content::{self, Content};
use crate::media::{Purpose, named_by};
use crate::testing::files::{self, Boxed};

#[test]
fn a_file_is_what_its_content_says() {
    let m4a = Boxed { brand: b"M4A ", film: false, seconds: 1, place_track: false };
    for (bytes, content) in [
        (files::jpeg(2, 2), Some(Content::Jpeg)),
        (files::png(2, 2), Some(Content::Png)),
        (files::gif(2, 2, 1), Some(Content::Gif)),
        (b"RIFF\0\0\0\0WEBPVP8 ".to_vec(), Some(Content::WebP)),
        (files::wav(1), Some(Content::Wav)),
        (files::boxes(m4a), Some(Content::Iso)),
        (files::webm(1), Some(Content::WebM)),
        (files::mp3(1), Some(Content::Mp3)),
        (b"\xff\xf1\x50\x80".to_vec(), Some(Content::Aac)),
        (b"\xff\xfb\x90\x44".to_vec(), Some(Content::Mp3)),
        (b"OggS\0".to_vec(), Some(Content::Ogg)),
        (b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>".to_vec(), None),
        (b"<!doctype html><script>".to_vec(), None),
        (b"%PDF-1.7".to_vec(), None),
        (b"MZ\x90\0".to_vec(), None),
        (b"PK\x03\x04".to_vec(), None),
        (b"#!/bin/sh".to_vec(), None),
        (b"\0\0\0\x18ftypheic\0\0\0\0".to_vec(), None),
        (b"\x1a\x45\xdf\xa3\x42\x82\x88matroska".to_vec(), None),
        (b"RIFF\0\0\0\0AVI ".to_vec(), None),
        (b"GIF87".to_vec(), None),
        (Vec::new(), None),
    ] {
        assert_eq!(
            Content::of(&bytes),
            content,
            "{:?}",
            String::from_utf8_lossy(&bytes[..bytes.len().min(16)])
        );
    }
}

#[test]
fn each_purpose_takes_what_it_is_for() {
    let takes =
        |purpose| [Content::Jpeg, Content::Gif, Content::Mp3, Content::Iso].map(|c: Content| c.fits(purpose));
    assert_eq!(takes(Purpose::Chat), [true; 4]);
    assert_eq!(takes(Purpose::Voice), [false, false, true, true]);
    for purpose in [Purpose::Avatar, Purpose::RoomCover, Purpose::Verification] {
        assert_eq!(takes(purpose), [true, true, false, false], "{purpose:?}");
    }
    assert_eq!(Content::Iso.most(Purpose::Chat), content::VIDEO);
    assert_eq!(Content::Iso.most(Purpose::Voice), content::AUDIO);
    assert_eq!(Content::Png.most(Purpose::Chat), content::IMAGE);
}

#[test]
fn purposes_are_called_the_same_everywhere() {
    for purpose in Purpose::ALL {
        assert_eq!(serde_json::json!(purpose), purpose.slug());
        assert_eq!(Purpose::from_slug(purpose.slug()), Some(purpose));
    }
}

#[test]
fn a_link_names_its_upload() {
    let id = "0190b2c4-0000-7000-8000-000000000000";
    for url in [
        format!("https://b.example/media/chat/{id}.jpg?expires=1&signature=x"),
        format!("/{id}.mp4#t=1"),
        id.to_owned(),
    ] {
        assert_eq!(named_by(&url).map(|id| id.to_string()).as_deref(), Some(id), "{url}");
    }
    for url in ["", "https://b.example/", &format!("x/{id}_thumb.jpg"), "https://evil.example/x.jpg"] {
        assert_eq!(named_by(url), None, "{url}");
    }
}
