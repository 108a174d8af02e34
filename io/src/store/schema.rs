//! Tables of the store, and connections to it.

use super::error::OpenError;
use super::files::access;
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::io;
use std::path::Path;
use std::time::Duration;

/// `PRAGMA application_id` of a store: "prsd".
pub(super) const APPLICATION_ID: i32 = 0x7072_7364;

/// Format of the tables below; row `format` of `meta`.
pub(super) const FORMAT: i64 = 1;

/// Everything in the schema. A store's schema is compared with this text by text, so that no trigger or view
/// can have been put in.
///
/// Texts compare byte by byte (SQLite's BINARY collation in a UTF-8 database). A tenant is an application
/// inside a principal. `tenants` and `principals` say what `keys` says, counted; they change in the same
/// transactions.
pub(super) const SCHEMA: [(&str, &str); 7] = [
    (
        "meta",
        "CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    ),
    (
        "keys",
        "CREATE TABLE keys (authenticator INTEGER NOT NULL, application TEXT NOT NULL, \
         provider TEXT NOT NULL, name TEXT NOT NULL, object BLOB NOT NULL, principal TEXT NOT NULL, \
         record BLOB NOT NULL, tag BLOB NOT NULL, PRIMARY KEY (authenticator, application, provider, name)) STRICT",
    ),
    (
        "unfinished",
        "CREATE TABLE unfinished (object BLOB NOT NULL PRIMARY KEY, state INTEGER NOT NULL, \
         provider TEXT NOT NULL, device BLOB NOT NULL, boot BLOB NOT NULL, authenticator INTEGER NOT NULL, \
         application TEXT NOT NULL, name TEXT NOT NULL, tag BLOB NOT NULL) STRICT",
    ),
    ("unfinished_by_provider", "CREATE UNIQUE INDEX unfinished_by_provider ON unfinished (provider, object)"),
    (
        "unfinished_by_application",
        "CREATE UNIQUE INDEX unfinished_by_application ON unfinished (authenticator, application, object)",
    ),
    (
        "tenants",
        "CREATE TABLE tenants (authenticator INTEGER NOT NULL, application TEXT NOT NULL, \
         principal TEXT NOT NULL, keys INTEGER NOT NULL, bytes INTEGER NOT NULL, \
         PRIMARY KEY (authenticator, application, principal)) STRICT, WITHOUT ROWID",
    ),
    (
        "principals",
        "CREATE TABLE principals (principal TEXT NOT NULL PRIMARY KEY, keys INTEGER NOT NULL, \
         bytes INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    ),
];

/// Longest text or blob that is read, in bytes: a record with the largest key and names is far smaller.
const LONGEST_VALUE: i32 = 16 << 20;

/// How long to wait for a lock that only a checkpoint or an operator's tool can hold.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Changes rows; every commit survives a power cut.
    Writer,
    /// Reads rows.
    Reader,
}

/// Puts tables into the empty file `path`, in rollback mode, so that afterwards the file alone is the store.
pub(super) fn create(path: &Path) -> Result<(), OpenError> {
    let failed = |source| sqlite(path, source);
    let mut connection = Connection::open_with_flags(path, flags()).map_err(failed)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
    let transaction = connection.transaction().map_err(failed)?;
    for (_, statement) in SCHEMA {
        transaction.execute(statement, ()).map_err(failed)?;
    }
    transaction
        .execute("INSERT INTO meta (name, value) VALUES ('format', ?1), ('barrier', 0)", [FORMAT])
        .map_err(failed)?;
    transaction.commit().map_err(failed)?;
    connection.close().map_err(|(_, source)| failed(source))
}

/// Opens the store `path`, which exists.
///
/// # Errors
/// Among others [`OpenError::NotDurable`] if SQLite did not take the settings that make a commit durable.
pub(super) fn connect(path: &Path, role: Role) -> Result<Connection, OpenError> {
    let failed = |source| sqlite(path, source);
    let connection = Connection::open_with_flags(path, flags()).map_err(failed)?;
    connection.busy_timeout(PATIENCE).map_err(failed)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, LONGEST_VALUE).map_err(failed)?;
    for (config, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
    ] {
        connection.set_db_config(config, on).map_err(failed)?;
    }
    for (pragma, value) in [("cell_size_check", "ON"), ("temp_store", "MEMORY"), ("mmap_size", "0")] {
        set(&connection, pragma, value).map_err(failed)?;
    }
    if role == Role::Reader {
        set(&connection, "query_only", "ON").map_err(failed)?;
        return Ok(connection);
    }
    set(&connection, "journal_mode", "WAL").map_err(failed)?;
    set(&connection, "synchronous", "FULL").map_err(failed)?;
    // Sealed material of a destroyed key is overwritten, not only unlinked.
    set(&connection, "secure_delete", "ON").map_err(failed)?;
    let mode: String = get(&connection, "journal_mode").map_err(failed)?;
    if mode != "wal" {
        return Err(OpenError::NotDurable { path: path.to_owned(), pragma: "journal_mode=WAL" });
    }
    let synchronous: i64 = get(&connection, "synchronous").map_err(failed)?;
    if synchronous != 2 {
        return Err(OpenError::NotDurable { path: path.to_owned(), pragma: "synchronous=FULL" });
    }
    Ok(connection)
}

/// Checks that an open database is a store of a format known here and nothing else.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let not_a_store = |why| OpenError::NotAStore { path: path.to_owned(), why };
    let unreadable = |source: rusqlite::Error| match source.sqlite_error_code() {
        Some(ErrorCode::Unknown) => not_a_store("its tables are not those of a store"),
        _ => sqlite(path, source),
    };
    let format: i64 = connection
        .query_row("SELECT value FROM meta WHERE name = 'format'", (), |row| row.get(0))
        .map_err(unreadable)?;
    if format > FORMAT {
        return Err(OpenError::NewerFormat { path: path.to_owned(), found: format, known: FORMAT });
    }
    if format != FORMAT {
        return Err(not_a_store("its format does not exist"));
    }
    let encoding: String = get(connection, "encoding").map_err(unreadable)?;
    if encoding != "UTF-8" {
        return Err(not_a_store("its texts are not UTF-8"));
    }
    let mut statement = connection
        .prepare("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
        .map_err(unreadable)?;
    let found: Vec<(String, String)> = statement
        .query_map((), |row| Ok((row.get(0)?, row.get(1)?)))
        .and_then(Iterator::collect)
        .map_err(unreadable)?;
    let mut expected = SCHEMA.map(|(name, sql)| (name.to_owned(), sql.to_owned()));
    expected.sort();
    if found != expected {
        return Err(not_a_store("its tables are not those of a store"));
    }
    Ok(())
}

/// The error of opening or checking `path`.
pub(super) fn sqlite(path: &Path, source: rusqlite::Error) -> OpenError {
    match source.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => OpenError::Full { path: path.to_owned() },
        Some(ErrorCode::NotADatabase) => {
            OpenError::NotAStore { path: path.to_owned(), why: "it is not an SQLite database" }
        }
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
            access("open", path)(io::Error::other(source))
        }
        _ => OpenError::Database { path: path.to_owned(), source },
    }
}

fn flags() -> OpenFlags {
    // Never CREATE: files are made by ourselves, with their permissions. Each connection stays on one thread.
    OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

fn set(connection: &Connection, pragma: &str, value: &str) -> rusqlite::Result<()> {
    // Some pragmas answer with a row and some do not.
    connection.pragma_update_and_check(None, pragma, value, |_| Ok(())).or_else(|error| match error {
        rusqlite::Error::QueryReturnedNoRows => Ok(()),
        error => Err(error),
    })
}

fn get<T: rusqlite::types::FromSql>(connection: &Connection, pragma: &str) -> rusqlite::Result<T> {
    connection.pragma_query_value(None, pragma, |row| row.get(0))
}
