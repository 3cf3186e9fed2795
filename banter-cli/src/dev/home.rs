//! The directory that holds everything private: `.banter/`.
//!
//! ```text
//! lock            held while `banter dev` runs here
//! state.json      ports, passwords and secrets, made up once          (0600)
//! env             the environment for other commands                  (0600)
//! tokens/asha     an access token for each demo person                (0600)
//! run/*.json      which processes are ours
//! run/coturn/     what the relay reads and writes while it runs
//! log/*.log       what the services say
//! media/          what people uploaded
//! razorpay.json   what the stand-in for Razorpay knows
//! postgres/       PostgreSQL's data, or a link to where it is
//! ```

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use super::account::Account;
use super::port::fingerprint;
use crate::exit::Failure;

/// Where data goes that the account of the services could not reach in a root's own directory.
const ELSEWHERE: &str = "/var/lib/banter-dev";

pub(super) struct Home {
    dir: PathBuf,
    /// Held as long as this lives; children do not inherit it.
    _lock: File,
}

/// Who holds the lock, as written into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// `banter dev`: its services stay until it is stopped.
    Dev,
    /// `banter dev exec`: its services go with its command.
    Exec,
}

pub(super) enum Opened {
    Ours(Home),
    /// Somebody else is at work here.
    Held {
        dir: PathBuf,
        by: Holder,
        pid: u32,
    },
}

impl Home {
    pub(super) fn open(dir: &Path, holder: Holder) -> Result<Opened, Failure> {
        let fail = |error: io::Error| {
            Failure::user(format!("`{}` cannot be used: {error}", dir.display()))
                .hint("name a directory that you may write with `--dir`")
        };
        for part in ["run", "log", "tokens"] {
            fs::create_dir_all(dir.join(part)).map_err(fail)?;
        }
        // The account that runs PostgreSQL passes through here, whatever the umask says.
        let mode = fs::metadata(dir).map_err(fail)?.permissions().mode();
        if mode & 0o055 != 0o055 {
            fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).map_err(fail)?;
        }
        let dir = dir.canonicalize().map_err(fail)?;
        fs::write(dir.join(".gitignore"), "*\n").map_err(fail)?;
        let mut lock = fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(dir.join("lock"))
            .map_err(fail)?;
        match lock.try_lock() {
            Ok(()) => {
                let word = if holder == Holder::Dev { "dev" } else { "exec" };
                lock.set_len(0).map_err(fail)?;
                write!(lock, "{word} {}", std::process::id()).map_err(fail)?;
                Ok(Opened::Ours(Self { dir, _lock: lock }))
            }
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                lock.read_to_string(&mut text).map_err(fail)?;
                let (word, pid) = text.split_once(' ').unwrap_or(("exec", "0"));
                let by = if word == "dev" { Holder::Dev } else { Holder::Exec };
                Ok(Opened::Held { dir, by, pid: pid.parse().unwrap_or(0) })
            }
            Err(TryLockError::Error(error)) => Err(fail(error)),
        }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn run(&self) -> PathBuf {
        run(&self.dir)
    }

    pub(super) fn log(&self, name: &str) -> PathBuf {
        self.dir.join("log").join(format!("{name}.log"))
    }

    pub(super) fn state(&self) -> PathBuf {
        state_file(&self.dir)
    }

    pub(super) fn env(&self) -> PathBuf {
        self.dir.join("env")
    }

    pub(super) fn razorpay(&self) -> PathBuf {
        self.dir.join("razorpay.json")
    }

    pub(super) fn media(&self) -> PathBuf {
        media(&self.dir)
    }

    pub(super) fn token(&self, username: &str) -> PathBuf {
        self.dir.join("tokens").join(username)
    }

    /// Where PostgreSQL's data is, links followed, whether it is there or not.
    pub(super) fn data(&self) -> PathBuf {
        let inside = self.dir.join("postgres");
        fs::read_link(&inside).unwrap_or(inside)
    }

    /// The major version that made the data; `None`: there is none yet.
    pub(super) fn data_version(&self) -> Option<u32> {
        fs::read_to_string(self.data().join("PG_VERSION")).ok()?.trim().parse().ok()
    }

    /// Finds the data a place where `account` reaches it; the place, if it is not in here.
    pub(super) fn place_data(&self, account: Option<&Account>) -> io::Result<Option<PathBuf>> {
        let data = self.data();
        let inside = self.dir.join("postgres");
        if data == inside && (data.exists() || account.is_none_or(|account| account.can_enter(&self.dir))) {
            return Ok(None);
        }
        let place = self.elsewhere();
        // Root's, and passable: what is secret lies in `postgres`, which is the account's alone.
        fs::DirBuilder::new().recursive(true).mode(0o755).create(&place)?;
        fs::write(place.join("of"), format!("{}\n", self.dir.display()))?;
        if data == inside {
            symlink(place.join("postgres"), &inside)?;
        }
        Ok(Some(place))
    }

    fn elsewhere(&self) -> PathBuf {
        Path::new(ELSEWHERE).join(format!("{:016x}", fingerprint(&self.dir.to_string_lossy())))
    }

    /// Whether there is data that nobody said could be dropped.
    pub(super) fn is_kept(&self) -> bool {
        self.data_version().is_some() && !self.is_throwaway()
    }

    /// Whether a run that drops its data was at work here; one that was killed leaves it.
    pub(super) fn is_throwaway(&self) -> bool {
        self.throwaway_mark().exists()
    }

    pub(super) fn mark_throwaway(&self) -> Result<(), Failure> {
        let mark = self.throwaway_mark();
        fs::write(&mark, "What is here may be dropped.\n")
            .map_err(|error| Failure::user(format!("`{}` could not be written: {error}", mark.display())))
    }

    fn throwaway_mark(&self) -> PathBuf {
        self.dir.join("throwaway.txt")
    }

    /// Drops the data and what belongs to it; logs stay for whoever asks what went wrong.
    pub(super) fn clear(&self) -> Result<(), Failure> {
        let clear = || {
            gone(fs::remove_dir_all(self.elsewhere()))?;
            let inside = self.dir.join("postgres");
            if inside.is_symlink() {
                gone(fs::remove_file(&inside))?;
            } else {
                gone(fs::remove_dir_all(&inside))?;
            }
            gone(fs::remove_dir_all(partial(&inside)))?;
            gone(fs::remove_file(password(&inside)))?;
            for file in [self.state(), self.env(), self.razorpay(), self.throwaway_mark()] {
                gone(fs::remove_file(file))?;
            }
            gone(fs::remove_dir_all(self.media()))?;
            gone(fs::remove_dir_all(self.dir.join("tokens")))?;
            fs::create_dir_all(self.dir.join("tokens"))
        };
        clear().map_err(|error: io::Error| {
            Failure::user(format!("the old data in `{}` could not be dropped: {error}", self.dir.display()))
        })
    }
}

pub(super) fn run(dir: &Path) -> PathBuf {
    dir.join("run")
}

pub(super) fn media(dir: &Path) -> PathBuf {
    dir.join("media")
}

pub(super) fn state_file(dir: &Path) -> PathBuf {
    dir.join("state.json")
}

/// Where data is while it is being made.
pub(super) fn partial(data: &Path) -> PathBuf {
    data.with_extension("partial")
}

/// Where the first password is while the data is being made.
pub(super) fn password(data: &Path) -> PathBuf {
    data.with_extension("password")
}

/// To remove what is not there is no failure.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(dir: &Path) -> Home {
        match Home::open(dir, Holder::Dev).unwrap() {
            Opened::Ours(home) => home,
            Opened::Held { .. } => panic!("held"),
        }
    }

    #[test]
    fn a_directory_is_held_by_one() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("deep/er/.banter");
        let home = ours(&dir);
        let Opened::Held { by, pid, .. } = Home::open(&dir, Holder::Exec).unwrap() else { panic!("free") };
        assert_eq!((by, pid), (Holder::Dev, std::process::id()));
        drop(home);
        ours(&dir);
    }

    #[test]
    fn clearing_drops_data_and_secrets_and_keeps_logs() {
        let temp = tempfile::tempdir().unwrap();
        let home = ours(temp.path());
        fs::create_dir_all(home.data()).unwrap();
        fs::write(home.data().join("PG_VERSION"), "15\n").unwrap();
        assert_eq!(home.data_version(), Some(15));
        fs::create_dir_all(home.media()).unwrap();
        let upload = home.media().join("upload.jpg");
        for file in [home.state(), home.env(), home.token("asha"), home.log("postgres"), upload] {
            fs::write(file, "x").unwrap();
        }
        home.clear().unwrap();
        assert_eq!(home.data_version(), None);
        assert!(
            !home.media().exists()
                && !home.state().exists()
                && !home.env().exists()
                && !home.token("asha").exists()
        );
        assert!(home.log("postgres").exists());
        home.clear().unwrap();
    }

    #[test]
    fn data_is_kept_unless_it_is_marked() {
        let temp = tempfile::tempdir().unwrap();
        let home = ours(temp.path());
        assert!(!home.is_kept() && !home.is_throwaway());
        fs::create_dir_all(home.data()).unwrap();
        fs::write(home.data().join("PG_VERSION"), "15\n").unwrap();
        assert!(home.is_kept());
        home.mark_throwaway().unwrap();
        assert!(!home.is_kept() && home.is_throwaway());
        home.clear().unwrap();
        assert!(!home.is_throwaway());
    }

    #[test]
    fn data_is_found_behind_a_link() {
        let temp = tempfile::tempdir().unwrap();
        let home = ours(temp.path());
        assert_eq!(home.data(), home.dir().join("postgres"));
        symlink("/somewhere/else", home.dir().join("postgres")).unwrap();
        assert_eq!(home.data(), Path::new("/somewhere/else"));
        home.clear().unwrap();
        assert!(!home.dir().join("postgres").is_symlink());
    }
}
