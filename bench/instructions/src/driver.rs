//! The smallest driver of the core: whatever the core asks for has happened at once.

use crate::{ECDSA, signing_key};
use parsecd_core::capability::{AlgorithmCapability, BitRange, Capabilities, KeyCapability};
use parsecd_core::config::{
    AuthenticatorConfig, Config, Deadlines, Limits, ListenerConfig, MaterialPlace, ProviderConfig,
};
use parsecd_core::encoding::HostRequest;
use parsecd_core::identity::{Peer, PeerCredentials, PeerGroup};
use parsecd_core::ids::{ConnectionKey, ListenerKey, ProviderKey, Ticket};
use parsecd_core::input::{HostState, Input};
use parsecd_core::job::{Job, KeyOperation};
use parsecd_core::observer::{Event, Observer};
use parsecd_core::outcome::{Effect, Outcome};
use parsecd_core::output::Output;
use parsecd_core::record::{Device, SealedMaterial};
use parsecd_core::service::{Service, Start};
use parsecd_core::store::{CommitResult, Counters, Fetched};
use parsecd_core::time::{Instant, Now, WallTime};
use parsecd_wire::algorithm::Algorithm;
use parsecd_wire::{
    AuthenticationType, Opcode, Operation, ProviderId, ProviderInfo, RequestHeader, ResponseHeader, Status,
    Uuid,
};
use std::collections::BTreeMap;

const LISTENER: ListenerKey = ListenerKey(0);
const PROVIDER: ProviderKey = ProviderKey(0);

/// A core with a provider that is up.
pub struct Driver {
    service: Service,
    now: u64,
    connections: u32,
    outputs: Vec<Output>,
}

struct Nobody;

impl Observer for Nobody {
    fn event(&mut self, _: Event<'_>) {}
}

impl Driver {
    pub fn new() -> Driver {
        let service = Service::new(config(), Start { boot: [7; 16] });
        let mut driver = Driver { service, now: 0, connections: 0, outputs: Vec::new() };
        driver.step(Input::TimePassed);
        driver
    }

    pub fn connect(&mut self) -> ConnectionKey {
        self.connections += 1;
        let connection = ConnectionKey { slot: 1, generation: self.connections };
        let credentials = Some(PeerCredentials { uid: 1000, gid: 1000, pid: 1 });
        let peer = Peer { credentials, group: PeerGroup(1000) };
        self.step(Input::ConnectionOpened { connection, listener: LISTENER, peer });
        connection
    }

    pub fn send(&mut self, connection: ConnectionKey, bytes: &[u8]) {
        self.step(Input::BytesReceived { connection, bytes });
    }

    pub fn lose(&mut self, connection: ConnectionKey) {
        self.step(Input::ConnectionLost { connection });
    }

    /// Takes an input, and everything that follows from it.
    fn step(&mut self, input: Input<'_>) {
        self.now += 1;
        let now = Now { instant: Instant(self.now), wall: WallTime(0) };
        let from = self.outputs.len();
        self.outputs.extend(self.service.step(now, input, &mut Nobody));
        while self.outputs.len() > from {
            let output = self.outputs.remove(from);
            self.take(output);
        }
    }

    fn take(&mut self, output: Output) {
        match output {
            Output::Write { connection } => self.write(connection),
            Output::OpenHost { host } => {
                self.step(Input::HostChanged { host, state: HostState::Opened { lanes: 1 } });
            }
            Output::StartJob { ticket, job, .. } => self.run(ticket, &job),
            Output::Fetch { ticket, .. } => {
                let counters = Counters::default();
                self.step(Input::RecordFetched { ticket, fetched: Fetched::Absent, counters });
            }
            Output::Commit { ticket, .. } => {
                self.step(Input::Committed { ticket, result: CommitResult::Durable });
            }
            _ => {}
        }
    }

    fn write(&mut self, connection: ConnectionKey) {
        let bytes = self.service.outgoing(connection);
        let header = bytes.first_chunk().map(ResponseHeader::from_bytes);
        assert!(
            matches!(header, Some(Ok(ResponseHeader { status: Status::Success, .. }))),
            "the answer is Success"
        );
        let count = bytes.len().try_into().expect("an answer is short");
        self.step(Input::BytesSent { connection, count });
    }

    fn run(&mut self, ticket: Ticket, job: &Job) {
        assert!(HostRequest::job_frame(ticket, job).is_ok(), "a job fits a frame");
        let effect = match job {
            Job::Open => Effect::Opened { device: Device(b"device".to_vec()), capabilities: capabilities() },
            Job::Generate { attributes, .. } => Effect::Made {
                attributes: *attributes,
                public: vec![4; 65],
                material: SealedMaterial(vec![5; 72]),
            },
            Job::Use { operation: KeyOperation::SignHash { .. }, .. } => Effect::Output(vec![9; 64]),
            other => panic!("no request makes the job {other:?}"),
        };
        self.step(Input::JobFinished { ticket, outcome: Outcome::Done(effect) });
    }
}

/// A request as Direct application.
pub fn frame(operation: &Operation, flags: u16) -> Vec<u8> {
    let authentication = b"application";
    let body = operation.encode();
    let opcode = operation.opcode();
    let header = RequestHeader {
        flags,
        provider: if opcode.is_core() { ProviderId::Core } else { ProviderId::MbedCrypto },
        session: 0,
        authentication_type: AuthenticationType::Direct,
        body_length: body.len().try_into().expect("a body fits a frame"),
        authentication_length: 11,
        opcode,
    };
    let mut frame = header.to_bytes().to_vec();
    frame.extend_from_slice(body.expose());
    frame.extend_from_slice(authentication);
    frame
}

fn config() -> Config {
    let provider = ProviderConfig {
        name: "software".into(),
        info: ProviderInfo {
            uuid: Uuid([1; 16]),
            description: String::new(),
            vendor: String::new(),
            version: (0, 1, 0),
            id: ProviderId::MbedCrypto,
        },
        material: MaterialPlace::Record,
        verify_signatures: false,
        hosts: 1,
        revision: 0,
        random_limit: None,
    };
    let authenticator =
        AuthenticatorConfig { kind: AuthenticationType::Direct, admins: std::iter::empty().collect() };
    let listener = ListenerConfig { authenticators: vec![authenticator], providers: vec![PROVIDER] };
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

fn capabilities() -> Capabilities {
    let algorithm = AlgorithmCapability {
        algorithm: Algorithm::AsymmetricSignature(ECDSA),
        bits: None,
        shortened: Vec::new(),
    };
    let key = KeyCapability {
        key_type: signing_key().key_type,
        bits: vec![BitRange { min: 256, max: 256, step: 1 }],
        generate: true,
        import: true,
        algorithms: vec![algorithm],
    };
    let opcodes = [Opcode::PsaGenerateKey, Opcode::PsaExportPublicKey, Opcode::PsaSignHash].into();
    Capabilities { opcodes, keys: vec![key], hashes: [].into() }
}
