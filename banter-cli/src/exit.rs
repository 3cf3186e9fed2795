//! How a command ends: the exit code, and for a failure the sentence, the stable code and the hint.

use std::fmt::Write as _;
use std::process::ExitCode;

use banter_core::error::{Coded, Kind};
use serde::Serialize;

use crate::printer::Printer;

/// 3 is kept for "the plan has changes", which provisioning will say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    Done,
    /// Whoever called can fix it: the input, the settings, a service that is not running.
    UserError,
    /// They cannot: a fault of ours, or a database that failed.
    OurFault,
    /// What a child exited with.
    Code(u8),
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        match status {
            ExitStatus::Done => Self::SUCCESS,
            ExitStatus::UserError => Self::from(1),
            ExitStatus::OurFault => Self::from(2),
            ExitStatus::Code(code) => Self::from(code),
        }
    }
}

/// Why a command failed: a sentence without a full stop, values in backticks, and what to try.
#[derive(Debug)]
pub(crate) struct Failure {
    status: ExitStatus,
    message: String,
    /// What lies beneath, outermost first.
    causes: Vec<String>,
    hint: Option<String>,
    code: Option<&'static str>,
}

impl Failure {
    /// Whoever called can fix it.
    pub(crate) fn user(message: impl Into<String>) -> Self {
        Self::new(ExitStatus::UserError, message)
    }

    /// They cannot.
    pub(crate) fn ours(message: impl Into<String>) -> Self {
        Self::new(ExitStatus::OurFault, message)
    }

    /// With an exit code of its own.
    pub(crate) fn new(status: ExitStatus, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), causes: Vec::new(), hint: None, code: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Tells the user, and gives the exit code.
    pub(crate) fn report(&self, out: &Printer) -> ExitStatus {
        if out.is_json() {
            out.json(&Report { error: self.into() });
        } else {
            out.insist(self.text());
        }
        self.status
    }

    fn text(&self) -> String {
        let red = anstyle::AnsiColor::Red.on_default().bold();
        let cyan = anstyle::AnsiColor::Cyan.on_default().bold();
        let code = self.code.map(|code| format!("[{code}]")).unwrap_or_default();
        let mut text = format!("{red}error{code}:{red:#} {}", self.message.trim_end());
        for cause in &self.causes {
            let _ = write!(text, "\n  caused by: {cause}");
        }
        if let Some(hint) = &self.hint {
            let _ = write!(text, "\n\n{cyan}hint:{cyan:#} {hint}");
        }
        text
    }
}

#[derive(Serialize)]
struct Report<'a> {
    error: ReportedError<'a>,
}

#[derive(Serialize)]
struct ReportedError<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    message: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    causes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
}

impl<'a> From<&'a Failure> for ReportedError<'a> {
    fn from(failure: &'a Failure) -> Self {
        Self {
            code: failure.code,
            message: failure.message.trim_end(),
            causes: &failure.causes,
            hint: failure.hint.as_deref(),
        }
    }
}

/// Everything core can fail with: the kind decides the exit code, and only here.
impl<E: Coded> From<E> for Failure {
    fn from(error: E) -> Self {
        let (kind, code) = error.coded();
        let status = match kind {
            Kind::Invalid
            | Kind::Unauthenticated
            | Kind::Forbidden
            | Kind::NotFound
            | Kind::Conflict
            | Kind::Mismatch
            | Kind::TooLarge
            | Kind::Unsupported
            | Kind::TooMany
            | Kind::Unavailable => ExitStatus::UserError,
            Kind::Internal => ExitStatus::OurFault,
        };
        let mut causes = Vec::new();
        if matches!(kind, Kind::Internal | Kind::Unavailable) {
            let mut next = error.source();
            while let Some(cause) = next {
                causes.push(cause.to_string());
                next = cause.source();
            }
        }
        let hint = (code == "NAME_NEEDED").then(|| "`--as NAME`, or BANTER_AS in the environment".to_owned());
        Self { status, message: error.to_string(), causes, hint, code: Some(code) }
    }
}
