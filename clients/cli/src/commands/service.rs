//! Questions to the service itself.

use crate::failure::Failure;
use crate::text;
use parsecd_client::Client;
use std::io::{self, Write};

pub(super) fn ping(client: &Client) -> Result<Vec<u8>, Failure> {
    let (major, minor) = client.ping()?;
    Ok(format!("{} answers, protocol version {major}.{minor}\n", client.endpoint()).into())
}

pub(super) fn list_providers(client: &Client) -> Result<Vec<u8>, Failure> {
    let mut lines = String::new();
    for provider in client.list_providers()? {
        let (major, minor, revision) = provider.version;
        lines += &format!(
            "{} ({}) {major}.{minor}.{revision}\n  {}{}\n  {}\n",
            text::provider(provider.id),
            provider.id.number(),
            text::printable(&provider.description),
            if provider.vendor.is_empty() {
                String::new()
            } else {
                format!(" ({})", text::printable(&provider.vendor))
            },
            provider.uuid,
        );
    }
    Ok(lines.into())
}

pub(super) fn list_opcodes(client: &Client) -> Result<Vec<u8>, Failure> {
    let mut opcodes = client.list_opcodes(client.provider())?;
    opcodes.sort_unstable();
    Ok(opcodes.into_iter().map(|number| text::opcode(number) + "\n").collect::<String>().into())
}

pub(super) fn list_authenticators(client: &Client) -> Result<Vec<u8>, Failure> {
    let mut lines = String::new();
    for authenticator in client.list_authenticators()? {
        let (major, minor, revision) = authenticator.version;
        lines += &format!(
            "{} {major}.{minor}.{revision}\n  {}\n",
            text::authenticator(authenticator.id),
            text::printable(&authenticator.description),
        );
    }
    Ok(lines.into())
}

pub(super) fn list_keys(client: &Client) -> Result<Vec<u8>, Failure> {
    let keys = client.list_keys()?;
    if keys.is_empty() {
        let _ = writeln!(io::stderr(), "no keys ({})", client.authentication());
    }
    let mut lines = String::new();
    for key in keys {
        lines += &format!(
            "{}\n  {}, {}, {}, {}\n",
            text::printable(&key.name),
            text::provider(key.provider),
            text::key_type(key.attributes.key_type, key.attributes.bits),
            text::algorithm(key.attributes.algorithm),
            text::usage(key.attributes.usage),
        );
    }
    Ok(lines.into())
}

pub(super) fn list_clients(client: &Client) -> Result<Vec<u8>, Failure> {
    let clients = client.list_clients()?;
    Ok(clients.iter().map(|name| text::printable(name) + "\n").collect::<String>().into())
}

pub(super) fn delete_client(client: &Client, name: &str) -> Result<Vec<u8>, Failure> {
    client.delete_client(name)?;
    Ok(format!("no keys of {} are left\n", text::printable(name)).into())
}
