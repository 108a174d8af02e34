//! I11: no `Debug` of a public type of `core` or `wire` shows a secret that it holds.

use parsecd_core::connection::{Chunks, FrameReader, Outgoing, Progress};
use parsecd_core::encoding::{HostRequest, HostResponse};
use parsecd_core::identity::{ApplicationIdentity, KeyIdentity};
use parsecd_core::ids::{ConnectionKey, HostKey, LaneKey, ObjectId, ProviderKey, Ticket};
use parsecd_core::input::Input;
use parsecd_core::job::{Job, KeyInUse, KeyOperation};
use parsecd_core::outcome::{Effect, Outcome};
use parsecd_core::output::{Output, Place};
use parsecd_core::record::{Binding, Device, EncodedRecord, Record, SealedMaterial};
use parsecd_core::store::{Counters, Fetched, ListedKey, Mutation, Page};
use parsecd_sim::call::Template;
use parsecd_sim::canary::{is_shown, mark};
use parsecd_sim::capabilities::ECDSA;
use parsecd_wire::algorithm::{
    Aead, AeadAlgorithm, AsymmetricEncryption, Cipher, FullLengthMac, Hash, Mac, RawKeyAgreement,
};
use parsecd_wire::{
    AuthenticationType, Opcode, Operation, ProviderId, Reply, RequestHeader, ResponseHeader, SecretBytes,
    Status,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

fn bytes() -> Vec<u8> {
    mark(vec![0xC5; 40])
}

fn secret() -> SecretBytes {
    bytes().into()
}

const AEAD: Aead = Aead::DefaultLengthTag(AeadAlgorithm::Gcm);
const CRYPT: AsymmetricEncryption = AsymmetricEncryption::RsaPkcs1v15Crypt;
const MAC: Mac = Mac::FullLength(FullLengthMac::Cmac);

#[derive(Default)]
struct Printed(BTreeMap<&'static str, Vec<String>>);

impl Printed {
    fn add(&mut self, name: &'static str, value: &impl Debug) {
        self.0.entry(name).or_default().extend([format!("{value:?}"), format!("{value:#?}")]);
    }
}

/// What each type prints where every secret part of it is marked.
fn printed() -> BTreeMap<&'static str, Vec<String>> {
    let mut all = Printed::default();
    keys_and_jobs(&mut all);
    store(&mut all);
    connections(&mut all);
    wire(&mut all);
    all.0
}

fn identity() -> KeyIdentity {
    let application = ApplicationIdentity { authenticator: AuthenticationType::Direct, name: "app".into() };
    KeyIdentity::new(&application, &"provider".into(), "key")
}

fn jobs() -> Vec<Job> {
    let object = ObjectId { boot: 1, counter: 2 };
    let attributes = Template::Secret.attributes();
    let binding = Binding::of(&identity(), object);
    let key = KeyInUse {
        object,
        binding: binding.clone(),
        attributes,
        public: vec![4],
        material: SealedMaterial(bytes()),
    };
    let operations = [
        KeyOperation::Export,
        KeyOperation::AsymmetricEncrypt { algorithm: CRYPT, plaintext: secret(), salt: vec![] },
        KeyOperation::AeadEncrypt {
            algorithm: AEAD,
            nonce: vec![1],
            additional_data: vec![2],
            plaintext: secret(),
        },
        KeyOperation::CipherEncrypt { algorithm: Cipher::Ctr, plaintext: secret() },
        KeyOperation::MacCompute { algorithm: MAC, input: secret() },
        KeyOperation::MacVerify { algorithm: MAC, input: secret(), mac: vec![3] },
        KeyOperation::Attest { credential_blob: vec![4], secret: secret() },
    ];
    let uses = operations.map(|operation| Job::Use { key: key.clone(), operation });
    let others = [
        Job::Import { object, attributes, binding, data: secret() },
        Job::HashCompute { algorithm: Hash::Sha256, input: secret() },
    ];
    others.into_iter().chain(uses).collect()
}

fn keys_and_jobs(all: &mut Printed) {
    all.add("SecretBytes", &secret());
    all.add("SealedMaterial", &SealedMaterial(bytes()));
    let made = Effect::Made {
        attributes: Template::Secret.attributes(),
        public: vec![4],
        material: SealedMaterial(bytes()),
    };
    for effect in [made, Effect::Secret(secret())] {
        all.add("Effect", &effect);
        let outcome = Outcome::Done(effect);
        all.add("Outcome", &outcome);
        all.add("HostResponse", &HostResponse::Finished { ticket: Ticket(1), outcome: outcome.clone() });
        all.add("Input", &Input::JobFinished { ticket: Ticket(1), outcome });
    }
    let host = HostKey { provider: ProviderKey(1), slot: 0, generation: 1 };
    for job in jobs() {
        if let Job::Use { key, operation } = &job {
            all.add("KeyInUse", key);
            all.add("KeyOperation", operation);
        }
        all.add("Job", &job);
        all.add("HostRequest", &HostRequest::Job { ticket: Ticket(1), job: job.clone() });
        let on = Place::Lane(LaneKey { host, lane: 0 });
        all.add("Output", &Output::StartJob { ticket: Ticket(1), on, job: Arc::new(job) });
    }
}

fn store(all: &mut Printed) {
    let record = Record {
        identity: identity(),
        object: ObjectId { boot: 1, counter: 2 },
        device: Device(vec![1]),
        attributes: Template::Secret.attributes(),
        public: vec![4],
        material: SealedMaterial(bytes()),
    };
    all.add("Record", &record);
    let encoded = record.encode();
    all.add("EncodedRecord", &encoded);
    all.add("EncodedRecord", &EncodedRecord(bytes()));
    let fetched = Fetched::Found(encoded.clone());
    all.add("Fetched", &fetched);
    let counters = Counters::default();
    all.add("Input", &Input::RecordFetched { ticket: Ticket(1), fetched, counters });
    let listed = ListedKey { provider: "provider".into(), name: "key".into(), record: Some(encoded.clone()) };
    all.add("ListedKey", &listed);
    let page = Page::Keys(vec![listed]);
    all.add("Page", &page);
    all.add("Input", &Input::Listed { ticket: Ticket(1), page });
    let mutation = Mutation::Publish {
        identity: identity(),
        object: record.object,
        record: encoded,
        principal: "group 1".into(),
    };
    all.add("Mutation", &mutation);
    all.add("Output", &Output::Commit { ticket: Ticket(1), mutation });
}

fn connections(all: &mut Printed) {
    let connection = ConnectionKey { slot: 1, generation: 1 };
    all.add("Input", &Input::BytesReceived { connection, bytes: &bytes() });
    all.add("Output", &Output::VerifyToken { ticket: Ticket(1), token: secret() });
    let mut chunks = Chunks::new(40);
    chunks.fill(&bytes());
    all.add("Chunks", &chunks);
    let mut outgoing = Outgoing::new();
    let header = ResponseHeader { body_length: 40, ..ResponseHeader::anonymous(Status::Success) };
    outgoing.push(&header, secret());
    all.add("Outgoing", &outgoing);
    let header = RequestHeader {
        flags: 0,
        provider: ProviderId::Core,
        session: 0,
        authentication_type: AuthenticationType::JwtSvid,
        body_length: 40,
        authentication_length: 40,
        opcode: Opcode::Ping,
    };
    let mut reader = FrameReader::new(40);
    for part in [header.to_bytes().to_vec(), bytes(), bytes()] {
        let push = reader.push(&part);
        all.add("FrameReader", &reader);
        all.add("Push", &push);
        all.add("Progress", &push.progress);
        if let Progress::Complete(frame) = &push.progress {
            all.add("Frame", frame);
        }
    }
}

fn wire(all: &mut Printed) {
    let key_name = || "key".to_owned();
    let operations = [
        Operation::PsaImportKey {
            key_name: key_name(),
            attributes: Template::Secret.attributes(),
            data: secret(),
        },
        Operation::PsaSignMessage { key_name: key_name(), algorithm: ECDSA, message: secret() },
        Operation::PsaVerifyMessage {
            key_name: key_name(),
            algorithm: ECDSA,
            message: secret(),
            signature: vec![1],
        },
        Operation::PsaAsymmetricEncrypt {
            key_name: key_name(),
            algorithm: CRYPT,
            plaintext: secret(),
            salt: None,
        },
        Operation::PsaAeadEncrypt {
            key_name: key_name(),
            algorithm: AEAD,
            nonce: vec![1],
            additional_data: vec![2],
            plaintext: secret(),
        },
        Operation::PsaCipherEncrypt { key_name: key_name(), algorithm: Cipher::Ctr, plaintext: secret() },
        Operation::PsaMacCompute { key_name: key_name(), algorithm: MAC, input: secret() },
        Operation::PsaMacVerify { key_name: key_name(), algorithm: MAC, input: secret(), mac: vec![1] },
        Operation::PsaHashCompute { algorithm: Hash::Sha256, input: secret() },
        Operation::PsaHashCompare { algorithm: Hash::Sha256, input: secret(), hash: vec![1] },
        Operation::AttestKey {
            attested_key_name: key_name(),
            attesting_key_name: None,
            credential_blob: vec![1],
            secret: secret(),
        },
        Operation::PsaRawKeyAgreement {
            algorithm: RawKeyAgreement::Ecdh,
            private_key_name: key_name(),
            peer_key: vec![1],
        },
    ];
    for operation in operations {
        all.add("Operation", &operation);
        let body = operation.encode();
        for length in 0..body.len() {
            if let Err(error) = Operation::decode(operation.opcode(), &body.expose()[..length]) {
                all.add("Operation", &(&error, error.to_string()));
            }
        }
    }
    let replies = [
        Reply::PsaExportKey { data: secret() },
        Reply::PsaAsymmetricDecrypt { plaintext: secret() },
        Reply::PsaAeadDecrypt { plaintext: secret() },
        Reply::PsaCipherDecrypt { plaintext: secret() },
        Reply::PsaGenerateRandom { random_bytes: secret() },
        Reply::PsaRawKeyAgreement { shared_secret: secret() },
        Reply::AttestKey { credential: secret() },
    ];
    replies.iter().for_each(|reply| all.add("Reply", reply));
}

/// Types of the sources: name, whether it is public, whether it prints, and its definition.
fn types() -> Vec<(String, bool, bool, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut text = String::new();
    for directory in ["core/src", "wire/src"] {
        read_all(&root.join(directory), &mut text);
    }
    let mut types = Vec::new();
    let mut derived = false;
    let lines: Vec<&str> = text.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let line = line.trim();
        let mut words = line.split_whitespace();
        let first = words.next().unwrap_or_default();
        let kind = if first.starts_with("pub") { words.next().unwrap_or_default() } else { first };
        if kind != "struct" && kind != "enum" {
            derived = line.starts_with("#[derive(") && line.contains("Debug")
                || derived && (line.starts_with("#[") || line.starts_with("//"));
            continue;
        }
        let rest = words.next().unwrap_or_default();
        let name: String = rest.chars().take_while(|one| one.is_alphanumeric()).collect();
        let indent = lines[index].len() - lines[index].trim_start().len();
        let ends = |later: &&str| {
            let trimmed = later.trim_start();
            later.len() - trimmed.len() == indent && trimmed.starts_with(['}', ')'])
        };
        let one_line = line.ends_with([';', '}']);
        let length = if one_line { 0 } else { lines[index..].iter().position(ends).unwrap_or(0) };
        let body = lines[index..=index + length].join("\n");
        let prints = derived || text.contains(&format!("Debug for {name}"));
        types.push((name, first == "pub", prints, body));
        derived = false;
    }
    types
}

fn read_all(directory: &Path, text: &mut String) {
    for entry in std::fs::read_dir(directory).expect("sources are there") {
        let path = entry.expect("they can be read").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && name != "generated" {
            read_all(&path, text);
        } else if name.ends_with(".rs") && !["tests.rs", "samples.rs"].contains(&name) {
            let source = std::fs::read_to_string(&path).expect("a source can be read");
            text.push_str(source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default());
        }
    }
}

/// Whether a definition mentions a type: never as the first word of a line, which is the name of a variant.
fn mentions(body: &str, name: &str) -> bool {
    body.lines().any(|line| {
        let words: Vec<&str> = line.trim().split(|one: char| !one.is_alphanumeric()).collect();
        words.iter().skip(1).any(|word| *word == name) && !line.trim().starts_with("//")
    })
}

/// Public types that print and in which a secret may be, however deep.
fn holders() -> BTreeSet<String> {
    let types = types();
    let roots = ["SecretBytes", "SealedMaterial", "EncodedRecord", "Input"];
    let mut holders: BTreeSet<String> = roots.map(str::to_owned).into();
    loop {
        let more: Vec<_> = types
            .iter()
            .filter(|(name, _, _, body)| {
                !holders.contains(name) && holders.iter().any(|one| mentions(body, one))
            })
            .map(|(name, ..)| name.clone())
            .collect();
        if more.is_empty() {
            break;
        }
        holders.extend(more);
    }
    let printing = types.into_iter().filter(|(_, public, prints, _)| *public && *prints);
    printing.map(|(name, ..)| name).filter(|name| holders.contains(name)).collect()
}

#[test]
fn no_debug_shows_a_secret_and_no_type_that_may_hold_one_is_forgotten() {
    let printed = printed();
    for (name, texts) in &printed {
        for text in texts {
            assert!(!is_shown(text), "{name} shows a secret: {text}");
        }
    }
    let known: BTreeSet<String> = printed.keys().map(|name| (*name).to_owned()).collect();
    assert_eq!(holders(), known);
}
