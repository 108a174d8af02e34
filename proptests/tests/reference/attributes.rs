//! Key attributes, ours and the reference's, and the numbers of headers.

use super::algorithms::{from_algorithm, to_algorithm};
use super::same_members;
use parsec_interface::operations::can_do_crypto::CheckType as ReferenceCheckType;
use parsec_interface::operations::psa_key_attributes as theirs;
use parsec_interface::requests::{AuthType, ProviderId as ReferenceProviderId};
use parsecd_wire::attributes as ours;
use parsecd_wire::{AuthenticationType, CheckType, ProviderId};

same_members!(
    to_ecc_family,
    from_ecc_family,
    ours::EccFamily,
    theirs::EccFamily,
    [
        SecpK1 = SecpK1,
        SecpR1 = SecpR1,
        SecpR2 = SecpR2,
        SectK1 = SectK1,
        SectR1 = SectR1,
        SectR2 = SectR2,
        BrainpoolPR1 = BrainpoolPR1,
        Frp = Frp,
        Montgomery = Montgomery,
    ]
);

same_members!(to_dh_family, from_dh_family, ours::DhFamily, theirs::DhFamily, [Rfc7919 = Rfc7919]);

same_members!(
    to_check_type,
    from_check_type,
    CheckType,
    ReferenceCheckType,
    [Use = Use, Generate = Generate, Import = Import, Derive = Derive,]
);

same_members!(
    to_provider,
    from_provider,
    ProviderId,
    ReferenceProviderId,
    [
        Core = Core,
        MbedCrypto = MbedCrypto,
        Pkcs11 = Pkcs11,
        Tpm = Tpm,
        TrustedService = TrustedService,
        CryptoAuthLib = CryptoAuthLib,
    ]
);

same_members!(
    to_authentication_type,
    from_authentication_type,
    AuthenticationType,
    AuthType,
    [None = NoAuth, Direct = Direct, Jwt = Jwt, UnixPeerCredentials = UnixPeerCredentials, JwtSvid = JwtSvid,]
);

fn to_key_type(key_type: ours::KeyType) -> theirs::Type {
    use ours::KeyType as Ours;
    use theirs::Type as Theirs;
    match key_type {
        Ours::RawData => Theirs::RawData,
        Ours::Hmac => Theirs::Hmac,
        Ours::Derive => Theirs::Derive,
        Ours::Aes => Theirs::Aes,
        Ours::Des => Theirs::Des,
        Ours::Camellia => Theirs::Camellia,
        Ours::Arc4 => Theirs::Arc4,
        Ours::ChaCha20 => Theirs::Chacha20,
        Ours::RsaPublicKey => Theirs::RsaPublicKey,
        Ours::RsaKeyPair => Theirs::RsaKeyPair,
        Ours::EccKeyPair(family) => Theirs::EccKeyPair { curve_family: to_ecc_family(family) },
        Ours::EccPublicKey(family) => Theirs::EccPublicKey { curve_family: to_ecc_family(family) },
        Ours::DhKeyPair(family) => Theirs::DhKeyPair { group_family: to_dh_family(family) },
        Ours::DhPublicKey(family) => Theirs::DhPublicKey { group_family: to_dh_family(family) },
    }
}

fn from_key_type(key_type: theirs::Type) -> ours::KeyType {
    use ours::KeyType as Ours;
    use theirs::Type as Theirs;
    match key_type {
        Theirs::RawData => Ours::RawData,
        Theirs::Hmac => Ours::Hmac,
        Theirs::Derive => Ours::Derive,
        Theirs::Aes => Ours::Aes,
        Theirs::Des => Ours::Des,
        Theirs::Camellia => Ours::Camellia,
        Theirs::Arc4 => Ours::Arc4,
        Theirs::Chacha20 => Ours::ChaCha20,
        Theirs::RsaPublicKey => Ours::RsaPublicKey,
        Theirs::RsaKeyPair => Ours::RsaKeyPair,
        Theirs::EccKeyPair { curve_family } => Ours::EccKeyPair(from_ecc_family(curve_family)),
        Theirs::EccPublicKey { curve_family } => Ours::EccPublicKey(from_ecc_family(curve_family)),
        Theirs::DhKeyPair { group_family } => Ours::DhKeyPair(from_dh_family(group_family)),
        Theirs::DhPublicKey { group_family } => Ours::DhPublicKey(from_dh_family(group_family)),
    }
}

fn to_usage_flags(usage: ours::UsageFlags) -> theirs::UsageFlags {
    type Setter = fn(&mut theirs::UsageFlags) -> &mut theirs::UsageFlags;
    let mut flags = theirs::UsageFlags::default();
    let setters: [(bool, Setter); 10] = [
        (usage.export, theirs::UsageFlags::set_export),
        (usage.copy, theirs::UsageFlags::set_copy),
        (usage.cache, theirs::UsageFlags::set_cache),
        (usage.encrypt, theirs::UsageFlags::set_encrypt),
        (usage.decrypt, theirs::UsageFlags::set_decrypt),
        (usage.sign_message, theirs::UsageFlags::set_sign_message),
        (usage.verify_message, theirs::UsageFlags::set_verify_message),
        (usage.sign_hash, theirs::UsageFlags::set_sign_hash),
        (usage.verify_hash, theirs::UsageFlags::set_verify_hash),
        (usage.derive, theirs::UsageFlags::set_derive),
    ];
    for (_, set) in setters.into_iter().filter(|(wanted, _)| *wanted) {
        set(&mut flags);
    }
    flags
}

fn from_usage_flags(usage: theirs::UsageFlags) -> ours::UsageFlags {
    ours::UsageFlags {
        export: usage.export(),
        copy: usage.copy(),
        cache: usage.cache(),
        encrypt: usage.encrypt(),
        decrypt: usage.decrypt(),
        sign_message: usage.sign_message(),
        verify_message: usage.verify_message(),
        sign_hash: usage.sign_hash(),
        verify_hash: usage.verify_hash(),
        derive: usage.derive(),
    }
}

pub fn to_attributes(attributes: ours::KeyAttributes) -> theirs::Attributes {
    theirs::Attributes {
        lifetime: theirs::Lifetime::Persistent,
        key_type: to_key_type(attributes.key_type),
        bits: attributes.bits as usize,
        policy: theirs::Policy {
            usage_flags: to_usage_flags(attributes.usage),
            permitted_algorithms: to_algorithm(attributes.algorithm),
        },
    }
}

pub fn from_attributes(attributes: theirs::Attributes) -> ours::KeyAttributes {
    assert_eq!(attributes.lifetime, theirs::Lifetime::Persistent);
    ours::KeyAttributes {
        key_type: from_key_type(attributes.key_type),
        bits: attributes.bits.try_into().expect("a size fits a u32"),
        usage: from_usage_flags(attributes.policy.usage_flags),
        algorithm: from_algorithm(attributes.policy.permitted_algorithms),
    }
}
