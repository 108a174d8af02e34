//! Hosts that come, die, hang and come again.

use crate::world::{LISTENER, World, config, generate, sign, signature, signing_key};
use parsecd_core::config::MaterialPlace;
use parsecd_core::input::{HostState, Input};
use parsecd_core::job::Job;
use parsecd_core::outcome::Outcome;
use parsecd_core::store::Fetched;
use parsecd_wire::attributes::KeyType;
use parsecd_wire::{KeyAttributes, Operation, Status};

#[test]
fn listeners_accept_once_the_providers_were_opened() {
    let mut world = World::starting(config(MaterialPlace::Record, 1));
    assert_eq!(world.service.accept_budget(LISTENER), 0);
    let host = world.opened.pop().unwrap();
    world.open(host);
    assert!(world.accept_again && world.service.accept_budget(LISTENER) > 0);
}

#[test]
fn a_provider_that_never_opens_does_not_keep_listeners_closed() {
    let mut world = World::starting(config(MaterialPlace::Record, 1));
    world.expire();
    assert!(world.service.accept_budget(LISTENER) > 0);
}

#[test]
fn a_lost_job_is_tried_once_more_on_the_replacement() {
    let mut world = World::sealed();
    world.create("app", "key");
    let signed = world.ask("app", &sign("key"));
    world.host_dies();
    let host = world.opened.pop().expect("a host that served is replaced at once");
    assert_eq!(world.status(signed), None);
    world.open(host);
    world.finish(signature());
    assert_eq!(world.status(signed), Some(Status::Success));
}

#[test]
fn a_job_that_loses_two_hosts_is_refused() {
    let mut world = World::sealed();
    world.create("app", "key");
    let signed = world.ask("app", &sign("key"));
    world.host_dies();
    let host = world.replacement();
    world.open(host);
    world.host_dies();
    assert_eq!(world.status(signed), Some(Status::PsaErrorCommunicationFailure));
}

#[test]
fn a_lost_creation_is_never_tried_again() {
    let mut world = World::sealed();
    let connection = world.ask("app", &generate("key"));
    world.fetched(Fetched::Absent);
    world.host_dies();
    assert_eq!(world.status(connection), Some(Status::PsaErrorCommunicationFailure));
    let host = world.replacement();
    world.open(host);
    assert!(world.jobs.is_empty());
}

#[test]
fn what_waited_behind_a_lost_job_runs_elsewhere() {
    let mut world = World::sealed();
    let requests: Vec<_> =
        (0..2).map(|_| world.ask("app", &Operation::PsaGenerateRandom { size: 1 })).collect();
    assert_eq!(world.jobs.len(), 2, "one runs, one waits in the host");
    world.host_dies();
    let host = world.replacement();
    world.open(host);
    let random = || Outcome::Done(parsecd_core::outcome::Effect::Secret(vec![1].into()));
    world.finish(random());
    world.finish(random());
    assert!(requests.iter().all(|request| world.status(*request) == Some(Status::Success)));
}

#[test]
fn a_job_that_hangs_costs_its_own_request_and_its_host_is_killed() {
    let mut world = World::sealed();
    let connection = world.ask("app", &Operation::PsaGenerateRandom { size: 1 });
    while world.killed.is_empty() {
        world.expire();
    }
    assert_eq!(world.status(connection), Some(Status::PsaErrorCommunicationFailure));
    world.lose(connection);
    world.host_dies();
    let host = world.replacement();
    world.open(host);
    assert!(world.jobs.is_empty(), "the job that hung is not tried again");
}

#[test]
fn a_provider_that_does_not_come_up_again_is_down_and_says_so() {
    let mut world = World::sealed();
    let connection = world.ask("app", &Operation::PsaGenerateRandom { size: 1 });
    world.host_dies();
    for _ in 0..3 {
        let host = world.replacement();
        let state = HostState::Down { why: String::from("absent") };
        world.step(Input::HostChanged { host, state });
    }
    assert_eq!(world.status(connection), Some(Status::PsaErrorCommunicationFailure));
    let late = world.ask("app", &Operation::PsaGenerateRandom { size: 1 });
    assert_eq!(world.status(late), Some(Status::PsaErrorCommunicationFailure));
    let host = world.replacement();
    world.open(host);
    world.ask("app", &Operation::PsaGenerateRandom { size: 1 });
    assert_eq!(world.jobs.len(), 1, "it serves again without a restart");
}

#[test]
fn a_slow_creation_never_takes_the_last_lane() {
    let mut world = World::new(config(MaterialPlace::Record, 2));
    let rsa = KeyAttributes { key_type: KeyType::RsaKeyPair, bits: 4096, ..signing_key() };
    for name in ["a", "b"] {
        world.ask("app", &Operation::PsaGenerateKey { key_name: name.into(), attributes: rsa });
        world.fetched(Fetched::Absent);
    }
    assert_eq!(world.jobs.len(), 1, "the second waits for the first, not for a lane");
    world.ask("app", &Operation::PsaGenerateRandom { size: 1 });
    world.ask("app", &Operation::PsaGenerateRandom { size: 1 });
    let slow = world.jobs[0].1;
    assert_eq!(world.jobs.len(), 3);
    assert!(world.jobs[1..].iter().all(|(_, host, _)| *host != slow), "nothing waits behind a slow job");
}

#[test]
fn a_log_in_that_is_refused_is_not_tried_again() {
    let mut world = World::starting(config(MaterialPlace::Record, 1));
    let host = world.opened.pop().unwrap();
    world.step(Input::HostChanged { host, state: HostState::Opened { lanes: 1 } });
    world.finish(Outcome::PinRefused);
    assert_eq!(world.closed_hosts, [host]);
    world.step(Input::HostChanged { host, state: HostState::Down { why: String::new() } });
    assert!(world.opened.is_empty() && world.wake.is_none());
}

#[test]
fn a_queue_that_is_full_says_so_and_a_request_does_not_wait_for_ever() {
    let limits = parsecd_core::config::Limits { tenant_queue: 1, ..Default::default() };
    let mut world = World::new(parsecd_core::config::Config { limits, ..config(MaterialPlace::Record, 1) });
    let ask = |world: &mut World| world.ask("app", &Operation::PsaGenerateRandom { size: 1 });
    let _on_the_lane = (ask(&mut world), ask(&mut world));
    let waiting = ask(&mut world);
    let refused = ask(&mut world);
    let other = world.ask("other", &Operation::PsaGenerateRandom { size: 1 });
    assert_eq!(world.status(refused), Some(Status::PsaErrorInsufficientMemory));
    assert_eq!((world.status(waiting), world.status(other)), (None, None));
    while world.status(waiting).is_none() {
        world.expire();
    }
    assert_eq!(world.status(waiting), Some(Status::PsaErrorInsufficientMemory));
}

#[test]
fn a_reload_tries_a_refused_log_in_again() {
    for closes_first in [true, false] {
        let mut world = World::starting(config(MaterialPlace::Record, 1));
        let host = world.opened.pop().unwrap();
        world.step(Input::HostChanged { host, state: HostState::Opened { lanes: 1 } });
        world.finish(Outcome::PinRefused);
        let gone = HostState::Down { why: String::new() };
        if closes_first {
            world.step(Input::HostChanged { host, state: gone.clone() });
        }
        world.step(Input::Reconfigured { config: Box::new(config(MaterialPlace::Record, 1)) });
        if !closes_first {
            world.step(Input::HostChanged { host, state: gone });
        }
        let host = world.replacement();
        world.open(host);
        world.ask("app", &Operation::PsaGenerateRandom { size: 1 });
        assert_eq!(world.jobs.len(), 1);
    }
}

#[test]
fn a_device_that_was_away_is_tried_again_without_a_reload() {
    let mut world = World::starting(config(MaterialPlace::Record, 1));
    let host = world.opened.pop().unwrap();
    world.step(Input::HostChanged { host, state: HostState::Opened { lanes: 1 } });
    world.finish(Outcome::Refused(Status::PsaErrorCommunicationFailure));
    assert_eq!(world.killed, [host]);
    world.step(Input::HostChanged { host, state: HostState::Down { why: String::new() } });
    let host = world.replacement();
    world.open(host);
    world.ask("app", &Operation::PsaGenerateRandom { size: 1 });
    assert_eq!(world.jobs.len(), 1);
}

#[test]
fn a_name_that_is_absent_is_told_although_the_provider_never_came_up() {
    let mut world = World::starting(config(MaterialPlace::Record, 1));
    let host = world.opened.pop().unwrap();
    world.step(Input::HostChanged { host, state: HostState::Opened { lanes: 1 } });
    world.finish(Outcome::PinRefused);
    let signed = world.ask("app", &sign("key"));
    world.fetched(Fetched::Absent);
    assert_eq!(world.status(signed), Some(Status::PsaErrorDoesNotExist));
    let created = world.ask("app", &generate("key"));
    assert_eq!(world.status(created), Some(Status::PsaErrorCommunicationFailure));
}

#[test]
fn a_host_that_gives_a_job_back_unasked_gets_no_other() {
    let mut world = World::sealed();
    let asked = world.ask("app", &Operation::PsaGenerateRandom { size: 1 });
    let host = world.jobs[0].1;
    world.finish(Outcome::NoEffect);
    assert!(world.jobs.is_empty(), "its end is not told yet, but certain");
    world.step(Input::HostChanged { host, state: HostState::Down { why: String::from("killed") } });
    let host = world.replacement();
    world.open(host);
    world.finish(Outcome::Done(parsecd_core::outcome::Effect::Secret(vec![1].into())));
    assert_eq!(world.status(asked), Some(Status::Success));
}

#[test]
fn a_job_that_is_to_be_tried_again_does_not_wait_for_ever_either() {
    let mut world = World::sealed();
    world.create("app", "key");
    let connection = world.ask("app", &Operation::PsaGenerateRandom { size: 1 });
    world.host_dies();
    assert_eq!(world.opened.len(), 1, "the replacement hangs while it starts");
    world.pass(std::time::Duration::from_secs(31));
    assert_eq!(world.status(connection), Some(Status::PsaErrorInsufficientMemory));
}

#[test]
fn a_host_that_is_told_to_be_gone_twice_is_opened_once() {
    let mut world = World::starting(config(MaterialPlace::Record, 1));
    let host = world.opened.pop().unwrap();
    for _ in 0..2 {
        world.step(Input::HostChanged { host, state: HostState::Down { why: String::from("absent") } });
    }
    world.pass(std::time::Duration::from_secs(1));
    assert_eq!(world.opened.len(), 1);
    world.pass(std::time::Duration::from_secs(1));
    assert_eq!(world.opened.len(), 1);
}

#[test]
fn a_slow_creation_gets_its_turn_although_short_jobs_never_stop_coming() {
    let mut world = World::new(config(MaterialPlace::Record, 2));
    let short = |world: &mut World| world.ask("app", &Operation::PsaGenerateRandom { size: 1 });
    for _ in 0..8 {
        short(&mut world);
    }
    let rsa = KeyAttributes { key_type: KeyType::RsaKeyPair, bits: 4096, ..signing_key() };
    world.ask("app", &Operation::PsaGenerateKey { key_name: "slow".into(), attributes: rsa });
    world.fetched(Fetched::Absent);
    let is_slow = |world: &World| world.jobs.iter().any(|(_, _, job)| matches!(**job, Job::Generate { .. }));
    let mut finished = 0;
    while !is_slow(&world) {
        assert!(finished < 50, "a slow job waits for ever");
        world.finish(Outcome::Done(parsecd_core::outcome::Effect::Secret(vec![1].into())));
        short(&mut world);
        finished += 1;
    }
}

#[test]
fn a_log_in_with_secrets_from_before_a_reload_is_tried_again_with_those_from_after_it() {
    let mut world = World::starting(config(MaterialPlace::Record, 1));
    let host = world.opened.pop().unwrap();
    world.step(Input::HostChanged { host, state: HostState::Opened { lanes: 1 } });
    world.step(Input::Reconfigured { config: Box::new(config(MaterialPlace::Record, 1)) });
    world.finish(Outcome::PinRefused);
    world.step(Input::HostChanged { host, state: HostState::Down { why: String::new() } });
    let host = world.replacement();
    world.step(Input::HostChanged { host, state: HostState::Opened { lanes: 1 } });
    world.finish(Outcome::PinRefused);
    world.step(Input::HostChanged { host, state: HostState::Down { why: String::new() } });
    assert!(world.opened.is_empty(), "once for each reload");
}
