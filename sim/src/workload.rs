//! What clients ask: a small hot set of names under a few applications, of both authenticators and none.

mod edges;
mod own;
mod wrong;

use crate::call::{Auth, Call, KeyUse, Meaning, Template, frame};
use crate::canary;
use crate::capabilities::{ECDSA, RSA};
use crate::identity::Identities;
use crate::malformed;
use crate::plan::{ADMIN, KINDS, Kind, LISTENER, Plan, TOKEN_ADMIN};
use crate::provider::crypto;
use crate::random::{Domain, Random};
use crate::specification::{Encoding, policy};
use parsecd_core::config::Limits;
use parsecd_core::identity::{ApplicationIdentity, KeyIdentity, Peer, PeerCredentials, PeerGroup};
use parsecd_wire::algorithm::{Algorithm, Hash};
use parsecd_wire::attributes::{EccFamily, KeyType, UsageFlags};
use parsecd_wire::header::RawHeader;
use parsecd_wire::{AuthenticationType, CheckType, KeyAttributes, Operation, ProviderId, Status};

/// Uid of a client that shows its name only.
const PLAIN_UID: u32 = 1000;
/// The principal that has one request at a time, where one has.
pub const PAUSES: u64 = 1;

/// Makes requests.
#[derive(Clone, Debug)]
pub struct Workload {
    /// Key names in use.
    pub names: u64,
    /// Applications in use.
    pub applications: u64,
    /// Weights of [`KINDS`].
    pub weights: [u32; KINDS.len()],
    /// How many clients in a thousand keep their connection, and for how many requests at most.
    pub kept: (u32, u64),
    /// Clients in a thousand that show a token.
    pub tokens: u32,
    /// Who issues and verifies tokens.
    pub identities: Identities,
    limits: Limits,
    /// See [`Plan::pauses`].
    pauses: bool,
    /// See [`Plan::leaves`].
    leaves: bool,
    asked: u64,
    /// How the next request is encoded, if not by `wire`.
    encoding: Option<Encoding>,
    /// Signatures that were given out, to be verified later.
    signatures: Vec<(KeyIdentity, KeyUse)>,
}

impl Workload {
    /// As the plan says.
    pub fn new(plan: &Plan) -> Self {
        let Plan { names, applications, kept, .. } = *plan;
        let identities = Identities::new(plan.weights.tokens_wrong, &plan.config.limits);
        Workload {
            tokens: plan.weights.tokens,
            identities,
            names,
            applications,
            weights: plan.weights.operations,
            kept,
            limits: plan.config.limits.clone(),
            pauses: plan.pauses,
            leaves: plan.leaves,
            asked: 0,
            encoding: None,
            signatures: Vec::new(),
        }
    }

    /// Remembers a signature.
    pub fn signed(&mut self, key: &KeyIdentity, operation: &KeyUse, signature: &[u8]) {
        if let KeyUse::Sign { algorithm, hash } = operation {
            let verify =
                KeyUse::Verify { algorithm: *algorithm, hash: hash.clone(), signature: signature.to_vec() };
            self.signatures.push((key.clone(), verify));
            if self.signatures.len() > 64 {
                self.signatures.remove(0);
            }
        }
    }

    /// Every key name that requests may use.
    pub fn all_keys(&self) -> Vec<(Auth, KeyIdentity, ProviderId)> {
        let mut keys = Vec::new();
        for application in 0..self.applications {
            let auth = auth_of(application);
            for (provider, id) in [("sealing", ProviderId::MbedCrypto), ("owning", ProviderId::Pkcs11)] {
                for name in 0..self.names {
                    if let Some(application) = auth.application() {
                        keys.push((
                            auth.clone(),
                            KeyIdentity::new(&application, &provider.into(), &self.key_name(name)),
                            id,
                        ));
                    }
                }
            }
        }
        keys
    }

    /// The requests of the next client where four principals saturate a provider: those of `principal`, of
    /// which 0 uses a hundred names that nobody verifies.
    pub fn saturating(&mut self, principal: u64, random: &mut Random) -> Vec<Call> {
        let draw = Domain::Workload;
        let count = random.between(draw, 20, 64);
        let own = if self.leaves { Some(random.between(draw, 1, 3)) } else { None };
        let mut calls: Vec<Call> = (0..count)
            .map(|_| {
                let auth = match principal {
                    0 => {
                        let name = own.unwrap_or_else(|| random.between(draw, 1, 100));
                        Auth::Direct(format!("name {name}"))
                    }
                    uid => Auth::Unix(2000 + uid as u32),
                };
                let size = match self.pauses {
                    true if principal == PAUSES => 2048,
                    true => random.between(draw, 16, 256),
                    false => random.between(draw, 16, 2048),
                };
                self.draw_encoding(random);
                let operation = Operation::PsaGenerateRandom { size };
                self.call(operation, ProviderId::Pkcs11, &auth, Meaning::Random(size))
            })
            .collect();
        calls.iter_mut().for_each(Call::keep);
        calls
    }

    /// The requests of the next client. All but the last keep the connection.
    pub fn next(&mut self, random: &mut Random) -> Vec<Call> {
        let draw = Domain::Workload;
        let auth = self.auth(random);
        let mut calls = vec![self.request(auth.clone(), random)];
        if !random.chance(draw, self.kept.0) {
            return calls;
        }
        for _ in 1..random.between(draw, 1, self.kept.1) {
            let other = self.auth(random);
            let auth = if random.chance(draw, 800) { auth.clone() } else { other };
            calls.push(self.request(auth, random));
        }
        // What comes after a request that never ends would be taken for its end.
        let endless = calls.iter().position(|call| matches!(call.meaning, Meaning::Incomplete));
        calls.truncate(endless.map_or(calls.len(), |endless| endless + 1));
        let (peer, last) = (calls[0].peer, calls.len() - 1);
        for (index, call) in calls.iter_mut().enumerate() {
            call.bytes.truncate(call.length);
            if index < last || random.chance(draw, 500) {
                call.keep();
            }
            call.come_from(peer);
        }
        calls
    }

    /// What some client shows.
    fn auth(&mut self, random: &mut Random) -> Auth {
        if random.chance(Domain::Workload, self.tokens) {
            let name = format!("spiffe://sim/{}", random.between(Domain::Workload, 1, self.applications));
            return Auth::Token(self.identities.issue(&name, random));
        }
        if random.chance(Domain::Workload, 10) {
            return self.odd_name(random);
        }
        auth_of(random.between(Domain::Workload, 0, self.applications - 1))
    }

    /// What a client shows that is this application.
    pub fn auth_for(&mut self, application: &ApplicationIdentity, random: &mut Random) -> Auth {
        match application.authenticator {
            AuthenticationType::Direct => Auth::Direct(application.name.to_string()),
            AuthenticationType::JwtSvid => Auth::Token(self.identities.issue(&application.name, random)),
            _ => Auth::Unix(application.name.parse().unwrap_or_default()),
        }
    }

    /// Half of all requests are encoded from the specification, and most of these in a way that is odd.
    fn draw_encoding(&mut self, random: &mut Random) {
        let drawn = random.bits(Domain::Workload);
        let (second, odd) = (drawn >> 63 == 1, !drawn.is_multiple_of(4));
        let oddness = if odd { drawn } else { 0 };
        self.encoding = second.then_some(Encoding { oddness, longest: self.limits.body_length as usize });
    }

    fn request(&mut self, auth: Auth, random: &mut Random) -> Call {
        let draw = Domain::Workload;
        let index = random.weighted(draw, &self.weights).unwrap_or_default();
        let owning = random.chance(draw, 500);
        let name = self.key_name(random.between(draw, 0, self.names - 1));
        self.make(KINDS[index], auth, owning, &name, random)
    }

    /// A request of this kind.
    pub fn make(&mut self, kind: Kind, auth: Auth, owning: bool, name: &str, random: &mut Random) -> Call {
        self.draw_encoding(random);
        let id = if owning { ProviderId::Pkcs11 } else { ProviderId::MbedCrypto };
        let key = auth.application().map(|application| {
            KeyIdentity::new(&application, &if owning { "owning" } else { "sealing" }.into(), name)
        });
        let Some(key) = key else { return self.ask(auth, id, random) };
        let mut call = self.make_for(kind, auth.clone(), id, key, random);
        if kind == Kind::Malformed {
            self.refuse_name(&mut call, &auth);
        }
        call
    }

    fn make_for(
        &mut self,
        kind: Kind,
        auth: Auth,
        id: ProviderId,
        key: KeyIdentity,
        random: &mut Random,
    ) -> Call {
        let draw = Domain::Workload;
        let owning = id == ProviderId::Pkcs11;
        let key_name = key.name.to_string();
        match kind {
            Kind::Create => {
                let (operation, meaning) = self.create(key, owning, random);
                self.call(operation, id, &auth, meaning)
            }
            Kind::CreateRefused => {
                let (attributes, refusals) = refused(random);
                let operation = Operation::PsaGenerateKey { key_name, attributes };
                self.call(operation, id, &auth, Meaning::Create { key, attributes, refusals })
            }
            Kind::Destroy => {
                let operation = Operation::PsaDestroyKey { key_name };
                self.call(operation, id, &auth, Meaning::Destroy { key })
            }
            Kind::Sign => {
                let algorithm = *random.pick(draw, &[ECDSA, ECDSA, RSA]);
                let length = *random.pick(draw, &[32, 32, 32, 20]);
                let hash = crypto::expand(random.bits(draw), length);
                let (algorithm, hash) = self.any_signature(random).unwrap_or((algorithm, hash));
                let operation = Operation::PsaSignHash { key_name, algorithm, hash: hash.clone() };
                let used = KeyUse::Sign { algorithm, hash };
                self.call(operation, id, &auth, Meaning::Use { key, operation: used })
            }
            Kind::Verify => self.verify(auth, key, id, random),
            Kind::ExportPublic => {
                let operation = Operation::PsaExportPublicKey { key_name };
                self.call(operation, id, &auth, Meaning::Use { key, operation: KeyUse::ExportPublic })
            }
            Kind::Export => {
                let operation = Operation::PsaExportKey { key_name };
                let used = KeyUse::Export { served: !owning };
                self.call(operation, id, &auth, Meaning::Use { key, operation: used })
            }
            Kind::Random => {
                let size = self.random_size(random);
                self.call(Operation::PsaGenerateRandom { size }, id, &auth, Meaning::Random(size))
            }
            Kind::Hash => self.hash(auth, id, random),
            Kind::ListKeys => {
                let meaning = Meaning::ListKeys(key.application);
                self.call(Operation::ListKeys, ProviderId::Core, &auth, meaning)
            }
            Kind::ListClients | Kind::DeleteClient => self.administer(kind, auth, random),
            Kind::Ask if self.encoding.is_some() && random.chance(draw, 700) => {
                self.own(&auth, key, id, random)
            }
            Kind::Ask => self.ask(auth, id, random),
            Kind::Malformed if self.encoding.is_some() => self.wrong(auth, id, &key_name, random),
            Kind::Malformed => {
                let mut call = self.ask(auth.clone(), id, random);
                malformed::spoil(&mut call, &auth, self.limits.body_length, random);
                call
            }
        }
    }

    /// A request for this operation.
    pub fn call(
        &mut self,
        operation: Operation,
        provider: ProviderId,
        auth: &Auth,
        meaning: Meaning,
    ) -> Call {
        self.asked += 1;
        let mut session = self.asked.wrapping_mul(0x0101_0101_0101);
        let bytes = match self.encoding {
            Some(encoding) => {
                session ^= encoding.oddness;
                encoding.frame(&operation, provider, session, auth)
            }
            None => frame(&operation, provider, session, auth),
        };
        let meaning = match body_length(&bytes) > self.limits.body_length {
            true => Meaning::Anonymous(Status::BodySizeExceedsLimit),
            false => meaning,
        };
        let uid = if let Auth::Unix(uid) = auth { *uid } else { PLAIN_UID };
        let mut call = Call {
            meaning,
            provider,
            opcode: operation.opcode(),
            session,
            listener: LISTENER,
            application: auth.application(),
            shows: auth.encoded().0,
            token: if let Auth::Token(token) = auth { Some(token.serial) } else { None },
            peer: Peer {
                credentials: Some(PeerCredentials { uid, gid: uid, pid: 1 }),
                group: PeerGroup(uid.into()),
            },
            length: bytes.len(),
            announced: (0, 0),
            keeps: false,
            bytes,
        };
        self.refuse_name(&mut call, auth);
        call
    }

    fn create(&mut self, key: KeyIdentity, owning: bool, random: &mut Random) -> (Operation, Meaning) {
        let draw = Domain::Workload;
        let template = *random.pick(draw, &Template::ALL);
        let attributes = self.any_policy(template.attributes(), random);
        let imports =
            !template.can_be_generated() || (template.can_be_imported() && random.chance(draw, 300));
        let refusals = match template {
            _ if !imports && policy::is_deprecated(&attributes) => vec![Status::DeprecatedPrimitive],
            Template::Secret if owning => vec![Status::PsaErrorNotSupported],
            _ => Vec::new(),
        };
        let key_name = key.name.to_string();
        let operation = if imports {
            let seed = random.bits(draw);
            let mut data = canary::mark(crypto::expand(seed, attributes.bits as usize / 8));
            if attributes.key_type.is_public() {
                data = crypto::public(&Template::Signer.attributes(), &data);
            }
            let asked = if random.chance(draw, 300) { 0 } else { attributes.bits };
            let attributes = KeyAttributes { bits: asked, ..attributes };
            Operation::PsaImportKey { key_name, attributes, data: data.into() }
        } else {
            Operation::PsaGenerateKey { key_name, attributes }
        };
        (operation, Meaning::Create { key, attributes, refusals })
    }

    fn verify(&mut self, auth: Auth, key: KeyIdentity, id: ProviderId, random: &mut Random) -> Call {
        let draw = Domain::Workload;
        let known = self.signatures.iter().rev().find(|(name, _)| *name == key).cloned();
        let (key, used) = match known {
            Some(known) if random.chance(draw, 800) => known,
            _ => {
                let hash = crypto::expand(random.bits(draw), 32);
                (key, KeyUse::Verify { algorithm: ECDSA, hash, signature: vec![7; 64] })
            }
        };
        let KeyUse::Verify { algorithm, hash, signature } = used.clone() else {
            unreachable!("only verifications are remembered")
        };
        let key_name = key.name.to_string();
        let operation = Operation::PsaVerifyHash { key_name, algorithm, hash, signature };
        self.call(operation, id, &auth, Meaning::Use { key, operation: used })
    }

    fn hash(&mut self, auth: Auth, id: ProviderId, random: &mut Random) -> Call {
        let draw = Domain::Workload;
        let algorithm = *random.pick(draw, &[Hash::Sha256, Hash::Sha512, Hash::Md2]);
        let compares = random.chance(draw, 500);
        let length = match random.between(draw, 0, 5) {
            short @ 0..4 => [0, 1, 100, 3000][short as usize],
            _ => self.longest_input(algorithm, compares) + random.between(draw, 0, 2) as usize - 1,
        };
        // Where bodies may be large most are, and they differ: one has room where another has none.
        let large = self.limits.body_length > 4096 && random.chance(draw, 700);
        let longest = u64::from(self.limits.body_length) - 100;
        let length = if large { random.between(draw, 16_500, longest) as usize } else { length };
        let input = canary::mark(crypto::expand(random.bits(draw), length));
        if !compares {
            let operation = Operation::PsaHashCompute { algorithm, input: input.clone().into() };
            return self.call(operation, id, &auth, Meaning::Hash { algorithm, input, expected: None });
        }
        let mut hash = crypto::hash(algorithm, &input);
        if random.chance(draw, 300) {
            hash[0] ^= 1;
        }
        let operation =
            Operation::PsaHashCompare { algorithm, input: input.clone().into(), hash: hash.clone() };
        self.call(operation, id, &auth, Meaning::Hash { algorithm, input, expected: Some(hash) })
    }

    /// The longest input of a hash whose request is as long as it may be.
    fn longest_input(&self, algorithm: Hash, compares: bool) -> usize {
        // Number of the algorithm, number and length of each field (operations.md 14).
        let hash = if compares { 2 + algorithm.length() } else { 0 };
        let least = 2 + 1 + hash;
        let length = |input: usize| least + 1 + input.max(1).ilog2() as usize / 7 + input;
        let limit = self.limits.body_length as usize;
        (0..limit).rev().find(|input| length(*input) <= limit).unwrap_or_default()
    }

    fn administer(&mut self, kind: Kind, auth: Auth, random: &mut Random) -> Call {
        let draw = Domain::Workload;
        let admin = random.chance(draw, 800);
        let auth = match (admin, &auth) {
            (true, Auth::Unix(_)) => Auth::Unix(0),
            (true, Auth::Token(_)) => Auth::Token(self.identities.issue(TOKEN_ADMIN, random)),
            (true, _) => Auth::Direct(ADMIN.to_owned()),
            (false, _) => auth.clone(),
        };
        let Some(own) = auth.application() else { return self.ask(auth, ProviderId::Core, random) };
        let victim = self.auth(random).application();
        let victim = victim
            .filter(|victim| victim.authenticator == own.authenticator)
            .unwrap_or(ApplicationIdentity { name: "nobody".into(), ..own.clone() });
        let (operation, meaning) = match kind {
            Kind::ListClients => (Operation::ListClients, Meaning::ListClients(own.authenticator)),
            _ => (Operation::DeleteClient { client: victim.name.to_string() }, Meaning::DeleteClient(victim)),
        };
        let meaning = if admin { meaning } else { Meaning::Fixed(Status::AdminOperation) };
        self.call(operation, ProviderId::Core, &auth, meaning)
    }

    fn ask(&mut self, auth: Auth, id: ProviderId, random: &mut Random) -> Call {
        let draw = Domain::Workload;
        let anonymous = auth == Auth::Anonymous;
        let attributes = Template::Signer.attributes();
        let sect = KeyType::EccKeyPair(EccFamily::SectK1);
        match random.between(draw, 0, 6) {
            0 => self.call(Operation::Ping, ProviderId::Core, &auth, Meaning::Ask),
            1 => self.call(Operation::ListProviders, ProviderId::Core, &auth, Meaning::Ask),
            2 => self.call(Operation::ListAuthenticators, ProviderId::Core, &auth, Meaning::Ask),
            3 => {
                let provider = *random.pick(draw, &[ProviderId::Core, id]);
                let operation = Operation::ListOpcodes { provider };
                self.call(operation, ProviderId::Core, &auth, Meaning::ListOpcodes(provider))
            }
            4 => {
                let operation = Operation::ListOpcodes { provider: ProviderId::Tpm };
                self.call(operation, ProviderId::Core, &auth, Meaning::Fixed(Status::ProviderNotRegistered))
            }
            5 if anonymous => {
                let meaning = Meaning::Fixed(Status::NotAuthenticated);
                self.call(Operation::ListKeys, ProviderId::Core, &auth, meaning)
            }
            check => {
                let can = check == 5 || random.chance(draw, 500);
                let attributes =
                    KeyAttributes { key_type: if can { attributes.key_type } else { sect }, ..attributes };
                let operation = Operation::CanDoCrypto { check_type: CheckType::Use, attributes };
                let meaning =
                    if anonymous { Meaning::Fixed(Status::NotAuthenticated) } else { Meaning::CanDo(can) };
                self.call(operation, id, &auth, meaning)
            }
        }
    }
}

/// Creations that no fake provider can hold, and what they may be told.
fn refused(random: &mut Random) -> (KeyAttributes, Vec<Status>) {
    let signer = Template::Signer.attributes();
    let pair = |family| KeyType::EccKeyPair(family);
    let (not_supported, invalid) = (Status::PsaErrorNotSupported, Status::PsaErrorInvalidArgument);
    match random.between(Domain::Workload, 0, 3) {
        0 => (KeyAttributes { key_type: pair(EccFamily::SectK1), bits: 233, ..signer }, vec![not_supported]),
        1 => (KeyAttributes { bits: 255, ..signer }, vec![not_supported, invalid]),
        2 => (Template::Public.attributes(), vec![invalid]),
        _ => {
            let usage = UsageFlags::default();
            let des = KeyAttributes { key_type: KeyType::Des, bits: 64, usage, algorithm: Algorithm::None };
            (des, vec![Status::DeprecatedPrimitive])
        }
    }
}

/// How long the header says that the body is.
fn body_length(frame: &[u8]) -> u32 {
    frame.first_chunk().map_or(0, |header| RawHeader::from_bytes(header).body_length)
}

/// The applications: two authenticators share every name, so that pooling them shows.
pub fn auth_of(application: u64) -> Auth {
    let number = 1001 + (application / 2) as u32;
    if application.is_multiple_of(2) { Auth::Direct(number.to_string()) } else { Auth::Unix(number) }
}
