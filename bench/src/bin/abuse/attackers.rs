//! What a user does who wants to harm others. Never returns but for an error: it is killed.

use parsecd_bench::exchange::ask;
use parsecd_bench::frame::{Caller, Keep, request};
use parsecd_wire::algorithm::Algorithm;
use parsecd_wire::attributes::{KeyType, UsageFlags};
use parsecd_wire::{KeyAttributes, Operation};
use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// Between two bytes of a connection that drips: within every deadline for silence.
const DRIP: Duration = Duration::from_millis(100);

/// Holds connections that say nothing and others that drip; connects again where it was thrown out.
pub fn hold(socket: &Path, idle: u32, dripping: u32) -> Result<bool, Box<dyn Error>> {
    let ping = request(&Operation::Ping, &Caller::Anonymous, Keep::Close);
    let mut silent = Vec::new();
    let mut drips = Vec::new();
    let mut begun = false;
    loop {
        silent.retain(is_open);
        while silent.len() < usize::try_from(idle)? {
            let Ok(stream) = open(socket) else { break };
            silent.push(stream);
        }
        drips.retain_mut(|(stream, sent): &mut (UnixStream, usize)| {
            let next = ping.get(*sent..*sent + 1).unwrap_or_default();
            *sent += 1;
            !next.is_empty() && is_open(stream) && stream.write_all(next).is_ok()
        });
        while drips.len() < usize::try_from(dripping)? {
            let Ok(stream) = open(socket) else { break };
            drips.push((stream, 0));
        }
        if !begun {
            println!("ready");
            begun = true;
        }
        std::thread::sleep(DRIP);
    }
}

fn open(socket: &Path) -> std::io::Result<UnixStream> {
    let stream = UnixStream::connect(socket)?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

fn is_open(stream: &UnixStream) -> bool {
    let mut stream = stream;
    match stream.read(&mut [0; 64]) {
        Ok(0) => false,
        Ok(_) => true,
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    }
}

/// Has RSA-4096 keys made and destroyed, by several clients at a time, each under one name after the other.
pub fn generate(socket: &Path, clients: u32, names: u32) -> Result<bool, Box<dyn Error>> {
    println!("ready");
    std::thread::scope(|scope| {
        for client in 0..clients {
            scope.spawn(move || {
                for number in (client..).step_by(usize::try_from(clients).unwrap_or(1)) {
                    let caller = Caller::Direct(format!("name {}", number % names));
                    let key_name = format!("key {number}");
                    let attributes = KeyAttributes {
                        key_type: KeyType::RsaKeyPair,
                        bits: 4096,
                        usage: UsageFlags::default(),
                        algorithm: Algorithm::None,
                    };
                    // Whether it is served or told to wait is not this user's concern.
                    let made = ask(
                        socket,
                        &caller,
                        &Operation::PsaGenerateKey { key_name: key_name.clone(), attributes },
                    );
                    match made {
                        Ok(_) => drop(ask(socket, &caller, &Operation::PsaDestroyKey { key_name })),
                        Err(_) => std::thread::sleep(Duration::from_millis(10)),
                    }
                }
            });
        }
    });
    Ok(true)
}
