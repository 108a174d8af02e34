//! Hashes.

use crate::{CAPABILITIES, Failure};
use parsecd_core::outcome::Effect;
use parsecd_wire::Status;
use parsecd_wire::algorithm::Hash;

/// Evaluates an expression with `$function` as the type of a hash function; `None` if there is none here.
macro_rules! with_hash_function {
    ($hash:expr, $function:ident => $value:expr) => {
        match $hash {
            Hash::Md2 | Hash::Md4 => None,
            Hash::Md5 => with_hash_function!(@ md5::Md5, $function => $value),
            Hash::Ripemd160 => with_hash_function!(@ ripemd::Ripemd160, $function => $value),
            Hash::Sha1 => with_hash_function!(@ sha1::Sha1, $function => $value),
            Hash::Sha224 => with_hash_function!(@ sha2::Sha224, $function => $value),
            Hash::Sha256 => with_hash_function!(@ sha2::Sha256, $function => $value),
            Hash::Sha384 => with_hash_function!(@ sha2::Sha384, $function => $value),
            Hash::Sha512 => with_hash_function!(@ sha2::Sha512, $function => $value),
            Hash::Sha512_224 => with_hash_function!(@ sha2::Sha512_224, $function => $value),
            Hash::Sha512_256 => with_hash_function!(@ sha2::Sha512_256, $function => $value),
            Hash::Sha3_224 => with_hash_function!(@ sha3::Sha3_224, $function => $value),
            Hash::Sha3_256 => with_hash_function!(@ sha3::Sha3_256, $function => $value),
            Hash::Sha3_384 => with_hash_function!(@ sha3::Sha3_384, $function => $value),
            Hash::Sha3_512 => with_hash_function!(@ sha3::Sha3_512, $function => $value),
        }
    };
    (@ $type:ty, $function:ident => $value:expr) => {{
        type $function = $type;
        Some($value)
    }};
}

pub(crate) use with_hash_function;

/// HashCompute (operations.md 12).
pub(crate) fn compute(algorithm: Hash, input: &[u8]) -> Result<Effect, Failure> {
    use sha2::Digest;
    if !CAPABILITIES.hashes.contains(&algorithm) {
        return Err(Status::PsaErrorNotSupported.into());
    }
    with_hash_function!(algorithm, Function => Effect::Output(Function::digest(input).to_vec()))
        .ok_or(Status::PsaErrorNotSupported.into())
}
