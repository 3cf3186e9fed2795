//! `banter console`: the moderators' console, the same as the binary `banter-tui`.

use crate::exit::{ExitStatus, Failure};
use crate::settings::Settings;

pub(crate) async fn run(args: banter_tui::Args, settings: &Settings) -> Result<ExitStatus, Failure> {
    settings.refuse_chosen_file("console")?;
    settings.whole()?;
    match banter_tui::run(args).await {
        Ok(()) => Ok(ExitStatus::Done),
        Err(error) => Err(Failure::user(error.to_string())),
    }
}
