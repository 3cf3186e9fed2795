//! The file that keeps the book over restarts.

use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use super::book::Book;

/// An empty book where there is no file yet.
pub(super) fn load(file: &Path) -> io::Result<Book> {
    match fs::read(file) {
        Ok(text) => serde_json::from_slice(&text).map_err(io::Error::from),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Book::default()),
        Err(error) => Err(error),
    }
}

/// All of it or nothing: whoever is killed on the way leaves the file of before.
pub(super) fn save(file: &Path, book: &Book) -> io::Result<()> {
    let dir = file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut new = tempfile::NamedTempFile::new_in(dir)?;
    serde_json::to_writer(&mut new, book)?;
    new.flush()?;
    new.persist(file)?;
    Ok(())
}
