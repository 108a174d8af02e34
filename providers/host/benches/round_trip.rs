//! What the hop to a host costs: P-256 signatures through a host, one at a time and two in flight, beside
//! the same jobs in this process. Prints numbers, judges nothing.

#[path = "../tests/support/mod.rs"]
mod support;

use parsecd_core::encoding::HostRequest;
use parsecd_core::ids::Ticket;
use parsecd_core::job::Job;
use parsecd_psa::Provider;
use std::hint::black_box;
use std::time::Instant;
use support::*;

const ROUNDS: u64 = 5_000;

fn report(what: &str, mut round: impl FnMut(u64)) {
    let start = Instant::now();
    for number in 0..ROUNDS {
        round(number);
    }
    let each = start.elapsed() / u32::try_from(ROUNDS).unwrap();
    println!("{what}: {each:?} each");
}

fn main() {
    let store_key = StoreKey::new();
    let mut host = Host::open(&store_key);
    let mut provider = Provider::open(&[9; 32]).unwrap();
    let key = made(provider.run(&generate_p256()));
    let job = sign(&key);

    report("P-256 sign, bare loop", |_| {
        black_box(signature(provider.run(&job)));
    });
    report("P-256 sign, through a host", |_| {
        black_box(signature(host.run(job.clone())));
    });
    let request = |number| HostRequest::Job { ticket: Ticket(number), job: job.clone() };
    host.send(&[request(0)]);
    report("P-256 sign, through a host, two in flight", |number| {
        host.send(&[request(number + 1)]);
        black_box(signature(host.finished().1));
    });
    signature(host.finished().1);
    report("16 random bytes, through a host", |_| {
        black_box(host.run(Job::Random { length: 16 }));
    });
}
