//! Does the console's tasks, each beside the loop: only here is anything waited for.

use std::io;
use std::time::{Duration, Instant};

use banter_core::app::StartError;
use banter_core::config::Config;
use banter_core::overview::{Overview, Part, Watch};
use banter_core::providers::http_client;

use crate::action::{Action, Task};

/// How everything was at one time.
#[derive(Clone, Debug)]
pub struct Look {
    pub overview: Overview,
    /// Is the API ready to serve, asked where clients ask?
    pub server: Part,
}

pub struct Desk {
    watch: Watch,
    http: reqwest::Client,
}

const PATIENCE: Duration = Duration::from_secs(3);

impl Desk {
    /// Connects to nothing yet.
    pub fn new(config: Config) -> Result<Self, StartError> {
        Ok(Self { watch: Watch::new(config)?, http: http_client() })
    }

    pub fn watch(&self) -> &Watch {
        &self.watch
    }

    pub async fn perform(&self, task: Task) -> Action {
        match task {
            Task::Look => {
                let (overview, server) = tokio::join!(self.watch.look(), self.look_at_server());
                Action::Looked(Box::new(Look { overview, server }))
            }
        }
    }

    async fn look_at_server(&self) -> Part {
        let url = &self.watch.config().http.public_url;
        let started = Instant::now();
        let answer = self.http.get(format!("{url}/readyz")).timeout(PATIENCE).send().await;
        let round_trip = started.elapsed();
        let why = match answer {
            Ok(answer) if answer.status().is_success() => return Part::Up { round_trip },
            Ok(answer) => match answer.status().as_u16() {
                503 => "it answers that it is not ready to serve (503)".to_owned(),
                status => format!("something answers {status} to /readyz; is PUBLIC_URL the server's?"),
            },
            Err(error) if error.is_timeout() => format!("no answer within {} s", PATIENCE.as_secs()),
            Err(error) => in_words(&error),
        };
        Part::Away { why }
    }
}

/// The innermost cause, where the reason stands; the layers above it repeat the URL.
fn in_words(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    match cause.downcast_ref::<io::Error>().map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => "nothing listens there".to_owned(),
        _ => cause.to_string(),
    }
}
