//! Each mutation, alone and in groups.

use crate::fixture::*;
use parsecd_core::identity::KeyIdentity;
use parsecd_core::store::CommitResult::{Durable, Refused};
use parsecd_core::store::{Counters, Fetched, Mutation, Page, UnfinishedState};
use parsecd_wire::AuthenticationType;

fn counted(keys: u64, bytes: u64) -> Counters {
    Counters { tenant_keys: keys, tenant_bytes: bytes, principal_keys: keys, principal_bytes: bytes }
}

#[test]
fn a_published_key_is_found_and_counted_also_after_a_restart() {
    let mut store = Fixture::new();
    let identity = key("alice", "signing 🔑");
    assert_eq!(store.fetch_counted(&identity), (Fetched::Absent, counted(0, 0)));
    assert_eq!(store.commit(publish(&identity, 1)), Durable);
    let found = (Fetched::Found(record("signing 🔑")), counted(1, "signing 🔑".len() as u64));
    assert_eq!(store.fetch_counted(&identity), found);
    store.close();
    store.open();
    assert_eq!(store.fetch_counted(&identity), found);
}

#[test]
fn a_name_is_published_once_and_keeps_its_first_record() {
    let store = Fixture::new();
    let identity = key("alice", "k");
    assert_eq!(store.commit(publish(&identity, 1)), Durable);
    assert_eq!(store.commit(publish_for(&identity, 2, "other", PRINCIPAL)), Refused);
    assert_eq!(store.fetch_counted(&identity), (Fetched::Found(record("k")), counted(1, 1)));
}

#[test]
fn names_differ_by_authenticator_application_and_provider() {
    let store = Fixture::new();
    let mut direct = key("alice", "k");
    direct.application.authenticator = AuthenticationType::Direct;
    let elsewhere = KeyIdentity { provider: "another provider".into(), ..key("alice", "k") };
    let identities = [key("alice", "k"), key("bob", "k"), direct, elsewhere];
    let publish_all = (1..)
        .zip(&identities)
        .map(|(counter, identity)| publish_for(identity, counter, &counter.to_string(), PRINCIPAL));
    assert_eq!(store.commit_all(publish_all.collect()), [Durable; 4]);
    for (counter, identity) in (1..).zip(&identities) {
        assert_eq!(store.fetch(identity), Fetched::Found(record(&u64::to_string(&counter))));
    }
}

#[test]
fn a_reserved_object_is_unfinished_until_its_key_is_published() {
    let store = Fixture::new();
    let identity = key("alice", "k");
    let making = unfinished(&identity, 1, UnfinishedState::Making);
    assert_eq!(store.commit(Mutation::Reserve(making.clone())), Durable);
    assert_eq!(store.list(unfinished_of_provider()), Page::Unfinished(vec![making]));
    assert_eq!(store.fetch(&identity), Fetched::Absent);
    assert_eq!(store.commit(publish(&identity, 1)), Durable);
    assert_eq!(store.list(unfinished_of_provider()), Page::Unfinished(vec![]));
}

#[test]
fn a_refused_publish_leaves_its_object_unfinished() {
    let store = Fixture::new();
    let identity = key("alice", "k");
    let making = unfinished(&identity, 2, UnfinishedState::Making);
    assert_eq!(
        store.commit_all(vec![publish(&identity, 1), Mutation::Reserve(making.clone())]),
        [Durable; 2]
    );
    assert_eq!(store.commit(publish(&identity, 2)), Refused);
    assert_eq!(store.list(unfinished_of_provider()), Page::Unfinished(vec![making]));
}

#[test]
fn an_object_is_reserved_once() {
    let store = Fixture::new();
    let making = unfinished(&key("alice", "k"), 1, UnfinishedState::Making);
    assert_eq!(store.commit(Mutation::Reserve(making.clone())), Durable);
    assert_eq!(store.commit(Mutation::Reserve(making)), Refused);
}

#[test]
fn a_retired_key_is_gone_for_clients_and_unfinished_until_it_is_erased() {
    let store = Fixture::new();
    let identity = key("alice", "k");
    let removing = unfinished(&identity, 1, UnfinishedState::Removing);
    store.commit(publish(&identity, 1));
    assert_eq!(store.commit(Mutation::Retire(removing.clone())), Durable);
    assert_eq!(store.fetch_counted(&identity), (Fetched::Absent, counted(0, 0)));
    assert_eq!(store.list(unfinished_of_provider()), Page::Unfinished(vec![removing]));
    assert_eq!(store.commit(Mutation::Erase { object: object(1) }), Durable);
    assert_eq!(store.list(unfinished_of_provider()), Page::Unfinished(vec![]));
}

#[test]
fn what_is_not_there_cannot_be_retired_or_deleted_but_can_be_erased() {
    let store = Fixture::new();
    let identity = key("alice", "k");
    let removing = unfinished(&identity, 1, UnfinishedState::Removing);
    assert_eq!(store.commit(Mutation::Retire(removing)), Refused);
    assert_eq!(store.commit(Mutation::Delete { identity, object: object(1) }), Refused);
    assert_eq!(store.commit(Mutation::Erase { object: object(1) }), Durable);
    assert_eq!(store.list(unfinished_of_provider()), Page::Unfinished(vec![]));
}

#[test]
fn a_key_is_deleted_or_retired_only_for_the_object_that_the_name_belongs_to() {
    let store = Fixture::new();
    let identity = key("alice", "k");
    store.commit(publish(&identity, 1));
    let wrong = Mutation::Delete { identity: identity.clone(), object: object(2) };
    assert_eq!(store.commit(wrong), Refused);
    let wrong = Mutation::Retire(unfinished(&identity, 2, UnfinishedState::Removing));
    assert_eq!(store.commit(wrong), Refused);
    assert_eq!(store.fetch_counted(&identity), (Fetched::Found(record("k")), counted(1, 1)));
    let right = Mutation::Delete { identity: identity.clone(), object: object(1) };
    assert_eq!(store.commit(right), Durable);
    assert_eq!(store.fetch_counted(&identity), (Fetched::Absent, counted(0, 0)));
}

#[test]
fn a_refused_mutation_does_not_fail_its_group() {
    let store = Fixture::new();
    let names: Vec<KeyIdentity> = (0..6).map(|n| key("alice", &n.to_string())).collect();
    let group = vec![
        publish(&names[0], 1),
        Mutation::Delete { identity: names[5].clone(), object: object(9) },
        publish(&names[1], 2),
        publish(&names[1], 3),
        Mutation::Barrier,
        Mutation::Delete { identity: names[0].clone(), object: object(1) },
    ];
    assert_eq!(store.commit_all(group), [Durable, Refused, Durable, Refused, Durable, Durable]);
    assert_eq!(store.fetch(&names[0]), Fetched::Absent);
    assert_eq!(store.fetch_counted(&names[1]), (Fetched::Found(record("1")), counted(1, 1)));
}

#[test]
fn every_mutation_of_a_large_burst_is_answered_in_order() {
    let store = Fixture::new();
    let burst: Vec<Mutation> = (0..1000).map(|n| publish(&key("alice", &(n % 500).to_string()), n)).collect();
    let results = store.commit_all(burst);
    assert!(results[..500].iter().all(|result| *result == Durable));
    assert!(results[500..].iter().all(|result| *result == Refused));
    assert_eq!(store.fetch_counted(&key("alice", "0")).1.tenant_keys, 500);
}

#[test]
fn keys_count_for_the_principal_they_were_made_for_and_for_the_application_inside_it() {
    let store = Fixture::new();
    let made = [
        ("alice", "a", "peers:1", "1"),
        ("alice", "b", "peers:1", "22"),
        ("bob", "a", "peers:1", "333"),
        ("alice", "c", "peers:2", "4444"),
    ];
    let burst = (1..)
        .zip(made)
        .map(|(n, (owner, name, principal, text))| publish_for(&key(owner, name), n, text, principal));
    assert_eq!(store.commit_all(burst.collect()), [Durable; 4]);
    let counted = |owner: &str, principal: &str| {
        let held = store.fetch_for(&key(owner, "x"), principal).1;
        [held.tenant_keys, held.tenant_bytes, held.principal_keys, held.principal_bytes]
    };
    assert_eq!(counted("alice", "peers:1"), [2, 3, 3, 6]);
    assert_eq!(counted("bob", "peers:1"), [1, 3, 3, 6]);
    assert_eq!(counted("alice", "peers:2"), [1, 4, 1, 4]);
    assert_eq!(counted("bob", "peers:2"), [0, 0, 1, 4]);
    for (n, owner, name) in [(2, "alice", "b"), (4, "alice", "c")] {
        let identity = key(owner, name);
        assert_eq!(store.commit(Mutation::Delete { identity, object: object(n) }), Durable);
    }
    assert_eq!(counted("alice", "peers:1"), [1, 1, 2, 4]);
    assert_eq!(counted("alice", "peers:2"), [0, 0, 0, 0]);
}

#[test]
fn empty_names_and_names_with_nul_are_names_like_others() {
    let store = Fixture::new();
    let names = ["", "\0", "a", "a\0", "a\0b"];
    let burst = (1..).zip(names).map(|(n, name)| publish(&key("a\0pp", name), n));
    assert_eq!(store.commit_all(burst.collect()), [Durable; 5]);
    for name in names {
        assert_eq!(store.fetch(&key("a\0pp", name)), Fetched::Found(record(name)));
        assert_eq!(store.fetch(&key("a", name)), Fetched::Absent);
    }
}

#[test]
fn what_was_submitted_before_the_store_is_dropped_still_happens() {
    let mut store = Fixture::new();
    let identity = key("alice", "k");
    store.submit_and_close(publish(&identity, 1));
    store.open();
    assert_eq!(store.fetch(&identity), Fetched::Found(record("k")));
}
