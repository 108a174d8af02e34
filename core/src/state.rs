//! The whole state of the service. Rooms change it through `Step`, one input at a time.

use crate::accounts::Accounts;
use crate::config::Config;
use crate::connection::{Connections, PeerGroups, RoomQueue};
use crate::deadlines::Deadlines;
use crate::identity::{ApplicationIdentity, KeyIdentity};
use crate::ids::{ConnectionKey, HostKey, LaneKey, ListenerKey, ObjectId, ProviderKey, RequestId, Ticket};
use crate::key_life::{Life, Makings};
use crate::keystore::KeyStore;
use crate::observer::Observer;
use crate::operations::delete_client::Gate;
use crate::output::Output;
use crate::providers::Provider;
use crate::record::Record;
use crate::request::ActiveRequest;
use crate::schedule::executor::Executor;
use crate::schedule::reads::Reads;
use crate::schedule::writes::Writes;
use crate::shutdown::Shutdown;
use crate::time::{Instant, Now};
use crate::tokens::Tokens;
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::sync::Arc;

#[derive(Hash)]
pub(crate) struct State {
    pub(crate) config: Arc<Config>,
    /// How many configurations there were.
    pub(crate) generation: u64,
    pub(crate) mint: Mint,
    pub(crate) last_step: Option<Instant>,
    /// Accepting failed; it is tried again at this instant.
    pub(crate) accept_again_at: Option<Instant>,
    /// Listeners that are not configured any more but have connections.
    pub(crate) closed_listeners: BTreeSet<ListenerKey>,
    pub(crate) connections: Connections,
    pub(crate) groups: PeerGroups,
    /// Connections that hold further requests and may go on with them.
    pub(crate) resumable: BTreeSet<ConnectionKey>,
    /// Connections whose announced request waits for room.
    pub(crate) waiting_for_room: RoomQueue,
    pub(crate) requests: BTreeMap<RequestId, Box<ActiveRequest>>,
    pub(crate) keystore: KeyStore,
    pub(crate) lives: BTreeMap<ObjectId, Life>,
    /// Keys that are being made, by who they will count for.
    pub(crate) makings: Makings,
    pub(crate) gates: BTreeMap<ApplicationIdentity, Gate>,
    pub(crate) providers: BTreeMap<ProviderKey, Provider>,
    pub(crate) executor: Executor,
    pub(crate) tokens: Tokens,
    pub(crate) reads: Reads,
    pub(crate) writes: Writes,
    pub(crate) tickets: BTreeMap<Ticket, Purpose>,
    pub(crate) deadlines: Deadlines,
    pub(crate) accounts: Accounts,
    pub(crate) store: StoreHealth,
    pub(crate) shutdown: Option<Shutdown>,
    pub(crate) outputs: VecDeque<Output>,
}

/// Whether the store answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum StoreHealth {
    Up,
    /// A commit's outcome is unknown.
    Doubtful(Barrier),
    Down,
}

/// What will end a doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Barrier {
    /// The store was asked for it. One that was asked for before may have been durable before the doubt began.
    Asked(Ticket),
    /// The store will be asked for it then.
    At(Instant),
}

/// What a ticket was issued for.
#[derive(Clone, Debug, Hash)]
pub(crate) enum Purpose {
    /// A record of the key store.
    Fetch(KeyIdentity),
    /// What a commit of unknown outcome has become.
    FetchDoubtful(ObjectId),
    /// A commit of a key life.
    Commit(ObjectId),
    /// The barrier after an unknown outcome.
    Barrier,
    /// A page for a request.
    List(RequestId),
    /// A page for recovery.
    ListUnfinished(ProviderKey),
    /// A job of a request.
    RequestJob(RequestId, LaneKey),
    /// A job of a key life.
    LifeJob(ObjectId, LaneKey),
    /// The token of a request.
    Token(RequestId),
    /// A job of a request on the executor.
    ExecutorJob(RequestId),
    /// The first job of a host.
    OpenJob(HostKey),
    /// A job whose request is gone; its lane is still taken, and so is the key it uses.
    AbandonedJob { lane: LaneKey, uses: Option<Arc<Record>> },
}

/// Mints ids from the bits of this boot and counters.
#[derive(Debug, Hash)]
pub(crate) struct Mint {
    boot: u64,
    objects: u64,
    tickets: u64,
    requests: u64,
}

impl Mint {
    pub(crate) fn new(boot: [u8; 16]) -> Mint {
        let bits = u128::from_be_bytes(boot);
        Mint { boot: u64::try_from(bits >> 64).unwrap_or(0), objects: 0, tickets: 0, requests: 0 }
    }

    pub(crate) fn object(&mut self) -> ObjectId {
        self.objects = self.objects.saturating_add(1);
        ObjectId { boot: self.boot, counter: self.objects }
    }

    /// Whether `object` will be minted after this call, or was minted by another boot's successor.
    pub(crate) fn is_later(&self, object: ObjectId, than: u64) -> bool {
        object.boot == self.boot && object.counter > than
    }

    pub(crate) fn objects(&self) -> u64 {
        self.objects
    }

    pub(crate) fn ticket(&mut self) -> Ticket {
        self.tickets = self.tickets.saturating_add(1);
        Ticket(self.tickets)
    }

    pub(crate) fn request(&mut self) -> RequestId {
        self.requests = self.requests.saturating_add(1);
        RequestId(self.requests)
    }

    /// The request that came last.
    pub(crate) fn newest_request(&self) -> RequestId {
        RequestId(self.requests)
    }
}

/// One step: the state, the time and whoever watches.
pub(crate) struct Step<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) now: Now,
    pub(crate) observer: &'a mut dyn Observer,
}

impl Step<'_> {
    pub(crate) fn output(&mut self, output: Output) {
        self.state.outputs.push_back(output);
    }

    pub(crate) fn ticket(&mut self, purpose: Purpose) -> Ticket {
        let ticket = self.state.mint.ticket();
        self.state.tickets.insert(ticket, purpose);
        ticket
    }
}
