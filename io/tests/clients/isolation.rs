//! Applications do not reach each other's keys, whatever they call themselves.

use crate::keys::{ECDSA, ecdsa_key};
use crate::service::{DIRECT, Service, UNIX_PEER};
use parsecd_client::wire::{SecretBytes, Status};
use parsecd_client::{Authentication, Client, Error};

#[test]
fn a_key_is_out_of_reach_for_every_other_identity_also_of_the_same_text() {
    let service = Service::with_authenticators(&[UNIX_PEER, DIRECT].concat());
    let plain = Client::new(service.endpoint()).choose_provider().unwrap();
    let uid = rustix::process::geteuid().as_raw().to_string();
    let owner = plain.clone().with_authentication(Authentication::UnixPeerCredentials);
    owner.generate_key("key", ecdsa_key()).unwrap();
    let signature = owner.sign_hash("key", ECDSA, &[7; 32]).unwrap();
    for name in [uid.as_str(), "another", " ", "0\n", "key"] {
        let other = plain.clone().with_authentication(Authentication::Direct(name.into()));
        assert!(other.list_keys().unwrap().is_empty(), "{name:?}");
        for outcome in [
            other.sign_hash("key", ECDSA, &[7; 32]).map(drop),
            other.verify_hash("key", ECDSA, &[7; 32], &signature),
            other.export_public_key("key").map(drop),
            other.export_key("key").map(drop),
            other.destroy_key("key"),
        ] {
            assert!(
                matches!(outcome, Err(Error::Service(Status::PsaErrorDoesNotExist))),
                "{name:?}: {outcome:?}"
            );
        }
        // The name is free for a key of its own.
        other.import_key("key", ecdsa_key(), SecretBytes::new(vec![1; 32])).unwrap();
    }
    owner.verify_hash("key", ECDSA, &[7; 32], &signature).unwrap();
    assert_eq!(owner.list_keys().unwrap().len(), 1);
}

#[test]
fn without_an_identity_there_are_no_keys_but_random_bytes_and_hashes() {
    let service = Service::with_authenticators(DIRECT);
    let anonymous = Client::new(service.endpoint()).choose_provider().unwrap();
    assert_eq!(anonymous.generate_random(16).unwrap().len(), 16);
    for outcome in [
        anonymous.generate_key("key", ecdsa_key()),
        anonymous.list_keys().map(drop),
        anonymous.destroy_key("key"),
        anonymous.list_clients().map(drop),
    ] {
        assert!(matches!(outcome, Err(Error::Service(Status::NotAuthenticated))), "{outcome:?}");
    }
}
