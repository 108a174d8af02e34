//! The service manager: sockets that it has bound, and what it is told.

mod support;

use rustix::process::Signal;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::process::{Command, Stdio};
use support::{Options, PATIENCE, PING, PONG, Place, bytes, exchange, program, send};

fn place() -> Place {
    Place::new(&Options::default())
}

/// A socket at the place of `place`'s, as a service manager binds it.
fn bound(place: &Place) -> UnixListener {
    let socket = UnixListener::bind(place.socket()).unwrap();
    fs::set_permissions(place.socket(), fs::Permissions::from_mode(0o640)).unwrap();
    socket
}

/// Starts a daemon as a service manager does, with `given` as descriptor 3. `pid`: whom it is for, as the shell
/// says it.
fn activated(place: &Place, given: OwnedFd, pid: &str) -> Command {
    support::host_program();
    let script = format!(
        "exec 3<&0 0</dev/null; export LISTEN_FDS=1 LISTEN_FDNAMES=parsec.socket LISTEN_PID={pid}; exec \"$0\" \"$@\""
    );
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &script]).arg(program()).arg("--config").arg(place.configuration());
    command.stdin(Stdio::from(given)).stdout(Stdio::null());
    command
}

#[test]
fn a_socket_of_the_service_manager_is_served_reloaded_and_left_as_it_was() {
    let place = place();
    let socket = bound(&place);
    let mut daemon = place.start_as(activated(&place, socket.try_clone().unwrap().into(), "$$"));
    daemon.wait_until("it says where the socket is from", |daemon| {
        daemon.log().contains("by socket activation")
    });
    let text = fs::read_to_string(place.configuration()).unwrap();
    fs::write(place.configuration(), text.replace("timeout =", "socket_mode = \"0600\"\ntimeout =")).unwrap();
    assert!(daemon.reload().contains("unchanged: core_settings"));
    assert_eq!(daemon.exchange(PING), PONG);
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.wait().code(), Some(0), "{}", daemon.log());
    assert_eq!(fs::metadata(place.socket()).unwrap().mode() & 0o777, 0o640);

    // Who comes while no daemon runs waits for the next one.
    let mut early = UnixStream::connect(place.socket()).unwrap();
    send(&mut early, &bytes(PING));
    let _next = place.start_as(activated(&place, socket.into(), "$$"));
    assert_eq!(exchange(early, "", false), PONG);
}

#[test]
fn a_listener_cannot_be_moved_away_from_a_socket_of_the_service_manager() {
    let place = place();
    let mut daemon = place.start_as(activated(&place, bound(&place).into(), "$$"));
    let text = fs::read_to_string(place.configuration()).unwrap();
    let moved = place.path().join("moved.sock");
    let socket = place.socket();
    let changed = text.replace(socket.to_str().unwrap(), moved.to_str().unwrap());
    fs::write(place.configuration(), changed).unwrap();
    let log = daemon.reload();
    assert!(log.contains(socket.to_str().unwrap()) && log.contains("change ListenStream="), "{log}");
    assert!(!moved.exists());
    assert_eq!(daemon.exchange(PING), PONG);
    fs::write(place.configuration(), text).unwrap();
    assert!(daemon.reload().contains("unchanged: "));
}

#[test]
fn a_socket_that_no_listener_has_or_that_is_none_is_refused_with_the_remedy() {
    let place = place();
    let elsewhere = UnixListener::bind(place.path().join("elsewhere.sock")).unwrap();
    let refused = activated(&place, elsewhere.into(), "$$").output().unwrap();
    let message = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(message.contains("elsewhere.sock: ") && message.contains("socket_path"), "{message}");

    let no_socket = fs::File::open("/dev/null").unwrap();
    let unbound = UnixStream::pair().unwrap().0;
    for given in [OwnedFd::from(no_socket), unbound.into()] {
        let refused = activated(&place, given, "$$").output().unwrap();
        let message = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(1));
        assert!(message.contains("socket 1") && message.contains("ListenStream=/run"), "{message}");
    }
    assert!(!place.socket().exists());
}

#[test]
fn sockets_that_are_meant_for_another_process_are_not_taken() {
    let place = place();
    let elsewhere = UnixListener::bind(place.path().join("elsewhere.sock")).unwrap();
    let daemon = place.start_as(activated(&place, elsewhere.into(), "1"));
    assert_eq!(daemon.exchange(PING), PONG);
}

#[test]
fn hosts_get_neither_the_sockets_nor_the_variables_of_the_service_manager() {
    let place = place();
    let socket = bound(&place);
    let inode =
        fs::metadata(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&socket))).unwrap().ino();
    let mut command = activated(&place, socket.into(), "$$");
    command.env("NOTIFY_SOCKET", place.path().join("nobody.sock"));
    let mut daemon = place.start_as(command);
    daemon.wait_until("both hosts serve", |daemon| daemon.log().matches("host serves").count() == 2);
    assert!(holds(daemon.pid(), inode));
    for host in daemon.hosts() {
        let environment = fs::read(format!("/proc/{host}/environ")).unwrap();
        let environment = String::from_utf8_lossy(&environment);
        assert!(!environment.contains("LISTEN_") && !environment.contains("NOTIFY_"), "{environment}");
        assert!(!holds(host, inode));
    }
}

/// Whether a process has a descriptor of this file.
fn holds(process: u32, inode: u64) -> bool {
    fs::read_dir(format!("/proc/{process}/fd"))
        .unwrap()
        .filter_map(|entry| fs::metadata(entry.unwrap().path()).ok())
        .any(|file| file.ino() == inode)
}

#[test]
fn the_service_manager_is_told_when_clients_are_served_when_the_file_is_read_again_and_when_it_stops() {
    let place = place();
    let manager = UnixDatagram::bind(place.path().join("notify.sock")).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let told = || {
        let mut message = [0; 1024];
        let length = manager.recv(&mut message).unwrap();
        String::from_utf8(message[..length].to_vec()).unwrap()
    };
    let mut command = place.command();
    command.env("NOTIFY_SOCKET", place.path().join("notify.sock"));
    let mut daemon = place.start_as(command);
    assert_eq!(told(), "READY=1\nSTATUS=serving\n");
    let text = fs::read_to_string(place.configuration()).unwrap();
    for (text, status) in [("[[provider]]", "refused"), (text.as_str(), "STATUS=serving\n")] {
        fs::write(place.configuration(), text).unwrap();
        daemon.reload();
        let reloading = told();
        let now = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").expect("a time");
        assert!(now.trim_end().parse::<u64>().is_ok(), "{reloading}");
        let ready = told();
        assert!(ready.starts_with("READY=1\n") && ready.contains(status), "{ready}");
    }
    daemon.signal(Signal::TERM);
    assert_eq!(told(), "STOPPING=1\n");
    assert_eq!(daemon.wait().code(), Some(0));
}
