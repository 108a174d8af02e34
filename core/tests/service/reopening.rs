//! Providers whose settings a reload changes, and hosts that do not do as they are told.

use crate::world::{PROVIDER, World, config, generate, signature};
use parsecd_core::config::{Config, MaterialPlace};
use parsecd_core::ids::{ConnectionKey, HostKey};
use parsecd_core::input::{HostState, Input};
use parsecd_core::job::Job;
use parsecd_core::outcome::{Effect, Outcome};
use parsecd_core::store::{CommitResult, Fetched};
use parsecd_wire::{Operation, Status};
use std::time::Duration;

fn reload(world: &mut World, hosts: u16, revision: u32) {
    let config = Box::new(revised(hosts, revision));
    world.step(Input::Reconfigured { config });
}

fn revised(hosts: u16, revision: u32) -> Config {
    let mut config = config(MaterialPlace::Record, hosts);
    config.providers.get_mut(&PROVIDER).unwrap().revision = revision;
    config
}

fn random(world: &mut World) -> ConnectionKey {
    world.ask("app", &Operation::PsaGenerateRandom { size: 1 })
}

fn drawn() -> Outcome {
    Outcome::Done(Effect::Secret(vec![1].into()))
}

fn gone(world: &mut World, host: HostKey) {
    world.step(Input::HostChanged { host, state: HostState::Down { why: String::from("ended") } });
}

/// What is asked of hosts since the last look: opened, killed, let go.
fn asked(world: &mut World) -> (usize, usize, usize) {
    let asked = (world.opened.len(), world.killed.len(), world.closed_hosts.len());
    world.closed_hosts.clear();
    asked
}

#[test]
fn an_unchanged_provider_is_not_touched_by_a_reload() {
    let mut world = World::new(revised(2, 3));
    let requests: Vec<_> = (0..6).map(|_| random(&mut world)).collect();
    reload(&mut world, 2, 3);
    assert_eq!((asked(&mut world), world.cancelled.len()), ((0, 0, 0), 0));
    (0..6).for_each(|_| world.finish(drawn()));
    assert!(requests.iter().all(|request| world.status(*request) == Some(Status::Success)));
}

#[test]
fn a_changed_provider_finishes_what_it_runs_and_reopens_for_what_waits() {
    let mut world = World::sealed();
    // From now on a creation is known to be short.
    world.create("app", "first");
    let running = random(&mut world);
    let created = world.ask("app", &generate("key"));
    world.fetched(Fetched::Absent);
    let queued = random(&mut world);
    let old = world.jobs[0].1;
    assert_eq!(world.jobs.len(), 2, "one runs, one waits in the host");
    reload(&mut world, 1, 1);
    assert_eq!(asked(&mut world), (0, 0, 0), "it finishes first");
    assert_eq!(world.cancelled, [world.jobs[1].0], "what waits in it runs elsewhere");
    let late = random(&mut world);

    world.finish(drawn());
    assert_eq!(world.status(running), Some(Status::Success));
    assert_eq!(asked(&mut world), (0, 0, 0), "it has not given back what waits");
    world.finish(Outcome::NoEffect);
    assert_eq!(asked(&mut world), (0, 0, 1));
    assert!(world.jobs.is_empty(), "it gets nothing more");
    gone(&mut world, old);
    let new = world.opened.pop().expect("it is opened again at once");
    assert!(new.generation > old.generation && new.slot == old.slot);
    world.open(new);
    for _ in 0..3 {
        match *world.jobs[0].2 {
            Job::Generate { .. } => {
                world.make();
                world.commit(CommitResult::Durable);
            }
            _ => world.finish(drawn()),
        }
    }
    for request in [created, queued, late] {
        assert_eq!(world.status(request), Some(Status::Success));
    }
}

#[test]
fn a_slot_never_has_two_hosts_however_often_its_provider_changes() {
    let mut world = World::sealed();
    random(&mut world);
    let mut host = world.jobs[0].1;
    for revision in 1..5 {
        reload(&mut world, 1, revision);
    }
    assert_eq!(asked(&mut world), (0, 0, 0));
    world.finish(drawn());
    assert_eq!(asked(&mut world), (0, 0, 1));
    for revision in 5..10 {
        reload(&mut world, 1, revision);
        assert_eq!(asked(&mut world), (0, 0, 0), "it is going already");
        gone(&mut world, host);
        host = world.opened.pop().expect("one host follows");
        reload(&mut world, 1, revision + 100);
        assert_eq!(asked(&mut world), (0, 0, 1), "the one that opens has old settings, too");
    }
}

#[test]
fn a_changed_provider_is_tried_at_once_whatever_became_of_its_host() {
    // A pause between attempts, and a refused log-in.
    for refused in [false, true] {
        let mut world = World::starting(config(MaterialPlace::Record, 1));
        let host = world.opened.pop().unwrap();
        world.step(Input::HostChanged { host, state: HostState::Opened { lanes: 1 } });
        world.finish(if refused { Outcome::PinRefused } else { Outcome::LaneLost });
        gone(&mut world, host);
        assert!(world.opened.is_empty());
        reload(&mut world, 1, 1);
        let host = world.opened.pop().expect("it is tried with the new settings");
        world.open(host);
        random(&mut world);
        assert_eq!(world.jobs.len(), 1);
    }
}

#[test]
fn more_hosts_are_added_and_fewer_are_let_go_when_they_have_finished() {
    let mut world = World::sealed();
    let kept = random(&mut world);
    reload(&mut world, 2, 0);
    let added = world.opened.pop().expect("one more");
    assert_eq!((added.slot, asked(&mut world)), (1, (0, 0, 0)));
    world.open(added);
    let surplus = random(&mut world);
    assert_eq!(world.jobs[1].1, added);
    reload(&mut world, 1, 0);
    assert_eq!(asked(&mut world), (0, 0, 0));
    world.finish(drawn());
    world.finish(drawn());
    assert_eq!(asked(&mut world), (0, 0, 1));
    gone(&mut world, added);
    assert_eq!(asked(&mut world), (0, 0, 0), "it is not wanted any more");
    for request in [kept, surplus] {
        assert_eq!(world.status(request), Some(Status::Success));
    }
    reload(&mut world, 2, 0);
    let again = world.opened.pop().expect("it is wanted again");
    assert!(again.slot == 1 && again.generation > added.generation);
}

#[test]
fn a_host_that_is_wanted_again_while_it_goes_is_opened_when_it_is_gone() {
    let mut world = World::new(config(MaterialPlace::Record, 2));
    reload(&mut world, 1, 0);
    let going = world.closed_hosts.pop().expect("it is idle");
    reload(&mut world, 2, 0);
    assert!(world.opened.is_empty());
    gone(&mut world, going);
    assert_eq!(world.opened.pop().map(|host| host.slot), Some(1));
}

#[test]
fn a_host_that_dies_while_it_finishes_is_replaced_under_the_new_settings() {
    let mut world = World::sealed();
    let asked_for = random(&mut world);
    reload(&mut world, 1, 1);
    world.host_dies();
    let host = world.replacement();
    world.open(host);
    world.finish(drawn());
    assert_eq!(world.status(asked_for), Some(Status::Success));
}

#[test]
fn a_host_that_never_says_hello_is_killed_and_another_is_tried() {
    let mut world = World::starting(config(MaterialPlace::Record, 1));
    let hangs = world.opened.pop().unwrap();
    world.pass(Duration::from_secs(61));
    assert_eq!(world.killed.pop(), Some(hangs));
    gone(&mut world, hangs);
    let next = world.replacement();
    assert!(next.generation > hangs.generation);
    world.open(next);
    assert!(world.wake.is_none(), "a host that is up has no deadline");
}

#[test]
fn a_host_that_does_not_go_is_killed() {
    let mut world = World::sealed();
    reload(&mut world, 1, 1);
    let stays = world.closed_hosts.pop().expect("it is idle");
    world.expire();
    assert_eq!(world.killed.pop(), Some(stays));
    gone(&mut world, stays);
    assert_eq!(world.opened.len(), 1);
}

#[test]
fn a_host_whose_log_in_was_refused_is_not_tried_again_because_it_had_to_be_killed() {
    let mut world = World::starting(config(MaterialPlace::Record, 1));
    let host = world.opened.pop().unwrap();
    world.step(Input::HostChanged { host, state: HostState::Opened { lanes: 1 } });
    world.finish(Outcome::PinRefused);
    world.expire();
    assert_eq!(world.killed.pop(), Some(host));
    gone(&mut world, host);
    assert!(world.opened.is_empty() && world.wake.is_none(), "another attempt may lock the device");
}

#[test]
fn hosts_that_die_of_their_first_job_again_and_again_are_opened_after_pauses() {
    let mut world = World::sealed();
    let mut at_once = 0;
    let mut die = |world: &mut World| {
        random(world);
        world.finish(drawn());
        let host = world.jobs.first().map(|(_, host, _)| *host);
        assert_eq!(host, None);
        let host = HostKey { provider: PROVIDER, slot: 0, generation: at_once + 1 };
        gone(world, host);
        at_once += 1;
        !world.opened.is_empty()
    };
    while die(&mut world) {
        let host = world.opened.pop().unwrap();
        world.open(host);
    }
    assert_eq!(at_once, 4);
    let first = world.wake.unwrap().0 - world.now;
    let host = world.replacement();
    world.open(host);
    random(&mut world);
    world.finish(signature());
    gone(&mut world, host);
    assert!(world.opened.is_empty() && world.wake.unwrap().0 - world.now > first, "pauses grow");

    let host = world.replacement();
    world.open(host);
    for _ in 0..2 {
        random(&mut world);
        world.finish(drawn());
    }
    gone(&mut world, host);
    assert_eq!(world.opened.len(), 1, "one that has served well is replaced at once");
}
