//! DigestInfo of PKCS #1 v1.5 signatures (RFC 8017, 9.2) for hashes whose signatures the library does not
//! make itself. Signed with the raw scheme they are the same signatures.

use parsecd_wire::algorithm::Hash;

/// Algorithm identifiers of NIST's hashes differ in the last arc of their object identifier only:
/// 2.16.840.1.101.3.4.2.
const NIST_HASHES: [u8; 8] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02];

/// DER of the DigestInfo of `digest`. `None` where the library makes signatures with this hash itself.
pub fn digest_info(hash: Hash, digest: &[u8]) -> Option<Vec<u8>> {
    let arc = match hash {
        Hash::Sha512_224 => 5,
        Hash::Sha512_256 => 6,
        Hash::Sha3_224 => 7,
        Hash::Sha3_256 => 8,
        Hash::Sha3_384 => 9,
        Hash::Sha3_512 => 10,
        Hash::Md2
        | Hash::Md4
        | Hash::Md5
        | Hash::Ripemd160
        | Hash::Sha1
        | Hash::Sha224
        | Hash::Sha256
        | Hash::Sha384
        | Hash::Sha512 => return None,
    };
    // Every digest has at most 64 bytes, so all lengths are one byte.
    let length = u8::try_from(digest.len()).ok().filter(|length| *length <= 64)?;
    // SEQUENCE { SEQUENCE { OBJECT IDENTIFIER, NULL }, OCTET STRING }
    let mut encoded = vec![0x30, 17 + length, 0x30, 13, 0x06, 9];
    encoded.extend_from_slice(&NIST_HASHES);
    encoded.extend_from_slice(&[arc, 0x05, 0, 0x04, length]);
    encoded.extend_from_slice(digest);
    Some(encoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_info_of_sha512_256_is_that_of_rfc_8017() {
        let encoded = digest_info(Hash::Sha512_256, &[0xAA; 32]).unwrap();
        assert_eq!(
            encoded[..19],
            [
                0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x06,
                0x05, 0x00, 0x04, 0x20
            ]
        );
        assert_eq!(encoded[19..], [0xAA; 32]);
    }
}
