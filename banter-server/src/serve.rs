//! Listeners, and an orderly end. hyper is served directly because a client that sends its headers a byte a minute
//! must not hold a connection for ever, and `axum::serve` has no such limit.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use banter_core::{Banter, app};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use metrics_exporter_prometheus::{BuildError, PrometheusHandle};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tower::ServiceExt as _;

use crate::router::App;

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    App(#[from] app::StartError),
    #[error("the database could not be asked: {0}")]
    Background(sqlx::Error),
    #[error("the database's schema could not be read: {0}")]
    Schema(String),
    #[error("the database lacks {0} migration(s); run `banter migrate run`")]
    Behind(usize),
    #[error("cannot listen on `{address}`: {error}; is another server running there? Set HOST and PORT")]
    Listen { address: String, error: std::io::Error },
    #[error("signals cannot be heard: {0}")]
    Signals(std::io::Error),
    #[error("metrics cannot be recorded: {0}")]
    Metrics(#[from] BuildError),
}

/// Set while the process ends: `/readyz` says so, and the load balancer sends no more.
pub static ENDING: AtomicBool = AtomicBool::new(false);

/// A replica does not serve on a schema older than its code.
pub async fn check_schema(banter: &Banter) -> Result<(), StartError> {
    match banter.pending_migrations().await {
        Ok(0) => Ok(()),
        Ok(count) => Err(StartError::Behind(count)),
        Err(error) => Err(StartError::Schema(error.to_string())),
    }
}

/// Serves until SIGTERM or Ctrl-C.
pub async fn run(banter: &Banter, app: App, metrics: PrometheusHandle) -> Result<(), StartError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(StartError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(StartError::Signals)?;
    let http = &banter.config().http;
    let listener = listen(&http.host, http.port).await?;
    if http.metrics_port != 0 {
        let listener = listen(&http.host, http.metrics_port).await?;
        tokio::spawn(serve_metrics(listener, banter.clone(), metrics));
    }
    tracing::info!(address = %format!("{}:{}", http.host, http.port), "listening");
    let told = async move {
        tokio::select! {
            _ = terminate.recv() => {},
            _ = interrupt.recv() => {},
        }
        ENDING.store(true, Ordering::Relaxed);
    };
    serve_until(listener, app, told).await;
    banter.close().await;
    tracing::info!("ended");
    Ok(())
}

/// Serves until told to end; then stops listening, lets requests finish, and closes sockets so that clients come
/// back to another replica by themselves.
pub async fn serve_until(listener: TcpListener, app: App, told: impl Future<Output = ()>) {
    let (connections, server) = (GracefulShutdown::new(), builder(app.patience.idle));
    let farewell = app.patience.farewell;
    let mut told = pin!(async move {
        told.await;
        tokio::time::sleep(farewell).await;
    });
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let (server, watcher) = (server.clone(), connections.watcher());
                    tokio::spawn(connection(server, watcher, stream, peer, app.router.clone(), app.patience.headers));
                }
                Err(error) => {
                    // Out of file descriptors, mostly: accepting again at once would spin.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            () = &mut told => break,
        }
    }
    tracing::info!(connections = connections.count(), "ending: no new connections");
    drop(listener);
    app.sockets.close("the server restarts; come back in a moment").await;
    if tokio::time::timeout(app.patience.drain, connections.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time");
    }
}

async fn listen(host: &str, port: u16) -> Result<TcpListener, StartError> {
    let address = format!("{host}:{port}");
    TcpListener::bind(&address).await.map_err(|error| StartError::Listen { address, error })
}

fn builder(idle: Duration) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(idle).max_buf_size(64 * 1024);
    builder
        .http2()
        .timer(TokioTimer::new())
        .enable_connect_protocol()
        .max_concurrent_streams(250)
        .keep_alive_interval(Duration::from_secs(30));
    builder
}

/// One connection, with its peer's address known to the router; ends early when the process does.
async fn connection(
    server: Builder<TokioExecutor>,
    watcher: Watcher,
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    patience: Duration,
) {
    let _ = stream.set_nodelay(true); // small answers should not wait for larger ones
    let asked = Arc::new(AtomicBool::new(false));
    let asks = Arc::clone(&asked);
    let service = router.map_request(move |mut request: hyper::Request<hyper::body::Incoming>| {
        asks.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(ConnectInfo(peer));
        request.map(axum::body::Body::new)
    });
    let served =
        server.serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(service));
    // hyper counts the time of a head from when it knows the protocol; a peer that never says enough for that must not
    // hold the connection either.
    let silent = async {
        tokio::time::sleep(patience).await;
        if asked.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        served = watcher.watch(served) => if let Err(error) = served {
            tracing::debug!(%error, "a connection broke");
        },
        () = silent => tracing::debug!("a connection asked nothing"),
    }
}

async fn serve_metrics(listener: TcpListener, banter: Banter, metrics: PrometheusHandle) {
    let answer = move || {
        let (open, idle) = banter.database_connections();
        metrics::gauge!("db_client_connections_open").set(f64::from(open));
        metrics::gauge!("db_client_connections_idle").set(f64::from(u32::try_from(idle).unwrap_or(u32::MAX)));
        let text = metrics.render();
        async move { ([("content-type", "text/plain; version=0.0.4")], text) }
    };
    let router = Router::new().route("/metrics", axum::routing::get(answer));
    let _ = axum::serve(listener, router).await;
}
