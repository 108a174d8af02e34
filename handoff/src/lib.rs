//! What passes between the loop and a thread that may block: a bounded queue one way, completions the other
//! way, group commit on top of both, and one wake-up for many answers. Knows nothing of what is passed, of clocks
//! or of any runtime.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        clippy::arithmetic_side_effects
    )
)]

mod completions;
mod group;
mod queue;
mod sync;
mod wake;

pub use completions::{Completer, Completions, completions};
pub use group::serve_groups;
pub use queue::{Receiver, Refused, Sender, queue};
pub use wake::WakeFlag;
