//! Where a value comes from. The process's environment wins over `.env`, which wins over `.banter/env`: what
//! `banter dev` writes while it runs, so that every other command in that directory meets the same services.
//!
//! Production never reads `.banter/env`: what it names are stand-ins.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use super::variables::{SECTIONS, Variable};

/// What a `banter dev` that is running tells the other commands.
pub const DEV_FILE: &str = ".banter/env";

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Environment,
    File(PathBuf),
    Default,
    Unset,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("environment"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Default => f.write_str("default"),
            Self::Unset => f.write_str("not set"),
        }
    }
}

/// Every variable in reach, and what could not be read.
#[derive(Debug, Default)]
pub struct Sources {
    values: BTreeMap<String, (String, Source)>,
    faults: Vec<String>,
}

/// A variable as `banter config show` may print it.
#[derive(Debug)]
pub struct Shown {
    pub section: &'static str,
    pub variable: &'static Variable,
    /// Holds no secret; `None`: not set, and without a default.
    pub value: Option<String>,
    pub source: Source,
}

impl Sources {
    /// Looks in the environment, and in `.env` and `.banter/env` of the working directory; with a file of the
    /// caller's choosing in that one instead of the two.
    pub fn read(chosen: Option<&Path>) -> Self {
        Self::gather(std::env::vars_os(), Path::new(""), chosen)
    }

    /// Without `.banter/env`: for `banter dev` itself, which writes that file.
    pub fn without_dev() -> Self {
        let mut sources = Self::read(None);
        sources.values.retain(|_, (_, source)| *source != Source::File(DEV_FILE.into()));
        sources
    }

    fn gather(
        environment: impl Iterator<Item = (OsString, OsString)>,
        directory: &Path,
        chosen: Option<&Path>,
    ) -> Self {
        let mut sources = Self::default();
        for (name, value) in environment {
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => {
                    sources.values.insert(name, (value, Source::Environment));
                }
                Err(_) if known(&name) => sources.faults.push(format!("{name} is not UTF-8")),
                Err(_) => {}
            }
        }
        sources.add_file(directory, chosen.unwrap_or(Path::new(".env")), chosen.is_some());
        if chosen.is_none() && !sources.in_production() {
            sources.add_file(directory, Path::new(DEV_FILE), false);
        }
        sources
    }

    /// What stands already stays.
    fn add_file(&mut self, directory: &Path, name: &Path, must_exist: bool) {
        let lines = match dotenvy::from_path_iter(directory.join(name)) {
            Ok(lines) => lines,
            Err(error) if error.not_found() && !must_exist => return,
            Err(error) => {
                self.faults.push(format!("{} cannot be read: {error}", name.display()));
                return;
            }
        };
        let mut last = "the start".to_owned();
        for line in lines {
            match line {
                Ok((key, value)) => {
                    last = key.clone();
                    self.values.entry(key).or_insert((value, Source::File(name.to_owned())));
                }
                // The line itself may hold a secret: only its place is told.
                Err(dotenvy::Error::LineParse(..)) => {
                    self.faults
                        .push(format!("{} has a line after {last} that is not KEY=VALUE", name.display()));
                }
                Err(error) => {
                    self.faults.push(format!("{} cannot be read after {last}: {error}", name.display()));
                    return;
                }
            }
        }
    }

    /// An empty value is no value: it is how one line of `.env` is switched off from outside.
    fn get(&self, name: &str) -> Option<(&str, &Source)> {
        let (value, source) = self.values.get(name)?;
        Some((value.trim(), source)).filter(|(value, _)| !value.is_empty())
    }

    pub fn is_set(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    fn in_production(&self) -> bool {
        let named = self.get("BANTER_ENV").or_else(|| self.get("NODE_ENV"));
        named.is_some_and(|(value, _)| value == "production")
    }

    pub fn faults(&self) -> &[String] {
        &self.faults
    }

    pub fn values(&self) -> BTreeMap<String, String> {
        self.values.iter().map(|(name, (value, _))| (name.clone(), value.clone())).collect()
    }

    /// Every variable that Banter knows, in the order of `.env.example`, secrets hidden.
    pub fn show(&self) -> impl Iterator<Item = Shown> {
        SECTIONS.iter().flat_map(move |(section, variables)| {
            variables.iter().map(move |variable| {
                let set =
                    self.get(variable.name).or_else(|| variable.alias.and_then(|alias| self.get(alias)));
                let (value, source) = match set {
                    Some((value, source)) if variable.secret => (Some(hide(value)), source.clone()),
                    Some((value, source)) => (Some(value.to_owned()), source.clone()),
                    None if variable.default.is_empty() => (None, Source::Unset),
                    None => (Some(variable.default.to_owned()), Source::Default),
                };
                Shown { section, variable, value, source }
            })
        })
    }

    /// What files name and Banter does not read: misspelt, most often.
    pub fn unknown(&self) -> impl Iterator<Item = (&str, &Path)> {
        self.values.iter().filter_map(|(name, (_, source))| match source {
            Source::File(path) if path != Path::new(DEV_FILE) && !known(name) => {
                Some((name.as_str(), path.as_path()))
            }
            _ => None,
        })
    }
}

fn known(name: &str) -> bool {
    super::variables::variables().any(|v| v.name == name || v.alias == Some(name))
}

/// Of a URL the password is hidden, and what follows the path: drivers accept a password there too.
/// Of anything else all but its length.
fn hide(secret: &str) -> String {
    let url = secret.split_once("://").filter(|(scheme, _)| {
        !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+')
    });
    let Some((scheme, rest)) = url else { return format!("(hidden, {} bytes)", secret.len()) };
    let (rest, query) = rest.split_once('?').map_or((rest, ""), |(rest, _)| (rest, "?…"));
    let whole = match rest.rsplit_once('@') {
        None => rest.to_owned(),
        Some((credentials, host)) => match credentials.split_once(':') {
            None => format!("{credentials}@{host}"),
            Some((user, _)) => format!("{user}:…@{host}"),
        },
    };
    format!("{scheme}://{whole}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(files: &[(&str, &str)], environment: &[(&str, &str)], chosen: Option<&str>) -> Sources {
        let directory =
            std::env::temp_dir().join(format!("banter-sources-{}-{}", std::process::id(), files.len()));
        let directory =
            directory.join(crate::ids::Ids::System.bytes::<4>().map(|b| format!("{b:02x}")).concat());
        std::fs::create_dir_all(directory.join(".banter")).unwrap();
        for (name, text) in files {
            std::fs::write(directory.join(name), text).unwrap();
        }
        let environment = environment.iter().map(|(k, v)| (OsString::from(k), OsString::from(v)));
        let sources = Sources::gather(environment, &directory, chosen.map(Path::new));
        std::fs::remove_dir_all(&directory).unwrap();
        sources
    }

    const FILES: &[(&str, &str)] = &[
        (".env", "PORT=6000\nHOST=0.0.0.0\nJWT_SECERT=oops\n"),
        (DEV_FILE, "PORT=7000\nMETRICS_PORT=7001\nDATABASE_URL=postgres://banter@127.0.0.1:7002/banter\n"),
        ("other.env", "PORT=8000\n"),
    ];

    fn port(sources: &Sources) -> (String, String) {
        let shown = sources.show().find(|shown| shown.variable.name == "PORT").unwrap();
        (shown.value.unwrap(), shown.source.to_string())
    }

    #[test]
    fn the_environment_wins_then_dotenv_then_dev() {
        let both = sources(FILES, &[("PORT", "5001")], None);
        assert_eq!(port(&both), ("5001".into(), "environment".into()));
        let files = sources(FILES, &[], None);
        assert_eq!(port(&files), ("6000".into(), ".env".into()));
        assert_eq!(files.values()["METRICS_PORT"], "7001");
        assert_eq!(files.unknown().collect::<Vec<_>>(), [("JWT_SECERT", Path::new(".env"))]);
        let emptied = sources(FILES, &[("PORT", "")], None);
        assert_eq!(port(&emptied), ("5000".into(), "default".into()));
    }

    #[test]
    fn a_chosen_file_stands_for_both() {
        let chosen = sources(FILES, &[], Some("other.env"));
        assert_eq!(port(&chosen), ("8000".into(), "other.env".into()));
        assert!(!chosen.is_set("HOST") && !chosen.is_set("METRICS_PORT"));
        assert!(sources(FILES, &[], Some("absent.env")).faults()[0].starts_with("absent.env cannot be read"));
    }

    #[test]
    fn production_does_not_look_at_dev() {
        for name in ["BANTER_ENV", "NODE_ENV"] {
            assert!(!sources(FILES, &[(name, "production")], None).is_set("DATABASE_URL"));
        }
    }

    #[test]
    fn a_line_that_is_not_understood_is_told_by_its_place() {
        let broken = sources(&[(".env", "HOST=a\nJWT_SECRET=two words\nPORT=1\n")], &[], None);
        assert_eq!(broken.faults(), [".env has a line after HOST that is not KEY=VALUE"]);
        assert_eq!(port(&broken).0, "1");
    }

    #[test]
    fn nothing_secret_is_shown() {
        assert_eq!(hide("postgres://a:b:c@d/e@h:1/n"), "postgres://a:…@h:1/n");
        assert_eq!(hide("postgres://a@h:1/n?password=x"), "postgres://a@h:1/n?…");
        assert_eq!(hide("rediss://:p@h:6380"), "rediss://:…@h:6380");
        assert_eq!(hide("k3J9x0qPZr7vT1mW5yB8nL2dF6hG4sAa"), "(hidden, 32 bytes)");
        assert_eq!(hide("AccountKey=abc;Endpoint=https://x"), "(hidden, 33 bytes)");
    }
}
