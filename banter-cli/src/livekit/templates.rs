//! The production templates of the media server and the relay, filled in.

use super::Keys;

const LIVEKIT: &str = include_str!("../../../livekit.yaml");
const TURNSERVER: &str = include_str!("../../../turnserver.conf");

/// What the templates leave open.
pub(crate) struct Values<'a> {
    /// Where clients reach the relay.
    pub turn_domain: &'a str,
    /// Where the server of Banter is reached.
    pub api_domain: &'a str,
    /// The media server's public address; without it the server asks for it.
    pub node_ip: Option<std::net::IpAddr>,
    pub redis: &'a Redis,
    pub keys: &'a Keys,
    pub turn_secret: &'a str,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Redis {
    /// Host and port.
    pub address: String,
    pub tls: bool,
    pub username: String,
    pub password: String,
    pub db: i64,
}

impl Redis {
    /// `redis://[[user]:password@]host[:port][/db]`, `rediss://` over TLS. Without a number LiveKit gets the one
    /// beside Banter's.
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        use redis::{ConnectionAddr, IntoConnectionInfo as _};
        let info = url.into_connection_info().map_err(|error| error.to_string())?;
        let (address, tls) = match info.addr() {
            ConnectionAddr::Tcp(host, port) => (authority(host, *port), false),
            ConnectionAddr::TcpTls { host, port, .. } => (authority(host, *port), true),
            _ => return Err("LiveKit reaches Redis by a host and a port".into()),
        };
        let settings = info.redis_settings();
        let path = url.split(['?', '#']).next().unwrap_or(url).split_once("://").map_or("", |(_, rest)| rest);
        let names_db = path.split_once('/').is_some_and(|(_, db)| !db.is_empty());
        let owned = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Ok(Self {
            address,
            tls,
            username: owned(settings.username()),
            password: owned(settings.password()),
            db: if names_db { settings.db() } else { 1 },
        })
    }
}

fn authority(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

impl Values<'_> {
    pub(crate) fn livekit(&self) -> String {
        let Redis { address, tls, username, password, db } = self.redis;
        let mut text = fill(
            LIVEKIT,
            &[
                ("API-SECRET-OF-32-OR-MORE-CHARACTERS", &self.keys.secret),
                ("TURN-SECRET-AS-IN-TURNSERVER.CONF", self.turn_secret),
                ("TURN.EXAMPLE.COM", self.turn_domain),
                ("REDIS.EXAMPLE.COM:6379", &quote(address)),
                ("REDIS-USER", &quote(username)),
                ("REDIS-PASSWORD", &quote(password)),
                ("API.EXAMPLE.COM", self.api_domain),
                ("API-KEY", &self.keys.key),
                ("  db: 1\n", &format!("  db: {db}\n")),
            ],
        );
        if *tls {
            text = fill(&text, &[("  # tls:\n  #   enabled: true\n", "  tls:\n    enabled: true\n")]);
        }
        match self.node_ip {
            Some(ip) => fill(&text, &[("  node_ip: 203.0.113.10\n", &format!("  node_ip: \"{ip}\"\n"))]),
            None => fill(
                &text,
                &[
                    ("  use_external_ip: false\n", "  use_external_ip: true\n"),
                    ("  node_ip: 203.0.113.10\n", ""),
                ],
            ),
        }
    }

    pub(crate) fn turnserver(&self) -> String {
        fill(
            TURNSERVER,
            &[("TURN-SECRET-AS-IN-LIVEKIT.YAML", self.turn_secret), ("TURN.EXAMPLE.COM", self.turn_domain)],
        )
    }
}

fn fill(template: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(template.to_owned(), |text, (placeholder, value)| {
        assert!(text.contains(placeholder), "the template has no `{}`", placeholder.trim());
        text.replace(placeholder, value)
    })
}

/// YAML understands the strings of JSON.
fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use banter_core::ids::Ids;

    use super::*;

    fn redis(address: &str, tls: bool, username: &str, password: &str, db: i64) -> Redis {
        Redis { address: address.into(), tls, username: username.into(), password: password.into(), db }
    }

    #[test]
    fn a_redis_url_is_taken_apart() {
        let parse = |url| Redis::parse(url).unwrap();
        assert_eq!(parse("redis://cache.example"), redis("cache.example:6379", false, "", "", 1));
        let azure = parse("rediss://:p%40ss%3D@banter.redis.example:6380/0");
        assert_eq!(azure, redis("banter.redis.example:6380", true, "", "p@ss=", 0));
        let named = parse("redis://live:secret@[fd00::9]:7000/4");
        assert_eq!(named, redis("[fd00::9]:7000", false, "live", "secret", 4));
        assert!(Redis::parse("unix:///run/redis.sock").is_err());
        assert!(Redis::parse("cache.example:6379").is_err());
    }

    #[test]
    fn everything_in_capitals_is_filled_in() {
        let keys = Keys::generate(&Ids::seeded(1));
        for (tls, node_ip) in [(false, None), (true, Some("198.51.100.7".parse().unwrap()))] {
            let redis = redis("cache.example:6380", tls, "", "p\"\\", 2);
            let values = Values {
                turn_domain: "turn.banter.example",
                api_domain: "api.banter.example",
                node_ip,
                redis: &redis,
                keys: &keys,
                turn_secret: "turn-secret",
            };
            let (livekit, turnserver) = (values.livekit(), values.turnserver());
            for text in [&livekit, &turnserver] {
                let settings = text.lines().filter(|line| !line.trim_start().starts_with('#'));
                for line in settings {
                    assert!(!line.contains("EXAMPLE") && !line.contains("SECRET-"), "{line}");
                    assert!(!line.contains("REDIS-") && !line.contains("API-"), "{line}");
                }
            }
            assert!(livekit.contains(&format!("\n  {}: {}\n", keys.key, keys.secret)), "{livekit}");
            assert!(livekit.contains("\n  password: \"p\\\"\\\\\"\n  "), "{livekit}");
            assert_eq!(livekit.contains("\n  tls:\n    enabled: true\n"), tls, "{livekit}");
            assert_eq!(livekit.contains("use_external_ip: true\n"), node_ip.is_none());
            assert_eq!(livekit.contains("node_ip: \"198.51.100.7\"\n"), node_ip.is_some());
            assert!(!livekit.contains("node_ip: 203.0.113.10"), "{livekit}");
            assert_eq!(livekit.matches("secret: turn-secret\n").count(), 2);
            assert!(turnserver.contains("\nstatic-auth-secret=turn-secret\n"), "{turnserver}");
        }
    }

    #[test]
    fn the_template_is_for_the_server_that_setup_gets() {
        assert!(LIVEKIT.contains(&format!("livekit-server {},", super::super::VERSION)));
    }
}
