//! The log and the audit log of a running daemon.

mod support;

use parsecd_client::wire::algorithm::{Algorithm, AsymmetricSignature, Hash, SignHash};
use parsecd_client::wire::attributes::{EccFamily, KeyType, UsageFlags};
use parsecd_client::wire::{KeyAttributes, ProviderId, Status};
use parsecd_client::{Authentication, Client, Endpoint, Error};
use rustix::process::Signal;
use serde_json::Value;
use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use support::{Options, PING, PONG, Place, hex};

/// ListKeys by an application with this name.
fn list_keys(application: &str) -> String {
    let length = u16::try_from(application.len()).unwrap().to_le_bytes();
    format!(
        "10a7c05e1e000100000000000000000000000000000100000000{}1a00000000000000{}",
        hex(&length),
        hex(application.as_bytes())
    )
}

/// Every answer as an object.
const JSON: &str = "log_format = \"json\"";

/// A name that would break out of a line, out of JSON, and out of a terminal.
const NAME: &str = "a\nINFO answered\r\"}\u{1b}[31m\u{7f}\u{85}\u{2028}🔑";

#[test]
fn an_answer_is_one_line_of_json_with_everything_that_tells_what_was_asked_by_whom() {
    let place = Place::new(&Options { core_settings: JSON.into(), log_level: "debug", ..Options::default() });
    let mut daemon = place.start();
    daemon.exchange(&list_keys(NAME));
    daemon.wait_until("the answer is logged", |daemon| daemon.log().contains("ListKeys"));
    let log = daemon.log();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let answer = lines.iter().find(|line| line["opcode"] == "ListKeys").unwrap();
    assert_eq!(answer["identity"], NAME);
    assert_eq!(answer["authenticator"], "Direct");
    assert_eq!(answer["provider"], "Core");
    assert_eq!(answer["status"], 0);
    assert_eq!(answer["uid"], rustix::process::geteuid().as_raw());
    for number in ["request", "queued_us", "ran_us"] {
        assert!(answer[number].is_u64(), "{number}: {answer}");
    }
}

#[test]
fn a_name_cannot_break_out_of_its_line_of_text() {
    let place = Place::new(&Options { log_level: "debug", ..Options::default() });
    let mut daemon = place.start();
    daemon.exchange(&list_keys(NAME));
    daemon.wait_until("the answer is logged", |daemon| daemon.log().contains("ListKeys"));
    let log = daemon.log();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("ListKeys")).collect();
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains("identity=\"a\\nINFO answered\\r\\\"}"), "{}", lines[0]);
    assert!(log.chars().all(|character| character == '\n' || !character.is_control()), "{log:?}");
}

#[test]
fn a_log_that_nobody_reads_holds_up_nobody_and_the_lines_it_cost_are_counted() {
    let place = Place::new(&Options { core_settings: JSON.into(), log_level: "debug", ..Options::default() });
    let (mut daemon, mut unread) = place.start_unread();
    // Two kibibytes a line: far more than pipe and buffer take.
    let application = "a".repeat(2048);
    for _ in 0..2000 {
        assert!(!daemon.exchange(&list_keys(&application)).is_empty());
    }
    assert_eq!(daemon.exchange(PING), PONG);
    let log = std::thread::spawn(move || {
        let mut text = String::new();
        unread.read_to_string(&mut text).map(|_| text)
    });
    daemon.signal(rustix::process::Signal::TERM);
    assert_eq!(daemon.wait().code(), Some(0));
    let log = log.join().unwrap().unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let logged = lines.iter().filter(|line| line["opcode"] == "ListKeys").count();
    let dropped: u64 = lines.iter().filter_map(|line| line["dropped"].as_u64()).sum();
    assert!(logged < 2000, "{logged} of 2000 lines fitted");
    assert!(dropped >= 2000 - u64::try_from(logged).unwrap(), "{logged} logged, {dropped} dropped");
}

#[test]
fn audit_events_are_in_their_file_before_their_answer_leaves() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("audit.json");
    let place = Place::new(&Options { core_settings: format!("audit_log = {file:?}"), ..Options::default() });
    let daemon = place.start();
    for count in 1..=50 {
        assert!(!daemon.exchange(&list_keys(NAME)).is_empty());
        let text = fs::read_to_string(&file).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), count);
        assert_eq!(lines[count - 1]["application"], NAME);
        assert_eq!(lines[count - 1]["opcode"], "ListKeys");
    }
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn an_audit_log_that_cannot_be_opened_is_named_with_what_to_do() {
    let options =
        Options { core_settings: "audit_log = \"/nonexistent/audit\"".into(), ..Options::default() };
    let refused = Place::new(&options).run(&[]);
    let log = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{log}");
    assert!(log.contains("/nonexistent/audit: ") && log.contains("in a directory that exists"), "{log}");
}

#[test]
fn a_store_that_is_made_beside_the_keys_of_a_lost_one_is_warned_about_and_a_first_one_is_not() {
    let place = Place::new(&Options::default());
    let warning = "if its database was lost";
    let mut first = place.start();
    first.signal(Signal::TERM);
    first.wait();
    assert!(!first.log().contains(warning), "{}", first.log());
    fs::remove_file(place.path().join("store/keys.sqlite")).unwrap();
    let second = place.start();
    assert!(second.log().contains(warning), "{}", second.log());
}

#[test]
fn with_another_store_key_the_operator_is_told_why_keys_cannot_be_used() {
    let place = Place::new(&Options::default());
    let mut daemon = place.start();
    let client = Client::new(Endpoint::at(place.socket()))
        .with_authentication(Authentication::Direct("app".into()))
        .with_provider(ProviderId::MbedCrypto);
    client.generate_key("key", signing_key()).unwrap();
    daemon.signal(Signal::TERM);
    daemon.wait();
    let path = place.path().join("store/store.key");
    let other: Vec<u8> = fs::read(&path).unwrap().iter().map(|byte| byte ^ 0x5A).collect();
    fs::write(&path, other).unwrap();
    let mut daemon = place.start();
    let signed = client.sign_hash("key", ECDSA, &[7; 32]);
    assert!(matches!(signed, Err(Error::Service(Status::PsaErrorHardwareFailure))), "{signed:?}");
    daemon.wait_until("it is told", |daemon| daemon.log().contains("its store.key"));
}

const ECDSA: AsymmetricSignature = AsymmetricSignature::Ecdsa(SignHash::Specific(Hash::Sha256));

fn signing_key() -> KeyAttributes {
    KeyAttributes {
        key_type: KeyType::EccKeyPair(EccFamily::SecpR1),
        bits: 256,
        usage: UsageFlags { sign_hash: true, ..UsageFlags::default() },
        algorithm: Algorithm::AsymmetricSignature(ECDSA),
    }
}
