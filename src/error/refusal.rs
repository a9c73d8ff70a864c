//! The reasons for refusing a token.

use std::error::Error;
use std::fmt;

/// Why a token was refused: a closed set of static texts, so that nothing an attacker wrote
/// reaches a client, a header or the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Credential,
    Size,
    Segments,
    Base64,
    Header,
    Algorithm,
    Critical,
    Type,
    KeyId,
    Signature,
    Claims,
    Subject,
    Expiry,
    Expired,
    NotYetValid,
    IssuedInFuture,
    Issuer,
    Audience,
    Ticket,
    TokenId,
    Denied,
    Generation,
    IssuedTooEarly,
    UnknownSubject,
    #[cfg_attr(
        not(feature = "accounts"),
        expect(dead_code, reason = "accounts alone are bound to an issuer")
    )]
    ForeignIssuer,
    CustomClaims,
}

impl Refusal {
    /// The stable name of the reason.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Credential => "credential",
            Self::Size => "size",
            Self::Segments => "segments",
            Self::Base64 => "base64",
            Self::Header => "header",
            Self::Algorithm => "algorithm",
            Self::Critical => "critical",
            Self::Type => "type",
            Self::KeyId => "unknown_key",
            Self::Signature => "signature",
            Self::Claims => "claims",
            Self::Subject => "subject",
            Self::Expiry => "no_expiry",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::IssuedInFuture => "issued_in_future",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Ticket => "ticket",
            Self::TokenId => "no_token_id",
            Self::Denied => "denied",
            Self::Generation => "generation",
            Self::IssuedTooEarly => "issued_too_early",
            Self::UnknownSubject => "unknown_subject",
            Self::ForeignIssuer => "foreign_issuer",
            Self::CustomClaims => "custom_claims",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Credential => "the credential is not one bearer token",
            Self::Size => "the token or its header is too large",
            Self::Segments => "the token does not have three segments",
            Self::Base64 => "a segment is not strict base64url",
            Self::Header => "the header is not one strict JSON object",
            Self::Algorithm => "the algorithm is not the one configured for the key",
            Self::Critical => "the header demands an extension",
            Self::Type => "the token is of another type",
            Self::KeyId => "no key is configured for the key id",
            Self::Signature => "the signature does not match",
            Self::Claims => {
                "the claims are not one strict JSON object, \
                 or a registered one has another type or range"
            }
            Self::Subject => "the subject is missing, empty, too long or has control characters",
            Self::Expiry => "the expiry is missing",
            Self::Expired => "the token has expired",
            Self::NotYetValid => "the token is not valid yet",
            Self::IssuedInFuture => "the token was issued in the future",
            Self::Issuer => "the issuer is not the configured one",
            Self::Audience => "the audience is not the configured one",
            Self::Ticket => "the ticket is unknown, used or expired",
            Self::TokenId => "the deny list has no name for the token",
            Self::Denied => "the token is on the deny list",
            Self::Generation => "the token was revoked by a later generation",
            Self::IssuedTooEarly => "the token was issued before its account was made",
            Self::UnknownSubject => "the subject is unknown",
            Self::ForeignIssuer => {
                "the token is of another issuer than the accounts: \
                 their `TokenIssuer` has to write the issuer that the verifier accepts"
            }
            Self::CustomClaims => "the custom claims are not of the form the application reads",
        })
    }
}

impl Error for Refusal {}
