//! The other end of the socket.

use parsecd_client::wire::header::{HEADER_LENGTH, RawHeader, ResponseHeader};
use parsecd_client::wire::{Opcode, ProviderId, Reply, Status};
use parsecd_client::{Client, Endpoint};
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A listening socket of its own, removed when dropped.
pub struct Peer {
    path: PathBuf,
}

impl Peer {
    /// Hands each connection to `serve`, one after the other.
    pub fn new(serve: impl Fn(UnixStream) + Send + 'static) -> Peer {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("parsecd-client-{}-{number}", std::process::id()));
        let listener = UnixListener::bind(&path).expect("a socket in the directory for temporary files");
        std::thread::spawn(move || listener.incoming().flatten().for_each(serve));
        Peer { path }
    }

    /// Reads one request, answers with these bytes and closes.
    pub fn answering(bytes: Vec<u8>) -> Peer {
        Peer::new(move |mut stream| {
            read_request(&mut stream);
            // A client that has seen enough may be gone.
            let _ = stream.write_all(&bytes);
        })
    }

    /// A client of this peer.
    pub fn client(&self) -> Client {
        Client::new(Endpoint::at(&self.path))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// A request in its parts.
pub struct Request {
    pub header: RawHeader,
    pub body: Vec<u8>,
    pub authentication: Vec<u8>,
}

/// Reads one request. A client that gave up leaves an empty one.
pub fn read_request(stream: &mut UnixStream) -> Request {
    let mut header = [0; HEADER_LENGTH];
    let _ = stream.read_exact(&mut header);
    let header = RawHeader::from_bytes(&header);
    let mut body = vec![0; header.body_length as usize];
    let mut authentication = vec![0; usize::from(header.authentication_length)];
    let _ = stream.read_exact(&mut body);
    let _ = stream.read_exact(&mut authentication);
    Request { header, body, authentication }
}

/// A successful answer.
pub fn answer(opcode: Opcode, reply: &Reply) -> Vec<u8> {
    let body = reply.encode();
    let header = ResponseHeader {
        flags: 0,
        provider: ProviderId::Core,
        session: 0,
        opcode,
        status: Status::Success,
        body_length: u32::try_from(body.len()).expect("a short body"),
    };
    [header.to_bytes().as_slice(), body.expose()].concat()
}

/// The answer to a request that was not understood.
pub fn failure(status: Status) -> Vec<u8> {
    ResponseHeader::anonymous(status).to_bytes().to_vec()
}
