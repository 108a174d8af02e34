//! The client: where to send requests, as whom, and for how long to wait.

use crate::transport::{Deadline, exchange};
use crate::{Authentication, Endpoint, Error, ProtocolError, UsageError};
use parsecd_wire::header::{HEADER_LENGTH, RequestHeader};
use parsecd_wire::{AuthenticationType, Operation, ProviderId, Reply, SecretBytes, Status};
use std::time::Duration;

/// Time for one request, from connecting to the last byte of the answer, unless changed.
const DEADLINE: Duration = Duration::from_secs(60);
/// Bytes of an answer's body that are accepted unless changed. parsecd's own limit is a little over 1 MiB.
const RESPONSE_LIMIT: usize = 64 << 20;

/// A client of one Parsec service. It holds no connection: clones and threads may use it at will.
#[derive(Clone, Debug)]
pub struct Client {
    endpoint: Endpoint,
    authentication: Authentication,
    provider: ProviderId,
    deadline: Duration,
    response_limit: usize,
}

impl Client {
    /// A client of the service at `endpoint`: no authentication, provider Core, 60 s for each request,
    /// answers of up to 64 MiB. Sends nothing.
    pub fn new(endpoint: Endpoint) -> Client {
        Client {
            endpoint,
            authentication: Authentication::None,
            provider: ProviderId::Core,
            deadline: DEADLINE,
            response_limit: RESPONSE_LIMIT,
        }
    }

    /// As [`Client::new`] with [`Endpoint::from_environment`].
    ///
    /// # Errors
    /// [`UsageError::Endpoint`].
    pub fn from_environment() -> Result<Client, Error> {
        Ok(Client::new(Endpoint::from_environment()?))
    }

    /// The same client with another authentication.
    pub fn with_authentication(mut self, authentication: Authentication) -> Client {
        self.authentication = authentication;
        self
    }

    /// The same client with another provider for keys and cryptography.
    pub fn with_provider(mut self, provider: ProviderId) -> Client {
        self.provider = provider;
        self
    }

    /// The same client with `total` time for each request, from connecting to the last byte of the answer.
    pub fn with_deadline(mut self, total: Duration) -> Client {
        self.deadline = total;
        self
    }

    /// The same client accepting answers with bodies of up to `bytes`.
    pub fn with_response_limit(mut self, bytes: usize) -> Client {
        self.response_limit = bytes;
        self
    }

    /// Where it sends requests.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// How it authenticates requests that need it.
    pub fn authentication(&self) -> &Authentication {
        &self.authentication
    }

    /// Provider for keys and cryptography.
    pub fn provider(&self) -> ProviderId {
        self.provider
    }

    /// Sends `operation` to `provider` on a connection of its own and waits for the reply. Operations of the
    /// Core provider that need no identity are sent without authentication, so that they also succeed with
    /// wrong credentials.
    ///
    /// # Errors
    /// [`Error`]. After a [`Error::Transport`] or [`Error::Protocol`] the operation may have been carried out.
    pub fn request(&self, provider: ProviderId, operation: &Operation) -> Result<Reply, Error> {
        let deadline = Deadline::after(self.deadline);
        let opcode = operation.opcode();
        let frame = self.frame(provider, operation)?;
        let (header, body) = exchange(&self.endpoint, &frame, deadline, self.response_limit)?;
        // The answer to a request that could not be parsed carries another opcode: the status says more.
        if header.status != Status::Success {
            return Err(Error::Service(header.status));
        }
        if header.opcode != opcode {
            return Err(ProtocolError::Opcode { sent: opcode, received: header.opcode }.into());
        }
        Reply::decode(opcode, body.expose()).map_err(|source| ProtocolError::Body { opcode, source }.into())
    }

    /// Header, body and authentication in one buffer of the right size, so that no secret is left behind by
    /// a buffer that grew.
    fn frame(&self, provider: ProviderId, operation: &Operation) -> Result<SecretBytes, UsageError> {
        let opcode = operation.opcode();
        let (authentication_type, authentication) = if opcode.is_core() && !opcode.needs_identity() {
            (AuthenticationType::None, Vec::new())
        } else {
            (self.authentication.kind(), self.authentication.payload()?)
        };
        let body = operation.encode();
        let body = body.expose();
        let too_long = UsageError::RequestTooLong { length: body.len() };
        let header = RequestHeader {
            flags: 0,
            provider,
            session: 0,
            authentication_type,
            body_length: u32::try_from(body.len()).map_err(|_| too_long)?,
            authentication_length: u16::try_from(authentication.len())
                .map_err(|_| UsageError::ApplicationName { length: authentication.len() })?,
            opcode,
        };
        let length = HEADER_LENGTH.saturating_add(body.len()).saturating_add(authentication.len());
        let mut frame = Vec::with_capacity(length);
        frame.extend_from_slice(&header.to_bytes());
        frame.extend_from_slice(body);
        frame.extend_from_slice(&authentication);
        Ok(SecretBytes::new(frame))
    }

    /// Sends `operation` to the Core provider.
    pub(crate) fn core(&self, operation: &Operation) -> Result<Reply, Error> {
        self.request(ProviderId::Core, operation)
    }

    /// Sends `operation` to the chosen provider, which must not be Core.
    pub(crate) fn crypto(&self, operation: &Operation) -> Result<Reply, Error> {
        match self.provider {
            ProviderId::Core => Err(UsageError::CoreProvider.into()),
            provider => self.request(provider, operation),
        }
    }
}
