//! The store on a disk that is full or fails, with the real SQLite: system calls on its files fail as told by a
//! small library that is preloaded (`faults.c`). A crash is played by opening a copy of the files as they are at
//! that moment, without the shared memory of the process that crashed.

#[path = "../store/fixture.rs"]
#[allow(dead_code)]
mod fixture;

use fixture::*;
use parsecd::store::Store;
use parsecd_core::identity::KeyIdentity;
use parsecd_core::store::CommitResult::{self, Durable, Full, Refused, Unknown};
use parsecd_core::store::{Fetched, Mutation, Page, UnfinishedState};
use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const EIO: i32 = 5;
const ENOSPC: i32 = 28;
const ALWAYS: u32 = 1_000_000;

/// Runs `body` in a process of its own that has the library preloaded: this test, once more.
fn with_faults(test: &str, body: impl FnOnce(&Faults)) {
    if let Some(control) = env::var_os("PARSECD_FAULTS") {
        body(&Faults { control: control.into() });
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let library = directory.path().join("faults.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/faults.c");
    let mut compiler = Command::new(env::var_os("CC").unwrap_or_else(|| "cc".into()));
    compiler.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-pthread", "-o"]);
    let compiled = compiler.arg(&library).arg(source).arg("-ldl").status().unwrap();
    assert!(compiled.success(), "a C compiler is needed for this test");
    // Hundreds of stores with real syncs take minutes on a busy disk; which calls fail is the same in memory.
    let memory = Some(Path::new("/dev/shm")).filter(|memory| tempfile::tempdir_in(memory).is_ok());
    let output = Command::new(env::current_exe().unwrap())
        .env("TMPDIR", memory.map_or_else(env::temp_dir, Path::to_path_buf))
        .args(["--exact", test, "--nocapture"])
        .env("LD_PRELOAD", &library)
        .env("PARSECD_FAULTS", directory.path().join("control"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("1 passed"), "{text}");
}

struct Faults {
    control: PathBuf,
}

impl Faults {
    fn set(&self, operation: char, error: i32, skip: u32, times: u32) {
        let fired = self.fired_path();
        if fired.exists() {
            fs::remove_file(fired).unwrap();
        }
        fs::write(&self.control, format!("{operation} {error} {skip} {times}")).unwrap();
    }

    fn clear(&self) {
        fs::write(&self.control, "- 0 0 0").unwrap();
    }

    fn fired_path(&self) -> PathBuf {
        PathBuf::from(format!("{}.fired", self.control.display()))
    }

    fn fired(&self) -> bool {
        self.fired_path().exists()
    }
}

/// The store as the next process would find it if this one died now.
fn after_crash(store: &Fixture) -> Fixture {
    let mut copy = crashed(store);
    copy.open();
    copy
}

/// The same, not opened yet.
fn crashed(store: &Fixture) -> Fixture {
    let copy = empty();
    for name in ["keys.sqlite3", "keys.sqlite3-wal", "store.key", "tag.key"] {
        fs::copy(store.directory().join(name), copy.directory().join(name)).unwrap();
    }
    copy
}

/// A directory without a store.
fn empty() -> Fixture {
    let mut store = Fixture::new();
    store.close();
    for entry in fs::read_dir(store.directory()).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    store
}

/// A mutation that takes or gives one name, and whether the name is there if it happened.
struct Change {
    mutation: Mutation,
    identity: KeyIdentity,
    there_after: bool,
}

fn added(name: &str, counter: u64, text: &str) -> Change {
    let identity = key("alice", name);
    let mutation = publish_for(&identity, counter, text, PRINCIPAL);
    Change { mutation, identity, there_after: true }
}

fn removed(name: &str, counter: u64) -> Change {
    let identity = key("alice", name);
    let mutation = Mutation::Delete { identity: identity.clone(), object: object(counter) };
    Change { mutation, identity, there_after: false }
}

/// Groups of changes to a store that holds `old0` to `old3`. No name occurs twice.
fn groups() -> Vec<Vec<Change>> {
    let large = "x".repeat(40_000);
    let retired = key("alice", "old1");
    let retire = Mutation::Retire(unfinished(&retired, 101, UnfinishedState::Removing));
    vec![
        vec![added("a", 1, "a")],
        vec![added("b", 2, &large)],
        vec![removed("old0", 100)],
        vec![Change { mutation: retire, identity: retired, there_after: false }],
        vec![added("c", 3, "c"), removed("old2", 102), added("d", 4, "d")],
    ]
}

fn prepared() -> Fixture {
    let store = Fixture::new();
    let old = (0..4).map(|n| publish(&key("alice", &format!("old{n}")), 100 + n));
    assert_eq!(store.commit_all(old.collect()), [Durable; 4]);
    store
}

/// Whether the name is there; unreadable or failed reads are failures of the test.
fn is_there(store: &Fixture, identity: &KeyIdentity) -> bool {
    match store.fetch(identity) {
        Fetched::Found(_) => true,
        Fetched::Absent => false,
        other => panic!("{identity:?}: {other:?}"),
    }
}

/// Checks that `store` shows what the results say; `decided`: an unknown commit did not happen.
fn check(store: &Fixture, results: &[(Change, CommitResult)], decided: bool, context: &str) {
    for (change, result) in results {
        let there = is_there(store, &change.identity);
        match result {
            Durable => assert_eq!(there, change.there_after, "{context}: {:?}", change.identity.name),
            Refused | Full => assert_ne!(there, change.there_after, "{context}: {:?}", change.identity.name),
            Unknown if decided => {
                assert_ne!(there, change.there_after, "{context}: {:?}", change.identity.name)
            }
            Unknown => {}
        }
    }
    // The counters changed with the keys or not at all.
    let held = store.fetch_counted(&key("alice", "x")).1.tenant_keys;
    let names = ["a", "b", "c", "d", "old0", "old1", "old2", "old3"];
    let there = names.iter().filter(|name| is_there(store, &key("alice", name))).count();
    assert_eq!(held, there as u64, "{context}");
}

/// Threat A6.D. Every call of one kind fails, once or from then on, at every point of a sequence of commits.
/// With `barriers`, a commit of unknown outcome is followed by a barrier at once, as the core does.
fn storm(faults: &Faults, operation: char, error: i32, times: u32, barriers: bool) -> [u32; 4] {
    let mut seen = [0; 4];
    for skip in 0.. {
        let context = format!("{operation} {error} after {skip} times {times}, barriers {barriers}");
        let store = prepared();
        faults.set(operation, error, skip, times);
        let mut results = Vec::new();
        let mut in_doubt = false;
        for group in groups() {
            let committed = store.commit_all(group.iter().map(|change| change.mutation.clone()).collect());
            in_doubt |= committed.contains(&Unknown);
            for result in &committed {
                seen[*result as usize] += 1;
            }
            results.extend(group.into_iter().zip(committed));
            if in_doubt {
                assert_eq!(store.fetch(&key("alice", "old3")), Fetched::Failed, "{context}");
                assert_eq!(store.list(unfinished_of_provider()), Page::Failed, "{context}");
            } else {
                assert!(is_there(&store, &key("alice", "old3")), "{context}");
            }
            if barriers && in_doubt {
                in_doubt = store.commit(Mutation::Barrier) != Durable;
            }
        }
        let fired = faults.fired();
        faults.clear();
        check(&after_crash(&store), &results, false, &format!("{context}, crash"));
        if in_doubt {
            assert_eq!(store.commit(publish(&key("alice", "y"), 50)), Refused, "{context}");
        }
        assert_eq!(store.commit(Mutation::Barrier), Durable, "{context}");
        check(&store, &results, true, &context);
        check(&after_crash(&store), &results, true, &format!("{context}, crash after a barrier"));
        assert_eq!(store.commit(publish(&key("alice", "z"), 51)), Durable, "{context}");
        if !fired {
            assert!(skip > 0, "{context}: no call was met");
            return seen;
        }
    }
    unreachable!()
}

#[test]
fn a_write_that_fails_for_want_of_room_refuses_as_full_or_is_made_good() {
    with_faults("a_write_that_fails_for_want_of_room_refuses_as_full_or_is_made_good", |faults| {
        let once = storm(faults, 'w', ENOSPC, 1, true);
        assert_eq!(once[Unknown as usize], 0, "{once:?}");
        let always = storm(faults, 'w', ENOSPC, ALWAYS, true);
        assert!(always[Full as usize] > 0 && always[Unknown as usize] == 0, "{always:?}");
    });
}

#[test]
fn a_write_that_fails_loses_nothing_that_was_acknowledged() {
    with_faults("a_write_that_fails_loses_nothing_that_was_acknowledged", |faults| {
        storm(faults, 'w', EIO, 1, true);
        let always = storm(faults, 'w', EIO, ALWAYS, false);
        assert!(always[Refused as usize] > 0, "{always:?}");
    });
}

#[test]
fn a_sync_that_fails_leaves_the_outcome_unknown_until_a_barrier_is_durable() {
    with_faults("a_sync_that_fails_leaves_the_outcome_unknown_until_a_barrier_is_durable", |faults| {
        for (times, barriers) in [(1, true), (1, false), (ALWAYS, true)] {
            let seen = storm(faults, 's', EIO, times, barriers);
            assert!(seen[Unknown as usize] > 0, "{seen:?}");
        }
    });
}

#[test]
fn after_a_failed_sync_and_a_crash_the_next_process_sees_what_this_one_does_not() {
    with_faults("after_a_failed_sync_and_a_crash_the_next_process_sees_what_this_one_does_not", |faults| {
        let store = prepared();
        let identity = key("alice", "a");
        faults.set('s', EIO, 0, 1);
        assert_eq!(store.commit(publish(&identity, 1)), Unknown);
        assert!(is_there(&after_crash(&store), &identity));
        assert_eq!(store.commit(Mutation::Barrier), Durable);
        assert!(!is_there(&store, &identity));
        assert!(!is_there(&after_crash(&store), &identity));
    });
}

#[test]
fn a_full_disk_refuses_new_keys_and_goes_on_serving_the_old_ones_until_there_is_room() {
    with_faults(
        "a_full_disk_refuses_new_keys_and_goes_on_serving_the_old_ones_until_there_is_room",
        |faults| {
            let store = prepared();
            faults.set('g', ENOSPC, 0, ALWAYS);
            // What fits into the blocks that the files have already may still be taken.
            let large = "x".repeat(20_000);
            let fill = |n: u64| {
                let identity = key("alice", &format!("new{n}"));
                (store.commit(publish_for(&identity, 200 + n, &large, PRINCIPAL)), identity)
            };
            let mut accepted = Vec::new();
            let refused = (0..500).find_map(|n| match fill(n) {
                (Durable, identity) => {
                    accepted.push(identity);
                    None
                }
                (result, identity) => Some((result, identity)),
            });
            let (result, identity) = refused.expect("never full");
            assert_eq!(result, Full);
            assert!(!is_there(&store, &identity));
            for n in 0..4 {
                assert!(is_there(&store, &key("alice", &format!("old{n}"))));
            }
            assert!(accepted.iter().all(|identity| is_there(&store, identity)));
            assert_eq!(store.list(unfinished_of_provider()), Page::Unfinished(vec![]));
            let removed = store.commit(removed("old0", 100).mutation);
            assert!(matches!(removed, Durable | Full), "{removed:?}");
            faults.clear();
            assert_eq!(store.commit(publish_for(&identity, 900, &large, PRINCIPAL)), Durable);
            let found = store.fetch(&identity);
            assert_eq!(found, Fetched::Found(record(&large)));
        },
    );
}

#[test]
fn keys_can_be_removed_from_a_full_disk() {
    with_faults("keys_can_be_removed_from_a_full_disk", |faults| {
        let mut store = prepared();
        faults.set('r', ENOSPC, 0, ALWAYS);
        let large = "x".repeat(20_000);
        let create = |store: &Fixture, n: u64| {
            store.commit(publish_for(&key("alice", &format!("new{n}")), 200 + n, &large, PRINCIPAL))
        };
        let full = (0..500).find(|n| create(&store, *n) == Full).expect("it is full at some time");
        assert_eq!(store.commit(removed("old0", 100).mutation), Durable);
        let retired = key("alice", "old1");
        let retire = Mutation::Retire(unfinished(&retired, 101, UnfinishedState::Removing));
        assert_eq!(store.commit_all(vec![removed("old2", 102).mutation, retire]), [Durable; 2]);
        for name in ["old0", "old1", "old2"] {
            assert!(!is_there(&store, &key("alice", name)), "{name}");
            assert!(!is_there(&after_crash(&store), &key("alice", name)), "{name}");
        }
        assert!(is_there(&store, &key("alice", "old3")));
        assert_eq!(store.commit(Mutation::Erase { object: object(101) }), Durable);
        let reserve = store.directory().join("parsecd.reserve");
        assert!(fs::metadata(&reserve).unwrap().blocks() * 512 >= 512 << 10, "the room is held back again");

        faults.clear();
        assert_eq!(create(&store, full), Durable);
        store.close();
        fs::remove_file(&reserve).unwrap();
        store.open();
        assert!(reserve.exists());
    });
}

/// Opens the store under every single fault of one kind, at every point; `make` makes it as it is before. What was
/// opened or refused under a fault must open without one, and hold its keys.
fn open_storm(faults: &Faults, operation: char, error: i32, make: impl Fn() -> Fixture, keys: u32) -> u32 {
    let mut refused = 0;
    for skip in 0.. {
        let context = format!("{operation} {error} after {skip}");
        let mut store = make();
        faults.set(operation, error, skip, 1);
        let opened = Store::open(&store.path(), || ());
        let fired = faults.fired();
        faults.clear();
        match opened {
            Ok(opened) => drop(opened),
            Err(error) => {
                refused += 1;
                assert!(
                    error.to_string().contains(&*store.directory().to_string_lossy()),
                    "{context}: {error}"
                );
            }
        }
        store.open();
        for n in 0..keys {
            assert!(is_there(&store, &key("alice", &format!("old{n}"))), "{context}");
        }
        assert_eq!(store.commit(publish(&key("alice", "new"), 1)), Durable, "{context}");
        if !fired {
            assert!(skip > 0, "{context}: no call was met");
            return refused;
        }
    }
    unreachable!()
}

#[test]
fn a_start_that_fails_half_way_is_made_good_by_the_next_one() {
    with_faults("a_start_that_fails_half_way_is_made_good_by_the_next_one", |faults| {
        for (operation, error) in [('w', ENOSPC), ('w', EIO), ('s', EIO)] {
            let refused = open_storm(faults, operation, error, empty, 0);
            assert!(refused > 0, "{operation} {error}");
        }
        // The log that a crash left is moved into the database: written, synced, truncated.
        for (operation, error) in [('w', ENOSPC), ('w', EIO), ('s', EIO), ('t', EIO)] {
            open_storm(faults, operation, error, || crashed(&prepared()), 4);
        }
    });
}

#[test]
fn files_are_for_their_owner_alone_whatever_the_umask() {
    with_faults("files_are_for_their_owner_alone_whatever_the_umask", |_| {
        for umask in [0o000, 0o777] {
            // This process runs no other test.
            let above = tempfile::tempdir().unwrap();
            let before = rustix::process::umask(rustix::fs::Mode::from_raw_mode(umask));
            let directory = above.path().join("state/parsec");
            let store = Store::open(&directory.join("keys.sqlite3"), || ()).unwrap();
            rustix::process::umask(before);
            for path in [above.path().join("state"), directory.clone()] {
                assert_eq!(fs::metadata(path).unwrap().mode() & 0o7777, 0o700);
            }
            let mut names: Vec<String> = Vec::new();
            for entry in fs::read_dir(&directory).unwrap() {
                let entry = entry.unwrap();
                assert_eq!(entry.metadata().unwrap().mode() & 0o7777, 0o600, "{entry:?} under {umask:o}");
                names.push(entry.file_name().into_string().unwrap());
            }
            names.sort();
            let expected = [
                "keys.sqlite3",
                "keys.sqlite3-shm",
                "keys.sqlite3-wal",
                "parsecd.lock",
                "parsecd.reserve",
                "store.key",
                "tag.key",
            ];
            assert_eq!(names, expected);
            drop(store);
        }
    });
}
