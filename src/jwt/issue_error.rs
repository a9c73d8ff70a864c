//! Reasons for issuing no token.

use std::error::Error;
use std::fmt;

/// Why a token was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IssueError {
    /// The subject is missing, no text, empty, longer than 255 bytes or has control characters.
    InvalidSubject,
    /// The token's own name is no text, empty, longer than 255 bytes or has control characters.
    InvalidTokenId,
    /// A time is not a number, `exp` has passed, `iat` is in the future, or `nbf` is not before `exp`.
    InvalidTime,
    /// `exp` is further away than [`JwtIssuer::lifetime`](crate::JwtIssuer::lifetime).
    LifetimeExceeded,
    /// The claims name another `iss` than the issuer.
    IssuerMismatch,
    /// The claims name another `aud` than the issuer.
    AudienceMismatch,
    /// The claims do not serialize to a JSON object.
    ClaimsNotAnObject,
    /// The claims have a registered name: `iss`, `sub`, `aud`, `exp`, `nbf`, `iat`, `jti`, or that of
    /// the generation (`gen`).
    RegisteredClaim,
    /// The claims are nested too deeply, or a registered one is of another type.
    InvalidClaims,
    /// The token, or its header because of a long key id, would be longer than a verifier accepts
    /// by default (8 KiB and 1 KiB).
    TooLarge,
    /// The key ring has no signing key.
    NoSigningKey,
    /// The clock stands before 1970 or after the year 9999.
    ClockOutOfRange,
    /// The key or the operating system's randomness failed.
    SigningFailed,
}

impl fmt::Display for IssueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidSubject => {
                "the subject (`sub`) is missing, not a string, empty, longer than 255 bytes \
                 or has control characters"
            }
            Self::InvalidTokenId => {
                "`jti` is no text, empty, longer than 255 bytes or has control characters"
            }
            Self::InvalidTime => {
                "a time is not a number, `exp` has passed, `iat` is in the future, \
                 or `nbf` is not before `exp`; times are seconds since 1970"
            }
            Self::LifetimeExceeded => {
                "`exp` is further away than the lifetime of the issuer, 7 days by default: \
                 see `.lifetime(…)`; times are seconds since 1970, not milliseconds"
            }
            Self::IssuerMismatch => {
                "the claims name another `iss` than the issuer: leave it out of them"
            }
            Self::AudienceMismatch => {
                "the claims name another `aud` than the issuer: leave it out of them"
            }
            Self::ClaimsNotAnObject => "the claims do not serialize to a JSON object",
            Self::RegisteredClaim => {
                "the claims have the name of a registered claim: use the builder's methods for \
                 those, or `JwtIssuer::issue_claims` for a struct that has them"
            }
            Self::InvalidClaims => {
                "the claims are nested too deeply, or a registered one is of another type"
            }
            Self::TooLarge => "the token would be larger than 8 KiB, or its header than 1 KiB",
            Self::NoSigningKey => "the key ring has no signing key",
            Self::ClockOutOfRange => "the clock stands before 1970 or after the year 9999",
            Self::SigningFailed => "the signature could not be made",
        })
    }
}

impl Error for IssueError {}
