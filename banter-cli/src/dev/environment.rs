//! The environment that Banter gets: what is really set, and a stand-in for whatever is not.

use std::collections::BTreeMap;
use std::env::split_paths;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::state::{LiveKitPorts, NAME, State};
use crate::exit::Failure;

const LIVEKIT: &[&str] = &["LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "LIVEKIT_SERVER_URL", "LIVEKIT_API_URL"];
const RELAY: &[&str] = &["TURN_URLS", "TURN_SECRET"];
const RAZORPAY: &[&str] = &[
    "RAZORPAY_KEY_ID",
    "RAZORPAY_KEY_SECRET",
    "RAZORPAY_WEBHOOK_SECRET",
    "RAZORPAY_API_URL",
    "RAZORPAY_PLAN_MONTHLY",
    "RAZORPAY_PLAN_YEARLY",
];

/// In the form of `.env`, and with the stand-ins apart: only they are written to disk.
#[derive(Clone, Debug)]
pub(super) struct Environment {
    real: BTreeMap<String, String>,
    stand_ins: BTreeMap<&'static str, String>,
    /// Stand-ins replace even what is really set: tests must never meet a database that somebody needs.
    sealed: bool,
}

impl Environment {
    pub(super) fn new(real: BTreeMap<String, String>, sealed: bool) -> Self {
        let mut environment = Self { real, stand_ins: BTreeMap::new(), sealed };
        if sealed {
            environment.stand_in("BANTER_ENV", "development");
        }
        environment
    }

    /// What is really set, and not empty.
    pub(super) fn real(&self, name: &str) -> Option<&str> {
        self.real.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    fn is_production(&self) -> bool {
        !self.sealed
            && self.real("BANTER_ENV").or_else(|| self.real("NODE_ENV")).is_some_and(|v| v == "production")
    }

    pub(super) fn refuse_production(&self) -> Result<(), Failure> {
        if self.is_production() {
            return Err(Failure::user("BANTER_ENV is `production`, and this is for development")
                .hint("unset BANTER_ENV and NODE_ENV; in production run `banter-server` itself"));
        }
        Ok(())
    }

    pub(super) fn needs_postgres(&self) -> bool {
        self.sealed || self.real("DATABASE_URL").is_none()
    }

    pub(super) fn needs_redis(&self) -> bool {
        self.sealed || self.real("REDIS_URL").or_else(|| self.real("REDIS_HOST")).is_none()
    }

    /// Somebody's own LiveKit is used as a whole: half of its settings beside half of ours would fit nothing.
    pub(super) fn needs_livekit(&self) -> bool {
        self.sealed || LIVEKIT.iter().all(|name| self.real(name).is_none())
    }

    pub(super) fn needs_relay(&self) -> bool {
        self.sealed || RELAY.iter().all(|name| self.real(name).is_none())
    }

    /// Somebody's own Razorpay account is used as a whole, too.
    pub(super) fn needs_razorpay(&self) -> bool {
        self.sealed || RAZORPAY.iter().all(|name| self.real(name).is_none())
    }

    /// Sets a variable unless it is really set.
    pub(super) fn stand_in(&mut self, name: &'static str, value: impl Into<String>) {
        if self.sealed || self.real(name).is_none() {
            self.stand_ins.insert(name, value.into());
        }
    }

    /// Sets a variable whatever was set: we decided its value from what was set.
    pub(super) fn decide(&mut self, name: &'static str, value: impl Into<String>) {
        self.stand_ins.insert(name, value.into());
    }

    /// The services' addresses and the secrets.
    pub(super) fn add_state(&mut self, state: &State) {
        if self.needs_postgres() {
            self.stand_in("DATABASE_URL", state.database_url(NAME));
        }
        if self.needs_redis() {
            self.stand_in("REDIS_URL", state.redis_url());
        }
        self.stand_in("JWT_SECRET", &state.jwt_secret);
        self.stand_in("JWT_REFRESH_SECRET", &state.jwt_refresh_secret);
        // Beside somebody's own Firebase project, tokens are to be signed by Firebase.
        if self.sealed || self.real("FIREBASE_PROJECT_ID").is_none() {
            self.stand_in("FIREBASE_AUTH_EMULATOR_HOST", "127.0.0.1:9099");
        }
    }

    /// Uploads go to a directory of ours, unless a storage account is really set; tests never meet that.
    pub(super) fn add_media(&mut self, dir: &Path) {
        if self.sealed {
            self.decide("AZURE_STORAGE_CONNECTION_STRING", "");
            self.decide("AZURE_STORAGE_ACCOUNT_NAME", "");
        }
        if self.sealed || self.real("AZURE_STORAGE_CONNECTION_STRING").is_none() {
            self.stand_in("MEDIA_DIR", dir.display().to_string());
        }
    }

    /// The media server and the relay, as far as they run: where they do not, calls and rooms are refused, and a
    /// test is never led to somebody's own.
    pub(super) fn add_voice(&mut self, state: &State, has_livekit: bool, has_relay: bool) {
        if let Some(LiveKitPorts { http, .. }) = state.livekit.ports.filter(|_| has_livekit) {
            self.stand_in("LIVEKIT_API_KEY", &state.livekit.keys.key);
            self.stand_in("LIVEKIT_API_SECRET", &state.livekit.keys.secret);
            self.stand_in("LIVEKIT_SERVER_URL", format!("ws://127.0.0.1:{http}"));
            self.stand_in("LIVEKIT_API_URL", format!("http://127.0.0.1:{http}"));
        } else if self.sealed {
            for name in LIVEKIT {
                self.decide(name, "");
            }
        }
        if let Some(port) = state.relay.port.filter(|_| has_relay) {
            let at = format!("127.0.0.1:{port}");
            let urls = format!("stun:{at},turn:{at}?transport=udp,turn:{at}?transport=tcp");
            self.stand_in("TURN_URLS", urls);
            self.stand_in("TURN_SECRET", &state.relay.secret);
        } else if self.sealed {
            for name in RELAY {
                self.decide(name, "");
            }
        }
    }

    /// The stand-in for Razorpay, if it runs. A test is never led to somebody's own account.
    pub(super) fn add_razorpay(&mut self, state: &State, runs: bool) {
        let keys = &state.razorpay.keys;
        if let Some(port) = state.razorpay.port.filter(|_| runs) {
            self.stand_in("RAZORPAY_KEY_ID", &keys.key_id);
            self.stand_in("RAZORPAY_KEY_SECRET", &keys.key_secret);
            self.stand_in("RAZORPAY_WEBHOOK_SECRET", &keys.webhook_secret);
            self.stand_in("RAZORPAY_API_URL", format!("http://127.0.0.1:{port}"));
            self.stand_in("RAZORPAY_PLAN_MONTHLY", &keys.plan_monthly);
            self.stand_in("RAZORPAY_PLAN_YEARLY", &keys.plan_yearly);
        } else if self.sealed {
            for name in RAZORPAY {
                self.decide(name, "");
            }
        }
    }

    /// Where the server takes the events of `livekit` or `razorpay`.
    pub(super) fn webhook_url(&self, of: &str) -> String {
        let all = self.stand_ins.get("HOST").map(String::as_str).or_else(|| self.real("HOST"));
        let host = match all {
            None | Some("0.0.0.0") => "127.0.0.1".to_owned(),
            Some(host) if host.contains(':') && !host.starts_with('[') => format!("[{host}]"),
            Some(host) => host.to_owned(),
        };
        let port = self.stand_ins.get("PORT").map(String::as_str).or_else(|| self.real("PORT"));
        format!("http://{host}:{}/api/webhooks/{of}", port.unwrap_or("5000"))
    }

    /// Puts directories of programs behind what is on PATH.
    pub(super) fn add_programs<'a>(&mut self, dirs: impl IntoIterator<Item = &'a Path>) {
        let mut path: Vec<PathBuf> =
            self.real("PATH").map(|path| split_paths(path).collect()).unwrap_or_default();
        for dir in dirs {
            if !path.iter().any(|known| known == dir) {
                path.push(dir.to_owned());
            }
        }
        let path: Vec<String> = path.iter().map(|dir| dir.display().to_string()).collect();
        self.decide("PATH", path.join(":"));
    }

    /// What PostgreSQL's own programs read.
    pub(super) fn add_libpq(&mut self, state: &State) {
        if self.needs_postgres() {
            self.decide("PGHOST", "127.0.0.1");
            self.decide("PGPORT", state.postgres.port.unwrap_or(5432).to_string());
            self.decide("PGUSER", NAME);
            self.decide("PGPASSWORD", &state.postgres.password);
            self.decide("PGDATABASE", NAME);
        }
    }

    /// Everything, as the configuration reads it.
    pub(super) fn all(&self) -> BTreeMap<String, String> {
        let mut all = self.real.clone();
        all.extend(self.stand_ins.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        all
    }

    /// What a child needs beyond what it inherits.
    pub(super) fn stand_ins(&self) -> &BTreeMap<&'static str, String> {
        &self.stand_ins
    }

    /// The text of `.banter/env`: what is really set stays where it was set.
    pub(super) fn file(&self) -> String {
        let mut text =
            String::from("# Written by `banter dev` at each start; other `banter` commands read it.\n");
        for (name, value) in &self.stand_ins {
            let _ = writeln!(text, "{name}={value}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use banter_core::config::Config;
    use banter_core::ids::Ids;

    fn real(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn state() -> State {
        let mut state = State::generate(&Ids::seeded(1));
        state.postgres.port = Some(20_001);
        state.redis.port = Some(20_002);
        state
    }

    #[test]
    fn with_nothing_set_the_stand_ins_make_a_configuration() {
        let mut environment = Environment::new(BTreeMap::new(), false);
        environment.add_state(&state());
        let config = Config::load(&environment.all()).unwrap();
        assert!(config.redis.is_some() && config.firebase.emulator_host.is_some());
        assert!(environment.needs_postgres() && environment.needs_redis());
    }

    #[test]
    fn what_is_really_set_replaces_its_stand_in_one_by_one() {
        let database = "postgres://asha@db.example/banter";
        let set = [("DATABASE_URL", database), ("FIREBASE_PROJECT_ID", "mine"), ("JWT_SECRET", " ")];
        let mut environment = Environment::new(real(&set), false);
        environment.add_state(&state());
        environment.add_libpq(&state());
        assert!(!environment.needs_postgres() && environment.needs_redis());
        let all = environment.all();
        assert_eq!(all["DATABASE_URL"], database);
        assert_eq!(all["JWT_SECRET"], state().jwt_secret, "empty is not set");
        assert!(!all.contains_key("FIREBASE_AUTH_EMULATOR_HOST"));
        assert!(!all.contains_key("PGPASSWORD"));
        let file = environment.file();
        assert!(!file.contains(database) && file.contains("REDIS_URL=redis://:"), "{file}");
    }

    #[test]
    fn uploads_lie_with_us_unless_an_account_is_set() {
        let dir = Path::new("/home/asha/.banter/media");
        let media = |set: &[(&str, &str)], sealed: bool| {
            let mut environment = Environment::new(real(set), sealed);
            environment.add_media(dir);
            environment.all()
        };
        assert_eq!(media(&[], false)["MEDIA_DIR"], "/home/asha/.banter/media");
        assert_eq!(media(&[("MEDIA_DIR", "/mine")], false)["MEDIA_DIR"], "/mine");
        let account = [("AZURE_STORAGE_CONNECTION_STRING", "UseDevelopmentStorage=true")];
        assert!(!media(&account, false).contains_key("MEDIA_DIR"));
        let sealed = media(&account, true);
        assert_eq!(sealed["AZURE_STORAGE_CONNECTION_STRING"], "", "a test meets nobody's account");
        assert_eq!(sealed["MEDIA_DIR"], "/home/asha/.banter/media");
    }

    #[test]
    fn razorpay_has_a_stand_in_unless_somebody_has_set_their_own() {
        let mut state = state();
        state.razorpay.port = Some(20_007);
        let razorpay = |set: &[(&str, &str)], sealed: bool, runs: bool| {
            let mut environment = Environment::new(real(set), sealed);
            let runs = runs && environment.needs_razorpay();
            environment.add_razorpay(&state, runs);
            environment.all()
        };
        let ours = razorpay(&[], false, true);
        assert_eq!(ours["RAZORPAY_API_URL"], "http://127.0.0.1:20007");
        assert_eq!(ours["RAZORPAY_PLAN_YEARLY"], state.razorpay.keys.plan_yearly);
        let mut environment = Environment::new(ours, false);
        environment.add_state(&state);
        assert!(Config::load(&environment.all()).unwrap().razorpay.is_some());
        let theirs = [("RAZORPAY_KEY_ID", "rzp_test_ofsomebodyelse")];
        assert_eq!(razorpay(&theirs, false, true), real(&theirs), "theirs is used as a whole");
        assert_eq!(razorpay(&theirs, true, true)["RAZORPAY_KEY_ID"], state.razorpay.keys.key_id);
        assert_eq!(razorpay(&theirs, true, false)["RAZORPAY_KEY_ID"], "", "a test meets nobody's account");
    }

    #[test]
    fn voice_has_stand_ins_where_it_runs_and_nobody_has_set_their_own() {
        let mut state = state();
        state.livekit.ports = Some(LiveKitPorts { http: 20_003, tcp: 20_004, udp: 20_005 });
        state.relay.port = Some(20_006);
        let voice = |set: &[(&str, &str)], sealed: bool, runs: bool| {
            let mut environment = Environment::new(real(set), sealed);
            let runs = (runs && environment.needs_livekit(), runs && environment.needs_relay());
            environment.add_voice(&state, runs.0, runs.1);
            environment.all()
        };
        let ours = voice(&[], false, true);
        assert_eq!(ours["LIVEKIT_SERVER_URL"], "ws://127.0.0.1:20003");
        assert_eq!(ours["LIVEKIT_API_URL"], "http://127.0.0.1:20003");
        assert_eq!(ours["LIVEKIT_API_SECRET"], state.livekit.keys.secret);
        let turn = "turn:127.0.0.1:20006";
        let urls = format!("stun:127.0.0.1:20006,{turn}?transport=udp,{turn}?transport=tcp");
        assert_eq!((&ours["TURN_URLS"], &ours["TURN_SECRET"]), (&urls, &state.relay.secret));

        let set = [("LIVEKIT_SERVER_URL", "wss://live.example"), ("TURN_SECRET", "theirs")];
        let theirs = voice(&set, false, true);
        assert_eq!(theirs, real(&set), "theirs is used as a whole");
        assert_eq!(voice(&set, true, true), {
            let mut sealed = voice(&[], true, true);
            sealed.insert("TURN_SECRET".into(), state.relay.secret.clone());
            sealed
        });
        assert!(voice(&[], false, false).is_empty(), "what does not run is not named");
        let away = voice(&set, true, false);
        assert!([LIVEKIT, RELAY].concat().iter().all(|name| away[*name].is_empty()), "a test meets nobody's");
    }

    #[test]
    fn events_go_where_the_server_listens() {
        let url = |set: &[(&str, &str)]| Environment::new(real(set), false).webhook_url("livekit");
        assert_eq!(url(&[]), "http://127.0.0.1:5000/api/webhooks/livekit");
        assert_eq!(
            url(&[("HOST", "0.0.0.0"), ("PORT", "6000")]),
            "http://127.0.0.1:6000/api/webhooks/livekit"
        );
        assert_eq!(url(&[("HOST", "::1")]), "http://[::1]:5000/api/webhooks/livekit");
        let mut decided = Environment::new(real(&[("PORT", "0")]), false);
        decided.decide("PORT", "7000");
        assert_eq!(decided.webhook_url("livekit"), "http://127.0.0.1:7000/api/webhooks/livekit");
    }

    #[test]
    fn redis_by_its_host_is_redis() {
        assert!(!Environment::new(real(&[("REDIS_HOST", "r")]), false).needs_redis());
    }

    #[test]
    fn a_sealed_one_never_meets_what_somebody_needs() {
        let set = [("DATABASE_URL", "postgres://live"), ("BANTER_ENV", "production"), ("REDIS_HOST", "r")];
        let mut environment = Environment::new(real(&set), true);
        environment.add_state(&state());
        assert!(environment.needs_postgres() && environment.needs_redis() && !environment.is_production());
        let all = environment.all();
        assert_eq!(all["DATABASE_URL"], state().database_url(NAME));
        assert_eq!(all["BANTER_ENV"], "development");
        assert!(Environment::new(real(&set), false).is_production());
    }

    #[test]
    fn programs_are_found_behind_what_is_on_path() {
        let mut environment = Environment::new(real(&[("PATH", "/usr/bin")]), false);
        environment.add_libpq(&state());
        environment.add_programs(["/usr/lib/postgresql/15/bin", "/usr/bin"].map(Path::new));
        let all = environment.all();
        assert_eq!(all["PATH"], "/usr/bin:/usr/lib/postgresql/15/bin");
        assert_eq!((all["PGPORT"].as_str(), all["PGDATABASE"].as_str()), ("20001", "banter"));
    }

    #[test]
    fn the_file_can_be_read_back() {
        let mut environment = Environment::new(BTreeMap::new(), false);
        environment.add_state(&state());
        let file = environment.file();
        let read: BTreeMap<&str, &str> = file.lines().filter_map(|line| line.split_once('=')).collect();
        let written = environment.stand_ins();
        assert_eq!(read.len(), written.len());
        assert!(written.iter().all(|(name, value)| read[name] == value));
    }
}
