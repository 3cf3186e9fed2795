//! A Redis of our own. It keeps nothing on disk: what is in it may be lost.

use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;

use super::account::Account;
use super::log::Log;
use super::process::{Part, Process};
use super::state::Endpoint;

const PATIENCE: Duration = Duration::from_secs(20);

pub(super) async fn start(
    program: &Path,
    account: Option<&Account>,
    endpoint: &Endpoint,
    log: &Log,
    run: &Path,
) -> io::Result<Process> {
    let mut command = Command::new(program);
    // The configuration comes by standard input: on the command line everybody would read the password.
    command.arg("-").env_clear().current_dir("/").stdin(Stdio::piped());
    command.stdout(log.stdio()?).stderr(log.stdio()?);
    if let Some(account) = account {
        account.lend(&mut command);
    }
    let mut process = Process::start(Part::Redis, &mut command, run)?;
    process.tell(configuration(endpoint).as_bytes()).await?;
    Ok(process)
}

fn configuration(Endpoint { port, password }: &Endpoint) -> String {
    format!(
        "bind 127.0.0.1\nport {}\nrequirepass {password}\nsave \"\"\nappendonly no\ndaemonize no\n",
        port.unwrap_or(6379)
    )
}

/// Waits until it answers to its password. `false`: the process ended, or took too long.
pub(super) async fn ready(process: &mut Process, endpoint: &Endpoint) -> bool {
    let begun = Instant::now();
    while process.has_ended().is_none() && begun.elapsed() < PATIENCE {
        match tokio::time::timeout(Duration::from_secs(2), ping(endpoint)).await {
            Ok(Ok(true)) => return true,
            _ => tokio::time::sleep(Duration::from_millis(25)).await,
        }
    }
    false
}

async fn ping(Endpoint { port, password }: &Endpoint) -> io::Result<bool> {
    const YES: &[u8] = b"+OK\r\n+PONG\r\n";
    let mut stream = TcpStream::connect(("127.0.0.1", port.unwrap_or(6379))).await?;
    stream.write_all(format!("AUTH {password}\r\nPING\r\n").as_bytes()).await?;
    let mut answer = [0; YES.len()];
    stream.read_exact(&mut answer).await?;
    Ok(answer == *YES)
}
