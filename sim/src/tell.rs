//! Inputs and outputs as a hash and as a line of text.

use crate::trace::digest;
use parsecd_core::ids::{ConnectionKey, HostKey, Ticket};
use parsecd_core::input::{HostState, Input};
use parsecd_core::output::{Output, Place};

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

/// Most characters of the last column.
const LENGTH: usize = 160;

/// An input as a line of text.
pub fn input(instant: u64, input: &Input<'_>) -> String {
    let (name, who, what) = match input {
        Input::ConnectionOpened { connection, listener, peer } => {
            ("ConnectionOpened", link(connection), format!("listener {} {:?}", listener.0, peer.credentials))
        }
        Input::BytesReceived { connection, bytes } => {
            ("BytesReceived", link(connection), format!("{} bytes", bytes.len()))
        }
        Input::BytesSent { connection, count } => ("BytesSent", link(connection), format!("{count} bytes")),
        Input::ReadClosed { connection } => ("ReadClosed", link(connection), String::new()),
        Input::ConnectionLost { connection } => ("ConnectionLost", link(connection), String::new()),
        Input::AcceptFailed { listener } => {
            ("AcceptFailed", format!("listener {}", listener.0), String::new())
        }
        Input::TokenVerified { ticket, verdict } => {
            ("TokenVerified", awaited(ticket), format!("{verdict:?}"))
        }
        Input::RecordFetched { ticket, fetched, counters } => {
            ("RecordFetched", awaited(ticket), format!("{fetched:?} {counters:?}"))
        }
        Input::Listed { ticket, page } => ("Listed", awaited(ticket), format!("{page:?}")),
        Input::Committed { ticket, result } => ("Committed", awaited(ticket), format!("{result:?}")),
        Input::StoreChanged { state } => ("StoreChanged", String::new(), format!("{state:?}")),
        Input::JobFinished { ticket, outcome } => ("JobFinished", awaited(ticket), format!("{outcome:?}")),
        Input::HostChanged { host: key, state } => ("HostChanged", host(key), format!("{state:?}")),
        Input::Audited { ticket, written } => ("Audited", awaited(ticket), format!("written {written}")),
        Input::Reconfigured { .. } => ("Reconfigured", String::new(), String::new()),
        Input::ShutdownRequested { grace } => ("ShutdownRequested", String::new(), format!("{grace:?}")),
        Input::TimePassed => ("TimePassed", String::new(), String::new()),
    };
    line(&format!("{:.6}", instant as f64 / 1e9), '>', name, &who, &what)
}

/// An output as a line of text.
pub fn output(output: &Output) -> String {
    let (name, who, what) = match output {
        Output::Write { connection } => ("Write", link(connection), String::new()),
        Output::ShutdownWrite { connection } => ("ShutdownWrite", link(connection), String::new()),
        Output::Close { connection } => ("Close", link(connection), String::new()),
        Output::Abort { connection } => ("Abort", link(connection), String::new()),
        Output::ReadAgain { connection } => ("ReadAgain", link(connection), String::new()),
        Output::AcceptAgain { listener } => {
            ("AcceptAgain", format!("listener {}", listener.0), String::new())
        }
        Output::VerifyToken { ticket, .. } => ("VerifyToken", awaited(ticket), String::new()),
        Output::Fetch { ticket, identity, .. } => ("Fetch", awaited(ticket), format!("{identity:?}")),
        Output::List { ticket, query } => ("List", awaited(ticket), format!("{query:?}")),
        Output::Commit { ticket, mutation } => ("Commit", awaited(ticket), format!("{mutation:?}")),
        Output::StartJob { ticket, on, job } => {
            let place = match on {
                Place::Lane(lane) => format!("{} lane {}", host(&lane.host), lane.lane),
                Place::Executor => "executor".to_owned(),
            };
            ("StartJob", awaited(ticket), format!("on {place} {job:?}"))
        }
        Output::CancelJob { ticket } => ("CancelJob", awaited(ticket), String::new()),
        Output::OpenHost { host: key } => ("OpenHost", host(key), String::new()),
        Output::KillHost { host: key } => ("KillHost", host(key), String::new()),
        Output::CloseHost { host: key } => ("CloseHost", host(key), String::new()),
        Output::Audit { ticket, event } => ("Audit", awaited(ticket), format!("{event:?}")),
        Output::Stopped => ("Stopped", String::new(), String::new()),
        Output::Idle { wake, more_work } => {
            let when = wake.map(|(at, why)| format!("wake {:.6} {why:?}", at.0 as f64 / 1e9));
            let more = if *more_work { " more work" } else { "" };
            ("Idle", String::new(), when.unwrap_or_default() + more)
        }
    };
    line("", '<', name, &who, &what)
}

fn link(connection: &ConnectionKey) -> String {
    format!("c{}.{}", connection.slot, connection.generation)
}

fn awaited(ticket: &Ticket) -> String {
    format!("t{}", ticket.0)
}

fn host(host: &HostKey) -> String {
    format!("h{}.{}.{}", host.provider.0, host.slot, host.generation)
}

/// The columns: time in seconds (inputs only), direction, what, about whom, details.
fn line(time: &str, direction: char, name: &str, who: &str, what: &str) -> String {
    let what: String = what.chars().take(LENGTH).collect();
    format!("{time:>14} {direction} {name:<17} {who:<10} {what}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use parsecd_core::ids::ListenerKey;

    #[test]
    fn columns_stand_under_each_other() {
        let one = input(1_500_000_000, &Input::AcceptFailed { listener: ListenerKey(0) });
        let two = output(&Output::CancelJob { ticket: Ticket(7) });
        assert_eq!(one, "      1.500000 > AcceptFailed      listener 0 ");
        assert_eq!(two, "               < CancelJob         t7         ");
    }
}
