//! Changes of the store, in turns.

use crate::world::{UID, World, config, destroy, frame, generate, sign};
use parsecd_core::config::{Config, Limits, MaterialPlace};
use parsecd_core::ids::ConnectionKey;
use parsecd_core::input::Input;
use parsecd_core::store::{CommitResult, Fetched, Mutation};
use parsecd_wire::{Operation, Status};

fn world(writes: u32) -> World {
    World::new(Config { limits: Limits { writes, ..Limits::default() }, ..config(MaterialPlace::Record, 1) })
}

/// Asks as another user.
fn ask_as_other(world: &mut World, operation: &Operation) -> ConnectionKey {
    let connection = world.connect_as(UID + 1);
    world.send(connection, &frame("other", operation));
    connection
}

#[test]
fn nobody_s_change_waits_for_all_changes_of_another() {
    let mut world = world(1);
    let keys = ["1", "2", "3", "4", "5"];
    for key in keys {
        world.create("app", key);
    }
    let created = ask_as_other(&mut world, &generate("key"));
    world.fetched(Fetched::Absent);
    world.make();
    world.commit(CommitResult::Durable);
    assert_eq!(world.status(created), Some(Status::Success));

    let many = keys.map(|key| world.ask("app", &destroy(key)));
    let one = ask_as_other(&mut world, &destroy("key"));
    assert_eq!(world.commits.len(), 1);
    world.commit(CommitResult::Durable);
    assert_eq!(world.status(one), None);
    world.commit(CommitResult::Durable);
    assert_eq!(world.status(one), Some(Status::Success));
    for done in 1..=many.len() {
        let answered = many.iter().filter(|connection| world.status(**connection).is_some()).count();
        assert_eq!(answered, done);
        if done < many.len() {
            world.commit(CommitResult::Durable);
        }
    }
    assert!(world.commits.is_empty());
    assert_eq!(world.service.memory().queued, 0);
}

#[test]
fn as_many_changes_as_are_configured_are_asked_for_at_a_time() {
    let mut world = world(3);
    let keys = ["1", "2", "3", "4", "5"];
    for key in keys {
        world.create("app", key);
    }
    let destroyed = keys.map(|key| world.ask("app", &destroy(key)));
    assert_eq!(world.commits.len(), 3);
    world.commit(CommitResult::Refused);
    assert_eq!(world.commits.len(), 3);
    assert_eq!(world.status(destroyed[0]), Some(Status::KeyInfoManagerError));
    for _ in 0..4 {
        world.commit(CommitResult::Durable);
    }
    for connection in &destroyed[1..] {
        assert_eq!(world.status(*connection), Some(Status::Success));
    }
}

#[test]
fn a_change_that_waits_is_carried_out_although_nobody_waits_for_it_any_more() {
    let mut world = world(1);
    world.create("app", "first");
    world.create("app", "second");
    let first = world.ask("app", &destroy("first"));
    let second = world.ask("app", &destroy("second"));
    world.lose(second);
    let later = world.ask("app", &sign("second"));
    world.commit(CommitResult::Durable);
    world.commit(CommitResult::Durable);
    assert_eq!(world.status(first), Some(Status::Success));
    assert_eq!(world.status(later), Some(Status::PsaErrorDoesNotExist));
}

#[test]
fn a_doubt_about_the_store_is_settled_before_what_waits() {
    let mut world = world(1);
    for key in ["1", "2"] {
        world.create("app", key);
    }
    let unknown = world.ask("app", &destroy("1"));
    let waits = world.ask("app", &destroy("2"));
    world.commit(CommitResult::Unknown);
    assert_eq!(world.status(unknown), Some(Status::KeyInfoManagerError));
    // What waited, which the store refuses until it is sure, and the barrier, which nothing holds back.
    assert_eq!(world.commits.len(), 2);
    let barrier = world.commits.iter().position(|(_, mutation)| *mutation == Mutation::Barrier);
    let (ticket, _) = world.commits.remove(barrier.unwrap());
    world.step(Input::Committed { ticket, result: CommitResult::Durable });
    world.commit(CommitResult::Durable);
    assert_eq!(world.status(waits), Some(Status::Success));
}
