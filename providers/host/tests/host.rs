//! The host as the daemon sees it: the built program over a real socket pair.

mod support;

use parsecd_core::encoding::{FRAME_MAX, HostRequest, HostResponse};
use parsecd_core::ids::Ticket;
use parsecd_core::job::Job;
use parsecd_core::outcome::{Effect, Outcome};
use parsecd_wire::attributes::KeyType;
use rustix::process::Signal;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use support::*;

fn job(ticket: u64, job: Job) -> HostRequest {
    HostRequest::Job { ticket: Ticket(ticket), job }
}

fn random(ticket: u64) -> HostRequest {
    job(ticket, Job::Random { length: 16 })
}

fn is_random(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Done(Effect::Secret(bytes)) if bytes.len() == 16)
}

#[test]
fn a_key_is_made_signs_and_its_signature_verifies() {
    let store_key = StoreKey::new();
    let mut host = Host::open(&store_key);
    assert!(matches!(host.run(Job::Open), Outcome::Done(Effect::Opened { .. })));
    let key = made(host.run(generate_p256()));
    let signature = signature(host.run(sign(&key)));
    assert_eq!(host.run(verify(&key, signature)), Outcome::Done(Effect::Verified));
    assert!(host.end().status.success());
}

#[test]
fn a_key_outlives_the_host_that_made_it() {
    let store_key = StoreKey::new();
    let mut host = Host::open(&store_key);
    let key = made(host.run(generate_p256()));
    host.send(&[job(1, generate(KeyType::RsaKeyPair, 4096))]);
    host.signal(Signal::KILL);
    assert_eq!(host.response(), None, "the daemon sees the end of the stream");

    let mut next = Host::open(&store_key);
    let signature = signature(next.run(sign(&key)));
    assert_eq!(next.run(verify(&key, signature)), Outcome::Done(Effect::Verified));
}

#[test]
fn jobs_that_come_at_once_are_answered_in_order() {
    let store_key = StoreKey::new();
    let mut host = Host::open(&store_key);
    let requests: Vec<HostRequest> = (0..500)
        .map(|ticket| if ticket % 50 == 0 { job(ticket, generate_p256()) } else { random(ticket) })
        .collect();
    host.send(&requests);
    for expected in 0..500 {
        let (ticket, outcome) = host.finished();
        assert_eq!(ticket, expected);
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    }
}

#[test]
fn a_job_that_waits_can_be_cancelled_and_any_other_cancel_means_nothing() {
    let store_key = StoreKey::new();
    let mut host = Host::open(&store_key);
    let slow = job(1, generate(KeyType::RsaKeyPair, 1024));
    let cancel = |ticket| HostRequest::Cancel { ticket: Ticket(ticket) };
    host.send(&[slow, random(2), random(3), cancel(2), cancel(2), cancel(9)]);
    assert_eq!(host.finished(), (2, Outcome::NoEffect));
    let (ticket, outcome) = host.finished();
    assert!(ticket == 1 && matches!(outcome, Outcome::Done(Effect::Made { .. })));
    let (ticket, outcome) = host.finished();
    assert!(ticket == 3 && is_random(&outcome));
    host.send(&[cancel(3), random(4)]);
    let (ticket, outcome) = host.finished();
    assert!(ticket == 4 && is_random(&outcome));
}

#[test]
fn requests_split_into_single_bytes_are_understood() {
    let store_key = StoreKey::new();
    let mut host = Host::open(&store_key);
    let frame = random(5).to_frame().unwrap();
    for byte in frame.expose() {
        host.socket.write_all(&[*byte]).unwrap();
    }
    let (ticket, outcome) = host.finished();
    assert!(ticket == 5 && is_random(&outcome));
}

#[test]
fn large_answers_arrive_whole() {
    let store_key = StoreKey::new();
    let mut host = Host::open(&store_key);
    let length = 3 << 20;
    match host.run(Job::Random { length }) {
        Outcome::Done(Effect::Secret(bytes)) => assert_eq!(bytes.len(), length as usize),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_end_of_the_stream_ends_the_host() {
    let store_key = StoreKey::new();
    let idle = Host::open(&store_key).end();
    assert!(idle.status.success());
    assert_eq!(String::from_utf8_lossy(&idle.stderr), "");

    // In a call, or before it: either way the host finishes and leaves.
    let mut busy = Host::open(&store_key);
    busy.send(&[job(1, generate(KeyType::RsaKeyPair, 2048)), random(2)]);
    assert!(busy.end().status.success());

    // A daemon that was killed while it wrote.
    let mut cut = Host::open(&store_key);
    cut.socket.write_all(&random(1).to_frame().unwrap().expose()[..7]).unwrap();
    assert!(cut.end().status.success());
}

#[test]
fn signals_of_the_terminal_are_left_to_the_daemon() {
    let store_key = StoreKey::new();
    let mut host = Host::open(&store_key);
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT] {
        host.signal(signal);
        assert!(is_random(&host.run(Job::Random { length: 16 })));
    }
    assert!(host.end().status.success());
}

#[test]
fn garbage_is_refused_with_a_message() {
    let store_key = StoreKey::new();
    let too_long = (FRAME_MAX + 1).to_le_bytes().to_vec();
    let mut trailing = random(1).to_frame().unwrap().expose().to_vec();
    trailing[0] += 1;
    trailing.push(0);
    for garbage in [vec![0xFF; 1000], too_long, trailing, vec![0; 4], vec![1, 0, 0, 0, 9]] {
        let mut host = Host::open(&store_key);
        host.socket.write_all(&garbage).unwrap();
        assert_eq!(host.response(), None);
        let output = host.wait();
        assert_eq!(output.status.code(), Some(1));
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(message.starts_with("parsecd-host: malformed request: "), "{message}");
    }
}

#[test]
fn a_store_key_that_cannot_be_one_is_refused_with_its_path() {
    let cases = [
        (StoreKey::with(&[1; 31], 0o600), "exactly 32 bytes"),
        (StoreKey::with(&[1; 33], 0o600), "exactly 32 bytes"),
        (StoreKey::with(&[], 0o600), "exactly 32 bytes"),
        (StoreKey::with(&[1; 32], 0o644), "mode 0644"),
        (StoreKey::with(&[1; 32], 0o640), "mode 0640"),
    ];
    for (store_key, reason) in &cases {
        let mut host = Host::spawn(&store_key.0);
        assert_eq!(host.response(), None);
        let output = host.wait();
        assert_eq!(output.status.code(), Some(1));
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(message.contains(reason) && message.contains(store_key.0.to_str().unwrap()), "{message}");
    }
    let missing = StoreKey::new();
    fs::remove_file(&missing.0).unwrap();
    let mut host = Host::spawn(&missing.0);
    assert_eq!(host.response(), None);
    let output = host.wait();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("No such file"));
}

#[test]
fn started_by_hand_it_says_that_it_is_not_for_hands() {
    let store_key = StoreKey::new();
    let program = env!("CARGO_BIN_EXE_parsecd-host");
    let run = |arguments: &[&str]| {
        let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, message) = run(&["psa", "--store-key", store_key.0.to_str().unwrap()]);
    assert_eq!(code, Some(1));
    assert!(message.contains("standard input is not a Unix socket"), "{message}");
    let (code, message) = run(&[]);
    assert_eq!(code, Some(2));
    assert!(message.contains("usage: "), "{message}");
}

#[test]
fn it_leaves_no_core_dump() {
    let store_key = StoreKey::new();
    let host = Host::open(&store_key);
    let limits = fs::read_to_string(format!("/proc/{}/limits", host.pid())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let numbers: Vec<&str> = core.split_whitespace().filter(|word| word.parse::<u64>().is_ok()).collect();
    assert_eq!(numbers, ["0", "0"], "{core}");
}

#[test]
fn nothing_is_said_before_the_library_is_loaded_and_then_who_it_is() {
    let store_key = StoreKey::new();
    let mut host = Host::spawn(&store_key.0);
    host.send(&[random(1)]);
    assert!(matches!(host.response(), Some(HostResponse::Opened { lanes: 1, .. })));
    let (ticket, outcome) = host.finished();
    assert!(ticket == 1 && is_random(&outcome));
}
