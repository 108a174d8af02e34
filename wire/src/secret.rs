//! Bytes that are wiped when dropped and never printed.

use alloc::vec::Vec;
use core::fmt;
use core::hash::{Hash, Hasher};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// Bytes that must not outlive their use: key material, plaintexts, random bytes, authentication tokens.
///
/// Wiped on drop, compared in constant time (for equal lengths), printed as their length only.
#[derive(Clone, Default)]
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    /// Takes over `bytes`; the buffer is wiped when the value is dropped.
    pub fn new(bytes: Vec<u8>) -> Self {
        SecretBytes(bytes)
    }

    /// No bytes yet, and room for `capacity` of them.
    pub fn with_capacity(capacity: usize) -> Self {
        SecretBytes(Vec::with_capacity(capacity))
    }

    /// Appends `bytes` without moving those that are there: memory that was left would not be wiped.
    ///
    /// # Panics
    /// If there is no room for them.
    pub fn extend_in_place(&mut self, bytes: &[u8]) {
        let room = self.0.capacity().saturating_sub(self.0.len());
        assert!(bytes.len() <= room, "a secret stays where it is");
        self.0.extend_from_slice(bytes);
    }

    /// The bytes. The caller must not copy them anywhere that is not wiped.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The bytes as a vector that the caller promises to wipe.
    pub fn into_exposed(mut self) -> Vec<u8> {
        core::mem::take(&mut self.0)
    }

    /// Number of bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes of memory held, for the memory account.
    pub fn capacity(&self) -> usize {
        self.0.capacity()
    }
}

impl Drop for SecretBytes {
    fn drop(&mut self) {
        // Wiping nothing is not free: most secrets of most requests are empty.
        if self.0.capacity() > 0 {
            self.0.zeroize();
        }
    }
}

impl From<Vec<u8>> for SecretBytes {
    fn from(bytes: Vec<u8>) -> Self {
        SecretBytes::new(bytes)
    }
}

impl From<&[u8]> for SecretBytes {
    fn from(bytes: &[u8]) -> Self {
        SecretBytes(bytes.to_vec())
    }
}

impl PartialEq for SecretBytes {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for SecretBytes {}

impl Hash for SecretBytes {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretBytes({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn debug_shows_the_length_and_nothing_else() {
        let secret = SecretBytes::from(b"canary".as_slice());
        assert_eq!(format!("{secret:?}"), "SecretBytes(6 bytes)");
    }

    #[test]
    fn equality_compares_content_and_length() {
        assert_eq!(SecretBytes::from(b"a".as_slice()), SecretBytes::from(b"a".as_slice()));
        assert_ne!(SecretBytes::from(b"a".as_slice()), SecretBytes::from(b"b".as_slice()));
        assert_ne!(SecretBytes::from(b"a".as_slice()), SecretBytes::from(b"ab".as_slice()));
    }
}
