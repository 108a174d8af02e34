//! What opening makes, and what it refuses.

use crate::fixture::*;
use parsecd::store::{OpenError, Store};
use parsecd_core::store::CommitResult::Durable;
use parsecd_core::store::Fetched;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

fn refused(path: &Path) -> OpenError {
    match Store::open(path, || ()) {
        Ok(_) => panic!("{} opened", path.display()),
        Err(error) => error,
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

/// Every path below `directory` with what is in it.
fn contents(directory: &Path) -> Vec<(std::path::PathBuf, Option<Vec<u8>>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
            found.push((path, None));
        } else {
            found.push((path.clone(), Some(fs::read(&path).unwrap())));
        }
    }
    found.sort();
    found
}

#[test]
fn the_bundled_sqlite_is_recent_enough() {
    assert!(rusqlite::version_number() >= 3_051_003, "{}", rusqlite::version());
}

#[test]
fn a_second_daemon_is_refused_and_told_the_process_id_of_the_first() {
    let store = Fixture::new();
    let error = refused(&store.path());
    let own = std::process::id();
    assert!(matches!(error, OpenError::InUse { pid: Some(pid), .. } if pid == own), "{error}");
    assert!(error.to_string().contains(&own.to_string()));
    assert_eq!(store.commit(publish(&key("alice", "k"), 1)), Durable);
}

#[test]
fn the_lock_ends_with_the_store() {
    let mut store = Fixture::new();
    store.close();
    store.open();
}

#[test]
fn keys_are_made_once_and_differ() {
    let mut store = Fixture::new();
    let read = |store: &Fixture| {
        ["store.key", "tag.key"].map(|name| fs::read(store.directory().join(name)).unwrap())
    };
    let first = read(&store);
    assert!(first.iter().all(|key| key.len() == 32) && first[0] != first[1]);
    assert_ne!(first, read(&Fixture::new()));
    store.close();
    store.open();
    assert_eq!(read(&store), first);
}

#[test]
fn a_missing_key_file_is_made_again_only_while_nothing_needs_it() {
    for name in ["store.key", "tag.key"] {
        let mut store = Fixture::new();
        let path = store.directory().join(name);
        store.close();
        fs::remove_file(&path).unwrap();
        store.open();
        store.commit(publish(&key("alice", "k"), 1));
        store.close();
        let saved = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let error = refused(&store.path());
        assert!(matches!(&error, OpenError::KeyFileMissing { path: missing } if *missing == path), "{error}");
        assert!(error.to_string().contains(name) && error.to_string().contains("restore it"), "{error}");
        assert!(!path.exists());
        fs::write(&path, &saved[..31]).unwrap();
        assert!(matches!(refused(&store.path()), OpenError::KeyFileDamaged { .. }));
        fs::write(&path, &saved).unwrap();
        store.open();
        assert_eq!(store.fetch(&key("alice", "k")), Fetched::Found(record("k")));
    }
}

#[test]
fn a_directory_that_is_missing_is_made_for_its_owner_alone() {
    let above = tempfile::tempdir().unwrap();
    let directory = above.path().join("a/b");
    drop(Store::open(&directory.join("keys.sqlite3"), || ()).unwrap());
    assert_eq!((mode(&above.path().join("a")), mode(&directory)), (0o700, 0o700));
}

#[test]
fn permissions_that_others_have_are_taken_away_from_a_directory_of_our_own_and_its_files() {
    let mut store = Fixture::new();
    store.close();
    fs::set_permissions(store.directory(), PermissionsExt::from_mode(0o777)).unwrap();
    for name in ["keys.sqlite3", "store.key", "tag.key", "parsecd.lock"] {
        fs::set_permissions(store.directory().join(name), PermissionsExt::from_mode(0o666)).unwrap();
    }
    store.open();
    assert_eq!(mode(store.directory()), 0o700);
    for (path, _) in contents(store.directory()) {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn a_directory_with_other_things_in_it_is_left_alone_but_refused_if_others_can_write_to_it() {
    let shared = tempfile::tempdir().unwrap();
    fs::write(shared.path().join("something"), "").unwrap();
    let path = shared.path().join("keys.sqlite3");
    fs::set_permissions(shared.path(), PermissionsExt::from_mode(0o1777)).unwrap();
    let error = refused(&path);
    assert!(
        matches!(error, OpenError::Exposed { .. }) && error.to_string().contains("chmod go-w"),
        "{error}"
    );
    fs::set_permissions(shared.path(), PermissionsExt::from_mode(0o755)).unwrap();
    drop(Store::open(&path, || ()).unwrap());
    assert_eq!(mode(shared.path()), 0o755);
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn the_database_of_the_reference_is_refused_untouched() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sqlite-key-info-manager 100%.sqlite3");
    let reference = rusqlite::Connection::open(&path).unwrap();
    reference
        .execute_batch(
            "CREATE TABLE kim_metadata (id TEXT NOT NULL PRIMARY KEY, int_value INTEGER NOT NULL);
             INSERT INTO kim_metadata VALUES ('schema_version', 1);",
        )
        .unwrap();
    drop(reference);
    let before = contents(directory.path());
    let error = refused(&path);
    assert!(matches!(error, OpenError::Reference { .. }), "{error}");
    assert!(error.to_string().contains("configure a path that does not exist yet"), "{error}");
    assert_eq!(contents(directory.path()), before);
}

#[test]
fn mappings_of_the_reference_are_refused_untouched() {
    for mapping in ["dGVzdA==/1/a2V5", "parsec/dHBtUm9vdEtleVRQTQ=="] {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join(mapping);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, [0; 8]).unwrap();
        let before = contents(directory.path());
        let error = refused(&directory.path().join("keys.sqlite3"));
        assert!(matches!(error, OpenError::Reference { .. }), "{error}");
        assert_eq!(contents(directory.path()), before);
    }
}

#[test]
fn a_store_of_the_reference_without_any_mapping_is_no_obstacle() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir_all(directory.path().join("parsec")).unwrap();
    fs::create_dir_all(directory.path().join("dGVzdA==/1")).unwrap();
    drop(Store::open(&directory.path().join("keys.sqlite3"), || ()).unwrap());
}

#[test]
fn files_of_other_programs_are_refused_untouched() {
    type Make = fn(&Path);
    let other: [(&str, Make); 4] = [
        ("not an SQLite database", |path| fs::write(path, "a letter").unwrap()),
        ("not an SQLite database", |path| fs::write(path, [b'x'; 4096]).unwrap()),
        ("of another program", |path| {
            let connection = rusqlite::Connection::open(path).unwrap();
            connection.execute_batch("CREATE TABLE bookmarks (url TEXT)").unwrap();
        }),
        ("not a file", |path| fs::create_dir(path).unwrap()),
    ];
    for (why, make) in other {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys.sqlite3");
        make(&path);
        let before = contents(directory.path());
        let error = refused(&path);
        assert!(matches!(error, OpenError::NotAStore { .. }), "{error}");
        assert!(error.to_string().contains(why), "{error}");
        assert_eq!(contents(directory.path()), before);
    }
}

#[test]
fn a_log_without_its_database_is_not_replayed_into_a_new_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.sqlite3");
    fs::write(directory.path().join("keys.sqlite3-wal"), "frames").unwrap();
    assert!(refused(&path).to_string().contains("log of a database that is missing"));
    assert!(!path.exists());
}

#[test]
fn an_empty_file_and_the_remains_of_an_interrupted_start_are_no_obstacle() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("keys.sqlite3"), "").unwrap();
    fs::write(directory.path().join("keys.sqlite3.new"), "half").unwrap();
    fs::write(directory.path().join("store.key.new"), "half").unwrap();
    drop(Store::open(&directory.path().join("keys.sqlite3"), || ()).unwrap());
    assert!(!directory.path().join("keys.sqlite3.new").exists());
}

#[test]
fn a_newer_format_is_refused_by_its_number_and_kept() {
    let mut store = Fixture::new();
    store.commit(publish(&key("alice", "k"), 1));
    store.close();
    let set = |format: i64| {
        store.tamper().execute("UPDATE meta SET value = ?1 WHERE name = 'format'", [format]).unwrap();
    };
    set(2);
    let error = refused(&store.path());
    assert!(matches!(error, OpenError::NewerFormat { found: 2, known: 1, .. }), "{error}");
    assert!(error.to_string().contains("run the version of parsecd that wrote it"), "{error}");
    set(0);
    assert!(matches!(refused(&store.path()), OpenError::NotAStore { .. }));
    set(1);
    store.open();
    assert_eq!(store.fetch(&key("alice", "k")), Fetched::Found(record("k")));
}

#[test]
fn a_path_that_cannot_be_made_is_named_with_its_remedy() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("file"), "").unwrap();
    let error = refused(&directory.path().join("file/keys.sqlite3"));
    let text = error.to_string();
    assert!(text.contains("file") && text.contains("must belong to"), "{text}");
}
