//! Randomness of many clients at once: Mbed TLS gives the same bytes to two threads of one process, and to a
//! fork; lane hosts are neither.

use crate::keys::{ECDSA, ecdsa_key};
use crate::service::{DIRECT, Service};
use parsecd_client::{Authentication, Client};
use std::sync::Barrier;

const CLIENTS: usize = 64;
/// Values of 16 bytes, of all clients together.
const VALUES: usize = 1_000_000;
/// Values that one request asks for.
const VALUES_PER_REQUEST: usize = 625;
/// Signatures of all clients together; a little over 100,000.
const SIGNATURES: usize = 1563 * CLIENTS;

#[test]
fn a_million_random_values_of_64_clients_do_not_repeat() {
    let service = Service::with_authenticators(DIRECT);
    let values = together(&service, |client| {
        let requests = VALUES / CLIENTS / VALUES_PER_REQUEST;
        let mut values = Vec::with_capacity(requests * VALUES_PER_REQUEST);
        for _ in 0..requests {
            let bytes = client.generate_random(16 * VALUES_PER_REQUEST as u64).unwrap();
            values.extend(bytes.expose().chunks_exact(16).map(|value| <[u8; 16]>::try_from(value).unwrap()));
        }
        values
    });
    assert_eq!(values.len(), VALUES);
    assert_eq!(repeats(values), 0);
}

#[test]
fn a_hundred_thousand_ecdsa_nonces_of_64_clients_do_not_repeat() {
    let service = Service::with_authenticators(DIRECT);
    let nonces = together(&service, |client| {
        client.generate_key("key", ecdsa_key()).unwrap();
        let sign = |_| client.sign_hash("key", ECDSA, &[7; 32]).unwrap();
        // Equal nonces have equal r, the first half of the signature, whatever key and hash are.
        let nonce = |signature: Vec<u8>| <[u8; 32]>::try_from(&signature[..32]).unwrap();
        (0..SIGNATURES / CLIENTS).map(sign).map(nonce).collect()
    });
    assert!(nonces.len() >= 100_000);
    assert_eq!(repeats(nonces), 0);
}

/// What 64 clients, each an application of its own, collect at the same time.
fn together<T: Send>(service: &Service, collect: impl Fn(&Client) -> Vec<T> + Sync) -> Vec<T> {
    let start = Barrier::new(CLIENTS);
    let plain = Client::new(service.endpoint()).choose_provider().unwrap();
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let client = plain.clone().with_authentication(Authentication::Direct(number.to_string()));
                let (start, collect) = (&start, &collect);
                scope.spawn(move || {
                    start.wait();
                    collect(&client)
                })
            })
            .collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    })
}

/// How many values occur more than once.
fn repeats<T: Ord>(mut values: Vec<T>) -> usize {
    values.sort_unstable();
    values.windows(2).filter(|pair| pair[0] == pair[1]).count()
}
