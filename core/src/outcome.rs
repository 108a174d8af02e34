//! How a job ended.

use crate::capability::Capabilities;
use crate::record::{Device, SealedMaterial};
use alloc::vec::Vec;
use parsecd_wire::{KeyAttributes, SecretBytes, Status};

/// How a job ended. Exactly one per job, also when its host died.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was done.
    Done(Effect),
    /// It was refused; nothing happened.
    Refused(Status),
    /// Nothing happened and nobody tried: cancelled, or its host died before the job's turn.
    NoEffect,
    /// It may or may not have happened.
    Unknown,
    /// The device is busy; nothing happened.
    Busy,
    /// The object is not there.
    Absent {
        /// Device that was searched.
        device: Device,
        /// Whether the log-in was confirmed after the search: without it, *absent* proves nothing.
        login_confirmed: bool,
    },
    /// Its host died while the job was running, or was killed because the job did not end.
    LaneLost,
    /// The device refuses the PIN.
    PinRefused,
    /// The library has to be closed and opened again; nothing happened.
    RebuildNeeded,
}

/// What a job that was done has produced.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// [`crate::job::Job::Open`].
    Opened {
        /// Which device this is.
        device: Device,
        /// What it can do.
        capabilities: Capabilities,
    },
    /// Generate and Import.
    Made {
        /// Attributes with the real size.
        attributes: KeyAttributes,
        /// Public part in export format; empty for symmetric keys.
        public: Vec<u8>,
        /// Sealed material; empty where the provider owns the object.
        material: SealedMaterial,
    },
    /// Remove: nothing of the id is left on this device.
    Removed,
    /// Verification succeeded.
    Verified,
    /// Output that is not secret: signature, ciphertext, MAC, hash.
    Output(Vec<u8>),
    /// Output that is secret: plaintext, random bytes, exported key, shared secret.
    Secret(SecretBytes),
    /// PrepareKeyAttestation.
    Attestation {
        /// Name of the key.
        name: Vec<u8>,
        /// Public area of the key.
        public: Vec<u8>,
        /// Public part of the attesting key.
        attesting_key_pub: Vec<u8>,
    },
}
