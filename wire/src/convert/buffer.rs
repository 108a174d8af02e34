//! Bytes on their way between protobuf messages and the types of this crate: no copy is left unwiped.

use crate::SecretBytes;
use alloc::vec;
use alloc::vec::Vec;
use bytes::{Buf, Bytes};

/// Source of a message. Copies that the decoder takes out of it are wiped when they are dropped, also
/// those of a field that is overwritten by a later one or belongs to a message that turns out malformed.
pub(super) struct WipedCopies<B>(pub(super) B);

impl<B: Buf> Buf for WipedCopies<B> {
    fn remaining(&self) -> usize {
        self.0.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.0.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.0.advance(count);
    }

    fn copy_to_bytes(&mut self, length: usize) -> Bytes {
        let mut copy = vec![0; length];
        self.0.copy_to_slice(&mut copy);
        Bytes::from_owner(Owner(SecretBytes::new(copy)))
    }
}

struct Owner(SecretBytes);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        self.0.expose()
    }
}

/// The content of a field of a decoded message.
pub(super) fn secret(field: &Bytes) -> SecretBytes {
    SecretBytes::from(field.as_ref())
}

/// The content of a field of a decoded message, where it is not secret.
pub(super) fn public(field: &Bytes) -> Vec<u8> {
    field.to_vec()
}

/// A field of a message to be encoded.
pub(super) fn secret_field(bytes: &SecretBytes) -> Bytes {
    Bytes::from_owner(Owner(bytes.clone()))
}

/// A field of a message to be encoded, where it is not secret.
pub(super) fn public_field(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}
