//! Rules of body decoding (wire-protocol.md 3), with bodies put together by hand.

use parsecd_wire::algorithm::{
    Aead, AeadAlgorithm, Algorithm, AsymmetricEncryption, AsymmetricSignature, Cipher, FullLengthMac, Hash,
    Mac, SignHash,
};
use parsecd_wire::attributes::{KeyType, UsageFlags};
use parsecd_wire::{DecodeError, KeyAttributes, Opcode, Operation, Reply, SecretBytes, Status};

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push((number & 0x7F) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// A field of wire type 0.
fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

/// A field of wire type 2.
fn bytes(field: u64, content: impl AsRef<[u8]>) -> Vec<u8> {
    let content = content.as_ref();
    [&varint(field << 3 | 2), &varint(content.len() as u64), content].concat()
}

fn status(opcode: Opcode, body: &[u8]) -> Result<Operation, Status> {
    Operation::decode(opcode, body).map_err(|error| error.status())
}

const AES: [u8; 2] = [0x22, 0x00];
const NO_ALGORITHM: [u8; 2] = [0x0A, 0x00];

fn attributes(key_type: &[u8], usage: &[u8], algorithm: &[u8]) -> Vec<u8> {
    let policy = [bytes(1, usage), bytes(2, algorithm)].concat();
    [bytes(1, key_type), number(2, 128), bytes(3, policy)].concat()
}

fn generate_key(attributes: &[u8]) -> Vec<u8> {
    [bytes(1, "k"), bytes(2, attributes)].concat()
}

fn decoded_attributes(body: &[u8]) -> KeyAttributes {
    match status(Opcode::PsaGenerateKey, body) {
        Ok(Operation::PsaGenerateKey { attributes, .. }) => attributes,
        other => panic!("{other:?}"),
    }
}

fn decoded_algorithm(algorithm: &[u8]) -> Result<Algorithm, Status> {
    match status(Opcode::PsaGenerateKey, &generate_key(&attributes(&AES, &[], algorithm))) {
        Ok(Operation::PsaGenerateKey { attributes, .. }) => Ok(attributes.algorithm),
        Ok(other) => panic!("{other:?}"),
        Err(status) => Err(status),
    }
}

#[test]
fn an_empty_body_is_a_message_of_defaults() {
    assert_eq!(status(Opcode::Ping, &[]), Ok(Operation::Ping));
    assert_eq!(status(Opcode::PsaGenerateRandom, &[]), Ok(Operation::PsaGenerateRandom { size: 0 }));
    assert_eq!(status(Opcode::PsaExportKey, &[]), Ok(Operation::PsaExportKey { key_name: String::new() }));
    assert_eq!(status(Opcode::DeleteClient, &[]), Ok(Operation::DeleteClient { client: String::new() }));
}

#[test]
fn requests_without_fields_refuse_garbage() {
    for opcode in [
        Opcode::Ping,
        Opcode::ListProviders,
        Opcode::ListAuthenticators,
        Opcode::ListKeys,
        Opcode::ListClients,
    ] {
        assert_eq!(status(opcode, &[0xFF]), Err(Status::DeserializingBodyFailed), "{opcode:?}");
        assert_eq!(status(opcode, &number(0, 1)), Err(Status::DeserializingBodyFailed), "{opcode:?}");
        assert!(status(opcode, &number(99, 1)).is_ok(), "{opcode:?}");
    }
}

#[test]
fn unknown_fields_of_every_wire_type_are_skipped() {
    let fixed64 = [vec![0x91, 0x03], vec![1; 8]].concat();
    let fixed32 = [vec![0x95, 0x03], vec![1; 4]].concat();
    let group = [vec![0x93, 0x03], number(1, 7), vec![0x94, 0x03]].concat();
    let body = [number(50, 7), fixed64, bytes(50, "x"), group, fixed32, bytes(1, "key")].concat();
    assert_eq!(status(Opcode::PsaExportKey, &body), Ok(Operation::PsaExportKey { key_name: "key".into() }));
}

#[test]
fn malformed_messages_are_refused() {
    let wrong_wire_type = number(1, 7);
    let not_utf8 = bytes(1, [0xFF, 0xFE]);
    let past_the_end = [0x0A, 0x05, b'a'];
    let endless_varint = [0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01];
    let open_group = [0x0B];
    let wire_type_7 = [0x0F];
    for body in
        [&wrong_wire_type[..], &not_utf8, &past_the_end, &endless_varint, &open_group, &wire_type_7, &[0x00]]
    {
        assert_eq!(status(Opcode::PsaExportKey, body), Err(Status::DeserializingBodyFailed), "{body:x?}");
    }
}

#[test]
fn deeply_nested_groups_are_refused() {
    let body = [[0x93, 0x03]; 10_000].concat();
    assert_eq!(status(Opcode::Ping, &body), Err(Status::DeserializingBodyFailed));
}

#[test]
fn wide_varints_are_truncated_to_the_width_of_the_field() {
    let attributes = [
        bytes(1, AES),
        number(2, 0xFFFF_FFFF_0000_0100),
        bytes(3, [bytes(1, number(1, 0x1_0000_0000)), bytes(2, NO_ALGORITHM)].concat()),
    ]
    .concat();
    let decoded = decoded_attributes(&generate_key(&attributes));
    assert_eq!(decoded.bits, 256);
    assert!(decoded.usage.export);
    let size = 0xFFFF_FFFF_0000_0100;
    assert_eq!(
        status(Opcode::PsaGenerateRandom, &number(1, size)),
        Ok(Operation::PsaGenerateRandom { size })
    );
    let provider = parsecd_wire::ProviderId::MbedCrypto;
    assert_eq!(
        status(Opcode::ListOpcodes, &number(1, 0x1_0000_0001)),
        Ok(Operation::ListOpcodes { provider })
    );
}

#[test]
fn an_unknown_provider_in_list_opcodes_has_a_status_of_its_own() {
    for id in [6, 255, 256, 257, 0xFFFF_FFFF] {
        assert_eq!(status(Opcode::ListOpcodes, &number(1, id)), Err(Status::ProviderDoesNotExist), "{id}");
    }
}

#[test]
fn the_last_scalar_wins() {
    let body = [bytes(1, "a longer name"), bytes(1, "b")].concat();
    assert_eq!(status(Opcode::PsaExportKey, &body), Ok(Operation::PsaExportKey { key_name: "b".into() }));
    let body = [number(1, 7), bytes(2, "short"), bytes(2, "a longer input"), bytes(2, "in")].concat();
    assert_eq!(
        status(Opcode::PsaHashCompute, &body),
        Ok(Operation::PsaHashCompute { algorithm: Hash::Sha256, input: SecretBytes::from(&b"in"[..]) })
    );
}

#[test]
fn the_last_member_of_a_oneof_wins() {
    let rsa_then_aes = [&[0x52, 0x00], &AES[..]].concat();
    let decoded = decoded_attributes(&generate_key(&attributes(&rsa_then_aes, &[], &NO_ALGORITHM)));
    assert_eq!(decoded.key_type, KeyType::Aes);
    let hash_then_cipher = [number(2, 7), number(4, 2)].concat();
    assert_eq!(decoded_algorithm(&hash_then_cipher), Ok(Algorithm::Cipher(Cipher::Ctr)));
}

#[test]
fn repeated_sub_messages_are_merged() {
    let usage_twice = bytes(3, [bytes(1, number(4, 1)), bytes(1, number(5, 1))].concat());
    let algorithm_later = bytes(3, bytes(2, NO_ALGORITHM));
    let attributes = [bytes(1, AES), usage_twice, algorithm_later].concat();
    let decoded = decoded_attributes(&generate_key(&attributes));
    assert_eq!(decoded.usage, UsageFlags { encrypt: true, decrypt: true, ..UsageFlags::default() });
    assert_eq!(decoded.algorithm, Algorithm::None);
}

#[test]
fn hash_usage_implies_message_usage_and_not_the_reverse() {
    let usage =
        |flags: &[u8]| decoded_attributes(&generate_key(&attributes(&AES, flags, &NO_ALGORITHM))).usage;
    assert_eq!(
        usage(&number(8, 1)),
        UsageFlags { sign_hash: true, sign_message: true, ..UsageFlags::default() }
    );
    assert_eq!(
        usage(&number(9, 1)),
        UsageFlags { verify_hash: true, verify_message: true, ..UsageFlags::default() }
    );
    assert_eq!(usage(&number(6, 1)), UsageFlags { sign_message: true, ..UsageFlags::default() });
    assert_eq!(usage(&number(7, 1)), UsageFlags { verify_message: true, ..UsageFlags::default() });
}

#[test]
fn present_empty_sub_messages_are_not_absent() {
    let whole = generate_key(&attributes(&AES, &[], &NO_ALGORITHM));
    assert_eq!(decoded_attributes(&whole).usage, UsageFlags::default());
    let no_usage = bytes(3, bytes(2, NO_ALGORITHM));
    let body = generate_key(&[bytes(1, AES), no_usage].concat());
    assert_eq!(status(Opcode::PsaGenerateKey, &body), Err(Status::InvalidEncoding));
    let no_algorithm = bytes(3, bytes(1, []));
    let body = generate_key(&[bytes(1, AES), no_algorithm].concat());
    assert_eq!(status(Opcode::PsaGenerateKey, &body), Err(Status::InvalidEncoding));
    let no_type = bytes(3, [bytes(1, []), bytes(2, NO_ALGORITHM)].concat());
    assert_eq!(status(Opcode::PsaGenerateKey, &generate_key(&no_type)), Err(Status::InvalidEncoding));
    assert_eq!(status(Opcode::PsaGenerateKey, &bytes(1, "k")), Err(Status::InvalidEncoding));
}

#[test]
fn enum_numbers_that_mean_none_or_nothing_are_not_representable() {
    for hash in [0, 16, 0xFFFF_FFFF] {
        assert_eq!(decoded_algorithm(&number(2, hash)), Err(Status::InvalidEncoding), "hash {hash}");
        let oaep = bytes(7, bytes(2, number(1, hash)));
        assert_eq!(decoded_algorithm(&oaep), Err(Status::InvalidEncoding), "OAEP {hash}");
        let hkdf = bytes(9, bytes(1, number(1, hash)));
        assert_eq!(decoded_algorithm(&hkdf), Err(Status::InvalidEncoding), "HKDF {hash}");
    }
    for (arm, unknown) in [(4, [0, 9]), (5, [0, 4])] {
        for value in unknown {
            let algorithm = if arm == 5 { bytes(5, number(1, value)) } else { number(arm, value) };
            assert_eq!(decoded_algorithm(&algorithm), Err(Status::InvalidEncoding), "{arm} {value}");
        }
    }
    for agreement in [0, 3] {
        assert_eq!(decoded_algorithm(&bytes(8, number(1, agreement))), Err(Status::InvalidEncoding));
        assert_eq!(status(Opcode::PsaRawKeyAgreement, &number(1, agreement)), Err(Status::InvalidEncoding));
    }
    for family in [0, 10] {
        let key_type = bytes(11, number(1, family));
        let body = generate_key(&attributes(&key_type, &[], &NO_ALGORITHM));
        assert_eq!(status(Opcode::PsaGenerateKey, &body), Err(Status::InvalidEncoding), "family {family}");
    }
    let unknown_group = generate_key(&attributes(&bytes(13, number(1, 1)), &[], &NO_ALGORITHM));
    assert_eq!(status(Opcode::PsaGenerateKey, &unknown_group), Err(Status::InvalidEncoding));
    for check in [0, 5] {
        let body = [number(1, check), bytes(2, attributes(&AES, &[], &NO_ALGORITHM))].concat();
        assert_eq!(status(Opcode::CanDoCrypto, &body), Err(Status::InvalidEncoding), "check {check}");
    }
}

#[test]
fn unset_oneofs_are_not_representable_at_any_depth() {
    let empty_in = |arm: u64| bytes(arm, []);
    for arm in [3, 5, 6, 7, 8, 9] {
        assert_eq!(decoded_algorithm(&empty_in(arm)), Err(Status::InvalidEncoding), "arm {arm}");
    }
    let hmac_unset = bytes(3, bytes(1, []));
    let truncated_unset = bytes(3, bytes(2, number(2, 8)));
    let sign_hash_absent = bytes(6, bytes(4, []));
    let sign_hash_unset = bytes(6, bytes(4, bytes(1, [])));
    let derivation_absent = bytes(8, bytes(2, number(1, 2)));
    for algorithm in [hmac_unset, truncated_unset, sign_hash_absent, sign_hash_unset, derivation_absent] {
        assert_eq!(decoded_algorithm(&algorithm), Err(Status::InvalidEncoding), "{algorithm:x?}");
    }
}

#[test]
fn attestation_needs_a_mechanism_and_may_lack_everything_else() {
    assert_eq!(status(Opcode::PrepareKeyAttestation, &[]), Err(Status::InvalidEncoding));
    assert_eq!(status(Opcode::PrepareKeyAttestation, &bytes(1, [])), Err(Status::InvalidEncoding));
    assert_eq!(status(Opcode::AttestKey, &bytes(2, [])), Err(Status::InvalidEncoding));
    let name = bytes(1, bytes(1, bytes(1, "key")));
    assert_eq!(
        status(Opcode::PrepareKeyAttestation, &name),
        Ok(Operation::PrepareKeyAttestation { attested_key_name: "key".into(), attesting_key_name: None })
    );
    let names = [bytes(1, "key"), bytes(2, bytes(1, [])), bytes(3, "attesting")].concat();
    assert_eq!(
        status(Opcode::AttestKey, &names),
        Ok(Operation::AttestKey {
            attested_key_name: "key".into(),
            attesting_key_name: Some("attesting".into()),
            credential_blob: Vec::new(),
            secret: SecretBytes::default(),
        })
    );
}

#[test]
fn an_empty_salt_is_none() {
    let scheme = bytes(2, bytes(1, []));
    let body = [scheme.clone(), bytes(3, "m"), bytes(4, [])].concat();
    let expected = |salt: Option<Vec<u8>>| Operation::PsaAsymmetricEncrypt {
        key_name: String::new(),
        algorithm: AsymmetricEncryption::RsaPkcs1v15Crypt,
        plaintext: SecretBytes::from(&b"m"[..]),
        salt,
    };
    assert_eq!(status(Opcode::PsaAsymmetricEncrypt, &body), Ok(expected(None)));
    let body = [scheme, bytes(3, "m"), bytes(4, "s")].concat();
    assert_eq!(status(Opcode::PsaAsymmetricEncrypt, &body), Ok(expected(Some(b"s".to_vec()))));
}

#[test]
fn mac_requests_have_the_fields_of_their_contract() {
    let hmac = bytes(2, bytes(2, [bytes(1, bytes(1, number(1, 7))), number(2, 10)].concat()));
    let body = [bytes(1, "k"), hmac, bytes(3, "input"), bytes(4, "mac")].concat();
    let operation = Operation::PsaMacVerify {
        key_name: "k".into(),
        algorithm: Mac::Truncated { algorithm: FullLengthMac::Hmac(Hash::Sha256), length: 10 },
        input: SecretBytes::from(&b"input"[..]),
        mac: b"mac".to_vec(),
    };
    assert_eq!(operation.encode().expose(), body);
    assert_eq!(status(Opcode::PsaMacVerify, &body), Ok(operation));

    let cmac = bytes(2, bytes(1, bytes(3, [])));
    let body = [bytes(1, "k"), cmac, bytes(3, "input")].concat();
    let operation = Operation::PsaMacCompute {
        key_name: "k".into(),
        algorithm: Mac::FullLength(FullLengthMac::Cmac),
        input: SecretBytes::from(&b"input"[..]),
    };
    assert_eq!(operation.encode().expose(), body);
    assert_eq!(status(Opcode::PsaMacCompute, &body), Ok(operation));

    let reply = Reply::PsaMacCompute { mac: b"mac".to_vec() };
    assert_eq!(reply.encode().expose(), bytes(1, "mac"));
    assert_eq!(Reply::decode(Opcode::PsaMacCompute, &bytes(1, "mac")[..]), Ok(reply));
    assert_eq!(Reply::decode(Opcode::PsaMacVerify, &[][..]), Ok(Reply::PsaMacVerify));
    assert!(Reply::PsaMacVerify.encode().is_empty());
}

#[test]
fn a_body_in_pieces_decodes_as_one_in_a_single_buffer() {
    use bytes::Buf;
    let operation = Operation::PsaAeadEncrypt {
        key_name: "key".into(),
        algorithm: Aead::ShortenedTag { algorithm: AeadAlgorithm::Ccm, tag_length: 8 },
        nonce: vec![1; 13],
        additional_data: vec![2; 20],
        plaintext: SecretBytes::new(vec![3; 300]),
    };
    let body = operation.encode();
    for split in 0..=body.len() {
        let (first, second) = body.expose().split_at(split);
        let decoded = Operation::decode(Opcode::PsaAeadEncrypt, first.chain(second));
        assert_eq!(decoded.as_ref(), Ok(&operation), "split at {split}");
    }
}

#[test]
fn opcodes_are_packed_and_read_unpacked_as_well() {
    let reply = Reply::ListOpcodes { opcodes: vec![1, 8, 0x1A, 300] };
    assert_eq!(reply.encode().expose(), bytes(1, [1, 8, 0x1A, 0xAC, 0x02]));
    let unpacked = [number(1, 1), number(1, 8), number(1, 0x1A), number(1, 300)].concat();
    assert_eq!(Reply::decode(Opcode::ListOpcodes, &unpacked[..]), Ok(reply));
}

#[test]
fn a_client_names_what_it_cannot_represent() {
    let decode = |opcode, body: Vec<u8>| {
        Reply::decode(opcode, &body[..]).map_err(|error| {
            let status = error.status();
            (error, status)
        })
    };
    assert_eq!(
        decode(Opcode::Ping, number(1, 256)),
        Err((DecodeError::Version(256), Status::InvalidEncoding))
    );
    let provider = |uuid: &str, id: u64| bytes(1, [bytes(1, uuid), number(7, id)].concat());
    assert_eq!(
        decode(Opcode::ListProviders, provider("no-uuid", 1)),
        Err((DecodeError::Uuid, Status::WrongProviderUuid))
    );
    assert_eq!(
        decode(Opcode::ListProviders, provider("1c1139dc-ad7c-47dc-ad6b-db6fdb466552", 6)),
        Err((DecodeError::UnknownProvider(6), Status::ProviderDoesNotExist))
    );
    assert_eq!(
        decode(Opcode::ListAuthenticators, bytes(1, number(5, 5))),
        Err((DecodeError::UnknownAuthenticationType(5), Status::AuthenticatorDoesNotExist))
    );
    assert_eq!(
        decode(Opcode::ListKeys, bytes(1, bytes(2, "name"))).map_err(|(_, status)| status),
        Err(Status::InvalidEncoding)
    );
    assert_eq!(
        decode(Opcode::AttestKey, Vec::new()).map_err(|(_, status)| status),
        Err(Status::InvalidEncoding)
    );
    assert_eq!(
        decode(Opcode::PsaVerifyHash, vec![0xFF]).map_err(|(_, status)| status),
        Err(Status::DeserializingBodyFailed)
    );
}

#[test]
fn encoding_allocates_exactly_what_it_needs() {
    let operation = Operation::PsaSignMessage {
        key_name: "key".into(),
        algorithm: AsymmetricSignature::Ecdsa(SignHash::Specific(Hash::Sha256)),
        message: SecretBytes::new(vec![7; 1000]),
    };
    let body = operation.encode();
    assert_eq!(body.capacity(), body.len());
    let reply = Reply::PsaExportKey { data: SecretBytes::new(vec![7; 1000]) }.encode();
    assert_eq!(reply.capacity(), reply.len());
}
