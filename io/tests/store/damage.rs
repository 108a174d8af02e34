//! A store that somebody changed behind our back: damaged rows are unreadable, never other keys.

use crate::fixture::*;
use parsecd::store::Store;
use parsecd_core::identity::KeyIdentity;
use parsecd_core::store::{Fetched, ListedKey, Mutation, Page, Query, UnfinishedState};
use rusqlite::params;

fn two_keys() -> (Fixture, KeyIdentity, KeyIdentity) {
    let mut store = Fixture::new();
    let (first, second) = (key("alice", "first"), key("alice", "second"));
    store.commit_all(vec![publish(&first, 1), publish(&second, 2)]);
    store.close();
    (store, first, second)
}

#[test]
fn a_flipped_bit_in_any_column_makes_that_key_unreadable_and_no_other() {
    let flips = [
        "object = x'01020304050607080000000000000003'",
        "principal = 'peers:1'",
        "record = x'66697273'",
        "record = CAST('second' AS BLOB)",
        "tag = zeroblob(32)",
        "tag = substr(tag, 1, 31)",
        "tag = x''",
    ];
    for flip in flips {
        let (mut store, first, second) = two_keys();
        store.tamper().execute(&format!("UPDATE keys SET {flip} WHERE name = 'first'"), ()).unwrap();
        store.open();
        assert_eq!(store.fetch(&first), Fetched::Unreadable, "{flip}");
        assert_eq!(store.fetch(&second), Fetched::Found(record("second")), "{flip}");
    }
}

#[test]
fn a_row_moved_to_another_name_application_provider_or_authenticator_is_unreadable_there() {
    let moved = [
        ("name = 'gift'", KeyIdentity { name: "gift".into(), ..key("alice", "first") }),
        ("application = 'bob'", key("bob", "first")),
        ("provider = 'other'", KeyIdentity { provider: "other".into(), ..key("alice", "first") }),
        ("authenticator = 1", {
            let mut direct = key("alice", "first");
            direct.application.authenticator = parsecd_wire::AuthenticationType::Direct;
            direct
        }),
    ];
    for (change, there) in moved {
        let (mut store, first, _) = two_keys();
        store.tamper().execute(&format!("UPDATE keys SET {change} WHERE name = 'first'"), ()).unwrap();
        store.open();
        assert_eq!(store.fetch(&there), Fetched::Unreadable, "{change}");
        assert_eq!(store.fetch(&first), Fetched::Absent, "{change}");
    }
}

#[test]
fn two_swapped_rows_are_two_unreadable_keys() {
    let (mut store, first, second) = two_keys();
    let file = store.tamper();
    file.execute_batch(
        "CREATE TEMP TABLE was AS SELECT name, object, record, tag FROM keys;
         UPDATE keys SET (object, record, tag) =
             (SELECT object, record, tag FROM was WHERE was.name <> keys.name);",
    )
    .unwrap();
    drop(file);
    store.open();
    assert_eq!((store.fetch(&first), store.fetch(&second)), (Fetched::Unreadable, Fetched::Unreadable));
    let query = Query::Keys { application: application("alice"), provider: None, after: None, limit: 9 };
    let row = |name: &str| ListedKey { provider: PROVIDER.into(), name: name.into(), record: None };
    assert_eq!(store.list(query), Page::Keys(vec![row("first"), row("second")]));
}

#[test]
fn a_row_that_is_not_text_is_left_out_of_a_list_and_does_not_end_it() {
    let (mut store, ..) = two_keys();
    store.tamper().execute("UPDATE keys SET name = CAST(x'61ff' AS TEXT) WHERE name = 'first'", ()).unwrap();
    store.open();
    let query = Query::Keys { application: application("alice"), provider: None, after: None, limit: 1 };
    let row = ListedKey { provider: PROVIDER.into(), name: "second".into(), record: Some(record("second")) };
    assert_eq!(store.list(query), Page::Keys(vec![row]));
}

#[test]
fn recovery_is_never_told_of_an_unfinished_row_that_the_store_did_not_write() {
    let changes = [
        "object = x'01020304050607080000000000000009'",
        "state = 2",
        "state = 7",
        "provider = 'mbed-crypto-provider', device = x'00'",
        "boot = x'0102030405060709'",
        "authenticator = 1",
        "application = 'bob'",
        "name = 'other'",
        "tag = x'00'",
    ];
    for change in changes {
        let mut store = Fixture::new();
        let row = unfinished(&key("alice", "k"), 1, UnfinishedState::Making);
        let sound = unfinished(&key("alice", "l"), 2, UnfinishedState::Removing);
        store.commit_all(vec![Mutation::Reserve(row), Mutation::Reserve(sound.clone())]);
        store.close();
        store.tamper().execute(&format!("UPDATE unfinished SET {change} WHERE name = 'k'"), ()).unwrap();
        store.open();
        assert_eq!(store.list(unfinished_of_provider()), Page::Unfinished(vec![sound]), "{change}");
    }
}

#[test]
fn tags_of_another_store_are_not_right_here() {
    let (mut store, first, _) = two_keys();
    let (other, ..) = two_keys();
    std::fs::copy(other.path(), store.path()).unwrap();
    store.open();
    assert_eq!(store.fetch(&first), Fetched::Unreadable);
}

/// Threats A7.T and A7.D1. A byte that is part of no row may change nothing; any other may cost rows, or the
/// opening, but never shows a record that was not written for the name asked for.
#[test]
fn no_flipped_byte_of_the_file_shows_another_key() {
    let (mut store, first, second) = two_keys();
    let sound = std::fs::read(store.path()).unwrap();
    let mut outcomes = [0; 4];
    // Every byte of the headers and cells of the first pages would take minutes; a prime step meets all kinds.
    for position in (0..sound.len()).step_by(89) {
        let mut damaged = sound.clone();
        damaged[position] ^= 0x11;
        std::fs::write(store.path(), &damaged).unwrap();
        for suffix in ["-wal", "-shm"] {
            let log = std::path::PathBuf::from(format!("{}{suffix}", store.path().display()));
            if log.exists() {
                std::fs::remove_file(log).unwrap();
            }
        }
        if Store::open(&store.path(), || ()).is_err() {
            outcomes[0] += 1;
            continue;
        }
        store.open();
        for (identity, own) in [(&first, "first"), (&second, "second")] {
            match store.fetch(identity) {
                Fetched::Found(found) => {
                    assert_eq!(found, record(own), "byte {position}");
                    outcomes[1] += 1;
                }
                Fetched::Absent | Fetched::Failed => outcomes[2] += 1,
                Fetched::Unreadable => outcomes[3] += 1,
            }
        }
        store.close();
    }
    assert!(outcomes[0] > 0 && outcomes[1] > 0, "{outcomes:?}");
}

#[test]
fn a_trigger_put_into_the_store_keeps_it_from_opening() {
    let (store, ..) = two_keys();
    let trigger = "CREATE TRIGGER thief AFTER INSERT ON keys BEGIN DELETE FROM keys; END";
    store.tamper().execute(trigger, params![]).unwrap();
    let Err(error) = Store::open(&store.path(), || ()) else { panic!("opened") };
    assert!(error.to_string().contains("its tables are not those of a store"), "{error}");
}
