//! The media server (LiveKit): its rooms, who is in them and what they may send; and the tokens that people enter with.
//! Rooms are made by us alone (`room.auto_create: false`), so a token opens nothing once its room is closed.
//!
//! LiveKit forgets nobody's token: whoever was removed can come back with it until it runs out, a minute for ours, ten for
//! those that LiveKit itself gives to whoever is in. What keeps them out is that [`crate::voice`] removes whoever has no
//! seat, as often as they come.

use std::pin::Pin;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use livekit_api::access_token::{AccessToken, TokenVerifier, VideoGrants};
use livekit_api::services::room::{CreateRoomOptions, RoomClient, UpdateParticipantOptions};
use livekit_api::services::{ServerError, ServerErrorCode, ServiceError, ServiceResult};
use livekit_protocol::participant_info::State;
use livekit_protocol::{ParticipantInfo, ParticipantPermission, TrackSource};
use secrecy::ExposeSecret as _;

use crate::config;
use crate::error::{Coded, Kind};
use crate::ids::UserId;

/// How long an answer may take.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// From a token to the door. Tokens are checked at the door alone.
pub const TOKEN_LIFE: Duration = Duration::from_secs(60);
/// Seconds until LiveKit closes a room that nobody came to. Ours are closed by us; this is for those we forgot.
const EMPTY: u32 = 24 * 3600;

/// What somebody may send into a room. Everybody in it may listen, nobody sends data: what is written goes through the
/// chat, where it can be found again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    pub microphone: bool,
    pub camera: bool,
}

impl Rights {
    fn sources(self) -> impl Iterator<Item = TrackSource> {
        let sources = [(self.microphone, TrackSource::Microphone), (self.camera, TrackSource::Camera)];
        sources.into_iter().filter_map(|(may, source)| may.then_some(source))
    }

    fn any(self) -> bool {
        self.microphone || self.camera
    }

    fn permission(self) -> ParticipantPermission {
        ParticipantPermission {
            can_subscribe: true,
            can_publish: self.any(),
            can_publish_sources: self.sources().map(i32::from).collect(),
            ..ParticipantPermission::default()
        }
    }

    /// As LiveKit holds them. It takes no sources for all.
    fn of(permission: &ParticipantPermission) -> Self {
        let may = |source: TrackSource| {
            let listed = &permission.can_publish_sources;
            permission.can_publish && (listed.is_empty() || listed.contains(&i32::from(source)))
        };
        Self { microphone: may(TrackSource::Microphone), camera: may(TrackSource::Camera) }
    }
}

/// Who enters where, as what.
#[derive(Clone, Debug)]
pub struct Pass<'a> {
    pub room: &'a str,
    pub user: UserId,
    pub name: &'a str,
    /// URL.
    pub avatar: Option<&'a str>,
    pub rights: Rights,
}

/// Somebody who is in a room, as LiveKit knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Participant {
    /// `None`: nobody of ours.
    pub user: Option<UserId>,
    pub identity: String,
    /// Media flows, or has.
    pub is_active: bool,
    pub rights: Rights,
    /// Others do not see them.
    pub hidden: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("calls and voice rooms are not available: there is no media server")]
    NotConfigured,
    /// Nothing private: LiveKit's own words, or why it could not be reached.
    #[error("the media server does not answer; try again")]
    Away(String),
    #[error("the media server has no such room")]
    NoRoom,
    #[error("the media server refuses: {0}")]
    Refused(String),
}

impl Coded for Error {
    fn coded(&self) -> (Kind, &'static str) {
        match self {
            Self::NotConfigured | Self::Away(_) | Self::NoRoom => (Kind::Unavailable, "LIVEKIT_UNAVAILABLE"),
            Self::Refused(_) => (Kind::Internal, "INTERNAL"),
        }
    }
}

impl From<ServiceError> for Error {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Twirp(ServerError::Twirp(ServerErrorCode { code, msg, .. })) => match code.as_str()
            {
                ServerErrorCode::NOT_FOUND => Self::NoRoom,
                // No node for it, or a node that just went.
                ServerErrorCode::UNAVAILABLE
                | ServerErrorCode::DEADLINE_EXCEEDED
                | ServerErrorCode::RESOURCE_EXHAUSTED
                | ServerErrorCode::INTERNAL
                | ServerErrorCode::UNKNOWN => Self::Away(format!("{code}: {msg}")),
                _ => Self::Refused(format!("{code}: {msg}")),
            },
            ServiceError::Twirp(ServerError::Request(error)) => Self::Away(error.without_url().to_string()),
            other => Self::Refused(other.to_string()),
        }
    }
}

/// Why a webhook is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Forged {
    #[error("calls and voice rooms are not set up here")]
    NotConfigured,
    #[error("the signature is missing, stale, or of another key")]
    Signature,
    #[error("the body is not the one that was signed")]
    Body,
}

/// What people enter with is signed here, what is asked goes over HTTP.
pub struct LiveKit(Option<Inner>);

struct Inner {
    config: config::LiveKit,
    rooms: RoomClient,
    verifier: TokenVerifier,
}

impl LiveKit {
    pub(crate) fn new(config: Option<&config::LiveKit>) -> Self {
        Self(config.map(|config| {
            let (key, secret) = (&config.api_key, config.api_secret.expose_secret());
            Inner {
                rooms: RoomClient::with_api_key(&config.api_url, key, secret)
                    .with_failover(false)
                    .with_request_timeout(config.patience),
                verifier: TokenVerifier::with_api_key(key, secret),
                config: config.clone(),
            }
        }))
    }

    pub fn is_configured(&self) -> bool {
        self.0.is_some()
    }

    fn inner(&self) -> Result<&Inner, Error> {
        self.0.as_ref().ok_or(Error::NotConfigured)
    }

    /// Where the apps find it.
    pub fn server_url(&self) -> Result<&str, Error> {
        Ok(&self.inner()?.config.server_url)
    }

    /// A token for one person and one room. Asked for only after every check.
    pub fn token(&self, pass: &Pass<'_>) -> Result<String, Error> {
        let grants = VideoGrants {
            room_join: true,
            room: pass.room.to_owned(),
            can_subscribe: Some(true),
            can_publish: Some(pass.rights.any()),
            can_publish_data: Some(false),
            can_update_own_metadata: Some(false),
            can_publish_sources: pass.rights.sources().map(|source| source_name(source).to_owned()).collect(),
            ..VideoGrants::default()
        };
        let metadata = serde_json::json!({ "userId": pass.user, "avatar": pass.avatar });
        self.signed(&identity(pass.user), grants, |token| {
            token.with_name(pass.name).with_metadata(&metadata.to_string())
        })
    }

    /// A token for somebody of the staff, who hears a room and is not seen in it.
    pub fn listener_token(&self, room: &str, user: UserId) -> Result<String, Error> {
        let grants = VideoGrants {
            room_join: true,
            room: room.to_owned(),
            hidden: true,
            can_subscribe: Some(true),
            can_publish: Some(false),
            can_publish_data: Some(false),
            can_update_own_metadata: Some(false),
            ..VideoGrants::default()
        };
        self.signed(&listener_identity(user), grants, |token| token)
    }

    fn signed(
        &self,
        identity: &str,
        grants: VideoGrants,
        dress: impl FnOnce(AccessToken) -> AccessToken,
    ) -> Result<String, Error> {
        let config = &self.inner()?.config;
        let token = AccessToken::with_api_key(&config.api_key, config.api_secret.expose_secret());
        dress(token.with_identity(identity).with_ttl(TOKEN_LIFE).with_grants(grants))
            .to_jwt()
            .map_err(|error| Error::Refused(error.to_string()))
    }

    /// Makes a room; one that is there stays as it is.
    pub async fn open(&self, room: &str) -> Result<(), Error> {
        let options =
            CreateRoomOptions { empty_timeout: EMPTY, departure_timeout: EMPTY, ..Default::default() };
        ask(self.inner()?.rooms.create_room(room, options)).await?;
        Ok(())
    }

    /// Closes a room and sends everybody out of it; none there is just as well.
    pub async fn close(&self, room: &str) -> Result<(), Error> {
        match ask(self.inner()?.rooms.delete_room(room)).await {
            Ok(()) | Err(Error::NoRoom) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The names of all rooms, also those of others.
    pub async fn rooms(&self) -> Result<Vec<String>, Error> {
        let rooms = ask(self.inner()?.rooms.list_rooms(Vec::new())).await?;
        Ok(rooms.into_iter().map(|room| room.name).collect())
    }

    /// Who is in; nobody, where there is no such room.
    pub async fn participants(&self, room: &str) -> Result<Vec<Participant>, Error> {
        match ask(self.inner()?.rooms.list_participants(room)).await {
            Ok(participants) => Ok(participants.into_iter().filter_map(participant).collect()),
            Err(Error::NoRoom) => Ok(Vec::new()),
            Err(error) => self.unless_gone(room, error).await.map(|()| Vec::new()),
        }
    }

    /// Somebody, if they are in.
    pub async fn participant(&self, room: &str, user: UserId) -> Result<Option<Participant>, Error> {
        match ask(self.inner()?.rooms.get_participant(room, &identity(user))).await {
            Ok(found) => Ok(participant(found)),
            Err(Error::NoRoom) => Ok(None),
            Err(error) => self.unless_gone(room, error).await.map(|()| None),
        }
    }

    /// Nobody answers for a room that is not there, and that is no failure; of one that is there it is: its node is gone.
    async fn unless_gone(&self, room: &str, error: Error) -> Result<(), Error> {
        match error {
            Error::Away(_) => {}
            Error::NotConfigured | Error::NoRoom | Error::Refused(_) => return Err(error),
        }
        let there = ask(self.inner()?.rooms.list_rooms(vec![room.to_owned()])).await?;
        if there.is_empty() { Ok(()) } else { Err(error) }
    }

    /// Gives somebody these rights and no others: what they send beyond is cut off at once. Nothing, if they are not in.
    pub async fn permit(&self, room: &str, user: UserId, rights: Rights) -> Result<(), Error> {
        let options =
            UpdateParticipantOptions { permission: Some(rights.permission()), ..Default::default() };
        match self
            .inner()?
            .rooms
            .update_participant(room, &identity(user), options)
            .await
            .map_err(Error::from)
        {
            Ok(_) | Err(Error::NoRoom) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Sends somebody out, if they are in.
    pub async fn remove(&self, room: &str, identity: &str) -> Result<(), Error> {
        match ask(self.inner()?.rooms.remove_participant(room, identity)).await {
            Ok(()) | Err(Error::NoRoom) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Is this webhook LiveKit's? `authorization` is a token over the body's SHA-256, without `Bearer`.
    pub fn check_webhook(&self, authorization: &str, body: &[u8]) -> Result<(), Forged> {
        let verifier = &self.0.as_ref().ok_or(Forged::NotConfigured)?.verifier;
        let token = authorization.strip_prefix("Bearer ").unwrap_or(authorization);
        let claims = verifier.verify(token).map_err(|_| Forged::Signature)?;
        let signed = STANDARD.decode(claims.sha256).map_err(|_| Forged::Body)?;
        let found = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body);
        if signed == found.as_ref() { Ok(()) } else { Err(Forged::Body) }
    }
}

/// Waits for an answer, apart from the caller's own future: the library's are of many kilobytes.
fn ask<'a, T>(
    call: impl Future<Output = ServiceResult<T>> + Send + 'a,
) -> Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>> {
    Box::pin(async { Ok(call.await?) })
}

/// One person is one participant, in every room.
pub fn identity(user: UserId) -> String {
    format!("user_{user}")
}

/// Of somebody who hears a room unseen; they may have a seat in it, too.
pub fn listener_identity(user: UserId) -> String {
    format!("listener_{user}")
}

/// Who of the staff listens under this identity.
pub fn listener_of(identity: &str) -> Option<UserId> {
    identity.strip_prefix("listener_")?.parse().ok()
}

/// Whose identity this is.
pub fn user_of(identity: &str) -> Option<UserId> {
    identity.strip_prefix("user_")?.parse().ok()
}

fn participant(info: ParticipantInfo) -> Option<Participant> {
    // Of somebody who just left LiveKit still speaks for a moment.
    if info.state() == State::Disconnected {
        return None;
    }
    let is_active = info.state() == State::Active;
    let permission = info.permission.unwrap_or_default();
    Some(Participant {
        user: user_of(&info.identity),
        identity: info.identity,
        is_active,
        rights: Rights::of(&permission),
        hidden: permission.hidden,
    })
}

/// As tokens name it.
fn source_name(source: TrackSource) -> &'static str {
    match source {
        TrackSource::Unknown => "unknown",
        TrackSource::Camera => "camera",
        TrackSource::Microphone => "microphone",
        TrackSource::ScreenShare => "screen_share",
        TrackSource::ScreenShareAudio => "screen_share_audio",
    }
}
