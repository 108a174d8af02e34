//! What the core asks of the world, and what the world answers.

use crate::auditor::Scene;
use crate::faults::Family;
use crate::limit::Limit;
use crate::oracle::{Mark, Oracle};
use crate::provider::fleet::Given;
use crate::random::Domain;
use crate::stage::{Event, MICRO, MILLI, Told};
use crate::store::{Damage, GroupFate};
use crate::world::World;
use parsecd_core::ids::HostKey;
use parsecd_core::input::{HostState, Input};
use parsecd_core::job::Job;
use parsecd_core::outcome::{Effect, Outcome};
use parsecd_core::output::{Output, Place};
use parsecd_core::store::{CommitResult, Counters, Fetched, Page};

impl World {
    pub(crate) fn perform(&mut self, output: Output) {
        let ticketed = matches!(
            output,
            Output::Fetch { .. }
                | Output::List { .. }
                | Output::Commit { .. }
                | Output::StartJob { .. }
                | Output::VerifyToken { .. }
        );
        self.owed += u64::from(ticketed);
        match output {
            Output::Write { connection } => self.stage.after(0, Event::Writable(connection)),
            Output::ShutdownWrite { connection }
            | Output::Close { connection }
            | Output::Abort { connection } => self.finish(connection, &output),
            Output::ReadAgain { connection } => self.read_again(connection),
            Output::AcceptAgain { listener } => {
                if self.accept_blocked.remove(&listener) {
                    self.stage.after(0, Event::Accept(listener));
                }
            }
            Output::VerifyToken { ticket, token } => {
                let (serial, verdict) = self.workload.identities.verify(token.expose());
                self.auditor.token_asked(ticket, serial);
                let delay = self.stage.latency(Domain::Identity, MILLI);
                self.stage.tell(delay, Told::TokenVerified(ticket, verdict));
            }
            Output::Fetch { ticket, identity, principal } => {
                self.reads.insert(ticket);
                let reads = self.reads.len() as u64;
                self.note_distance(Limit::Reads, reads);
                let (fetched, counters) = self.store.fetch(&identity, &principal);
                let told = match self.read_fails() {
                    true => Told::Fetched(ticket, Fetched::Failed, Counters::default()),
                    false => Told::Fetched(ticket, fetched, counters),
                };
                let delay = self.stage.latency(Domain::Store, self.stage.weights.read_time * MICRO);
                self.stage.tell(delay, told);
            }
            Output::List { ticket, query } => {
                let page = if self.read_fails() { Page::Failed } else { self.store.list(&query) };
                self.note_distance(Limit::Page, rows(&page));
                let delay = self.stage.latency(Domain::Store, self.stage.weights.read_time * MICRO);
                self.stage.tell(delay, Told::Listed(ticket, page));
                if self.stage.weights.reload_within > 0 && self.stage.random.chance(Domain::Crash, 60) {
                    self.stage.after(delay / 2, Event::ReloadOfLimits);
                }
            }
            Output::Commit { ticket, mutation } => {
                self.counts.commits += 1;
                let World { auditor, calls, store, fleet, moment, stage, .. } = self;
                let scene = Scene { store, fleet, moment: *moment, now: stage.now };
                auditor.commits(&mutation, calls, scene);
                self.commits.insert(ticket, mutation.clone());
                let writes = self.commits.len() as u64;
                self.note_distance(Limit::Writes, writes);
                self.store.submit(ticket, mutation);
                if !std::mem::replace(&mut self.flushing, true) {
                    let delay = self.stage.latency(Domain::Store, 300 * MICRO);
                    self.stage.after(delay, Event::Flush);
                }
            }
            Output::StartJob { ticket, on: Place::Lane(lane), job } => {
                let scene = Scene {
                    store: &self.store,
                    fleet: &self.fleet,
                    moment: self.moment,
                    now: self.stage.now,
                };
                self.auditor.starts(lane, ticket, &job, scene);
                if matches!(*job, Job::Open) {
                    self.opens.insert(ticket, lane.host);
                }
                let verified = self.auditor.is_verified(ticket, &self.calls);
                let fits = self.fleet.start(lane, Given { ticket, job, verified }, &mut self.stage);
                self.auditor
                    .findings
                    .check(Oracle::LaneDepth, fits, || format!("{lane:?} is given a third job"));
            }
            Output::StartJob { ticket, on: Place::Executor, job } => {
                self.auditor.work.executes(ticket);
                if !self.fleet.execute(ticket, &job, &mut self.stage) {
                    self.stage.faults.strikes(Family::Provider);
                    self.auditor.excuses.executor_fails(self.moment);
                }
            }
            Output::CancelJob { ticket } => self.fleet.cancel(ticket, &mut self.stage),
            Output::OpenHost { host } => {
                self.host_secrets.insert(host, self.reloads);
                if self.auditor.marks.replaces(host) {
                    self.auditor.findings.mark(Mark::StuckLaneReplaced);
                }
                let deadlines = &self.auditor.configurations.current().deadlines;
                self.auditor.work.opens(host, deadlines, self.stage.now);
                self.fleet.open(host, &mut self.stage);
            }
            Output::KillHost { host } => {
                self.auditor.kills(host, self.last_instant);
                self.auditor.marks.killed(host);
                self.auditor.excuses.host_gone(host);
                self.opens.retain(|_, opening| *opening != host);
                self.fleet.kill(host, &mut self.stage);
            }
            Output::CloseHost { host } => {
                self.auditor.excuses.host_gone(host);
                self.opens.retain(|_, opening| *opening != host);
                let deadlines = &self.auditor.configurations.current().deadlines;
                self.auditor.work.closes(host, deadlines, self.stage.now);
                self.fleet.close(host, &mut self.stage);
            }
            Output::Audit { ticket, event } => {
                self.auditor.audited(&event, &self.calls);
                self.stage.tell(MICRO, Told::Audited(ticket));
            }
            Output::Stopped => {
                self.auditor.findings.mark(Mark::StoppedInGoodOrder);
                self.stage.after(0, Event::Exit(self.stage.boot));
            }
            Output::Idle { wake, more_work } => {
                self.wake = wake.map(|(at, _)| at.0);
                self.wake_reason = wake.map(|(_, reason)| reason);
                if more_work {
                    self.stage.after(MICRO, Event::MoreWork(self.stage.boot));
                }
            }
        }
    }

    /// The core lets in so much of what it is configured with now.
    pub(crate) fn note_distance(&mut self, limit: Limit, size: u64) {
        self.auditor.findings.distances.note(limit, size, &self.plan.config.limits);
    }

    fn read_fails(&mut self) -> bool {
        let fails = self.stage.random.chance(Domain::Store, self.stage.weights.read_fails) || self.store_down;
        if fails {
            self.stage.faults.strikes(Family::Store);
            self.auditor.excuses.store_fails();
        }
        fails
    }

    pub(crate) fn tell(&mut self, told: Told) {
        let boot = self.stage.boot;
        match told {
            Told::Finished(ticket, outcome) => {
                let opened = self.opens.remove(&ticket);
                if let (Some(host), Outcome::PinRefused) = (opened, &outcome) {
                    self.pin_refused(host);
                }
                if let Some(host) = opened
                    && let Outcome::Done(Effect::Opened { device, .. }) = &outcome
                {
                    let home = !device.0.ends_with(&[1]);
                    self.auditor.work.logs_in(host, device.clone());
                    self.auditor.excuses.host_serves(host, home, self.moment + 1);
                }
                self.auditor.work.executed(ticket);
                let instant = (self.moment + 1, self.stage.now.max(self.last_instant + 1));
                self.auditor.finished(ticket, &outcome, &self.fleet, instant);
                self.owed -= 1;
                let twice = self.stage.random.chance(Domain::Provider, self.stage.weights.twice);
                if twice {
                    self.stage.faults.strikes(Family::Provider);
                    self.stage.tell(MICRO, Told::FinishedTwice(ticket, outcome.clone()));
                }
                self.feed(Input::JobFinished { ticket, outcome });
            }
            Told::FinishedTwice(ticket, outcome) => self.feed(Input::JobFinished { ticket, outcome }),
            Told::Committed(results) => {
                for (ticket, result) in results {
                    match result {
                        CommitResult::Durable => {}
                        CommitResult::Full => self.auditor.excuses.store_full(),
                        CommitResult::Refused | CommitResult::Unknown => self.auditor.excuses.store_fails(),
                    }
                    if self.service.is_some() && self.stage.boot == boot {
                        self.owed -= 1;
                        if let Some(mutation) = self.commits.remove(&ticket) {
                            self.auditor.committed(&mutation, result);
                        }
                        self.feed(Input::Committed { ticket, result });
                    }
                }
                self.store_answered();
            }
            Told::Fetched(ticket, fetched, counters) => {
                if fetched == Fetched::Failed {
                    self.auditor.excuses.store_fails();
                }
                self.owed -= 1;
                self.reads.remove(&ticket);
                self.feed(Input::RecordFetched { ticket, fetched, counters });
                self.store_answered();
            }
            Told::Listed(ticket, page) => {
                if page == Page::Failed {
                    self.auditor.excuses.store_fails();
                }
                self.owed -= 1;
                self.feed(Input::Listed { ticket, page });
                self.store_answered();
            }
            Told::TokenVerified(ticket, verdict) => {
                let wall = self.stage.wall.read(self.stage.now.max(self.last_instant + 1));
                self.auditor.token_verified(ticket, &verdict, &self.calls, wall);
                self.owed -= 1;
                self.feed(Input::TokenVerified { ticket, verdict });
            }
            Told::Audited(ticket) => self.feed(Input::Audited { ticket, written: true }),
            Told::HostUp(host, lanes) => {
                self.auditor.work.opened(host);
                self.feed(Input::HostChanged { host, state: HostState::Opened { lanes } });
            }
            Told::HostDown(host) => {
                self.auditor.excuses.host_gone(host);
                self.auditor.work.gone(host);
                let state = HostState::Down { why: "it died".to_owned() };
                self.feed(Input::HostChanged { host, state });
            }
        }
    }

    /// A log-in was refused: nobody may try the same PIN again.
    fn pin_refused(&mut self, host: HostKey) {
        if self.fleet.is_locked() {
            self.auditor.findings.mark(Mark::PinLocked);
        }
        let secrets = self.host_secrets.get(&host).copied().unwrap_or_default();
        let first = self.refused.insert((host.provider, host.slot, secrets));
        self.auditor.findings.check(Oracle::PinTriedOnce, first, || {
            format!("{host:?} tries a PIN again that was refused before, {secrets} reloads ago")
        });
    }

    fn store_answered(&mut self) {
        if !self.store.in_doubt() {
            self.auditor.excuses.store_well(self.moment);
        }
    }

    pub(crate) fn flush(&mut self) {
        self.flushing = false;
        self.lose_or_back_up();
        self.repair_perhaps(self.stage.weights.damage);
        let doubted = self.store.in_doubt();
        let fate = match self.stage.group_fate() {
            _ if self.store_down && (doubted || self.stage.random.chance(Domain::Store, 500)) => {
                GroupFate::Refused
            }
            _ if self.store_down => GroupFate::Unknown,
            GroupFate::Unknown if doubted && self.lasting.store.is_some() => GroupFate::Refused,
            GroupFate::Unknown if doubted => GroupFate::Normal,
            fate => fate,
        };
        if fate == GroupFate::Unknown {
            self.auditor.excuses.store_fails();
        }
        let choice = if doubted { self.doubt_choice() } else { 0 };
        let results = self.store.flush(fate, choice);
        self.auditor.truth.written(self.moment, &self.store);
        self.auditor.quotas.written(self.moment, &self.store, doubted);
        if self.stage.random.chance(Domain::Store, self.stage.weights.damage) && !self.store.in_doubt() {
            let keys: Vec<_> = self.store.visible().keys.keys().cloned().collect();
            if !keys.is_empty() {
                let damaged = self.stage.random.pick(Domain::Store, &keys).clone();
                let other = self.stage.random.pick(Domain::Store, &keys).clone();
                let record = self.store.visible().keys[&other].record.clone();
                let damage = match self.stage.random.between(Domain::Store, 0, 1) {
                    0 if other != damaged => {
                        let swapped = self.store.visible().keys[&damaged].record.clone();
                        self.store.damage(other, Damage::Swapped(swapped));
                        Damage::Swapped(record)
                    }
                    _ => Damage::Tag,
                };
                self.store.damage(damaged, damage);
                self.stage.faults.strikes(Family::Store);
            }
        }
        let delay = self.stage.latency(Domain::Store, 200 * MICRO);
        self.stage.tell(delay, Told::Committed(results));
    }

    pub(crate) fn doubt_choice(&mut self) -> u64 {
        if self.plan.requests == 0 {
            self.stage.script.doubt_choice
        } else {
            self.stage.random.bits(Domain::Store)
        }
    }
}

fn rows(page: &Page) -> u64 {
    let rows = match page {
        Page::Keys(rows) => rows.len(),
        Page::Clients(rows) => rows.len(),
        Page::Unfinished(rows) => rows.len(),
        Page::Failed => 0,
    };
    rows as u64
}
