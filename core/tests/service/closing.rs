//! How connections end (decisions.md 6).

use crate::world::{World, config, frame, generate, sign};
use parsecd_core::config::MaterialPlace;
use parsecd_core::input::Input;
use parsecd_wire::{Operation, Status};

#[test]
fn a_ping_is_answered_and_closed_without_further_ado() {
    let mut world = World::sealed();
    let connection = world.ask("app", &Operation::Ping);
    assert_eq!(world.status(connection), Some(Status::Success));
    assert_eq!(world.ends[&connection], ["close"]);
    world.lose(connection);
    let memory = world.service.memory();
    assert_eq!((memory.connections, memory.requests, memory.deadlines, memory.reserved), (0, 0, 0, 0));
}

#[test]
fn bytes_after_the_request_keep_the_connection_half_open_until_the_client_goes() {
    let mut world = World::sealed();
    let connection = world.connect();
    let mut bytes = frame("app", &Operation::Ping);
    bytes.extend_from_slice(b"more");
    world.send(connection, &bytes);
    assert_eq!(world.status(connection), Some(Status::Success));
    assert_eq!(world.ends[&connection], ["shutdown write"]);
    world.send(connection, b"even more");
    world.step(Input::ReadClosed { connection });
    assert_eq!(world.ends[&connection], ["shutdown write", "close"]);
}

#[test]
fn a_client_that_does_not_go_after_its_answer_is_cut_off_at_the_drain_deadline() {
    let mut world = World::sealed();
    let connection = world.connect();
    world.send(connection, b"GET / HTTP/1.0");
    assert_eq!(world.status(connection), Some(Status::InvalidHeader));
    world.expire();
    assert_eq!(world.ends[&connection], ["shutdown write", "abort"]);
}

#[test]
fn a_flood_after_the_answer_is_cut_off_at_twice_the_body_limit() {
    let mut world = World::sealed();
    let connection = world.connect();
    world.send(connection, b"nonsense");
    let mut flood = 0_u64;
    while world.service.read_budget(connection) > 0 {
        let budget = world.service.read_budget(connection) as usize;
        world.send(connection, &vec![0; budget]);
        flood += budget as u64;
    }
    assert_eq!(flood, 2 * (1 << 20) + (64 << 10) - 4, "the magic was consumed");
    assert_eq!(world.ends[&connection], ["shutdown write", "abort"]);
}

#[test]
fn silence_before_within_and_at_the_end_of_a_frame_is_answered_15() {
    for sent in [0, 1, 35, 36] {
        let mut world = World::sealed();
        let connection = world.connect();
        if sent > 0 {
            world.send(connection, &frame("app", &Operation::Ping)[..sent]);
        }
        world.expire();
        assert_eq!(world.status(connection), Some(Status::ConnectionError), "{sent} bytes");
    }
}

#[test]
fn a_client_that_shuts_its_write_side_early_is_answered_15_at_once_and_closed() {
    let mut world = World::sealed();
    let connection = world.connect();
    world.step(Input::ReadClosed { connection });
    assert_eq!(world.status(connection), Some(Status::ConnectionError));
    assert_eq!(world.ends[&connection], ["close"]);
}

#[test]
fn a_dripping_client_is_cut_off_by_the_deadline_of_the_whole_request() {
    let mut world = World::sealed();
    let connection = world.connect();
    let bytes = frame("app", &generate("key"));
    let opened = world.now;
    for byte in bytes.iter().cycle().take(36) {
        if world.status(connection).is_some() {
            break;
        }
        world.now += 999_999_999;
        world.step(Input::TimePassed);
        if world.service.read_budget(connection) > 0 && world.status(connection).is_none() {
            world.send(connection, &[*byte]);
        }
    }
    assert_eq!(world.status(connection), Some(Status::ConnectionError));
    assert!(world.now - opened < 13_000_000_000, "ten seconds after its first byte");
}

#[test]
fn a_body_over_the_limit_is_refused_before_it_is_read() {
    let mut world = World::sealed();
    let connection = world.connect();
    let mut bytes = frame("app", &Operation::Ping)[..36].to_vec();
    bytes[22..26].copy_from_slice(&((1_u32 << 20) + 1).to_le_bytes());
    world.send(connection, &bytes);
    assert_eq!(world.status(connection), Some(Status::BodySizeExceedsLimit));
    assert_eq!(world.service.memory().input, 0);
}

#[test]
fn whoever_still_waits_when_the_grace_of_a_shutdown_is_over_is_told_so() {
    for hosts in [1, 2] {
        let mut world = World::new(config(MaterialPlace::Record, hosts));
        world.create("app", "key");
        let mut waiting: Vec<_> =
            (0..2).map(|_| world.ask("app", &Operation::PsaGenerateRandom { size: 1 })).collect();
        waiting.push(world.ask("app", &sign("key")));
        let on_a_lane = waiting.clone();
        waiting.push(world.ask("app", &generate("other")));
        waiting.push(world.ask("app", &Operation::ListKeys));
        waiting.push(world.ask("admin", &Operation::DeleteClient { client: String::from("app") }));
        world.step(Input::ShutdownRequested { grace: std::time::Duration::from_secs(1) });
        let told = on_a_lane.iter().filter(|request| world.status(**request).is_some()).count();
        assert_eq!(told, if hosts == 1 { 1 } else { 0 }, "a lane runs one and holds one more");
        world.expire();
        assert!(world.stopped);
        for request in &waiting {
            assert_eq!(world.status(*request), Some(Status::PsaErrorCommunicationFailure));
        }
        waiting.into_iter().for_each(|request| world.lose(request));
        assert_eq!(world.service.memory().reserved, 0);
    }
}

#[test]
fn a_shutdown_answers_what_runs_and_then_stops() {
    let mut world = World::sealed();
    let idle = world.connect();
    let connection = world.ask("app", &Operation::PsaGenerateRandom { size: 16 });
    world.step(Input::ShutdownRequested { grace: std::time::Duration::from_secs(10) });
    assert_eq!(world.status(idle), Some(Status::ConnectionError));
    assert_eq!(world.status(connection), None);
    let random = parsecd_core::outcome::Effect::Secret(vec![1; 16].into());
    world.finish(parsecd_core::outcome::Outcome::Done(random));
    assert_eq!(world.status(connection), Some(Status::Success));
    world.lose(connection);
    world.lose(idle);
    let host = world.closed_hosts.pop().expect("the host is let go");
    assert!(!world.stopped);
    let state = parsecd_core::input::HostState::Down { why: String::new() };
    world.step(Input::HostChanged { host, state });
    assert!(world.stopped);
}

#[test]
fn a_full_peer_group_yields_its_longest_silent_connection_and_never_one_that_is_owed_an_answer() {
    let limits = parsecd_core::config::Limits { connections_per_group: 3, ..Default::default() };
    let config = crate::world::config(parsecd_core::config::MaterialPlace::Record, 1);
    let mut world = World::new(parsecd_core::config::Config { limits, ..config });
    let owed = world.ask("app", &Operation::PsaGenerateRandom { size: 1 });
    let silent = world.connect();
    let partial = world.connect();
    world.send(partial, &frame("app", &Operation::Ping)[..5]);
    let newcomer = world.connect();
    assert_eq!(world.status(silent), Some(Status::ConnectionError));
    assert_eq!(world.status(newcomer), None);
    world.lose(silent);
    world.send(newcomer, &frame("app", &Operation::Ping)[..5]);
    let refused = world.connect();
    assert_eq!(world.status(refused), Some(Status::ConnectionError), "nobody else can yield");
    assert_eq!(world.status(owed), None);
    for connection in [owed, partial, newcomer, refused] {
        world.lose(connection);
    }
    assert_eq!(world.service.memory().groups, 0);
}
