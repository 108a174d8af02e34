//! What is really the case: which object each name led to at which step, and which jobs touch which object.

use crate::store::Store;
use parsecd_core::identity::{ApplicationIdentity, KeyIdentity};
use parsecd_core::ids::{ObjectId, Ticket};
use parsecd_core::job::{Job, KeyOperation};
use parsecd_core::store::{Mutation, UnfinishedState};
use std::collections::{BTreeMap, BTreeSet};

/// What a name may lead to.
pub type Leads = BTreeSet<Option<ObjectId>>;

/// History of names, uses of objects.
#[derive(Clone, Debug, Default)]
pub struct Truth {
    history: BTreeMap<KeyIdentity, Vec<(u64, Leads)>>,
    touched: BTreeSet<KeyIdentity>,
    /// Names in which the states that a restart may find can differ.
    doubtful: BTreeSet<KeyIdentity>,
    /// Objects in use by jobs on lanes.
    uses: BTreeMap<Ticket, ObjectId>,
    /// Those of them that sign.
    signs: BTreeMap<Ticket, ObjectId>,
}

impl Truth {
    /// A mutation was handed to the store.
    pub fn submitted(&mut self, mutation: &Mutation) {
        if let Some(identity) = identity_of(mutation) {
            self.touched.insert(identity.clone());
        }
    }

    /// The store wrote something after step `moment`.
    pub fn written(&mut self, moment: u64, store: &Store) {
        let mut names = std::mem::take(&mut self.doubtful);
        names.append(&mut self.touched);
        self.note(moment, &names, store);
        if store.in_doubt() {
            self.doubtful = names;
        }
    }

    fn note<'a>(&mut self, moment: u64, names: impl IntoIterator<Item = &'a KeyIdentity>, store: &Store) {
        for identity in names {
            let leads = leads_now(store, identity);
            match self.history.get_mut(identity) {
                Some(entries) if entries.last().is_some_and(|(_, last)| *last == leads) => {}
                Some(entries) => entries.push((moment, leads)),
                None => drop(self.history.insert(identity.clone(), vec![(moment, leads)])),
            }
        }
    }

    /// What `identity` led to at any time from step `from` to step `to`.
    pub fn between(&self, identity: &KeyIdentity, from: u64, to: u64) -> Leads {
        let entries = self.history.get(identity).map(Vec::as_slice).unwrap_or_default();
        let first = entries.partition_point(|(moment, _)| *moment < from);
        let mut leads = match first.checked_sub(1).and_then(|index| entries.get(index)) {
            Some((_, leads)) => leads.clone(),
            None => Leads::from([None]),
        };
        for (_, later) in entries[first..].iter().take_while(|(moment, _)| *moment < to) {
            leads.extend(later);
        }
        leads
    }

    /// Every name that ever led anywhere.
    pub fn identities(&self) -> impl Iterator<Item = &KeyIdentity> {
        self.history.keys()
    }

    /// A job was given to a lane.
    pub fn started(&mut self, ticket: Ticket, job: &Job) {
        if let Job::Use { key, operation } = job {
            self.uses.insert(ticket, key.object);
            if matches!(operation, KeyOperation::SignHash { .. }) {
                self.signs.insert(ticket, key.object);
            }
        }
    }

    /// A job's outcome was delivered.
    pub fn finished(&mut self, ticket: Ticket) {
        self.uses.remove(&ticket);
        self.signs.remove(&ticket);
    }

    /// What a job on a lane uses.
    pub fn used(&self, ticket: Ticket) -> Option<ObjectId> {
        self.uses.get(&ticket).copied()
    }

    /// Whether a job on a lane signs with `object`.
    pub fn signs(&self, object: ObjectId) -> bool {
        self.signs.values().any(|used| *used == object)
    }

    /// Whether a job on a lane uses `object`.
    pub fn in_use(&self, object: ObjectId) -> bool {
        self.uses.values().any(|used| *used == object)
    }

    /// The daemon died.
    pub fn crashed(&mut self, moment: u64, store: &Store) {
        self.uses.clear();
        self.signs.clear();
        self.doubtful.clear();
        let mut names = std::mem::take(&mut self.touched);
        names.extend(self.history.keys().cloned());
        self.note(moment, &names, store);
    }
}

/// What `identity` may lead to now.
pub fn leads_now(store: &Store, identity: &KeyIdentity) -> Leads {
    store.possible().iter().map(|tables| tables.keys.get(identity).map(|row| row.object)).collect()
}

/// The name a mutation is about.
pub fn identity_of(mutation: &Mutation) -> Option<&KeyIdentity> {
    match mutation {
        Mutation::Reserve(row) | Mutation::Retire(row) => Some(&row.identity),
        Mutation::Publish { identity, .. } | Mutation::Delete { identity, .. } => Some(identity),
        Mutation::Erase { .. } | Mutation::Barrier => None,
    }
}

/// Whether `object` is reserved in every state that a restart may find.
pub fn surely_reserved(store: &Store, object: ObjectId) -> bool {
    store
        .possible()
        .iter()
        .all(|tables| tables.unfinished.get(&object).is_some_and(|row| row.state == UnfinishedState::Making))
}

/// Whether no name leads to `object`, and recovery knows of it, in every state that a restart may find.
pub fn surely_retired(store: &Store, object: ObjectId) -> bool {
    store
        .possible()
        .iter()
        .all(|tables| tables.owner(object).is_none() && tables.unfinished.contains_key(&object))
}

/// Whether no name leads to `object` in any state that a restart may find.
pub fn surely_unowned(store: &Store, object: ObjectId) -> bool {
    store.possible().iter().all(|tables| tables.owner(object).is_none())
}

/// Whether nothing of `object` is in any state that a restart may find.
pub fn surely_gone(store: &Store, object: ObjectId) -> bool {
    store
        .possible()
        .iter()
        .all(|tables| tables.owner(object).is_none() && !tables.unfinished.contains_key(&object))
}

/// Every object that belongs to an application.
pub fn objects_of(store: &Store, application: &ApplicationIdentity) -> BTreeSet<ObjectId> {
    let tables = store.visible();
    let keys = tables.keys.iter().filter(|(identity, _)| identity.application == *application);
    keys.map(|(_, row)| row.object).collect()
}
