//! When listeners may accept.

use crate::deadlines::Due;
use crate::ids::ListenerKey;
use crate::output::Output;
use crate::state::{State, Step};
use alloc::vec::Vec;
use core::time::Duration;

/// Pause after accepting failed for want of descriptors.
const PAUSE: Duration = Duration::from_millis(100);

impl State {
    pub(crate) fn accept_budget(&self, listener: ListenerKey) -> u32 {
        let Some(configured) = self.config.listeners.get(&listener) else { return 0 };
        let shown = configured.providers.iter().filter_map(|key| self.providers.get(key));
        let opening = shown.into_iter().any(|provider| provider.is_first_opening());
        if opening
            || self.closed_listeners.contains(&listener)
            || self.last_step.is_none()
            || self.shutdown.is_some()
            || self.accept_again_at.is_some()
        {
            return 0;
        }
        let open = u32::try_from(self.connections.len()).unwrap_or(u32::MAX);
        self.config.limits.connections.saturating_sub(open)
    }
}

impl Step<'_> {
    pub(crate) fn accept_failed(&mut self) {
        if self.state.accept_again_at.is_none() {
            let at = self.now.instant.after(PAUSE);
            self.state.accept_again_at = Some(at);
            self.state.deadlines.set(at, Due::Accept);
        }
    }

    pub(crate) fn accept_pause_ended(&mut self) {
        self.state.accept_again_at = None;
        self.accept_again();
    }

    /// Tells every listener that may accept again.
    pub(crate) fn accept_again(&mut self) {
        self.accept_again_except(&[]);
    }

    /// Tells every listener that may accept, unless it could before.
    pub(crate) fn accept_again_except(&mut self, before: &[ListenerKey]) {
        for listener in self.accepting() {
            if !before.contains(&listener) {
                self.output(Output::AcceptAgain { listener });
            }
        }
    }

    /// Listeners that may accept.
    pub(crate) fn accepting(&self) -> Vec<ListenerKey> {
        let listeners = self.state.config.listeners.keys().copied();
        listeners.filter(|listener| self.state.accept_budget(*listener) > 0).collect()
    }
}
