use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::super::{Fate, Method, Mischief};
use super::*;
use crate::providers::razorpay::signature::is_of_webhook;

/// The merchant's webhook: refuses the first few, and remembers all.
struct Receiver {
    url: String,
    got: Arc<Mutex<Vec<Got>>>,
    server: tokio::task::JoinHandle<()>,
}

#[derive(Clone)]
struct Got {
    id: String,
    signature: String,
    kind: String,
    body: Bytes,
}

impl Got {
    fn is_signed(&self, merchant: &Merchant) -> bool {
        is_of_webhook(&merchant.sandbox.keys().webhook_secret, &self.body, &self.signature)
    }

    fn name(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap();
        body["event"].as_str().unwrap().to_owned()
    }
}

impl Receiver {
    async fn start(refuses: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let got: Arc<Mutex<Vec<Got>>> = Arc::default();
        let server = tokio::spawn(receive(listener, Arc::clone(&got), refuses));
        Self { url, got, server }
    }

    fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn receive(listener: TcpListener, got: Arc<Mutex<Vec<Got>>>, refuses: usize) {
    while let Ok((stream, _)) = listener.accept().await {
        let got = Arc::clone(&got);
        let take = move |request: hyper::Request<Incoming>| {
            let got = Arc::clone(&got);
            async move {
                let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
                let (id, signature) = (header("x-razorpay-event-id"), header("X-Razorpay-Signature"));
                let kind = header("content-type");
                let body = request.into_body().collect().await.unwrap().to_bytes();
                let mut got = got.lock().unwrap();
                got.push(Got { id, signature, kind, body });
                let status = if got.len() <= refuses { 503 } else { 200 };
                let answer = hyper::Response::builder().status(status).body(Empty::<Bytes>::new());
                Ok::<_, Infallible>(answer.unwrap())
            }
        };
        let service = hyper::server::conn::http1::Builder::new();
        tokio::spawn(service.serve_connection(TokioIo::new(stream), service_fn(take)));
    }
}

/// Somebody has an order to pay, and events come to the receiver.
async fn ready(refuses: usize) -> (Merchant, Receiver, String) {
    let merchant = Merchant::new().await;
    let receiver = Receiver::start(refuses).await;
    merchant.sandbox.set_webhook(&receiver.url);
    let order = merchant.order(9900).await;
    (merchant, receiver, order)
}

#[tokio::test]
async fn events_come_signed_in_their_order() {
    let (merchant, receiver, order) = ready(0).await;
    merchant.sandbox.pay(&order, Method::Upi).unwrap();
    let sent = merchant.sandbox.settled().await;
    assert!(sent.iter().all(|sent| sent.fate == Fate::Taken && sent.answers[0].status == Some(200)));
    let got = receiver.got();
    assert_eq!(got.iter().map(Got::name).collect::<Vec<_>>(), names(&merchant));
    assert!(got.iter().all(|got| got.is_signed(&merchant) && got.kind == "application/json"));
    assert_eq!(got[0].id, sent[0].id);
}

#[tokio::test]
async fn what_is_not_taken_comes_again_as_the_same_event() {
    let (merchant, receiver, order) = ready(4).await;
    merchant.sandbox.authorize(&order, Method::Upi).unwrap();
    let sent = merchant.sandbox.settled().await;
    let statuses: Vec<_> = sent[0].answers.iter().map(|answer| answer.status.unwrap()).collect();
    assert_eq!((sent[0].fate, statuses), (Fate::Taken, vec![503, 503, 503, 503, 200]));
    let got = receiver.got();
    assert!(got.iter().all(|again| again.id == got[0].id && again.body == got[0].body));
}

#[tokio::test]
async fn what_is_never_taken_is_given_up() {
    let (merchant, _receiver, order) = ready(usize::MAX).await;
    merchant.sandbox.authorize(&order, Method::Upi).unwrap();
    let sent = merchant.sandbox.settled().await;
    assert_eq!((sent[0].fate, sent[0].answers.len()), (Fate::GivenUp, 12));
}

#[tokio::test]
async fn held_events_come_when_they_are_let_go() {
    let (merchant, receiver, order) = ready(0).await;
    merchant.sandbox.hold();
    merchant.sandbox.pay(&order, Method::Upi).unwrap();
    let held = merchant.sandbox.settled().await;
    assert!(receiver.got().is_empty() && held.iter().all(|sent| sent.fate == Fate::Held));
    merchant.sandbox.release();
    merchant.sandbox.settled().await;
    assert_eq!(receiver.got().len(), 3);
}

#[tokio::test]
async fn copies_come_in_any_order_and_lost_ones_never() {
    let (merchant, receiver, order) = ready(0).await;
    merchant.sandbox.set_mischief(Mischief { copies: 3, shuffle: true, ..Mischief::default() });
    merchant.sandbox.pay(&order, Method::Upi).unwrap();
    merchant.sandbox.settled().await;
    let got: Vec<_> = receiver.got().iter().map(Got::name).collect();
    let in_order: Vec<_> =
        names(&merchant).into_iter().flat_map(|name| [name.clone(), name.clone(), name]).collect();
    assert!(got.len() == 9 && got != in_order, "{got:?}");
    merchant.sandbox.set_mischief(Mischief { lose: true, ..Mischief::default() });
    merchant.sandbox.pay(&merchant.order(100).await, Method::Upi).unwrap();
    let sent = merchant.sandbox.settled().await;
    assert_eq!((sent[3].fate, receiver.got().len()), (Fate::Lost, 9));
}

#[tokio::test]
async fn forged_and_altered_events_do_not_verify() {
    let (merchant, receiver, order) = ready(0).await;
    merchant.sandbox.set_mischief(Mischief { forge: true, ..Mischief::default() });
    merchant.sandbox.authorize(&order, Method::Upi).unwrap();
    merchant.sandbox.settled().await;
    merchant.sandbox.set_mischief(Mischief { alter: true, ..Mischief::default() });
    merchant.sandbox.dispute(&id(&merchant.get("payments").await["items"][0])).unwrap();
    merchant.sandbox.settled().await;
    merchant.sandbox.set_mischief(Mischief::default());
    merchant.sandbox.resend(&merchant.sandbox.events()[0].id);
    merchant.sandbox.settled().await;
    let signed: Vec<_> = receiver.got().iter().map(|got| got.is_signed(&merchant)).collect();
    assert_eq!(signed, [false, false, true]);
}

#[tokio::test]
async fn a_webhook_that_is_not_there_is_no_hindrance() {
    let merchant = Merchant::new().await;
    let order = merchant.order(9900).await;
    merchant.sandbox.pay(&order, Method::Upi).unwrap();
    assert_eq!(merchant.sandbox.settled().await[0].fate, Fate::Lost, "no webhook is set");
    merchant.sandbox.set_webhook("http://127.0.0.1:1/nobody");
    merchant.sandbox.pay(&merchant.order(100).await, Method::Upi).unwrap();
    let sent = merchant.sandbox.settled().await;
    assert_eq!((sent[3].fate, sent[3].answers[0].status), (Fate::GivenUp, None));
}
