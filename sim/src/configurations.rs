//! I18: which configuration each request runs under, and what it refuses.

use crate::call::{Call, Meaning};
use crate::capabilities;
use parsecd_core::config::{Config, ListenerConfig, ProviderConfig};
use parsecd_wire::{AuthenticationType, ProviderId, Status};
use std::sync::Arc;

/// The configurations of one life of the daemon.
#[derive(Clone, Debug)]
pub struct Configurations {
    current: Arc<Config>,
    generation: u64,
}

impl Configurations {
    /// A life begins with this one.
    pub fn new(config: &Config) -> Self {
        Configurations { current: Arc::new(config.clone()), generation: 1 }
    }

    /// The daemon takes another one. A listener that is gone serves the connections it has as it was.
    pub fn take(&mut self, config: &Config) {
        let mut config = config.clone();
        for (key, listener) in &self.current.listeners {
            config.listeners.entry(*key).or_insert_with(|| listener.clone());
        }
        self.current = Arc::new(config);
        self.generation += 1;
    }

    /// The one in force.
    pub fn current(&self) -> &Arc<Config> {
        &self.current
    }

    /// How many there were.
    pub fn generation(&self) -> u64 {
        self.generation
    }
}

/// The listener that a client connects to.
fn listener<'a>(call: &Call, config: &'a Config) -> Option<&'a ListenerConfig> {
    config.listeners.get(&call.listener)
}

/// Providers that are shown to a client, in order.
pub fn shown<'a>(call: &Call, config: &'a Config) -> impl Iterator<Item = &'a ProviderConfig> + use<'a> {
    let keys = listener(call, config).into_iter().flat_map(|listener| &listener.providers);
    keys.filter_map(|key| config.providers.get(key))
}

/// Whether whoever asks is an admin.
pub fn is_admin(call: &Call, config: &Config) -> bool {
    let Some(application) = &call.application else { return false };
    let authenticator = listener(call, config).and_then(|listener| listener.authenticator(call.shows));
    authenticator.is_some_and(|authenticator| authenticator.admins.contains(&application.name))
}

/// Whether the way in which the client shows who it is is not accepted (step 10 of the pipeline).
pub fn refuses_authenticator(call: &Call, config: &Config) -> bool {
    let accepted =
        |kind| listener(call, config).is_some_and(|listener| listener.authenticator(kind).is_some());
    let framed = !matches!(call.meaning, Meaning::Anonymous(_) | Meaning::Incomplete);
    framed && call.shows != AuthenticationType::None && !accepted(call.shows)
}

/// What a request must be told because of the configuration it was admitted with, once it is known who asks;
/// `None`: that does not decide (steps 11 to 13, and what an operation checks before it looks for its key).
pub fn refusal(call: &Call, config: &Config) -> Option<Status> {
    let framed = !matches!(call.meaning, Meaning::Anonymous(_) | Meaning::Incomplete);
    let nobody = call.shows != AuthenticationType::None && call.application.is_none();
    if !framed || nobody || matches!(call.meaning, Meaning::Fixed(Status::AuthenticationError)) {
        return None;
    }
    let shown = |id| shown(call, config).any(|provider| provider.info.id == id);
    if call.provider != ProviderId::Core && !shown(call.provider) {
        return Some(Status::ProviderNotRegistered);
    }
    if call.opcode.is_core() != (call.provider == ProviderId::Core) {
        return None;
    }
    if call.opcode.needs_admin() && call.application.is_some() && !is_admin(call, config) {
        return Some(Status::AdminOperation);
    }
    match &call.meaning {
        Meaning::ListOpcodes(id) if *id != ProviderId::Core && !shown(*id) => {
            Some(Status::ProviderNotRegistered)
        }
        Meaning::Random(size) if *size > config.limits.buffer_size.min(config.limits.response) => {
            Some(Status::ResponseTooLarge)
        }
        _ => None,
    }
}

/// Whether a key is to be made that nothing but its name speaks against (decisions.md 1).
pub fn refuses_name(meaning: &Meaning, config: &Config) -> bool {
    let Meaning::Create { key, refusals, .. } = meaning else { return false };
    refusals.is_empty() && key.name.len() > config.limits.key_name as usize
}

/// What a request means where deprecated keys may be generated.
pub fn with_deprecated(call: &Call) -> Option<Meaning> {
    let Meaning::Create { key, attributes, refusals } = &call.meaning else { return None };
    if !refusals.contains(&Status::DeprecatedPrimitive) {
        return None;
    }
    let capabilities = match call.provider {
        ProviderId::MbedCrypto => capabilities::sealing(),
        _ => capabilities::owning(),
    };
    let holds = capabilities.keys.iter().any(|held| held.key_type == attributes.key_type && held.generate);
    let refusals = if holds { Vec::new() } else { vec![Status::PsaErrorNotSupported] };
    Some(Meaning::Create { key: key.clone(), attributes: *attributes, refusals })
}

/// Whether this provider's signatures are verified before they leave.
pub fn verifies(config: &Config, provider: ProviderId) -> bool {
    let mut providers = config.providers.values();
    config.executor.is_some()
        && providers.any(|configured| configured.info.id == provider && configured.verify_signatures)
}
