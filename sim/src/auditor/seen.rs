//! What the observer is told in each step.

use super::Auditor;
use super::Scene;
use crate::call::{Call, Meaning};
use crate::configurations::{self, Configurations};
use crate::lifecycle;
use crate::limit::Limit;
use crate::oracle::{Mark, Oracle};
use crate::store::Store;
use crate::watch::Seen;
use parsecd_core::config::Config;
use parsecd_core::ids::{ConnectionKey, LaneKey, ObjectId, ProviderKey, RequestId, Ticket};

impl Auditor {
    /// What the observer saw in a step.
    pub fn seen(&mut self, seen: Vec<Seen>, calls: &[Call], scene: Scene<'_>) {
        let mut follower = None;
        for event in seen {
            match event {
                Seen::Received { request, connection, generation } => {
                    let Some(id) = self.taken(connection) else { continue };
                    self.requests.insert(request, id);
                    self.marks.came_in(id, connection);
                    let current = self.configurations.generation();
                    self.findings.check(Oracle::I18ReloadIsAtomic, generation == current, || {
                        format!(
                            "request {id} is to run under configuration {generation}, {current} is in force"
                        )
                    });
                    if let Some(open) = self.open.get_mut(&id) {
                        open.runs_under =
                            Some((scene.moment, generation, self.configurations.current().clone()));
                    }
                }
                Seen::Admitted { request, application, opcode, generation } => {
                    let Some(&id) = self.requests.get(&request) else { continue };
                    let Some(call) = calls.get(id) else { continue };
                    self.check_generation(id, generation);
                    let genuine = call.token.is_none() || self.tokens.decision(id) == Some(Ok(()));
                    let fits = genuine && application == call.application && opcode == call.opcode;
                    self.findings.check(Oracle::I6Identity, fits, || {
                        format!("request {id} is admitted as {application:?}, it is {:?}", call.application)
                    });
                }
                Seen::Started { request, lane, ticket } => {
                    self.given(request, lane, ticket, calls, scene.now);
                    self.jobs.insert(ticket, request);
                    if let Some(id) = request.and_then(|request| self.requests.get(&request)).copied() {
                        self.ends_to_wait(id, scene.now);
                    }
                    let open = request.and_then(|request| self.requests.get(&request));
                    if let Some(open) = open.and_then(|id| self.open.get_mut(id)) {
                        open.work.jobs.push(ticket);
                    }
                }
                Seen::Request(request, from, to) => {
                    self.waits(request, from, to, calls, scene.now);
                    if to == "Following" {
                        self.follows(request);
                        follower = self.requests.get(&request).copied();
                    }
                    if to == lifecycle::IN_HAND {
                        continue;
                    }
                    let before = self.states.insert(request, to).unwrap_or(lifecycle::IN_HAND);
                    let follows = from == before || from == lifecycle::IN_HAND;
                    let legal = follows && lifecycle::request(before, to);
                    self.findings.check(Oracle::I20Lifecycle, legal, || {
                        format!("{request:?} goes from {from} to {to}, it was {before}")
                    });
                }
                Seen::KeyLife(object, from, to) => {
                    self.key_goes_on(object, (from, to), calls, scene.moment);
                    let before = self.lives.insert(object, to);
                    self.life_waits(object, (from, to), follower.take(), scene.now);
                    let fits = lifecycle::key_life(from, to) && before.unwrap_or("None") == from;
                    self.findings.check(Oracle::I20Lifecycle, fits, || {
                        format!("the life of {object} goes from {from} to {to}, it was {before:?}")
                    });
                }
                Seen::WrongSignature(request, host) => {
                    self.work.blame(host);
                    self.findings.mark(Mark::WrongResultCaught);
                    let open = self.requests.get(&request).and_then(|id| self.open.get_mut(id));
                    open.into_iter().for_each(|open| open.work.ended_badly());
                }
                Seen::OtherDevice => self.findings.mark(Mark::OtherDeviceQuarantines),
                Seen::StoreDoubt(began) => self.excuses.core_doubts(began),
                Seen::Answered { request, connection: Some(_), status, generation } => {
                    let Some(&id) = self.requests.get(&request) else { continue };
                    self.check_generation(id, generation);
                    self.ends_to_wait(id, scene.now);
                    if let Some(call) = calls.get(id) {
                        self.decided(id, call, status, scene);
                    }
                }
                Seen::Refused(connection, _) => drop(self.taken(connection)),
                Seen::Answered { .. } => {}
            }
        }
    }

    /// A request that was received under a configuration goes on under it.
    fn check_generation(&mut self, id: usize, generation: u64) {
        let Some((_, own, _)) = self.open.get(&id).and_then(|open| open.runs_under.as_ref()) else { return };
        self.findings.check(Oracle::I18ReloadIsAtomic, generation == *own, || {
            format!("request {id} came under configuration {own} and runs under {generation}")
        });
    }

    /// Whether the signature that this job makes is verified before it leaves.
    pub fn is_verified(&self, ticket: Ticket, calls: &[Call]) -> bool {
        let request = self.jobs.get(&ticket).copied().flatten();
        let id = request.and_then(|request| self.requests.get(&request));
        let open = id.and_then(|id| self.open.get(id).zip(calls.get(*id)));
        open.is_some_and(|(open, call)| {
            let config = open.runs_under.as_ref().map(|(_, _, config)| config);
            config.is_some_and(|config| configurations::verifies(config, call.provider))
        })
    }

    /// A life of the daemon begins. Its configuration may be one that the life before took no more, for it
    /// stopped.
    pub fn begins(&mut self, config: &Config, store: &Store, moment: u64) {
        self.excuses.begins(config, moment);
        self.marks.begins(store.visible().unfinished.values());
        self.configurations = Configurations::new(config);
    }

    /// The daemon is given another configuration; while it stops it takes none.
    pub fn reconfigures(&mut self, config: &Config) {
        if !self.excuses.stopping {
            self.configurations.take(config);
        }
    }

    /// The request of a connection that the core took, or refused, last.
    pub fn last_taken(&self, connection: ConnectionKey) -> Option<usize> {
        self.callers.get(&connection)?.start.checked_sub(1)
    }

    /// The daemon has taken a configuration without these providers: nobody waits for their lanes any more.
    pub fn reconfigured(&mut self, gone: &[ProviderKey]) {
        let waits = gone.iter().find_map(|provider| self.fairness.waits_for(*provider));
        self.findings.check(Oracle::I15Liveness, waits.is_none() || self.excuses.stopping, || {
            format!("request {waits:?} waits for a provider that is gone")
        });
    }

    /// A request begins or ends to wait for a lane.
    fn waits(&mut self, request: RequestId, from: &str, to: &str, calls: &[Call], now: u64) {
        let Some(&id) = self.requests.get(&request) else { return };
        if matches!(from, "Queued" | "Verifying") {
            self.ends_to_wait(id, now);
        }
        if matches!(to, "Queued" | "Verifying") {
            self.begins_to_wait(id, now);
        }
        let before = self.states.get(&request).copied();
        let executor = self.configurations.current().executor.as_ref();
        if let (Some(Meaning::Hash { algorithm, .. }), Some(executor)) =
            (calls.get(id).map(|call| &call.meaning), executor)
            && to == "Queued"
            && before != Some("Running")
            && executor.capabilities.hashes.contains(algorithm)
        {
            self.work.waits_for_executor(id);
        }
        if from == "Queued" {
            self.fairness.left(id);
        }
        let call = calls.get(id).filter(|call| to == "Queued" && call.meaning.waits_for_lane());
        if let Some(call) = call
            && let Some(provider) = crate::excuses::key_of(call.provider)
        {
            let (waiting, of_tenant) = self.fairness.queued(id, provider, call);
            let (distances, limits) = (&mut self.findings.distances, &self.configurations.current().limits);
            distances.note(Limit::Queue, waiting, limits);
            distances.note(Limit::TenantQueue, of_tenant, limits);
        }
    }

    /// A request waits with the life of a key for a lane that makes it.
    fn life_waits(&mut self, object: ObjectId, (from, to): (&str, &str), follower: Option<usize>, now: u64) {
        if from == "None" {
            follower.into_iter().for_each(|id| self.work.follows(object, id));
        }
        if to == "Making" {
            let follower = self.work.follower(object);
            follower.into_iter().for_each(|id| self.begins_to_wait(id, now));
        }
        if to == "None" {
            self.work.forgets(object);
        }
    }

    /// A lane is given a job.
    fn given(&mut self, request: Option<RequestId>, lane: LaneKey, ticket: Ticket, calls: &[Call], now: u64) {
        let id = request.and_then(|request| self.requests.get(&request));
        let call = id.and_then(|id| calls.get(*id));
        let skipped = self.fairness.started(lane, ticket, call, now);
        self.findings.check(Oracle::I9Fairness, !skipped, || format!("{call:?} is started out of turn"));
    }

    /// The core has taken the next request of a connection.
    fn taken(&mut self, connection: ConnectionKey) -> Option<usize> {
        self.callers.get_mut(&connection)?.next()
    }
}
