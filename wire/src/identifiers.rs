//! Numbers of providers and authentication types, and UUIDs (wire-protocol.md 2 and 9).

use alloc::string::String;
use core::fmt;

/// Kind of provider: the u8 at offset 10 of a header. 6 to 255 are unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ProviderId {
    /// The service itself.
    Core = 0,
    /// PSA Crypto in software.
    MbedCrypto = 1,
    /// A PKCS#11 token.
    Pkcs11 = 2,
    /// A TPM 2.0.
    Tpm = 3,
    /// PSA Crypto in the secure world.
    TrustedService = 4,
    /// A Microchip secure element.
    CryptoAuthLib = 5,
}

impl ProviderId {
    /// Every provider id, in ascending order.
    pub const ALL: [ProviderId; 6] = [
        ProviderId::Core,
        ProviderId::MbedCrypto,
        ProviderId::Pkcs11,
        ProviderId::Tpm,
        ProviderId::TrustedService,
        ProviderId::CryptoAuthLib,
    ];

    /// The number on the wire.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The provider with this number.
    pub fn from_number(number: u8) -> Option<ProviderId> {
        ProviderId::ALL.into_iter().find(|id| id.number() == number)
    }
}

/// How a request is authenticated: the u8 at offset 21 of a header. 5 to 255 are unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum AuthenticationType {
    /// No identity; the authentication bytes are ignored.
    None = 0,
    /// The application names itself.
    Direct = 1,
    /// Reserved, never implemented.
    Jwt = 2,
    /// The peer's effective uid, as the kernel reports it.
    UnixPeerCredentials = 3,
    /// A SPIFFE JWT-SVID.
    JwtSvid = 4,
}

impl AuthenticationType {
    /// Every authentication type, in ascending order.
    pub const ALL: [AuthenticationType; 5] = [
        AuthenticationType::None,
        AuthenticationType::Direct,
        AuthenticationType::Jwt,
        AuthenticationType::UnixPeerCredentials,
        AuthenticationType::JwtSvid,
    ];

    /// The number on the wire.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The authentication type with this number.
    pub fn from_number(number: u8) -> Option<AuthenticationType> {
        AuthenticationType::ALL.into_iter().find(|kind| kind.number() == number)
    }
}

/// A UUID; written hyphenated in lower case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(pub [u8; 16]);

impl Uuid {
    /// Parses the hyphenated form, either case. `None` if the text is anything else.
    pub fn parse(text: &str) -> Option<Uuid> {
        let digits: String = text.chars().filter(|character| *character != '-').collect();
        if digits.len() != 32 || text.len() != 36 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        let uuid = u128::from_str_radix(&digits, 16).ok().map(|value| Uuid(value.to_be_bytes()))?;
        uuid.matches_hyphens(text).then_some(uuid)
    }

    fn matches_hyphens(self, text: &str) -> bool {
        [8, 13, 18, 23].into_iter().all(|position| text.as_bytes().get(position) == Some(&b'-'))
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.into_iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_uuid_is_written_as_it_was_read() {
        let text = "1c1139dc-ad7c-47dc-ad6b-db6fdb466552";
        assert_eq!(Uuid::parse(text).map(|uuid| uuid.to_string()).as_deref(), Some(text));
        assert_eq!(Uuid::parse("1c1139dcad7c47dcad6bdb6fdb466552"), None);
        assert_eq!(Uuid::parse("1c1139dc-ad7c-47dc-ad6b-db6fdb46655g"), None);
        assert_eq!(Uuid::parse(""), None);
    }

    #[test]
    fn unknown_numbers_are_refused() {
        assert_eq!(ProviderId::from_number(6), None);
        assert_eq!(AuthenticationType::from_number(5), None);
    }
}
