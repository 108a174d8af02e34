//! One lane host: a child process, the socket pair to it, and the jobs that are with it.

use crate::poller::{Poller, Source};
use crate::service_manager::VARIABLES;
use parsecd_core::encoding::{FrameSplitter, HostRequest, HostResponse};
use parsecd_core::ids::{HostKey, Ticket};
use parsecd_core::outcome::Outcome;
use parsecd_wire::SecretBytes;
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::net::{RecvFlags, Shutdown, recv, shutdown};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::collections::{BTreeSet, VecDeque};
use std::io::{self, IoSlice, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};

/// Messages handed to the kernel in one call.
const BATCH: usize = 64;

/// Longest line of a host's standard error that is passed on whole.
const LINE_MAX: usize = 4096;

/// How to start a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The executable.
    pub path: std::path::PathBuf,
    /// Its arguments: which provider it carries, and with what.
    pub arguments: Vec<std::ffi::OsString>,
    /// For logs: name of the provider.
    pub name: String,
}

/// Why a host is no longer listened to.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    /// End of stream.
    #[error("its process ended")]
    Ended,
    /// A system call failed.
    #[error("its socket failed: {0}")]
    Socket(#[from] io::Error),
    /// What it said makes no sense.
    #[error("it sent {0}")]
    Garbage(String),
    /// The core gave it up.
    #[error("it did not answer in time and was killed")]
    Killed,
}

/// A job that is with the host.
struct Outstanding {
    ticket: Ticket,
    lane: u16,
    /// All of it was handed to the kernel, so the host may have begun it.
    written: bool,
}

struct Message {
    frame: SecretBytes,
    job: Option<Ticket>,
}

/// A host that is listened to.
pub struct HostProcess {
    /// Its key.
    pub host: HostKey,
    socket: OwnedFd,
    splitter: FrameSplitter,
    queue: VecDeque<Message>,
    /// Bytes of the first message that were written.
    written: usize,
    outstanding: Vec<Outstanding>,
    opened: bool,
}

/// The process of a host, until it was waited for.
pub struct HostChild {
    child: Child,
    /// Readable when the process has ended.
    exit: OwnedFd,
    errors: Option<ChildStderr>,
    line: Vec<u8>,
}

/// Executes a host. It gets its end of the socket pair as standard input, so that end of stream tells it that
/// the daemon is gone however that happened; a process group of its own keeps a terminal's Ctrl-C away from it.
pub fn spawn(
    program: &Program,
    host: HostKey,
    serial: u32,
    poller: &Poller,
) -> io::Result<(HostProcess, HostChild)> {
    let (ours, theirs) = UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    let mut command = Command::new(&program.path);
    for variable in VARIABLES {
        command.env_remove(variable);
    }
    let mut child = command
        .args(&program.arguments)
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()?;
    let errors = child.stderr.take();
    match watch(&child, &ours, errors.as_ref(), serial, poller) {
        Ok(exit) => Ok((
            HostProcess {
                host,
                socket: ours.into(),
                splitter: FrameSplitter::new(),
                queue: VecDeque::new(),
                written: 0,
                outstanding: Vec::new(),
                opened: false,
            },
            HostChild { child, exit, errors, line: Vec::new() },
        )),
        Err(error) => {
            child.kill().and_then(|()| child.wait()).ok();
            Err(error)
        }
    }
}

fn watch(
    child: &Child,
    link: &UnixStream,
    errors: Option<&ChildStderr>,
    serial: u32,
    poller: &Poller,
) -> io::Result<OwnedFd> {
    let exit = pidfd_open(Pid::from_child(child), PidfdFlags::NONBLOCK)?;
    if let Some(errors) = errors {
        rustix::io::ioctl_fionbio(errors, true)?;
        poller.watch(errors, Source::HostErrors(serial))?;
    }
    poller.watch(link, Source::HostLink(serial))?;
    poller.watch(&exit, Source::HostExit(serial))?;
    Ok(exit)
}

impl HostProcess {
    /// Queues a job for a lane.
    pub fn push_job(&mut self, ticket: Ticket, lane: u16, frame: SecretBytes) {
        self.outstanding.push(Outstanding { ticket, lane, written: false });
        self.queue.push_back(Message { frame, job: Some(ticket) });
    }

    /// Gives up a job that waits: at once if it never left the daemon (`true`), else the host is asked.
    pub fn cancel(&mut self, ticket: Ticket) -> bool {
        let begun = usize::from(self.written > 0);
        let waiting = self.queue.iter().position(|message| message.job == Some(ticket));
        if let Some(place) = waiting.filter(|place| *place >= begun) {
            self.queue.remove(place);
            self.outstanding.retain(|job| job.ticket != ticket);
            return true;
        }
        if self.has(ticket)
            && let Ok(frame) = (HostRequest::Cancel { ticket }).to_frame()
        {
            self.queue.push_back(Message { frame, job: None });
        }
        false
    }

    /// Whether this job is with this host.
    pub fn has(&self, ticket: Ticket) -> bool {
        self.outstanding.iter().any(|job| job.ticket == ticket)
    }

    /// Writes what is queued, as far as the kernel takes it now.
    pub fn write(&mut self) -> Result<(), Lost> {
        while !self.queue.is_empty() {
            let mut written = self.written;
            let slices: Vec<IoSlice<'_>> = self
                .queue
                .iter()
                .take(BATCH)
                .map(|message| {
                    let rest = message.frame.expose().get(std::mem::take(&mut written)..);
                    IoSlice::new(rest.unwrap_or_default())
                })
                .collect();
            match rustix::io::writev(&self.socket, &slices) {
                Ok(count) => self.taken(count),
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(Errno::PIPE | Errno::CONNRESET) => return Err(Lost::Ended),
                Err(error) => return Err(Lost::Socket(error.into())),
            }
        }
        Ok(())
    }

    fn taken(&mut self, mut count: usize) {
        while let Some(first) = self.queue.front() {
            let left = first.frame.len().saturating_sub(self.written);
            if count < left {
                self.written = self.written.saturating_add(count);
                return;
            }
            count = count.saturating_sub(left);
            self.written = 0;
            let job = self.queue.pop_front().and_then(|message| message.job);
            if let Some(job) = self.outstanding.iter_mut().find(|outstanding| Some(outstanding.ticket) == job)
            {
                job.written = true;
            }
        }
    }

    /// Reads what has come, as far as `buffer` takes it, which is wiped. Adds the messages to `into`. `true`:
    /// there may be more.
    pub fn read(&mut self, buffer: &mut [u8], into: &mut Vec<HostResponse>) -> Result<bool, Lost> {
        let count = match recv(&self.socket, &mut *buffer, RecvFlags::empty()) {
            Ok((0, _)) | Err(Errno::CONNRESET) => return Err(Lost::Ended),
            Ok((count, _)) => count,
            Err(Errno::AGAIN) => return Ok(false),
            Err(Errno::INTR) => return Ok(true),
            Err(error) => return Err(Lost::Socket(error.into())),
        };
        let full = count == buffer.len();
        let bytes = buffer.get_mut(..count).unwrap_or_default();
        let result = self.take(bytes, into);
        zeroize::Zeroize::zeroize(bytes);
        result.map(|()| full)
    }

    fn take(&mut self, mut bytes: &[u8], into: &mut Vec<HostResponse>) -> Result<(), Lost> {
        let garbage = |what: &dyn std::fmt::Display| Lost::Garbage(what.to_string());
        while let Some(frame) = self.splitter.next_frame(&mut bytes).map_err(|error| garbage(&error))? {
            let response = HostResponse::from_frame(frame.expose()).map_err(|error| garbage(&error))?;
            match &response {
                HostResponse::Opened { lanes: 0, .. } => return Err(garbage(&"a start without lanes")),
                HostResponse::Opened { .. } if self.opened => return Err(garbage(&"a second start")),
                HostResponse::Opened { .. } => self.opened = true,
                HostResponse::Finished { ticket, .. } => {
                    let known = self.outstanding.len();
                    self.outstanding.retain(|job| job.ticket != *ticket);
                    if self.outstanding.len() == known {
                        return Err(garbage(&"an answer to no job"));
                    }
                }
            }
            into.push(response);
        }
        Ok(())
    }

    /// Tells the host that nothing more comes: it finishes what it runs and exits.
    pub fn close(&mut self) {
        self.queue.clear();
        shutdown(&self.socket, Shutdown::Write).ok();
    }

    /// How the jobs ended that the host did not answer. It runs those of a lane in order, so only the first of
    /// each lane can have begun, and only if all of it was written.
    pub fn unanswered(&mut self) -> Vec<(Ticket, Outcome)> {
        let mut begun = BTreeSet::new();
        self.outstanding
            .drain(..)
            .map(|job| match begun.insert(job.lane) && job.written {
                true => (job.ticket, Outcome::LaneLost),
                false => (job.ticket, Outcome::NoEffect),
            })
            .collect()
    }
}

impl HostChild {
    /// Ends the process now. Does not wait for it: a process that hangs in a device ends later.
    pub fn kill(&mut self) {
        // The only failure is that it has ended already.
        self.child.kill().ok();
    }

    /// How the process ended, if it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits for the process, at most so long.
    pub fn wait(&mut self, at_most: std::time::Duration) -> Option<ExitStatus> {
        let timeout = rustix::event::Timespec::try_from(at_most).ok();
        rustix::event::poll(&mut [PollFd::new(&self.exit, PollFlags::IN)], timeout.as_ref()).ok();
        self.ended()
    }

    /// Gives every whole line the process has written to standard error since the last call; at the end of
    /// the stream, the rest.
    pub fn error_lines(&mut self, mut each: impl FnMut(&str)) {
        let Some(errors) = &mut self.errors else { return };
        let mut buffer = [0; 1024];
        loop {
            let count = match errors.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => break,
            };
            for byte in buffer.get(..count).unwrap_or_default() {
                if *byte == b'\n' || self.line.len() >= LINE_MAX {
                    each(&String::from_utf8_lossy(&self.line));
                    self.line.clear();
                }
                if *byte != b'\n' {
                    self.line.push(*byte);
                }
            }
        }
        if !self.line.is_empty() {
            each(&String::from_utf8_lossy(&self.line));
            self.line.clear();
        }
        self.errors = None;
    }
}
