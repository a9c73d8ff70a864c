//! Errors of fetches.

use std::error::Error;
use std::fmt;

use http::StatusCode;

use crate::error::BoxError;

/// Why a fetch failed. Text from the server appears only as an [`Excerpt`].
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
    InvalidJwksUri,
    NotKeySet,
    TooManyKeys,
    /// Holds one of the unusable keys.
    NoUsableKey(Option<Dropped>),
}

impl_display! { FetchError:
    Self::Client(error) => "{}", Chain(&**error);
    Self::Status(status) if is_redirect(*status) =>
        "the key server answered {} and redirects are not followed; \
         configure the URL that it redirects to", status.as_u16();
    Self::Status(status) => "the key server answered {}", status.as_u16();
    Self::Panicked => "the client panicked";
    Self::TimedOut => "the key server took too long";
    Self::TooLarge => "the document is too large";
    Self::Compressed =>
        "the document is compressed, although `Accept-Encoding: identity` was sent; \
         serve it without `Content-Encoding`, \
         or decompress it in a custom client (`JwksBuilder::client`)";
    Self::NotDiscovery =>
        "the discovery document is not a JSON object with `issuer` and `jwks_uri`";
    Self::IssuerMismatch { theirs, expected } =>
        "the discovery document is of issuer {theirs}, expected {expected:?}; \
         configure the issuer exactly as its document spells it";
    Self::InvalidJwksUri =>
        "the `jwks_uri` of the discovery document is not https, or has a password in it; \
         the issuer must correct it";
    Self::NotKeySet => "the document is not a JSON object with an array `keys`";
    Self::TooManyKeys => "the key set has too many keys";
    Self::NoUsableKey(None) => "the key set has no key that can be used";
    Self::NoUsableKey(Some(Dropped { kid: Some(kid), reason })) =>
        "the key set has no key that can be used; of {kid}: {reason}";
    Self::NoUsableKey(Some(Dropped { kid: None, reason })) =>
        "the key set has no key that can be used; of one without an id: {reason}";
}

impl Error for FetchError {}

/// Unusable key that was left out of a set.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Dropped {
    pub(super) kid: Option<Excerpt>,
    /// Static text, sometimes with the name of an algorithm. No text from the server.
    pub(super) reason: String,
}

/// Truncated text from a server. Displayed in quotes and escaped, so that it cannot forge log lines.
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

/// Writes an error with its sources: the error of an HTTP client says little without them.
struct Chain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        match self.0.source() {
            Some(source) => write!(f, ": {}", Chain(source)),
            None => Ok(()),
        }
    }
}

const MAX_EXCERPT_CHARS: usize = 100;
