//! Takes the core through requests, with nothing around it: no sockets, no store, no cryptography. What it is
//! run for is what a profiler counts meanwhile.

mod driver;

use driver::Driver;
use parsecd_core::ids::ConnectionKey;
use parsecd_wire::KeyAttributes;
use parsecd_wire::Operation;
use parsecd_wire::algorithm::{Algorithm, AsymmetricSignature, Hash, SignHash};
use parsecd_wire::attributes::{EccFamily, KeyType, UsageFlags};
use parsecd_wire::header::KEEP_CONNECTION;
use std::process::ExitCode;

const ECDSA: AsymmetricSignature = AsymmetricSignature::Ecdsa(SignHash::Specific(Hash::Sha256));

const USAGE: &str = "usage: parsecd-instructions ping|ping-kept|export-kept|sign-kept REQUESTS";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next().unwrap_or_default();
    let Some(requests) = arguments.next().and_then(|number| number.parse().ok()) else {
        eprintln!("{USAGE}");
        return ExitCode::FAILURE;
    };
    let mut driver = Driver::new();
    match what.as_str() {
        "ping" => {
            let ping = driver::frame(&Operation::Ping, 0);
            for _ in 0..requests {
                let connection = driver.connect();
                driver.send(connection, &ping);
                driver.lose(connection);
            }
        }
        "ping-kept" => {
            let connection = driver.connect();
            let ping = driver::frame(&Operation::Ping, KEEP_CONNECTION);
            for _ in 0..requests {
                driver.send(connection, &ping);
            }
        }
        "export-kept" => {
            let connection = driver.connect();
            generate(&mut driver, connection);
            let export = Operation::PsaExportPublicKey { key_name: key_name() };
            let export = driver::frame(&export, KEEP_CONNECTION);
            for _ in 0..requests {
                driver.send(connection, &export);
            }
        }
        "sign-kept" => {
            let connection = driver.connect();
            generate(&mut driver, connection);
            let sign = Operation::PsaSignHash { key_name: key_name(), algorithm: ECDSA, hash: vec![1; 32] };
            let sign = driver::frame(&sign, KEEP_CONNECTION);
            for _ in 0..requests {
                driver.send(connection, &sign);
            }
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn key_name() -> String {
    String::from("key")
}

fn generate(driver: &mut Driver, connection: ConnectionKey) {
    let generate = Operation::PsaGenerateKey { key_name: key_name(), attributes: signing_key() };
    driver.send(connection, &driver::frame(&generate, KEEP_CONNECTION));
}

fn signing_key() -> KeyAttributes {
    KeyAttributes {
        key_type: KeyType::EccKeyPair(EccFamily::SecpR1),
        bits: 256,
        usage: UsageFlags { sign_hash: true, verify_hash: true, ..UsageFlags::default() }.with_implied(),
        algorithm: Algorithm::AsymmetricSignature(ECDSA),
    }
}
