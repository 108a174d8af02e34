//! Operations of crypto providers: from an operation to a job, or to a call on a key.

use crate::capability::can_do;
use crate::identity::KeyIdentity;
use crate::ids::{ProviderKey, RequestId};
use crate::job::{Job, KeyOperation};
use crate::operations::replies::Expected;
use crate::policy::creation;
use crate::policy::usage::KeyUse;
use crate::record::Record;
use crate::request::{KeyCall, Request, Retries};
use crate::schedule::executor::runs_on_executor;
use crate::state::Step;
use alloc::string::String;
use alloc::sync::Arc;
use parsecd_wire::algorithm::{AsymmetricEncryption, Hash};
use parsecd_wire::{KeyAttributes, Opcode, Operation, Reply, SecretBytes, Status};

/// An operation as the core serves it.
enum Served {
    /// On a key of this name.
    OnKey(String, KeyCall),
    /// Needs a lane, but no key.
    WithoutKey(Job, Expected),
    /// Is answered already.
    Answered(Result<Reply, Status>),
}

impl Step<'_> {
    pub(crate) fn run_crypto_operation(
        &mut self,
        id: RequestId,
        provider: ProviderKey,
        operation: Operation,
    ) {
        let served = match self.check_served(provider, &operation) {
            Ok(()) => self.serve(id, provider, operation),
            Err(status) => Served::Answered(Err(status)),
        };
        match served {
            Served::Answered(result) => self.answer(id, result),
            Served::WithoutKey(job, expected) => self.queue_job(id, provider, job, None, expected),
            Served::OnKey(name, call) => self.call_key(id, provider, &name, call),
        }
    }

    /// Where it is not known what a provider can do, names and policies of its keys still are.
    fn check_served(&self, provider: ProviderKey, operation: &Operation) -> Result<(), Status> {
        let provider = self.state.providers.get(&provider).ok_or(Status::ProviderNotRegistered)?;
        match provider.capabilities() {
            Some(capabilities) if capabilities.opcodes.contains(&operation.opcode()) => Ok(()),
            Some(_) => Err(Status::PsaErrorNotSupported),
            None if names_key(operation.opcode()) => Ok(()),
            None => Err(Status::PsaErrorCommunicationFailure),
        }
    }

    fn serve(&self, id: RequestId, provider: ProviderKey, operation: Operation) -> Served {
        match operation {
            Operation::PsaGenerateRandom { size } => self.random(id, provider, size),
            Operation::PsaHashCompute { algorithm, input } => {
                self.hash(provider, algorithm, input, Expected::Hash { length: algorithm.length() })
            }
            Operation::PsaHashCompare { algorithm, input, hash } => {
                self.hash(provider, algorithm, input, Expected::SameHash { hash, length: algorithm.length() })
            }
            Operation::CanDoCrypto { check_type, attributes } => {
                let allow_deprecated =
                    self.state.requests.get(&id).is_some_and(|request| request.config.allow_deprecated);
                let answer = self
                    .serving_capabilities(provider)
                    .and_then(|capabilities| can_do(capabilities, check_type, &attributes, allow_deprecated));
                Served::Answered(answer.map(|()| Reply::CanDoCrypto))
            }
            Operation::PsaGenerateKey { key_name, attributes } => {
                self.creation(id, provider, key_name, attributes, None)
            }
            Operation::PsaImportKey { key_name, attributes, data } => {
                self.creation(id, provider, key_name, attributes, Some(data))
            }
            operation => match on_key(operation) {
                Some((name, call)) => match self.check_scheme(id, &call) {
                    Ok(()) => Served::OnKey(name, call),
                    Err(status) => Served::Answered(Err(status)),
                },
                None => Served::Answered(Err(Status::PsaErrorNotSupported)),
            },
        }
    }

    /// `refuse_pkcs1v15_encryption` switches RSAES-PKCS1-v1_5 off for everyone.
    fn check_scheme(&self, id: RequestId, call: &KeyCall) -> Result<(), Status> {
        let refused =
            self.state.requests.get(&id).is_some_and(|request| request.config.refuse_pkcs1v15_encryption);
        let is_pkcs1v15 = matches!(
            call,
            KeyCall::Use {
                key_use: KeyUse::AsymmetricEncrypt { algorithm: AsymmetricEncryption::RsaPkcs1v15Crypt, .. }
                    | KeyUse::AsymmetricDecrypt { algorithm: AsymmetricEncryption::RsaPkcs1v15Crypt, .. },
                ..
            }
        );
        if refused && is_pkcs1v15 { Err(Status::PsaErrorNotSupported) } else { Ok(()) }
    }

    fn random(&self, id: RequestId, provider: ProviderKey, size: u64) -> Served {
        let limit = self.state.requests.get(&id).and_then(|request| {
            let limits = &request.config.limits;
            let own = request.config.providers.get(&provider)?.random_limit;
            Some(own.unwrap_or(limits.buffer_size).min(limits.response))
        });
        if size > limit.unwrap_or(0) {
            return Served::Answered(Err(Status::ResponseTooLarge));
        }
        match u32::try_from(size) {
            Ok(0) => Served::Answered(Ok(Reply::PsaGenerateRandom { random_bytes: SecretBytes::default() })),
            Ok(length) => {
                let expected = Expected::Random { length: crate::length(length) };
                Served::WithoutKey(Job::Random { length }, expected)
            }
            Err(_) => Served::Answered(Err(Status::ResponseTooLarge)),
        }
    }

    fn hash(&self, provider: ProviderKey, algorithm: Hash, input: SecretBytes, expected: Expected) -> Served {
        let known = self
            .state
            .providers
            .get(&provider)
            .and_then(|provider| provider.capabilities())
            .is_some_and(|capabilities| capabilities.hashes.contains(&algorithm));
        if known {
            Served::WithoutKey(Job::HashCompute { algorithm, input }, expected)
        } else {
            Served::Answered(Err(Status::PsaErrorNotSupported))
        }
    }

    fn creation(
        &self,
        id: RequestId,
        provider: ProviderKey,
        name: String,
        attributes: KeyAttributes,
        data: Option<SecretBytes>,
    ) -> Served {
        match self.check_creation(id, provider, &name, &attributes, data.as_ref()) {
            Ok(()) => Served::OnKey(name, KeyCall::Create { attributes, data }),
            Err(status) => Served::Answered(Err(status)),
        }
    }

    fn check_creation(
        &self,
        id: RequestId,
        provider: ProviderKey,
        name: &str,
        attributes: &KeyAttributes,
        data: Option<&SecretBytes>,
    ) -> Result<(), Status> {
        let request = self.state.requests.get(&id).ok_or(Status::ConnectionError)?;
        let provider = self.state.providers.get(&provider).ok_or(Status::ProviderNotRegistered)?;
        let capabilities = provider.capabilities().ok_or(Status::PsaErrorCommunicationFailure)?;
        match data {
            None => creation::check_generate(attributes, capabilities, request.config.allow_deprecated)?,
            Some(data) => creation::check_import(attributes, data.len(), capabilities)?,
        }
        creation::check_name(name, &request.config.limits)
    }

    /// Starts a call on the key of this name. The identity is the caller's; without one there is no name.
    fn call_key(&mut self, id: RequestId, provider: ProviderKey, name: &str, call: KeyCall) {
        let Some(request) = self.state.requests.get_mut(&id) else { return };
        let (Some(application), Some(provider)) =
            (request.caller.identity(), request.config.providers.get(&provider))
        else {
            return self.answer(id, Err(Status::NotAuthenticated));
        };
        let identity = KeyIdentity::new(application, &provider.name, name);
        request.subject = Some(identity.name.clone());
        self.request_becomes(id, Request::Resolving { identity: identity.clone(), call });
        self.enter_gate(id, &identity);
    }

    /// Puts a job into its provider's queue once there is room for what it may need.
    pub(crate) fn queue_job(
        &mut self,
        id: RequestId,
        provider: ProviderKey,
        job: Job,
        uses: Option<Arc<Record>>,
        expected: Expected,
    ) {
        let limit = self.state.config.limits.request_memory;
        let Some(request) = self.state.requests.get(&id) else { return };
        let (payer, group, own) = (request.payer(), request.peer.group, request.reserved);
        let executor = self.state.config.executor.as_ref().map(|executor| &executor.capabilities);
        let needs_lane = !runs_on_executor(executor, &job);
        let queue =
            if needs_lane { self.check_queue(provider, &payer) } else { self.check_executor_queue(&payer) };
        let status = if self.state.shutdown.is_some() {
            Some(Status::PsaErrorCommunicationFailure)
        } else if needs_lane && self.is_down(provider) {
            Some(self.down_status(provider))
        } else if let Err(status) = queue {
            Some(status)
        } else if self.state.accounts.reserve(group, own, expected.size(), limit) {
            None
        } else {
            Some(Status::PsaErrorInsufficientMemory)
        };
        if let Some(status) = status {
            if let Some(record) = uses {
                self.use_ended(&record.identity);
            }
            return self.answer(id, Err(status));
        }
        if let Some(request) = self.state.requests.get_mut(&id) {
            request.reserved = request.reserved.saturating_add(expected.size());
        }
        if !needs_lane {
            return self.queue_for_executor(id, job, uses, expected, &payer);
        }
        self.request_becomes(
            id,
            Request::Queued { job: Arc::new(job), uses, expected, retries: Retries::default() },
        );
        self.expect_lane(id);
        self.enter_queue(provider, id);
    }
}

/// Whether an operation of this opcode is about a key that exists.
fn names_key(opcode: Opcode) -> bool {
    opcode.needs_identity()
        && !matches!(opcode, Opcode::PsaGenerateKey | Opcode::PsaImportKey | Opcode::CanDoCrypto)
}

/// The call on a key that an operation stands for.
fn on_key(operation: Operation) -> Option<(String, KeyCall)> {
    let key_use = KeyUse::of(&operation);
    let (name, operation) = match operation {
        Operation::PsaExportPublicKey { key_name } => return Some((key_name, KeyCall::ExportPublic)),
        Operation::PsaDestroyKey { key_name } => return Some((key_name, KeyCall::Destroy)),
        Operation::PsaExportKey { key_name } => (key_name, KeyOperation::Export),
        Operation::PsaSignHash { key_name, algorithm, hash } => {
            (key_name, KeyOperation::SignHash { algorithm, hash })
        }
        Operation::PsaVerifyHash { key_name, algorithm, hash, signature } => {
            (key_name, KeyOperation::VerifyHash { algorithm, hash, signature })
        }
        Operation::PsaAsymmetricEncrypt { key_name, algorithm, plaintext, salt } => {
            let salt = salt.unwrap_or_default();
            (key_name, KeyOperation::AsymmetricEncrypt { algorithm, plaintext, salt })
        }
        Operation::PsaAsymmetricDecrypt { key_name, algorithm, ciphertext, salt } => {
            let salt = salt.unwrap_or_default();
            (key_name, KeyOperation::AsymmetricDecrypt { algorithm, ciphertext, salt })
        }
        Operation::PsaAeadEncrypt { key_name, algorithm, nonce, additional_data, plaintext } => {
            (key_name, KeyOperation::AeadEncrypt { algorithm, nonce, additional_data, plaintext })
        }
        Operation::PsaAeadDecrypt { key_name, algorithm, nonce, additional_data, ciphertext } => {
            (key_name, KeyOperation::AeadDecrypt { algorithm, nonce, additional_data, ciphertext })
        }
        Operation::PsaCipherEncrypt { key_name, algorithm, plaintext } => {
            (key_name, KeyOperation::CipherEncrypt { algorithm, plaintext })
        }
        Operation::PsaCipherDecrypt { key_name, algorithm, ciphertext } => {
            (key_name, KeyOperation::CipherDecrypt { algorithm, ciphertext })
        }
        Operation::PsaMacCompute { key_name, algorithm, input } => {
            (key_name, KeyOperation::MacCompute { algorithm, input })
        }
        Operation::PsaMacVerify { key_name, algorithm, input, mac } => {
            (key_name, KeyOperation::MacVerify { algorithm, input, mac })
        }
        Operation::PsaRawKeyAgreement { algorithm, private_key_name, peer_key } => {
            (private_key_name, KeyOperation::RawKeyAgreement { algorithm, peer_key })
        }
        _ => return None,
    };
    Some((name, KeyCall::Use { operation, key_use: key_use? }))
}

/// What the job of a use has to produce.
pub(crate) fn expected_of(operation: &KeyOperation, attributes: &KeyAttributes) -> Expected {
    match operation {
        KeyOperation::SignHash { algorithm, .. } => Expected::signature(attributes, *algorithm),
        KeyOperation::VerifyHash { .. } => Expected::Verified { message: false },
        KeyOperation::Export => Expected::ExportedKey,
        KeyOperation::AsymmetricEncrypt { .. } => Expected::AsymmetricCiphertext,
        KeyOperation::AsymmetricDecrypt { .. } => Expected::AsymmetricPlaintext,
        KeyOperation::AeadEncrypt { .. } => Expected::AeadCiphertext,
        KeyOperation::AeadDecrypt { .. } => Expected::AeadPlaintext,
        KeyOperation::CipherEncrypt { .. } => Expected::Ciphertext,
        KeyOperation::CipherDecrypt { .. } => Expected::Plaintext,
        KeyOperation::MacCompute { .. } => Expected::Mac,
        KeyOperation::MacVerify { .. } => Expected::MacVerified,
        KeyOperation::RawKeyAgreement { .. } => Expected::SharedSecret,
        KeyOperation::PrepareAttestation => Expected::Attestation,
        KeyOperation::Attest { .. } => Expected::Credential,
    }
}
