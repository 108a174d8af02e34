//! What the daemon needs of the machine, and what it does when that is little.

mod support;

use std::fs;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::Duration;
use support::{Daemon, Options, PING, PONG, Place, program};

/// How often threads of the daemon have woken up so far.
fn wake_ups(daemon: &Daemon) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{}/task", daemon.pid())).unwrap();
    let of_task = |task: fs::DirEntry| {
        let status = fs::read_to_string(task.path().join("status")).unwrap();
        let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        count.unwrap().trim().parse::<u64>().unwrap()
    };
    tasks.map(|task| of_task(task.unwrap())).sum()
}

#[test]
fn without_requests_nothing_wakes_it_up() {
    let place = Place::new(&Options::default());
    let mut daemon = place.start();
    let _silent = daemon.connect();
    daemon.wait_until("a second passes without a wake-up", |daemon| {
        let before = wake_ups(daemon);
        std::thread::sleep(Duration::from_secs(1));
        wake_ups(daemon) == before
    });
    assert_eq!(daemon.exchange(PING), PONG);
}

#[test]
fn too_few_descriptors_to_serve_anybody_are_refused_with_the_number_that_is_needed() {
    let place = Place::new(&Options::default());
    for limit in [8, 20, 64] {
        let mut command = Command::new("sh");
        command.args(["-c", &format!(r#"ulimit -n {limit} && exec "$0" --config "$1""#)]);
        let refused = command.arg(program()).arg(place.configuration()).output().unwrap();
        let log = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(1), "{log}");
        assert!(log.contains(&format!("is {limit}, and at least 88 are needed")), "{log}");
        assert!(log.contains("LimitNOFILE="), "{log}");
    }
}

#[test]
fn few_descriptors_mean_few_connections_and_it_serves_again_when_some_are_free() {
    let place = Place::new(&Options::default());
    let mut command = Command::new("sh");
    command.args(["-c", r#"ulimit -n 100 && exec "$0" --config "$1""#]);
    command.arg(program()).arg(place.configuration()).stdin(Stdio::null()).stdout(Stdio::null());
    support::host_program();
    let mut daemon = place.start_as(command);
    assert!(daemon.log().contains("fewer connections"), "{}", daemon.log());
    let silent: Vec<UnixStream> = (0..300).map(|_| daemon.connect()).collect();
    drop(silent);
    daemon.wait_until("it serves again", |daemon| daemon.exchange(PING) == PONG);
}
