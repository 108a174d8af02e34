//! The store: SQLite in a directory of its own, one writer thread with group commit, one reader thread.
//!
//! Files, all 0600, in a directory that only the daemon's user can write (0700 where it was made here):
//!
//! * the database, with its `-wal` and `-shm`: what is true about keys (design: keys never get lost);
//! * `store.key`: 32 random bytes that the lane hosts of the software provider seal material with. The daemon
//!   makes the file and never reads it;
//! * `tag.key`: 32 random bytes for the tag over every row (`tag.rs`);
//! * `parsecd.reserve`: nothing; its room is given up when the disk is full, so that keys can be removed;
//! * `parsecd.lock`: locked by the daemon that uses the store, with its process id as text.

mod error;
mod files;
mod lock;
mod open;
mod reader;
mod request;
mod reserve;
mod schema;
mod tag;
mod writer;

pub use error::OpenError;
pub use request::{StoreAnswer, StoreRequest};

use lock::Lock;
use parsecd_core::ids::Ticket;
use parsecd_core::store::{CommitResult, Counters, Fetched, Mutation, Page, StoreState};
use parsecd_handoff::{Completer, Completions, Sender, completions, queue, serve_groups};
use reader::{Reader, Reading};
use reserve::Reserve;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;
use writer::Writer;

/// Requests that may wait for a thread. Far above what the core's own limits let through, so that reaching it
/// means that a thread hangs; further requests are then answered as failed.
const QUEUE: usize = 1 << 16;

/// Most mutations in one transaction, and most reads in one snapshot.
const GROUP: usize = 256;

/// An open store. Dropping it finishes what was submitted, then lets go of the lock.
pub struct Store {
    writes: Option<Sender<(Ticket, Mutation)>>,
    reads: Option<Sender<(Ticket, Reading)>>,
    answers: Completions<StoreAnswer>,
    refusals: Completer<StoreAnswer>,
    threads: Vec<JoinHandle<()>>,
    directory: PathBuf,
    _lock: Lock,
}

impl Store {
    /// Opens the store whose database is the file `path`, or makes it, with its directory, if there is none.
    /// `wake` is called on another thread when [`Store::completions`] has something to give.
    ///
    /// # Errors
    /// [`OpenError`]; each says what to do.
    pub fn open(path: &Path, wake: impl Fn() + Send + Sync + 'static) -> Result<Store, OpenError> {
        let opened = open::open(path)?;
        let (completer, answers) = completions(wake);
        let doubt = Arc::new(AtomicBool::new(false));
        let tag = Arc::new(opened.tag);

        let reserve = Reserve::new(&opened.directory);
        let mut writer =
            Writer::new(opened.database.clone(), opened.writer, tag.clone(), doubt.clone(), reserve);
        let (writes, receiver) = queue::<(Ticket, Mutation)>(QUEUE);
        let write_answers = completer.clone();
        let writing = spawn("store-writer", &opened.database, move || {
            serve_groups(&receiver, &write_answers, GROUP, |group| {
                let (tickets, mutations): (Vec<Ticket>, Vec<Mutation>) = group.into_iter().unzip();
                let results = writer.commit(&mutations);
                let answer = |(ticket, result)| StoreAnswer::Committed { ticket, result };
                tickets.into_iter().zip(results).map(answer).collect()
            });
        })?;

        let mut reader = Reader::new(opened.database.clone(), opened.reader, tag, doubt);
        let (reads, receiver) = queue(QUEUE);
        let read_answers = completer.clone();
        let reading = spawn("store-reader", &opened.database, move || {
            serve_groups(&receiver, &read_answers, GROUP, |group| reader.serve(group));
        })?;

        Ok(Store {
            writes: Some(writes),
            reads: Some(reads),
            answers,
            refusals: completer,
            threads: vec![writing, reading],
            directory: opened.directory,
            _lock: opened.lock,
        })
    }

    /// Asks for something. Never blocks; the answer comes through [`Store::completions`]. Mutations are
    /// carried out in the order in which they are submitted. A read sees every mutation whose answer was
    /// given before the read was submitted.
    pub fn submit(&self, request: StoreRequest) {
        let (taken, failed) = match request {
            StoreRequest::Commit { ticket, mutation } => (
                self.writes.as_ref().is_some_and(|writes| writes.try_send((ticket, mutation)).is_ok()),
                StoreAnswer::Committed { ticket, result: CommitResult::Refused },
            ),
            StoreRequest::Fetch { ticket, identity, principal } => (
                self.read(ticket, Reading::Fetch { identity, principal }),
                StoreAnswer::Fetched { ticket, fetched: Fetched::Failed, counters: Counters::default() },
            ),
            StoreRequest::List { ticket, query } => {
                (self.read(ticket, Reading::List(query)), StoreAnswer::Listed { ticket, page: Page::Failed })
            }
        };
        if !taken {
            self.refusals.complete([failed]);
        }
    }

    fn read(&self, ticket: Ticket, reading: Reading) -> bool {
        self.reads.as_ref().is_some_and(|reads| reads.try_send((ticket, reading)).is_ok())
    }

    /// Every answer that is ready, in the order in which they became so.
    pub fn completions(&self) -> Vec<StoreAnswer> {
        self.answers.take()
    }

    /// Down if a thread of the store died; it does not come up again in this process.
    pub fn state(&self) -> StoreState {
        if self.answers.ended() { StoreState::Down } else { StoreState::Up }
    }

    /// The file with the key that software hosts seal material with.
    pub fn store_key(&self) -> PathBuf {
        self.directory.join(files::STORE_KEY)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.writes = None;
        self.reads = None;
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the store had panicked");
            }
        }
    }
}

fn spawn(name: &str, path: &Path, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, OpenError> {
    std::thread::Builder::new().name(name.to_owned()).spawn(body).map_err(|source| OpenError::Access {
        action: "start a thread for",
        path: path.to_owned(),
        source,
    })
}
