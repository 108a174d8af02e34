//! `[[provider]]`: what holds keys and computes with them.

use super::key_manager::Reference;
use super::settings::ProviderSettings;
use super::table::{At, Report, Span, Table};
use parsecd_core::config::{MaterialPlace, ProviderConfig};
use parsecd_core::identity::Text;
use parsecd_wire::{ProviderId, ProviderInfo, Uuid};

/// Most lane hosts of a provider.
pub(super) const HOSTS_MAX: u16 = 64;

/// Names of the types.
const TYPES: [(&str, ProviderId); 5] = [
    ("MbedCrypto", ProviderId::MbedCrypto),
    ("Pkcs11", ProviderId::Pkcs11),
    ("Tpm", ProviderId::Tpm),
    ("TrustedService", ProviderId::TrustedService),
    ("CryptoAuthLib", ProviderId::CryptoAuthLib),
];

pub(super) const COMMON: [&str; 3] = ["provider_type", "name", "key_info_manager"];

/// Keys of one type, beside the common ones (service-behaviour.md 2, and `hosts`).
pub(super) fn keys_of(kind: ProviderId) -> &'static [&'static str] {
    match kind {
        ProviderId::Core => &[],
        ProviderId::MbedCrypto => &["hosts"],
        ProviderId::Pkcs11 => &[
            "library_path",
            "slot_number",
            "serial_number",
            "user_pin",
            "software_public_operations",
            "allow_export",
        ],
        ProviderId::Tpm => &["tcti", "owner_hierarchy_auth", "endorsement_hierarchy_auth", "skip_if_no_tpm"],
        ProviderId::TrustedService => &[],
        ProviderId::CryptoAuthLib => &[
            "device_type",
            "iface_type",
            "wake_delay",
            "rx_retries",
            "slave_address",
            "bus",
            "baud",
            "access_key_file_name",
        ],
    }
}

fn default_name(kind: ProviderId) -> &'static str {
    match kind {
        ProviderId::Core => "core-provider",
        ProviderId::MbedCrypto => "mbed-crypto-provider",
        ProviderId::Pkcs11 => "pkcs11-provider",
        ProviderId::Tpm => "tpm-provider",
        ProviderId::TrustedService => "trusted-service-provider",
        ProviderId::CryptoAuthLib => "cryptoauthlib-provider",
    }
}

/// A provider of the file.
pub(super) struct Provider<'a> {
    pub(super) kind: ProviderId,
    pub(super) name: String,
    pub(super) key_manager: Reference<'a>,
    /// `None` if this version does not have it; that is reported.
    pub(super) available: Option<(ProviderConfig, ProviderSettings)>,
    pub(super) span: Span,
}

/// The software provider as it is without a configuration.
pub(super) fn software(name: Text, hosts: u16) -> (ProviderConfig, ProviderSettings) {
    let config = ProviderConfig {
        name,
        info: ProviderInfo {
            id: ProviderId::MbedCrypto,
            // 1c1139dc-ad7c-47dc-ad6b-db6fdb466552 (service-behaviour.md 3).
            uuid: Uuid(0x1c11_39dc_ad7c_47dc_ad6b_db6f_db46_6552_u128.to_be_bytes()),
            description: "Software provider: PSA Crypto by Mbed TLS; keys are stored sealed".to_owned(),
            vendor: "Arm".to_owned(),
            version: (0, 1, 0),
        },
        material: MaterialPlace::Record,
        verify_signatures: false,
        hosts,
        revision: 0,
        random_limit: None,
    };
    (config, ProviderSettings::Psa)
}

/// The name of the software provider where none is configured.
pub(super) fn software_name() -> Text {
    Text::from(default_name(ProviderId::MbedCrypto))
}

/// Reads all providers, those this version does not have included.
pub(super) fn read<'a>(
    tables: &[Table<'a, '_>],
    forbid_inline_secrets: bool,
    hosts: u16,
    report: &mut Report<'_>,
) -> Vec<Provider<'a>> {
    let mut providers: Vec<Provider<'a>> = Vec::new();
    for table in tables {
        let kind = table
            .required_text("provider_type", "write provider_type = \"MbedCrypto\"", report)
            .and_then(|_| table.choice("provider_type", &TYPES, false, report));
        check_keys(table, kind.as_ref().map(|kind| kind.value), report);
        check_secrets(table, forbid_inline_secrets, report);
        let key_manager = table.text("key_info_manager", report).map(|at| (at.value, at.span));
        let name = table.text("name", report);
        let configured = table.number("hosts", 1..=HOSTS_MAX.into(), "", report);
        let Some(At { value: kind, span }) = kind else {
            continue;
        };
        let (name, name_span) =
            name.map_or_else(|| (default_name(kind), table.span.clone()), |at| (at.value, at.span));
        if name.is_empty() {
            let remedy = "write a name, or remove the key for the default";
            report.error(&name_span, table.key("name"), "is empty", remedy);
        }
        if let Some(first) = providers.iter().find(|provider| provider.name == name) {
            let message =
                format!("the same name as the provider on line {}", report.position(&first.span).line);
            report.error(&name_span, table.key("name"), message, "give each provider a name of its own");
        }
        let hosts = configured.and_then(|at| u16::try_from(at.value).ok()).unwrap_or(hosts);
        let available = match kind {
            ProviderId::MbedCrypto => Some(software(Text::from(name), hosts)),
            _ => {
                refuse(table, kind, &span, report);
                None
            }
        };
        providers.push(Provider { kind, name: name.to_owned(), key_manager, available, span });
    }
    providers
}

fn check_keys(table: &Table<'_, '_>, kind: Option<ProviderId>, report: &mut Report<'_>) {
    let kinds = match kind {
        Some(kind) => vec![kind],
        // Without a type, a key of any type may be right.
        None => TYPES.iter().map(|(_, kind)| *kind).collect(),
    };
    let mut known = COMMON.to_vec();
    kinds.iter().for_each(|kind| known.extend(keys_of(*kind)));
    table.check_keys(&known, report);
}

fn check_secrets(table: &Table<'_, '_>, forbidden: bool, report: &mut Report<'_>) {
    for key in ["user_pin", "owner_hierarchy_auth", "endorsement_hierarchy_auth"] {
        let Some(span) = table.span_of(key) else {
            continue;
        };
        if forbidden {
            let message = "a secret stands in the file, which forbid_inline_secrets refuses";
            report.error(&span, table.key(key), message, "put it into a file of its own or a credential");
        } else {
            report.warn(&span, table.key(key), "a secret stands in the file; a file of its own is safer");
        }
    }
}

fn refuse(table: &Table<'_, '_>, kind: ProviderId, span: &Span, report: &mut Report<'_>) {
    let (message, remedy) = match kind {
        ProviderId::Tpm => {
            ("the TPM provider is not available in this version", "use \"MbedCrypto\" until it is")
        }
        ProviderId::Pkcs11 => {
            ("the PKCS#11 provider is not available in this version", "use \"MbedCrypto\" until it is")
        }
        ProviderId::TrustedService => {
            ("parsecd has no Trusted Service provider", "use \"MbedCrypto\", the software provider")
        }
        _ => ("parsecd has no CryptoAuthLib provider", "use \"MbedCrypto\", the software provider"),
    };
    report.error(span, table.key("provider_type"), message, remedy);
}
