//! Scripted stories of the whole core: one input at a time, nothing by chance.

mod closing;
mod executor;
mod hosts;
mod kept;
mod keys_owned;
mod keys_sealed;
mod lists;
mod tokens;
mod world;
