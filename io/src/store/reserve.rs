//! A file that only takes up room, so that there is some for the removal of keys when the disk is full: even a
//! removal has to be written to the log first.

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Name of the file in the store's directory.
pub(super) const RESERVE: &str = "parsecd.reserve";

/// Its size, in bytes: the log of a removal, with the pages of all tables and indexes that it touches, many times.
const SIZE: u64 = 512 << 10;

/// The room that is held back.
pub(super) struct Reserve {
    path: PathBuf,
    held: bool,
}

impl Reserve {
    /// Holds room back in `directory`, if there is some.
    pub(super) fn new(directory: &Path) -> Reserve {
        let mut reserve = Reserve { path: directory.join(RESERVE), held: false };
        reserve.hold();
        reserve
    }

    /// Holds the room back again after it was given up, if there is some.
    pub(super) fn hold(&mut self) {
        if self.held {
            return;
        }
        self.held = allocate(&self.path).is_ok();
        if !self.held {
            // A part of it is of no use, and of use to others.
            fs::remove_file(&self.path).ok();
        }
    }

    /// Gives the room up. Whether there was any.
    pub(super) fn give_up(&mut self) -> bool {
        std::mem::take(&mut self.held) && fs::remove_file(&self.path).is_ok()
    }
}

fn allocate(path: &Path) -> io::Result<()> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    // Whatever the umask.
    file.set_permissions(Permissions::from_mode(0o600))?;
    match fallocate(&file, FallocateFlags::empty(), 0, SIZE) {
        // Not every file system can promise room without writing.
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => fill(&file),
        allocated => Ok(allocated?),
    }
}

fn fill(mut file: &File) -> io::Result<()> {
    let piece = [0; 4096];
    for _ in 0..SIZE / 4096 {
        file.write_all(&piece)?;
    }
    file.sync_data()
}
