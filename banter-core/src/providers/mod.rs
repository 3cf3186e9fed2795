//! One file for each outside service: a struct over HTTP with a base URL, so that the same code meets the real
//! service, its emulator, or a stub on loopback.

pub mod fcm;
pub mod firebase;
pub mod google_auth;
pub mod livekit;
pub mod razorpay;
pub mod storage;
#[cfg(test)]
mod tests;
pub mod turn;

use std::time::Duration;

/// The one HTTP client of the process: pooled, with timeouts, no redirects (none of our providers redirects, and
/// following one would carry a credential to whoever it names).
pub fn http_client() -> reqwest::Client {
    #[expect(clippy::disallowed_methods, reason = "the one home of HTTP clients")]
    reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(5))
        .timeout(Duration::from_secs(10))
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("banter/", env!("CARGO_PKG_VERSION")))
        .build()
        .expect("a client without custom certificates can always be built")
}
