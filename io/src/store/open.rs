//! Finding out what lies at the configured path, before anything is changed; then opening or making the store.

use super::error::OpenError;
use super::files::{
    STORE_KEY, TAG_KEY, access, close_directory, close_files, ensure_key, make_directory, make_whole,
    with_suffix,
};
use super::lock::Lock;
use super::schema::{self, APPLICATION_ID, Role, sqlite};
use super::tag::TagKey;
use rusqlite::{Connection, OpenFlags};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A store that is open.
pub(super) struct Opened {
    pub(super) directory: PathBuf,
    pub(super) database: PathBuf,
    pub(super) lock: Lock,
    pub(super) writer: Connection,
    pub(super) reader: Connection,
    pub(super) tag: TagKey,
}

/// Opens the store whose database is `path`, or makes it.
pub(super) fn open(path: &Path) -> Result<Opened, OpenError> {
    let database = std::path::absolute(path).map_err(access("find", path))?;
    let directory = database.parent().unwrap_or(Path::new("/")).to_owned();
    let exists = inspect(&database)?;
    if !exists {
        refuse_mappings(&directory)?;
        refuse_orphans(&database)?;
    }
    make_directory(&directory)?;
    let lock = Lock::take(&directory)?;
    close_directory(&directory, &database)?;
    if !exists {
        // A store gets its keys after its database: where they are already, a database was lost.
        if directory.join(STORE_KEY).exists() {
            tracing::warn!(
                database = %database.display(),
                "a new store without keys is made beside the store.key of another; if its database was lost, stop \
                 parsecd and restore it from a backup"
            );
        }
        make_whole(&database, |unfinished, _| schema::create(unfinished))?;
    }
    close_files(&directory, &database)?;

    let writer = schema::connect(&database, Role::Writer)?;
    schema::check(&writer, &database)?;
    settle_log(&writer, &database)?;
    let has_keys = has_rows(&writer, &database, "SELECT EXISTS (SELECT 1 FROM keys)")?;
    let has_unfinished = has_rows(&writer, &database, "SELECT EXISTS (SELECT 1 FROM unfinished)")?;
    let tag_key = directory.join(TAG_KEY);
    ensure_key(&tag_key, has_keys || has_unfinished)?;
    ensure_key(&directory.join(STORE_KEY), has_keys)?;
    let tag = TagKey::read(&tag_key)?;
    let reader = schema::connect(&database, Role::Reader)?;
    Ok(Opened { directory, database, lock, writer, reader, tag })
}

/// Moves what a crash left in the log into the database, and syncs it there, before anything is built on it: of
/// pages whose sync failed in the process that crashed, the kernel may show a content that the disk never got,
/// and syncing them again would prove nothing.
fn settle_log(writer: &Connection, path: &Path) -> Result<(), OpenError> {
    let failed = |source| sqlite(path, source);
    match writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get::<_, bool>(0)) {
        Ok(false) => Ok(()),
        // A program that reads the file, such as an operator's shell, holds it back.
        Ok(true) => {
            tracing::warn!("the log of the store is in use by another program");
            Ok(())
        }
        Err(source) => match failed(source) {
            // What is there can be served, and removing keys may make room.
            error @ OpenError::Full { .. } => {
                tracing::error!(%error, "the log of the store could not be moved into its database");
                Ok(())
            }
            error => Err(error),
        },
    }
}

fn has_rows(connection: &Connection, path: &Path, question: &str) -> Result<bool, OpenError> {
    connection.query_row(question, (), |row| row.get(0)).map_err(|source| sqlite(path, source))
}

/// Whether a store is at `path`, by the file's own bytes: SQLite itself might write while it looks. An empty
/// file counts as none.
fn inspect(path: &Path) -> Result<bool, OpenError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(access("open", path)(error)),
    };
    let not_a_store = |why| OpenError::NotAStore { path: path.to_owned(), why };
    let metadata = file.metadata().map_err(access("look at", path))?;
    if !metadata.is_file() {
        return Err(not_a_store("it is not a file"));
    }
    if metadata.len() == 0 {
        return Ok(false);
    }
    // https://www.sqlite.org/fileformat.html section 1.3: magic at 0, application id at 68.
    let mut header = [0; 100];
    match file.read_exact(&mut header) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
            return Err(not_a_store("it is not an SQLite database"));
        }
        Err(error) => return Err(access("read", path)(error)),
    }
    if !header.starts_with(b"SQLite format 3\0") {
        return Err(not_a_store("it is not an SQLite database"));
    }
    if header.get(68..72) == Some(APPLICATION_ID.to_be_bytes().as_slice()) {
        return Ok(true);
    }
    if holds_reference_tables(path) {
        return Err(OpenError::Reference { path: path.to_owned() });
    }
    Err(not_a_store("it is an SQLite database of another program"))
}

/// Whether the SQLite file `path` has a table of the reference (service-behaviour.md 5.1). Opened as immutable,
/// so that neither the file nor anything beside it is touched.
fn holds_reference_tables(path: &Path) -> bool {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                uri.push(char::from(*byte))
            }
            _ => {
                // Writing to a string cannot fail.
                let _ = write!(uri, "%{byte:02X}");
            }
        }
    }
    uri.push_str("?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(uri, flags)
        .and_then(|connection| {
            connection.query_row(
                "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name IN ('key_mapping', 'kim_metadata'))",
                (),
                |row| row.get(0),
            )
        })
        .unwrap_or(false)
}

/// Refuses a directory with mappings of the reference's OnDisk manager (service-behaviour.md 5.2):
/// `<application>/<provider id>/<key>` or the TPM's entry `parsec/<base64 of tpm…>`.
fn refuse_mappings(directory: &Path) -> Result<(), OpenError> {
    for application in names(directory) {
        let below = directory.join(&application);
        for inner in names(&below) {
            let text = inner.to_string_lossy();
            let provider = matches!(&*text, "0" | "1" | "2" | "3" | "4" | "5");
            let internal = application == "parsec" && text.starts_with("dHBt");
            if internal || (provider && !names(&below.join(&inner)).is_empty()) {
                return Err(OpenError::Reference { path: directory.to_owned() });
            }
        }
    }
    Ok(())
}

/// Refuses a log without its database: SQLite would replay it into a new one.
fn refuse_orphans(database: &Path) -> Result<(), OpenError> {
    for suffix in ["-wal", "-journal"] {
        let path = with_suffix(database, suffix);
        if fs::metadata(&path).is_ok_and(|metadata| metadata.len() > 0) {
            return Err(OpenError::NotAStore { path, why: "it is the log of a database that is missing" });
        }
    }
    Ok(())
}

/// Names in a directory; none if it is not one, or not one that we may list.
fn names(directory: &Path) -> Vec<OsString> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    entries.filter_map(|entry| entry.ok().map(|entry| entry.file_name())).collect()
}
