//! The tag over a row: HMAC-SHA256 with a key of its own, over everything that the row says. A row whose tag is
//! wrong was not written by this store, or not as it stands there now, and is not believed.

use super::error::OpenError;
use super::files::{KEY_LENGTH, access};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use zeroize::Zeroizing;

/// Length of a tag, in bytes.
pub(super) const TAG_LENGTH: usize = 32;

/// The key of the tags.
pub(super) struct TagKey(Zeroizing<[u8; BLOCK]>);

/// Block length of SHA-256, in bytes; HMAC fills a shorter key up to it with zeros.
const BLOCK: usize = 64;

/// A row, all columns but the tag. Texts are bytes here: what a damaged file holds need not be UTF-8.
pub(super) enum Row<'a> {
    /// Of `keys`.
    Key {
        authenticator: i64,
        application: &'a [u8],
        provider: &'a [u8],
        name: &'a [u8],
        object: &'a [u8],
        principal: &'a [u8],
        record: &'a [u8],
    },
    /// Of `unfinished`.
    Unfinished {
        object: &'a [u8],
        state: i64,
        provider: &'a [u8],
        device: &'a [u8],
        boot: &'a [u8],
        authenticator: i64,
        application: &'a [u8],
        name: &'a [u8],
    },
}

impl TagKey {
    /// Reads the key from its file.
    pub(super) fn read(path: &Path) -> Result<TagKey, OpenError> {
        let mut block = Zeroizing::new([0; BLOCK]);
        let (key, _) = block.split_at_mut(KEY_LENGTH);
        File::open(path).and_then(|mut file| file.read_exact(key)).map_err(access("read", path))?;
        Ok(TagKey(block))
    }

    /// The tag of `row`.
    pub(super) fn tag(&self, row: &Row<'_>) -> [u8; TAG_LENGTH] {
        self.mac(row).finalize().into_bytes().into()
    }

    /// Whether `tag` is the tag of `row`; in constant time.
    pub(super) fn is_right(&self, row: &Row<'_>, tag: &[u8]) -> bool {
        self.mac(row).verify_slice(tag).is_ok()
    }

    fn mac(&self, row: &Row<'_>) -> Hmac<Sha256> {
        let mut mac = <Hmac<Sha256> as KeyInit>::new(&(*self.0).into());
        match *row {
            Row::Key { authenticator, application, provider, name, object, principal, record } => {
                field(&mut mac, b"keys");
                number(&mut mac, authenticator);
                [application, provider, name, object, principal, record]
                    .iter()
                    .for_each(|bytes| field(&mut mac, bytes));
            }
            Row::Unfinished { object, state, provider, device, boot, authenticator, application, name } => {
                field(&mut mac, b"unfinished");
                number(&mut mac, authenticator);
                number(&mut mac, state);
                [application, provider, name, object, device, boot]
                    .iter()
                    .for_each(|bytes| field(&mut mac, bytes));
            }
        }
        mac
    }
}

/// Length first, so that no two rows are one string of bytes.
fn field(mac: &mut Hmac<Sha256>, bytes: &[u8]) {
    mac.update(&(bytes.len() as u64).to_be_bytes());
    mac.update(bytes);
}

fn number(mac: &mut Hmac<Sha256>, number: i64) {
    mac.update(&number.to_be_bytes());
}
