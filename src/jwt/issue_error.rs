//! Errors of token issuance.

use std::error::Error;

/// Error of [`JwtIssuer`](crate::JwtIssuer): no token was issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IssueError {
    /// The subject (`sub`) is missing, not a string, empty, longer than 255 bytes or has control
    /// characters.
    InvalidSubject,
    /// The token ID (`jti`) is not a string, empty, longer than 255 bytes or has control characters.
    InvalidTokenId,
    /// A time is not a number, `exp` has passed, `iat` is in the future, or `nbf` is not before `exp`.
    InvalidTime,
    /// `exp` is further away than [`JwtIssuer::lifetime`](crate::JwtIssuer::lifetime).
    LifetimeExceeded,
    /// The claims have another `iss` than the issuer.
    IssuerMismatch,
    /// The claims have another `aud` than the issuer.
    AudienceMismatch,
    /// The claims do not serialize to a JSON object.
    ClaimsNotAnObject,
    /// A custom claim has a registered name: `iss`, `sub`, `aud`, `exp`, `nbf`, `iat`, `jti`, or the
    /// name of the generation claim (`gen`).
    RegisteredClaim,
    /// The claims are nested too deeply, or a registered claim has the wrong type.
    InvalidClaims,
    /// The token would be longer than 8 KiB, or its header, because of a long key ID, longer than
    /// 1 KiB: more than a verifier accepts by default.
    TooLarge,
    /// The key ring has no signing key.
    NoSigningKey,
    /// The clock is before 1970 or after the year 9999.
    ClockOutOfRange,
    /// The key or the operating system's random number generator failed.
    SigningFailed,
}

impl_display! { IssueError:
    Self::InvalidSubject =>
        "the subject (`sub`) is missing, not a string, empty, longer than 255 bytes \
         or has control characters";
    Self::InvalidTokenId =>
        "the token ID (`jti`) is not a string, empty, longer than 255 bytes \
         or has control characters";
    Self::InvalidTime =>
        "a time is not a number, `exp` has passed, `iat` is in the future, \
         or `nbf` is not before `exp`; times are seconds since 1970";
    Self::LifetimeExceeded =>
        "`exp` is further away than the lifetime of the issuer, 7 days by default: \
         see `.lifetime(…)`; times are seconds since 1970, not milliseconds";
    Self::IssuerMismatch =>
        "the claims have another `iss` than the issuer: leave it out of the claims";
    Self::AudienceMismatch =>
        "the claims have another `aud` than the issuer: leave it out of the claims";
    Self::ClaimsNotAnObject =>
        "the claims do not serialize to a JSON object: pass a struct or a map";
    Self::RegisteredClaim =>
        "a custom claim has the name of a registered claim: use the builder's methods for \
         registered claims, or `JwtIssuer::issue_claims` for a struct that has them";
    Self::InvalidClaims =>
        "the claims are nested too deeply, or a registered claim has the wrong type";
    Self::TooLarge =>
        "the token would be larger than 8 KiB, or its header than 1 KiB: \
         use fewer claims or a shorter key ID";
    Self::NoSigningKey =>
        "the key ring has no signing key: set one with `KeyRing::set_signing_key`";
    Self::ClockOutOfRange => "the clock is before 1970 or after the year 9999: set the system time";
    Self::SigningFailed =>
        "the token could not be signed: the key or the random number generator failed";
}

impl Error for IssueError {}
