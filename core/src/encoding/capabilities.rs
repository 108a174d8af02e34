//! What a provider can do.

use super::algorithm::{get_algorithm, get_hash, put_algorithm, put_hash};
use super::attributes::{get_key_type, put_key_type};
use super::decoder::{DecodeError, Decoder, unknown};
use super::encoder::Encoder;
use crate::capability::{AlgorithmCapability, BitRange, Capabilities, KeyCapability};
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use parsecd_wire::Opcode;

/// Writes capabilities.
pub fn encode_capabilities(out: &mut Encoder, capabilities: &Capabilities) {
    let Capabilities { opcodes, keys, hashes } = capabilities;
    out.count(opcodes.len());
    for opcode in opcodes {
        out.u32(opcode.number());
    }
    out.count(keys.len());
    for key in keys {
        put_key(out, key);
    }
    out.count(hashes.len());
    for hash in hashes {
        put_hash(out, *hash);
    }
}

/// Reads what [`encode_capabilities`] wrote.
pub fn decode_capabilities(input: &mut Decoder<'_>) -> Result<Capabilities, DecodeError> {
    Ok(Capabilities {
        opcodes: ascending(input.list(|input| {
            let number = input.u32()?;
            Opcode::from_number(number).ok_or(unknown("opcode", number))
        })?)?,
        keys: input.list(get_key)?,
        hashes: ascending(input.list(get_hash)?)?,
    })
}

fn ascending<T: Ord>(elements: Vec<T>) -> Result<BTreeSet<T>, DecodeError> {
    if elements.is_sorted_by(|former, latter| former < latter) {
        Ok(elements.into_iter().collect())
    } else {
        Err(DecodeError::NotAscending)
    }
}

fn put_key(out: &mut Encoder, key: &KeyCapability) {
    let KeyCapability { key_type, bits, generate, import, algorithms } = key;
    put_key_type(out, *key_type);
    out.count(bits.len());
    for range in bits {
        put_range(out, *range);
    }
    out.bool(*generate);
    out.bool(*import);
    out.count(algorithms.len());
    for AlgorithmCapability { algorithm, bits, shortened } in algorithms {
        put_algorithm(out, *algorithm);
        out.bool(bits.is_some());
        if let Some(range) = bits {
            put_range(out, *range);
        }
        out.count(shortened.len());
        for length in shortened {
            out.u32(*length);
        }
    }
}

fn get_key(input: &mut Decoder<'_>) -> Result<KeyCapability, DecodeError> {
    Ok(KeyCapability {
        key_type: get_key_type(input)?,
        bits: input.list(get_range)?,
        generate: input.bool()?,
        import: input.bool()?,
        algorithms: input.list(|input| {
            Ok(AlgorithmCapability {
                algorithm: get_algorithm(input)?,
                bits: if input.bool()? { Some(get_range(input)?) } else { None },
                shortened: input.list(Decoder::u32)?,
            })
        })?,
    })
}

fn put_range(out: &mut Encoder, range: BitRange) {
    let BitRange { min, max, step } = range;
    out.u32(min);
    out.u32(max);
    out.u32(step);
}

fn get_range(input: &mut Decoder<'_>) -> Result<BitRange, DecodeError> {
    Ok(BitRange { min: input.u32()?, max: input.u32()?, step: get_step(input)? })
}

/// At least 1: whoever counts through a range may rely on it.
fn get_step(input: &mut Decoder<'_>) -> Result<u32, DecodeError> {
    match input.u32()? {
        0 => Err(unknown("distance of key sizes", 0_u32)),
        step => Ok(step),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::attributes::tests::{every_algorithm, every_key_type};
    use super::super::decoder::decode;
    use super::super::encoder::encode;
    use super::*;
    use parsecd_wire::algorithm::Hash;

    pub fn capabilities_of_everything() -> Capabilities {
        let range = BitRange { min: 1024, max: 4096, step: 8 };
        Capabilities {
            opcodes: Opcode::ALL.into_iter().collect(),
            keys: every_key_type()
                .into_iter()
                .map(|key_type| KeyCapability {
                    key_type,
                    bits: Vec::from([range, BitRange { min: 0, max: u32::MAX, step: 1 }]),
                    generate: !key_type.is_public(),
                    import: true,
                    algorithms: every_algorithm()
                        .into_iter()
                        .map(|algorithm| AlgorithmCapability {
                            algorithm,
                            bits: key_type.is_key_pair().then_some(range),
                            shortened: Vec::from([4, 8]),
                        })
                        .collect(),
                })
                .collect(),
            hashes: Hash::ALL.into_iter().collect(),
        }
    }

    #[test]
    fn capabilities_come_back() {
        for capabilities in [Capabilities::default(), capabilities_of_everything()] {
            let encoded = encode(|out| encode_capabilities(out, &capabilities)).unwrap();
            assert_eq!(decode(encoded.expose(), decode_capabilities), Ok(capabilities));
        }
    }

    #[test]
    fn sets_in_another_order_are_refused() {
        let encoded = encode(|out| {
            out.count(2);
            out.u32(2);
            out.u32(1);
        })
        .unwrap();
        assert_eq!(decode(encoded.expose(), decode_capabilities), Err(DecodeError::NotAscending));
    }

    #[test]
    fn a_range_without_a_step_is_refused() {
        let encoded = encode(|out| {
            out.u32(1);
            out.u32(2);
            out.u32(0);
        })
        .unwrap();
        assert!(decode(encoded.expose(), get_range).is_err());
    }
}
