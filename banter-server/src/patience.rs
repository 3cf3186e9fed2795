//! How long this server waits for others. One value, so that tests can be quick.

use std::time::Duration;

use banter_core::config::Config;

#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a connection's first request.
    pub headers: Duration,
    /// For the next request on a connection that is kept, and its head. Longer than load balancers keep theirs (Azure's
    /// 60 s), or they would send into connections that we are closing.
    pub idle: Duration,
    /// Between saying on `/readyz` that the process ends and taking no more connections.
    pub farewell: Duration,
    /// For a request as a whole, its body included.
    pub request: Duration,
    /// For a file, over a slow connection.
    pub upload: Duration,
    /// For requests under way when the process ends.
    pub drain: Duration,
    /// Between looks at the sockets' access tokens.
    pub sweep: Duration,
}

impl Patience {
    /// Where a load balancer stands in front it is given time to look elsewhere; on a desk nobody waits for that.
    pub fn of(config: &Config) -> Self {
        let farewell = Duration::from_secs(if config.is_production() { 5 } else { 0 });
        Self { farewell, ..Self::default() }
    }
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            headers: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            farewell: Duration::ZERO,
            request: Duration::from_secs(30),
            upload: Duration::from_secs(20 * 60),
            drain: Duration::from_secs(20),
            sweep: Duration::from_secs(5),
        }
    }
}
