//! Keys whose objects the provider owns.

use crate::world::{World, config, destroy, device, generate, sign, signature};
use parsecd_core::config::MaterialPlace;
use parsecd_core::identity::{ApplicationIdentity, KeyIdentity};
use parsecd_core::ids::ObjectId;
use parsecd_core::input::{HostState, Input};
use parsecd_core::outcome::{Effect, Outcome};
use parsecd_core::record::Device;
use parsecd_core::store::{CommitResult, Counters, Fetched, Mutation, Page, Unfinished, UnfinishedState};
use parsecd_wire::{AuthenticationType, Status};

fn absent() -> Outcome {
    Outcome::Absent { device: device(), login_confirmed: true }
}

fn removing(counter: u64, device: Device) -> Unfinished {
    let application = ApplicationIdentity { authenticator: AuthenticationType::Direct, name: "app".into() };
    Unfinished {
        object: ObjectId { boot: 1, counter },
        state: UnfinishedState::Removing,
        device,
        identity: KeyIdentity::new(&application, &"software".into(), "key"),
    }
}

fn create(world: &mut World, key: &str) {
    let connection = world.ask("app", &generate(key));
    world.fetched(Fetched::Absent);
    world.commit(CommitResult::Durable);
    world.make();
    world.commit(CommitResult::Durable);
    assert_eq!(world.status(connection), Some(Status::Success));
    world.lose(connection);
}

#[test]
fn a_creation_is_reserved_made_and_published_in_this_order() {
    let mut world = World::owned();
    let connection = world.ask("app", &generate("key"));
    world.fetched(Fetched::Absent);
    assert!(world.jobs.is_empty(), "nothing is made before its row is durable");
    assert!(matches!(&world.commits[0].1, Mutation::Reserve(row) if row.state == UnfinishedState::Making));
    world.commit(CommitResult::Durable);
    world.make();
    assert!(matches!(world.commits[0].1, Mutation::Publish { .. }));
    world.commit(CommitResult::Durable);
    assert_eq!(world.status(connection), Some(Status::Success));
}

#[test]
fn a_destruction_is_retired_removed_and_erased_before_it_is_answered() {
    let mut world = World::owned();
    create(&mut world, "key");
    let connection = world.ask("app", &destroy("key"));
    assert!(matches!(&world.commits[0].1, Mutation::Retire(row) if row.state == UnfinishedState::Removing));
    world.commit(CommitResult::Durable);
    world.finish(Outcome::Done(Effect::Removed));
    assert_eq!(world.status(connection), None);
    assert!(matches!(world.commits[0].1, Mutation::Erase { .. }));
    world.commit(CommitResult::Durable);
    assert_eq!(world.status(connection), Some(Status::Success));
}

#[test]
fn a_lost_creation_is_answered_at_once_and_erased_only_after_two_searches() {
    let mut world = World::owned();
    let connection = world.ask("app", &generate("key"));
    world.fetched(Fetched::Absent);
    world.commit(CommitResult::Durable);
    world.finish(Outcome::Unknown);
    assert_eq!(world.status(connection), Some(Status::PsaErrorCommunicationFailure));
    world.lose(connection);
    world.finish(absent());
    assert!(world.commits.is_empty(), "one search that finds nothing is not enough");
    world.expire();
    world.finish(absent());
    assert!(matches!(world.commits[0].1, Mutation::Erase { .. }));
    world.commit(CommitResult::Durable);
    assert_eq!(world.service.memory().key_lives, 0);
}

#[test]
fn absent_while_logged_out_or_on_another_device_erases_nothing() {
    let elsewhere = Outcome::Absent { device: Device(b"other".to_vec()), login_confirmed: true };
    let logged_out = Outcome::Absent { device: device(), login_confirmed: false };
    for outcome in [elsewhere, logged_out] {
        let mut world = World::owned();
        create(&mut world, "key");
        let connection = world.ask("app", &destroy("key"));
        world.commit(CommitResult::Durable);
        world.finish(outcome);
        assert_eq!(world.status(connection), Some(Status::PsaErrorCommunicationFailure));
        assert!(world.commits.is_empty());
        let again = world.ask("app", &destroy("key"));
        assert_eq!(world.status(again), Some(Status::PsaErrorDoesNotExist));
    }
}

#[test]
fn a_publish_that_is_refused_removes_the_object_again() {
    let mut world = World::owned();
    let connection = world.ask("app", &generate("key"));
    world.fetched(Fetched::Absent);
    world.commit(CommitResult::Durable);
    world.make();
    world.commit(CommitResult::Full);
    assert_eq!(world.status(connection), Some(Status::PsaErrorInsufficientStorage));
    world.finish(Outcome::Done(Effect::Removed));
    world.commit(CommitResult::Durable);
    assert_eq!(world.service.memory().key_lives, 0);
}

#[test]
fn what_a_crash_left_unfinished_is_removed_when_the_provider_comes_up() {
    let mut world = World::new(config(MaterialPlace::Provider, 1));
    let rows = vec![removing(1, device()), removing(2, Device(b"other".to_vec()))];
    world.listed(Page::Unfinished(rows));
    assert_eq!(world.jobs.len(), 1, "the other device's object waits for its device");
    world.finish(Outcome::Done(Effect::Removed));
    assert!(matches!(world.commits[0].1, Mutation::Erase { object } if object.counter == 1));
    world.commit(CommitResult::Durable);
    assert_eq!(world.service.memory().key_lives, 0);
}

#[test]
fn a_key_of_another_device_is_quarantined_and_kept() {
    let mut world = World::owned();
    create(&mut world, "key");
    let lost = world.ask("app", &sign("key"));
    world.host_dies();
    let host = world.replacement();
    world.open_with(host, Device(b"other".to_vec()));
    let status = world.status(lost);
    assert_eq!(status, Some(Status::PsaErrorHardwareFailure), "a job is not tried on another device");
    let during = world.ask("app", &sign("key"));
    let destroyed = world.ask("app", &destroy("key"));
    let exported =
        world.ask("app", &parsecd_wire::Operation::PsaExportPublicKey { key_name: String::from("key") });
    assert_eq!(world.status(during), Some(Status::PsaErrorHardwareFailure));
    assert_eq!(world.status(destroyed), Some(Status::PsaErrorHardwareFailure));
    assert_eq!(world.status(exported), Some(Status::Success));
    assert!(world.commits.is_empty(), "its record stays");
    world.step(Input::HostChanged { host, state: HostState::Down { why: String::from("swapped") } });
    let host = world.replacement();
    world.open(host);
    let signed = world.ask("app", &sign("key"));
    world.finish(signature());
    assert_eq!(world.status(signed), Some(Status::Success));
}

#[test]
fn what_is_unfinished_on_another_device_is_removed_when_that_device_is_back() {
    let mut world = World::starting(config(MaterialPlace::Provider, 1));
    let host = world.opened.pop().unwrap();
    world.open_with(host, Device(b"other".to_vec()));
    world.listed(Page::Unfinished(vec![removing(1, device())]));
    assert!(world.jobs.is_empty());
    world.step(Input::HostChanged { host, state: HostState::Down { why: String::from("swapped") } });
    let host = world.replacement();
    world.open(host);
    world.listed(Page::Unfinished(vec![removing(1, device())]));
    world.finish(Outcome::Done(Effect::Removed));
    world.commit(CommitResult::Durable);
    assert_eq!(world.service.memory().key_lives, 0);
}

#[test]
fn a_row_that_was_read_before_its_key_became_usable_removes_nothing() {
    let mut world = World::new(config(MaterialPlace::Provider, 1));
    let created = world.ask("app", &generate("key"));
    world.fetched(Fetched::Absent);
    let Mutation::Reserve(row) = world.commits[0].1.clone() else { panic!("an object is reserved") };
    world.commit(CommitResult::Durable);
    world.make();
    world.commit(CommitResult::Durable);
    assert_eq!(world.status(created), Some(Status::Success));
    world.listed(Page::Unfinished(vec![row]));
    assert!(world.jobs.is_empty(), "the page is older than the publication");
    assert_eq!(world.service.memory().key_lives, 0);
}

#[test]
fn an_object_that_cannot_be_removed_is_tried_again_after_pauses_that_grow() {
    let identity = parsecd_core::identity::KeyIdentity {
        application: parsecd_core::identity::ApplicationIdentity {
            authenticator: parsecd_wire::AuthenticationType::Direct,
            name: "app".into(),
        },
        provider: "software".into(),
        name: "key".into(),
    };
    let object = ObjectId { boot: 1, counter: 1 };
    let row = Unfinished { object, state: UnfinishedState::Removing, device: device(), identity };
    let mut world = World::new(crate::world::config(parsecd_core::config::MaterialPlace::Provider, 1));
    let mut pauses = Vec::new();
    for _ in 0..3 {
        world.listed(Page::Unfinished(vec![row.clone()]));
        world.finish(Outcome::Refused(Status::PsaErrorHardwareFailure));
        pauses.push(world.wake.expect("it is tried again").0 - world.now);
        world.expire();
    }
    assert!(pauses[0] < pauses[1] && pauses[1] < pauses[2], "{pauses:?}");
}

#[test]
fn a_row_that_cannot_be_looked_at_after_a_doubt_is_looked_at_again_after_a_while() {
    let mut world = World::sealed();
    world.ask("app", &generate("key"));
    world.fetched(Fetched::Absent);
    world.make();
    world.commit(CommitResult::Unknown);
    world.commit(CommitResult::Durable);
    world.fetched(Fetched::Failed);
    assert!(world.commits.is_empty(), "not at once");
    world.expire();
    world.commit(CommitResult::Durable);
    world.fetched(Fetched::Absent);
    assert_eq!(world.service.memory().key_lives, 0);
}

#[test]
fn what_a_host_that_served_leaves_behind_is_swept_by_its_replacement() {
    let limits = parsecd_core::config::Limits { page: 1, ..Default::default() };
    let mut world =
        World::starting(parsecd_core::config::Config { limits, ..config(MaterialPlace::Provider, 1) });
    for _ in 0..3 {
        let host = world.replacement();
        world.step(Input::HostChanged { host, state: HostState::Down { why: String::from("absent") } });
    }
    let host = world.replacement();
    world.open(host);
    let row = Unfinished { state: UnfinishedState::Making, ..removing(1, device()) };
    world.listed(Page::Unfinished(vec![row.clone()]));
    world.finish(Outcome::Done(Effect::Removed));
    while world.jobs.is_empty() {
        world.expire();
    }
    for _ in 0..3 {
        world.host_dies();
        let host = world.replacement();
        world.open(host);
    }
    while world.lists.is_empty() {
        world.expire();
    }
    world.listed(Page::Unfinished(vec![row]));
    assert_eq!(world.jobs.len(), 1);
}

#[test]
fn a_look_at_a_doubtful_row_that_comes_after_a_later_look_is_stale() {
    let mut world = World::owned();
    world.ask("app", &generate("key"));
    world.fetched(Fetched::Absent);
    world.commit(CommitResult::Durable);
    world.make();
    let Mutation::Publish { record, .. } = world.commits[0].1.clone() else { panic!("a key is published") };
    let doubt = |world: &mut World| {
        world.ask("other", &generate("key"));
        world.fetches.rotate_right(1);
        world.fetched(Fetched::Absent);
        world.commit(CommitResult::Unknown);
        world.commit(CommitResult::Durable);
    };
    world.commit(CommitResult::Unknown);
    world.commit(CommitResult::Durable);
    doubt(&mut world);
    let (first, second) = (world.fetches[0].0, world.fetches[1].0);
    let look = |world: &mut World, ticket, fetched| {
        world.step(Input::RecordFetched { ticket, fetched, counters: Counters::default() });
    };
    world.fetches.clear();
    world.commits.clear();
    look(&mut world, second, Fetched::Found(record.clone()));
    assert!(matches!(world.commits[0].1, Mutation::Retire(_)));
    world.commit(CommitResult::Unknown);
    world.commit(CommitResult::Durable);
    look(&mut world, first, Fetched::Found(record));
    assert!(world.commits.is_empty(), "nothing follows from what was read before the doubt");
    world.fetched(Fetched::Absent);
    assert!(matches!(*world.jobs[0].2, parsecd_core::job::Job::Remove { .. }));
}

#[test]
fn a_doubtful_row_that_cannot_be_decoded_keeps_its_object() {
    let mut world = World::owned();
    world.ask("app", &generate("key"));
    world.fetched(Fetched::Absent);
    world.commit(CommitResult::Durable);
    world.make();
    let Mutation::Publish { record, .. } = world.commits[0].1.clone() else { panic!("a key is published") };
    world.commit(CommitResult::Unknown);
    world.commit(CommitResult::Durable);
    let mut newer = record;
    newer.0[0] += 1;
    world.fetched(Fetched::Found(newer));
    assert!(world.jobs.is_empty(), "nothing is removed while a name may lead to it");
    assert_eq!(world.service.memory().key_lives, 0);
}
