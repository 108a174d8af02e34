//! Providers and their lane hosts: opened, up, lost, opened again.
//!
//! A host that served and died is opened again at once. One that does not come up is tried again after
//! pauses that double; from the third failure on, if no other host serves, the provider is *down* and
//! whoever waits is told so. What reconnecting cures is cured by reconnecting, without a restart.

use crate::capability::Capabilities;
use crate::config::MaterialPlace;
use crate::deadlines::Due;
use crate::identity::{Principal, Text};
use crate::ids::{HostKey, LaneKey, ObjectId, ProviderKey, RequestId};
use crate::input::HostState;
use crate::job::Job;
use crate::observer::{Event, HostEvent};
use crate::outcome::{Effect, Outcome};
use crate::output::{Output, Place};
use crate::record::{Device, Record};
use crate::schedule::costs::{Costs, JobKind};
use crate::schedule::lanes::Lane;
use crate::schedule::principals::Queue;
use crate::state::{Purpose, Step};
use crate::sweeper::Sweep;
use crate::time::Instant;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;
use parsecd_wire::Status;

/// Failures in a row from which on a host is not expected to come up soon.
const FAILURES_DOWN: u8 = 3;

/// How long the first opening of a provider keeps listeners from accepting.
const FIRST_OPENING: Duration = Duration::from_secs(2);

#[derive(Debug, Hash)]
pub(crate) struct Provider {
    name: Text,
    material: MaterialPlace,
    pub(crate) hosts: Vec<Host>,
    /// Device of the host that opened last.
    device: Option<Device>,
    capabilities: Option<Capabilities>,
    pub(crate) queue: Queue,
    pub(crate) costs: Costs,
    pub(crate) sweep: Sweep,
    /// When its first opening is not waited for any longer; `None`: it has ended.
    first_opening: Option<Instant>,
    /// Whether it was up when last looked at.
    was_up: bool,
    /// Not configured any more: its hosts finish and go.
    removed: bool,
}

/// Work that waits for a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Queued {
    Request(RequestId),
    Life(ObjectId),
}

#[derive(Debug, Hash)]
pub(crate) struct Host {
    pub(crate) key: HostKey,
    pub(crate) state: HostLife,
    pub(crate) lanes: Vec<Lane>,
    pub(crate) failures: u8,
    /// Opened again if its log-in is refused: a reload brought other secrets since it was started.
    again: bool,
    /// Whether it has finished a job since it came up.
    pub(crate) served: bool,
}

/// Where a host stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum HostLife {
    /// The driver starts it.
    Opening,
    /// Its `Open` job runs.
    LoggingIn,
    /// It serves.
    Up,
    /// It is dying, or being killed.
    Dying,
    /// It finishes what it runs and goes.
    Closing,
    /// It is gone; it is opened again at this instant, or never while this configuration holds.
    Down { again_at: Option<Instant> },
}

impl Host {
    fn new(provider: ProviderKey, slot: u16) -> Host {
        Host {
            key: HostKey { provider, slot, generation: 0 },
            state: HostLife::Down { again_at: None },
            lanes: Vec::new(),
            failures: 0,
            again: false,
            served: false,
        }
    }

    fn may_come_up_soon(&self) -> bool {
        match self.state {
            HostLife::Up => true,
            HostLife::Opening | HostLife::LoggingIn | HostLife::Dying => self.failures < FAILURES_DOWN,
            HostLife::Down { again_at: Some(_) } => self.failures < FAILURES_DOWN,
            HostLife::Down { again_at: None } | HostLife::Closing => false,
        }
    }
}

impl Provider {
    pub(crate) fn capabilities(&self) -> Option<&Capabilities> {
        self.capabilities.as_ref()
    }

    pub(crate) fn device(&self) -> Option<&Device> {
        self.device.as_ref()
    }

    pub(crate) fn material(&self) -> MaterialPlace {
        self.material
    }

    pub(crate) fn name(&self) -> &Text {
        &self.name
    }

    fn is_down(&self) -> bool {
        self.removed || !self.hosts.iter().any(Host::may_come_up_soon)
    }

    fn is_up(&self) -> bool {
        self.hosts.iter().any(|host| host.state == HostLife::Up)
    }

    /// Whether its first opening is still waited for.
    pub(crate) fn is_first_opening(&self) -> bool {
        self.first_opening.is_some()
    }

    fn host(&mut self, key: HostKey) -> Option<&mut Host> {
        self.hosts.iter_mut().find(|host| host.key == key)
    }
}

impl Step<'_> {
    /// Brings the table of providers in line with the configuration, and opens the hosts of new ones.
    pub(crate) fn configure_providers(&mut self) {
        let config = self.state.config.clone();
        let starting = self.state.providers.is_empty();
        let gone: Vec<ProviderKey> =
            self.state.providers.keys().copied().filter(|key| !config.providers.contains_key(key)).collect();
        for key in gone {
            self.remove_provider(key);
        }
        for (key, configured) in &config.providers {
            if let Some(provider) = self.state.providers.get_mut(key) {
                if core::mem::take(&mut provider.removed) {
                    provider.material = configured.material;
                    provider.device = None;
                    provider.capabilities = None;
                }
                self.reopen_refused(*key);
                continue;
            }
            let patience = starting.then(|| self.now.instant.after(FIRST_OPENING));
            if let Some(at) = patience {
                self.state.deadlines.set(at, Due::FirstOpening(*key));
            }
            let provider = Provider {
                name: configured.name.clone(),
                material: configured.material,
                hosts: (0..configured.hosts.max(1)).map(|slot| Host::new(*key, slot)).collect(),
                device: None,
                capabilities: None,
                queue: Queue::default(),
                costs: Costs::default(),
                sweep: Sweep::Idle,
                first_opening: patience,
                was_up: false,
                removed: false,
            };
            self.state.providers.insert(*key, provider);
            for slot in 0..configured.hosts.max(1) {
                self.open_host(*key, slot);
            }
        }
    }

    /// Every reload re-reads the secrets: hosts whose log-in was refused are opened again.
    fn reopen_refused(&mut self, key: ProviderKey) {
        let Some(provider) = self.state.providers.get_mut(&key) else { return };
        let mut refused = Vec::new();
        for host in &mut provider.hosts {
            match host.state {
                HostLife::Down { again_at: None } => refused.push(host.key.slot),
                HostLife::Opening | HostLife::LoggingIn | HostLife::Closing => host.again = true,
                HostLife::Down { again_at: Some(_) } | HostLife::Up | HostLife::Dying => {}
            }
        }
        for slot in refused {
            self.open_host(key, slot);
        }
    }

    fn remove_provider(&mut self, key: ProviderKey) {
        let Some(provider) = self.state.providers.get_mut(&key) else { return };
        provider.removed = true;
        self.empty_queue(key, Status::ProviderNotRegistered);
        self.close_hosts(key);
    }

    /// Lets the hosts of a provider finish what they run and go.
    pub(crate) fn close_hosts(&mut self, key: ProviderKey) {
        let Some(provider) = self.state.providers.get_mut(&key) else { return };
        let mut closing = Vec::new();
        for host in &mut provider.hosts {
            match host.state {
                HostLife::Down { again_at } => {
                    if let Some(at) = again_at {
                        self.state.deadlines.clear(at, Due::Reopen(key, host.key.slot));
                    }
                    host.state = HostLife::Down { again_at: None };
                }
                HostLife::Closing | HostLife::Dying => {}
                HostLife::Opening | HostLife::LoggingIn | HostLife::Up => {
                    host.state = HostLife::Closing;
                    closing.push(host.key);
                }
            }
        }
        for host in closing {
            self.output(Output::CloseHost { host });
        }
    }

    pub(crate) fn open_host(&mut self, provider: ProviderKey, slot: u16) {
        let Some(entry) = self.state.providers.get_mut(&provider) else { return };
        let Some(host) = entry.hosts.iter_mut().find(|host| host.key.slot == slot) else { return };
        host.key.generation = host.key.generation.saturating_add(1);
        host.again = false;
        host.state = HostLife::Opening;
        host.served = false;
        let key = host.key;
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
                host.state = HostLife::Closing;
                self.observer.event(Event::Host { host: key, state: HostEvent::LoginRefused });
                self.output(Output::CloseHost { host: key });
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
        let deadlines = self.state.config.deadlines.clone();
        let shutting_down = self.state.shutdown.is_some();
        let Some(provider) = self.state.providers.get_mut(&key.provider) else { return };
        let removed = provider.removed;
        let gone = |host: &Host| matches!(host.state, HostLife::Down { .. });
        let Some(host) = provider.host(key).filter(|host| !gone(host)) else { return };
        assert!(host.lanes.iter().all(Lane::is_idle), "a host is down only after its jobs have ended");
        host.lanes.clear();
        let refused = host.state == HostLife::Closing && !core::mem::take(&mut host.again);
        host.failures = if host.served { 0 } else { host.failures.saturating_add(1) };
        let failures = host.failures;
        host.state = HostLife::Down { again_at: None };
        self.observer.event(Event::Host { host: key, state: HostEvent::Down(why) });
        if removed || refused || shutting_down {
            // It is not opened again.
        } else if failures == 0 {
            self.open_host(key.provider, key.slot);
        } else {
            let doublings = u32::from(failures.saturating_sub(1)).min(16);
            let pause = deadlines.reopen_first.saturating_mul(1 << doublings).min(deadlines.reopen_longest);
            let at = self.now.instant.after(pause);
            if let Some(host) =
                self.state.providers.get_mut(&key.provider).and_then(|provider| provider.host(key))
            {
                host.state = HostLife::Down { again_at: Some(at) };
            }
            self.state.deadlines.set(at, Due::Reopen(key.provider, key.slot));
        }
        self.provider_changed(key.provider);
    }

    /// A job did not end in time: its host is killed, whoever waits for the job is answered when it is gone.
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
            && matches!(host.state, HostLife::Up | HostLife::LoggingIn)
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
    fn provider_changed(&mut self, key: ProviderKey) -> bool {
        let Some(provider) = self.state.providers.get_mut(&key) else { return false };
        let (up, down) = (provider.is_up(), provider.is_down());
        let changed = (up && !provider.was_up) || (down && provider.was_up);
        if changed {
            provider.was_up = up;
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

    /// Whether requests that need a lane of this provider are refused.
    pub(crate) fn is_down(&self, key: ProviderKey) -> bool {
        self.state.providers.get(&key).is_none_or(Provider::is_down)
    }

    /// What requests are told that need a lane of a provider which is down.
    pub(crate) fn down_status(&self, key: ProviderKey) -> Status {
        match self.state.providers.get(&key) {
            Some(provider) if !provider.removed => Status::PsaErrorCommunicationFailure,
            _ => Status::ProviderNotRegistered,
        }
    }

    /// What the provider can do, if it serves.
    pub(crate) fn serving_capabilities(&self, key: ProviderKey) -> Result<&Capabilities, Status> {
        let provider = self.state.providers.get(&key).filter(|provider| !provider.is_down());
        provider.and_then(|provider| provider.capabilities.as_ref()).ok_or_else(|| self.down_status(key))
    }

    /// Quarantine: a key of another device answers so, is kept, and works again when its device is back.
    pub(crate) fn check_device(&self, key: ProviderKey, record: &Record) -> Result<(), Status> {
        match self.state.providers.get(&key).and_then(|provider| provider.device.as_ref()) {
            Some(device) if *device == record.device => Ok(()),
            Some(_) if !self.is_down(key) => Err(Status::PsaErrorHardwareFailure),
            _ => Err(self.down_status(key)),
        }
    }

    pub(crate) fn provider_named(&self, name: &Text) -> Option<ProviderKey> {
        self.state.providers.iter().find(|(_, provider)| provider.name == *name).map(|(key, _)| *key)
    }

    /// Whether every host is gone.
    pub(crate) fn all_hosts_gone(&self) -> bool {
        self.state
            .providers
            .values()
            .flat_map(|provider| &provider.hosts)
            .all(|host| matches!(host.state, HostLife::Down { again_at: None }))
    }

    /// The job that a ticket of a lane stands for has this much time.
    pub(crate) fn job_deadline(&self) -> Instant {
        self.now.instant.after(self.state.config.deadlines.operation)
    }
}
