//! The names of the reasons for a refusal.

use std::error::Error;

use crate::error::{AuthError, AuthErrorKind, Refusal, TooLong};

/// One of a closed set, whatever was sent.
pub(super) fn reason(error: &AuthError) -> &'static str {
    match error.kind() {
        // Not disclosed, the code is that of a bad token.
        AuthErrorKind::AccountPending => return "account_pending",
        AuthErrorKind::AccountDisabled => return "account_disabled",
        _ => {}
    }
    let Some(source) = error.source() else {
        return "none";
    };
    match source.downcast_ref() {
        Some(refusal) => name(*refusal),
        None if source.is::<TooLong>() => "timeout",
        None => "none",
    }
}

const fn name(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Credential => "credential",
        Refusal::Size => "size",
        Refusal::Segments => "segments",
        Refusal::Base64 => "base64",
        Refusal::Header => "header",
        Refusal::Algorithm => "algorithm",
        Refusal::Critical => "critical",
        Refusal::Type => "type",
        Refusal::KeyId => "unknown_key",
        Refusal::Signature => "signature",
        Refusal::Claims => "claims",
        Refusal::Subject => "subject",
        Refusal::Expiry => "no_expiry",
        Refusal::Expired => "expired",
        Refusal::NotYetValid => "not_yet_valid",
        Refusal::IssuedInFuture => "issued_in_future",
        Refusal::Issuer => "issuer",
        Refusal::Audience => "audience",
        Refusal::Ticket => "ticket",
        Refusal::TokenId => "no_token_id",
        Refusal::Denied => "denied",
        Refusal::Generation => "generation",
        Refusal::UnknownSubject => "unknown_subject",
        Refusal::CustomClaims => "custom_claims",
    }
}
