//! Runs the built binary in a scrubbed environment, and shows exit code, stdout and stderr together.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use banter_core::Banter;
use banter_core::config::Config;
use banter_core::testing::{TestDatabase, database};
use tempfile::TempDir;

/// Of the length that signing needs, and of no other use.
pub(crate) const ACCESS_SECRET: &str = "k3J9x0qPZr7vT1mW5yB8nL2dF6hG4sAa";
pub(crate) const REFRESH_SECRET: &str = "Q8wE2rT6yU1iO5pA9sD3fG7hJ4kL0zXc";

pub(crate) struct Cli {
    /// Home and working directory.
    directory: TempDir,
    environment: BTreeMap<String, String>,
    database: Option<TestDatabase>,
}

impl Cli {
    /// Nothing is set, nothing is there.
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        Self { directory, environment: BTreeMap::new(), database: None }
    }

    /// With a migrated, empty database of its own, named by a whole environment.
    pub(crate) async fn with_database() -> Self {
        let database = database().await;
        let cli = Self::new()
            .set("DATABASE_URL", database.url())
            .set("JWT_SECRET", ACCESS_SECRET)
            .set("JWT_REFRESH_SECRET", REFRESH_SECRET);
        Self { database: Some(database), ..cli }
    }

    pub(crate) fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        let path = self.directory.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("made");
        std::fs::write(path, text).expect("written");
        self
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Puts the database into a state that no command leads to.
    pub(crate) async fn sql(&self, sql: &'static str) {
        let mut db = self.database.as_ref().expect("a database").connect().await;
        sqlx::raw_sql(sql).execute(&mut db).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        let mut db = self.database.as_ref().expect("a database").connect().await;
        sqlx::query_scalar(sql).fetch_one(&mut db).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The application on the same settings, to look at what a command did.
    pub(crate) async fn banter(&self) -> Banter {
        Banter::connect(Config::load(&self.environment).expect("whole settings")).await.expect("connected")
    }

    /// The command, ready to be started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_banter"));
        command
            .args(arguments)
            .current_dir(self.directory())
            .env_clear()
            .env("HOME", self.directory())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("COLUMNS", "100")
            .envs(&self.environment)
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the binary starts")
    }

    /// stdout of a command that must succeed.
    pub(crate) fn ask(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// What a user would see, for a snapshot.
    pub(crate) fn show(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let code = output.status.code().map_or_else(|| "none".into(), |code| code.to_string());
        format!(
            "$ banter {}\nexit code: {code}\n----- stdout -----\n{}----- stderr -----\n{}",
            arguments.join(" "),
            String::from_utf8(output.stdout).expect("UTF-8"),
            String::from_utf8(output.stderr).expect("UTF-8"),
        )
    }

    /// What differs from run to run is filtered out.
    pub(crate) fn settings(&self) -> insta::Settings {
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.add_filter(&self.directory().display().to_string().replace('.', r"\."), "[dir]");
        for (pattern, instead) in [
            (r"eyJ[\w-]+\.[\w-]+\.[\w-]+", "[token]"),
            (r"\b[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b", "[uuid]"),
            (r"\b\d{4}-\d\d-\d\d \d\d:\d\d UTC", "[time]"),
            (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "[time]"),
            (r"\btest_[0-9a-f]+_[0-9a-f]+ on \S+:\d+", "[database] on [server]"),
        ] {
            settings.add_filter(pattern, instead);
        }
        settings
    }
}

/// Snapshots what a user sees, under the name of the scene.
macro_rules! scene {
    ($cli:expr, $name:expr, $arguments:expr) => {
        $cli.settings().bind(|| insta::assert_snapshot!($name, $cli.show(&$arguments)))
    };
}
pub(crate) use scene;
