//! Events on their way to the merchant: signed, sent, and sent again until they are taken.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::seq::SliceRandom as _;
use rand::{SeedableRng as _, rngs::StdRng};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::Options;
use super::book::News;
use crate::ids::Ids;
use crate::providers::{http_client, razorpay::signature};

/// How many are on their way at once.
const AT_ONCE: usize = 32;
/// How much of an answer is kept.
const KEPT: usize = 2_000;

/// What happens to events on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mischief {
    /// How often each is sent, though it was taken.
    pub copies: usize,
    /// In any order.
    pub shuffle: bool,
    /// Kept back, until [`super::Sandbox::release`].
    pub hold: bool,
    /// Never sent.
    pub lose: bool,
    /// Signed with a secret that is not the merchant's.
    pub forge: bool,
    /// Changed after it was signed.
    pub alter: bool,
}

impl Default for Mischief {
    fn default() -> Self {
        Self { copies: 1, shuffle: false, hold: false, lose: false, forge: false, alter: false }
    }
}

/// Where an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    OnItsWay,
    Taken,
    /// Sent as often as it is worth.
    GivenUp,
    Held,
    /// By mischief, or because no webhook is set.
    Lost,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// `None`: none came, and `body` says why.
    pub status: Option<u16>,
    pub body: String,
}

/// An event, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sent {
    /// `x-razorpay-event-id`.
    pub id: String,
    /// `payment.captured`.
    pub name: String,
    pub body: Value,
    pub fate: Fate,
    /// One for each time it was sent.
    pub answers: Vec<Answer>,
}

pub(super) struct Post {
    board: watch::Sender<Board>,
    way: Arc<Way>,
    tasks: Mutex<JoinSet<()>>,
    ids: Ids,
}

struct Board {
    url: Option<String>,
    mischief: Mischief,
    sent: Vec<Sent>,
    /// How many copies are not there yet.
    under_way: usize,
}

/// What a task needs that sends.
struct Way {
    http: reqwest::Client,
    secret: String,
    backoff: Duration,
    patience: Duration,
    tries: usize,
    places: Semaphore,
}

/// One copy of an event.
struct Letter {
    /// Its place on the board.
    at: usize,
    id: String,
    url: String,
    body: String,
    signature: String,
}

impl Post {
    pub(super) fn new(options: &Options) -> Self {
        let board = Board {
            url: options.webhook.clone(),
            mischief: Mischief::default(),
            sent: Vec::new(),
            under_way: 0,
        };
        Self {
            board: watch::Sender::new(board),
            way: Arc::new(Way {
                http: http_client(),
                secret: options.keys.webhook_secret.clone(),
                backoff: options.backoff,
                patience: options.patience,
                tries: options.tries,
                places: Semaphore::new(AT_ONCE),
            }),
            tasks: Mutex::default(),
            ids: options.ids.clone(),
        }
    }

    pub(super) fn set_url(&self, url: Option<String>) {
        self.board.send_modify(|board| board.url = url);
    }

    pub(super) fn set_mischief(&self, mischief: Mischief) {
        self.board.send_modify(|board| board.mischief = mischief);
    }

    pub(super) fn mischief(&self) -> Mischief {
        self.board.borrow().mischief
    }

    pub(super) fn sent(&self) -> Vec<Sent> {
        self.board.borrow().sent.clone()
    }

    /// Sends what happened, in that order, unless mischief has it otherwise. Their places on the board.
    pub(super) fn send(&self, news: Vec<News>) {
        let mut places = Vec::new();
        self.board.send_modify(|board| {
            for News { id, name, body } in news {
                let fate = match (&board.url, board.mischief) {
                    (None, _) | (_, Mischief { lose: true, .. }) => Fate::Lost,
                    (_, Mischief { hold: true, .. }) => Fate::Held,
                    _ => Fate::OnItsWay,
                };
                if fate == Fate::OnItsWay {
                    places.push(board.sent.len());
                }
                board.sent.push(Sent { id, name, body, fate, answers: Vec::new() });
            }
        });
        self.dispatch(places);
    }

    /// Sends what was held back.
    pub(super) fn release(&self) {
        let mut places = Vec::new();
        self.board.send_modify(|board| {
            board.mischief.hold = false;
            for (at, sent) in board.sent.iter_mut().enumerate().filter(|(_, sent)| sent.fate == Fate::Held) {
                sent.fate = Fate::OnItsWay;
                places.push(at);
            }
        });
        self.dispatch(places);
    }

    /// Sends this event once more, whatever became of it. `false`: there is none of that id.
    pub(super) fn resend(&self, id: &str) -> bool {
        let at = self.board.borrow().sent.iter().position(|sent| sent.id == id);
        self.dispatch(at.into_iter().collect());
        at.is_some()
    }

    fn dispatch(&self, mut places: Vec<usize>) {
        let mut letters = Vec::new();
        self.board.send_modify(|board| {
            let Some(url) = board.url.clone() else { return };
            let mischief = board.mischief;
            places = places.iter().flat_map(|at| std::iter::repeat_n(*at, mischief.copies.max(1))).collect();
            if mischief.shuffle {
                places.shuffle(&mut StdRng::from_seed(self.ids.bytes()));
            }
            board.under_way += places.len();
            letters = places.iter().map(|at| self.letter(board, *at, &url)).collect();
        });
        if letters.is_empty() {
            return;
        }
        let (board, way) = (self.board.clone(), Arc::clone(&self.way));
        let mut tasks = self.tasks.lock().expect("no panic while locked");
        while tasks.try_join_next().is_some() {}
        // One after another, so that order is mischief's alone; what is not taken must not keep the others.
        tasks.spawn(async move {
            let mut again = JoinSet::new();
            for letter in letters {
                let taken = way.send(&board, &letter).await;
                if taken || way.tries < 2 {
                    done(&board, letter.at, taken);
                } else {
                    again.spawn(insist(Arc::clone(&way), board.clone(), letter));
                }
            }
            while again.join_next().await.is_some() {}
        });
    }

    fn letter(&self, board: &Board, at: usize, url: &str) -> Letter {
        let Sent { id, body, .. } = &board.sent[at];
        let mut body = body.to_string();
        let secret = if board.mischief.forge { "nobody-gave-them-this-secret" } else { &self.way.secret };
        let signature = signature::sign(secret, body.as_bytes());
        if board.mischief.alter {
            body = body.replacen("\"amount\":", "\"amount\":9", 1);
        }
        Letter { at, id: id.clone(), url: url.to_owned(), body, signature }
    }

    /// Waits until nothing is on its way; what is held or lost is not. `false`: something still is, after that time.
    pub(super) async fn settled(&self, patience: Duration) -> bool {
        let mut board = self.board.subscribe();
        let settled = board.wait_for(|board| board.under_way == 0);
        tokio::time::timeout(patience, settled).await.is_ok()
    }

    /// Waits until events satisfy this.
    pub(super) async fn wait(&self, patience: Duration, holds: impl Fn(&[Sent]) -> bool) -> bool {
        let mut board = self.board.subscribe();
        let waited = board.wait_for(|board| holds(&board.sent));
        tokio::time::timeout(patience, waited).await.is_ok()
    }
}

async fn insist(way: Arc<Way>, board: watch::Sender<Board>, letter: Letter) {
    let mut pause = way.backoff;
    for _ in 1..way.tries {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(way.backoff * 32);
        if way.send(&board, &letter).await {
            return done(&board, letter.at, true);
        }
    }
    done(&board, letter.at, false);
}

fn done(board: &watch::Sender<Board>, at: usize, taken: bool) {
    board.send_modify(|board| {
        board.under_way -= 1;
        let fate = &mut board.sent[at].fate;
        if taken {
            *fate = Fate::Taken;
        } else if *fate == Fate::OnItsWay {
            *fate = Fate::GivenUp;
        }
    });
}

impl Way {
    /// Whether it was taken: any 2xx in time.
    async fn send(&self, board: &watch::Sender<Board>, letter: &Letter) -> bool {
        let _place = self.places.acquire().await;
        let request = self
            .http
            .post(&letter.url)
            .header("Content-Type", "application/json")
            .header("X-Razorpay-Signature", &letter.signature)
            .header("x-razorpay-event-id", &letter.id)
            .body(letter.body.clone())
            .timeout(self.patience);
        let answer = async {
            let answer = request.send().await?;
            let status = answer.status();
            Ok((status, answer.text().await?))
        };
        let (answer, taken) = match answer.await {
            Ok((status, body)) => {
                let body = body.chars().take(KEPT).collect();
                (Answer { status: Some(status.as_u16()), body }, status.is_success())
            }
            Err(error) => {
                let error: reqwest::Error = error;
                (Answer { status: None, body: error.without_url().to_string() }, false)
            }
        };
        board.send_modify(|board| board.sent[letter.at].answers.push(answer));
        taken
    }
}
