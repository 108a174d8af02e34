//! The story of the unmodified parsec-client 0.16: default provider, default authenticator, a key made, used and
//! destroyed.

use crate::service::{DIRECT, Service, UNIX_PEER};
use parsec_client::BasicClient;
use parsec_client::auth::Authentication;
use parsec_client::core::interface::operations::psa_algorithm::{AsymmetricSignature, Hash};
use parsec_client::core::interface::operations::psa_key_attributes::{
    Attributes, EccFamily, Lifetime, Policy, Type, UsageFlags,
};
use parsec_client::core::interface::requests::{ProviderId, ResponseStatus};
use parsec_client::error::Error;
use std::process::Command;

/// Environment variable in which parsec-client looks for the service.
const ENDPOINT: &str = "PARSEC_SERVICE_ENDPOINT";
/// Set in the process that is the client.
const IS_CLIENT: &str = "PARSECD_TEST_IS_CLIENT";

/// parsec-client reads its endpoint from the environment, which a test cannot change for itself: so it starts
/// the daemon and then runs itself once more, as the client.
fn as_client(test: &str, authenticators: &str, story: fn()) {
    if std::env::var_os(IS_CLIENT).is_some() {
        return story();
    }
    let service = Service::with_authenticators(authenticators);
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("parsec_client::{test}"), "--nocapture"])
        .env(ENDPOINT, service.endpoint().to_string())
        .env(IS_CLIENT, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "{said}");
}

#[test]
fn a_key_is_made_used_and_destroyed_through_the_defaults() {
    as_client("a_key_is_made_used_and_destroyed_through_the_defaults", &[UNIX_PEER, DIRECT].concat(), || {
        let client = BasicClient::new(None).unwrap();
        assert!(matches!(client.auth_data(), Authentication::UnixPeerCredentials));
        story(&client);
    });
}

#[test]
fn a_key_is_made_used_and_destroyed_by_an_application_that_names_itself() {
    as_client("a_key_is_made_used_and_destroyed_by_an_application_that_names_itself", DIRECT, || {
        let client = BasicClient::new(Some("a story".into())).unwrap();
        assert!(matches!(client.auth_data(), Authentication::Direct(_)));
        story(&client);
    });
}

fn story(client: &BasicClient) {
    assert_eq!(client.implicit_provider(), ProviderId::MbedCrypto);
    let ecdsa = AsymmetricSignature::Ecdsa { hash_alg: Hash::Sha256.into() };
    let mut usage_flags = UsageFlags::default();
    let _ = usage_flags.set_sign_hash().set_verify_hash();
    let attributes = Attributes {
        lifetime: Lifetime::Persistent,
        key_type: Type::EccKeyPair { curve_family: EccFamily::SecpR1 },
        bits: 256,
        policy: Policy { usage_flags, permitted_algorithms: ecdsa.into() },
    };
    client.psa_generate_key("my key 🔑", attributes).unwrap();
    let hash = client.psa_hash_compute(Hash::Sha256, b"hello").unwrap();
    let signature = client.psa_sign_hash("my key 🔑", &hash, ecdsa).unwrap();
    client.psa_verify_hash("my key 🔑", &hash, ecdsa, &signature).unwrap();
    let public_key = client.psa_export_public_key("my key 🔑").unwrap();
    assert_eq!((public_key.len(), public_key[0], signature.len()), (65, 4, 64));
    client.psa_destroy_key("my key 🔑").unwrap();
    assert!(matches!(
        client.psa_sign_hash("my key 🔑", &hash, ecdsa),
        Err(Error::Service(ResponseStatus::PsaErrorDoesNotExist))
    ));
}
