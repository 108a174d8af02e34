//! One function per command; each gives what is to be printed.

mod crypto;
mod keys;
mod service;

use crate::arguments::{Arguments, Command};
use crate::failure::Failure;
use parsecd_client::{Client, Endpoint, Error};
use std::path::Path;

/// Application name where the service chose Direct authentication and the user said nothing.
const APPLICATION_NAME: &str = "parsecctl";

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<Vec<u8>, Failure> {
    match &arguments.command {
        Command::Ping => service::ping(&plain(arguments)?),
        Command::ListProviders => service::list_providers(&plain(arguments)?),
        Command::ListOpcodes => service::list_opcodes(&with_provider(arguments)?),
        Command::ListAuthenticators => service::list_authenticators(&plain(arguments)?),
        Command::ListKeys => service::list_keys(&with_identity(plain(arguments)?, arguments)?),
        Command::ListClients => service::list_clients(&with_identity(plain(arguments)?, arguments)?),
        Command::DeleteClient { client } => {
            service::delete_client(&with_identity(plain(arguments)?, arguments)?, client)
        }
        Command::CreateKey(key) => keys::create(&complete(arguments)?, key),
        Command::DeleteKey { name } => keys::delete(&complete(arguments)?, name),
        Command::ExportPublicKey { name, output } => {
            place(keys::export_public(&complete(arguments)?, name)?, output.as_deref())
        }
        Command::Sign { name, file, der, hash, output } => place(
            crypto::sign(&complete(arguments)?, name, file, hash.map(Into::into), *der)?,
            output.as_deref(),
        ),
        Command::Verify { name, file, signature, der, hash } => {
            crypto::verify(&complete(arguments)?, name, file, signature, hash.map(Into::into), *der)
        }
        Command::Random { bytes, raw } => crypto::random(&anonymous(arguments)?, *bytes, *raw),
        Command::Hash { file, hash } => crypto::hash(&anonymous(arguments)?, file, (*hash).into()),
    }
}

/// A client that can ask the Core provider what needs no identity.
fn plain(arguments: &Arguments) -> Result<Client, Failure> {
    let endpoint = match &arguments.endpoint {
        Some(endpoint) => endpoint.clone(),
        None => Endpoint::from_environment().map_err(Error::from)?,
    };
    Ok(Client::new(endpoint).with_deadline(arguments.timeout))
}

/// A client with the provider that was named, or the one the service prefers.
fn with_provider(arguments: &Arguments) -> Result<Client, Failure> {
    let client = plain(arguments)?;
    match arguments.provider {
        Some(provider) => Ok(client.with_provider(provider)),
        None => Ok(client.choose_provider()?),
    }
}

/// `client` with the identity that was given, or the one the service prefers.
fn with_identity(client: Client, arguments: &Arguments) -> Result<Client, Failure> {
    match &arguments.authentication {
        Some(authentication) => Ok(client.with_authentication(authentication.clone())),
        None => Ok(client.choose_authentication(Some(APPLICATION_NAME))?),
    }
}

/// A client for cryptography that needs no identity: without one, unless it was given.
fn anonymous(arguments: &Arguments) -> Result<Client, Failure> {
    let client = with_provider(arguments)?;
    match &arguments.authentication {
        Some(authentication) => Ok(client.with_authentication(authentication.clone())),
        None => Ok(client),
    }
}

/// A client for operations on keys.
fn complete(arguments: &Arguments) -> Result<Client, Failure> {
    with_identity(with_provider(arguments)?, arguments)
}

/// Writes `content` to the file, if there is one; what is left to print.
fn place(content: Vec<u8>, file: Option<&Path>) -> Result<Vec<u8>, Failure> {
    match file {
        None => Ok(content),
        Some(path) => std::fs::write(path, content)
            .map(|()| Vec::new())
            .map_err(|source| Failure::File { path: path.to_owned(), source }),
    }
}
