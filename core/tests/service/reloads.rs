//! A new configuration under way.

use crate::world::{LISTENER, PROVIDER, World, config, generate};
use parsecd_core::config::{Config, Limits, MaterialPlace};
use parsecd_core::ids::ProviderKey;
use parsecd_core::input::{HostState, Input};
use parsecd_core::store::Fetched;
use parsecd_wire::{Operation, Status};

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
