//! Quotas of keys and bytes: who is held to what, and when.

use crate::world::{World, config, destroy, frame, generate, sign};
use parsecd_core::config::{MaterialPlace, Quota};
use parsecd_core::ids::ConnectionKey;
use parsecd_core::outcome::Outcome;
use parsecd_core::store::{CommitResult, Counters, Fetched, Mutation};
use parsecd_wire::{Operation, Status};

const FULL: Option<Status> = Some(Status::PsaErrorInsufficientStorage);
const SUCCESS: Option<Status> = Some(Status::Success);

/// A world in which an application may hold this much.
fn world(material: MaterialPlace, keys: u64, bytes: u64) -> World {
    let mut config = config(material, 1);
    config.limits.tenant_quota = Quota { keys, bytes };
    World::new(config)
}

fn held(keys: u64) -> Counters {
    Counters { tenant_keys: keys, principal_keys: keys, ..Counters::default() }
}

/// The same application, from somebody else.
fn ask_as(world: &mut World, uid: u32, operation: &Operation) -> ConnectionKey {
    let connection = world.connect_as(uid);
    world.send(connection, &frame("app", operation));
    connection
}

/// A creation whose record is on its way to the store.
fn publishing(world: &mut World) -> ConnectionKey {
    let created = world.ask("app", &generate("a"));
    world.fetched(Fetched::Absent);
    world.make();
    assert!(matches!(world.commits[0].1, Mutation::Publish { .. }));
    created
}

#[test]
fn a_creation_at_a_name_cached_as_absent_is_held_to_the_quota_as_it_is_now() {
    let mut world = world(MaterialPlace::Record, 1, 1 << 20);
    let signed = world.ask("app", &sign("key"));
    world.fetched_with(Fetched::Absent, held(1));
    assert_eq!(world.status(signed), Some(Status::PsaErrorDoesNotExist));
    let created = world.ask("app", &generate("key"));
    world.fetched(Fetched::Absent);
    world.make();
    world.commit(CommitResult::Durable);
    assert_eq!(world.status(created), SUCCESS);
}

#[test]
fn a_creation_behind_one_that_failed_is_held_to_the_quota_as_it_is_then() {
    let mut world = world(MaterialPlace::Record, 3, 1 << 20);
    let fails = world.ask("app", &generate("key"));
    world.fetched_with(Fetched::Absent, held(2));
    let other = world.ask("app", &generate("other"));
    world.fetched(Fetched::Absent);
    let behind = world.ask("app", &generate("key"));
    world.finish(Outcome::Refused(Status::PsaErrorHardwareFailure));
    assert_eq!(world.status(fails), Some(Status::PsaErrorHardwareFailure));
    assert_eq!(world.status(behind), None, "there is room: two keys were destroyed, one is being made");
    world.fetched(Fetched::Absent);
    for _ in 0..2 {
        world.make();
        world.commit(CommitResult::Durable);
    }
    assert_eq!((world.status(other), world.status(behind)), (SUCCESS, SUCCESS));
}

#[test]
fn a_key_that_is_published_while_the_counters_are_read_counts() {
    for (keys, bytes) in [(1, 1 << 20), (100, 1)] {
        let mut world = world(MaterialPlace::Record, keys, bytes);
        let first = publishing(&mut world);
        let second = world.ask("app", &generate("b"));
        world.commit(CommitResult::Durable);
        assert_eq!(world.status(first), SUCCESS);
        world.fetched(Fetched::Absent);
        assert!(world.jobs.is_empty(), "what was read was read before the first was there");
        world.fetched_with(Fetched::Absent, Counters { tenant_bytes: 200, ..held(1) });
        assert_eq!(world.status(second), FULL);
    }
}

#[test]
fn a_key_whose_record_is_there_before_its_commit_is_told_counts_once() {
    let mut world = world(MaterialPlace::Record, 2, 1 << 20);
    let first = publishing(&mut world);
    let second = world.ask("app", &generate("b"));
    world.fetched_with(Fetched::Absent, held(1));
    assert_eq!(world.status(second), None, "one of two is held, and nothing else is being made");
    assert!(world.jobs.is_empty() && world.fetches.is_empty(), "it is not known yet whether there is room");
    world.commit(CommitResult::Durable);
    assert_eq!(world.status(first), SUCCESS);
    world.fetched_with(Fetched::Absent, held(1));
    world.make();
    world.commit(CommitResult::Durable);
    assert_eq!(world.status(second), SUCCESS);
}

#[test]
fn whoever_waits_for_a_record_under_way_is_answered_when_the_store_is_in_doubt() {
    let mut world = world(MaterialPlace::Record, 2, 1 << 20);
    let first = publishing(&mut world);
    let second = world.ask("app", &generate("b"));
    world.fetched_with(Fetched::Absent, held(1));
    world.commit(CommitResult::Unknown);
    let told = Some(Status::KeyInfoManagerError);
    assert_eq!((world.status(first), world.status(second)), (told, told));
}

#[test]
fn whoever_waits_for_a_record_under_way_may_leave_and_nothing_is_kept() {
    let mut world = world(MaterialPlace::Record, 2, 1 << 20);
    publishing(&mut world);
    let second = world.ask("app", &generate("b"));
    world.fetched_with(Fetched::Absent, held(1));
    world.lose(second);
    world.commit(CommitResult::Durable);
    assert!(world.fetches.is_empty() && world.jobs.is_empty());
    assert_eq!((world.service.memory().queued, world.service.memory().key_lives), (0, 0));
}

#[test]
fn a_destruction_in_line_behind_a_creation_that_waits_goes_on_with_it() {
    let mut world = world(MaterialPlace::Record, 2, 1 << 20);
    publishing(&mut world);
    let created = world.ask("app", &generate("b"));
    world.fetched_with(Fetched::Absent, held(1));
    let destroyed = world.ask("app", &destroy("b"));
    world.commit(CommitResult::Refused);
    world.fetched_with(Fetched::Absent, held(2));
    assert_eq!(world.status(created), FULL);
    assert_eq!(world.status(destroyed), Some(Status::PsaErrorDoesNotExist));
}

#[test]
fn an_application_of_another_user_with_the_same_name_has_a_quota_of_its_own() {
    let mut world = world(MaterialPlace::Record, 1, 1 << 20);
    let one = ask_as(&mut world, 1, &generate("a"));
    world.fetched(Fetched::Absent);
    let two = ask_as(&mut world, 2, &generate("b"));
    world.fetched(Fetched::Absent);
    for _ in 0..2 {
        world.make();
        world.commit(CommitResult::Durable);
    }
    assert_eq!((world.status(one), world.status(two)), (SUCCESS, SUCCESS));
}

#[test]
fn a_creation_is_not_held_to_what_the_store_says_of_another_user() {
    let mut world = world(MaterialPlace::Record, 1, 1 << 20);
    let signed = ask_as(&mut world, 1, &sign("key"));
    let created = ask_as(&mut world, 2, &generate("key"));
    world.fetched_with(Fetched::Absent, held(1));
    assert_eq!(world.status(signed), Some(Status::PsaErrorDoesNotExist));
    assert_eq!(world.status(created), None);
    world.fetched(Fetched::Absent);
    world.make();
    world.commit(CommitResult::Durable);
    assert_eq!(world.status(created), SUCCESS);
}

#[test]
fn a_creation_is_not_refused_for_what_was_gone_when_it_came() {
    let mut world = world(MaterialPlace::Record, 1, 1 << 20);
    let first = world.ask("app", &generate("key"));
    let second = world.ask("app", &generate("key"));
    world.fetched_with(Fetched::Absent, held(1));
    assert_eq!(world.status(first), FULL);
    assert_eq!(world.status(second), None, "the key may have been destroyed before it came");
    world.fetched_with(Fetched::Absent, held(1));
    assert_eq!(world.status(second), FULL);
}

#[test]
fn a_failed_creation_gives_its_room_back_before_it_is_told() {
    let mut world = world(MaterialPlace::Provider, 1, 1 << 20);
    let failed = world.ask("app", &generate("a"));
    world.fetched(Fetched::Absent);
    world.commit(CommitResult::Durable);
    world.finish(Outcome::Unknown);
    assert_eq!(world.status(failed), Some(Status::PsaErrorCommunicationFailure));
    let again = world.ask("app", &generate("b"));
    world.fetched(Fetched::Absent);
    assert_eq!(world.status(again), None, "nothing is held, whatever is left to be removed");
    assert!(world.commits.iter().any(|(_, mutation)| matches!(mutation, Mutation::Reserve(_))));
}
