//! `banter-server` as a child: finding it, its port, its start.

use std::io::{self, ErrorKind};
use std::net::TcpListener;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::Command;

use super::environment::Environment;
use super::port;
use super::process::{Part, Process};
use super::services::describe;
use crate::exit::Failure;

const PATIENCE: Duration = Duration::from_secs(30);
const PORT: u16 = 5000;
const METRICS_PORT: u16 = 9464;

/// The server that was built with this program.
pub(super) fn program() -> Result<PathBuf, Failure> {
    let us = std::env::current_exe()
        .map_err(|error| Failure::ours(format!("where this program is cannot be told: {error}")))?;
    let program = us.with_file_name("banter-server");
    if program.is_file() {
        return Ok(program);
    }
    Err(Failure::user(format!("`{}` is not there: it is built apart from `banter`", program.display())).hint(
        "`make dev` builds both; or `cargo build -p banter-server`; or leave it out with `--no-server`",
    ))
}

/// Decides where the server listens, and refuses what is taken. `port` was asked for on the command line.
pub(super) fn choose_ports(environment: &mut Environment, port: Option<u16>) -> Result<Address, Failure> {
    let host = environment.real("HOST").unwrap_or("127.0.0.1").to_owned();
    let port = match (port, environment.real("PORT").map(str::parse)) {
        (Some(port), _) | (None, Some(Ok(port))) => port,
        (None, Some(Err(_)) | None) => PORT, // what is no number, the configuration will refuse
    };
    let any = || port::any().map_err(|error| Failure::user(format!("no port is free on 127.0.0.1: {error}")));
    let port = if port == 0 { any()? } else { port };
    if let Err(error) = TcpListener::bind((host.as_str(), port)) {
        return Err(refused(&host, port, &error));
    }
    if environment.real("METRICS_PORT").is_none() {
        let free = port != METRICS_PORT && TcpListener::bind((host.as_str(), METRICS_PORT)).is_ok();
        environment.stand_in("METRICS_PORT", if free { METRICS_PORT } else { any()? }.to_string());
    }
    environment.stand_in("HOST", host.as_str());
    environment.decide("PORT", port.to_string());
    // Who listens everywhere is found here, too.
    let reach = if host == "0.0.0.0" { "127.0.0.1".into() } else { host };
    Ok(Address { url: format!("http://{reach}:{port}") })
}

fn refused(host: &str, port: u16, error: &io::Error) -> Failure {
    match error.kind() {
        ErrorKind::AddrInUse => {
            let next = port.checked_add(1).unwrap_or(PORT);
            Failure::user(format!("port `{port}` is taken by another program")).hint(format!(
                "stop that one, or choose another: `--port {next}` (`--port 0` finds a free one)"
            ))
        }
        ErrorKind::PermissionDenied => Failure::user(format!("port `{port}` is for root only"))
            .hint("choose one from 1024 up with `--port`"),
        _ => Failure::user(format!("nobody can listen on `{host}:{port}`: {error}"))
            .hint("HOST must be an address of this machine, such as 127.0.0.1"),
    }
}

#[derive(Debug)]
pub(super) struct Address {
    pub url: String,
}

/// Its log goes to our stderr: stdout is for what was asked of us.
pub(super) fn start(program: &Path, environment: &Environment, run: &Path) -> Result<Process, Failure> {
    let start = || {
        let stderr = || io::stderr().as_fd().try_clone_to_owned().map(Stdio::from);
        let mut command = Command::new(program);
        command.envs(environment.stand_ins()).stdin(Stdio::null()).stdout(stderr()?).stderr(stderr()?);
        Process::start(Part::Server, &mut command, run)
    };
    start().map_err(|error| Failure::user(format!("`{}` could not be started: {error}", program.display())))
}

/// Waits until the server says that it is ready.
pub(super) async fn ready(server: &mut Process, address: &Address) -> Result<(), Failure> {
    let http = banter_core::providers::http_client();
    let url = format!("{}/readyz", address.url);
    let begun = Instant::now();
    loop {
        let answer = http.get(&url).timeout(Duration::from_secs(2)).send().await;
        if answer.as_ref().is_ok_and(|answer| answer.status().is_success()) {
            return Ok(());
        }
        if let Some(ended) = server.has_ended() {
            let how = describe(&Ok(ended));
            return Err(Failure::user(format!("banter-server ended before it was ready ({how})"))
                .hint("its own words are above"));
        }
        if begun.elapsed() > PATIENCE {
            let said = answer.map_or_else(|error| error.to_string(), |answer| answer.status().to_string());
            return Err(Failure::user(format!(
                "banter-server is not ready after 30 seconds: `{url}`: {said}"
            )));
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        let real =
            pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect::<BTreeMap<_, _>>();
        Environment::new(real, false)
    }

    #[test]
    fn the_command_line_decides_the_port_then_the_environment() {
        let free = port::any().unwrap();
        let other = port::any().unwrap();
        let mut set = environment(&[("PORT", &other.to_string())]);
        assert_eq!(choose_ports(&mut set, None).unwrap().url, format!("http://127.0.0.1:{other}"));
        assert_eq!(choose_ports(&mut set, Some(free)).unwrap().url, format!("http://127.0.0.1:{free}"));
        assert_eq!(set.all()["PORT"], free.to_string());
        let mut found = environment(&[]);
        let address = choose_ports(&mut found, Some(0)).unwrap();
        assert_eq!(address.url, format!("http://127.0.0.1:{}", found.all()["PORT"]));
    }

    #[test]
    fn a_server_that_listens_everywhere_is_reached_here() {
        let free = port::any().unwrap();
        let mut everywhere = environment(&[("HOST", "0.0.0.0")]);
        assert_eq!(
            choose_ports(&mut everywhere, Some(free)).unwrap().url,
            format!("http://127.0.0.1:{free}")
        );
        assert_eq!(everywhere.all()["HOST"], "0.0.0.0");
    }

    #[test]
    fn a_taken_port_is_refused_and_a_taken_metrics_port_moves() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let refused = choose_ports(&mut environment(&[]), Some(port)).unwrap_err();
        assert!(format!("{refused:?}").contains("is taken by another program"), "{refused:?}");

        let mut moved = environment(&[]);
        let _metrics = TcpListener::bind(("127.0.0.1", METRICS_PORT));
        choose_ports(&mut moved, Some(0)).unwrap();
        assert_ne!(moved.all()["METRICS_PORT"], METRICS_PORT.to_string());

        let mut set = environment(&[("METRICS_PORT", "0")]);
        choose_ports(&mut set, Some(0)).unwrap();
        assert_eq!(set.all()["METRICS_PORT"], "0");
    }
}
