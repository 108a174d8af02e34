//! Inputs and outputs as a hash and as a line of text.

use crate::trace::digest;
use parsecd_core::input::{HostState, Input};
use parsecd_core::output::Output;

/// Hash of an input.
pub fn input_digest(input: &Input<'_>) -> u64 {
    match input {
        Input::ConnectionOpened { connection, listener, peer } => digest(&(1, connection, listener, peer)),
        Input::BytesReceived { connection, bytes } => digest(&(2, connection, bytes)),
        Input::BytesSent { connection, count } => digest(&(3, connection, count)),
        Input::ReadClosed { connection } => digest(&(4, connection)),
        Input::ConnectionLost { connection } => digest(&(5, connection)),
        Input::AcceptFailed { listener } => digest(&(6, listener)),
        Input::TokenVerified { ticket, verdict } => digest(&(7, ticket, verdict)),
        Input::RecordFetched { ticket, fetched, counters } => digest(&(8, ticket, fetched, counters)),
        Input::Listed { ticket, page } => digest(&(9, ticket, page)),
        Input::Committed { ticket, result } => digest(&(10, ticket, result)),
        Input::StoreChanged { state } => digest(&(11, state)),
        Input::JobFinished { ticket, outcome } => digest(&(12, ticket, outcome)),
        Input::HostChanged { host, state: HostState::Opened { lanes } } => digest(&(13, host, lanes)),
        Input::HostChanged { host, state: HostState::Down { why } } => digest(&(14, host, why)),
        Input::Audited { ticket, written } => digest(&(15, ticket, written)),
        Input::Reconfigured { config } => digest(&(16, config)),
        Input::ShutdownRequested { grace } => digest(&(17, grace)),
        Input::TimePassed => digest(&18),
    }
}

/// Longest text of an event.
const LENGTH: usize = 240;

/// An input as a line of text.
pub fn input(instant: u64, input: &Input<'_>) -> String {
    let text = match input {
        Input::BytesReceived { connection, bytes } => {
            format!("BytesReceived {connection:?} {} bytes", bytes.len())
        }
        Input::Reconfigured { .. } => "Reconfigured".to_owned(),
        other => format!("{other:?}"),
    };
    shorten(format!("{:>14.6} > {text}", instant as f64 / 1e9))
}

/// An output as a line of text.
pub fn output(output: &Output) -> String {
    shorten(format!("               < {output:?}"))
}

fn shorten(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(LENGTH) {
        text.truncate(end);
    }
    text
}
