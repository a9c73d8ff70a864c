//! What is wrong with a configuration.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;

use super::BoxError;
use super::key_file::KeyFileProblem;

/// What is wrong with a configuration, found while it is built.
///
/// The text of each says what to do about it and holds no secret. `Debug` is that text, too, so that
/// a `main` that returns the error, or `unwrap`, prints it.
#[non_exhaustive]
pub enum ConfigError {
    /// An environment variable is not set.
    MissingVariable(String),
    /// An environment variable is set to nothing.
    EmptyVariable(String),
    /// An environment variable is not UTF-8.
    InvalidVariable(String),
    /// A secret has fewer bytes than its algorithm asks for (RFC 7518, section 3.2).
    SecretTooShort {
        /// Bytes that the algorithm needs.
        needed: usize,
        /// Bytes that were given.
        given: usize,
    },
    /// A secret is a well-known placeholder.
    PlaceholderSecret,
    /// A secret is made of repetitions, sequences, keyboard rows or well-known words.
    PredictableSecret,
    /// The leeway is longer than 300 seconds.
    LeewayTooLong,
    /// No backend for the algorithm is compiled in.
    UnsupportedAlgorithm(&'static str),
    /// A key does not belong to the algorithm it was given for.
    KeyTypeMismatch(&'static str),
    /// A key is malformed, too weak or contradicts itself.
    InvalidKey(&'static str),
    /// A key server's URL is neither `https` nor `http` where that is allowed, or has a password in
    /// it.
    InvalidUrl(String),
    /// Published keys could not be fetched.
    KeySet {
        /// From where, without the query.
        url: String,
        /// Why not.
        source: BoxError,
    },
    /// Two verifiers are for the same issuer.
    DuplicateIssuer(String),
    /// A verifier for this issuer demands another one.
    IssuerMismatch(String),
    /// A template of issuers has no placeholder, or several.
    InvalidIssuerTemplate(String),
    /// Two keys of a ring have the same key id.
    DuplicateKeyId(String),
    /// A key of a ring has no key id.
    MissingKeyId,
    /// A ring has no key of this id.
    UnknownKeyId(String),
    /// A realm has characters that do not fit into a quoted string.
    InvalidRealm,
    /// A scope is empty or has characters that RFC 6749, section 3.3, does not allow.
    InvalidScope,
    /// A cookie's name is no token (RFC 9110, section 5.6.2), or has a prefix already.
    InvalidCookieName(String),
    /// A header cannot hold a token alone: it is read otherwise, or its name is no token (RFC 9110,
    /// section 5.6.2).
    InvalidHeaderName(String),
    /// An origin is not written as browsers write theirs (RFC 6454, section 6.1).
    InvalidOrigin(String),
    /// A path is none, or a pattern.
    InvalidPath(String),
    /// A field of a `jsonwebtoken::Validation` would weaken the verifier, or demands what it cannot do.
    #[cfg(feature = "jsonwebtoken")]
    UnsupportedValidation {
        /// The field.
        field: &'static str,
        /// What to do about it.
        remedy: &'static str,
    },
    /// Password hashing parameters are out of range.
    InvalidPasswordParams(&'static str),
    /// A file of keys is none, or others than its owner could know or replace it.
    KeyFile {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        problem: KeyFileProblem,
    },
    /// A file could not be read or written.
    File {
        /// Which file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingVariable(name) => {
                write!(
                    f,
                    "{name} is not set; make a secret with `openssl rand -hex 32`"
                )
            }
            Self::EmptyVariable(name) => {
                write!(
                    f,
                    "{name} is empty; make a secret with `openssl rand -hex 32`"
                )
            }
            Self::InvalidVariable(name) => {
                write!(
                    f,
                    "{name} is not UTF-8; make a secret with `openssl rand -hex 32`"
                )
            }
            Self::SecretTooShort { needed, given } => write!(
                f,
                "the secret has {given} bytes and needs at least {needed}; \
                 make one with `openssl rand -hex {needed}`"
            ),
            Self::PlaceholderSecret => f.write_str(
                "the secret is a well-known placeholder; make one with `openssl rand -hex 32`",
            ),
            Self::PredictableSecret => f.write_str(
                "the secret is predictable: it repeats itself, or is made of sequences or \
                 well-known words; make one with `openssl rand -hex 32`",
            ),
            Self::LeewayTooLong => {
                f.write_str("the leeway is longer than 300 seconds; set the clocks right instead")
            }
            Self::UnsupportedAlgorithm(algorithm) => write!(
                f,
                "{algorithm} needs the feature `aws-lc-rs` or `rust-crypto` of tower-warder"
            ),
            Self::KeyTypeMismatch(algorithm) => {
                write!(
                    f,
                    "the key is not a key for {algorithm}; check the algorithm or the file"
                )
            }
            Self::InvalidKey(reason) => write!(f, "the key cannot be used: {reason}"),
            Self::InvalidUrl(url) => write!(
                f,
                "keys cannot be fetched from {url:?}; give an https URL without a password, \
                 or an http one on this machine; for http inside a private network \
                 there is `JwksBuilder::dangerous_allow_http`"
            ),
            Self::KeySet { url, source } => {
                write!(f, "the keys at {url} cannot be fetched: {source}")
            }
            Self::DuplicateIssuer(issuer) => {
                write!(f, "the issuer {issuer:?} has a verifier already")
            }
            Self::IssuerMismatch(issuer) => {
                write!(
                    f,
                    "the verifier for {issuer:?} demands another issuer; \
                     add it under the one that its tokens name, to the letter"
                )
            }
            Self::InvalidIssuerTemplate(template) => write!(
                f,
                "{template:?} is no template of issuers; write `{{tenantid}}` once, \
                 or give exact issuers with `.issuers(…)`"
            ),
            Self::DuplicateKeyId(kid) => {
                write!(
                    f,
                    "the ring has a key with the id {kid:?} already; give each its own"
                )
            }
            Self::MissingKeyId => {
                f.write_str("a key in a ring needs an id; set it with `.key_id(…)`")
            }
            Self::UnknownKeyId(kid) => {
                write!(f, "the ring has no key with the id {kid:?}; add it first")
            }
            Self::InvalidRealm => f.write_str(
                "the realm may have visible ASCII and blanks, without quotes and backslashes",
            ),
            Self::InvalidScope => {
                f.write_str("a scope is one word of visible ASCII without quotes and backslashes")
            }
            Self::InvalidCookieName(name) => write!(
                f,
                "{name:?} cannot be the name of a cookie; give letters and digits without a prefix"
            ),
            Self::InvalidHeaderName(name) => write!(
                f,
                "{name:?} cannot be a header with a token alone; give the name that the proxy \
                 documents, or use `CredentialSource::header()` for `Authorization` and `AuthCookie` \
                 for a cookie"
            ),
            Self::InvalidOrigin(origin) => write!(
                f,
                "{origin:?} is no origin; give one such as https://app.example.com, \
                 without a path and without the scheme's own port"
            ),
            Self::InvalidPath(path) => {
                write!(
                    f,
                    "{path:?} is no path; give an exact one such as /api/events"
                )
            }
            #[cfg(feature = "jsonwebtoken")]
            Self::UnsupportedValidation { field, remedy } => write!(
                f,
                "`{field}` of the `Validation` is not supported as it is: {remedy}"
            ),
            Self::InvalidPasswordParams(reason) => {
                write!(
                    f,
                    "the password hashing parameters cannot be used: {reason}"
                )
            }
            Self::KeyFile { path, problem } => {
                let path = path.display().to_string();
                write!(f, "{}: {problem}", path.escape_debug())
            }
            Self::File { path, source } => {
                let path = path.display();
                write!(f, "{path} cannot be read or written: {source}")
            }
        }
    }
}

impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Error for ConfigError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::KeyFile { problem, .. } => Some(problem),
            Self::File { source, .. } => Some(source),
            Self::KeySet { source, .. } => Some(&**source),
            _ => None,
        }
    }
}
