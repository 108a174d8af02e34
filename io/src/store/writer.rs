//! The writer: mutations in groups, one transaction and one fsync for each group.
//!
//! # What a failed COMMIT means
//!
//! In WAL mode a commit appends the changed pages to the log, the last of them marked as the end of the
//! transaction, syncs the log, and then publishes the new end of the log in shared memory.
//!
//! * The append fails (`SQLITE_FULL`, `SQLITE_IOERR_WRITE`): the marked page is not wholly in the log, so
//!   neither this process nor the next one sees the transaction. It did not happen.
//! * Anything later fails, above all the sync: this process goes on with the old end of the log, but a process
//!   that has to recover the log after a crash may find the marked page intact. It may have happened.
//!
//! # Why a barrier decides
//!
//! The next transaction of this process is appended at the old end of the log, over the doubtful pages. Each
//! page's checksum includes those of all pages before it, so whatever remains of the doubtful transaction
//! behind the new one is invalid for every reader from then on. Once the barrier's own sync has succeeded this
//! holds on the disk too: nothing depends on syncing the doubtful pages a second time, which proves nothing
//! because the kernel forgets a failed write; the barrier's pages, and with them the rest of the disk blocks
//! they share, were written anew. If the log was started over meanwhile, its new header, synced before any
//! page, has another salt, which makes all older pages invalid. So after a durable barrier the doubtful
//! transaction did not happen, and reading tells so. The barrier changes a row, for a transaction without
//! changes would append nothing.
//!
//! Until then reads are not answered and changes are refused, so that nothing is built on what a crash could
//! turn into something else. The barrier runs on a new connection, for the old one may remember the error; it is
//! opened before the old one is closed, for with the last connection the shared memory would go, and the
//! doubtful pages, which may never have reached the disk, would be recovered as good.
//!
//! A process that starts finds such pages for the same reason; `open.rs` writes what it recovers anew.

use super::reserve::Reserve;
use super::schema::{Role, connect};
use super::tag::{Row, TagKey};
use parsecd_core::identity::{ApplicationIdentity, KeyIdentity};
use parsecd_core::ids::ObjectId;
use parsecd_core::store::{CommitResult, Mutation, Unfinished, UnfinishedState};
use rusqlite::{Connection, ErrorCode, ffi, params};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The only one that changes the database.
pub(super) struct Writer {
    path: PathBuf,
    connection: Connection,
    tag: Arc<TagKey>,
    doubt: Arc<AtomicBool>,
    reserve: Reserve,
}

/// How a transaction ended.
enum Transaction {
    /// With these results: `Durable` or `Refused`.
    Decided(Vec<CommitResult>),
    /// It certainly did not happen, for this reason.
    Undone(CommitResult),
    /// It may have happened.
    Unknown,
}

impl Writer {
    /// A writer on `connection` to `path`. `doubt` is set while the outcome of a commit is not known.
    pub(super) fn new(
        path: PathBuf,
        connection: Connection,
        tag: Arc<TagKey>,
        doubt: Arc<AtomicBool>,
        reserve: Reserve,
    ) -> Self {
        Writer { path, connection, tag, doubt, reserve }
    }

    /// Carries out `mutations` in their order and tells how each ended. A refused one does not hurt the others.
    pub(super) fn commit(&mut self, mutations: &[Mutation]) -> Vec<CommitResult> {
        let doubted = if self.in_doubt() {
            let barrier = mutations.iter().position(|mutation| *mutation == Mutation::Barrier);
            if barrier.is_some() {
                self.renew();
            }
            barrier.unwrap_or(mutations.len())
        } else {
            0
        };
        let (refused, rest) = mutations.split_at_checked(doubted).unwrap_or((mutations, &[]));
        let mut results = vec![CommitResult::Refused; refused.len()];
        if rest.is_empty() {
            return results;
        }
        match self.transact(rest) {
            Transaction::Decided(decided) => {
                self.settle(&decided);
                results.extend(decided);
            }
            Transaction::Unknown => {
                self.doubt.store(true, Ordering::SeqCst);
                results.extend(rest.iter().map(|_| CommitResult::Unknown));
            }
            Transaction::Undone(_) => results.extend(self.commit_singly(rest)),
        }
        if results.contains(&CommitResult::Durable) {
            self.reserve.hold();
        }
        results
    }

    /// After a group failed as a whole: makes room in the log, then gives each mutation a transaction of its
    /// own, so that those which need no room, such as removals, still happen.
    fn commit_singly(&mut self, mutations: &[Mutation]) -> Vec<CommitResult> {
        self.checkpoint("PASSIVE");
        let single = |mutation: &Mutation| {
            if self.in_doubt() && *mutation != Mutation::Barrier {
                return CommitResult::Refused;
            }
            let alone = std::slice::from_ref(mutation);
            let mut result = self.transact(alone);
            let full = matches!(result, Transaction::Undone(CommitResult::Full));
            let reserved = full && removes(mutation) && self.reserve.give_up();
            if reserved {
                result = self.transact(alone);
                // The log goes back to nothing, so that its room can be held back again.
                self.checkpoint("TRUNCATE");
                self.reserve.hold();
            }
            match result {
                Transaction::Decided(decided) => {
                    self.settle(&decided);
                    decided.first().copied().unwrap_or(CommitResult::Refused)
                }
                Transaction::Undone(result) => result,
                Transaction::Unknown => {
                    self.doubt.store(true, Ordering::SeqCst);
                    CommitResult::Unknown
                }
            }
        };
        mutations.iter().map(single).collect()
    }

    /// Any durable commit decides what the doubtful one has become.
    fn settle(&self, decided: &[CommitResult]) {
        if decided.contains(&CommitResult::Durable) {
            self.doubt.store(false, Ordering::SeqCst);
        }
    }

    fn in_doubt(&self) -> bool {
        self.doubt.load(Ordering::SeqCst)
    }

    /// Puts a new connection in the place of the old one, if one can be had.
    fn renew(&mut self) {
        match connect(&self.path, Role::Writer) {
            Ok(connection) => self.connection = connection,
            Err(error) => tracing::error!(%error, "the store cannot be opened anew for writing"),
        }
    }

    /// Moves the log into the database, so that the next transaction starts the log over instead of growing it.
    fn checkpoint(&self, mode: &str) {
        let pragma = format!("PRAGMA wal_checkpoint({mode})");
        if let Err(error) = self.connection.query_row(&pragma, (), |_| Ok(())) {
            tracing::warn!(%error, "the store's log could not be moved into its database");
        }
    }

    fn transact(&mut self, mutations: &[Mutation]) -> Transaction {
        let result = run(&self.connection, &self.tag, mutations);
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "a transaction could not be rolled back");
            self.renew();
        }
        result
    }
}

fn run(connection: &Connection, tag: &TagKey, mutations: &[Mutation]) -> Transaction {
    let changes = match change(connection, tag, mutations) {
        Ok(changes) => changes,
        Err(error) => {
            tracing::error!(%error, "a change of the store failed");
            return Transaction::Undone(undone(&error));
        }
    };
    if !changes.contains(&CommitResult::Durable) {
        return Transaction::Decided(changes);
    }
    match connection.execute_batch("COMMIT") {
        Ok(()) => Transaction::Decided(changes),
        Err(error) if certainly_undone(&error) => {
            match undone(&error) {
                CommitResult::Full => tracing::error!(
                    %error,
                    "a commit failed; free space on the disk of the store: keys can be used and destroyed, not made"
                ),
                _ => tracing::error!(%error, "a commit failed"),
            }
            Transaction::Undone(undone(&error))
        }
        Err(error) => {
            tracing::error!(%error, "it is not known whether a commit happened");
            Transaction::Unknown
        }
    }
}

/// Whether less is stored afterwards.
fn removes(mutation: &Mutation) -> bool {
    match mutation {
        Mutation::Retire(_) | Mutation::Delete { .. } | Mutation::Erase { .. } => true,
        Mutation::Reserve(_) | Mutation::Publish { .. } | Mutation::Barrier => false,
    }
}

/// Does all but the COMMIT. `Durable` for what was changed: it will be if the COMMIT succeeds.
fn change(
    connection: &Connection,
    tag: &TagKey,
    mutations: &[Mutation],
) -> rusqlite::Result<Vec<CommitResult>> {
    let execute = |sql: &str| connection.prepare_cached(sql)?.execute(());
    execute("BEGIN IMMEDIATE")?;
    let mut results = Vec::with_capacity(mutations.len());
    for mutation in mutations {
        execute("SAVEPOINT mutation")?;
        let result = match apply(connection, tag, mutation) {
            Ok(true) => CommitResult::Durable,
            Ok(false) => CommitResult::Refused,
            // The row exists.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                CommitResult::Refused
            }
            Err(error) => return Err(error),
        };
        if result == CommitResult::Refused {
            execute("ROLLBACK TO mutation")?;
        }
        execute("RELEASE mutation")?;
        results.push(result);
    }
    Ok(results)
}

/// What became of a transaction that certainly did not happen.
fn undone(error: &rusqlite::Error) -> CommitResult {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => CommitResult::Full,
        _ => CommitResult::Refused,
    }
}

/// Whether a COMMIT that failed so has certainly not happened; see above.
fn certainly_undone(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code);
    error.sqlite_error_code() == Some(ErrorCode::DiskFull) || code == Some(ffi::SQLITE_IOERR_WRITE)
}

/// Applies one mutation. `false`, or a constraint that is violated: it is refused.
fn apply(connection: &Connection, tag: &TagKey, mutation: &Mutation) -> rusqlite::Result<bool> {
    match mutation {
        Mutation::Reserve(unfinished) => insert_unfinished(connection, tag, unfinished),
        Mutation::Publish { identity, object, record, principal } => {
            erase(connection, *object)?;
            insert_key(connection, tag, identity, *object, &record.0, principal)
        }
        Mutation::Retire(unfinished) => Ok(delete_key(connection, &unfinished.identity, unfinished.object)?
            && insert_unfinished(connection, tag, unfinished)?),
        Mutation::Delete { identity, object } => delete_key(connection, identity, *object),
        Mutation::Erase { object } => erase(connection, *object).map(|()| true),
        Mutation::Barrier => {
            let sql = "UPDATE meta SET value = value + 1 WHERE name = 'barrier'";
            connection.prepare_cached(sql)?.execute(()).map(|rows| rows == 1)
        }
    }
}

fn insert_key(
    connection: &Connection,
    tag: &TagKey,
    identity: &KeyIdentity,
    object: ObjectId,
    record: &[u8],
    principal: &str,
) -> rusqlite::Result<bool> {
    let authenticator = i64::from(identity.application.authenticator.number());
    let (application, provider, name) = (&*identity.application.name, &*identity.provider, &*identity.name);
    let object = object.to_bytes();
    let tag = tag.tag(&Row::Key {
        authenticator,
        application: application.as_bytes(),
        provider: provider.as_bytes(),
        name: name.as_bytes(),
        object: &object,
        principal: principal.as_bytes(),
        record,
    });
    connection
        .prepare_cached(
            "INSERT INTO keys (authenticator, application, provider, name, object, principal, record, tag) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![authenticator, application, provider, name, object, principal, record, tag])?;
    connection
        .prepare_cached(
            "INSERT INTO tenants (authenticator, application, principal, keys, bytes) \
             VALUES (?1, ?2, ?3, 1, length(?4)) \
             ON CONFLICT DO UPDATE SET keys = keys + excluded.keys, bytes = bytes + excluded.bytes",
        )?
        .execute(params![authenticator, application, principal, record])?;
    connection
        .prepare_cached(
            "INSERT INTO principals (principal, keys, bytes) VALUES (?1, 1, length(?2)) \
             ON CONFLICT DO UPDATE SET keys = keys + excluded.keys, bytes = bytes + excluded.bytes",
        )?
        .execute(params![principal, record])?;
    Ok(true)
}

fn delete_key(connection: &Connection, identity: &KeyIdentity, object: ObjectId) -> rusqlite::Result<bool> {
    let ApplicationIdentity { authenticator, name: application } = &identity.application;
    let (authenticator, application) = (i64::from(authenticator.number()), &**application);
    let mut delete = connection.prepare_cached(
        "DELETE FROM keys WHERE authenticator = ?1 AND application = ?2 AND provider = ?3 AND name = ?4 \
         AND object = ?5 RETURNING principal, length(record)",
    )?;
    let key = params![authenticator, application, &*identity.provider, &*identity.name, object.to_bytes()];
    let deleted: Vec<(String, i64)> =
        delete.query_map(key, |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
    let Some((principal, length)) = deleted.first() else {
        return Ok(false);
    };
    let tenant = params![authenticator, application, principal, length];
    connection
        .prepare_cached(
            "UPDATE tenants SET keys = keys - 1, bytes = max(0, bytes - ?4) \
             WHERE authenticator = ?1 AND application = ?2 AND principal = ?3",
        )?
        .execute(tenant)?;
    connection
        .prepare_cached(
            "DELETE FROM tenants WHERE authenticator = ?1 AND application = ?2 AND principal = ?3 AND keys <= 0",
        )?
        .execute(params![authenticator, application, principal])?;
    connection
        .prepare_cached(
            "UPDATE principals SET keys = keys - 1, bytes = max(0, bytes - ?2) WHERE principal = ?1",
        )?
        .execute(params![principal, length])?;
    connection
        .prepare_cached("DELETE FROM principals WHERE principal = ?1 AND keys <= 0")?
        .execute([principal])?;
    Ok(true)
}

fn insert_unfinished(
    connection: &Connection,
    tag: &TagKey,
    unfinished: &Unfinished,
) -> rusqlite::Result<bool> {
    let KeyIdentity { application, provider, name } = &unfinished.identity;
    let authenticator = i64::from(application.authenticator.number());
    let (application, provider, name) = (&*application.name, &**provider, &**name);
    let object = unfinished.object.to_bytes();
    let boot = unfinished.object.boot.to_be_bytes();
    let state = state_number(unfinished.state);
    let device = unfinished.device.0.as_slice();
    let tag = tag.tag(&Row::Unfinished {
        object: &object,
        state,
        provider: provider.as_bytes(),
        device,
        boot: &boot,
        authenticator,
        application: application.as_bytes(),
        name: name.as_bytes(),
    });
    connection
        .prepare_cached(
            "INSERT INTO unfinished \
             (object, state, provider, device, boot, authenticator, application, name, tag) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![object, state, provider, device, boot, authenticator, application, name, tag])?;
    Ok(true)
}

fn erase(connection: &Connection, object: ObjectId) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM unfinished WHERE object = ?1")?.execute([object.to_bytes()])?;
    Ok(())
}

/// Column `state` of `unfinished`.
pub(super) fn state_number(state: UnfinishedState) -> i64 {
    match state {
        UnfinishedState::Making => 1,
        UnfinishedState::Removing => 2,
    }
}
