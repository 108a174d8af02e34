//! The fake store: what is durable, what is pending, and what nobody knows.
//!
//! It never breaks the promises of the interface: a transaction happens whole or not at all, in order; a
//! refused one does not fail its group. Its faults are those a disk has: no room, a failed write, a failed
//! sync whose transactions surface only after a restart (or never), answers that come late, a damaged row.

use parsecd_core::identity::{ApplicationIdentity, KeyIdentity, Text};
use parsecd_core::ids::{ObjectId, Ticket};
use parsecd_core::record::EncodedRecord;
use parsecd_core::store::{CommitResult, Counters, Fetched, ListedKey, Mutation, Page, Query, Unfinished};
use std::collections::{BTreeMap, BTreeSet};

/// The tables at one moment.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// Usable keys.
    pub keys: BTreeMap<KeyIdentity, Row>,
    /// What recovery must look at.
    pub unfinished: BTreeMap<ObjectId, Unfinished>,
}

/// A row of `keys`.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its object.
    pub object: ObjectId,
    /// Its record.
    pub record: EncodedRecord,
    /// Whose quota it counts for.
    pub principal: Text,
    /// Whose format the record has.
    pub written_by: Version,
}

/// A version of the daemon. The newer one reads what either wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// The one that is tested; it knows its own format only.
    #[default]
    Own,
    /// A later one, which writes a format of its own. The core plays it, too: its records are translated here.
    Newer,
}

impl Tables {
    fn apply(&mut self, mutation: &Mutation, written_by: Version) -> CommitResult {
        let fits = match mutation {
            Mutation::Reserve(row) => self.unfinished.insert(row.object, row.clone()).is_none(),
            Mutation::Publish { identity, object, record, principal } => {
                let free = !self.keys.contains_key(identity);
                if free {
                    self.unfinished.remove(object);
                    let (record, principal) = (record.clone(), principal.clone());
                    self.keys
                        .insert(identity.clone(), Row { object: *object, record, principal, written_by });
                }
                free
            }
            Mutation::Retire(row) => {
                let there = self.keys.get(&row.identity).is_some_and(|key| key.object == row.object);
                if there {
                    self.keys.remove(&row.identity);
                    self.unfinished.insert(row.object, row.clone());
                }
                there
            }
            Mutation::Delete { identity, object } => {
                let there = self.keys.get(identity).is_some_and(|key| key.object == *object);
                if there {
                    self.keys.remove(identity);
                }
                there
            }
            Mutation::Erase { object } => {
                self.unfinished.remove(object);
                true
            }
            Mutation::Barrier => true,
        };
        if fits { CommitResult::Durable } else { CommitResult::Refused }
    }

    /// The name this object is published under.
    pub fn owner(&self, object: ObjectId) -> Option<&KeyIdentity> {
        self.keys.iter().find(|(_, row)| row.object == object).map(|(identity, _)| identity)
    }
}

/// What happens to a group of transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupFate {
    /// Each is durable, or refused for what it asks.
    Normal,
    /// The write fails: none happened.
    Refused,
    /// No room: none that adds something happened.
    Full,
    /// No room at all: none happened, removals included.
    FullForAll,
    /// The sync fails: a restart may find them or not, this process does not see them.
    Unknown,
}

/// The fake store.
#[derive(Clone, Debug)]
pub struct Store {
    /// What may be on the disk. The first is what this process reads.
    states: Vec<Tables>,
    pending: Vec<(Ticket, Mutation)>,
    damaged: BTreeMap<KeyIdentity, Damage>,
    /// Rows that were damaged, and the step after which they were not any more.
    repaired: BTreeMap<KeyIdentity, u64>,
    backup: Tables,
    version: Version,
}

/// What is wrong with a row. A driver that checks a tag over the whole row finds the first; the other is what
/// would come through if it did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Damage {
    /// Its tag is wrong.
    Tag,
    /// It holds the record of another row.
    Swapped(EncodedRecord),
}

impl Default for Store {
    fn default() -> Self {
        Store {
            states: vec![Tables::default()],
            pending: Vec::new(),
            damaged: BTreeMap::new(),
            repaired: BTreeMap::new(),
            backup: Tables::default(),
            version: Version::default(),
        }
    }
}

impl Store {
    /// Takes a transaction into the next group.
    pub fn submit(&mut self, ticket: Ticket, mutation: Mutation) {
        self.pending.push((ticket, mutation));
    }

    /// Transactions of the group that waits.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Whether a group waits.
    pub fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Whether it is not known what is on the disk.
    pub fn in_doubt(&self) -> bool {
        self.states.len() > 1
    }

    /// Every state a restart may find.
    pub fn possible(&self) -> &[Tables] {
        &self.states
    }

    /// What this process reads.
    pub fn visible(&self) -> &Tables {
        &self.states[0]
    }

    /// Whether the daemon that runs cannot make out the record of a name.
    pub fn is_unreadable(&self, identity: &KeyIdentity) -> bool {
        self.damaged.contains_key(identity)
            || self.visible().keys.get(identity).is_some_and(|row| self.is_foreign(row))
    }

    fn is_foreign(&self, row: &Row) -> bool {
        row.written_by > self.version
    }

    /// Whether there are rows that only the newer version reads.
    pub fn has_newer_rows(&self) -> bool {
        self.visible().keys.values().any(|row| row.written_by == Version::Newer)
    }

    /// The daemon that runs next is of this version. Returns that of the one before.
    pub fn run_by(&mut self, version: Version) -> Version {
        std::mem::replace(&mut self.version, version)
    }

    /// Whether a row is damaged, or was in step `since` or later.
    pub fn was_unreadable(&self, identity: &KeyIdentity, since: u64) -> bool {
        self.is_unreadable(identity) || self.repaired.get(identity).is_some_and(|until| *until >= since)
    }

    /// Rows that are damaged.
    pub fn damaged(&self) -> impl Iterator<Item = &KeyIdentity> {
        self.damaged.keys()
    }

    /// An operator repairs a row after step `moment`.
    pub fn repair(&mut self, identity: &KeyIdentity, moment: u64) {
        self.damaged.remove(identity);
        self.repaired.insert(identity.clone(), moment);
    }

    /// Damages the row of a name, until it is repaired.
    pub fn damage(&mut self, identity: KeyIdentity, damage: Damage) {
        self.damaged.insert(identity, damage);
    }

    /// Copies what can be read now.
    pub fn back_up(&mut self) {
        self.backup = self.states[0].clone();
    }

    /// An operator puts the copy back, while the daemon is dead.
    pub fn restore(&mut self) {
        self.states = vec![self.backup.clone()];
        self.forget_damage();
    }

    /// A row as it is read; `None`: its tag is wrong.
    fn read(&self, identity: &KeyIdentity, row: &Row) -> Option<EncodedRecord> {
        match self.damaged.get(identity) {
            Some(Damage::Tag) => None,
            Some(Damage::Swapped(other)) => Some(other.clone()),
            None => {
                let mut record = row.record.clone();
                if self.is_foreign(row) {
                    record.0.first_mut().into_iter().for_each(|format| *format += 1);
                }
                Some(record)
            }
        }
    }

    /// Writes the group that waits. `choice` settles a doubt where the group ends it. Returns the answers.
    pub fn flush(&mut self, fate: GroupFate, choice: u64) -> Vec<(Ticket, CommitResult)> {
        let group = std::mem::take(&mut self.pending);
        let adds = |mutation: &Mutation| matches!(mutation, Mutation::Reserve(_) | Mutation::Publish { .. });
        match fate {
            GroupFate::Refused => self.answer_all(group, CommitResult::Refused),
            GroupFate::FullForAll => self.answer_all(group, CommitResult::Full),
            GroupFate::Unknown => {
                let mut after = self.states[0].clone();
                for (_, mutation) in &group {
                    after.apply(mutation, self.version);
                }
                self.states.push(after);
                self.answer_all(group, CommitResult::Unknown)
            }
            GroupFate::Normal | GroupFate::Full => {
                self.settle(choice);
                let full = fate == GroupFate::Full;
                let result = group
                    .into_iter()
                    .map(|(ticket, mutation)| {
                        let result = if full && adds(&mutation) {
                            CommitResult::Full
                        } else {
                            self.states[0].apply(&mutation, self.version)
                        };
                        (ticket, result)
                    })
                    .collect();
                self.forget_damage();
                result
            }
        }
    }

    fn answer_all(
        &self,
        group: Vec<(Ticket, Mutation)>,
        result: CommitResult,
    ) -> Vec<(Ticket, CommitResult)> {
        group.into_iter().map(|(ticket, _)| (ticket, result)).collect()
    }

    fn settle(&mut self, choice: u64) {
        let chosen = choice as usize % self.states.len();
        self.states.swap(0, chosen);
        self.states.truncate(1);
    }

    fn forget_damage(&mut self) {
        let Store { states, damaged, .. } = self;
        damaged.retain(|identity, _| states.iter().any(|tables| tables.keys.contains_key(identity)));
    }

    /// The daemon dies; so many transactions of the group that waits were written.
    pub fn crash(&mut self, kept: usize, choice: u64) {
        self.settle(choice);
        for (_, mutation) in std::mem::take(&mut self.pending).into_iter().take(kept) {
            self.states[0].apply(&mutation, self.version);
        }
        self.forget_damage();
    }

    /// Answers a fetch.
    pub fn fetch(&self, identity: &KeyIdentity, principal: &Text) -> (Fetched, Counters) {
        let fetched = match self.visible().keys.get(identity) {
            None => Fetched::Absent,
            Some(row) => self.read(identity, row).map_or(Fetched::Unreadable, Fetched::Found),
        };
        (fetched, self.counters(&identity.application, principal))
    }

    fn counters(&self, application: &ApplicationIdentity, principal: &Text) -> Counters {
        let mut counters = Counters::default();
        for (identity, row) in &self.visible().keys {
            let bytes = row.record.0.len() as u64;
            if row.principal != *principal {
                continue;
            }
            counters.principal_keys += 1;
            counters.principal_bytes += bytes;
            // A tenant is an application of one principal.
            if identity.application == *application {
                counters.tenant_keys += 1;
                counters.tenant_bytes += bytes;
            }
        }
        counters
    }

    /// Answers a query.
    pub fn list(&self, query: &Query) -> Page {
        let tables = self.visible();
        match query {
            Query::Keys { application, provider, after, limit } => Page::Keys(
                tables
                    .keys
                    .iter()
                    .filter(|(identity, _)| identity.application == *application)
                    .filter(|(identity, _)| provider.as_ref().is_none_or(|name| identity.provider == *name))
                    .filter(|(identity, _)| {
                        after.as_ref().is_none_or(|(provider, name)| {
                            (&identity.provider, &identity.name) > (provider, name)
                        })
                    })
                    .take(*limit as usize)
                    .map(|(identity, row)| ListedKey {
                        provider: identity.provider.clone(),
                        name: identity.name.clone(),
                        record: self.read(identity, row),
                    })
                    .collect(),
            ),
            Query::Clients { authenticator, after, limit } => {
                let names: BTreeSet<_> = tables
                    .keys
                    .keys()
                    .filter(|identity| identity.application.authenticator == *authenticator)
                    .map(|identity| identity.application.name.clone())
                    .filter(|name| after.as_ref().is_none_or(|after| name > after))
                    .collect();
                Page::Clients(names.into_iter().take(*limit as usize).collect())
            }
            Query::Unfinished { provider, after, limit } => {
                self.unfinished(after, *limit, |row| row.identity.provider == *provider)
            }
            Query::UnfinishedOf { application, after, limit } => {
                self.unfinished(after, *limit, |row| row.identity.application == *application)
            }
        }
    }

    fn unfinished(&self, after: &Option<ObjectId>, limit: u32, wanted: impl Fn(&Unfinished) -> bool) -> Page {
        let rows = self.visible().unfinished.values().filter(|row| wanted(row));
        let rest = rows.filter(|row| after.is_none_or(|after| row.object > after));
        Page::Unfinished(rest.take(limit as usize).cloned().collect())
    }
}
