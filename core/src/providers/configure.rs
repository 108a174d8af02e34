//! What a new configuration changes about providers and their hosts. What is unchanged goes on untouched.

use super::{Host, HostLife, Provider};
use crate::config::ProviderConfig;
use crate::deadlines::Due;
use crate::ids::{HostKey, ListenerKey, ProviderKey};
use crate::output::Output;
use crate::schedule::costs::Costs;
use crate::schedule::principals::Queue;
use crate::state::Step;
use crate::sweeper::Sweep;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::time::Duration;
use parsecd_wire::Status;

/// How long the first opening of a provider keeps listeners from accepting.
const FIRST_OPENING: Duration = Duration::from_secs(2);

/// What a new configuration means for a host.
enum Change {
    Open,
    /// Finish, go, and come again if `again`.
    Replace {
        again: bool,
    },
}

impl Step<'_> {
    /// Brings the table of providers in line with the configuration. Listeners in `serving` may have accepted
    /// before; they are not held up by a provider that is new.
    pub(crate) fn configure_providers(&mut self, serving: &BTreeSet<ListenerKey>) {
        let config = self.state.config.clone();
        let gone: Vec<ProviderKey> =
            self.state.providers.keys().copied().filter(|key| !config.providers.contains_key(key)).collect();
        for key in gone {
            self.remove_provider(key);
        }
        for (key, configured) in &config.providers {
            if self.state.providers.contains_key(key) {
                self.reconfigure_provider(*key, configured);
            } else {
                let shown = config.listeners.iter().filter(|(_, listener)| listener.providers.contains(key));
                let waited_for = shown.map(|(listener, _)| listener).all(|shown| !serving.contains(shown));
                self.add_provider(*key, configured, waited_for);
            }
        }
    }

    fn add_provider(&mut self, key: ProviderKey, configured: &ProviderConfig, waited_for: bool) {
        let first_opening = waited_for.then(|| self.now.instant.after(FIRST_OPENING));
        if let Some(at) = first_opening {
            self.state.deadlines.set(at, Due::FirstOpening(key));
        }
        let wanted = configured.hosts.max(1);
        let provider = Provider {
            name: configured.name.clone(),
            material: configured.material,
            revision: configured.revision,
            wanted,
            hosts: (0..wanted).map(|slot| Host::new(key, slot)).collect(),
            device: None,
            capabilities: None,
            queue: Queue::default(),
            costs: Costs::default(),
            sweep: Sweep::Idle,
            first_opening,
            was_up: false,
            removed: false,
        };
        self.state.providers.insert(key, provider);
        for slot in 0..wanted {
            self.open_host(key, slot);
        }
    }

    fn reconfigure_provider(&mut self, key: ProviderKey, configured: &ProviderConfig) {
        let Some(provider) = self.state.providers.get_mut(&key) else { return };
        let changed = core::mem::replace(&mut provider.revision, configured.revision) != configured.revision;
        if core::mem::take(&mut provider.removed) {
            provider.material = configured.material;
            provider.device = None;
            provider.capabilities = None;
        }
        provider.wanted = configured.hosts.max(1);
        for slot in (0..provider.wanted).skip(provider.hosts.len()) {
            provider.hosts.push(Host::new(key, slot));
        }
        let mut changes: Vec<(HostKey, Change)> = Vec::new();
        for host in &mut provider.hosts {
            let wanted = host.key.slot < provider.wanted;
            if changed {
                host.failures = 0;
                host.short_lives = 0;
            }
            match host.state {
                HostLife::Down { again_at } if !wanted || changed || again_at.is_none() => {
                    if let Some(at) = again_at {
                        self.state.deadlines.clear(at, Due::Reopen(key, host.key.slot));
                    }
                    host.state = HostLife::Down { again_at: None };
                    if wanted {
                        changes.push((host.key, Change::Open));
                    }
                }
                HostLife::Opening | HostLife::LoggingIn | HostLife::Up if !wanted || changed => {
                    changes.push((host.key, Change::Replace { again: wanted }));
                }
                // Every reload re-reads the secrets: a log-in that is refused with those of before is tried
                // once more.
                HostLife::Opening | HostLife::LoggingIn | HostLife::Finishing | HostLife::Closing => {
                    host.again = wanted;
                }
                HostLife::Down { .. } | HostLife::Up | HostLife::Dying => {}
            }
        }
        for (host, change) in changes {
            match change {
                Change::Open => self.open_host(key, host.slot),
                Change::Replace { again } => self.finish_host(host, again),
            }
        }
        self.provider_changed(key);
    }

    fn remove_provider(&mut self, key: ProviderKey) {
        let Some(provider) = self.state.providers.get_mut(&key) else { return };
        if core::mem::replace(&mut provider.removed, true) {
            return;
        }
        let waited_for = provider.first_opening.take();
        if let Some(at) = waited_for {
            self.state.deadlines.clear(at, Due::FirstOpening(key));
        }
        self.empty_queue(key, Status::ProviderNotRegistered);
        self.close_hosts(key);
    }

    /// Lets the hosts of a provider finish what they run and go.
    pub(crate) fn close_hosts(&mut self, key: ProviderKey) {
        let Some(provider) = self.state.providers.get_mut(&key) else { return };
        let mut finishing = Vec::new();
        for host in &mut provider.hosts {
            match host.state {
                HostLife::Down { again_at } => {
                    if let Some(at) = again_at {
                        self.state.deadlines.clear(at, Due::Reopen(key, host.key.slot));
                    }
                    host.state = HostLife::Down { again_at: None };
                }
                HostLife::Finishing | HostLife::Closing | HostLife::Dying => host.again = false,
                HostLife::Opening | HostLife::LoggingIn | HostLife::Up => finishing.push(host.key),
            }
        }
        for host in finishing {
            self.finish_host(host, false);
        }
    }

    /// Has a host finish what it runs, then go. What waits in it is asked back: it runs elsewhere.
    fn finish_host(&mut self, key: HostKey, again: bool) {
        let Some(host) = self.state.providers.get_mut(&key.provider).and_then(|provider| provider.host(key))
        else {
            return;
        };
        let waiting = host.lanes.iter().filter_map(|lane| lane.waiting_job()).collect::<Vec<_>>();
        let opening = host.state == HostLife::Opening;
        host.state = HostLife::Finishing;
        host.again = again;
        for ticket in waiting {
            self.cancel_if_waiting(ticket);
        }
        if opening {
            self.let_go(key);
        } else {
            self.let_go_if_finished(key);
        }
    }

    /// Lets a host go that has finished, if it is to.
    pub(crate) fn let_go_if_finished(&mut self, key: HostKey) {
        let host = self.state.providers.get_mut(&key.provider).and_then(|provider| provider.host(key));
        if host.is_some_and(|host| host.state == HostLife::Finishing && host.is_idle()) {
            self.let_go(key);
        }
    }

    /// Lets a host go, which may not take for ever.
    pub(super) fn let_go(&mut self, key: HostKey) {
        let at = self.now.instant.after(self.state.config.deadlines.operation);
        let Some(host) = self.state.providers.get_mut(&key.provider).and_then(|provider| provider.host(key))
        else {
            return;
        };
        host.state = HostLife::Closing;
        if let Some(before) = host.deadline.replace(at) {
            self.state.deadlines.clear(before, Due::Host(key));
        }
        self.state.deadlines.set(at, Due::Host(key));
        self.output(Output::CloseHost { host: key });
    }
}
