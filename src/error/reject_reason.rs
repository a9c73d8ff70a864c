//! Reasons for rejecting a token.

use std::error::Error;
use std::fmt;

/// Why a token was rejected. Only static texts, so that nothing that an attacker wrote reaches a
/// client, a header or the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RejectReason {
    Credential,
    DuplicateCookie,
    Size,
    HeaderSize,
    Segments,
    Base64,
    Header,
    Algorithm,
    Critical,
    Type,
    NoType,
    NoKeyId,
    KeyId,
    Signature,
    Claims,
    NoSubject,
    Subject,
    SubjectType,
    NoExpiry,
    ExpiryType,
    ExpiryRange,
    Expired,
    NotBeforeType,
    NotBeforeRange,
    NotYetValid,
    IssuedAtType,
    IssuedAtRange,
    IssuedInFuture,
    NoIssuer,
    #[cfg(feature = "jwks")]
    NoIssuerRule,
    Issuer,
    IssuerType,
    NoAudience,
    Audience,
    UnexpectedAudience,
    AudienceType,
    ScopeType,
    RequiredClaim,
    OtherSubject,
    Ticket,
    TokenId,
    Denied,
    Generation,
    IssuedTooEarly,
    GenerationType,
    UnknownSubject,
    ForeignIssuer,
    CustomClaims,
}

impl RejectReason {
    /// Stable name of the reason.
    pub(super) const fn code(self) -> &'static str {
        self.entry().0
    }

    /// Stable name and message, with the remedy if there is one.
    const fn entry(self) -> (&'static str, &'static str) {
        match self {
            Self::Credential => (
                "credential",
                "the credential is not one bearer token: send `Bearer`, a space and the token alone",
            ),
            Self::DuplicateCookie => (
                "duplicate_cookie",
                "the cookie was sent twice: another host or path has set one with the same name",
            ),
            Self::Size => (
                "size",
                "the token is longer than the verifier accepts: see `.max_token_bytes(…)`",
            ),
            Self::HeaderSize => (
                "header_size",
                "the token's header is longer than the verifier accepts: see `.max_header_bytes(…)`",
            ),
            Self::Segments => (
                "segments",
                "the token does not have three segments: it is not a signed JSON Web Token",
            ),
            Self::Base64 => (
                "base64",
                "a segment of the token is not base64url without padding",
            ),
            Self::Header => (
                "header",
                "the header is not one strict JSON object, or `alg`, `typ` or `kid` is not a string",
            ),
            Self::Algorithm => (
                "algorithm",
                "`alg` is not the algorithm of the key: configure the key with the algorithm that its issuer uses",
            ),
            Self::Critical => (
                "critical",
                "the header requires an extension (`crit` or `b64`), and none is supported",
            ),
            Self::Type => (
                "type",
                "`typ` is not an accepted type: name it with `.token_types(…)` if such tokens authenticate",
            ),
            Self::NoType => (
                "no_type",
                "the header has no `typ`, and `.token_types(…)` requires one",
            ),
            Self::NoKeyId => (
                "no_key_id",
                "the token has no key ID (`kid`), and no single key fits: configure its issuer to write one, or see `KeyRing::set_default_kid`",
            ),
            Self::KeyId => (
                "unknown_key",
                "no key is configured for the `kid` of the token: it was removed, or belongs to another issuer",
            ),
            Self::Signature => (
                "signature",
                "the signature does not match: the issuer signs with another key or secret",
            ),
            Self::Claims => (
                "claims",
                "the claims are not one strict JSON object: malformed, a name twice, or nested too deeply",
            ),
            Self::NoSubject => (
                "no_subject",
                "the token has no `sub`: name the claims that identify the subject with `.subject_claims(…)`",
            ),
            Self::Subject => (
                "subject",
                "the subject (`sub`) is empty, longer than 255 bytes or has control characters",
            ),
            Self::SubjectType => (
                "subject_type",
                "the subject (`sub`) is not a string: see `.numeric_subject(true)` for whole numbers",
            ),
            Self::NoExpiry => (
                "no_expiry",
                "the token has no `exp`: configure the issuer to write one",
            ),
            Self::ExpiryType => (
                "expiry_type",
                "`exp` is not a number: configure the issuer to write seconds since 1970",
            ),
            Self::ExpiryRange => (
                "expiry_range",
                "`exp` is out of range: configure the issuer to write seconds since 1970, not milliseconds",
            ),
            Self::Expired => (
                "expired",
                "the token has expired (`exp`): for clocks that differ see `.leeway(…)`",
            ),
            Self::NotBeforeType => (
                "not_before_type",
                "`nbf` is not a number: configure the issuer to write seconds since 1970",
            ),
            Self::NotBeforeRange => (
                "not_before_range",
                "`nbf` is out of range: configure the issuer to write seconds since 1970, not milliseconds",
            ),
            Self::NotYetValid => (
                "not_yet_valid",
                "the token is not valid yet (`nbf`): for clocks that differ see `.leeway(…)`",
            ),
            Self::IssuedAtType => (
                "issued_at_type",
                "`iat` is not a number: configure the issuer to write seconds since 1970",
            ),
            Self::IssuedAtRange => (
                "issued_at_range",
                "`iat` is out of range: configure the issuer to write seconds since 1970, not milliseconds",
            ),
            Self::IssuedInFuture => (
                "issued_in_future",
                "the token was issued in the future (`iat`): for clocks that differ see `.leeway(…)`",
            ),
            Self::NoIssuer => (
                "no_issuer",
                "the token has no issuer (`iss`), and the verifier requires one: see `.issuer(…)`",
            ),
            #[cfg(feature = "jwks")]
            Self::NoIssuerRule => (
                "no_issuer_rule",
                "the verifier has fetched keys, and no rule for their issuer: call `.issuer(…)`, or `.issuers(…)` for tenants",
            ),
            Self::Issuer => (
                "issuer",
                "the issuer (`iss`) is not one that the verifier accepts: it must be equal to `.issuer(…)`, character by character; for several tenants see `.issuers(…)` and `.issuer_template(…)`",
            ),
            Self::IssuerType => ("issuer_type", "the issuer (`iss`) is not a string"),
            Self::NoAudience => (
                "no_audience",
                "the token has no audience (`aud`), and the verifier requires one: configure the issuer to write it, or see `.audience_claim(…)` for another claim",
            ),
            Self::Audience => (
                "audience",
                "the audience (`aud`) is not one that the verifier accepts: it must be equal to `.audience(…)`, character by character",
            ),
            Self::UnexpectedAudience => (
                "unexpected_audience",
                "the token has an audience (`aud`) and the verifier names none: call `.audience(…)`",
            ),
            Self::AudienceType => (
                "audience_type",
                "the audience (`aud`) is not a string or an array of strings",
            ),
            Self::ScopeType => (
                "scope_type",
                "a claim of `.scope_claims(…)` is not a string or an array of strings",
            ),
            Self::RequiredClaim => (
                "required_claim",
                "a claim of `required_spec_claims` of the `Validation` is missing: configure the issuer to write it",
            ),
            Self::OtherSubject => (
                "other_subject",
                "the subject (`sub`) is not the `sub` of the `Validation`",
            ),
            Self::Ticket => (
                "ticket",
                "the ticket is unknown, already used or expired: issue another one",
            ),
            Self::TokenId => (
                "no_token_id",
                "the token has no ID to look up in the deny list: configure its issuer to write `jti`, or see `DenyList::token_key`",
            ),
            Self::Denied => ("denied", "the token is on the deny list"),
            Self::Generation => (
                "generation",
                "the token generation (`gen`) is not that of the user: the token was revoked, or its issuer does not write `gen`",
            ),
            Self::GenerationType => (
                "generation_type",
                "the token generation (`gen`) is not a whole number",
            ),
            Self::IssuedTooEarly => (
                "issued_too_early",
                "`iat` is before `AuthUser::tokens_valid_since`, for example before the account was created: log in again",
            ),
            Self::ForeignIssuer => (
                "foreign_issuer",
                "`iss` is not the issuer of the accounts: \
                 their `JwtIssuer` must write the issuer that the verifier accepts",
            ),
            Self::UnknownSubject => (
                "unknown_subject",
                "the user loader found no user for this subject",
            ),
            Self::CustomClaims => (
                "custom_claims",
                "the claims do not deserialize into the type that the application reads with `TypedClaims` or `Claims::deserialize`: compare its fields with the token",
            ),
        }
    }
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.entry().1)
    }
}

impl Error for RejectReason {}
