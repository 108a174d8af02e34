//! One daemon per store.

use super::error::OpenError;
use super::files::access;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// Name of the lock file in the store's directory.
pub(super) const LOCK: &str = "parsecd.lock";

/// The lock on a store's directory; let go when dropped, by the kernel if the process dies.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Locks `directory`, which exists, for this process.
    ///
    /// # Errors
    /// [`OpenError::InUse`] if another process has the lock, [`OpenError::Access`].
    pub(super) fn take(directory: &Path) -> Result<Lock, OpenError> {
        let path = directory.join(LOCK);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(&path).map_err(access("open", &path))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                return Err(OpenError::InUse { directory: directory.to_owned(), pid: owner(&file) });
            }
            Err(error) => return Err(access("lock", &path)(error.into())),
        }
        // Of fixed width, so that no moment shows digits of two process ids.
        let line = format!("{:>10}\n", std::process::id());
        file.write_all_at(line.as_bytes(), 0).map_err(access("write", &path))?;
        Ok(Lock { _file: file })
    }
}

fn owner(file: &File) -> Option<u32> {
    let mut line = [0; 11];
    file.read_exact_at(&mut line, 0).ok()?;
    std::str::from_utf8(&line).ok()?.trim().parse().ok()
}
