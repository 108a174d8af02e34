//! JWT-SVID: the identity provider verifies, the core decides what is accepted now.

use crate::world::{LISTENER, World, config, frame_of};
use parsecd_core::config::{AuthenticatorConfig, Config, MaterialPlace};
use parsecd_core::input::{Input, TokenVerdict};
use parsecd_core::time::WallTime;
use parsecd_wire::header::KEEP_CONNECTION;
use parsecd_wire::{AuthenticationType, Operation, Status};

fn world() -> World {
    let mut config: Config = config(MaterialPlace::Record, 1);
    let jwt = AuthenticatorConfig { kind: AuthenticationType::JwtSvid, admins: Default::default() };
    config.listeners.get_mut(&LISTENER).unwrap().authenticators.push(jwt);
    World::new(config)
}

fn list_keys(flags: u16) -> Vec<u8> {
    frame_of(AuthenticationType::JwtSvid, b"header.claims.signature", &Operation::ListKeys, flags)
}

fn genuine(from: i64, until: i64) -> TokenVerdict {
    let name = "spiffe://example.org/app".into();
    TokenVerdict::Genuine { name, valid_from: WallTime(from), valid_until: WallTime(until) }
}

#[test]
fn a_token_is_accepted_while_it_is_valid_and_refused_otherwise() {
    let hour = 3_600_000;
    for (verdict, status) in [
        (genuine(-hour, hour), None),
        (genuine(1, hour), Some(Status::AuthenticationError)),
        (genuine(-hour, -1), Some(Status::AuthenticationError)),
        (genuine(-hour, 1000 * hour), Some(Status::AuthenticationError)),
        (TokenVerdict::Refused, Some(Status::AuthenticationError)),
        (TokenVerdict::Unavailable, Some(Status::PsaErrorCommunicationFailure)),
    ] {
        let mut world = world();
        let connection = world.connect();
        world.send(connection, &list_keys(0));
        assert!(world.lists.is_empty(), "nothing happens before the token is verified");
        let ticket = world.tokens.remove(0);
        world.step(Input::TokenVerified { ticket, verdict });
        assert_eq!(world.status(connection), status);
        assert_eq!(world.lists.len(), usize::from(status.is_none()));
        world.lose(connection);
        assert_eq!(world.service.memory().queued, 0);
    }
}

#[test]
fn a_token_that_is_not_utf8_is_refused_before_anybody_is_asked() {
    let mut world = world();
    let connection = world.connect();
    let request = frame_of(AuthenticationType::JwtSvid, b"header.claims.\xff", &Operation::ListKeys, 0);
    world.send(connection, &request);
    assert!(world.tokens.is_empty());
    assert_eq!(world.status(connection), Some(Status::InvalidEncoding));
}

#[test]
fn the_next_request_of_a_connection_does_not_overtake_one_whose_token_is_verified() {
    let mut world = world();
    let connection = world.connect();
    let mut bytes = list_keys(KEEP_CONNECTION);
    bytes.extend(list_keys(KEEP_CONNECTION));
    world.send(connection, &bytes);
    assert_eq!(world.tokens.len(), 1);
    let ticket = world.tokens.remove(0);
    world.step(Input::TokenVerified { ticket, verdict: genuine(0, 10) });
    assert_eq!(world.tokens.len(), 1);
}

#[test]
fn a_client_that_leaves_while_its_token_is_verified_leaves_nothing_behind() {
    let mut world = world();
    let connection = world.connect();
    world.send(connection, &list_keys(0));
    world.lose(connection);
    let ticket = world.tokens.remove(0);
    world.step(Input::TokenVerified { ticket, verdict: genuine(0, 10) });
    let memory = world.service.memory();
    assert_eq!((memory.requests, memory.tickets, memory.queued), (0, 0, 0));
}

#[test]
fn an_identity_provider_that_does_not_answer_is_not_waited_for_for_ever() {
    let mut config: Config = config(MaterialPlace::Record, 1);
    let jwt = AuthenticatorConfig { kind: AuthenticationType::JwtSvid, admins: Default::default() };
    config.listeners.get_mut(&LISTENER).unwrap().authenticators.push(jwt);
    config.limits.tokens = 1;
    let mut world = World::new(config);
    let ask = |world: &mut World| {
        let connection = world.connect();
        world.send(connection, &list_keys(0));
        connection
    };
    let asked = ask(&mut world);
    let waits = ask(&mut world);
    assert_eq!(world.tokens.len(), 1);
    world.pass(std::time::Duration::from_secs(31));
    assert_eq!(world.status(asked), Some(Status::PsaErrorCommunicationFailure));
    assert_eq!(world.status(waits), Some(Status::PsaErrorInsufficientMemory));
}
