//! A simulator of everything around parsecd's core, with faults, and an auditor that knows what must hold.
//!
//! The core is the real one. Clients, sockets, store, lane hosts, devices and clocks are fakes; one seed
//! decides everything. A failure is reproduced by its seed and budget.

pub mod auditor;
pub mod bodies;
pub mod bounds;
pub mod call;
pub mod canary;
pub mod capabilities;
pub mod client;
pub mod clock;
pub mod command;
pub mod configurations;
pub mod crash_table;
mod deadlines;
mod disturb;
mod driver;
pub mod excuses;
pub mod faults;
pub mod fork;
mod healing;
pub mod identity;
mod knobs;
pub mod lasting;
pub mod lifecycle;
pub mod limit;
mod link;
pub mod malformed;
pub mod names;
pub mod oracle;
mod orders;
pub mod plan;
pub mod probe;
pub mod provider;
pub mod queue;
pub mod random;
mod reload;
mod room;
pub mod run;
pub mod scenario;
pub mod sizes;
mod sockets;
pub mod specification;
pub mod stage;
pub mod store;
pub mod tape;
mod tell;
pub mod themes;
pub mod trace;
pub mod truth;
pub mod watch;
pub mod workload;
pub mod world;
