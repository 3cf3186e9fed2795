//! Who gets which link, and for how long. A private link ends 15 to 45 minutes after it was asked for; within half an
//! hour everybody gets the same one, so that a phone finds the picture in its cache.

use aws_lc_rs::{constant_time, hmac};
use chrono::{DateTime, Utc};
use object_store::GetRange;
use secrecy::{ExposeSecret as _, SecretString};

use super::{Error, Kind, Media, MediaStore, Purpose, Stored, content};
use crate::accounts::Caller;
use crate::ids::UploadId;
use crate::providers::storage::Opened;

/// Seconds: how long a link stays the same, and how long it holds after that.
const WINDOW: i64 = 1800;
const AT_LEAST: i64 = 900;

/// Signs links that this server answers itself.
pub(crate) struct Signer(hmac::Key);

impl Signer {
    /// The key is of the server's secret, and of no use for its tokens.
    pub(crate) fn new(secret: &SecretString) -> Self {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
        let own = hmac::sign(&secret, b"banter: links to media, version 1");
        Self(hmac::Key::new(hmac::HMAC_SHA256, own.as_ref()))
    }

    fn sign(&self, purpose: Purpose, name: &str, expires: i64) -> String {
        let text = format!("{}/{name}\n{expires}", purpose.slug());
        hmac::sign(&self.0, text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn check(&self, file: &File<'_>, now: DateTime<Utc>) -> Result<(), Error> {
        let (Some(expires), Some(signature)) = (file.expires, file.signature) else {
            return Err(Error::LinkInvalid);
        };
        let expected = self.sign(file.purpose, file.name, expires);
        constant_time::verify_slices_are_equal(expected.as_bytes(), signature.as_bytes())
            .map_err(|_| Error::LinkInvalid)?;
        if now.timestamp() >= expires { Err(Error::LinkExpired) } else { Ok(()) }
    }
}

/// A file of our own, as its link names it.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    pub purpose: Purpose,
    pub name: &'a str,
    pub expires: Option<i64>,
    pub signature: Option<&'a str>,
}

/// Which bytes of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Range(GetRange);

impl Range {
    /// One range of bytes (RFC 9110, section 14.1.2). Several, or another unit: none, and the whole is given.
    pub fn parse(header: &str) -> Option<Self> {
        let (first, last) = header.strip_prefix("bytes=")?.split_once('-')?;
        let number =
            |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u64>().ok())?;
        Some(Self(match (first, last) {
            ("", last) => GetRange::Suffix(number(last)?),
            (first, "") => GetRange::Offset(number(first)?),
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                if last < first {
                    return None;
                }
                GetRange::Bounded(first..last.checked_add(1)?)
            }
        }))
    }
}

/// A file as it is given out.
pub struct Found {
    pub content_type: &'static str,
    pub cache_control: &'static str,
    pub opened: Opened,
}

impl MediaStore<'_> {
    /// Links for somebody who was found to be allowed to see it. No network.
    pub(crate) async fn view(&self, stored: Stored) -> Media {
        let now = self.0.clock().now();
        let expires = (!stored.purpose.is_public()).then(|| expiry(now));
        let link = |name: &str| self.link(stored.purpose, name, expires);
        Media {
            url: link(&stored.object_key),
            thumbnail_url: stored.thumbnail_key.as_deref().map(link),
            id: stored.id,
            kind: stored.kind,
            content_type: stored.content_type,
            bytes: stored.bytes,
            width: stored.width,
            height: stored.height,
            duration_ms: stored.duration_ms,
            expires_at: expires,
        }
    }

    /// A link to something private for somebody who was found to be allowed to see it.
    pub(crate) fn private_link(&self, purpose: Purpose, name: &str) -> String {
        self.link(purpose, name, Some(expiry(self.0.clock().now())))
    }

    pub(super) fn link(&self, purpose: Purpose, name: &str, expires: Option<DateTime<Utc>>) -> String {
        if let Some(link) = self.0.storage().link(purpose, name, expires) {
            return link;
        }
        let url = format!("{}/media/{}/{name}", self.0.config().http.public_url, purpose.slug());
        match expires.map(|expires| expires.timestamp()) {
            None => url,
            Some(expires) => {
                let signature = self.0.link_signer().sign(purpose, name, expires);
                format!("{url}?expires={expires}&signature={signature}")
            }
        }
    }

    /// A fresh link, for its uploader and for whoever may see a message that holds it.
    pub async fn one(&self, caller: &Caller, id: UploadId) -> Result<Media, Error> {
        let found = sqlx::query_as!(
            Stored,
            r#"
            select
                u.id as "id: UploadId",
                u.purpose as "purpose: Purpose",
                u.kind as "kind: Kind",
                u.content_type,
                u.bytes,
                u.width,
                u.height,
                u.duration_ms,
                u.object_key,
                u.thumbnail_key
            from uploads u
            where u.id = $1
              and u.doomed_at is null
              and (
                  u.user_id = $2
                  or exists (
                      select
                      from messages m
                      join conversation_members c on c.conversation_id = m.conversation_id and c.user_id = $2
                      where m.upload_id = u.id
                        and m.deleted_at is null
                        and m.seq >= c.from_seq
                        and can_interact($2, m.sender_id)
                  )
              )
            "#,
            id.0,
            caller.user_id.0,
        )
        .fetch_optional(self.0.pool())
        .await?;
        Ok(self.view(found.ok_or(Error::NotFound)?).await)
    }

    /// Whether this server itself answers links to media.
    pub fn serves(&self) -> bool {
        self.0.storage().is_local()
    }

    /// A file, or a part of it, for whoever holds its link.
    pub async fn open(&self, file: File<'_>, range: Option<Range>) -> Result<Found, Error> {
        if !file.purpose.is_public() {
            self.0.link_signer().check(&file, self.0.clock().now())?;
        }
        let content_type = type_of_ours(file.name).ok_or(Error::NotFound)?;
        let opened = self.0.storage().open(file.purpose, file.name, range.map(|range| range.0)).await?;
        Ok(Found { content_type, cache_control: file.purpose.cache_control(), opened })
    }
}

/// The type of a file whose name is one that we give; anything else is no file of ours.
fn type_of_ours(name: &str) -> Option<&'static str> {
    let (stem, extension) = name.split_once('.')?;
    let id = stem.strip_suffix("_thumb").unwrap_or(stem);
    let parsed: UploadId = id.parse().ok()?;
    (parsed.to_string() == id).then(|| content::type_of(extension))?
}

fn expiry(now: DateTime<Utc>) -> DateTime<Utc> {
    let now = now.timestamp();
    let end = now - now.rem_euclid(WINDOW) + WINDOW + AT_LEAST;
    DateTime::from_timestamp(end, 0).expect("a time near now")
}
