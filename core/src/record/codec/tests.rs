//! Tests of the encoding of records and bindings.

use super::*;
use alloc::vec;
use alloc::vec::Vec;
use parsecd_wire::KeyAttributes;
use parsecd_wire::algorithm::{Algorithm, AsymmetricSignature, Hash, SignHash};
use parsecd_wire::attributes::{EccFamily, KeyType, UsageFlags};
use proptest::prelude::*;

fn identity(authenticator: AuthenticationType, name: &str, provider: &str, key: &str) -> KeyIdentity {
    KeyIdentity {
        application: ApplicationIdentity { authenticator, name: name.into() },
        provider: provider.into(),
        name: key.into(),
    }
}

fn record(identity: KeyIdentity, public: Vec<u8>, material: Vec<u8>) -> Record {
    Record {
        identity,
        object: ObjectId { boot: 0x0102_0304_0506_0708, counter: 9 },
        device: Device(vec![0xd0, 0xd1]),
        attributes: KeyAttributes {
            key_type: KeyType::EccKeyPair(EccFamily::SecpR1),
            bits: 256,
            usage: UsageFlags { sign_hash: true, ..UsageFlags::default() },
            algorithm: Algorithm::AsymmetricSignature(AsymmetricSignature::Ecdsa(SignHash::Specific(
                Hash::Sha256,
            ))),
        },
        public,
        material: SealedMaterial(material),
    }
}

fn some_record() -> Record {
    let identity = identity(AuthenticationType::UnixPeerCredentials, "1000", "software", "schlüssel 🦊");
    record(identity, vec![4; 65], vec![0xaa; 60])
}

fn any_identity() -> impl Strategy<Value = KeyIdentity> {
    let authenticator = prop_oneof![
        Just(AuthenticationType::Direct),
        Just(AuthenticationType::UnixPeerCredentials),
        Just(AuthenticationType::JwtSvid),
    ];
    (authenticator, ".{0,12}", ".{0,12}", ".{0,12}")
        .prop_map(|(authenticator, name, provider, key)| identity(authenticator, &name, &provider, &key))
}

#[test]
fn the_format_of_version_1_stays_as_it_is() {
    let record = record(identity(AuthenticationType::Direct, "app", "p", "k"), vec![4, 5], vec![6]);
    let expected: &[&[u8]] = &[
        &[1],
        &[1],
        b"\x03\0\0\0app",
        b"\x01\0\0\0p",
        b"\x01\0\0\0k",
        &[1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 9],
        &[2, 0, 0, 0, 0xd0, 0xd1],
        // Attributes: ECC pair, SECP_R1, 256 bits, sign_hash, ECDSA with SHA-256.
        &[11, 2, 0, 1, 0, 0, 0x80, 0],
    ];
    let encoded = record.encode().0;
    assert!(encoded.starts_with(&expected.concat()), "{encoded:02x?}");
    assert!(encoded.ends_with(&[2, 0, 0, 0, 4, 5, 1, 0, 0, 0, 6]), "{encoded:02x?}");
    assert_eq!(Binding::of(&record.identity, record.object).0, expected[..6].concat());
}

#[test]
fn a_record_of_another_version_is_unknown_not_malformed() {
    let mut encoded = some_record().encode();
    for version in [0, 2, 255] {
        encoded.0[0] = version;
        assert_eq!(encoded.decode(), Err(RecordError::UnknownVersion(version)));
    }
    assert_eq!(EncodedRecord(vec![7]).decode(), Err(RecordError::UnknownVersion(7)));
}

#[test]
fn every_prefix_and_every_extension_of_a_record_is_refused() {
    let encoded = some_record().encode().0;
    for length in 0..encoded.len() {
        let prefix = EncodedRecord(encoded[..length].to_vec());
        assert_eq!(prefix.decode(), Err(RecordError::Malformed(DecodeError::EndsEarly)), "{length} bytes");
    }
    let extended = EncodedRecord([&encoded[..], &[0]].concat());
    assert_eq!(extended.decode(), Err(RecordError::Malformed(DecodeError::Trailing(1))));
}

#[test]
fn a_flipped_bit_never_goes_unnoticed_in_what_is_read() {
    let original = some_record();
    let encoded = original.encode();
    for position in 0..encoded.0.len() {
        for bit in 0..8 {
            let mut flipped = encoded.clone();
            flipped.0[position] ^= 1 << bit;
            if let Ok(record) = flipped.decode() {
                assert_ne!(record, original, "bit {bit} of byte {position}");
                assert_eq!(record.encode(), flipped, "one encoding for each record");
            }
            if let Ok(record) = flipped.decode_for(&original.identity) {
                assert_eq!(record.identity, original.identity);
            }
        }
    }
}

#[test]
fn the_record_of_another_key_is_refused_by_each_part_of_its_identity() {
    let own = identity(AuthenticationType::Direct, "a", "p", "k");
    let encoded = record(own.clone(), vec![], vec![1]).encode();
    assert_eq!(encoded.decode_for(&own).map(|record| record.identity), Ok(own));
    for other in [
        identity(AuthenticationType::UnixPeerCredentials, "a", "p", "k"),
        identity(AuthenticationType::Direct, "b", "p", "k"),
        identity(AuthenticationType::Direct, "a", "q", "k"),
        identity(AuthenticationType::Direct, "a", "p", "l"),
        identity(AuthenticationType::Direct, "ap", "", "k"),
        identity(AuthenticationType::Direct, "a", "pk", ""),
    ] {
        assert_eq!(encoded.decode_for(&other), Err(RecordError::OtherKey));
    }
}

#[test]
fn names_cut_differently_have_different_bindings() {
    let object = ObjectId { boot: 1, counter: 2 };
    let texts = ["", "a", "b", "ab", "ba", "\0", "a\0", "\u{1}\0\0\0a"];
    let mut seen = alloc::collections::BTreeSet::new();
    for name in texts {
        for provider in texts {
            for key in texts {
                let identity = identity(AuthenticationType::Direct, name, provider, key);
                assert!(seen.insert(Binding::of(&identity, object).0), "{identity:?}");
            }
        }
    }
}

proptest! {
    #[test]
    fn a_record_comes_back_as_it_was(
        identity in any_identity(),
        public in proptest::collection::vec(any::<u8>(), 0..80),
        material in proptest::collection::vec(any::<u8>(), 0..80),
        device in proptest::collection::vec(any::<u8>(), 0..40),
        boot: u64, counter: u64, bits: u32,
    ) {
        let mut record = record(identity, public, material);
        record.device = Device(device);
        record.object = ObjectId { boot, counter };
        record.attributes.bits = bits;
        prop_assert_eq!(record.encode().decode(), Ok(record.clone()));
        prop_assert_eq!(record.encode().decode_for(&record.identity), Ok(record));
    }

    #[test]
    fn any_bytes_decode_to_the_one_record_they_encode_or_to_an_error(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..200),
        keep_version: bool,
    ) {
        if let (true, Some(version)) = (keep_version, bytes.first_mut()) {
            *version = RECORD_VERSION;
        }
        let encoded = EncodedRecord(bytes);
        if let Ok(record) = encoded.decode() {
            prop_assert_eq!(record.encode(), encoded);
        }
    }

    #[test]
    fn a_damaged_record_decodes_to_what_it_says_or_to_an_error(
        position: prop::sample::Index, value: u8, cut: prop::sample::Index,
    ) {
        let mut bytes = some_record().encode().0;
        let position = position.index(bytes.len());
        bytes[position] = value;
        bytes.truncate(cut.index(bytes.len()) + 1);
        let encoded = EncodedRecord(bytes);
        if let Ok(record) = encoded.decode() {
            prop_assert_eq!(record.encode(), encoded);
        }
    }

    #[test]
    fn keys_share_a_binding_only_if_they_are_one_key(
        one in any_identity(), other in any_identity(), counters in (0_u64..2, 0_u64..2),
    ) {
        let objects = (ObjectId { boot: 0, counter: counters.0 }, ObjectId { boot: 0, counter: counters.1 });
        let same_binding = Binding::of(&one, objects.0) == Binding::of(&other, objects.1);
        prop_assert_eq!(same_binding, one == other && objects.0 == objects.1);
        prop_assert_eq!(Binding::of(&one, objects.0), Binding::of(&one.clone(), objects.0));
    }
}
