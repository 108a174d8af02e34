//! Our own budgets: who waits for room, whose deadlines stand still, and what is counted until when.

use crate::world::{UID, World, config, frame, frame_with};
use parsecd_core::config::{Config, Limits, MaterialPlace};
use parsecd_core::ids::ConnectionKey;
use parsecd_core::input::Input;
use parsecd_core::outcome::{Effect, Outcome};
use parsecd_wire::algorithm::Hash;
use parsecd_wire::header::KEEP_CONNECTION;
use parsecd_wire::{Operation, Status};
use std::time::Duration;

fn world(limits: Limits) -> World {
    World::new(Config { limits, ..config(MaterialPlace::Record, 1) })
}

fn kept(operation: &Operation) -> Vec<u8> {
    frame_with("app", operation, KEEP_CONNECTION)
}

fn random(size: u64) -> Operation {
    Operation::PsaGenerateRandom { size }
}

fn drawn(length: usize) -> Outcome {
    Outcome::Done(Effect::Secret(vec![0; length].into()))
}

/// A request of this many bytes and a few more.
fn large(length: usize) -> Vec<u8> {
    let input = vec![0; length].into();
    frame("app", &Operation::PsaHashCompute { algorithm: Hash::Sha256, input })
}

/// A connection that has announced a large request.
fn announces(world: &mut World, uid: u32, length: usize) -> ConnectionKey {
    let connection = world.connect_as(uid);
    world.send(connection, &large(length)[..100]);
    connection
}

fn narrow() -> World {
    world(Limits { request_memory: 105_000, ..Limits::default() })
}

#[test]
fn a_request_that_waited_for_room_has_all_of_its_time_left() {
    let mut world = narrow();
    let first = announces(&mut world, UID, 50_000);
    world.send_all(first, &large(50_000)[100..]);
    assert_eq!(world.status(first), None, "its job runs");
    let second = announces(&mut world, UID, 60_000);
    assert_eq!(world.service.read_budget(second), 0);
    world.pass(Duration::from_secs(20));
    world.lose(first);
    assert_eq!(world.read_again, [second]);
    world.step(Input::TimePassed);
    assert_eq!(world.status(second), None);
    world.send_all(second, &large(60_000)[100..]);
    assert_eq!(world.jobs.len(), 2, "the first one's job ends by itself");
}

#[test]
fn a_request_that_was_refused_while_it_waited_for_room_is_over() {
    for shuts in [false, true] {
        let mut world = narrow();
        let first = announces(&mut world, UID, 50_000);
        let second = announces(&mut world, UID, 60_000);
        if shuts {
            world.step(Input::ReadClosed { connection: second });
        } else {
            world.step(Input::ShutdownRequested { grace: Duration::from_secs(10) });
        }
        assert_eq!(world.status(second), Some(Status::ConnectionError));
        world.lose(first);
        world.send_all(second, &large(60_000)[100..]);
        assert_eq!(world.status(second), Some(Status::ConnectionError), "one answer and nothing else");
        assert_eq!(world.service.memory().reserved, 0);
    }
}

#[test]
fn no_peer_group_takes_the_room_of_all_others() {
    let mut world = world(Limits { request_memory: 300_000, ..Limits::default() });
    for _ in 0..2 {
        let connection = announces(&mut world, UID, 60_000);
        assert!(world.service.read_budget(connection) > 0);
    }
    let waiting = announces(&mut world, UID, 60_000);
    assert_eq!(world.service.read_budget(waiting), 0, "half of the room is in use");
    let stranger = announces(&mut world, UID + 1, 60_000);
    assert!(world.service.read_budget(stranger) > 0);
    world.lose(stranger);
    assert_eq!(world.service.read_budget(waiting), 0, "a stranger's room is not the group's");
}

#[test]
fn whoever_comes_later_does_not_get_the_room_that_another_group_waits_for() {
    let mut world = world(Limits { request_memory: 150_000, ..Limits::default() });
    announces(&mut world, UID, 70_000);
    let leaves = announces(&mut world, UID + 1, 60_000);
    let waiting = announces(&mut world, UID + 2, 50_000);
    assert_eq!(world.service.read_budget(waiting), 0);
    let small = announces(&mut world, UID + 3, 18_000);
    assert_eq!(world.service.read_budget(small), 0, "there is room, and somebody waits for it and for more");
    world.lose(leaves);
    assert_eq!(world.read_again, [waiting, small]);
}

#[test]
fn whoever_neither_takes_his_answers_nor_ends_his_request_is_cut_off() {
    let mut world = world(Limits::default());
    world.reads = false;
    let connection = world.connect();
    world.send(connection, &kept(&Operation::Ping));
    let request = kept(&Operation::Ping);
    for byte in request.chunks(1).take(3) {
        world.pass(Duration::from_secs(4));
        if world.service.read_budget(connection) > 0 {
            world.send(connection, byte);
        }
    }
    assert_eq!(world.ends.get(&connection).map(Vec::as_slice), Some(&["abort"][..]));
}

#[test]
fn a_partial_request_is_cut_off_in_time_whether_or_not_answers_are_being_taken() {
    let mut world = world(Limits::default());
    world.reads = false;
    let connection = world.connect();
    world.send(connection, &kept(&Operation::Ping));
    world.send(connection, &kept(&Operation::Ping)[..10]);
    for _ in 0..4 {
        world.step(Input::BytesSent { connection, count: 1 });
        world.pass(Duration::from_secs(3));
    }
    world.reads = true;
    world.step(Input::BytesSent { connection, count: 30 });
    assert_eq!(world.ends[&connection], ["shutdown write"]);
}

#[test]
fn a_client_has_the_time_to_take_its_answer_also_where_it_is_the_last() {
    let mut world = world(Limits::default());
    world.reads = false;
    let connection = world.ask("app", &random(100_000));
    world.finish(drawn(100_000));
    assert_eq!(world.ends[&connection], ["close"]);
    for _ in 0..3 {
        world.pass(Duration::from_secs(8));
        world.step(Input::BytesSent { connection, count: 10 });
    }
    assert_eq!(world.ends[&connection], ["close"]);
    world.pass(Duration::from_secs(11));
    assert_eq!(world.ends[&connection], ["close", "abort"]);
}

#[test]
fn nothing_runs_and_nothing_is_sent_for_a_connection_that_was_cut_off() {
    let mut world = world(Limits { pipeline: 3, ..Limits::default() });
    let rest = world.service.memory();
    world.reads = false;
    let connection = world.connect();
    let mut bytes = kept(&Operation::Ping);
    for size in [1, 2, 3, 4] {
        bytes.extend(kept(&random(size)));
    }
    world.send(connection, &bytes);
    assert_eq!(world.jobs.len(), 2, "one more waits, one is held");
    world.expire();
    assert_eq!(world.ends[&connection], ["abort"]);
    world.finish(drawn(1));
    world.finish(drawn(2));
    world.finish(drawn(3));
    assert!(world.jobs.is_empty(), "the request that was held is not begun");
    assert!(world.service.outgoing(connection).is_empty());
    world.pass(Duration::from_secs(60));
    assert_eq!(world.ends[&connection], ["abort"]);
    world.lose(connection);
    let after = world.service.memory();
    let rest = parsecd_core::service::MemoryReport { measured: after.measured, ..rest };
    assert_eq!(after, rest);
}

#[test]
fn answers_count_until_they_are_sent() {
    let mut world = world(Limits::default());
    world.reads = false;
    let connection = world.connect();
    world.send(connection, &kept(&random(1)));
    world.send(connection, &kept(&random(100_000)));
    let (first, second) = (world.jobs.remove(0), world.jobs.remove(0));
    world.step(Input::JobFinished { ticket: second.0, outcome: drawn(100_000) });
    assert!(world.service.memory().reserved >= 100_000, "an answer that waits for its turn");
    world.step(Input::JobFinished { ticket: first.0, outcome: drawn(1) });
    assert!(world.service.memory().reserved >= 100_000, "an answer that waits for its client");
    while !world.service.outgoing(connection).is_empty() {
        let count = world.service.outgoing(connection).len().try_into().unwrap();
        world.step(Input::BytesSent { connection, count });
    }
    assert_eq!(world.service.memory().reserved, 0);
}

#[test]
fn small_requests_of_one_connection_are_read_until_they_are_as_many_bytes_as_may_be_unsent() {
    let mut world = world(Limits { unsent: 30_000, ..Limits::default() });
    let connection = world.connect();
    let input: Vec<u8> = vec![0; 10_000];
    let hash = Operation::PsaHashCompute { algorithm: Hash::Sha256, input: input.into() };
    let bytes = kept(&hash).repeat(20);
    let sent = world.send_all(connection, &bytes);
    assert_eq!(world.service.read_budget(connection), 0);
    assert!(sent < 100_000, "{sent}");
    let mut rest = &bytes[sent..];
    while !world.jobs.is_empty() {
        world.finish(Outcome::Done(Effect::Output(vec![0; 32])));
        let sent = world.send_all(connection, rest);
        rest = &rest[sent..];
    }
    assert_eq!(world.statuses(connection), [Status::Success; 20]);
}

#[test]
fn a_shutdown_tells_requests_that_were_not_taken_and_does_not_reset_their_client() {
    let mut world = world(Limits { pipeline: 1, ..Limits::default() });
    let connection = world.connect();
    let bytes: Vec<u8> = (0..3).flat_map(|_| kept(&random(1))).collect();
    world.send(connection, &bytes);
    world.step(Input::ShutdownRequested { grace: Duration::from_secs(10) });
    assert_eq!(world.read_again, [connection], "what it sends from now on is thrown away");
    world.finish(drawn(1));
    assert_eq!(world.statuses(connection), [Status::Success, Status::ConnectionError]);
    assert_eq!(world.ends[&connection], ["shutdown write"], "a close would reset: there is unread input");
}

#[test]
fn clients_that_were_refused_and_stay_do_not_hold_the_connections_of_everybody() {
    let limits = Limits { connections: 100, connections_per_group: 10, ..Limits::default() };
    let mut world = world(limits);
    let mut refused = Vec::new();
    for _ in 0..50 {
        let connection = world.connect();
        if world.status(connection).is_some() {
            refused.push(connection);
        }
    }
    let stay = world.ends.values().filter(|ends| !ends.contains(&"abort")).count();
    assert!(stay <= 4, "{stay}");
    assert!(world.received.values().all(|answer| answer.len() == 36), "each was told");
    assert!(refused.is_empty(), "the longest silent yields");
}
