//! The HTTP server around it all.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::handle::Shop;
use super::{api, control};

/// More than any request of theirs needs.
const LARGEST: usize = 256 * 1024;

pub(super) struct Request {
    pub method: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    /// `None`: no JSON. Null: nothing.
    pub body: Option<Value>,
}

impl Request {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
    }

    /// Of the query.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// `POST /v1/orders`.
    pub(super) fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub(super) fn is_json(&self) -> bool {
        self.header("content-type").is_some_and(|kind| kind.starts_with("application/json"))
    }
}

pub(super) struct Reply {
    pub status: u16,
    /// `Err`: no JSON.
    pub body: Result<Value, String>,
}

impl Reply {
    pub(super) fn json(status: u16, body: Value) -> Self {
        Self { status, body: Ok(body) }
    }
}

/// The connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("no answer")]
struct BrokenOff;

/// Runs until it is dropped; its connections end with it.
pub(super) async fn serve(listener: TcpListener, shop: Arc<Shop>) {
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                // Out of descriptors, say: others end, and then it goes on.
                Err(_) => {
                    tokio::task::yield_now().await;
                    continue;
                }
            },
            Some(_) = connections.join_next() => continue,
        };
        let shop = Arc::clone(&shop);
        connections.spawn(async move {
            let service = service_fn(move |request| answer(Arc::clone(&shop), request));
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    shop: Arc<Shop>,
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Full<Bytes>>, BrokenOff> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, LARGEST).collect().await.map_err(|_| BrokenOff)?.to_bytes();
    let url = reqwest::Url::parse(&format!("http://stand-in{}", head.uri)).map_err(|_| BrokenOff)?;
    let request = Request {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: url.query_pairs().into_owned().collect(),
        headers: head.headers,
        body: if body.is_empty() { Some(Value::Null) } else { serde_json::from_slice(&body).ok() },
    };
    let reply = if request.path.starts_with("/sandbox/") {
        control::answer(&shop, &request).await
    } else {
        api::answer(&shop, request).await.ok_or(BrokenOff)?
    };
    let (kind, body) = match reply.body {
        Ok(body) => ("application/json", body.to_string()),
        Err(text) => ("text/html", text),
    };
    let response = hyper::Response::builder().status(reply.status).header(CONTENT_TYPE, kind);
    response.body(Full::new(body.into())).map_err(|_| BrokenOff)
}
