//! Runs parsec-tool and OpenSSL.

use crate::service::Service;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// parsec-tool as a client of one daemon, and a directory for the files that OpenSSL reads.
pub struct Tool<'a> {
    service: &'a Service,
    directory: tempfile::TempDir,
}

/// Where `make deps` installs it.
fn program() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .filter(|directory| !directory.is_empty())
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))
        .expect("a home directory");
    let program = cache.join("parsecd-tools/bin/parsec-tool");
    assert!(program.exists(), "{} is missing: make deps installs it", program.display());
    program
}

impl<'a> Tool<'a> {
    pub fn new(service: &'a Service) -> Tool<'a> {
        Tool { service, directory: tempfile::tempdir().expect("a temporary directory") }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(program())
            .args(arguments)
            .env("PARSEC_SERVICE_ENDPOINT", self.service.endpoint().to_string())
            .output()
            .expect("parsec-tool runs")
    }

    /// What a subcommand that succeeds prints.
    pub fn output(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "parsec-tool {arguments:?}: {}\n{complaints}", output.status);
        String::from_utf8(output.stdout).expect("text")
    }

    /// Runs a subcommand that must fail.
    pub fn failure(&self, arguments: &[&str]) {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(1), "parsec-tool {arguments:?}");
    }

    /// Path of a file in the directory.
    pub fn path(&self, name: &str) -> String {
        self.directory.path().join(name).into_os_string().into_string().expect("a path of text")
    }

    /// Writes a file into the directory; its path.
    pub fn file(&self, name: &str, content: &[u8]) -> String {
        let path = self.path(name);
        std::fs::write(&path, content).expect("the file is written");
        path
    }

    /// What an OpenSSL command that succeeds prints, given `input` on standard input.
    pub fn openssl(&self, arguments: &[&str], input: &str) -> String {
        let mut child = Command::new("openssl")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("openssl runs");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(input.as_bytes()).expect("openssl reads");
        drop(stdin);
        let output = child.wait_with_output().expect("openssl ends");
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {arguments:?}: {complaints}");
        String::from_utf8(output.stdout).expect("text")
    }
}
