//! The lane host: carries one provider library in a process of its own, so that no vendor library is
//! loaded where the tenants' requests are parsed.
//!
//! parsecd starts it with one end of a Unix socket pair as standard input and sends it jobs. Its end is the
//! end of the stream: the host finishes the call it is in and leaves. Signals from a terminal do not reach
//! it, the daemon decides.

mod arguments;
mod link;
mod process;
mod store_key;

use arguments::Arguments;
use link::{Ended, Link, LinkError};
use parsecd_psa::Provider;
use std::process::ExitCode;

/// Why the host cannot go on.
#[derive(Debug, thiserror::Error)]
enum HostError {
    #[error(transparent)]
    Process(#[from] process::ProcessError),
    #[error(transparent)]
    StoreKey(#[from] store_key::StoreKeyError),
    #[error("cannot open the provider: {0}")]
    Open(#[from] parsecd_psa::OpenError),
    #[error(transparent)]
    Link(#[from] LinkError),
}

fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args_os().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("parsecd-host: {error}");
            return ExitCode::from(2);
        }
    };
    match run(arguments) {
        Ok(Ended) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("parsecd-host: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<Ended, HostError> {
    process::protect()?;
    let socket = process::socket_on_standard_input()?;
    let Arguments::Psa { store_key } = arguments;
    let store_key = store_key::read(&store_key)?;
    let mut provider = Provider::open(&store_key)?;
    drop(store_key);
    let library = provider.library();
    Ok(Link::open(socket, 1, library)?.serve(|job| provider.run(job))?)
}
