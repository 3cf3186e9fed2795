//! A body becomes an upload: spooled to a file without a name, judged by its content, made harmless, stored.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{Stream, StreamExt as _};
use tokio::fs::File;
use tokio::io::{AsyncSeekExt as _, AsyncWriteExt as _};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::content::{self, Content};
use super::{Error, Kind, Media, MediaStore, Purpose, Stored, own_turn, pictures, recordings};
use crate::accounts::Caller;
use crate::ids::{UploadId, UserId};
use crate::limits::Act;

/// The largest file of any kind, in bytes.
pub const LARGEST: u64 = content::VIDEO;
/// What somebody may upload in a day.
pub const DAILY_BYTES: u64 = 500 << 20;
const DAY: TimeDelta = TimeDelta::days(1);
/// How long an upload may be on its way into storage; after that it is taken for one whose server died.
const ON_THE_WAY: TimeDelta = TimeDelta::hours(1);
/// Between two pieces of a body.
const SILENCE: Duration = Duration::from_secs(30);
/// Decoders at work at once: each may take a quarter of a gigabyte.
const DECODERS: usize = 2;
const PATIENCE: Duration = Duration::from_secs(20);
/// Bodies under way at once, of one person and of all.
const EACH: usize = 3;
const ALL: usize = 128;

/// What bounds the disk, the memory and the processor that uploads take.
#[derive(Debug)]
pub(crate) struct Room {
    decoders: Arc<Semaphore>,
    under_way: Mutex<HashMap<UserId, usize>>,
}

impl Default for Room {
    fn default() -> Self {
        Self { decoders: Arc::new(Semaphore::new(DECODERS)), under_way: Mutex::default() }
    }
}

/// One body under way; its place is free again when this goes.
struct Place<'a>(&'a Room, UserId);

impl Room {
    fn enter(&self, user: UserId) -> Result<Place<'_>, Error> {
        let mut under_way = self.under_way.lock().expect("no panic while locked");
        let all: usize = under_way.values().sum();
        let mine = under_way.entry(user).or_default();
        if *mine >= EACH || all >= ALL {
            if *mine == 0 {
                under_way.remove(&user);
            }
            return Err(Error::Busy);
        }
        *mine += 1;
        Ok(Place(self, user))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut under_way = self.0.under_way.lock().expect("no panic while locked");
        if let Some(mine) = under_way.get_mut(&self.1) {
            *mine -= 1;
            if *mine == 0 {
                under_way.remove(&self.1);
            }
        }
    }
}

/// A file fit to be stored.
struct Prepared {
    kind: Kind,
    extension: &'static str,
    width: Option<u32>,
    height: Option<u32>,
    duration_ms: Option<i64>,
    body: Body,
    /// JPEG.
    thumbnail: Option<Bytes>,
}

enum Body {
    Memory(Bytes),
    File { file: File, bytes: u64 },
}

/// Leave to send one body, and a place for it. Nothing of a body is read without one.
pub struct Admitted<'a> {
    media: MediaStore<'a>,
    user: UserId,
    purpose: Purpose,
    _place: Place<'a>,
}

impl Admitted<'_> {
    /// Reads the body to its end, also where it is refused early: a phone that still sends would not hear why.
    pub async fn take<E>(self, body: impl Stream<Item = Result<Bytes, E>> + Unpin) -> Result<Media, Error> {
        let (content, file) = spool(self.purpose, body).await?;
        let prepared = self.media.prepare(content, self.purpose, file).await?;
        let stored = self.media.store(self.user, self.purpose, prepared).await?;
        Ok(self.media.view(stored).await)
    }
}

impl<'a> MediaStore<'a> {
    /// May this person upload something now?
    pub async fn admit(&self, caller: &Caller, purpose: Purpose) -> Result<Admitted<'a>, Error> {
        let user = caller.user_id;
        self.0.limits().take(Act::Upload, &user.to_string()).await?;
        let place = self.0.uploads_room().enter(user)?;
        if self.bytes_today(user).await? >= DAILY_BYTES {
            return Err(Error::Quota(DAILY_BYTES));
        }
        Ok(Admitted { media: *self, user, purpose, _place: place })
    }

    async fn bytes_today(&self, user: UserId) -> Result<u64, Error> {
        let bytes = sqlx::query_scalar!(
            r#"
            select coalesce(sum(bytes), 0)::bigint as "bytes!"
            from uploads
            where user_id = $1 and created_at > $2
            "#,
            user.0,
            self.0.clock().now() - DAY,
        )
        .fetch_one(self.0.pool())
        .await?;
        Ok(u64::try_from(bytes).unwrap_or(0))
    }

    async fn prepare(&self, content: Content, purpose: Purpose, file: File) -> Result<Prepared, Error> {
        let decoders = Arc::clone(&self.0.uploads_room().decoders);
        let permit = timeout(PATIENCE, decoders.acquire_owned()).await.map_err(|_| Error::Busy)?;
        let file = file.into_std().await;
        let working = tokio::task::spawn_blocking(move || {
            // Goes with the work, which goes on when nobody waits for it any more.
            let _permit = permit;
            prepare(content, purpose, file)
        });
        // A decoder that panics has met a file that nobody's should.
        working.await.unwrap_or(Err(Error::Damaged("it cannot be decoded")))
    }

    async fn store(&self, user: UserId, purpose: Purpose, prepared: Prepared) -> Result<Stored, Error> {
        let now = self.0.clock().now();
        let id = UploadId(self.0.ids().uuid(now));
        let content_type = content::type_of(prepared.extension).expect("every ending we give has a type");
        let bytes = match &prepared.body {
            Body::Memory(bytes) => bytes.len() as u64,
            Body::File { bytes, .. } => *bytes,
        };
        let number = |number: Option<u32>| number.and_then(|number| i32::try_from(number).ok());
        let stored = Stored {
            id,
            purpose,
            kind: prepared.kind,
            content_type: content_type.to_owned(),
            bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
            width: number(prepared.width),
            height: number(prepared.height),
            duration_ms: prepared.duration_ms.and_then(|ms| i32::try_from(ms).ok()),
            object_key: format!("{id}.{}", prepared.extension),
            thumbnail_key: prepared.thumbnail.is_some().then(|| format!("{id}_thumb.jpg")),
        };
        self.announce(user, &stored, now).await?;
        let storage = self.0.storage();
        let objects = async {
            match prepared.body {
                Body::Memory(bytes) => {
                    storage.put_bytes(purpose, &stored.object_key, content_type, bytes).await?;
                }
                Body::File { mut file, .. } => {
                    storage.put(purpose, &stored.object_key, content_type, &mut file).await?;
                }
            }
            if let (Some(key), Some(bytes)) = (&stored.thumbnail_key, prepared.thumbnail) {
                storage.put_bytes(purpose, key, "image/jpeg", bytes).await?;
            }
            Ok::<_, Error>(())
        };
        match objects.await {
            Ok(()) => {}
            Err(error) => {
                self.give_up(&stored).await;
                return Err(error);
            }
        }
        if let Err(error) = self.keep(user, id).await {
            self.give_up(&stored).await;
            return Err(error);
        }
        Ok(stored)
    }

    /// Lifts the doom, now that the objects are there.
    async fn keep(&self, user: UserId, id: UploadId) -> Result<(), Error> {
        let mut transaction = self.0.pool().begin().await?;
        own_turn(&mut transaction, user).await?;
        sqlx::query!("update uploads set doomed_at = null where id = $1", id.0)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The row, doomed until its objects are there; and the day's quota, which two at once must not both slip under.
    async fn announce(&self, user: UserId, stored: &Stored, now: DateTime<Utc>) -> Result<(), Error> {
        let mut transaction = self.0.pool().begin().await?;
        own_turn(&mut transaction, user).await?;
        let written = sqlx::query!(
            r#"
            insert into uploads (
                id, user_id, purpose, kind, content_type, bytes, width, height, duration_ms, object_key,
                thumbnail_key, created_at, doomed_at
            )
            select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13
            where (
                select coalesce(sum(bytes), 0)::bigint from uploads where user_id = $2 and created_at > $14
            ) + $6::bigint <= $15
            "#,
            stored.id.0,
            user.0,
            stored.purpose as Purpose,
            stored.kind as Kind,
            stored.content_type,
            stored.bytes,
            stored.width,
            stored.height,
            stored.duration_ms,
            stored.object_key,
            stored.thumbnail_key,
            now,
            now + ON_THE_WAY,
            now - DAY,
            i64::try_from(DAILY_BYTES).expect("it fits"),
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        if written.rows_affected() == 0 { Err(Error::Quota(DAILY_BYTES)) } else { Ok(()) }
    }

    /// At once what the collector would do in an hour; should it fail, the collector does.
    async fn give_up(&self, stored: &Stored) {
        let keys = std::iter::once(&stored.object_key).chain(&stored.thumbnail_key);
        for key in keys {
            if let Err(error) = self.0.storage().delete(stored.purpose, key).await {
                tracing::warn!(%error, upload = %stored.id, "an object could not be removed; it is collected later");
                return;
            }
        }
        let gone =
            sqlx::query!("delete from uploads where id = $1", stored.id.0).execute(self.0.pool()).await;
        if let Err(error) = gone {
            tracing::warn!(%error, upload = %stored.id, "an upload could not be removed; it is collected later");
        }
    }
}

/// The body in a file that has no name, and so is gone with this process whatever happens.
async fn spool<E>(
    purpose: Purpose,
    mut body: impl Stream<Item = Result<Bytes, E>> + Unpin,
) -> Result<(Content, File), Error> {
    let file = tokio::task::spawn_blocking(tempfile::tempfile).await.map_err(std::io::Error::other)??;
    let mut file = File::from_std(file);
    let (mut head, mut content, mut bytes) = (Vec::new(), None, 0);
    let mut refusal = None;
    loop {
        let piece = match timeout(SILENCE, body.next()).await {
            Ok(Some(Ok(piece))) => piece,
            Ok(None) => break,
            // Whoever sends more than anything may have is told so, not that it broke off.
            Ok(Some(Err(_))) | Err(_) => return Err(refusal.unwrap_or(Error::BrokenOff)),
        };
        bytes += piece.len() as u64;
        if refusal.is_some() {
            continue;
        }
        if content.is_none() {
            head.extend_from_slice(&piece[..piece.len().min(content::ENOUGH)]);
            if head.len() >= content::ENOUGH {
                content = known(&head, purpose).map_err(|why| refusal = Some(why)).ok();
            }
        }
        let most = content.map_or(content::IMAGE, |content| content.most(purpose));
        if bytes > most {
            refusal = Some(Error::TooLarge(most));
        }
        if refusal.is_none() {
            file.write_all(&piece).await?;
        }
    }
    match (refusal, content) {
        (Some(why), _) => return Err(why),
        (None, None) if bytes == 0 => return Err(Error::Damaged("it is empty")),
        _ => {}
    }
    let content = content.map_or_else(|| known(&head, purpose), Ok)?;
    file.flush().await?;
    file.rewind().await?;
    Ok((content, file))
}

fn known(head: &[u8], purpose: Purpose) -> Result<Content, Error> {
    Content::of(head).filter(|content| content.fits(purpose)).ok_or(Error::Unsupported)
}

fn prepare(content: Content, purpose: Purpose, mut file: std::fs::File) -> Result<Prepared, Error> {
    if content.is_picture() {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut file, &mut bytes)?;
        let picture = pictures::prepare(&bytes, content, purpose)?;
        return Ok(Prepared {
            kind: picture.kind,
            extension: picture.extension,
            width: Some(picture.width),
            height: Some(picture.height),
            duration_ms: None,
            body: Body::Memory(picture.bytes.into()),
            thumbnail: Some(picture.thumbnail.into()),
        });
    }
    let recording = recordings::prepare(&mut file, content, purpose)?;
    let bytes = file.metadata()?.len();
    Ok(Prepared {
        kind: recording.kind,
        extension: recording.extension,
        width: recording.width,
        height: recording.height,
        duration_ms: Some(recording.duration_ms),
        body: Body::File { file: File::from_std(file), bytes },
        thumbnail: None,
    })
}
