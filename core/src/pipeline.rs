//! A complete frame becomes a request: steps 10 to 16 of the server pipeline (wire-protocol.md 4), in
//! exactly their order. Step 9 and everything before it answer anonymously and are the connection's.

use crate::authenticate::{Authenticated, Caller, authenticate};
use crate::connection::{Chunks, Frame};
use crate::ids::{ConnectionKey, ProviderKey, RequestId};
use crate::observer::Event;
use crate::request::{ActiveRequest, Request, Timing};
use crate::state::Step;
use alloc::boxed::Box;
use bytes::Buf;
use parsecd_wire::header::RequestHeader;
use parsecd_wire::{Operation, ProviderId, Status};

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
            return;
        };
        let id = self.state.mint.request();
        let held = frame.body.remaining().saturating_add(frame.authentication.len());
        let config = self.state.config.clone();
        let generation = self.state.generation;
        let kind = header.authentication_type;
        let authenticated = match config.listeners.get(&listener) {
            Some(listener) => {
                authenticate(listener, &config.limits, kind, frame.authentication.expose(), &peer)
            }
            None => Err(Status::ConnectionError),
        };
        let mut request = ActiveRequest {
            id,
            connection: Some(connection),
            header,
            caller: Caller::Anonymous,
            peer,
            config,
            generation,
            provider: None,
            reserved,
            subject: None,
            object: None,
            timing: Timing::default(),
            state: Request::Admitted,
        };
        let (caller, verdict) = match authenticated {
            Ok(Authenticated::Caller(caller)) => (caller, Ok(None)),
            Ok(Authenticated::NeedsToken) => (Caller::Anonymous, Ok(Some(frame.authentication))),
            Err(status) => (Caller::Anonymous, Err(status)),
        };
        request.caller = caller;
        self.state.requests.insert(id, Box::new(request));
        self.observer.event(Event::Received { request: id, connection, generation });
        self.expect_reply(connection, id, if reserved > 0 { 0 } else { crate::size(held) });
        match verdict {
            Err(status) => self.answer(id, Err(status)),
            Ok(None) => self.admit(id, frame.body),
            Ok(Some(token)) => {
                self.request_becomes(id, Request::Verifying { body: frame.body, token });
                self.token_pending(connection);
                self.verify_token(id);
            }
        }
    }

    /// Steps 11 to 16, once it is known who asks.
    pub(crate) fn admit(&mut self, id: RequestId, body: Chunks) {
        let Some(request) = self.state.requests.get_mut(&id) else { return };
        let Some(connection) = request.connection else { return };
        let listener = self.state.connections.get(&connection).map(|connection| connection.listener);
        let provider = match request.header.provider {
            ProviderId::Core => None,
            kind => {
                let shown = listener
                    .and_then(|listener| request.config.listeners.get(&listener))
                    .and_then(|listener| request.config.provider_shown(listener, kind));
                match shown {
                    Some(provider) => Some(provider),
                    None => return self.answer(id, Err(Status::ProviderNotRegistered)),
                }
            }
        };
        request.provider = provider;
        match decode(&request.header, &request.caller, provider, body) {
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
        let generation = request.generation;
        self.observer.event(Event::Admitted { request: id, connection, application, opcode, generation });
        let provider = request.provider;
        match provider {
            None => self.run_core_operation(id, operation),
            Some(provider) => self.run_crypto_operation(id, provider, operation),
        }
    }
}

/// Steps 12 to 15.
fn decode(
    header: &RequestHeader,
    caller: &Caller,
    provider: Option<ProviderKey>,
    body: Chunks,
) -> Result<Operation, Status> {
    let opcode = header.opcode;
    if opcode.is_core() != provider.is_none() {
        return Err(Status::PsaErrorNotSupported);
    }
    if opcode.needs_admin() {
        caller.require_admin()?;
    }
    let operation = Operation::decode(opcode, body).map_err(|error| error.status())?;
    if opcode.needs_identity() {
        caller.require_identity()?;
    }
    Ok(operation)
}
