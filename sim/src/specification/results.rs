//! Bodies of answers (operations.md 6 to 17): read strictly, and compared with what was read otherwise.

use super::protobuf::{Reader, Wrong};
use super::{attributes, numbers};
use parsecd_wire::{AuthenticatorInfo, KeyAttributes, ProviderInfo, Reply};

/// The body of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields are those of the operation")]
pub enum Answer<'a> {
    /// No field.
    Nothing,
    /// Ping.
    Version { major: u32, minor: u32 },
    /// ListProviders.
    Providers(Vec<Provider<'a>>),
    /// ListOpcodes.
    Opcodes(Vec<u64>),
    /// ListAuthenticators.
    Authenticators(Vec<Authenticator<'a>>),
    /// ListKeys.
    Keys(Vec<Key<'a>>),
    /// ListClients.
    Clients(Vec<&'a str>),
    /// One field 1, bytes.
    Bytes(&'a [u8]),
    /// PrepareKeyAttestation.
    Prepared { name: &'a [u8], public: &'a [u8], attesting_key: &'a [u8] },
    /// AttestKey.
    Attested(&'a [u8]),
}

/// Of ListProviders.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields are those of the operation")]
pub struct Provider<'a> {
    pub uuid: &'a str,
    pub description: &'a str,
    pub vendor: &'a str,
    pub version: (u32, u32, u32),
    pub id: u32,
}

/// Of ListAuthenticators.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields are those of the operation")]
pub struct Authenticator<'a> {
    pub description: &'a str,
    pub version: (u32, u32, u32),
    pub id: u32,
}

/// Of ListKeys.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields are those of the operation")]
pub struct Key<'a> {
    pub provider: u32,
    pub name: &'a str,
    pub attributes: KeyAttributes,
}

/// Reads the body of a successful answer to an operation.
pub fn read(opcode: u32, body: &[u8]) -> Result<Answer<'_>, Wrong> {
    let mut reader = Reader::new(body);
    let answer = match opcode {
        0x01 => Answer::Version { major: reader.number32(1)?, minor: reader.number32(2)? },
        0x08 => Answer::Providers(list(&mut reader, read_provider)?),
        0x09 => Answer::Opcodes(reader.packed(1)?),
        0x0E => Answer::Authenticators(list(&mut reader, read_authenticator)?),
        0x1A => Answer::Keys(list(&mut reader, read_key)?),
        0x1B => Answer::Clients(list(&mut reader, |text| {
            std::str::from_utf8(text).map_err(|_| "a text that is not UTF-8")
        })?),
        0x02 | 0x03 | 0x05 | 0x06 | 0x10 | 0x17 | 0x19 | 0x1C | 0x20 => Answer::Nothing,
        0x04 | 0x07 | 0x0A | 0x0B | 0x0C | 0x0D | 0x0F | 0x11 | 0x12 | 0x13 | 0x14 | 0x15 | 0x16 | 0x18 => {
            Answer::Bytes(reader.bytes(1)?)
        }
        0x1E => {
            let mut inner = activated(&mut reader)?;
            let credential = inner.bytes(1)?;
            inner.end()?;
            Answer::Attested(credential)
        }
        0x1F => {
            let mut inner = activated(&mut reader)?;
            let (name, public, attesting_key) = (inner.bytes(1)?, inner.bytes(2)?, inner.bytes(3)?);
            inner.end()?;
            Answer::Prepared { name, public, attesting_key }
        }
        _ => return Err("an answer to an operation that there is not"),
    };
    reader.end()?;
    Ok(answer)
}

fn list<'a, T>(
    reader: &mut Reader<'a>,
    read: impl Fn(&'a [u8]) -> Result<T, Wrong>,
) -> Result<Vec<T>, Wrong> {
    let mut items = Vec::new();
    while let Some(item) = reader.delimited(1)? {
        items.push(read(item)?);
    }
    Ok(items)
}

/// `output`, and in it the only mechanism.
fn activated<'a>(reader: &mut Reader<'a>) -> Result<Reader<'a>, Wrong> {
    let mut output = reader.message(1)?.ok_or("an attestation without output")?;
    let inner = output.message(1)?.ok_or("an attestation of no mechanism")?;
    output.end()?;
    Ok(inner)
}

fn read_provider(bytes: &[u8]) -> Result<Provider<'_>, Wrong> {
    let mut reader = Reader::new(bytes);
    let provider = Provider {
        uuid: reader.text(1)?,
        description: reader.text(2)?,
        vendor: reader.text(3)?,
        version: (reader.number32(4)?, reader.number32(5)?, reader.number32(6)?),
        id: reader.number32(7)?,
    };
    reader.end()?;
    Ok(provider)
}

fn read_authenticator(bytes: &[u8]) -> Result<Authenticator<'_>, Wrong> {
    let mut reader = Reader::new(bytes);
    let authenticator = Authenticator {
        description: reader.text(1)?,
        version: (reader.number32(2)?, reader.number32(3)?, reader.number32(4)?),
        id: reader.number32(5)?,
    };
    reader.end()?;
    Ok(authenticator)
}

fn read_key(bytes: &[u8]) -> Result<Key<'_>, Wrong> {
    let mut reader = Reader::new(bytes);
    let (provider, name) = (reader.number32(1)?, reader.text(2)?);
    let attributes = attributes::read(reader.message(3)?.ok_or("a key without attributes")?)?;
    reader.end()?;
    Ok(Key { provider, name, attributes })
}

impl Answer<'_> {
    /// Whether this is what was read elsewhere.
    pub fn says(&self, reply: &Reply) -> bool {
        match (self, reply) {
            (Answer::Version { major, minor }, Reply::Ping { major: one, minor: other }) => {
                (*major, *minor) == (u32::from(*one), u32::from(*other))
            }
            (Answer::Providers(providers), Reply::ListProviders { providers: others }) => {
                same(providers, others, Provider::is)
            }
            (Answer::Opcodes(opcodes), Reply::ListOpcodes { opcodes: others }) => {
                same(opcodes, others, |one, other| *one == u64::from(*other))
            }
            (Answer::Authenticators(all), Reply::ListAuthenticators { authenticators }) => {
                same(all, authenticators, Authenticator::is)
            }
            (Answer::Keys(keys), Reply::ListKeys { keys: others }) => same(keys, others, |one, other| {
                one.provider == u32::from(numbers::provider(other.provider))
                    && one.name == other.name
                    && one.attributes == other.attributes
            }),
            (Answer::Clients(clients), Reply::ListClients { clients: others }) => {
                same(clients, others, |one, other| one == other)
            }
            (Answer::Prepared { name, public, attesting_key }, Reply::PrepareKeyAttestation { .. }) => {
                matches!(reply, Reply::PrepareKeyAttestation { name: n, public: p, attesting_key_pub: a }
                    if name == n && public == p && attesting_key == a)
            }
            (Answer::Attested(one), Reply::AttestKey { credential }) => *one == credential.expose(),
            (Answer::Bytes(bytes), reply) => bytes_of(reply) == Some(bytes),
            (Answer::Nothing, reply) => matches!(
                reply,
                Reply::PsaGenerateKey
                    | Reply::PsaImportKey
                    | Reply::PsaDestroyKey
                    | Reply::PsaVerifyHash
                    | Reply::PsaVerifyMessage
                    | Reply::PsaMacVerify
                    | Reply::PsaHashCompare
                    | Reply::DeleteClient
                    | Reply::CanDoCrypto
            ),
            _ => false,
        }
    }
}

fn bytes_of(reply: &Reply) -> Option<&[u8]> {
    match reply {
        Reply::PsaSignHash { signature } | Reply::PsaSignMessage { signature } => Some(signature),
        Reply::PsaExportPublicKey { data } => Some(data),
        Reply::PsaExportKey { data } => Some(data.expose()),
        Reply::PsaHashCompute { hash } => Some(hash),
        Reply::PsaGenerateRandom { random_bytes } => Some(random_bytes.expose()),
        Reply::PsaAsymmetricEncrypt { ciphertext }
        | Reply::PsaAeadEncrypt { ciphertext }
        | Reply::PsaCipherEncrypt { ciphertext } => Some(ciphertext),
        Reply::PsaAsymmetricDecrypt { plaintext }
        | Reply::PsaAeadDecrypt { plaintext }
        | Reply::PsaCipherDecrypt { plaintext } => Some(plaintext.expose()),
        Reply::PsaMacCompute { mac } => Some(mac),
        Reply::PsaRawKeyAgreement { shared_secret } => Some(shared_secret.expose()),
        _ => None,
    }
}

fn same<A, B>(ones: &[A], others: &[B], equal: impl Fn(&A, &B) -> bool) -> bool {
    ones.len() == others.len() && ones.iter().zip(others).all(|(one, other)| equal(one, other))
}

impl Provider<'_> {
    fn is(&self, other: &ProviderInfo) -> bool {
        self.uuid == hyphenated(&other.uuid.0)
            && self.description == other.description
            && self.vendor == other.vendor
            && self.version == other.version
            && self.id == u32::from(numbers::provider(other.id))
    }
}

impl Authenticator<'_> {
    fn is(&self, other: &AuthenticatorInfo) -> bool {
        self.description == other.description
            && self.version == other.version
            && self.id == u32::from(numbers::authenticator(other.id))
    }
}

/// A UUID as text: lower case, with hyphens.
fn hyphenated(bytes: &[u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if [4, 6, 8, 10].contains(&index) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}
