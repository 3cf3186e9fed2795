//! The binary `banter-tui`; `banter console` is the same.

use std::process::ExitCode;

use clap::Parser;

/// The moderators' console
#[derive(Parser)]
#[command(name = "banter-tui", version)]
struct Cli {
    #[command(flatten)]
    args: banter_tui::Args,
}

#[tokio::main]
async fn main() -> ExitCode {
    match banter_tui::run(Cli::parse().args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "the one place of this program that says why it ends")]
            {
                eprintln!("error: {}", error.to_string().trim_end());
            }
            ExitCode::FAILURE
        }
    }
}
