//! What holds when the core has come to rest, and at the end of a world.

use super::{Auditor, Scene};
use crate::call::Call;
use crate::oracle::Oracle;
use crate::store::Store;
use std::collections::BTreeSet;

impl Auditor {
    /// The core came to rest: nothing may be left undone.
    pub fn rested(&mut self, store: &Store, calls: &[Call]) {
        for (object, (identity, denied)) in std::mem::take(&mut self.doubtful) {
            let exists = store.visible().owner(object).is_some() && !store.is_unreadable(&identity);
            self.findings.check(Oracle::I2NothingLost, !(denied && exists), || {
                format!("the creation of {identity:?} failed, and {object} exists")
            });
        }
        let unanswered: Vec<_> = self.open.keys().copied().collect();
        self.findings.check(Oracle::I15Liveness, unanswered.is_empty(), || {
            let told: Vec<_> =
                unanswered.iter().filter_map(|id| calls.get(*id)).map(|call| call.opcode).collect();
            format!("requests {unanswered:?} {told:?} have no answer, and the core rests")
        });
        self.names.rested();
        self.abandoned.clear();
        self.deletions = 0;
        self.left_by.clear();
    }

    /// The end: provider objects are records, nothing is unfinished.
    pub fn at_rest(&mut self, scene: Scene<'_>) {
        if self.restored {
            return;
        }
        let tables = scene.store.visible();
        let unfinished: Vec<_> = tables
            .unfinished
            .values()
            .filter(|row| scene.fleet.owning().is_inserted(&row.device))
            .map(|row| row.object)
            .collect();
        self.findings.check(Oracle::I3ObjectsAreRecords, unfinished.is_empty(), || {
            format!("{unfinished:?} are unfinished at rest")
        });
        let recorded: BTreeSet<_> = tables
            .keys
            .iter()
            .filter(|(identity, _)| &*identity.provider == "owning")
            .map(|(_, row)| row.object)
            .filter(|object| !scene.fleet.lost.contains(object))
            .collect();
        let objects = scene.fleet.objects().into_iter();
        let held: BTreeSet<_> = objects.filter(|object| !tables.unfinished.contains_key(object)).collect();
        self.findings.check(Oracle::I3ObjectsAreRecords, recorded == held, || {
            let orphans: Vec<_> = held.difference(&recorded).collect();
            let dangling: Vec<_> = recorded.difference(&held).collect();
            format!("orphans {orphans:?}, dangling {dangling:?}")
        });
        self.findings
            .check(Oracle::I2NothingLost, recorded.is_subset(&held), || "a recorded key is lost".to_owned());
    }
}
