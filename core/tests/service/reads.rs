//! Records that the store is asked for, in turns.

use crate::world::{UID, World, config, frame, sign};
use parsecd_core::config::{Config, Limits, MaterialPlace};
use parsecd_core::store::Fetched;
use parsecd_wire::Status;

fn world(reads: u32) -> World {
    World::new(Config { limits: Limits { reads, ..Limits::default() }, ..config(MaterialPlace::Record, 1) })
}

#[test]
fn nobody_s_lookup_waits_for_all_lookups_of_another() {
    let mut world = world(1);
    let many = ["1", "2", "3", "4"].map(|key| world.ask("app", &sign(key)));
    let one = world.connect_as(UID + 1);
    world.send(one, &frame("other", &sign("key")));
    assert_eq!(world.fetches.len(), 1);
    world.fetched(Fetched::Absent);
    assert_eq!(world.status(one), None);
    world.fetched(Fetched::Absent);
    assert_eq!(world.status(one), Some(Status::PsaErrorDoesNotExist));
    for _ in 0..3 {
        assert_eq!(world.fetches.len(), 1);
        world.fetched(Fetched::Absent);
    }
    assert!(many.iter().all(|connection| world.status(*connection) == Some(Status::PsaErrorDoesNotExist)));
    assert_eq!((world.fetches.len(), world.service.memory().queued), (0, 0));
}

#[test]
fn a_record_that_nobody_waits_for_any_more_is_not_asked_for() {
    let mut world = world(1);
    let first = world.ask("app", &sign("1"));
    let [alone, together, stays] = ["2", "3", "3"].map(|key| world.ask("app", &sign(key)));
    world.lose(alone);
    world.lose(together);
    world.fetched(Fetched::Absent);
    assert_eq!(world.status(first), Some(Status::PsaErrorDoesNotExist));
    assert_eq!(&*world.fetches[0].1.name, "3");
    world.fetched(Fetched::Absent);
    assert_eq!(world.status(stays), Some(Status::PsaErrorDoesNotExist));
    assert_eq!((world.fetches.len(), world.service.memory().queued), (0, 0));
    // The name can be asked for again.
    let again = world.ask("app", &sign("2"));
    world.fetched(Fetched::Failed);
    assert_eq!(world.status(again), Some(Status::KeyInfoManagerError));
}
