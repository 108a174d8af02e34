//! Tests of authentication.

use super::*;
use crate::identity::{PeerCredentials, PeerGroup};
use alloc::string::String;
use alloc::vec::Vec;

const PEER: Peer =
    Peer { credentials: Some(PeerCredentials { uid: 1000, gid: 1001, pid: 4711 }), group: PeerGroup(77) };

fn accepting(kinds: &[(AuthenticationType, &[&str])]) -> ListenerConfig {
    ListenerConfig {
        authenticators: kinds
            .iter()
            .map(|(kind, admins)| AuthenticatorConfig {
                kind: *kind,
                admins: admins.iter().map(|admin| Text::from(*admin)).collect(),
            })
            .collect(),
        providers: Vec::new(),
    }
}

fn all_four(admins: &[&str]) -> ListenerConfig {
    accepting(&[
        (AuthenticationType::Direct, admins),
        (AuthenticationType::Jwt, admins),
        (AuthenticationType::UnixPeerCredentials, admins),
        (AuthenticationType::JwtSvid, admins),
    ])
}

fn on(listener: &ListenerConfig, kind: AuthenticationType, bytes: &[u8]) -> Result<Authenticated, Status> {
    authenticate(listener, &Limits::default(), kind, bytes, &PEER)
}

fn caller(listener: &ListenerConfig, kind: AuthenticationType, bytes: &[u8]) -> Caller {
    match on(listener, kind, bytes) {
        Ok(Authenticated::Caller(caller)) => caller,
        other => panic!("no caller: {other:?}"),
    }
}

#[test]
fn type_none_is_anonymous_whatever_the_field_holds() {
    for bytes in [&b""[..], b"admin", &[0xff; 300]] {
        assert_eq!(caller(&accepting(&[]), AuthenticationType::None, bytes), Caller::Anonymous);
    }
    assert_eq!(Caller::Anonymous.identity(), None);
}

#[test]
fn a_type_the_listener_does_not_accept_is_not_registered() {
    for kind in AuthenticationType::ALL {
        if kind != AuthenticationType::None {
            assert_eq!(on(&accepting(&[]), kind, b"app"), Err(Status::AuthenticatorNotRegistered));
        }
    }
    let direct_only = accepting(&[(AuthenticationType::Direct, &[])]);
    assert_eq!(
        on(&direct_only, AuthenticationType::UnixPeerCredentials, &1000u32.to_le_bytes()),
        Err(Status::AuthenticatorNotRegistered)
    );
}

#[test]
fn jwt_is_accepted_nowhere_not_even_where_it_is_configured() {
    assert_eq!(on(&all_four(&[]), AuthenticationType::Jwt, b"app"), Err(Status::AuthenticatorNotRegistered));
}

#[test]
fn a_jwt_svid_waits_for_the_identity_provider() {
    assert_eq!(on(&all_four(&[]), AuthenticationType::JwtSvid, b"a.b.c"), Ok(Authenticated::NeedsToken));
}

#[test]
fn a_jwt_svid_that_is_not_utf8_is_not_representable() {
    let refused = on(&all_four(&[]), AuthenticationType::JwtSvid, b"a.b.\xff");
    assert_eq!(refused, Err(Status::InvalidEncoding));
}

#[test]
fn a_direct_name_is_taken_byte_for_byte() {
    let listener = all_four(&[]);
    for name in ["a", " spaced / slashed\n", "🦊", "\0"] {
        let caller = caller(&listener, AuthenticationType::Direct, name.as_bytes());
        let identity = caller.identity().unwrap();
        assert_eq!((identity.authenticator, &*identity.name), (AuthenticationType::Direct, name));
    }
}

#[test]
fn a_direct_name_is_1_to_4096_bytes_of_utf8() {
    let listener = all_four(&[]);
    let longest = String::from_utf8(alloc::vec![b'n'; 4096]).unwrap();
    assert!(on(&listener, AuthenticationType::Direct, longest.as_bytes()).is_ok());
    for bytes in [&b""[..], &[b'n'; 4097], &[0xff], &[b'a', 0xc3], &[0xed, 0xa0, 0x80]] {
        assert_eq!(on(&listener, AuthenticationType::Direct, bytes), Err(Status::AuthenticationError));
    }
}

#[test]
fn a_unix_peer_is_named_by_its_uid_in_decimal() {
    let caller = caller(&all_four(&[]), AuthenticationType::UnixPeerCredentials, &1000u32.to_le_bytes());
    let identity = caller.identity().unwrap();
    assert_eq!((identity.authenticator, &*identity.name), (AuthenticationType::UnixPeerCredentials, "1000"));
}

#[test]
fn a_unix_peer_must_claim_exactly_the_uid_of_its_connection() {
    let listener = all_four(&[]);
    let wrong: [&[u8]; 8] = [
        b"",
        b"1000",
        &1001u32.to_le_bytes(),
        &1000u32.to_be_bytes(),
        &0u32.to_le_bytes(),
        &1000u32.to_le_bytes()[..3],
        &[0xe8, 0x03, 0, 0, 0],
        &1000u64.to_le_bytes(),
    ];
    for bytes in wrong {
        assert_eq!(
            on(&listener, AuthenticationType::UnixPeerCredentials, bytes),
            Err(Status::AuthenticationError)
        );
    }
}

#[test]
fn a_transport_without_peer_credentials_authenticates_no_unix_peer() {
    let peer = Peer { credentials: None, ..PEER };
    for uid in [0u32, 1000, u32::MAX] {
        assert_eq!(
            authenticate(
                &all_four(&[]),
                &Limits::default(),
                AuthenticationType::UnixPeerCredentials,
                &uid.to_le_bytes(),
                &peer
            ),
            Err(Status::AuthenticationError)
        );
    }
}

#[test]
fn admins_are_those_of_the_authenticator_that_vouches_for_the_name() {
    let listener = accepting(&[
        (AuthenticationType::Direct, &["root", "0"]),
        (AuthenticationType::UnixPeerCredentials, &["1000"]),
    ]);
    let is_admin = |kind, bytes: &[u8]| caller(&listener, kind, bytes).require_admin().map(|_| ());
    assert_eq!(is_admin(AuthenticationType::Direct, b"root"), Ok(()));
    assert_eq!(is_admin(AuthenticationType::Direct, b"1000"), Err(Status::AdminOperation));
    assert_eq!(is_admin(AuthenticationType::Direct, b"Root"), Err(Status::AdminOperation));
    assert_eq!(is_admin(AuthenticationType::UnixPeerCredentials, &1000u32.to_le_bytes()), Ok(()));
    assert_eq!(Caller::Anonymous.require_admin(), Err(Status::NotAuthenticated));
}

#[test]
fn a_name_nobody_verified_is_charged_to_its_peer_group() {
    let listener = all_four(&[]);
    let direct = caller(&listener, AuthenticationType::Direct, b"1000");
    let unix = caller(&listener, AuthenticationType::UnixPeerCredentials, &1000u32.to_le_bytes());
    assert_eq!(Caller::Anonymous.principal(&PEER), Principal::Peers(PEER.group));
    assert_eq!(direct.principal(&PEER), Principal::Peers(PEER.group));
    assert_eq!(unix.principal(&PEER), Principal::Verified(unix.identity().unwrap().clone()));
}
