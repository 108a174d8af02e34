//! Providers and their lane hosts: opened, up, lost, opened again.
//!
//! What a provider is and can do is here, what a new configuration changes in `configure`, the life of a host
//! in `hosts`.

mod configure;
mod hosts;

use crate::capability::Capabilities;
use crate::config::MaterialPlace;
use crate::identity::Text;
use crate::ids::{HostKey, ObjectId, ProviderKey, RequestId};
use crate::observer::Event;
use crate::record::{Device, Record};
use crate::schedule::costs::Costs;
use crate::schedule::lanes::Lane;
use crate::schedule::principals::Queue;
use crate::state::Step;
use crate::sweeper::Sweep;
use crate::time::Instant;
use alloc::vec::Vec;
use parsecd_wire::Status;

/// Failures in a row from which on a host is not expected to come up soon.
const FAILURES_DOWN: u8 = 3;

#[derive(Debug, Hash)]
pub(crate) struct Provider {
    name: Text,
    material: MaterialPlace,
    /// Settings that its hosts are started with; the driver counts their changes.
    revision: u32,
    /// Hosts that are wanted: those in the slots below.
    wanted: u16,
    /// Every host there ever was, so that no key is used twice.
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
    /// How often in a row it did not come up.
    failures: u8,
    /// How often in a row it died of its first job.
    short_lives: u8,
    /// Opened again once it is gone, although it was let go: a reload brought other settings, or other secrets
    /// since its log-in began.
    again: bool,
    /// Jobs it has finished since it came up.
    served: u32,
    /// When it is killed if it has not opened, or gone, by then.
    deadline: Option<Instant>,
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
    /// It finishes what it runs, then it is let go.
    Finishing,
    /// It is let go.
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
            short_lives: 0,
            again: false,
            served: 0,
            deadline: None,
        }
    }

    fn may_come_up_soon(&self) -> bool {
        match self.state {
            HostLife::Up => true,
            HostLife::Opening | HostLife::LoggingIn | HostLife::Dying => self.failures < FAILURES_DOWN,
            HostLife::Down { again_at: Some(_) } => self.failures < FAILURES_DOWN,
            HostLife::Finishing | HostLife::Closing => self.again && self.failures < FAILURES_DOWN,
            HostLife::Down { again_at: None } => false,
        }
    }

    /// A job has ended as a job ends.
    pub(crate) fn has_served(&mut self) {
        self.served = self.served.saturating_add(1);
        self.failures = 0;
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

    /// Whether the host in this slot is to be there.
    fn wants(&self, slot: u16) -> bool {
        !self.removed && slot < self.wanted
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
    pub(crate) fn check_device(&mut self, key: ProviderKey, record: &Record) -> Result<(), Status> {
        match self.state.providers.get(&key).and_then(|provider| provider.device.as_ref()) {
            Some(device) if *device == record.device => Ok(()),
            Some(_) if !self.is_down(key) => {
                self.observer.event(Event::OtherDevice { identity: &record.identity });
                Err(Status::PsaErrorHardwareFailure)
            }
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
