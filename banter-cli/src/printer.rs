//! The only place that writes to the terminal. Data goes to stdout, talk and progress to stderr, so that
//! `$(banter …)` and `banter … | jq` see nothing but what they asked for.
//!
//! Colour is dropped by `anstream` where a stream is no terminal or `NO_COLOR` is set. A reader that hung up
//! (`banter … | head`) is no failure: what it will not read is not written.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Mutex;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

pub(crate) struct Printer {
    quiet: bool,
    json: bool,
    bars: MultiProgress,
    /// Why data could not be written, if ever.
    lost: Mutex<Option<io::Error>>,
}

impl Printer {
    pub(crate) fn new(quiet: bool, json: bool) -> Self {
        let target = if quiet || json || !io::stderr().is_terminal() {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        Self { quiet, json, bars: MultiProgress::with_draw_target(target), lost: Mutex::new(None) }
    }

    /// A line of what was asked for.
    pub(crate) fn data(&self, line: impl Display) {
        self.bars.suspend(|| {
            let mut stdout = anstream::stdout().lock();
            if let Err(error) = writeln!(stdout, "{line}").and_then(|()| stdout.flush())
                && error.kind() != io::ErrorKind::BrokenPipe
            {
                self.lost.lock().expect("no panic while locked").get_or_insert(error);
            }
        });
    }

    /// A line of talk; `--quiet` hides it.
    pub(crate) fn say(&self, line: impl Display) {
        if !self.quiet {
            self.insist(line);
        }
    }

    /// A line on stderr that even `--quiet` shows: why the command failed.
    pub(crate) fn insist(&self, line: impl Display) {
        self.bars.suspend(|| {
            // Where stderr is closed there is nobody left to tell.
            let _ = writeln!(anstream::stderr().lock(), "{line}");
        });
    }

    /// What was asked for, as one JSON document.
    pub(crate) fn json(&self, value: &impl Serialize) {
        match serde_json::to_string_pretty(value) {
            Ok(text) => self.data(text),
            Err(error) => {
                self.lost.lock().expect("no panic while locked").get_or_insert(error.into());
            }
        }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Hidden where nobody looks: stderr is no terminal, `--quiet`, `--json`.
    pub(crate) fn bar(&self, len: u64, message: impl Into<Cow<'static, str>>) -> ProgressBar {
        let style =
            ProgressStyle::with_template("{msg} [{bar:30.cyan/dim}] {human_pos}/{human_len} {eta:>4.dim}")
                .expect("a well-formed template")
                .progress_chars("━━─");
        self.bars.add(ProgressBar::new(len).with_style(style).with_message(message))
    }

    /// Whether everything that was asked for could be written.
    pub(crate) fn finish(&self) -> io::Result<()> {
        self.lost.lock().expect("no panic while locked").take().map_or(Ok(()), Err)
    }
}
