//! Starts a replica: configuration, database, background work, listeners; ends it on SIGTERM or Ctrl-C.

use std::process::ExitCode;

use banter_core::Banter;
use banter_core::config::Config;
use banter_server::{router, serve, telemetry};

#[tokio::main]
async fn main() -> ExitCode {
    let config = match Config::from_env() {
        Ok(config) => config,
        Err(problems) => return complain(&problems),
    };
    telemetry::start_logs(&config.log);
    match run(config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error),
    }
}

async fn run(config: Config) -> Result<(), serve::StartError> {
    let metrics = telemetry::metrics()?;
    let banter = Banter::connect(config).await?;
    serve::check_schema(&banter).await?;
    banter.start_background().await.map_err(serve::StartError::Background)?;
    let app = router::app(&banter);
    serve::run(&banter, app, metrics).await
}

/// Before logging is up, and for what ends the process: standard error is the one place an operator looks.
#[expect(clippy::print_stderr, reason = "the last word of a process that cannot start")]
fn complain(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("banter-server: {error}");
    ExitCode::from(1)
}
