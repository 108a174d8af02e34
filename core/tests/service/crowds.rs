//! Ten thousand waiters at one place: neither deep on the stack nor each in the way of all others.

use crate::world::{World, config, destroy, frame_with, generate, sign, signature};
use parsecd_core::config::{Config, Limits, MaterialPlace};
use parsecd_core::ids::ConnectionKey;
use parsecd_core::input::{HostState, Input};
use parsecd_core::service::MemoryReport;
use parsecd_core::store::{CommitResult, Fetched, ListedKey, Mutation, Page};
use parsecd_wire::header::KEEP_CONNECTION;
use parsecd_wire::{Operation, Status};

const PIPELINE: usize = 64;
const CONNECTIONS: usize = 160;
const CROWD: usize = PIPELINE * CONNECTIONS;

fn world(tenant_queue: u32) -> World {
    world_with(tenant_queue, 1)
}

fn world_with(tenant_queue: u32, hosts: u16) -> World {
    let many = u32::try_from(2 * CROWD).unwrap();
    let limits = Limits {
        connections: many,
        connections_per_group: many - 1,
        queue: many,
        tenant_queue,
        ..Limits::default()
    };
    World::new(Config { limits, ..config(MaterialPlace::Record, hosts) })
}

/// Connections on which the application sends an operation as often as each takes it.
fn crowd(world: &mut World, name: &str, operation: &Operation) -> Vec<ConnectionKey> {
    let frames = frame_with(name, operation, KEEP_CONNECTION).repeat(PIPELINE);
    let sends = |_| {
        let connection = world.connect();
        assert_eq!(world.send_all(connection, &frames), frames.len());
        connection
    };
    (0..CONNECTIONS).map(sends).collect()
}

fn statuses(world: &World, connections: &[ConnectionKey]) -> Vec<Status> {
    connections.iter().flat_map(|connection| world.statuses(*connection)).collect()
}

fn all(world: &World, connections: &[ConnectionKey], status: Status) -> bool {
    statuses(world, connections) == [status; CROWD]
}

fn key_of_a_lost_cache(world: &mut World) -> Fetched {
    let connection = world.ask("app", &generate("key"));
    world.fetched(Fetched::Absent);
    world.make();
    let Mutation::Publish { record, .. } = world.commits[0].1.clone() else { panic!("a key is published") };
    world.commit(CommitResult::Full);
    world.lose(connection);
    Fetched::Found(record)
}

#[test]
fn at_the_name_of_a_key_that_nobody_uses_while_the_queue_is_full() {
    let mut world = world(1);
    for _ in 0..3 {
        world.ask("app", &Operation::PsaGenerateRandom { size: 1 });
    }
    let row = key_of_a_lost_cache_of_another(&mut world);
    let signed = crowd(&mut world, "app", &sign("key"));
    world.fetched(row);
    assert!(all(&world, &signed, Status::PsaErrorInsufficientMemory));
}

/// The row of a key that was made while the lanes were busy with something else.
fn key_of_a_lost_cache_of_another(world: &mut World) -> Fetched {
    let mut other = World::sealed();
    let row = key_of_a_lost_cache(&mut other);
    assert!(world.fetches.is_empty());
    row
}

#[test]
fn at_the_name_of_a_key_whose_destructions_the_store_refuses() {
    let mut world = world(256);
    world.create("app", "key");
    let destroyed = crowd(&mut world, "app", &destroy("key"));
    world.ask("app", &generate("other"));
    world.fetched(Fetched::Absent);
    world.make();
    world.commits.swap(0, 1);
    world.commit(CommitResult::Unknown);
    world.commit(CommitResult::Full);
    let statuses = statuses(&world, &destroyed);
    assert_eq!(statuses[0], Status::PsaErrorInsufficientStorage);
    assert_eq!(statuses[1..], [Status::KeyInfoManagerError; CROWD - 1]);
}

#[test]
fn at_a_name_that_its_clients_give_up() {
    let mut world = world(256);
    let rest = world.service.memory();
    let waiting: Vec<ConnectionKey> = (0..CROWD).map(|_| world.ask("app", &sign("key"))).collect();
    for connection in waiting {
        world.lose(connection);
    }
    world.fetched(Fetched::Absent);
    assert_eq!(MemoryReport { entries: 0, cache: 0, ..world.service.memory() }, rest);
}

#[test]
fn in_the_queue_of_a_provider_that_goes_down() {
    let mut world = world(u32::MAX);
    let asked = crowd(&mut world, "app", &Operation::PsaGenerateRandom { size: 1 });
    world.host_dies();
    while statuses(&world, &asked).is_empty() {
        let host = world.replacement();
        let state = HostState::Down { why: String::from("absent") };
        world.step(Input::HostChanged { host, state });
    }
    assert!(all(&world, &asked, Status::PsaErrorCommunicationFailure));
}

#[test]
fn at_the_gate_of_a_client_that_is_deleted() {
    let mut world = world(256);
    let deletion = world.ask("admin", &Operation::DeleteClient { client: String::from("app") });
    let signed = crowd(&mut world, "app", &sign("key"));
    let listed: Vec<ConnectionKey> = (0..100).map(|_| world.ask("app", &Operation::ListKeys)).collect();
    for connection in listed {
        world.lose(connection);
    }
    world.listed(Page::Keys(Vec::<ListedKey>::new()));
    world.listed(Page::Unfinished(Vec::new()));
    assert_eq!(world.status(deletion), Some(Status::Success));
    assert!(world.lists.is_empty(), "who left the gate is not let through it");
    world.fetched(Fetched::Absent);
    assert!(all(&world, &signed, Status::PsaErrorDoesNotExist));
}

#[test]
fn of_slow_creations_that_a_short_job_passes() {
    let mut world = world_with(u32::MAX, 2);
    world.create("app", "key");
    for number in 0..CROWD / 8 {
        world.ask("slow", &slow_creation(number));
        world.fetched(Fetched::Absent);
    }
    assert_eq!(world.jobs.len(), 1, "the last lane is not theirs");
    for _ in 0..CROWD / 8 {
        let signed = world.ask("app", &sign("key"));
        let (ticket, _, _) = world.jobs.pop().unwrap();
        world.step(Input::JobFinished { ticket, outcome: signature() });
        assert_eq!(world.status(signed), Some(Status::Success));
        world.lose(signed);
    }
    assert_eq!(world.jobs.len(), 1);
}

fn slow_creation(number: usize) -> Operation {
    let attributes = parsecd_wire::KeyAttributes {
        key_type: parsecd_wire::attributes::KeyType::RsaKeyPair,
        bits: 4096,
        ..crate::world::signing_key()
    };
    Operation::PsaGenerateKey { key_name: format!("{number}"), attributes }
}
