//! JWT-SVID: the identity provider says whose token it is, the core whether it is accepted now.

use super::{Application, Caller};
use crate::config::{Limits, ListenerConfig};
use crate::input::TokenVerdict;
use crate::time::WallTime;
use parsecd_wire::{AuthenticationType, Status};

/// The caller that a verified token names.
///
/// # Errors
///
/// [`Status::AuthenticationError`] for a token that is not genuine, not valid at `now`, valid for longer than
/// `limits.token_lifetime`, or that names nobody; [`Status::AuthenticatorNotRegistered`] if the listener does
/// not accept tokens any more; [`Status::PsaErrorCommunicationFailure`] if nobody could be asked.
pub fn accept_token(
    listener: &ListenerConfig,
    limits: &Limits,
    verdict: TokenVerdict,
    now: WallTime,
) -> Result<Caller, Status> {
    let authenticator =
        listener.authenticator(AuthenticationType::JwtSvid).ok_or(Status::AuthenticatorNotRegistered)?;
    match verdict {
        TokenVerdict::Refused => Err(Status::AuthenticationError),
        TokenVerdict::Unavailable => Err(Status::PsaErrorCommunicationFailure),
        TokenVerdict::Genuine { name, valid_from, valid_until } => {
            let lifetime = valid_until.0.saturating_sub(valid_from.0);
            let longest = i64::try_from(limits.token_lifetime.as_millis()).unwrap_or(i64::MAX);
            let is_valid = valid_from <= now && now <= valid_until && lifetime <= longest;
            let is_named = !name.is_empty() && name.len() <= crate::length(limits.application_name);
            if is_valid && is_named {
                Ok(Caller::Application(Application::new(authenticator, name)))
            } else {
                Err(Status::AuthenticationError)
            }
        }
    }
}
