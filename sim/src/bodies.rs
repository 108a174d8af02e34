//! What successful answers must hold.

use crate::auditor::Scene;
use crate::call::{Call, Meaning};
use crate::capabilities;
use crate::configurations::{is_admin, shown};
use crate::oracle::Oracle;
use crate::provider::crypto;
use crate::specification;
use crate::truth::{Leads, Truth};
use parsecd_core::config::Config;
use parsecd_core::identity::{ApplicationIdentity, KeyIdentity};
use parsecd_wire::{AuthenticationType, KeyInfo, Opcode, ProviderId, ProviderInfo, Reply, Status};
use std::collections::BTreeSet;

type Verdict = Result<(), (Oracle, String)>;

/// When a request was open, and what its key may have led to meanwhile.
#[derive(Clone, Debug, Default)]
pub struct Span {
    /// Step in which it had come in whole.
    pub from: u64,
    /// Step in which it was answered.
    pub to: u64,
    /// What its key may have led to.
    pub leads: Leads,
}

/// Checks the body of an answer with success.
pub fn check(
    call: &Call,
    body: &[u8],
    span: &Span,
    truth: &Truth,
    config: &Config,
    scene: Scene<'_>,
) -> Verdict {
    let reply = Reply::decode(call.opcode, body).map_err(|error| (Oracle::PlannedBody, error.to_string()))?;
    specification::body_says(call.opcode, body, &reply)
        .map_err(|text| (Oracle::SpecificationAgrees, text))?;
    let planned = |holds: bool, text: &str| match holds {
        true => Ok(()),
        false => Err((Oracle::PlannedBody, text.to_owned())),
    };
    match (&call.meaning, reply) {
        (Meaning::Use { operation, .. }, reply) => {
            let output = match reply {
                Reply::PsaSignHash { signature } => Some(signature),
                Reply::PsaExportPublicKey { data } => Some(data),
                Reply::PsaExportKey { data } => Some(data.expose().to_vec()),
                _ => None,
            };
            let unserved = call.meaning.exports_unserved();
            let fits =
                span.leads.iter().flatten().filter_map(|object| scene.fleet.made.get(*object)).any(|key| {
                    let allowed = unserved || operation.status(key) == Status::Success;
                    allowed && operation.output(key) == output
                });
            match fits {
                true => Ok(()),
                false => Err((Oracle::I1Isolation, "the result is not that of the key".to_owned())),
            }
        }
        (Meaning::Random(size), Reply::PsaGenerateRandom { random_bytes }) => {
            planned(random_bytes.len() as u64 == *size, "wrong number of random bytes")
        }
        (Meaning::Hash { algorithm, input, .. }, Reply::PsaHashCompute { hash }) => {
            planned(hash == crypto::hash(*algorithm, input), "wrong hash")
        }
        (Meaning::ListOpcodes(provider), Reply::ListOpcodes { opcodes }) => {
            let expected = opcodes_of(*provider, is_admin(call, config));
            let listed: BTreeSet<u32> = opcodes.iter().copied().collect();
            planned(listed == expected && listed.len() == opcodes.len(), "wrong opcodes")
        }
        (Meaning::ListKeys(application), Reply::ListKeys { keys }) => {
            keys_listed((call, application), &keys, span, truth, config, scene)
        }
        (Meaning::Ask, Reply::Ping { major: 1, minor: 0 }) => Ok(()),
        (Meaning::Ask, Reply::ListProviders { providers }) => {
            let told = providers.split_last().filter(|(core, _)| core.id == ProviderId::Core);
            let expected: Vec<_> = shown(call, config).map(|provider| &provider.info).collect();
            let fits = told.is_some_and(|(_, told)| {
                told.len() == expected.len()
                    && told.iter().zip(expected).all(|(one, other)| is_of(one, other))
            });
            planned(fits, "wrong providers")
        }
        (Meaning::Ask, Reply::ListAuthenticators { authenticators }) => {
            let listed: Vec<_> = authenticators.iter().map(|authenticator| authenticator.id).collect();
            let listener = config.listeners.get(&call.listener);
            let configured: Vec<_> = listener
                .map(|listener| {
                    listener.authenticators.iter().map(|authenticator| authenticator.kind).collect()
                })
                .unwrap_or_default();
            planned(listed == configured, "wrong authenticators")
        }
        (Meaning::Create { .. }, Reply::PsaGenerateKey | Reply::PsaImportKey)
        | (Meaning::Destroy { .. }, Reply::PsaDestroyKey)
        | (Meaning::Hash { .. }, Reply::PsaHashCompare)
        | (Meaning::CanDo(true), Reply::CanDoCrypto)
        | (Meaning::DeleteClient(_), Reply::DeleteClient) => {
            planned(body.is_empty(), "a body where there is none")
        }
        (Meaning::ListClients(authenticator), Reply::ListClients { clients }) => {
            clients_listed(*authenticator, &clients, span, truth)
        }
        (_, reply) => Err((Oracle::PlannedBody, format!("{:?} makes no sense", reply))),
    }
}

/// The opcodes that are listed.
pub(crate) fn opcodes_of(provider: ProviderId, admin: bool) -> BTreeSet<u32> {
    let opcodes: Vec<Opcode> = match provider {
        ProviderId::MbedCrypto => capabilities::sealing().opcodes.into_iter().collect(),
        ProviderId::Pkcs11 => capabilities::owning().opcodes.into_iter().collect(),
        _ => Opcode::ALL
            .into_iter()
            .filter(|opcode| opcode.is_core() && (admin || !opcode.needs_admin()))
            .collect(),
    };
    opcodes.into_iter().map(Opcode::number).collect()
}

/// Whether the provider of a key is shown.
fn is_shown(identity: &KeyIdentity, call: &Call, config: &Config) -> bool {
    shown(call, config).any(|provider| provider.name == identity.provider)
}

/// Whether a provider is described as it is configured; who is down is told so after that.
fn is_of(told: &ProviderInfo, configured: &ProviderInfo) -> bool {
    let down = told.description.strip_prefix(&configured.description);
    let description = configured.description.clone();
    down.is_some_and(|down| down.is_empty() || down.starts_with(" (down"))
        && ProviderInfo { description, ..told.clone() } == *configured
}

/// Each listed client had a key at some time while it was listed; each that had one all the time is listed.
fn clients_listed(
    authenticator: AuthenticationType,
    clients: &[String],
    span: &Span,
    truth: &Truth,
) -> Result<(), (Oracle, String)> {
    if !clients.is_sorted() || clients.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err((Oracle::PlannedBody, "clients are not in order".to_owned()));
    }
    let (mut may, mut must) = (BTreeSet::new(), BTreeSet::new());
    for identity in truth.identities().filter(|one| one.application.authenticator == authenticator) {
        let leads = truth.between(identity, span.from, span.to);
        if leads.iter().any(Option::is_some) {
            may.insert(identity.application.name.to_string());
        }
        if leads.iter().all(Option::is_some) {
            must.insert(identity.application.name.to_string());
        }
    }
    if let Some(stranger) = clients.iter().find(|client| !may.contains(*client)) {
        return Err((Oracle::I1Isolation, format!("{stranger:?} is listed, who has no key")));
    }
    match must.iter().find(|client| !clients.contains(client)) {
        Some(missing) => Err((Oracle::I2NothingLost, format!("{missing:?} is not listed"))),
        None => Ok(()),
    }
}

/// Each listed key is, or was while it was listed, the application's own, with the attributes it was made
/// with; each key that was there all the time is listed.
fn keys_listed(
    (call, application): (&Call, &ApplicationIdentity),
    keys: &[KeyInfo],
    span: &Span,
    truth: &Truth,
    config: &Config,
    scene: Scene<'_>,
) -> Verdict {
    let mut listed = BTreeSet::new();
    for key in keys {
        let provider = config.providers.values().find(|provider| provider.info.id == key.provider);
        let Some(provider) = provider else {
            return Err((Oracle::PlannedBody, "a key of an unknown provider is listed".to_owned()));
        };
        let identity = KeyIdentity::new(application, &provider.name, &key.name);
        let leads = truth.between(&identity, span.from, span.to);
        let fits = leads.iter().flatten().any(|object| {
            scene.fleet.made.get(*object).is_some_and(|made| made.attributes == key.attributes)
        });
        if !fits {
            return Err((Oracle::I1Isolation, format!("{identity:?} is listed, and leads to {leads:?}")));
        }
        listed.insert(identity);
    }
    let missing = truth.identities().find(|identity| {
        identity.application == *application
            && !listed.contains(identity)
            && !scene.store.was_unreadable(identity, span.from)
            && is_shown(identity, call, config)
            && truth.between(identity, span.from, span.to).iter().all(Option::is_some)
    });
    if let Some(missing) = missing {
        return Err((Oracle::I2NothingLost, format!("{missing:?} is not listed")));
    }
    let shown: Vec<_> = shown(call, config).map(|provider| provider.info.id).collect();
    let place = |key: &KeyInfo| (shown.iter().position(|id| *id == key.provider), key.name.clone());
    match keys.windows(2).all(|pair| place(&pair[0]) < place(&pair[1])) {
        true => Ok(()),
        false => Err((Oracle::PlannedBody, "keys are not in order".to_owned())),
    }
}
