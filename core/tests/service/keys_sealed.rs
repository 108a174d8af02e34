//! Keys whose material is sealed in the record.

use crate::world::{World, destroy, generate, sign, signature};
use parsecd_core::input::Input;
use parsecd_core::outcome::{Effect, Outcome};
use parsecd_core::store::{CommitResult, Counters, Fetched, Mutation, StoreState};
use parsecd_wire::algorithm::Hash;
use parsecd_wire::{Operation, Reply, Status};

#[test]
fn success_of_a_creation_is_told_only_after_its_record_is_durable() {
    let mut world = World::sealed();
    let connection = world.ask("app", &generate("key"));
    world.fetched(Fetched::Absent);
    world.make();
    assert_eq!(world.status(connection), None);
    assert!(matches!(world.commits[0].1, Mutation::Publish { .. }));
    world.commit(CommitResult::Durable);
    assert_eq!(world.response(connection), Some((Status::Success, Some(Reply::PsaGenerateKey))));
}

#[test]
fn the_time_of_a_creation_is_told_like_that_of_any_other_job() {
    let mut world = World::sealed();
    world.ask("app", &Operation::PsaGenerateRandom { size: 1 });
    world.ask("app", &Operation::PsaGenerateRandom { size: 1 });
    world.ask("app", &generate("key"));
    world.fetched(Fetched::Absent);
    world.now += 1000;
    world.finish(Outcome::Refused(Status::PsaErrorGenericError));
    world.finish(Outcome::Refused(Status::PsaErrorGenericError));
    world.now += 5000;
    world.make();
    world.commit(CommitResult::Durable);
    let (queued, ran) = world.witness.times;
    assert!(queued.as_nanos() >= 1000 && ran.as_nanos() >= 5000, "{queued:?} {ran:?}");
}

#[test]
fn a_key_signs_from_the_cache_and_exports_its_public_part_without_a_lane() {
    let mut world = World::sealed();
    world.create("app", "key");
    let signed = world.ask("app", &sign("key"));
    world.finish(signature());
    let reply = Reply::PsaSignHash { signature: vec![9; 64] };
    assert_eq!(world.response(signed), Some((Status::Success, Some(reply))));
    let exported = world.ask("app", &Operation::PsaExportPublicKey { key_name: "key".into() });
    let reply = Reply::PsaExportPublicKey { data: vec![4; 65] };
    assert_eq!(world.response(exported), Some((Status::Success, Some(reply))));
    assert!(world.fetches.is_empty() && world.jobs.is_empty());
}

#[test]
fn of_four_creators_of_one_name_one_wins_and_the_others_are_told_it_exists() {
    let mut world = World::sealed();
    let creators: Vec<_> = (0..4).map(|_| world.ask("app", &generate("key"))).collect();
    world.fetched(Fetched::Absent);
    assert_eq!(world.jobs.len(), 1);
    world.make();
    world.commit(CommitResult::Durable);
    let statuses: Vec<_> = creators.iter().map(|creator| world.status(*creator).unwrap()).collect();
    assert_eq!(statuses[0], Status::Success);
    assert!(statuses[1..].iter().all(|status| *status == Status::PsaErrorAlreadyExists));
}

#[test]
fn a_failed_creation_frees_the_name_for_whoever_waits() {
    let mut world = World::sealed();
    let first = world.ask("app", &generate("key"));
    let second = world.ask("app", &generate("key"));
    world.fetched(Fetched::Absent);
    world.finish(Outcome::Refused(Status::PsaErrorInsufficientEntropy));
    assert_eq!(world.status(first), Some(Status::PsaErrorInsufficientEntropy));
    world.fetched(Fetched::Absent);
    world.make();
    world.commit(CommitResult::Durable);
    assert_eq!(world.status(second), Some(Status::Success));
}

#[test]
fn a_destruction_waits_for_running_uses_and_later_uses_find_nothing() {
    let mut world = World::sealed();
    world.create("app", "key");
    let signed = world.ask("app", &sign("key"));
    let destroyed = world.ask("app", &destroy("key"));
    let late = world.ask("app", &sign("key"));
    assert!(world.commits.is_empty(), "the signature still runs");
    world.finish(signature());
    assert_eq!(world.status(signed), Some(Status::Success));
    assert_eq!(world.status(destroyed), None);
    world.commit(CommitResult::Durable);
    assert_eq!(world.status(destroyed), Some(Status::Success));
    assert_eq!(world.status(late), Some(Status::PsaErrorDoesNotExist));
}

#[test]
fn a_use_whose_client_left_still_keeps_the_key_until_its_job_ends() {
    let mut world = World::sealed();
    world.create("app", "key");
    let signed = world.ask("app", &sign("key"));
    world.lose(signed);
    world.ask("app", &destroy("key"));
    assert!(world.commits.is_empty());
    world.finish(signature());
    assert_eq!(world.commits.len(), 1);
}

#[test]
fn equal_names_of_other_applications_are_other_keys() {
    let mut world = World::sealed();
    world.create("app", "key");
    let other = world.ask("other", &sign("key"));
    world.fetched(Fetched::Absent);
    assert_eq!(world.status(other), Some(Status::PsaErrorDoesNotExist));
}

#[test]
fn a_full_disk_refuses_new_keys_and_serves_old_ones() {
    let mut world = World::sealed();
    world.create("app", "old");
    let connection = world.ask("app", &generate("new"));
    world.fetched(Fetched::Absent);
    world.make();
    world.commit(CommitResult::Full);
    assert_eq!(world.status(connection), Some(Status::PsaErrorInsufficientStorage));
    let signed = world.ask("app", &sign("old"));
    world.finish(signature());
    assert_eq!(world.status(signed), Some(Status::Success));
}

#[test]
fn a_creation_of_unknown_outcome_is_unmade_once_a_barrier_is_durable() {
    let mut world = World::sealed();
    let connection = world.ask("app", &generate("key"));
    world.fetched(Fetched::Absent);
    world.make();
    let Mutation::Publish { record, .. } = world.commits[0].1.clone() else { panic!("a key is published") };
    world.commit(CommitResult::Unknown);
    assert_eq!(world.status(connection), Some(Status::KeyInfoManagerError));
    let during = world.ask("app", &sign("other"));
    assert_eq!(world.status(during), Some(Status::KeyInfoManagerError));
    assert_eq!(world.commits[0].1, Mutation::Barrier);
    world.commit(CommitResult::Durable);
    world.fetched(Fetched::Found(record));
    assert!(matches!(world.commits[0].1, Mutation::Delete { .. }));
    world.commit(CommitResult::Durable);
    let again = world.ask("app", &generate("key"));
    world.fetched(Fetched::Absent);
    world.make();
    world.commit(CommitResult::Durable);
    assert_eq!(world.status(again), Some(Status::Success));
}

#[test]
fn a_barrier_that_fails_is_tried_again_until_it_is_durable() {
    let mut world = World::sealed();
    world.create("app", "key");
    world.ask("app", &destroy("key"));
    world.commit(CommitResult::Unknown);
    world.commit(CommitResult::Refused);
    assert!(world.commits.is_empty());
    while world.commits.is_empty() {
        world.expire();
    }
    world.commit(CommitResult::Durable);
    world.fetched(Fetched::Absent);
    let signed = world.ask("app", &sign("key"));
    assert_eq!(world.status(signed), Some(Status::PsaErrorDoesNotExist));
}

#[test]
fn a_creation_whose_client_left_before_it_began_makes_nothing() {
    let mut world = World::sealed();
    let busy = world.ask("app", &Operation::PsaGenerateRandom { size: 1 });
    let behind = world.ask("app", &Operation::PsaGenerateRandom { size: 1 });
    let connection = world.ask("app", &generate("key"));
    world.fetched(Fetched::Absent);
    world.lose(connection);
    world.finish(Outcome::Refused(Status::PsaErrorGenericError));
    world.finish(Outcome::Refused(Status::PsaErrorGenericError));
    assert!(world.status(busy).is_some() && world.status(behind).is_some());
    assert!(world.jobs.is_empty() && world.commits.is_empty());
    assert_eq!(world.service.memory().key_lives, 0);
}

#[test]
fn a_creation_whose_client_left_while_it_ran_is_finished_and_kept() {
    let mut world = World::sealed();
    let connection = world.ask("app", &generate("key"));
    world.fetched(Fetched::Absent);
    world.lose(connection);
    world.make();
    world.commit(CommitResult::Durable);
    let signed = world.ask("app", &sign("key"));
    world.finish(signature());
    assert_eq!(world.status(signed), Some(Status::Success));
}

#[test]
fn a_record_that_names_another_key_is_unreadable_and_disables_only_its_own_name() {
    let mut world = World::sealed();
    let connection = world.ask("app", &generate("other"));
    world.fetched(Fetched::Absent);
    world.make();
    let Mutation::Publish { record, .. } = world.commits[0].1.clone() else { panic!("a key is published") };
    world.commit(CommitResult::Durable);
    world.lose(connection);
    let signed = world.ask("app", &sign("key"));
    world.fetched(Fetched::Found(record));
    assert_eq!(world.status(signed), Some(Status::PsaErrorDataCorrupt));
    let other = world.ask("app", &sign("other"));
    world.finish(signature());
    assert_eq!(world.status(other), Some(Status::Success));
}

#[test]
fn an_effect_of_the_wrong_length_is_not_delivered() {
    let mut world = World::sealed();
    world.create("app", "key");
    let signed = world.ask("app", &sign("key"));
    world.finish(Outcome::Done(parsecd_core::outcome::Effect::Output(vec![9; 63])));
    assert_eq!(world.status(signed), Some(Status::PsaErrorCommunicationFailure));
}

#[test]
fn a_full_quota_of_keys_refuses_the_next_one_and_counts_those_being_made() {
    let quota = parsecd_core::config::Quota { keys: 2, bytes: 1 << 20 };
    let limits = parsecd_core::config::Limits { tenant_quota: quota, ..Default::default() };
    let config = crate::world::config(parsecd_core::config::MaterialPlace::Record, 1);
    let mut world = World::new(parsecd_core::config::Config { limits, ..config });
    let held = Counters { tenant_keys: 1, ..Counters::default() };
    let fits = world.ask("app", &generate("a"));
    world.fetched_with(Fetched::Absent, held);
    let exceeds = world.ask("app", &generate("b"));
    world.fetched_with(Fetched::Absent, held);
    assert_eq!(world.status(exceeds), Some(Status::PsaErrorInsufficientStorage));
    assert_eq!(world.status(fits), None);
    let again = world.ask("app", &generate("b"));
    world.fetched_with(Fetched::Absent, Counters::default());
    world.make();
    world.commit(CommitResult::Durable);
    world.make();
    world.commit(CommitResult::Durable);
    assert_eq!((world.status(fits), world.status(again)), (Some(Status::Success), Some(Status::Success)));
}

#[test]
fn a_destruction_that_waits_for_a_creation_begins_when_the_key_is_usable() {
    let mut world = World::sealed();
    let created = world.ask("app", &generate("key"));
    world.fetched(Fetched::Absent);
    let destroyed = world.ask("app", &destroy("key"));
    world.make();
    world.commit(CommitResult::Durable);
    assert_eq!(world.status(created), Some(Status::Success));
    assert_eq!(world.status(destroyed), None);
    world.commit(CommitResult::Durable);
    assert_eq!(world.status(destroyed), Some(Status::Success));
}

#[test]
fn a_creation_that_failed_is_unmade_again_until_it_is_known_to_be_nothing() {
    let mut world = World::sealed();
    world.ask("app", &generate("key"));
    world.fetched(Fetched::Absent);
    world.make();
    let Mutation::Publish { record, .. } = world.commits[0].1.clone() else { panic!("a key is published") };
    world.commit(CommitResult::Unknown);
    for _ in 0..2 {
        world.commit(CommitResult::Durable);
        world.fetched(Fetched::Found(record.clone()));
        assert!(matches!(world.commits[0].1, Mutation::Delete { .. }));
        world.commit(CommitResult::Unknown);
    }
    world.commit(CommitResult::Durable);
    world.fetched(Fetched::Absent);
    let signed = world.ask("app", &sign("key"));
    assert_eq!(world.status(signed), Some(Status::PsaErrorDoesNotExist));
}

#[test]
fn a_creation_behind_a_destruction_of_its_name_is_held_to_the_quota_as_it_is_then() {
    let mut config = crate::world::config(parsecd_core::config::MaterialPlace::Record, 1);
    config.limits.tenant_quota.keys = 1;
    config.limits.cache = 0;
    let mut world = World::new(config);
    let created = world.ask("app", &generate("key"));
    world.fetched(Fetched::Absent);
    world.make();
    let parsecd_core::store::Mutation::Publish { record, .. } = world.commits[0].1.clone() else {
        panic!("a key is published")
    };
    world.commit(CommitResult::Durable);
    world.lose(created);
    let _destroyed = world.ask("app", &destroy("key"));
    let again = world.ask("app", &generate("key"));
    let one = parsecd_core::store::Counters { tenant_keys: 1, ..Default::default() };
    world.fetched_with(Fetched::Found(record), one);
    world.commit(CommitResult::Durable);
    assert_eq!(world.status(again), None);
    world.fetched(Fetched::Absent);
    world.make();
    world.commit(CommitResult::Durable);
    assert_eq!(world.status(again), Some(Status::Success));
}

#[test]
fn a_failed_creation_is_unmade_even_if_the_store_is_in_doubt_again_when_its_row_is_looked_at() {
    let mut world = World::sealed();
    world.create("app", "other");
    world.ask("app", &generate("key"));
    world.fetched(Fetched::Absent);
    world.make();
    let Mutation::Publish { record, .. } = world.commits[0].1.clone() else { panic!("a key is published") };
    world.commit(CommitResult::Unknown);
    world.commit(CommitResult::Durable);
    world.ask("app", &destroy("other"));
    world.commit(CommitResult::Unknown);
    world.fetched(Fetched::Found(record.clone()));
    world.commit(CommitResult::Durable);
    world.fetched(Fetched::Absent);
    world.fetched(Fetched::Found(record));
    assert!(matches!(world.commits[0].1, Mutation::Delete { .. }));
    world.commit(CommitResult::Durable);
    assert_eq!(world.service.memory().key_lives, 0);
    let signed = world.ask("app", &sign("key"));
    assert_eq!(world.status(signed), Some(Status::PsaErrorDoesNotExist));
}

#[test]
fn nobody_waits_at_a_name_for_the_end_of_a_doubt() {
    let mut world = World::sealed();
    world.ask("app", &generate("key"));
    world.fetched(Fetched::Absent);
    let behind = world.ask("app", &sign("key"));
    world.make();
    world.commit(CommitResult::Unknown);
    assert_eq!(world.status(behind), Some(Status::KeyInfoManagerError));
    let later = world.ask("app", &sign("key"));
    assert_eq!(world.status(later), Some(Status::KeyInfoManagerError));
}

#[test]
fn a_hash_of_the_wrong_length_is_no_answer_to_a_comparison() {
    let mut world = World::sealed();
    let hash = vec![1; 32];
    let input = vec![2; 100].into();
    let compare = Operation::PsaHashCompare { algorithm: Hash::Sha256, input, hash };
    let connection = world.ask("app", &compare);
    world.finish(Outcome::Done(Effect::Output(vec![1; 31])));
    assert_eq!(world.status(connection), Some(Status::PsaErrorCommunicationFailure));
}

#[test]
fn only_the_barrier_that_was_asked_for_last_ends_a_doubt_or_prolongs_it() {
    let barriers = || {
        let mut world = World::sealed();
        world.create("app", "key");
        for _ in 0..2 {
            world.step(Input::StoreChanged { state: StoreState::Down });
            world.step(Input::StoreChanged { state: StoreState::Up });
        }
        assert_eq!([0, 1].map(|at| world.commits[at].1.clone()), [Mutation::Barrier, Mutation::Barrier]);
        world
    };
    let signed = |world: &mut World| {
        let connection = world.ask("app", &sign("other"));
        world.status(connection)
    };
    let mut world = barriers();
    world.commit(CommitResult::Durable);
    assert_eq!(signed(&mut world), Some(Status::KeyInfoManagerError), "it may have been durable long ago");
    world.commit(CommitResult::Durable);
    assert_eq!(signed(&mut world), None);
    let mut world = barriers();
    world.commits.swap(0, 1);
    world.commit(CommitResult::Durable);
    world.commit(CommitResult::Refused);
    assert_eq!(signed(&mut world), None);
}
