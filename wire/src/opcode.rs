//! Operation codes: the u32 at offset 28 of a header (operations.md 1).

/// Operation of the protocol. 0, 0x1D and everything from 0x21 on are not assigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u32)]
pub enum Opcode {
    /// Ping, operations.md.
    Ping = 0x01,
    /// PsaGenerateKey, operations.md.
    PsaGenerateKey = 0x02,
    /// PsaDestroyKey, operations.md.
    PsaDestroyKey = 0x03,
    /// PsaSignHash, operations.md.
    PsaSignHash = 0x04,
    /// PsaVerifyHash, operations.md.
    PsaVerifyHash = 0x05,
    /// PsaImportKey, operations.md.
    PsaImportKey = 0x06,
    /// PsaExportPublicKey, operations.md.
    PsaExportPublicKey = 0x07,
    /// ListProviders, operations.md.
    ListProviders = 0x08,
    /// ListOpcodes, operations.md.
    ListOpcodes = 0x09,
    /// PsaAsymmetricEncrypt, operations.md.
    PsaAsymmetricEncrypt = 0x0A,
    /// PsaAsymmetricDecrypt, operations.md.
    PsaAsymmetricDecrypt = 0x0B,
    /// PsaExportKey, operations.md.
    PsaExportKey = 0x0C,
    /// PsaGenerateRandom, operations.md.
    PsaGenerateRandom = 0x0D,
    /// ListAuthenticators, operations.md.
    ListAuthenticators = 0x0E,
    /// PsaHashCompute, operations.md.
    PsaHashCompute = 0x0F,
    /// PsaHashCompare, operations.md.
    PsaHashCompare = 0x10,
    /// PsaAeadEncrypt, operations.md.
    PsaAeadEncrypt = 0x11,
    /// PsaAeadDecrypt, operations.md.
    PsaAeadDecrypt = 0x12,
    /// PsaRawKeyAgreement, operations.md.
    PsaRawKeyAgreement = 0x13,
    /// PsaCipherEncrypt, operations.md.
    PsaCipherEncrypt = 0x14,
    /// PsaCipherDecrypt, operations.md.
    PsaCipherDecrypt = 0x15,
    /// PsaMacCompute, operations.md.
    PsaMacCompute = 0x16,
    /// PsaMacVerify, operations.md.
    PsaMacVerify = 0x17,
    /// PsaSignMessage, operations.md.
    PsaSignMessage = 0x18,
    /// PsaVerifyMessage, operations.md.
    PsaVerifyMessage = 0x19,
    /// ListKeys, operations.md.
    ListKeys = 0x1A,
    /// ListClients, operations.md.
    ListClients = 0x1B,
    /// DeleteClient, operations.md.
    DeleteClient = 0x1C,
    /// AttestKey, operations.md.
    AttestKey = 0x1E,
    /// PrepareKeyAttestation, operations.md.
    PrepareKeyAttestation = 0x1F,
    /// CanDoCrypto, operations.md.
    CanDoCrypto = 0x20,
}

impl Opcode {
    /// Every assigned opcode, in ascending order.
    pub const ALL: [Opcode; 31] = [
        Opcode::Ping,
        Opcode::PsaGenerateKey,
        Opcode::PsaDestroyKey,
        Opcode::PsaSignHash,
        Opcode::PsaVerifyHash,
        Opcode::PsaImportKey,
        Opcode::PsaExportPublicKey,
        Opcode::ListProviders,
        Opcode::ListOpcodes,
        Opcode::PsaAsymmetricEncrypt,
        Opcode::PsaAsymmetricDecrypt,
        Opcode::PsaExportKey,
        Opcode::PsaGenerateRandom,
        Opcode::ListAuthenticators,
        Opcode::PsaHashCompute,
        Opcode::PsaHashCompare,
        Opcode::PsaAeadEncrypt,
        Opcode::PsaAeadDecrypt,
        Opcode::PsaRawKeyAgreement,
        Opcode::PsaCipherEncrypt,
        Opcode::PsaCipherDecrypt,
        Opcode::PsaMacCompute,
        Opcode::PsaMacVerify,
        Opcode::PsaSignMessage,
        Opcode::PsaVerifyMessage,
        Opcode::ListKeys,
        Opcode::ListClients,
        Opcode::DeleteClient,
        Opcode::AttestKey,
        Opcode::PrepareKeyAttestation,
        Opcode::CanDoCrypto,
    ];

    /// The number on the wire.
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// The opcode with this number, `None` where none is assigned.
    pub fn from_number(number: u32) -> Option<Opcode> {
        Opcode::ALL.into_iter().find(|opcode| opcode.number() == number)
    }

    /// Whether the Core provider serves it; all others are served by crypto providers.
    pub fn is_core(self) -> bool {
        matches!(
            self,
            Opcode::Ping
                | Opcode::ListProviders
                | Opcode::ListOpcodes
                | Opcode::ListAuthenticators
                | Opcode::ListKeys
                | Opcode::ListClients
                | Opcode::DeleteClient
        )
    }

    /// Whether only an admin may use it.
    pub fn needs_admin(self) -> bool {
        matches!(self, Opcode::ListClients | Opcode::DeleteClient)
    }

    /// Whether it needs an application identity (operations.md 1, column *Identity needed*).
    pub fn needs_identity(self) -> bool {
        !matches!(
            self,
            Opcode::Ping
                | Opcode::ListProviders
                | Opcode::ListOpcodes
                | Opcode::ListAuthenticators
                | Opcode::PsaGenerateRandom
                | Opcode::PsaHashCompute
                | Opcode::PsaHashCompare
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unassigned_numbers_are_no_opcode() {
        for opcode in Opcode::ALL {
            assert_eq!(Opcode::from_number(opcode.number()), Some(opcode));
        }
        for number in [0, 0x1D, 0x21, u32::MAX] {
            assert_eq!(Opcode::from_number(number), None);
        }
    }
}
