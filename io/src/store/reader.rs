//! The reader: single rows and pages, on a connection of its own, so that no read waits for an fsync.

use super::request::StoreAnswer;
use super::schema::{Role, connect};
use super::tag::{Row, TagKey};
use super::writer::state_number;
use parsecd_core::identity::{ApplicationIdentity, KeyIdentity, Text};
use parsecd_core::ids::{ObjectId, Ticket};
use parsecd_core::record::{Device, EncodedRecord};
use parsecd_core::store::{Counters, Fetched, ListedKey, Page, Query, Unfinished, UnfinishedState};
use parsecd_wire::AuthenticationType;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, ToSql, params};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A read.
pub(super) enum Reading {
    /// One key, and the counters of its application inside `principal` and of the latter.
    Fetch { identity: KeyIdentity, principal: Text },
    /// A page.
    List(Query),
}

/// The only one that reads for requests.
pub(super) struct Reader {
    path: PathBuf,
    connection: Option<Connection>,
    tag: Arc<TagKey>,
    doubt: Arc<AtomicBool>,
}

impl Reader {
    /// A reader on `connection` to `path`. Nothing is answered while `doubt` is set.
    pub(super) fn new(
        path: PathBuf,
        connection: Connection,
        tag: Arc<TagKey>,
        doubt: Arc<AtomicBool>,
    ) -> Self {
        Reader { path, connection: Some(connection), tag, doubt }
    }

    /// Answers all of `group` from one snapshot, taken now.
    pub(super) fn serve(&mut self, group: Vec<(Ticket, Reading)>) -> Vec<StoreAnswer> {
        if self.doubt.load(Ordering::SeqCst) {
            return group.into_iter().map(failed).collect();
        }
        let connection = match self.connection.take().map_or_else(|| connect(&self.path, Role::Reader), Ok) {
            Ok(connection) => connection,
            Err(error) => {
                tracing::error!(%error, "the store cannot be opened for reading");
                return group.into_iter().map(failed).collect();
            }
        };
        let mut sound = begin(&connection);
        let answers = group
            .into_iter()
            .map(|(ticket, reading)| {
                self.answer(&connection, ticket, &reading).unwrap_or_else(|error| {
                    tracing::error!(%error, "the store could not be read");
                    sound = false;
                    failed((ticket, reading))
                })
            })
            .collect();
        sound &= connection.execute_batch("COMMIT").is_ok();
        // An error may stick to a connection; the next group gets a new one.
        self.connection = sound.then_some(connection);
        answers
    }

    fn answer(
        &self,
        connection: &Connection,
        ticket: Ticket,
        reading: &Reading,
    ) -> rusqlite::Result<StoreAnswer> {
        Ok(match reading {
            Reading::Fetch { identity, principal } => {
                let fetched = self.fetch(connection, identity)?;
                let counters = counters(connection, &identity.application, principal)?;
                StoreAnswer::Fetched { ticket, fetched, counters }
            }
            Reading::List(query) => StoreAnswer::Listed { ticket, page: self.list(connection, query)? },
        })
    }

    fn fetch(&self, connection: &Connection, identity: &KeyIdentity) -> rusqlite::Result<Fetched> {
        let authenticator = i64::from(identity.application.authenticator.number());
        let key = params![authenticator, &*identity.application.name, &*identity.provider, &*identity.name];
        let sql = "SELECT object, principal, record, tag FROM keys \
                   WHERE authenticator = ?1 AND application = ?2 AND provider = ?3 AND name = ?4";
        let record = connection
            .prepare_cached(sql)?
            .query_row(key, |row| {
                let name = (identity.provider.as_bytes(), identity.name.as_bytes());
                self.record(&identity.application, name, row, 0)
            })
            .optional()?;
        Ok(record.map_or(Fetched::Absent, |record| record.map_or(Fetched::Unreadable, Fetched::Found)))
    }

    /// The record of a row, if its tag is right for the names it was asked for with: an index that points to
    /// another row must not yield that row's key. Columns object, principal, record, tag begin at `first`.
    fn record(
        &self,
        application: &ApplicationIdentity,
        (provider, name): (&[u8], &[u8]),
        row: &rusqlite::Row<'_>,
        first: usize,
    ) -> rusqlite::Result<Option<EncodedRecord>> {
        let authenticator = i64::from(application.authenticator.number());
        let application = application.name.as_bytes();
        let [object, principal, record, tag] = [0, 1, 2, 3].map(|column| bytes(row, first + column));
        let (object, principal, record) = (object?, principal?, record?);
        let row = Row::Key { authenticator, application, provider, name, object, principal, record };
        Ok(self.tag.is_right(&row, tag?).then(|| EncodedRecord(record.to_vec())))
    }

    fn list(&self, connection: &Connection, query: &Query) -> rusqlite::Result<Page> {
        Ok(match query {
            Query::Keys { application, provider, after, limit } => {
                Page::Keys(self.keys(connection, application, provider.as_ref(), after.as_ref(), *limit)?)
            }
            Query::Clients { authenticator, after, limit } => {
                let mut range = Range::new(
                    "SELECT DISTINCT application FROM tenants WHERE keys > 0 AND authenticator = ?",
                );
                let authenticator = i64::from(authenticator.number());
                range.bind("", &authenticator);
                after.iter().for_each(|after| range.bind(" AND application > ?", after));
                Page::Clients(
                    range
                        .page(connection, " ORDER BY application", *limit, |row| Ok(text(bytes(row, 0)?)))?,
                )
            }
            Query::Unfinished { provider, after, limit } => {
                let mut range = Range::new(UNFINISHED);
                let after = after.map(ObjectId::to_bytes);
                range.bind("provider = ?", provider);
                after.iter().for_each(|after| range.bind(" AND object > ?", after));
                Page::Unfinished(range.page(connection, " ORDER BY object", *limit, |row| {
                    let row = self.unfinished(row)?;
                    Ok(row.filter(|row| row.identity.provider == *provider))
                })?)
            }
            Query::UnfinishedOf { application, after, limit } => {
                let mut range = Range::new(UNFINISHED);
                let authenticator = i64::from(application.authenticator.number());
                let after = after.map(ObjectId::to_bytes);
                range.bind("authenticator = ?", &authenticator);
                range.bind(" AND application = ?", &application.name);
                after.iter().for_each(|after| range.bind(" AND object > ?", after));
                Page::Unfinished(range.page(connection, " ORDER BY object", *limit, |row| {
                    let row = self.unfinished(row)?;
                    Ok(row.filter(|row| row.identity.application == *application))
                })?)
            }
        })
    }

    fn keys(
        &self,
        connection: &Connection,
        application: &ApplicationIdentity,
        provider: Option<&Text>,
        after: Option<&(Text, Text)>,
        limit: u32,
    ) -> rusqlite::Result<Vec<ListedKey>> {
        let mut range = Range::new(
            "SELECT provider, name, object, principal, record, tag FROM keys WHERE authenticator = ?",
        );
        let authenticator = i64::from(application.authenticator.number());
        range.bind("", &authenticator);
        range.bind(" AND application = ?", &application.name);
        match (provider, after) {
            (Some(provider), Some((at, name))) if at == provider => {
                range.bind(" AND provider = ?", provider);
                range.bind(" AND name > ?", name);
            }
            // The cursor stands behind everything that is asked for, or before it.
            (Some(provider), Some((at, _))) if at.as_bytes() > provider.as_bytes() => return Ok(Vec::new()),
            (Some(provider), _) => range.bind(" AND provider = ?", provider),
            (None, Some((at, name))) => {
                range.bind(" AND (provider, name) > (?", at);
                range.bind(", ?)", name);
            }
            (None, None) => {}
        }
        range.page(connection, " ORDER BY provider, name", limit, |row| {
            let (provider, name) = (bytes(row, 0)?, bytes(row, 1)?);
            let record = self.record(application, (provider, name), row, 2)?;
            Ok(text(provider).zip(text(name)).map(|(provider, name)| ListedKey { provider, name, record }))
        })
    }

    /// A row of `unfinished`; `None` if its tag is wrong: recovery must not touch an object on the word of a
    /// row that nobody wrote.
    fn unfinished(&self, row: &rusqlite::Row<'_>) -> rusqlite::Result<Option<Unfinished>> {
        let (object, state, provider) = (bytes(row, 0)?, row.get(1)?, bytes(row, 2)?);
        let (device, boot, authenticator) = (bytes(row, 3)?, bytes(row, 4)?, row.get(5)?);
        let (application, name) = (bytes(row, 6)?, bytes(row, 7)?);
        let read =
            Row::Unfinished { object, state, provider, device, boot, authenticator, application, name };
        if !self.tag.is_right(&read, bytes(row, 8)?) {
            return Ok(None);
        }
        Ok(decode_unfinished(object, state, provider, device, authenticator, application, name))
    }
}

fn decode_unfinished(
    object: &[u8],
    state: i64,
    provider: &[u8],
    device: &[u8],
    authenticator: i64,
    application: &[u8],
    name: &[u8],
) -> Option<Unfinished> {
    let states = [UnfinishedState::Making, UnfinishedState::Removing];
    let authenticator = u8::try_from(authenticator).ok().and_then(AuthenticationType::from_number)?;
    Some(Unfinished {
        object: ObjectId::from_bytes(object.try_into().ok()?),
        state: states.into_iter().find(|known| state_number(*known) == state)?,
        device: Device(device.to_vec()),
        identity: KeyIdentity {
            application: ApplicationIdentity { authenticator, name: text(application)? },
            provider: text(provider)?,
            name: text(name)?,
        },
    })
}

const UNFINISHED: &str = "SELECT object, state, provider, device, boot, authenticator, application, name, tag \
                          FROM unfinished WHERE ";

/// A query that reads a range of an index from where the last page ended: its cost is that of its rows.
struct Range<'a> {
    sql: String,
    parameters: Vec<&'a dyn ToSql>,
}

impl<'a> Range<'a> {
    fn new(sql: &str) -> Range<'a> {
        Range { sql: sql.to_owned(), parameters: Vec::new() }
    }

    /// Adds a condition and the value of its next parameter.
    fn bind(&mut self, condition: &str, value: &'a dyn ToSql) {
        self.sql.push_str(condition);
        self.parameters.push(value);
    }

    /// The first `limit` rows that `decode` can make something of. The others are skipped and logged: a page
    /// with fewer rows than its limit would say that there are no more.
    fn page<T>(
        mut self,
        connection: &Connection,
        order: &str,
        limit: u32,
        mut decode: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<Option<T>>,
    ) -> rusqlite::Result<Vec<T>> {
        self.sql.push_str(order);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut statement = connection.prepare_cached(&self.sql)?;
        let mut rows = statement.query(self.parameters.as_slice())?;
        let mut decoded = Vec::new();
        while decoded.len() < limit
            && let Some(row) = rows.next()?
        {
            match decode(row)? {
                Some(item) => decoded.push(item),
                None => tracing::warn!("a row of the store is damaged; it is kept and left out of the list"),
            }
        }
        Ok(decoded)
    }
}

fn counters(
    connection: &Connection,
    application: &ApplicationIdentity,
    principal: &str,
) -> rusqlite::Result<Counters> {
    let held = |sql: &str, key: &[&dyn ToSql]| {
        let count =
            |row: &rusqlite::Row<'_>, index| row.get(index).map(|n: i64| u64::try_from(n).unwrap_or(0));
        let mut statement = connection.prepare_cached(sql)?;
        let row = statement.query_row(key, |row| Ok((count(row, 0)?, count(row, 1)?))).optional()?;
        Ok::<_, rusqlite::Error>(row.unwrap_or_default())
    };
    let (tenant_keys, tenant_bytes) = held(
        "SELECT keys, bytes FROM tenants WHERE authenticator = ?1 AND application = ?2 AND principal = ?3",
        params![i64::from(application.authenticator.number()), &*application.name, principal],
    )?;
    let (principal_keys, principal_bytes) =
        held("SELECT keys, bytes FROM principals WHERE principal = ?1", params![principal])?;
    Ok(Counters { tenant_keys, tenant_bytes, principal_keys, principal_bytes })
}

fn begin(connection: &Connection) -> bool {
    // The first statement takes the snapshot.
    match connection.execute_batch("BEGIN") {
        Ok(()) => true,
        Err(error) => {
            tracing::error!(%error, "the store could not begin to read");
            false
        }
    }
}

fn failed((ticket, reading): (Ticket, Reading)) -> StoreAnswer {
    match reading {
        Reading::Fetch { .. } => {
            StoreAnswer::Fetched { ticket, fetched: Fetched::Failed, counters: Counters::default() }
        }
        Reading::List(_) => StoreAnswer::Listed { ticket, page: Page::Failed },
    }
}

/// The bytes of a text or blob column; none of any other, which STRICT tables do not hold.
fn bytes<'a>(row: &'a rusqlite::Row<'_>, index: usize) -> rusqlite::Result<&'a [u8]> {
    Ok(match row.get_ref(index)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes,
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => &[],
    })
}

fn text(bytes: &[u8]) -> Option<Text> {
    std::str::from_utf8(bytes).ok().map(Text::from)
}
