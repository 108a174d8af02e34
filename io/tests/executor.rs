//! What needs no device is done while every lane host stands still.

mod support;

use parsecd_client::wire::algorithm::{Algorithm, AsymmetricEncryption, AsymmetricSignature, Hash, SignHash};
use parsecd_client::wire::attributes::{EccFamily, KeyType, UsageFlags};
use parsecd_client::wire::{KeyAttributes, Operation, Reply, SecretBytes, Status};
use parsecd_client::{Authentication, Client, Endpoint, Error};
use rustix::process::{Pid, Signal, kill_process};
use std::io::Write;
use std::process::{Command, Stdio};
use support::{Daemon, Options, Place};

const ECDSA: AsymmetricSignature = AsymmetricSignature::Ecdsa(SignHash::Specific(Hash::Sha256));
const OAEP: AsymmetricEncryption = AsymmetricEncryption::RsaOaep(Hash::Sha256);

fn place(core_settings: &str) -> Place {
    // Room for an input of one mebibyte and what surrounds it.
    let core_settings = format!("body_len_limit = 2097152\n{core_settings}");
    Place::new(&Options { core_settings, ..Options::default() })
}

fn client(place: &Place) -> Client {
    Client::new(Endpoint::at(place.socket()))
        .choose_provider()
        .unwrap()
        .with_authentication(Authentication::Direct("tester".into()))
}

/// Lane hosts that stand still until this is dropped.
struct Stopped(Vec<Pid>);

impl Stopped {
    fn all(daemon: &mut Daemon) -> Stopped {
        daemon.wait_until("both hosts run", |daemon| daemon.hosts().len() == 2);
        let pid = |pid: u32| Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
        let hosts: Vec<Pid> = daemon.hosts().into_iter().map(pid).collect();
        for host in &hosts {
            kill_process(*host, Signal::STOP).unwrap();
        }
        Stopped(hosts)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        for host in &self.0 {
            kill_process(*host, Signal::CONT).ok();
        }
    }
}

fn ecdsa_key() -> KeyAttributes {
    KeyAttributes {
        key_type: KeyType::EccKeyPair(EccFamily::SecpR1),
        bits: 256,
        usage: UsageFlags { sign_hash: true, verify_hash: true, ..UsageFlags::default() },
        algorithm: Algorithm::AsymmetricSignature(ECDSA),
    }
}

fn rsa_key() -> KeyAttributes {
    KeyAttributes {
        key_type: KeyType::RsaKeyPair,
        bits: 1024,
        usage: UsageFlags { encrypt: true, decrypt: true, ..UsageFlags::default() },
        algorithm: Algorithm::AsymmetricEncryption(OAEP),
    }
}

/// What a program prints.
fn output_of(command: &mut Command, input: &[u8]) -> Vec<u8> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", output.status);
    output.stdout
}

fn sha256sum(input: &[u8]) -> String {
    let output = output_of(&mut Command::new("sha256sum"), input);
    String::from_utf8(output).unwrap()[..64].to_owned()
}

fn openssl(arguments: &str, input: &[u8]) -> Vec<u8> {
    output_of(Command::new("openssl").args(arguments.split(' ')).stderr(Stdio::null()), input)
}

#[test]
fn verify_encrypt_and_hash_work_while_every_host_stands_still() {
    let place = place("");
    let mut daemon = place.start();
    let client = client(&place);
    client.generate_key("signs", ecdsa_key()).unwrap();
    client.generate_key("decrypts", rsa_key()).unwrap();
    let signature = client.sign_hash("signs", ECDSA, &[7; 32]).unwrap();

    let stopped = Stopped::all(&mut daemon);
    client.verify_hash("signs", ECDSA, &[7; 32], &signature).unwrap();
    let refused = client.verify_hash("signs", ECDSA, &[8; 32], &signature);
    assert!(matches!(refused, Err(Error::Service(Status::PsaErrorInvalidSignature))), "{refused:?}");
    let input: Vec<u8> = (0..1u32 << 20).map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let hash = client.hash_compute(Hash::Sha256, &input).unwrap();
    assert_eq!(support::hex(&hash), sha256sum(&input));
    let encrypt = Operation::PsaAsymmetricEncrypt {
        key_name: "decrypts".into(),
        algorithm: OAEP,
        plaintext: SecretBytes::from(b"text".as_slice()),
        salt: Some(b"label".to_vec()),
    };
    let ciphertext = match client.request(client.provider(), &encrypt).unwrap() {
        Reply::PsaAsymmetricEncrypt { ciphertext } => ciphertext,
        other => panic!("{other:?}"),
    };

    drop(stopped);
    let decrypt = Operation::PsaAsymmetricDecrypt {
        key_name: "decrypts".into(),
        algorithm: OAEP,
        ciphertext,
        salt: Some(b"label".to_vec()),
    };
    match client.request(client.provider(), &decrypt).unwrap() {
        Reply::PsaAsymmetricDecrypt { plaintext } => assert_eq!(plaintext.expose(), b"text"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_key_that_the_executor_leaves_is_used_by_a_host() {
    let place = place("");
    let mut daemon = place.start();
    let client = client(&place);
    // Its exponent is longer than what the executor takes.
    let options = "-pkeyopt rsa_keygen_bits:1024 -pkeyopt rsa_keygen_pubexp:4294967297";
    let pair = openssl(&format!("genpkey -algorithm RSA {options}"), b"");
    let public = openssl("rsa -RSAPublicKey_out -outform DER", &pair);
    let attributes = KeyAttributes { key_type: KeyType::RsaPublicKey, ..rsa_key() };
    client.import_key("long", attributes, SecretBytes::new(public)).unwrap();
    let encrypt = Operation::PsaAsymmetricEncrypt {
        key_name: "long".into(),
        algorithm: OAEP,
        plaintext: SecretBytes::from(b"text".as_slice()),
        salt: None,
    };
    let ciphertext = match client.request(client.provider(), &encrypt).unwrap() {
        Reply::PsaAsymmetricEncrypt { ciphertext } => ciphertext,
        other => panic!("{other:?}"),
    };
    let key = place.path().join("pair.pem");
    std::fs::write(&key, &pair).unwrap();
    let padding = "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256";
    let decrypt = format!("pkeyutl -decrypt -inkey {} {padding}", key.display());
    assert_eq!(openssl(&decrypt, &ciphertext), b"text");

    let impatient = client.with_deadline(std::time::Duration::from_millis(300));
    let _stopped = Stopped::all(&mut daemon);
    impatient.request(impatient.provider(), &encrypt).expect_err("no host answers");
}

#[test]
fn without_an_executor_the_hosts_verify_and_hash() {
    let place = place("executor_threads = 0\n");
    let mut daemon = place.start();
    let client = client(&place);
    client.generate_key("signs", ecdsa_key()).unwrap();
    let signature = client.sign_hash("signs", ECDSA, &[7; 32]).unwrap();
    client.verify_hash("signs", ECDSA, &[7; 32], &signature).unwrap();
    let hash = client.hash_compute(Hash::Sha256, b"text").unwrap();
    assert_eq!(support::hex(&hash), sha256sum(b"text"));

    let impatient = client.with_deadline(std::time::Duration::from_millis(300));
    let _stopped = Stopped::all(&mut daemon);
    impatient.hash_compute(Hash::Sha256, b"text").expect_err("no host answers");
}
