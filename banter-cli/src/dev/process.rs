//! The processes we start, and those that a killed run left behind.
//!
//! Each leads a process group of its own, so that Ctrl-C in the terminal reaches us alone and we stop things in
//! order. Each leaves a record (pid and start time) in `.banter/run/`: a process id is given to somebody else
//! after a while, a process id with its start time never is.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};

/// What `banter dev` runs, in the order of stopping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Server,
    Razorpay,
    LiveKit,
    Relay,
    Redis,
    Postgres,
}

impl Part {
    pub(super) const ALL: [Self; 6] =
        [Self::Server, Self::Razorpay, Self::LiveKit, Self::Relay, Self::Redis, Self::Postgres];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Server => "banter-server",
            Self::Razorpay => "the stand-in for Razorpay",
            Self::LiveKit => "LiveKit",
            Self::Relay => "coturn",
            Self::Redis => "Redis",
            Self::Postgres => "PostgreSQL",
        }
    }

    /// For file names.
    pub(super) fn slug(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Razorpay => "razorpay",
            Self::LiveKit => "livekit",
            Self::Relay => "coturn",
            Self::Redis => "redis",
            Self::Postgres => "postgres",
        }
    }

    /// How it is asked to stop, and how long it may take before it is asked less kindly.
    fn farewell(self) -> &'static [(Signal, Duration)] {
        match self {
            Self::Server => SERVER,
            Self::LiveKit => LIVEKIT,
            Self::Razorpay | Self::Relay | Self::Redis => QUICK,
            Self::Postgres => POSTGRES,
        }
    }
}

const FORCE: (Signal, Duration) = (Signal::KILL, Duration::from_secs(5));
/// Requests under way may end.
const SERVER: &[(Signal, Duration)] = &[(Signal::TERM, Duration::from_secs(25)), FORCE];
/// At the first it waits for everybody to leave, for ever, and in its first moments it forgets it; at the second it goes.
const LIVEKIT: &[(Signal, Duration)] =
    &[(Signal::TERM, Duration::from_millis(300)), (Signal::TERM, Duration::from_secs(3)), FORCE];
const QUICK: &[(Signal, Duration)] = &[(Signal::TERM, Duration::from_secs(5)), FORCE];
/// PostgreSQL's fast shutdown (connections are closed, data is written), then its immediate one.
const POSTGRES: &[(Signal, Duration)] =
    &[(Signal::INT, Duration::from_secs(20)), (Signal::QUIT, Duration::from_secs(5)), FORCE];

/// How often a process that is not our child is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// A child of ours.
pub(super) struct Process {
    part: Part,
    child: Child,
    pid: Pid,
    record: PathBuf,
}

impl Process {
    pub(super) fn start(part: Part, command: &mut Command, run: &Path) -> io::Result<Self> {
        // kill_on_drop: should we fail in a way nobody thought of, nothing is left running.
        let child = command.process_group(0).kill_on_drop(true).spawn()?;
        let pid = child.id().and_then(to_pid).ok_or_else(|| io::Error::other("it ended at once"))?;
        let record = record_file(run, part);
        if let Some(started) = started(pid) {
            let record_text = serde_json::to_vec(&Record { pid: pid.as_raw_nonzero().get(), started })?;
            fs::write(&record, record_text)?;
        }
        Ok(Self { part, child, pid, record })
    }

    pub(super) fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    pub(super) fn part(&self) -> Part {
        self.part
    }

    /// Waits until it ends by itself. May be dropped and called again.
    pub(super) async fn ended(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    pub(super) fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Writes to its standard input, and closes it.
    pub(super) async fn tell(&mut self, text: &[u8]) -> io::Result<()> {
        match self.child.stdin.take() {
            Some(mut stdin) => stdin.write_all(text).await,
            None => Ok(()),
        }
    }

    /// It ended by itself.
    pub(super) fn forget(self) {
        let _ = fs::remove_file(&self.record);
    }

    pub(super) async fn stop(mut self) {
        for (signal, patience) in self.part.farewell() {
            if self.has_ended().is_some() {
                break;
            }
            let _ = kill_process(self.pid, *signal);
            if tokio::time::timeout(*patience, self.child.wait()).await.is_ok() {
                break;
            }
        }
        let _ = fs::remove_file(&self.record);
    }
}

/// What a run noted about a process of its own.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    pid: i32,
    started: String,
}

/// A process of a former run that is still there.
#[derive(Debug)]
pub(super) struct Stray {
    pub part: Part,
    pid: Pid,
    started: String,
    record: PathBuf,
}

impl Stray {
    /// What a former run left running in this directory.
    pub(super) fn find(run: &Path) -> Vec<Self> {
        Part::ALL.into_iter().filter_map(|part| Self::of(run, part)).collect()
    }

    fn of(run: &Path, part: Part) -> Option<Self> {
        let path = record_file(run, part);
        let record: Record = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
        let pid = Pid::from_raw(record.pid)?;
        let stray = Self { part, pid, started: record.started, record: path };
        if stray.lives() {
            return Some(stray);
        }
        let _ = fs::remove_file(&stray.record);
        None
    }

    fn lives(&self) -> bool {
        started(self.pid).as_ref() == Some(&self.started)
    }

    /// Whether it is gone.
    pub(super) async fn stop(self) -> bool {
        let farewell = self.part.farewell();
        self.stop_by(farewell).await
    }

    async fn stop_by(self, farewell: &[(Signal, Duration)]) -> bool {
        for (signal, patience) in farewell {
            let asked = Instant::now();
            if self.lives() {
                let _ = kill_process(self.pid, *signal);
            }
            while self.lives() && asked.elapsed() < *patience {
                tokio::time::sleep(LOOK).await;
            }
            if !self.lives() {
                let _ = fs::remove_file(&self.record);
                return true;
            }
        }
        false
    }
}

/// Whether a run that is under way here has this part.
pub(super) fn runs(run: &Path, part: Part) -> bool {
    Stray::of(run, part).is_some()
}

fn record_file(run: &Path, part: Part) -> PathBuf {
    run.join(format!("{}.json", part.slug()))
}

pub(super) fn to_pid(id: u32) -> Option<Pid> {
    i32::try_from(id).ok().and_then(Pid::from_raw)
}

/// When a process began, in the system's own notation; `None`: there is none, or only its zombie.
fn started(pid: Pid) -> Option<String> {
    let pid = pid.as_raw_nonzero();
    if cfg!(target_os = "linux") {
        parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    } else {
        let mut ps = std::process::Command::new("ps");
        let answer = ps.args(["-o", "stat=,lstart=", "-p"]).arg(pid.to_string()).output().ok()?;
        parse_ps(&String::from_utf8(answer.stdout).ok()?)
    }
}

/// proc(5): `pid (name) state …`, the start in clock ticks after boot is field 22. The name may hold anything,
/// even `)`.
fn parse_stat(stat: &str) -> Option<String> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let state = *fields.first()?;
    (!matches!(state, "Z" | "X")).then(|| fields.get(19).map(|start| (*start).to_owned()))?
}

fn parse_ps(line: &str) -> Option<String> {
    let (state, start) = line.trim().split_once(' ')?;
    (!state.starts_with('Z')).then(|| start.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_its_start() {
        let stat = "41 (redis) server)) S 1 41 41 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 5 0 887766 62 2";
        assert_eq!(parse_stat(stat).as_deref(), Some("887766"));
        assert_eq!(parse_stat(&stat.replace(" S ", " Z ")), None);
        assert_eq!(parse_stat("41 (cut"), None);
        let ps = "Ss   Sun Nov 22 15:47:01 2026\n";
        assert_eq!(parse_ps(ps).as_deref(), Some("Sun Nov 22 15:47:01 2026"));
        assert_eq!(parse_ps("Z+ Sun Nov 22 15:47:01 2026"), None);
        assert_eq!(parse_ps(""), None);
    }

    #[test]
    fn this_process_has_a_start_and_nobody_has_the_largest_pid() {
        let this = to_pid(std::process::id()).unwrap();
        assert!(started(this).is_some());
        assert_eq!(started(this), started(this));
        assert_eq!(started(Pid::from_raw(i32::MAX).unwrap()), None);
    }

    #[tokio::test]
    async fn a_record_names_a_stray_only_while_it_is_the_same_process() {
        let run = tempfile::tempdir().unwrap();
        let record = record_file(run.path(), Part::Redis);
        let this = i32::try_from(std::process::id()).unwrap();
        let started = started(to_pid(std::process::id()).unwrap()).unwrap();
        let write = |record_of: &Record| fs::write(&record, serde_json::to_vec(record_of).unwrap()).unwrap();

        write(&Record { pid: this, started });
        assert_eq!(Stray::find(run.path()).len(), 1);

        // The process id was given to somebody else: not ours, and the record goes.
        write(&Record { pid: this, started: "1".into() });
        assert!(Stray::find(run.path()).is_empty());
        assert!(!record.exists());

        fs::write(&record, "cut o").unwrap();
        assert!(Stray::find(run.path()).is_empty());
    }

    #[tokio::test]
    async fn a_process_is_stopped_and_its_record_goes() {
        let run = tempfile::tempdir().unwrap();
        let process = Process::start(Part::Redis, Command::new("sleep").arg("600"), run.path()).unwrap();
        let pid = process.pid;
        assert_eq!(Stray::find(run.path()).len(), 1);
        process.stop().await;
        assert_eq!(started(pid), None);
        assert!(!record_file(run.path(), Part::Redis).exists());
    }

    #[tokio::test]
    async fn a_stray_that_will_not_hear_is_stopped_all_the_same() {
        let run = tempfile::tempdir().unwrap();
        let mut deaf = Command::new("sh");
        deaf.args(["-c", "trap '' TERM; while :; do sleep 0.05; done"]);
        let process = Process::start(Part::Redis, &mut deaf, run.path()).unwrap();
        let stray = Stray::find(run.path()).pop().unwrap();
        // Our own child stays a zombie until it is waited for, which counts as gone.
        let farewell = [(Signal::TERM, Duration::from_millis(100)), (Signal::KILL, Duration::from_secs(5))];
        assert!(stray.stop_by(&farewell).await);
        drop(process);
    }
}
