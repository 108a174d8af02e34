//! One request on a connection of its own, for preparing what is to be measured.

use crate::frame::{Caller, Keep, RequestError, answer, request};
use parsecd_wire::header::HEADER_LENGTH;
use parsecd_wire::{Operation, Reply, Status};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// How long to wait for one answer: generating RSA-4096 takes seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks and waits for the reply.
///
/// # Errors
/// Every status but Success, and everything that prevents an answer.
pub fn ask(socket: &Path, caller: &Caller, operation: &Operation) -> Result<Reply, RequestError> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(&request(operation, caller, Keep::Close))?;
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    loop {
        if let Some((header, length)) = answer(&bytes)? {
            let opcode = operation.opcode();
            if header.status != Status::Success {
                return Err(RequestError::Status { opcode, status: header.status });
            }
            let body = bytes.get(HEADER_LENGTH..length).unwrap_or_default();
            return Reply::decode(opcode, body).map_err(|_| RequestError::Body(opcode));
        }
        match stream.read(&mut part)? {
            0 => return Err(RequestError::Closed),
            count => bytes.extend_from_slice(&part[..count]),
        }
    }
}
