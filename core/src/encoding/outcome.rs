//! Outcomes.

use super::attributes::{decode_attributes, encode_attributes};
use super::capabilities::{decode_capabilities, encode_capabilities};
use super::decoder::{DecodeError, Decoder, unknown};
use super::encoder::Encoder;
use crate::outcome::{Effect, Outcome};
use crate::record::{Device, SealedMaterial};
use parsecd_wire::Status;

/// Writes an outcome.
pub fn encode_outcome(out: &mut Encoder, outcome: &Outcome) {
    match outcome {
        Outcome::Done(effect) => {
            out.u8(1);
            put_effect(out, effect);
        }
        Outcome::Refused(status) => {
            out.u8(2);
            out.u16(status.number());
        }
        Outcome::NoEffect => out.u8(3),
        Outcome::Unknown => out.u8(4),
        Outcome::Busy => out.u8(5),
        Outcome::Absent { device, login_confirmed } => {
            out.u8(6);
            out.bytes(&device.0);
            out.bool(*login_confirmed);
        }
        Outcome::LaneLost => out.u8(7),
        Outcome::PinRefused => out.u8(8),
        Outcome::RebuildNeeded => out.u8(9),
    }
}

/// Reads what [`encode_outcome`] wrote.
pub fn decode_outcome(input: &mut Decoder<'_>) -> Result<Outcome, DecodeError> {
    Ok(match input.u8()? {
        1 => Outcome::Done(get_effect(input)?),
        2 => {
            let number = input.u16()?;
            Outcome::Refused(Status::from_number(number).ok_or(unknown("status", number))?)
        }
        3 => Outcome::NoEffect,
        4 => Outcome::Unknown,
        5 => Outcome::Busy,
        6 => Outcome::Absent { device: Device(input.vec()?), login_confirmed: input.bool()? },
        7 => Outcome::LaneLost,
        8 => Outcome::PinRefused,
        9 => Outcome::RebuildNeeded,
        other => return Err(unknown("outcome", other)),
    })
}

fn put_effect(out: &mut Encoder, effect: &Effect) {
    match effect {
        Effect::Opened { device, capabilities } => {
            out.u8(1);
            out.bytes(&device.0);
            encode_capabilities(out, capabilities);
        }
        Effect::Made { attributes, public, material } => {
            out.u8(2);
            encode_attributes(out, attributes);
            out.bytes(public);
            out.bytes(&material.0);
        }
        Effect::Removed => out.u8(3),
        Effect::Verified => out.u8(4),
        Effect::Output(output) => {
            out.u8(5);
            out.bytes(output);
        }
        Effect::Secret(secret) => {
            out.u8(6);
            out.bytes(secret.expose());
        }
        Effect::Attestation { name, public, attesting_key_pub } => {
            out.u8(7);
            out.bytes(name);
            out.bytes(public);
            out.bytes(attesting_key_pub);
        }
    }
}

fn get_effect(input: &mut Decoder<'_>) -> Result<Effect, DecodeError> {
    Ok(match input.u8()? {
        1 => Effect::Opened { device: Device(input.vec()?), capabilities: decode_capabilities(input)? },
        2 => Effect::Made {
            attributes: decode_attributes(input)?,
            public: input.vec()?,
            material: SealedMaterial(input.vec()?),
        },
        3 => Effect::Removed,
        4 => Effect::Verified,
        5 => Effect::Output(input.vec()?),
        6 => Effect::Secret(input.secret()?),
        7 => {
            Effect::Attestation { name: input.vec()?, public: input.vec()?, attesting_key_pub: input.vec()? }
        }
        other => return Err(unknown("effect", other)),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::attributes::tests::many_attributes;
    use super::super::capabilities::tests::capabilities_of_everything;
    use super::super::decoder::decode;
    use super::super::encoder::encode;
    use super::*;
    use alloc::vec::Vec;
    use parsecd_wire::SecretBytes;

    /// Every variant.
    pub fn every_outcome() -> Vec<Outcome> {
        let device = Device(Vec::from(*b"device"));
        let bytes = |text: &str| Vec::from(text.as_bytes());
        let mut all = Vec::from([
            Outcome::Done(Effect::Opened {
                device: device.clone(),
                capabilities: capabilities_of_everything(),
            }),
            Outcome::Done(Effect::Removed),
            Outcome::Done(Effect::Verified),
            Outcome::Done(Effect::Output(bytes("signature"))),
            Outcome::Done(Effect::Output(Vec::new())),
            Outcome::Done(Effect::Secret(SecretBytes::from([9; 70_000].as_slice()))),
            Outcome::Done(Effect::Attestation {
                name: bytes("name"),
                public: bytes("public"),
                attesting_key_pub: bytes("key"),
            }),
            Outcome::NoEffect,
            Outcome::Unknown,
            Outcome::Busy,
            Outcome::Absent { device: device.clone(), login_confirmed: true },
            Outcome::Absent { device, login_confirmed: false },
            Outcome::LaneLost,
            Outcome::PinRefused,
            Outcome::RebuildNeeded,
        ]);
        all.extend(Status::ALL.map(Outcome::Refused));
        all.extend(many_attributes().into_iter().map(|attributes| {
            let material = SealedMaterial(bytes("material"));
            Outcome::Done(Effect::Made { attributes, public: bytes("public"), material })
        }));
        all
    }

    #[test]
    fn every_outcome_comes_back() {
        for outcome in every_outcome() {
            let encoded = encode(|out| encode_outcome(out, &outcome)).unwrap();
            assert_eq!(decode(encoded.expose(), decode_outcome), Ok(outcome));
        }
    }
}
