//! A host that runs, and its daemon's end of the socket pair.
#![allow(dead_code, reason = "the benchmark uses a part of it")]

use parsecd_core::encoding::{FrameSplitter, HostRequest, HostResponse};
use parsecd_core::ids::{ObjectId, Ticket};
use parsecd_core::job::{Job, KeyInUse, KeyOperation};
use parsecd_core::outcome::{Effect, Outcome};
use parsecd_core::record::Binding;
use parsecd_wire::KeyAttributes;
use parsecd_wire::algorithm::{Algorithm, AsymmetricSignature, Hash, SignHash};
use parsecd_wire::attributes::{EccFamily, KeyType, UsageFlags};
use std::collections::VecDeque;
use std::fs;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

pub const ECDSA: AsymmetricSignature = AsymmetricSignature::Ecdsa(SignHash::Specific(Hash::Sha256));

/// A file that is removed with its value.
pub struct StoreKey(pub PathBuf);

impl StoreKey {
    pub fn with(content: &[u8], mode: u32) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("store-key-{}-{number}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        StoreKey(path)
    }

    pub fn new() -> Self {
        StoreKey::with(&[9; 32], 0o600)
    }
}

impl Drop for StoreKey {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

pub struct Host {
    child: Option<Child>,
    pub socket: UnixStream,
    splitter: FrameSplitter,
    frames: VecDeque<HostResponse>,
}

impl Host {
    /// Starts a host. Nothing is read yet.
    pub fn spawn(store_key: &Path) -> Host {
        let (socket, theirs) = UnixStream::pair().unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_parsecd-host"))
            .arg("psa")
            .arg("--store-key")
            .arg(store_key)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Host { child: Some(child), socket, splitter: FrameSplitter::new(), frames: VecDeque::new() }
    }

    /// Starts a host and waits until it is open.
    pub fn open(store_key: &StoreKey) -> Host {
        let mut host = Host::spawn(&store_key.0);
        match host.response() {
            Some(HostResponse::Opened { lanes: 1, library }) => assert!(library.starts_with("Mbed TLS ")),
            other => panic!("{other:?}"),
        }
        host
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.pid().try_into().unwrap()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    pub fn send(&mut self, requests: &[HostRequest]) {
        let bytes: Vec<u8> =
            requests.iter().flat_map(|request| request.to_frame().unwrap().expose().to_vec()).collect();
        self.socket.write_all(&bytes).unwrap();
    }

    /// The next response; `None` at the end of the stream.
    pub fn response(&mut self) -> Option<HostResponse> {
        let mut buffer = [0; 65_536];
        loop {
            if let Some(response) = self.frames.pop_front() {
                return Some(response);
            }
            let count = self.socket.read(&mut buffer).unwrap_or(0);
            if count == 0 {
                return None;
            }
            let mut bytes = &buffer[..count];
            while let Some(frame) = self.splitter.next_frame(&mut bytes).unwrap() {
                self.frames.push_back(HostResponse::from_frame(frame.expose()).unwrap());
            }
        }
    }

    pub fn finished(&mut self) -> (u64, Outcome) {
        match self.response() {
            Some(HostResponse::Finished { ticket, outcome }) => (ticket.0, outcome),
            other => panic!("{other:?}"),
        }
    }

    pub fn run(&mut self, job: Job) -> Outcome {
        self.send(&[HostRequest::Job { ticket: Ticket(77), job }]);
        let (ticket, outcome) = self.finished();
        assert_eq!(ticket, 77);
        outcome
    }

    /// Ends the stream and waits for the end of the host.
    pub fn end(mut self) -> Output {
        self.socket.shutdown(std::net::Shutdown::Both).unwrap();
        self.wait()
    }

    /// Waits for the end of the host.
    pub fn wait(&mut self) -> Output {
        self.child.take().unwrap().wait_with_output().unwrap()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub fn generate(key_type: KeyType, bits: u32) -> Job {
    Job::Generate {
        object: ObjectId { boot: 1, counter: 1 },
        binding: Binding(b"binding".to_vec()),
        attributes: KeyAttributes {
            key_type,
            bits,
            usage: UsageFlags::default(),
            algorithm: Algorithm::None,
        },
    }
}

pub fn generate_p256() -> Job {
    generate(KeyType::EccKeyPair(EccFamily::SecpR1), 256)
}

pub fn made(outcome: Outcome) -> KeyInUse {
    let object = ObjectId { boot: 1, counter: 1 };
    match outcome {
        Outcome::Done(Effect::Made { attributes, public, material }) => {
            KeyInUse { object, binding: Binding(b"binding".to_vec()), attributes, public, material }
        }
        other => panic!("{other:?}"),
    }
}

pub fn sign(key: &KeyInUse) -> Job {
    let operation = KeyOperation::SignHash { algorithm: ECDSA, hash: vec![3; 32] };
    Job::Use { key: key.clone(), operation }
}

pub fn signature(outcome: Outcome) -> Vec<u8> {
    match outcome {
        Outcome::Done(Effect::Output(signature)) => signature,
        other => panic!("{other:?}"),
    }
}

pub fn verify(key: &KeyInUse, signature: Vec<u8>) -> Job {
    let operation = KeyOperation::VerifyHash { algorithm: ECDSA, hash: vec![3; 32], signature };
    Job::Use { key: key.clone(), operation }
}
