//! The record of a key: everything but the material's plaintext.

mod codec;

pub use codec::RecordError;

use crate::identity::KeyIdentity;
use crate::ids::ObjectId;
use alloc::vec::Vec;
use core::fmt;
use parsecd_wire::KeyAttributes;

/// What made a key and alone can use it: the name of a TPM's parent key, a marker object in a token, the id
/// of the store key. At most 255 bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Device(pub Vec<u8>);

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Device(")?;
        for byte in &self.0 {
            write!(f, "{byte:02x}")?;
        }
        f.write_str(")")
    }
}

/// A usable key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Record {
    /// Name of the key; compared with the name that was asked for, so that swapped rows are unreadable.
    pub identity: KeyIdentity,
    /// Its object.
    pub object: ObjectId,
    /// Device that made it.
    pub device: Device,
    /// Attributes; `bits` is the real size.
    pub attributes: KeyAttributes,
    /// Public part in export format (operations.md 5); empty for symmetric keys.
    pub public: Vec<u8>,
    /// Material as the provider sealed it; empty where the provider owns the object.
    pub material: SealedMaterial,
}

/// Key material sealed by a provider; opaque to the daemon, useless without the store key and its binding.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct SealedMaterial(pub Vec<u8>);

impl fmt::Debug for SealedMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedMaterial({} bytes)", self.0.len())
    }
}

/// A record as it lies in the store, format version included.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EncodedRecord(pub Vec<u8>);

impl fmt::Debug for EncodedRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncodedRecord({} bytes)", self.0.len())
    }
}

/// What sealed material is tied to: identity and object of the key, as bytes. The provider adds the
/// attributes and the public part and uses all of it as associated data: opened under any other name, object
/// or policy, the material is refused.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Binding(pub Vec<u8>);
