//! Logs by `tracing`, metrics in Prometheus's format, named by OpenTelemetry's conventions.

use std::io::IsTerminal as _;
use std::time::Duration;

use banter_core::config;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

pub fn start_logs(config: &config::Log) {
    let filter = EnvFilter::try_new(&config.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    // socketioxide logs a client's malformed packet as an error of the server's.
    let filter = filter.add_directive("socketioxide=off".parse().expect("a directive"));
    let filter = filter.add_directive("engineioxide=off".parse().expect("a directive"));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    if config.json {
        subscriber.json().flatten_event(true).init();
    } else {
        subscriber.with_target(false).init();
    }
}

/// Installs the recorder of this process.
pub fn metrics() -> Result<PrometheusHandle, BuildError> {
    let seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &seconds)?
        .install_recorder()?;
    metrics::describe_histogram!(
        "http_server_request_duration_seconds",
        "Requests by method, route and status"
    );
    metrics::describe_gauge!("banter_sockets_open", "Sockets open in this process");
    metrics::describe_counter!("banter_messages_sent_total", "Messages stored");
    metrics::describe_counter!("banter_calls_total", "Calls that ended, by outcome");
    metrics::describe_counter!("banter_payments_total", "Payments and charges by outcome, method and reason");
    metrics::describe_counter!("banter_payments_refused_total", "Proofs and webhooks that were not believed");
    metrics::describe_counter!("banter_gifts_total", "Gifts given");
    metrics::describe_counter!("banter_bus_dropped_total", "Events not passed to other replicas");
    metrics::describe_counter!("banter_sign_ins_total", "Sign-ins by outcome");
    metrics::describe_counter!("banter_jobs_total", "Job attempts by kind and outcome");
    metrics::describe_counter!("banter_rate_limited_total", "Requests refused by a rate limit");
    metrics::describe_gauge!("db_client_connections_open", "Connections to PostgreSQL");
    metrics::describe_gauge!("db_client_connections_idle", "Connections to PostgreSQL with nothing to do");
    let upkeep = handle.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            upkeep.run_upkeep();
        }
    });
    Ok(handle)
}
