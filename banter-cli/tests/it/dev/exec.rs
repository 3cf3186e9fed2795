//! `banter dev exec`.

use std::fs;

use rustix::process::{Signal, geteuid};

use super::place::{Place, answers};

const WRITE: &str = "psql -qc 'create table kept as select 7 as n'";
const READ: &str = "psql -Atc 'select n from kept'";

#[test]
fn the_command_gets_the_services_and_its_exit_code_is_ours() {
    let place = Place::new();
    let ran = place.exec(
        r#"psql -Atc "select count(*) from users" && echo "$DATABASE_URL $REDIS_URL $PGPORT"
        test -n "$JWT_SECRET" && test -n "$JWT_REFRESH_SECRET" && test -n "$FIREBASE_AUTH_EMULATOR_HOST" && exit 42"#,
    );
    assert_eq!(ran.code, Some(42), "{}", ran.stderr);
    let (count, addresses) = ran.stdout.trim().split_once('\n').unwrap();
    let [database, redis, port] = *addresses.split(' ').collect::<Vec<_>>() else { panic!("{addresses}") };
    assert_eq!(count, "0");
    assert!(database.ends_with(&format!("@127.0.0.1:{port}/banter")), "{database}");
    assert!(redis.starts_with("redis://:") && redis.contains("@127.0.0.1:"), "{redis}");
    assert!(!answers(port.parse().unwrap()));
    place.assert_nothing_runs();

    assert_eq!(place.exec("kill -TERM $$").code, Some(128 + 15));
}

#[test]
fn a_second_start_finds_the_data_of_the_first_at_the_same_address() {
    let place = Place::new();
    let first = place.exec(&format!("{WRITE} && echo $DATABASE_URL $REDIS_URL $JWT_SECRET")).well();
    assert_eq!(
        place.exec(&format!("echo $DATABASE_URL $REDIS_URL $JWT_SECRET && {READ}")).well(),
        format!("{first}7\n")
    );

    let fresh = place.run(&["dev", "exec", "--fresh", "--", "sh", "-c", READ]);
    assert!(fresh.stderr.contains(r#"relation "kept" does not exist"#), "{}", fresh.stderr);
}

#[test]
fn throwaway_data_goes_and_kept_data_stays() {
    let place = Place::new().set("DATABASE_URL", "postgres://nobody@127.0.0.1:1/live");
    let throwaway = |more: &[&str]| {
        let mut words = vec!["dev", "exec", "--throwaway"];
        words.extend(more);
        words.extend(["--", "psql", "-Atc", "show fsync"]);
        place.run(&words)
    };
    assert_eq!(throwaway(&[]).well(), "off\n", "never the database that somebody needs");
    assert!(!place.dir().join("throwaway/postgres").exists());
    assert!(!place.dir().join("throwaway/state.json").exists());

    // What is to be kept is not dropped by a slip of the hand.
    let kept = Place::new();
    kept.exec(WRITE).well();
    let refused = kept.run(&["dev", "exec", "--throwaway", "--dir", ".banter", "--", "true"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("holds data that was to be kept"), "{}", refused.stderr);
    assert_eq!(kept.exec(READ).well(), "7\n");
}

#[test]
fn a_variable_that_is_set_replaces_its_stand_in() {
    // Neither PostgreSQL nor Redis is needed then, and none is looked for.
    let place = Place::new()
        .set("DATABASE_URL", "postgres://asha@db.example/banter")
        .set("REDIS_URL", "redis://cache.example")
        .set("FIREBASE_PROJECT_ID", "mine")
        .set("PATH", "/nonexistent");
    let said = place
        .run(&[
            "dev",
            "exec",
            "--",
            "/bin/sh",
            "-c",
            "echo $DATABASE_URL $REDIS_URL [$FIREBASE_AUTH_EMULATOR_HOST]",
        ])
        .well();
    assert_eq!(said, "postgres://asha@db.example/banter redis://cache.example []\n");
}

#[test]
fn without_redis_one_sentence_says_so() {
    let place = Place::new().set("PATH", "/nonexistent");
    let ran = place.run(&["dev", "exec", "--", "true"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("Redis is not installed"), "{}", ran.stderr);
    assert!(ran.stderr.contains("hint: `make setup` installs what Banter needs"), "{}", ran.stderr);
    place.assert_nothing_runs();
}

#[test]
fn a_command_that_is_not_there_is_told_and_the_services_go() {
    let place = Place::new();
    let ran = place.run(&["dev", "exec", "--", "no-such-program"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("`no-such-program` could not be started"), "{}", ran.stderr);
    place.assert_nothing_runs();
}

#[test]
fn the_command_is_told_to_stop_and_the_services_outlive_it() {
    let place = Place::new();
    let script = r#"trap 'psql -Atc "select 1" >&2; exit 43' TERM; echo '}'; while :; do sleep 0.02; done"#;
    let running = place.start(&["dev", "exec", "--", "sh", "-c", script]);
    running.tell(Signal::TERM);
    let (code, said) = running.end();
    assert_eq!(code, Some(43), "{said}");
    assert!(said.contains("\n1\n"), "{said}");
    place.assert_nothing_runs();
}

/// As root in root's own directory: the account that runs PostgreSQL cannot come there.
#[test]
fn data_is_put_where_the_services_reach_it() {
    let place = Place::closed();
    let first = place.exec(WRITE);
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    let inside = place.dir().join("postgres");
    assert_eq!(inside.is_symlink(), geteuid().is_root());
    assert_eq!(
        first.stderr.contains("PostgreSQL does not run as root"),
        geteuid().is_root(),
        "{}",
        first.stderr
    );
    let again = place.exec(READ);
    assert!(!again.stderr.contains("does not run as root"), "it is said once: {}", again.stderr);
    assert_eq!(again.well(), "7\n");

    let data = fs::canonicalize(&inside).unwrap();
    place.run(&["dev", "exec", "--fresh", "--throwaway", "--dir", ".banter", "--", "true"]).well();
    assert!(!data.exists() && !inside.is_symlink(), "{}", data.display());
}
