//! Why keys were not fetched.

use std::error::Error;
use std::fmt;

use http::StatusCode;

use crate::error::BoxError;

/// Why a fetch failed. What a stranger wrote does not stand in it.
#[derive(Debug)]
pub(super) enum FetchError {
    Client(BoxError),
    Panicked,
    TimedOut,
    Status(StatusCode),
    TooLarge,
    NotDiscovery,
    OtherIssuer,
    UnfitAddress,
    NotKeySet,
    TooManyKeys,
    NoUsableKey,
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client(error) => return write_chain(&**error, f),
            Self::Status(status) if is_redirect(*status) => {
                return write!(
                    f,
                    "the key server answered {} and redirects are not followed; \
                     give the address that it names",
                    status.as_u16()
                );
            }
            Self::Status(status) => {
                return write!(f, "the key server answered {}", status.as_u16());
            }
            Self::Panicked => "the client panicked",
            Self::TimedOut => "the key server took too long",
            Self::TooLarge => "the document is too large",
            Self::NotDiscovery => {
                "the discovery document is not a JSON object with `issuer` and `jwks_uri`"
            }
            Self::OtherIssuer => "the discovery document is that of another issuer",
            Self::UnfitAddress => "the `jwks_uri` of the discovery document is not https",
            Self::NotKeySet => "the document is not a JSON object with an array `keys`",
            Self::TooManyKeys => "the key set has too many keys",
            Self::NoUsableKey => "the key set has no key that can be used",
        })
    }
}

impl Error for FetchError {}

fn is_redirect(status: StatusCode) -> bool {
    status.is_redirection() && status != StatusCode::NOT_MODIFIED
}

/// A client's error says little without its causes.
fn write_chain(error: &dyn Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{error}")?;
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(f, ": {error}")?;
        cause = error.source();
    }
    Ok(())
}
