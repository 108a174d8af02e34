//! Records and bindings as bytes. Both are stored, so both begin with the version of their format.

use super::{Binding, Device, EncodedRecord, Record, SealedMaterial};
use crate::encoding::{DecodeError, Decoder, Encoder, decode_attributes, encode, encode_attributes};
use crate::identity::{ApplicationIdentity, KeyIdentity};
use crate::ids::ObjectId;
use parsecd_wire::AuthenticationType;

/// Format of records that this version writes.
const RECORD_VERSION: u8 = 1;

/// Format of bindings that this version makes.
const BINDING_VERSION: u8 = 1;

/// Why a stored record is not one, or not the one that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A format that this version does not know.
    #[error("record format {0} is unknown")]
    UnknownVersion(u8),
    /// No record at all.
    #[error("record cannot be read: {0}")]
    Malformed(#[from] DecodeError),
    /// The record of another key: rows were swapped.
    #[error("record belongs to another key")]
    OtherKey,
}

impl Record {
    /// The record as it is stored: format version, identity, object, device, attributes, public part,
    /// material.
    pub fn encode(&self) -> EncodedRecord {
        EncodedRecord(encoded(|out| {
            out.u8(RECORD_VERSION);
            put_identity(out, &self.identity);
            out.fixed(&self.object.to_bytes());
            out.bytes(&self.device.0);
            encode_attributes(out, &self.attributes);
            out.bytes(&self.public);
            out.bytes(&self.material.0);
        }))
    }
}

impl EncodedRecord {
    /// The record, whosever it is.
    ///
    /// # Errors
    ///
    /// [`RecordError::UnknownVersion`], [`RecordError::Malformed`].
    pub fn decode(&self) -> Result<Record, RecordError> {
        let mut input = Decoder::new(&self.0);
        let version = input.u8()?;
        if version != RECORD_VERSION {
            return Err(RecordError::UnknownVersion(version));
        }
        let record = Record {
            identity: get_identity(&mut input)?,
            object: ObjectId::from_bytes(input.array()?),
            device: Device(input.vec()?),
            attributes: decode_attributes(&mut input)?,
            public: input.vec()?,
            material: SealedMaterial(input.vec()?),
        };
        input.finish()?;
        Ok(record)
    }

    /// The record of the key called `identity`.
    ///
    /// # Errors
    ///
    /// As [`EncodedRecord::decode`]; [`RecordError::OtherKey`] if the record says it is another key's.
    pub fn decode_for(&self, identity: &KeyIdentity) -> Result<Record, RecordError> {
        let record = self.decode()?;
        if record.identity == *identity { Ok(record) } else { Err(RecordError::OtherKey) }
    }
}

impl Binding {
    /// What the material of this object under this name is tied to. No two keys share one.
    pub fn of(identity: &KeyIdentity, object: ObjectId) -> Binding {
        Binding(encoded(|out| {
            out.u8(BINDING_VERSION);
            put_identity(out, identity);
            out.fixed(&object.to_bytes());
        }))
    }
}

/// What `write` writes. Every part came in a frame or from a host, both far below the 4 GiB at which
/// encoding fails.
fn encoded(write: impl Fn(&mut Encoder)) -> alloc::vec::Vec<u8> {
    let bytes = encode(write);
    assert!(bytes.is_ok(), "a part of a record has 4 GiB");
    bytes.unwrap_or_default().into_exposed()
}

fn put_identity(out: &mut Encoder, identity: &KeyIdentity) {
    out.u8(identity.application.authenticator.number());
    out.text(&identity.application.name);
    out.text(&identity.provider);
    out.text(&identity.name);
}

fn get_identity(input: &mut Decoder<'_>) -> Result<KeyIdentity, DecodeError> {
    let number = input.u8()?;
    let authenticator = AuthenticationType::from_number(number)
        .ok_or(DecodeError::UnknownNumber { of: "authentication type", number: number.into() })?;
    let application = ApplicationIdentity { authenticator, name: input.text()?.into() };
    Ok(KeyIdentity { application, provider: input.text()?.into(), name: input.text()?.into() })
}

#[cfg(test)]
mod tests;
