//! What the core tells its observer, as log events. Applications choose their names, so names are always
//! fields, which the formatters escape: one event is one line whatever a client sends.

use parsecd_core::config::Config;
use parsecd_core::identity::Text;
use parsecd_core::ids::{HostKey, ProviderKey};
use parsecd_core::observer::{Answered, Event, HostEvent, Observer};
use parsecd_wire::{Opcode, Status};
use std::collections::BTreeMap;
use tracing::{debug, error, info, trace, warn};

/// Writes events to the log.
pub struct LogObserver {
    providers: BTreeMap<ProviderKey, Text>,
    /// Whether names of keys are logged.
    error_details: bool,
    /// The service is being stopped: that hosts end is no trouble.
    stopping: bool,
}

impl LogObserver {
    /// With the names of the providers of `config`. Names of keys are logged only with `error_details`.
    pub fn new(config: &Config, error_details: bool) -> LogObserver {
        let mut observer = LogObserver { providers: BTreeMap::new(), error_details, stopping: false };
        observer.configure(config, error_details);
        observer
    }

    /// Providers of `config`, too, have their names; those of before keep them for what is left of them.
    pub fn configure(&mut self, config: &Config, error_details: bool) {
        self.providers.extend(config.providers.iter().map(|(key, provider)| (*key, provider.name.clone())));
        self.error_details = error_details;
    }

    /// From now on it is no trouble that hosts end.
    pub fn expect_hosts_to_end(&mut self) {
        self.stopping = true;
    }

    fn provider(&self, key: ProviderKey) -> &str {
        self.providers.get(&key).map_or("", |name| name)
    }

    fn host(&self, host: HostKey, state: HostEvent<'_>) {
        let (provider, slot) = (self.provider(host.provider), host.slot);
        match state {
            HostEvent::Opening => debug!(provider, slot, "host is being started"),
            HostEvent::Up => info!(provider, slot, "host serves"),
            HostEvent::Down(why) if self.stopping => debug!(provider, slot, why, "host has ended"),
            HostEvent::Ended => debug!(provider, slot, "host was let go and has ended"),
            HostEvent::Down(why) => warn!(provider, slot, why, "host is down"),
            HostEvent::LoginRefused => error!(
                provider,
                slot,
                "the device refuses the log-in; correct the PIN in the configuration and reload it (SIGHUP)"
            ),
            HostEvent::Stuck => {
                error!(provider, slot, "a host did not answer in time, it is being replaced");
            }
        }
    }
}

impl Observer for LogObserver {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Answered(answered) => log_answer(&answered),
            Event::Received { request, connection, generation } => {
                trace!(request = request.0, slot = connection.slot, configuration = generation, "received");
            }
            Event::Admitted { request, opcode, .. } => {
                trace!(request = request.0, opcode = ?opcode, "admitted");
            }
            Event::Started { request, lane, ticket } => trace!(
                request = request.map(|request| request.0),
                provider = self.provider(lane.host.provider),
                slot = lane.host.slot,
                lane = lane.lane,
                ticket = ticket.0,
                "job started"
            ),
            Event::RequestTransition { request, from, to } => {
                trace!(request = request.0, from, to, "request")
            }
            Event::KeyLifeTransition { object, from, to } => {
                debug!(object = %object, from, to, "key life");
            }
            Event::Host { host, state } => self.host(host, state),
            Event::Provider { provider, up } => {
                let provider = self.provider(provider);
                match up {
                    true => info!(provider, "provider is up"),
                    false if self.stopping => debug!(provider, "provider is down"),
                    false => error!(provider, "provider is down"),
                }
            }
            Event::Refused { connection, peer, status } => info!(
                slot = connection.slot,
                uid = peer.map(|peer| peer.uid),
                pid = peer.map(|peer| peer.pid),
                status = status as u16,
                "refused: {status:?}"
            ),
            Event::Stale { ticket } => debug!(ticket = ticket.0, "answer for something that is gone"),
            Event::UnreadableRecord { application, provider, name } => error!(
                authenticator = ?application.authenticator,
                identity = &*application.name,
                provider = &**provider,
                key = self.error_details.then_some(&**name),
                "the record of a key is unreadable, the key cannot be used"
            ),
            Event::OtherDevice { identity } => error!(
                authenticator = ?identity.application.authenticator,
                identity = &*identity.application.name,
                provider = &*identity.provider,
                key = self.error_details.then_some(&*identity.name),
                "the key was made on another device; it can be used when that one is back (of the software \
                 provider that is its store.key)"
            ),
            Event::WrongSignature { request, host } => error!(
                request = request.0,
                provider = self.provider(host.provider),
                slot = host.slot,
                "a signature does not verify; it was not delivered and its host is being replaced"
            ),
            Event::StoreDoubt { began: true } => {
                error!("the outcome of a change of the store is not known, it answers nothing until it is");
            }
            Event::StoreDoubt { began: false } => warn!("the store answers again"),
        }
    }
}

/// What changed a key and what was refused is for the operator; that keys are used is for whoever looks closer,
/// as it happens as often as clients like.
fn log_answer(answered: &Answered<'_>) {
    let changes_keys = matches!(
        answered.opcode,
        Opcode::PsaGenerateKey | Opcode::PsaImportKey | Opcode::PsaDestroyKey | Opcode::DeleteClient
    );
    macro_rules! log {
        ($level:ident) => {
            $level!(
                request = answered.request.0,
                uid = answered.peer.map(|peer| peer.uid),
                pid = answered.peer.map(|peer| peer.pid),
                authenticator = ?answered.authentication,
                identity = answered.application.map(|application| &*application.name),
                provider = ?answered.provider,
                opcode = ?answered.opcode,
                status = answered.status as u16,
                queued_us = micros(answered.queued),
                ran_us = micros(answered.ran),
                "answered: {:?}",
                answered.status
            )
        };
    }
    if answered.status == Status::Success && !changes_keys {
        log!(debug);
    } else {
        log!(info);
    }
}

fn micros(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
