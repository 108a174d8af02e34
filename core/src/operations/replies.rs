//! From a job's effect to a reply, and from a result to the response that leaves.

use crate::audit::AuditEvent;
use crate::connection::Response;
use crate::ids::RequestId;
use crate::observer::{Answered, Event};
use crate::outcome::Effect;
use crate::output::Output;
use crate::request::ActiveRequest;
use crate::state::Step;
use alloc::vec::Vec;
use parsecd_wire::algorithm::AsymmetricSignature;
use parsecd_wire::attributes::KeyType;
use parsecd_wire::{KeyAttributes, Reply, ResponseHeader, SecretBytes, Status};
use subtle::ConstantTimeEq;

/// What a job's effect has to look like; anything else is not delivered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Expected {
    Signature { length: usize, message: bool },
    Verified { message: bool },
    Random { length: usize },
    Hash { length: usize },
    SameHash { hash: Vec<u8>, length: usize },
    ExportedKey,
    AsymmetricCiphertext,
    AsymmetricPlaintext,
    AeadCiphertext,
    AeadPlaintext,
    Ciphertext,
    Plaintext,
    Mac,
    MacVerified,
    SharedSecret,
    Attestation,
    Credential,
}

impl Expected {
    /// A signature made with a key of these attributes; raw RSA signatures are as long as the modulus,
    /// ECDSA's twice as long as the curve's order (operations.md 5).
    pub(crate) fn signature(attributes: &KeyAttributes, algorithm: AsymmetricSignature) -> Expected {
        let bytes = crate::length(attributes.bits.div_ceil(8));
        let is_ecdsa = matches!(
            algorithm,
            AsymmetricSignature::Ecdsa(_)
                | AsymmetricSignature::EcdsaAny
                | AsymmetricSignature::DeterministicEcdsa(_)
        ) || matches!(attributes.key_type, KeyType::EccKeyPair(_));
        let length = if is_ecdsa { bytes.saturating_mul(2) } else { bytes };
        Expected::Signature { length, message: false }
    }

    /// Largest answer, in bytes, where it is known before the job runs.
    pub(crate) fn size(&self) -> u64 {
        match self {
            Expected::Signature { length, .. } | Expected::Random { length } | Expected::Hash { length } => {
                crate::size(*length)
            }
            _ => 0,
        }
    }

    /// The reply, or the status where the effect is a *no* or not what was asked for.
    pub(crate) fn reply(self, effect: Effect) -> Result<Reply, Status> {
        let wrong = Status::PsaErrorCommunicationFailure;
        Ok(match (self, effect) {
            (Expected::Signature { length, message }, Effect::Output(signature)) => {
                if signature.len() != length {
                    return Err(wrong);
                }
                if message { Reply::PsaSignMessage { signature } } else { Reply::PsaSignHash { signature } }
            }
            (Expected::Verified { message: false }, Effect::Verified) => Reply::PsaVerifyHash,
            (Expected::Verified { message: true }, Effect::Verified) => Reply::PsaVerifyMessage,
            (Expected::Random { length }, Effect::Secret(random_bytes)) => {
                if random_bytes.len() != length {
                    return Err(wrong);
                }
                Reply::PsaGenerateRandom { random_bytes }
            }
            (Expected::Hash { length }, Effect::Output(hash)) => {
                if hash.len() != length {
                    return Err(wrong);
                }
                Reply::PsaHashCompute { hash }
            }
            (Expected::SameHash { hash, length }, Effect::Output(computed)) => {
                if computed.len() != length {
                    return Err(wrong);
                }
                if !bool::from(hash.ct_eq(&computed)) {
                    return Err(Status::PsaErrorInvalidSignature);
                }
                Reply::PsaHashCompare
            }
            (Expected::ExportedKey, Effect::Secret(data)) => Reply::PsaExportKey { data },
            (Expected::AsymmetricCiphertext, Effect::Output(ciphertext)) => {
                Reply::PsaAsymmetricEncrypt { ciphertext }
            }
            (Expected::AsymmetricPlaintext, Effect::Secret(plaintext)) => {
                Reply::PsaAsymmetricDecrypt { plaintext }
            }
            (Expected::AeadCiphertext, Effect::Output(ciphertext)) => Reply::PsaAeadEncrypt { ciphertext },
            (Expected::AeadPlaintext, Effect::Secret(plaintext)) => Reply::PsaAeadDecrypt { plaintext },
            (Expected::Ciphertext, Effect::Output(ciphertext)) => Reply::PsaCipherEncrypt { ciphertext },
            (Expected::Plaintext, Effect::Secret(plaintext)) => Reply::PsaCipherDecrypt { plaintext },
            (Expected::Mac, Effect::Output(mac)) => Reply::PsaMacCompute { mac },
            (Expected::MacVerified, Effect::Verified) => Reply::PsaMacVerify,
            (Expected::SharedSecret, Effect::Secret(shared_secret)) => {
                Reply::PsaRawKeyAgreement { shared_secret }
            }
            (Expected::Attestation, Effect::Attestation { name, public, attesting_key_pub }) => {
                Reply::PrepareKeyAttestation { name, public, attesting_key_pub }
            }
            (Expected::Credential, Effect::Secret(credential)) => Reply::AttestKey { credential },
            _ => return Err(wrong),
        })
    }
}

impl Step<'_> {
    /// Answers a request: the last thing that happens to it.
    pub(crate) fn answer(&mut self, id: RequestId, result: Result<Reply, Status>) {
        let Some(request) = self.forget_request(id) else { return };
        let (status, body) = encode(&request, result);
        self.audit(&request, status);
        self.observer.event(Event::Answered(Answered {
            request: id,
            connection: request.connection,
            peer: request.peer.credentials,
            authentication: request.header.authentication_type,
            application: request.caller.identity(),
            provider: request.header.provider,
            opcode: request.header.opcode,
            generation: request.generation,
            status,
            queued: request.timing.queued,
            ran: request.timing.ran,
        }));
        if let Some(connection) = request.connection {
            let body_length = u32::try_from(body.len()).unwrap_or(u32::MAX);
            let header = ResponseHeader::echo(&request.header, status, body_length);
            self.reply(connection, id, Response { header, body });
        }
        self.room_was_freed();
    }

    fn audit(&mut self, request: &ActiveRequest, status: Status) {
        let refused = matches!(
            status,
            Status::AuthenticationError | Status::AuthenticatorNotRegistered | Status::AdminOperation
        );
        if !request.config.audit || !(request.header.opcode.needs_identity() || refused) {
            return;
        }
        let event = AuditEvent {
            wall: self.now.wall,
            request: request.id,
            peer: request.peer.credentials,
            application: request.caller.identity().cloned(),
            provider: request.header.provider,
            opcode: request.header.opcode,
            subject: request.subject.clone(),
            object: request.object,
            status,
        };
        let ticket = self.state.mint.ticket();
        self.output(Output::Audit { ticket, event });
    }
}

fn encode(request: &ActiveRequest, result: Result<Reply, Status>) -> (Status, SecretBytes) {
    match result {
        Err(status) => (status, SecretBytes::default()),
        Ok(reply) => {
            let body = reply.encode();
            if crate::size(body.len()) > request.config.limits.response {
                (Status::ResponseTooLarge, SecretBytes::default())
            } else {
                (Status::Success, body)
            }
        }
    }
}
