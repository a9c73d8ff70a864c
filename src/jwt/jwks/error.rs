//! Why keys were not fetched.

use std::error::Error;
use std::fmt;

use http::StatusCode;

use crate::error::BoxError;

/// Why a fetch failed. What the server wrote stands in it as an [`Excerpt`] at most.
#[derive(Debug)]
pub(super) enum FetchError {
    Client(BoxError),
    Panicked,
    TimedOut,
    Status(StatusCode),
    TooLarge,
    Compressed,
    NotDiscovery,
    IssuerMismatch {
        theirs: Excerpt,
        expected: Box<str>,
    },
    UnfitAddress,
    NotKeySet,
    TooManyKeys,
    /// With one of the keys that cannot be used.
    NoUsableKey(Option<Dropped>),
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
            Self::Compressed => {
                "the document is compressed, although it was asked for as it is; \
                 have it served without `Content-Encoding`, \
                 or decompress it in a client of your own (`JwksBuilder::client`)"
            }
            Self::NotDiscovery => {
                "the discovery document is not a JSON object with `issuer` and `jwks_uri`"
            }
            Self::IssuerMismatch { theirs, expected } => {
                return write!(
                    f,
                    "the discovery document is of issuer {theirs}, expected {expected:?}; \
                     give the issuer to the letter as its document does"
                );
            }
            Self::UnfitAddress => {
                "the `jwks_uri` of the discovery document is not https, or has a password in it; \
                 it is for the issuer to correct"
            }
            Self::NotKeySet => "the document is not a JSON object with an array `keys`",
            Self::TooManyKeys => "the key set has too many keys",
            Self::NoUsableKey(None) => "the key set has no key that can be used",
            Self::NoUsableKey(Some(Dropped { kid, reason })) => {
                f.write_str("the key set has no key that can be used; ")?;
                return match kid {
                    Some(kid) => write!(f, "of {kid}: {reason}"),
                    None => write!(f, "of one without an id: {reason}"),
                };
            }
        })
    }
}

impl Error for FetchError {}

/// A key that was left out of a set.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Dropped {
    pub(super) kid: Option<Excerpt>,
    /// A static text, perhaps with the name of an algorithm.
    pub(super) reason: String,
}

/// What a server wrote, cut. Shown in quotes and escaped, so that no line of a log is its own.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Excerpt(String);

impl Excerpt {
    pub(super) fn of(text: &str) -> Self {
        let mut excerpt: String = text.chars().take(MAX_EXCERPT_CHARS).collect();
        if excerpt.len() < text.len() {
            excerpt.push('…');
        }
        Self(excerpt)
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

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

const MAX_EXCERPT_CHARS: usize = 100;
