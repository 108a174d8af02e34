//! Pages: their order, their cursors, their ends.

use crate::fixture::*;
use parsecd_core::identity::{KeyIdentity, Text};
use parsecd_core::store::{ListedKey, Mutation, Page, Query, UnfinishedState};
use parsecd_wire::AuthenticationType;

/// In the order of their bytes: emoji (F0…) behind U+FFFD (EF…), which UTF-16 would order the other way round.
const NAMES: [&str; 10] = ["", "\0", "\0a", "A", "a", "a\0", "aa", "é", "\u{fffd}", "🔑"];

fn listed(page: Page) -> Vec<ListedKey> {
    match page {
        Page::Keys(keys) => keys,
        other => panic!("{other:?}"),
    }
}

/// Walks through all pages and returns (provider, name) of every row.
fn walk(
    store: &Fixture,
    application_name: &str,
    provider: Option<Text>,
    limit: u32,
) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    let mut after = None;
    loop {
        let application = application(application_name);
        let query = Query::Keys { application, provider: provider.clone(), after, limit };
        let page = listed(store.list(query));
        assert!(page.len() <= limit as usize);
        rows.extend(page.iter().map(|row| (row.provider.to_string(), row.name.to_string())));
        match page.last() {
            Some(last) if page.len() == limit as usize => {
                after = Some((last.provider.clone(), last.name.clone()));
            }
            _ => return rows,
        }
    }
}

#[test]
fn keys_are_listed_by_provider_then_name_in_the_order_of_bytes_whatever_the_page_size() {
    let store = Fixture::new();
    let providers = ["a", "a ", "b", "🦀"];
    let mut mutations = Vec::new();
    for provider in providers.iter().rev() {
        for name in NAMES.iter().rev() {
            for owner in ["alice", "bob"] {
                let identity = KeyIdentity { provider: (*provider).into(), ..key(owner, name) };
                mutations.push(publish(&identity, mutations.len() as u64));
            }
        }
    }
    store.commit_all(mutations);
    let expected: Vec<(String, String)> = providers
        .iter()
        .flat_map(|provider| NAMES.iter().map(|name| ((*provider).to_owned(), (*name).to_owned())))
        .collect();
    for limit in [1, 2, 3, 7, 10, 39, 40, 41] {
        assert_eq!(walk(&store, "alice", None, limit), expected, "pages of {limit}");
        for provider in providers {
            let own: Vec<_> = expected.iter().filter(|row| row.0 == provider).cloned().collect();
            assert_eq!(walk(&store, "alice", Some(provider.into()), limit), own, "pages of {limit}");
        }
    }
    assert_eq!(walk(&store, "carol", None, 10), []);
}

#[test]
fn a_cursor_in_another_provider_is_before_or_behind_all_of_the_one_asked_for() {
    let store = Fixture::new();
    store.commit(publish(&key("alice", "k"), 1));
    let page = |at: &str| {
        let after = Some((at.into(), "z".into()));
        let provider = Some(PROVIDER.into());
        listed(store.list(Query::Keys { application: application("alice"), provider, after, limit: 9 })).len()
    };
    assert_eq!((page("a"), page("z")), (1, 0));
}

#[test]
fn a_listed_key_carries_its_record() {
    let store = Fixture::new();
    store.commit(publish(&key("alice", "k"), 1));
    let query = Query::Keys { application: application("alice"), provider: None, after: None, limit: 9 };
    let row = ListedKey { provider: PROVIDER.into(), name: "k".into(), record: Some(record("k")) };
    assert_eq!(store.list(query), Page::Keys(vec![row]));
}

#[test]
fn clients_are_those_of_the_authenticator_that_have_a_key_in_the_order_of_bytes() {
    let store = Fixture::new();
    let clients = |after: Option<&str>, limit| {
        let authenticator = AuthenticationType::UnixPeerCredentials;
        store.list(Query::Clients { authenticator, after: after.map(Text::from), limit })
    };
    let page = |names: &[&str]| Page::Clients(names.iter().map(|name| Text::from(*name)).collect());
    for (counter, name) in (1..).zip(NAMES.iter().rev()) {
        store.commit(publish(&key(name, "k"), counter));
    }
    let mut direct = key("someone else", "k");
    direct.application.authenticator = AuthenticationType::Direct;
    store.commit(publish(&direct, 20));
    assert_eq!(clients(None, 100), page(&NAMES));
    assert_eq!(clients(None, 4), page(&NAMES[..4]));
    assert_eq!(clients(Some(NAMES[3]), 4), page(&NAMES[4..8]));
    assert_eq!(clients(Some(NAMES[7]), 4), page(&NAMES[8..]));
    store.commit(Mutation::Delete { identity: key("🔑", "k"), object: object(1) });
    assert_eq!(clients(Some(NAMES[7]), 4), page(&NAMES[8..9]));
}

#[test]
fn unfinished_objects_are_listed_by_provider_or_application_in_the_order_of_their_ids() {
    let store = Fixture::new();
    let elsewhere = KeyIdentity { provider: "another".into(), ..key("alice", "y") };
    let rows = [
        unfinished(&key("alice", "x"), 3, UnfinishedState::Making),
        unfinished(&key("bob", "x"), 1, UnfinishedState::Removing),
        unfinished(&elsewhere, 2, UnfinishedState::Removing),
        unfinished(&key("alice", "z"), 256, UnfinishedState::Making),
    ];
    store.commit_all(rows.iter().cloned().map(Mutation::Reserve).collect());
    let of_provider = |after: Option<u64>, limit| {
        store.list(Query::Unfinished { provider: PROVIDER.into(), after: after.map(object), limit })
    };
    let page = |chosen: &[usize]| Page::Unfinished(chosen.iter().map(|n| rows[*n].clone()).collect());
    assert_eq!(of_provider(None, 9), page(&[1, 0, 3]));
    assert_eq!(of_provider(None, 2), page(&[1, 0]));
    assert_eq!(of_provider(Some(3), 2), page(&[3]));
    let of_application = |after: Option<u64>| {
        let query =
            Query::UnfinishedOf { application: application("alice"), after: after.map(object), limit: 9 };
        store.list(query)
    };
    assert_eq!(of_application(None), page(&[2, 0, 3]));
    assert_eq!(of_application(Some(2)), page(&[0, 3]));
}
