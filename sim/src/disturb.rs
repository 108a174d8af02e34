//! What happens by itself while the storm lasts: to clocks, to the process, its limits and its version, to the identity
//! provider, to objects of a token and to the store.

use crate::clock::real;
use crate::faults::Family;
use crate::oracle::Mark;
use crate::random::Domain;
use crate::stage::{Event, MILLI, SECOND, Told};
use crate::store::Version;
use crate::world::World;
use parsecd_core::identity::KeyIdentity;
use parsecd_core::input::Input;
use parsecd_core::store::StoreState;

impl World {
    /// Has the first disturbances come.
    pub(crate) fn disturb_later(&mut self) {
        self.next_clock();
        self.next_identity();
        self.next_reload();
        self.next_store();
    }

    /// How long nobody has asked anything, up to ten seconds: the longer, the rarer are disturbances, so that
    /// they do not fill the time in which everybody waits.
    fn unasked(&self) -> u64 {
        self.stage.now.saturating_sub(self.asked_at).min(10 * SECOND)
    }

    /// Has `event` happen within so many milliseconds; 0: never.
    fn comes_within(&mut self, within: u64, domain: Domain, event: Event) {
        if within > 0 {
            let delay = self.stage.random.between(domain, 1, within) * MILLI + self.unasked();
            self.stage.after(delay, event);
        }
    }

    fn next_store(&mut self) {
        self.comes_within(self.stage.weights.store_within, Domain::Store, Event::Store);
    }

    /// The store does not answer any more, or does so again.
    pub(crate) fn disturb_store(&mut self) {
        if self.service.is_some() {
            self.stage.faults.strikes(Family::Store);
            self.store_changes(!self.store_down);
        }
        self.next_store();
    }

    /// Tells the daemon that the store goes or comes back.
    pub(crate) fn store_changes(&mut self, down: bool) {
        self.store_down = down;
        if down {
            self.auditor.excuses.store_fails();
            self.auditor.excuses.core_doubts(true);
        } else {
            self.auditor.findings.mark(Mark::StoreCameBack);
        }
        self.feed(Input::StoreChanged { state: if down { StoreState::Down } else { StoreState::Up } });
    }

    /// The daemon starts with limits of its own, perhaps, which are smaller than those that a reload brings back:
    /// smaller ones take nothing from who has more.
    pub(crate) fn other_limits(&mut self) {
        let (draw, base) = (Domain::Crash, &self.auditor.config.limits);
        let changes = self.stage.boot > 1 && self.stage.weights.reload_within > 0;
        let random = &mut self.stage.random;
        if !changes || !random.chance(draw, 300) {
            return;
        }
        let limits = &mut self.plan.config.limits;
        limits.pipeline = base.pipeline.min(*random.pick(draw, &[64, 1, 3]));
        limits.connections = base.connections.min(*random.pick(draw, &[4096, 2, 8]));
        limits.page = base.page.min(*random.pick(draw, &[256, 1, 2]));
        limits.reads = base.reads.min(*random.pick(draw, &[64, 1, 3]));
        limits.writes = base.writes.min(*random.pick(draw, &[128, 1, 3]));
        limits.unsent = base.unsent.min(*random.pick(draw, &[256 << 10, 100]));
        limits.cache = base.cache.min(*random.pick(draw, &[8 << 20, 1]));
        self.stage.faults.strikes(Family::Process);
        self.auditor.findings.mark(Mark::RestartedWithOtherLimits);
    }

    pub(crate) fn next_reload(&mut self) {
        self.comes_within(self.stage.weights.reload_within, Domain::Crash, Event::Reload);
    }

    fn next_clock(&mut self) {
        self.comes_within(self.stage.weights.clock_within, Domain::Clock, Event::Clock);
    }

    fn next_identity(&mut self) {
        self.comes_within(self.stage.weights.identity_within, Domain::Identity, Event::Identity);
    }

    /// The wall clock goes wrong, the machine is suspended, or the daemon stands still.
    pub(crate) fn disturb_clocks(&mut self) {
        if self.stage.weights.clock_within == 0 {
            return;
        }
        let draw = Domain::Clock;
        match self.stage.random.between(draw, 0, 9) {
            0 => {
                self.stage.faults.strikes(Family::Clock);
                self.stage.now += self.stage.random.between(draw, 60, 600) * SECOND;
                self.resumed();
            }
            1 if self.service.is_some() => {
                self.stage.faults.strikes(Family::Process);
                let length = self.stage.random.log_uniform(draw, 1, 60_000);
                let until = self.stage.now + length * MILLI;
                self.stage.stopped_until = self.stage.stopped_until.max(until);
                self.resumed();
            }
            _ => {
                self.stage.faults.strikes(Family::Clock);
                self.stage.wall.disturb(self.stage.now, &mut self.stage.random);
            }
        }
        self.next_clock();
    }

    fn resumed(&mut self) {
        self.auditor.findings.mark(Mark::DaemonStoodStill);
        let until = self.stage.stopped_until.max(self.stage.now);
        self.auditor.work.stands_still(until);
        self.links.values_mut().for_each(|link| link.stalled = true);
        self.workload.identities.time = real(until);
    }

    /// A token loses an object, or somebody copies the store.
    pub(crate) fn lose_or_back_up(&mut self) {
        if self.store.in_doubt() {
            return;
        }
        if self.stage.random.chance(Domain::Store, self.stage.weights.restore) {
            self.store.back_up();
        }
        if self.stage.random.chance(Domain::Provider, self.stage.weights.lose) {
            let keys = self.store.visible().keys.iter();
            let owned: Vec<_> = keys.filter(|(key, _)| &*key.provider == "owning").collect();
            if !owned.is_empty() {
                let object = self.stage.random.pick(Domain::Provider, &owned).1.object;
                self.stage.faults.strikes(Family::Provider);
                self.fleet.lose(object);
            }
        }
    }

    /// An operator repairs one damaged row in three, perhaps; not while it is read, and none whose creation is in
    /// doubt: nobody knows yet whether it is to stay.
    pub(crate) fn repair_perhaps(&mut self, per_mille: u32) {
        if self.store.damaged().next().is_none() || !self.stage.random.chance(Domain::Store, per_mille) {
            return;
        }
        let is_read = |event: &Event| matches!(event, Event::Tell(_, Told::Fetched(..) | Told::Listed(..)));
        if self.store.in_doubt() || self.stage.is_awaited(is_read) {
            return;
        }
        let is_doubtful = |key: &KeyIdentity| self.auditor.doubtful.values().any(|(name, _)| name == key);
        let damaged: Vec<_> = self.store.damaged().filter(|key| !is_doubtful(key)).cloned().collect();
        for key in damaged.into_iter().step_by(3) {
            self.stage.trace.note(|| format!("--- the row of {key:?} is repaired"));
            self.store.repair(&key, self.moment);
        }
    }

    /// The copy of the store is put back, perhaps.
    pub(crate) fn restore_perhaps(&mut self) {
        if self.stage.random.chance(Domain::Store, self.stage.weights.restore) {
            self.stage.faults.strikes(Family::Store);
            self.stage.trace.note(|| "--- an older copy of the store is put back".to_owned());
            self.store.restore();
            self.auditor.restored = true;
        }
    }

    /// The daemon is upgraded or downgraded before it starts, perhaps. After the storm the version runs that reads
    /// everything.
    pub(crate) fn change_version(&mut self) {
        let (newer, known) = (self.stage.weights.newer, self.store.has_newer_rows());
        let scripted = self.stage.script.versions.pop_front();
        let newer = if newer > 0 { self.stage.random.chance(Domain::Crash, newer) } else { known };
        let version = scripted.unwrap_or(if newer { Version::Newer } else { Version::Own });
        let before = self.store.run_by(version);
        if version == before {
            return;
        }
        self.stage.faults.strikes(Family::Process);
        self.stage.trace.note(|| format!("--- the daemon is of version {version:?}"));
        match version {
            Version::Own if known => self.auditor.findings.mark(Mark::DowngradedOverNewerRows),
            Version::Newer if known => self.auditor.findings.mark(Mark::UpgradedAgain),
            _ => {}
        }
    }

    /// Keys are rotated, or the identity provider goes or comes back.
    pub(crate) fn disturb_identities(&mut self) {
        if self.stage.weights.identity_within == 0 {
            return;
        }
        self.stage.faults.strikes(Family::Identity);
        let draw = Domain::Identity;
        match self.stage.random.between(draw, 0, 3) {
            0 => self.workload.identities.down ^= true,
            overlaps => {
                self.workload.identities.rotate(overlaps > 1);
                self.auditor.rotates();
            }
        }
        self.next_identity();
    }
}
