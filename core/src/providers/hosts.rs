//! Lane hosts: opened, up, lost, opened again.
//!
//! A host that served and died is opened again at once, unless it does so with its first job again and again.
//! One that does not come up is tried again after pauses that double; from the third failure on, if no other
//! host serves, the provider is *down* and whoever waits is told so. What reconnecting cures is cured by
//! reconnecting, without a restart.

use super::{FAILURES_DOWN, Host, HostLife};
use crate::config::Deadlines;
use crate::deadlines::Due;
use crate::identity::Principal;
use crate::ids::{HostKey, LaneKey, ProviderKey};
use crate::input::HostState;
use crate::job::Job;
use crate::observer::{Event, HostEvent};
use crate::outcome::{Effect, Outcome};
use crate::output::{Output, Place};
use crate::schedule::costs::JobKind;
use crate::schedule::lanes::Lane;
use crate::state::{Purpose, Step};
use alloc::sync::Arc;
use core::time::Duration;

/// Operation deadlines that a host has to open: for one of them it may wait for the host before it.
const OPENING: u32 = 2;

/// Deaths in a row, each with the first job, after which a host is opened again at once.
const SHORT_LIVES: u8 = 3;

impl Host {
    pub(crate) fn is_idle(&self) -> bool {
        self.lanes.iter().all(Lane::is_idle)
    }

    /// How long to wait before it is opened again; `None`: not at all. `let_go`: it went because it was told to.
    fn pause_after_its_end(&mut self, let_go: bool, deadlines: &Deadlines) -> Option<Duration> {
        match (let_go, self.served) {
            (true, _) => (self.failures, self.short_lives) = (0, 0),
            (false, 0) => self.failures = self.failures.saturating_add(1),
            (false, 1) => self.short_lives = self.short_lives.saturating_add(1),
            (false, _) => self.short_lives = 0,
        }
        let in_a_row = self.failures.max(self.short_lives.saturating_sub(SHORT_LIVES));
        let doublings = u32::from(in_a_row.checked_sub(1)?).min(16);
        Some(deadlines.reopen_first.saturating_mul(1 << doublings).min(deadlines.reopen_longest))
    }
}

impl Step<'_> {
    pub(crate) fn open_host(&mut self, provider: ProviderKey, slot: u16) {
        let patience = self.state.config.deadlines.operation.saturating_mul(OPENING);
        let deadline = self.now.instant.after(patience);
        let Some(entry) = self.state.providers.get_mut(&provider) else { return };
        let Some(host) = entry.hosts.iter_mut().find(|host| host.key.slot == slot) else { return };
        host.key.generation = host.key.generation.saturating_add(1);
        host.again = false;
        host.state = HostLife::Opening;
        host.served = 0;
        host.deadline = Some(deadline);
        let key = host.key;
        self.state.deadlines.set(deadline, Due::Host(key));
        self.observer.event(Event::Host { host: key, state: HostEvent::Opening });
        self.output(Output::OpenHost { host: key });
    }

    pub(crate) fn host_changed(&mut self, key: HostKey, state: &HostState) {
        match state {
            HostState::Opened { lanes } => self.host_opened(key, *lanes),
            HostState::Down { why } => self.host_lost(key, why),
        }
    }

    fn host_opened(&mut self, key: HostKey, lanes: u16) {
        let known = self.state.providers.get_mut(&key.provider).and_then(|provider| provider.host(key));
        let Some(host) = known.filter(|host| host.state == HostLife::Opening) else { return };
        host.lanes = (0..lanes.max(1)).map(|_| Lane::default()).collect();
        host.state = HostLife::LoggingIn;
        self.forget_host_deadline(key);
        let lane = LaneKey { host: key, lane: 0 };
        let ticket = self.ticket(Purpose::OpenJob(key));
        self.lane_takes(lane, ticket, JobKind::Open, Principal::Sweeper);
        self.observer.event(Event::Started { request: None, lane, ticket });
        self.output(Output::StartJob { ticket, on: Place::Lane(lane), job: Arc::new(Job::Open) });
    }

    /// The first job of a host has ended.
    pub(crate) fn host_logged_in(&mut self, key: HostKey, outcome: Outcome) {
        let Some(provider) = self.state.providers.get_mut(&key.provider) else { return };
        let Some(host) = provider.host(key) else { return };
        if host.state != HostLife::LoggingIn {
            return;
        }
        let mut other_device = false;
        match outcome {
            Outcome::Done(Effect::Opened { device, capabilities }) => {
                host.state = HostLife::Up;
                host.again = false;
                other_device = provider.device.as_ref() != Some(&device);
                provider.device = Some(device);
                provider.capabilities = Some(capabilities);
                self.observer.event(Event::Host { host: key, state: HostEvent::Up });
            }
            Outcome::PinRefused => {
                host.failures = FAILURES_DOWN;
                self.observer.event(Event::Host { host: key, state: HostEvent::LoginRefused });
                self.let_go(key);
            }
            Outcome::LaneLost | Outcome::NoEffect => host.state = HostLife::Dying,
            _ => {
                host.state = HostLife::Dying;
                self.output(Output::KillHost { host: key });
            }
        }
        let came_up = self.provider_changed(key.provider);
        if other_device && !came_up {
            self.sweep(key.provider);
        }
    }

    fn host_lost(&mut self, key: HostKey, why: &str) {
        self.forget_host_deadline(key);
        let shutting_down = self.state.shutdown.is_some();
        let Some(provider) = self.state.providers.get_mut(&key.provider) else { return };
        let wanted = provider.wants(key.slot) && !shutting_down;
        let gone = |host: &Host| matches!(host.state, HostLife::Down { .. });
        let Some(host) = provider.host(key).filter(|host| !gone(host)) else { return };
        assert!(host.is_idle(), "a host is down only after its jobs have ended");
        host.lanes.clear();
        let let_go = matches!(host.state, HostLife::Finishing | HostLife::Closing);
        let again = core::mem::take(&mut host.again);
        host.state = HostLife::Down { again_at: None };
        let event = if let_go { HostEvent::Ended } else { HostEvent::Down(why) };
        self.observer.event(Event::Host { host: key, state: event });
        if wanted && (again || !let_go) {
            match host.pause_after_its_end(let_go, &self.state.config.deadlines) {
                None => self.open_host(key.provider, key.slot),
                Some(pause) => {
                    let at = self.now.instant.after(pause);
                    host.state = HostLife::Down { again_at: Some(at) };
                    self.state.deadlines.set(at, Due::Reopen(key.provider, key.slot));
                }
            }
        }
        self.provider_changed(key.provider);
    }

    fn forget_host_deadline(&mut self, key: HostKey) {
        let host = self.state.providers.get_mut(&key.provider).and_then(|provider| provider.host(key));
        if let Some(at) = host.and_then(|host| host.deadline.take()) {
            self.state.deadlines.clear(at, Due::Host(key));
        }
    }

    /// A host has not opened, or not gone, in time: it is killed.
    pub(crate) fn host_expired(&mut self, key: HostKey) {
        let Some(host) = self.state.providers.get_mut(&key.provider).and_then(|provider| provider.host(key))
        else {
            return;
        };
        host.deadline = None;
        match host.state {
            HostLife::Opening => self.host_stuck(key),
            // What was decided about its return still holds: it may have been let go for a refused log-in.
            HostLife::Closing => {
                self.observer.event(Event::Host { host: key, state: HostEvent::Stuck });
                self.output(Output::KillHost { host: key });
            }
            _ => {}
        }
    }

    /// A host does not answer in time: it is killed, whoever waits for its jobs is answered when it is gone.
    pub(crate) fn host_stuck(&mut self, key: HostKey) {
        let Some(host) = self.state.providers.get_mut(&key.provider).and_then(|provider| provider.host(key))
        else {
            return;
        };
        if host.state == HostLife::Dying {
            return;
        }
        host.state = HostLife::Dying;
        self.observer.event(Event::Host { host: key, state: HostEvent::Stuck });
        self.output(Output::KillHost { host: key });
        self.provider_changed(key.provider);
    }

    /// A job came back because its host died: no further one is given to it.
    pub(crate) fn host_is_dying(&mut self, key: HostKey) {
        if let Some(host) =
            self.state.providers.get_mut(&key.provider).and_then(|provider| provider.host(key))
            && matches!(host.state, HostLife::Up | HostLife::LoggingIn | HostLife::Finishing)
        {
            host.state = HostLife::Dying;
        }
    }

    pub(crate) fn first_opening_expired(&mut self, key: ProviderKey) {
        if let Some(provider) = self.state.providers.get_mut(&key) {
            provider.first_opening = None;
        }
        self.accept_again();
    }

    /// What follows when a host came or went. Whether the provider came up, and is swept.
    pub(super) fn provider_changed(&mut self, key: ProviderKey) -> bool {
        let Some(provider) = self.state.providers.get_mut(&key) else { return false };
        let (up, down) = (provider.is_up(), provider.is_down());
        let changed = (up && !provider.was_up) || (down && provider.was_up);
        if changed {
            provider.was_up = up;
        }
        if changed && !provider.removed {
            self.observer.event(Event::Provider { provider: key, up });
        }
        if (up || down)
            && let Some(provider) = self.state.providers.get_mut(&key)
            && let Some(at) = provider.first_opening.take()
        {
            self.state.deadlines.clear(at, Due::FirstOpening(key));
            self.accept_again();
        }
        if down {
            self.empty_queue(key, self.down_status(key));
        } else {
            self.dispatch(key);
        }
        if changed && up {
            self.sweep(key);
        }
        changed && up
    }
}
