//! What the tool says when it cannot do what it is told.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::process::{Command, Output};

fn parsecctl(endpoint: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_parsecctl"))
        .args(arguments)
        .env("PARSEC_SERVICE_ENDPOINT", endpoint)
        .output()
        .unwrap()
}

/// Standard error of a command that fails and prints nothing else.
fn complaint(endpoint: &str, arguments: &[&str]) -> String {
    let output = parsecctl(endpoint, arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_service_that_is_not_there_is_named_with_what_to_do() {
    let said = complaint("unix:/nonexistent/parsec.sock", &["ping"]);
    assert!(said.contains("/nonexistent/parsec.sock: No such file or directory"), "{said}");
    assert!(said.contains("\nhint: is the service running there?"), "{said}");
}

#[test]
fn what_is_no_socket_is_said_to_be_none() {
    let file = format!("unix:{}", env!("CARGO_BIN_EXE_parsecctl"));
    for endpoint in [file.as_str(), "unix:/tmp"] {
        let said = complaint(endpoint, &["ping"]);
        assert!(said.contains("\nhint: that is not a socket; name the service's"), "{said}");
    }
}

#[test]
fn a_socket_of_another_program_is_suspected_to_be_one() {
    let path = std::env::temp_dir().join(format!("parsecctl-another-{}", std::process::id()));
    let listener = UnixListener::bind(&path).unwrap();
    let another = std::thread::spawn(move || {
        for answer in [b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".as_slice(), b""] {
            let (mut client, _) = listener.accept().unwrap();
            client.read_exact(&mut [0; 36]).unwrap();
            client.write_all(answer).unwrap();
        }
    });
    for _ in 0..2 {
        let said = complaint(&format!("unix:{}", path.display()), &["ping"]);
        assert!(said.contains("another program") && said.contains("--endpoint"), "{said}");
    }
    another.join().unwrap();
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn a_malformed_endpoint_in_the_environment_is_shown_with_what_to_do() {
    for endpoint in ["", "tcp:1.2.3.4", "unix:relative"] {
        let said = complaint(endpoint, &["list-keys"]);
        assert!(said.contains(&format!("error: {endpoint:?} is no endpoint")), "{said}");
        assert!(said.contains("\nhint: correct PARSEC_SERVICE_ENDPOINT"), "{said}");
    }
}

#[test]
fn the_option_wins_over_the_environment() {
    let said = complaint("", &["--endpoint", "unix:/nonexistent/option.sock", "ping"]);
    assert!(said.contains("/nonexistent/option.sock"), "{said}");
}

#[test]
fn a_wrong_option_is_refused_before_anything_is_sent() {
    for arguments in [
        ["--auth", "me", "ping"],
        ["--provider", "6", "ping"],
        ["--timeout", "0", "ping"],
        ["--endpoint", "http://x", "ping"],
    ] {
        let output = parsecctl("unix:/nonexistent/parsec.sock", &arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(arguments[0]), "{arguments:?}");
    }
}
