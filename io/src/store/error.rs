//! Why a store cannot be opened, each with what to do about it.

use std::io;
use std::path::PathBuf;

/// Why a store was not opened. Nothing in it was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another daemon has it.
    #[error(
        "the store in {} is used by the parsecd with process id {}; stop that one, or give this one a store \
         of its own",
        directory.display(), pid.map_or_else(|| "(unknown)".to_owned(), |pid| pid.to_string())
    )]
    InUse {
        /// Directory of the store.
        directory: PathBuf,
        /// The other daemon, if its lock file could be read.
        pid: Option<u32>,
    },
    /// The reference keeps its keys there.
    #[error(
        "{} holds keys of another Parsec service, which this version cannot read; nothing was changed; \
         configure a path that does not exist yet",
        path.display()
    )]
    Reference {
        /// File or directory with its mappings.
        path: PathBuf,
    },
    /// A later version of parsecd wrote it.
    #[error(
        "{} has format {found}, this version knows {known}; run the version of parsecd that wrote it or a \
         later one",
        path.display()
    )]
    NewerFormat {
        /// The database.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format known here.
        known: i64,
    },
    /// Not a store, or one whose tables were changed.
    #[error(
        "{} is not a store of parsecd ({why}); nothing was changed; configure another path, or restore the \
         file from a backup",
        path.display()
    )]
    NotAStore {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A key file is gone although there are keys that need it.
    #[error(
        "{} is missing, and without it the keys in the store cannot be used; restore it from the backup the \
         store belongs to; if it is lost for good so are the keys: move the whole directory away",
        path.display()
    )]
    KeyFileMissing {
        /// The key file.
        path: PathBuf,
    },
    /// A key file is not one.
    #[error("{} is not {expected} bytes long; restore it from the backup the store belongs to", path.display())]
    KeyFileDamaged {
        /// The key file.
        path: PathBuf,
        /// Right length, in bytes.
        expected: usize,
    },
    /// Others could replace files of the store.
    #[error(
        "{} can be written by other users, who could replace the store; run `chmod go-w` on it, or configure a \
         path in a directory of its own",
        directory.display()
    )]
    Exposed {
        /// Directory of the store.
        directory: PathBuf,
    },
    /// No room on the disk.
    #[error("there is no room for the store at {}; free some", path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot {action} {}: {source}; it must belong to, and be writable for, the user that runs parsecd", path.display())]
    Access {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// SQLite does not promise what keys need.
    #[error("{}: SQLite did not accept {pragma}, so a commit would not be durable; put the store on a local file system", path.display())]
    NotDurable {
        /// The file.
        path: PathBuf,
        /// The setting.
        pragma: &'static str,
    },
    /// SQLite failed in another way.
    #[error("cannot open the store at {}: {source}; if the disk is sound, restore the file from a backup", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
}
