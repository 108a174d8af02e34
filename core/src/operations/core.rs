//! Operations of the Core provider (operations.md 6).

use crate::authenticate::Caller;
use crate::config::ListenerConfig;
use crate::ids::{ProviderKey, RequestId};
use crate::request::ActiveRequest;
use crate::state::Step;
use alloc::string::String;
use alloc::vec::Vec;
use parsecd_wire::{
    AuthenticationType, AuthenticatorInfo, Opcode, Operation, ProviderId, ProviderInfo, Reply, Status, Uuid,
};

const CORE_UUID: Uuid =
    Uuid([0x47, 0x04, 0x98, 0x73, 0x2a, 0x43, 0x48, 0x45, 0x9d, 0x72, 0x83, 0x1e, 0xab, 0x66, 0x87, 0x84]);

/// Version of the service that Core reports, and of the authenticators.
const VERSION: (u32, u32, u32) = (0, 1, 0);

impl Step<'_> {
    pub(crate) fn run_core_operation(&mut self, id: RequestId, operation: Operation) {
        let Some(request) = self.state.requests.get(&id) else { return };
        let result = match operation {
            Operation::Ping => Ok(Reply::Ping { major: 1, minor: 0 }),
            Operation::ListProviders => Ok(Reply::ListProviders { providers: self.providers_shown(request) }),
            Operation::ListOpcodes { provider } => self.opcodes(request, provider),
            Operation::ListAuthenticators => Ok(self.authenticators(request)),
            Operation::ListKeys => return self.list_keys(id),
            Operation::ListClients => return self.list_clients(id),
            Operation::DeleteClient { client } => return self.delete_client(id, &client),
            _ => Err(Status::PsaErrorNotSupported),
        };
        self.answer(id, result);
    }

    fn listener_of<'a>(&self, request: &'a ActiveRequest) -> Option<&'a ListenerConfig> {
        let connection = self.state.connections.get(&request.connection?)?;
        request.config.listeners.get(&connection.listener)
    }

    /// Providers that the request's listener shows, in its order.
    pub(super) fn providers_of(&self, request: &ActiveRequest) -> Vec<ProviderKey> {
        self.listener_of(request).map(|listener| listener.providers.clone()).unwrap_or_default()
    }

    fn providers_shown(&self, request: &ActiveRequest) -> Vec<ProviderInfo> {
        let mut shown: Vec<ProviderInfo> = self
            .providers_of(request)
            .into_iter()
            .filter_map(|key| {
                let mut info = request.config.providers.get(&key)?.info.clone();
                if self.is_down(key) {
                    info.description.push_str(" (down: it does not answer at the moment)");
                }
                Some(info)
            })
            .collect();
        shown.push(ProviderInfo {
            uuid: CORE_UUID,
            description: String::from("parsecd: lists, and administration of clients"),
            vendor: String::new(),
            version: VERSION,
            id: ProviderId::Core,
        });
        shown
    }

    /// *Listed ⇔ served*, but for the MAC operations: interface libraries reject the whole answer on a
    /// number they do not know (decisions.md 2).
    fn opcodes(&self, request: &ActiveRequest, provider: ProviderId) -> Result<Reply, Status> {
        let numbers = |opcodes: &mut dyn Iterator<Item = Opcode>| opcodes.map(Opcode::number).collect();
        if provider == ProviderId::Core {
            let admin = matches!(&request.caller, Caller::Application(application) if application.is_admin());
            let mut core =
                Opcode::ALL.into_iter().filter(|opcode| opcode.is_core() && (admin || !opcode.needs_admin()));
            return Ok(Reply::ListOpcodes { opcodes: numbers(&mut core) });
        }
        let shown = self.listener_of(request).and_then(|listener| {
            let key = request.config.provider_shown(listener, provider)?;
            self.state.providers.get(&key)
        });
        let provider = shown.ok_or(Status::ProviderNotRegistered)?;
        let capabilities = provider.capabilities().ok_or(Status::PsaErrorCommunicationFailure)?;
        let mut listed = capabilities
            .opcodes
            .iter()
            .copied()
            .filter(|opcode| !matches!(opcode, Opcode::PsaMacCompute | Opcode::PsaMacVerify));
        Ok(Reply::ListOpcodes { opcodes: numbers(&mut listed) })
    }

    fn authenticators(&self, request: &ActiveRequest) -> Reply {
        let authenticators = self
            .listener_of(request)
            .map(|listener| {
                listener
                    .authenticators
                    .iter()
                    .map(|authenticator| AuthenticatorInfo {
                        description: String::from(describe(authenticator.kind)),
                        version: VERSION,
                        id: authenticator.kind,
                    })
                    .collect()
            })
            .unwrap_or_default();
        Reply::ListAuthenticators { authenticators }
    }
}

fn describe(kind: AuthenticationType) -> &'static str {
    match kind {
        AuthenticationType::None => "no authentication",
        AuthenticationType::Direct => "Direct: the application names itself, nobody verifies it",
        AuthenticationType::Jwt => "JSON Web Tokens",
        AuthenticationType::UnixPeerCredentials => "Unix peer credentials: the kernel vouches for the uid",
        AuthenticationType::JwtSvid => "SPIFFE JWT-SVID",
    }
}
