//! Threats of SECURITY.md that only the whole daemon can be tried with.

mod support;

use parsecd_client::wire::algorithm::{
    Aead, AeadAlgorithm, Algorithm, AsymmetricSignature, Cipher, Hash, SignHash,
};
use parsecd_client::wire::attributes::{EccFamily, KeyType, UsageFlags};
use parsecd_client::wire::{KeyAttributes, Operation, Reply, SecretBytes};
use parsecd_client::{Authentication, Client, Endpoint, Error};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use support::{Daemon, Options, PING, PONG, Place, bytes, hex};

const GCM: Aead = Aead::DefaultLengthTag(AeadAlgorithm::Gcm);
const ECDSA: AsymmetricSignature = AsymmetricSignature::Ecdsa(SignHash::Specific(Hash::Sha256));

fn client(place: &Place, application: &str) -> Client {
    Client::new(Endpoint::at(place.socket()))
        .choose_provider()
        .unwrap()
        .with_authentication(Authentication::Direct(application.into()))
}

fn all_flags() -> UsageFlags {
    UsageFlags {
        export: true,
        encrypt: true,
        decrypt: true,
        sign_hash: true,
        verify_hash: true,
        ..UsageFlags::default()
    }
}

fn key_for(algorithm: Aead) -> KeyAttributes {
    KeyAttributes {
        key_type: KeyType::Aes,
        bits: 256,
        usage: all_flags(),
        algorithm: Algorithm::Aead(algorithm),
    }
}

fn signing_key() -> KeyAttributes {
    KeyAttributes {
        key_type: KeyType::EccKeyPair(EccFamily::SecpR1),
        bits: 256,
        usage: all_flags(),
        algorithm: Algorithm::AsymmetricSignature(ECDSA),
    }
}

/// Secrets of a client, each of them different from everything else that there is.
struct Secrets([SecretBytes; 3]);

impl Secrets {
    fn new() -> Secrets {
        let random = || {
            let mut bytes = vec![0; 32];
            File::open("/dev/urandom").unwrap().read_exact(&mut bytes).unwrap();
            SecretBytes::new(bytes)
        };
        Secrets(std::array::from_fn(|_| random()))
    }

    /// Sends each to the service and gets back what it gives back of them.
    fn pass_through(&self, client: &Client) {
        let Secrets([material, text, input]) = self;
        client.import_key("secret", key_for(GCM), material.clone()).unwrap();
        assert_eq!(client.export_key("secret").unwrap().expose(), material.expose());
        let key_name = || String::from("secret");
        let (nonce, additional_data) = (vec![7; 12], Vec::new());
        let encrypt = Operation::PsaAeadEncrypt {
            key_name: key_name(),
            algorithm: GCM,
            nonce: nonce.clone(),
            additional_data: additional_data.clone(),
            plaintext: text.clone(),
        };
        let ciphertext = match client.request(client.provider(), &encrypt).unwrap() {
            Reply::PsaAeadEncrypt { ciphertext } => ciphertext,
            other => panic!("{other:?}"),
        };
        let decrypt = Operation::PsaAeadDecrypt {
            key_name: key_name(),
            algorithm: GCM,
            nonce,
            additional_data,
            ciphertext,
        };
        match client.request(client.provider(), &decrypt).unwrap() {
            Reply::PsaAeadDecrypt { plaintext } => assert_eq!(plaintext.expose(), text.expose()),
            other => panic!("{other:?}"),
        }
        // More than is read from a connection at a time.
        client.hash_compute(Hash::Sha256, &input.expose().repeat(5000)).unwrap();
        // A client that makes mistakes has secrets too.
        let wrong = KeyAttributes { bits: 192, ..key_for(GCM) };
        client.import_key("wrong", wrong, material.clone()).unwrap_err();
        client.import_key("secret", key_for(GCM), text.clone()).unwrap_err();
        let elsewhere = Operation::PsaCipherEncrypt {
            key_name: key_name(),
            algorithm: Cipher::Ctr,
            plaintext: text.clone(),
        };
        client.request(client.provider(), &elsewhere).unwrap_err();
    }

    /// What is left of them in `bytes`: halves are looked for, as they are and as text.
    fn left_in(&self, bytes: &[u8]) -> Vec<&'static str> {
        let names = ["key material", "plaintext", "input of a hash"];
        let halves = |secret: &SecretBytes| {
            let (first, second) = secret.expose().split_at(16);
            [first.to_vec(), second.to_vec(), hex(first).into_bytes(), hex(second).into_bytes()]
        };
        let is_left = |secret: &&SecretBytes| halves(secret).iter().any(|half| contains(bytes, half));
        self.0.iter().zip(names).filter(|(secret, _)| is_left(secret)).map(|(_, name)| name).collect()
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    let first = part[0];
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| *byte == first) {
        if rest[at..].starts_with(part) {
            return true;
        }
        rest = &rest[at + 1..];
    }
    false
}

/// The writable memory of a process.
fn memory(pid: u32) -> Vec<u8> {
    let file = File::open(format!("/proc/{pid}/mem")).unwrap();
    let mut memory = Vec::new();
    for line in fs::read_to_string(format!("/proc/{pid}/maps")).unwrap().lines() {
        let (range, rest) = line.split_once(' ').unwrap();
        if !rest.starts_with("rw") {
            continue;
        }
        let (start, end) = range.split_once('-').unwrap();
        let [start, end] = [start, end].map(|address| u64::from_str_radix(address, 16).unwrap());
        let mut part = vec![0; usize::try_from(end - start).unwrap()];
        // Some mappings cannot be read, such as those of the kernel.
        if file.read_exact_at(&mut part, start).is_ok() {
            memory.extend(part);
        }
    }
    memory
}

fn sockets(daemon: &Daemon) -> usize {
    let descriptors = fs::read_dir(format!("/proc/{}/fd", daemon.pid())).unwrap();
    descriptors.filter(|entry| is_socket(&entry.as_ref().unwrap().path())).count()
}

fn is_socket(descriptor: &Path) -> bool {
    fs::read_link(descriptor).is_ok_and(|target| target.to_string_lossy().starts_with("socket:"))
}

#[test]
fn no_secret_is_left_in_the_memory_of_the_daemon() {
    let place = Place::new(&Options::default());
    let mut daemon = place.start();
    let secrets = Secrets::new();
    let before = sockets(&daemon);
    secrets.pass_through(&client(&place, "app"));
    daemon.wait_until("nobody is connected", |daemon| sockets(daemon) <= before);
    assert_eq!(secrets.left_in(&memory(daemon.pid())), [""; 0]);
    for host in daemon.hosts() {
        assert_eq!(secrets.left_in(&memory(host)), [""; 0], "in a lane host");
    }
    // The search finds what is there.
    let held = memory(std::process::id());
    assert_eq!(secrets.left_in(&held).len(), 3);
}

#[test]
fn no_secret_reaches_the_log_or_the_audit_at_any_level() {
    let audit = tempfile::NamedTempFile::new().unwrap();
    let core_settings = format!("log_error_details = true\naudit_log = {:?}\n", audit.path());
    let place = Place::new(&Options { log_level: "trace", core_settings, ..Options::default() });
    let mut daemon = place.start();
    let secrets = Secrets::new();
    secrets.pass_through(&client(&place, "app"));
    daemon.wait_until("the last answer is logged", |daemon| daemon.log().contains("PsaCipherEncrypt"));
    let audited = fs::read(audit.path()).unwrap();
    assert!(contains(&audited, b"PsaImportKey"));
    assert_eq!(secrets.left_in(daemon.log().as_bytes()), [""; 0]);
    assert_eq!(secrets.left_in(&audited), [""; 0]);
}

#[test]
fn every_request_about_keys_has_exactly_one_audit_record() {
    const CLIENTS: usize = 4;
    const ROUNDS: usize = 50;
    let audit = tempfile::NamedTempFile::new().unwrap();
    let core_settings = format!("audit_log = {:?}\n", audit.path());
    let place = Place::new(&Options { core_settings, ..Options::default() });
    let _daemon = place.start();
    std::thread::scope(|scope| {
        for number in 0..CLIENTS {
            let client = client(&place, &format!("app{number}"));
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let name = format!("key{round}");
                    client.generate_key(&name, signing_key()).unwrap();
                    let signature = client.sign_hash(&name, ECDSA, &[7; 32]).unwrap();
                    client.verify_hash(&name, ECDSA, &[8; 32], &signature).unwrap_err();
                    client.sign_hash("no such key", ECDSA, &[7; 32]).unwrap_err();
                    client.export_public_key(&name).unwrap();
                    client.hash_compute(Hash::Sha256, b"about no key").unwrap();
                    client.destroy_key(&name).unwrap();
                }
            });
        }
    });
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for line in fs::read_to_string(audit.path()).unwrap().lines() {
        let record: Value = serde_json::from_str(line).expect(line);
        *counts.entry(record["opcode"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let times = |times| times * CLIENTS * ROUNDS;
    let expected = [
        ("PsaDestroyKey", times(1)),
        ("PsaExportPublicKey", times(1)),
        ("PsaGenerateKey", times(1)),
        ("PsaSignHash", times(2)),
        ("PsaVerifyHash", times(1)),
    ];
    assert_eq!(counts, expected.map(|(opcode, count)| (opcode.to_owned(), count)).into());
}

#[test]
fn answers_hold_no_byte_of_the_requests_of_others() {
    let place = Place::new(&Options::default());
    let daemon = place.start();
    std::thread::scope(|scope| {
        for number in 0..4_usize {
            let daemon = &daemon;
            scope.spawn(move || {
                for round in 0..1000 {
                    // Secrets that come whole, in pieces, or never to their end, in buffers of every size.
                    let mut socket = daemon.connect();
                    let mut frame = bytes(PING);
                    frame[22..26].copy_from_slice(&u32::try_from(8 << (round % 12)).unwrap().to_le_bytes());
                    frame.extend([b'#'; 8 << 11]);
                    let sent = 36 + (round * 7 + number) % (8 << 11);
                    socket.write_all(&frame[..sent]).ok();
                    drop(socket);
                    assert_eq!(daemon.exchange(PING), PONG);
                }
            });
        }
    });
}

#[test]
fn after_whatever_a_client_asked_for_it_starts_again_and_other_keys_work() {
    let place = Place::new(&Options::default());
    let mut daemon = place.start();
    let honest = client(&place, "honest");
    honest.generate_key("key", signing_key()).unwrap();
    let odd = client(&place, "odd");
    let names = [
        String::new(),
        "\0".into(),
        "../../store.key".into(),
        "'; DROP TABLE keys; --".into(),
        "🔑".repeat(1024),
    ];
    for name in &names {
        odd.generate_key(name, signing_key()).unwrap();
    }
    // Policies that permit nothing, or what cannot be.
    let shortened = Aead::ShortenedTag { algorithm: AeadAlgorithm::Ccm, tag_length: 3 };
    odd.generate_key("no tag", key_for(shortened)).unwrap();
    odd.generate_key("nothing", KeyAttributes { usage: UsageFlags::default(), ..signing_key() }).unwrap();
    let raw = KeyAttributes {
        key_type: KeyType::RawData,
        bits: 0,
        usage: all_flags(),
        algorithm: Algorithm::AsymmetricSignature(ECDSA),
    };
    odd.import_key("raw", raw, SecretBytes::from(b"not a key".as_slice())).ok();
    let point = KeyAttributes { key_type: KeyType::EccPublicKey(EccFamily::SecpR1), ..signing_key() };
    odd.import_key("no point", point, SecretBytes::new(vec![4; 65])).unwrap_err();
    let kept = odd.list_keys().unwrap().len();
    assert!(kept >= names.len() + 2);

    for _ in 0..2 {
        daemon.kill();
        daemon = place.start();
        assert_eq!(odd.list_keys().unwrap().len(), kept);
        let signature = honest.sign_hash("key", ECDSA, &[7; 32]).unwrap();
        honest.verify_hash("key", ECDSA, &[7; 32], &signature).unwrap();
        for name in &names {
            odd.sign_hash(name, ECDSA, &[7; 32]).unwrap();
        }
        let refused = odd.sign_hash("nothing", ECDSA, &[7; 32]);
        assert!(matches!(refused, Err(Error::Service(_))), "{refused:?}");
    }
}
