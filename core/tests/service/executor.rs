//! Public-key operations and hashes on the executor, and signatures that are verified before they leave.

use crate::world::{PROVIDER, World, capabilities, config, destroy, ecdsa, sign, signature};
use parsecd_core::config::{Config, ExecutorConfig, MaterialPlace};
use parsecd_core::outcome::{Effect, Outcome};
use parsecd_core::store::CommitResult;
use parsecd_wire::algorithm::Hash;
use parsecd_wire::{Operation, Reply, Status};

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
