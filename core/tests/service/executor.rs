//! Public-key operations and hashes on the executor, and signatures that are verified before they leave.

use crate::world::{PROVIDER, UID, World, capabilities, config, destroy, ecdsa, frame, sign, signature};
use parsecd_core::config::{Config, ExecutorConfig, Limits, MaterialPlace};
use parsecd_core::input::Input;
use parsecd_core::job::{Job, KeyOperation};
use parsecd_core::outcome::{Effect, Outcome};
use parsecd_core::record::Device;
use parsecd_core::store::CommitResult;
use parsecd_wire::algorithm::Hash;
use parsecd_wire::{Operation, Reply, Status};
use std::time::Duration;

fn world(threads: u16, verify_signatures: bool) -> World {
    let executor = Some(ExecutorConfig { threads, capabilities: capabilities() });
    let mut config = Config { executor, ..config(MaterialPlace::Record, 1) };
    config.providers.get_mut(&PROVIDER).unwrap().verify_signatures = verify_signatures;
    World::new(config)
}

fn verify(key: &str) -> Operation {
    let (key_name, hash, signature) = (key.into(), vec![1; 32], vec![9; 64]);
    Operation::PsaVerifyHash { key_name, algorithm: ecdsa(), hash, signature }
}

#[test]
fn a_verification_takes_no_lane_and_is_served_while_the_provider_is_gone() {
    let mut world = world(2, false);
    world.create("app", "key");
    world.ask("app", &Operation::PsaGenerateRandom { size: 1 });
    world.host_dies();
    let verified = world.ask("app", &verify("key"));
    assert!(world.jobs.is_empty());
    world.execute(Outcome::Done(Effect::Verified));
    assert_eq!(world.response(verified), Some((Status::Success, Some(Reply::PsaVerifyHash))));
    let input = b"message".as_slice().into();
    let hashed = world.ask("app", &Operation::PsaHashCompute { algorithm: Hash::Sha256, input });
    world.execute(Outcome::Done(Effect::Output(vec![0; 32])));
    assert_eq!(world.status(hashed), Some(Status::Success));
}

#[test]
fn the_executor_runs_as_many_jobs_as_it_has_threads() {
    let mut world = world(2, false);
    world.create("app", "key");
    let requests: Vec<_> = (0..3).map(|_| world.ask("app", &verify("key"))).collect();
    assert_eq!(world.executor.len(), 2);
    for _ in 0..3 {
        world.execute(Outcome::Refused(Status::PsaErrorInvalidSignature));
    }
    let invalid = |connection| world.status(connection) == Some(Status::PsaErrorInvalidSignature);
    assert!(requests.into_iter().all(invalid));
}

#[test]
fn a_verification_whose_client_left_ends_by_itself() {
    let mut world = world(1, false);
    world.create("app", "key");
    let verified = world.ask("app", &verify("key"));
    world.lose(verified);
    let destroyed = world.ask("app", &destroy("key"));
    world.commit(CommitResult::Durable);
    assert_eq!(world.status(destroyed), Some(Status::Success), "the public part is the executor's own copy");
    world.execute(Outcome::Done(Effect::Verified));
    assert_eq!(world.service.memory().queued, 0);
}

#[test]
fn a_signature_that_verifies_leaves() {
    let mut world = world(1, true);
    world.create("app", "key");
    let signed = world.ask("app", &sign("key"));
    world.finish(signature());
    assert_eq!(world.status(signed), None);
    world.execute(Outcome::Done(Effect::Verified));
    let reply = Reply::PsaSignHash { signature: vec![9; 64] };
    assert_eq!(world.response(signed), Some((Status::Success, Some(reply))));
}

#[test]
fn a_signature_that_does_not_verify_never_leaves_and_its_host_is_replaced() {
    let mut world = world(1, true);
    world.create("app", "key");
    let signed = world.ask("app", &sign("key"));
    world.finish(signature());
    world.execute(Outcome::Refused(Status::PsaErrorInvalidSignature));
    assert_eq!(world.status(signed), Some(Status::PsaErrorCommunicationFailure));
    assert_eq!(world.killed.len(), 1);
}

#[test]
fn what_the_executor_leaves_is_done_on_a_lane() {
    let mut world = world(1, false);
    world.create("app", "key");
    let verified = world.ask("app", &verify("key"));
    world.execute(Outcome::NoEffect);
    assert!(world.executor.is_empty(), "it does not come back to the executor");
    let (_, _, job) = &world.jobs[0];
    assert!(matches!(**job, Job::Use { operation: KeyOperation::VerifyHash { .. }, .. }), "{job:?}");
    let destroyed = world.ask("app", &destroy("key"));
    assert!(world.commits.is_empty(), "a use of the key goes on");
    world.finish(Outcome::Done(Effect::Verified));
    assert_eq!(world.response(verified), Some((Status::Success, Some(Reply::PsaVerifyHash))));
    world.commit(CommitResult::Durable);
    assert_eq!(world.status(destroyed), Some(Status::Success));
    assert_eq!(world.service.memory().queued, 0);
}

#[test]
fn what_the_executor_leaves_is_refused_where_no_lane_may_do_it() {
    let mut other_device = world(1, false);
    other_device.create("app", "key");
    other_device.ask("app", &Operation::PsaGenerateRandom { size: 1 });
    let verified = other_device.ask("app", &verify("key"));
    other_device.host_dies();
    let replacement = other_device.replacement();
    other_device.open_with(replacement, Device(b"other".to_vec()));
    other_device.execute(Outcome::NoEffect);
    assert_eq!(other_device.status(verified), Some(Status::PsaErrorHardwareFailure));
    assert!(other_device.jobs.iter().all(|(_, _, job)| matches!(**job, Job::Random { .. })));

    let mut full = World::new(Config {
        executor: Some(ExecutorConfig { threads: 1, capabilities: capabilities() }),
        limits: Limits { tenant_queue: 1, ..Limits::default() },
        ..config(MaterialPlace::Record, 1)
    });
    full.create("app", "key");
    for _ in 0..3 {
        // One runs, one waits in the host, one in the queue.
        full.ask("app", &sign("key"));
    }
    let verified = full.ask("app", &verify("key"));
    full.execute(Outcome::NoEffect);
    assert_eq!(full.status(verified), Some(Status::PsaErrorInsufficientMemory));

    let mut ending = world(1, false);
    ending.create("app", "key");
    let verified = ending.ask("app", &verify("key"));
    ending.step(Input::ShutdownRequested { grace: Duration::from_secs(1) });
    ending.execute(Outcome::NoEffect);
    assert_eq!(ending.status(verified), Some(Status::PsaErrorCommunicationFailure));
    assert_eq!((ending.jobs.len(), ending.service.memory().queued), (0, 0));
}

#[test]
fn what_runs_on_the_executor_is_answered_before_the_end_and_what_waits_is_told() {
    let mut world = world(1, false);
    world.create("app", "key");
    let (runs, waits) = (world.ask("app", &verify("key")), world.ask("app", &verify("key")));
    world.step(Input::ShutdownRequested { grace: Duration::from_secs(1) });
    assert_eq!(world.status(waits), Some(Status::PsaErrorCommunicationFailure));
    assert_eq!(world.status(runs), None);
    world.execute(Outcome::Done(Effect::Verified));
    assert_eq!(world.status(runs), Some(Status::Success));
}

#[test]
fn principals_share_the_executor_whatever_the_number_of_their_names() {
    let mut world = world(1, false);
    let input = || b"message".as_slice().into();
    let hash = || Operation::PsaHashCompute { algorithm: Hash::Sha256, input: input() };
    // One user under forty names, before another under one.
    let many: Vec<_> = (0..40).map(|name| world.ask(&format!("name{name}"), &hash())).collect();
    let few: Vec<_> = (0..5)
        .map(|_| {
            let connection = world.connect_as(UID + 1);
            world.send(connection, &frame("one", &hash()));
            connection
        })
        .collect();
    for _ in 0..11 {
        assert_eq!(world.executor.len(), 1);
        world.pass(Duration::from_millis(1));
        world.execute(Outcome::Done(Effect::Output(vec![0; 32])));
    }
    let answered = |connections: &[_]| connections.iter().filter(|key| world.status(**key).is_some()).count();
    assert_eq!((answered(&many), answered(&few)), (6, 5));
}
