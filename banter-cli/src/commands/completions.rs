//! `banter completions`.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::args::examples;
use crate::exit::{ExitStatus, Failure};
use crate::printer::Printer;

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(after_help = examples![
    "banter completions bash > ~/.local/share/bash-completion/completions/banter"
    "banter completions zsh > ~/.zfunc/_banter"
    "banter completions fish > ~/.config/fish/completions/banter.fish"
])]
pub(crate) struct CompletionsArgs {
    shell: Shell,
}

pub(crate) fn run(args: &CompletionsArgs, out: &Printer) -> Result<ExitStatus, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut crate::args::Args::command(), "banter", &mut script);
    out.data(String::from_utf8_lossy(&script).trim_end());
    Ok(ExitStatus::Done)
}
