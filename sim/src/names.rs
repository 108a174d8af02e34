//! What the answers alone say about every name: absent, present, or unknown while changes overlap.
//!
//! This model sees neither the store nor a provider. It knows what clients asked and were told.

use crate::call::{Call, Meaning};
use parsecd_core::identity::{ApplicationIdentity, KeyIdentity};
use parsecd_wire::Status;
use std::collections::BTreeMap;

/// What is known of a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Known {
    #[default]
    Absent,
    Present,
    Unknown,
}

/// Changes that were asked for: how many have no answer, and when the last one began or ended.
#[derive(Clone, Copy, Debug, Default)]
struct Changes {
    open: u32,
    last: u64,
}

impl Changes {
    fn begin(&mut self, at: u64) {
        self.open += 1;
        self.last = at;
    }

    fn end(&mut self, at: u64) {
        self.open = self.open.saturating_sub(1);
        self.last = at;
    }
}

#[derive(Clone, Debug, Default)]
struct Name {
    known: Known,
    changes: Changes,
    /// A creation failed; if the daemon dies before it is cleaned up, the key may exist.
    failed_creation: bool,
}

/// What was the case when a request came.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot {
    alone: bool,
    since: u64,
}

/// All names.
#[derive(Clone, Debug, Default)]
pub struct Names {
    names: BTreeMap<KeyIdentity, Name>,
    /// Deletions of all keys of an application.
    deletions: BTreeMap<ApplicationIdentity, Changes>,
    clock: u64,
    /// Names that nobody has asked for may be there.
    ignorant: bool,
}

impl Names {
    /// What is known of a name whose changes are all over, as text.
    pub fn known(&self, key: &KeyIdentity) -> String {
        self.names.get(key).map_or_else(String::new, |name| format!("{:?}", name.known))
    }

    /// Nothing is known of any name.
    pub fn know_nothing(&mut self) {
        self.ignorant = true;
    }

    /// A request has come in whole.
    pub fn received(&mut self, call: &Call) -> Option<Snapshot> {
        self.clock += 1;
        let since = self.clock;
        if let Meaning::DeleteClient(application) = &call.meaning {
            let deletions = self.deletions.entry(application.clone()).or_default();
            deletions.begin(since);
            return Some(Snapshot { alone: deletions.open == 1, since });
        }
        let key = call.meaning.key()?;
        let deleting = self.deletions.get(&key.application).is_some_and(|deletions| deletions.open > 0);
        let known = if self.ignorant { Known::Unknown } else { Known::Absent };
        let name = self.names.entry(key.clone()).or_insert(Name { known, ..Name::default() });
        let alone = name.changes.open == 0 && !deleting;
        if call.meaning.may_change(key) {
            name.changes.begin(since);
        }
        Some(Snapshot { alone, since })
    }

    /// A request was answered. What contradicts earlier answers is returned.
    pub fn told(&mut self, call: &Call, status: Status, snapshot: Option<Snapshot>) -> Result<(), String> {
        let Some(Snapshot { alone, since }) = snapshot else { return Ok(()) };
        self.clock += 1;
        if let Meaning::DeleteClient(application) = &call.meaning {
            self.deleted(application, status, since);
            return Ok(());
        }
        let Some(key) = call.meaning.key() else { return Ok(()) };
        let undeleted = self.deletions.get(&key.application).is_none_or(|deletions| deletions.last <= since);
        let name = self.names.entry(key.clone()).or_default();
        let clean = alone && undeleted && name.changes.last <= since;
        let before = name.known;
        let (needs, after) = match (&call.meaning, status) {
            (Meaning::Create { .. }, Status::Success) => (Some(Known::Absent), Some(Known::Present)),
            (Meaning::Create { .. }, Status::PsaErrorAlreadyExists) => (Some(Known::Present), None),
            (Meaning::Create { .. }, Status::KeyInfoManagerError) => (None, Some(Known::Unknown)),
            (Meaning::Create { .. }, _) => (None, None),
            (Meaning::Destroy { .. }, Status::Success) => (Some(Known::Present), Some(Known::Absent)),
            (_, Status::PsaErrorDoesNotExist) => (Some(Known::Absent), None),
            (Meaning::Destroy { .. }, _) => (None, Some(Known::Unknown)),
            (Meaning::Use { .. }, Status::Success | Status::PsaErrorInvalidSignature) => {
                (Some(Known::Present), None)
            }
            _ => (None, None),
        };
        if matches!(call.meaning, Meaning::Create { .. })
            && !matches!(status, Status::Success | Status::PsaErrorAlreadyExists)
        {
            name.failed_creation = true;
        }
        if call.meaning.may_change(key) {
            name.changes.end(self.clock);
            if !clean {
                name.known = Known::Unknown;
            }
        }
        if !clean {
            return Ok(());
        }
        name.known = after.or(needs).unwrap_or(before);
        match needs {
            Some(needs) if before != Known::Unknown && before != needs => Err(format!(
                "{:?} was told {status:?} of {key:?}, which answers before said is {before:?}",
                call.opcode
            )),
            _ => Ok(()),
        }
    }

    fn deleted(&mut self, application: &ApplicationIdentity, status: Status, since: u64) {
        if let Some(deletions) = self.deletions.get_mut(application) {
            deletions.end(self.clock);
        }
        for (_, name) in self.names.iter_mut().filter(|(key, _)| key.application == *application) {
            let alone = name.changes.open == 0 && name.changes.last < since;
            name.known = if status == Status::Success && alone { Known::Absent } else { Known::Unknown };
        }
    }

    /// The daemon died: what was open may or may not have happened.
    pub fn crashed(&mut self) {
        self.forget(|name, deleting| name.changes.open > 0 || name.failed_creation || deleting);
    }

    /// The core came to rest: what nobody waited for is over.
    pub fn rested(&mut self) {
        self.forget(|name, deleting| name.changes.open > 0 || deleting);
        self.names.values_mut().for_each(|name| name.failed_creation = false);
    }

    fn forget(&mut self, uncertain: impl Fn(&Name, bool) -> bool) {
        self.clock += 1;
        for (key, name) in &mut self.names {
            let deleting = self.deletions.get(&key.application).is_some_and(|deletions| deletions.open > 0);
            if uncertain(name, deleting) {
                name.known = Known::Unknown;
                name.failed_creation = false;
            }
            name.changes = Changes { open: 0, last: self.clock };
        }
        for deletions in self.deletions.values_mut() {
            *deletions = Changes { open: 0, last: self.clock };
        }
    }
}
