//! Choosing provider and authenticator as the lists of the service propose (client-behaviour.md 1.1).

use crate::{Authentication, Client, Error, UsageError};
use parsecd_wire::{AuthenticationType, ProviderId};

impl Client {
    /// A client of the service that the environment names, with the provider that
    /// [`choose_provider`](Client::choose_provider) and the authentication that
    /// [`choose_authentication`](Client::choose_authentication) find. `application_name` is used if that is
    /// Direct authentication.
    ///
    /// # Errors
    /// Those of the two, and of [`Client::from_environment`].
    pub fn bootstrap(application_name: Option<&str>) -> Result<Client, Error> {
        Client::from_environment()?.choose_provider()?.choose_authentication(application_name)
    }

    /// The same client with the first provider of cryptography that the service lists.
    ///
    /// # Errors
    /// [`UsageError::NoProvider`] if it lists none; those of [`Client::list_providers`].
    pub fn choose_provider(self) -> Result<Client, Error> {
        let first = self
            .list_providers()?
            .into_iter()
            .map(|provider| provider.id)
            .find(|id| *id != ProviderId::Core)
            .ok_or(UsageError::NoProvider)?;
        Ok(self.with_provider(first))
    }

    /// The same client with the first authenticator that the service lists and that is possible here: Direct
    /// if there is an `application_name`, Unix peer credentials.
    ///
    /// # Errors
    /// [`UsageError::ApplicationNameMissing`] if only Direct would do and there is no name,
    /// [`UsageError::NoAuthenticator`] if nothing would; those of [`Client::list_authenticators`].
    pub fn choose_authentication(self, application_name: Option<&str>) -> Result<Client, Error> {
        let listed = self.list_authenticators()?;
        let possible = listed.iter().find_map(|authenticator| match authenticator.id {
            AuthenticationType::Direct => {
                application_name.map(|name| Authentication::Direct(name.to_owned()))
            }
            AuthenticationType::UnixPeerCredentials => Some(Authentication::UnixPeerCredentials),
            _ => None,
        });
        match possible {
            Some(authentication) => Ok(self.with_authentication(authentication)),
            None if listed.iter().any(|entry| entry.id == AuthenticationType::Direct) => {
                Err(UsageError::ApplicationNameMissing.into())
            }
            None => Err(UsageError::NoAuthenticator.into()),
        }
    }
}
