//! What happens to clocks, to the daemon's process and to the identity provider while the storm lasts.

use crate::clock::real;
use crate::faults::Family;
use crate::oracle::Mark;
use crate::plan::{OWNING, SEALING, TOKEN_ADMIN};
use crate::random::Domain;
use crate::stage::{Event, MILLI, SECOND};
use crate::world::World;
use parsecd_core::ids::HostKey;
use parsecd_core::input::Input;
use parsecd_core::store::StoreState;
use parsecd_wire::AuthenticationType;

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

    fn next_store(&mut self) {
        let within = self.stage.weights.store_within;
        if within > 0 {
            let delay = self.stage.random.between(Domain::Store, 1, within) * MILLI + self.unasked();
            self.stage.after(delay, Event::Store);
        }
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

    fn next_reload(&mut self) {
        let within = self.stage.weights.reload_within;
        if within > 0 {
            let delay = self.stage.random.between(Domain::Crash, 1, within) * MILLI + self.unasked();
            self.stage.after(delay, Event::Reload);
        }
    }

    fn next_clock(&mut self) {
        let within = self.stage.weights.clock_within;
        if within > 0 {
            let delay = self.stage.random.between(Domain::Clock, 1, within) * MILLI + self.unasked();
            self.stage.after(delay, Event::Clock);
        }
    }

    fn next_identity(&mut self) {
        let within = self.stage.weights.identity_within;
        if within > 0 {
            let delay = self.stage.random.between(Domain::Identity, 1, within) * MILLI + self.unasked();
            self.stage.after(delay, Event::Identity);
        }
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
        self.links.values_mut().for_each(|link| link.stalled = true);
        self.workload.identities.time = real(until);
    }

    /// An operator changes the configuration. It is that of later lives, too.
    pub(crate) fn reload(&mut self) {
        if self.stage.weights.reload_within == 0 {
            return;
        }
        let draw = Domain::Crash;
        let base = self.auditor.config.clone();
        let config = &mut self.plan.config;
        let provider = *self.stage.random.pick(draw, &[SEALING, OWNING]);
        match self.stage.random.between(draw, 0, 5) {
            0 => {}
            1 => config.limits.page = *self.stage.random.pick(draw, &[1, 2, 256]),
            2 => match config.providers.remove(&provider) {
                Some(_) if self.service.is_some() => {
                    self.auditor.findings.mark(Mark::ProviderRemovedUnderLoad);
                }
                Some(_) => {}
                None => {
                    config
                        .providers
                        .extend(base.providers.get(&provider).cloned().map(|back| (provider, back)));
                }
            },
            3 => {
                let hosts = self.stage.random.between(draw, 1, 3) as u16;
                config.providers.get_mut(&SEALING).into_iter().for_each(|sealing| sealing.hosts = hosts);
            }
            4 => {
                let authenticators = config.listeners.values_mut().flat_map(|one| &mut one.authenticators);
                let tokens = authenticators.filter(|one| one.kind == AuthenticationType::JwtSvid);
                tokens.for_each(|one| {
                    let none = one.admins.is_empty();
                    one.admins = none.then(|| TOKEN_ADMIN.into()).into_iter().collect();
                });
            }
            _ => {
                let changed = config.providers.get_mut(&provider);
                changed.into_iter().for_each(|provider| provider.revision += 1);
            }
        }
        let shown = base.listeners.values().flat_map(|listener| &listener.providers).copied();
        let shown: Vec<_> = shown.filter(|key| config.providers.contains_key(key)).collect();
        config.listeners.values_mut().for_each(|listener| listener.providers = shown.clone());
        self.stage.faults.strikes(Family::Process);
        if self.service.is_some() {
            self.auditor.findings.mark(Mark::ReloadedUnderLoad);
        }
        let right = self.stage.random.chance(Domain::Provider, 500);
        self.fleet.pin_changes(right);
        self.tell_configuration();
        self.next_reload();
    }

    /// Gives the daemon the configuration as it is now.
    pub(crate) fn tell_configuration(&mut self) {
        self.reloads += 1;
        let config = self.plan.config.clone();
        // A host that is let go before it has logged in never serves.
        let revisions = std::mem::take(&mut self.revisions);
        let stays = |host: &HostKey| {
            let provider = config.providers.get(&host.provider);
            provider.is_some_and(|provider| {
                host.slot < provider.hosts && revisions.get(&host.provider) == Some(&provider.revision)
            })
        };
        self.opens.retain(|_, host| stays(host));
        self.auditor.excuses.let_go(stays);
        self.revisions = config.providers.iter().map(|(key, provider)| (*key, provider.revision)).collect();
        self.auditor.excuses.configured(&config, self.moment + 1);
        let gone: Vec<_> =
            [SEALING, OWNING].into_iter().filter(|key| !config.providers.contains_key(key)).collect();
        self.feed(Input::Reconfigured { config: Box::new(config) });
        if self.service.is_some() {
            self.auditor.reconfigured(&gone);
        }
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

    /// The copy of the store is put back, perhaps.
    pub(crate) fn restore_perhaps(&mut self) {
        if self.stage.random.chance(Domain::Store, self.stage.weights.restore) {
            self.stage.faults.strikes(Family::Store);
            self.stage.trace.note(|| "--- an older copy of the store is put back".to_owned());
            self.store.restore();
            self.auditor.restored = true;
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
            1 => self.workload.identities.rotate(false),
            _ => self.workload.identities.rotate(true),
        }
        if self.auditor.has_verified() {
            self.auditor.findings.mark(Mark::BundleRotatedMidRequest);
        }
        self.next_identity();
    }
}
