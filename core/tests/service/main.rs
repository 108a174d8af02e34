//! Scripted stories of the whole core: one input at a time, nothing by chance.

mod budgets;
mod churn;
mod closing;
mod crowds;
mod every_order;
mod executor;
mod hosts;
mod kept;
mod keys_owned;
mod keys_sealed;
mod lists;
mod mixes;
mod quotas;
mod reads;
mod reloads;
mod reopening;
mod tokens;
mod world;
mod writes;
