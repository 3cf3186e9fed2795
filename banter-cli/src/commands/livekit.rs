//! `banter livekit`: keys and settings of the media server and its relay.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use banter_core::ids::Ids;
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::args::examples;
use crate::dev::state::write_private;
use crate::exit::{ExitStatus, Failure};
use crate::livekit::templates::{Redis, Values};
use crate::livekit::{Keys, secret};
use crate::printer::Printer;

/// Keys and settings of the media server (LiveKit) and its relay (coturn)
#[derive(Debug, Args)]
#[command(after_help = examples![
    "banter livekit keys"
    "banter livekit config --domain live.example.com --turn-domain turn.example.com \\\n    \
     --redis rediss://cache.example.com:6380"
])]
pub(crate) struct LiveKitArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Print a fresh API key and its secret
    ///
    /// Both go under `keys` of livekit.yaml, and into Banter's environment.
    #[command(after_help = examples![
        "banter livekit keys"
        "banter livekit keys --json | jq -r .secret"
    ])]
    Keys,
    /// Write livekit.yaml and turnserver.conf with fresh secrets, and print what Banter needs to know
    ///
    /// The files are readable by you alone. stdout gets the lines for Banter's environment.
    #[command(after_help = examples![
        "banter livekit config --domain live.example.com --turn-domain turn.example.com \\\n    \
         --api-domain api.example.com --redis rediss://cache.example.com:6380 >> production.env"
    ])]
    Config(Box<ConfigArgs>),
}

#[derive(Debug, Args)]
struct ConfigArgs {
    /// Where clients reach LiveKit, behind TLS
    #[arg(long, value_name = "HOST", value_parser = host)]
    domain: String,
    /// Where clients reach the relay, without anything in front of it
    #[arg(long, value_name = "HOST", value_parser = host)]
    turn_domain: String,
    /// Where LiveKit reaches Banter's server with its events [default: the host of `--domain`]
    #[arg(long, value_name = "HOST", value_parser = host)]
    api_domain: Option<String>,
    /// The Redis through which LiveKit's nodes find each other; `rediss://` for TLS
    ///
    /// Its password is better given by the environment than on the command line, where others on this machine see it.
    #[arg(long, value_name = "URL", env = "LIVEKIT_REDIS_URL", hide_env_values = true, value_parser = Redis::parse)]
    redis: Redis,
    /// The public address of LiveKit's machine; without it LiveKit asks the relay at each start
    #[arg(long, value_name = "IP")]
    node_ip: Option<IpAddr>,
    /// Directory for the two files
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
    /// Write over files that are there
    #[arg(long)]
    force: bool,
}

fn host(text: &str) -> Result<String, String> {
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    if text.is_empty() || !text.chars().all(letter) || text.starts_with(['-', '.']) {
        return Err("a host is wanted, such as live.example.com: no scheme, port or path".into());
    }
    Ok(text.to_owned())
}

pub(crate) fn run(args: LiveKitArgs, out: &Printer) -> Result<ExitStatus, Failure> {
    match args.act {
        Act::Keys => keys(out),
        Act::Config(args) => config(&args, out)?,
    }
    Ok(ExitStatus::Done)
}

fn keys(out: &Printer) {
    let keys = Keys::generate(&Ids::System);
    if out.is_json() {
        out.json(&keys);
    } else {
        out.data(format_args!("LIVEKIT_API_KEY={}\nLIVEKIT_API_SECRET={}", keys.key, keys.secret));
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    files: [PathBuf; 2],
    environment: serde_json::Map<String, serde_json::Value>,
}

fn config(args: &ConfigArgs, out: &Printer) -> Result<(), Failure> {
    let files = ["livekit.yaml", "turnserver.conf"].map(|name| args.out.join(name));
    refuse_to_overwrite(&files, args.force)?;
    let (keys, turn_secret) = (Keys::generate(&Ids::System), secret(&Ids::System));
    let values = Values {
        turn_domain: &args.turn_domain,
        api_domain: args.api_domain.as_ref().unwrap_or(&args.domain),
        node_ip: args.node_ip,
        redis: &args.redis,
        keys: &keys,
        turn_secret: &turn_secret,
    };
    std::fs::create_dir_all(&args.out)
        .map_err(|error| Failure::user(format!("`{}` could not be made: {error}", args.out.display())))?;
    let [livekit, turnserver] = &files;
    write_private(livekit, &values.livekit())?;
    write_private(turnserver, &values.turnserver())?;
    let environment = environment(args, &keys, &turn_secret);
    if out.is_json() {
        let environment =
            environment.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        out.json(&Written { files, environment });
        return Ok(());
    }
    for file in &files {
        out.say(format_args!("wrote `{}`", name(file)));
    }
    out.say("these lines belong into Banter's environment:");
    for (name, value) in environment {
        out.data(format_args!("{name}={value}"));
    }
    Ok(())
}

fn refuse_to_overwrite(files: &[PathBuf], force: bool) -> Result<(), Failure> {
    let there = files.iter().find(|file| file.symlink_metadata().is_ok());
    match there {
        Some(file) if !force => Err(Failure::user(format!("`{}` is there already", name(file)))
            .hint("`--out DIR` writes elsewhere; `--force` writes over it, and its secrets are lost")),
        _ => Ok(()),
    }
}

fn name(file: &Path) -> std::path::Display<'_> {
    file.strip_prefix(".").unwrap_or(file).display()
}

fn environment(args: &ConfigArgs, keys: &Keys, turn_secret: &str) -> [(&'static str, String); 6] {
    let ConfigArgs { domain, turn_domain: turn, .. } = args;
    let urls = format!(
        "stun:{turn}:3478,turn:{turn}:3478?transport=udp,turn:{turn}:3478?transport=tcp,\
         turns:{turn}:5349?transport=tcp"
    );
    [
        ("LIVEKIT_API_KEY", keys.key.clone()),
        ("LIVEKIT_API_SECRET", keys.secret.clone()),
        ("LIVEKIT_SERVER_URL", format!("wss://{domain}")),
        ("LIVEKIT_API_URL", format!("https://{domain}")),
        ("TURN_URLS", urls),
        ("TURN_SECRET", turn_secret.to_owned()),
    ]
}
