//! A coturn of our own, which relays on this machine alone.

use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::net::UdpSocket;
use tokio::process::Command;

use super::log::Log;
use super::process::{Part, Process};
use super::state::{Relay, try_write_private};

const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn start(program: &Path, configuration: &str, log: &Log, run: &Path) -> io::Result<Process> {
    // A file, as it reads its settings twice, and on the command line everybody would read the secret.
    let file = directory(run).join("coturn.conf");
    fs::create_dir_all(directory(run))?;
    try_write_private(&file, configuration)?;
    let mut command = Command::new(program);
    command.arg("-c").arg(&file).env_clear().current_dir("/").stdin(Stdio::null());
    command.stdout(log.stdio()?).stderr(log.stdio()?);
    Process::start(Part::Relay, &mut command, run)
}

/// With the files of its process, which go with it.
pub(super) fn configuration(relay: &Relay, relayed: &Range<u16>, run: &Path) -> String {
    format!(
        "listening-ip=127.0.0.1\nrelay-ip=127.0.0.1\nlistening-port={}\nmin-port={}\nmax-port={}\n\
         use-auth-secret\nstatic-auth-secret={}\nrealm=banter\nfingerprint\nuser-quota=12\n\
         allow-loopback-peers\nno-multicast-peers\nno-cli\nno-tls\nno-dtls\nno-rfc5780\n\
         no-stun-backward-compatibility\nresponse-origin-only-with-rfc5780\n\
         userdb={}\npidfile={}\nlog-file=stdout\n",
        relay.port.unwrap_or(3478),
        relayed.start,
        relayed.end - 1,
        relay.secret,
        directory(run).join("coturn.db").display(),
        directory(run).join("coturn.pid").display(),
    )
}

/// What it reads and writes, by names of its own choosing too.
fn directory(run: &Path) -> PathBuf {
    run.join("coturn")
}

/// Once it has ended.
pub(super) fn clear(run: &Path) {
    let _ = fs::remove_dir_all(directory(run));
}

/// Waits until it answers. `false`: the process ended, or took too long.
pub(super) async fn ready(process: &mut Process, port: u16) -> bool {
    let begun = Instant::now();
    while process.has_ended().is_none() && begun.elapsed() < PATIENCE {
        match tokio::time::timeout(Duration::from_millis(500), bind(port)).await {
            Ok(Ok(true)) => return true,
            _ => tokio::time::sleep(Duration::from_millis(25)).await,
        }
    }
    false
}

/// STUN's binding request (RFC 8489), which needs no credentials.
async fn bind(port: u16) -> io::Result<bool> {
    const REQUEST: &[u8; 20] = b"\x00\x01\x00\x00\x21\x12\xa4\x42banter-ready";
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    socket.connect((Ipv4Addr::LOCALHOST, port)).await?;
    socket.send(REQUEST).await?;
    let mut answer = [0; 512];
    let length = socket.recv(&mut answer).await?;
    Ok(length >= REQUEST.len() && answer[..2] == [1, 1] && answer[4..20] == REQUEST[4..])
}
