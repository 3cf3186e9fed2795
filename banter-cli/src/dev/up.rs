//! `banter dev`: everything up, until it is told to stop.

use std::time::Duration;

use banter_core::Banter;
use banter_core::config::Config;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};

use super::environment::Environment;
use super::home::{Holder, Home, Opened};
use super::process::Part;
use super::services::{self, Services, Started, describe};
use super::signals::{Signals, exit_code};
use super::state::write_private;
use super::tour::{Person, Tour};
use super::{Place, server};
use crate::exit::{ExitStatus, Failure};
use crate::printer::Printer;
use crate::seed;

/// Long enough for a day's work.
const TOKEN_LIFE: Duration = Duration::from_secs(12 * 3600);

pub(crate) struct Options {
    pub place: Place,
    pub port: Option<u16>,
    pub seed: bool,
    pub server: bool,
}

pub(crate) async fn run(options: Options, out: &Printer) -> Result<ExitStatus, Failure> {
    let mut signals = Signals::listen()?;
    let environment = options.place.environment()?;
    let home = match Home::open(options.place.dir(), Holder::Dev)? {
        Opened::Ours(home) => home,
        Opened::Held { dir, pid, .. } => {
            return Err(Failure::user(format!("`banter dev` runs here already (process {pid})")).hint(
                format!("use that one, stop it, or keep another beside `{}` with `--dir`", dir.display()),
            ));
        }
    };
    options.place.prepare(&home, out).await?;
    let mut services = Services::new(&home, out, options.place.throwaway);
    let started = tokio::select! {
        signal = signals.next() => Ok(Err(signal)),
        started = start(&options, environment, &home, &mut services, out) => started.map(Ok),
    };
    let ended = match started {
        Ok(Ok(tour)) => {
            tour.show(out);
            tokio::select! {
                _ = signals.next() => Ok(ExitStatus::Done),
                (part, ended) = services.first_to_end() => Err(died(&home, part, &describe(&ended))),
            }
        }
        Ok(Err(signal)) => Ok(ExitStatus::Code(exit_code(signal.as_raw()))),
        Err(failure) => Err(failure),
    };
    if services.is_any_up() {
        out.say("Stopping");
    }
    services.stop(&mut signals).await;
    // It speaks of services that are no more.
    let _ = std::fs::remove_file(home.env());
    if options.place.throwaway {
        home.clear()?;
    }
    ended
}

async fn start(
    options: &Options,
    mut environment: Environment,
    home: &Home,
    services: &mut Services<'_>,
    out: &Printer,
) -> Result<Tour, Failure> {
    // What can be refused at once is refused before anything runs.
    let server = if options.server {
        Some((server::program()?, server::choose_ports(&mut environment, options.port)?))
    } else {
        None
    };
    let Started { state, has_livekit, has_relay, .. } = services.start(&mut environment).await?;
    write_private(&home.env(), &environment.file())?;
    let config = Config::load(&environment.all())?;
    let people = if prepare_database(&environment, out).await? && options.seed {
        people(config, home).await?
    } else {
        Vec::new()
    };
    let mut tour = Tour {
        url: None,
        docs: None,
        database_url: environment.needs_postgres().then(|| state.database_url(super::state::NAME)),
        redis_url: environment.needs_redis().then(|| state.redis_url()),
        livekit_url: state
            .livekit
            .ports
            .filter(|_| has_livekit)
            .map(|at| format!("ws://127.0.0.1:{}", at.http)),
        turn_url: state.relay.port.filter(|_| has_relay).map(|port| format!("turn:127.0.0.1:{port}")),
        razorpay_url: environment
            .needs_razorpay()
            .then_some(state.razorpay.port)
            .flatten()
            .map(|port| format!("http://127.0.0.1:{port}")),
        server_pid: None,
        people,
        env_file: home.env(),
    };
    if let Some((program, address)) = server {
        let process = services.adopt(server::start(&program, &environment, &home.run())?);
        server::ready(process, &address).await?;
        tour.server_pid = Some(process.pid());
        tour.docs = Some(format!("{}/docs", address.url));
        tour.url = Some(address.url);
    }
    Ok(tour)
}

/// Migrates the database. `false`: it is somebody's on another machine, which we only use.
async fn prepare_database(environment: &Environment, out: &Printer) -> Result<bool, Failure> {
    let all = environment.all();
    let url = all.get("DATABASE_URL").map(String::as_str).unwrap_or_default();
    if !is_here(url) {
        out.say("DATABASE_URL names a database on another machine: it is neither migrated nor seeded");
        out.say("  `banter migrate` applies what is pending there");
        return Ok(false);
    }
    let mut connection = PgConnection::connect(url)
        .await
        .map_err(|error| Failure::user(format!("the database of DATABASE_URL does not answer: {error}")))?;
    services::migrate(&mut connection, environment.needs_postgres(), out).await?;
    let _ = connection.close().await;
    Ok(true)
}

fn is_here(url: &str) -> bool {
    url.parse::<PgConnectOptions>().is_ok_and(|options| {
        let host = options.get_host();
        options.get_socket().is_some() || ["localhost", "127.0.0.1", "::1", "[::1]"].contains(&host)
    })
}

/// The demo people, signed in.
async fn people(config: Config, home: &Home) -> Result<Vec<Person>, Failure> {
    let banter = Banter::connect(config).await?;
    let mut people = Vec::new();
    for person in seed::demo(&banter).await? {
        let tokens = banter.accounts().sign_in_as(person.id, TOKEN_LIFE).await?;
        let token_file = home.token(&person.username);
        write_private(&token_file, &tokens.access)?;
        people.push(Person {
            id: person.id.to_string(),
            username: person.username,
            access_token: tokens.access,
            full_name: person.full_name,
            token_file,
        });
    }
    banter.close().await;
    Ok(people)
}

fn died(home: &Home, part: Part, how: &str) -> Failure {
    let words = match part {
        Part::Server => "its own words are above".into(),
        part => format!("its log is `{}`", home.log(part.slug()).display()),
    };
    Failure::user(format!("{} ended by itself ({how}): everything is stopped", part.name())).hint(words)
}

#[cfg(test)]
mod tests {
    use super::is_here;

    #[test]
    fn only_a_database_on_this_machine_is_ours_to_change() {
        for here in [
            "postgres://a@localhost/b",
            "postgresql://a:p@127.0.0.1:5999/b",
            "postgres://a@[::1]/b",
            "postgres:///b?host=/run/postgresql",
        ] {
            assert!(is_here(here), "{here}");
        }
        for away in ["postgres://a@db.example/b", "postgres://a@10.0.0.4/b", "mysql://x", ""] {
            assert!(!is_here(away), "{away}");
        }
    }
}
