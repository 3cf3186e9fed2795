//! Rows taken out of the database as they come, as CSV or JSON: for programs, spreadsheets, and reports to the public.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use clap::ValueEnum;
use serde::Serialize;

use crate::exit::Failure;

/// How rows are written.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Form {
    /// A heading, then one line each
    Csv,
    /// One object on each line
    Json,
}

/// Where rows go.
pub(super) enum Sink {
    Csv(Box<csv::Writer<Box<dyn Write + Send>>>),
    Json(BufWriter<Box<dyn Write + Send>>),
}

/// What can stand in a line: its fields in order, lists and objects among them as text.
pub(super) trait Row: Serialize {
    fn heading() -> &'static [&'static str];
    fn cells(&self) -> Vec<String>;
}

impl Sink {
    pub(super) fn row<R: Row>(&mut self, row: &R) -> io::Result<()> {
        match self {
            Self::Csv(csv) => Ok(csv.write_record(row.cells())?),
            Self::Json(json) => {
                serde_json::to_writer(&mut *json, row)?;
                json.write_all(b"\n")
            }
        }
    }
}

/// Writes to a new file, or to stdout; how many rows there were.
pub(super) async fn export<R: Row>(
    form: Form,
    file: Option<&Path>,
    rows: impl AsyncFnOnce(&mut Sink) -> Result<io::Result<i64>, Failure>,
) -> Result<u64, Failure> {
    let to: Box<dyn Write + Send> = match file {
        None => Box::new(io::stdout()),
        Some(path) => {
            let made = OpenOptions::new().write(true).create_new(true).open(path);
            Box::new(
                made.map_err(|error| Failure::user(format!("{} cannot be made: {error}", path.display())))?,
            )
        }
    };
    let broken = |error: io::Error| match error.kind() {
        // Whoever reads has read enough.
        io::ErrorKind::BrokenPipe => Ok(0),
        _ => Err(Failure::user(format!("the rows cannot be written: {error}"))),
    };
    let mut sink = match form {
        Form::Json => Sink::Json(BufWriter::new(to)),
        Form::Csv => {
            let mut csv = csv::Writer::from_writer(to);
            if let Err(error) = csv.write_record(R::heading()) {
                return broken(error.into());
            }
            Sink::Csv(Box::new(csv))
        }
    };
    let written = match rows(&mut sink).await? {
        Ok(written) => written,
        Err(error) => return broken(error),
    };
    let flushed = match &mut sink {
        Sink::Csv(csv) => csv.flush(),
        Sink::Json(json) => json.flush(),
    };
    match flushed {
        Ok(()) => Ok(written.unsigned_abs()),
        Err(error) => broken(error),
    }
}
