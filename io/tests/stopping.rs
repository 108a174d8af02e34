//! What becomes of requests that run when the daemon is told to stop.

mod support;

use parsecd_client::wire::algorithm::{Algorithm, AsymmetricSignature, Hash, SignHash};
use parsecd_client::wire::attributes::{EccFamily, KeyType, UsageFlags};
use parsecd_client::wire::header::{KEEP_CONNECTION, RequestHeader, ResponseHeader};
use parsecd_client::wire::{AuthenticationType, KeyAttributes, Operation, ProviderId, Status};
use parsecd_client::{Authentication, Client, Endpoint, Error};
use rustix::process::Signal;
use std::fs;
use std::io::Read;
use std::os::unix::net::UnixStream;
use std::thread::JoinHandle;
use support::{Daemon, Options, PING, PONG, Place, bytes, exchange, send, send_signal};

/// A daemon with stopped lane hosts, and a request for a key that one of them was given.
fn with_a_request_that_does_not_end(place: &Place) -> (Daemon, Vec<u32>, JoinHandle<Result<(), Error>>) {
    let mut daemon = place.start();
    daemon.wait_until("both hosts serve", |daemon| daemon.log().matches("host serves").count() == 2);
    let hosts = daemon.hosts();
    assert_eq!(hosts.len(), 2);
    hosts.iter().for_each(|host| send_signal(*host, Signal::STOP));
    daemon.wait_until("the hosts stand still", |_| hosts.iter().all(|host| is_stopped(*host)));
    let client = client(place);
    let request = std::thread::spawn(move || client.generate_key("key", attributes()));
    daemon.wait_until("a host has the job", |daemon| {
        daemon.log().lines().any(|line| line.contains("job started") && line.contains("request="))
    });
    (daemon, hosts, request)
}

/// Whether a signal has stopped a process: field 3 of `/proc/PID/stat`.
fn is_stopped(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, fields)| fields.starts_with('T'))
}

fn place() -> Place {
    Place::new(&Options { log_level: "trace", ..Options::default() })
}

fn client(place: &Place) -> Client {
    Client::new(Endpoint::at(place.socket()))
        .with_authentication(Authentication::Direct("app".into()))
        .with_provider(ProviderId::MbedCrypto)
        .with_deadline(support::PATIENCE)
}

fn attributes() -> KeyAttributes {
    let hash = SignHash::Specific(Hash::Sha256);
    KeyAttributes {
        key_type: KeyType::EccKeyPair(EccFamily::SecpR1),
        bits: 256,
        usage: UsageFlags { sign_hash: true, ..UsageFlags::default() },
        algorithm: Algorithm::AsymmetricSignature(AsymmetricSignature::Ecdsa(hash)),
    }
}

#[test]
fn sigterm_lets_a_running_request_finish_and_its_key_is_there_after_the_next_start() {
    let place = place();
    let (mut daemon, hosts, request) = with_a_request_that_does_not_end(&place);
    daemon.signal(Signal::TERM);
    daemon.wait_until("nobody finds the socket", |_| UnixStream::connect(place.socket()).is_err());
    hosts.iter().for_each(|host| send_signal(*host, Signal::CONT));
    request.join().unwrap().unwrap();
    assert_eq!(daemon.wait().code(), Some(0), "{}", daemon.log());

    let _next = place.start();
    client(&place)
        .sign_hash("key", AsymmetricSignature::Ecdsa(SignHash::Specific(Hash::Sha256)), &[7; 32])
        .unwrap();
}

#[test]
fn who_connected_before_sigterm_gets_an_answer_and_never_a_reset() {
    let place = place();
    let mut daemon = place.start();
    // Stopped, it sees the connections and the signal at the same time.
    daemon.signal(Signal::STOP);
    let clients: Vec<UnixStream> = (0..200)
        .map(|_| {
            let mut client = daemon.connect();
            send(&mut client, &bytes(PING));
            client
        })
        .collect();
    daemon.signal(Signal::TERM);
    daemon.signal(Signal::CONT);
    for client in clients {
        assert_eq!(exchange(client, "", false), PONG);
    }
    assert_eq!(daemon.wait().code(), Some(0));
}

#[test]
fn a_second_signal_ends_it_at_once_whatever_runs() {
    let place = place();
    let (mut daemon, hosts, request) = with_a_request_that_does_not_end(&place);
    daemon.signal(Signal::TERM);
    daemon.wait_until("it is stopping", |daemon| daemon.log().contains("stopping"));
    daemon.signal(Signal::INT);
    assert_eq!(daemon.wait().code(), Some(1));
    hosts.iter().for_each(|host| send_signal(*host, Signal::KILL));
    assert!(request.join().unwrap().is_err());
    assert!(!place.socket().exists());
}

/// A request for random bytes on a connection that is to be kept.
fn kept_random(number: u16) -> Vec<u8> {
    let operation = Operation::PsaGenerateRandom { size: u64::from(number) + 1 };
    let body = operation.encode();
    let header = RequestHeader {
        flags: KEEP_CONNECTION,
        provider: ProviderId::MbedCrypto,
        session: 0,
        authentication_type: AuthenticationType::None,
        body_length: u32::try_from(body.len()).unwrap(),
        authentication_length: 0,
        opcode: operation.opcode(),
    };
    [&header.to_bytes()[..], body.expose()].concat()
}

#[test]
fn requests_that_wait_behind_running_ones_are_told_in_their_order_on_a_kept_connection() {
    let place = place();
    let mut daemon = place.start();
    daemon.wait_until("both hosts serve", |daemon| daemon.log().matches("host serves").count() == 2);
    let hosts = daemon.hosts();
    hosts.iter().for_each(|host| send_signal(*host, Signal::STOP));
    let mut pipelined = daemon.connect();
    let requests: Vec<u8> = (0..30).flat_map(kept_random).collect();
    send(&mut pipelined, &requests);
    daemon.wait_until("all are taken", |daemon| daemon.log().matches(" admitted").count() >= 30);
    daemon.signal(Signal::TERM);
    daemon.wait_until("it is stopping", |daemon| daemon.log().contains("stopping"));
    hosts.iter().for_each(|host| send_signal(*host, Signal::CONT));
    let mut answers = Vec::new();
    pipelined.read_to_end(&mut answers).expect("answers, then the end of the stream");
    let (mut rest, mut statuses) = (answers.as_slice(), Vec::new());
    while let Some((header, body)) = rest.split_first_chunk::<36>() {
        let header = ResponseHeader::from_bytes(header).unwrap();
        if header.status == Status::Success {
            let length = statuses.len() + 1;
            assert!(
                usize::try_from(header.body_length).unwrap() > length,
                "answer {length} is the {length}th"
            );
        }
        statuses.push(header.status);
        rest = &body[usize::try_from(header.body_length).unwrap()..];
    }
    let ran = statuses.iter().take_while(|status| **status == Status::Success).count();
    assert_eq!(ran, 4, "a lane runs one and holds one more");
    assert_eq!(statuses[ran..], [Status::PsaErrorCommunicationFailure; 26]);
    assert_eq!(daemon.wait().code(), Some(0), "{}", daemon.log());
}

#[test]
fn what_does_not_end_within_the_grace_is_told_so_and_holds_nothing_up() {
    let place = place();
    let (mut daemon, hosts, request) = with_a_request_that_does_not_end(&place);
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.wait().code(), Some(0), "{}", daemon.log());
    daemon.wait_until("its hosts are gone", |_| {
        hosts.iter().all(|host| support::parent_of_living(*host).is_none())
    });
    let told = request.join().unwrap();
    assert!(matches!(told, Err(Error::Service(Status::PsaErrorCommunicationFailure))), "{told:?}");
}

#[test]
fn sigterm_while_a_reload_is_under_way_lets_the_request_finish_that_holds_it_up() {
    let place = place();
    let (mut daemon, hosts, request) = with_a_request_that_does_not_end(&place);
    let text = fs::read_to_string(place.configuration()).unwrap();
    fs::write(place.configuration(), text.replace("hosts = 2", "hosts = 1")).unwrap();
    daemon.signal(Signal::HUP);
    daemon.wait_until("it has reloaded", |daemon| daemon.log().contains("hosts 2 -> 1"));
    // Stopped, it sees both signals at the same time.
    daemon.signal(Signal::STOP);
    daemon.signal(Signal::HUP);
    daemon.signal(Signal::TERM);
    daemon.signal(Signal::CONT);
    daemon.wait_until("nobody finds the socket", |_| UnixStream::connect(place.socket()).is_err());
    hosts.iter().for_each(|host| send_signal(*host, Signal::CONT));
    request.join().unwrap().unwrap();
    assert_eq!(daemon.wait().code(), Some(0), "{}", daemon.log());
    daemon.wait_until("its hosts are gone", |_| {
        hosts.iter().all(|host| support::parent_of_living(*host).is_none())
    });
}
