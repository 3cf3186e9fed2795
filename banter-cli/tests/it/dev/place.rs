//! A directory in which services may run, and what is left of them.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::harness::Cli;

pub(crate) struct Place {
    pub cli: Cli,
    /// Another copy of the program than the built one.
    program: Option<PathBuf>,
}

impl Place {
    /// Where the account that runs the services for root may pass.
    pub(crate) fn new() -> Self {
        Self::with_mode(0o755)
    }

    /// Where nobody else may pass, as in root's home.
    pub(crate) fn closed() -> Self {
        Self::with_mode(0o700)
    }

    fn with_mode(mode: u32) -> Self {
        let cli = Cli::new();
        fs::set_permissions(cli.directory(), fs::Permissions::from_mode(mode)).unwrap();
        Self { cli, program: None }
    }

    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.cli = std::mem::replace(&mut self.cli, Cli::new()).set(name, value);
        self
    }

    /// A program without a server beside it.
    pub(crate) fn without_server(mut self) -> Self {
        let bin = self.cli.directory().join("bin");
        let program = bin.join("banter");
        fs::create_dir(&bin).unwrap();
        let built = env!("CARGO_BIN_EXE_banter");
        if fs::hard_link(built, &program).is_err() {
            fs::copy(built, &program).unwrap(); // another file system
        }
        self.program = Some(program);
        self
    }

    /// A program with this shell script for its server.
    pub(crate) fn with_server(self, script: &str) -> Self {
        let place = self.without_server();
        let server = place.cli.directory().join("bin/banter-server");
        fs::write(&server, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&server, fs::Permissions::from_mode(0o755)).unwrap();
        place
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let built = self.cli.command(arguments);
        let Some(program) = &self.program else { return built };
        let mut command = Command::new(program);
        let environment = built.get_envs().filter_map(|(name, value)| Some((name, value?)));
        command.args(built.get_args()).env_clear().envs(environment);
        command.current_dir(self.cli.directory()).stdin(Stdio::null());
        command
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.cli.directory().join(".banter")
    }

    /// `banter dev exec -- sh -c SCRIPT`.
    pub(crate) fn exec(&self, script: &str) -> Ran {
        self.run(&["dev", "exec", "--", "sh", "-c", script])
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.command(arguments).output().unwrap().into()
    }

    pub(crate) fn spawn(&self, arguments: &[&str]) -> Running {
        let mut child =
            self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Running { child, stdout, tour: Value::Null }
    }

    /// Starts a command and reads what it prints until `banter dev` is up.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        let mut running = self.spawn(arguments);
        let mut json = String::new();
        // The document ends with a brace in the first column.
        for line in running.stdout.by_ref().lines().map_while(Result::ok) {
            json.push_str(&line);
            if line == "}" {
                break;
            }
        }
        running.tour = serde_json::from_str(&json).unwrap_or(Value::Null);
        running
    }

    /// Asserts that no process of ours is left.
    pub(crate) fn assert_nothing_runs(&self) {
        let left: Vec<_> = fs::read_dir(self.dir().join("run")).unwrap().flatten().collect();
        assert!(left.is_empty(), "{left:?}");
        // By what stands on their command lines, too: a process without a record would be the worst kind.
        let data = fs::canonicalize(self.dir().join("postgres")).ok();
        for command in command_lines() {
            assert!(
                data.as_ref().is_none_or(|data| !command.contains(&*data.to_string_lossy())),
                "{command}"
            );
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Data that had to lie elsewhere goes with the test.
        if let Ok(data) = fs::read_link(self.dir().join("postgres"))
            && let Some(place) = data.parent()
        {
            let _ = fs::remove_dir_all(place);
        }
    }
}

fn command_lines() -> Vec<String> {
    let output = Command::new("ps").args(["-A", "-o", "args="]).output();
    if let Ok(output) = output
        && output.status.success()
    {
        return String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    }
    // A small system may have no `ps`; then it has /proc.
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|process| fs::read(process.path().join("cmdline")).ok())
        .map(|words| String::from_utf8_lossy(&words).replace('\0', " "))
        .collect()
}

/// A command that ended.
pub(crate) struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Ran {
    /// Its stdout, if it did well.
    pub(crate) fn well(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.stdout, self.stderr);
        self.stdout
    }
}

/// A `banter dev` that runs; killed if the test fails.
pub(crate) struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// What it printed; null: it did not come up.
    pub tour: Value,
}

impl Running {
    pub(crate) fn tell(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits for its end; exit code, stderr, and what it printed since it came up.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        self.stdout.read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code(), said)
    }

    /// What it says until a line that holds this.
    pub(crate) fn hear(&mut self, text: &str) {
        let heard = BufReader::new(self.child.stderr.as_mut().unwrap());
        assert!(heard.lines().map_while(Result::ok).any(|line| line.contains(text)), "never said {text}");
    }

    /// SIGKILL: it can stop nothing.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn port_of(&self, url: &str) -> u16 {
        let url = self.tour[url].as_str().unwrap_or_else(|| panic!("no {url} in {}", self.tour));
        let port = url.rsplit(':').next().unwrap().split('/').next().unwrap();
        port.parse().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Kindly, as it has children; where it ended already this is nothing.
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.tell(Signal::TERM);
            let _ = self.child.wait();
        }
    }
}

pub(crate) fn answers(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}
