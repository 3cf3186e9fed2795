//! `banter calls end`: a call is over for everybody in it.

use banter_core::calls;
use banter_core::ids::CallId;

use super::{failure, show};
use crate::commands::confirm;
use crate::exit::{ExitStatus, Failure};
use crate::printer::Printer;
use crate::settings::{Settings, name_target, with_banter};

pub(super) async fn end(
    id: CallId,
    reason: &str,
    yes: bool,
    settings: &Settings,
    out: &Printer,
) -> Result<ExitStatus, Failure> {
    let config = settings.for_data()?;
    name_target(&config, out)?;
    let shown = with_banter(config, async |banter| {
        let (call, people) = banter.calls().show(id).await.map_err(failure)?;
        if !call.status.is_live() {
            return Err(calls::Error::Over.into());
        }
        if !yes {
            let question = format_args!("this ends {}'s call, for {} people", call.caller, people.len());
            confirm(question, "end", "the call goes on", out)?;
        }
        banter.calls().end_for(id, reason).await.map_err(failure)?;
        show::shown(banter, id).await
    })
    .await?;
    if out.is_json() {
        out.json(&shown);
    } else {
        out.say("the call is over");
    }
    Ok(ExitStatus::Done)
}
