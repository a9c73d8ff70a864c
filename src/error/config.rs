//! Errors in a configuration.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;

use super::BoxError;
use super::key_file::KeyFileProblem;

/// Error in a configuration, returned while it is built.
///
/// The message says how to fix it, and contains no secret. `Debug` prints the message, too, so that it
/// is readable in a panic of `unwrap` and when `main` returns the error.
#[non_exhaustive]
pub enum ConfigError {
    /// An environment variable is not set.
    MissingVariable(String),
    /// An environment variable is empty.
    EmptyVariable(String),
    /// An environment variable is not UTF-8.
    InvalidVariable(String),
    /// A secret has fewer bytes than its algorithm requires (RFC 7518, section 3.2).
    SecretTooShort {
        /// Bytes that the algorithm requires.
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
    /// A key is not of the type that its algorithm requires.
    KeyTypeMismatch(&'static str),
    /// A key is malformed, too weak or inconsistent.
    InvalidKey(&'static str),
    /// The URL of a key server is not `https` (or `http` where that is allowed), or contains a
    /// password.
    InvalidUrl(String),
    /// Published keys could not be fetched.
    KeySet {
        /// The URL, without its query.
        url: String,
        /// The cause.
        source: BoxError,
    },
    /// Two verifiers are for the same issuer.
    DuplicateIssuer(String),
    /// A verifier for this issuer requires another one.
    IssuerMismatch(String),
    /// An issuer template has no placeholder, or several.
    InvalidIssuerTemplate(String),
    /// Two keys of a ring have the same key ID.
    DuplicateKeyId(String),
    /// A key of a ring has no key ID.
    MissingKeyId,
    /// A ring has no key with this ID.
    UnknownKeyId(String),
    /// A realm has characters that do not fit into a quoted string.
    InvalidRealm,
    /// A scope is empty or has characters that RFC 6749, section 3.3, does not allow.
    InvalidScope,
    /// The name of a cookie is not a token (RFC 9110, section 5.6.2), or already has a prefix.
    InvalidCookieName(String),
    /// A header cannot carry a bare token: it has another format, or its name is not a token
    /// (RFC 9110, section 5.6.2).
    InvalidHeaderName(String),
    /// An origin is not serialized as browsers do it (RFC 6454, section 6.1).
    InvalidOrigin(String),
    /// A path is malformed, or a pattern.
    InvalidPath(String),
    /// A field of a `jsonwebtoken::Validation` would weaken the verifier, or is not supported by it.
    #[cfg(feature = "jsonwebtoken")]
    UnsupportedValidation {
        /// The field.
        field: &'static str,
        /// How to fix it.
        remedy: &'static str,
    },
    /// Password hashing parameters are out of range.
    InvalidPasswordParams(&'static str),
    /// A key file is not a regular file, or other users could read or replace it.
    KeyFile {
        /// The file.
        path: PathBuf,
        /// The problem.
        problem: KeyFileProblem,
    },
    /// A file could not be read or written.
    File {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
}

impl_display! { ConfigError:
    Self::MissingVariable(name) => "{name} is not set; make a secret with `openssl rand -hex 32`";
    Self::EmptyVariable(name) => "{name} is empty; make a secret with `openssl rand -hex 32`";
    Self::InvalidVariable(name) => "{name} is not UTF-8; make a secret with `openssl rand -hex 32`";
    Self::SecretTooShort { needed, given } =>
        "the secret has {given} bytes and needs at least {needed}; \
         make one with `openssl rand -hex {needed}`";
    Self::PlaceholderSecret =>
        "the secret is a well-known placeholder; make one with `openssl rand -hex 32`";
    Self::PredictableSecret =>
        "the secret is predictable: it contains repetitions, sequences or \
         well-known words; make one with `openssl rand -hex 32`";
    Self::LeewayTooLong => "the leeway is longer than 300 seconds; synchronize the clocks instead";
    Self::UnsupportedAlgorithm(algorithm) =>
        "{algorithm} needs the feature `aws-lc-rs` or `rust-crypto` of tower-warder";
    Self::KeyTypeMismatch(algorithm) =>
        "the key is not a key for {algorithm}; check the algorithm or the file";
    Self::InvalidKey(reason) => "the key cannot be used: {reason}";
    Self::InvalidUrl(url) =>
        "keys cannot be fetched from {url:?}; give an https URL without a password, \
         or an http one on this machine; for http inside a private network \
         use `JwksBuilder::dangerous_allow_http`";
    Self::KeySet { url, source } => "the keys at {url} cannot be fetched: {source}";
    Self::DuplicateIssuer(issuer) =>
        "the issuer {issuer:?} already has a verifier; add each issuer once";
    Self::IssuerMismatch(issuer) =>
        "the verifier for {issuer:?} requires another issuer; \
         add it under exactly the issuer that its tokens name";
    Self::InvalidIssuerTemplate(template) =>
        "{template:?} is not an issuer template; write `{{tenantid}}` once, \
         or give exact issuers with `.issuers(…)`";
    Self::DuplicateKeyId(kid) =>
        "the ring already has a key with the ID {kid:?}; give each key its own";
    Self::MissingKeyId => "a key in a ring needs an ID; set it with `.key_id(…)`";
    Self::UnknownKeyId(kid) => "the ring has no key with the ID {kid:?}; add it first";
    Self::InvalidRealm =>
        "the realm must be visible ASCII and spaces, without quotes and backslashes";
    Self::InvalidScope =>
        "a scope must be one word of visible ASCII, without quotes and backslashes";
    Self::InvalidCookieName(name) =>
        "{name:?} cannot be the name of a cookie; use letters and digits, without a prefix";
    Self::InvalidHeaderName(name) =>
        "{name:?} cannot be a header with a bare token; use the name that the proxy \
         documents, or use `CredentialSource::header()` for `Authorization` and `AuthCookie` \
         for a cookie";
    Self::InvalidOrigin(origin) =>
        "{origin:?} is not an origin; use one such as https://app.example.com, \
         without a path and without the default port of the scheme";
    Self::InvalidPath(path) => "{path:?} is not a path; use an exact one such as /api/events";
    #[cfg(feature = "jsonwebtoken")]
    Self::UnsupportedValidation { field, remedy } =>
        "`{field}` of the `Validation` is not supported: {remedy}";
    Self::InvalidPasswordParams(reason) =>
        "the password hashing parameters cannot be used: {reason}";
    Self::KeyFile { path, problem } => "{}: {problem}", path.display().to_string().escape_debug();
    Self::File { path, source } => "{} cannot be read or written: {source}", path.display();
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
