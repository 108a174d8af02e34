//! A complete frame becomes a request: steps 10 to 16 of the server pipeline (wire-protocol.md 4), in
//! exactly their order. Step 9 and everything before it answer anonymously and are the connection's.

use crate::authenticate::{Authenticated, Caller, authenticate};
use crate::config::Config;
use crate::connection::Frame;
use crate::identity::Peer;
use crate::ids::{ConnectionKey, ListenerKey, ProviderKey, RequestId};
use crate::observer::Event;
use crate::request::{ActiveRequest, Request, Timing};
use crate::state::Step;
use alloc::sync::Arc;
use parsecd_wire::header::RequestHeader;
use parsecd_wire::{Operation, ProviderId, Status};

/// What step 10 to 15 make of a frame.
struct Admission {
    caller: Caller,
    provider: Option<ProviderKey>,
    operation: Result<Operation, Status>,
}

impl Step<'_> {
    /// Takes a frame whose header was converted. `reserved` bytes are on the account for it.
    pub(crate) fn request_received(
        &mut self,
        connection: ConnectionKey,
        header: RequestHeader,
        frame: Frame,
        reserved: u64,
    ) {
        let Some((listener, peer)) =
            self.state.connections.get(&connection).map(|connection| (connection.listener, connection.peer))
        else {
            self.state.accounts.release(reserved);
            return;
        };
        let id = self.state.mint.request();
        let config = self.state.config.clone();
        let admission = admit(&config, listener, &header, frame, &peer);
        let request = ActiveRequest {
            id,
            connection: Some(connection),
            header,
            caller: admission.caller,
            peer,
            config,
            provider: admission.provider,
            reserved,
            subject: None,
            object: None,
            timing: Timing::default(),
            state: Request::Admitted,
        };
        self.state.requests.insert(id, request);
        self.expect_reply(connection, id);
        match admission.operation {
            Err(status) => self.answer(id, Err(status)),
            Ok(_) if self.state.shutdown.is_some() => {
                self.answer(id, Err(Status::PsaErrorCommunicationFailure));
            }
            Ok(operation) => self.run(id, connection, operation),
        }
    }

    fn run(&mut self, id: RequestId, connection: ConnectionKey, operation: Operation) {
        let Some(request) = self.state.requests.get(&id) else { return };
        let opcode = operation.opcode();
        let application = request.caller.identity();
        self.observer.event(Event::Admitted { request: id, connection, application, opcode });
        let provider = request.provider;
        match provider {
            None => self.run_core_operation(id, operation),
            Some(provider) => self.run_crypto_operation(id, provider, operation),
        }
    }
}

fn admit(
    config: &Arc<Config>,
    listener: ListenerKey,
    header: &RequestHeader,
    frame: Frame,
    peer: &Peer,
) -> Admission {
    let refused = |caller, provider, status| Admission { caller, provider, operation: Err(status) };
    let Some(listener) = config.listeners.get(&listener) else {
        return refused(Caller::Anonymous, None, Status::ConnectionError);
    };
    let authenticated = authenticate(
        listener,
        &config.limits,
        header.authentication_type,
        frame.authentication.expose(),
        peer,
    );
    let caller = match authenticated {
        Ok(Authenticated::Caller(caller)) => caller,
        Ok(Authenticated::NeedsToken) => {
            return refused(Caller::Anonymous, None, Status::AuthenticatorNotRegistered);
        }
        Err(status) => return refused(Caller::Anonymous, None, status),
    };
    let provider = match header.provider {
        ProviderId::Core => None,
        id => match config.provider_shown(listener, id) {
            Some(provider) => Some(provider),
            None => return refused(caller, None, Status::ProviderNotRegistered),
        },
    };
    let operation = decode(header, &caller, provider, frame);
    Admission { caller, provider, operation }
}

/// Steps 12 to 15.
fn decode(
    header: &RequestHeader,
    caller: &Caller,
    provider: Option<ProviderKey>,
    frame: Frame,
) -> Result<Operation, Status> {
    let opcode = header.opcode;
    if opcode.is_core() != provider.is_none() {
        return Err(Status::PsaErrorNotSupported);
    }
    if opcode.needs_admin() {
        caller.require_admin()?;
    }
    let operation = Operation::decode(opcode, frame.body).map_err(|error| error.status())?;
    if opcode.needs_identity() {
        caller.require_identity()?;
    }
    Ok(operation)
}
