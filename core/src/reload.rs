//! A new configuration: compared with the one before, and applied at once.
//!
//! What a request may do and what it is told follows the configuration it was admitted with
//! (`ActiveRequest::config`): authenticators, what a listener shows, policy, sizes, quotas. What is there for all
//! requests together follows the present one (`State::config`): caps of memory, queues and connections, and
//! deadlines from the next time they are set. Smaller caps take nothing away from who has more already.

use crate::config::Config;
use crate::ids::ListenerKey;
use crate::state::Step;
use alloc::collections::BTreeSet;
use alloc::sync::Arc;

impl Step<'_> {
    pub(crate) fn reconfigured(&mut self, mut config: Config) {
        if self.state.shutdown.is_some() {
            return;
        }
        let accepted = self.accepting();
        let serving = self.state.config.listeners.keys().copied().collect();
        self.state.closed_listeners = self.keep_closed_listeners(&mut config);
        self.state.config = Arc::new(config);
        self.state.generation = self.state.generation.saturating_add(1);
        self.configure_providers(&serving);
        self.room_was_freed();
        self.accept_again_except(&accepted);
    }

    /// Connections outlive their listener, and are served as it was. Gives the listeners that stay for their sake.
    fn keep_closed_listeners(&self, config: &mut Config) -> BTreeSet<ListenerKey> {
        let mut closed = BTreeSet::new();
        for key in self.state.connections.values().map(|connection| connection.listener) {
            if !config.listeners.contains_key(&key)
                && let Some(listener) = self.state.config.listeners.get(&key)
            {
                config.listeners.insert(key, listener.clone());
                closed.insert(key);
            }
        }
        closed
    }
}
