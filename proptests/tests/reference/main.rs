//! Differential properties against the interface library of the reference, `parsec-interface`: what one
//! side encodes the other decodes to the same values, in both directions, and what one refuses the other
//! refuses with the same status.
//!
//! One deviation is on purpose (decisions.md 2): the reference does not know the opcodes of the MAC
//! operations, 0x16 and 0x17. It refuses frames that carry them with status 9, and lists that name them.

mod algorithms;
mod attributes;
mod damaged;
mod headers;
mod requests;
mod results;

use parsec_interface::requests::{Opcode as ReferenceOpcode, ResponseStatus};
use parsecd_wire::{Opcode, Status};

/// Both directions between an enum of ours and the reference's, member by member.
macro_rules! same_members {
    ($to:ident, $from:ident, $ours:ty, $theirs:ty, [$($member:ident = $reference:ident),+ $(,)?]) => {
        #[allow(deprecated, reason = "the reference marks weak primitives")]
        pub fn $to(value: $ours) -> $theirs {
            match value { $(<$ours>::$member => <$theirs>::$reference),+ }
        }

        #[allow(deprecated, reason = "the reference marks weak primitives")]
        pub fn $from(value: $theirs) -> $ours {
            match value { $(<$theirs>::$reference => <$ours>::$member),+ }
        }
    };
}
use same_members;

/// Every opcode that the reference knows.
fn common_opcodes() -> impl Iterator<Item = Opcode> {
    Opcode::ALL.into_iter().filter(|opcode| !matches!(opcode, Opcode::PsaMacCompute | Opcode::PsaMacVerify))
}

/// The reference's name for an opcode. Panics for those it does not know.
fn opcode(opcode: Opcode) -> ReferenceOpcode {
    macro_rules! by_name {
        ($($name:ident),+ $(,)?) => {
            match opcode {
                $(Opcode::$name => ReferenceOpcode::$name,)+
                Opcode::PsaMacCompute | Opcode::PsaMacVerify => {
                    panic!("the reference does not know {opcode:?}")
                }
            }
        };
    }
    by_name!(
        Ping,
        PsaGenerateKey,
        PsaDestroyKey,
        PsaSignHash,
        PsaVerifyHash,
        PsaImportKey,
        PsaExportPublicKey,
        ListProviders,
        ListOpcodes,
        PsaAsymmetricEncrypt,
        PsaAsymmetricDecrypt,
        PsaExportKey,
        PsaGenerateRandom,
        ListAuthenticators,
        PsaHashCompute,
        PsaHashCompare,
        PsaAeadEncrypt,
        PsaAeadDecrypt,
        PsaRawKeyAgreement,
        PsaCipherEncrypt,
        PsaCipherDecrypt,
        PsaSignMessage,
        PsaVerifyMessage,
        ListKeys,
        ListClients,
        DeleteClient,
        AttestKey,
        PrepareKeyAttestation,
        CanDoCrypto,
    )
}

/// Our status with the reference's number.
fn status(status: ResponseStatus) -> Status {
    Status::from_number(status as u16).unwrap_or_else(|| panic!("{status:?} is no status of ours"))
}
