//! PSA numbers of key types (`psa_key_type_t`, a u16) and usage flags (`psa_key_usage_t`, a u32).

use crate::attributes::{DhFamily, EccFamily, KeyType, UsageFlags};

const ECC_PUBLIC_KEY_BASE: u16 = 0x4100;
const ECC_KEY_PAIR_BASE: u16 = 0x7100;
const DH_PUBLIC_KEY_BASE: u16 = 0x4200;
const DH_KEY_PAIR_BASE: u16 = 0x7200;

const EXPORT: u32 = 0x0001;
const COPY: u32 = 0x0002;
const CACHE: u32 = 0x0004;
const ENCRYPT: u32 = 0x0100;
const DECRYPT: u32 = 0x0200;
const SIGN_MESSAGE: u32 = 0x0400;
const VERIFY_MESSAGE: u32 = 0x0800;
const SIGN_HASH: u32 = 0x1000;
const VERIFY_HASH: u32 = 0x2000;
const DERIVE: u32 = 0x4000;

impl EccFamily {
    /// The `psa_ecc_family_t`.
    pub const fn psa(self) -> u8 {
        match self {
            EccFamily::SecpK1 => 0x17,
            EccFamily::SecpR1 => 0x12,
            EccFamily::SecpR2 => 0x1B,
            EccFamily::SectK1 => 0x27,
            EccFamily::SectR1 => 0x22,
            EccFamily::SectR2 => 0x2B,
            EccFamily::BrainpoolPR1 => 0x30,
            EccFamily::Frp => 0x33,
            EccFamily::Montgomery => 0x41,
        }
    }

    /// The family with this `psa_ecc_family_t`.
    pub fn from_psa(number: u8) -> Option<EccFamily> {
        EccFamily::ALL.into_iter().find(|family| family.psa() == number)
    }
}

impl DhFamily {
    /// The `psa_dh_family_t`.
    pub const fn psa(self) -> u8 {
        match self {
            DhFamily::Rfc7919 => 0x03,
        }
    }

    /// The family with this `psa_dh_family_t`.
    pub const fn from_psa(number: u8) -> Option<DhFamily> {
        match number {
            0x03 => Some(DhFamily::Rfc7919),
            _ => None,
        }
    }
}

impl KeyType {
    /// The PSA key type, with its curve or group family.
    pub fn psa(self) -> u16 {
        match self {
            KeyType::RawData => 0x1001,
            KeyType::Hmac => 0x1100,
            KeyType::Derive => 0x1200,
            KeyType::Arc4 => 0x2002,
            KeyType::ChaCha20 => 0x2004,
            KeyType::Des => 0x2301,
            KeyType::Aes => 0x2400,
            KeyType::Camellia => 0x2403,
            KeyType::RsaPublicKey => 0x4001,
            KeyType::RsaKeyPair => 0x7001,
            KeyType::EccKeyPair(family) => ECC_KEY_PAIR_BASE | u16::from(family.psa()),
            KeyType::EccPublicKey(family) => ECC_PUBLIC_KEY_BASE | u16::from(family.psa()),
            KeyType::DhKeyPair(family) => DH_KEY_PAIR_BASE | u16::from(family.psa()),
            KeyType::DhPublicKey(family) => DH_PUBLIC_KEY_BASE | u16::from(family.psa()),
        }
    }

    /// The type with this PSA number. `None` where the protocol has no such type.
    pub fn from_psa(number: u16) -> Option<KeyType> {
        let [base, family] = number.to_be_bytes();
        match (u16::from_be_bytes([base, 0]), number) {
            (_, 0x1001) => Some(KeyType::RawData),
            (_, 0x1100) => Some(KeyType::Hmac),
            (_, 0x1200) => Some(KeyType::Derive),
            (_, 0x2002) => Some(KeyType::Arc4),
            (_, 0x2004) => Some(KeyType::ChaCha20),
            (_, 0x2301) => Some(KeyType::Des),
            (_, 0x2400) => Some(KeyType::Aes),
            (_, 0x2403) => Some(KeyType::Camellia),
            (_, 0x4001) => Some(KeyType::RsaPublicKey),
            (_, 0x7001) => Some(KeyType::RsaKeyPair),
            (ECC_KEY_PAIR_BASE, _) => EccFamily::from_psa(family).map(KeyType::EccKeyPair),
            (ECC_PUBLIC_KEY_BASE, _) => EccFamily::from_psa(family).map(KeyType::EccPublicKey),
            (DH_KEY_PAIR_BASE, _) => DhFamily::from_psa(family).map(KeyType::DhKeyPair),
            (DH_PUBLIC_KEY_BASE, _) => DhFamily::from_psa(family).map(KeyType::DhPublicKey),
            _ => None,
        }
    }
}

impl UsageFlags {
    /// The PSA usage flags, bit by bit: nothing is implied.
    pub fn psa(self) -> u32 {
        let bit = |set: bool, bit: u32| if set { bit } else { 0 };
        bit(self.export, EXPORT)
            | bit(self.copy, COPY)
            | bit(self.cache, CACHE)
            | bit(self.encrypt, ENCRYPT)
            | bit(self.decrypt, DECRYPT)
            | bit(self.sign_message, SIGN_MESSAGE)
            | bit(self.verify_message, VERIFY_MESSAGE)
            | bit(self.sign_hash, SIGN_HASH)
            | bit(self.verify_hash, VERIFY_HASH)
            | bit(self.derive, DERIVE)
    }

    /// The flags with these PSA bits. `None` if a bit is set that the protocol does not have.
    pub fn from_psa(bits: u32) -> Option<UsageFlags> {
        let set = |bit: u32| bits & bit != 0;
        let usage = UsageFlags {
            export: set(EXPORT),
            copy: set(COPY),
            cache: set(CACHE),
            encrypt: set(ENCRYPT),
            decrypt: set(DECRYPT),
            sign_message: set(SIGN_MESSAGE),
            verify_message: set(VERIFY_MESSAGE),
            sign_hash: set(SIGN_HASH),
            verify_hash: set(VERIFY_HASH),
            derive: set(DERIVE),
        };
        (usage.psa() == bits).then_some(usage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_types_have_the_numbers_of_the_psa_specification() {
        let numbers = [
            (KeyType::RawData, 0x1001),
            (KeyType::Hmac, 0x1100),
            (KeyType::Derive, 0x1200),
            (KeyType::Aes, 0x2400),
            (KeyType::Des, 0x2301),
            (KeyType::Camellia, 0x2403),
            (KeyType::Arc4, 0x2002),
            (KeyType::ChaCha20, 0x2004),
            (KeyType::RsaPublicKey, 0x4001),
            (KeyType::RsaKeyPair, 0x7001),
            (KeyType::EccKeyPair(EccFamily::SecpR1), 0x7112),
            (KeyType::EccPublicKey(EccFamily::SecpR1), 0x4112),
            (KeyType::EccKeyPair(EccFamily::SecpK1), 0x7117),
            (KeyType::EccKeyPair(EccFamily::SecpR2), 0x711B),
            (KeyType::EccKeyPair(EccFamily::SectK1), 0x7127),
            (KeyType::EccKeyPair(EccFamily::SectR1), 0x7122),
            (KeyType::EccKeyPair(EccFamily::SectR2), 0x712B),
            (KeyType::EccKeyPair(EccFamily::BrainpoolPR1), 0x7130),
            (KeyType::EccKeyPair(EccFamily::Frp), 0x7133),
            (KeyType::EccPublicKey(EccFamily::Montgomery), 0x4141),
            (KeyType::DhKeyPair(DhFamily::Rfc7919), 0x7203),
            (KeyType::DhPublicKey(DhFamily::Rfc7919), 0x4203),
        ];
        for (key_type, number) in numbers {
            assert_eq!(key_type.psa(), number, "{key_type:?}");
        }
    }

    #[test]
    fn every_number_that_is_a_key_type_maps_back_to_itself() {
        let types: alloc::vec::Vec<_> =
            (0..=u16::MAX).filter_map(|number| Some((number, KeyType::from_psa(number)?))).collect();
        assert_eq!(types.len(), 10 + 2 * EccFamily::ALL.len() + 2);
        for (number, key_type) in types {
            assert_eq!(key_type.psa(), number, "{key_type:?}");
        }
    }

    #[test]
    fn every_combination_of_usage_flags_maps_back_to_itself() {
        let all = 0x7F07;
        let known = (0..=0xFFFF_u32).filter(|bits| UsageFlags::from_psa(*bits).is_some()).count();
        assert_eq!(known, 1 << 10);
        for bits in (0..=0xFFFF_u32).filter(|bits| bits & !all == 0) {
            assert_eq!(UsageFlags::from_psa(bits).map(UsageFlags::psa), Some(bits));
        }
        assert_eq!(UsageFlags::from_psa(0x8000), None);
    }

    #[test]
    fn usage_flags_have_the_bits_of_the_psa_specification() {
        let sign_and_verify = UsageFlags { sign_hash: true, verify_hash: true, ..UsageFlags::default() };
        assert_eq!(sign_and_verify.psa(), 0x3000);
        assert_eq!(sign_and_verify.with_implied().psa(), 0x3C00);
        let single = [
            (UsageFlags { export: true, ..UsageFlags::default() }, 0x1),
            (UsageFlags { copy: true, ..UsageFlags::default() }, 0x2),
            (UsageFlags { cache: true, ..UsageFlags::default() }, 0x4),
            (UsageFlags { encrypt: true, ..UsageFlags::default() }, 0x100),
            (UsageFlags { decrypt: true, ..UsageFlags::default() }, 0x200),
            (UsageFlags { sign_message: true, ..UsageFlags::default() }, 0x400),
            (UsageFlags { verify_message: true, ..UsageFlags::default() }, 0x800),
            (UsageFlags { sign_hash: true, ..UsageFlags::default() }, 0x1000),
            (UsageFlags { verify_hash: true, ..UsageFlags::default() }, 0x2000),
            (UsageFlags { derive: true, ..UsageFlags::default() }, 0x4000),
        ];
        for (usage, bits) in single {
            assert_eq!(usage.psa(), bits, "{usage:?}");
        }
    }
}
