//! A driver of the core for scripted tests: nothing happens unless the script says so.

use parsecd_core::capability::{AlgorithmCapability, BitRange, Capabilities, KeyCapability};
use parsecd_core::config::{
    AuthenticatorConfig, Config, Deadlines, Limits, ListenerConfig, MaterialPlace, ProviderConfig,
};
use parsecd_core::identity::{KeyIdentity, Peer, PeerCredentials, PeerGroup};
use parsecd_core::ids::{ConnectionKey, HostKey, ListenerKey, ProviderKey, Ticket};
use parsecd_core::input::{HostState, Input};
use parsecd_core::job::Job;
use parsecd_core::observer::{Event, Observer};
use parsecd_core::outcome::{Effect, Outcome};
use parsecd_core::output::{Output, Place};
use parsecd_core::record::{Device, SealedMaterial};
use parsecd_core::service::{Service, Start};
use parsecd_core::store::{CommitResult, Counters, Fetched, Mutation, Page, Query};
use parsecd_core::time::{Instant, Now, WallTime};
use parsecd_wire::algorithm::{Algorithm, AsymmetricSignature, Hash, SignHash};
use parsecd_wire::attributes::{EccFamily, KeyType, UsageFlags};
use parsecd_wire::header::RequestHeader;
use parsecd_wire::{
    AuthenticationType, KeyAttributes, Opcode, Operation, ProviderId, ProviderInfo, Reply, ResponseHeader,
    Status, Uuid,
};
use std::collections::BTreeMap;
use std::sync::Arc;

pub const LISTENER: ListenerKey = ListenerKey(0);
pub const PROVIDER: ProviderKey = ProviderKey(0);
pub const UID: u32 = 1000;

/// Counts stale answers and remembers transitions.
#[derive(Default)]
pub struct Witness {
    pub stale: u32,
    pub transitions: Vec<(&'static str, &'static str)>,
    /// Time in the queue and on a lane of the request that was answered last.
    pub times: (std::time::Duration, std::time::Duration),
    /// Configurations that requests came, were admitted and ran under, in the order of these events.
    pub generations: Vec<u64>,
}

impl Observer for Witness {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Stale { .. } => self.stale += 1,
            Event::Received { generation, .. } | Event::Admitted { generation, .. } => {
                self.generations.push(generation);
            }
            Event::Answered(answered) => {
                self.times = (answered.queued, answered.ran);
                self.generations.push(answered.generation);
            }
            Event::KeyLifeTransition { from, to, .. } => self.transitions.push((from, to)),
            _ => {}
        }
    }
}

/// A core and everything it has asked for that was not answered yet.
pub struct World {
    pub service: Service,
    pub witness: Witness,
    pub now: u64,
    connections: u32,
    /// Whether the clients take their answers.
    pub reads: bool,
    /// What each connection was sent.
    pub received: BTreeMap<ConnectionKey, Vec<u8>>,
    /// Close, ShutdownWrite and Abort in order.
    pub ends: BTreeMap<ConnectionKey, Vec<&'static str>>,
    pub jobs: Vec<(Ticket, HostKey, Arc<Job>)>,
    pub executor: Vec<(Ticket, Arc<Job>)>,
    pub tokens: Vec<Ticket>,
    pub commits: Vec<(Ticket, Mutation)>,
    pub fetches: Vec<(Ticket, KeyIdentity)>,
    pub lists: Vec<(Ticket, Query)>,
    pub opened: Vec<HostKey>,
    pub killed: Vec<HostKey>,
    pub closed_hosts: Vec<HostKey>,
    pub cancelled: Vec<Ticket>,
    pub accept_again: bool,
    pub read_again: Vec<ConnectionKey>,
    pub stopped: bool,
    pub wake: Option<Instant>,
}

pub fn config(material: MaterialPlace, hosts: u16) -> Config {
    let provider = ProviderConfig {
        name: "software".into(),
        info: ProviderInfo {
            uuid: Uuid([1; 16]),
            description: String::from("a provider"),
            vendor: String::new(),
            version: (0, 1, 0),
            id: ProviderId::MbedCrypto,
        },
        material,
        verify_signatures: false,
        hosts,
        revision: 0,
        random_limit: None,
    };
    let authenticator = |kind, admins: &[&str]| AuthenticatorConfig {
        kind,
        admins: admins.iter().map(|name| (*name).into()).collect(),
    };
    let listener = ListenerConfig {
        authenticators: vec![
            authenticator(AuthenticationType::UnixPeerCredentials, &[]),
            authenticator(AuthenticationType::Direct, &["admin"]),
        ],
        providers: vec![PROVIDER],
    };
    Config {
        limits: Limits::default(),
        deadlines: Deadlines::default(),
        allow_deprecated: false,
        refuse_pkcs1v15_encryption: false,
        executor: None,
        audit: false,
        providers: BTreeMap::from([(PROVIDER, provider)]),
        listeners: BTreeMap::from([(LISTENER, listener)]),
    }
}

pub fn device() -> Device {
    Device(b"device".to_vec())
}

pub fn signing_key() -> KeyAttributes {
    KeyAttributes {
        key_type: KeyType::EccKeyPair(EccFamily::SecpR1),
        bits: 256,
        usage: UsageFlags { sign_hash: true, verify_hash: true, ..UsageFlags::default() }.with_implied(),
        algorithm: Algorithm::AsymmetricSignature(ecdsa()),
    }
}

pub fn ecdsa() -> AsymmetricSignature {
    AsymmetricSignature::Ecdsa(SignHash::Specific(Hash::Sha256))
}

pub fn capabilities() -> Capabilities {
    let opcodes = Opcode::ALL
        .into_iter()
        .filter(|opcode| {
            !opcode.is_core() && !matches!(opcode, Opcode::AttestKey | Opcode::PrepareKeyAttestation)
        })
        .collect();
    let key = |key_type, bits, algorithms| KeyCapability {
        key_type,
        bits: vec![BitRange { min: bits, max: bits, step: 1 }],
        generate: true,
        import: true,
        algorithms,
    };
    let ecdsa = AlgorithmCapability {
        algorithm: Algorithm::AsymmetricSignature(ecdsa()),
        bits: None,
        shortened: Vec::new(),
    };
    let ecc = key(KeyType::EccKeyPair(EccFamily::SecpR1), 256, vec![ecdsa]);
    let rsa = key(KeyType::RsaKeyPair, 4096, Vec::new());
    Capabilities { opcodes, keys: vec![ecc, rsa], hashes: [Hash::Sha256].into() }
}

impl World {
    /// A core that was started, its hosts not opened.
    pub fn starting(config: Config) -> World {
        World::starting_as(config, 7)
    }

    /// The same as another boot.
    pub fn starting_as(config: Config, boot: u8) -> World {
        let mut world = World {
            service: Service::new(config, Start { boot: [boot; 16] }),
            witness: Witness::default(),
            now: 0,
            connections: 0,
            reads: true,
            received: BTreeMap::new(),
            ends: BTreeMap::new(),
            jobs: Vec::new(),
            executor: Vec::new(),
            tokens: Vec::new(),
            commits: Vec::new(),
            fetches: Vec::new(),
            lists: Vec::new(),
            opened: Vec::new(),
            killed: Vec::new(),
            closed_hosts: Vec::new(),
            cancelled: Vec::new(),
            accept_again: false,
            read_again: Vec::new(),
            stopped: false,
            wake: None,
        };
        world.step(Input::TimePassed);
        world
    }

    /// A core whose provider is up.
    pub fn new(config: Config) -> World {
        let mut world = World::starting(config);
        for host in std::mem::take(&mut world.opened) {
            world.open(host);
        }
        world
    }

    pub fn sealed() -> World {
        World::new(config(MaterialPlace::Record, 1))
    }

    pub fn owned() -> World {
        let mut world = World::new(config(MaterialPlace::Provider, 1));
        world.listed(Page::Unfinished(Vec::new()));
        world
    }

    pub fn step(&mut self, input: Input<'_>) {
        self.now += 1;
        let now = Now { instant: Instant(self.now), wall: WallTime(0) };
        let outputs: Vec<Output> = self.service.step(now, input, &mut self.witness).collect();
        if let Some(Output::Idle { wake, .. }) = outputs.last() {
            self.wake = wake.map(|(at, _)| at);
        }
        for output in outputs {
            self.take(output);
        }
    }

    fn take(&mut self, output: Output) {
        match output {
            Output::Write { connection } if self.reads => self.write(connection),
            Output::Write { .. } => {}
            Output::ShutdownWrite { connection } => self.end(connection, "shutdown write"),
            Output::Close { connection } => self.end(connection, "close"),
            Output::Abort { connection } => self.end(connection, "abort"),
            Output::Fetch { ticket, identity, .. } => self.fetches.push((ticket, identity)),
            Output::List { ticket, query } => self.lists.push((ticket, query)),
            Output::Commit { ticket, mutation } => self.commits.push((ticket, mutation)),
            Output::StartJob { ticket, on: Place::Lane(lane), job } => {
                self.jobs.push((ticket, lane.host, job));
            }
            Output::StartJob { ticket, on: Place::Executor, job } => self.executor.push((ticket, job)),
            Output::CancelJob { ticket } => self.cancelled.push(ticket),
            Output::OpenHost { host } => self.opened.push(host),
            Output::KillHost { host } => {
                self.opened.retain(|opening| *opening != host);
                self.killed.push(host);
            }
            Output::CloseHost { host } => {
                self.opened.retain(|opening| *opening != host);
                self.closed_hosts.push(host);
            }
            Output::AcceptAgain { .. } => self.accept_again = true,
            Output::Stopped => self.stopped = true,
            Output::VerifyToken { ticket, .. } => self.tokens.push(ticket),
            Output::ReadAgain { connection } => self.read_again.push(connection),
            Output::Audit { .. } | Output::Idle { .. } => {}
        }
    }

    fn write(&mut self, connection: ConnectionKey) {
        loop {
            let bytes = self.service.outgoing(connection).to_vec();
            if bytes.is_empty() {
                return;
            }
            self.received.entry(connection).or_default().extend_from_slice(&bytes);
            self.step(Input::BytesSent { connection, count: bytes.len().try_into().unwrap() });
        }
    }

    fn end(&mut self, connection: ConnectionKey, how: &'static str) {
        self.ends.entry(connection).or_default().push(how);
    }

    pub fn open(&mut self, host: HostKey) {
        self.open_with(host, device());
    }

    pub fn open_with(&mut self, host: HostKey, device: Device) {
        self.step(Input::HostChanged { host, state: HostState::Opened { lanes: 1 } });
        let at = self.jobs.iter().position(|(_, on, job)| *on == host && **job == Job::Open).unwrap();
        let (ticket, _, _) = self.jobs.remove(at);
        let opened = Effect::Opened { device, capabilities: capabilities() };
        self.step(Input::JobFinished { ticket, outcome: Outcome::Done(opened) });
    }

    /// The host that replaces one that died.
    pub fn replacement(&mut self) -> HostKey {
        while self.opened.is_empty() {
            self.expire();
        }
        self.opened.remove(0)
    }

    /// Lets time pass until the next deadline, and expires it.
    pub fn expire(&mut self) {
        self.now = self.wake.expect("something is due").0;
        self.step(Input::TimePassed);
    }

    pub fn connect(&mut self) -> ConnectionKey {
        self.connect_as(UID)
    }

    pub fn connect_as(&mut self, uid: u32) -> ConnectionKey {
        self.connections += 1;
        self.connect_at_as(ConnectionKey { slot: self.connections, generation: 1 }, uid)
    }

    pub fn connect_at(&mut self, connection: ConnectionKey) -> ConnectionKey {
        self.connect_at_as(connection, UID)
    }

    fn connect_at_as(&mut self, connection: ConnectionKey, uid: u32) -> ConnectionKey {
        let credentials = Some(PeerCredentials { uid, gid: uid, pid: 1 });
        let peer = Peer { credentials, group: PeerGroup(u64::from(uid)) };
        self.step(Input::ConnectionOpened { connection, listener: LISTENER, peer });
        connection
    }

    pub fn send(&mut self, connection: ConnectionKey, bytes: &[u8]) {
        self.step(Input::BytesReceived { connection, bytes });
    }

    /// Sends as much as the core reads. How much that was.
    pub fn send_all(&mut self, connection: ConnectionKey, bytes: &[u8]) -> usize {
        let mut sent = 0;
        loop {
            let budget = self.service.read_budget(connection) as usize;
            let piece = &bytes[sent..bytes.len().min(sent + budget)];
            if piece.is_empty() {
                return sent;
            }
            self.send(connection, piece);
            sent += piece.len();
        }
    }

    /// Time passes.
    pub fn pass(&mut self, time: std::time::Duration) {
        self.now += u64::try_from(time.as_nanos()).unwrap();
        self.step(Input::TimePassed);
    }

    /// The statuses of all answers on a connection.
    pub fn statuses(&self, connection: ConnectionKey) -> Vec<Status> {
        let mut rest = self.received.get(&connection).map_or(&[][..], Vec::as_slice);
        let mut statuses = Vec::new();
        while !rest.is_empty() {
            let header = ResponseHeader::from_bytes(rest[..36].try_into().unwrap()).unwrap();
            rest = &rest[36 + header.body_length as usize..];
            statuses.push(header.status);
        }
        statuses
    }

    /// Sends an operation as the Direct application `name` on a connection of its own.
    pub fn ask(&mut self, name: &str, operation: &Operation) -> ConnectionKey {
        let connection = self.connect();
        self.send(connection, &frame(name, operation));
        connection
    }

    /// What the connection was answered, if it was.
    pub fn status(&self, connection: ConnectionKey) -> Option<Status> {
        Some(self.response(connection)?.0)
    }

    pub fn response(&self, connection: ConnectionKey) -> Option<(Status, Option<Reply>)> {
        let bytes = self.received.get(&connection)?;
        let header = ResponseHeader::from_bytes(bytes[..36].try_into().unwrap()).unwrap();
        assert_eq!(bytes.len(), 36 + header.body_length as usize, "one answer and nothing else");
        let reply = (header.status == Status::Success)
            .then(|| Reply::decode(header.opcode, &bytes[36..]).expect("a reply decodes"));
        Some((header.status, reply))
    }

    /// Ends the oldest job.
    pub fn finish(&mut self, outcome: Outcome) {
        assert!(!self.jobs.is_empty(), "a job runs");
        let (ticket, _, _) = self.jobs.remove(0);
        self.step(Input::JobFinished { ticket, outcome });
    }

    /// Ends the oldest job of the executor.
    pub fn execute(&mut self, outcome: Outcome) {
        assert!(!self.executor.is_empty(), "the executor runs a job");
        let (ticket, _) = self.executor.remove(0);
        self.step(Input::JobFinished { ticket, outcome });
    }

    pub fn make(&mut self) {
        let material = SealedMaterial(b"sealed".to_vec());
        let made = Effect::Made { attributes: signing_key(), public: vec![4; 65], material };
        self.finish(Outcome::Done(made));
    }

    pub fn commit(&mut self, result: CommitResult) {
        assert!(!self.commits.is_empty(), "a commit is under way");
        let (ticket, _) = self.commits.remove(0);
        self.step(Input::Committed { ticket, result });
    }

    pub fn fetched(&mut self, fetched: Fetched) {
        self.fetched_with(fetched, Counters::default());
    }

    pub fn fetched_with(&mut self, fetched: Fetched, counters: Counters) {
        assert!(!self.fetches.is_empty(), "a row is being fetched");
        let (ticket, _) = self.fetches.remove(0);
        self.step(Input::RecordFetched { ticket, fetched, counters });
    }

    pub fn listed(&mut self, page: Page) {
        assert!(!self.lists.is_empty(), "a list is being read");
        let (ticket, _) = self.lists.remove(0);
        self.step(Input::Listed { ticket, page });
    }

    pub fn lose(&mut self, connection: ConnectionKey) {
        self.step(Input::ConnectionLost { connection });
    }

    /// The host dies while it runs its jobs.
    pub fn host_dies(&mut self) {
        let host = self.jobs[0].1;
        let mut outcome = Outcome::LaneLost;
        while let Some(at) = self.jobs.iter().position(|(_, on, _)| *on == host) {
            let (ticket, _, _) = self.jobs.remove(at);
            self.step(Input::JobFinished { ticket, outcome: outcome.clone() });
            outcome = Outcome::NoEffect;
        }
        self.step(Input::HostChanged { host, state: HostState::Down { why: String::from("killed") } });
    }

    /// A key of this name that exists, from nothing.
    pub fn create(&mut self, application: &str, key: &str) {
        let connection = self.ask(application, &generate(key));
        self.fetched(Fetched::Absent);
        self.make();
        self.commit(CommitResult::Durable);
        assert_eq!(self.status(connection), Some(Status::Success));
        self.lose(connection);
    }
}

pub fn generate(key: &str) -> Operation {
    Operation::PsaGenerateKey { key_name: key.into(), attributes: signing_key() }
}

pub fn destroy(key: &str) -> Operation {
    Operation::PsaDestroyKey { key_name: key.into() }
}

pub fn sign(key: &str) -> Operation {
    Operation::PsaSignHash { key_name: key.into(), algorithm: ecdsa(), hash: vec![1; 32] }
}

pub fn signature() -> Outcome {
    Outcome::Done(Effect::Output(vec![9; 64]))
}

pub fn frame(name: &str, operation: &Operation) -> Vec<u8> {
    frame_with(name, operation, 0)
}

pub fn frame_with(name: &str, operation: &Operation, flags: u16) -> Vec<u8> {
    frame_of(AuthenticationType::Direct, name.as_bytes(), operation, flags)
}

pub fn frame_of(
    authentication_type: AuthenticationType,
    authentication: &[u8],
    operation: &Operation,
    flags: u16,
) -> Vec<u8> {
    let body = operation.encode();
    let opcode = operation.opcode();
    let header = RequestHeader {
        flags,
        provider: if opcode.is_core() { ProviderId::Core } else { ProviderId::MbedCrypto },
        session: 0,
        authentication_type,
        body_length: body.len().try_into().unwrap(),
        authentication_length: authentication.len().try_into().unwrap(),
        opcode,
    };
    let mut frame = header.to_bytes().to_vec();
    frame.extend_from_slice(body.expose());
    frame.extend_from_slice(authentication);
    frame
}
