//! Kept connections and pipelined requests (decisions.md 6).

use crate::world::{World, config, frame_with, generate, sign, signature};
use parsecd_core::config::{Limits, MaterialPlace};
use parsecd_core::ids::ConnectionKey;
use parsecd_core::input::Input;
use parsecd_core::outcome::{Effect, Outcome};
use parsecd_core::store::{CommitResult, Fetched};
use parsecd_wire::header::KEEP_CONNECTION;
use parsecd_wire::{Opcode, Operation, ResponseHeader, Status};

fn kept(operation: &Operation) -> Vec<u8> {
    frame_with("app", operation, KEEP_CONNECTION)
}

fn responses(world: &World, connection: ConnectionKey) -> Vec<ResponseHeader> {
    let mut rest = world.received.get(&connection).map_or(&[][..], Vec::as_slice);
    let mut headers = Vec::new();
    while !rest.is_empty() {
        let header = ResponseHeader::from_bytes(rest[..36].try_into().unwrap()).unwrap();
        rest = &rest[36 + header.body_length as usize..];
        headers.push(header);
    }
    headers
}

/// How long a kept connection may be idle, by default, in nanoseconds.
const IDLE: u64 = 60_000_000_000;

fn statuses(world: &World, connection: ConnectionKey) -> Vec<Status> {
    responses(world, connection).iter().map(|header| header.status).collect()
}

#[test]
fn a_kept_connection_answers_one_request_after_the_other_and_is_closed_silently_when_idle() {
    let mut world = World::sealed();
    let connection = world.connect();
    for _ in 0..3 {
        world.send(connection, &kept(&Operation::Ping));
    }
    assert_eq!(statuses(&world, connection), [Status::Success; 3]);
    assert!(responses(&world, connection).iter().all(|header| header.flags == KEEP_CONNECTION));
    assert!(!world.ends.contains_key(&connection));
    let answered = world.now;
    while !world.ends.contains_key(&connection) {
        world.expire();
    }
    assert_eq!(world.ends[&connection], ["close"]);
    assert!(world.now - answered >= IDLE, "closed after {} ns", world.now - answered);
    assert_eq!(statuses(&world, connection).len(), 3);
}

#[test]
fn a_request_without_the_flag_ends_a_kept_connection_after_its_answer() {
    let mut world = World::sealed();
    let connection = world.connect();
    let mut bytes = kept(&Operation::Ping);
    bytes.extend(frame_with("app", &Operation::Ping, 0));
    world.send(connection, &bytes);
    let flags: Vec<u16> = responses(&world, connection).iter().map(|header| header.flags).collect();
    assert_eq!(flags, [KEEP_CONNECTION, 0]);
    assert_eq!(world.ends[&connection], ["close"]);
}

#[test]
fn jobs_run_out_of_order_and_answers_come_in_order() {
    let mut world = World::new(config(MaterialPlace::Record, 2));
    let connection = world.connect();
    let mut bytes = kept(&Operation::PsaGenerateRandom { size: 1 });
    bytes.extend(kept(&Operation::PsaGenerateRandom { size: 2 }));
    bytes.extend(kept(&Operation::Ping));
    world.send(connection, &bytes);
    world.jobs.swap(0, 1);
    world.finish(Outcome::Done(Effect::Secret(vec![0; 2].into())));
    assert!(statuses(&world, connection).is_empty());
    world.finish(Outcome::Done(Effect::Secret(vec![0; 1].into())));
    let opcodes: Vec<Opcode> = responses(&world, connection).iter().map(|header| header.opcode).collect();
    assert_eq!(opcodes, [Opcode::PsaGenerateRandom, Opcode::PsaGenerateRandom, Opcode::Ping]);
}

#[test]
fn a_pipelined_generate_and_sign_of_one_key_run_in_the_order_they_came() {
    let mut world = World::sealed();
    let connection = world.connect();
    let mut bytes = kept(&generate("key"));
    bytes.extend(kept(&sign("key")));
    world.send(connection, &bytes);
    world.fetched(Fetched::Absent);
    world.make();
    world.commit(CommitResult::Durable);
    world.finish(signature());
    assert_eq!(statuses(&world, connection), [Status::Success; 2]);
}

#[test]
fn errors_from_step_9_on_keep_the_connection_and_earlier_ones_end_it() {
    let mut world = World::sealed();
    let connection = world.connect();
    let mut unknown_opcode = kept(&Operation::Ping);
    unknown_opcode[28] = 0x1D;
    world.send(connection, &unknown_opcode);
    world.send(connection, &kept(&Operation::ListKeys)[..35]);
    world.send(connection, &kept(&Operation::ListKeys)[35..]);
    world.listed(parsecd_core::store::Page::Keys(Vec::new()));
    let mut bad_magic = kept(&Operation::Ping);
    bad_magic[0] = 0;
    world.send(connection, &bad_magic);
    let answers = responses(&world, connection);
    let statuses: Vec<Status> = answers.iter().map(|header| header.status).collect();
    assert_eq!(statuses, [Status::OpcodeDoesNotExist, Status::Success, Status::InvalidHeader]);
    let flags: Vec<u16> = answers.iter().map(|header| header.flags).collect();
    assert_eq!(flags, [KEEP_CONNECTION, KEEP_CONNECTION, 0]);
    assert_eq!(world.ends[&connection], ["shutdown write"]);
}

#[test]
fn a_client_that_shuts_its_write_side_gets_every_answer_it_is_owed_before_the_close() {
    let mut world = World::sealed();
    let connection = world.connect();
    world.send(connection, &kept(&Operation::PsaGenerateRandom { size: 1 }));
    world.step(Input::ReadClosed { connection });
    assert!(!world.ends.contains_key(&connection));
    world.finish(Outcome::Done(Effect::Secret(vec![0; 1].into())));
    assert_eq!(statuses(&world, connection), [Status::Success]);
    assert_eq!(world.ends[&connection], ["close"]);
}

#[test]
fn a_full_pipeline_is_not_read_and_goes_on_as_answers_leave() {
    let limits = Limits { pipeline: 2, ..Limits::default() };
    let mut world = World::new(parsecd_core::config::Config { limits, ..config(MaterialPlace::Record, 1) });
    let connection = world.connect();
    let bytes: Vec<u8> = (1..=5).flat_map(|size| kept(&Operation::PsaGenerateRandom { size })).collect();
    world.send(connection, &bytes);
    assert_eq!(world.service.read_budget(connection), 0);
    assert_eq!(world.jobs.len(), 2);
    for size in 1..=5 {
        world.finish(Outcome::Done(Effect::Secret(vec![0; size].into())));
    }
    assert_eq!(statuses(&world, connection), [Status::Success; 5]);
    assert!(world.service.read_budget(connection) > 0);
    assert_eq!(world.service.memory().input, 0);
}

#[test]
fn a_client_that_pipelines_and_never_reads_is_not_read_from_and_cut_off_in_the_end() {
    let limits = Limits { unsent: 1000, ..Limits::default() };
    let mut world = World::new(parsecd_core::config::Config { limits, ..config(MaterialPlace::Record, 1) });
    world.reads = false;
    let connection = world.connect();
    let bytes: Vec<u8> = (0..200).flat_map(|_| kept(&Operation::Ping)).collect();
    world.send(connection, &bytes);
    assert_eq!(world.service.read_budget(connection), 0);
    let memory = world.service.memory();
    assert!(memory.outgoing < 4000, "{memory:?}");
    world.expire();
    assert_eq!(world.ends[&connection], ["abort"]);
}

#[test]
fn an_idle_kept_connection_that_yields_to_another_is_closed_silently() {
    let limits = Limits { connections_per_group: 1, ..Limits::default() };
    let mut world = World::new(parsecd_core::config::Config { limits, ..config(MaterialPlace::Record, 1) });
    let idle = world.connect();
    world.send(idle, &kept(&Operation::Ping));
    let unused = world.connect();
    assert_eq!(world.ends[&idle], ["close"]);
    assert_eq!(statuses(&world, idle), [Status::Success], "no answer without a request");
    world.lose(idle);
    world.connect();
    assert_eq!(statuses(&world, unused), [Status::ConnectionError], "one that was never used is told");
}
