//! What the tests of the executor share.
#![allow(dead_code, reason = "each test file uses a part of it")]

use parsecd_core::ids::ObjectId;
use parsecd_core::job::{Job, KeyInUse, KeyOperation};
use parsecd_core::outcome::{Effect, Outcome};
use parsecd_core::record::{Binding, SealedMaterial};
use parsecd_psa::Provider;
use parsecd_wire::algorithm::{Algorithm, AsymmetricEncryption, AsymmetricSignature};
use parsecd_wire::attributes::{EccFamily, KeyType, UsageFlags};
use parsecd_wire::{KeyAttributes, SecretBytes, Status};
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

pub const P256: KeyType = KeyType::EccKeyPair(EccFamily::SecpR1);
pub const VERIFIED: Outcome = Outcome::Done(Effect::Verified);
pub const INVALID_SIGNATURE: Outcome = Outcome::Refused(Status::PsaErrorInvalidSignature);
pub const INVALID_ARGUMENT: Outcome = Outcome::Refused(Status::PsaErrorInvalidArgument);
pub const NOT_SUPPORTED: Outcome = Outcome::Refused(Status::PsaErrorNotSupported);

const OBJECT: ObjectId = ObjectId { boot: 1, counter: 2 };

/// Tests run in threads, Mbed TLS takes one at a time.
static TURN: Mutex<()> = Mutex::new(());

/// The software provider, to compare with.
pub fn with_provider<R>(run: impl FnOnce(&mut Provider) -> R) -> R {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    run(&mut Provider::open(&[7; 32]).unwrap())
}

fn attributes(key_type: KeyType, bits: u32) -> KeyAttributes {
    KeyAttributes { key_type, bits, usage: UsageFlags::default(), algorithm: Algorithm::None }
}

fn made(outcome: Outcome) -> KeyInUse {
    match outcome {
        Outcome::Done(Effect::Made { attributes, public, material }) => {
            KeyInUse { object: OBJECT, binding: binding(), attributes, public, material }
        }
        other => panic!("{other:?}"),
    }
}

fn binding() -> Binding {
    Binding(b"application, provider, name, object".to_vec())
}

pub fn generate(provider: &mut Provider, key_type: KeyType, bits: u32) -> KeyInUse {
    let attributes = attributes(key_type, bits);
    made(provider.run(&Job::Generate { object: OBJECT, binding: binding(), attributes }))
}

pub fn import(provider: &mut Provider, key_type: KeyType, data: &[u8]) -> KeyInUse {
    let data = SecretBytes::from(data);
    let attributes = attributes(key_type, 0);
    made(provider.run(&Job::Import { object: OBJECT, attributes, binding: binding(), data }))
}

/// An RSA key pair. OpenSSL makes them faster than the provider.
pub fn rsa_pair(provider: &mut Provider, bits: u32) -> KeyInUse {
    let pem = openssl(&["genrsa", "-traditional", &bits.to_string()], &[]);
    let der = openssl(&["rsa", "-traditional", "-outform", "DER"], &pem);
    import(provider, KeyType::RsaKeyPair, &der)
}

/// A key of which nothing but type, size and public part is known.
pub fn public_key(key_type: KeyType, bits: u32, public: &[u8]) -> KeyInUse {
    KeyInUse {
        object: OBJECT,
        binding: Binding(Vec::new()),
        attributes: attributes(key_type, bits),
        public: public.to_vec(),
        material: SealedMaterial::default(),
    }
}

pub fn sign(provider: &mut Provider, key: &KeyInUse, algorithm: AsymmetricSignature, hash: &[u8]) -> Vec<u8> {
    let operation = KeyOperation::SignHash { algorithm, hash: hash.to_vec() };
    output(provider.run(&Job::Use { key: key.clone(), operation }))
}

pub fn verify_job(key: &KeyInUse, algorithm: AsymmetricSignature, hash: &[u8], signature: &[u8]) -> Job {
    let operation =
        KeyOperation::VerifyHash { algorithm, hash: hash.to_vec(), signature: signature.to_vec() };
    Job::Use { key: key.clone(), operation }
}

pub fn encrypt_job(key: &KeyInUse, algorithm: AsymmetricEncryption, plaintext: &[u8], salt: &[u8]) -> Job {
    let operation = KeyOperation::AsymmetricEncrypt {
        algorithm,
        plaintext: SecretBytes::from(plaintext),
        salt: salt.to_vec(),
    };
    Job::Use { key: key.clone(), operation }
}

/// Runs the job on both, which have to agree.
pub fn both(provider: &mut Provider, job: &Job) -> Outcome {
    let outcome = parsecd_executor::run(job);
    assert_eq!(outcome, provider.run(job), "executor and provider differ: {job:?}");
    outcome
}

pub fn output(outcome: Outcome) -> Vec<u8> {
    match outcome {
        Outcome::Done(Effect::Output(output)) => output,
        other => panic!("{other:?}"),
    }
}

/// What OpenSSL prints.
pub fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "openssl {arguments:?}: {}", output.status);
    output.stdout
}
