//! A new configuration under way.

use crate::world::{LISTENER, PROVIDER, World, config, device, frame_with, generate, signing_key};
use parsecd_core::config::{Config, Limits, MaterialPlace, Quota};
use parsecd_core::identity::{ApplicationIdentity, KeyIdentity, Peer, PeerGroup};
use parsecd_core::ids::{ConnectionKey, ListenerKey, ObjectId, ProviderKey};
use parsecd_core::input::{HostState, Input};
use parsecd_core::record::{Record, SealedMaterial};
use parsecd_core::store::{CommitResult, Fetched, ListedKey, Mutation, Page, Query};
use parsecd_wire::header::KEEP_CONNECTION;
use parsecd_wire::{AuthenticationType, Operation, Status};

fn reload(world: &mut World, config: Config) {
    world.step(Input::Reconfigured { config: Box::new(config) });
}

fn both() -> Config {
    config(MaterialPlace::Record, 1)
}

fn without_provider() -> Config {
    let mut config = both();
    config.providers.clear();
    config.listeners.get_mut(&LISTENER).unwrap().providers.clear();
    config
}

fn random(world: &mut World) -> parsecd_core::ids::ConnectionKey {
    world.ask("app", &Operation::PsaGenerateRandom { size: 1 })
}

#[test]
fn what_waits_at_a_removed_provider_is_answered_5_wherever_it_waits() {
    let mut world = World::sealed();
    let running = random(&mut world);
    let _in_the_host = random(&mut world);
    let queued = random(&mut world);
    let at_its_name = world.ask("app", &generate("key"));
    reload(&mut world, without_provider());
    assert_eq!(world.status(queued), Some(Status::ProviderNotRegistered));
    world.fetched(Fetched::Absent);
    assert_eq!(world.status(at_its_name), Some(Status::ProviderNotRegistered));
    assert_eq!(world.status(running), None, "what runs is finished");
    let secret = parsecd_core::outcome::Effect::Secret(vec![1].into());
    world.finish(parsecd_core::outcome::Outcome::Done(secret));
    assert_eq!(world.status(running), Some(Status::Success));
    let late = random(&mut world);
    assert_eq!(world.status(late), Some(Status::ProviderNotRegistered));
}

#[test]
fn a_provider_that_was_removed_and_is_configured_again_serves_again() {
    for gone_before in [true, false] {
        let mut world = World::sealed();
        reload(&mut world, without_provider());
        let host = world.closed_hosts.pop().expect("its host is let go");
        let down = || HostState::Down { why: String::new() };
        if gone_before {
            world.step(Input::HostChanged { host, state: down() });
            reload(&mut world, both());
        } else {
            reload(&mut world, both());
            world.step(Input::HostChanged { host, state: down() });
        }
        let next = world.replacement();
        assert!(next.generation > host.generation);
        world.open(next);
        random(&mut world);
        assert_eq!(world.jobs.len(), 1);
    }
}

#[test]
fn listeners_that_may_accept_again_after_a_reload_are_told() {
    let few = Limits { connections: 1, ..Limits::default() };
    let mut world = World::new(Config { limits: few, ..both() });
    let connection = world.connect();
    assert_eq!(world.service.accept_budget(LISTENER), 0);
    world.accept_again = false;
    reload(&mut world, both());
    assert!(world.accept_again && world.service.accept_budget(LISTENER) > 0);
    world.accept_again = false;
    reload(&mut world, both());
    assert!(!world.accept_again, "nothing has changed");
    world.lose(connection);
}

#[test]
fn a_provider_that_a_reload_brings_does_not_keep_listeners_closed() {
    let mut world = World::sealed();
    let mut more = both();
    let second = more.providers[&PROVIDER].clone();
    let second = parsecd_core::config::ProviderConfig { name: "second".into(), ..second };
    more.providers.insert(ProviderKey(1), second);
    reload(&mut world, more);
    assert_eq!(world.opened.len(), 1);
    assert!(world.service.accept_budget(LISTENER) > 0);
}

#[test]
fn a_reload_after_the_shutdown_began_opens_nothing() {
    let mut world = World::sealed();
    world.step(Input::ShutdownRequested { grace: std::time::Duration::from_secs(1) });
    let host = world.closed_hosts.pop().expect("nothing runs");
    reload(&mut world, both());
    world.step(Input::HostChanged { host, state: HostState::Down { why: String::new() } });
    assert!(world.opened.is_empty() && world.stopped);
}

#[test]
fn a_request_is_told_of_under_the_configuration_it_came_under() {
    let mut world = World::sealed();
    random(&mut world);
    reload(&mut world, both());
    let secret = parsecd_core::outcome::Effect::Secret(vec![1].into());
    world.finish(parsecd_core::outcome::Outcome::Done(secret));
    random(&mut world);
    world.step(Input::ShutdownRequested { grace: std::time::Duration::from_secs(1) });
    reload(&mut world, both());
    random(&mut world);
    assert_eq!(world.witness.generations[..5], [1, 1, 1, 2, 2]);
    assert!(world.witness.generations[5..].iter().all(|generation| *generation == 2));
}

/// The listener of the tests, under another key.
fn moved_listener() -> Config {
    let mut config = both();
    let listener = config.listeners.remove(&LISTENER).unwrap();
    config.listeners.insert(ListenerKey(7), listener);
    config
}

#[test]
fn connections_outlive_their_listener_and_are_served_as_it_was() {
    let mut world = World::sealed();
    let kept = world.connect();
    let fresh = world.connect();
    let ping = |flags| frame_with("app", &Operation::Ping, flags);
    world.send(kept, &ping(KEEP_CONNECTION));
    let half = ping(0);
    world.send(fresh, &half[..20]);
    reload(&mut world, moved_listener());
    assert_eq!(world.service.accept_budget(LISTENER), 0);
    assert!(world.service.accept_budget(ListenerKey(7)) > 0);
    world.send(fresh, &half[20..]);
    for _ in 0..2 {
        reload(&mut world, moved_listener());
        world.send(kept, &ping(KEEP_CONNECTION));
    }
    assert_eq!(world.status(fresh), Some(Status::Success));
    assert_eq!(world.statuses(kept), [Status::Success; 3]);
    let random = frame_with("app", &Operation::PsaGenerateRandom { size: 1 }, KEEP_CONNECTION);
    world.send(kept, &random);
    assert_eq!(world.jobs.len(), 1, "it still shows its providers");
}

#[test]
fn a_new_listener_accepts_once_the_provider_that_came_with_it_was_opened() {
    let second = ProviderKey(1);
    let mut more = both();
    let provider =
        parsecd_core::config::ProviderConfig { name: "second".into(), ..more.providers[&PROVIDER].clone() };
    more.providers.insert(second, provider);
    let listener =
        parsecd_core::config::ListenerConfig { providers: vec![second], ..more.listeners[&LISTENER].clone() };
    more.listeners.insert(ListenerKey(1), listener);
    let mut world = World::sealed();
    reload(&mut world, more);
    assert!(world.service.accept_budget(LISTENER) > 0);
    assert_eq!(world.service.accept_budget(ListenerKey(1)), 0);
    world.accept_again = false;
    let host = world.opened.pop().unwrap();
    world.open(host);
    assert!(world.accept_again && world.service.accept_budget(ListenerKey(1)) > 0);
}

#[test]
fn a_creation_counts_against_the_quota_it_was_admitted_with() {
    let mut world = World::sealed();
    let before = world.ask("app", &generate("before"));
    let mut none = both();
    none.limits.tenant_quota = Quota { keys: 0, bytes: 0 };
    reload(&mut world, none);
    let after = world.ask("app", &generate("after"));
    world.fetched(Fetched::Absent);
    world.fetched(Fetched::Absent);
    world.make();
    world.commit(CommitResult::Durable);
    assert_eq!(world.status(before), Some(Status::Success));
    assert_eq!(world.status(after), Some(Status::PsaErrorInsufficientStorage));
}

#[test]
fn a_page_that_was_asked_for_before_a_reload_is_full_by_the_measure_of_before() {
    let paged = |page| Config { limits: Limits { page, ..Limits::default() }, ..both() };
    let row = |name: &str| ListedKey { provider: "software".into(), name: name.into(), record: None };
    for operation in [Operation::ListKeys, Operation::DeleteClient { client: String::from("app") }] {
        let mut world = World::new(paged(2));
        let asked = world.ask("admin", &operation);
        reload(&mut world, paged(100));
        world.listed(Page::Keys(vec![row("a"), row("b")]));
        assert_eq!((world.status(asked), world.lists.len()), (None, 1), "there may be more");
    }
    let mut world = World::new(Config { limits: paged(2).limits, ..config(MaterialPlace::Provider, 1) });
    reload(&mut world, Config { limits: paged(100).limits, ..config(MaterialPlace::Provider, 1) });
    let unfinished = |counter| parsecd_core::store::Unfinished {
        object: parsecd_core::ids::ObjectId { boot: 1, counter },
        state: parsecd_core::store::UnfinishedState::Making,
        identity: parsecd_core::identity::KeyIdentity::new(
            &parsecd_core::identity::ApplicationIdentity {
                authenticator: parsecd_wire::AuthenticationType::Direct,
                name: "app".into(),
            },
            &"software".into(),
            "key",
        ),
        device: parsecd_core::record::Device(b"another device".to_vec()),
    };
    world.listed(Page::Unfinished(vec![unfinished(1), unfinished(2)]));
    assert_eq!(world.lists.len(), 1, "recovery looks at the next page");
}

#[test]
fn smaller_caps_take_nothing_from_who_has_more() {
    let few = Limits {
        connections: 2,
        connections_per_group: 1,
        pipeline: 1,
        unsent: 1,
        queue: 0,
        tenant_queue: 0,
        cache: 0,
        request_memory: 1,
        body_length: 8,
        tokens: 0,
        ..Limits::default()
    };
    let mut world = World::sealed();
    world.create("app", "key");
    let idle: Vec<ConnectionKey> = (0..5).map(|_| world.connect()).collect();
    let pipelined = world.connect();
    for _ in 0..3 {
        let frame = frame_with("app", &Operation::PsaGenerateRandom { size: 9 }, KEEP_CONNECTION);
        world.send(pipelined, &frame);
    }
    reload(&mut world, Config { limits: few, ..both() });
    assert_eq!(world.service.accept_budget(LISTENER), 0);
    for _ in 0..3 {
        let secret = parsecd_core::outcome::Effect::Secret(vec![1; 9].into());
        world.finish(parsecd_core::outcome::Outcome::Done(secret));
    }
    assert_eq!(world.statuses(pipelined), [Status::Success; 3]);
    world.lose(pipelined);
    idle.into_iter().for_each(|connection| world.lose(connection));
    assert!(world.accept_again && world.service.accept_budget(LISTENER) == 2);
    let credentials = None;
    let connection = ConnectionKey { slot: 99, generation: 1 };
    let peer = Peer { credentials, group: PeerGroup(1) };
    world.step(Input::ConnectionOpened { connection, listener: LISTENER, peer });
    world.send(connection, &frame_with("app", &Operation::Ping, 0));
    assert_eq!(world.status(connection), Some(Status::Success));
}

#[test]
fn what_was_retired_while_its_provider_was_away_is_removed_although_it_is_back_before_that_is_durable() {
    let owned = || config(MaterialPlace::Provider, 1);
    let application = ApplicationIdentity { authenticator: AuthenticationType::Direct, name: "app".into() };
    let identity = KeyIdentity::new(&application, &"software".into(), "key");
    let (public, material) = (vec![4; 65], SealedMaterial(Vec::new()));
    let object = ObjectId { boot: 1, counter: 1 };
    let record = Record {
        identity: identity.clone(),
        object,
        device: device(),
        attributes: signing_key(),
        public,
        material,
    }
    .encode();
    let mut gone = owned();
    gone.providers.clear();
    gone.listeners.get_mut(&LISTENER).unwrap().providers.clear();
    let mut world = World::new(gone);
    world.ask("admin", &Operation::DeleteClient { client: String::from("app") });
    let row = ListedKey { provider: identity.provider, name: identity.name, record: Some(record.clone()) };
    world.listed(Page::Keys(vec![row]));
    world.fetched(Fetched::Found(record));
    assert!(matches!(world.commits[0].1, Mutation::Retire(_)));
    reload(&mut world, owned());
    let host = world.replacement();
    world.open(host);
    world.listed(Page::Unfinished(Vec::new()));
    world.commit(CommitResult::Durable);
    world.lists.clear();
    while world.wake.is_some() && world.lists.is_empty() {
        world.expire();
    }
    let swept = world.lists.iter().any(|(_, query)| matches!(query, Query::Unfinished { .. }));
    assert!(swept, "the provider is swept again");
}
