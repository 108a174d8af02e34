//! Deadlines that reloads change: what was set under one configuration is due under the next.

use parsecd_core::config::{Config, Deadlines};
use std::time::Duration;

/// The shortest and the longest of each deadline in one life of the daemon, from one reload to the next: one that is
/// set stays as it is, and follows the present configuration when it is set again.
#[derive(Clone, Debug)]
pub struct InForce {
    /// Nothing expires before it.
    pub shortest: Deadlines,
    /// After it everything has.
    pub longest: Deadlines,
}

impl InForce {
    /// A life begins with these.
    pub fn new(config: &Config) -> Self {
        InForce { shortest: config.deadlines.clone(), longest: config.deadlines.clone() }
    }

    /// A reload brings others.
    pub fn take(&mut self, config: &Config) {
        let mut new = config.deadlines.clone();
        let InForce { shortest, longest } = self;
        let own = changing(shortest).into_iter().zip(changing(longest));
        for ((shortest, longest), new) in own.zip(changing(&mut new)) {
            *shortest = Duration::min(*shortest, *new);
            *longest = Duration::max(*longest, *new);
        }
    }
}

/// Deadlines that reloads change; that of the queue is the last. The fakes of devices need the others as they are.
pub fn changing(deadlines: &mut Deadlines) -> [&mut Duration; 7] {
    [
        &mut deadlines.first_byte,
        &mut deadlines.silence,
        &mut deadlines.request,
        &mut deadlines.answer_taken,
        &mut deadlines.idle,
        &mut deadlines.drain,
        &mut deadlines.queue,
    ]
}
