//! The audit log: one JSON object a line, in a file of its own, written before the response leaves.

use parsecd_core::audit::AuditEvent;
use parsecd_core::ids::Ticket;
use rustix::fs::{Mode, OFlags};
use serde_json::json;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use tracing::error;

/// The audit log, and the events of this turn that are not written yet.
pub struct AuditLog {
    file: Option<File>,
    lines: Vec<u8>,
    tickets: Vec<Ticket>,
    /// The last write failed and may have left half a line.
    torn: bool,
}

impl AuditLog {
    /// Opens `path` for appending; made with mode 0600 if it does not exist. Without a path every event counts
    /// as not written.
    ///
    /// # Errors
    /// The operating system refuses, or `path` is a pipe: whoever reads it could hold the service back.
    pub fn open(path: Option<&Path>) -> io::Result<AuditLog> {
        let file = path.map(open).transpose()?;
        Ok(AuditLog { file, lines: Vec::new(), tickets: Vec::new(), torn: false })
    }

    /// Adds an event.
    pub fn push(&mut self, ticket: Ticket, event: &AuditEvent) {
        self.tickets.push(ticket);
        self.lines.extend_from_slice(line(event).as_bytes());
        self.lines.push(b'\n');
    }

    /// Whether there is something to write.
    pub fn is_waiting(&self) -> bool {
        !self.tickets.is_empty()
    }

    /// Writes what was added, in one call. Gives the tickets, in order, and whether their events were written.
    pub fn write(&mut self) -> (Vec<Ticket>, bool) {
        let tickets = std::mem::take(&mut self.tickets);
        if self.torn {
            self.lines.insert(0, b'\n');
        }
        let written = match &mut self.file {
            None => false,
            Some(file) => match file.write_all(&self.lines) {
                Ok(()) => true,
                Err(cause) => {
                    error!(%cause, events = tickets.len(), "cannot write the audit log");
                    false
                }
            },
        };
        self.torn = !written;
        self.lines.clear();
        (tickets, written)
    }
}

fn open(path: &Path) -> io::Result<File> {
    // Without waiting for somebody who reads, if it is a pipe.
    let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?);
    match file.metadata()?.file_type().is_fifo() {
        true => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a pipe")),
        false => Ok(file),
    }
}

fn line(event: &AuditEvent) -> String {
    json!({
        "time_ms": event.wall.0,
        "request": event.request.0,
        "uid": event.peer.map(|peer| peer.uid),
        "gid": event.peer.map(|peer| peer.gid),
        "pid": event.peer.map(|peer| peer.pid),
        "authenticator": event.application.as_ref().map(|who| format!("{:?}", who.authenticator)),
        "application": event.application.as_ref().map(|who| &*who.name),
        "provider": format!("{:?}", event.provider),
        "opcode": format!("{:?}", event.opcode),
        "subject": event.subject.as_deref(),
        "object": event.object.map(|object| object.to_string()),
        "status": event.status as u16,
        "status_name": format!("{:?}", event.status),
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use parsecd_core::identity::ApplicationIdentity;
    use parsecd_core::ids::RequestId;
    use parsecd_core::time::WallTime;
    use parsecd_wire::{AuthenticationType, Opcode, ProviderId, Status};
    use rustix::fs::{CWD, FileType, mknodat};
    use std::os::unix::fs::MetadataExt;

    fn event(name: &str) -> AuditEvent {
        AuditEvent {
            wall: WallTime(1_700_000_000_123),
            request: RequestId(7),
            peer: None,
            application: Some(ApplicationIdentity {
                authenticator: AuthenticationType::Direct,
                name: name.into(),
            }),
            provider: ProviderId::MbedCrypto,
            opcode: Opcode::PsaDestroyKey,
            subject: Some("key".into()),
            object: None,
            status: Status::Success,
        }
    }

    #[test]
    fn events_are_lines_in_order_whatever_they_name_and_nobody_else_can_read_them() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit");
        let name = "a\n\"b\"\u{1b}[31m 🔑";
        let mut log = AuditLog::open(Some(&path)).unwrap();
        for ticket in [1, 2] {
            log.push(Ticket(ticket), &event(name));
        }
        assert_eq!(log.write(), (vec![Ticket(1), Ticket(2)], true));
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 2);
        for line in text.lines() {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(value["application"], name);
            assert_eq!(value["time_ms"], 1_700_000_000_123_u64);
        }
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_pipe_is_refused_at_once_whether_or_not_somebody_reads_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit");
        mknodat(CWD, &path, FileType::Fifo, Mode::RWXU, 0).unwrap();
        assert!(AuditLog::open(Some(&path)).is_err());
        let _reader = rustix::fs::open(&path, OFlags::RDONLY | OFlags::NONBLOCK, Mode::empty()).unwrap();
        assert!(AuditLog::open(Some(&path)).is_err());
    }

    #[test]
    fn what_cannot_be_written_is_said_to_be_unwritten() {
        let mut log = AuditLog::open(Some(Path::new("/dev/full"))).unwrap();
        log.push(Ticket(1), &event("app"));
        assert_eq!(log.write(), (vec![Ticket(1)], false));
    }
}
