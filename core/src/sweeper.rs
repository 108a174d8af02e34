//! Recovery: what `unfinished` names is removed, provider by provider, as each comes up.

use crate::config::MaterialPlace;
use crate::deadlines::Due;
use crate::ids::{ObjectId, ProviderKey};
use crate::output::Output;
use crate::state::{Purpose, Step, StoreHealth};
use crate::store::{Page, Query};
use crate::time::Instant;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

/// Most doublings of the pause between two sweeps that left something.
const DOUBLINGS_MAX: u8 = 6;

/// Where a provider's recovery stands.
#[derive(Debug, Hash)]
pub(crate) enum Sweep {
    /// Nothing is known to be unfinished.
    Idle,
    /// A page of rows is being read. `ended`: objects whose lives have ended meanwhile, their rows may be
    /// stale; `again`: something was left behind meanwhile; `limit`: rows of a full page.
    Listing { limit: u32, ended: BTreeSet<ObjectId>, again: bool, failures: u8 },
    /// Objects of a page are being removed; `last`: where the next page begins, if there is one.
    Removing { left: BTreeSet<ObjectId>, last: Option<ObjectId>, again: bool, failures: u8 },
    /// Something was left behind; the next sweep begins at this instant.
    Pausing { until: Instant, failures: u8 },
}

impl Step<'_> {
    /// Looks for unfinished objects of a provider that came up.
    pub(crate) fn sweep(&mut self, key: ProviderKey) {
        let Some(provider) = self.state.providers.get(&key) else { return };
        if let Sweep::Pausing { until, .. } = provider.sweep {
            self.state.deadlines.clear(until, Due::Sweep(key));
        }
        match provider.sweep {
            Sweep::Idle => self.sweep_page(key, None, false, 0),
            Sweep::Pausing { failures, .. } => self.sweep_page(key, None, false, failures),
            Sweep::Listing { .. } | Sweep::Removing { .. } => self.sweep_later(key),
        }
    }

    pub(crate) fn sweep_all(&mut self) {
        let keys: Vec<ProviderKey> = self.state.providers.keys().copied().collect();
        for key in keys {
            self.sweep(key);
        }
    }

    /// Something was left behind: sweep again after a while.
    pub(crate) fn sweep_later(&mut self, key: ProviderKey) {
        let now = self.now.instant;
        let settling = self.state.config.deadlines.settling;
        let Some(provider) = self.state.providers.get_mut(&key) else { return };
        match &mut provider.sweep {
            Sweep::Listing { again, .. } | Sweep::Removing { again, .. } => *again = true,
            Sweep::Pausing { .. } => {}
            Sweep::Idle => {
                let until = now.after(settling);
                provider.sweep = Sweep::Pausing { until, failures: 0 };
                self.state.deadlines.set(until, Due::Sweep(key));
            }
        }
    }

    fn sweep_page(&mut self, key: ProviderKey, after: Option<ObjectId>, again: bool, failures: u8) {
        let owns = self
            .state
            .providers
            .get(&key)
            .is_some_and(|provider| provider.material() == MaterialPlace::Provider);
        let possible = owns
            && !self.is_down(key)
            && self.state.store == StoreHealth::Up
            && self.state.shutdown.is_none();
        let limit = self.state.config.limits.page;
        let Some(provider) = self.state.providers.get_mut(&key) else { return };
        if !possible {
            provider.sweep = Sweep::Idle;
            return;
        }
        provider.sweep = Sweep::Listing { limit, ended: BTreeSet::new(), again, failures };
        let name = provider.name().clone();
        let ticket = self.ticket(Purpose::ListUnfinished(key));
        self.output(Output::List { ticket, query: Query::Unfinished { provider: name, after, limit } });
    }

    pub(crate) fn unfinished_listed(&mut self, key: ProviderKey, page: Page) {
        let Some(provider) = self.state.providers.get_mut(&key) else { return };
        let (limit, ended, again, failures) = match &mut provider.sweep {
            Sweep::Listing { limit, ended, again, failures } => {
                (crate::length(*limit), core::mem::take(ended), *again, *failures)
            }
            Sweep::Idle | Sweep::Removing { .. } | Sweep::Pausing { .. } => return,
        };
        let Page::Unfinished(rows) = page else {
            provider.sweep = Sweep::Idle;
            return self.sweep_later(key);
        };
        let last = rows.last().map(|row| row.object).filter(|_| rows.len() >= limit);
        let device = provider.device().cloned();
        let ours: Vec<_> = rows
            .into_iter()
            .filter(|row| Some(&row.device) == device.as_ref())
            .filter(|row| !ended.contains(&row.object) && !self.state.lives.contains_key(&row.object))
            .collect();
        let left = ours.iter().map(|row| row.object).collect();
        if let Some(provider) = self.state.providers.get_mut(&key) {
            provider.sweep = Sweep::Removing { left, last, again, failures };
        }
        for row in ours {
            self.recover(key, row);
        }
        self.sweep_goes_on(key);
    }

    /// An object's life has ended; if it was the last of its page, the sweep goes on.
    pub(crate) fn swept(&mut self, key: ProviderKey, object: ObjectId) {
        let Some(provider) = self.state.providers.get_mut(&key) else { return };
        match &mut provider.sweep {
            Sweep::Listing { ended, .. } => {
                ended.insert(object);
            }
            Sweep::Removing { left, .. } => {
                if left.remove(&object) {
                    self.sweep_goes_on(key);
                }
            }
            Sweep::Idle | Sweep::Pausing { .. } => {}
        }
    }

    fn sweep_goes_on(&mut self, key: ProviderKey) {
        let now = self.now.instant;
        let settling = self.state.config.deadlines.settling;
        let Some(provider) = self.state.providers.get_mut(&key) else { return };
        let (last, again, failures) = match &provider.sweep {
            Sweep::Removing { left, last, again, failures } if left.is_empty() => (*last, *again, *failures),
            _ => return,
        };
        if last.is_some() {
            return self.sweep_page(key, last, again, failures);
        }
        provider.sweep = if again {
            let until = now.after(settling.saturating_mul(1 << u32::from(failures)));
            self.state.deadlines.set(until, Due::Sweep(key));
            Sweep::Pausing { until, failures: failures.saturating_add(1).min(DOUBLINGS_MAX) }
        } else {
            Sweep::Idle
        };
    }
}
