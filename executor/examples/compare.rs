//! What the jobs of the executor cost here and in the software provider, one thread each, in microseconds of
//! its processor time: the least of many short runs, for machines have other things to do.
//!
//! Run as: `cargo run --release -p parsecd-executor --example compare`

#[path = "../tests/support/mod.rs"]
mod support;

use parsecd_core::job::Job;
use parsecd_core::outcome::Outcome;
use parsecd_psa::Provider;
use parsecd_wire::SecretBytes;
use parsecd_wire::algorithm::{AsymmetricEncryption, AsymmetricSignature, Hash, SignHash};
use parsecd_wire::attributes::{EccFamily, KeyType};
use rustix::time::{ClockId, clock_gettime};
use support::{encrypt_job, generate, rsa_pair, sign, verify_job, with_provider};

/// Seconds of processor time that this thread has used.
fn used() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn microseconds(mut run: impl FnMut() -> Outcome) -> f64 {
    let began = used();
    let mut least = f64::INFINITY;
    while used() - began < 1.0 {
        let slice = used();
        let mut runs = 0.0;
        while used() - slice < 0.02 {
            assert!(matches!(run(), Outcome::Done(_)));
            runs += 1.0;
        }
        least = least.min((used() - slice) / runs);
    }
    least * 1e6
}

fn compare(provider: &mut Provider, name: &str, job: &Job) {
    let here = microseconds(|| parsecd_executor::run(job));
    let there = microseconds(|| provider.run(job));
    println!("{name:28} {here:10.1} {there:10.1} {:6.2}", there / here);
}

fn main() {
    println!("{:28} {:>10} {:>10} {:>6}", "", "executor", "provider", "ratio");
    with_provider(|provider| {
        let ecdsa = AsymmetricSignature::Ecdsa(SignHash::Specific(Hash::Sha256));
        for (name, family, bits) in [
            ("ECDSA verify P-256", EccFamily::SecpR1, 256),
            ("ECDSA verify P-384", EccFamily::SecpR1, 384),
            ("ECDSA verify P-521", EccFamily::SecpR1, 521),
            ("ECDSA verify secp256k1", EccFamily::SecpK1, 256),
        ] {
            let key = generate(provider, KeyType::EccKeyPair(family), bits);
            let signature = sign(provider, &key, ecdsa, &[7; 32]);
            compare(provider, name, &verify_job(&key, ecdsa, &[7; 32], &signature));
        }
        for bits in [2048, 4096] {
            let key = rsa_pair(provider, bits);
            for (name, scheme) in [
                ("PKCS1v15", AsymmetricSignature::RsaPkcs1v15Sign(SignHash::Specific(Hash::Sha256))),
                ("PSS", AsymmetricSignature::RsaPss(SignHash::Specific(Hash::Sha256))),
            ] {
                let signature = sign(provider, &key, scheme, &[7; 32]);
                let job = verify_job(&key, scheme, &[7; 32], &signature);
                compare(provider, &format!("RSA-{bits} verify {name}"), &job);
            }
            let job = encrypt_job(&key, AsymmetricEncryption::RsaOaep(Hash::Sha256), &[7; 32], &[]);
            compare(provider, &format!("RSA-{bits} encrypt OAEP"), &job);
        }
        for (name, algorithm, length) in [
            ("SHA-256 of 64 bytes", Hash::Sha256, 64),
            ("SHA-256 of 64 KiB", Hash::Sha256, 65_536),
            ("SHA-512 of 64 KiB", Hash::Sha512, 65_536),
            ("SHA3-256 of 64 KiB", Hash::Sha3_256, 65_536),
        ] {
            let job = Job::HashCompute { algorithm, input: SecretBytes::new(vec![7; length]) };
            compare(provider, name, &job);
        }
    });
}
