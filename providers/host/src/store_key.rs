//! The store key, read from its file.

use parsecd_psa::STORE_KEY_LENGTH;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Why there is no store key.
#[derive(Debug, thiserror::Error)]
pub enum StoreKeyError {
    /// The file cannot be opened or read.
    #[error("store key {path}: {cause}", path = .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// Users other than the owner can do something with it.
    #[error(
        "store key {path}: mode {mode:04o} lets others use it; make it readable by its owner only (chmod 600)",
        path = .path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is not what a store key looks like.
    #[error("store key {path}: has to have exactly {STORE_KEY_LENGTH} bytes", path = .path.display())]
    WrongLength {
        /// The file.
        path: PathBuf,
    },
}

/// Reads the store key. It is wiped when it is dropped.
pub fn read(path: &Path) -> Result<Zeroizing<[u8; STORE_KEY_LENGTH]>, StoreKeyError> {
    let unreadable = |cause| StoreKeyError::Unreadable { path: path.to_owned(), cause };
    let mut file = File::open(path).map_err(unreadable)?;
    let mode = file.metadata().map_err(unreadable)?.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(StoreKeyError::Exposed { path: path.to_owned(), mode });
    }
    let mut key = Zeroizing::new([0; STORE_KEY_LENGTH]);
    let wrong_length = || StoreKeyError::WrongLength { path: path.to_owned() };
    match file.read_exact(key.as_mut_slice()) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(wrong_length()),
        Err(error) => return Err(unreadable(error)),
    }
    let mut more = Zeroizing::new([0]);
    match file.read(more.as_mut_slice()) {
        Ok(0) => Ok(key),
        Ok(_) => Err(wrong_length()),
        Err(error) => Err(unreadable(error)),
    }
}
