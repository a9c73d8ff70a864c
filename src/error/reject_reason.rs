//! Reasons for rejecting a token.

use std::error::Error;

/// The reasons, each with its stable name and its text for the log.
macro_rules! reject_reasons {
    ($($(#[$meta:meta])* $reason:ident = $code:literal: $text:literal;)+) => {
        /// Why a token was rejected. Only static texts, so that nothing that an attacker wrote
        /// reaches a client, a header or the log.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum RejectReason {
            $($(#[$meta])* $reason,)+
        }

        impl RejectReason {
            /// Stable name of the reason.
            pub(super) const fn code(self) -> &'static str {
                match self {
                    $($(#[$meta])* Self::$reason => $code,)+
                }
            }
        }

        impl_display! { RejectReason: $($(#[$meta])* Self::$reason => $text);+ }
    };
}

reject_reasons! {
    Credential = "credential":
        "the credential is not one bearer token: send `Bearer`, a space and the token alone";
    DuplicateCookie = "duplicate_cookie":
        "the cookie was sent twice: another host or path has set one with the same name";
    Size = "size": "the token is longer than the verifier accepts: see `.max_token_bytes(…)`";
    HeaderSize = "header_size":
        "the token's header is longer than the verifier accepts: see `.max_header_bytes(…)`";
    Segments = "segments":
        "the token does not have three segments: it is not a signed JSON Web Token";
    Base64 = "base64": "a segment of the token is not base64url without padding";
    Header = "header":
        "the header is not one strict JSON object, or `alg`, `typ` or `kid` is not a string";
    Algorithm = "algorithm":
        "`alg` is not the algorithm of the key: configure the key with the algorithm that its \
         issuer uses";
    Critical = "critical":
        "the header requires an extension (`crit` or `b64`), and none is supported";
    Type = "type":
        "`typ` is not an accepted type: name it with `.token_types(…)` if such tokens authenticate";
    NoType = "no_type": "the header has no `typ`, and `.token_types(…)` requires one";
    NoKeyId = "no_key_id":
        "the token has no key ID (`kid`), and no single key fits: configure its issuer to write \
         one, or see `KeyRing::set_default_kid`";
    KeyId = "unknown_key":
        "no key is configured for the `kid` of the token: it was removed, or belongs to another \
         issuer";
    Signature = "signature":
        "the signature does not match: the issuer signs with another key or secret";
    Claims = "claims":
        "the claims are not one strict JSON object: malformed, a name twice, or nested too deeply";
    NoSubject = "no_subject":
        "the token has no `sub`: name the claims that identify the subject with \
         `.subject_claims(…)`";
    Subject = "subject":
        "the subject (`sub`) is empty, longer than 255 bytes or has control characters";
    SubjectType = "subject_type":
        "the subject (`sub`) is not a string: see `.numeric_subject(true)` for whole numbers";
    NoExpiry = "no_expiry": "the token has no `exp`: configure the issuer to write one";
    ExpiryType = "expiry_type":
        "`exp` is not a number: configure the issuer to write seconds since 1970";
    ExpiryRange = "expiry_range":
        "`exp` is out of range: configure the issuer to write seconds since 1970, not milliseconds";
    Expired = "expired": "the token has expired (`exp`): for clocks that differ see `.leeway(…)`";
    NotBeforeType = "not_before_type":
        "`nbf` is not a number: configure the issuer to write seconds since 1970";
    NotBeforeRange = "not_before_range":
        "`nbf` is out of range: configure the issuer to write seconds since 1970, not milliseconds";
    NotYetValid = "not_yet_valid":
        "the token is not valid yet (`nbf`): for clocks that differ see `.leeway(…)`";
    IssuedAtType = "issued_at_type":
        "`iat` is not a number: configure the issuer to write seconds since 1970";
    IssuedAtRange = "issued_at_range":
        "`iat` is out of range: configure the issuer to write seconds since 1970, not milliseconds";
    IssuedInFuture = "issued_in_future":
        "the token was issued in the future (`iat`): for clocks that differ see `.leeway(…)`";
    NoIssuer = "no_issuer":
        "the token has no issuer (`iss`), and the verifier requires one: see `.issuer(…)`";
    #[cfg(feature = "jwks")]
    NoIssuerRule = "no_issuer_rule":
        "the verifier has fetched keys, and no rule for their issuer: call `.issuer(…)`, or \
         `.issuers(…)` for tenants";
    Issuer = "issuer":
        "the issuer (`iss`) is not one that the verifier accepts: it must be equal to \
         `.issuer(…)`, character by character; for several tenants see `.issuers(…)` and \
         `.issuer_template(…)`";
    IssuerType = "issuer_type": "the issuer (`iss`) is not a string";
    NoAudience = "no_audience":
        "the token has no audience (`aud`), and the verifier requires one: configure the issuer to \
         write it, or see `.audience_claim(…)` for another claim";
    Audience = "audience":
        "the audience (`aud`) is not one that the verifier accepts: it must be equal to \
         `.audience(…)`, character by character";
    UnexpectedAudience = "unexpected_audience":
        "the token has an audience (`aud`) and the verifier names none: call `.audience(…)`";
    AudienceType = "audience_type": "the audience (`aud`) is not a string or an array of strings";
    ScopeType = "scope_type":
        "a claim of `.scope_claims(…)` is not a string or an array of strings";
    RequiredClaim = "required_claim":
        "a claim of `required_spec_claims` of the `Validation` is missing: configure the issuer to \
         write it";
    OtherSubject = "other_subject": "the subject (`sub`) is not the `sub` of the `Validation`";
    Ticket = "ticket": "the ticket is unknown, already used or expired: issue another one";
    TokenId = "no_token_id":
        "the token has no ID to look up in the deny list: configure its issuer to write `jti`, or \
         see `DenyList::token_key`";
    Denied = "denied": "the token is on the deny list";
    SessionEnded = "session_ended":
        "the session of the token was ended or has expired: log in again";
    Generation = "generation":
        "the token generation (`gen`) is not that of the user: the token was revoked, or its \
         issuer does not write `gen`";
    GenerationType = "generation_type": "the token generation (`gen`) is not a whole number";
    IssuedTooEarly = "issued_too_early":
        "`iat` is before `AuthUser::tokens_valid_since`, for example before the account was \
         created: log in again";
    ForeignIssuer = "foreign_issuer":
        "`iss` is not the issuer of the accounts: \
         their `JwtIssuer` must write the issuer that the verifier accepts";
    NoLoginTime = "no_login_time":
        "the token does not have the time of the log-in: configure its issuer to write `auth_time`";
    LoginTooOld = "login_too_old":
        "the log-in (`auth_time`) is older than `RecentLogin` admits: the client has to log the user \
         in again";
    LoginInFuture = "login_in_future":
        "the log-in (`auth_time`) is in the future: for clocks that differ see \
         `RecentLogin::leeway`";
    UnknownSubject = "unknown_subject": "the user loader found no user for this subject";
    CustomClaims = "custom_claims":
        "the claims do not deserialize into the type that the application reads with `TypedClaims` \
         or `Claims::deserialize`: compare its fields with the token";
}

impl Error for RejectReason {}
