//! A stretch of cable to PostgreSQL or Redis that a test can cut and mend.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub(crate) struct Proxy {
    pub address: SocketAddr,
    whole: Arc<watch::Sender<bool>>,
}

impl Proxy {
    /// To the `host:port` of this URL.
    pub(crate) async fn to(url: &str) -> Self {
        let url = reqwest::Url::parse(url).expect("a URL");
        let port = url.port().unwrap_or(if url.scheme().starts_with("redis") { 6379 } else { 5432 });
        let target = format!("{}:{port}", url.host_str().expect("a host"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let whole = Arc::new(watch::Sender::new(true));
        tokio::spawn(serve(listener, target, Arc::clone(&whole)));
        Self { address, whole }
    }

    /// Breaks every connection, and refuses new ones.
    pub(crate) fn cut(&self) {
        self.whole.send_replace(false);
    }

    pub(crate) fn mend(&self) {
        self.whole.send_replace(true);
    }
}

/// The same URL by way of a proxy.
pub(crate) fn through(url: &str, proxy: SocketAddr) -> String {
    let mut url = reqwest::Url::parse(url).expect("a URL");
    url.set_ip_host(proxy.ip()).expect("a host");
    url.set_port(Some(proxy.port())).expect("a port");
    url.into()
}

async fn serve(listener: TcpListener, target: String, whole: Arc<watch::Sender<bool>>) {
    while let Ok((mut near, _)) = listener.accept().await {
        let mut cut = whole.subscribe();
        let target = target.clone();
        tokio::spawn(async move {
            if !*cut.borrow() {
                return;
            }
            let Ok(mut far) = TcpStream::connect(target).await else { return };
            tokio::select! {
                _ = copy_bidirectional(&mut near, &mut far) => {}
                _ = cut.wait_for(|whole| !whole) => {}
            }
        });
    }
}
