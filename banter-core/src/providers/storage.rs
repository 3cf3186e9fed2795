//! Where uploaded bytes lie: Azure Blob Storage (Azurite is the same), or in development a directory of the local disk.
//! One container for each [`Purpose`]; a name is `<upload id>.<extension>`, and never comes from a client.
//!
//! Links into Azure are service SAS made here with the account's key: the library's own signer stamps each with the
//! moment of asking, and a phone would never find one in its cache again.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use object_store::azure::{MicrosoftAzure, MicrosoftAzureBuilder};
use object_store::buffered::BufWriter;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, BackoffConfig, ClientOptions, GetOptions, GetRange, ObjectStore,
    ObjectStoreExt as _, PutOptions, RetryConfig,
};
use secrecy::ExposeSecret as _;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWriteExt as _};

use crate::config;
use crate::media::Purpose;

/// Parts of a large object; two are under way at a time.
const PART: usize = 4 << 20;
/// For one object, all tries included.
const PATIENCE: Duration = Duration::from_secs(120);
/// The first version that signs the scope of encryption; newer ones sign the same fields.
const SAS_VERSION: &str = "2023-11-03";

pub struct Storage(Engine);

enum Engine {
    Disk { dir: PathBuf, store: OnceLock<Arc<LocalFileSystem>> },
    Azure(Box<Azure>),
}

struct Azure {
    account: String,
    endpoint: String,
    key: hmac::Key,
    containers: config::Containers,
    /// In the order of [`Purpose::ALL`].
    stores: Vec<Arc<MicrosoftAzure>>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no such object")]
    Missing,
    #[error("the range lies outside of the object")]
    Range,
    #[error("storage took too long")]
    Timeout,
    #[error("storage failed: {0}")]
    Failed(String),
}

impl From<object_store::Error> for Error {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::Missing,
            error => Self::Failed(error.to_string()),
        }
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// What is read of an object.
pub struct Opened {
    /// Of the whole object.
    pub size: u64,
    pub range: std::ops::Range<u64>,
    pub bytes: BoxStream<'static, Result<Bytes, object_store::Error>>,
}

impl Storage {
    pub fn new(config: &config::Storage) -> Result<Self, String> {
        let azure = match config {
            config::Storage::Disk { dir } => {
                return Ok(Self(Engine::Disk { dir: dir.clone(), store: OnceLock::new() }));
            }
            config::Storage::Azure(azure) => azure,
        };
        let key = azure.key.expose_secret();
        let bytes = STANDARD.decode(key).map_err(|_| "its AccountKey is not base64".to_owned())?;
        let stores = Purpose::ALL.map(|purpose| {
            MicrosoftAzureBuilder::new()
                .with_account(&azure.account)
                .with_access_key(key)
                .with_endpoint(azure.endpoint.clone())
                .with_container_name(azure.containers.of(purpose))
                .with_retry(RetryConfig {
                    backoff: BackoffConfig::default(),
                    max_retries: 3,
                    retry_timeout: Duration::from_secs(30),
                })
                .with_client_options(
                    ClientOptions::new()
                        .with_allow_http(azure.endpoint.starts_with("http://"))
                        .with_connect_timeout(Duration::from_secs(5))
                        .with_timeout(Duration::from_secs(60)),
                )
                .build()
                .map(Arc::new)
        });
        let stores = stores.into_iter().collect::<Result<_, _>>().map_err(|error| error.to_string())?;
        Ok(Self(Engine::Azure(Box::new(Azure {
            account: azure.account.clone(),
            endpoint: azure.endpoint.clone(),
            key: hmac::Key::new(hmac::HMAC_SHA256, &bytes),
            containers: azure.containers.clone(),
            stores,
        }))))
    }

    /// Whether this server itself gives out the objects.
    pub fn is_local(&self) -> bool {
        matches!(self.0, Engine::Disk { .. })
    }

    /// Stores from a reader, a few megabytes in memory at a time.
    pub async fn put(
        &self,
        purpose: Purpose,
        name: &str,
        content_type: &'static str,
        bytes: &mut (impl AsyncRead + Unpin + ?Sized),
    ) -> Result<(), Error> {
        let (store, path) = self.place(purpose, name)?;
        let mut writer = BufWriter::with_capacity(store, path, PART)
            .with_max_concurrency(2)
            .with_attributes(self.attributes(purpose, content_type));
        let written = async {
            tokio::io::copy(bytes, &mut writer).await?;
            writer.shutdown().await
        };
        let outcome = match tokio::time::timeout(PATIENCE, written).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error.into(),
            Err(_) => Error::Timeout,
        };
        // Parts that are never put together cost for a week; what cannot be given up goes then.
        let _ = tokio::time::timeout(Duration::from_secs(5), writer.abort()).await;
        Err(outcome)
    }

    /// Stores what is in memory.
    pub async fn put_bytes(
        &self,
        purpose: Purpose,
        name: &str,
        content_type: &'static str,
        bytes: Bytes,
    ) -> Result<(), Error> {
        let (store, path) = self.place(purpose, name)?;
        let options =
            PutOptions { attributes: self.attributes(purpose, content_type), ..PutOptions::default() };
        let put = store.put_opts(&path, bytes.into(), options);
        match tokio::time::timeout(PATIENCE, put).await.map_err(|_| Error::Timeout)? {
            Ok(_) => Ok(()),
            // Nothing was looked for: it is the container that is not there.
            Err(error) => Err(Error::Failed(error.to_string())),
        }
    }

    /// What is not there is deleted.
    pub async fn delete(&self, purpose: Purpose, name: &str) -> Result<(), Error> {
        let (store, path) = self.place(purpose, name)?;
        let deleted = tokio::time::timeout(PATIENCE, store.delete(&path)).await;
        match deleted.map_err(|_| Error::Timeout)? {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    pub async fn open(&self, purpose: Purpose, name: &str, range: Option<GetRange>) -> Result<Opened, Error> {
        let (store, path) = self.place(purpose, name)?;
        if let Some(range) = &range {
            let size = store.head(&path).await?.size;
            let within = match range {
                GetRange::Bounded(range) => range.start < size && !range.is_empty(),
                GetRange::Offset(start) => *start < size,
                GetRange::Suffix(count) => *count > 0,
            };
            if !within {
                return Err(Error::Range);
            }
        }
        let found = store.get_opts(&path, GetOptions { range, ..GetOptions::default() }).await?;
        let (size, range) = (found.meta.size, found.range.clone());
        Ok(Opened { size, range, bytes: found.into_stream().boxed() })
    }

    /// The link of a public object, or a private one's until it expires. `None`: this server gives it out.
    pub fn link(&self, purpose: Purpose, name: &str, expires: Option<DateTime<Utc>>) -> Option<String> {
        let Engine::Azure(azure) = &self.0 else { return None };
        let container = azure.containers.of(purpose);
        let url = format!("{}/{container}/{name}", azure.endpoint);
        Some(match expires {
            None => url,
            Some(expires) => format!("{url}?{}", azure.signature(container, name, expires)),
        })
    }

    fn place(&self, purpose: Purpose, name: &str) -> Result<(Arc<dyn ObjectStore>, Path), Error> {
        let parse = |path: &str| Path::parse(path).map_err(|error| Error::Failed(error.to_string()));
        match &self.0 {
            Engine::Azure(azure) => {
                let at = Purpose::ALL.iter().position(|one| *one == purpose).expect("ALL holds all");
                Ok((Arc::clone(&azure.stores[at]) as Arc<dyn ObjectStore>, parse(name)?))
            }
            Engine::Disk { dir, store } => {
                let store = match store.get() {
                    Some(store) => Arc::clone(store),
                    None => {
                        // Made when it is needed: most tools that load a configuration store nothing.
                        std::fs::create_dir_all(dir)?;
                        let made = Arc::new(LocalFileSystem::new_with_prefix(dir)?);
                        Arc::clone(store.get_or_init(|| made))
                    }
                };
                Ok((store, parse(&format!("{}/{name}", purpose.slug()))?))
            }
        }
    }

    /// The disk knows of none: there the name's ending tells the type.
    fn attributes(&self, purpose: Purpose, content_type: &'static str) -> Attributes {
        if self.is_local() {
            return Attributes::new();
        }
        Attributes::from_iter([
            (Attribute::ContentType, content_type),
            (Attribute::CacheControl, purpose.cache_control()),
        ])
    }
}

impl Azure {
    /// A service SAS to read one blob ("Create a service SAS": string-to-sign of version 2020-12-06 and later).
    fn signature(&self, container: &str, name: &str, expires: DateTime<Utc>) -> String {
        let expires = expires.to_rfc3339_opts(SecondsFormat::Secs, true);
        let resource = format!("/blob/{}/{container}/{name}", self.account);
        let protocol = if self.endpoint.starts_with("https://") { "https" } else { "https,http" };
        // permissions, start, expiry, resource, identifier, IP, protocol, version, kind, snapshot, scope, five headers
        let text = format!("r\n\n{expires}\n{resource}\n\n\n{protocol}\n{SAS_VERSION}\nb\n\n\n\n\n\n\n");
        let signature = STANDARD.encode(hmac::sign(&self.key, text.as_bytes()));
        let escaped = |text: &str| text.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        format!(
            "sv={SAS_VERSION}&spr={}&sr=b&sp=r&se={}&sig={}",
            protocol.replace(',', "%2C"),
            expires.replace(':', "%3A"),
            escaped(&signature),
        )
    }
}
