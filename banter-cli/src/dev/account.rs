//! Who runs the services. PostgreSQL refuses to be run by root, rightly; started by root, we hand it (and Redis)
//! to an account that may do nothing else.

use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::exit::Failure;

/// An unprivileged account that root lends the services to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub name: String,
    uid: u32,
    gid: u32,
}

impl Account {
    /// `None`: we are no root, the services run as we do. Otherwise whoever owns the data there is already, else
    /// `postgres`, else `nobody`.
    pub(super) fn choose(data: &Path) -> Result<Option<Self>, Failure> {
        let us = rustix::process::geteuid();
        let owner = std::fs::metadata(data).ok().map(|m| (m.uid(), m.gid()));
        match owner {
            Some((uid, _)) if !us.is_root() && uid != us.as_raw() => {
                Err(Failure::user(format!("`{}` belongs to another user", data.display()))
                    .hint("start it as that user, or keep another directory with `--dir`"))
            }
            _ if !us.is_root() => Ok(None),
            Some((uid, gid)) if uid != 0 => Ok(Some(Self { name: format!("user {uid}"), uid, gid })),
            _ => ["postgres", "nobody"].into_iter().find_map(Self::named).map(Some).ok_or_else(|| {
                Failure::user(
                    "PostgreSQL refuses to run as root, and there is no user `postgres` or `nobody`",
                )
                .hint("create one (`useradd --system postgres`), or start `banter dev` as an ordinary user")
            }),
        }
    }

    fn named(name: &str) -> Option<Self> {
        let ask = |flag| {
            let answer = Command::new("id").args([flag, name]).stderr(Stdio::null()).output().ok()?;
            String::from_utf8(answer.stdout).ok()?.trim().parse().ok()
        };
        Some(Self { name: name.into(), uid: ask("-u")?, gid: ask("-g")? })
    }

    /// The command will run as this account; supplementary groups are dropped with it.
    pub(super) fn lend(&self, command: &mut tokio::process::Command) {
        command.uid(self.uid).gid(self.gid);
    }

    pub(super) fn own(&self, path: &Path) -> std::io::Result<()> {
        chown(path, Some(self.uid), Some(self.gid))
    }

    /// Can it reach what lies in this directory? Asked by trying, since more than mode bits decides.
    pub(super) fn can_enter(&self, dir: &Path) -> bool {
        Command::new("sh")
            .args(["-c", "cd -- \"$1\"", "sh"])
            .arg(dir)
            .current_dir("/")
            .stderr(Stdio::null())
            .uid(self.uid)
            .gid(self.gid)
            .status()
            .is_ok_and(|status| status.success())
    }
}
