//! An operator changes the configuration while the daemon runs, also while it recovers or stops.

use crate::deadlines::changing;
use crate::faults::Family;
use crate::knobs::{self, executor};
use crate::oracle::Mark;
use crate::plan::{LISTENER, OTHER_LISTENER, OWNING, SEALING};
use crate::random::{Domain, Random};
use crate::world::World;
use parsecd_core::config::{Config, Deadlines, ListenerConfig};
use parsecd_core::ids::{HostKey, ProviderKey};
use parsecd_core::input::Input;
use std::time::Duration;

impl World {
    /// The daemon is given another configuration, or two in a row. It is that of later lives, too.
    pub(crate) fn reload(&mut self) {
        if self.stage.weights.reload_within == 0 {
            return;
        }
        let times = if self.stage.random.chance(Domain::Crash, 200) { 2 } else { 1 };
        for _ in 0..times {
            self.change_configuration();
            self.stage.faults.strikes(Family::Process);
            self.mark_reload();
            let right = self.stage.random.chance(Domain::Provider, 500);
            self.fleet.pin_changes(right);
            self.tell_configuration();
        }
        self.next_reload();
    }

    /// The daemon is given other limits while a page is read.
    pub(crate) fn reload_limits(&mut self) {
        if self.stage.weights.reload_within == 0 || self.service.is_none() {
            return;
        }
        self.stage.faults.strikes(Family::Process);
        self.mark_reload();
        self.plan.config.limits.page = *self.stage.random.pick(Domain::Crash, &[1, 2, 256]);
        self.tell_configuration();
    }

    fn mark_reload(&mut self) {
        if self.service.is_none() {
            return;
        }
        let recovers = self.recovering && self.auditor.marks.recovers(self.store.visible().unfinished.keys());
        let findings = &mut self.auditor.findings;
        findings.mark(Mark::ReloadedUnderLoad);
        if recovers {
            findings.mark(Mark::ReloadedDuringRecovery);
        }
        if self.auditor.excuses.stopping {
            findings.mark(Mark::ReloadedWhileStopping);
        }
    }

    fn change_configuration(&mut self) {
        let draw = Domain::Crash;
        let base = &self.auditor.config;
        let (config, random) = (&mut self.plan.config, &mut self.stage.random);
        let provider = *random.pick(draw, &[SEALING, OWNING]);
        match random.between(draw, 0, 18) {
            0 => {}
            1 => config.limits.page = *random.pick(draw, &[1, 2, 256]),
            2 => match config.providers.remove(&provider) {
                Some(_) if self.service.is_some() => {
                    self.auditor.findings.mark(Mark::ProviderRemovedUnderLoad);
                }
                Some(_) => {}
                None => {
                    let back = base.providers.get(&provider).cloned();
                    config.providers.extend(back.map(|back| (provider, back)));
                }
            },
            3 => {
                let hosts = random.between(draw, 1, 3) as u16;
                config.providers.get_mut(&SEALING).into_iter().for_each(|sealing| sealing.hosts = hosts);
            }
            4 => {
                let changed = config.providers.get_mut(&provider);
                changed.into_iter().for_each(|provider| provider.revision += 1);
            }
            5 => {
                let changed = config.providers.get_mut(&provider);
                changed.into_iter().for_each(|provider| provider.verify_signatures ^= true);
            }
            6 => {
                config.executor =
                    random.chance(draw, 600).then(|| executor(random.between(draw, 1, 2) as u16))
            }
            7 => config.allow_deprecated ^= true,
            8 => config.refuse_pkcs1v15_encryption ^= true,
            9 => config.audit ^= true,
            10 => config.limits.buffer_size = *random.pick(draw, &[16, 1_000, 2_048]),
            11 => *config = base.clone(),
            12 => change_deadline(&mut config.deadlines, &base.deadlines, random),
            13 if knobs::has_quotas(&base.limits) => knobs::quotas(&mut config.limits, draw, random),
            14 => {
                let listener = *random.pick(draw, &[LISTENER, OTHER_LISTENER]);
                match base.listeners.get(&listener) {
                    Some(_) if config.listeners.len() > 1 => drop(config.listeners.remove(&listener)),
                    Some(back) => drop(config.listeners.entry(listener).or_insert_with(|| back.clone())),
                    None => {}
                }
            }
            // Where there is little, so that somebody may wait for it.
            15 | 16 if base.limits.request_memory < 16 << 20 => {
                let times = random.between(draw, 1, 3);
                config.limits.request_memory = times * base.limits.request_memory;
            }
            _ => {
                let keys: Vec<_> = config.listeners.keys().copied().collect();
                let listener = random.pick(draw, &keys);
                let listeners = config.listeners.get_mut(listener).zip(base.listeners.get(listener));
                listeners.into_iter().for_each(|(listener, base)| change(listener, base, random));
            }
        }
        show_what_is_configured(config, base);
    }

    /// Gives the daemon the configuration as it is now. One that stops takes none.
    pub(crate) fn tell_configuration(&mut self) {
        let config = self.plan.config.clone();
        if self.service.is_some() && self.auditor.excuses.stopping {
            return self.feed(Input::Reconfigured { config: Box::new(config) });
        }
        self.reloads += 1;
        self.most_memory = self.most_memory.max(config.limits.request_memory);
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
        let gone: Vec<ProviderKey> =
            [SEALING, OWNING].into_iter().filter(|key| !config.providers.contains_key(key)).collect();
        if self.service.is_some() {
            self.auditor.reconfigures(&config);
        }
        self.feed(Input::Reconfigured { config: Box::new(config) });
        if self.service.is_some() {
            self.auditor.reconfigured(&gone);
            self.close_listeners();
        }
    }
}

impl World {
    /// Whoever waits at a socket that is closed is sent away; who was accepted there is served.
    fn close_listeners(&mut self) {
        let configured = &self.plan.config.listeners;
        if self.links.values().any(|link| !configured.contains_key(&link.listener)) {
            self.auditor.findings.mark(Mark::ConnectionOutlivesListener);
        }
        let closed: Vec<_> =
            self.backlog.keys().filter(|key| !configured.contains_key(key)).copied().collect();
        for client in closed.iter().filter_map(|key| self.backlog.remove(key)).flatten().collect::<Vec<_>>() {
            self.client_gone(client);
        }
    }
}

/// One of them becomes short, or as it was.
fn change_deadline(deadlines: &mut Deadlines, base: &Deadlines, random: &mut Random) {
    let draw = Domain::Crash;
    let mut base = base.clone();
    let all = changing(deadlines).into_iter().zip(changing(&mut base));
    let index = random.between(draw, 0, all.len() as u64 - 1) as usize;
    let short = random.chance(draw, 500).then(|| Duration::from_millis(if index == 6 { 10 } else { 1 }));
    all.skip(index).take(1).for_each(|(deadline, base)| *deadline = short.unwrap_or(*base));
}

/// Whom a listener accepts, who is an admin, and in which order it shows its providers.
fn change(listener: &mut ListenerConfig, base: &ListenerConfig, random: &mut Random) {
    let draw = Domain::Crash;
    let one = random.pick(draw, &base.authenticators).clone();
    let own = listener.authenticators.iter().position(|own| own.kind == one.kind);
    match (random.between(draw, 0, 4), own) {
        (0, _) => listener.authenticators.reverse(),
        (1, _) => listener.providers.reverse(),
        (_, None) => listener.authenticators.push(one),
        (2, Some(index)) => drop(listener.authenticators.remove(index)),
        (_, Some(index)) => {
            let admins = &mut listener.authenticators[index].admins;
            *admins = if admins.is_empty() { one.admins } else { Default::default() };
        }
    }
}

/// Every provider that is configured is shown, those that come back last.
fn show_what_is_configured(config: &mut Config, base: &Config) {
    let providers = &config.providers;
    for (key, listener) in &mut config.listeners {
        listener.providers.retain(|shown| providers.contains_key(shown));
        let all = base.listeners.get(key).into_iter().flat_map(|base| base.providers.iter().copied());
        let missing: Vec<_> =
            all.filter(|one| providers.contains_key(one) && !listener.providers.contains(one)).collect();
        listener.providers.extend(missing);
    }
}
