//! A store in a directory of its own, asked one thing at a time.

use parsecd::store::{Store, StoreAnswer, StoreRequest};
use parsecd_core::identity::{ApplicationIdentity, KeyIdentity};
use parsecd_core::ids::{ObjectId, Ticket};
use parsecd_core::record::{Device, EncodedRecord};
use parsecd_core::store::{
    CommitResult, Counters, Fetched, Mutation, Page, Query, Unfinished, UnfinishedState,
};
use parsecd_wire::AuthenticationType;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use tempfile::TempDir;

pub const PROVIDER: &str = "mbed-crypto-provider";
pub const PRINCIPAL: &str = "peers:1000";

pub struct Fixture {
    directory: TempDir,
    opened: Option<Opened>,
}

struct Opened {
    store: Store,
    woken: mpsc::Receiver<()>,
}

impl Fixture {
    pub fn new() -> Self {
        let mut fixture = Fixture { directory: tempfile::tempdir().unwrap(), opened: None };
        fixture.open();
        fixture
    }

    pub fn open(&mut self) {
        let (wake, woken) = mpsc::channel();
        let store = Store::open(&self.path(), move || {
            // The end of the worker threads wakes too, after the receiver may be gone.
            let _ = wake.send(());
        })
        .unwrap();
        self.opened = Some(Opened { store, woken });
    }

    /// Closes the store, so that its file alone holds everything.
    pub fn close(&mut self) {
        self.opened = None;
    }

    /// Submits a mutation and closes without waiting for the answer.
    pub fn submit_and_close(&mut self, mutation: Mutation) {
        let opened = self.opened.take().unwrap();
        opened.store.submit(StoreRequest::Commit { ticket: Ticket(0), mutation });
    }

    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub fn path(&self) -> PathBuf {
        self.directory.path().join("keys.sqlite3")
    }

    /// Submits all at once and returns the answers in the order in which they came.
    pub fn ask(&self, requests: Vec<StoreRequest>) -> Vec<StoreAnswer> {
        let opened = self.opened.as_ref().unwrap();
        let expected = requests.len();
        requests.into_iter().for_each(|request| opened.store.submit(request));
        let mut answers = Vec::new();
        while answers.len() < expected {
            opened.woken.recv().unwrap();
            answers.extend(opened.store.completions());
        }
        answers
    }

    pub fn commit_all(&self, mutations: Vec<Mutation>) -> Vec<CommitResult> {
        let tickets = (0..).map(Ticket);
        let requests =
            tickets.zip(mutations).map(|(ticket, mutation)| StoreRequest::Commit { ticket, mutation });
        let answers = self.ask(requests.collect());
        let results = (0..).map(Ticket).zip(answers).map(|(expected, answer)| match answer {
            StoreAnswer::Committed { ticket, result } if ticket == expected => result,
            other => panic!("expected the answer to {expected:?}, got {other:?}"),
        });
        results.collect()
    }

    pub fn commit(&self, mutation: Mutation) -> CommitResult {
        self.commit_all(vec![mutation])[0]
    }

    pub fn fetch(&self, identity: &KeyIdentity) -> Fetched {
        self.fetch_counted(identity).0
    }

    pub fn fetch_counted(&self, identity: &KeyIdentity) -> (Fetched, Counters) {
        self.fetch_for(identity, PRINCIPAL)
    }

    /// With the counters of `principal` and of the application inside it.
    pub fn fetch_for(&self, identity: &KeyIdentity, principal: &str) -> (Fetched, Counters) {
        let (ticket, identity) = (Ticket(7), identity.clone());
        let request = StoreRequest::Fetch { ticket, identity, principal: principal.into() };
        match self.ask(vec![request]).remove(0) {
            StoreAnswer::Fetched { ticket: Ticket(7), fetched, counters } => (fetched, counters),
            other => panic!("expected a record, got {other:?}"),
        }
    }

    pub fn list(&self, query: Query) -> Page {
        match self.ask(vec![StoreRequest::List { ticket: Ticket(8), query }]).remove(0) {
            StoreAnswer::Listed { ticket: Ticket(8), page } => page,
            other => panic!("expected a page, got {other:?}"),
        }
    }

    /// A connection of our own to the closed database, as somebody with an editor would have.
    pub fn tamper(&self) -> rusqlite::Connection {
        assert!(self.opened.is_none(), "close the store first");
        rusqlite::Connection::open(self.path()).unwrap()
    }
}

pub fn application(name: &str) -> ApplicationIdentity {
    ApplicationIdentity { authenticator: AuthenticationType::UnixPeerCredentials, name: name.into() }
}

pub fn key(application_name: &str, name: &str) -> KeyIdentity {
    KeyIdentity { application: application(application_name), provider: PROVIDER.into(), name: name.into() }
}

pub fn object(counter: u64) -> ObjectId {
    ObjectId { boot: 0x0102_0304_0506_0708, counter }
}

pub fn record(text: &str) -> EncodedRecord {
    EncodedRecord(text.as_bytes().to_vec())
}

pub fn publish(identity: &KeyIdentity, counter: u64) -> Mutation {
    publish_for(identity, counter, &identity.name, PRINCIPAL)
}

pub fn publish_for(identity: &KeyIdentity, counter: u64, text: &str, principal: &str) -> Mutation {
    Mutation::Publish {
        identity: identity.clone(),
        object: object(counter),
        record: record(text),
        principal: principal.into(),
    }
}

pub fn unfinished(identity: &KeyIdentity, counter: u64, state: UnfinishedState) -> Unfinished {
    Unfinished {
        object: object(counter),
        state,
        device: Device(b"token marker".to_vec()),
        identity: identity.clone(),
    }
}

pub fn unfinished_of_provider() -> Query {
    Query::Unfinished { provider: PROVIDER.into(), after: None, limit: 100 }
}
