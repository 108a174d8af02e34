//! The command line.

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use parsecd_client::{Authentication, Endpoint};
use parsecd_wire::ProviderId;
use parsecd_wire::algorithm::Hash;
use parsecd_wire::attributes::EccFamily;
use std::path::PathBuf;
use std::time::Duration;

/// Talk to a Parsec service: see what it offers, create keys, sign and verify.
///
/// The service is found through --endpoint, else the environment variable PARSEC_SERVICE_ENDPOINT, else at
/// unix:/run/parsec/parsec.sock. Failures are told on standard error and end with exit code 1.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub(crate) struct Arguments {
    /// Where the service listens, for example unix:/run/parsec/parsec.sock.
    #[arg(long, global = true, value_parser = endpoint)]
    pub(crate) endpoint: Option<Endpoint>,
    /// Who you are to the service: direct:NAME, unix or none. Without it, the first one of the service's
    /// list that works (as "parsecctl", if that is Direct authentication).
    #[arg(long = "auth", global = true, value_parser = authentication)]
    pub(crate) authentication: Option<Authentication>,
    /// Provider for keys and cryptography: core, mbed-crypto, pkcs11, tpm, trusted-service, cryptoauthlib or
    /// its number. Without it, the first one of the service's list.
    #[arg(long, global = true, value_parser = provider)]
    pub(crate) provider: Option<ProviderId>,
    /// Seconds to wait for each answer.
    #[arg(long, global = true, default_value = "60", value_parser = seconds)]
    pub(crate) timeout: Duration,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ask the service whether it is there, and for the version of the protocol it speaks.
    Ping,
    /// List the providers, the preferred one first.
    ListProviders,
    /// List the operations that a provider serves.
    ListOpcodes,
    /// List the ways to authenticate, the preferred one first.
    ListAuthenticators,
    /// List your keys.
    ListKeys,
    /// List the applications that have keys (for admins).
    ListClients,
    /// Destroy all keys of an application (for admins).
    DeleteClient {
        /// Its name, as list-clients shows it.
        client: String,
    },
    /// Create a key pair for signatures; without options an ECC key on the curve P-256.
    CreateKey(CreateKey),
    /// Destroy a key.
    DeleteKey {
        /// Name of the key.
        name: String,
    },
    /// Sign a file. The file is hashed here; only the hash goes to the service.
    Sign {
        /// Name of the key.
        name: String,
        /// File to sign, - for standard input.
        file: PathBuf,
        /// Write an ECDSA signature in DER, as OpenSSL wants it; else it is r then s.
        #[arg(long)]
        der: bool,
        /// Hash, if the key permits any.
        #[arg(long, value_enum)]
        hash: Option<HashName>,
        /// Where to write the signature instead of standard output.
        #[arg(short, long)]
        output: Option<PathBuf>,
    },
    /// Verify the signature of a file.
    Verify {
        /// Name of the key.
        name: String,
        /// File that was signed, - for standard input.
        file: PathBuf,
        /// File with the signature.
        signature: PathBuf,
        /// The ECDSA signature is in DER.
        #[arg(long)]
        der: bool,
        /// Hash, if the key permits any.
        #[arg(long, value_enum)]
        hash: Option<HashName>,
    },
    /// Write the public part of a key as PEM (SubjectPublicKeyInfo).
    ExportPublicKey {
        /// Name of the key.
        name: String,
        /// Where to write it instead of standard output.
        #[arg(short, long)]
        output: Option<PathBuf>,
    },
    /// Get random bytes, in hexadecimal.
    Random {
        /// How many.
        bytes: u64,
        /// As they are, not in hexadecimal.
        #[arg(long)]
        raw: bool,
    },
    /// Let the service hash a file.
    Hash {
        /// File to hash, - for standard input. It goes to the service, whose limit for a request holds.
        file: PathBuf,
        /// Hash.
        #[arg(long, value_enum, default_value = "sha256")]
        hash: HashName,
    },
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("kind").args(["ecc", "rsa"]))]
pub(crate) struct CreateKey {
    /// Name of the key: any text.
    pub(crate) name: String,
    /// An ECC key on this curve, for ECDSA.
    #[arg(long, value_enum, value_name = "CURVE", num_args = 0..=1, default_missing_value = "p256")]
    pub(crate) ecc: Option<Curve>,
    /// An RSA key of this many bits, for PKCS#1 v1.5 signatures.
    #[arg(long, value_name = "BITS", num_args = 0..=1, default_missing_value = "2048")]
    pub(crate) rsa: Option<u32>,
    /// RSA signatures as PSS instead.
    #[arg(long, requires = "rsa")]
    pub(crate) pss: bool,
    /// The hash of its signatures.
    #[arg(long, value_enum, default_value = "sha256")]
    pub(crate) hash: HashName,
    /// Allow the private key to be exported.
    #[arg(long)]
    pub(crate) exportable: bool,
}

/// Curves for ECDSA.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Curve {
    P192,
    P224,
    P256,
    P384,
    P521,
    Secp256k1,
    Brainpool256,
    Brainpool384,
    Brainpool512,
}

impl Curve {
    /// Family and size in bits, as key attributes have them.
    pub(crate) fn parameters(self) -> (EccFamily, u32) {
        match self {
            Curve::P192 => (EccFamily::SecpR1, 192),
            Curve::P224 => (EccFamily::SecpR1, 224),
            Curve::P256 => (EccFamily::SecpR1, 256),
            Curve::P384 => (EccFamily::SecpR1, 384),
            Curve::P521 => (EccFamily::SecpR1, 521),
            Curve::Secp256k1 => (EccFamily::SecpK1, 256),
            Curve::Brainpool256 => (EccFamily::BrainpoolPR1, 256),
            Curve::Brainpool384 => (EccFamily::BrainpoolPR1, 384),
            Curve::Brainpool512 => (EccFamily::BrainpoolPR1, 512),
        }
    }
}

/// Hashes that can be named.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum HashName {
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl From<HashName> for Hash {
    fn from(name: HashName) -> Hash {
        match name {
            HashName::Sha224 => Hash::Sha224,
            HashName::Sha256 => Hash::Sha256,
            HashName::Sha384 => Hash::Sha384,
            HashName::Sha512 => Hash::Sha512,
        }
    }
}

fn endpoint(text: &str) -> Result<Endpoint, String> {
    Endpoint::parse(text).map_err(|error| error.to_string())
}

fn authentication(text: &str) -> Result<Authentication, String> {
    match text.split_once(':') {
        Some(("direct", "")) => Err("an application name is missing after direct:".into()),
        Some(("direct", name)) => Ok(Authentication::Direct(name.to_owned())),
        None if text == "unix" => Ok(Authentication::UnixPeerCredentials),
        None if text == "none" => Ok(Authentication::None),
        _ => Err("it must be direct:NAME, unix or none".into()),
    }
}

fn provider(text: &str) -> Result<ProviderId, String> {
    let id = match text {
        "core" => Some(ProviderId::Core),
        "mbed-crypto" => Some(ProviderId::MbedCrypto),
        "pkcs11" => Some(ProviderId::Pkcs11),
        "tpm" => Some(ProviderId::Tpm),
        "trusted-service" => Some(ProviderId::TrustedService),
        "cryptoauthlib" => Some(ProviderId::CryptoAuthLib),
        number => number.parse().ok().and_then(ProviderId::from_number),
    };
    id.ok_or_else(|| {
        "it must be core, mbed-crypto, pkcs11, tpm, trusted-service, cryptoauthlib or a number from 0 to 5"
            .into()
    })
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds @ 1..) => Ok(Duration::from_secs(seconds)),
        _ => Err("it must be a number of seconds from 1".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn options_may_come_before_and_after_the_command() {
        for line in [
            ["parsecctl", "--auth", "direct:me", "list-keys"],
            ["parsecctl", "list-keys", "--auth", "direct:me"],
        ] {
            let arguments = Arguments::try_parse_from(line).unwrap();
            assert_eq!(arguments.authentication, Some(Authentication::Direct("me".into())));
        }
    }

    #[test]
    fn an_identity_that_cannot_be_is_refused() {
        for text in ["direct", "direct:", "unix:", "me", ""] {
            assert!(authentication(text).is_err(), "{text}");
        }
        assert_eq!(authentication("direct:a:b"), Ok(Authentication::Direct("a:b".into())));
    }

    #[test]
    fn a_key_is_of_one_kind_and_needs_no_size() {
        let parse = |options: &[&str]| {
            Arguments::try_parse_from([["parsecctl", "create-key", "k"].as_slice(), options].concat())
        };
        assert!(parse(&["--ecc", "--rsa"]).is_err());
        assert!(parse(&["--pss"]).is_err());
        let Command::CreateKey(rsa) = parse(&["--rsa", "--pss"]).unwrap().command else { unreachable!() };
        assert_eq!(rsa.rsa, Some(2048));
    }
}
