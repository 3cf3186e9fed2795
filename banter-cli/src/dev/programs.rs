//! Where the programs of the services are, and how to get them.

use std::env;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::exit::Failure;
use crate::livekit::VERSION;
use crate::printer::Printer;

/// The oldest PostgreSQL that the schema and its queries are written for.
const OLDEST: u32 = 15;

/// Where packages put PostgreSQL without putting it on PATH; `*` stands for one path component.
const POSTGRES_HOMES: &[&str] = &[
    "/usr/lib/postgresql/*/bin",                      // Debian, Ubuntu
    "/usr/pgsql-*/bin",                               // PostgreSQL's own packages for Red Hat
    "/opt/homebrew/opt/postgresql*/bin",              // Homebrew on Apple silicon
    "/usr/local/opt/postgresql*/bin",                 // Homebrew on Intel
    "/home/linuxbrew/.linuxbrew/opt/postgresql*/bin", // Homebrew on Linux
    "/Applications/Postgres.app/Contents/Versions/*/bin",
];

const HOMES: &[&str] = &["/opt/homebrew/bin", "/usr/local/bin", "/home/linuxbrew/.linuxbrew/bin"];

/// Valkey is Redis under its free name: some distributions have only that.
const REDIS_NAMES: &[&str] = &["redis-server", "valkey-server"];

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Postgres {
    pub bin: PathBuf,
    /// The major version.
    pub version: u32,
}

/// The programs that are needed; a part that the environment has already is not.
#[derive(Debug)]
pub(super) struct Programs {
    pub postgres: Option<Postgres>,
    pub redis: Option<PathBuf>,
}

/// Where to look.
struct Search<'a> {
    path: Vec<PathBuf>,
    postgres_homes: &'a [&'a str],
    /// Of whatever has one name.
    homes: &'a [&'a str],
}

impl Programs {
    /// Everything that is missing is told at once. `data_version` is what made the data that is there.
    pub(super) fn find(
        needs_postgres: bool,
        needs_redis: bool,
        data_version: Option<u32>,
    ) -> Result<Self, Failure> {
        let path = env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default();
        let search = Search { path, postgres_homes: POSTGRES_HOMES, homes: HOMES };
        let postgres = needs_postgres.then(|| choose(search.postgres(), data_version));
        let redis = needs_redis.then(|| search.redis());
        let mut missing = Vec::new();
        if let Some(Err(problem)) = &postgres {
            missing.push(problem.clone());
        }
        if matches!(redis, Some(None)) {
            missing.push(Missing::Redis);
        }
        if !missing.is_empty() {
            return Err(failure(&missing));
        }
        Ok(Self { postgres: postgres.and_then(Result::ok), redis: redis.flatten() })
    }
}

/// The programs of calls and rooms, without which everything else goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Voice {
    pub livekit: Option<PathBuf>,
    pub relay: Option<PathBuf>,
}

impl Voice {
    /// Says what is missing.
    pub(super) fn find(needs_livekit: bool, needs_relay: bool, out: &Printer) -> Self {
        let path: Vec<_> =
            env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default();
        let search = Search { path, postgres_homes: &[], homes: HOMES };
        let found = Self {
            livekit: needs_livekit.then(|| search.livekit(cache().as_deref())).flatten(),
            relay: needs_relay.then(|| search.program(&["turnserver"])).flatten(),
        };
        if needs_livekit && found.livekit.is_none() {
            out.say(format_args!(
                "LiveKit is not installed: calls and rooms will not connect; `make setup` gets it where Go is, \
                 or put livekit-server {VERSION} on PATH"
            ));
        }
        if needs_relay && found.relay.is_none() {
            out.say("coturn is not installed: calls behind strict firewalls will not connect; `make setup` gets it");
        }
        found
    }

    /// Where they lie.
    pub(super) fn dirs(&self) -> impl Iterator<Item = &Path> {
        [&self.livekit, &self.relay].into_iter().flatten().filter_map(|program| program.parent())
    }
}

/// Where `scripts/setup.sh` puts what no package has.
fn cache() -> Option<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache"))).map(|cache| cache.join("banter"))
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Missing {
    Postgres,
    /// Only older ones are there; the newest of them.
    NewerPostgres(u32),
    /// The data was made by this version, and only others are there.
    SamePostgres(u32),
    Redis,
}

fn choose(found: Vec<Postgres>, data_version: Option<u32>) -> Result<Postgres, Missing> {
    let newest = found.iter().map(|postgres| postgres.version).max().ok_or(Missing::Postgres)?;
    if newest < OLDEST {
        return Err(Missing::NewerPostgres(newest));
    }
    let wanted = data_version.unwrap_or(newest);
    found.into_iter().find(|postgres| postgres.version == wanted).ok_or(Missing::SamePostgres(wanted))
}

impl Search<'_> {
    fn postgres(&self) -> Vec<Postgres> {
        let mut bins = self.path.clone();
        bins.extend(self.postgres_homes.iter().flat_map(|pattern| expand(pattern)));
        let mut found: Vec<Postgres> = Vec::new();
        for bin in bins {
            // Debian's postgresql-common puts wrappers on PATH that are not `postgres`; both must be there.
            if is_program(&bin.join("postgres"))
                && is_program(&bin.join("initdb"))
                && let Some(version) = version(&bin.join("postgres"))
            {
                found.push(Postgres { bin, version });
            }
        }
        found
    }

    fn redis(&self) -> Option<PathBuf> {
        self.program(REDIS_NAMES)
    }

    fn livekit(&self, cache: Option<&Path>) -> Option<PathBuf> {
        let cached = || cache.map(|cache| cache.join(format!("livekit-{VERSION}/livekit-server")));
        self.program(&["livekit-server"]).or_else(|| cached().filter(|file| is_program(file)))
    }

    fn program(&self, names: &[&str]) -> Option<PathBuf> {
        let homes = self.path.iter().cloned().chain(self.homes.iter().map(PathBuf::from));
        let mut files = homes.flat_map(|dir| names.iter().map(move |name| dir.join(name)));
        files.find(|file| is_program(file))
    }
}

fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(file).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

fn version(postgres: &Path) -> Option<u32> {
    let answer = Command::new(postgres).arg("--version").output().ok()?;
    parse_version(&String::from_utf8(answer.stdout).ok()?)
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`, `… 17beta2`.
fn parse_version(text: &str) -> Option<u32> {
    let number = text.split_once("(PostgreSQL) ")?.1;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The directories that a pattern with one `*` stands for.
fn expand(pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else { return vec![pattern.into()] };
    let (dir, prefix) = before.rsplit_once('/').unwrap_or((".", before));
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let matching = entries.flatten().filter(|entry| {
        entry.file_name().as_encoded_bytes().starts_with(OsStr::new(prefix).as_encoded_bytes())
    });
    matching.map(|entry| entry.path().join(after.trim_start_matches('/'))).filter(|p| p.is_dir()).collect()
}

fn failure(missing: &[Missing]) -> Failure {
    if let [Missing::SamePostgres(version)] = missing {
        return Failure::user(format!(
            "the data in this directory was made by PostgreSQL {version}, which is not installed (any more)"
        ))
        .hint(format!("install PostgreSQL {version}, or start over with `--fresh`: its data is dropped"));
    }
    let (mut sentence, mut postgres, mut redis) = (String::new(), false, false);
    for (i, part) in missing.iter().enumerate() {
        let and = if i == 0 { "" } else { ", and " };
        let _ = match part {
            Missing::Postgres => write!(sentence, "{and}PostgreSQL is not installed"),
            Missing::NewerPostgres(version) => {
                write!(sentence, "{and}PostgreSQL {version} is too old: {OLDEST} or newer is needed")
            }
            Missing::SamePostgres(version) => {
                write!(sentence, "{and}PostgreSQL {version}, which made the data here, is not installed")
            }
            Missing::Redis => write!(sentence, "{and}Redis is not installed"),
        };
        postgres |= *part != Missing::Redis;
        redis |= *part == Missing::Redis;
    }
    let command = Manager::here().map(|manager| manager.command(postgres, redis));
    Failure::user(sentence).hint(command.map_or_else(
        || format!("install PostgreSQL {OLDEST} or newer and Redis, and put their programs on PATH"),
        |command| format!("`make setup` installs what Banter needs; or: `{command}`"),
    ))
}

/// The platform's package manager.
#[derive(Clone, Copy, Debug)]
enum Manager {
    Apt,
    Dnf,
    Pacman,
    Apk,
    Brew,
}

impl Manager {
    fn here() -> Option<Self> {
        if cfg!(target_os = "macos") {
            return Some(Self::Brew);
        }
        // By fixed places: whoever has no PATH to find Redis on may have none to find `apt-get` on.
        [
            ("/usr/bin/apt-get", Self::Apt),
            ("/usr/bin/dnf", Self::Dnf),
            ("/usr/bin/pacman", Self::Pacman),
            ("/sbin/apk", Self::Apk),
        ]
        .into_iter()
        .find_map(|(file, manager)| Path::new(file).exists().then_some(manager))
    }

    fn command(self, postgres: bool, redis: bool) -> String {
        let (install, postgres_package, redis_package) = match self {
            Self::Apt => ("apt-get install", "postgresql", "redis-server"),
            Self::Dnf => ("dnf install", "postgresql-server", "redis"),
            Self::Pacman => ("pacman -S", "postgresql", "valkey"),
            Self::Apk => ("apk add", "postgresql16", "redis"),
            Self::Brew => ("brew install", "postgresql@17", "redis"),
        };
        let root = matches!(self, Self::Brew) || rustix::process::geteuid().is_root();
        let packages = [postgres.then_some(postgres_package), redis.then_some(redis_package)];
        let words = [(!root).then_some("sudo"), Some(install)].into_iter().chain(packages).flatten();
        words.collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
#[path = "programs_tests.rs"]
mod tests;
