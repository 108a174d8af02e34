//! Concurrent creations of one name over real sockets.

use crate::keys::{ECDSA, ecdsa_key};
use crate::service::{DIRECT, Service};
use parsecd_client::wire::{Operation, Reply, Status};
use parsecd_client::{Authentication, Client, Error};
use std::sync::Barrier;

const NAMES: usize = 40;
const CREATORS: usize = 4;

#[test]
fn of_four_creations_of_one_name_one_succeeds_and_its_key_signs() {
    let service = Service::with_authenticators(DIRECT);
    let client = Client::new(service.endpoint())
        .choose_provider()
        .unwrap()
        .with_authentication(Authentication::Direct("creator".into()));
    let together = Barrier::new(NAMES * CREATORS);
    let outcomes: Vec<(usize, Result<Reply, Error>)> = std::thread::scope(|scope| {
        let creators: Vec<_> = (0..NAMES * CREATORS)
            .map(|number| {
                let (client, together) = (&client, &together);
                scope.spawn(move || {
                    let name = number % NAMES;
                    together.wait();
                    (name, create(client, &key_name(name)))
                })
            })
            .collect();
        creators.into_iter().map(|creator| creator.join().unwrap()).collect()
    });
    let mut created = [0; NAMES];
    for (name, outcome) in outcomes {
        match outcome {
            Ok(Reply::PsaGenerateKey) => created[name] += 1,
            Err(Error::Service(Status::PsaErrorAlreadyExists)) => {}
            other => panic!("{}: {other:?}", key_name(name)),
        }
    }
    assert_eq!(created, [1; NAMES]);
    let mut listed: Vec<String> = client.list_keys().unwrap().into_iter().map(|key| key.name).collect();
    listed.sort();
    let mut expected: Vec<String> = (0..NAMES).map(key_name).collect();
    expected.sort();
    assert_eq!(listed, expected);
    for name in &listed {
        let signature = client.sign_hash(name, ECDSA, &[7; 32]).unwrap();
        client.verify_hash(name, ECDSA, &[7; 32], &signature).unwrap();
    }
}

fn key_name(number: usize) -> String {
    format!("contested 🔑 {number}")
}

/// One request, not the client's `generate_key`, which may send a second one.
fn create(client: &Client, key_name: &str) -> Result<Reply, Error> {
    let operation = Operation::PsaGenerateKey { key_name: key_name.to_owned(), attributes: ecdsa_key() };
    client.request(client.provider(), &operation)
}
