//! The log of a service: a file that its process writes, of which we show the end when it fails.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// A log longer than this is begun anew.
const LONGEST: u64 = 10 << 20;

pub(super) struct Log {
    path: PathBuf,
    file: File,
    /// Where this start begins.
    begin: u64,
}

impl Log {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        if fs::metadata(path).is_ok_and(|m| m.len() > LONGEST) {
            fs::remove_file(path)?;
        }
        let file = fs::OpenOptions::new().create(true).append(true).open(path)?;
        let begin = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), file, begin })
    }

    pub(super) fn stdio(&self) -> io::Result<Stdio> {
        Ok(self.file.try_clone()?.into())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The last lines written since the start, indented; empty if there are none.
    pub(super) fn end(&self, lines: usize) -> String {
        let read = || -> io::Result<String> {
            let mut file = File::open(&self.path)?;
            file.seek(SeekFrom::Start(self.begin))?;
            let mut text = Vec::new();
            file.take(LONGEST).read_to_end(&mut text)?;
            Ok(String::from_utf8_lossy(&text).into_owned())
        };
        let text = read().unwrap_or_default();
        let all: Vec<&str> = text.lines().collect();
        all[all.len().saturating_sub(lines)..].iter().map(|line| format!("\n  {line}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn the_end_is_of_this_start() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.log");
        fs::write(&path, "of yesterday\n").unwrap();
        let mut log = Log::open(&path).unwrap();
        assert_eq!(log.end(5), "");
        log.file.write_all(b"one\ntwo\nthree\n").unwrap();
        assert_eq!(log.end(2), "\n  two\n  three");
    }
}
