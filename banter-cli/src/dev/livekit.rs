//! A LiveKit of our own, which this machine alone reaches.
//!
//! It has no Redis: killed and started again it knows of nobody, as clients expect of it, where in Redis the
//! rooms of the killed one would linger.

use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::Command;

use super::log::Log;
use super::process::{Part, Process};
use super::state::{LiveKit, LiveKitPorts, Relay};

const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn start(program: &Path, configuration: &str, log: &Log, run: &Path) -> io::Result<Process> {
    let mut command = Command::new(program);
    // In the environment nobody else reads the secrets; of ours nothing, as it hears every LIVEKIT_… there.
    command.env_clear().env("LIVEKIT_CONFIG", configuration).current_dir("/").stdin(Stdio::null());
    command.stdout(log.stdio()?).stderr(log.stdio()?);
    Process::start(Part::LiveKit, &mut command, run)
}

/// `relay` is named whether it runs or not: with no server at all LiveKit sends clients to other companies'.
pub(super) fn configuration(
    livekit: &LiveKit,
    ports: LiveKitPorts,
    relay: &Relay,
    webhook_url: &str,
) -> serde_json::Value {
    let turn_port = relay.port.unwrap_or(3478);
    let turn = |protocol: &str| {
        serde_json::json!({
            "host": "127.0.0.1",
            "port": turn_port,
            "protocol": protocol,
            "secret": relay.secret,
            "ttl": 14_400,
        })
    };
    // JSON is YAML, and quotes what needs it.
    serde_json::json!({
        "port": ports.http,
        "bind_addresses": ["127.0.0.1"],
        "rtc": {
            "udp_port": ports.udp,
            "tcp_port": ports.tcp,
            "use_external_ip": false,
            "node_ip": "127.0.0.1",
            "ips": { "includes": ["127.0.0.1/32"] },
            "enable_loopback_candidate": true,
            "stun_servers": [format!("127.0.0.1:{turn_port}")],
            "turn_servers": [turn("udp"), turn("tcp")],
        },
        "keys": { (livekit.keys.key.as_str()): livekit.keys.secret },
        "webhook": { "api_key": livekit.keys.key, "urls": [webhook_url] },
        "api": { "enable_psrpc_for_get_list_participants": true },
        "room": { "auto_create": false, "empty_timeout": 60, "departure_timeout": 20 },
        "turn": { "enabled": false },
        "logging": { "level": "info", "json": false },
    })
}

/// Waits until it answers. `false`: the process ended, or took too long.
pub(super) async fn ready(process: &mut Process, port: u16) -> bool {
    answers(process, &format!("http://127.0.0.1:{port}/")).await
}

/// Waits until a process answers well there. `false`: it ended, or took too long.
pub(super) async fn answers(process: &mut Process, url: &str) -> bool {
    let http = banter_core::providers::http_client();
    let begun = Instant::now();
    while process.has_ended().is_none() && begun.elapsed() < PATIENCE {
        let answer = http.get(url).timeout(Duration::from_secs(2)).send().await;
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    false
}
