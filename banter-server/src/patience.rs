//! How long this server waits for others. One value, so that tests can be quick.

use std::time::Duration;

#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a connection's first request, and for the head of each.
    pub headers: Duration,
    /// For a request as a whole, its body included.
    pub request: Duration,
    /// For requests under way when the process ends.
    pub drain: Duration,
    /// Between looks at the sockets' access tokens.
    pub sweep: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            headers: Duration::from_secs(10),
            request: Duration::from_secs(30),
            drain: Duration::from_secs(20),
            sweep: Duration::from_secs(5),
        }
    }
}
