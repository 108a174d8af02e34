//! What becomes of requests that run when the daemon is told to stop.

mod support;

use parsecd_client::wire::algorithm::{Algorithm, AsymmetricSignature, Hash, SignHash};
use parsecd_client::wire::attributes::{EccFamily, KeyType, UsageFlags};
use parsecd_client::wire::{KeyAttributes, ProviderId};
use parsecd_client::{Authentication, Client, Endpoint, Error};
use rustix::process::Signal;
use std::os::unix::net::UnixStream;
use std::thread::JoinHandle;
use support::{Daemon, Options, PING, PONG, Place, bytes, exchange, send, send_signal};

/// A daemon with stopped lane hosts, and a request for a key that one of them was given.
fn with_a_request_that_does_not_end(place: &Place) -> (Daemon, Vec<u32>, JoinHandle<Result<(), Error>>) {
    let mut daemon = place.start();
    daemon.wait_until("both hosts serve", |daemon| daemon.log().matches("host serves").count() == 2);
    let hosts = daemon.hosts();
    hosts.iter().for_each(|host| send_signal(*host, Signal::STOP));
    let client = client(place);
    let request = std::thread::spawn(move || client.generate_key("key", attributes()));
    daemon.wait_until("a host has the job", |daemon| {
        daemon.log().lines().any(|line| line.contains("job started") && line.contains("request="))
    });
    (daemon, hosts, request)
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
