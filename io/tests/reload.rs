//! SIGHUP, under load: no request fails, and the log says what changed.

mod support;

use parsecd_client::wire::algorithm::{Algorithm, AsymmetricSignature, Hash, SignHash};
use parsecd_client::wire::attributes::{EccFamily, KeyType, UsageFlags};
use parsecd_client::wire::{KeyAttributes, ProviderId};
use parsecd_client::{Authentication, Client, Endpoint, Error, TransportError};
use rustix::process::Signal;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use support::{Daemon, Options, PATIENCE, PING, PONG, Place, bytes, hex};

const CLIENTS: u32 = 16;
const ALGORITHM: AsymmetricSignature = AsymmetricSignature::Ecdsa(SignHash::Specific(Hash::Sha256));

/// A ping that asks for the connection to be kept, and its answer.
const KEPT_PING: &str = "10a7c05e1e00010001000000000000000000000000000000000000000100000000000000";
const KEPT_PONG: &str = "10a7c05e1e000100010000000000000000000000000002000000000001000000000000000801";

fn attributes() -> KeyAttributes {
    KeyAttributes {
        key_type: KeyType::EccKeyPair(EccFamily::SecpR1),
        bits: 256,
        usage: UsageFlags { sign_hash: true, ..UsageFlags::default() },
        algorithm: Algorithm::AsymmetricSignature(ALGORITHM),
    }
}

/// The parts of a configuration that the tests change.
struct Configuration<'a> {
    place: &'a Place,
    core_settings: &'a str,
    listeners: Vec<(&'a str, PathBuf, &'a str)>,
    providers: Vec<(&'a str, u16)>,
}

impl Configuration<'_> {
    /// One of each, as small as it can be.
    fn of(place: &Place) -> Configuration<'_> {
        Configuration {
            place,
            core_settings: "",
            listeners: vec![("main", place.socket(), "first")],
            providers: vec![("first", 2)],
        }
    }

    fn write(&self) {
        let mut text = format!("[core_settings]\nallow_root = true\n{}\n", self.core_settings);
        for (name, path, provider) in &self.listeners {
            text += &format!(
                "[[listener]]\nname = {name:?}\nsocket_path = {path:?}\ntimeout = 60000\nproviders = [{provider:?}]\n"
            );
        }
        text += "[authenticator]\nauth_type = \"Direct\"\n";
        let store = self.place.path().join("store/keys.sqlite");
        text += &format!(
            "[[key_manager]]\nname = \"store\"\nmanager_type = \"SQLite\"\nsqlite_db_path = {store:?}\n"
        );
        for (name, hosts) in &self.providers {
            text +=
                &format!("[[provider]]\nprovider_type = \"MbedCrypto\"\nname = {name:?}\nhosts = {hosts}\n");
        }
        self.replace(&text);
    }

    /// Puts a text in the place of the file at once, as editors do.
    fn replace(&self, text: &str) {
        let new = self.place.path().join("config.new");
        fs::write(&new, text).unwrap();
        fs::rename(new, self.place.configuration()).unwrap();
    }
}

/// Runs clients of every kind while `during` runs. How many requests were answered, all with success.
fn under_load(sockets: &[PathBuf], during: impl FnOnce(&AtomicU64)) -> u64 {
    let (stop, answered) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let (stop, answered) = (&stop, &answered);
                scope.spawn(move || match number % 4 {
                    0 => keep_pinging(sockets, stop, answered),
                    _ => use_keys(sockets, number, stop, answered),
                })
            })
            .collect();
        let stopper = Stopper(&stop);
        during(&answered);
        drop(stopper);
        clients.into_iter().for_each(|client| client.join().unwrap());
    });
    answered.into_inner()
}

/// Ends the clients also when the test fails.
struct Stopper<'a>(&'a AtomicBool);

impl Drop for Stopper<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The first socket that is there.
fn connect(sockets: &[PathBuf]) -> UnixStream {
    let socket = (0..1000).find_map(|_| {
        let found = sockets.iter().find_map(|path| UnixStream::connect(path).ok());
        found.or_else(|| {
            std::thread::yield_now();
            None
        })
    });
    let socket = socket.expect("one of the sockets is always there");
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn keep_pinging(sockets: &[PathBuf], stop: &AtomicBool, answered: &AtomicU64) {
    let mut socket = connect(sockets);
    while !stop.load(Ordering::Relaxed) {
        socket.write_all(&bytes(KEPT_PING)).unwrap();
        let mut answer = [0; KEPT_PONG.len() / 2];
        socket.read_exact(&mut answer).expect("a kept connection is answered");
        assert_eq!(hex(&answer), KEPT_PONG);
        answered.fetch_add(1, Ordering::Relaxed);
        // Each answer is a line of the log, which the test reads.
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn use_keys(sockets: &[PathBuf], number: u32, stop: &AtomicBool, answered: &AtomicU64) {
    let clients: Vec<Client> = sockets
        .iter()
        .map(|socket| {
            Client::new(Endpoint::at(socket))
                .with_authentication(Authentication::Direct(format!("application {number}")))
                .with_provider(ProviderId::MbedCrypto)
                .with_deadline(PATIENCE)
        })
        .collect();
    let ask = |request: &dyn Fn(&Client) -> Result<(), Error>| {
        // Who finds no socket has asked for nothing.
        let told = (0..1000).flat_map(|_| &clients).map(request);
        let absent =
            |told: &Result<(), Error>| matches!(told, Err(Error::Transport(TransportError::Connect { .. })));
        let told = told.into_iter().find(|told| !absent(told));
        told.expect("one of the sockets is always there").expect("no request fails");
        answered.fetch_add(1, Ordering::Relaxed);
    };
    while !stop.load(Ordering::Relaxed) {
        ask(&|client| client.generate_key("key", attributes()));
        ask(&|client| client.sign_hash("key", ALGORITHM, &[7; 32]).map(drop));
        ask(&|client| client.generate_random(100).map(drop));
        ask(&|client| client.destroy_key("key"));
    }
}

#[test]
fn six_reloads_under_load_of_16_clients_fail_no_request_and_the_log_says_what_changed() {
    let place = Place::new(&Options::default());
    let other = place.path().join("moved.sock");
    let second = place.path().join("second.sock");
    let mut configuration = Configuration::of(&place);
    configuration.listeners.push(("beside", second.clone(), "second"));
    configuration.providers.push(("second", 1));
    configuration.write();
    let mut daemon = place.start();
    let pid = daemon.pid();
    let sockets = [place.socket(), other.clone()];
    let answered = under_load(&sockets, |answered| {
        let load = |daemon: &mut Daemon| {
            let until = answered.load(Ordering::Relaxed) + 200;
            daemon.wait_until("there is load", |_| answered.load(Ordering::Relaxed) > until);
        };
        load(&mut daemon);

        configuration.providers.reverse();
        configuration.write();
        let log = daemon.reload();
        let all = "core_settings, provider first, provider second, listener main, listener beside";
        assert!(log.contains(&format!("unchanged: {all}")), "{log}");
        load(&mut daemon);

        configuration.replace("[core_settings]\nlog_level = \"loud\"\n[listner]\n");
        let log = daemon.reload();
        for said in
            ["config.toml:2:13: core_settings.log_level: ", "config.toml:3:", "did you mean `listener`?"]
        {
            assert!(log.contains(said), "{said}: {log}");
        }
        load(&mut daemon);

        configuration.listeners[0].1 = other.clone();
        configuration.core_settings = "body_len_limit = 65536";
        configuration.write();
        let log = daemon.reload();
        let moved = format!("listener main moved from {} to {}", place.socket().display(), other.display());
        for said in [moved.as_str(), "core_settings.body_len_limit: 1048576 -> 65536"] {
            assert!(log.contains(said), "{said}: {log}");
        }
        assert!(!place.socket().exists());
        load(&mut daemon);

        configuration.replace("this is no configuration at all");
        assert!(daemon.reload().contains("config.toml:1:"));
        load(&mut daemon);

        configuration.providers = vec![("first", 3)];
        configuration.listeners.truncate(1);
        configuration.write();
        let log = daemon.reload();
        let removed = format!("listener beside removed from {}", second.display());
        for said in ["provider first: hosts 2 -> 3", "provider second removed", removed.as_str()] {
            assert!(log.contains(said), "{said}: {log}");
        }
        assert!(!second.exists());
        load(&mut daemon);

        let elsewhere =
            fs::read_to_string(place.configuration()).unwrap().replace("keys.sqlite", "other.sqlite");
        configuration.replace(&elsewhere);
        let log = daemon.reload();
        assert!(log.contains("key_manager: cannot change while parsecd runs; restart"), "{log}");
        load(&mut daemon);
    });
    assert!(answered > 1_000, "{answered}");
    daemon.wait_until("three hosts serve", |daemon| daemon.hosts().len() == 3);
    assert_eq!(daemon.pid(), pid);
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.wait().code(), Some(0), "{}", daemon.log());
    assert!(!other.exists());
}

#[test]
fn a_hundred_signals_every_second_with_a_broken_file_fail_no_request() {
    let place = Place::new(&Options::default());
    let mut configuration = Configuration::of(&place);
    configuration.write();
    let mut daemon = place.start();
    let (mut refused, mut done) = (0, 0);
    let answered = under_load(&[place.socket()], |_| {
        for round in 0..100_u16 {
            if round % 2 == 0 {
                configuration.replace("[[provider]]\n");
            } else {
                configuration.providers = vec![("first", 1 + round / 2 % 3)];
                configuration.write();
            }
            let log = daemon.reload();
            refused += log.matches("the old configuration stays").count();
            done += log.matches("is in force").count();
        }
    });
    assert_eq!((refused, done), (50, 50));
    assert!(answered > 100, "{answered}");
    let hosts = 1 + 99 / 2 % 3;
    daemon.wait_until("hosts that are not wanted have gone", |daemon| daemon.hosts().len() == hosts);
}

#[test]
fn the_mode_of_a_socket_its_log_and_its_audit_log_follow_the_configuration() {
    let place = Place::new(&Options::default());
    let audit = |name: &str| place.path().join(name);
    let mut configuration = Configuration::of(&place);
    let first = format!("audit_log = {:?}", audit("first"));
    configuration.core_settings = &first;
    configuration.write();
    let mut daemon = place.start();
    fs::rename(audit("first"), audit("rotated")).unwrap();
    daemon.reload();
    assert!(audit("first").exists(), "a file that was moved away is followed by a new one");

    let second = format!("audit_log = {:?}\nlog_level = \"debug\"", audit("second"));
    configuration.core_settings = &second;
    configuration.write();
    let text = fs::read_to_string(place.configuration()).unwrap();
    configuration.replace(&text.replace("timeout =", "socket_mode = \"0600\"\ntimeout ="));
    let log = daemon.reload();
    for said in
        ["socket_mode 0666 -> 0600", "core_settings.log_level: default -> Debug", "core_settings.audit_log: "]
    {
        assert!(log.contains(said), "{said}: {log}");
    }
    assert_eq!(fs::metadata(place.socket()).unwrap().mode() & 0o777, 0o600);
    client(&place.socket()).generate_key("key", attributes()).unwrap();
    daemon.wait_until("the level holds", |daemon| daemon.log().contains("key life"));
    assert!(fs::read_to_string(audit("second")).unwrap().contains("PsaGenerateKey"));
    assert_eq!(fs::read_to_string(audit("first")).unwrap(), "");
}

fn client(socket: &Path) -> Client {
    Client::new(Endpoint::at(socket))
        .with_authentication(Authentication::Direct("app".into()))
        .with_provider(ProviderId::MbedCrypto)
        .with_deadline(PATIENCE)
}

#[test]
fn a_listener_that_comes_shows_a_provider_that_comes_with_it_from_its_first_request_on() {
    let place = Place::new(&Options::default());
    let second = place.path().join("second.sock");
    let mut configuration = Configuration::of(&place);
    configuration.write();
    let mut daemon = place.start();
    configuration.listeners.push(("beside", second.clone(), "second"));
    configuration.providers.push(("second", 1));
    configuration.write();
    daemon.reload();
    client(&second).generate_key("key", attributes()).unwrap();
    assert!(client(&place.socket()).list_keys().unwrap().is_empty(), "it is the other provider's");
}

#[test]
fn a_path_that_cannot_be_bound_refuses_the_reload_and_both_the_others_serve_on() {
    let place = Place::new(&Options::default());
    let mut configuration = Configuration::of(&place);
    configuration.write();
    let mut daemon = place.start();
    configuration.listeners[0].1 = place.path().join("new.sock");
    configuration.listeners.push(("wrong", PathBuf::from("/nonexistent/parsec.sock"), "first"));
    configuration.write();
    let log = daemon.reload();
    assert!(log.contains("/nonexistent: no such directory; create it"), "{log}");
    assert_eq!(daemon.exchange(PING), PONG);
    assert!(!place.path().join("new.sock").exists());
}

#[test]
fn listeners_that_swap_their_paths_show_there_what_they_show_and_kept_connections_stay() {
    let place = Place::new(&Options::default());
    let second = place.path().join("second.sock");
    let mut configuration = Configuration::of(&place);
    configuration.listeners.push(("beside", second.clone(), "second"));
    configuration.providers.push(("second", 1));
    configuration.write();
    let mut daemon = place.start();
    client(&place.socket()).generate_key("of the first", attributes()).unwrap();
    client(&second).generate_key("of the second", attributes()).unwrap();
    let mut kept = connect(std::slice::from_ref(&place.socket()));

    configuration.listeners[0].1 = second.clone();
    configuration.listeners[1].1 = place.socket();
    configuration.write();
    let log = daemon.reload();
    assert!(log.contains("listener main moved") && log.contains("listener beside moved"), "{log}");
    let keys = |socket: &Path| client(socket).list_keys().unwrap().pop().unwrap().name;
    assert_eq!((keys(&place.socket()), keys(&second)), ("of the second".into(), "of the first".into()));

    configuration.listeners = vec![("renamed", place.socket(), "first")];
    configuration.write();
    let log = daemon.reload();
    assert!(log.contains("listener renamed added") && log.contains("listener beside removed"), "{log}");
    assert_eq!(keys(&place.socket()), "of the first");
    assert!(!second.exists());
    kept.write_all(&bytes(KEPT_PING)).unwrap();
    let mut answer = [0; KEPT_PONG.len() / 2];
    kept.read_exact(&mut answer).expect("its listener is gone, the connection is not");
    assert_eq!(hex(&answer), KEPT_PONG);
    assert!(!daemon.log().contains("is down"), "{}", daemon.log());
}

#[test]
fn a_daemon_without_a_file_finds_its_defaults_unchanged() {
    let place = Place::new(&Options::default());
    support::host_program();
    let mut command = Command::new(support::program());
    command.arg("--allow-root").stdin(Stdio::null()).stdout(Stdio::null());
    command.env("RUNTIME_DIRECTORY", place.path());
    command.env("STATE_DIRECTORY", place.path().join("state"));
    let mut daemon = place.start_as(command);
    let log = daemon.reload();
    assert!(
        log.contains("unchanged: core_settings, provider mbed-crypto-provider, listener listener"),
        "{log}"
    );
    assert_eq!(daemon.exchange(PING), PONG);
}
