//! parsecd as a process: start, stop, what it refuses, what it leaves behind.

mod support;

use rustix::process::Signal;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::process::Command;
use support::{Options, PING, PONG, Place, host_program, parent_of_living, program, send_signal};

fn place() -> Place {
    Place::new(&Options::default())
}

#[test]
fn sigterm_and_sigint_end_it_with_success_and_remove_the_socket() {
    let place = place();
    for signal in [Signal::TERM, Signal::INT] {
        let mut daemon = place.start();
        assert!(fs::metadata(place.socket()).unwrap().file_type().is_socket());
        daemon.signal(signal);
        assert_eq!(daemon.wait().code(), Some(0), "{}", daemon.log());
        assert!(!place.socket().exists());
    }
}

#[test]
fn its_socket_is_for_everybody_and_its_files_are_for_its_user_alone() {
    let place = place();
    let daemon = place.start();
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(&place.socket()), 0o666);
    let store = place.path().join("store");
    assert_eq!(mode(&store), 0o700);
    for entry in fs::read_dir(&store).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    assert_eq!(daemon.exchange(PING), PONG);
}

#[test]
fn a_second_daemon_on_the_same_store_is_refused_and_told_the_first() {
    let place = place();
    let first = place.start();
    let second = place.run(&[]);
    assert_eq!(second.status.code(), Some(1));
    let message = String::from_utf8(second.stderr).unwrap();
    assert!(message.contains(&first.pid().to_string()), "{message}");
    assert_eq!(first.exchange(PING), PONG);
}

#[test]
fn a_second_daemon_on_the_same_socket_is_refused_and_told_the_first() {
    let (place, other) = (place(), place());
    let first = place.start();
    let text = fs::read_to_string(other.configuration()).unwrap();
    let text = text.replace(other.socket().to_str().unwrap(), place.socket().to_str().unwrap());
    fs::write(other.configuration(), text).unwrap();
    let second = other.run(&[]);
    assert_eq!(second.status.code(), Some(1));
    let message = String::from_utf8(second.stderr).unwrap();
    assert!(message.contains(&first.pid().to_string()), "{message}");
    assert!(message.contains(place.socket().to_str().unwrap()), "{message}");
    assert_eq!(first.exchange(PING), PONG);
}

#[test]
fn a_file_that_is_no_socket_is_left_alone_and_refused() {
    let place = place();
    fs::write(place.socket(), "precious").unwrap();
    let refused = place.run(&[]);
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(fs::read_to_string(place.socket()).unwrap(), "precious");
}

#[test]
fn killed_it_leaves_no_host_behind_and_starts_again_over_its_stale_socket() {
    let place = place();
    let mut daemon = place.start();
    daemon.wait_until("both hosts run", |daemon| daemon.hosts().len() == 2);
    let hosts = daemon.hosts();
    daemon.kill();
    daemon.wait_until("its hosts have ended", |_| hosts.iter().all(|pid| parent_of_living(*pid).is_none()));
    assert!(place.socket().exists());
    assert_eq!(place.start().exchange(PING), PONG);
}

#[test]
fn a_host_that_is_killed_is_replaced_and_leaves_no_zombie() {
    let place = place();
    let mut daemon = place.start();
    daemon.wait_until("both hosts run", |daemon| daemon.hosts().len() == 2);
    let victim = daemon.hosts()[0];
    send_signal(victim, Signal::KILL);
    daemon.wait_until("there are two others", |daemon| {
        let hosts = daemon.hosts();
        hosts.len() == 2 && !hosts.contains(&victim)
    });
    assert!(!Path::new("/proc").join(victim.to_string()).exists(), "it was waited for");
    assert_eq!(daemon.exchange(PING), PONG);
}

#[test]
fn check_tells_whether_a_configuration_is_valid_without_serving_it() {
    let place = place();
    let good = place.run(&["--check"]);
    assert_eq!(good.status.code(), Some(0), "{}", String::from_utf8_lossy(&good.stderr));
    assert!(!place.socket().exists() && !place.path().join("store").exists());

    let text = fs::read_to_string(place.configuration()).unwrap();
    fs::write(place.configuration(), text.replace("listener_type", "listener_tipe")).unwrap();
    for arguments in [&["--check"][..], &[]] {
        let bad = place.run(arguments);
        assert_eq!(bad.status.code(), Some(1));
        let message = String::from_utf8(bad.stderr).unwrap();
        assert!(message.contains("listener_tipe") && message.contains("listener_type"), "{message}");
    }
}

#[test]
fn usage_errors_exit_with_2_and_help_and_version_with_0() {
    let code = |argument: &str| Command::new(program()).arg(argument).output().unwrap().status.code();
    assert_eq!(code("--no-such-option"), Some(2));
    assert_eq!(code("--help"), Some(0));
    assert_eq!(code("--version"), Some(0));
}

/// Names of the symbols of an executable, or of its dynamic ones.
fn symbols(program: &Path, dynamic: bool) -> Vec<String> {
    let mut nm = Command::new("nm");
    if dynamic {
        nm.arg("-D");
    }
    let output = nm.arg(program).output().unwrap();
    assert!(output.status.success(), "nm {}", program.display());
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.split_whitespace().last()).map(str::to_owned).collect()
}

fn is_vendors(name: &str) -> bool {
    ["psa_", "mbedtls_", "Esys_", "Tss2_", "tss2_", "C_GetFunctionList"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

#[test]
fn the_daemon_holds_no_vendor_library() {
    for dynamic in [false, true] {
        let vendors: Vec<String> =
            symbols(program(), dynamic).into_iter().filter(|name| is_vendors(name)).collect();
        assert_eq!(vendors, Vec::<String>::new());
    }
    assert!(symbols(program(), false).iter().any(|name| name == "main"), "the executable has symbols");
    let carried = symbols(host_program(), false);
    assert!(carried.iter().any(|name| is_vendors(name)), "the host holds what the daemon does not");

    let place = place();
    let daemon = place.start();
    let maps = fs::read_to_string(format!("/proc/{}/maps", daemon.pid())).unwrap();
    for library in ["mbed", "tss2", "pkcs11", "softhsm", "psa"] {
        let mapped =
            maps.lines().filter_map(|line| line.split('/').next_back()).find(|file| file.contains(library));
        assert_eq!(mapped, None);
    }
}
