//! What the loop asks of the store and what it gets back: the outputs and inputs of the core that concern it.

use parsecd_core::identity::{KeyIdentity, Text};
use parsecd_core::ids::Ticket;
use parsecd_core::store::{CommitResult, Counters, Fetched, Mutation, Page, Query};

/// One thing asked of the store. Each is answered exactly once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreRequest {
    /// `Output::Fetch`.
    Fetch {
        /// For the answer.
        ticket: Ticket,
        /// Name of the key.
        identity: KeyIdentity,
        /// Principal whose counters are wanted.
        principal: Text,
    },
    /// `Output::List`.
    List {
        /// For the answer.
        ticket: Ticket,
        /// Of what.
        query: Query,
    },
    /// `Output::Commit`.
    Commit {
        /// For the answer.
        ticket: Ticket,
        /// How.
        mutation: Mutation,
    },
}

/// The answer to a [`StoreRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreAnswer {
    /// `Input::RecordFetched`.
    Fetched {
        /// Of the request.
        ticket: Ticket,
        /// The row.
        fetched: Fetched,
        /// What the tenant and its principal hold.
        counters: Counters,
    },
    /// `Input::Listed`.
    Listed {
        /// Of the request.
        ticket: Ticket,
        /// The rows.
        page: Page,
    },
    /// `Input::Committed`.
    Committed {
        /// Of the request.
        ticket: Ticket,
        /// How it ended.
        result: CommitResult,
    },
}
