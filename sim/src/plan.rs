//! What one run is made of: knobs, weights of faults and operations, all drawn from the seed.

use crate::knobs;
use crate::provider::{JobFault, Left};
use crate::random::{Domain, Random};
use crate::store::{GroupFate, Version};
use parsecd_core::config::{
    AuthenticatorConfig, Config, Deadlines, Limits, ListenerConfig, MaterialPlace, ProviderConfig,
};
use parsecd_core::ids::{ListenerKey, ProviderKey};
use parsecd_wire::{AuthenticationType, ProviderId, ProviderInfo, Status, Uuid};
use std::collections::VecDeque;
use std::time::Duration;

/// The provider whose material goes into the record.
pub const SEALING: ProviderKey = ProviderKey(1);
/// The provider that keeps its objects.
pub const OWNING: ProviderKey = ProviderKey(2);
/// The listener that is always configured at first.
pub const LISTENER: ListenerKey = ListenerKey(0);
/// The other one, in some worlds.
pub const OTHER_LISTENER: ListenerKey = ListenerKey(1);
/// Name that is an admin among those of tokens.
pub const TOKEN_ADMIN: &str = "spiffe://sim/admin";
/// Application that is an admin of the Direct authenticator.
pub const ADMIN: &str = "admin";

/// Faults of jobs that may be drawn, in the order of [`Weights::jobs`].
pub const JOB_FAULTS: [JobFault; 18] = [
    JobFault::Hangs,
    JobFault::HostDiesBefore,
    JobFault::HostDiesAfter,
    JobFault::HostDiesHalfway,
    JobFault::LandsLate,
    JobFault::Busy,
    JobFault::UnknownBefore,
    JobFault::UnknownAfter,
    JobFault::UnknownHalfway,
    JobFault::Refused(Status::PsaErrorHardwareFailure),
    JobFault::LoginLost,
    JobFault::Rebuild,
    JobFault::WrongSignature,
    JobFault::WrongLength,
    JobFault::OtherKey,
    JobFault::WrongKind,
    JobFault::WrongAttributes,
    JobFault::Refused(Status::PsaErrorInsufficientStorage),
];
/// Faults of opening a host, in the order of [`Weights::opens`].
pub const OPEN_FAULTS: [JobFault; 5] =
    [JobFault::Away, JobFault::OtherDevice, JobFault::PinRefused, JobFault::HostDiesBefore, JobFault::Hangs];
/// Faults of a group commit, in the order of [`Weights::groups`].
pub const GROUP_FAULTS: [GroupFate; 4] =
    [GroupFate::Refused, GroupFate::Full, GroupFate::FullForAll, GroupFate::Unknown];

/// Operations in the order of [`Weights::operations`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// PsaGenerateKey and PsaImportKey that should work.
    Create,
    /// PsaGenerateKey of something that cannot be held.
    CreateRefused,
    /// PsaDestroyKey.
    Destroy,
    /// PsaSignHash.
    Sign,
    /// PsaVerifyHash.
    Verify,
    /// PsaExportPublicKey.
    ExportPublic,
    /// PsaExportKey.
    Export,
    /// PsaGenerateRandom.
    Random,
    /// PsaHashCompute and PsaHashCompare.
    Hash,
    /// ListKeys.
    ListKeys,
    /// ListClients.
    ListClients,
    /// DeleteClient.
    DeleteClient,
    /// Ping, ListProviders, ListAuthenticators, ListOpcodes, CanDoCrypto.
    Ask,
    /// A frame with one fault.
    Malformed,
}

/// Every kind of request.
pub const KINDS: [Kind; 14] = [
    Kind::Create,
    Kind::CreateRefused,
    Kind::Destroy,
    Kind::Sign,
    Kind::Verify,
    Kind::ExportPublic,
    Kind::Export,
    Kind::Random,
    Kind::Hash,
    Kind::ListKeys,
    Kind::ListClients,
    Kind::DeleteClient,
    Kind::Ask,
    Kind::Malformed,
];

/// How likely what is. Per mille unless said otherwise.
#[derive(Clone, Debug, Default)]
pub struct Weights {
    /// A job goes wrong.
    pub job: u32,
    /// Which way, relative; see [`JOB_FAULTS`].
    pub jobs: [u32; JOB_FAULTS.len()],
    /// Opening a host goes wrong.
    pub open: u32,
    /// Which way, relative; see [`OPEN_FAULTS`].
    pub opens: [u32; OPEN_FAULTS.len()],
    /// A signature that is verified before it leaves is wrong.
    pub wrong_signature: u32,
    /// A job that is asked back has begun meanwhile.
    pub cancel_late: u32,
    /// A lane host dies for no reason while it is opening.
    pub stillborn: u32,
    /// A group commit goes wrong.
    pub group: u32,
    /// Which way, relative; see [`GROUP_FAULTS`].
    pub groups: [u32; GROUP_FAULTS.len()],
    /// The store goes, or comes back, after so many milliseconds at most; 0: never.
    pub store_within: u64,
    /// Usual time of a read of the store, in microseconds.
    pub read_time: u64,
    /// A read of the store fails.
    pub read_fails: u32,
    /// A row is damaged when it is committed.
    pub damage: u32,
    /// The daemon dies after so many events at most; 0: never.
    pub crash_within: u64,
    /// The daemon is told to stop after about so many requests at most; 0: never.
    pub stop_within: u64,
    /// A client does not behave: leaves early, stays silent, drips, sends more than its frame.
    pub misbehaves: u32,
    /// A client that lost an answer asks again.
    pub asks_again: u32,
    /// A client sends what it sends in pieces.
    pub splits: u32,
    /// Clients show tokens, and tokens are wrong.
    pub tokens: u32,
    /// See `tokens`.
    pub tokens_wrong: u32,
    /// Something happens to the identity provider after so many milliseconds at most; 0: never.
    pub identity_within: u64,
    /// Something happens to the clocks, or the daemon stands still, after so many milliseconds at most; 0:
    /// never.
    pub clock_within: u64,
    /// The daemon reloads after so many milliseconds at most; 0: never.
    pub reload_within: u64,
    /// The end of a job is told twice.
    pub twice: u32,
    /// A token loses an object.
    pub lose: u32,
    /// The store is copied; the copy is put back when the daemon dies.
    pub restore: u32,
    /// The daemon that starts is the newer version.
    pub newer: u32,
    /// A job of the executor comes back undone.
    pub executor: u32,
    /// A latency is a thousand times the usual.
    pub slow: u32,
    /// Accepting fails.
    pub accept_fails: u32,
    /// What is ready when the daemon goes on after a standstill comes in another order.
    pub shuffles: u32,
    /// What clients ask, relative; see [`KINDS`].
    pub operations: [u32; KINDS.len()],
}

/// Faults that strike at a place that is told, for runs without chance.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// Of the jobs that come, opening excepted.
    pub jobs: VecDeque<JobFault>,
    /// Of the openings that come of hosts of the provider that owns its objects.
    pub opens: VecDeque<JobFault>,
    /// Of the group commits that come.
    pub groups: VecDeque<GroupFate>,
    /// Versions of the daemon, in the order of its lives.
    pub versions: VecDeque<Version>,
    /// How many of the transactions that wait a crash finds written.
    pub crash_keeps: usize,
    /// Which of the states that a failed sync leaves is the truth.
    pub doubt_choice: u64,
    /// What comes of the jobs of hosts that die; `None`: chance says.
    pub killed: Option<Left>,
    /// When a device finishes what it does by itself, in nanoseconds; `None`: chance says.
    pub lands_after: Option<u64>,
}

/// All of a run but its events.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What the daemon is configured with.
    pub config: Config,
    /// Chances while the storm lasts.
    pub weights: Weights,
    /// Faults at told places.
    pub script: Script,
    /// Requests of the storm, if its budget lasts.
    pub requests: u64,
    /// Pause between two requests, at most, in microseconds.
    pub pause: u64,
    /// Number of key names in use.
    pub names: u64,
    /// Clients in a thousand that keep their connection, and for how many requests at most.
    pub kept: (u32, u64),
    /// Four principals ask for lanes of one provider all the time, one of them under a hundred names.
    pub saturates: bool,
    /// One of them has one request at a time, which takes long.
    pub pauses: bool,
    /// The names are three instead of a hundred, one for each client, and clients leave before they are answered.
    pub leaves: bool,
    /// What a device takes differs by a hundredth only.
    pub steady: bool,
    /// Number of application names in use.
    pub applications: u64,
    /// Lanes per host of the owning provider.
    pub lanes: u16,
}

impl Plan {
    /// A world without faults.
    pub fn calm() -> Plan {
        Plan {
            config: config(),
            weights: Weights { operations: [1; KINDS.len()], read_time: 100, ..Weights::default() },
            script: Script::default(),
            requests: 0,
            pause: 2000,
            names: 4,
            kept: (0, 1),
            saturates: false,
            pauses: false,
            leaves: false,
            steady: false,
            applications: 3,
            lanes: 2,
        }
    }

    /// A world drawn from the swarm's stream.
    pub fn swarm(random: &mut Random) -> Plan {
        let mut plan = Plan::calm();
        plan.requests = u64::MAX;
        plan.names = *random.pick(Domain::Swarm, &[1, 2, 4, 20]);
        plan.applications = *random.pick(Domain::Swarm, &[1, 2, 3, 6]);
        plan.pause = *random.pick(Domain::Swarm, &[1, 200, 2_000, 20_000, 200_000]);
        plan.kept = *random.pick(Domain::Swarm, &[(0, 1), (100, 4), (500, 8), (900, 24)]);
        plan.lanes = *random.pick(Domain::Swarm, &[1, 2, 4]);
        plan.weights = weights(random);
        knobs::turn(&mut plan.config, random);
        if plan.config.limits.body_length > 4096 {
            let hashes = KINDS.iter().position(|kind| *kind == Kind::Hash);
            hashes.into_iter().for_each(|index| plan.weights.operations[index] = 200);
            plan.crowd(random);
        }
        match random.between(Domain::Swarm, 0, 999) {
            0..120 => plan.saturate(random),
            120..420 => plan.favour(random),
            _ => {}
        }
        let verified = plan.config.providers.values().any(|provider| provider.verify_signatures);
        for (fault, weight) in JOB_FAULTS.iter().zip(&mut plan.weights.jobs) {
            if matches!(fault, JobFault::WrongSignature | JobFault::OtherKey) {
                *weight = match plan.weights.reload_within {
                    _ if verified => 16,
                    0 => 0,
                    _ => 4,
                };
            }
        }
        if !plan.saturates && random.chance(Domain::Swarm, 250) {
            knobs::quotas(&mut plan.config.limits, Domain::Swarm, random);
        }
        plan
    }
}

impl Plan {
    /// Room is asked for by several peer groups at a time, by some of them for long.
    fn crowd(&mut self, random: &mut Random) {
        self.applications = 6;
        self.pause = self.pause.min(2_000);
        if random.chance(Domain::Swarm, 500) {
            self.weights.misbehaves = self.weights.misbehaves.max(400);
        }
        if random.chance(Domain::Swarm, 500) {
            self.kept = (500, 8);
        }
    }

    /// A world whose lanes are never idle and in which nothing goes wrong: fairness shows here.
    fn saturate(&mut self, random: &mut Random) {
        self.saturates = true;
        self.pauses = random.chance(Domain::Swarm, 300);
        self.steady = random.chance(Domain::Swarm, 700);
        self.leaves = random.chance(Domain::Swarm, 300);
        if self.steady {
            self.lanes = *random.pick(Domain::Swarm, &[1, 1, 2]);
        }
        self.pause = 1;
        let Weights { operations, read_time, .. } = self.weights;
        self.weights = Weights { operations, read_time, ..Weights::default() };
        self.config.limits = Plan::calm().config.limits;
        self.config.listeners.remove(&OTHER_LISTENER);
        self.config.limits.pipeline = *random.pick(Domain::Swarm, &[8, 64]);
        // All of one principal's clients may wait under one name: nobody is refused here.
        self.config.limits.tenant_queue = self.config.limits.queue;
        self.config.deadlines = Plan::calm().config.deadlines;
        self.config.deadlines.queue = Duration::from_secs(3600);
    }
}

fn weights(random: &mut Random) -> Weights {
    let mut operations: [u32; KINDS.len()] = subset(random);
    if random.chance(Domain::Swarm, 700) {
        let keys = [(Kind::Create, 16), (Kind::Sign, 24), (Kind::Verify, 8), (Kind::Destroy, 4)];
        for (kind, least) in keys {
            let index = KINDS.iter().position(|other| *other == kind);
            index.into_iter().for_each(|index| operations[index] = operations[index].max(least));
        }
    }
    let read_time = *random.pick(Domain::Swarm, &[10, 100, 5_000, 50_000]);
    let mut family = |rates: &[u32]| {
        let active = random.chance(Domain::Swarm, 600);
        if active { *random.pick(Domain::Swarm, rates) } else { 0 }
    };
    let (job, open) = (family(&[5, 30, 150, 400]), family(&[30, 150, 500]));
    let (stillborn, group) = (family(&[20, 200]), family(&[5, 30, 150, 400]));
    let (read_fails, damage) = (family(&[5, 50]), family(&[5, 50]));
    let (misbehaves, slow) = (family(&[30, 200, 600]), family(&[1, 10, 50]));
    let (tokens, executor) = (family(&[100, 500, 900]), family(&[10, 200]));
    let (tokens_wrong, identity) = (family(&[50, 500]), family(&[20, 500, 5_000]));
    let (twice, lose, restore) = (family(&[5, 100]), family(&[5, 50]), family(&[30]));
    let reload_within = u64::from(family(&[5, 100, 5_000]));
    let clock_within = u64::from(family(&[20, 500, 10_000]));
    let (accept_fails, crash) = (family(&[10, 100]), family(&[1, 1, 2, 2, 3]));
    let shuffles = family(&[300, 1000]);
    let asks_again = family(&[200, 900]);
    let newer = family(&[200, 500]);
    let splits = family(&[100, 600]);
    let (wrong_signature, cancel_late) = (family(&[100, 400]), family(&[500]));
    let store_within = if random.chance(Domain::Swarm, 250) { 500 } else { 0 };
    let stop_within = *random.pick(Domain::Swarm, &[0, 0, 0, 0, 0, 10, 100, 1_000]);
    let crash_within = match crash {
        0 => 0,
        1 => 5_000,
        2 => 500,
        _ => 120,
    };
    Weights {
        tokens,
        tokens_wrong,
        identity_within: if tokens > 0 { u64::from(identity) } else { 0 },
        clock_within,
        executor,
        reload_within,
        twice,
        lose,
        restore,
        newer,
        asks_again,
        shuffles,
        wrong_signature,
        cancel_late,
        store_within,
        job,
        jobs: subset(random),
        open,
        opens: subset(random),
        stillborn,
        group,
        groups: subset(random),
        read_time,
        read_fails,
        damage,
        crash_within,
        stop_within,
        misbehaves,
        splits,
        slow,
        accept_fails,
        operations,
    }
}

/// Weights of which about half are 0 and the others differ wildly; never all 0.
fn subset<const N: usize>(random: &mut Random) -> [u32; N] {
    let mut drawn: [u32; N] = std::array::from_fn(|_| *random.pick(Domain::Swarm, &[0, 0, 0, 1, 4, 16]));
    if drawn.iter().all(|weight| *weight == 0) {
        drawn[random.between(Domain::Swarm, 0, N as u64 - 1) as usize] = 1;
    }
    drawn
}

/// A configuration with both providers and both authenticators.
pub fn config() -> Config {
    let provider = |name: &str, id: ProviderId, material: MaterialPlace, hosts: u16| ProviderConfig {
        name: name.into(),
        info: ProviderInfo {
            uuid: Uuid([id.number(); 16]),
            description: name.to_owned(),
            vendor: "simulated".to_owned(),
            version: (0, 1, 0),
            id,
        },
        material,
        hosts,
        revision: 0,
        random_limit: None,
        verify_signatures: false,
    };
    let authenticator = |kind: AuthenticationType, admins: &[&str]| AuthenticatorConfig {
        kind,
        admins: admins.iter().map(|name| (*name).into()).collect(),
    };
    Config {
        limits: Limits {
            body_length: 4096,
            buffer_size: 2048,
            response: 1 << 16,
            key_name: 300,
            application_name: 40,
            reads: 3,
            writes: 3,
            ..Limits::default()
        },
        deadlines: Deadlines::default(),
        allow_deprecated: false,
        refuse_pkcs1v15_encryption: false,
        executor: Some(knobs::executor(2)),
        audit: false,
        providers: [
            (SEALING, provider("sealing", ProviderId::MbedCrypto, MaterialPlace::Record, 2)),
            (OWNING, provider("owning", ProviderId::Pkcs11, MaterialPlace::Provider, 1)),
        ]
        .into(),
        listeners: [(
            LISTENER,
            ListenerConfig {
                authenticators: vec![
                    authenticator(AuthenticationType::UnixPeerCredentials, &["0"]),
                    authenticator(AuthenticationType::JwtSvid, &[TOKEN_ADMIN]),
                    authenticator(AuthenticationType::Direct, &[ADMIN]),
                ],
                providers: vec![SEALING, OWNING],
            },
        )]
        .into(),
    }
}
