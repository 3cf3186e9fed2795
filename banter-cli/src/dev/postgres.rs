//! A PostgreSQL of our own: its cluster, its settings, its start.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use sqlx::migrate::MigrateDatabase as _;
use sqlx::{Connection as _, PgConnection, Postgres as Driver};
use tokio::process::Command;

use super::account::Account;
use super::home::{Home, partial, password};
use super::log::Log;
use super::process::{Part, Process};
use super::programs::Postgres;
use super::state::{NAME, State};
use crate::exit::Failure;

/// After a crash of the machine PostgreSQL first replays its log.
const PATIENCE: Duration = Duration::from_secs(60);

/// For an application's laptop: memory enough, connections for a few replicas and a test suite.
const SETTINGS: &[&str] = &[
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "shared_buffers=256MB",
    "max_connections=200",
    "log_line_prefix=%m [%p] ",
    // Without the details of a refusal: they hold what was refused, a phone number for instance.
    "log_error_verbosity=terse",
];

/// What is thrown away need not survive a crash.
const THROWAWAY: &[&str] = &[
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "checkpoint_timeout=1h",
    "max_wal_size=2GB",
];

pub(super) struct Cluster<'a> {
    pub home: &'a Home,
    pub programs: &'a Postgres,
    pub account: Option<&'a Account>,
    pub throwaway: bool,
}

impl Cluster<'_> {
    /// Makes the cluster, with one superuser who needs the password.
    pub(super) async fn init(&self, secret: &str) -> Result<(), Failure> {
        let data = self.home.data();
        let unfinished = partial(&data);
        let password_file = password(&data);
        let prepare = || -> io::Result<()> {
            if unfinished.exists() {
                fs::remove_dir_all(&unfinished)?; // a run was killed while it made this
            }
            fs::create_dir(&unfinished)?;
            fs::write(&password_file, "")?;
            self.give(&password_file, 0o600)?;
            fs::write(&password_file, secret)?;
            self.give(&unfinished, 0o700)
        };
        prepare().map_err(|error| {
            Failure::user(format!("`{}` could not be made: {error}", unfinished.display()))
        })?;
        let mut command = self.command("initdb");
        command
            .arg("--pgdata")
            .arg(&unfinished)
            .arg("--pwfile")
            .arg(&password_file)
            .args(["--username", NAME, "--auth", "scram-sha-256", "--encoding", "UTF8"])
            .args(["--locale", locale()])
            .arg("--no-sync") // a crash of the machine within this second costs nothing
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let file = Unlink(&password_file); // even if we are told to stop meanwhile
        let made = command.output().await;
        drop(file);
        let made = made.map_err(|error| Failure::user(format!("`initdb` could not be started: {error}")))?;
        if !made.status.success() {
            let said = String::from_utf8_lossy(&made.stderr);
            return Err(Failure::user(format!("PostgreSQL could not make its data: {}", said.trim())));
        }
        fs::rename(&unfinished, &data)
            .map_err(|error| Failure::user(format!("`{}` could not be made: {error}", data.display())))
    }

    pub(super) fn start(&self, state: &State, log: &Log) -> io::Result<Process> {
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.home.data());
        let port = format!("port={}", state.postgres.port.unwrap_or(5432));
        let throwaway = if self.throwaway { THROWAWAY } else { &[] };
        for setting in SETTINGS.iter().chain(throwaway).copied().chain([port.as_str()]) {
            command.arg("-c").arg(setting);
        }
        command.stdout(log.stdio()?).stderr(log.stdio()?);
        Process::start(Part::Postgres, &mut command, &self.home.run())
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.bin.join(program));
        // Nothing of our environment: PGDATA, PGOPTIONS or a locale that is not installed would all be heard.
        command.env_clear().env("LC_ALL", locale()).current_dir("/").stdin(Stdio::null());
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        if let Some(account) = self.account {
            account.lend(&mut command);
        }
        command
    }

    fn give(&self, path: &Path, mode: u32) -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
        self.account.map_or(Ok(()), |account| account.own(path))
    }
}

struct Unlink<'a>(&'a Path);

impl Drop for Unlink<'_> {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.0);
    }
}

/// Where PostgreSQL knows the letters of every language: C.UTF-8 is in glibc and musl, not on macOS.
fn locale() -> &'static str {
    if cfg!(target_os = "macos") { "en_US.UTF-8" } else { "C.UTF-8" }
}

/// Waits until the database answers, and makes it if it is not there. `None`: the process ended, or took too long.
pub(super) async fn ready(process: &mut Process, state: &State) -> Option<PgConnection> {
    let url = state.database_url(NAME);
    let begun = Instant::now();
    while process.has_ended().is_none() && begun.elapsed() < PATIENCE {
        let connecting = tokio::time::timeout(Duration::from_secs(2), PgConnection::connect(&url)).await;
        match connecting {
            Ok(Ok(connection)) => return Some(connection),
            Ok(Err(sqlx::Error::Database(error))) if error.code().as_deref() == Some("3D000") => {
                let _ = Driver::create_database(&url).await;
            }
            // Its password is not the one we keep: waiting will not change that, the log's end tells.
            Ok(Err(sqlx::Error::Database(error))) if error.code().as_deref() == Some("28P01") => break,
            _ => tokio::time::sleep(Duration::from_millis(25)).await,
        }
    }
    None
}
