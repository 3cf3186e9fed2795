use std::os::unix::fs::PermissionsExt as _;

use super::*;

/// A directory with programs that answer `--version`.
fn bin(root: &Path, dir: &str, programs: &[(&str, &str)]) -> PathBuf {
    let bin = root.join(dir);
    fs::create_dir_all(&bin).unwrap();
    for (name, version) in programs {
        let file = bin.join(name);
        fs::write(&file, format!("#!/bin/sh\necho '{version}'\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    bin
}

#[test]
fn versions_are_read_as_packagers_write_them() {
    for (text, version) in [
        ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", Some(15)),
        ("postgres (PostgreSQL) 17beta2", Some(17)),
        ("postgres (PostgreSQL) 9.6.24", Some(9)),
        ("Redis server v=7.0.15", None),
        ("", None),
    ] {
        assert_eq!(parse_version(text), version, "{text}");
    }
}

#[test]
fn programs_are_found_on_path_and_where_packages_put_them() {
    let root = tempfile::tempdir().unwrap();
    let old = bin(root.path(), "lib/13/bin", &[("postgres", "postgres (PostgreSQL) 13.9"), ("initdb", "")]);
    let new = bin(root.path(), "lib/16/bin", &[("postgres", "postgres (PostgreSQL) 16.2"), ("initdb", "")]);
    let path = bin(root.path(), "bin", &[("postgres", "postgres (PostgreSQL) 18.0"), ("valkey-server", "")]);
    let pattern = root.path().join("lib/*/bin").to_str().unwrap().to_owned();
    let search = Search { path: vec![path.clone()], postgres_homes: &[&pattern], homes: &[] };

    let mut found = search.postgres();
    found.sort_by_key(|postgres| postgres.version);
    let expected = [Postgres { bin: old, version: 13 }, Postgres { bin: new.clone(), version: 16 }];
    assert_eq!(found, expected, "a `postgres` without its `initdb` is of no use");
    assert_eq!(choose(found, None), Ok(Postgres { bin: new, version: 16 }));
    assert_eq!(search.redis(), Some(path.join("valkey-server")));

    let nowhere = Search { path: vec![root.path().to_owned()], postgres_homes: &[], homes: &[] };
    assert_eq!(nowhere.redis(), None);
    assert_eq!(choose(nowhere.postgres(), None), Err(Missing::Postgres));
}

#[test]
fn livekit_is_found_on_path_and_then_where_setup_puts_it() {
    let root = tempfile::tempdir().unwrap();
    let search = Search { path: vec![root.path().join("bin")], postgres_homes: &[], homes: &[] };
    assert_eq!(search.livekit(Some(root.path())), None);
    let cached = bin(root.path(), &format!("livekit-{VERSION}"), &[("livekit-server", "")]);
    assert_eq!(search.livekit(Some(root.path())), Some(cached.join("livekit-server")));
    assert_eq!(search.livekit(None), None);
    let path = bin(root.path(), "bin", &[("livekit-server", "")]);
    assert_eq!(search.livekit(Some(root.path())), Some(path.join("livekit-server")));
}

#[test]
fn the_newest_is_chosen_unless_the_data_is_of_another() {
    let of = |version| Postgres { bin: format!("/{version}").into(), version };
    let all = || vec![of(15), of(17), of(16)];
    assert_eq!(choose(all(), None), Ok(of(17)));
    assert_eq!(choose(all(), Some(15)), Ok(of(15)));
    assert_eq!(choose(all(), Some(14)), Err(Missing::SamePostgres(14)));
    assert_eq!(choose(vec![of(13), of(14)], None), Err(Missing::NewerPostgres(14)));
}

#[test]
fn the_command_installs_what_is_missing_and_no_more() {
    let sudo = if rustix::process::geteuid().is_root() { "" } else { "sudo " };
    assert_eq!(Manager::Apt.command(false, true), format!("{sudo}apt-get install redis-server"));
    assert_eq!(Manager::Dnf.command(true, true), format!("{sudo}dnf install postgresql-server redis"));
    assert_eq!(Manager::Brew.command(true, false), "brew install postgresql@17");
}
