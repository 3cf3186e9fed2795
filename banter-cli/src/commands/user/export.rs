//! `banter user export`: all that is held about somebody.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::pin::pin;

use banter_core::Banter;
use banter_core::ids::UserId;
use futures_util::TryStreamExt as _;
use serde::Serialize;

use super::find;
use crate::exit::{ExitStatus, Failure};
use crate::printer::Printer;
use crate::settings::{Settings, name_target, with_banter};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    user_id: UserId,
    file: PathBuf,
    bytes: u64,
}

pub(super) async fn export(
    user: &str,
    file: Option<&Path>,
    settings: &Settings,
    out: &Printer,
) -> Result<ExitStatus, Failure> {
    let config = settings.for_data()?;
    name_target(&config, out)?;
    with_banter(config, async |banter| {
        let id = find(banter, user).await?;
        let Some(file) = file else { return print(banter, id, out).await };
        let bytes = write(banter, id, file).await?;
        if out.is_json() {
            out.json(&Written { user_id: id, file: file.to_owned(), bytes });
        } else {
            let size = indicatif::HumanBytes(bytes);
            out.say(format_args!("wrote {size} to `{}`: private data, for its owner alone", file.display()));
        }
        Ok(())
    })
    .await?;
    Ok(ExitStatus::Done)
}

async fn print(banter: &Banter, user: UserId, out: &Printer) -> Result<(), Failure> {
    let mut pieces = pin!(banter.accounts().export_of(user));
    out.data("{");
    while let Some(piece) = pieces.try_next().await? {
        out.data(piece);
    }
    out.data("}");
    Ok(())
}

/// Under another name until it is whole, and for nobody else to read.
async fn write(banter: &Banter, user: UserId, file: &Path) -> Result<u64, Failure> {
    let fault =
        |error: std::io::Error| Failure::user(format!("`{}` cannot be written: {error}", file.display()));
    if file.exists() {
        return Err(Failure::user(format!("`{}` is there already", file.display())).hint("name a new file"));
    }
    let mut part = file.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let opened = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part);
    let written = fill(banter, user, opened.map_err(fault)?, fault).await;
    let named = match written {
        Ok(bytes) => std::fs::rename(&part, file).map_err(fault).map(|()| bytes),
        Err(failure) => Err(failure),
    };
    if named.is_err() {
        // What is half helps nobody; if it cannot be removed either, its name says what it is.
        let _ = std::fs::remove_file(&part);
    }
    named
}

async fn fill(
    banter: &Banter,
    user: UserId,
    file: File,
    fault: impl Fn(std::io::Error) -> Failure,
) -> Result<u64, Failure> {
    let mut file = BufWriter::new(file);
    let mut pieces = pin!(banter.accounts().export_of(user));
    let mut bytes = 4;
    file.write_all(b"{\n").map_err(&fault)?;
    while let Some(piece) = pieces.try_next().await? {
        bytes += piece.len() as u64;
        file.write_all(piece.as_bytes()).map_err(&fault)?;
    }
    file.write_all(b"\n}").map_err(&fault)?;
    file.into_inner().map_err(|error| fault(error.into_error()))?.sync_all().map_err(&fault)?;
    Ok(bytes)
}
